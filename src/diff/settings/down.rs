//! A server that does not start with tandem's own option file: the corrected file is written before it is started, and one
//! with which it has failed is not written again.

use super::{Comparison, filed, last_of_each, values_in_file};
use crate::{
    desired::{DesiredHost, DesiredSetting},
    dialect::Dialect,
    diff::{Context, Draft},
    doctor::{blamed, blamed_in_files, explain_failed_start},
    model::HostName,
    observe::{DownFacts, HostFacts, RestartState, ServerFacts},
    option_file::{Files, Occurrence, same_value},
    plan::{Action, Note, SettingRefused},
};

/// Corrects our option file where the server is down because of a failure, or refuses to start it with the same setting
/// again.
pub(super) fn repair(
    context: &Context<'_>,
    host: &DesiredHost,
    facts: &HostFacts,
    files: &Files,
    draft: &mut Draft,
) {
    let failed = facts.down.as_ref().is_some_and(DownFacts::failed);
    let place = host.option_file.clone().or_else(|| files.place_for_owned());
    let (Some(version), Some(path), true) = (facts.version(), place, failed) else { return };
    let (Some(wishes), Some(_)) = (&host.settings, files.content(&path)) else { return };
    let dialect = Dialect::of(version);
    let there: Vec<Occurrence> = files.occurrences(Some(version));
    let (wishes, starts) =
        last_of_each(wishes, |name| dialect.variable_name(name, |n| there.iter().any(|o| o.name == n)));
    let wishes = filed(&wishes, &starts);
    let mut server = ServerFacts::silent(version, "the server is down");
    // By these names it takes abbreviations and negations in its files for what they are.
    server.variables.extend(wishes.iter().map(|wish| (wish.name.clone(), String::new())));
    let comparison = Comparison {
        context,
        host,
        files,
        server: &server,
        wishes: &wishes,
        filed: &wishes,
        path: &path,
        dialect,
        facts,
        restart: None,
        disk: None,
    };
    let all = comparison.occurrences();
    let old: Vec<&Occurrence> = all.iter().filter(|o| o.file == path).collect();
    let ours = blamed_in_files(facts).filter(|option| option.file == path);
    if let Some((option, wish)) =
        ours.and_then(|option| still_wished(&option.name, &old, &wishes).map(|w| (option, w)))
    {
        let why = SettingRefused::KeepsServerDown {
            name: option.name,
            place: wish.place.clone(),
            file: option.file,
            line: option.line,
        };
        draft.refuse(&host.name, why);
        return;
    }
    let Some(step) = comparison.file_step(&old, &all) else { return };
    // Another base name of the binary log is a question of its own, for when the server runs.
    let logs =
        wishes.iter().find(|wish| wish.name == "log_bin" && !values_in_file("log_bin", &old).is_empty());
    if logs.is_some_and(|wish| still_wished("log_bin", &old, std::slice::from_ref(wish)).is_none()) {
        return;
    }
    draft.steps.push(step);
    start_with(&host.name, &path, draft);
}

/// The start of a host's server is one with another file, which the host puts back where that does not help.
fn start_with(host: &HostName, path: &str, draft: &mut Draft) {
    for step in draft.steps.iter_mut().filter(|step| step.host == *host) {
        if let Action::StartService { option_file, .. } = &mut step.action {
            *option_file = Some(path.to_owned());
            step.risk = vec![Note::OldFileComesBack.into()];
        }
    }
}

/// The wish that still has the values with which a file names an option.
fn still_wished<'w>(
    name: &str,
    old: &[&Occurrence],
    wishes: &'w [DesiredSetting],
) -> Option<&'w DesiredSetting> {
    let there = values_in_file(name, old);
    wishes.iter().find(|wish| {
        wish.name == name
            && there.len() == wish.values.len()
            && there.iter().zip(&wish.values).all(|(a, b)| same_value(name, a, b))
    })
}

impl Comparison<'_> {
    /// Refuses a file with which the server has failed to start, where the host has taken it back.
    pub(super) fn refuse_failed(&self, old: &[&Occurrence], all: &[Occurrence], draft: &mut Draft) -> bool {
        let Some(record) = self.restart.filter(|r| r.path == self.path) else { return false };
        let (RestartState::Back | RestartState::Down, Some(failed)) = (record.state, &record.failed) else {
            return false;
        };
        if self.file_step(old, all).is_none() {
            return false;
        }
        let same = self.text(&self.lines(old, all)).as_bytes() == failed.as_slice();
        let file = Files { files: vec![(self.path.to_owned(), failed.clone())], ..Files::default() };
        let options = file.occurrences(Some(self.server.version));
        let listed: Vec<&Occurrence> = options.iter().collect();
        // Another file may be to blame: its options count as well, in the order in which the server reads them.
        let others: Vec<Occurrence> = all.iter().filter(|o| o.file != self.path).cloned().collect();
        let read: Vec<Occurrence> = others.into_iter().chain(options.iter().cloned()).collect();
        let blamed = blamed(&record.said, &read);
        let ours = blamed.filter(|option| option.file == self.path);
        let wish = ours.and_then(|o| still_wished(&o.name, &listed, self.filed));
        // With the file of before it did not start either: what is not blamed may well be right.
        if wish.is_none() && !(same && record.state == RestartState::Back) {
            return false;
        }
        let why = SettingRefused::Failed {
            setting: wish.map(|wish| (wish.name.clone(), wish.place.clone())),
            path: self.path.to_owned(),
            why: explain_failed_start(&record.ended, &record.said, &read),
        };
        draft.refuse(&self.host.name, why);
        true
    }
}
