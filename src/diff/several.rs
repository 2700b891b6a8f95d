//! A replica with several sources: which of its data comes from which.
//!
//! Sources that one server feeds hold the same; all others are independent of each other, each with databases
//! of its own and a copy of its own.

use std::collections::BTreeSet;

use super::pair::{SourceAndReplica, content};
use crate::{
    desired::{DesiredChannel, DesiredHost, Positioning},
    gtid::{self, GtidState},
    model::{Fact, HostName},
    observe::{ChannelFacts, ServerFacts},
};

impl<'a> SourceAndReplica<'a> {
    /// The channels of this host from sources that hold something else than this pair's source.
    pub(super) fn independent(&self) -> impl Iterator<Item = &'a DesiredChannel> {
        self.context.independent(self.host, self.wish)
    }

    /// What the server of an independent source says, with its channel's wish.
    fn independent_servers(&self) -> impl Iterator<Item = (&'a DesiredChannel, &'a ServerFacts)> {
        self.independent().filter_map(|wish| Some((wish, self.context.server(&wish.source)?)))
    }

    /// An independent source that was not read: then nobody knows what of the data is its.
    pub(super) fn unread_source(&self) -> Option<&'a HostName> {
        self.independent().map(|wish| &wish.source).find(|source| self.context.server(source).is_none())
    }

    /// Whether other channels bring data already, beside which a copy is loaded.
    pub(super) fn beside_others(&self) -> bool {
        self.independent().any(|wish| self.channel_named(&wish.name).is_some())
    }

    /// Databases that came, or come, from the independent sources.
    pub(super) fn of_others(&self) -> BTreeSet<String> {
        let marks = self.facts.seeds.known();
        self.independent_servers()
            .filter(|(wish, _)| {
                self.channel_named(&wish.name).is_some()
                    || marks.is_some_and(|m| m.from(&wish.source).is_some())
            })
            .flat_map(|(wish, server)| {
                let databases = server.databases.iter().map(|d| d.name.clone());
                databases.filter(|name| wish.filters.let_through(name)).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Databases that will come from them, once their copies are made.
    pub(super) fn expected_of_others(&self) -> BTreeSet<String> {
        self.independent_servers()
            .flat_map(|(wish, server)| {
                content(server).into_iter().filter(|name| wish.filters.let_through(name))
            })
            .collect()
    }

    /// What of this host's content stands against a copy from this source: all that no other source accounts
    /// for. Beside other sources' data only databases of the same name are in its way.
    pub(super) fn content_here(&self) -> BTreeSet<String> {
        let others = self.of_others();
        let mut of_replica = content(self.server);
        of_replica.retain(|name| !others.contains(name));
        if self.beside_others() {
            let of_source: BTreeSet<&str> = self.source.databases.iter().map(|d| d.name.as_str()).collect();
            of_replica.retain(|name| of_source.contains(name.as_str()));
        }
        of_replica
    }

    /// This host's GTIDs without those that its other sources account for.
    pub(super) fn gtid_here(&self) -> Option<GtidState> {
        let (of_replica, source) = (self.server.gtid.known()?, self.source.gtid.known()?);
        let others: Vec<&GtidState> =
            self.independent_servers().filter_map(|(_, server)| server.gtid.known()).collect();
        Some(of_replica.without(&others, source))
    }

    /// Whether this host and the source follow one server, and nothing was written since their copies were
    /// made: then both hold the same, although no GTID tells.
    pub(super) fn siblings(&self) -> bool {
        let blank = |state: Option<&GtidState>| state.is_some_and(GtidState::is_blank);
        let of_source = self.source.channels.known().map(Vec::as_slice).unwrap_or_default();
        let same =
            |c: &&ChannelFacts| self.source.replicates_from(&c.source_host, c.source_port) && c.running();
        blank(self.source.gtid.known())
            && blank(self.server.gtid.known())
            && of_source.iter().all(ChannelFacts::running)
            && self.server.channels.known().is_some_and(|of_replica| of_replica.iter().any(|c| same(&c)))
    }

    /// A GTID domain of MariaDB in which an independent source has written, too: one position has one place
    /// for it, and one of the two sources would not know it (error 1236).
    pub(super) fn shared_domain(&self) -> Option<(&'a HostName, u32)> {
        let by_gtid = |wish: &DesiredChannel| wish.positioning == Positioning::Gtid;
        if by_gtid(self.wish) { self.in_one_domain(by_gtid) } else { None }
    }

    /// Such a domain of this source and of an independent one whose channel counts.
    pub(super) fn in_one_domain(
        &self,
        counts: impl Fn(&DesiredChannel) -> bool,
    ) -> Option<(&'a HostName, u32)> {
        let source = self.source.gtid.known()?;
        self.independent_servers().filter(|(wish, _)| counts(wish)).find_map(|(wish, server)| {
            Some((&wish.source, gtid::shared_domain(source, server.gtid.known()?)?))
        })
    }
}

impl super::Context<'_> {
    /// The channels of a host from sources that hold something else than the source of this one.
    pub(super) fn independent<'b>(
        &'b self,
        host: &'b DesiredHost,
        wish: &DesiredChannel,
    ) -> impl Iterator<Item = &'b DesiredChannel> + use<'b> {
        let of_replica = self.fed_by(&wish.source, &host.name);
        host.channels.iter().filter(move |w| self.fed_by(&w.source, &host.name).is_disjoint(&of_replica))
    }

    /// A host and all whose data reaches it on ways that lead past this replica.
    fn fed_by(&self, host: &HostName, past: &HostName) -> BTreeSet<HostName> {
        let mut found: BTreeSet<HostName> = BTreeSet::new();
        let mut open = vec![host.clone()];
        while let Some(at) = open.pop() {
            if at != *past && found.insert(at.clone()) {
                let channels = self.desired.hosts.get(&at).map(|h| h.channels.as_slice());
                open.extend(channels.unwrap_or_default().iter().map(|w| w.source.clone()));
            }
        }
        found
    }

    /// What a host's server says, if it was read.
    pub(crate) fn server(&self, host: &HostName) -> Option<&ServerFacts> {
        self.observed.get(host).and_then(Fact::known)?.server.known()
    }
}
