//! Why a server is down, or did not come up.

use crate::{
    doctor::{EndCause, FailedStart, LogCause, Said, WhyDown},
    model::{bytes, visible},
};

#[cfg(test)]
mod tests;

/// Why a server is down, as a clause.
pub(crate) fn down(why: &WhyDown) -> String {
    let mut parts: Vec<String> = Vec::new();
    // What is to be mended comes first, and how the unit ended for it last.
    parts.extend(why.owner.as_ref().map(|other| {
        format!(
            "{0} belongs to {1}, and the server runs as {2}: chown -R {2}: {0}",
            other.datadir,
            visible(&other.owner),
            other.user
        )
    }));
    let disk = why.disk.as_ref();
    parts.extend(disk.map(|disk| format!("the disk has {} free at {}", bytes(disk.free), disk.datadir)));
    parts.extend(why.said.as_ref().map(said));
    parts.extend(why.option.as_ref().map(|(file, line)| format!("it stands in {file}:{line}")));
    let end = why.end.as_ref().map(|end| match end.again {
        true => format!("{}, and systemd starts it again and again", self::end(&end.cause)),
        false => self::end(&end.cause),
    });
    match why.end.as_ref().is_some_and(|end| matches!(end.cause, EndCause::Masked { .. })) {
        true => parts.splice(..0, end).for_each(drop),
        false => parts.extend(end),
    }
    parts.join("; ")
}

/// Why a server did not come up, as a clause.
pub(crate) fn failed_start(why: &FailedStart) -> String {
    let parts: Vec<String> =
        why.said.as_ref().map(said).into_iter().chain(why.end.as_ref().map(end)).collect();
    match parts.is_empty() {
        true => "it does not come up, and neither its log nor systemd says why".to_owned(),
        false => parts.join("; "),
    }
}

/// A server's last words, with what they mean.
pub(crate) fn said(said: &Said) -> String {
    match &said.meaning {
        Some(meaning) => format!("{} ({})", self::meaning(meaning), said.line),
        None => said.line.clone(),
    }
}

fn end(cause: &EndCause) -> String {
    match cause {
        EndCause::Masked { unit } => {
            format!("{unit} is masked, so nothing can start it: systemctl unmask {unit}")
        }
        EndCause::Starting => "it is starting, and does not answer yet".to_owned(),
        EndCause::NeededUnit { line } => format!("a unit that it needs has failed ({line})"),
        EndCause::Condition { unit } => {
            format!("a condition of {unit} did not hold, so it was not started")
        }
        EndCause::NotStarted { disabled: None } => "it was not started since the host's boot".to_owned(),
        EndCause::NotStarted { disabled: Some(unit) } => format!(
            "it was not started since the host's boot, since {unit} does not start at boot (disabled)"
        ),
        EndCause::Stopped { since } => {
            format!("it was stopped at {since}, and nobody has started it again")
        }
        EndCause::OutOfMemory => "the kernel ended it because memory ran out (oom-kill)".to_owned(),
        EndCause::Exited { status } => format!("it ended with exit status {status}"),
        EndCause::Signalled { signal: 9 } => {
            "it was killed by signal 9 (SIGKILL), by somebody or because memory ran out".to_owned()
        }
        EndCause::Signalled { signal } => {
            format!("it was ended by signal {signal}{}", signal_name(*signal))
        }
        EndCause::Crashed { signal } => format!("it crashed with signal {signal}{}", signal_name(*signal)),
        EndCause::TooLong => {
            "systemd ended it, since it took longer than its unit allows (timeout)".to_owned()
        }
        EndCause::NoSign => "systemd ended it, since it gave no sign of life (watchdog)".to_owned(),
        EndCause::GivenUp { last } => {
            let last = last.as_ref().map(|last| format!("; the last time {}", end(last))).unwrap_or_default();
            format!("it failed several times in a row, and systemd has given up (start-limit-hit){last}")
        }
        EndCause::Late => "it did not come up within the limit (restart_wait)".to_owned(),
        EndCause::LetsNobodyIn => "it came up, and refused the login that it took before".to_owned(),
        EndCause::Other { result } => format!("systemd says: {result}"),
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

fn meaning(meaning: &LogCause) -> &'static str {
    match meaning {
        LogCause::UnknownVariable => "an option file has a variable that this server does not know",
        LogCause::UnknownOption => "an option file has an option that this server does not know",
        LogCause::AmbiguousOption => "an option file has an option that could mean two",
        LogCause::ImpossibleValue => "an option file has an impossible value",
        LogCause::NoGroup => "an option file has a line before its first group",
        LogCause::DiskFull => "the disk is full",
        LogCause::PortInUse => "another program listens at its port",
        LogCause::PortForbidden => "it may not listen at that port",
        LogCause::AddressNotThere => "it can't listen at that address",
        LogCause::NoLibrary => "a plugin's library can't be loaded",
        LogCause::FileForbidden => "a file may not be read or written by the server",
        LogCause::DataInUse => "another server runs on the same data directory",
        LogCause::NoMemory => "there is not enough memory",
        LogCause::TableDamaged => "a system table is damaged",
        LogCause::BinlogNotOpened => "its binary log or index can't be opened",
    }
}
