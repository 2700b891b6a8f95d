//! What GTIDs prove about a replica and its source, where no copy is made between them.

use super::{
    Draft,
    pair::{DataBasis, SourceAndReplica},
    uuid::server_uuid,
};
use crate::{
    desired::Positioning,
    gtid::{self, GtidRelation, GtidState, Uuid},
    model::Fact,
    observe::ServerFacts,
    plan::DataRefused,
};

impl SourceAndReplica<'_> {
    /// Whether one of the two has ever been a replica: only then do equal ids mean equal events.
    pub(super) fn once_related(&self) -> bool {
        let states = self.source.gtid.known().zip(self.gtid_here());
        states.is_some_and(|(of_source, of_replica)| gtid::once_related(of_source, &of_replica))
    }

    /// Whether GTIDs prove that this host has what the source has, or can get the rest from it. They do so only
    /// if one of the two has ever replicated from the other.
    pub(super) fn by_gtid(&self) -> bool {
        let Some((of_replica, of_source)) = self.gtid_here().zip(self.source.gtid.known()) else {
            return false;
        };
        // Clones of one machine count different transactions under the same ids.
        if server_uuid(self.server).is_some_and(|uuid| server_uuid(self.source) == Some(uuid)) {
            return false;
        }
        if self.counted_as_one() {
            return false;
        }
        if self.siblings() {
            return true;
        }
        let follows_us = self.follows_us();
        if !(follows_us || self.once_related()) {
            return false;
        }
        let two_way = self.leads_back();
        match gtid::relation(of_source, &of_replica, two_way) {
            Some(GtidRelation::Follows) => true,
            // A copy of data that is older than the binary log shares no id with it. That the source
            // follows this host already is the proof; the way back brings what is written there later.
            Some(GtidRelation::NoCommonHistory) => two_way && follows_us,
            Some(GtidRelation::Apart) | None => false,
        }
    }

    /// Whether one of the two has shared the UUID of a server whose transactions both have: it may have written its own under
    /// the same ids, and a UUID of its own does not change them.
    fn counted_as_one(&self) -> bool {
        let states = self.source.gtid.known().zip(self.gtid_here());
        let Some((GtidState::MySql(of_source), GtidState::MySql(of_replica))) =
            states.as_ref().map(|(a, b)| (*a, b))
        else {
            return false;
        };
        let both: Vec<String> =
            of_source.executed.intersect(&of_replica.executed).uuids().map(|id| id.to_string()).collect();
        let there = self.context.observed.get(&self.wish.source).and_then(Fact::known);
        [Some(self.facts), there]
            .into_iter()
            .flatten()
            .any(|facts| both.iter().any(|id| facts.shared_uuids.contains(id)))
    }

    /// Whether this host, once its source has its data by way of others, could not be told where to begin there: by file and
    /// position only the GTIDs of both tell it.
    pub(super) fn never_finds_its_way_back(&self) -> bool {
        let counts = |server: &ServerFacts| match server.gtid.known() {
            Some(GtidState::MariaDb(_)) => true,
            Some(GtidState::MySql(_)) => server.is_on("gtid_mode"),
            None => false,
        };
        self.wish.positioning == Positioning::File && ![self.source, self.server].into_iter().all(counts)
    }

    /// The replica has what the source has. By GTID it finds its place; by file and position only in a log in
    /// which nothing but its own events stand, which it leaves out.
    pub(super) fn way_back(&self, draft: &mut Draft) -> DataBasis {
        if self.wish.positioning == Positioning::Gtid || has_only_events_of(self.source, self.server) {
            return DataBasis::Compared;
        }
        let (source, gtid) = (self.wish.source.clone(), self.gtid_way());
        draft.refuse(&self.host.name, DataRefused::WayBackNeedsGtid { source, gtid });
        DataBasis::Refused
    }
}

/// Whether GTIDs prove that no event in a source's binary log is another's than the replica's: by file and position a
/// replica leaves out its own events and no others.
fn has_only_events_of(source: &ServerFacts, replica: &ServerFacts) -> bool {
    match (source.gtid.known(), replica.gtid.known()) {
        (Some(GtidState::MariaDb(source)), Some(GtidState::MariaDb(replica))) => {
            source.binlog_state.iter().all(|id| id.server == replica.server_id)
        }
        // With GTIDs MySQL executes no transaction a second time, whatever a channel begins with.
        (Some(GtidState::MySql(_)), Some(GtidState::MySql(_))) => {
            [source, replica].iter().all(|server| server.is_on("gtid_mode"))
        }
        _ => false,
    }
}

/// Whether everything that a replica has comes from its source, as far as it follows that one alone.
pub(super) fn has_only_what_comes_from(replica: &ServerFacts, source: &ServerFacts) -> bool {
    if replica.channels.known().is_none_or(|channels| channels.len() != 1) {
        return false;
    }
    match (replica.gtid.known(), source.gtid.known()) {
        (Some(GtidState::MariaDb(of_replica)), Some(GtidState::MariaDb(of_source))) => {
            gtid::comes_from(of_replica, of_source)
        }
        (Some(GtidState::MySql(of_replica)), Some(GtidState::MySql(of_source))) => {
            let uuid = |server| server_uuid(server).and_then(|uuid| uuid.parse::<Uuid>().ok());
            uuid(replica)
                .zip(uuid(source))
                .is_some_and(|(own, its)| gtid::comes_from_mysql((of_replica, own), (of_source, its)))
        }
        _ => false,
    }
}
