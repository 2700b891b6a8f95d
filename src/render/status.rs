//! The topology as it is, as a table that is read at a glance.

use std::fmt::Write;

use super::paint::{ADDED, ALARM, CHANGED, HEADING, QUIET, paint};
use crate::{
    model::{bytes, visible},
    status::{ChannelStatus, HostStatus, StatusDocument},
};

/// The text of a status without its last line, which is [`tally`]. `full` adds positions.
pub fn status(document: &StatusDocument, full: bool) -> String {
    let mut text = String::new();
    let width = document.hosts.iter().map(|h| h.host.as_str().len()).max().unwrap_or(4).max(4);
    for host in &document.hosts {
        host_line(host, width, full, &mut text);
    }
    if !document.channels.is_empty() {
        text.push('\n');
        let arrows: Vec<String> = document.channels.iter().map(arrow).collect();
        let wide = arrows.iter().map(|a| a.chars().count()).max().unwrap_or(0);
        for (channel, arrow) in document.channels.iter().zip(&arrows) {
            channel_lines(channel, arrow, wide, full, &mut text);
        }
    }
    text.push('\n');
    text.trim_start_matches('\n').to_owned()
}

fn host_line(host: &HostStatus, width: usize, full: bool, text: &mut String) {
    let name = format!("{:width$}", host.host);
    let state = match host.state {
        "up" => paint(ADDED, "up    "),
        "down" => paint(ALARM, "DOWN  "),
        _ => paint(CHANGED, "UNREAD"),
    };
    let mut parts = Vec::new();
    parts.extend(host.server.clone());
    parts.extend(host.server_id.map(|id| format!("id {id}")));
    parts.extend(host.read_only.map(|r| if r { "read-only".to_owned() } else { "writable".to_owned() }));
    parts.extend(host.data_bytes.map(bytes));
    parts.extend(
        host.clients
            .filter(|n| *n > 0)
            .map(|n| if n == 1 { "1 client".into() } else { format!("{n} clients") }),
    );
    let _ = writeln!(text, "{}  {state}  {}", paint(HEADING, name), parts.join("  "));
    if let Some(problem) = &host.problem {
        let _ = writeln!(text, "{:width$}          {problem}", "");
    }
    if full {
        for (what, value) in [
            ("os", &host.os),
            ("gtid", &host.gtid),
            ("binlog", &host.binlog),
            ("address", &Some(host.endpoint.clone())),
        ] {
            if let Some(value) = value.as_ref().filter(|v| !v.is_empty()) {
                let _ =
                    writeln!(text, "{:width$}          {}", "", paint(QUIET, format_args!("{what} {value}")));
            }
        }
    }
}

fn arrow(channel: &ChannelStatus) -> String {
    let source = channel.source.as_ref().map_or(channel.endpoint.as_str(), |s| s.as_str());
    let name = if channel.name.is_empty() { String::new() } else { format!(" ({})", channel.name) };
    format!("{source} -> {}{name}", channel.replica)
}

fn channel_lines(channel: &ChannelStatus, arrow: &str, wide: usize, full: bool, text: &mut String) {
    let state = match channel.state {
        "running" => paint(ADDED, "running   "),
        "connecting" => paint(CHANGED, "CONNECTING"),
        "stopped" => paint(CHANGED, "STOPPED   "),
        "missing" => paint(ALARM, "MISSING   "),
        _ => paint(ALARM, "BROKEN    "),
    };
    let mut parts = vec![format!("receiver {}, applier {}", channel.io_thread, channel.sql_thread)];
    match channel.lag_seconds {
        Some(seconds) if channel.lag_source == Some("heartbeat") => {
            parts.push(format!("{seconds} s behind by heartbeat"));
        }
        Some(seconds) => parts.push(format!("about {seconds} s behind")),
        None if channel.state == "missing" => {}
        None => parts.push("lag unknown".into()),
    }
    if channel.declared == Some(false) {
        parts.push(paint(CHANGED, "not declared"));
    }
    if !channel.tls && channel.state != "missing" {
        parts.push("clear text".into());
    }
    let pad = " ".repeat(wide - arrow.chars().count());
    let _ = writeln!(text, "{arrow}{pad}  {state}  {}", parts.join("  "));
    let indent = "    ";
    if full {
        for (what, value) in [("executed", &channel.executed), ("received", &channel.gtid)] {
            if value.len() > 1 {
                let _ = writeln!(text, "{indent}{}", paint(QUIET, format_args!("{what} {value}")));
            }
        }
    }
    if let Some(cause) = &channel.cause {
        let layer = channel.layer.as_ref().map(|l| format!("{}: ", paint(ALARM, l))).unwrap_or_default();
        let _ = writeln!(text, "{indent}{layer}{cause}");
    }
    for line in &channel.evidence {
        let _ = writeln!(text, "{indent}  {}", visible(line));
    }
    match (&channel.next, channel.repairs.is_empty()) {
        (Some(next), true) => {
            let _ = writeln!(text, "{indent}next: {next}");
        }
        _ => {
            for (n, repair) in channel.repairs.iter().enumerate() {
                let word = if n == 0 { "next:" } else { "  or:" };
                let _ = writeln!(text, "{indent}{word} {}", visible(&repair.what));
                let _ = writeln!(text, "{indent}      loses {}", visible(&repair.loses));
                let _ = writeln!(text, "{indent}      {}", paint(QUIET, visible(&repair.command)));
            }
        }
    }
    if let Some(said) = &channel.said {
        let _ = writeln!(text, "{indent}{}", paint(QUIET, format_args!("the server says: {said}")));
    }
}

/// The one line that counts what is up and what runs, of everything that was read.
pub fn tally(document: &StatusDocument) -> String {
    let up = document.hosts.iter().filter(|h| h.state == "up").count();
    let running = document.channels.iter().filter(|c| c.state == "running").count();
    let line = format!(
        "{up} of {} servers up, {running} of {} channels running.",
        document.hosts.len(),
        document.channels.len()
    );
    if document.healthy { format!("{line}\n") } else { format!("{}\n", paint(ALARM, line)) }
}
