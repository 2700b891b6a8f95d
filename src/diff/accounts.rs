//! Accounts and databases.

use super::{Context, Draft};
use crate::{
    desired::{DesiredAccount, DesiredDatabase, DesiredHost},
    grant::{self, AccountState, Expiry, PasswordCheck},
    model::Fact,
    observe::{HostFacts, ServerFacts},
    plan::{
        AccountChange, AccountTask, Action, Because, ChannelRefused, Hidden, Kind, Named, Reason, State,
        Step, StepId, StepName,
    },
};

/// Adds the steps for the accounts and databases of one host.
pub(super) fn steps(context: &Context<'_>, host: &DesiredHost, facts: &HostFacts, draft: &mut Draft) {
    let server = match &facts.server {
        Fact::Known(server) => server,
        Fact::Absent | Fact::Unread(_) => return,
    };
    for wish in &host.accounts {
        if is_name(&wish.host) && keeps_to_addresses(host, server) {
            let (user, at) = (wish.user.clone(), wish.host.clone());
            draft.refuse(&host.name, ChannelRefused::AccountForAName { user, at });
            continue;
        }
        draft.steps.extend(account(context, host, server, wish));
        draft.steps.extend(require_tls(host, server, wish));
    }
    // A replica gets it from its source; made there as well, it would be an errant transaction.
    let by_replication = !host.writer && !host.channels.is_empty();
    for wish in host.databases.iter().filter(|_| !by_replication) {
        draft.steps.extend(database(host, server, wish));
    }
}

/// Whether the host part of an account is a name: no address, network or pattern.
fn is_name(host: &str) -> bool {
    let looked_up = host.chars().any(|c| c.is_ascii_alphabetic());
    looked_up && host != "localhost" && !host.contains(':')
}

/// Whether a server looks up no names, now or after its next restart.
fn keeps_to_addresses(host: &DesiredHost, server: &ServerFacts) -> bool {
    match host.setting("skip_name_resolve").and_then(|wish| wish.values.last()) {
        Some(value) => !matches!(value.to_ascii_uppercase().as_str(), "OFF" | "0" | "FALSE"),
        None => server.is_on("skip_name_resolve"),
    }
}

/// The step for one account, where it is not as it shall be.
pub(super) fn account(
    context: &Context<'_>,
    host: &DesiredHost,
    server: &ServerFacts,
    wish: &DesiredAccount,
) -> Option<Step> {
    let have = server.accounts.iter().find(|a| a.user == wish.user && a.host == wish.host);
    // Channels go over to TLS before anybody has to.
    let later = have.is_some_and(|have| requires_later(have, wish));
    let (task, before, after) = match have {
        None => {
            let privileges = format!("{} on {}", wish.privileges.join(", "), wish.on);
            let after = vec![
                Named::hidden("password", Hidden::Secret),
                Named::new("privileges", privileges),
                Named::new("TLS", required(wish.require_tls)),
            ];
            (AccountTask::Make, Vec::new(), after)
        }
        Some(have) => {
            let password = context.secrets.get(&wish.password).map(|p| have.check_password(p.expose()));
            let other_login = password == Some(PasswordCheck::Differs);
            let task = if other_login { AccountTask::ChangeLogin } else { AccountTask::Change };
            let (mut before, mut after) = differences(have, wish, other_login, later);
            if wish.replicates() {
                let lifetime =
                    server.variable("default_password_lifetime").and_then(|days| days.parse().ok());
                lasts(have, lifetime.unwrap_or(0), (&mut before, &mut after));
            }
            if after.is_empty() {
                return None;
            }
            (task, before, after)
        }
    };
    Some(Step {
        id: StepId::of(&host.name, StepName::Account { user: &wish.user, from: &wish.host }),
        host: host.name.clone(),
        kind: Kind::Account,
        reason: vec![Reason::declared(Because::Declared, &wish.place)],
        before: have.map(|_| State::Options { values: before }),
        after: Some(State::Options { values: after }),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::Account(AccountChange {
            wish: DesiredAccount { require_tls: wish.require_tls && !later, ..wish.clone() },
            task,
        }),
    })
}

/// How an account is, and how it shall be, in what differs. What it requires of TLS is left for `later`.
fn differences(
    have: &AccountState,
    wish: &DesiredAccount,
    other_login: bool,
    later: bool,
) -> (Vec<Named>, Vec<Named>) {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    if other_login {
        before.push(Named::hidden("password", Hidden::FormerSecret));
        after.push(Named::hidden("password", Hidden::NewSecret));
    }
    let (has, shall) = (have.privileges_on(&wish.on), grant::canonical_privileges(&wish.privileges));
    if has != shall {
        before.push(Named::new("privileges", format!("{} on {}", words(&has), wish.on)));
        after.push(Named::new("privileges", format!("{} on {}", words(&shall), wish.on)));
    }
    let elsewhere = have.scopes_beside(&wish.on);
    if !elsewhere.is_empty() {
        before.push(Named::new("privileges elsewhere", elsewhere.join(", ")));
        after.push(Named::new("privileges elsewhere", "none"));
    }
    // A certificate of the client's, which a channel does not have, is no TLS that was wished.
    let other_tls =
        have.requires_tls() != wish.require_tls || !matches!(have.require.as_str(), "" | "NONE" | "SSL");
    if other_tls && !later {
        let has = match have.require.as_str() {
            "" | "NONE" | "SSL" => required(have.requires_tls()).to_owned(),
            more => format!("required, {more}"),
        };
        before.push(Named::new("TLS", has));
        after.push(Named::new("TLS", required(wish.require_tls)));
    }
    if have.locked {
        before.push(Named::new("locked", "yes"));
        after.push(Named::new("locked", "no"));
    }
    (before, after)
}

/// A replica can't change a password that has expired, and comes as often as it must.
fn lasts(have: &AccountState, lifetime: u32, (before, after): (&mut Vec<Named>, &mut Vec<Named>)) {
    if have.expires(lifetime) {
        let when = match have.expiry {
            Expiry::Now => "it has".to_owned(),
            Expiry::Days(days) => format!("after {days} days"),
            Expiry::AsServer | Expiry::Never => format!("after {lifetime} days"),
        };
        before.push(Named::new("password expires", when));
        after.push(Named::new("password expires", "never"));
    }
    if !have.limits.is_empty() {
        before.push(Named::new("limits", have.limits.join(", ")));
        after.push(Named::new("limits", "none"));
    }
}

/// Whether an account that lets in clear text shall do so no more.
fn requires_later(have: &AccountState, wish: &DesiredAccount) -> bool {
    wish.require_tls && matches!(have.require.as_str(), "" | "NONE")
}

/// The step behind which nobody comes in clear text any more.
fn require_tls(host: &DesiredHost, server: &ServerFacts, wish: &DesiredAccount) -> Option<Step> {
    let have = server.accounts.iter().find(|a| a.user == wish.user && a.host == wish.host)?;
    let tls = |required| Some(State::Options { values: vec![Named::new("TLS", self::required(required))] });
    requires_later(have, wish).then(|| Step {
        id: StepId::of(&host.name, StepName::RequireTls { user: &wish.user, from: &wish.host }),
        host: host.name.clone(),
        kind: Kind::Account,
        reason: vec![Reason::declared(Because::Declared, &wish.place)],
        before: tls(false),
        after: tls(true),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::Account(AccountChange { wish: wish.clone(), task: AccountTask::RequireTls }),
    })
}

fn required(tls: bool) -> &'static str {
    if tls { "required" } else { "not required" }
}

fn words(privileges: &std::collections::BTreeSet<String>) -> String {
    if privileges.is_empty() {
        "none".into()
    } else {
        privileges.iter().cloned().collect::<Vec<_>>().join(", ")
    }
}

fn database(host: &DesiredHost, server: &ServerFacts, wish: &DesiredDatabase) -> Option<Step> {
    let have = server.databases.iter().find(|d| d.name == wish.name);
    // Only what is declared is compared.
    let view = |set: &str, collation: &str| {
        let set = wish.character_set.as_ref().map(|_| Named::new("character set", set));
        let collation = wish.collation.as_ref().map(|_| Named::new("collation", collation));
        State::Options { values: set.into_iter().chain(collation).collect() }
    };
    let wished = |value: &Option<String>| value.clone().unwrap_or_default();
    let differs =
        |wish: &Option<String>, have: &str| wish.as_ref().is_some_and(|w| !w.eq_ignore_ascii_case(have));
    if let Some(have) = have
        && !differs(&wish.character_set, &have.character_set)
        && !differs(&wish.collation, &have.collation)
    {
        return None;
    }
    Some(Step {
        id: StepId::of(&host.name, StepName::Database { name: &wish.name }),
        host: host.name.clone(),
        kind: Kind::Database,
        reason: vec![Reason::declared(Because::Declared, &wish.place)],
        before: have.map(|d| view(&d.character_set, &d.collation)),
        after: Some(view(&wished(&wish.character_set), &wished(&wish.collation))),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::Database { wish: wish.clone(), exists: have.is_some() },
    })
}
