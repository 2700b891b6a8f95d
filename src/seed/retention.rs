//! Keeps a source's binary logs while it is copied, and lets it purge them again afterwards.
//!
//! What the retention was is written down on the source before it is raised. Where a run dies in between, the
//! source sets the values back by itself; should its server be down then, the record stays for the next plan.

use std::collections::BTreeMap;

use crate::{
    exec::{On, Record, Statements, StepError, Undo, prepare_undo, settle_undo},
    model::HostName,
    observe::RetentionMark,
};

/// The record on the source.
const RECORD: Record<RetentionMark> =
    Record::new("/var/lib/tandem/retention.json", "look for held binary logs");
/// What the source sets back by itself, should this program not come to it.
const UNDO: &str = "retention";

/// Keeps the binary logs of a source from being purged.
pub(super) async fn hold(on: On<'_>) -> Result<(), StepError> {
    let from = on.host;
    let mut holds = on.fleet.holds.0.lock().await;
    let hold = holds.entry(from.clone()).or_default();
    if hold.copies == 0 {
        hold.variables = begin(on).await?;
    }
    hold.copies += 1;
    Ok(())
}

/// Ends what [`hold`] began, once no other copy of the source runs.
pub(super) async fn release(on: On<'_>) -> Result<(), StepError> {
    let from = on.host;
    let mut holds = on.fleet.holds.0.lock().await;
    let hold = holds.entry(from.clone()).or_default();
    hold.copies = hold.copies.saturating_sub(1);
    if hold.copies > 0 || hold.variables.is_empty() {
        return Ok(());
    }
    restore(on, &std::mem::take(&mut hold.variables)).await
}

/// Sets the values back and takes the record away.
pub(crate) async fn restore(on: On<'_>, values: &BTreeMap<String, String>) -> Result<(), StepError> {
    set(&mut on.statements().await?, on.host, values).await?;
    let noted = RECORD.forget(on, "note that its binary logs are held no more");
    let (noted, settled) = tokio::join!(noted, settle_undo(on, UNDO));
    noted.and(settled)
}

/// Statements that set the values.
fn settings(values: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    // Both come back from a file on the host: nothing but a name and a number may pass.
    let plain = |(name, value): &(&String, &String)| {
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && value.parse::<f64>().is_ok()
    };
    values.iter().filter(plain).map(|(name, value)| format!("SET GLOBAL {name} = {value}"))
}

/// What was raised comes back with its value of before.
async fn begin(on: On<'_>) -> Result<BTreeMap<String, String>, StepError> {
    let from = on.host;
    let server = on.server()?;
    let names = on.dialect()?.retention_variables();
    let failed = |e| on.failed("read how long it keeps its binary logs", e);
    let there = names.iter().filter(|name| server.variable(name).is_some());
    let there: Vec<String> = there.map(|name| format!("@@GLOBAL.{name} AS {name}")).collect();
    let asked = async {
        let mut sql = on.statements().await?;
        let row = sql.first(&format!("SELECT {}", there.join(", "))).await.map_err(failed)?;
        Ok((sql, row))
    };
    let ((mut sql, row), record) = tokio::try_join!(asked, RECORD.read(on))?;
    // A run that died has raised the values already; what they were is in its record.
    let values = match record {
        Some(mark) => mark.variables,
        None => {
            let mut values = BTreeMap::new();
            for name in names.iter().filter(|n| server.variable(n).is_some()) {
                let value = row.need(name).map_err(failed)?;
                if value.parse::<f64>().is_ok_and(|v| v != 0.0) {
                    values.insert((*name).to_owned(), value.to_owned());
                }
            }
            if values.is_empty() {
                return Ok(values);
            }
            let mark = RetentionMark { variables: values.clone() };
            let back: Vec<String> = settings(&values).collect();
            // Nothing is raised before both are there; until then each alone does no harm.
            let (written, prepared) = tokio::join!(
                RECORD.write(on, "note how long it keeps its binary logs", &mark),
                prepare_undo(on, Undo { name: UNDO, sql: &back, record: Some(RECORD.path()) })
            );
            written.and(prepared)?;
            raise(&mut sql, from, &values).await?;
            return Ok(values);
        }
    };
    let back: Vec<String> = settings(&values).collect();
    prepare_undo(on, Undo { name: UNDO, sql: &back, record: Some(RECORD.path()) }).await?;
    raise(&mut sql, from, &values).await?;
    Ok(values)
}

async fn raise(
    sql: &mut Statements<'_>,
    from: &HostName,
    values: &BTreeMap<String, String>,
) -> Result<(), StepError> {
    let raised = values.keys().map(|name| (name.clone(), "0".to_owned())).collect();
    set(sql, from, &raised).await
}

async fn set(
    sql: &mut Statements<'_>,
    from: &HostName,
    values: &BTreeMap<String, String>,
) -> Result<(), StepError> {
    let all: Vec<String> = settings(values).collect();
    let done = sql.run_all(all.iter().map(String::as_str)).await;
    let tried = || format!("set how long it keeps its binary logs ({})", all.join("; "));
    done.map(drop).map_err(|e| StepError::new(from, tried(), e))
}
