//! One HTML file with everything at a moment: it refers to no other file and needs no script.

use minijinja::{AutoEscape, Environment, context, value::Value};
use serde::Serialize;

use super::svg;
use crate::{
    model::{json_without_hidden, masked},
    plan::{PlanDocument, State, StepDocument},
    status::StatusDocument,
    words,
};

/// What a report shows.
#[derive(Debug, Clone, Serialize)]
pub struct ReportDocument {
    /// A minor step only adds, a major one may change what is there.
    pub format_version: &'static str,
    /// When the hosts were read, as text.
    pub time: String,
    /// What it is about.
    pub playbook: Option<String>,
    /// The topology as it is.
    pub status: StatusDocument,
    /// What differs from the files; absent without a playbook.
    pub plan: Option<PlanDocument>,
    /// Past runs, the last one first.
    pub runs: Vec<PastRun>,
}

/// A run of `apply`.
#[derive(Debug, Clone, Serialize)]
pub struct PastRun {
    /// Its name.
    pub run: String,
    /// The playbook.
    pub playbook: String,
    /// How it ended.
    pub summary: String,
    /// Whether it came to its end.
    pub ended: bool,
}

/// The text of the page. Everything that comes from outside is escaped.
///
/// # Errors
/// What the template engine says; a mistake of this program.
pub fn report(document: &ReportDocument) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("report", include_str!("page.html")).map_err(|e| e.to_string())?;
    let page = environment.get_template("report").map_err(|e| e.to_string())?;
    // Masked before it is escaped.
    let mut shown = serde_json::to_value(document).map_err(|e| e.to_string())?;
    json_without_hidden(&mut shown);
    let steps = document.plan.iter().flat_map(|plan| &plan.steps);
    let steps: Vec<StepWords> = steps.map(StepWords::of).collect();
    let picture = Value::from_safe_string(svg(&document.status));
    let bytes: Vec<Option<String>> =
        document.status.hosts.iter().map(|h| h.data_bytes.map(crate::model::bytes)).collect();
    page.render(context! { r => Value::from(minijinja::value::Serde(&shown)), picture, bytes, steps => Value::from(minijinja::value::Serde(&steps)), version => env!("CARGO_PKG_VERSION") })
        .map_err(|e| e.to_string())
}

/// What a step says on the page.
#[derive(Serialize)]
struct StepWords {
    host: String,
    what: String,
    why: Vec<String>,
    risk: Vec<String>,
    before: Option<String>,
    after: Option<String>,
}

impl StepWords {
    fn of(step: &StepDocument) -> Self {
        let state = |state: &Option<State>| state.as_ref().map(|state| masked(words::state(state)));
        Self {
            host: step.host.to_string(),
            what: masked(words::summary(step)),
            why: step.reason.iter().map(|reason| masked(words::reason(reason))).collect(),
            risk: step.risk.iter().map(|risk| masked(&risk.text)).collect(),
            before: state(&step.before),
            after: state(&step.after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{FirewallRefused, HostWaits, Plan, Refusal, Waiting};

    #[test]
    fn a_page_stands_alone_and_escapes_what_it_shows() {
        let plan = Plan {
            refused: vec![Refusal {
                host: "db-a".into(),
                why: FirewallRefused::Name { text: "<script>alert(1)</script>".into() }.into(),
            }],
            waiting: vec![Waiting {
                host: "db-b".into(),
                why: HostWaits::Unread { why: Some("a & b".into()) }.into(),
            }],
            ..Plan::default()
        };
        let document = ReportDocument {
            format_version: "1.0",
            time: "2026-11-24 10:00".into(),
            playbook: Some("hot-standby".into()),
            status: StatusDocument {
                format_version: "1.0",
                healthy: true,
                writers: Vec::new(),
                writers_problem: None,
                hosts: Vec::new(),
                lost: Vec::new(),
                channels: Vec::new(),
                errant: Vec::new(),
            },
            plan: Some(crate::render::document(&plan)),
            runs: vec![PastRun {
                run: "20261124T100000Z-1".into(),
                playbook: "hot-standby".into(),
                summary: "done".into(),
                ended: true,
            }],
        };
        let page = report(&document).expect("a page");
        assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script"), "{page}");
        assert!(page.contains("a &amp; b") && page.contains("20261124T100000Z-1"), "{page}");
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            let own = page.replace("http://www.w3.org/2000/svg", "");
            assert!(!own.contains(outside), "{outside}");
        }
    }
}
