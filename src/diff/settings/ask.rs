//! Values that a plan would give to servers: worth a question before anything is touched.

use super::in_words_of_server;
use crate::{
    desired::{Desired, DesiredHost, DesiredSetting},
    dialect::Dialect,
    diff::gtid_mode,
    model::{Fact, variables::looks_secret},
    observe::{HostFacts, Observed, ValueLook},
    option_file::{DEFAULT, Files, Occurrence, same_value},
    plan::{Action, FileStage, Plan, Refusal, Refused, Step},
};

/// What is to be asked of each host, only of values that differ from those of now. Nobody is asked for secrets.
pub(crate) fn values_to_ask(plan: &Plan, desired: &Desired, observed: &Observed) -> Vec<ValueLook> {
    let look = |host: &DesiredHost| {
        let facts = observed.get(&host.name).and_then(Fact::known)?;
        let unit = host.service.clone().or(facts.service.known().map(|service| service.unit.clone()))?;
        let steps = plan.steps.iter().filter(|step| step.host == host.name);
        let content = steps.clone().find_map(|step| match &step.action {
            Action::WriteOptionFile { path, content, stage: FileStage::AsDeclared } => Some((path, content)),
            _ => None,
        });
        let refused = |one: &Refusal| one.host == host.name && matches!(one.why, Refused::Setting(_));
        let files = facts.option_files.known();
        let place = host.option_file.clone().or_else(|| files?.place_for_owned()).unwrap_or_default();
        let mentions = match content {
            Some((path, content)) => mentions_in(path, content.as_bytes(), facts),
            // Where one value is refused already, the others are asked for all the same: all mistakes at once.
            None if plan.refused.iter().any(refused) => declared(host, facts),
            None => Vec::new(),
        };
        // What a step of this plan brings, a file or a plugin, the program can't find yet. Where a value is refused the plan holds
        // no steps. The step that writes our file asks it again.
        let brings = |step: &Step| matches!(step.action, Action::Resource(_) | Action::InstallServer { .. });
        let program = (content.is_some() || host.resources.is_empty()) && !steps.clone().any(brings);
        let old = files.and_then(|files| Some(mentions_in(&place, files.content(&place)?, facts)));
        let old = old.unwrap_or_default();
        let others = files.into_iter().flat_map(|files| &files.files).map(|(path, _)| path.clone());
        let others: Vec<String> = others.filter(|path| *path != place).collect();
        let changed = |path: &String| files.is_some_and(|files| !files.before_start.contains(path));
        let mut look = ValueLook {
            host: host.name.clone(),
            unit,
            by_statement: Vec::new(),
            changed: others.iter().any(changed),
            files: others,
            by_program: Vec::new(),
        };
        for one in mentions.iter().filter(|one| may_be_asked(host, facts, one)) {
            let new = !old.iter().any(|old| old.name == one.name && old.value == one.value);
            add(&mut look, facts, one, new);
        }
        if !program {
            look.by_program.clear();
        }
        Some(look)
    };
    let mut looks: Vec<ValueLook> = desired.hosts.values().filter_map(look).collect();
    for step in &plan.steps {
        let Action::SetGlobal(values) = &step.action else { continue };
        let secret = |name: &str| {
            let mut wishes =
                desired.hosts.get(&step.host).into_iter().flat_map(|host| host.settings.iter().flatten());
            looks_secret(name) || wishes.any(|wish| wish.name == name && wish.place.vaulted)
        };
        for look in looks.iter_mut().filter(|look| look.host == step.host) {
            let open = values.iter().filter(|(name, value)| value != DEFAULT && !secret(name));
            let new: Vec<_> = open.cloned().collect();
            look.by_statement.retain(|one| !new.contains(one));
            look.by_statement.extend(new);
        }
    }
    looks.retain(|look| look.changed || !look.by_statement.is_empty() || !look.by_program.is_empty());
    looks
}

/// What a file of ours mentions.
fn mentions_in(path: &str, bytes: &[u8], facts: &HostFacts) -> Vec<Occurrence> {
    let file = Files { files: vec![(path.to_owned(), bytes.to_vec())], ..Files::default() };
    file.occurrences(facts.version())
}

/// What is declared, as our file would have it.
fn declared(host: &DesiredHost, facts: &HostFacts) -> Vec<Occurrence> {
    let Some(version) = facts.version() else { return Vec::new() };
    let there = |name: &str| facts.server.known().is_some_and(|server| server.variables.contains_key(name));
    let dialect = Dialect::of(version);
    let mut wishes = host.settings.clone().unwrap_or_default();
    wishes.iter_mut().for_each(|wish| wish.name = dialect.variable_name(&wish.name, there));
    if let Some(server) = facts.server.known() {
        wishes = in_words_of_server(wishes, server);
    }
    let mention = |name: &str, value: &String| Occurrence {
        file: String::new(),
        line: 0,
        group: String::new(),
        name: dialect.option_name(name, there).to_owned(),
        value: Some(value.clone()),
    };
    let of = |wish: &DesiredSetting| wish.values.iter().map(|v| mention(&wish.name, v)).collect::<Vec<_>>();
    wishes.iter().flat_map(of).collect()
}

fn may_be_asked(host: &DesiredHost, facts: &HostFacts, one: &Occurrence) -> bool {
    let known = |wish: &DesiredSetting| {
        let name = facts.version().map(|version| Dialect::of(version).variable_name(&wish.name, |_| true));
        wish.name == one.name || name.is_some_and(|name| name == one.name)
    };
    let vaulted = host.settings.iter().flatten().any(|wish| known(wish) && wish.place.vaulted);
    !vaulted && !looks_secret(&one.name)
}

/// Adds what is asked for one mention, and of the server itself only where it is new in our file.
fn add(look: &mut ValueLook, facts: &HostFacts, one: &Occurrence, new: bool) {
    let word = one
        .value
        .as_ref()
        .map_or_else(|| format!("--{}", one.name), |value| format!("--{}={value}", one.name));
    let server = facts.server.known();
    let (name, value) = server.map_or_else(
        || (one.name.clone(), one.value.clone()),
        |server| server.known().meant(&one.name, one.value.as_deref()),
    );
    let value = value.unwrap_or_default();
    let sets = server.is_some_and(|server| {
        server.variables.contains_key(&name)
                // They have steps of their own.
                && !gtid_mode::NAMES.contains(&name.as_str())
                && !server.static_variables.contains(&name)
                && !server.variable(&name).is_some_and(|running| {
                    Dialect::of(server.version).changes_at_start(&name, running, &value)
                })
                && !Dialect::of(server.version).needs_stopped_channels(&name)
                && !server.variable(&name).is_some_and(|running| same_value(&name, running, &value))
    });
    if new && sets && !value.is_empty() {
        look.by_statement.push((name.clone(), value.clone()));
    }
    look.by_program.push((name, value, word));
}
