//! What `verify` finds, and what it says while it goes on.

use super::{errant, fault};
use crate::{
    model::duration,
    proof::{
        About, ChannelAt, Collision, Counting, Doubt, Filter, HostRemark, Note, PortOutcome, Remark, Rest,
        RestartProblem, Stage, TableProblem, Unmatched, Unproven, Vantage,
    },
};

/// A remark, with what it is about.
pub(crate) fn remark(remark: &Remark) -> String {
    format!("{}: {}", about(&remark.about), doubt(&remark.why))
}

/// What a remark is about.
pub(crate) fn about(about: &About) -> String {
    match about {
        About::Everything => "everything".to_owned(),
        About::Inventory => "inventory".to_owned(),
        About::Servers => "all servers".to_owned(),
        About::Host(host) => host.to_string(),
        About::Channel { source, replica } => format!("{source} -> {replica}"),
        About::Tables { one, other } => format!("tables of {one} and {other}"),
        About::Table(table) => table.clone(),
        About::TableOf { table, one, other } => format!("{table} on {one} and {other}"),
    }
}

/// A clause.
pub(crate) fn doubt(doubt: &Doubt) -> String {
    match doubt {
        Doubt::RestartUntried => "that replication returns after a restart: it has to run before".to_owned(),
        Doubt::NoTables => "that the tables are the same: there is none to compare".to_owned(),
        Doubt::ReplicaNotRead { .. }
        | Doubt::CanaryFiltered { .. }
        | Doubt::CanaryNotSent
        | Doubt::NoCanary => format!("a row along this channel: {}", no_row(doubt)),
        Doubt::WriterNotRead
        | Doubt::WriterReadOnly
        | Doubt::WriterWithoutLog
        | Doubt::MayBreak { .. }
        | Doubt::TwoWays { .. }
        | Doubt::SharedDomain { .. } => format!("a canary from here: {}", spared(doubt)),
        Doubt::SourceNotKnown { endpoint } => {
            format!("its channel from {endpoint}: no host that is looked at has this address")
        }
        Doubt::NoStranger => {
            "that the port is shut to others: every host that could try it is let in, or does not reach its address"
                .to_owned()
        }
        Doubt::ChannelStopped => "the channel does not run, so they may differ for now".to_owned(),
        Doubt::NoWayBack { from, to } => format!("what is written on {from} does not come back to {to} for now"),
        Doubt::FarApart { delay } => format!("they are {delay} s apart by the delay that was asked for"),
        Doubt::RowsMove { .. } | Doubt::ManyRowsMove => moving(doubt),
        Doubt::TableFiltered { filter, source, replica } => {
            format!("{} keeps it out between {source} and {replica}", self::filter(*filter))
        }
        Doubt::NoRowsOfItsOwn { engine } => format!("the engine {engine} holds no rows of its own"),
        Doubt::SeveralSources { replica, stranger } => format!("{replica} has rows of {stranger} in it too"),
        Doubt::OtherTypes { column, source, replica } => {
            format!("column {column} is {} on {} and {} on {}", source.1, source.0, replica.1, replica.0)
        }
        Doubt::ReadInOneGo { rows } => format!("it has no key and about {rows} rows, and is read in one go"),
        Doubt::CanaryLeft { writer, waited } => {
            format!("the deletion of the canary of {writer} did not arrive within {}", duration(*waited))
        }
        Doubt::Failed { why } => why.clone(),
        Doubt::NoChannel => {
            "no channel leads from one host to another, so there is nothing to prove".to_owned()
        }
        Doubt::NothingTested => "nothing of it could be put to the test".to_owned(),
    }
}

/// Why no row came along a channel.
fn no_row(doubt: &Doubt) -> String {
    match doubt {
        Doubt::ReplicaNotRead { replica } => format!("{replica} was not read"),
        Doubt::CanaryFiltered { filter } => {
            format!("{} keeps the canary's database out", self::filter(*filter))
        }
        Doubt::CanaryNotSent => "no canary could be sent".to_owned(),
        Doubt::NoCanary => "no canary comes this way".to_owned(),
        other => self::doubt(other),
    }
}

/// Why no canary is put on a writer.
fn spared(doubt: &Doubt) -> String {
    match doubt {
        Doubt::WriterNotRead => "its server was not read".to_owned(),
        Doubt::WriterReadOnly => "it is read_only, so nothing is written there".to_owned(),
        Doubt::WriterWithoutLog => "its binary log is off".to_owned(),
        Doubt::MayBreak { replica } => format!("its rows would come to {replica}, which could break on them"),
        Doubt::TwoWays { replica } => {
            format!("its rows come to {replica} on two ways, and {replica} would take them for two")
        }
        Doubt::SharedDomain { domain, other } => format!(
            "it has gtid_domain_id {domain} as {other} has, and under gtid_strict_mode writes on both could end replication"
        ),
        other => self::doubt(other),
    }
}

fn moving(doubt: &Doubt) -> String {
    match doubt {
        Doubt::RowsMove { rows: None } => {
            "it has no key, and its rows change faster than it can be read".to_owned()
        }
        Doubt::RowsMove { rows: Some(1) } => "a row changes faster than it can be compared".to_owned(),
        Doubt::RowsMove { rows: Some(n) } => format!("{n} rows change faster than they can be compared"),
        _ => "too many rows change at once for a comparison now".to_owned(),
    }
}

/// Why a server does not run, or was not read.
pub(crate) fn host(remark: &HostRemark) -> String {
    remark.why.as_ref().map_or_else(|| "nothing is known of it".to_owned(), fault::host)
}

/// Why a channel is not proven.
pub(crate) fn unproven(why: &Unproven) -> String {
    match why {
        Unproven::NoRow(doubt) => no_row(doubt),
        Unproven::Errant(found) => errant::cause(found),
        Unproven::ErrantNotRead(why) => {
            format!("Whether it has errant transactions could not be read: {why}.")
        }
        Unproven::Fault(found) => fault::channel(found),
        Unproven::Stopped(state) => format!("The channel is {state}."),
        Unproven::Late { writer, waited } => {
            format!("The canary of {writer} did not arrive within {}.", duration(*waited))
        }
    }
}

/// What to do about it.
pub(crate) fn next(why: &Unproven) -> Option<String> {
    match why {
        Unproven::NoRow(_) | Unproven::Stopped(_) => None,
        Unproven::Errant(_) | Unproven::ErrantNotRead(_) => {
            Some("No row was sent to it. `tandem doctor` lists the ways out.".to_owned())
        }
        Unproven::Fault(found) => Some(fault::next(found)),
        Unproven::Late { .. } => Some("Is it far behind? Give it longer with --wait.".to_owned()),
    }
}

/// Why numbers can meet.
pub(crate) fn collision(why: &Collision) -> String {
    let steps = |counting: &Counting| format!("steps of {} from {}", counting.increment, counting.offset);
    match why {
        Collision::OffsetIgnored { host, offset, increment } => format!(
            "{host} ignores auto_increment_offset {offset}, since auto_increment_increment is only {increment}"
        ),
        Collision::SameNumbers(both) => {
            let [one, other] = both.as_ref();
            let (a, b) = (steps(one), steps(other));
            format!("{} and {} can give out the same number: {a} and {b}", one.host, other.host)
        }
        Collision::GivenTwice { hosts: [one, other], id } => {
            format!("{one} and {other} both gave out the number {id}.")
        }
        Collision::RowsMissing { writer, host } => {
            format!("Not all rows that {writer} inserted while others did the same came to {host}.")
        }
    }
}

/// What a table lacks.
pub(crate) fn table(problem: &TableProblem) -> String {
    match problem {
        TableProblem::Missing { host } => format!("it is missing on {host}"),
        TableProblem::Columns { host, names } => match names.as_slice() {
            [name] => format!("{host} has no column {name}"),
            names => format!("{host} has no columns {}", names.join(", ")),
        },
    }
}

/// Why replication did not return.
pub(crate) fn restart(problem: &RestartProblem) -> String {
    match problem {
        RestartProblem::NoUnit => "the unit of its server is not known".to_owned(),
        RestartProblem::ChannelGone { source, replica, waited, at } => format!(
            "The channel from {source} to {replica} did not return within {}: {}.",
            duration(*waited),
            self::at(at)
        ),
        RestartProblem::RowLate { writer, host } => {
            format!("After it, a row of {writer} did not arrive on {host}.")
        }
        RestartProblem::Failed(failure) => remark(failure),
    }
}

/// Where a channel stood.
fn at(at: &ChannelAt) -> String {
    match at {
        ChannelAt::Threads { receiver, applier } => format!("receiver {receiver}, applier {applier}"),
        ChannelAt::Gone => "the channel is gone".to_owned(),
        ChannelAt::NotRead(why) => why.clone(),
    }
}

/// An option of a server.
fn filter(filter: Filter) -> String {
    match filter {
        Filter::Source(option) => format!("{option} of the source"),
        Filter::Replica(option) => format!("{option} of the replica"),
    }
}

/// Who tried a port.
pub(crate) fn vantage(from: &Vantage) -> &str {
    match from {
        Vantage::Host(host) => host.as_str(),
        Vantage::Here => "this machine",
    }
}

/// How a try of a port ended.
pub(crate) fn port(outcome: &PortOutcome) -> String {
    match outcome {
        PortOutcome::Open => "open".to_owned(),
        PortOutcome::Refused => "connection refused".to_owned(),
        PortOutcome::RefusedToAll => {
            "connection refused, and no peer was let in: nobody may be listening there".to_owned()
        }
        PortOutcome::Silent(seconds) => format!("no answer within {seconds} seconds"),
        PortOutcome::Closed(why) | PortOutcome::Untried(why) => why.clone(),
        PortOutcome::NoAnswer => "it could not be tried".to_owned(),
    }
}

/// What was asked for on the command line and is nowhere.
pub(crate) fn unmatched(what: &Unmatched) -> String {
    let hint = |near: &Option<String>| {
        near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
    };
    match what {
        Unmatched::Database { name, near } => {
            format!("--databases: no database `{name}` holds a table{}", hint(near))
        }
        Unmatched::Table { pattern, near } => {
            let shape = if pattern.contains('.') { "" } else { "; a pattern is `database.table`" };
            format!("--tables: `{pattern}` fits no table{shape}{}", hint(near))
        }
        Unmatched::Both => "no table fits both --databases and --tables".to_owned(),
    }
}

/// What is done now.
pub(crate) fn stage(stage: &Stage) -> String {
    match stage {
        Stage::Canaries => "sending a canary along every channel".to_owned(),
        Stage::Restart(host) => format!("restarting the server of {host}"),
        Stage::Ports => "trying the ports".to_owned(),
        Stage::Table { table, source, number, of } => {
            format!("comparing {table} on {source} with its replicas: {number} of {of}")
        }
        Stage::Resting(why) => format!("resting: {}", rest(why)),
    }
}

/// What a person should know while it goes on.
pub(crate) fn note(note: &Note) -> String {
    match note {
        Note::Remark(found) => remark(found),
        Note::Resting(why) => format!("Resting while {}.", rest(why)),
    }
}

fn rest(why: &Rest) -> String {
    match why {
        Rest::Load { source, load } => format!("{source} runs {load} statements at once (--max-load)"),
        Rest::Lag { replica, lag } => format!("{replica} is {lag} s behind (--max-lag)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_nowhere_comes_with_one_that_may_have_been_meant() {
        let told = |pattern: &str, near: Option<&str>| {
            unmatched(&Unmatched::Table { pattern: pattern.into(), near: near.map(Into::into) })
        };
        assert_eq!(told("d.x", None), "--tables: `d.x` fits no table");
        assert_eq!(
            told("x*", Some("d.x")),
            "--tables: `x*` fits no table; a pattern is `database.table`; did you mean `d.x`?"
        );
    }

    #[test]
    fn a_filter_is_named_with_the_server_that_has_it() {
        let why = Doubt::TableFiltered {
            filter: Filter::Replica("replicate_do_db"),
            source: "db-a".into(),
            replica: "db-b".into(),
        };
        let told = remark(&Remark::new(About::Table("d.t".into()), why));
        assert_eq!(told, "d.t: replicate_do_db of the replica keeps it out between db-a and db-b");
    }
}
