//! What errant transactions mean, and the ways out with what each loses. Pure.

use serde::Serialize;

use super::Repair;
use crate::{
    dialect::Dialect,
    gtid::GtidForm,
    model::{HostName, visible},
    observe::{ErrantFacts, ErrantKind},
};

/// Transactions that are told one by one.
const MOST: usize = 8;

/// Whether a copy of its source would rid a replica of its errant transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copying {
    /// No playbook was given.
    Unknown,
    /// The playbook does not say how it would be made.
    NoRole,
    /// It would.
    Helps,
    /// It would be loaded beside other sources' data, or there is nothing to copy: the ids stay.
    Useless,
}

impl Copying {
    /// What a playbook says of a replica with so many sources.
    pub fn of(declared: bool, seeds: usize, sources: usize) -> Self {
        match (declared, seeds, sources) {
            (false, ..) => Copying::Unknown,
            (true, 0, _) => Copying::NoRole,
            (true, _, 0 | 1) => Copying::Helps,
            (true, ..) => Copying::Useless,
        }
    }
}

/// What surrounds a finding.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The replica.
    pub replica: &'a HostName,
    /// Its server's words.
    pub dialect: Dialect,
    /// The name of its channel.
    pub channel: &'a str,
    /// Whether a copy of its source helps.
    pub copying: Copying,
    /// Whether others replicate from it.
    pub has_replicas: bool,
}

/// A finding, for people and machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrantExplanation {
    /// A stable word: `errant-transactions`, `source-lost-transactions`, or `own-writes`.
    pub code: &'static str,
    /// The replica.
    pub replica: HostName,
    /// Its sources.
    pub sources: Vec<HostName>,
    /// The ids of the transactions.
    pub transactions: String,
    /// What it means.
    pub cause: String,
    /// What the transactions did, as far as the binary log still tells.
    pub evidence: Vec<String>,
    /// The ways out.
    pub repairs: Vec<Repair>,
}

/// Explains a finding.
pub fn explain_errant(around: Around<'_>, finding: &ErrantFacts) -> ErrantExplanation {
    let replica = around.replica;
    let names: Vec<&str> = finding.sources.iter().map(HostName::as_str).collect();
    let source = names.join(" and ");
    let verb = if names.len() == 1 { "does" } else { "do" };
    let ids = finding.transactions.to_string();
    let (cause, repairs) = match &finding.kind {
        ErrantKind::OnlyHere => (
            format!("{replica} has transactions that {source} {verb} not have: {ids}."),
            only_here(around, &source, &ids),
        ),
        ErrantKind::LostBySource(lost) => (
            format!(
                "{replica} has transactions of {lost} that {lost} itself does not have any more: {ids}. The binary logs \
                 of {lost} were reset, or it got an older state of its data."
            ),
            lost_by_source(around, lost),
        ),
        ErrantKind::WithoutGtid => (
            format!(
                "{replica} has written to its own binary log, and without GTIDs nothing tells whether {source} has the \
                 same."
            ),
            without_gtid(around, &source),
        ),
    };
    let mut evidence: Vec<String> = finding
        .events
        .iter()
        .take(MOST)
        .map(|(id, did)| match did.is_empty() {
            true => format!("{id}: an empty transaction"),
            false => format!("{id}: {}", shortened(&visible(did))),
        })
        .collect();
    let more = finding.events.len().saturating_sub(MOST);
    evidence.extend((more > 0).then(|| format!("and {more} more")));
    evidence.extend(finding.undecoded.as_ref().map(|why| format!("what they did can't be shown: {why}")));
    ErrantExplanation {
        code: finding.kind.code(),
        replica: replica.clone(),
        sources: finding.sources.clone(),
        transactions: ids,
        cause,
        evidence,
        repairs,
    }
}

impl ErrantExplanation {
    /// What stands below the cause, a line for each: user's data may stand in it.
    pub fn details(&self) -> Vec<String> {
        let mut lines = self.evidence.clone();
        lines.extend(self.repairs.iter().enumerate().map(|(n, way)| {
            format!("way out {}: {}; loses {}: {}", n + 1, way.what, way.loses, way.command)
        }));
        lines
    }
}

/// The copy, if a playbook says how it is made.
fn copy(around: Around<'_>, loses: &str) -> Option<Repair> {
    let replica = around.replica;
    let what = match around.copying {
        Copying::Useless => return None,
        Copying::NoRole => {
            format!("add the role seed to the playbook, then replace the data of {replica} with a copy")
        }
        Copying::Helps | Copying::Unknown => {
            format!("replace the data of {replica} with a copy of its source")
        }
    };
    Some(Repair {
        what,
        loses: format!("{loses}; the old data is kept on {replica}"),
        command: "tandem apply PLAYBOOK --allow reseed".to_owned(),
    })
}

fn only_here(around: Around<'_>, source: &str, ids: &str) -> Vec<Repair> {
    let Around { replica, dialect, channel, .. } = around;
    let (undo, keep_undone) = match dialect.gtid_form() {
        GtidForm::Sets => {
            let each = "for each id";
            let lift = "SET GLOBAL super_read_only=OFF";
            let keep = Repair {
                what: format!("run the same statements on {source} under the same ids; {replica} skips them"),
                loses: "nothing".to_owned(),
                command: format!(
                    "on {source}, {each}: SET GTID_NEXT='ID'; BEGIN; THE STATEMENTS; COMMIT; SET GTID_NEXT='AUTOMATIC'"
                ),
            };
            let undo = Repair {
                what: format!("undo them on {replica}, and put empty transactions of their ids on {source}"),
                loses: "what they did".to_owned(),
                command: format!(
                    "on {replica}: {lift}; SET SESSION sql_log_bin=0; UNDO THE CHANGES; SET GLOBAL super_read_only=ON; \
                     then on {source}, {each}: SET GTID_NEXT='ID'; BEGIN; COMMIT; SET GTID_NEXT='AUTOMATIC'"
                ),
            };
            (undo, keep)
        }
        GtidForm::Positions => {
            let logs = match around.has_replicas {
                true => format!("the binary logs of {replica}, so that its replicas need a copy, too"),
                false => format!("the binary logs of {replica}"),
            };
            let forget = format!(
                "on {replica}: SET SESSION sql_log_bin=0; UNDO THE CHANGES; {}; {}; {}",
                dialect.stop_channel(channel),
                dialect.reset_binlogs(),
                dialect.start_channel(channel)
            );
            let keep = Repair {
                what: format!("undo them on {replica} and run them on {source}, from where they come back"),
                loses: logs.clone(),
                command: format!("{forget}; then run the statements on {source}"),
            };
            let undo = Repair {
                what: format!("undo them on {replica}, and let it forget {ids}"),
                loses: format!("what they did, and {logs}"),
                command: forget,
            };
            (undo, keep)
        }
    };
    let discard = (around.copying == Copying::Helps).then(|| Repair {
        what: format!("save them as SQL on {replica}, then replace its data with a copy of its source"),
        loses: format!("what they did; it is saved, and the old data is kept on {replica}"),
        command: "tandem apply PLAYBOOK --allow discard-errant".to_owned(),
    });
    discard.into_iter().chain(copy(around, "what they did")).chain([keep_undone, undo]).collect()
}

fn lost_by_source(around: Around<'_>, lost: &HostName) -> Vec<Repair> {
    let replica = around.replica;
    let other = Repair {
        what: format!("let {lost} get its data back from {replica}: exchange the two in the playbook"),
        loses: format!("what only {lost} has; it is kept there"),
        command: "tandem apply PLAYBOOK --allow reseed".to_owned(),
    };
    copy(around, &format!("what {lost} does not have any more")).into_iter().chain([other]).collect()
}

fn without_gtid(around: Around<'_>, source: &str) -> Vec<Repair> {
    let replica = around.replica;
    let compare = Repair {
        what: format!(
            "compare the tables of {replica} and {source}; where they are equal, ignore the finding"
        ),
        loses: "nothing".to_owned(),
        command: format!("tandem verify PLAYBOOK; then drift_ignore: {replica}/own-writes"),
    };
    std::iter::once(compare).chain(copy(around, "what only it has")).collect()
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}
