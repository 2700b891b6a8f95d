//! A channel without its delay, for as long as a copy is compared: behind a delay of an hour the two are never at one
//! position while anybody waits.

use crate::{
    exec::{On, StepError, Undo, prepare_undo, settle_undo},
    plan::ComparePlan,
};

/// What the host sets again by itself, should this program not come to it.
const UNDO: &str = "delay";

/// A channel whose delay was taken away until it is restored.
#[must_use]
pub(super) struct Undelayed<'a>(Option<(On<'a>, Vec<String>)>);

impl<'a> Undelayed<'a> {
    /// Takes a long delay away.
    pub(super) async fn lift(on: On<'a>, plan: &ComparePlan) -> Result<Self, StepError> {
        if !plan.is_far_behind() {
            return Ok(Self(None));
        }
        let dialect = on.dialect()?;
        let back = dialect.delay_channel(&plan.channel, plan.delay);
        prepare_undo(on, Undo { name: UNDO, sql: &back, record: None }).await?;
        set(on, &dialect.delay_channel(&plan.channel, 0)).await?;
        Ok(Self(Some((on, back))))
    }

    /// Sets it again.
    pub(super) async fn restore(self) -> Result<(), StepError> {
        let Some((on, back)) = self.0 else { return Ok(()) };
        set(on, &back).await?;
        settle_undo(on, UNDO).await
    }
}

async fn set(on: On<'_>, all: &[String]) -> Result<(), StepError> {
    let done = on.statements().await?.run_all(all.iter().map(String::as_str)).await;
    done.map(drop).map_err(|e| on.failed("change the channel's delay while the copy is compared", e))
}
