//! Rings up to sixteen and trees up to two hundred hosts, and what becomes of them when they change.

use proptest::prelude::*;
use tandem::plan::{Action, Coordinates};

use crate::{
    settle,
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
