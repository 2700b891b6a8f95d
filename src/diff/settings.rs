//! Server variables: what is wished, what tandem's option file says, and what the server runs with.

mod ask;
mod down;
mod impossible;
mod include;
mod logs;
mod running;

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, Draft, binlogs, filters, gtid_mode};
use crate::{
    desired::{DesiredHost, DesiredSetting, OptionFileHolds},
    dialect::Dialect,
    model::Fact,
    observe::{DiskFacts, HostFacts, RestartRecord, RestartState, ServerFacts},
    option_file::{Files, Occurrence, Setting, owned_text, same_value, takes_several},
    plan::{
        Action, Because, FileStage, Hidden, Kind, Named, Note, Part, Reason, Risk, SettingRefused, State,
        Step, StepId, StepName, WaitsFor,
    },
};
pub(crate) use ask::values_to_ask;
use running::Off;

/// Adds the steps for the option file, for variables that can be set at once, and for the restart of
/// those that can't.
pub(super) fn steps(context: &Context<'_>, host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    if let Fact::Known(files) = &facts.option_files {
        impossible::findings(host, facts, files, draft);
    }
    let Some(wishes) = &host.settings else {
        if let Fact::Known(files) = &facts.option_files {
            impossible::warn_of_broken(host, facts, files, "", draft);
        }
        return;
    };
    // The plan says so once, and not for each thing that is wished of it.
    if facts.server.is_absent() {
        return;
    }
    let no_files = Files::default();
    let Some(files) = impossible::option_files(host, facts, &no_files, draft) else { return };
    let include = include::needed(host, files);
    let owned = host.option_file.clone().or_else(|| files.place_for_owned());
    let place = owned.or_else(|| include.as_ref().map(|i| format!("{}/{}", i.directory, files.owned_name())));
    let path = place.as_deref().unwrap_or_default();
    if impossible::refuse_files(host, files, path, draft) {
        return;
    }
    if impossible::refuse_place(host, (files, facts.version()), path, draft) {
        return;
    }
    let Some(server) = facts.server.known() else {
        // Without the server's own list of variables little can be checked; a stopped one is started first.
        down::repair(context, host, facts, files, draft);
        let why = facts.server.unread().unwrap_or("no server is there");
        draft.wait(&host.name, WaitsFor::part(Part::Server, why));
        return;
    };
    let dialect = Dialect::of(server.version);
    let name = |name: &str| dialect.variable_name(name, |n| server.variables.contains_key(n));
    let (mut wishes, starts) = last_of_each(wishes, name);
    wishes.retain(|wish| !wish.place.is_built_in() || !dialect.came_later(&wish.name));
    let wishes = logs::kept(in_words_of_server(wishes, server), files, server, path);
    let filed = filed(&wishes, &starts);
    let restart = facts.restart.as_ref();
    let comparison = Comparison {
        context,
        host,
        files,
        server,
        wishes: &wishes,
        filed: &filed,
        path,
        dialect,
        facts,
        restart,
        disk: facts.disk.known(),
    };
    let lines = || !comparison.lines(&[], &comparison.occurrences()).is_empty();
    if place.is_none() && lines() {
        draft.refuse(&host.name, SettingRefused::NoPlace);
        return;
    }
    if let Some(include) = include.filter(|_| lines()) {
        draft.steps.extend(include::step(host, files, include));
    }
    comparison.write(draft);
}

/// The wish that counts for each name, in the order of names' first mention; and apart from them those that count for
/// the start alone.
fn last_of_each(
    wishes: &[DesiredSetting],
    name: impl Fn(&str) -> String,
) -> (Vec<DesiredSetting>, Vec<DesiredSetting>) {
    let mut order: Vec<DesiredSetting> = Vec::new();
    for wish in wishes {
        let wish = &DesiredSetting { name: name(&wish.name), ..wish.clone() };
        match order.iter_mut().find(|w| w.name == wish.name && w.at_start == wish.at_start) {
            Some(earlier) => *earlier = wish.clone(),
            None => order.push(wish.clone()),
        }
    }
    order.into_iter().partition(|wish| !wish.at_start)
}

/// What our file shall hold: the values of the start where there are some, else those of a server that runs.
fn filed(wishes: &[DesiredSetting], starts: &[DesiredSetting]) -> Vec<DesiredSetting> {
    let at_start = |wish: &DesiredSetting| starts.iter().find(|start| start.name == wish.name).cloned();
    let mut filed: Vec<DesiredSetting> =
        wishes.iter().map(|wish| at_start(wish).unwrap_or_else(|| wish.clone())).collect();
    let more = starts.iter().filter(|start| !wishes.iter().any(|wish| wish.name == start.name));
    filed.extend(more.cloned());
    filed
}

/// To a server `yes` is no boolean, and it takes what it does not know for OFF.
fn in_words_of_server(mut wishes: Vec<DesiredSetting>, server: &ServerFacts) -> Vec<DesiredSetting> {
    let boolean = |name: &str| matches!(server.variable(name), Some("ON" | "OFF")) && name != "log_bin";
    let dialect = Dialect::of(server.version);
    for value in
        wishes.iter_mut().filter(|wish| wish.name == "plugin_load_add").flat_map(|wish| &mut wish.values)
    {
        *value = dialect.plugin_files(value);
    }
    for wish in wishes.iter_mut().filter(|wish| boolean(&wish.name)) {
        for value in &mut wish.values {
            match value.to_ascii_lowercase().as_str() {
                // The other two it takes in a file, and not as a text in a statement.
                "yes" | "true" => "ON".clone_into(value),
                "no" | "false" => "OFF".clone_into(value),
                _ => {}
            }
        }
    }
    wishes
}

struct Comparison<'a> {
    context: &'a Context<'a>,
    host: &'a DesiredHost,
    files: &'a Files,
    server: &'a ServerFacts,
    /// What the server shall run with.
    wishes: &'a [DesiredSetting],
    /// What it shall start with: our file.
    filed: &'a [DesiredSetting],
    path: &'a str,
    dialect: Dialect,
    facts: &'a HostFacts,
    restart: Option<&'a RestartRecord>,
    disk: Option<&'a DiskFacts>,
}

impl Comparison<'_> {
    fn write(&self, draft: &mut Draft) {
        let occurrences = self.occurrences();
        let old: Vec<&Occurrence> = occurrences.iter().filter(|o| o.file == self.path).collect();
        if self.refuse_impossible(draft) || self.refuse_failed(&old, &occurrences, draft) {
            return;
        }
        draft.steps.extend(self.persisted_step());
        let file_step = self.file_step(&old, &occurrences);
        let started = self.started_with();
        let off = self.off(&old, started.as_deref(), &occurrences);
        let (restart, at_once): (Vec<Off>, Vec<Off>) = off.into_iter().partition(|o| self.takes_start(o));
        // What waits for a restart by anybody goes along with one, and asks for none.
        let restarts = restart.iter().any(|o| !o.at_next_restart);
        if restarts && (self.refuse_full_disk(draft) || self.refuse_others(draft)) {
            return;
        }
        if !restarts {
            impossible::warn_of_broken(self.host, self.facts, self.files, self.path, draft);
        }
        draft.steps.extend(file_step);
        // A restart brings what our file says.
        let (by_restart, by_statement): (Vec<Off>, Vec<Off>) =
            at_once.into_iter().partition(|o| restarts && !self.starts_otherwise(&o.name));
        if restarts {
            draft.steps.push(self.restart_step(restart, by_restart));
        }
        if !by_statement.is_empty() {
            draft.steps.push(self.variable_step(&by_statement));
        }
    }

    /// Whether a variable has another value at the start than is declared for a server that runs.
    fn starts_otherwise(&self, name: &str) -> bool {
        self.filed.iter().any(|wish| wish.at_start && wish.name == name)
    }

    /// Every mention of an option in any file, under the name that this server knows.
    fn occurrences(&self) -> Vec<Occurrence> {
        self.files.meant(self.server.known())
    }

    /// What our file said when the server was last started, where it has been written since.
    fn started_with(&self) -> Option<Vec<Occurrence>> {
        let record = self.restart.filter(|r| r.path == self.path && r.state == RestartState::Written)?;
        // Somebody else has started it meanwhile, with the file as it is.
        if self.files.before_start.contains(self.path) {
            return None;
        }
        let file = Files { files: vec![(self.path.to_owned(), record.before.clone())], ..Files::default() };
        Some(file.meant(self.server.known()))
    }

    /// A server whose disk is full does not come up again, whatever its option files say.
    fn refuse_full_disk(&self, draft: &mut Draft) -> bool {
        let Some(disk) = self.disk.filter(|disk| disk.free < crate::doctor::FULL) else { return false };
        let (free, datadir) = (disk.free, disk.datadir.clone());
        draft.refuse(&self.host.name, SettingRefused::DiskFull { free, datadir });
        true
    }

    /// A server that does not take its other option files stays down, with the file of before as with ours.
    fn refuse_others(&self, draft: &mut Draft) -> bool {
        let Some((said, at)) = impossible::broken(self.facts, self.files, self.path) else { return false };
        draft.refuse(&self.host.name, SettingRefused::FilesRefused { said, at: Some(at) });
        true
    }

    /// What `SET PERSIST` has left counts more than every option file, and would win at the next start.
    fn persisted_step(&self) -> Option<Step> {
        let against: Vec<(&DesiredSetting, &String)> = self
            .filed
            .iter()
            .filter_map(|wish| {
                let persisted = self.server.persisted.get(&wish.name)?;
                let wished = wish.values.last()?;
                (!same_value(&wish.name, wished, persisted)).then_some((wish, persisted))
            })
            .collect();
        let names: Vec<String> = against.iter().map(|(wish, _)| wish.name.clone()).collect();
        let persisted = |(wish, value): &(&DesiredSetting, &String)| match wish.place.vaulted {
            true => Named::hidden(&wish.name, Hidden::Secret),
            false => Named::new(&wish.name, *value),
        };
        (!names.is_empty()).then(|| Step {
            id: StepId::of(&self.host.name, StepName::Persisted),
            host: self.host.name.clone(),
            kind: Kind::OptionFile,
            reason: against.iter().map(|(wish, _)| of_setting(wish)).collect(),
            before: Some(State::Settings { values: against.iter().map(persisted).collect() }),
            after: Some(State::FromFile { names: names.clone(), path: self.path.to_owned() }),
            risk: Vec::new(),
            requires: Vec::new(),
            action: Action::ResetPersisted(names.clone()),
        })
    }

    /// Options that are no variables are read at the start only.
    fn is_pseudo(&self, name: &str) -> bool {
        !self.server.variables.contains_key(name)
    }

    /// Whether no statement gives it to a server that runs.
    fn takes_start(&self, off: &Off) -> bool {
        self.server.static_variables.contains(&off.name)
            || self.is_pseudo(&off.name)
            || self.dialect.changes_at_start(&off.name, &off.running, &off.wished)
    }

    /// What our file shall hold.
    fn lines(&self, old: &[&Occurrence], all: &[Occurrence]) -> Vec<Setting> {
        let kept = gtid_mode::kept(self.host, self.server, old);
        let needed = |wish: &DesiredSetting| match self.host.option_file_holds {
            OptionFileHolds::Everything => true,
            OptionFileHolds::WhatIsMissing => {
                old.iter().any(|o| o.name == wish.name) || !self.comes_anyway(wish, all)
            }
        };
        let mut settings: Vec<Setting> = self
            .filed
            .iter()
            .filter(|w| !w.values.is_empty() && !kept.iter().any(|k| k.name == w.name) && needed(w))
            .map(|w| Setting { name: w.name.clone(), values: w.values.clone() })
            .collect();
        settings.extend(kept);
        settings
    }

    /// The text of our file, in the words that this server takes.
    fn text(&self, settings: &[Setting]) -> String {
        let known = |name: &str| self.server.variables.contains_key(name);
        let option = |one: &Setting| Setting {
            name: self.dialect.option_name(&one.name, known).to_owned(),
            values: one.values.clone(),
        };
        owned_text(&self.files.group_suffix, &settings.iter().map(option).collect::<Vec<_>>())
    }

    /// Whether the server starts with a wished value though our file does not mention it.
    fn comes_anyway(&self, wish: &DesiredSetting, all: &[Occurrence]) -> bool {
        let name = wish.name.as_str();
        let wished = wish.values.last().map_or("", String::as_str);
        if let Some(persisted) = self.server.persisted.get(name) {
            return same_value(name, wished, persisted);
        }
        let others = || all.iter().filter(|o| o.name == name && o.file != self.path);
        if takes_several(name) {
            let given: Vec<String> = others().filter_map(|o| o.value.clone()).collect();
            return as_set(&given) == as_set(&wish.values);
        }
        match (others().next_back(), name) {
            (Some(other), "log_bin" | "relay_log") => {
                let given = other.value.as_deref().unwrap_or("ON");
                same_value(name, without_extension(given), without_extension(wished))
            }
            (Some(other), _) => same_value(name, other.value.as_deref().unwrap_or("ON"), wished),
            // Its base name is no value of the variable.
            (None, "log_bin") if self.server.is_on(name) => {
                self.server.defaults.get(name).is_some_and(|d| same_value(name, d, "ON"))
                    && self.same_log_bin(wished)
            }
            (None, _) => self.server.defaults.get(name).is_some_and(|d| same_value(name, d, wished)),
        }
    }

    fn file_step(&self, old: &[&Occurrence], all: &[Occurrence]) -> Option<Step> {
        let settings = self.lines(old, all);
        if same_settings(&settings, old) {
            return None;
        }
        let after = self.text(&settings);
        let before = self.files.content(self.path).map(|b| String::from_utf8_lossy(b).into_owned());
        let changed: Vec<&DesiredSetting> = self
            .filed
            .iter()
            .filter(|w| settings.iter().any(|s| s.name == w.name) && !in_file(w, old))
            .collect();
        let mut reason: Vec<Reason> = Vec::new();
        for wish in changed.iter().filter(|w| !w.values.is_empty()) {
            let line = of_setting(wish);
            if !reason.contains(&line) {
                reason.push(line);
            }
        }
        if reason.is_empty() {
            reason.push(Reason::because(Because::OptionsNotDeclared));
        }
        Some(Step {
            id: StepId::of(&self.host.name, StepName::OptionFile),
            host: self.host.name.clone(),
            kind: Kind::OptionFile,
            reason,
            before: before.map(|text| State::text(self.without_vaulted(&text))),
            after: Some(State::text(self.without_vaulted(&after))),
            risk: Vec::new(),
            requires: Vec::new(),
            action: Action::WriteOptionFile {
                path: self.path.to_owned(),
                content: after,
                stage: FileStage::AsDeclared,
            },
        })
    }

    /// An option file as a plan shows it: no value that came out of a vault.
    fn without_vaulted(&self, text: &str) -> String {
        let vaulted = |line: &str| {
            let name =
                line.split_once('=').map(|(name, _)| crate::option_file::canonical_name(name.trim()))?;
            self.filed.iter().any(|w| w.name == name && w.place.vaulted).then_some(name)
        };
        let line = |line: &str| match vaulted(line) {
            Some(name) => format!("{name} = ***"),
            None => line.to_owned(),
        };
        let mut shown: String = text.lines().map(line).collect::<Vec<_>>().join("\n");
        if text.ends_with('\n') {
            shown.push('\n');
        }
        shown
    }

    fn view(list: &[Off], pick: fn(&Off) -> &str) -> State {
        let vaulted = |o: &Off| o.reason.place.as_ref().is_some_and(|place| place.vaulted);
        let value = |o: &Off| match vaulted(o) {
            true => Named::hidden(&o.name, Hidden::Secret),
            false => Named::new(&o.name, pick(o)),
        };
        State::Settings { values: list.iter().map(value).collect() }
    }

    fn variable_step(&self, list: &[Off]) -> Step {
        let mut risk = Vec::new();
        if list.iter().any(|o| self.dialect.needs_stopped_channels(&o.name)) {
            risk.push(Risk::ReplicationPause);
        }
        let sessions: BTreeSet<String> = self
            .server
            .sessions
            .known()
            .into_iter()
            .flatten()
            .map(|s| format!("{}@{}", s.user, s.host))
            .collect();
        if !sessions.is_empty() && list.iter().any(|o| o.name.starts_with("auto_increment_")) {
            risk.push(Note::SessionsKeepIncrement { sessions: sessions.into_iter().collect() }.into());
        }
        Step {
            id: StepId::of(&self.host.name, StepName::Variable),
            host: self.host.name.clone(),
            kind: Kind::Variable,
            reason: list.iter().map(|o| o.reason.clone()).collect(),
            before: Some(Self::view(list, |o| &o.running)),
            after: Some(Self::view(list, |o| &o.wished)),
            risk,
            requires: Vec::new(),
            action: Action::SetGlobal(list.iter().map(|o| (o.name.clone(), o.wished.clone())).collect()),
        }
    }

    fn restart_step(&self, fixed: Vec<Off>, at_once: Vec<Off>) -> Step {
        let unit = self.host.service.clone();
        let names: Vec<String> = fixed.iter().map(|o| o.name.clone()).collect();
        let mut risk = vec![Risk::restart(&self.server.sessions)];
        if names.iter().any(|name| name == "log_bin") {
            risk.extend(binlogs::renamed(self.context, &self.host.name, self.server));
        }
        let mut list = fixed;
        list.extend(at_once);
        Step {
            id: StepId::of(&self.host.name, StepName::Service),
            host: self.host.name.clone(),
            kind: Kind::Service,
            reason: list.iter().map(|o| o.reason.clone()).collect(),
            before: Some(Self::view(&list, |o| &o.running)),
            after: Some(Self::view(&list, |o| &o.wished)),
            risk,
            requires: Vec::new(),
            action: Action::Restart {
                unit: unit.unwrap_or_else(|| self.unit_name()),
                expect: list.iter().map(|o| (o.name.clone(), o.wished.clone())).collect(),
                option_file: (!self.path.is_empty()).then(|| self.path.to_owned()),
                causes: names,
                new_uuid: false,
                follows: Vec::new(),
            },
        }
    }

    fn unit_name(&self) -> String {
        self.host.service.clone().unwrap_or_else(|| self.server.unit.clone())
    }
}

/// A declared variable as a reason.
fn of_setting(wish: &DesiredSetting) -> Reason {
    Reason::declared(Because::Setting { setting: wish.name.clone() }, &wish.place)
}

/// Whether an option is a filter of one channel of MariaDB, `east.replicate_do_db`: its channel's step sees to it.
fn of_one_channel(name: &str) -> bool {
    name.split_once('.').is_some_and(|(_, option)| option.starts_with("replicate_"))
}

/// The servers leave out the extension of a log's name (MySQL manual, "--log-bin").
fn without_extension(log: &str) -> &str {
    let name = log.rfind('/').map_or(0, |slash| slash + 1);
    log[name..].rfind('.').map_or(log, |dot| &log[..name + dot])
}

/// Values of options that repeat, whatever their order.
fn as_set(list: &[String]) -> Vec<&str> {
    let mut list: Vec<&str> =
        list.iter().flat_map(|v| v.split(',')).map(str::trim).filter(|v| !v.is_empty()).collect();
    list.sort_unstable();
    // Where two files say the same, the server shows it twice.
    list.dedup();
    list
}

fn values_in_file<'a>(name: &str, old: &[&'a Occurrence]) -> Vec<&'a str> {
    old.iter().filter(|o| o.name == name).map(|o| o.value.as_deref().unwrap_or("ON")).collect()
}

fn in_file(wish: &DesiredSetting, old: &[&Occurrence]) -> bool {
    let there = values_in_file(&wish.name, old);
    there.len() == wish.values.len()
        && there.iter().zip(&wish.values).all(|(a, b)| same_value(&wish.name, a, b))
}

/// Whether a file says what is wished, whatever the spelling.
fn same_settings(settings: &[Setting], old: &[&Occurrence]) -> bool {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for occurrence in old {
        *counted.entry(occurrence.name.as_str()).or_default() += 1;
    }
    settings.len() == counted.len()
        && settings.iter().all(|s| {
            let there = values_in_file(&s.name, old);
            there.len() == s.values.len()
                && there.iter().zip(&s.values).all(|(a, b)| same_value(&s.name, a, b))
        })
}
