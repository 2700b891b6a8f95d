//! The end of a channel that nobody declared.

use crate::{
    exec::{Look, On, Rule, StepError, wait_until},
    model::{ThreadState, limits},
    observe::{ChannelFacts, channels},
    plan::UndeclaredChannel,
    transport::SqlReader,
};

/// Stops a channel's receiver, lets its applier finish what was received, and removes it. One whose applier does not
/// finish is kept: what it has received may be nowhere else any more.
pub(super) async fn run(on: On<'_>, extra: &UndeclaredChannel) -> Result<Option<String>, StepError> {
    let dialect = on.dialect()?;
    let tried = format!("end the channel from {}:{}", extra.address, extra.port);
    let failed = |e| on.failed(&tried, e);
    let mut reader = on.reader().await?;
    let look = async |reader: &mut SqlReader| -> Result<Option<ChannelFacts>, StepError> {
        let list = channels(reader, dialect).await.map_err(failed)?;
        let same = |c: &ChannelFacts| {
            c.name == extra.name && c.source_host == extra.address && c.source_port == extra.port
        };
        Ok(list.into_iter().find(same))
    };
    let Some(channel) = look(&mut reader).await? else {
        return Ok(Some("it is gone already".into()));
    };
    let mut sql = on.statements().await?;
    if channel.io_running != ThreadState::No {
        sql.run(&dialect.stop_receiver(&extra.name)).await.map_err(failed)?;
    }
    let emptied = wait_until(Rule::within(limits::CHANNEL_EMPTY.time), async || {
        let Some(channel) = look(&mut reader).await? else { return Ok(Look::Done(None)) };
        Ok::<_, StepError>(match channel.has_executed_all() {
            true => Look::Done(None),
            false if channel.sql_running != ThreadState::Yes => Look::Done(Some(channel.stands_at())),
            false => Look::Moving(channel.stands_at()),
        })
    });
    let left = emptied.await?.unwrap_or_else(|ended| Some(ended.at()));
    if let Some(at) = left {
        if channel.io_running != ThreadState::No {
            sql.run(&dialect.start_receiver(&extra.name)).await.map_err(failed)?;
        }
        let why = format!("what was received behind {at} is not executed yet");
        return Err(on
            .failed(&tried, why)
            .then("The channel is kept. Mend its applier, or wait; end it by hand if that may be lost."));
    }
    sql.run(&dialect.stop_channel(&extra.name)).await.map_err(failed)?;
    sql.run(&dialect.drop_channel(&extra.name)).await.map_err(failed)?;
    Ok(None)
}
