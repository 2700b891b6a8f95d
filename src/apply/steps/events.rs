//! Events run where clients write: they are enabled there, and everybody else lets theirs rest.
//!
//! A server that gets such a statement from its source gives the event the state in which it rests, whatever the statement
//! says (MySQL manual, "Replication of Invoked Features"; MariaDB does the same). So enabling is meant to replicate: the
//! former writer, on which the event was enabled, is told by it that it is no more.

use crate::{
    exec::{On, StepError},
    observe::{EventFacts, EventState},
    plan::Events,
    seed::StoredEvent,
    transport::Replicates,
};

/// Lets the events that rest on a host run there, but for those that were disabled where they came from.
pub(super) async fn run(on: On<'_>, events: &Events) -> Result<Option<String>, StepError> {
    let mut own = on.statements().await?;
    let (stay, run): (Vec<_>, Vec<_>) = StoredEvent::resting(&mut own)
        .await?
        .into_iter()
        .partition(|event| events.stays(&event.database, &event.name));
    let mut result = Ok(());
    if !run.is_empty() {
        let mut sql = on.replicated(Replicates::Event).await?;
        for event in &run {
            result = result.and(event.change(&mut sql, "ENABLE").await);
        }
    }
    // What was disabled on the former writer stays so there, too: nobody else need know.
    for event in &stay {
        result = result.and(event.change(&mut own, "DISABLE").await);
    }
    result.map(|()| match run.len() {
        0 => None,
        1 => Some("1 event runs here".to_owned()),
        n => Some(format!("{n} events run here")),
    })
}

/// Those of the former writer that are disabled there at this moment, beside what the plan knows.
pub(super) async fn disabled(on: On<'_>, known: &Events) -> Result<Events, StepError> {
    let reader = on.reader().await?;
    let events =
        crate::observe::events(&reader, on.dialect()?).await.map_err(|e| on.failed("read its events", e))?;
    let disabled = events.iter().filter(|event| event.state == EventState::Disabled);
    let name = |event: &EventFacts| (event.database.clone(), event.name.clone());
    Ok(Events { run: known.run.clone(), stay: disabled.map(name).collect() })
}
