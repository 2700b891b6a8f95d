//! What was proven, for people.

use std::fmt::Write;

use super::paint::{ADDED, ALARM, CHANGED, HEADING, QUIET, paint};
use crate::{
    model::{duration, visible},
    proof::Remark,
    status::ChannelState,
    verify::{
        ChannelProof, DataProof, IdsProof, PortProof, RestartProof, RowDifference, RowKind, TableDifference,
        Verdict, VerifyReport,
    },
    words::verified,
};

/// Tables that are named of those that were left out, unless everything is wished.
const NAMED: usize = 5;

/// The text of a report. `full` names every table that was left out.
pub(crate) fn verify(report: &VerifyReport, full: bool) -> String {
    let mut text = String::new();
    section("servers", &mut text, &report.down, |remark, text| {
        line(Verdict::Failed, remark.host.as_str(), &verified::host(remark), text);
    });
    section("channels", &mut text, &report.channels, channel);
    section("numbers", &mut text, report.ids.as_slice(), ids);
    section("ports", &mut text, &report.ports, port);
    section("restarts", &mut text, &report.restarts, restart);
    section("tables", &mut text, &report.data, |proof, text| data(proof, full, text));
    let remark = |remark: &Remark, text: &mut String| {
        let _ = writeln!(text, "  {}", visible(&verified::remark(remark)));
    };
    section("not provable", &mut text, &report.not_provable, remark);
    section("not read", &mut text, &report.not_read, |remark, text| {
        let _ = writeln!(text, "  {}: {}", remark.host, visible(&verified::host(remark)));
    });
    section("errors", &mut text, &report.errors, remark);
    let whole = report.not_provable.is_empty() && report.data.iter().all(|d| d.left_out.is_empty());
    let last = match (report.proven, report.failed()) {
        (true, _) if whole => "Everything is proven.",
        (true, _) => "Everything is proven that could be put to the test.",
        (false, true) => "NOT PROVEN: see above.",
        (false, false) => "Not everything could be put to the test.",
    };
    let _ = writeln!(text, "{}", if report.proven { last.to_owned() } else { paint(ALARM, last) });
    text
}

fn section<T>(title: &str, text: &mut String, items: &[T], each: impl Fn(&T, &mut String)) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", paint(HEADING, title));
    items.iter().for_each(|item| each(item, text));
    text.push('\n');
}

fn line(verdict: Verdict, what: &str, said: &str, text: &mut String) {
    let mark = match verdict {
        Verdict::Proven => paint(ADDED, "proven"),
        Verdict::Failed => paint(ALARM, "FAILED"),
        Verdict::NotProvable => paint(CHANGED, "unsure"),
    };
    let _ = writeln!(text, "  {mark}  {what}  {said}");
}

fn channel(proof: &ChannelProof, text: &mut String) {
    let name = if proof.name.is_empty() { String::new() } else { format!(" ({})", proof.name) };
    let arrow = format!("{} -> {}{name}", proof.source, proof.replica);
    let mut parts = vec![match proof.threads {
        ChannelState::Running => "both threads run".to_owned(),
        state => state.to_string(),
    }];
    if let (Some(from), Some(ms)) = (&proof.canary_from, proof.canary_ms) {
        let whose = if *from == proof.source { String::new() } else { format!(" from {from}") };
        parts.push(format!("canary{whose} after {}", time(ms)));
    }
    if proof.delay_seconds > 0 {
        parts.push(format!("{} s of it asked for", proof.delay_seconds));
    }
    if proof.declared == Some(false) {
        parts.push("not declared".into());
    }
    line(proof.verdict, &arrow, &parts.join(", "), text);
    below(proof.problem.as_ref().map(verified::unproven), text);
    if let Some(next) = proof.problem.as_ref().and_then(verified::next) {
        let _ = writeln!(text, "          next: {next}");
    }
}

fn below(problem: Option<String>, text: &mut String) {
    if let Some(problem) = problem {
        let _ = writeln!(text, "          {problem}");
    }
}

fn time(ms: u64) -> String {
    duration(std::time::Duration::from_millis(ms))
}

fn ids(proof: &IdsProof, text: &mut String) {
    let writers: Vec<String> = proof
        .writers
        .iter()
        .map(|w| format!("{} counts {}, {}, ..", w.host, w.offset, w.offset + w.increment))
        .collect();
    let said = match proof.verdict {
        Verdict::Proven => format!("{} rows inserted at once, no number twice", proof.inserted),
        _ => "numbers can meet".to_owned(),
    };
    line(proof.verdict, &writers.join("; "), &said, text);
    below(proof.problem.as_ref().map(verified::collision), text);
}

fn port(proof: &PortProof, text: &mut String) {
    let what = format!("{} -> {} {}", verified::vantage(&proof.from), proof.host, proof.endpoint);
    let said = match (proof.wished_open, proof.verdict) {
        (true, Verdict::Proven) => "open".to_owned(),
        (true, _) => format!("not open to a peer: {}", verified::port(&proof.outcome)),
        (false, Verdict::Proven) => format!("shut to a stranger: {}", verified::port(&proof.outcome)),
        (false, _) => "OPEN to a stranger".to_owned(),
    };
    line(proof.verdict, &what, &said, text);
}

fn restart(proof: &RestartProof, text: &mut String) {
    let said = match proof.back_ms {
        Some(back) => format!("away for {}, replication back after {}", time(proof.away_ms), time(back)),
        None => "replication did not return".to_owned(),
    };
    line(proof.verdict, proof.host.as_str(), &said, text);
    below(proof.problem.as_ref().map(verified::restart), text);
}

fn data(proof: &DataProof, full: bool, text: &mut String) {
    let sign = if proof.mutual { "=" } else { "->" };
    let what = format!("{} {sign} {}", proof.source, proof.replica);
    let count = |n: u64, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut said = format!(
        "{}, {} in {}, {}",
        count(proof.tables, "table", "tables"),
        count(proof.rows, "row", "rows"),
        count(proof.chunks, "chunk", "chunks"),
        time(proof.took_ms)
    );
    if proof.settled > 0 {
        said.push_str(&format!(", {} while rows were on their way", count(proof.settled, "chunk", "chunks")));
    }
    line(proof.verdict, &what, &said, text);
    for table in &proof.differing {
        table_lines(table, proof, text);
    }
    for remark in &proof.notes {
        let _ = writeln!(text, "          {}", visible(&verified::remark(remark)));
    }
    let some = if full { proof.left_out.len() } else { NAMED };
    for remark in proof.left_out.iter().take(some) {
        let _ = writeln!(
            text,
            "          {}",
            paint(QUIET, format_args!("not compared: {}", visible(&verified::remark(remark))))
        );
    }
    let rest = proof.left_out.len().saturating_sub(some);
    if rest > 0 {
        let _ = writeln!(
            text,
            "          {}",
            paint(QUIET, format_args!("and {rest} more not compared; -v names them"))
        );
    }
}

fn table_lines(table: &TableDifference, proof: &DataProof, text: &mut String) {
    let name = paint(ALARM, visible(&table.table));
    if let Some(problem) = &table.problem {
        let _ = writeln!(text, "          {name}: {}", visible(&verified::table(problem)));
        return;
    }
    let least = if table.at_least { "at least " } else { "" };
    let rows = match table.count {
        1 => "row differs".to_owned(),
        _ => "rows differ".to_owned(),
    };
    let at = table.position.as_ref().map(|p| format!(", at {p} of {}", proof.source)).unwrap_or_default();
    let _ = writeln!(text, "          {name}: {least}{} {rows}{at}", table.count);
    for row in &table.rows {
        row_lines(row, proof, text);
    }
    let more = table.count.saturating_sub(table.rows.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "            and {more} more");
    }
}

fn row_lines(row: &RowDifference, proof: &DataProof, text: &mut String) {
    let key: Vec<String> =
        row.key.iter().map(|(name, value)| format!("{}={}", visible(name), visible(value))).collect();
    let key = if key.is_empty() { "a row".to_owned() } else { key.join(", ") };
    let value = |value: &Option<String>| match value {
        None => "NULL".to_owned(),
        Some(text) => format!("'{}'", visible(text)),
    };
    let pairs = |side: fn(&crate::verify::ColumnDifference) -> &Option<String>| {
        let each = row.columns.iter().map(|c| format!("{}={}", visible(&c.name), value(side(c))));
        each.collect::<Vec<_>>().join(", ")
    };
    let (source, replica) = (&proof.source, &proof.replica);
    let said = match row.kind {
        RowKind::Changed => {
            format!("{} on {source}; {} on {replica}", pairs(|c| &c.source), pairs(|c| &c.replica))
        }
        RowKind::MissingOnReplica => format!("only on {source}: {}", pairs(|c| &c.source)),
        RowKind::MissingOnSource => format!("only on {replica}: {}", pairs(|c| &c.replica)),
    };
    let _ = writeln!(text, "            {key}: {said}");
}
