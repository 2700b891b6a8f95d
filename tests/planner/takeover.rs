//! Writes that move to another host, whatever is declared of `read_only`.

use tandem::inside::{
    gtid::{Errant, GtidState, Transactions},
    model::{Fact, HostName, ServerVersion, ThreadState},
    observe::{ErrantFacts, ErrantKind},
    plan::{Action, Allow, Because, Next, Note, Plan, Policy, Refused, Risk, TakeoverRefused},
};

use crate::{
    advice::cases::wrote,
    settle,
    world::{Files, Host, World},
};

const BEFORE: &str = "{kind: primary-replica, primary: db-1, replicas: [db-2, db-3]}";
const AFTER: &str = "{kind: primary-replica, primary: db-2, replicas: [db-1, db-3]}";

fn files(topology: &str) -> Files {
    let topology = Some(topology.to_owned());
    Files { dual: false, count: 3, deny: false, file: false, reversed: false, topology }
}

fn fleet() -> World {
    fleet_with(None)
}

/// One whose replicas somebody has closed by hand.
fn undeclared() -> World {
    let mut world = fleet_with(Some("mysql_settings={\"read_only\": null}"));
    for n in [1, 2] {
        set(&mut world, n, "read_only", "ON");
    }
    world
}

fn fleet_with(extra: Option<&str>) -> World {
    let host = |n| Host { own_id: true, data: n == 0, ..Host::default() };
    let mut world = World::new(&[host(0), host(1), host(2)]);
    world.extra.extend(extra.map(str::to_owned));
    settle(&mut world, &files(BEFORE));
    world.write_everywhere(&[0, 1, 2]);
    for n in [1, 2] {
        world.channel_of(n).seconds_behind = Some(0);
    }
    world
}

fn switch(plan: &Plan) -> Option<(&str, &str, Vec<&str>, Vec<&str>)> {
    fn names(list: &[(String, String)]) -> Vec<&str> {
        list.iter().map(|(name, _)| name.as_str()).collect()
    }
    plan.steps.iter().find_map(|step| match &step.action {
        Action::Switchover(switch) => {
            Some((switch.from.as_str(), step.host.as_str(), names(&switch.close), names(&switch.open)))
        }
        _ => None,
    })
}

fn refused(plan: &Plan) -> Vec<&str> {
    plan.refused.iter().map(|refusal| refusal.why.code()).collect()
}

fn set(world: &mut World, n: usize, name: &str, value: &str) {
    world.server_of(n).variables.insert(name.into(), value.into());
}

/// What a server's binary log has.
fn counts(world: &mut World, n: usize, ids: &str) {
    let Fact::Known(GtidState::MariaDb(state)) = &mut world.server_of(n).gtid else { panic!("MariaDB") };
    state.binlog_state = ids.parse().expect("a state");
    // A primary has executed nothing of anybody.
    let last = if n == 0 { "" } else { ids.split(',').next_back().expect("an id") };
    state.slave_pos = last.parse().expect("a position");
}

/// As in a fleet that was adopted.
#[test]
fn where_nothing_is_declared_of_it_writes_move_all_the_same() {
    let mut world = undeclared();
    assert!(world.plan(&files(BEFORE)).in_sync());
    let plan = world.plan(&files(AFTER));
    assert_eq!(switch(&plan), Some(("db-1", "db-2", vec!["read_only"], vec!["read_only"])), "{plan:#?}");
    assert!(plan.refused.is_empty() && plan.waiting.is_empty());
    // A replica that somebody has opened, and a primary that somebody has closed, are left alone where nothing moves.
    set(&mut world, 1, "read_only", "OFF");
    assert!(world.plan(&files(BEFORE)).steps.is_empty());
    let mut world = undeclared();
    set(&mut world, 0, "read_only", "ON");
    let plan = world.plan(&files(BEFORE));
    assert!(plan.steps.is_empty(), "{plan:#?}");
    assert_eq!(plan.warnings.iter().map(|w| w.what.code()).collect::<Vec<_>>(), ["no-writer"]);
    // The role that sets variables is none of this play's.
    let mut world = fleet();
    world.roles.retain(|role| *role != "config");
    assert_eq!(switch(&world.plan(&files(AFTER))).map(|(from, to, ..)| (from, to)), Some(("db-1", "db-2")));
}

#[test]
fn a_lost_host_has_a_successor_where_nothing_is_declared() {
    let mut world = undeclared();
    world.observed.insert(HostName::new("db-1"), Fact::Unread("silent".into()));
    for n in [1, 2] {
        world.channel_of(n).io_running = ThreadState::No;
    }
    let lost = files("{kind: primary-replica, primary: db-2, replicas: [db-1, db-3], lost: [db-1]}");
    let opened = |plan: &Plan| plan.steps.iter().any(|step| step.opens(&HostName::new("db-2")));
    let plan = world.plan(&lost);
    assert!(
        opened(&plan) && plan.refused.iter().all(|refusal| refusal.why.code() == "still-alive"),
        "{plan:#?}"
    );
    // It was cut off when the channel had ended.
    world.server_of(1).channels = Fact::Known(Vec::new());
    assert!(opened(&world.plan(&lost)));
}

#[test]
fn what_a_successor_wrote_itself_is_told() {
    let mut world = undeclared();
    world.observed.insert(HostName::new("db-1"), Fact::Unread("silent".into()));
    let lost = files("{kind: primary-replica, primary: db-2, replicas: [db-1, db-3], lost: [db-1]}");
    for n in [1, 2] {
        world.channel_of(n).io_running = ThreadState::No;
    }
    let told = |world: &World| {
        let plan = world.plan(&lost);
        let steps = plan.steps.iter().filter(|step| matches!(step.action, Action::Failover(_)));
        let risks = steps.flat_map(|step| &step.risk);
        let mut found = risks.filter_map(|risk| match risk {
            Risk::Note { note: Note::WroteItself { on, events } } => Some((on.to_string(), events.clone())),
            _ => None,
        });
        found.next()
    };
    for (n, ids) in [(1, "0-40-9,0-41-10"), (2, "0-40-9")] {
        wrote(&mut world, n, ids);
    }
    assert_eq!(told(&world), Some(("db-2".to_owned(), vec!["0-41-10".to_owned()])));
    // It was written to before, and the other one has that.
    wrote(&mut world, 2, "0-41-10,0-40-9");
    assert_eq!(told(&world), None);
}

#[test]
fn where_the_opposite_is_declared_nothing_moves() {
    let mut world = fleet();
    world.extra.push("mysql_settings={\"read_only\": true}".into());
    let plan = world.plan(&files(AFTER));
    assert_eq!(refused(&plan), ["declared-closed"], "{plan:#?}");
    assert!(plan.refused[0].why.place().is_some());
    let mut world = fleet();
    world.extra.push("mysql_settings={\"read_only\": false}".into());
    assert_eq!(refused(&world.plan(&files(AFTER))), ["old-writer-declared-open"]);
    // Nor is one closed that has the writes already and is to take them.
    let mut world = fleet();
    settle(&mut world, &files(AFTER));
    world.extra.push("mysql_settings={\"read_only\": true}".into());
    let to = Policy { takes_over: Some(HostName::new("db-2")), ..Policy::default() };
    assert_eq!(refused(&world.plan_allowing(&files(AFTER), &to)), ["declared-closed"]);
}

/// A replica is open and has what the closed host lacks that is declared to take the writes. That it has them is said only
/// where everybody was read.
#[test]
fn where_the_writes_are_is_said_by_who_was_read() {
    let why = |world: &World| {
        let plan = world.plan(&files(BEFORE));
        let found = plan.refused.iter().find_map(|refusal| match &refusal.why {
            Refused::Takeover(TakeoverRefused::WritesElsewhere { closed_at, unread, .. }) => {
                Some((closed_at.is_some(), unread.clone(), refusal.why.next(&refusal.host)))
            }
            _ => None,
        });
        found.unwrap_or_else(|| panic!("{plan:#?}"))
    };
    let mut world = fleet();
    for (n, ids) in [(0, "0-1-102"), (1, "0-1-102"), (2, "0-1-102,0-3-103")] {
        counts(&mut world, n, ids);
    }
    set(&mut world, 0, "read_only", "ON");
    set(&mut world, 2, "read_only", "OFF");
    world.server_of(2).channels = Fact::Known(Vec::new());
    let switches = |next: &[Next]| next.iter().any(|next| matches!(next, Next::Run { .. }));
    let (closed, unread, next) = why(&world);
    assert!(!closed && unread.is_empty() && switches(&next), "{next:?}");
    // Where the host that is declared to take them is declared read-only, that line is what is wrong.
    let mut both = world.clone();
    both.extra.push("mysql_settings={\"read_only\": true}".into());
    let (closed, _, next) = why(&both);
    assert!(closed && !switches(&next), "{next:?}");
    // The second replica may be where clients write.
    world.observed.insert(HostName::new("db-2"), Fact::Unread("silent".into()));
    let (_, unread, next) = why(&world);
    assert_eq!(unread, [HostName::new("db-2")]);
    assert!(!switches(&next), "{next:?}");
    let allowed = Policy::of([Allow::Reseed, Allow::DiscardErrant]);
    let copies = |action: &Action| matches!(action, Action::Seed(_));
    assert!(!world.plan_allowing(&files(BEFORE), &allowed).steps.iter().any(|step| copies(&step.action)));
}

/// Which of the two clients write to is not known: neither is closed.
#[test]
fn a_replica_that_is_open_takes_no_writes_over() {
    let mut world = fleet();
    set(&mut world, 1, "read_only", "OFF");
    let plan = world.plan(&files(AFTER));
    assert_eq!(refused(&plan), ["writers-not-one"], "{plan:#?}");
    // The warning would say that `apply` closes the others.
    assert!(plan.warnings.iter().all(|warning| warning.what.code() != "several-writers"), "{plan:#?}");
    assert!(!plan.steps.iter().any(|step| step.action.sets_read_only("ON")), "{:#?}", plan.steps);
    // Nor where its channel stands still.
    world.channel_of(1).io_running = ThreadState::No;
    let plan = world.plan(&files(AFTER));
    assert!(refused(&plan).contains(&"writers-not-one"), "{plan:#?}");
    assert!(!plan.steps.iter().any(|step| step.action.sets_read_only("ON")), "{:#?}", plan.steps);
}

/// A server that is open and whose sessions begin read-only takes no writes of clients.
#[test]
fn no_host_takes_over_whose_sessions_are_read_only() {
    let most = u64::MAX.to_string();
    let three =
        [("tx_read_only", "OFF", "ON"), ("max_join_size", most.as_str(), "1"), ("autocommit", "ON", "OFF")];
    for (name, usual, value) in three {
        let mut world = fleet();
        for n in 0..3 {
            set(&mut world, n, name, usual);
        }
        assert!(switch(&world.plan(&files(AFTER))).is_some());
        set(&mut world, 1, name, value);
        assert_eq!(refused(&world.plan(&files(AFTER))), ["other-parameters"], "{name}");
    }
}

/// Where it is declared that replicas are open, closing one by hand would last until the next `apply`: that line is named.
#[test]
fn who_is_declared_open_is_closed_by_no_statement() {
    let mut world = fleet();
    world.extra.push("mysql_settings={\"read_only\": false}".into());
    settle(&mut world, &files(BEFORE));
    let plan = world.plan(&files(AFTER));
    assert_eq!(refused(&plan), ["writers-not-one"], "{plan:#?}");
    let next = plan.refused[0].why.next(&plan.refused[0].host);
    assert!(
        matches!(next.as_slice(), [Next::Set { variable, .. }] if variable == "mysql_settings"),
        "{next:?}"
    );
}

/// The settings of the old writer wait: it is not closed, so nobody is opened.
#[test]
fn nobody_is_opened_beside_one_whose_closing_waits() {
    let mut world = fleet();
    world.host(0).option_files = Fact::Unread("denied".into());
    let plan = world.plan(&files(AFTER));
    assert!(!plan.steps.iter().any(|step| step.opens(&HostName::new("db-2"))), "{plan:#?}");
    assert!(plan.waiting.iter().any(|waiting| waiting.host.as_str() == "db-2"));
}

/// `read_only` alone stops no administrator of MySQL.
#[test]
fn what_is_half_closed_is_closed_beside_a_refusal() {
    let mut world = fleet();
    for n in 0..3 {
        let server = world.server_of(n);
        server.version = ServerVersion::parse("8.4.5").expect("a version");
        server.version_text = "8.4.5".into();
        server.defaults.insert("super_read_only".into(), "OFF".into());
        server.variables.insert("super_read_only".into(), if n == 2 { "OFF" } else { "ON" }.into());
    }
    set(&mut world, 0, "super_read_only", "OFF");
    world.extra.push("mysql_settings={\"no_such_variable\": 1}".into());
    let plan = world.plan(&files(BEFORE));
    assert!(!plan.refused.is_empty());
    let closed = plan.steps.iter().filter(|step| {
        step.reason.iter().any(|reason| matches!(reason.because, Because::SecondWriter { .. }))
    });
    let closed: Vec<(&str, bool)> =
        closed.map(|step| (step.host.as_str(), step.action.sets("super_read_only", "ON"))).collect();
    assert_eq!(closed, [("db-3", true)], "{:#?}", plan.steps);
}

/// A switch was cut off after it had opened its target and moved a replica there, and then that target is lost: who has what was
/// written there is not to give it up.
#[test]
fn what_a_cut_off_switch_has_left_on_one_replica_is_kept() {
    let mut world = fleet();
    settle(&mut world, &files(AFTER));
    world.write_everywhere(&[0, 1, 2]);
    world.write_everywhere(&[0]);
    set(&mut world, 1, "read_only", "ON");
    world.observed.insert(HostName::new("db-2"), Fact::Unread("silent".into()));
    world.server_of(0).channels = Fact::Known(Vec::new());
    world.channel_of(2).io_running = ThreadState::No;
    let plan =
        world.plan(&files("{kind: primary-replica, primary: db-1, replicas: [db-2, db-3], lost: [db-2]}"));
    assert_eq!(refused(&plan), ["not-superset"], "{plan:#?}");
    let best = plan.refused.iter().find_map(|refusal| match &refusal.why {
        Refused::Takeover(TakeoverRefused::NotSuperset { best, .. }) => best.clone(),
        _ => None,
    });
    assert_eq!(best, Some(HostName::new("db-3")));
}

/// Whose writes are taken is never offered for a copy.
#[test]
fn a_target_that_stands_still_or_has_more_is_told_at_the_target() {
    let mut world = fleet();
    world.channel_of(1).sql_running = ThreadState::No;
    let plan = world.plan(&files(AFTER));
    assert_eq!(refused(&plan), ["target-broken"], "{plan:#?}");
    let mut world = fleet();
    counts(&mut world, 0, "0-1-102");
    counts(&mut world, 1, "0-1-100,0-2-101");
    counts(&mut world, 2, "0-1-100");
    let plan = world.plan(&files(AFTER));
    assert_eq!(refused(&plan), ["target-gone-apart"], "{plan:#?}");
    assert!(plan.refused[0].host.as_str() == "db-2");
}

/// What only a third host has is told by what it is, before the move that it would not survive.
#[test]
fn what_only_a_third_host_has_is_told_before_the_switch() {
    let mut world = fleet();
    for (n, ids) in [(0, "0-1-102"), (1, "0-1-102"), (2, "0-1-102,0-3-103")] {
        counts(&mut world, n, ids);
    }
    world.host(2).errant = Fact::Known(vec![ErrantFacts {
        kind: ErrantKind::OnlyHere,
        sources: vec!["db-1".into()],
        transactions: Transactions::MariaDb(vec![Errant { domain: 0, server: 3, after: 0, up_to: 103 }]),
        events: Vec::new(),
        undecoded: None,
    }]);
    let plan = world.plan(&files(AFTER));
    assert_eq!(refused(&plan), ["errant-transactions"], "{plan:#?}");
    assert_eq!(plan.refused[0].host.as_str(), "db-3");
    // It may be given up: it is saved, and a copy of the new source takes its place.
    let plan = world.plan_allowing(&files(AFTER), &Policy::of([Allow::DiscardErrant]));
    assert!(plan.refused.is_empty(), "{plan:#?}");
    let done = |wanted: fn(&Action) -> bool| {
        plan.steps.iter().any(|step| step.host.as_str() == "db-3" && wanted(&step.action))
    };
    assert!(done(|action| matches!(action, Action::SaveErrant { .. })), "{plan:#?}");
    assert!(done(|action| matches!(action, Action::Seed(seed) if seed.from.as_str() == "db-2")));
}

/// A line of ours that goes opens nobody.
#[test]
fn what_is_declared_no_more_leaves_a_replica_closed() {
    let mut world = fleet();
    world.extra.push("mysql_settings={\"read_only\": null}".into());
    let plan = world.plan(&files(BEFORE));
    assert!(!plan.steps.iter().any(|step| step.action.sets_read_only("OFF")), "{:#?}", plan.steps);
}

/// Of two primaries one becomes a replica: it is closed, and what it took reaches the other one.
/// Nothing is wrong with a replica whose partner does not take the writes: its data is not offered for a copy.
#[test]
fn a_replica_that_lacks_nothing_is_not_copied_for_a_refused_switch() {
    let ahead = |world: &mut World| {
        for (n, ids) in [(0, "0-1-9"), (1, "0-1-7"), (2, "0-1-8")] {
            counts(world, n, ids);
        }
    };
    // Somebody has stopped the applier of the third: the way out is to start it.
    let mut world = fleet();
    ahead(&mut world);
    world.channel_of(2).sql_running = ThreadState::No;
    let plan = world.plan(&files(AFTER));
    let third = plan.refused.iter().find(|refusal| refusal.host == HostName::new("db-3")).expect("a refusal");
    assert_eq!(third.why.code(), "channel-broken", "{plan:#?}");
    let next = third.why.next(&third.host);
    let starts =
        |next: &Next| matches!(next, Next::Run { command, .. } if command.starts_with("START SLAVE"));
    assert!(next.iter().any(starts) && !next.contains(&Next::Allow { allow: Allow::Reseed }), "{next:?}");
    // The target stands still, and the third is well.
    let mut world = fleet();
    ahead(&mut world);
    world.channel_of(1).sql_running = ThreadState::No;
    let plan = world.plan(&files(AFTER));
    assert_eq!(refused(&plan), ["target-broken"], "{plan:#?}");
}

#[test]
fn two_primaries_become_one() {
    let host = |n| Host { own_id: true, data: n == 0, ..Host::default() };
    let mut world = World::new(&[host(0), host(1)]);
    let pair = |topology: &str| Files { count: 2, ..files(topology) };
    settle(&mut world, &pair("{kind: dual-primary, members: [db-1, db-2]}"));
    world.write_everywhere(&[0, 1]);
    for n in [0, 1] {
        world.channel_of(n).seconds_behind = Some(0);
    }
    for one in ["primary: db-1, replicas: [db-2]", "primary: db-2, replicas: [db-1]"] {
        let mut world = world.clone();
        let one = pair(&format!("{{kind: primary-replica, {one}}}"));
        let plan = world.plan(&one);
        assert!(plan.refused.is_empty(), "{plan:#?}");
        assert!(settle(&mut world, &one).in_sync());
    }
}
