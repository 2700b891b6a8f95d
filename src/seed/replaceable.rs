//! What a copy replaces is still what was shown.

use std::collections::BTreeSet;

use crate::{
    exec::{On, StepError},
    observe::databases_with_content,
    plan::SeedPlan,
};

/// Data that came in since the plan was made would be lost by the copy, or stand in its way.
pub(crate) async fn still_replaceable(on: On<'_>, plan: &SeedPlan) -> Result<(), StepError> {
    let host = on.host;
    let sql = on.reader().await?;
    let have = databases_with_content(&sql, on.dialect()?)
        .await
        .map_err(|e| on.failed("look once more at what the step rests on", e))?;
    let known: BTreeSet<&String> = plan.leftovers.iter().chain(&plan.replaces).chain(&plan.others).collect();
    // Beside other data only a database of the same name is in the way.
    let counts = |name: &String| !plan.beside || plan.databases.contains(name);
    let new: Vec<&str> =
        have.iter().filter(|d| !known.contains(d) && counts(d)).map(String::as_str).collect();
    if new.is_empty() {
        return Ok(());
    }
    Err(StepError::stale(
        host,
        format!("copy from {}", plan.from),
        format!("since the plan was made, data has come in there: {}", new.join(", ")),
    )
    .then("Nothing was replaced. Look at another plan."))
}
