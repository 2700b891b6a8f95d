//! What is there before a step and after it.

use super::all;
use crate::plan::{Hidden, Named, PackageVersion, State, Value};

/// A state as lines of text.
pub(crate) fn state(state: &State) -> String {
    match state {
        State::Settings { values } => lines(values, " = "),
        State::Options { values } => lines(values, " "),
        State::FromFile { names, path } => {
            names.iter().map(|name| format!("{name} from {path}")).collect::<Vec<_>>().join("\n")
        }
        State::Names { names } => {
            names.iter().map(|n| crate::model::visible(n)).collect::<Vec<_>>().join("\n")
        }
        State::Text { text } => text.clone(),
        State::Threads { receiver, applier } => format!("receiver {receiver}, applier {applier}"),
        State::Heartbeat { event, every, minds_read_only } => {
            let ends = if *minds_read_only { "" } else { ", also while read-only" };
            format!("{}, every {every} s{ends}", event.to_ascii_lowercase())
        }
        State::Service { running, enabled } => service(*running, *enabled),
        State::Server { package, version, starts } => {
            let starts = if *starts { "\nrunning, starts at boot" } else { "" };
            format!("{package}{}{starts}", package_version(version))
        }
        State::HalfInstalled { package, version, status } => format!("{package} {version}, {status}"),
        State::Leftovers { accounts, database } => {
            let database = database.then(|| "database test, empty".to_owned());
            accounts.iter().cloned().chain(database).collect::<Vec<_>>().join("\n")
        }
        State::CertificateDue { why } => super::because(why),
        State::Certificate { names, days } => {
            format!("certificate for {}, good for {days} days", all(names))
        }
        State::Trusts { directory, others: 0 } => format!("trusts the authority in {directory}"),
        State::Trusts { directory, others } => {
            format!("trusts the authority in {directory}, and {others} other until all have changed")
        }
        State::NoDatabase => "no database".to_owned(),
        State::UnfinishedCopy => "an unfinished copy".to_owned(),
        State::Losses(losses) => super::losses::lines(losses).join("\n"),
        State::Differences { source, replica, differences, more } => {
            let lines = differences.iter().map(|one| super::copied::difference(one, source, replica));
            let more = (*more > 0).then(|| format!("and {more} more"));
            lines.chain(more).collect::<Vec<_>>().join("\n")
        }
    }
}

/// A unit's state.
fn service(running: bool, enabled: bool) -> String {
    let running = if running { "running" } else { "stopped" };
    let enabled = if enabled { "starts at boot" } else { "does not start at boot" };
    format!("{running}, {enabled}")
}

fn package_version(version: &PackageVersion) -> String {
    match version {
        PackageVersion::Declared { version } => format!(", version {version}"),
        PackageVersion::Offered { version } => format!(" {version}"),
        PackageVersion::Newest => ", the newest that its package sources have".to_owned(),
    }
}

fn lines(values: &[Named], between: &str) -> String {
    let line = |named: &Named| format!("{}{between}{}", named.name, value(&named.value));
    values.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A value as it is shown.
pub(crate) fn value(value: &Value) -> &str {
    match value {
        Value::Plain(text) => text,
        Value::Hidden { hidden: Hidden::Secret } => "***",
        Value::Hidden { hidden: Hidden::FormerSecret } => "*** (before)",
        Value::Hidden { hidden: Hidden::NewSecret } => "*** (after)",
        Value::Hidden { hidden: Hidden::MadeByServer } => "one of its own",
    }
}
