//! The takeover of a lost host's writes, and its return.

use super::few;
use crate::{
    model::HostName,
    plan::{Ahead, Alive, LostFinding, TakeoverRefused},
};

/// Why a replica does not take the writes of a lost host, and what to do.
pub(super) fn refused(host: &HostName, why: &TakeoverRefused) -> String {
    match why {
        TakeoverRefused::StillAlive { lost, seen: Alive::Server } => format!(
            "{lost} is declared lost, and its server answers: let it hand its writes over. Take it out of `lost:` and run \
             `tandem switchover PLAYBOOK --to {host}`. Nothing was changed."
        ),
        TakeoverRefused::StillAlive { lost, seen: Alive::Port { replica } } => format!(
            "{lost} is declared lost, and its port still answers {replica}: clients may write there. End it for good and name \
             the command that does so with --fence. Nothing was changed."
        ),
        TakeoverRefused::NotSuperset { ahead, best: Some(best), .. } => format!(
            "{host} lacks what others have received: {}. {best} has everything: let it take the writes. Nothing was changed.",
            list(ahead)
        ),
        TakeoverRefused::NotSuperset { ahead, behind, best: None } => {
            let own = behind.iter().zip(ahead).filter(|(events, _)| !events.is_empty());
            let own: Vec<String> =
                own.map(|(events, ahead)| format!("{} lacks {}", ahead.replica, few(events))).collect();
            format!(
                "no replica has everything that the others have received: {host} lacks what {} has; {}. Decide whose events \
                 count, and declare the others lost, too: they get a copy when they rejoin. Nothing was changed.",
                list(ahead),
                own.join("; ")
            )
        }
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
