//! A plan as the document that machines read, people are shown, and files keep.

use std::collections::BTreeSet;

use super::{self as words, Message, because};
use crate::{
    model::HostName,
    plan::{
        Action, CopyMethod, DataEffect, FORMAT_VERSION, Next, PlaceDocument, Plan, PlanDocument, Reason,
        ReasonDocument, Refusal, RefusedDocument, Risk, RiskDocument, Settle, Step, StepDocument, Summary,
        Waiting, WaitingDocument, Warning, WarningDocument,
    },
};

/// The document of a plan.
pub fn document(plan: &Plan) -> PlanDocument {
    let hosts: BTreeSet<&HostName> = plan.steps.iter().map(|s| &s.host).collect();
    let restarts = |step: &&Step| match &step.action {
        Action::Restart { .. } => true,
        Action::Seed(seed) => seed.method.is_whole(),
        _ => false,
    };
    PlanDocument {
        format_version: FORMAT_VERSION.to_owned(),
        in_sync: plan.in_sync(),
        summary: Summary {
            steps: plan.steps.len(),
            restarts: plan.steps.iter().filter(restarts).count(),
            hosts: hosts.len(),
            data: DataEffect::of(plan.steps.iter().flat_map(|s| &s.risk)),
        },
        steps: plan.steps.iter().map(step).collect(),
        waiting: plan.waiting.iter().map(waiting).collect(),
        refused: plan.refused.iter().map(refused).collect(),
        warnings: plan.warnings.iter().map(warning).collect(),
        writers: plan.writers.clone(),
        ignored: Vec::new(),
        inputs: None,
    }
}

fn step(step: &Step) -> StepDocument {
    StepDocument {
        id: step.id.clone(),
        host: step.host.clone(),
        kind: step.kind,
        summary: words::lasting(step),
        bytes: match &step.action {
            Action::Seed(plan) if !matches!(plan.method, CopyMethod::ByHand { .. }) => Some(plan.bytes),
            _ => None,
        },
        position: words::position(&step.action),
        reason: step.reason.iter().map(reason).collect(),
        before: step.before.clone(),
        after: step.after.clone(),
        risk: step.risk.iter().map(risk).collect(),
        requires: step.requires.clone(),
    }
}

fn waiting(waiting: &Waiting) -> WaitingDocument {
    WaitingDocument {
        host: waiting.host.clone(),
        code: waiting.why.code().to_owned(),
        cause: waiting.why.cause().map(|cause| cause.code().to_owned()),
        reason: words::waits(waiting),
    }
}

fn refused(refusal: &Refusal) -> RefusedDocument {
    let Message { reason, details } = words::refused(refusal);
    RefusedDocument {
        host: refusal.host.clone(),
        code: refusal.why.code().to_owned(),
        cause: refusal.why.cause().map(|cause| cause.code().to_owned()),
        place: refusal.why.place().map(PlaceDocument::from),
        reason,
        details,
        next: refusal.why.next(&refusal.host).into_iter().map(next).collect(),
    }
}

/// An advice as it is written.
fn next(next: Next) -> Next {
    match next {
        Next::Settle(Settle::Found(repair)) => Next::Settle(Settle::Worded(words::errant::way_out(&repair))),
        other => other,
    }
}

fn warning(warning: &Warning) -> WarningDocument {
    let Message { reason, details } = words::finding(warning);
    WarningDocument {
        host: warning.host.clone(),
        code: warning.what.code().to_owned(),
        text: reason,
        details,
        drift: warning.what.drift(),
    }
}

fn reason(reason: &Reason) -> ReasonDocument {
    ReasonDocument {
        because: because::written(&reason.because),
        text: words::because(&reason.because),
        place: reason.place.as_ref().map(PlaceDocument::from),
    }
}

fn risk(risk: &Risk) -> RiskDocument {
    RiskDocument { what: risk.clone(), allow: risk.gate(), text: words::risk(risk) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::ErrantRepair;

    #[test]
    fn an_empty_plan_is_the_documented_object() {
        let json = serde_json::to_string(&document(&Plan::default())).unwrap_or_default();
        assert_eq!(
            json,
            r#"{"format_version":"2.0","in_sync":true,"summary":{"steps":0,"restarts":0,"hosts":0,"data":"kept"},"writers":[],"steps":[],"waiting":[],"refused":[]}"#
        );
    }

    #[test]
    fn a_way_out_is_written_in_words_and_read_again() {
        let repair = ErrantRepair::SaveAndCopy { replica: "db-b".into() };
        let written = next(Next::Settle(Settle::Found(Box::new(repair))));
        let json = serde_json::to_value(&written).unwrap_or_default();
        assert_eq!(
            (&json["kind"], &json["command"]),
            (&"settle".into(), &"tandem apply PLAYBOOK --allow discard-errant".into())
        );
        assert_eq!(serde_json::from_value::<Next>(json).ok(), Some(written));
    }
}
