//! From what a plan would still change to a draft for which it changes nothing.

use serde_json::{Value as Json, json};

use super::{Adoption, ROLES, Remark, Remarked, facts};
use crate::{
    model::HostName,
    observe::Observed,
    option_file::{Document, Meaning},
    plan::{Action, Kind, Part, Plan, Refusal, Refused, Step, Waiting, WaitsFor},
};

/// Who puts into words why something is left out.
#[derive(Clone, Copy)]
pub(crate) struct Said {
    /// For a step.
    pub step: fn(&Step) -> String,
    /// For a refusal.
    pub refused: fn(&Refusal) -> String,
    /// For what waits.
    pub waits: fn(&Waiting) -> String,
}

impl Adoption {
    /// Takes up what a plan for this draft would change, as far as that can be declared: a variable gets the value that it
    /// has, or is left alone; a role that would do more is left out. Returns whether the draft is another one now.
    pub(crate) fn settle(&mut self, plan: &Plan, observed: &Observed, said: Said) -> bool {
        let mut changed = false;
        for step in &plan.steps {
            match &step.action {
                Action::SetGlobal(list) => changed |= self.keep_running(&step.host, list, observed),
                Action::Restart { expect, .. } => changed |= self.keep_running(&step.host, expect, observed),
                _ => {}
            }
        }
        if changed {
            // Whether a line is still missing in the option files shows in the next plan.
            return true;
        }
        for step in &plan.steps {
            match &step.action {
                Action::WriteOptionFile { content, .. } => {
                    changed |= self.leave_alone(&step.host, &options_in(content), observed);
                }
                Action::ResetPersisted(names) => {
                    changed |= self.leave_alone(&step.host, names, observed);
                }
                Action::GtidMode { .. } => {
                    let names = ["gtid_mode", "enforce_gtid_consistency"].map(str::to_owned);
                    changed |= self.leave_alone(&step.host, &names, observed);
                }
                _ => {}
            }
            let role = match step.kind {
                Kind::Firewall => "firewall",
                Kind::Account => "accounts",
                _ => continue,
            };
            changed |= self.leave_out(&step.host, role, &format!("it would {}", (said.step)(step)));
        }
        for refusal in &plan.refused {
            if let Refused::Firewall(_) = refusal.why {
                let why = (said.refused)(refusal);
                changed |= self.leave_out(&refusal.host, "firewall", why.trim_end_matches('.'));
            }
        }
        let unread = |w: &&Waiting| matches!(w.why, WaitsFor::Part { part: Part::PacketFilter, .. });
        for waiting in plan.waiting.iter().filter(unread) {
            changed |= self.leave_out(&waiting.host, "firewall", &(said.waits)(waiting));
        }
        changed
    }

    /// Declares the values that variables have now.
    fn keep_running(&mut self, host: &HostName, list: &[(String, String)], observed: &Observed) -> bool {
        let Some(facts) = facts(observed, host) else { return false };
        let Some(server) = facts.server.known() else { return false };
        let Some(adopted) = self.host_mut(host) else { return false };
        let mut changed = false;
        for (name, wished) in list {
            let (value, remark) = match (adopted.settings.contains_key(name), server.variable(name)) {
                (false, Some(running)) => (from_text(running), Remark::RolesWouldHave(wished.clone())),
                // Its value is no text that a plan would find equal.
                (false, None) => (Json::Null, Remark::RolesWouldHave(wished.clone())),
                (true, _) if adopted.settings[name].value.is_null() => continue,
                (true, _) => (Json::Null, adopted.settings[name].remark.clone()),
            };
            adopted.settings.insert(name.clone(), Remarked { value, remark });
            changed = true;
        }
        changed
    }

    /// Declares nothing of variables that no option file would give at the next start.
    fn leave_alone(&mut self, host: &HostName, names: &[String], observed: &Observed) -> bool {
        let Some(facts) = facts(observed, host) else { return false };
        let Some(server) = facts.server.known() else { return false };
        let Some(adopted) = self.host_mut(host) else { return false };
        let mut changed = false;
        for name in names {
            if adopted.settings.get(name).is_some_and(|s| s.value.is_null()) {
                continue;
            }
            let now = server.variable(name).map(str::to_owned);
            let occurrences = facts.option_files.known().map(|f| f.meant(server.known()));
            let in_file = occurrences.into_iter().flatten().rfind(|o| o.name == *name);
            let next = in_file.map(|o| o.value.unwrap_or_else(|| "ON".into()));
            let next = next.or_else(|| server.defaults.get(name).cloned());
            let remark = match next {
                Some(next) => Remark::UntilNextStart { now, next },
                None => Remark::InNoFile { now },
            };
            adopted.settings.insert(name.clone(), Remarked { value: Json::Null, remark });
            changed = true;
        }
        changed
    }

    fn leave_out(&mut self, host: &HostName, role: &'static str, why: &str) -> bool {
        debug_assert!(ROLES.contains(&role), "{role}");
        let Some(play) = self.plays.iter_mut().find(|p| p.group.members.contains(host)) else { return false };
        let before = play.roles.len();
        play.roles.retain(|r| *r != role);
        let changed = play.roles.len() != before;
        if changed {
            play.left_out.push((role, format!("on {host}, {why}")));
        }
        changed
    }
}

/// Names of the options in a text of ours.
fn options_in(content: &str) -> Vec<String> {
    let document = Document::parse(content.as_bytes());
    let names = document.lines().filter_map(|(_, line)| match &line.meaning {
        Meaning::Option { name, .. } => Some(name.clone()),
        _ => None,
    });
    names.collect()
}

/// A running value as a person would write it.
fn from_text(value: &str) -> Json {
    match value {
        "ON" => json!(true),
        "OFF" => json!(false),
        text => text.parse::<i64>().map_or_else(|_| json!(text), |n| json!(n)),
    }
}
