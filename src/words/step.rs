//! What a step does, in one line.

use super::first;
use crate::{
    desired::{Positioning, SeedPath},
    dialect::HEARTBEAT,
    firewall::FirewallChange,
    model::{HostName, bytes, visible},
    plan::{
        AccountChange, AccountTask, Action, CatchUpPhase, CertificatePlan, ChannelChange, ChannelTask,
        ComparePlan, Coordinates, CopyMethod, Events, FileStage, Hop, SeedPlan, Span, State, Step,
        StepDocument, Switchover, UndeclaredChannel,
    },
};

/// What a step does, with the sizes and positions of this moment.
pub(crate) fn step(step: &Step) -> String {
    match (&step.action, position(&step.action)) {
        (Action::Seed(plan), _) if matches!(plan.method, CopyMethod::ByHand { .. }) => lasting(step),
        (Action::Seed(plan), _) => format!("{} ({})", lasting(step), bytes(plan.bytes)),
        (_, Some(position)) => format!("{} from {position}", lasting(step)),
        _ => lasting(step),
    }
}

/// The same out of the document.
pub(crate) fn summary(step: &StepDocument) -> String {
    let position = step.position.as_ref().map(|position| format!(" from {position}")).unwrap_or_default();
    let size = step.bytes.map(|size| format!(" ({})", bytes(size))).unwrap_or_default();
    format!("{}{position}{size}", step.summary)
}

/// The position at which a channel begins, where that is one of this moment.
pub(crate) fn position(action: &Action) -> Option<String> {
    let Action::Channel(change) = action else { return None };
    match (&change.coordinates, change.wish.positioning) {
        (Coordinates::At { gtid, .. }, Positioning::Gtid) => (!gtid.is_empty()).then(|| gtid.clone()),
        (Coordinates::At { at, .. }, Positioning::File) => at.as_ref().map(ToString::to_string),
        _ => None,
    }
}

/// What a step does, without what changes from second to second on a server that is in use.
pub(crate) fn lasting(step: &Step) -> String {
    let verb = if step.before.is_some() { "change" } else { "write" };
    match &step.action {
        Action::Firewall(change) => firewall(change),
        Action::Resource(change) => change.any().summary(),
        Action::InstallServer { package, .. } => match step.before {
            None => format!("install {package}"),
            Some(_) => format!("finish the installation of {package}"),
        },
        Action::RemoveLeftovers { accounts, database } => leftovers(accounts, *database),
        Action::WriteOptionFile { path, stage, .. } => match stage {
            FileStage::AsDeclared => format!("{verb} {path}"),
            FileStage::WritesAway { .. } => format!("{verb} {path}, with {} closed to writes", step.host),
            FileStage::WritesBack { .. } => format!("{verb} {path}, with {} open to writes again", step.host),
        },
        Action::IncludeDirectory { file, directory, .. } => format!("include {directory} in {file}"),
        Action::Certificate(plan) => certificate(plan),
        Action::SaveErrant { transactions, .. } => {
            let names: Vec<String> = transactions.iter().map(ToString::to_string).collect();
            format!("save what only {} has: {}", step.host, first(&names))
        }
        Action::SetGlobal(list) => format!("set {} without a restart", variables(list)),
        Action::GtidMode { phase, .. } => format!("set gtid_mode to {phase} without a restart"),
        Action::ResetPersisted(names) => format!("take {} out of mysqld-auto.cnf", names.join(", ")),
        Action::Restart { unit, causes, new_uuid, .. } => {
            let own = new_uuid.then(|| "a server_uuid of its own".to_owned());
            let causes: Vec<String> = own.into_iter().chain(causes.iter().cloned()).collect();
            format!("restart {unit} for {}", causes.join(", "))
        }
        Action::StartService { unit, .. } => match step.before {
            Some(State::Service { running: true, .. }) => format!("let {unit} start at boot"),
            _ => format!("start {unit}"),
        },
        Action::Heartbeat { interval, .. } => format!("stamp a row in {HEARTBEAT} every {interval} s"),
        Action::Account(_)
        | Action::DropAccount { .. }
        | Action::LockAccount { .. }
        | Action::KeepOut { .. }
        | Action::LetIn { .. } => account(step),
        Action::Database { wish, exists: false } => format!("create database {}", wish.name),
        Action::Database { wish, exists: true } => {
            format!("change the defaults of database {}", wish.name)
        }
        Action::Seed(plan) => copy(plan),
        Action::RestoreRetention(_) => "let it purge its binary logs again".to_owned(),
        Action::CompareCopy(plan) => compare(plan),
        Action::Channel(change) => channel(step, change),
        Action::CatchUp { hops, closing, moment } => catch_up(hops, closing, *moment),
        Action::Switchover(plan) => switchover(plan, &step.host),
        Action::Events(change) => events(change),
        Action::Failover(plan) => {
            let lost: Vec<&str> = plan.lost.iter().map(HostName::as_str).collect();
            format!("let {} take the writes of {}, which is lost", step.host, lost.join(" and "))
        }
        Action::RecordWriter(_) | Action::ForgetWriter { .. } => record(step),
        Action::DropChannel(channel) => format!("end the channel from {}", undeclared(channel)),
    }
}

fn switchover(plan: &Switchover, to: &HostName) -> String {
    let from = &plan.from;
    match plan.span {
        Span::Lasting => format!("switch writes over from {from} to {to}"),
        Span::DuringRestart => format!("switch writes over from {from} to {to} while {from} is restarted"),
        Span::Back => format!("switch writes back from {from} to {to}"),
    }
}

fn events(change: &Events) -> String {
    let named = |list: &[(String, String)]| {
        let names: Vec<String> =
            list.iter().map(|(database, name)| visible(&format!("{database}.{name}"))).collect();
        first(&names)
    };
    match (change.run.is_empty(), change.stay.is_empty()) {
        (false, true) => format!("enable events: {}", named(&change.run)),
        (true, _) => format!("disable events: {}", named(&change.stay)),
        (false, false) => {
            format!("enable events: {}; disable {}", named(&change.run), named(&change.stay))
        }
    }
}

fn record(step: &Step) -> String {
    match step.action {
        Action::ForgetWriter { .. } => format!("no longer record {} as the writer", step.host),
        _ => format!("record {} as the writer, for its next start", step.host),
    }
}

fn firewall(change: &FirewallChange) -> String {
    let backend = change.backend.word();
    let ports: Vec<String> = change.wish.ports.iter().map(u16::to_string).collect();
    let port = ports.join(", ");
    match &change.closes {
        None => format!("{backend}: the peers reach port {port}"),
        Some(_) if change.wish.deny_others => {
            format!("{backend}: close port {port} to all but the peers and firewall_allow")
        }
        Some(_) => format!("{backend}: remove the rules of hosts that are not peers of port {port}"),
    }
}

fn leftovers(accounts: &[(String, String)], database: bool) -> String {
    let anonymous = accounts.iter().any(|(user, _)| user.is_empty());
    let root = accounts.iter().any(|(user, _)| !user.is_empty());
    let what = [
        anonymous.then_some("anonymous accounts"),
        root.then_some("root from other hosts"),
        database.then_some("the empty database test"),
    ];
    format!("drop {}", what.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn certificate(plan: &CertificatePlan) -> String {
    let directory = plan.directory.display();
    match (plan.issue, plan.others.is_empty()) {
        (true, _) => format!("give it a certificate by the authority in {directory}"),
        (false, false) => format!("let it trust the authority in {directory}, too"),
        (false, true) => format!("let it trust the authority in {directory} alone"),
    }
}

fn variables(list: &[(String, String)]) -> String {
    list.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}

fn copy(plan: &SeedPlan) -> String {
    let whose = match plan.donor == plan.from {
        true => String::new(),
        false => format!(", a replica of {}", plan.from),
    };
    let how = match &plan.method {
        CopyMethod::ByHand { at } => {
            return format!("take its data as that of {} at {at}", plan.from);
        }
        CopyMethod::Logical => "",
        CopyMethod::Physical { .. } => ", all files by mariadb-backup",
        CopyMethod::Clone(_) => ", the whole server by the clone plugin",
    };
    // A clone is fetched by the server itself.
    let way = match (plan.path, &plan.method) {
        (SeedPath::Direct, CopyMethod::Logical | CopyMethod::Physical { .. }) => {
            ", straight from host to host"
        }
        (SeedPath::Relay, CopyMethod::Logical | CopyMethod::Physical { .. }) => ", through this machine",
        _ => "",
    };
    format!("copy {} from {}{whose}{how}{way}", first(&plan.databases), plan.donor)
}

fn compare(plan: &ComparePlan) -> String {
    let from = &plan.from;
    let accounts = if plan.accounts { ", accounts" } else { "" };
    let delay = match plan.is_far_behind() {
        true => format!("; its delay of {} s begins afterwards", plan.delay),
        false => String::new(),
    };
    format!("compare the copy with {from}: rows, definitions{accounts}{delay}")
}

fn channel(step: &Step, change: &ChannelChange) -> String {
    let source = &change.wish.source;
    match change.task {
        ChannelTask::Make => format!("replicate from {source}{}", beginning(change)),
        ChannelTask::Move => {
            let now = former_source(change);
            format!("move the channel from {now} to {source}, with the data and from where it stands")
        }
        ChannelTask::LeaveOut => {
            format!("leave out one statement of {source}: it concerns an account that is kept there only")
        }
        ChannelTask::FetchAgain => {
            format!("fetch everything after the last executed event of {source} again")
        }
        ChannelTask::Change => {
            let values = step.after.as_ref().and_then(State::values).unwrap_or_default();
            let fields: Vec<&str> = values.iter().map(|value| value.name.as_str()).collect();
            format!("change the channel from {source}: {}", fields.join(", "))
        }
        ChannelTask::Reconnect => format!("reconnect the channel from {source}"),
        ChannelTask::Start => format!("start the channel from {source}"),
    }
}

/// Where a new channel begins, but for a position of this moment.
fn beginning(change: &ChannelChange) -> &'static str {
    match (&change.coordinates, change.wish.positioning) {
        (Coordinates::OfSeed, _) => " from the coordinates of the copy",
        (Coordinates::At { gtid, .. }, Positioning::Gtid) if gtid.is_empty() => " from the first event",
        (Coordinates::At { at: None, .. }, Positioning::File) => " from the first event",
        (Coordinates::At { .. }, _) => "",
        _ => " from where the two servers' positions meet",
    }
}

fn undeclared(channel: &UndeclaredChannel) -> String {
    format!("{}:{}", visible(&channel.address), channel.port)
}

fn former_source(change: &ChannelChange) -> String {
    match &change.coordinates {
        Coordinates::Moved { from: Some(host), .. } => host.to_string(),
        Coordinates::Moved { from: None, at, .. } => at.to_string(),
        _ => String::new(),
    }
}

fn catch_up(hops: &[Hop], closing: &[HostName], moment: CatchUpPhase) -> String {
    let sources: std::collections::BTreeSet<&str> =
        hops.iter().map(|hop| hop.from.as_ref().map_or("its sources", HostName::as_str)).collect();
    let sources = sources.into_iter().collect::<Vec<_>>().join(", ");
    let names = closing.iter().map(HostName::as_str).collect::<Vec<_>>().join(", ");
    let verb = if closing.len() == 1 { "takes" } else { "take" };
    match moment {
        CatchUpPhase::BeforeClosing => format!("catch up with {sources} while {names} still {verb} writes"),
        CatchUpPhase::AfterClosing if closing.is_empty() => {
            format!("catch up with {sources} before clients write here")
        }
        CatchUpPhase::AfterClosing => {
            format!("catch up with {sources}, now that {names} {verb} no more writes")
        }
    }
}

/// What is done to an account.
fn account(step: &Step) -> String {
    match &step.action {
        Action::Account(AccountChange { wish, task }) => {
            let verb = match task {
                AccountTask::Make => "create account",
                AccountTask::ChangeLogin | AccountTask::Change => "change account",
                AccountTask::RequireTls => "let in over TLS only",
            };
            format!("{verb} {}@{}", wish.user, wish.host)
        }
        Action::DropAccount { user, host } => format!("drop account {user}@{host}"),
        Action::LockAccount { user, host } => {
            format!(
                "lock the account {}, by which the lost host replicates",
                visible(&format!("{user}@{host}"))
            )
        }
        Action::KeepOut { user, host } => {
            format!("keep the lost host out: lock {}", visible(&format!("{user}@{host}")))
        }
        Action::LetIn { user, host } => {
            format!(
                "drop the locked account {}, which kept out a lost host",
                visible(&format!("{user}@{host}"))
            )
        }
        _ => String::new(),
    }
}
