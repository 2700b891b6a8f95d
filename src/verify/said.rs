//! The words of a proof: what each [`Doubt`] and each problem says. What they say is decided elsewhere.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::doubt::{
    About, Collision, Counting, Doubt, HostRemark, Remark, RestartProblem, TableProblem, Unproven,
};
use crate::{doctor::HostProblem, model::duration, words};

/// What a remark is about.
pub(super) fn about(about: &About) -> String {
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
pub(super) fn doubt(doubt: &Doubt) -> String {
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
            format!("{filter} keeps it out between {source} and {replica}")
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
        Doubt::CanaryFiltered { filter } => format!("{filter} keeps the canary's database out"),
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
pub(super) fn host(remark: &HostRemark) -> String {
    remark.why.as_ref().map_or_else(|| "nothing is known of it".to_owned(), words::fault::host)
}

/// Why a channel is not proven.
pub(super) fn unproven(why: &Unproven) -> String {
    match why {
        Unproven::NoRow(doubt) => no_row(doubt),
        Unproven::Errant(found) => words::errant::cause(found),
        Unproven::ErrantNotRead(why) => {
            format!("Whether it has errant transactions could not be read: {why}.")
        }
        Unproven::Fault(fault) => words::fault::channel(fault),
        Unproven::Stopped(state) => format!("The channel is {state}."),
        Unproven::Late { writer, waited } => {
            format!("The canary of {writer} did not arrive within {}.", duration(*waited))
        }
    }
}

/// What to do about it.
pub(super) fn next(why: &Unproven) -> Option<String> {
    match why {
        Unproven::NoRow(_) | Unproven::Stopped(_) => None,
        Unproven::Errant(_) | Unproven::ErrantNotRead(_) => {
            Some("No row was sent to it. `tandem doctor` lists the ways out.".to_owned())
        }
        Unproven::Fault(fault) => Some(words::fault::next(fault)),
        Unproven::Late { .. } => Some("Is it far behind? Give it longer with --wait.".to_owned()),
    }
}

/// Why numbers can meet.
pub(super) fn collision(why: &Collision) -> String {
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
pub(super) fn table(problem: &TableProblem) -> String {
    match problem {
        TableProblem::Missing { host } => format!("it is missing on {host}"),
        TableProblem::Columns { host, names } => match names.as_slice() {
            [name] => format!("{host} has no column {name}"),
            names => format!("{host} has no columns {}", names.join(", ")),
        },
    }
}

/// Why replication did not return.
pub(super) fn restart(problem: &RestartProblem) -> String {
    match problem {
        RestartProblem::NoUnit => "the unit of its server is not known".to_owned(),
        RestartProblem::ChannelGone { source, replica, waited, at } => format!(
            "The channel from {source} to {replica} did not return within {}: {at}.",
            duration(*waited)
        ),
        RestartProblem::RowLate { writer, host } => {
            format!("After it, a row of {writer} did not arrive on {host}.")
        }
        RestartProblem::Failed(failure) => format!("{}: {}", about(&failure.about), doubt(&failure.why)),
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", about(&self.about), doubt(&self.why))
    }
}

impl Serialize for Remark {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        written(&about(&self.about), Some(self.why.code()), &doubt(&self.why), to)
    }
}

impl fmt::Display for HostRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&host(self))
    }
}

impl Serialize for HostRemark {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let code = self.why.as_ref().and_then(HostProblem::code);
        written(self.host.as_str(), code, &host(self), to)
    }
}

fn written<S: Serializer>(about: &str, code: Option<&str>, reason: &str, to: S) -> Result<S::Ok, S::Error> {
    let mut remark = to.serialize_struct("Remark", 3)?;
    remark.serialize_field("about", about)?;
    match code {
        Some(code) => remark.serialize_field("code", code)?,
        None => remark.skip_field("code")?,
    }
    remark.serialize_field("reason", reason)?;
    remark.end()
}

/// What has a code, and a sentence by [`fmt::Display`].
pub(super) trait Problem: fmt::Display {
    /// Its code.
    fn code(&self) -> &'static str;
}

macro_rules! problems {
    ($($kind:ty => $said:path),* $(,)?) => {
        $(
            impl Problem for $kind {
                fn code(&self) -> &'static str {
                    self.code()
                }
            }

            impl fmt::Display for $kind {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&$said(self))
                }
            }
        )*
    };
}

problems! {
    Collision => collision,
    TableProblem => table,
    RestartProblem => restart,
}

/// Writes `code` and `problem`, both `null` where nothing is wrong.
pub(super) fn problem_in_words<P: Problem, S: Serializer>(
    found: &Option<P>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let mut fields = to.serialize_struct("Problem", 2)?;
    fields.serialize_field("code", &found.as_ref().map(P::code))?;
    fields.serialize_field("problem", &found.as_ref().map(P::to_string))?;
    fields.end()
}

/// Writes what is wrong with a channel, with what to do: `code`, `problem`, `next`.
pub(super) fn unproven_in_words<S: Serializer>(found: &Option<Unproven>, to: S) -> Result<S::Ok, S::Error> {
    let mut fields = to.serialize_struct("Problem", 3)?;
    fields.serialize_field("code", &found.as_ref().map(Unproven::cause))?;
    fields.serialize_field("problem", &found.as_ref().map(Unproven::to_string))?;
    fields.serialize_field("next", &found.as_ref().and_then(Unproven::next))?;
    fields.end()
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&unproven(self))
    }
}

impl Unproven {
    /// What to do about it.
    pub fn next(&self) -> Option<String> {
        next(self)
    }
}
