//! Which server a copy is read from: the source itself, or a replica of it that nobody would miss for a while.

use super::pair::SourceAndReplica;
use crate::{
    desired::{DesiredHost, Positioning},
    gtid::{self, GtidRelation, GtidState},
    model::{Fact, HostName, limits},
    observe::{ChannelFacts, ServerFacts},
};

impl<'a> SourceAndReplica<'a> {
    /// The healthiest replica of the source, and what its server says: it is for reading only, has both threads
    /// running, is hardly behind, leaves nothing out, and its own binary log knows every GTID of its data. Without
    /// GTIDs no replica serves, since a place in its binary log means nothing to the source.
    pub(super) fn donor(&self) -> Option<(&'a HostName, &'a ServerFacts)> {
        if self.wish.positioning != Positioning::Gtid {
            return None;
        }
        let hosts = self.context.desired.hosts.values();
        hosts
            .filter(|h| h.name != self.host.name && h.name != self.wish.source && !h.writer)
            .filter_map(|h| {
                let server = self.context.server(&h.name)?;
                Some((self.lag(h, server)?, &h.name, server))
            })
            .min_by_key(|(lag, name, _)| (*lag, (*name).clone()))
            .map(|(_, name, server)| (name, server))
    }

    /// How far a replica is behind this source, if it can give the source's data.
    fn lag(&self, host: &DesiredHost, server: &ServerFacts) -> Option<u64> {
        let here = &self.context.desired.hosts.get(&self.wish.source)?.endpoint;
        let [channel] = server.channels.known()?.as_slice() else { return None };
        let whole = channel.filters == Default::default()
            && self.source.databases.iter().all(|d| server.databases.iter().any(|own| own.name == d.name));
        let unfinished = self.context.observed.get(&host.name).and_then(Fact::known)?.seeds.known().is_some();
        let (of_donor, of_source) = (server.gtid.known()?, self.source.gtid.known()?);
        let follows =
            gtid::relation(of_source, of_donor, false) == Some(GtidRelation::Follows) && !of_donor.is_blank();
        let lag = channel.seconds_behind.filter(|lag| *lag <= limits::DONOR_BEHIND.as_secs())?;
        (server.replicates_from(&here.address, here.port)
            && sound(channel)
            && whole
            && !unfinished
            && follows
            && logs_everything(of_donor)
            && server.version == self.source.version
            && server.binlog.known().is_some())
        .then_some(lag)
    }
}

fn sound(channel: &ChannelFacts) -> bool {
    channel.running() && channel.without_error() && channel.delay == 0
}

/// Whether a server's binary log knows all that it has got: a snapshot's position is read from there.
fn logs_everything(state: &GtidState) -> bool {
    match state {
        GtidState::MariaDb(state) => {
            let logged = state.binlog_state.position();
            state.slave_pos.iter().all(|id| logged.get(id.domain).is_some_and(|at| at.seq >= id.seq))
        }
        GtidState::MySql(_) => true,
    }
}
