//! The row that stops an applier, and the ways out of what stops a channel.

use super::cause;
use crate::{
    dialect::shown,
    doctor::{Change, NextLoses, Repair, RowEvidence, RowThere, Value},
    model::without_hidden,
    plan::{Allow, WayOut},
};

#[cfg(test)]
mod tests;

/// The event, and the row on both sides: a line for each. User's data stands in it.
pub(crate) fn evidence(found: &RowEvidence) -> Vec<String> {
    let values = |row: &[Option<Value>]| {
        let shown = |value: &Value| match value {
            Value::Shown(text) => text.clone(),
            known => known.sql().unwrap_or_default(),
        };
        let pairs = found.columns.iter().zip(row);
        let text = pairs.map(|(c, v)| format!("{}={}", c.name, v.as_ref().map_or("?".into(), shown)));
        shortened(&text.collect::<Vec<_>>().join(", "))
    };
    let (table, event) = (format!("{}.{}", found.table.0, found.table.1), &found.event);
    let does = match event.change {
        Change::Insert => format!("inserts into {table}: {}", values(&event.after)),
        Change::Update => {
            format!("changes in {table}: {} to {}", values(&event.before), values(&event.after))
        }
        Change::Delete => format!("deletes from {table}: {}", values(&event.before)),
    };
    vec![format!("the event {does}"), there(&found.source), there(&found.replica)]
}

fn there(RowThere { host, row }: &RowThere) -> String {
    let row = match row {
        None => "no such row".to_owned(),
        Some(row) => {
            let pairs =
                row.iter().map(|(c, v)| format!("{c}={}", v.as_ref().map_or("NULL".into(), |v| shown(v))));
            shortened(&pairs.collect::<Vec<_>>().join(", "))
        }
    };
    format!("{host} has now: {row}")
}

/// What is done, what it loses, and its command.
pub(crate) fn way_out(repair: &Repair) -> WayOut {
    let apply = "tandem apply PLAYBOOK".to_owned();
    let copy = || format!("tandem apply PLAYBOOK --allow {}", Allow::Reseed);
    let own_data = |replica: &str| format!("what only {replica} has; it is kept in a file there");
    let (what, loses, command) = match repair {
        Repair::Next { found, loses } => {
            let (loses, command) = match loses {
                NextLoses::NothingIfEqual => (
                    "nothing, where the tables are the same afterwards; `tandem verify` shows it".to_owned(),
                    apply,
                ),
                NextLoses::OwnData => (own_data(&found.replica), copy()),
                NextLoses::NothingReceived => (
                    "nothing: what was received and not executed is dropped, and comes again".to_owned(),
                    apply,
                ),
            };
            (cause::next(found), loses, command)
        }
        Repair::CopyAgain { replica } => {
            (format!("copy {replica} again from its source"), own_data(replica.as_str()), copy())
        }
        Repair::PutBack { replica, statements } => (
            format!("put the row back on {replica}, as the event expects it; then the event goes through"),
            "nothing of this row; `tandem verify` shows whether others are missing".to_owned(),
            format!("on {replica}: {};", statements.join("; ")),
        ),
        Repair::TakeOff { replica, statements } => (
            format!("delete the row on {replica}; then the event goes through"),
            format!("what {replica} has in this row"),
            format!("on {replica}: {};", statements.join("; ")),
        ),
    };
    WayOut { code: repair.code().to_owned(), what, loses, command }
}

fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    let text = &*without_hidden(text);
    match text.chars().count() > MOST {
        true => text.chars().take(MOST).chain("...".chars()).collect(),
        false => text.to_owned(),
    }
}
