//! A replica that follows another server than it shall is moved, with its data and from its place.

use super::{
    Draft,
    pair::{DataBasis, SourceAndReplica, content},
    promotion::{when_opened, will_have_all_of},
    proof::has_only_what_comes_from,
};
use crate::{
    desired::{DesiredHost, Positioning, SeedMethod},
    dialect::Dialect,
    doctor::{ChannelContext, explain_channel},
    gtid::{self, GtidRelation, GtidState},
    model::{Endpoint, Fact, HostName, ThreadState},
    observe::ChannelFacts,
    plan::{ChannelRefused, DataRefused, HostWaits, Refused, SourceWaits, TakeoverRefused, WaitsFor},
};

/// Whom a channel follows now, where that is not whom it shall.
#[derive(Debug, Clone, Copy)]
pub(super) struct Present<'a> {
    channel: &'a ChannelFacts,
    /// The host, if it is one of ours.
    host: Option<&'a DesiredHost>,
}

impl<'a> SourceAndReplica<'a> {
    /// The server that the channel follows instead of the wished one. A wished one under an address that
    /// was changed, or one that never answered, is not another server.
    pub(super) fn present(&self) -> Option<Present<'a>> {
        let channel = self.server.channels.known()?.iter().find(|c| c.name == self.wish.name)?;
        let (address, port) = (&channel.source_host, channel.source_port);
        if *address == self.wish.endpoint.address && port == self.wish.endpoint.port {
            return None;
        }
        let hosts = self.context.desired.hosts.values();
        let lost = self.context.desired.lost_at(address, port).map(|lost| &lost.host);
        let host = { hosts }.find(|h| h.endpoint.address == *address && h.endpoint.port == port).or(lost);
        let wished_id = self.source.number("server_id").unwrap_or(0);
        let another = match host {
            Some(host) => host.name != self.wish.source,
            None => channel.source_server_id != 0 && channel.source_server_id != wished_id,
        };
        another.then_some(Present { channel, host })
    }

    /// Whether the replica can be moved to its source as it is.
    pub(super) fn move_here(&self, present: Present<'_>, draft: &mut Draft) -> DataBasis {
        let (host, source) = (&self.host.name, &self.wish.source);
        if self.wish.positioning == Positioning::File {
            return self.move_by_copy(present, draft);
        }
        let moved = DataBasis::Moved {
            from: present.host.map(|h| h.name.clone()),
            at: present.endpoint(),
            two_way: self.leads_back(),
            alike: self.alike(present, draft),
        };
        // What the copy of the source is made from is what this host follows: it will fit.
        if let Some(from) = draft.copied_from(source) {
            if present.host.is_some_and(|h| h.name == *from) || from == host {
                return moved;
            }
            draft.wait(host, WaitsFor::source(source, SourceWaits::Copy));
            return DataBasis::Refused;
        }
        if content(self.source).is_empty() && !content(self.server).is_empty() {
            draft.wait(host, WaitsFor::source(source, SourceWaits::Copy));
            return DataBasis::Refused;
        }
        if self.fits(present, draft) {
            return moved;
        }
        self.move_by_copy(present, draft)
    }

    /// A copy of its new source brings a replica there, whatever it has; without leave for that it stays where it is.
    fn move_by_copy(&self, present: Present<'_>, draft: &mut Draft) -> DataBasis {
        let by_file = self.wish.positioning == Positioning::File;
        let nothing_there =
            by_file && (content(self.source).is_empty() || draft.copied_from(&self.wish.source).is_some());
        let seed = self.host.seed_from(&self.wish.source).filter(|s| s.method != SeedMethod::None);
        if let (Some(seed), true) = (seed, self.may_replace() && !nothing_there) {
            return self.copy(Some(seed), Vec::new(), content(self.server).into_iter().collect(), draft);
        }
        let (now, source, copies) = (present.name(), self.wish.source.clone(), self.copies());
        let why = match self.wish.positioning {
            Positioning::File => {
                let copies = (!nothing_there).then_some(copies);
                DataRefused::MoveNeedsGtid { now, source, gtid: self.gtid_way(), copies }
            }
            Positioning::Gtid => DataRefused::MovedApart { now, source, copies, losses: self.losses() },
        };
        if let Some(stopped) = self.is_stopped(present) {
            draft.refuse(&self.host.name, stopped);
            return DataBasis::Refused;
        }
        if present.name_of_ours().is_some_and(|now| self.errant_before_move(now, draft)) {
            return DataBasis::Refused;
        }
        match self.is_ahead(draft) || self.source_stays_closed(draft) {
            // What is to be done is said there, and giving up what is here is none of it.
            true => draft.wait(&self.host.name, HostWaits::Partner { keeps: self.wish.source.clone() }),
            false => draft.refuse(&self.host.name, why),
        }
        DataBasis::Refused
    }

    /// What stands still without an error goes on once it is started, and shows then that all is there.
    fn is_stopped(&self, present: Present<'_>) -> Option<ChannelRefused> {
        let (channel, from) = (present.channel, present.host?);
        self.context.server(&from.name)?;
        let stopped = channel.without_error()
            && [channel.io_running, channel.sql_running].contains(&ThreadState::No)
            && self.wish.positioning == Positioning::Gtid;
        let (replica, source) = (self.host.name.as_str(), from.name.as_str());
        let around = ChannelContext { replica, source, ..ChannelContext::default() };
        let fault = Box::new(explain_channel(channel, &around).filter(|_| stopped)?);
        let start = Some(Dialect::of(self.server.version).start_channel(&channel.name));
        Some(ChannelRefused::Broken { source: from.name.clone(), fault, or_copy: false, start })
    }

    /// Whether its source was to take the writes from this host's present one, and does not: this host is as well where it is.
    fn source_stays_closed(&self, draft: &Draft) -> bool {
        let refused = draft.refused.iter().filter(|refusal| refusal.host == self.wish.source);
        refused.map(|refusal| &refusal.why).any(|why| {
            matches!(
                why,
                Refused::Channel(
                    ChannelRefused::TargetBroken { .. }
                        | ChannelRefused::TargetBehind { .. }
                        | ChannelRefused::DelayedTakeover { .. }
                )
            )
        })
    }

    /// Whether its source is not opened since this host has received what the source lacks.
    fn is_ahead(&self, draft: &Draft) -> bool {
        draft.refused.iter().filter(|refusal| refusal.host == self.wish.source).any(|refusal| match &refusal
            .why
        {
            Refused::Takeover(TakeoverRefused::NotSuperset { ahead, .. }) => {
                ahead.iter().any(|ahead| ahead.replica == self.host.name)
            }
            _ => false,
        })
    }

    /// Whether GTIDs prove that the source can feed this host: at once, or once this host has what its
    /// present source has. Right before the move it is proven again.
    fn fits(&self, present: Present<'_>, draft: &Draft) -> bool {
        let two_way = self.leads_back();
        let new = when_opened(self.context, draft, &self.wish.source);
        let (Some(new), Some(ours)) = (&new, &self.gtid_here()) else { return false };
        let follows = |source, replica, two_way| {
            gtid::once_related(source, replica)
                && gtid::relation(source, replica, two_way) == Some(GtidRelation::Follows)
        };
        if follows(new, ours, two_way) {
            return true;
        }
        let facts = present.host.and_then(|h| self.context.observed.get(&h.name)).and_then(Fact::known);
        let now = facts.and_then(|f| f.server.known()).and_then(|s| s.gtid.known());
        if self.alike(present, draft) {
            return true;
        }
        let gets_it =
            present.host.is_some_and(|h| will_have_all_of(self.context, draft, &self.wish.source, &h.name));
        let within = now.is_some_and(|now| {
            let relation = gtid::relation(now, ours, two_way);
            let unrelated = ours.is_blank() || relation == Some(GtidRelation::NoCommonHistory);
            relation == Some(GtidRelation::Follows) || (gets_it && unrelated)
        });
        let present_server = present.host.and_then(|h| self.context.server(&h.name));
        let within = within
            || present.channel.without_error()
                && present_server.is_some_and(|source| has_only_what_comes_from(self.server, source));
        let related = now.is_some_and(|now| gtid::once_related(now, ours));
        let reaches = now.is_some_and(|now| follows(new, now, true));
        present.channel.running() && within && (gets_it || (related && reaches))
    }
}

impl SourceAndReplica<'_> {
    /// Whether this host and its new source have followed the same one and have the same, though no GTID says so: since
    /// the copies were made nothing has happened that has one.
    fn alike(&self, present: Present<'_>, draft: &Draft) -> bool {
        let new = when_opened(self.context, draft, &self.wish.source);
        let blank = |state: &Option<GtidState>| state.as_ref().is_some_and(GtidState::is_blank);
        if !(blank(&new) && blank(&self.gtid_here())) {
            return false;
        }
        let now = present.channel;
        let channels = self.source.channels.known().into_iter().flatten();
        let same_end = |channel: &&ChannelFacts| {
            channel.source_host == now.source_host && channel.source_port == now.source_port
        };
        let Some(sibling) = { channels }.find(same_end) else { return false };
        // From one that is gone nothing more comes.
        let gone = self.context.desired.lost_at(&now.source_host, now.source_port).is_some();
        match gone {
            true => now.read.is_some() && now.read == sibling.read,
            false => present.host.is_some() && now.running() && sibling.running(),
        }
    }
}

impl<'a> Present<'a> {
    /// The host, if it is one of ours.
    pub(super) fn name_of_ours(&self) -> Option<&'a HostName> {
        self.host.map(|host| &host.name)
    }

    fn name(&self) -> String {
        match self.host {
            Some(host) => host.name.to_string(),
            None => format!("{}:{}", self.channel.source_host, self.channel.source_port),
        }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint { address: self.channel.source_host.clone(), port: self.channel.source_port }
    }
}
