//! The end of a channel that nobody declared.

use std::time::{Duration, Instant};

use crate::{
    exec::{Fleet, StepError, journal::Journal, statements},
    gtid::has_passed,
    model::{HostName, limits},
    observe::{ChannelFacts, channels},
    plan::UndeclaredChannel,
    transport::SqlReader,
};

/// How long what was received may take to be executed, while it moves or not.
const EMPTIES: Duration = limits::CHANNEL_EMPTY.time;
const POLL: Duration = limits::POLL;

/// Stops a channel's receiver, lets its applier finish what was received, and removes it. One whose applier does not
/// finish is kept: what it has received may be nowhere else any more.
pub async fn run(
    host: &HostName,
    extra: &UndeclaredChannel,
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<Option<String>, StepError> {
    let dialect = fleet.dialect(host)?;
    let tried = format!("end the channel from {}:{}", extra.address, extra.port);
    let failed = |e| StepError::new(host, &tried, e);
    let mut reader = fleet.reader(host).await?;
    let look = async |reader: &mut SqlReader| -> Result<Option<ChannelFacts>, StepError> {
        let list = channels(reader, dialect).await.map_err(failed)?;
        let same = |c: &ChannelFacts| {
            c.name == extra.name && c.source_host == extra.address && c.source_port == extra.port
        };
        Ok(list.into_iter().find(same))
    };
    let Some(channel) = look(&mut reader).await? else {
        reader.close().await;
        return Ok(Some("it is gone already".into()));
    };
    let mut sql = statements(host, fleet, journal).await?;
    if channel.io_running != "No" {
        sql.run(&dialect.stop_receiver(&extra.name)).await.map_err(failed)?;
    }
    let begun = Instant::now();
    let mut left = None;
    while let Some(channel) = look(&mut reader).await? {
        left = (!has_passed(&channel.executed, &channel.read)).then_some(channel.executed);
        if left.is_none() || channel.sql_running != "Yes" || begun.elapsed() > EMPTIES {
            break;
        }
        tokio::time::sleep(POLL).await;
    }
    reader.close().await;
    if let Some((file, position)) = left {
        if channel.io_running != "No" {
            sql.run(&dialect.start_receiver(&extra.name)).await.map_err(failed)?;
        }
        sql.sql.close().await;
        let why = format!("what was received behind {file}:{position} is not executed yet");
        return Err(StepError::new(host, &tried, why)
            .then("The channel is kept. Mend its applier, or wait; end it by hand if that may be lost."));
    }
    sql.run(&dialect.stop_channel(&extra.name)).await.map_err(failed)?;
    sql.run(&dialect.drop_channel(&extra.name)).await.map_err(failed)?;
    sql.sql.close().await;
    Ok(None)
}
