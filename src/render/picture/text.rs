//! The picture as text: Mermaid for documents, DOT for Graphviz.

use std::fmt::Write;

use super::{Arrow, Look, Node, drawing, state};
use crate::{
    model::without_hidden,
    status::{HostState, StatusDocument},
};

/// The text of a Mermaid flowchart.
pub fn mermaid(document: &StatusDocument) -> String {
    let (nodes, arrows) = drawing(document);
    let mut text = String::from("flowchart LR\n");
    for (n, node) in nodes.iter().enumerate() {
        let (open, close) = if node.state == Some(HostState::Up) { ("[", "]") } else { ("([", "])") };
        let _ = writeln!(text, "  h{n}{open}\"{}\"{close}", label(node, "<br/>"));
    }
    for arrow in &arrows {
        let line = match arrow.look {
            Look::Runs => "-->",
            Look::Broken => "-.-x",
            Look::Missing | Look::Unknown => "-.->",
            Look::Undeclared => "==>",
        };
        let _ = writeln!(text, "  h{} {line}|{}| h{}", arrow.from, words(arrow), arrow.to);
    }
    text
}

/// The text of a DOT graph.
pub fn dot(document: &StatusDocument) -> String {
    let (nodes, arrows) = drawing(document);
    let mut text = String::from("digraph topology {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n");
    for (n, node) in nodes.iter().enumerate() {
        let style = match node.state {
            Some(HostState::Up) => "",
            Some(HostState::Down) => ", style=\"rounded,bold,dashed\"",
            Some(HostState::Unread) | None => ", style=\"rounded,dotted\"",
        };
        let _ = writeln!(text, "  h{n} [label=\"{}\"{style}];", label(node, "\\n"));
    }
    for arrow in &arrows {
        let style = match arrow.look {
            Look::Runs => "solid",
            Look::Broken => "dashed, arrowhead=tee",
            Look::Missing | Look::Unknown => "dotted",
            Look::Undeclared => "bold",
        };
        let _ =
            writeln!(text, "  h{} -> h{} [label=\"{}\", style={style}];", arrow.from, arrow.to, words(arrow));
    }
    text.push_str("}\n");
    text
}

fn label(node: &Node, between: &str) -> String {
    let (sign, word) = state(node.state);
    let mut lines = vec![format!("{}  {sign} {word}", plain(&node.name))];
    lines.extend(node.lines.iter().filter(|l| !l.is_empty()).map(|l| plain(l)));
    lines.join(between)
}

fn words(arrow: &Arrow) -> String {
    format!("{} {}", arrow.look.sign(), plain(&arrow.words))
}

/// Text without what either language gives a meaning to.
fn plain(text: &str) -> String {
    without_hidden(text)
        .chars()
        .map(|c| if matches!(c, '"' | '|' | '\\' | '<' | '>' | '\n' | '[' | ']') { ' ' } else { c })
        .collect()
}
