//! Why a server is down: how its unit ended, then its last words, its option files and its disk.

use super::{blamed, last_words};
use crate::{
    model::{bytes, visible},
    observe::{DownFacts, Ended, HostFacts, Log, ServiceFacts},
    option_file::Occurrence,
};

/// Below this a server can't start: it extends its logs and temporary tables at once.
pub const FULL: u64 = 32 << 20;

/// Why the server of a host is down: what systemd says of its end, what its last words say, the place of the option that
/// is to blame, a data directory that belongs to somebody else, and a disk that is full.
pub fn explain_down(facts: &HostFacts) -> Option<String> {
    let service = facts.service.known();
    let down = facts.down.as_ref();
    let mut parts: Vec<String> = down.and_then(|down| end(service, down)).into_iter().collect();
    let log = down.map(telling_log).unwrap_or_default();
    let options = options(facts);
    parts.extend(last_words(&log, &options));
    parts.extend(blamed(&log, &options).map(|o| format!("it stands in {}:{}", o.file, o.line)));
    if let Some(disk) = facts.disk.known() {
        if disk.free < FULL {
            parts.push(format!("the disk has {} free at {}", bytes(disk.free), disk.datadir));
        }
        let user = service.map_or("", |service| service.user.as_str());
        if !user.is_empty() && !disk.owner.is_empty() && disk.owner != user {
            parts.push(format!(
                "{0} belongs to {1}, and the server runs as {user}: chown -R {user}: {0}",
                disk.datadir,
                visible(&disk.owner)
            ));
        }
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Why a server did not come up: how it ended, and what it said. `options` are those that may be to blame.
pub fn explain_failed_start(ended: &Ended, said: &[String], options: &[Occurrence]) -> String {
    let how = match (ended.late, ended_words(ended)) {
        (true, _) => Some("it did not come up within the limit (restart_wait)".to_owned()),
        (false, how) => how,
    };
    let parts: Vec<String> = last_words(said, options).into_iter().chain(how).collect();
    match parts.is_empty() {
        true => "it does not come up, and neither its log nor systemd says why".to_owned(),
        false => parts.join("; "),
    }
}

/// The option that the last words of a server that is down are about.
pub fn blamed_in_files(facts: &HostFacts) -> Option<Occurrence> {
    blamed(&telling_log(facts.down.as_ref()?), &options(facts)).cloned()
}

fn options(facts: &HostFacts) -> Vec<Occurrence> {
    facts.option_files.known().map(|files| files.occurrences(facts.version())).unwrap_or_default()
}

/// The log in which the last start's words stand. One that was not written to since then is about another start; and a
/// server that was stopped in order has nothing to explain.
fn telling_log(down: &DownFacts) -> Vec<String> {
    // systemd and the file system round differently.
    const ROUNDED: f64 = 2.0;
    if matches!(down.ended.result.as_str(), "success") && down.sub_state != "start" {
        return Vec::new();
    }
    let of_last_start = |log: &&Log| {
        log.written == 0.0 || down.started.is_none_or(|started| log.written + ROUNDED >= started)
    };
    let mut logs = down.logs.iter().filter(of_last_start);
    logs.find(|log| last_words(&log.lines, &[]).is_some()).map(|log| log.lines.clone()).unwrap_or_default()
}

/// How it came that the unit does not run.
fn end(service: Option<&ServiceFacts>, down: &DownFacts) -> Option<String> {
    let service = service?;
    let unit = &service.unit;
    if service.masked {
        return Some(format!("{unit} is masked, so nothing can start it: systemctl unmask {unit}"));
    }
    if service.active == "activating" && down.sub_state != "auto-restart" {
        return Some("it is starting, and does not answer yet".to_owned());
    }
    if let Some(line) =
        down.systemd.last().filter(|l| l.contains("'dependency'") || l.contains("Dependency failed"))
    {
        return Some(format!("a unit that it needs has failed ({line})"));
    }
    if down.condition_failed {
        return Some(format!("a condition of {unit} did not hold, so it was not started"));
    }
    let how = match down.ended.result.as_str() {
        "success" | "" => stopped(service, down)?,
        _ if down.systemd.iter().any(|l| l.contains("OOM killer")) => OOM.to_owned(),
        _ => ended_words(&down.ended)?,
    };
    Some(match down.sub_state.as_str() {
        "auto-restart" => format!("{how}, and systemd starts it again and again"),
        _ => how,
    })
}

const OOM: &str = "the kernel ended it because memory ran out (oom-kill)";

fn stopped(service: &ServiceFacts, down: &DownFacts) -> Option<String> {
    if service.active != "inactive" {
        return None;
    }
    let unit = &service.unit;
    if down.since.is_empty() && down.started.is_none() {
        let why = match down.unit_file.as_str() {
            "disabled" => format!(", since {unit} does not start at boot (disabled)"),
            _ => String::new(),
        };
        return Some(format!("it was not started since the host's boot{why}"));
    }
    // `Sat 2026-11-28 01:15:27 UTC`
    let since = down.since.split_once(' ').map_or(down.since.as_str(), |(_, time)| time);
    Some(format!("it was stopped at {since}, and nobody has started it again"))
}

fn ended_words(ended: &Ended) -> Option<String> {
    let process = match ended.code {
        1 => Some(format!("it ended with exit status {}", ended.status)),
        2 | 3 => Some(match ended.status {
            9 => "it was killed by signal 9 (SIGKILL), by somebody or because memory ran out".to_owned(),
            signal => format!("it was ended by signal {signal}{}", signal_name(signal)),
        }),
        _ => None,
    };
    match ended.result.as_str() {
        "" | "success" => None,
        "oom-kill" => Some(OOM.to_owned()),
        "core-dump" => Some(format!("it crashed with signal {}{}", ended.status, signal_name(ended.status))),
        "timeout" => Some("systemd ended it, since it took longer than its unit allows (timeout)".to_owned()),
        "watchdog" => Some("systemd ended it, since it gave no sign of life (watchdog)".to_owned()),
        "start-limit-hit" => {
            let last = process.map(|p| format!("; the last time {p}")).unwrap_or_default();
            Some(format!(
                "it failed several times in a row, and systemd has given up (start-limit-hit){last}"
            ))
        }
        "exit-code" | "signal" => process,
        other => Some(format!("systemd says: {other}")),
    }
}

fn signal_name(signal: u32) -> &'static str {
    match signal {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        11 => " (SIGSEGV)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Fact, observe::DiskFacts, option_file::Files};

    fn facts(result: &str, log: &[&str]) -> HostFacts {
        let lines = log.iter().map(|&line| line.to_owned()).collect();
        let failed = result != "success";
        HostFacts {
            service: Fact::Known(ServiceFacts {
                unit: "mariadb.service".into(),
                active: if failed { "failed" } else { "inactive" }.into(),
                user: "mysql".into(),
                ..ServiceFacts::default()
            }),
            down: Some(DownFacts {
                sub_state: if failed { "failed" } else { "dead" }.into(),
                ended: Ended { result: result.into(), code: 1, status: 7, late: false },
                since: "Sat 2026-11-28 01:15:27 UTC".into(),
                started: Some(1000.0),
                logs: vec![Log { path: "/x".into(), written: 1000.0, lines }],
                ..DownFacts::default()
            }),
            ..HostFacts::default()
        }
    }

    #[test]
    fn the_cause_is_found_behind_the_noise_of_the_last_start() {
        let mut facts = facts(
            "exit-code",
            &[
                "2025-01-01 10:00:00 0 [Note] Starting MariaDB",
                "2025-01-01 10:00:00 0 [ERROR] mariadbd: No space left on device",
                "2026-01-01 10:00:00 0 [Note] Starting MariaDB",
                "2026-01-01 10:00:00 0 [ERROR] /usr/sbin/mariadbd: unknown variable 'innodb_bufer_pool_size=1G'",
                "2026-01-01 10:00:00 0 [ERROR] Aborting",
            ],
        );
        let said = explain_down(&facts).unwrap_or_default();
        assert!(said.contains("does not know") && !said.contains("disk"), "{said}");
        assert!(said.contains("innodb_bufer_pool_size") && said.contains("exit status 7"), "{said}");
        facts.option_files = Fact::Known(Files {
            files: vec![("/etc/mysql/x.cnf".into(), b"[mysqld]\n\ninnodb_bufer_pool_size=1G\n".to_vec())],
            ..Files::default()
        });
        facts.disk = Fact::Known(DiskFacts {
            datadir: "/var/lib/mysql".into(),
            free: 4096,
            total: 1 << 30,
            owner: "root".into(),
            file_system: "ext2/ext3".into(),
            renamable: true,
        });
        let said = explain_down(&facts).unwrap_or_default();
        for part in [
            "it stands in /etc/mysql/x.cnf:3",
            "4.0 KiB free",
            "/var/lib/mysql belongs to root, and the server runs as mysql: chown -R mysql: /var/lib/mysql",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }

    #[test]
    fn a_log_of_an_earlier_start_explains_nothing() {
        let mut facts = facts("signal", &["[ERROR] mariadbd: No space left on device"]);
        let down = facts.down.as_mut().expect("it is down");
        down.logs[0].written = 900.0;
        down.ended = Ended { result: "signal".into(), code: 2, status: 9, late: false };
        let said = explain_down(&facts).unwrap_or_default();
        assert!(said.contains("SIGKILL") && !said.contains("disk"), "{said}");
    }

    #[test]
    fn a_server_that_somebody_stopped_is_no_riddle() {
        assert_eq!(explain_down(&HostFacts::default()), None);
        let stopped =
            facts("success", &["[ERROR] Slave I/O: error connecting", "[ERROR] disk", "Shutdown complete"]);
        let said = explain_down(&stopped).unwrap_or_default();
        assert_eq!(said, "it was stopped at 2026-11-28 01:15:27 UTC, and nobody has started it again");
    }

    #[test]
    fn each_result_of_a_unit_has_its_words() {
        let words = |change: &dyn Fn(&mut HostFacts)| {
            let mut facts = facts("exit-code", &[]);
            change(&mut facts);
            explain_down(&facts).unwrap_or_default()
        };
        let result = |name: &'static str| {
            words(&move |f| {
                if let Some(down) = &mut f.down {
                    down.ended.result = name.into();
                }
            })
        };
        assert!(result("oom-kill").contains("memory ran out"));
        assert!(result("timeout").contains("timeout"));
        assert!(result("start-limit-hit").contains("exit status 7"));
        let masked = words(&|f| {
            if let Fact::Known(service) = &mut f.service {
                service.masked = true;
            }
        });
        assert!(masked.contains("systemctl unmask mariadb.service"), "{masked}");
    }
}
