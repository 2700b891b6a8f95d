//! The forms that other programs read: Markdown for a merge request, JUnit for a pipeline, SARIF for an editor.

mod cases;
mod junit;
mod markdown;
mod sarif;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use sarif::sarif;

use crate::{model::HostName, plan::PlanDocument, verify::VerifyReport};

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// What a comment of a merge request shows.
    Markdown,
    /// What a pipeline counts.
    Junit,
}

/// A plan with the hosts that it is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planned<'a> {
    /// The playbook as it was named.
    pub playbook: &'a str,
    /// The plan.
    pub document: &'a PlanDocument,
    /// All hosts.
    pub hosts: &'a BTreeSet<HostName>,
    /// Those of them that could not be read, with the reason.
    pub unread: &'a BTreeMap<HostName, String>,
}

impl Form {
    /// A plan, or what differs.
    pub(crate) fn plan(self, planned: &Planned<'_>) -> String {
        match self {
            Form::Markdown => markdown::plan(planned),
            Form::Junit => junit::suite(planned.playbook, &cases::of_plan(planned)),
        }
    }

    /// What was proven.
    pub(crate) fn verify(self, report: &VerifyReport) -> String {
        match self {
            Form::Markdown => markdown::verify(report),
            Form::Junit => junit::suite("verify", &cases::of_proof(report)),
        }
    }
}
