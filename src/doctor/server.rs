//! Why a server is down: how its unit ended, then its last words, its option files and its disk.

use super::{
    blamed,
    down::{End, EndCause, FailedStart, FullDisk, OtherOwner, WhyDown},
    last_words::{before_last_start, last_words},
};
use crate::{
    observe::{DiskFacts, DownFacts, Ended, HostFacts, Log, ServiceFacts},
    option_file::Occurrence,
};

/// Below this a server can't start: it extends its logs and temporary tables at once.
pub(crate) const FULL: u64 = 32 << 20;

/// Why the server of a host is down: what systemd says of its end, what its last words say, the place of the option that
/// is to blame, a data directory that belongs to somebody else, and a disk that is full.
pub(crate) fn explain_down(facts: &HostFacts) -> Option<WhyDown> {
    let service = facts.service.known();
    let down = facts.down.as_ref();
    let log = down.map(telling_log).unwrap_or_default();
    let options = options(facts);
    let disk = facts.disk.known();
    let full = disk.filter(|disk| disk.free < FULL);
    let why = WhyDown {
        end: down.and_then(|down| end(service, down)),
        said: last_words(&log, &options),
        option: blamed(&log, &options).map(|option| (option.file.clone(), option.line)),
        disk: full.map(|disk| FullDisk { free: disk.free, datadir: disk.datadir.clone() }),
        owner: disk.zip(service).and_then(|(disk, service)| other_owner(disk, service)),
    };
    why.is_known().then_some(why)
}

fn other_owner(disk: &DiskFacts, service: &ServiceFacts) -> Option<OtherOwner> {
    let DiskFacts { datadir, owner, .. } = disk;
    let user = &service.user;
    let other = !user.is_empty() && !owner.is_empty() && owner != user;
    other.then(|| OtherOwner { datadir: datadir.clone(), owner: owner.clone(), user: user.clone() })
}

/// Why a server did not come up: how it ended, and what it said. `options` are those that may be to blame.
pub(crate) fn explain_failed_start(ended: &Ended, said: &[String], options: &[Occurrence]) -> FailedStart {
    let end = match ended {
        Ended { late: true, .. } => Some(EndCause::Late),
        Ended { shut: true, .. } => Some(EndCause::LetsNobodyIn),
        _ => ended_cause(ended),
    };
    FailedStart { said: last_words(said, options), end }
}

/// The option that the last words of a server that is down are about.
pub(crate) fn blamed_in_files(facts: &HostFacts) -> Option<Occurrence> {
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
    if !down.failed() && down.sub_state != "start" {
        return Vec::new();
    }
    let of_last_start = |log: &&Log| {
        log.written == 0.0 || down.started.is_none_or(|started| log.written + ROUNDED >= started)
    };
    let logs: Vec<&[String]> =
        down.logs.iter().filter(of_last_start).map(|log| log.lines.as_slice()).collect();
    let says = |lines: &&[String]| last_words(lines, &[]).is_some();
    // The one that systemd has just begun has not come to the point at which the one before has ended.
    let before = || match down.restarts {
        0 => None,
        _ => logs.iter().map(|lines| before_last_start(lines)).find(says),
    };
    logs.iter().copied().find(says).or_else(before).unwrap_or_default().to_vec()
}

/// How it came that the unit does not run.
fn end(service: Option<&ServiceFacts>, down: &DownFacts) -> Option<End> {
    let service = service?;
    let unit = &service.unit;
    let once = |cause| Some(End { cause, again: false });
    if service.masked {
        return once(EndCause::Masked { unit: unit.clone() });
    }
    let waits = down.sub_state == "auto-restart";
    let again = waits || down.restarts > 0;
    if service.active == "activating" && !waits {
        return Some(End { cause: EndCause::Starting, again });
    }
    if let Some(line) =
        down.systemd.last().filter(|l| l.contains("'dependency'") || l.contains("Dependency failed"))
    {
        return once(EndCause::NeededUnit { line: line.clone() });
    }
    if down.condition_failed {
        return once(EndCause::Condition { unit: unit.clone() });
    }
    let cause = match down.ended.result.as_str() {
        "success" | "" => stopped(service, down)?,
        _ if down.systemd.iter().any(|l| l.contains("OOM killer")) => EndCause::OutOfMemory,
        _ => ended_cause(&down.ended)?,
    };
    Some(End { cause, again: waits })
}

fn stopped(service: &ServiceFacts, down: &DownFacts) -> Option<EndCause> {
    if service.active != "inactive" {
        return None;
    }
    if down.since.is_empty() && down.started.is_none() {
        let disabled = (down.unit_file == "disabled").then(|| service.unit.clone());
        return Some(EndCause::NotStarted { disabled });
    }
    // `Sat 2026-11-28 01:15:27 UTC`
    let since = down.since.split_once(' ').map_or(down.since.as_str(), |(_, time)| time);
    Some(EndCause::Stopped { since: since.to_owned() })
}

fn ended_cause(ended: &Ended) -> Option<EndCause> {
    let process = match ended.code {
        1 => Some(EndCause::Exited { status: ended.status }),
        2 | 3 => Some(EndCause::Signalled { signal: ended.status }),
        _ => None,
    };
    match ended.result.as_str() {
        "" | "success" => None,
        "oom-kill" => Some(EndCause::OutOfMemory),
        "core-dump" => Some(EndCause::Crashed { signal: ended.status }),
        "timeout" => Some(EndCause::TooLong),
        "watchdog" => Some(EndCause::NoSign),
        "start-limit-hit" => Some(EndCause::GivenUp { last: process.map(Box::new) }),
        "exit-code" | "signal" => process,
        other => Some(EndCause::Other { result: other.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{doctor::LogCause, model::Fact, option_file::Files};

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
                ended: Ended { result: result.into(), code: 1, status: 7, ..Ended::default() },
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
        let why = explain_down(&facts).expect("it is down");
        let said = why.said.as_ref().expect("its log says why");
        assert_eq!(
            (why.code(), said.meaning.as_ref()),
            (Some("variable-not-known"), Some(&LogCause::UnknownVariable))
        );
        assert_eq!(said.line, "/usr/sbin/mariadbd: unknown variable 'innodb_bufer_pool_size=1G'");
        assert_eq!(why.end, Some(End { cause: EndCause::Exited { status: 7 }, again: false }));
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
        let why = explain_down(&facts).expect("it is down");
        let datadir = || "/var/lib/mysql".to_owned();
        assert_eq!(why.option, Some(("/etc/mysql/x.cnf".into(), 3)));
        assert_eq!(why.disk, Some(FullDisk { free: 4096, datadir: datadir() }));
        let owner = OtherOwner { datadir: datadir(), owner: "root".into(), user: "mysql".into() };
        assert_eq!((why.owner.as_ref(), why.code()), (Some(&owner), Some("data-of-another-user")));
        let disk_alone = WhyDown { owner: None, ..why };
        assert_eq!(disk_alone.code(), Some("disk-full"));
    }

    #[test]
    fn a_log_of_an_earlier_start_explains_nothing() {
        let mut facts = facts("signal", &["[ERROR] mariadbd: No space left on device"]);
        let down = facts.down.as_mut().expect("it is down");
        down.logs[0].written = 900.0;
        down.ended = Ended { result: "signal".into(), code: 2, status: 9, ..Ended::default() };
        let why = explain_down(&facts).expect("it is down");
        assert_eq!((why.said.as_ref(), why.code()), (None, Some("server-killed")));
    }

    #[test]
    fn a_server_that_is_started_again_and_again_is_explained_by_the_start_before() {
        let mut facts = facts(
            "success",
            &[
                "2026-01-01T10:00:00Z 0 [System] MySQL Server - start.",
                "2026-01-01T10:00:00Z 0 [System] mysqld starting as process 7",
                "2026-01-01T10:00:01Z 1 [ERROR] [InnoDB] Failed to list redo log files in the redo log directory /nowhere/",
                "2026-01-01T10:00:02Z 0 [System] MySQL Server - start.",
                "2026-01-01T10:00:02Z 0 [System] mysqld starting as process 8",
            ],
        );
        if let Fact::Known(service) = &mut facts.service {
            service.active = "activating".into();
        }
        let down = facts.down.as_mut().expect("it is down");
        down.sub_state = "start-pre".into();
        assert!(!down.failed());
        down.restarts = 2;
        assert!(down.failed());
        let why = explain_down(&facts).expect("it is down");
        assert_eq!(why.end, Some(End { cause: EndCause::Starting, again: true }));
        assert!(why.said.is_some_and(|said| said.line.contains("/nowhere/")));
    }

    #[test]
    fn a_server_that_somebody_stopped_is_no_riddle() {
        assert_eq!(explain_down(&HostFacts::default()), None);
        let stopped =
            facts("success", &["[ERROR] Slave I/O: error connecting", "[ERROR] disk", "Shutdown complete"]);
        let cause = EndCause::Stopped { since: "2026-11-28 01:15:27 UTC".into() };
        let why = WhyDown { end: Some(End { cause, again: false }), ..WhyDown::default() };
        assert_eq!(explain_down(&stopped), Some(why));
    }

    #[test]
    fn each_result_of_a_unit_has_its_cause() {
        let cause = |change: &dyn Fn(&mut HostFacts)| {
            let mut facts = facts("exit-code", &[]);
            change(&mut facts);
            explain_down(&facts).and_then(|why| why.end).map(|end| end.cause)
        };
        let result = |name: &'static str| {
            cause(&move |f| {
                if let Some(down) = &mut f.down {
                    down.ended.result = name.into();
                }
            })
        };
        assert_eq!(result("oom-kill"), Some(EndCause::OutOfMemory));
        assert_eq!(result("timeout"), Some(EndCause::TooLong));
        assert_eq!(result("core-dump"), Some(EndCause::Crashed { signal: 7 }));
        assert_eq!(result("resources"), Some(EndCause::Other { result: "resources".into() }));
        let last = Some(Box::new(EndCause::Exited { status: 7 }));
        assert_eq!(result("start-limit-hit"), Some(EndCause::GivenUp { last }));
        let masked = cause(&|f| {
            if let Fact::Known(service) = &mut f.service {
                service.masked = true;
            }
        });
        assert_eq!(masked, Some(EndCause::Masked { unit: "mariadb.service".into() }));
    }
}
