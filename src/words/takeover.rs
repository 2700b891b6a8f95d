//! The takeover of a lost host's writes, and its return.

use super::{few, hosts};
use crate::{
    model::{HostName, Place, visible},
    plan::{Ahead, Alive, EventsFinding, LostFinding, TakeoverRefused, Unable},
};

/// Why a replica does not take the writes of a lost host, and what to do.
pub(super) fn refused(host: &HostName, why: &TakeoverRefused) -> String {
    match why {
        TakeoverRefused::StillAlive { lost, seen } => still_alive(host, lost, seen),
        TakeoverRefused::OtherWriter { writers, behind } => other_writer(host, writers, behind),
        TakeoverRefused::WritesElsewhere { declared, closed_at, unread } => {
            writes_elsewhere(host, declared, closed_at.as_ref(), unread)
        }
        TakeoverRefused::GoneApart { from } => format!(
            "{host} would take the writes of {from}, and nothing proves that all it has came from there: what {host} alone has \
             would not get to {from}. `tandem doctor PLAYBOOK` shows what that is. Nothing was changed."
        ),
        TakeoverRefused::DeclaredClosed { place } => format!(
            "{host} would take the writes, and {place} declares that it is read-only: no host would accept any. Take that \
             line out. Nothing was changed."
        ),
        TakeoverRefused::OldWriterDeclaredOpen { from, place } => format!(
            "{host} would take the writes of {from}, and {place} declares that {from} goes on taking them: what clients wrote \
             there would come to no other host. Take that line out. Nothing was changed."
        ),
        TakeoverRefused::NoStandIn { unable } => {
            let list: Vec<String> =
                unable.iter().map(|(replica, why)| format!("{replica} {}", cannot(*why))).collect();
            format!(
                "{host} is to be restarted while a replica takes its writes, and none can: {}. Fix that, or set \
                 `restart_primary: in_place`. Nothing was changed.",
                list.join("; ")
            )
        }
        TakeoverRefused::NotSuperset { ahead, best: Some(best), .. } => format!(
            "{host} lacks what others have received: {}. {best} has everything: let it take the writes. Nothing was changed.",
            list(ahead)
        ),
        TakeoverRefused::NotSuperset { ahead, behind, best: None } => nobody_has_all(host, ahead, behind),
    }
}

/// Who takes writes after a takeover that did not end as it should, by what was read since, and what to do. Of the members and of
/// those that are declared lost some may not have been read.
pub(crate) fn who_takes_writes(
    to: &HostName,
    writers: &[HostName],
    (unread, lost): (&[HostName], &[HostName]),
) -> String {
    let silent = [unread, lost].concat();
    let open = match writers {
        [] if silent.is_empty() => "No host accepts writes now.".to_owned(),
        [] => "No host that could be read accepts writes now.".to_owned(),
        [one] => format!("{one} accepts writes now."),
        several => format!("{} accept writes now.", hosts(several)),
    };
    let unknown = match silent.as_slice() {
        [] => String::new(),
        silent => format!(" Whether {} accepts writes is not known: it could not be read.", hosts(silent)),
    };
    let next = match (writers, unread) {
        ([one], _) if one == to => "Run `tandem apply` for what is left.".to_owned(),
        (_, []) => "Run the same command again: it goes on from here.".to_owned(),
        (_, unread) => format!("Run the same command again as soon as {} can be reached.", hosts(unread)),
    };
    format!("{open}{unknown} {next}")
}

fn writes_elsewhere(
    host: &HostName,
    declared: &HostName,
    closed_at: Option<&Place>,
    unread: &[HostName],
) -> String {
    let now = format!("{host} accepts writes, and has what {declared} lacks, which accepts none.");
    let go_on = format!("`tandem switchover PLAYBOOK --to {host}`");
    match (unread, closed_at) {
        ([], None) => format!(
            "{now} Clients are declared to write to {declared}. Go on from where the writes are: {go_on}. Nothing was changed."
        ),
        ([], Some(place)) => format!(
            "{now} {place} declares that {declared} is read-only. Take that line out, and go on from where the writes are: \
             {go_on}. Nothing was changed."
        ),
        (unread, _) => format!(
            "{now} Whether {} accepts writes is not known: it could not be read. Make it reachable and run the same command \
             again, or declare it lost if it is gone. Nothing was changed.",
            hosts(unread)
        ),
    }
}

fn still_alive(host: &HostName, lost: &HostName, seen: &Alive) -> String {
    match seen {
        Alive::Server => format!(
            "{lost} is declared lost, and its server answers: let it hand its writes over. Take it out of `lost:` and run \
             `tandem switchover PLAYBOOK --to {host}`. Nothing was changed."
        ),
        Alive::Port { replica } => format!(
            "{lost} is declared lost, and its port still answers {replica}: clients may write there. End it for good and name \
             the command that does so with --fence. Nothing was changed."
        ),
    }
}

fn other_writer(host: &HostName, writers: &[HostName], behind: &[HostName]) -> String {
    if !behind.is_empty() {
        return format!(
            "{} accepts writes already, and lacks what {host} has received. Close it: run `SET GLOBAL read_only = ON` there, \
             then the same command again. What it alone has is told when it shall follow {host}. Nothing was changed.",
            hosts(behind)
        );
    }
    let first = writers.first().map(HostName::as_str).unwrap_or_default();
    format!(
        "{} accepts writes already, and {host} would be a second host that does. Clients may have written there: go on \
         with {first} by `tandem failover PLAYBOOK --to {first}`. If nobody has, run `SET GLOBAL read_only = ON` there \
         first. Nothing was changed.",
        hosts(writers)
    )
}

fn nobody_has_all(host: &HostName, ahead: &[Ahead], behind: &[Vec<String>]) -> String {
    let own = behind.iter().zip(ahead).filter(|(events, _)| !events.is_empty());
    let own: Vec<String> =
        own.map(|(events, ahead)| format!("{} lacks {}", ahead.replica, few(events))).collect();
    format!(
        "no replica that could take the writes has everything that the others have received: {host} lacks what {} has; {}. Decide whose events \
         count, and declare the others lost, too: they get a copy when they rejoin. Nothing was changed.",
        list(ahead),
        own.join("; ")
    )
}

/// Why a replica can't take the writes for a while.
fn cannot(why: Unable) -> &'static str {
    match why {
        Unable::NotRead => "could not be read",
        Unable::NoChannel => "does not follow it directly",
        Unable::Stopped => "does not replicate",
        Unable::Delayed => "is delayed",
        Unable::Behind => "is too far behind",
        Unable::ByFile => "replicates by file and position",
        Unable::Filtered => "does not get everything",
        Unable::NoLog => "has no binary log of what it receives",
        Unable::OtherVersion => "has another version",
        Unable::OtherParameters => "has another sql_mode, character set, collation or time zone",
        Unable::NotClosed => "is not declared and closed as a replica for reading",
        Unable::Unfinished => "holds a copy that is not complete",
    }
}

fn list(ahead: &[Ahead]) -> String {
    let one = |ahead: &Ahead| format!("{} ({})", ahead.replica, few(&ahead.events));
    ahead.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A lost host that is back.
pub(super) fn found(host: &HostName, what: &LostFinding) -> String {
    let LostFinding::Returned { writes } = what;
    let how = match writes {
        Some(true) => "and accepts writes",
        Some(false) => "and takes no writes",
        None => "its server could not be read",
    };
    format!(
        "{host} is declared lost and is back, {how}. `tandem rejoin PLAYBOOK {host}` makes it a replica again."
    )
}

/// Events of the host that clients write to.
pub(super) fn events(host: &HostName, what: &EventsFinding) -> String {
    let EventsFinding::Rest { events } = what;
    let names: Vec<String> = events.iter().map(|name| visible(name)).collect();
    let (count, run, rest) = match names.len() {
        1 => ("1 event".to_owned(), "runs", "it rests"),
        n => (format!("{n} events"), "run", "they rest"),
    };
    format!(
        "{count} of {host} {run} nowhere, {}: clients write there, and {rest} as on a replica. `tandem apply` enables \
         what was enabled on the former writer.",
        few(&names)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is not known is never said, and the next command is one that can go on.
    #[test]
    fn after_a_takeover_that_failed_it_is_said_who_takes_writes() {
        let names: Vec<HostName> = ["db-a", "db-b"].map(HostName::from).into();
        let (a, b) = (std::slice::from_ref(&names[0]), std::slice::from_ref(&names[1]));
        let told = |writers: &[HostName], unread: &[HostName], lost: &[HostName]| {
            who_takes_writes(&names[1], writers, (unread, lost))
        };
        for (text, has, lacks) in [
            (told(a, &[], &[]), ["db-a accepts writes now", "same command"], "not known"),
            (told(b, &[], &[]), ["db-b accepts writes now", "tandem apply"], "not known"),
            (told(&[], &[], &[]), ["No host accepts writes now", "same command"], "not known"),
            (
                told(&[], a, &[]),
                ["Whether db-a accepts writes is not known", "db-a can be reached"],
                "No host accepts",
            ),
            (
                told(&[], &[], a),
                ["Whether db-a accepts writes is not known", "same command"],
                "can be reached",
            ),
        ] {
            assert!(has.iter().all(|part| text.contains(part)) && !text.contains(lacks), "{text}");
        }
    }
}
