//! Plain resources of users' roles: packages, files, services, guarded commands.

use super::Draft;
use crate::{
    desired::DesiredHost,
    model::{Fact, Place},
    observe::{Found, HostFacts, Query},
    plan::{Action, Kind, Part, Reason, Step, StepId, WaitsFor},
};

/// Adds the steps for what users' roles declare.
pub fn steps(host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    packages(host, facts, draft);
    files(host, facts, draft);
    services(host, facts, draft);
    commands(host, facts, draft);
}

/// What was found; where it could not be read, the plan says so and nothing is planned.
fn look<'f>(
    host: &DesiredHost,
    facts: &'f HostFacts,
    query: &Query,
    what: &str,
    draft: &mut Draft,
) -> Option<Option<&'f Found>> {
    match facts.resources.get(query) {
        Some(Fact::Known(found)) => Some(Some(found)),
        Some(Fact::Absent) => Some(None),
        Some(Fact::Unread(why)) => {
            draft.wait(&host.name, WaitsFor::part(Part::Resource(what.to_owned()), why));
            None
        }
        None => {
            draft.wait(&host.name, WaitsFor::Part { part: Part::Resource(what.to_owned()), why: None });
            None
        }
    }
}

struct Change<'a> {
    name: String,
    kind: Kind,
    summary: String,
    place: &'a Place,
    before: Option<String>,
    after: Option<String>,
    action: Action,
}

impl Change<'_> {
    fn step(self, host: &DesiredHost) -> Step {
        Step {
            id: StepId(format!("{}/{}", host.name, self.name)),
            host: host.name.clone(),
            kind: self.kind,
            summary: self.summary,
            reason: vec![Reason::declared("", self.place)],
            before: self.before,
            after: self.after,
            risk: Vec::new(),
            requires: Vec::new(),
            action: self.action,
        }
    }
}

fn packages(host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    for (number, wish) in host.packages.iter().enumerate() {
        let mut missing = Vec::new();
        for name in &wish.names {
            let what = format!("package {name}");
            let found = look(host, facts, &Query::Package(name.clone()), &what, draft);
            if let Some(Some(Found::Package(false)) | None) = found {
                missing.push(name.clone());
            }
        }
        if missing.is_empty() {
            continue;
        }
        let change = Change {
            name: format!("packages/{}", number + 1),
            kind: Kind::Packages,
            summary: format!("install {}", missing.join(", ")),
            place: &wish.place,
            before: None,
            after: Some(missing.join("\n")),
            action: Action::InstallPackages(missing),
        };
        draft.steps.push(change.step(host));
    }
}

fn files(host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    for wish in &host.files {
        let query = Query::File(wish.path.clone());
        let Some(found) = look(host, facts, &query, &wish.path, draft) else { continue };
        let mode = wish.mode.trim_start_matches('0');
        let owner = format!("{} {} {mode}", wish.owner, wish.group);
        let (before, after) = match found {
            None => (None, format!("{owner}\n{}", wish.content)),
            Some(Found::File { owner: has, content }) if *has == owner && *content == wish.content => {
                continue;
            }
            Some(Found::File { owner: has, content }) => {
                (Some(format!("{has}\n{content}")), format!("{owner}\n{}", wish.content))
            }
            Some(_) => continue,
        };
        let verb = if before.is_some() { "change" } else { "write" };
        let change = Change {
            name: format!("file{}", wish.path),
            kind: Kind::File,
            summary: format!("{verb} {}", wish.path),
            place: &wish.place,
            before,
            after: Some(after),
            action: Action::WriteFile {
                path: wish.path.clone(),
                content: wish.content.clone(),
                owner: wish.owner.clone(),
                group: wish.group.clone(),
                mode: wish.mode.clone(),
            },
        };
        draft.steps.push(change.step(host));
    }
}

fn services(host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    let view = |running: bool, enabled: bool| {
        let (running, enabled) = (
            if running { "running" } else { "stopped" },
            if enabled { "starts at boot" } else { "does not start at boot" },
        );
        format!("{running}, {enabled}")
    };
    for wish in &host.services {
        let what = format!("service {}", wish.name);
        let found = match look(host, facts, &Query::Service(wish.name.clone()), &what, draft) {
            Some(found) => found,
            None => continue,
        };
        let before = match found {
            Some(Found::Service { running, enabled }) => {
                if (*running, *enabled) == (wish.running, wish.enabled) {
                    continue;
                }
                view(*running, *enabled)
            }
            // A package of the same plan may bring it.
            _ => "unknown to systemd".to_owned(),
        };
        let change = Change {
            name: format!("unit/{}", wish.name),
            kind: Kind::Service,
            summary: format!("make {} {}", wish.name, view(wish.running, wish.enabled)),
            place: &wish.place,
            before: Some(before),
            after: Some(view(wish.running, wish.enabled)),
            action: Action::Unit { unit: wish.name.clone(), running: wish.running, enabled: wish.enabled },
        };
        draft.steps.push(change.step(host));
    }
}

fn commands(host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    for (number, wish) in host.commands.iter().enumerate() {
        let query = Query::Guard(wish.unless.clone());
        let what = format!("the guard `{}`", wish.unless.join(" "));
        let status = match look(host, facts, &query, &what, draft) {
            Some(Some(Found::Guard(0)) | None) | None => continue,
            Some(Some(Found::Guard(status))) => *status,
            Some(Some(_)) => continue,
        };
        let change = Change {
            name: format!("command/{}", number + 1),
            kind: Kind::Command,
            summary: format!("run `{}`", wish.run.join(" ")),
            place: &wish.place,
            before: Some(format!("`{}` fails with {status}", wish.unless.join(" "))),
            after: Some(format!("`{}` succeeds", wish.unless.join(" "))),
            action: Action::Command { run: wish.run.clone(), unless: wish.unless.clone() },
        };
        draft.steps.push(change.step(host));
    }
}
