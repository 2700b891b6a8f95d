//! What would help where something is refused: advice must lead to something else than the same refusal.

use super::pair::SourceAndReplica;
use crate::{
    desired::{DesiredHost, SeedMethod},
    option_file::same_value,
    plan::{Copies, GtidWay, WayToSource},
};

impl SourceAndReplica<'_> {
    /// Whether the source's data would be copied here.
    pub(super) fn copies(&self) -> Copies {
        match self.host.seed_from(&self.wish.source) {
            Some(seed) if seed.method == SeedMethod::None => Copies::ByHand,
            Some(_) => Copies::Made,
            None if self.a_role_copies() => Copies::OtherWay,
            None => Copies::NoRole,
        }
    }

    /// How what this host holds would get to its source.
    pub(super) fn way_to_source(&self) -> WayToSource {
        match (self.leads_back(), self.context.desired.one_primary) {
            (true, _) if self.a_role_copies() => WayToSource::SeedFrom,
            (true, _) => WayToSource::NoRole,
            (false, true) => WayToSource::ChangePlaces,
            (false, false) => WayToSource::TurnChannel,
        }
    }

    /// Whether channels by GTID could be made here.
    pub(super) fn gtid_way(&self) -> GtidWay {
        let off = |host: &DesiredHost| {
            let wish = host.setting("gtid_mode");
            wish.and_then(|wish| wish.values.last()).is_some_and(|v| same_value("gtid_mode", v, "OFF"))
        };
        let source = self.context.desired.hosts.get(&self.wish.source);
        if off(self.host) || source.is_some_and(off) {
            return GtidWay::DeclaredOff;
        }
        match self.in_one_domain(|_| true) {
            Some(_) => GtidWay::SharedDomain,
            None => GtidWay::Open,
        }
    }

    fn a_role_copies(&self) -> bool {
        self.context.desired.hosts.values().any(|host| !host.seeds.is_empty())
    }
}
