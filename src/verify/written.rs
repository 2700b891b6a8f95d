//! What is held as values, as the document has it.

use serde::{Serialize, Serializer};

use crate::{
    doctor::HostProblem,
    proof::{
        Collision, HostRemark, PortOutcome, Remark, RestartProblem, TableProblem, Unmatched, Unproven,
        Vantage,
    },
    words::verified,
};

/// A remark; one about a host whose state has no code has none.
#[derive(Serialize)]
struct Written {
    about: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    reason: String,
}

pub(super) fn remarks_in_words<S: Serializer>(remarks: &[Remark], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(remarks.iter().map(|remark| Written {
        about: verified::about(&remark.about),
        code: Some(remark.why.code()),
        reason: verified::doubt(&remark.why),
    }))
}

pub(super) fn hosts_in_words<S: Serializer>(remarks: &[HostRemark], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(remarks.iter().map(|remark| Written {
        about: remark.host.to_string(),
        code: remark.why.as_ref().and_then(HostProblem::code),
        reason: verified::host(remark),
    }))
}

pub(super) fn unmatched_in_words<S: Serializer>(unmatched: &[Unmatched], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(unmatched.iter().map(verified::unmatched))
}

pub(super) fn vantage_in_words<S: Serializer>(from: &Vantage, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(verified::vantage(from))
}

pub(super) fn port_in_words<S: Serializer>(outcome: &PortOutcome, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&verified::port(outcome))
}

/// What is wrong, with what to do: `code`, `problem`, `next`; all `null` where nothing is.
pub(super) fn unproven_in_words<S: Serializer>(found: &Option<Unproven>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Written {
        code: Option<&'static str>,
        problem: Option<String>,
        next: Option<String>,
    }
    let found = found.as_ref();
    Written {
        code: found.map(Unproven::cause),
        problem: found.map(verified::unproven),
        next: found.and_then(verified::next),
    }
    .serialize(to)
}

pub(super) fn collision_in_words<S: Serializer>(found: &Option<Collision>, to: S) -> Result<S::Ok, S::Error> {
    problem(found.as_ref().map(|found| (found.code(), verified::collision(found))), to)
}

pub(super) fn restart_in_words<S: Serializer>(
    found: &Option<RestartProblem>,
    to: S,
) -> Result<S::Ok, S::Error> {
    problem(found.as_ref().map(|found| (found.code(), verified::restart(found))), to)
}

pub(super) fn table_in_words<S: Serializer>(found: &Option<TableProblem>, to: S) -> Result<S::Ok, S::Error> {
    problem(found.as_ref().map(|found| (found.code(), verified::table(found))), to)
}

/// What is wrong: `code` and `problem`, both `null` where nothing is.
fn problem<S: Serializer>(found: Option<(&'static str, String)>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Written {
        code: Option<&'static str>,
        problem: Option<String>,
    }
    let (code, problem) = found.unzip();
    Written { code, problem }.serialize(to)
}
