//! What a server of an old version can't do, or does otherwise than its statements say: refused before anything is done.

use std::collections::BTreeSet;

use super::{Context, Draft};
use crate::{
    desired::{DesiredChannel, DesiredHost, Tls},
    dialect::Dialect,
    model::Fact,
    observe::ServerFacts,
    option_file::same_value,
    plan::{ChannelRefused, OldTls},
};

/// Refuses what is declared for such servers and can't be had there.
pub(super) fn check(context: &Context<'_>, draft: &mut Draft) {
    for name in &context.desired.members {
        let Some((host, server)) = context.desired.hosts.get(name).zip(context.server(name)) else {
            continue;
        };
        let dialect = Dialect::of(server.version);
        if !dialect.has_channels() {
            one_channel(host, server, draft);
        }
        if dialect.counts_transactions() && !dialect.sets_gtid_mode_online() {
            mode(context, host, server, draft);
        }
        tls(context, host, server, draft);
    }
}

/// A second channel would take the place of the first.
fn one_channel(host: &DesiredHost, server: &ServerFacts, draft: &mut Draft) {
    let named = host.channels.iter().find(|wish| !wish.name.is_empty()).map(|wish| wish.name.clone());
    if host.channels.len() > 1 || named.is_some() {
        let (version, channels) = (server.version, host.channels.len());
        draft.refuse(&host.name, ChannelRefused::OneChannel { version, channels, named });
    }
}

/// Servers with different modes can't replicate from each other (error 1593), and a mode changes with a restart only: on the
/// way every channel would break, and what was written without a GTID could not be asked for any more.
fn mode(context: &Context<'_>, host: &DesiredHost, server: &ServerFacts, draft: &mut Draft) {
    let wish = host.setting("gtid_mode").and_then(|wish| Some((wish, wish.values.last()?)));
    let (Some((wish, wished)), Some(running)) = (wish, server.variable("gtid_mode")) else { return };
    if same_value("gtid_mode", wished, running) {
        return;
    }
    let follows = may_have_any(&server.channels, Vec::is_empty);
    let followed = may_have_any(&server.connected_replicas, Vec::is_empty)
        || may_have_any(&server.replica_addresses, BTreeSet::is_empty);
    if follows || followed {
        let (version, place) = (server.version, wish.place.clone());
        draft.refuse(&host.name, ChannelRefused::GtidModeOffline { version, place });
        // A member that got another mode than the others would be of no use to them.
        draft.blocked.extend(context.desired.members.iter().cloned());
    }
}

/// Whether there are any; there may be some where they could not be read.
fn may_have_any<T>(fact: &Fact<T>, is_empty: impl Fn(&T) -> bool) -> bool {
    match fact {
        Fact::Known(list) => !is_empty(list),
        Fact::Absent => false,
        Fact::Unread(_) => true,
    }
}

/// Encryption that would be said and not done.
fn tls(context: &Context<'_>, host: &DesiredHost, server: &ServerFacts, draft: &mut Draft) {
    let dialect = Dialect::of(server.version);
    let version = server.version;
    let encrypted = |wish: &DesiredChannel| wish.tls != Tls::Off;
    let asked = || {
        let from = context.desired.hosts.values().flat_map(|other| &other.channels);
        host.channels.iter().any(encrypted)
            || from.clone().any(|wish| wish.source == host.name && encrypted(wish))
    };
    if !dialect.loads_our_certificates() && host.certificates.is_some() && asked() {
        draft.refuse(&host.name, ChannelRefused::OldTls { version, why: OldTls::Certificate });
        draft.blocked.extend(host.replicas.iter().cloned());
        return;
    }
    let bare = host.channels.iter().any(|wish| encrypted(wish) && wish.tls_authority().is_empty());
    if !dialect.encrypts_without_authority() && bare {
        draft.refuse(&host.name, ChannelRefused::OldTls { version, why: OldTls::NoAuthority });
    }
}
