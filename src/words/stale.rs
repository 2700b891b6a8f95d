//! Why a saved plan is not the plan of today.

use super::{risk, summary, value};
use crate::plan::{Change, Stale, StepDocument, Value};

/// What has changed since a plan was saved.
pub(crate) fn stale(stale: &Stale<'_>) -> String {
    let step = |step: &StepDocument| format!("{}: \"{}\"", step.id, summary(step));
    match stale {
        Stale::Value { host, change } => format!("{} on {host} {}", change.name, was_and_is(change)),
        Stale::After { host, change } => {
            format!("the declared {} of {host} {}", change.name, was_and_is(change))
        }
        Stale::Before { step } => {
            format!("{}: what is there now has changed since the plan was made", step.id)
        }
        Stale::NotNeeded { step: old } => format!("{} is not needed any more", step(old)),
        Stale::Added { step: new } => format!("{} is needed in addition", step(new)),
        Stale::Step { step: now } => format!("{}: it would now be \"{}\"", now.id, summary(now)),
        Stale::Risk { step: now, risk: Some(more) } => {
            format!("{} now has another risk: {}", step(now), risk(more))
        }
        Stale::Risk { step: now, risk: None } => format!("{} has fewer risks now", step(now)),
        Stale::Reason { step: now } => format!("{} is there for another reason now", step(now)),
        Stale::Order { step } => format!("{step} comes after other steps now"),
        Stale::Findings => "what is refused or waits has changed".to_owned(),
    }
}

fn was_and_is(change: &Change<'_>) -> String {
    let word = |side: Option<&Value>| match side.map(value) {
        None => "not set".to_owned(),
        Some("") => "empty".to_owned(),
        Some(text) => text.to_owned(),
    };
    format!("was {} and is {} now", word(change.before), word(change.after))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::PlanDocument;

    /// A plan with one step that has these fields beside the usual ones.
    fn plan(fields: &serde_json::Value) -> PlanDocument {
        let mut step = json!({
            "id": "db-b/service", "host": "db-b", "kind": "service", "summary": "restart mysql for binlog_format",
            "reason": [], "before": null, "after": null, "risk": [], "requires": [],
        });
        for (key, value) in fields.as_object().expect("fields") {
            step[key] = value.clone();
        }
        let summary = json!({"steps": 1, "restarts": 1, "hosts": 1, "data": "kept"});
        let plan = json!({
            "format_version": "2.0", "in_sync": false, "summary": summary, "writers": [], "steps": [step],
            "waiting": [], "refused": [],
        });
        PlanDocument::parse(&plan.to_string()).expect("a plan")
    }

    fn said(saved: &serde_json::Value, fresh: &serde_json::Value) -> Option<String> {
        let (saved, fresh) = (plan(saved), plan(fresh));
        saved.first_difference(&fresh).map(|difference| stale(&difference))
    }

    #[test]
    fn what_has_changed_is_named() {
        let format = |value: &str| json!({"before": {"kind": "settings", "values": [{"name": "binlog_format", "value": value}]}});
        assert_eq!(
            said(&format("ROW"), &format("MIXED")).as_deref(),
            Some("binlog_format on db-b was ROW and is MIXED now")
        );
        assert_eq!(said(&format("ROW"), &format("ROW")), None);
        let id = said(&json!({}), &json!({"id": "db-b/other"})).unwrap_or_default();
        assert!(id.contains("is not needed any more"), "{id}");
    }

    #[test]
    fn what_moves_from_second_to_second_is_left_out_and_whether_anybody_is_connected_is_not() {
        let sessions = |n: u32| {
            let allow = if n > 0 { json!("restart") } else { json!(null) };
            json!({"risk": [{"kind": "restart", "sessions": n, "allow": allow, "text": format!("{n} sessions")}]})
        };
        assert_eq!(said(&sessions(2), &sessions(5)), None);
        assert!(said(&sessions(0), &sessions(5)).is_some());
        let copy = |bytes: u64, position: &str| {
            json!({
                "bytes": bytes, "position": position,
                "risk": [{"kind": "copy-load", "bytes": bytes, "allow": null, "text": format!("{bytes} bytes")}],
            })
        };
        assert_eq!(said(&copy(1, "0-1-1"), &copy(2, "0-1-7")), None);
    }
}
