//! A plan as figures for Prometheus' textfile collector.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use crate::{model::HostName, plan::PlanDocument};

/// The text of the metrics. `hosts` are those that were to be read, `now` is seconds since 1970.
pub(crate) fn metrics(
    document: &PlanDocument,
    hosts: &BTreeSet<HostName>,
    unread: &BTreeMap<HostName, String>,
    exit: u8,
    now: i64,
) -> String {
    let mut text = String::new();
    let mut metric = |name: &str, help: &str, rows: &[(String, String)]| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in rows {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let one = |value: String| [(String::new(), value)];
    metric(
        "tandem_in_sync",
        "Whether everything is as declared.",
        &one(u8::from(document.in_sync).to_string()),
    );
    metric("tandem_exit_code", "Exit status of the last drift.", &one(exit.to_string()));
    metric("tandem_last_run_timestamp_seconds", "When drift ran.", &one(now.to_string()));
    let mut steps: BTreeMap<(&HostName, String), usize> = BTreeMap::new();
    for step in &document.steps {
        *steps.entry((&step.host, step.kind.to_string())).or_default() += 1;
    }
    let rows: Vec<(String, String)> = steps
        .iter()
        .map(|((host, kind), n)| (format!("{{host=\"{}\",kind=\"{kind}\"}}", label(host)), n.to_string()))
        .collect();
    metric("tandem_drift_steps", "What apply would do, by host and kind.", &rows);
    let rows: Vec<(String, String)> =
        unread.keys().map(|host| (format!("{{host=\"{}\"}}", label(host)), "1".to_owned())).collect();
    let read: Vec<(String, String)> = hosts
        .iter()
        .map(|host| {
            let read = u8::from(!unread.contains_key(host));
            (format!("{{host=\"{}\"}}", label(host)), read.to_string())
        })
        .collect();
    metric("tandem_host_read", "Whether a host was read; of one that was not, nothing else is known.", &read);
    metric("tandem_host_unread", "Hosts that could not be read.", &rows);
    let writers = document.writers.len().to_string();
    metric("tandem_writers", "Hosts that accept writes of clients, as far as they were read.", &one(writers));
    metric("tandem_refused", "Wishes that are refused.", &one(document.refused.len().to_string()));
    text
}

/// A label's value, with what the format wants escaped.
fn label(host: &HostName) -> String {
    host.as_str().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn an_empty_plan_has_figures() {
        let document = crate::render::document(&Plan::default());
        let unread = BTreeMap::from([("db\"x".into(), "away".to_owned())]);
        let hosts = BTreeSet::from(["db\"x".into(), "db-a".into()]);
        let text = metrics(&document, &hosts, &unread, 4, 7);
        assert!(text.contains("tandem_host_read{host=\"db-a\"} 1\n"), "{text}");
        assert!(text.contains("tandem_host_read{host=\"db\\\"x\"} 0\n"), "{text}");
        assert!(text.contains("tandem_in_sync 1\n") && text.contains("tandem_exit_code 4\n"), "{text}");
        assert!(text.contains("tandem_writers 0\n"), "{text}");
        assert!(text.contains("tandem_host_unread{host=\"db\\\"x\"} 1\n"), "{text}");
    }
}
