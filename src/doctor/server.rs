//! Why a server does not start: out of its last words, its option files and its disk.

use crate::{
    model::bytes,
    observe::DiskFacts,
    option_file::{Occurrence, canonical_name},
};

/// The line of an error log that tells most about why the server is down, shortened for a sentence.
///
/// Servers print dozens of lines after the one that matters, so known causes are looked for first,
/// then the last line that is marked as an error.
pub fn explain_down(log: &[String]) -> Option<String> {
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
    for line in log.iter().rev() {
        if let Some((_, cause)) = CAUSES.iter().find(|(mark, _)| line.contains(mark)) {
            return Some(format!("{cause} ({})", shorten(line)));
        }
    }
    log.iter().rev().find(|line| line.contains("[ERROR]")).map(|line| shorten(line))
}

/// The same with what the host says of it: the place of the option that is to blame, and a disk that is full.
pub fn explain_down_on_host(
    log: &[String],
    options: &[Occurrence],
    disk: Option<&DiskFacts>,
) -> Option<String> {
    let mut parts: Vec<String> = explain_down(log).into_iter().collect();
    // `unknown variable 'name=value'`, `Error while setting value 'x' to 'name'`.
    let quoted: Vec<String> =
        parts.iter().flat_map(|p| p.split('\'').skip(1).step_by(2)).map(canonical_name_of).collect();
    if let Some(option) = options.iter().rfind(|o| quoted.contains(&o.name)) {
        parts.push(format!("it stands in {}:{}", option.file, option.line));
    }
    if let Some(disk) = disk.filter(|d| d.free < FULL) {
        parts.push(format!("{} has {} free at {}", "the disk", bytes(disk.free), disk.datadir));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

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

    #[test]
    fn the_cause_is_found_behind_the_noise() {
        let log: Vec<String> = [
            "2026-01-01 10:00:00 0 [Note] Starting MariaDB",
            "2026-01-01 10:00:00 0 [ERROR] /usr/sbin/mariadbd: unknown variable 'innodb_bufer_pool_size=1G'",
            "2026-01-01 10:00:00 0 [ERROR] Aborting",
        ]
        .map(String::from)
        .into();
        let said = explain_down(&log).unwrap_or_default();
        assert!(said.contains("does not know"), "{said}");
        assert!(said.contains("innodb_bufer_pool_size"), "{said}");
        assert_eq!(explain_down(&[]), None);
        let place = Occurrence {
            file: "/etc/mysql/conf.d/x.cnf".into(),
            line: 3,
            group: "mysqld".into(),
            name: "innodb_bufer_pool_size".into(),
            value: Some("1G".into()),
        };
        let disk = DiskFacts { datadir: "/var/lib/mysql".into(), free: 4096, total: 1 << 30 };
        let said = explain_down_on_host(&log, &[place], Some(&disk)).unwrap_or_default();
        assert!(
            said.contains("it stands in /etc/mysql/conf.d/x.cnf:3") && said.contains("4.0 KiB free"),
            "{said}"
        );
    }
}
