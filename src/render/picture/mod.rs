//! The topology as a picture: wished and actual state in one. Mermaid for documents, DOT for Graphviz, and SVG of
//! our own. What a line means is said by its style, by a sign and by a word, never by its colour alone.

mod layout;
mod svg;
mod text;

pub(crate) use svg::escaped;
pub use svg::svg;
pub use text::{dot, mermaid};

use crate::{
    doctor::{ChannelFault, Layer},
    model::HostName,
    status::{ChannelState, ChannelStatus, HostState, HostStatus, StatusDocument},
    words,
};

/// What is drawn of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    /// Its name, or the address of one that is no host of ours.
    name: String,
    /// How it is; nothing for one that is no host of ours.
    state: Option<HostState>,
    /// Lines below the name.
    lines: Vec<String>,
}

/// What is drawn of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Arrow {
    /// The source's place among the nodes.
    from: usize,
    /// The replica's.
    to: usize,
    /// How it stands.
    look: Look,
    /// What stands at it.
    words: String,
}

/// How a channel is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    /// It runs, and is declared or nobody asked.
    Runs,
    /// It is there and does not run.
    Broken,
    /// It is declared and not there.
    Missing,
    /// It is declared, and its replica was not read.
    Unknown,
    /// It is there and nobody declared it.
    Undeclared,
}

impl Look {
    fn of(channel: &ChannelStatus) -> Self {
        match (channel.state, channel.declared) {
            (ChannelState::Missing, _) => Look::Missing,
            (ChannelState::Unknown, _) => Look::Unknown,
            (_, Some(false)) => Look::Undeclared,
            (ChannelState::Running, _) => Look::Runs,
            _ => Look::Broken,
        }
    }

    fn sign(self) -> char {
        match self {
            Look::Runs => '\u{2713}',
            Look::Broken => '\u{2717}',
            Look::Missing => '\u{2205}',
            Look::Unknown => '?',
            Look::Undeclared => '+',
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Look::Runs => "runs",
            Look::Broken => "does not run",
            Look::Missing => "declared, and not there",
            Look::Unknown => "declared, not read",
            Look::Undeclared => "there, and not declared",
        }
    }
}

/// Everything that is drawn.
fn drawing(document: &StatusDocument) -> (Vec<Node>, Vec<Arrow>) {
    let mut nodes: Vec<Node> = document.hosts.iter().map(|host| node(document, host)).collect();
    let mut arrows = Vec::new();
    for channel in &document.channels {
        let place = |name: &HostName| document.hosts.iter().position(|h| h.host == *name);
        let Some(to) = place(&channel.replica) else { continue };
        let from = channel.source.as_ref().and_then(place).unwrap_or_else(|| {
            // One that was left out is a host of ours all the same.
            let (name, state, line) = match &channel.source {
                Some(name) => (name.to_string(), Some(HostState::Unread), "not looked at"),
                None => (channel.endpoint.clone(), None, "no host of the inventory"),
            };
            let there = nodes.iter().position(|n| n.state == state && n.name == name);
            there.unwrap_or_else(|| {
                nodes.push(Node { name, state, lines: vec![line.to_owned()] });
                nodes.len() - 1
            })
        });
        arrows.push(Arrow { from, to, look: Look::of(channel), words: words(channel) });
    }
    (nodes, arrows)
}

fn node(document: &StatusDocument, host: &HostStatus) -> Node {
    let sources = document.channels.iter().any(|c| c.replica == host.host);
    let replicas = document.channels.iter().any(|c| c.source.as_ref() == Some(&host.host));
    let role = match (sources, replicas) {
        (true, true) => "source and replica",
        (true, false) => "replica",
        (false, true) => "source",
        (false, false) if host.state == HostState::Up => "alone",
        (false, false) => "role unknown",
    };
    let writable = match host.read_only {
        Some(true) => ", read-only",
        Some(false) => ", writable",
        None => ", access unknown",
    };
    let id = host.server_id.map(|id| format!("  id {id}")).unwrap_or_default();
    Node {
        name: host.host.to_string(),
        state: Some(host.state),
        lines: vec![
            host.server
                .clone()
                .unwrap_or_else(|| host.problem.as_ref().map(words::fault::host).unwrap_or_default()),
            format!("{}{id}", host.endpoint),
            format!("{role}{writable}"),
        ],
    }
}

/// What stands at an arrow. The state is a word, not only a style of line.
fn words(channel: &ChannelStatus) -> String {
    let mut words = channel.state.to_string();
    // One that was stopped is said to be so once.
    let told = |layer: &Layer| match channel.state {
        ChannelState::Running => true,
        ChannelState::Stopped => *layer == Layer::Stopped,
        _ => false,
    };
    if let Some(layer) = channel.fault.as_ref().and_then(ChannelFault::layer).filter(|layer| !told(layer)) {
        words.push_str(&format!(": {layer}"));
    }
    if let Some(seconds) = channel.lag_seconds {
        words.push_str(&format!(", {seconds} s behind"));
    }
    if channel.declared == Some(false) {
        words.push_str(", not declared");
    }
    words
}

/// The sign and the word of a host's state.
fn state(state: Option<HostState>) -> (char, &'static str) {
    match state {
        Some(HostState::Up) => ('\u{25cf}', "up"),
        Some(HostState::Down) => ('\u{25bc}', "down"),
        None => ('+', "foreign"),
        Some(HostState::Unread) => ('?', "not read"),
    }
}
