//! The line that says what was read.

use crate::{
    engine::Seen,
    model::{HostName, duration},
};

/// What was read and what was not, for standard error.
pub(crate) fn seen(seen: &Seen) -> String {
    let names = |hosts: &std::collections::BTreeSet<HostName>| {
        hosts.iter().map(HostName::as_str).collect::<Vec<_>>().join(", ")
    };
    let took = duration(seen.took);
    let mut line = match seen.read.is_empty() {
        true => format!("Nothing could be read in {took}."),
        false => format!("Observed {} in {took}.", names(&seen.read)),
    };
    if !seen.peers.is_empty() {
        line.push_str(&format!(
            "\nOf these, {} only as peers: ids, copies and channels depend on them, and --limit changes nothing there.",
            names(&seen.peers)
        ));
    }
    for (host, why) in &seen.unread {
        line.push_str(&format!("\nNot read: {host}: {why}"));
    }
    line
}
