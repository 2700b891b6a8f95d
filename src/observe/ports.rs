//! Tries from a host whether the ports of others answer.

use std::collections::BTreeMap;

use super::{ChannelFacts, Reach, host};
use crate::{
    desired::DesiredHost,
    model::{Endpoint, Fact, ThreadState, limits},
    transport::{ReadScript, Session},
};

const REACH: ReadScript = ReadScript::new("try the peers' ports", include_str!("reach.sh"));

/// How a port may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Probe {
    /// In a way that the server does not hear of, or not at all.
    Quiet,
    /// By a connection, where there is no quiet way.
    Any,
    /// The same within a second: nobody is expected to answer.
    Soon,
}

/// Where the channels that are there lead, as far as that is of use, and where they shall. A channel that is connected says
/// nothing about the next connection: a rule may let in what is established alone.
pub(super) fn ends(host: &DesiredHost, channels: &Fact<Vec<ChannelFacts>>) -> BTreeMap<Endpoint, Probe> {
    let there = channels.known().map(Vec::as_slice).unwrap_or_default();
    let mut ends = BTreeMap::new();
    // A thread that says that it is connected says nothing of a source that has lost its power.
    for channel in there {
        let end = Endpoint { address: channel.source_host.clone(), port: channel.source_port };
        if host.lost.contains(&end) {
            ends.insert(end, Probe::Soon);
        }
    }
    for wish in &host.channels {
        let Some(channel) = there.iter().find(|channel| channel.name == wish.name) else { continue };
        let same = channel.source_host == wish.endpoint.address && channel.source_port == wish.endpoint.port;
        let probe = if same && channel.io_running == ThreadState::Yes { Probe::Quiet } else { Probe::Any };
        ends.insert(wish.endpoint.clone(), probe);
    }
    ends
}

/// Tries from a host whether ports of others answer.
pub(crate) async fn try_ports(
    session: &Session,
    targets: impl IntoIterator<Item = (Endpoint, Probe)>,
) -> BTreeMap<Endpoint, Reach> {
    let word = |probe| match probe {
        Probe::Quiet => "quiet",
        Probe::Any => "any",
        Probe::Soon => "soon",
    };
    let mut args = vec![include_str!("syn.pl").to_owned()];
    for (end, probe) in targets {
        args.extend([word(probe).to_owned(), end.address, end.port.to_string()]);
    }
    if args.len() == 1 {
        return BTreeMap::new();
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = session.read(&REACH, &args, limits::PORTS.time).await;
    output.map(|o| host::reach(&o.text())).unwrap_or_default()
}
