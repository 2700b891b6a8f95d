//! Reads a fleet: members, and hosts that are declared lost.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    desired::{Desired, DesiredHost},
    model::{HostName, Secret, SecretId, limits},
    observe::{self, Options, Reading},
    transport::{Scratch, Session},
};

/// Reads the members of a play; and, where they are of interest and without waiting for them for long, the hosts that it
/// declares lost.
pub(super) async fn observe_play(
    desired: &Desired,
    secrets: &BTreeMap<SecretId, Secret>,
    options: &Options,
    scratch: &Arc<Scratch>,
    open: BTreeMap<HostName, Session>,
    lost: bool,
) -> Reading {
    let members: Vec<&DesiredHost> = desired.members.iter().filter_map(|m| desired.hosts.get(m)).collect();
    let looked_at = desired.lost.iter().filter(|_| lost);
    let gone: Vec<&DesiredHost> = looked_at.map(|lost| &lost.host).collect();
    observe_with_lost((&members, &gone), secrets, options, scratch, open).await
}

/// Reads hosts, and without waiting for them for long those that are declared lost.
pub(super) async fn observe_with_lost(
    (members, gone): (&[&DesiredHost], &[&DesiredHost]),
    secrets: &BTreeMap<SecretId, Secret>,
    options: &Options,
    scratch: &Arc<Scratch>,
    mut open: BTreeMap<HostName, Session>,
) -> Reading {
    let open_there = gone.iter().filter_map(|host| open.remove_entry(&host.name)).collect();
    let hasty = Options {
        connect_timeout: options.connect_timeout.min(limits::LOST_CONNECT.time),
        timeout: options.timeout.min(limits::LOST_READ.time),
        ..options.clone()
    };
    let (mut reading, back) = tokio::join!(
        observe::observe(members, secrets, options, scratch, open),
        observe::observe(gone, secrets, &hasty, scratch, open_there)
    );
    reading.observed.extend(back.observed);
    reading.sessions.extend(back.sessions);
    reading.logins.extend(back.logins);
    reading.took = reading.took.max(back.took);
    reading
}
