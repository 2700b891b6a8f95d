//! The sentences of plans and of what `doctor`, `adopt` and `verify` find, one file for each subject. What they say is decided elsewhere; here are the words alone.

mod adopted;
mod authority;
mod because;
pub(crate) mod cause;
mod channel;
pub(crate) mod codes;
mod copied;
mod copy;
mod data;
mod document;
pub(crate) mod down;
mod end;
pub(crate) mod errant;
pub(crate) mod fault;
mod finding;
mod firewall;
mod ignored;
mod losses;
mod method;
mod pair;
pub(crate) mod repair;
mod risk;
mod server;
mod setting;
mod stale;
mod state;
mod step;
mod takeover;
mod unfit;
pub(crate) mod verified;
mod waiting;

pub(crate) use adopted::{remark as adopted, stands_out};
pub(crate) use because::{because, reason};
pub(crate) use copied::difference as copy_difference;
pub(crate) use data::purged;
pub use document::document;
pub(crate) use finding::finding;
pub(crate) use ignored::never_fits;
pub(crate) use risk::risk;
pub(crate) use stale::stale;
pub(crate) use state::{state, value};
pub(crate) use step::{lasting, position, step, summary};
pub(crate) use takeover::who_takes_writes;
pub(crate) use unfit::unfit;
pub(crate) use waiting::waits;

use std::collections::BTreeSet;

use crate::{
    model::{HostName, visible},
    plan::{Allow, NotRead, Refusal, Refused},
};

/// A sentence, and what stands below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The sentence.
    pub(crate) reason: String,
    /// A line for each; user's data may stand in it.
    pub(crate) details: Vec<String>,
}

impl Message {
    fn plain(reason: String) -> Self {
        Self { reason, details: Vec::new() }
    }

    /// All of it, the sentence on the first line.
    pub(crate) fn whole(&self) -> String {
        whole(&self.reason, &self.details)
    }
}

/// A sentence with what stands below it.
pub(crate) fn whole(reason: &str, details: &[String]) -> String {
    std::iter::once(reason).chain(details.iter().map(String::as_str)).collect::<Vec<_>>().join("\n")
}

/// Why something that is wished will not be done, and what to do.
pub(crate) fn refused(refusal: &Refusal) -> Message {
    let host = &refusal.host;
    Message::plain(match &refusal.why {
        Refused::Copy(why) => return copy::refused(host, why),
        Refused::Data(why) => return data::refused(host, why),
        Refused::Errant(found) => {
            let mut details = errant::details(found);
            details.push("Nothing was changed.".to_owned());
            return Message { reason: errant::cause(found), details };
        }
        Refused::End(why) => end::refused(host, why),
        Refused::Channel(why) => channel::refused(host, why),
        Refused::Takeover(why) => takeover::refused(host, why),
        Refused::Pair { source, why } => pair::refused(host, source, why),
        Refused::Setting(why) => setting::refused(host, why),
        Refused::Server(why) => server::refused(why),
        Refused::Firewall(why) => firewall::refused(why),
        Refused::Authority(why) => authority::refused(why),
        Refused::Resource(resource, obstacle) => format!("{}: {obstacle}", resource.any().what()),
        Refused::Circle { steps } => {
            format!("this is a fault of tandem: {steps} steps wait for each other")
        }
        Refused::NotAllowed { step, risk, allow } => {
            format!("{}: {}. Allow it with --allow {allow}.", self::step(step), self::risk(risk))
        }
    })
}

/// Words of `--allow` as they are given.
pub(crate) fn allow(words: &BTreeSet<Allow>) -> String {
    let mut words: Vec<&str> = words.iter().map(|word| word.word()).collect();
    words.sort_unstable();
    words.join(",")
}

/// Why a server was not read.
fn not_read(why: &NotRead) -> String {
    match why {
        NotRead::NoServer => "no database server is installed there".to_owned(),
        NotRead::Why(why) => why.clone(),
        NotRead::NotLookedAt => "it was not looked at".to_owned(),
    }
}

/// All names of a list.
fn all(names: &[String]) -> String {
    names.iter().map(|name| visible(name)).collect::<Vec<_>>().join(", ")
}

/// All hosts of a list.
fn hosts(names: &[HostName]) -> String {
    names.iter().map(HostName::as_str).collect::<Vec<_>>().join(", ")
}

/// The first names of a list, and how many more there are.
fn first(names: &[String]) -> String {
    cut(names, 6)
}

/// The first names of a list that may be long and is not the point of its sentence.
fn few(names: &[String]) -> String {
    cut(names, 5)
}

fn cut(names: &[String], most: usize) -> String {
    match names.len().checked_sub(most) {
        None | Some(0) => all(names),
        Some(more) => format!("{} and {more} more", all(&names[..most])),
    }
}
