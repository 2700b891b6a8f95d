//! The topology as a picture: Mermaid for documents, DOT for Graphviz.

use std::fmt::Write;

use crate::status::{ChannelStatus, StatusDocument};

/// The text of a Mermaid flowchart.
pub fn mermaid(document: &StatusDocument) -> String {
    let mut text = String::from("flowchart LR\n");
    for (n, host) in document.hosts.iter().enumerate() {
        let server = host.server.as_deref().unwrap_or(host.state);
        let _ = writeln!(text, "  h{n}[\"{}<br/>{}\"]", plain(host.host.as_str()), plain(server));
    }
    for (n, channel) in document.channels.iter().enumerate() {
        let (from, to) = ends(document, channel);
        let from =
            from.map_or_else(|| format!("x{n}[\"{}\"]", plain(&channel.endpoint)), |n| format!("h{n}"));
        let arrow = if channel.state == "running" { "-->" } else { "-.->" };
        let _ = writeln!(text, "  {from} {arrow}|{}| h{to}", plain(&words(channel)));
    }
    text
}

/// The text of a DOT graph.
pub fn dot(document: &StatusDocument) -> String {
    let mut text = String::from("digraph topology {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n");
    for (n, host) in document.hosts.iter().enumerate() {
        let server = host.server.as_deref().unwrap_or(host.state);
        let _ = writeln!(text, "  h{n} [label=\"{}\\n{}\"];", plain(host.host.as_str()), plain(server));
    }
    for (n, channel) in document.channels.iter().enumerate() {
        let (from, to) = ends(document, channel);
        let from = match from {
            Some(n) => format!("h{n}"),
            None => {
                let _ = writeln!(text, "  x{n} [label=\"{}\", style=dashed];", plain(&channel.endpoint));
                format!("x{n}")
            }
        };
        let style = if channel.state == "running" { "solid" } else { "dashed" };
        let _ = writeln!(text, "  {from} -> h{to} [label=\"{}\", style={style}];", plain(&words(channel)));
    }
    text.push_str("}\n");
    text
}

fn ends(document: &StatusDocument, channel: &ChannelStatus) -> (Option<usize>, usize) {
    let place = |name: &crate::model::HostName| document.hosts.iter().position(|h| h.host == *name);
    (channel.source.as_ref().and_then(place), place(&channel.replica).unwrap_or_default())
}

/// What stands at an arrow. The state is a word, not only a style of line.
fn words(channel: &ChannelStatus) -> String {
    let mut words = channel.state.to_owned();
    if let Some(seconds) = channel.lag_seconds {
        let _ = write!(words, ", {seconds} s behind");
    }
    if channel.declared == Some(false) {
        words.push_str(", not declared");
    }
    words
}

/// Text without what either language gives a meaning to.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if matches!(c, '"' | '|' | '\\' | '<' | '>' | '\n' | '[' | ']') { ' ' } else { c })
        .collect()
}
