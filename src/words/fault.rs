//! What is wrong with hosts, channels, and with who accepts writes.

use super::{cause, down};
use crate::{
    doctor::{ChannelFault, ChannelProblem, HostProblem, WritersProblem},
    model::HostName,
    observe::UnreadPart,
};

/// Why a host is not as it should be, as a clause.
pub(crate) fn host(problem: &HostProblem) -> String {
    match problem {
        HostProblem::NotRead { why } => why.clone(),
        HostProblem::PartNotRead { part, why } => part_not_read(*part, why),
        HostProblem::NoServer => {
            "no database server is installed; `tandem apply` installs one with the role server".to_owned()
        }
        HostProblem::Down { why: None } => "it is down".to_owned(),
        HostProblem::Down { why: Some(why) } => format!("it is down: {}", down::down(why)),
    }
}

/// What of a server that answers could not be read, as a clause.
pub(crate) fn part_not_read(part: UnreadPart, why: &str) -> String {
    let part = match part {
        UnreadPart::Channels => "channels",
        UnreadPart::BinaryLog => "binary log",
        UnreadPart::Gtids => "GTID state",
    };
    format!("its {part} could not be read: {why}")
}

/// Why a channel is not as it should be.
pub(crate) fn channel(fault: &ChannelFault) -> String {
    match &fault.what {
        ChannelProblem::Missing { replica, source } => {
            format!("{replica} is declared as a replica of {source} and is none.")
        }
        ChannelProblem::Stopped(found) => cause::cause(found),
    }
}

/// What to do about a channel.
pub(crate) fn next(fault: &ChannelFault) -> String {
    match (&fault.errant_first, &fault.what) {
        (Some(replica), _) => {
            format!("Settle the errant transactions of {replica} first; they are listed below.")
        }
        (None, ChannelProblem::Missing { .. }) => "`tandem plan` shows what makes it one.".to_owned(),
        (None, ChannelProblem::Stopped(found)) => cause::next(found),
    }
}

/// The server's own words about a channel, where it has some.
pub(crate) fn said(fault: &ChannelFault) -> Option<String> {
    fault.explanation().map(cause::said).filter(|said| !said.is_empty())
}

/// What is wrong with who accepts writes.
pub(crate) fn writers(problem: &WritersProblem) -> String {
    match problem {
        WritersProblem::None { declared } => {
            format!("No host accepts writes; clients are declared to write to {declared}.")
        }
        WritersProblem::Several { open, declared } => {
            let names: Vec<&str> = open.iter().map(HostName::as_str).collect();
            format!(
                "{} hosts accept writes, {}; clients are declared to write to {declared} alone.",
                names.len(),
                names.join(" and ")
            )
        }
        WritersProblem::Lost { open } => {
            let names: Vec<&str> = open.iter().map(HostName::as_str).collect();
            let verb = if names.len() == 1 { "accepts writes, and is" } else { "accept writes, and are" };
            format!("{} {verb} declared lost.", names.join(" and "))
        }
        WritersProblem::Other { open, declared, read } => other_writer(open, declared, *read),
    }
}

/// Another host than the declared one accepts writes.
pub(crate) fn other_writer(open: &HostName, declared: &HostName, read: bool) -> String {
    let how = if read { "accepts none" } else { "could not be read" };
    format!("{open} accepts writes; clients are declared to write to {declared}, which {how}.")
}
