//! Who accepts writes is looked at once more, under the locks of the hosts, before a run moves them.
//!
//! Another run may have moved them since this one has looked: it would lock a host that is closed already, and open a second
//! writer beside the one that was opened meanwhile. So nothing of such a plan is begun.

use std::collections::BTreeMap;

use crate::{
    dialect::ReadStatement,
    exec::{Fleet, On, StepError},
    observe::{DECIDING, accepts_writes},
    plan::{Action, Plan, Step},
};

/// The first step that opens or closes a host, where who accepts writes is not what the plan was made for; with what has
/// changed, or why it is not known.
pub(super) async fn changed<'p>(plan: &'p Plan, fleet: &Fleet<'_>) -> Option<(&'p Step, StepError)> {
    let first = plan.steps.iter().find(|step| moves_writes(step))?;
    let error = look(first, fleet).await.err()?;
    Some((first, error))
}

fn moves_writes(step: &Step) -> bool {
    let switches =
        matches!(step.action, Action::Switchover(_) | Action::Failover(_) | Action::CatchUp { .. });
    switches || step.opens(&step.host) || step.closes(&step.host)
}

async fn look(step: &Step, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let members = fleet.desired.members.iter().map(|name| fleet.on(name));
    let read = members.filter_map(|on| Some((on, on.server().ok()?.accepts_writes())));
    let looks = read.map(async |(on, planned)| Ok::<_, StepError>((on.host, planned, open_now(on).await?)));
    let seen = futures_util::future::try_join_all(looks).await?;
    let differs: Vec<String> = seen
        .iter()
        .filter(|(_, planned, now)| planned != now)
        .map(|(host, _, now)| format!("{host} {}", if *now { "accepts writes" } else { "accepts none" }))
        .collect();
    match differs.is_empty() {
        true => Ok(()),
        false => {
            let why = format!("since the plan was made, that has changed: {}", differs.join(", "));
            Err(StepError::stale(&step.host, "go by who accepts writes", why)
                .then("Nothing was changed. Look at another plan."))
        }
    }
}

async fn open_now(on: On<'_>) -> Result<bool, StepError> {
    let failed = |error| on.failed("see whether it accepts writes", error);
    let asked = DECIDING.map(ReadStatement::variable);
    let mut values = BTreeMap::new();
    for (name, rows) in DECIDING.iter().zip(on.reader().await?.query_each(&asked).await.map_err(failed)?) {
        if let Some(row) = rows.map_err(failed)?.first() {
            values.insert(*name, row.text("value").map_err(failed)?);
        }
    }
    Ok(accepts_writes(|name| values.get(name).map(String::as_str)))
}
