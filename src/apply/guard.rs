//! What a step rests on is looked at once more right before it.
//!
//! Between a plan and its step lie a person's thoughts and the steps before it. Where what was there has
//! changed in a way that makes the step harmful, it is not even tried, and the run ends as stale.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    exec::{Fleet, On, StepError},
    grant::sha256_hex,
    model::{HostName, limits},
    observe::{client_sessions, databases_with_content},
    plan::{Action, Allow, ChannelChange, CopyMethod, FileStage, Risk, Step},
    transport::ReadScript,
};

const DIGEST: ReadScript = ReadScript::new(
    "look at the option file once more",
    "if [ -e \"$1\" ]; then sha256sum <\"$1\"; else echo absent; fi",
);
const LIMIT: Duration = limits::LOOK.time;

/// Looks at what a step rests on.
///
/// # Errors
/// A stale one, where something has changed; another one, where it can't be read.
pub(super) async fn check(step: &Step, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let host = &step.host;
    let on = fleet.on(host);
    match &step.action {
        Action::Seed(plan) => {
            // Nothing is replaced, and what is there is the point.
            if let CopyMethod::ByHand { .. } = plan.method {
                return Ok(());
            }
            crate::seed::open_ahead(on, plan);
            crate::seed::still_replaceable(on, plan).await?;
            still_unused(step, &format!("copy from {}", plan.from), fleet).await
        }
        Action::Restart { unit, .. } => still_unused(step, &format!("restart {unit}"), fleet).await,
        Action::WriteOptionFile { path, stage, .. } => {
            let over = match stage {
                FileStage::WritesBack { over } => over.as_deref(),
                FileStage::AsDeclared | FileStage::WritesAway { .. } => None,
            };
            same_file(on, path, over).await
        }
        Action::RemoveLeftovers { database: true, .. } => test_is_empty(on).await,
        Action::Channel(change) => {
            // The far end is proven meanwhile, which takes a while.
            on.open_ahead(2);
            on.at(&change.wish.source).open_ahead(1);
            tokio::try_join!(still_no_channel(on, change), super::far_end::check(on, change)).map(drop)
        }
        _ => Ok(()),
    }
}

fn failed(host: &HostName, why: impl std::fmt::Display) -> StepError {
    StepError::new(host, "look once more at what the step rests on", why)
}

/// A server that nobody used may be restarted without a word; one that is used by now may not.
async fn still_unused(step: &Step, tried: &str, fleet: &Fleet<'_>) -> Result<(), StepError> {
    let planned_unused = step.risk.iter().any(|r| matches!(r, Risk::Restart { sessions: Some(0) }));
    if !planned_unused || fleet.policy.allow.contains(&Allow::Restart) {
        return Ok(());
    }
    let host = &step.host;
    let on = fleet.on(host);
    let sql = on.reader().await?;
    let own: Vec<String> = fleet.own_users();
    let sessions = client_sessions(on.session()?, &sql, &own).await.map_err(|e| failed(host, e))?;
    if sessions.is_empty() {
        return Ok(());
    }
    let who: BTreeSet<String> = sessions.iter().map(|s| format!("{}@{}", s.user, s.host)).collect();
    Err(StepError::stale(
        host,
        tried,
        format!(
            "since the plan was made, clients have connected: {}",
            who.into_iter().collect::<Vec<_>>().join(", ")
        ),
    )
    .then("Allow it with --allow restart, or apply when nobody is connected."))
}

/// The file that is replaced must be the one that was shown, or what this run has made of it.
async fn same_file(on: On<'_>, path: &str, over: Option<&str>) -> Result<(), StepError> {
    let host = on.host;
    let Some(files) = on.facts()?.option_files.known() else { return Ok(()) };
    let shown = over.map(str::as_bytes).or_else(|| files.content(path));
    let shown = shown.map_or_else(|| "absent".to_owned(), sha256_hex);
    let output = on.session()?.read(&DIGEST, &[path], LIMIT).await.map_err(|e| failed(host, e))?;
    let now = output.text().split_whitespace().next().unwrap_or_default().to_owned();
    if now == shown {
        return Ok(());
    }
    let tried = format!("write {path}");
    Err(StepError::stale(host, tried, "the file has changed since the plan was made")
        .then("It was left as it is. Look at another plan."))
}

/// A database `test` that somebody has filled meanwhile is data.
async fn test_is_empty(on: On<'_>) -> Result<(), StepError> {
    let host = on.host;
    let sql = on.reader().await?;
    let have = databases_with_content(&sql, on.dialect()?).await.map_err(|e| failed(host, e))?;
    if !have.iter().any(|name| name == "test") {
        return Ok(());
    }
    Err(StepError::stale(
        host,
        "drop the database test",
        "since the plan was made, something has been put into it",
    )
    .then("Nothing was dropped. Look at another plan."))
}

/// A channel that somebody made meanwhile is not ours to turn round.
async fn still_no_channel(on: On<'_>, change: &ChannelChange) -> Result<(), StepError> {
    let host = on.host;
    if change.exists {
        return Ok(());
    }
    let sql = on.reader().await?;
    let list = crate::observe::channels(&sql, on.dialect()?).await.map_err(|e| failed(host, e))?;
    match list.iter().find(|c| c.name == change.wish.name) {
        None => Ok(()),
        Some(there) => Err(StepError::stale(
            host,
            format!("replicate from {}", change.wish.source),
            format!(
                "since the plan was made, somebody has set up replication from {}:{} there",
                there.source_host, there.source_port
            ),
        )
        .then("It was left as it is. Look at another plan.")),
    }
}
