//! A host that is lost.

use tandem::inside::{
    gtid::{Errant, Transactions},
    model::{Fact, HostName, ThreadState},
    observe::{ErrantFacts, ErrantKind},
    plan::{Action, Plan},
    role_unit::RoleUnitFacts,
};

use crate::{
    run, settle,
    world::{Files, Host, World},
};

fn files(topology: &str) -> Files {
    let topology = Some(topology.to_owned());
    Files { dual: false, count: 3, deny: false, file: false, reversed: false, topology }
}

fn fleet() -> World {
    let host = |n| Host { own_id: true, data: n == 0, ..Host::default() };
    let mut world = World::new(&[host(0), host(1), host(2)]);
    let last = settle(&mut world, &files("{kind: primary-replica, primary: db-1, replicas: [db-2, db-3]}"));
    assert!(last.in_sync(), "{last:#?}");
    world.write_everywhere(&[0, 1, 2]);
    world
}

fn accounts(plan: &Plan) -> Vec<(String, bool)> {
    let account = |action: &Action| match action {
        Action::KeepOut { user, host } => Some((format!("{user}@{host}"), true)),
        Action::LetIn { user, host } => Some((format!("{user}@{host}"), false)),
        _ => None,
    };
    plan.steps.iter().filter_map(|step| account(&step.action)).collect()
}

/// An account for many addresses stays as it is for everybody else.
#[test]
fn a_wide_account_does_not_let_a_lost_host_in() {
    let mut world = fleet();
    let pairs = [("old", "10.0.0.%"), ("old", "%"), ("far", "10.9.%"), ("named", "10.0.0.3"), ("named", "%")];
    for n in [0, 1] {
        let server = world.server_of(n);
        let pairs = pairs.map(|(user, from)| (user.to_owned(), from.to_owned()));
        server.account_names.extend(pairs.clone());
        server.replicating.let_in.extend(pairs);
    }
    let lost = files("{kind: primary-replica, primary: db-1, replicas: [db-2, db-3], lost: [db-3]}");
    let plan = world.plan(&lost);
    assert_eq!(accounts(&plan), [("old@10.0.0.3".to_owned(), true), ("old@10.0.0.3".to_owned(), true)]);
    run(&mut world, &plan, &mut std::iter::repeat(0), usize::MAX);
    assert!(accounts(&world.plan(&lost)).is_empty());
    // It is back: the account goes before the channel is made.
    let back = files("{kind: primary-replica, primary: db-1, replicas: [db-2, db-3]}");
    let plan = world.plan(&back);
    assert_eq!(accounts(&plan), [("old@10.0.0.3".to_owned(), false), ("old@10.0.0.3".to_owned(), false)]);
    settle(&mut world, &back);
    assert!(accounts(&world.plan(&back)).is_empty());
}

fn with(count: usize, topology: &str) -> Files {
    Files { count, ..files(topology) }
}

fn opened(plan: &Plan) -> Vec<&str> {
    let opens = |action: &Action| match action {
        Action::SetGlobal(list) | Action::Restart { expect: list, .. } => {
            list.contains(&("read_only".into(), "OFF".into()))
        }
        Action::Switchover(_) | Action::Failover(_) => true,
        _ => false,
    };
    plan.steps.iter().filter(|step| opens(&step.action)).map(|step| step.host.as_str()).collect()
}

const TREE: &str = "{kind: primary-replica, primary: db-1, replicas: [db-2, db-3]}";

/// What has left the topology is nobody's writer for that.
#[test]
fn a_removed_replica_stays_closed() {
    let mut world = fleet();
    let left = files("{kind: primary-replica, primary: db-1, replicas: [db-2]}");
    assert!(opened(&world.plan(&left)).is_empty());
    settle(&mut world, &left);
    assert!(world.server_of(2).is_on("read_only"));
    // It stays so when the server is started again.
    let plan = world.plan(&left);
    assert!(plan.steps.is_empty(), "{plan:#?}");
    assert!(!world.server_of(0).is_on("read_only"));
}

/// A host of the play that is no member has its own clients.
#[test]
fn a_spare_host_that_is_open_is_no_second_writer() {
    let host = |n| Host { own_id: true, data: n == 0, ..Host::default() };
    let mut world = World::new(&[host(0), host(1), host(2), host(3)]);
    settle(&mut world, &with(4, TREE));
    world.write_everywhere(&[0, 1, 2]);
    let turned = "{kind: primary-replica, primary: db-2, replicas: [db-1, db-3]}";
    let plan = world.plan(&with(4, turned));
    assert!(plan.refused.is_empty(), "{:#?}", plan.refused);
    assert_eq!(opened(&plan), ["db-2"]);
}

/// The unit has kept the recorded writer closed, since another host was open: with the opening its events run again.
#[test]
fn what_the_unit_has_closed_is_opened_with_its_events() {
    let mut world = fleet();
    world.host(0).role_unit = Fact::Known(RoleUnitFacts::default());
    let server = world.server_of(0);
    for (name, value) in [("read_only", "ON"), ("event_scheduler", "OFF")] {
        server.variables.insert(name.into(), value.into());
    }
    let set = |world: &World| {
        let plan = world.plan(&files(TREE));
        let sets = |action: &Action| match action {
            Action::SetGlobal(list) => Some(list.clone()),
            _ => None,
        };
        plan.steps.iter().filter(|step| step.host.as_str() == "db-1").find_map(|step| sets(&step.action))
    };
    let open = ("read_only".to_owned(), "OFF".to_owned());
    assert_eq!(set(&world), Some(vec![open.clone()]));
    world.server_of(0).defaults.insert("event_scheduler".into(), "ON".into());
    assert_eq!(set(&world), Some(vec![open, ("event_scheduler".to_owned(), "ON".to_owned())]));
    // What a replica alone has, and takes no writes, keeps it closed no longer.
    world.host(1).errant = errant();
    assert_eq!(opened(&world.plan(&files(TREE))), ["db-1"]);
    // One that is open, and keeps still for that, would be a second writer.
    for n in [1, 2] {
        world.server_of(n).variables.insert("read_only".into(), "OFF".into());
    }
    let plan = world.plan(&files(TREE));
    assert!(plan.refused.iter().any(|refusal| refusal.host.as_str() == "db-2"), "{:#?}", plan.refused);
    assert!(opened(&plan).is_empty());
}

/// A transaction that only a replica has.
fn errant() -> Fact<Vec<ErrantFacts>> {
    let one = Errant { domain: 0, server: 41, after: 0, up_to: 1 };
    Fact::Known(vec![ErrantFacts {
        kind: ErrantKind::OnlyHere,
        sources: vec!["db-1".into()],
        transactions: Transactions::MariaDb(vec![one]),
        events: Vec::new(),
        undecoded: None,
    }])
}

/// What a replica takes for itself is refused, but it takes no more of it: that is not left for later.
#[test]
fn who_accepts_writes_beside_the_writer_is_closed_whatever_is_refused() {
    let mut world = fleet();
    world.host(1).errant = errant();
    for n in [1, 2] {
        world.server_of(n).variables.insert("read_only".into(), "OFF".into());
    }
    let closed = |plan: &Plan| {
        let closes = plan.steps.iter().filter(|step| step.action.sets_read_only("ON"));
        closes.map(|step| step.host.to_string()).collect::<std::collections::BTreeSet<_>>()
    };
    let plan = world.plan(&files(TREE));
    assert_eq!(plan.refused.len(), 1, "{:#?}", plan.refused);
    assert_eq!(closed(&plan), ["db-2".to_owned(), "db-3".to_owned()].into());
    assert_eq!(plan.second_writers(), [&HostName::new("db-2"), &HostName::new("db-3")]);
    // Where clients are to write, nobody can: what is open is all they have.
    world.server_of(0).variables.insert("read_only".into(), "ON".into());
    let plan = world.plan(&files(TREE));
    assert!(!closed(&plan).contains("db-2") && plan.second_writers().is_empty(), "{:#?}", plan.steps);
}

/// A run that ended early has opened one replica: another one is no second writer.
#[test]
fn no_replica_takes_over_beside_one_that_is_open() {
    let mut world = fleet();
    world.observed.insert(HostName::new("db-1"), Fact::Unread("silent".into()));
    for n in [1, 2] {
        if let Fact::Known(channels) = &mut world.server_of(n).channels {
            channels.iter_mut().for_each(|channel| channel.io_running = ThreadState::No);
        }
    }
    let lost = files("{kind: primary-replica, primary: db-2, replicas: [db-1, db-3], lost: [db-1]}");
    let plan = world.plan(&lost);
    assert_eq!(opened(&plan), ["db-2"], "{plan:#?}");
    let server = world.server_of(2);
    server.variables.insert("read_only".into(), "OFF".into());
    server.channels = Fact::Known(Vec::new());
    let plan = world.plan(&lost);
    let codes: Vec<&str> = plan.refused.iter().map(|refusal| refusal.why.code()).collect();
    assert_eq!(codes, ["other-writer"], "{:#?}", plan.refused);
    assert!(opened(&plan).is_empty());
    let that = files("{kind: primary-replica, primary: db-3, replicas: [db-1, db-2], lost: [db-1]}");
    assert!(world.plan(&that).refused.is_empty());
}

/// A switch that was cut off may have opened the host that is lost now: nobody follows it yet, and it may take writes still.
#[test]
fn a_host_is_opened_beside_a_lost_one_only_with_leave() {
    let mut world = fleet();
    world.server_of(0).variables.insert("read_only".into(), "ON".into());
    world.observed.insert(HostName::new("db-3"), Fact::Unread("silent".into()));
    let lost = files("{kind: primary-replica, primary: db-1, replicas: [db-2, db-3], lost: [db-3]}");
    let leave = |plan: &Plan| {
        let opening = plan.steps.iter().filter(|step| step.action.sets_read_only("OFF"));
        opening.flat_map(|step| &step.risk).filter_map(|risk| risk.gate()).collect::<Vec<_>>()
    };
    assert_eq!(leave(&world.plan(&lost)), [tandem::inside::plan::Allow::Unfenced]);
    // One that could be read takes no writes: that it does would be the first that is told.
    let mut world = fleet();
    world.server_of(0).variables.insert("read_only".into(), "ON".into());
    assert!(leave(&world.plan(&lost)).is_empty());
}

/// The one that shall take no writes is closed before the other one is opened.
#[test]
fn one_is_closed_before_another_one_is_opened() {
    let mut world = fleet();
    world.server_of(0).variables.insert("read_only".into(), "ON".into());
    // The third one as well: no other one is the writer by itself.
    for n in [1, 2] {
        world.server_of(n).variables.insert("read_only".into(), "OFF".into());
    }
    let plan = world.plan(&files(TREE));
    let sets = |host: &str, to: &str| {
        let set = |step: &&tandem::inside::plan::Step| match &step.action {
            Action::SetGlobal(list) => {
                step.host.as_str() == host && list.contains(&("read_only".into(), to.into()))
            }
            _ => false,
        };
        plan.steps.iter().find(set).unwrap_or_else(|| panic!("{plan:#?}"))
    };
    assert!(sets("db-1", "OFF").requires.contains(&sets("db-2", "ON").id));
}

/// Without a role that opens it, nobody starts closed unasked; who asks for it is told.
#[test]
fn a_writer_that_nothing_opens_starts_open() {
    let mut world = fleet();
    world.host(0).role_unit = Fact::Absent;
    let os = &mut world.host(0).os;
    os.systemd = true;
    os.tools.insert("mariadb".into(), "/usr/bin/mariadb".into());
    let starts_closed = |world: &World| {
        let plan = world.plan(&files(TREE));
        let closed = plan.steps.iter().any(|step| match &step.action {
            Action::WriteOptionFile { content, .. } => content.contains("read_only = ON"),
            _ => false,
        });
        (closed, plan.warnings.iter().any(|warning| warning.what.code() == "starts-closed"))
    };
    assert_eq!(starts_closed(&world), (true, false));
    world.roles.retain(|role| *role != "replication");
    assert_eq!(starts_closed(&world), (false, false));
    world.extra.push("boot_read_only=true".into());
    assert_eq!(starts_closed(&world), (true, true));
}
