//! The packet filter, under a dead man's switch, and the proof from the peers that they get in.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use crate::{
    exec::{Fleet, On, SCRIPT, StepError},
    firewall::{APPLY, CONFIRM, FirewallChange, UNDO},
    model::{Endpoint, Fact, HostName},
    observe::{Probe, Reach, try_ports},
    transport::{RunError, Writer},
};

/// How long the host waits for a confirmation before it takes the rules back.
const CONFIRM_WITHIN: &str = "30";
/// What the scripts end with where the change and its undoing are the host's own business.
const NOTHING_LOADED: i32 = 2;

/// Loads the rules, confirms them over a fresh connection and by the peers, and makes them survive a reboot.
pub(super) async fn run(on: On<'_>, change: &FirewallChange) -> Result<Option<String>, StepError> {
    let writer = on.writer()?;
    let peers = peers(on, change);
    let before = who_gets_in(&peers, on.fleet).await;
    let begun = Instant::now();
    let tried = "load the packet filter's rules";
    let loaded = writer.run(tried, APPLY, &[CONFIRM_WITHIN, &change.undo, &change.script], b"", SCRIPT).await;
    let said = loaded.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned());
    on.ran("load packet filter rules", begun, &said);
    if let Err(error) = loaded {
        let now = match &error {
            RunError::Failed { status, .. } if *status == NOTHING_LOADED => "Nothing was changed.".to_owned(),
            _ => take_back(writer).await,
        };
        return Err(on.failed(tried, error).then(now));
    }
    if let Err(error) = on.session()?.confirm_fresh().await {
        let tried = "get in by a fresh connection with the new rules";
        return Err(on.failed(tried, error).then(take_back(writer).await));
    }
    let after = who_gets_in(&peers, on.fleet).await;
    if let Some((peer, why)) = shut_out(&peers, (&before, &after), listens_at(on)) {
        let end = peers.get(peer).map(ToString::to_string).unwrap_or_default();
        let tried = format!("let {peer} in at {end}");
        let look = "Find what stops it: other rules on the host (`nft list ruleset`, `iptables-save`), on the peer, or between them.";
        let taken = take_back(writer).await;
        return Err(on.failed(tried, why).then(format!("{taken} {look}")));
    }
    let persist = if change.persist { "yes" } else { "no" };
    writer
        .run("keep the packet filter's rules", CONFIRM, &[persist, &change.unit], b"", SCRIPT)
        .await
        .map_err(|e| {
            on.failed("keep the packet filter's rules", e)
                .then("Look at another plan: it says what is loaded now, and what at boot.")
        })?;
    let proven = after.values().filter(|reach| **reach == Reach::Open).count();
    Ok(Some(match proven {
        0 => "confirmed by a fresh connection".into(),
        1 => "confirmed by a fresh connection, and 1 peer gets in".into(),
        n => format!("confirmed by a fresh connection, and {n} peers get in"),
    }))
}

/// A peer that does not get in with the new rules, and why. One that did not before either may have been refused by a server
/// that does not listen yet, and that is no fault of rules.
fn shut_out<'a>(
    peers: &BTreeMap<HostName, Endpoint>,
    (before, after): (&BTreeMap<HostName, Reach>, &'a BTreeMap<HostName, Reach>),
    listens: Option<u16>,
) -> Option<(&'a HostName, String)> {
    after.iter().find_map(|(peer, reach)| {
        let Reach::Failed(why) = reach else { return None };
        let got_in = before.get(peer) == Some(&Reach::Open);
        let listens = listens.is_some() && peers.get(peer).map(|end| end.port) == listens;
        let shut = got_in || Reach::is_silent(why) || listens && Reach::is_refused(why);
        let changed = if got_in {
            "with the new rules it does not get in any more"
        } else {
            "with the new rules it does not get in, either"
        };
        shut.then(|| (peer, format!("{changed}: {why}")))
    })
}

/// The port at which the server was listening when it was read, unless to its own host alone.
fn listens_at(on: On<'_>) -> Option<u16> {
    let server = on.server().ok()?;
    let port = server.number("port").and_then(|port| u16::try_from(port).ok());
    let address = server.variables.get("bind_address").map(String::as_str).unwrap_or_default();
    let local = address.split(',').all(|one| matches!(one.trim(), "localhost" | "127.0.0.1" | "::1"));
    port.filter(|_| !local && !server.is_on("skip_networking"))
}

/// Takes the rules back. What comes back is what was found on the host afterwards.
async fn take_back(writer: Writer<'_>) -> String {
    let undone = writer.try_run("take the rules back", UNDO, &[], b"", SCRIPT).await;
    match undone.map(|output| output.status) {
        Ok(0) => "The rules from before are back.".into(),
        Ok(3) => "The new rules were taken back, but the packet filter is not what it was before: look at it on the host.".into(),
        Ok(_) => "The new rules could not be taken back: look at the packet filter on the host.".into(),
        Err(_) => format!(
            "The host takes the rules back by itself, at the latest {CONFIRM_WITHIN} seconds after the change."
        ),
    }
}

/// Hosts that shall get in afterwards, each with the end at which it comes: declared replicas, and those that
/// replicate from here now.
fn peers(on: On<'_>, change: &FirewallChange) -> BTreeMap<HostName, Endpoint> {
    let host = on.host;
    let Some(own) = on.fleet.desired.hosts.get(host) else { return BTreeMap::new() };
    let lets_in = |address: &str| {
        address.parse().is_ok_and(|a| change.wish.allowed.iter().any(|network| network.contains(a)))
    };
    let mut peers = BTreeMap::new();
    for peer in on.fleet.desired.hosts.values().filter(|peer| peer.name != *host) {
        let facts = on.fleet.observed.get(&peer.name).and_then(Fact::known);
        let channels = facts.and_then(|f| f.server.known()).and_then(|s| s.channels.known());
        let declared = peer.channels.iter().filter(|c| c.source == *host).map(|c| c.endpoint.clone());
        let present = channels
            .into_iter()
            .flatten()
            .map(|c| Endpoint { address: c.source_host.clone(), port: c.source_port });
        let here =
            |end: &Endpoint| end.address == own.endpoint.address && change.wish.ports.contains(&end.port);
        let present: BTreeSet<Endpoint> = present.filter(here).collect();
        // While the server moves to another port, the one that is in use has to stay open.
        if let Some(end) = present.into_iter().chain(declared).find(|_| lets_in(&peer.endpoint.address)) {
            peers.insert(peer.name.clone(), end);
        }
    }
    peers
}

/// Lets every peer try the port from where it is.
async fn who_gets_in(peers: &BTreeMap<HostName, Endpoint>, fleet: &Fleet<'_>) -> BTreeMap<HostName, Reach> {
    let tries = peers.iter().filter_map(|(peer, end)| {
        let session = fleet.on(peer).session().ok()?;
        Some(async move {
            let found = try_ports(session, [(end.clone(), Probe::Any)]).await;
            Some((peer.clone(), found.get(end)?.clone()))
        })
    });
    futures_util::future::join_all(tries).await.into_iter().flatten().collect()
}
