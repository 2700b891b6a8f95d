//! What `init --from` has found.

use super::{
    paint::{ALARM, CHANGED, HEADING, paint},
    table::{Cell, table},
};
use crate::{
    adopt::Report,
    model::{bytes, visible},
};

/// The report for people.
pub(crate) fn adoption(report: &Report, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let hosts: Vec<Vec<Cell>> = report
        .hosts
        .iter()
        .map(|host| {
            vec![
                Cell::new(host.host.as_str()),
                Cell::new(&host.server),
                Cell::new(host.server_id.map(|id| id.to_string()).unwrap_or_default()),
                Cell::new(if host.read_only { "read" } else { "write" }),
                Cell::new(bytes(host.data_bytes)),
            ]
        })
        .collect();
    lines.extend(table(&["host", "server", "id", "clients may", "data"], &hosts, width));
    let channels: Vec<Vec<Cell>> = report
        .channels
        .iter()
        .map(|channel| {
            vec![
                Cell::new(format!("{} -> {}", channel.source, channel.replica)),
                match channel.running {
                    true => Cell::new("running"),
                    false => Cell::styled("STOPPED", ALARM),
                },
                Cell::new(channel.positioning),
                Cell::new(channel.tls),
                Cell::new(visible(&channel.user)),
                Cell::new(visible(&channel.name)),
                Cell::new(&channel.more),
            ]
        })
        .collect();
    if !channels.is_empty() {
        lines.push(String::new());
        lines.extend(table(&["channel", "state", "by", "TLS", "user", "name", ""], &channels, width));
    }
    for play in &report.plays {
        let members: Vec<&str> = play.members.iter().map(|m| m.as_str()).collect();
        lines.push(String::new());
        lines.push(format!("{}: {}", paint(HEADING, play.kind), members.join(", ")));
    }
    section(
        &mut lines,
        "Worth a look, and left as it is:",
        report.findings.iter().map(|f| format!("{}: {}", f.of.join(", "), f.text)),
    );
    if !report.left.is_empty() {
        let heading = paint(CHANGED, "What can't be declared as it is, and a plan will show:");
        section(&mut lines, &heading, report.left.iter().cloned());
    }
    section(&mut lines, "Written:", report.written.iter().cloned());
    lines.push(String::new());
    if report.left.is_empty() && !report.written.is_empty() {
        lines.push("A plan for these files finds nothing to do.".to_owned());
    }
    for secret in &report.secrets {
        lines.push(format!(
            "No password was read. Export the one that the replication accounts have now: export {secret}=..."
        ));
    }
    lines.push(format!("Next: {}", report.next));
    lines.join("\n") + "\n"
}

fn section(lines: &mut Vec<String>, heading: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.map(|item| format!("  {}", visible(&item))).collect();
    if !items.is_empty() {
        lines.push(String::new());
        lines.push(heading.to_owned());
        lines.extend(items);
    }
}
