//! What `drift` leaves out, since somebody said why. Pure: the day comes from the caller.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Finding, Kind, Plan, Refused, Step, WaitsFor};
use crate::{
    model::{HostName, IgnoreRule, glob},
    source::closest,
};

/// A finding that a rule leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ignored {
    /// Its name.
    pub what: String,
    /// Why.
    pub reason: String,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// What became of the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreOutcome {
    /// What they left out.
    pub ignored: Vec<Ignored>,
    /// Rules whose last day has passed.
    pub ended: Vec<IgnoreRule>,
    /// Rules that fit nothing.
    pub idle: Vec<IgnoreRule>,
}

/// Why a rule can never fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NeverFits {
    /// It names a host that is none of the playbook's.
    NoHost {
        /// The rule.
        rule: String,
        /// The name.
        host: String,
        /// A host that may have been meant.
        near: Option<String>,
    },
    /// It names a kind of finding that does not exist.
    NoFinding {
        /// The rule.
        rule: String,
        /// The name.
        finding: String,
        /// The one that may have been meant.
        near: String,
    },
}

/// Second parts of findings' names beside the kinds of steps and the codes.
const OTHERS: [&str; 3] = ["waiting", "persisted", "gtid-mode"];

/// What may stand in the second part of a finding's name, as far as it is known without looking.
fn second_parts() -> Vec<String> {
    let kinds = Kind::ALL.iter().map(ToString::to_string);
    let codes = [Refused::codes(), Finding::codes()].concat();
    kinds.chain(OTHERS.into_iter().chain(codes).map(str::to_owned)).collect()
}

impl IgnoreRule {
    /// Why this rule can never fit, as far as that is known without looking: it names a host that is none, or a kind of
    /// finding that is nearly one.
    pub fn never_fits(&self, hosts: &[HostName]) -> Option<NeverFits> {
        let any = |text: &str| text.contains(['*', '?']);
        let mut parts = self.what.split('/');
        let mut first = parts.next().unwrap_or_default();
        if first.strip_prefix("play").is_some_and(|n| n.parse::<usize>().is_ok()) {
            first = parts.next().unwrap_or_default();
        }
        // Without a host's part it is a pattern over whole names.
        let whole = any(first) && !self.what.contains('/');
        if !whole && !hosts.iter().any(|host| glob(first, host.as_str())) {
            let near = closest(first, hosts.iter().map(HostName::as_str)).map(str::to_owned);
            return Some(NeverFits::NoHost { rule: self.what.clone(), host: first.to_owned(), near });
        }
        let second = parts.next().filter(|second| !any(second))?;
        let (word, known) = match parts.next().filter(|_| second == "waiting") {
            Some(code) if any(code) => return None,
            Some(code) => (code, WaitsFor::codes().into_iter().map(str::to_owned).collect()),
            None => (second, second_parts()),
        };
        if known.iter().any(|known| known == word) {
            return None;
        }
        let near = closest(word, known.iter().map(String::as_str))?.to_owned();
        Some(NeverFits::NoFinding { rule: self.what.clone(), finding: word.to_owned(), near })
    }
}

impl Plan {
    /// Takes out everything for which a rule holds on this day.
    pub fn ignore(&mut self, rules: &[IgnoreRule], today: Date) -> IgnoreOutcome {
        let (hold, ended): (Vec<_>, Vec<_>) =
            rules.iter().cloned().partition(|rule| rule.until.is_none_or(|until| today <= until));
        let mut sieve = Sieve { used: vec![false; hold.len()], rules: &hold, ignored: Vec::new() };
        self.steps.retain_mut(|step| !sieve.takes(&step.host, &step.id.0) && !sieve.empties(step));
        self.refused.retain(|r| !sieve.takes(&r.host, &format!("{}/{}", r.host, r.why.code())));
        self.warnings.retain(|w| !sieve.takes(&w.host, &format!("{}/{}", w.host, w.what.code())));
        self.waiting.retain(|w| {
            let name = format!("{}/waiting", w.host);
            !sieve.takes(&w.host, &name) && !sieve.takes(&w.host, &format!("{name}/{}", w.why.code()))
        });
        let Sieve { used, ignored, .. } = sieve;
        let idle = hold.iter().zip(used).filter(|(_, used)| !used).map(|(rule, _)| rule.clone()).collect();
        IgnoreOutcome { ignored, ended, idle }
    }
}

struct Sieve<'a> {
    rules: &'a [IgnoreRule],
    used: Vec<bool>,
    ignored: Vec<Ignored>,
}

impl Sieve<'_> {
    fn takes(&mut self, host: &HostName, name: &str) -> bool {
        let Some(number) = self.rules.iter().position(|rule| rule.fits(host, name)) else { return false };
        let rule = &self.rules[number];
        self.used[number] = true;
        self.ignored.push(Ignored {
            what: name.to_owned(),
            reason: rule.reason.clone(),
            until: rule.until.map(|day| day.to_string()),
        });
        true
    }

    /// Takes single variables out of a step, and says whether none is left.
    fn empties(&mut self, step: &mut Step) -> bool {
        let (id, host) = (step.id.0.clone(), step.host.clone());
        let (Action::SetGlobal(list) | Action::Restart { expect: list, .. }) = &mut step.action else {
            return false;
        };
        let before = list.len();
        let mut gone: Vec<String> = Vec::new();
        list.retain(|(name, _)| {
            let takes = self.takes(&host, &format!("{id}/{name}"));
            gone.extend(takes.then(|| name.clone()));
            !takes
        });
        let (left, empty) = (list.len(), list.is_empty());
        for state in [&mut step.before, &mut step.after].into_iter().flatten() {
            state.take_out(&gone);
        }
        before > left && empty
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{
        FirewallRefused, HostWaits, Named, Refusal, State, StepId, Undeclared, Waiting, Warning,
    };

    fn step(id: &str, variables: &[&str]) -> Step {
        let values = |value: &str| State::Settings {
            values: variables.iter().map(|name| Named::new(*name, value)).collect(),
        };
        Step {
            id: StepId(id.into()),
            host: id.split('/').next().unwrap_or_default().into(),
            kind: Kind::Variable,
            reason: Vec::new(),
            before: Some(values("1")),
            after: Some(values("2")),
            risk: Vec::new(),
            requires: Vec::new(),
            action: Action::SetGlobal(variables.iter().map(|v| ((*v).to_owned(), "2".to_owned())).collect()),
        }
    }

    fn plan() -> Plan {
        let host: HostName = "db-a".into();
        Plan {
            steps: vec![
                step("db-a/variable", &["max_connections", "wait_timeout"]),
                step("db-b/variable", &["wait_timeout"]),
            ],
            refused: vec![Refusal { host: host.clone(), why: FirewallRefused::Missing.into() }],
            warnings: vec![Warning {
                host,
                what: Undeclared::Account { user: "repl_user".into(), at: "10.0.0.9".into() }.into(),
            }],
            ..Plan::default()
        }
    }

    fn rule(what: &str) -> IgnoreRule {
        IgnoreRule { what: what.into(), reason: "known".into(), until: None, hosts: Vec::new(), place: None }
    }

    #[test]
    fn a_rule_takes_out_what_it_fits_until_its_last_day() {
        let today: Date = "2026-11-24".parse().expect("a day");
        for (what, until, hosts, left) in [
            ("db-a/variable", None, vec![], "db-b/variable firewall-missing extra-account"),
            ("*/variable", None, vec!["db-a"], "db-b/variable firewall-missing extra-account"),
            ("db-b", None, vec![], "db-a/variable firewall-missing extra-account"),
            ("*/variable/wait_timeout", None, vec![], "db-a/variable firewall-missing extra-account"),
            ("db-a/extra-*", Some("2026-11-24"), vec![], "db-a/variable db-b/variable firewall-missing"),
            (
                "db-a/extra-*",
                Some("2026-11-23"),
                vec![],
                "db-a/variable db-b/variable firewall-missing extra-account",
            ),
            ("db-a/firewall-missing", None, vec![], "db-a/variable db-b/variable extra-account"),
            ("db-c", None, vec![], "db-a/variable db-b/variable firewall-missing extra-account"),
        ] {
            let mut plan = plan();
            let rule = IgnoreRule {
                until: until.map(|day| day.parse().expect("a day")),
                hosts: hosts.into_iter().map(HostName::from).collect(),
                ..rule(what)
            };
            let outcome = plan.ignore(&[rule], today);
            let steps = plan.steps.iter().map(|s| s.id.0.as_str());
            let codes = plan.refused.iter().map(|r| r.why.code());
            let all: Vec<&str> =
                steps.chain(codes).chain(plan.warnings.iter().map(|w| w.what.code())).collect();
            assert_eq!(all.join(" "), left, "{what}");
            assert_eq!(
                outcome.ignored.is_empty(),
                !outcome.ended.is_empty() || !outcome.idle.is_empty(),
                "{what}"
            );
        }
    }

    #[test]
    fn what_waits_is_left_out_as_a_whole_or_by_its_code() {
        for (what, left) in [
            ("db-b/waiting", 0),
            ("db-b", 0),
            ("*/waiting/not-root", 0),
            ("db-b/waiting/*", 0),
            ("*/waiting/no-server", 1),
            ("db-a/waiting", 1),
        ] {
            let waiting = vec![Waiting { host: "db-b".into(), why: HostWaits::NotRoot.into() }];
            let mut plan = Plan { waiting, ..Plan::default() };
            let rule = rule(what);
            plan.ignore(&[rule], "2026-11-24".parse().expect("a day"));
            assert_eq!(plan.waiting.len(), left, "{what}");
        }
    }

    #[test]
    fn a_rule_that_can_never_fit_is_known() {
        let hosts: Vec<HostName> = ["db-a", "db-b"].map(HostName::from).to_vec();
        for (what, fits) in [
            ("db-a", true),
            ("db-*/variable", true),
            ("*/variable/max_connections", true),
            ("*variable*", true),
            ("play2/db-a/service", true),
            ("db-a/some-code", true),
            ("db-a/waiting/source-not-read", true),
            ("*/waiting/source-*", true),
            ("*/compare", true),
            ("db-a/waiting/source-not-red", false),
            ("db-a/no-primary-kee", false),
            ("db-c", false),
            ("db-c/variable", false),
            ("web-*/variable", false),
            ("db-a/variabel", false),
            ("play2/db-x/service", false),
        ] {
            let rule = rule(what);
            assert_eq!(rule.never_fits(&hosts).is_none(), fits, "{what}");
        }
    }

    #[test]
    fn one_variable_of_several_is_taken_out_of_its_step() {
        let mut plan = plan();
        let rule = rule("db-a/variable/max_*");
        plan.ignore(&[rule], "2026-11-24".parse().expect("a day"));
        let left = vec![Named::new("wait_timeout", "1")];
        assert_eq!(plan.steps[0].before, Some(State::Settings { values: left }));
        assert_eq!(plan.steps[0].action, Action::SetGlobal(vec![("wait_timeout".into(), "2".into())]));
    }
}
