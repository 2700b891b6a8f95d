//! The line of a server's log that tells most about why its last start failed, and the option that is to blame.

use super::down::{LogCause, Said};
use crate::option_file::{Occurrence, canonical_name};

/// Marks of a line, all of which it must have, and what it means.
const CAUSES: &[(&[&str], LogCause)] = &[
    (&["unknown variable"], LogCause::UnknownVariable),
    (&["unknown option"], LogCause::UnknownOption),
    (&["ambiguous option"], LogCause::AmbiguousOption),
    (&["Error while setting value"], LogCause::ImpossibleValue),
    (&["Found option without preceding group"], LogCause::NoGroup),
    (&["No space left on device"], LogCause::DiskFull),
    (&["TCP/IP port", "in use"], LogCause::PortInUse),
    (&["TCP/IP port", "ermission denied"], LogCause::PortForbidden),
    (&["TCP/IP port", "assign"], LogCause::AddressNotThere),
    (&["Address already in use"], LogCause::PortInUse),
    (&["open shared library"], LogCause::NoLibrary),
    (&["Permission denied"], LogCause::FileForbidden),
    (&["Errcode: 13"], LogCause::FileForbidden),
    (&["Unable to lock ./ibdata1"], LogCause::DataInUse),
    (&["Cannot allocate memory"], LogCause::NoMemory),
    (&["Cannot map innodb_buffer_pool_size"], LogCause::NoMemory),
    (&["is marked as crashed"], LogCause::TableDamaged),
    (&["Failed to open log"], LogCause::BinlogNotOpened),
];

/// Beginnings of messages that only follow from another one.
const FOLLOWS: &[&str] = &[
    "Aborting",
    "Plugin 'InnoDB'",
    "InnoDB: Plugin initialization aborted",
    "Unknown/unsupported storage engine",
    "Failed to initialize builtin plugins",
    "Failed to initialize DD Storage Engine",
    "Data Dictionary initialization failed",
    "Do you already have another",
    "Cannot continue operation",
    "The error means",
    "If you are installing InnoDB",
    "Failed to initialize dynamic plugins",
];

/// What only replication says: a channel never keeps a server from starting.
const REPLICATION: &[&str] =
    &["Slave", "Replica ", "slave ", "replica ", "[Repl]", "Master '", "master '", "relay log"];

/// The first line of a start, as MySQL 9, older MySQL and MariaDB say it.
const STARTS: [&str; 3] = ["MySQL Server - start", "starting as process", "Starting MariaDB"];

/// The line of the last start that tells most about why the server is down, shortened for a sentence.
///
/// Servers print dozens of lines after the one that matters, so known causes are looked for first, then the last
/// error that does not merely follow from another one.
///
/// A line that names one of the options counts more than one that names none.
pub(crate) fn last_words(log: &[String], options: &[Occurrence]) -> Option<Said> {
    let log = last_start(log);
    let line = telling(&log, options)?;
    let meaning = CAUSES.iter().find(|(marks, _)| marks.iter().all(|mark| line.contains(mark)));
    Some(Said { meaning: meaning.map(|(_, meaning)| meaning.clone()), line: shorten(line) })
}

fn telling<'l>(log: &[&'l str], options: &[Occurrence]) -> Option<&'l str> {
    let own = || log.iter().rev().copied().filter(|line| !of_replication(line));
    let known = |line: &&str| {
        let marked = CAUSES.iter().any(|(marks, _)| marks.iter().all(|mark| line.contains(mark)));
        marked && !line.contains("[Note]") && !line.contains("[Warning]")
    };
    let root = |line: &&str| {
        let message = message(line);
        line.contains("[ERROR]") && !FOLLOWS.iter().any(|f| message.starts_with(f))
    };
    let names = |line: &&str| root(line) && named(line, options).is_some();
    own()
        .find(known)
        .or_else(|| own().find(names))
        .or_else(|| own().find(root))
        .or_else(|| own().find(|line| line.contains("[ERROR]")))
}

fn of_replication(line: &str) -> bool {
    REPLICATION.iter().any(|word| line.contains(word)) && !line.contains("unknown ")
}

/// The option that the last start's words name: by its name, by a value that only it has, or by what the message is
/// about.
pub(crate) fn blamed<'o>(log: &[String], options: &'o [Occurrence]) -> Option<&'o Occurrence> {
    let log = last_start(log);
    let first = telling(&log, options)?;
    let errors = log.iter().copied().filter(|l| l.contains("[ERROR]") && !of_replication(l));
    [first].into_iter().chain(errors).find_map(|line| named(line, options))
}

/// The words that a server's program says of an option in these files, and that option. An option that it does not know and
/// that the server has, `knows` says, is one of a plugin which only a start loads; one that it adjusts keeps nobody down.
pub(crate) fn refused_by_program<'o, 's>(
    said: &'s [String],
    options: &'o [Occurrence],
    knows: impl Fn(&str) -> bool,
) -> Option<(&'s str, &'o Occurrence)> {
    let faults = said.iter().filter(|line| !line.starts_with("option '"));
    let about = faults.filter_map(|line| Some((line.as_str(), named(line, options)?)));
    { about }.find(|(line, option)| !(line.contains("unknown ") && knows(&option.name)))
}

fn named<'o>(line: &str, options: &'o [Occurrence]) -> Option<&'o Occurrence> {
    let last = |fits: &dyn Fn(&Occurrence) -> bool| options.iter().rfind(|o| fits(o));
    // `unknown variable 'name=value'`, `Error while setting value 'x' to 'name'`.
    let quoted: Vec<String> = line.split('\'').skip(1).step_by(2).map(name_of).collect();
    let plain = line.replace('-', "_");
    let about = match line {
        _ if line.contains("TCP/IP port") && line.contains("assign") => "bind_address",
        _ if line.contains("TCP/IP port") => "port",
        _ if line.contains("unix socket") => "socket",
        _ if line.contains("buffer pool") => "innodb_buffer_pool_size",
        _ => "",
    };
    last(&|o| quoted.contains(&o.name))
        .or_else(|| last(&|o| o.name == about))
        .or_else(|| last(&|o| o.name.len() > 5 && plain.contains(&o.name)))
        .or_else(|| last(&|o| o.value.as_deref().is_some_and(|v| is_telling(v) && line.contains(v))))
}

/// Whether a value is no word that lines have by chance.
fn is_telling(value: &str) -> bool {
    value.len() > 4 && (value.contains('/') || value.contains('.'))
}

fn name_of(text: &str) -> String {
    canonical_name(text.trim_start_matches('-').split('=').next().unwrap_or(text))
}

/// What was said since the last start; what stands before it is another story. Several logs may follow each other, so
/// the last start is the one with the latest time, which all of them write alike.
fn last_start(log: &[String]) -> Vec<&str> {
    let all = || log.iter().map(String::as_str);
    let begins = |line: &str| STARTS.iter().any(|mark| line.contains(mark));
    let starts = log.iter().enumerate().filter(|(_, line)| begins(line));
    let Some((last, first)) = starts.max_by_key(|(_, line)| time(line)) else { return all().collect() };
    // MySQL 9 announces a start twice.
    let same = |line: &str| begins(line) && !line.contains(STARTS[0]) && first.contains(STARTS[0]);
    let said: Vec<&str> = all().skip(last + 1).take_while(|line| !begins(line) || same(line)).collect();
    if said.iter().any(|line| line.contains("[ERROR]")) {
        return said;
    }
    // MySQL 5.6 announces it in the journal and says the rest in its log: what is as late belongs to it. A line without a time
    // goes on with the one before it.
    let mut later = false;
    let since = all().filter(|line| {
        if line.starts_with("20") {
            later = time(line) >= time(first);
        }
        later
    });
    since.collect()
}

/// What was said up to the last start.
pub(super) fn before_last_start(log: &[String]) -> &[String] {
    let start = |log: &[String]| log.iter().rposition(|line| STARTS.iter().any(|mark| line.contains(mark)));
    let Some(at) = start(log) else { return log };
    // MySQL 9 announces a start twice.
    match start(&log[..at]) {
        Some(first) if !log[at].contains(STARTS[0]) && log[first].contains(STARTS[0]) => &log[..first],
        _ => &log[..at],
    }
}

/// When a line was written, as all servers write it.
fn time(line: &str) -> String {
    line.chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// The message without date, thread, level and number.
fn message(line: &str) -> &str {
    let mut text = line.rsplit_once("[ERROR]").map_or(line, |(_, rest)| rest).trim();
    while let Some((tag, rest)) = text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        if tag.contains(' ') {
            break;
        }
        text = rest.trim_start();
    }
    text
}

/// The message, and no more of a long one than whole words.
fn shorten(line: &str) -> String {
    const MOST: usize = 300;
    let message = crate::model::without_hidden(message(line));
    if message.chars().count() <= MOST {
        return message.into_owned();
    }
    let cut: String = message.chars().take(MOST).collect();
    let whole = cut.rsplit_once(char::is_whitespace).map_or(cut.as_str(), |(whole, _)| whole);
    format!("{whole} …")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(log: &[&str]) -> Vec<String> {
        log.iter().map(|&line| line.to_owned()).collect()
    }

    #[test]
    fn what_a_program_refuses_is_neither_adjusted_nor_a_plugins() {
        let options = [
            option("max_connections", "9999999"),
            option("server_audit_logging", "ON"),
            option("nonesuch", "1"),
        ];
        let knows = |name: &str| name != "nonesuch";
        let adjusted = "option 'max_connections': unsigned value 9999999 adjusted to 100000";
        let of_plugin = "unknown variable 'server_audit_logging=ON'";
        let said = lines(&[adjusted, of_plugin]);
        assert_eq!(refused_by_program(&said, &options, knows), None);
        let said = lines(&[adjusted, of_plugin, "unknown variable 'nonesuch=1'"]);
        let (words, option) = refused_by_program(&said, &options, knows).expect("a line");
        assert_eq!((words, option.name.as_str()), ("unknown variable 'nonesuch=1'", "nonesuch"));
    }

    fn option(name: &str, value: &str) -> Occurrence {
        Occurrence {
            file: "zz-tandem.cnf".into(),
            line: 4,
            group: "mysqld".into(),
            name: name.into(),
            value: Some(value.into()),
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
            let said = last_words(&lines(&log), &[]).and_then(|said| said.meaning);
            assert_eq!(said, Some(LogCause::PortInUse));
        }
    }

    #[test]
    fn the_line_that_names_the_setting_counts_more_than_those_that_follow_from_it() {
        let options = [
            option("innodb_buffer_pool_size", "900G"),
            option("port", "22"),
            option("innodb_data_home_dir", "/nonexistent"),
            option("plugin_load_add", "nope.so"),
            option("innodb_page_size", "8192"),
        ];
        for (log, telling, meaning, blame) in [
            (
                &[
                    "2026-11-28  1:15:27 0 [ERROR] mariadbd: Out of memory (Needed 0 bytes)",
                    "2026-11-28  1:15:27 0 [ERROR] InnoDB: Cannot map innodb_buffer_pool_size_max=8388608m",
                    "2026-11-28  1:15:27 0 [ERROR] InnoDB: Plugin initialization aborted with error Generic error",
                    "2026-11-28  1:15:27 0 [ERROR] Plugin 'InnoDB' registration as a STORAGE ENGINE failed.",
                    "2026-11-28  1:15:27 0 [ERROR] Unknown/unsupported storage engine: InnoDB",
                    "2026-11-28  1:15:27 0 [ERROR] Aborting",
                ][..],
                "InnoDB: Cannot map",
                Some(LogCause::NoMemory),
                0,
            ),
            (
                &[
                    "T 0 [ERROR] [MY-010262] [Server] Can't start server: Bind on TCP/IP port: Permission denied",
                    "T 0 [ERROR] [MY-010257] [Server] Do you already have another mysqld server running on port: 22 ?",
                    "T 0 [ERROR] [MY-010119] [Server] Aborting",
                ],
                "Can't start",
                Some(LogCause::PortForbidden),
                1,
            ),
            (
                &[
                    "T 1 [ERROR] [MY-012594] [InnoDB] If you are installing InnoDB, remember that you must create directories",
                    "T 1 [ERROR] [MY-012646] [InnoDB] File /nonexistent/ibdata1: 'open' returned OS error 71. Cannot continue operation",
                    "T 1 [ERROR] [MY-012981] [InnoDB] Cannot continue operation.",
                ],
                "File /nonexistent/ibdata1",
                None,
                2,
            ),
            (
                &[
                    "T 0 [ERROR] InnoDB: Data file './ibdata1' uses page size 16384, but the innodb_page_size start-up parameter is 8192",
                    "T 0 [ERROR] InnoDB: The data file './ibdata1' has the wrong space ID. It should be 0, but 0 was found",
                    "T 0 [ERROR] InnoDB: Plugin initialization aborted with error Data structure corruption",
                ],
                "InnoDB: Data file './ibdata1' uses page size",
                None,
                4,
            ),
            (
                &["[ERROR] mariadbd: Can't open shared library '/usr/lib/mysql/plugin/nope.so' (errno: 2)"],
                "mariadbd: Can't open shared library",
                Some(LogCause::NoLibrary),
                3,
            ),
        ] {
            let log = lines(log);
            let said = last_words(&log, &options).expect("it says something");
            assert!(said.line.starts_with(telling), "{said:?}");
            assert_eq!((said.meaning, blamed(&log, &options)), (meaning, Some(&options[blame])));
        }
    }

    #[test]
    fn a_start_is_announced_in_the_journal_and_its_errors_stand_in_the_log() {
        let log = lines(&[
            "2026-11-30 03:49:29 698 [ERROR] An older story",
            "2026-11-30 03:49:42 6306 [ERROR] InnoDB: Data file ./ibdata1 is of a different size 768 pages",
            "2026-11-30 03:49:42 6306 [ERROR] InnoDB: you should now edit innodb_data_file_path in my.cnf back to what it was",
            "2026-11-30 03:49:42 6306 [ERROR] Aborting",
            "2026-11-30 03:49:42 0 [Note] /usr/local/mysql/bin/mysqld (mysqld 5.6.24-log) starting as process 6306 ...",
        ]);
        let options = [option("innodb_data_file_path", "ibdata1:5000M")];
        assert_eq!(blamed(&log, &options), Some(&options[0]));
        assert!(last_words(&log, &[]).is_some_and(|said| said.line.contains("you should now edit")));
        assert!(!last_start(&log).iter().any(|line| line.contains("older")));
    }

    #[test]
    fn replication_is_never_the_cause_and_words_stay_whole() {
        let log = lines(&[
            "[ERROR] Slave I/O: error connecting to master 'repl_user@10.77.0.11:3306'",
            "[ERROR] [MY-010584] [Repl] Replica I/O for channel '': Error connecting to source",
        ]);
        assert_eq!(last_words(&log, &[]), None);
        let long = lines(&[&format!("[ERROR] {}", "word ".repeat(100))]);
        assert!(last_words(&long, &[]).is_some_and(|said| said.line.ends_with("word …")));
    }
}
