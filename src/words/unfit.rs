//! What a copy row by row can't carry as it is.

use super::{Message, cut};
use crate::{
    desired::SeedMethod,
    dialect::{GrantedOn, ObjectGrant, Unfit, UnfitObject, UnfitWhy, account_shown},
    model::{HostName, bytes, visible},
    plan::{Next, workaround},
};

/// How many objects are named at most.
const MOST: usize = 50;

/// Why a copy row by row is refused, and what to do.
pub(super) fn refused(
    host: &HostName,
    source: &HostName,
    list: &[Unfit],
    whole: Option<SeedMethod>,
) -> Message {
    let all: Vec<String> = list.iter().map(|one| object(&one.object)).collect();
    let carried = list.iter().all(|one| one.why.is_carried_by_whole());
    let advice = match whole {
        Some(method) if carried => {
            format!("Copy the whole server, which carries it: `seed_method: {method}`.")
        }
        _ => "Change what is named below, then plan again.".to_owned(),
    };
    let reason = format!(
        "a copy row by row can't carry everything of {source} to {host} as it is ({}). {advice} Nothing was changed.",
        cut(&all, 3)
    );
    let by_hand = |one: &Unfit| whole.is_none() || !one.why.is_carried_by_whole();
    let mut details: Vec<String> = list
        .iter()
        .take(MOST)
        .map(|one| match by_hand(one) {
            true => format!("{}; {}", unfit(host, one), way(&workaround(host, source, one))),
            false => unfit(host, one),
        })
        .collect();
    details.extend(list.len().checked_sub(MOST + 1).map(|more| format!("and {} more", more + 1)));
    Message { reason, details }
}

/// One object with the reason.
pub(crate) fn unfit(host: &HostName, unfit: &Unfit) -> String {
    format!("{}: {}", object(&unfit.object), why(host, &unfit.why))
}

fn object(object: &UnfitObject) -> String {
    match object {
        UnfitObject::Table(name) => format!("table {}", path(name)),
        UnfitObject::Column(name, column) => format!("column {}.{}", path(name), visible(column)),
        UnfitObject::View(name) => format!("view {}", path(name)),
        UnfitObject::Account((user, at)) => format!("account {}", visible(&account_shown(user, at))),
    }
}

fn path((database, name): &(String, String)) -> String {
    format!("{}.{}", visible(database), visible(name))
}

fn why(host: &HostName, why: &UnfitWhy) -> String {
    match why {
        UnfitWhy::NoEngine { engine } => format!("{host} does not have its storage engine, {}", visible(engine)),
        UnfitWhy::NoKey => {
            format!("it has no primary key, and innodb_force_primary_key is ON on {host}")
        }
        UnfitWhy::History => {
            format!("it keeps old versions of its rows, and by its version {host} lets nobody write them")
        }
        UnfitWhy::HistoryByTransactions => {
            "it tells old versions of its rows apart by numbers of transactions, which mean nothing on another server"
                .to_owned()
        }
        UnfitWhy::Tablespace => "it lies in a general tablespace".to_owned(),
        UnfitWhy::TypedJson => {
            "a JSON document in it holds a value whose type its text does not show, such as a date".to_owned()
        }
        UnfitWhy::LargeRow { bytes: size, packet } => format!(
            "a row of it has {}, and {host} takes statements of {} (max_allowed_packet)",
            bytes(*size),
            bytes(*packet)
        ),
        UnfitWhy::BrokenView => "it references something that does not exist any more".to_owned(),
        UnfitWhy::NoDefiner { definer: (user, at), .. } => format!(
            "it calls a function of {}, an account that {host} does not have",
            visible(&account_shown(user, at))
        ),
        UnfitWhy::LoginPlugin { plugin } => {
            format!("it logs in by the plugin {}, which {host} has not loaded", visible(plugin))
        }
        UnfitWhy::PartialRevokes => {
            format!("something was taken back from what it may do everywhere, and {host} knows no such thing (partial_revokes)")
        }
        UnfitWhy::RestsOnSystem { name } => {
            format!("it references mysql.{}, which is not copied and {host} does not have", visible(name))
        }
        UnfitWhy::GrantOnSystem(grant) => {
            format!("it has privileges on {}, which is not copied and {host} does not have", on(grant))
        }
        UnfitWhy::GrantOnGone(grant) => format!("it has privileges on {}, which does not exist", on(grant)),
        UnfitWhy::GrantOnLeftOut(grant) => format!("it has privileges on {}, which is not copied", on(grant)),
    }
}

fn on(grant: &ObjectGrant) -> String {
    match &grant.on {
        GrantedOn::Table => path(&grant.name),
        GrantedOn::Column(column) => format!("{}.{}", path(&grant.name), visible(column)),
        GrantedOn::Routine(kind) => format!("the {} {}", kind.to_lowercase(), path(&grant.name)),
    }
}

/// What lets it be carried, as an imperative.
fn way(next: &Next) -> String {
    match next {
        Next::Run { on: Some(on), command } => format!("run on {on}: {}", visible(command)),
        Next::Set { variable, value: Some(value) } => format!("set {variable} to {value}"),
        Next::Set { variable, value: None } => format!("add it to {variable}, or take the privileges back"),
        Next::Install { on, what } => format!("install {} on {on}", visible(what)),
        _ => "replace the replica's server by one to which the whole can be copied, or that takes it"
            .to_owned(),
    }
}
