//! The sentences about servers that are down.

use super::*;
use crate::doctor::{End, FullDisk, OtherOwner};

#[test]
fn each_end_of_a_unit_has_its_words() {
    let unit = || "mariadb.service".to_owned();
    let last = || Some(Box::new(EndCause::Exited { status: 7 }));
    for (cause, words) in [
        (
            EndCause::Masked { unit: unit() },
            "mariadb.service is masked, so nothing can start it: systemctl unmask mariadb.service",
        ),
        (EndCause::Starting, "it is starting, and does not answer yet"),
        (EndCause::NeededUnit { line: "x".into() }, "a unit that it needs has failed (x)"),
        (
            EndCause::Condition { unit: unit() },
            "a condition of mariadb.service did not hold, so it was not started",
        ),
        (EndCause::NotStarted { disabled: None }, "it was not started since the host's boot"),
        (
            EndCause::NotStarted { disabled: Some(unit()) },
            "it was not started since the host's boot, since mariadb.service does not start at boot (disabled)",
        ),
        (
            EndCause::Stopped { since: "01:15:27".into() },
            "it was stopped at 01:15:27, and nobody has started it again",
        ),
        (EndCause::OutOfMemory, "the kernel ended it because memory ran out (oom-kill)"),
        (EndCause::Exited { status: 7 }, "it ended with exit status 7"),
        (
            EndCause::Signalled { signal: 9 },
            "it was killed by signal 9 (SIGKILL), by somebody or because memory ran out",
        ),
        (EndCause::Signalled { signal: 15 }, "it was ended by signal 15 (SIGTERM)"),
        (EndCause::Crashed { signal: 11 }, "it crashed with signal 11 (SIGSEGV)"),
        (EndCause::TooLong, "systemd ended it, since it took longer than its unit allows (timeout)"),
        (EndCause::NoSign, "systemd ended it, since it gave no sign of life (watchdog)"),
        (
            EndCause::GivenUp { last: last() },
            "it failed several times in a row, and systemd has given up (start-limit-hit); the last time it ended with \
             exit status 7",
        ),
        (EndCause::Late, "it did not come up within the limit (restart_wait)"),
        (EndCause::LetsNobodyIn, "it came up, and refused the login that it took before"),
        (EndCause::Other { result: "resources".into() }, "systemd says: resources"),
    ] {
        assert_eq!(end(&cause), words);
    }
}

#[test]
fn all_that_is_known_of_a_server_stands_in_one_clause() {
    let datadir = || "/var/lib/mysql".to_owned();
    let why = WhyDown {
        end: Some(End { cause: EndCause::Exited { status: 7 }, again: true }),
        said: Some(Said {
            meaning: Some(LogCause::UnknownVariable),
            line: "mariadbd: unknown variable 'x=1'".into(),
        }),
        option: Some(("/etc/mysql/x.cnf".into(), 3)),
        disk: Some(FullDisk { free: 4096, datadir: datadir() }),
        owner: Some(OtherOwner { datadir: datadir(), owner: "root".into(), user: "mysql".into() }),
    };
    assert_eq!(
        down(&why),
        "/var/lib/mysql belongs to root, and the server runs as mysql: chown -R mysql: /var/lib/mysql; the disk has 4.0 KiB \
         free at /var/lib/mysql; an option file has a variable that this server does not know (mariadbd: unknown variable \
         'x=1'); it stands in /etc/mysql/x.cnf:3; it ended with exit status 7, and systemd starts it again and again"
    );
    let start = FailedStart { said: why.said, end: Some(EndCause::Late) };
    assert_eq!(
        failed_start(&start),
        "an option file has a variable that this server does not know (mariadbd: unknown variable 'x=1'); it did not come \
         up within the limit (restart_wait)"
    );
    assert_eq!(
        failed_start(&FailedStart { said: None, end: None }),
        "it does not come up, and neither its log nor systemd says why"
    );
}
