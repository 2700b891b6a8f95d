//! What is held as values, as the document has it.

use serde::{Serialize, Serializer};

use crate::{
    doctor::{ChannelFault, ErrantExplanation, HostProblem, Layer, Repair, RowEvidence, WritersProblem},
    words,
};

pub(super) fn errant_in_words<S: Serializer>(found: &[ErrantExplanation], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(found.iter().map(words::errant::document))
}

pub(super) fn repairs_in_words<S: Serializer>(repairs: &[Repair], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(repairs.iter().map(words::repair::way_out))
}

pub(super) fn evidence_in_words<S: Serializer>(
    found: &Option<RowEvidence>,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_seq(found.iter().flat_map(words::repair::evidence))
}

pub(super) fn writers_in_words<S: Serializer>(
    found: &Option<WritersProblem>,
    to: S,
) -> Result<S::Ok, S::Error> {
    found.as_ref().map(words::fault::writers).serialize(to)
}

/// Without the code.
pub(super) fn problem_alone<S: Serializer>(found: &Option<HostProblem>, to: S) -> Result<S::Ok, S::Error> {
    found.as_ref().map(words::fault::host).serialize(to)
}

pub(super) fn problem_in_words<S: Serializer>(found: &Option<HostProblem>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Written {
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'static str>,
        problem: Option<String>,
    }
    let code = found.as_ref().and_then(HostProblem::code);
    Written { code, problem: found.as_ref().map(words::fault::host) }.serialize(to)
}

pub(super) fn fault_in_words<S: Serializer>(found: &Option<ChannelFault>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Written {
        code: Option<&'static str>,
        layer: Option<Layer>,
        cause: Option<String>,
        next: Option<String>,
        said: Option<String>,
    }
    let found = found.as_ref();
    Written {
        code: found.and_then(ChannelFault::code),
        layer: found.and_then(ChannelFault::layer),
        cause: found.map(words::fault::channel),
        next: found.map(words::fault::next),
        said: found.and_then(words::fault::said),
    }
    .serialize(to)
}
