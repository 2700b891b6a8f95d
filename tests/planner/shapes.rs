//! Rings up to sixteen and trees up to two hundred hosts, and what becomes of them when they change.

use proptest::prelude::*;
use tandem::inside::{
    model::{Fact, HostName},
    plan::{Action, CatchUpPhase, Coordinates, HostWaits, Plan, WaitsFor},
};

use crate::{
    picks, settle,
    world::{Files, Host, World},
};

fn files(count: usize, topology: String) -> Files {
    Files { dual: false, count, deny: false, file: false, reversed: false, topology: Some(topology) }
}

fn host(n: usize) -> String {
    format!("db-{}", n + 1)
}

/// A ring of these hosts, or a pair of two.
fn ring(count: usize, members: &[usize]) -> Files {
    let kind = if members.len() == 2 { "dual-primary" } else { "ring" };
    let names: Vec<String> = members.iter().map(|n| host(*n)).collect();
    files(count, format!("{{kind: {kind}, members: [{}]}}", names.join(", ")))
}

fn edges(members: &[usize]) -> Vec<(usize, usize)> {
    (0..members.len()).map(|n| (members[n], members[(n + 1) % members.len()])).collect()
}

/// Bare hosts, of which the first holds data.
fn world(count: usize) -> World {
    let hosts: Vec<Host> =
        (0..count).map(|n| Host { own_id: true, data: n == 0, ..Host::default() }).collect();
    World::new(&hosts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// A ring is made, one member leaves, and one comes in anywhere: nobody but the new one is copied to,
    /// only the neighbours' channels move, and each time nothing is left to do.
    #[test]
    fn rings_change_member_by_member(
        size in 3..17usize,
        leaves in any::<prop::sample::Index>(),
        comes in any::<prop::sample::Index>(),
    ) {
        let count = size + 1;
        let mut world = world(count);
        let mut members: Vec<usize> = (0..size).collect();
        let made = settle(&mut world, &ring(count, &members));
        prop_assert!(made.in_sync() && world.runs(&edges(&members)), "{made:#?}");
        world.write_everywhere(&members);

        // The first one stays: it is the root of the copies.
        members.remove(1 + leaves.index(size - 1));
        let plan = world.plan(&ring(count, &members));
        let moves = plan.steps.iter().filter(|s| match &s.action {
            Action::Channel(change) => matches!(change.coordinates, Coordinates::Moved { .. }),
            _ => false,
        });
        prop_assert_eq!(moves.count(), 1, "{:#?}", plan);
        prop_assert!(!plan.steps.iter().any(|s| matches!(s.action, Action::Seed(_))), "{:#?}", plan);
        let left = settle(&mut world, &ring(count, &members));
        prop_assert!(left.refused.is_empty() && left.steps.is_empty() && world.runs(&edges(&members)), "{left:#?}");

        members.insert(1 + comes.index(members.len()), size);
        let plan = world.plan(&ring(count, &members));
        let copied: Vec<&str> = plan.steps.iter().filter(|s| matches!(s.action, Action::Seed(_))).map(|s| s.host.as_str()).collect();
        prop_assert_eq!(copied, vec![host(size)]);
        let grown = settle(&mut world, &ring(count, &members));
        prop_assert!(grown.in_sync() && world.runs(&edges(&members)), "{grown:#?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    /// Any tree is set up, and any other tree of the same hosts is made of it without a copy.
    #[test]
    fn trees_are_set_up_and_rearranged(
        parents in prop::collection::vec(any::<prop::sample::Index>(), 1..200),
        others in prop::collection::vec(any::<prop::sample::Index>(), 200),
    ) {
        let count = parents.len() + 1;
        let mut world = world(count);
        let mut first = true;
        for parents in [&parents[..], &others[..count - 1]] {
            let edges: Vec<(usize, usize)> =
                parents.iter().enumerate().map(|(n, parent)| (parent.index(n + 1), n + 1)).collect();
            let replicas: Vec<String> =
                edges.iter().map(|(from, to)| format!("{{host: {}, source: {}}}", host(*to), host(*from))).collect();
            let files = files(
                count,
                format!("{{kind: primary-replica, primary: db-1, replicas: [{}]}}", replicas.join(", ")),
            );
            let plan = world.plan(&files);
            let copies = plan.steps.iter().filter(|s| matches!(s.action, Action::Seed(_))).count();
            prop_assert!(first || copies == 0, "{plan:#?}");
            let left = settle(&mut world, &files);
            prop_assert!(left.in_sync() && world.runs(&edges), "{left:#?}");
            world.write_everywhere(&(0..count).collect::<Vec<_>>());
            first = false;
        }
    }
}

/// A topology with one writer at a time, and its members in any order; the first is the writer.
fn with_writer(order: &[usize], pair: bool) -> String {
    match pair {
        true => format!(
            "{{kind: dual-primary, members: [db-1, db-2], standby: {}, seed_from: db-1}}",
            host(order[1])
        ),
        false => {
            let replicas: Vec<String> = order[1..].iter().map(|n| host(*n)).collect();
            format!(
                "{{kind: primary-replica, primary: {}, replicas: [{}]}}",
                host(order[0]),
                replicas.join(", ")
            )
        }
    }
}

fn open(world: &World, n: usize) -> bool {
    let facts = world.observed.get(&HostName::new(host(n))).and_then(Fact::known);
    !facts.and_then(|f| f.server.known()).is_some_and(|s| s.is_on("read_only"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Another host becomes the one that is written to. In no order of steps are there two at a time, it has caught
    /// up once before the old one stops and once more after, and no server is restarted for it.
    #[test]
    fn writers_take_turns(
        orders in prop::collection::vec(Just((0..4usize).collect::<Vec<_>>()).prop_shuffle(), 3),
        pair in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let count = if pair { 2 } else { 4 };
        let mut world = world(count);
        let mut picks = picks(seed);
        let mut now = 0;
        settle(&mut world, &files(count, with_writer(&(0..count).collect::<Vec<_>>(), pair)));
        for order in orders {
            let order: Vec<usize> = order.into_iter().filter(|n| *n < count).collect();
            world.write_everywhere(&(0..count).collect::<Vec<_>>());
            let files = files(count, with_writer(&order, pair));
            let plan = world.plan(&files);
            prop_assert!(!plan.steps.iter().any(|s| matches!(s.action, Action::Restart { .. } | Action::Seed(_))), "{plan:#?}");
            let moments: Vec<Option<CatchUpPhase>> = plan.steps.iter().filter_map(|s| match &s.action {
                Action::CatchUp { moment, .. } => Some(Some(*moment)),
                Action::Switchover(_) => Some(None),
                _ => None,
            }).collect();
            match order[0] == now {
                true => prop_assert!(moments.is_empty(), "{plan:#?}"),
                false => prop_assert_eq!(moments, vec![Some(CatchUpPhase::BeforeClosing), None]),
            }
            take_turns(&mut world, &plan, &mut picks, (now, order[0]));
            let left = settle(&mut world, &files);
            prop_assert!(left.in_sync(), "{left:#?}");
            prop_assert!((0..count).all(|n| open(&world, n) == (n == order[0])));
            now = order[0];
        }
    }
}

/// Runs a plan in any order that it allows.
fn take_turns(
    world: &mut World,
    plan: &Plan,
    picks: &mut impl Iterator<Item = usize>,
    (from, to): (usize, usize),
) {
    let mut left: Vec<_> = plan.steps.iter().collect();
    let mut done = Vec::new();
    while !left.is_empty() {
        let free: Vec<usize> =
            (0..left.len()).filter(|n| left[*n].requires.iter().all(|id| done.contains(id))).collect();
        assert!(!free.is_empty(), "the steps stand in a circle");
        let step = left.remove(free[picks.next().unwrap_or_default() % free.len()]);
        // Nothing closes the old writer but the switch, and no file says so before.
        let switched = open(world, to) && from != to;
        match &step.action {
            Action::CatchUp { .. } | Action::Switchover(_) => {
                assert!(open(world, from) && !switched, "{}", step.id);
            }
            Action::WriteOptionFile { .. } if [from, to].iter().any(|n| step.host.as_str() == host(*n)) => {
                assert!(switched || from == to, "{}", step.id);
            }
            _ => {}
        }
        world.run(step);
        assert!(from == to || !(open(world, from) && open(world, to)), "two writers after {}", step.id);
        done.push(step.id.clone());
    }
}

/// Nobody takes over from a host that could not be read: it may still be written to.
#[test]
fn an_unread_writer_is_not_replaced() {
    let mut world = world(3);
    settle(&mut world, &files(3, with_writer(&[0, 1, 2], false)));
    world.write_everywhere(&[0, 1, 2]);
    world.observed.insert(HostName::from("db-1"), Fact::Unread("the line is cut".into()));
    let plan = world.plan(&files(3, with_writer(&[1, 0, 2], false)));
    assert!(plan.steps.iter().all(|s| s.host != HostName::from("db-2")), "{plan:#?}");
    let waits = WaitsFor::Host(HostWaits::MayStillWrite { unread: "db-1".into() });
    assert!(plan.waiting.iter().any(|w| w.why == waits), "{:#?}", plan.waiting);
    // Once it is out of the topology, what the new one has received has to do.
    let lost = "{kind: primary-replica, primary: db-2, replicas: [db-3]}".to_owned();
    let plan = world.plan(&files(3, lost));
    let catches_up = plan
        .steps
        .iter()
        .any(|s| matches!(&s.action, Action::CatchUp { hops, .. } if hops[0].from.is_none()));
    assert!(catches_up, "{plan:#?}");
}

/// The old writer goes on as long as the new one can't be opened, whatever the cause is.
#[test]
fn nobody_stops_for_one_that_waits() {
    let closes = |plan: &Plan| {
        plan.steps.iter().any(|s| match &s.action {
            Action::SetGlobal(list) => list.iter().any(|(name, value)| name == "read_only" && value == "ON"),
            Action::Switchover(_) => true,
            _ => false,
        })
    };
    for unread in ["db-2", "db-3"] {
        let mut world = world(3);
        settle(&mut world, &files(3, with_writer(&[0, 1, 2], false)));
        world.write_everywhere(&[0, 1, 2]);
        assert!(closes(&world.plan(&files(3, with_writer(&[1, 0, 2], false)))));
        world.observed.insert(HostName::from(unread), Fact::Unread("the line is cut".into()));
        let plan = world.plan(&files(3, with_writer(&[1, 0, 2], false)));
        assert!(!closes(&plan), "{unread}: {plan:#?}");
    }
    // Nor for one whose partner a limit leaves out.
    for chosen in ["db-1", "db-2"] {
        let mut world = world(3);
        settle(&mut world, &files(3, with_writer(&[0, 1, 2], false)));
        world.write_everywhere(&[0, 1, 2]);
        let mut plan = world.plan(&files(3, with_writer(&[1, 0, 2], false)));
        plan.limit(&std::collections::BTreeSet::from([HostName::from(chosen)]));
        assert!(!closes(&plan) && !plan.waiting.is_empty(), "{chosen}: {plan:#?}");
    }
}

/// Members that were closed together are opened together, although each follows the other.
#[test]
fn all_members_of_a_ring_are_opened_together() {
    let mut world = world(3);
    let wish = ring(3, &[0, 1, 2]);
    settle(&mut world, &wish);
    for facts in world.observed.values_mut() {
        let Fact::Known(facts) = facts else { continue };
        let Fact::Known(server) = &mut facts.server else { continue };
        server.variables.insert("read_only".into(), "ON".into());
    }
    let plan = world.plan(&wish);
    assert!(plan.refused.is_empty(), "{:#?}", plan.refused);
    let left = settle(&mut world, &wish);
    assert!(left.in_sync() && (0..3).all(|n| open(&world, n)), "{left:#?}");
}
