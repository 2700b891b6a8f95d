//! Filters of single channels in the option file, where they outlive a restart.

use super::{DesiredHost, DesiredSetting};
use crate::model::{Family, Filters};

/// Adds to a host's settings what its channels filter each by itself. MariaDB names the channel before the
/// option, `east.replicate_do_db = shop` (manual, "Replication Filters"); MySQL before each value,
/// `replicate_do_db = east:shop` (manual, 19.2.5.4 "Replication Channel Based Filters"). The default channel has
/// no name, and its filters are the server's.
pub(super) fn add_settings(host: &mut DesiredHost, family: Family) {
    let Some(settings) = &mut host.settings else { return };
    for option in Filters::OPTIONS {
        for wish in &host.channels {
            let own =
                wish.filters.lists().into_iter().find(|(name, list)| *name == option && !list.is_empty());
            let Some((_, list)) = own else { continue };
            let setting = |name: String, values: Vec<String>| DesiredSetting {
                name,
                values,
                at_next_restart: false,
                at_start: false,
                place: wish.place.clone(),
            };
            match (family, wish.name.is_empty()) {
                (_, true) => settings.push(setting(option.to_owned(), list.clone())),
                (Family::MariaDb, false) => {
                    settings.push(setting(format!("{}.{option}", wish.name), list.clone()));
                }
                (Family::MySql, false) => {
                    let before = settings.iter().rev().find(|s| s.name == option).map(|s| s.values.clone());
                    let named = list.iter().map(|value| format!("{}:{value}", wish.name));
                    let all = before.unwrap_or_default().into_iter().chain(named).collect();
                    settings.push(setting(option.to_owned(), all));
                }
            }
        }
    }
}
