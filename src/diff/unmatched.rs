//! Names of databases in wishes that no database answers to: a filter or a copy that lets nothing through.

use std::collections::BTreeSet;

use super::{Context, Draft};
use crate::{
    desired::DesiredHost,
    grant::{Login, unfit},
    model::{Fact, HostName, Secret},
    plan::{Action, ChannelRefused, NameFinding, Warning},
    source::closest,
};

/// Warns of them. A database may still be made, so they are no mistake.
pub(super) fn check(context: &Context<'_>, draft: &mut Draft) {
    let declared: BTreeSet<&str> =
        context.desired.hosts.values().flat_map(|h| &h.databases).map(|d| d.name.as_str()).collect();
    let mut warnings: Vec<Warning> = Vec::new();
    let mut warn = |host: &HostName, what: NameFinding| {
        let warning = Warning { host: host.clone(), what: what.into() };
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    };
    for name in &context.desired.members {
        let Some(host) = context.desired.hosts.get(name) else { continue };
        for seed in &host.seeds {
            let wanted = seed.databases.iter().map(String::as_str);
            missing(context, &seed.from, wanted, &declared, |missing, near| {
                let (source, missing) = (seed.from.clone(), missing.to_owned());
                warn(name, NameFinding::Seed { source, name: missing, near });
            });
        }
        let mut filter = |source: &HostName, variable: Option<&'static str>, names: Vec<String>| {
            missing(context, source, names.iter().map(String::as_str), &declared, |missing, near| {
                let (source, missing) = (source.clone(), missing.to_owned());
                warn(name, NameFinding::Filter { variable, source, name: missing, near });
            });
        };
        let mut of_variable =
            |source: &HostName, name: &'static str| filter(source, Some(name), names(host, name));
        of_variable(name, "binlog_do_db");
        for wish in &host.channels {
            of_variable(&wish.source, "replicate_do_db");
            of_variable(&wish.source, "replicate_wild_do_table");
        }
        for wish in &host.channels {
            filter(&wish.source, None, wish.filters.databases.clone());
        }
    }
    warnings.sort_by(|a, b| (&a.host, a.what.code()).cmp(&(&b.host, b.what.code())));
    draft.warnings.extend(warnings);
}

/// Channels that would be made or changed although their source has no account that lets them in, and no step makes one.
pub(super) fn accounts(context: &Context<'_>, draft: &mut Draft) {
    let mut refused = Vec::new();
    for step in &draft.steps {
        let Action::Channel(change) = &step.action else { continue };
        let (source, user) = (&change.wish.source, &change.wish.user);
        let Some(server) = context.server(source).filter(|_| change.change) else { continue };
        let here = context.desired.hosts.get(source);
        let made = here.is_some_and(|h| h.accounts.iter().any(|a| a.user == *user))
            || context.desired.all_plays.makes(source, user);
        // A copy of a whole server brings its accounts.
        let comes = draft.steps.iter().any(|other| {
            other.host == *source && matches!(&other.action, Action::Seed(seed) if seed.method.is_whole())
        });
        if made || comes {
            continue;
        }
        if !server.account_names.iter().any(|(name, _)| name == user) {
            let (source, user) = (source.clone(), user.clone());
            refused.push((step.host.clone(), ChannelRefused::NoAccount { source, user }));
            continue;
        }
        let facts = context.observed.get(&step.host).and_then(Fact::known);
        let replica = context.desired.hosts.get(&step.host).zip(facts);
        let from = replica.map(|(host, facts)| host.addresses(&facts.os.addresses)).unwrap_or_default();
        let password = context.secrets.get(&change.wish.password).map(Secret::expose);
        let login = Login { user, from: &from, password, tls: change.wish.tls.encrypted() };
        if let Some((account, why)) = unfit(&server.accounts, login) {
            let (source, user, at) = (source.clone(), user.clone(), account.host.clone());
            refused.push((step.host.clone(), ChannelRefused::AccountUnfit { source, user, at, why }));
        }
    }
    for (host, why) in refused {
        draft.refuse(&host, why);
    }
}

/// Databases that a setting names; of a pattern over tables the database, where that is no pattern itself.
fn names(host: &DesiredHost, option: &str) -> Vec<String> {
    let wishes = host.settings.iter().flatten().filter(|wish| wish.name == option);
    let values = wishes.flat_map(|wish| &wish.values);
    let own = values.map(|value| value.rsplit_once(':').map_or(value.as_str(), |(_, own)| own));
    own.filter_map(|value| match option.contains("table") {
        false => Some(value.to_owned()),
        true => {
            let (database, _) = value.split_once('.')?;
            let plain = database.replace("\\_", "_").replace("\\%", "%");
            let pattern = database.replace("\\_", "").replace("\\%", "").contains(['%', '_']);
            (!pattern).then_some(plain)
        }
    })
    .filter(|name| !name.is_empty())
    .collect()
}

/// Calls `found` with each name that a server which holds databases does not have.
fn missing<'n>(
    context: &Context<'_>,
    source: &HostName,
    wanted: impl Iterator<Item = &'n str>,
    declared: &BTreeSet<&str>,
    mut found: impl FnMut(&str, Option<String>),
) {
    let Some(server) = context.server(source).filter(|s| !s.databases.is_empty()) else { return };
    let there: Vec<&str> = server.databases.iter().map(|d| d.name.as_str()).collect();
    for name in wanted.filter(|name| !there.contains(name) && !declared.contains(name)) {
        found(name, closest(name, there.iter().copied()).map(str::to_owned));
    }
}
