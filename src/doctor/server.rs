//! Why a server does not start: out of its last words, its option files and its disk.

use crate::{
    model::{bytes, visible},
    observe::HostFacts,
    option_file::canonical_name,
};

/// Why the server of a host is down: what its last words say, the place of the option that is to blame, a data
/// directory that belongs to somebody else, and a disk that is full.
pub fn explain_down(facts: &HostFacts) -> Option<String> {
    let mut parts: Vec<String> = last_words(&facts.error_log).into_iter().collect();
    // `unknown variable 'name=value'`, `Error while setting value 'x' to 'name'`.
    let quoted: Vec<String> =
        parts.iter().flat_map(|p| p.split('\'').skip(1).step_by(2)).map(canonical_name_of).collect();
    let options = facts.option_files.known().map(|files| files.occurrences(None)).unwrap_or_default();
    if let Some(option) = options.iter().rfind(|o| quoted.contains(&o.name)) {
        parts.push(format!("it stands in {}:{}", option.file, option.line));
    }
    let service = facts.service.known();
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
    let stopped = service.is_some_and(|s| s.active == "inactive" && s.result == "success");
    if parts.is_empty() && stopped {
        let unit = service.map_or("", |s| s.unit.as_str());
        parts.push(format!("it was stopped, and nobody has started it again: systemctl start {unit}"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The line of the last start that tells most about why the server is down, shortened for a sentence.
///
/// Servers print dozens of lines after the one that matters, so known causes are looked for first,
/// then the last line that is marked as an error.
pub fn last_words(log: &[String]) -> Option<String> {
    const CAUSES: &[(&str, &str)] = &[
        ("unknown variable", "an option file has a variable that this server does not know"),
        ("unknown option", "an option file has an option that this server does not know"),
        ("ambiguous option", "an option file has an option that could mean two"),
        ("Error while setting value", "an option file has an impossible value"),
        ("Found option without preceding group", "an option file has a line before its first group"),
        ("No space left on device", "the disk is full"),
        ("Permission denied", "a file may not be read or written by the server"),
        ("Errcode: 13", "a file may not be read or written by the server"),
        ("Address already in use", "another program listens at its port"),
        ("Unable to lock ./ibdata1", "another server runs on the same data directory"),
        ("Cannot allocate memory", "there is not enough memory"),
        ("is marked as crashed", "a system table is damaged"),
        ("Failed to open log", "its binary log or index can't be opened"),
    ];
    let log = last_start(log);
    for line in log.iter().rev() {
        if let Some((_, cause)) = CAUSES.iter().find(|(mark, _)| line.contains(mark)) {
            return Some(format!("{cause} ({})", shorten(line)));
        }
    }
    log.iter().rev().find(|line| line.contains("[ERROR]")).map(|line| shorten(line))
}

/// What was said since the last start; what stands before it is another story. Several logs follow each other, so
/// the last start is the one with the latest time, which all of them write alike.
fn last_start(log: &[String]) -> &[String] {
    let begins = |line: &String| STARTS.iter().any(|mark| line.contains(mark));
    let time =
        |line: &String| line.chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect::<String>();
    let starts = log.iter().enumerate().filter(|(_, line)| begins(line));
    let Some((last, _)) = starts.max_by_key(|(_, line)| time(line)) else { return log };
    let rest = &log[last + 1..];
    &rest[..rest.iter().position(begins).unwrap_or(rest.len())]
}

/// The first line of a start, as MySQL 9, older MySQL and MariaDB say it.
const STARTS: [&str; 3] = ["MySQL Server - start", "starting as process", "Starting MariaDB"];

/// Below this a server can't start: it extends its logs and temporary tables at once.
const FULL: u64 = 32 << 20;

fn canonical_name_of(text: &str) -> String {
    canonical_name(text.trim_start_matches('-').split('=').next().unwrap_or(text))
}

/// The message without date, thread and level.
fn shorten(line: &str) -> String {
    let message = line.rsplit_once("[ERROR]").map_or(line, |(_, rest)| rest).trim();
    message.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Fact,
        observe::{DiskFacts, ServiceFacts},
        option_file::Files,
    };

    fn facts(log: &[&str]) -> HostFacts {
        HostFacts { error_log: log.iter().map(|&line| line.to_owned()).collect(), ..HostFacts::default() }
    }

    #[test]
    fn the_cause_is_found_behind_the_noise_of_the_last_start() {
        let mut facts = facts(&[
            "2025-01-01 10:00:00 0 [Note] Starting MariaDB",
            "2025-01-01 10:00:00 0 [ERROR] mariadbd: No space left on device",
            "2026-01-01 10:00:00 0 [Note] Starting MariaDB",
            "2026-01-01 10:00:00 0 [ERROR] /usr/sbin/mariadbd: unknown variable 'innodb_bufer_pool_size=1G'",
            "2026-01-01 10:00:00 0 [ERROR] Aborting",
        ]);
        let said = explain_down(&facts).unwrap_or_default();
        assert!(said.contains("does not know") && !said.contains("disk"), "{said}");
        assert!(said.contains("innodb_bufer_pool_size"), "{said}");
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
        facts.service = Fact::Known(ServiceFacts { user: "mysql".into(), ..ServiceFacts::default() });
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
    fn the_last_start_stands_in_either_log() {
        let (old, new) = ("2026-01-01T10:00:00.1Z 0 [System]", "2026-01-01T11:00:00.1Z 0 [System]");
        let start = "[MY-015015] [Server] MySQL Server - start.";
        let file = [&format!("{new} {start}"), "[ERROR] Bind on TCP/IP port: Address already in use"];
        let journal =
            [&format!("{old} {start}"), "[ERROR] Failed to set datadir (Permission denied)", "failed"];
        for log in [[&file[..], &journal[..]].concat(), [&journal[..], &file[..]].concat()] {
            let said = explain_down(&facts(&log)).unwrap_or_default();
            assert!(said.contains("another program listens at its port"), "{said}");
        }
    }

    #[test]
    fn a_server_that_somebody_stopped_is_no_riddle() {
        assert_eq!(explain_down(&facts(&[])), None);
        let mut stopped = facts(&["[Server] /usr/sbin/mysqld: Shutdown complete"]);
        stopped.service = Fact::Known(ServiceFacts {
            active: "inactive".into(),
            result: "success".into(),
            ..ServiceFacts::default()
        });
        assert!(explain_down(&stopped).unwrap_or_default().contains("was stopped"));
    }
}
