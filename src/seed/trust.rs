//! A server with a binary log takes functions and triggers only from who says that they are safe to log, or where it
//! trusts everybody. What comes with a copy was taken by its source, so it is trusted for that time (MySQL manual,
//! "Stored Program Binary Logging").

use crate::exec::{On, StepError, Undo, prepare_undo, settle_undo};

/// What the host takes back by itself, should this program not come to it.
const UNDO: &str = "trust";
const OFF: &str = "SET GLOBAL log_bin_trust_function_creators = OFF";

/// A server that trusts until it is restored.
#[must_use]
pub(super) struct Trust<'a>(Option<On<'a>>);

impl<'a> Trust<'a> {
    /// Nothing was lifted.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Lets a server trust, where it does not.
    pub(super) async fn lift(on: On<'a>) -> Result<Self, StepError> {
        let failed = |e| on.failed("let it take functions and triggers", e);
        let mut sql = on.statements().await?;
        let asked = "SELECT @@GLOBAL.log_bin AND NOT @@GLOBAL.log_bin_trust_function_creators AS refuses";
        let refuses =
            sql.first(asked).await.and_then(|row| row.number::<u8>("refuses")).map_err(failed)? == 1;
        if refuses {
            prepare_undo(on, Undo { name: UNDO, sql: &[OFF.to_owned()], record: None }).await?;
            sql.run("SET GLOBAL log_bin_trust_function_creators = ON").await.map_err(failed)?;
        }
        Ok(Self(refuses.then_some(on)))
    }

    /// Puts it back.
    pub(super) async fn restore(self) -> Result<(), StepError> {
        let Some(on) = self.0 else { return Ok(()) };
        let done = on.statements().await?.run(OFF).await;
        done.map_err(|e| on.failed("take the trust in functions back", e))?;
        settle_undo(on, UNDO).await
    }
}
