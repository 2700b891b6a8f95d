//! Reads a fleet, and says of each server that is down why it is.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    desired::DesiredHost,
    doctor::explain_down,
    model::{Fact, HostName, Secret, SecretId},
    observe::{self, Options, Reading},
    transport::{Scratch, Session},
};

/// Reads every host. Connections that are open already are used again.
pub async fn observe(
    hosts: &[&DesiredHost],
    secrets: &BTreeMap<SecretId, Secret>,
    options: &Options,
    scratch: &Arc<Scratch>,
    open: BTreeMap<HostName, Session>,
) -> Reading {
    let mut reading = observe::observe(hosts, secrets, options, scratch, open).await;
    for fact in reading.observed.values_mut() {
        let Fact::Known(facts) = fact else { continue };
        let down = facts.service.known().is_some_and(|service| !service.running());
        if down
            && matches!(facts.server, Fact::Unread(_))
            && let Some(cause) = explain_down(facts)
        {
            facts.server = Fact::Unread(format!("it is down: {cause}"));
        }
    }
    reading
}
