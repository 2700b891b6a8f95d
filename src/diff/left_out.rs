//! What a server or a channel leaves out though nobody declared it, whoever wrote it down: filters of databases and
//! tables in an option file of somebody's, and errors that are skipped.

use std::collections::BTreeSet;

use super::{Context, Draft, filters};
use crate::{
    desired::DesiredHost,
    dialect::Dialect,
    model::Fact,
    observe::{HostFacts, ServerFacts},
    option_file::Occurrence,
    plan::SettingRefused,
};

/// Options of a source, and the variable by which each is declared.
const LOGGED: [(&str, &str); 2] =
    [("binlog_do_db", "binlog_databases"), ("binlog_ignore_db", "binlog_ignore_databases")];
/// Options of a replica that say which names come through.
const APPLIED: [(&str, &str); 7] = [
    ("replicate_do_db", "replicate_databases"),
    ("replicate_ignore_db", "replicate_ignore_databases"),
    ("replicate_wild_do_table", "replicate_wild_tables"),
    ("replicate_wild_ignore_table", "replicate_wild_ignore_tables"),
    ("replicate_do_table", "replicate_do_table"),
    ("replicate_ignore_table", "replicate_ignore_table"),
    (REWRITES, REWRITES),
];
/// The one of them that each family shows in a form of its own, `a->b` or `(a,b)`.
const REWRITES: &str = "replicate_rewrite_db";
/// Which errors an applier goes past.
const SKIPPED: &str = "slave_skip_errors";

/// Refuses what is left out beyond what is declared. A host whose variables nobody declares is left as it is.
pub(super) fn check(context: &Context<'_>, draft: &mut Draft) {
    for (name, host) in &context.desired.hosts {
        let facts = context.observed.get(name).and_then(Fact::known);
        let Some((facts, server)) = facts.and_then(|f| Some((f, f.server.known()?))) else { continue };
        if host.settings.is_none() {
            continue;
        }
        let (ours, occurrences) = occurrences(host, facts, server);
        let of = Of { host, server, ours, occurrences };
        if !host.replicas.is_empty() {
            LOGGED.iter().for_each(|(option, variable)| of.names(option, variable, draft));
        }
        if !host.channels.is_empty() {
            APPLIED.iter().for_each(|(option, variable)| of.names(option, variable, draft));
            of.errors(draft);
        }
    }
}

/// What our option file says, which is mended by itself, and what others say.
fn occurrences(
    host: &DesiredHost,
    facts: &HostFacts,
    server: &ServerFacts,
) -> (Vec<Occurrence>, Vec<Occurrence>) {
    let Some(files) = facts.option_files.known() else { return Default::default() };
    let ours = host.option_file.clone().or_else(|| files.place_for_owned());
    let all = files.meant(server.known()).into_iter();
    all.partition(|one| ours.as_ref() == Some(&one.file))
}

struct Of<'a> {
    host: &'a DesiredHost,
    server: &'a ServerFacts,
    /// In our option file.
    ours: Vec<Occurrence>,
    /// In those of others.
    occurrences: Vec<Occurrence>,
}

impl Of<'_> {
    /// Names that are chosen, or left out.
    fn names(&self, option: &str, variable: &'static str, draft: &mut Draft) {
        let mut declared = self.declared(option);
        let ours = self.ours.iter().filter(|one| plain(&one.name) == option);
        declared.extend(ours.flat_map(|one| list(one.value.as_deref().unwrap_or_default())));
        let mut beyond: BTreeSet<String> = self.running(option).difference(&declared).cloned().collect();
        if option == REWRITES && !declared.is_empty() {
            beyond.clear();
        }
        let written = self.occurrences.iter().rfind(|one| {
            let names = list(one.value.as_deref().unwrap_or_default());
            plain(&one.name) == option && names.iter().any(|name| beyond.contains(name))
        });
        // Where no file says it, somebody has set it, and it goes with the declared values.
        let set_anew = LOGGED.iter().chain(&APPLIED[..4]).any(|(name, _)| *name == option);
        if !beyond.is_empty() && (written.is_some() || !set_anew) {
            self.refuse((option, false), variable, beyond, written, draft);
        }
    }

    /// Errors that are skipped: the statement that failed is missing from then on.
    fn errors(&self, draft: &mut Draft) {
        let name = Dialect::of(self.server.version)
            .variable_name(SKIPPED, |name| self.server.variables.contains_key(name));
        let skipped = self.server.variable(&name).unwrap_or_default();
        let none = skipped.is_empty() || skipped.eq_ignore_ascii_case("off");
        let wishes = self.host.settings.iter().flatten();
        let ours = self.ours.iter().map(|one| &one.name);
        let mut declared = wishes.map(|wish| &wish.name).chain(ours);
        let declared = declared.any(|one| [SKIPPED, &name].contains(&one.as_str()));
        if !none && !declared {
            let written = self.occurrences.iter().rfind(|o| [SKIPPED, &name].contains(&o.name.as_str()));
            self.refuse((&name, true), "mysql_settings", [skipped.to_owned()].into(), written, draft);
        }
    }

    fn refuse(
        &self,
        (option, skips): (&str, bool),
        variable: &'static str,
        values: BTreeSet<String>,
        written: Option<&Occurrence>,
        draft: &mut Draft,
    ) {
        let why = SettingRefused::LeavesOut {
            name: option.to_owned(),
            values: values.into_iter().collect(),
            skips,
            variable: if variable == option { "mysql_settings" } else { variable },
            written: written.map(|one| (one.file.clone(), one.line)),
        };
        draft.refuse(&self.host.name, why);
    }

    /// What is declared for the server, or for one of its channels.
    fn declared(&self, option: &str) -> BTreeSet<String> {
        let wishes = self.host.settings.iter().flatten().filter(|wish| plain(&wish.name) == option);
        let of_server = wishes.flat_map(|wish| wish.values.iter());
        let of_channels = self.host.channels.iter().flat_map(|wish| wish.filters.lists());
        let of_channels = of_channels.filter(|(name, _)| *name == option).flat_map(|(_, values)| values);
        let value = |value: &String| match filters::of_a_channel(self.host, value) {
            true => value.split_once(':').map_or(value.as_str(), |(_, name)| name).to_owned(),
            false => value.clone(),
        };
        of_server.chain(of_channels).flat_map(|v| list(&value(v))).collect()
    }

    /// What holds for the server, and for its declared channels.
    fn running(&self, option: &str) -> BTreeSet<String> {
        let binlog = self.server.binlog.known();
        let of_server = match option {
            "binlog_do_db" => binlog.map(|b| b.do_db.clone()).unwrap_or_default(),
            "binlog_ignore_db" => binlog.map(|b| b.ignore_db.clone()).unwrap_or_default(),
            option => list(self.server.variable(option).unwrap_or_default()),
        };
        let channels = self.server.channels.known().into_iter().flatten();
        let declared = channels.filter(|c| self.host.channels.iter().any(|wish| wish.name == c.name));
        let of_channels = declared.flat_map(|channel| {
            let filters = &channel.filters;
            match option {
                "replicate_do_db" => filters.databases.clone(),
                "replicate_ignore_db" => filters.ignore_databases.clone(),
                "replicate_wild_do_table" => filters.wild_tables.clone(),
                "replicate_wild_ignore_table" => filters.wild_ignore_tables.clone(),
                "replicate_do_table" => filters.tables.clone(),
                "replicate_ignore_table" => filters.ignore_tables.clone(),
                REWRITES => filters.rewrites.clone(),
                _ => Vec::new(),
            }
        });
        of_server.into_iter().chain(of_channels).collect()
    }
}

/// The option without the name of MariaDB's channel before it.
fn plain(name: &str) -> &str {
    name.split_once('.').map_or(name, |(_, option)| option)
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
