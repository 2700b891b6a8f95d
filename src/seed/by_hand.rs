//! Data that was loaded by hand: the place at which it stands is proven to be one of the source's, and noted as that of a
//! copy. Nothing of the data is touched; what it is worth shows the comparison.

use super::{accounts_and_events, begin_history, check, end_channels, mark};
use crate::{
    dialect::ReadStatement,
    exec::{Fleet, On, StepError},
    gtid::GtidForm,
    model::{BinlogPosition, GivenPosition},
    observe::{SeedCoordinates, SeedMark, SeedMarks},
    plan::{SeedPlan, Step},
};

/// Notes the place. A run that is cut off before has changed nothing but this server's own binary logs.
pub(super) async fn run(
    step: &Step,
    (plan, given): (&SeedPlan, &GivenPosition),
    mut marks: SeedMarks,
    fleet: &Fleet<'_>,
) -> Result<Option<String>, StepError> {
    let on = fleet.on(&step.host);
    let (at, gtid) = place(fleet.on(&plan.from), given).await?;
    end_channels(plan, fleet).await?;
    let accounts = accounts_and_events(on, plan, None).await?;
    let mut sql = on.statements().await?;
    // As one that is loaded from the first moment on: what is there is nobody's to be dropped.
    marks.put(SeedMark {
        from: plan.from.to_string(),
        databases: plan.databases.clone(),
        loaded: Some(SeedCoordinates { at, gtid, own: None }),
        differs: Vec::new(),
    });
    if !plan.beside {
        begin_history(step, &mut marks, fleet, &mut sql).await?;
    }
    mark::write(on, &marks).await?;
    let accounts = if accounts == 1 { "1 account".to_owned() } else { format!("{accounts} accounts") };
    Ok(Some(format!("it stands at {given} of {}; {accounts}", plan.from)))
}

/// The place as the source has it, before anything is changed.
async fn place(source: On<'_>, given: &GivenPosition) -> Result<(Option<BinlogPosition>, String), StepError> {
    let at = match given {
        GivenPosition::File(at) => at,
        GivenPosition::Positions(text) | GivenPosition::Set(text) => return Ok((None, text.clone())),
    };
    check::still_there(source, Some(at)).await?;
    let tried = format!("find an event at {at} in its binary log");
    let reader = source.reader().await?;
    // In the middle of an event there is none.
    let found = reader.query(&ReadStatement::binlog_events(at.file(), Some(at.offset()), 1)).await;
    found.map_err(|e| {
        source.failed(&tried, e).then("Look at what was noted when the data was taken. Nothing was changed.")
    })?;
    let gtid = match source.dialect()?.gtid_form() {
        GtidForm::Positions => check::coordinates(source, at, None).await?,
        GtidForm::Sets => String::new(),
    };
    Ok((Some(at.clone()), gtid))
}
