//! Replicas of a server that was restarted.

use super::{Look, On, Rule, wait_until};
use crate::model::ThreadState;
use crate::{model::limits, observe::channels};

/// Has the channels that follow a server and ran before it was restarted connect at once, instead of at
/// their next attempt. What does not connect is seen when the hosts are observed again.
pub(super) async fn replicas_of(on: On<'_>) {
    let source = on.host;
    let Some(endpoint) = on.fleet.desired.hosts.get(source).map(|h| &h.endpoint) else { return };
    for replica in &on.fleet.desired.members {
        let observed = on.at(replica).server().ok().and_then(|s| s.channels.known());
        let ran = observed
            .into_iter()
            .flatten()
            .filter(|c| c.running() && c.source_host == endpoint.address && c.source_port == endpoint.port);
        for channel in ran {
            // Its own server may be away at this moment; then it connects when it is back.
            let _ = reconnect(on.at(replica), &channel.name).await;
        }
    }
}

async fn reconnect(on: On<'_>, name: &str) -> Result<(), super::StepError> {
    let dialect = on.dialect()?;
    let failed = |e| on.failed("reconnect a channel", e);
    let reader = on.reader().await?;
    let mut started = false;
    // A channel that is started again connects at once or not at all.
    let waited = wait_until(Rule::within(limits::CHANNEL_RECONNECT.time), async || {
        let list = channels(&reader, dialect).await.map_err(failed)?;
        let Some(channel) = list.iter().find(|c| c.name == name) else { return Ok(Look::Done(())) };
        // A receiver that has not noticed yet that its source was away still counts as running.
        if started && channel.running() || channel.io_running == ThreadState::No {
            return Ok(Look::Done(()));
        }
        if !started {
            let mut sql = on.statements().await?;
            sql.run(&dialect.stop_channel(name)).await.map_err(failed)?;
            sql.run(&dialect.start_channel(name)).await.map_err(failed)?;
            started = true;
        }
        Ok(Look::Moving(()))
    });
    let waited = waited.await;
    waited.map(|_| ())
}
