//! The topology as it is, as a table that is read at a glance.

use std::fmt::Write;

use super::{
    paint::{ADDED, ALARM, CHANGED, HEADING, QUIET, paint},
    prose::sentence,
    table::{Cell, table},
};
use crate::{
    doctor::ErrantExplanation,
    model::{bytes, visible},
    plan::WayOut,
    status::{ChannelState, ChannelStatus, Encryption, HostState, HostStatus, LostState, StatusDocument},
    words,
};

/// The text of a status without its last line, which is `tally`. `full` adds positions; columns that do not fit
/// into `width` are left out, sentences are broken to fit into `sentences`.
pub fn status(document: &StatusDocument, full: bool, width: usize, sentences: usize) -> String {
    let mut text = String::new();
    if let Some(problem) = &document.writers_problem {
        let problem = words::fault::writers(problem);
        sentence(&format!("{}  ", paint(ALARM, "writers")), 9, &problem, sentences, &mut text);
    }
    hosts(document, full, width, sentences, &mut text);
    lost(document, sentences, &mut text);
    if !document.channels.is_empty() {
        text.push('\n');
        channels(document, full, width, sentences, &mut text);
    }
    if !document.errant.is_empty() {
        text.push('\n');
        document.errant.iter().for_each(|found| errant(found, sentences, &mut text));
    }
    text.push('\n');
    text.trim_start_matches('\n').to_owned()
}

const INDENT: &str = "    ";
/// What stands in a cell whose value was not read. An empty one says that there is none.
const UNKNOWN: &str = "?";

fn hosts(document: &StatusDocument, full: bool, width: usize, sentences: usize, text: &mut String) {
    let rows: Vec<Vec<Cell>> = document.hosts.iter().map(|host| host_row(document, host)).collect();
    let headings = ["host", "state", "server", "role", "clients may", "id", "data", "clients", "gtid"];
    let mut lines = table(&headings, &rows, width).into_iter();
    if let Some(line) = lines.next().filter(|_| !rows.is_empty()) {
        let _ = writeln!(text, "{line}");
    }
    for (line, host) in lines.zip(&document.hosts) {
        let _ = writeln!(text, "{line}");
        if let Some(problem) = &host.problem {
            sentence(INDENT, INDENT.len() + 2, &words::fault::host(problem), sentences, text);
        }
        if !full {
            continue;
        }
        for (what, value) in [
            ("os", &host.os),
            ("gtid", &host.gtid),
            ("binlog", &host.binlog),
            ("address", &Some(host.endpoint.clone())),
        ] {
            if let Some(value) = value.as_ref().filter(|v| !v.is_empty()) {
                let _ = writeln!(text, "{INDENT}{}", paint(QUIET, format_args!("{what} {}", visible(value))));
            }
        }
    }
}

/// A line for each host that is declared lost.
fn lost(document: &StatusDocument, width: usize, text: &mut String) {
    if !document.lost.is_empty() && !document.hosts.is_empty() {
        text.push('\n');
    }
    for lost in &document.lost {
        let (style, said) = match (lost.state, lost.writes) {
            (LostState::Silent, _) => (QUIET, "it does not answer".to_owned()),
            (LostState::Returned, Some(true)) => (ALARM, "it is back, and accepts writes".to_owned()),
            (LostState::Returned, Some(false)) => (CHANGED, "it is back, and accepts no writes".to_owned()),
            (LostState::Returned, None) => (CHANGED, "it is back; its server could not be read".to_owned()),
        };
        let why = lost
            .problem
            .as_ref()
            .map(|why| format!(" ({})", visible(&words::fault::host(why))))
            .unwrap_or_default();
        let next = match lost.state {
            LostState::Silent => String::new(),
            LostState::Returned => {
                format!(". `tandem rejoin PLAYBOOK {}` makes it a replica again", lost.host)
            }
        };
        let begin = format!("{}  {}  ", paint(HEADING, &lost.host), paint(style, "lost"));
        sentence(&begin, INDENT.len(), &format!("{said}{why}{next}"), width, text);
    }
}

fn host_row(document: &StatusDocument, host: &HostStatus) -> Vec<Cell> {
    let state = match host.state {
        HostState::Up => Cell::styled("up", ADDED),
        HostState::Down => Cell::styled("DOWN", ALARM),
        HostState::Unread => Cell::styled("UNREAD", CHANGED),
    };
    let replica = document.channels.iter().any(|c| c.replica == host.host);
    let source = document.channels.iter().any(|c| c.source.as_ref() == Some(&host.host));
    let read = host.state == HostState::Up;
    let role = match (source, replica) {
        (true, true) => "source, replica",
        (true, false) => "source",
        (false, true) => "replica",
        (false, false) if read => "",
        (false, false) => UNKNOWN,
    };
    let writes = host.read_only.map(|r| if r { "read" } else { "write" }.to_owned());
    let clients = host.clients.map(|n| if n == 0 { String::new() } else { n.to_string() });
    // A server without GTIDs has none; of one that was not read nobody knows.
    let gtid = host.gtid.as_deref().map(shortened).or(read.then(String::new));
    let known = |value: Option<String>| Cell::new(value.unwrap_or_else(|| UNKNOWN.to_owned()));
    vec![
        Cell::styled(host.host.as_str(), HEADING),
        state,
        known(host.server.clone()),
        Cell::new(role),
        known(writes),
        known(host.server_id.map(|id| id.to_string())),
        known(host.data_bytes.map(bytes)),
        known(clients),
        known(gtid),
    ]
}

/// A GTID position for a column: of a long one the end, where it moves. `-v` shows it whole.
fn shortened(gtid: &str) -> String {
    const MOST: usize = 28;
    let gtid: String = gtid.chars().filter(|c| !c.is_whitespace()).collect();
    match gtid.chars().count().checked_sub(MOST) {
        None | Some(0) => gtid,
        Some(more) => format!("..{}", gtid.chars().skip(more + 2).collect::<String>()),
    }
}

fn channels(document: &StatusDocument, full: bool, width: usize, sentences: usize, text: &mut String) {
    let rows: Vec<Vec<Cell>> = document.channels.iter().map(channel_row).collect();
    let headings = ["channel", "state", "declared", "behind", "receiver", "applier", "wire"];
    let mut lines = table(&headings, &rows, width).into_iter();
    if let Some(line) = lines.next() {
        let _ = writeln!(text, "{line}");
    }
    for (line, channel) in lines.zip(&document.channels) {
        let _ = writeln!(text, "{line}");
        channel_details(channel, full, sentences, text);
    }
}

fn channel_row(channel: &ChannelStatus) -> Vec<Cell> {
    let state = match channel.state {
        ChannelState::Running => Cell::styled("running", ADDED),
        ChannelState::Connecting => Cell::styled("CONNECTING", CHANGED),
        ChannelState::Stopped => Cell::styled("STOPPED", CHANGED),
        ChannelState::Missing => Cell::styled("MISSING", ALARM),
        ChannelState::Unknown => Cell::styled("UNKNOWN", CHANGED),
        ChannelState::Broken => Cell::styled("BROKEN", ALARM),
    };
    let there = !matches!(channel.state, ChannelState::Missing | ChannelState::Unknown);
    // What a server says of itself is an estimate.
    let behind = match (channel.lag_seconds, channel.lag_source) {
        (Some(seconds), Some("heartbeat")) => format!("{seconds} s by heartbeat"),
        (Some(seconds), _) => format!("about {seconds} s"),
        (None, _) if there => "unknown".to_owned(),
        (None, _) if channel.state == ChannelState::Unknown => UNKNOWN.to_owned(),
        (None, _) => String::new(),
    };
    let wire = match channel.tls {
        Encryption::On => "TLS",
        Encryption::Off => "clear text",
        Encryption::None => "",
        Encryption::Unknown => UNKNOWN,
    };
    let thread = |words: &str| match (there, channel.state) {
        (true, _) => words.to_owned(),
        (false, ChannelState::Unknown) => UNKNOWN.to_owned(),
        (false, _) => String::new(),
    };
    let declared = if channel.declared == Some(false) { "no" } else { "" };
    vec![
        Cell::new(arrow(channel)),
        state,
        Cell::styled(declared, CHANGED),
        Cell::new(behind),
        Cell::new(thread(&channel.io_thread)),
        Cell::new(thread(&channel.sql_thread)),
        Cell::new(wire),
    ]
}

fn arrow(channel: &ChannelStatus) -> String {
    let source = channel.source.as_ref().map_or(channel.endpoint.as_str(), |s| s.as_str());
    let name = if channel.name.is_empty() { String::new() } else { format!(" ({})", channel.name) };
    format!("{source} -> {}{name}", channel.replica)
}

fn channel_details(channel: &ChannelStatus, full: bool, width: usize, text: &mut String) {
    let indent = INDENT;
    if full {
        for (what, value) in [("executed", &channel.executed), ("received", &channel.gtid)] {
            if value.len() > 1 {
                let _ = writeln!(text, "{indent}{}", paint(QUIET, format_args!("{what} {}", visible(value))));
            }
        }
    }
    if let Some(fault) = &channel.fault {
        let cause = words::fault::channel(fault);
        let layer = fault.layer().map(|l| format!("{}: ", paint(ALARM, l))).unwrap_or_default();
        sentence(indent, INDENT.len() + 2, &format!("{layer}{cause}"), width, text);
    }
    for line in channel.evidence.iter().flat_map(words::repair::evidence) {
        let _ = writeln!(text, "{indent}  {}", visible(&line));
    }
    match (&channel.fault, channel.repairs.is_empty()) {
        (Some(fault), true) => {
            let _ = writeln!(text, "{indent}next: {}", words::fault::next(fault));
        }
        _ => repairs(channel.repairs.iter().map(words::repair::way_out), text),
    }
    if let Some(said) = channel.fault.as_ref().and_then(words::fault::said) {
        let said = paint(QUIET, format_args!("the server says: {said}"));
        sentence(indent, INDENT.len() + 2, &said, width, text);
    }
}

fn repairs(repairs: impl Iterator<Item = WayOut>, text: &mut String) {
    for (n, repair) in repairs.enumerate() {
        let word = if n == 0 { "next:" } else { "  or:" };
        let _ = writeln!(text, "{INDENT}{word} {}", visible(&repair.what));
        let _ = writeln!(text, "{INDENT}      loses {}", visible(&repair.loses));
        let _ = writeln!(text, "{INDENT}      {}", paint(QUIET, visible(&repair.command)));
    }
}

/// Transactions that only a replica has.
fn errant(found: &ErrantExplanation, width: usize, text: &mut String) {
    let head = format!(
        "{}: {}  {}",
        paint(ALARM, &found.replica),
        visible(&words::errant::cause(found)),
        paint(QUIET, format_args!("[{}]", found.code()))
    );
    sentence("", INDENT.len(), &head, width, text);
    for line in words::errant::evidence(found) {
        let _ = writeln!(text, "{INDENT}  {}", visible(&line));
    }
    repairs(found.repairs.iter().map(words::errant::way_out), text);
}

/// The one line that counts what is up and what runs, of everything that was read.
pub(crate) fn tally(document: &StatusDocument) -> String {
    let up = document.hosts.iter().filter(|h| h.state == HostState::Up).count();
    let running = document.channels.iter().filter(|c| c.state == ChannelState::Running).count();
    let unread = document.hosts.iter().filter(|h| h.state == HostState::Unread).count();
    let unknown = document.channels.iter().filter(|c| c.state == ChannelState::Unknown).count();
    let of = |n: usize, word: &str| if n == 0 { String::new() } else { format!(", {n} {word}") };
    let line = format!(
        "{up} of {} servers up{}, {running} of {} channels running{}.",
        document.hosts.len(),
        of(unread, "not read"),
        document.channels.len(),
        of(unknown, "unknown")
    );
    if document.healthy { format!("{line}\n") } else { format!("{}\n", paint(ALARM, line)) }
}
