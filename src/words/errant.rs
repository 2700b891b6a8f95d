//! Transactions that a replica has and none of its sources, and the ways out.

use serde::Serialize;

use crate::{
    doctor::{CopyLoses, ErrantExplanation, ErrantRepair, Forget},
    model::{HostName, visible},
    observe::ErrantKind,
    plan::WayOut,
};

#[cfg(test)]
mod tests;

/// Transactions that are shown one by one.
const MOST: usize = 8;

/// A finding as machines read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ErrantDocument<'a> {
    /// `errant-transactions`, `source-lost-transactions`, or `own-writes`.
    code: &'static str,
    /// The replica.
    replica: &'a HostName,
    /// Its sources.
    sources: &'a [HostName],
    /// The ids of the transactions.
    transactions: String,
    /// What it means.
    cause: String,
    /// What the transactions did, as far as the binary log still tells.
    evidence: Vec<String>,
    /// The ways out.
    repairs: Vec<WayOut>,
}

/// The document of a finding.
pub(crate) fn document(explained: &ErrantExplanation) -> ErrantDocument<'_> {
    ErrantDocument {
        code: explained.code(),
        replica: &explained.replica,
        sources: &explained.found.sources,
        transactions: explained.found.transactions.to_string(),
        cause: cause(explained),
        evidence: evidence(explained),
        repairs: explained.repairs.iter().map(way_out).collect(),
    }
}

/// What it means.
pub(crate) fn cause(ErrantExplanation { replica, found, .. }: &ErrantExplanation) -> String {
    let ids = &found.transactions;
    match &found.kind {
        ErrantKind::OnlyHere => {
            let verb = if found.sources.len() == 1 { "does" } else { "do" };
            format!("{replica} has transactions that {} {verb} not have: {ids}.", and(&found.sources))
        }
        ErrantKind::LostBySource(lost) => format!(
            "{replica} has transactions of {lost} that {lost} itself no longer has: {ids}. The binary logs of {lost} were \
             reset, or it got an older state of its data."
        ),
        ErrantKind::WithoutGtid => format!(
            "{replica} has written to its own binary log, and without GTIDs nothing shows whether {} has the same.",
            and(&found.sources)
        ),
    }
}

/// What the transactions did, as far as the binary log still tells: a line for each. User's data may stand in it.
pub(crate) fn evidence(ErrantExplanation { found, .. }: &ErrantExplanation) -> Vec<String> {
    let mut lines: Vec<String> = found
        .events
        .iter()
        .take(MOST)
        .map(|(id, did)| match did.is_empty() {
            true => format!("{id}: an empty transaction"),
            false => format!("{id}: {}", shortened(&visible(did))),
        })
        .collect();
    let more = found.events.len().saturating_sub(MOST);
    lines.extend((more > 0).then(|| format!("and {more} more")));
    lines.extend(found.undecoded.as_ref().map(|why| format!("what they did can't be shown: {why}")));
    lines
}

/// What stands below the cause, a line for each: user's data may stand in it.
pub(super) fn details(explained: &ErrantExplanation) -> Vec<String> {
    let mut lines = evidence(explained);
    lines.extend(
        explained
            .repairs
            .iter()
            .map(way_out)
            .enumerate()
            .map(|(n, way)| format!("way out {}: {}; loses {}: {}", n + 1, way.what, way.loses, way.command)),
    );
    lines
}

/// What is done, what it loses, and its command.
pub(crate) fn way_out(repair: &ErrantRepair) -> WayOut {
    let (what, loses) = match repair {
        ErrantRepair::SaveAndCopy { replica } => (
            format!("save them as SQL on {replica}, then replace its data with a copy of its source"),
            format!("what they did; it is saved, and the old data is kept on {replica}"),
        ),
        ErrantRepair::Copy { replica, add_role, loses } => {
            let add = if *add_role { "add the role seed to the playbook, then " } else { "" };
            let loses = match loses {
                CopyLoses::TheirChanges => "what they did".to_owned(),
                CopyLoses::LostBy(lost) => format!("what {lost} no longer has"),
                CopyLoses::OwnData => "what only it has".to_owned(),
            };
            (
                format!("{add}replace the data of {replica} with a copy of its source"),
                format!("{loses}; the old data is kept on {replica}"),
            )
        }
        ErrantRepair::Repeat { replica, sources } => (
            format!("run the same statements on {} under the same ids; {replica} skips them", and(sources)),
            "nothing".to_owned(),
        ),
        ErrantRepair::Empty { replica, sources } => (
            format!("undo them on {replica}, and run empty transactions with their ids on {}", and(sources)),
            "what they did".to_owned(),
        ),
        ErrantRepair::Return { forget, sources } => (
            format!(
                "undo them on {} and run them on {}, from where they come back",
                forget.replica,
                and(sources)
            ),
            logs(forget),
        ),
        ErrantRepair::Forget { forget, ids } => (
            format!("undo them on {}, and let it forget {ids}", forget.replica),
            format!("what they did, and {}", logs(forget)),
        ),
        ErrantRepair::Exchange { lost, replica } => (
            format!("let {lost} get its data back from {replica}: exchange the two in the playbook"),
            format!("what only {lost} has; it is kept there"),
        ),
        ErrantRepair::Compare { replica, sources } => (
            format!(
                "compare the tables of {replica} and {}; where they are equal, ignore the finding",
                and(sources)
            ),
            "nothing".to_owned(),
        ),
    };
    WayOut { code: repair.code().to_owned(), what, loses, command: command(repair) }
}

fn command(repair: &ErrantRepair) -> String {
    if let Some(allow) = repair.allow() {
        return format!("tandem apply PLAYBOOK --allow {allow}");
    }
    let each = "for each id";
    match repair {
        ErrantRepair::Repeat { sources, .. } => format!(
            "on {}, {each}: SET GTID_NEXT='ID'; BEGIN; THE STATEMENTS; COMMIT; SET GTID_NEXT='AUTOMATIC'",
            and(sources)
        ),
        ErrantRepair::Empty { replica, sources } => format!(
            "on {replica}: SET GLOBAL super_read_only=OFF; SET SESSION sql_log_bin=0; UNDO THE CHANGES; SET GLOBAL \
             super_read_only=ON; then on {}, {each}: SET GTID_NEXT='ID'; BEGIN; COMMIT; SET GTID_NEXT='AUTOMATIC'",
            and(sources)
        ),
        ErrantRepair::Return { forget, sources } => {
            format!("{}; then run the statements on {}", forgetting(forget), and(sources))
        }
        ErrantRepair::Forget { forget, .. } => forgetting(forget),
        ErrantRepair::Compare { replica, .. } => {
            format!("tandem verify PLAYBOOK; then drift_ignore: {replica}/own-writes")
        }
        ErrantRepair::SaveAndCopy { .. } | ErrantRepair::Copy { .. } | ErrantRepair::Exchange { .. } => {
            "tandem apply PLAYBOOK".to_owned()
        }
    }
}

fn forgetting(Forget { replica, statements, .. }: &Forget) -> String {
    format!("on {replica}: SET SESSION sql_log_bin=0; UNDO THE CHANGES; {}", statements.join("; "))
}

fn logs(Forget { replica, has_replicas, .. }: &Forget) -> String {
    let too = if *has_replicas { ", so that its replicas need a copy, too" } else { "" };
    format!("the binary logs of {replica}{too}")
}

fn and(names: &[HostName]) -> String {
    names.iter().map(HostName::as_str).collect::<Vec<_>>().join(" and ")
}

/// What is long, without its end.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}
