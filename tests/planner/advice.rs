//! What is advised leads to something else. Every code of a refusal is built, each of its next steps is followed as it says,
//! and what is refused then is followed again: no refusal with the same advice comes back on any of these ways.
//!
//! A code without an entry fails. What can't be built in a world of memory says where it is held instead.

pub(crate) mod cases;
mod hosts;
mod unfit;
mod waiting;

use std::collections::BTreeSet;

use tandem::inside::{
    model::{HostName, ThreadState},
    plan::{Allow, Kind, Next, Plan, Policy, Refusal, Refused, blocked_by_policy},
};

use crate::{
    settle,
    world::{Files, World},
};
use cases::cases;

/// A world, what is declared for it, and what a run may do.
#[derive(Clone)]
struct Setup {
    world: World,
    files: Files,
    /// With this the plan is made.
    planned: Policy,
    /// With this it is applied: of a saved plan it may be less.
    given: Policy,
}

impl Setup {
    fn plan(&self) -> Plan {
        self.world.plan_allowing(&self.files, &self.planned)
    }

    fn refused(&self) -> Vec<Refusal> {
        let plan = self.plan();
        let blocked = blocked_by_policy(&plan, &self.given);
        plan.refused.into_iter().chain(blocked).collect()
    }

    fn allowing(mut self, word: Allow) -> Self {
        self.planned.allow.insert(word);
        self.given.allow.insert(word);
        self
    }

    /// Only the plan is made with it.
    fn planned_with(mut self, word: Allow) -> Self {
        self.planned.allow.insert(word);
        self
    }

    fn without(mut self, role: &str) -> Self {
        self.world.roles.retain(|known| *known != role);
        self
    }

    fn with(mut self, extra: &str) -> Self {
        self.world.extra.push(extra.to_owned());
        self
    }

    fn changed(mut self, change: impl FnOnce(&mut World)) -> Self {
        change(&mut self.world);
        self
    }

    fn topology(mut self, text: &str) -> Self {
        self.files.topology = Some(text.to_owned());
        self
    }

    /// Everything done that is declared.
    fn settled(mut self) -> Self {
        let last = settle(&mut self.world, &self.files);
        assert!(last.in_sync(), "{last:#?}");
        self
    }
}

/// Ours that playbooks set; every other name is a server's variable.
const VARIABLES: &[&str] = &[
    "replication_positioning",
    "mysql_port",
    "seed_method",
    "seed_databases",
    "mysql_option_file",
    "replication_password",
    "replication_tls",
    "firewall_backend",
    "firewall_deny_others",
    "mysql_server_package",
    "restart_primary",
];

/// Does what is advised. `by_hand` is what the user does where no word alone says it.
fn follow(setup: &Setup, refusal: &Refusal, next: &Next, by_hand: Option<ByHand>) -> Option<Setup> {
    let mut then = setup.clone();
    match next {
        Next::Allow { allow } => then = then.allowing(*allow),
        Next::AddRole { role } => {
            let role: &'static str = Box::leak(role.clone().into_boxed_str());
            assert!(!then.world.roles.contains(&role), "{} advises a role that is there", refusal.why.code());
            then.world.roles.push(role);
        }
        Next::Set { variable, value: Some(value) } if VARIABLES.contains(&variable.as_str()) => {
            then.world.extra.push(format!("{variable}={value}"));
        }
        Next::Set { variable, value: Some(value) } => {
            then.world.extra.push(format!("mysql_settings={{\"{variable}\": \"{value}\"}}"));
        }
        Next::EditTopology { key, value: Some(host) } if key == "seed_from" => {
            let text = then.files.topology.clone().unwrap_or_default();
            let text = text.split(", seed_from").next().unwrap_or_default().trim_end_matches('}').to_owned();
            then.files.topology = Some(format!("{text}, seed_from: {host}}}"));
        }
        // What doctor says is told elsewhere.
        Next::Run { on: None, .. } => return None,
        _ => by_hand?(&mut then, next),
    }
    Some(then)
}

type ByHand = fn(&mut Setup, &Next);

/// Something with this code is refused here.
struct Case {
    code: &'static str,
    setup: Setup,
    by_hand: ByHand,
}

/// Refusals that can't be built here, and where they are held.
const ELSEWHERE: &[(&str, &str)] = &[
    ("authority-unreadable", "a file beside the inventory; the file is brought back"),
    ("another-authority", "diff::certificates and hosts::authority, with certificates that parse"),
    ("authority-ended", "the same"),
    ("authority-key-missing", "the same"),
    ("not-allowed-new-authority", "the same"),
    ("resource-blocked", "a role of the user's; resource::sysctl and hosts::resources"),
    ("setting-keeps-server-down", "a log that blames a line; diff::settings::down and hosts::comeback"),
    ("still-alive", "a lost host that answers; hosts::lost"),
    ("writes-elsewhere", "a switch that was cut off; hosts::switchover"),
    ("seed-position", "what a user has noted; hosts::seeding"),
    ("applier-stopped", "a lost source; hosts::lost"),
    ("target-gone-apart", "transactions of the replica's own; planner::takeover"),
    ("other-writer", "another run has opened one; planner::lost and hosts::lost"),
    ("not-superset", "replicas that have received unlike much; hosts::lost"),
    ("unfenced", "the same"),
    ("member-unread", "the same"),
    ("not-allowed-discard-errant", "a lost host that is back; hosts::lost"),
    ("steps-in-a-circle", "a fault of tandem, which is reported"),
];

#[test]
fn no_advice_leads_back() {
    let cases = cases();
    let known: BTreeSet<&str> = Refused::codes().into_iter().collect();
    let built = cases.iter().map(|case| case.code);
    let listed: BTreeSet<&str> = built.chain(ELSEWHERE.iter().map(|(code, _)| *code)).collect();
    assert_eq!(known, listed, "each code has an entry here");
    let mut wrong = Vec::new();
    for case in &cases {
        let refused = case.setup.refused();
        let found: Vec<&Refusal> = refused.iter().filter(|r| r.why.code() == case.code).collect();
        if found.is_empty() {
            let met: Vec<Met> = refused.iter().map(told).collect();
            wrong.push(format!("{} is not refused, but {met:?}", case.code));
        }
        for refusal in found {
            walk(case, &case.setup, refusal, &mut Vec::new(), &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A server keeps an error until its channel is started again, whatever has become of the cause.
#[test]
fn what_may_be_over_is_tried_again() {
    for (number, receiver, tried) in [
        (1205, false, true),
        (1114, false, true),
        (1062, false, false),
        (1032, false, false),
        (1236, true, false),
        (13117, true, true),
        (13125, true, true),
    ] {
        let stopped = cases::one_way().settled().changed(|world| {
            let channel = world.channel_of(1);
            let (thread, errno) = match receiver {
                true => (&mut channel.io_running, &mut channel.io_errno),
                false => (&mut channel.sql_running, &mut channel.sql_errno),
            };
            (*thread, *errno) = (ThreadState::No, number);
        });
        let plan = stopped.plan();
        let kinds: Vec<Kind> = plan.steps.iter().map(|step| step.kind).collect();
        assert_eq!(kinds == [Kind::Channel], tried, "{number}: {plan:#?}");
        assert_eq!(plan.refused.is_empty(), tried, "{number}: {plan:#?}");
    }
}

/// Who is refused what, with the advice: the same once more would be a circle.
type Met = (HostName, &'static str, Vec<Next>);

fn walk(case: &Case, setup: &Setup, refusal: &Refusal, met: &mut Vec<Met>, wrong: &mut Vec<String>) {
    let advice = refusal.why.next(&refusal.host);
    if advice.is_empty() {
        wrong.push(format!("{}: no advice", refusal.why.code()));
    }
    let before: Vec<Met> = setup.refused().iter().map(told).collect();
    met.push((refusal.host.clone(), refusal.why.code(), advice.clone()));
    for next in &advice {
        let ours = refusal.why.code() == case.code;
        let by_hand = ours.then_some(case.by_hand);
        let Some(then) = follow(setup, refusal, next, by_hand) else { continue };
        for refused in then.refused() {
            let one = told(&refused);
            if met.contains(&one) {
                let way: Vec<&str> = met.iter().map(|(_, code, _)| *code).collect();
                wrong.push(format!("{}: {next:?} leads back to {one:?} by {way:?}", case.code));
                continue;
            }
            // What was there before is another matter, and what takes a hand ends the way.
            if !before.contains(&one) && met.len() < 6 {
                walk(case, &then, &refused, met, wrong);
            }
        }
    }
    met.pop();
}

fn told(refusal: &Refusal) -> Met {
    (refusal.host.clone(), refusal.why.code(), refusal.why.next(&refusal.host))
}
