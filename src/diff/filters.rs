//! Filters of single channels. Those of the whole server are settings.

use crate::{
    desired::{DesiredChannel, DesiredHost},
    model::Filters,
    observe::ChannelFilters,
};

/// What a channel shall apply, where that is this channel's own matter: it has filters of its own, or a name,
/// and then only a statement about it, or a restart, brings the server's filters to it.
pub(super) fn wished(host: &DesiredHost, wish: &DesiredChannel) -> Option<Filters> {
    let settings = host.settings.as_ref()?;
    if wish.name.is_empty() && wish.filters.is_empty() {
        return None;
    }
    let mut filters = wish.filters.clone();
    for (option, list) in filters.lists_mut() {
        if list.is_empty()
            && let Some(servers) = settings.iter().rev().find(|s| s.name == option)
        {
            list.extend(servers.values.iter().filter(|value| !of_a_channel(host, value)).cloned());
        }
    }
    Some(filters)
}

/// Whether a value of a filter belongs to one channel alone, as MySQL writes it.
pub(super) fn of_a_channel(host: &DesiredHost, value: &str) -> bool {
    let named = |wish: &DesiredChannel| value.split_once(':').is_some_and(|(name, _)| name == wish.name);
    host.channels.iter().any(|wish| !wish.name.is_empty() && named(wish))
}

/// The filters of a channel as it runs, in the same form and order as wishes have.
pub(super) fn running(filters: &ChannelFilters) -> Filters {
    sorted(Filters {
        databases: filters.databases.clone(),
        ignore_databases: filters.ignore_databases.clone(),
        wild_tables: filters.wild_tables.clone(),
        wild_ignore_tables: filters.wild_ignore_tables.clone(),
    })
}

/// The same in the order in which sets are compared.
pub(super) fn sorted(mut filters: Filters) -> Filters {
    for (_, list) in filters.lists_mut() {
        list.sort();
        list.dedup();
    }
    filters
}
