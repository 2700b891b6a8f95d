//! What is taken away: in no plan, in none of the orders that it allows, before what needs it has moved.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tandem::inside::{
    model::{Fact, HostName},
    plan::{Action, Allow, Effect, Plan, Policy, Step, Taken},
};

use crate::{
    picks, settle,
    world::{Files, Host, World},
};

fn closed(count: usize, topology: String) -> Files {
    Files { dual: false, count, deny: true, file: false, reversed: false, topology: Some(topology) }
}

fn ring(count: usize, members: &[usize]) -> Files {
    let names: Vec<String> = members.iter().map(|n| format!("db-{}", n + 1)).collect();
    closed(count, format!("{{kind: ring, members: [{}]}}", names.join(", ")))
}

fn tree(parents: &[usize]) -> Files {
    let replica = |(n, parent): (usize, &usize)| format!("{{host: db-{}, source: db-{}}}", n + 2, parent + 1);
    let replicas: Vec<String> = parents.iter().enumerate().map(replica).collect();
    closed(
        parents.len() + 1,
        format!("{{kind: primary-replica, primary: db-1, replicas: [{}]}}", replicas.join(", ")),
    )
}

fn world(count: usize) -> World {
    let host = |n| Host { own_id: true, data: n == 0, firewall: 2, ..Host::default() };
    World::new(&(0..count).map(host).collect::<Vec<_>>())
}

fn address(host: &HostName) -> String {
    host.as_str().replace("db-", "10.0.0.")
}

/// The replicas that have a channel from a host now, by their addresses.
fn replicas(world: &World, source: &HostName) -> BTreeSet<String> {
    let follows = |fact: &Fact<tandem::inside::observe::HostFacts>| {
        let server = fact.known().and_then(|facts| facts.server.known());
        let channels = server.and_then(|server| server.channels.known());
        channels.is_some_and(|list| list.iter().any(|c| c.source_host == address(source)))
    };
    world.observed.iter().filter(|(_, fact)| follows(fact)).map(|(name, _)| address(name)).collect()
}

/// Nothing that a step takes away is needed in this world.
fn check(world: &World, step: &Step) {
    let needed = replicas(world, &step.host);
    match step.effect() {
        Effect::TakesAway(Taken::Access(change)) => {
            for address in &needed {
                let ip = address.parse().expect("an address");
                let stays = change.wish.allowed.iter().any(|network| network.contains(ip));
                assert!(stays, "{}: {address} still replicates from there", step.id);
            }
        }
        Effect::TakesAway(Taken::Account { from }) => {
            assert!(!needed.contains(from), "{}: {from} still replicates from there", step.id);
        }
        _ => {}
    }
}

fn plan(world: &World, files: &Files) -> Plan {
    let policy = Policy::of([Allow::DropAccount, Allow::DropChannel]);
    world.plan_allowing(files, &policy)
}

/// Runs a plan in an order that it allows; what a step takes away is looked at right before it.
fn run_checked(world: &mut World, plan: &Plan, picks: &mut impl Iterator<Item = usize>) {
    let mut left: Vec<&Step> = plan.steps.iter().collect();
    let mut done = BTreeSet::new();
    while !left.is_empty() {
        let free: Vec<usize> =
            (0..left.len()).filter(|n| left[*n].requires.iter().all(|id| done.contains(id))).collect();
        assert!(!free.is_empty(), "the steps stand in a circle");
        let step = left.remove(free[picks.next().unwrap_or_default() % free.len()]);
        check(world, step);
        world.run(step);
        done.insert(step.id.clone());
    }
}

/// Makes one topology of another, under `--allow drop-account,drop-channel`, in any order of steps; and once more with
/// one host that can't be read, where nothing that it may need is taken away.
fn changes(from: &Files, to: &Files, (old, new): (&[usize], &[usize]), seed: u64, unread: usize) {
    let mut world = world(from.count);
    let made = settle(&mut world, from);
    assert!(made.in_sync(), "{made:#?}");
    world.write_everywhere(old);

    let name = HostName::new(format!("db-{}", unread + 1));
    let was = world.observed.insert(name.clone(), Fact::Unread("the line is cut".into())).expect("a host");
    let partial = plan(&world, to);
    world.observed.insert(name, was);
    for step in &partial.steps {
        let moves = |host: &str| {
            let id = format!("{host}/channel/");
            partial.steps.iter().any(|s| matches!(s.action, Action::Channel(_)) && s.id.0.starts_with(&id))
        };
        // A host that leaves has no declared channel; what it loses by that is named as a client that is cut.
        let stays = |host: &str| new.iter().any(|n| format!("db-{}", n + 1) == host);
        let unmoved = |address: &String| {
            let host = address.replace("10.0.0.", "db-");
            stays(&host) && !moves(&host)
        };
        if let Effect::TakesAway(Taken::Access(change)) = step.effect() {
            for address in replicas(&world, &step.host).iter().filter(|address| unmoved(address)) {
                let ip = address.parse().expect("an address");
                let stays = change.wish.allowed.iter().any(|network| network.contains(ip));
                assert!(stays, "{}: {address} is shut out, and nothing moves it", step.id);
            }
        }
    }

    let whole = plan(&world, to);
    assert!(whole.steps.iter().any(Step::takes_away), "nothing is taken away: {whole:#?}");
    run_checked(&mut world, &whole, &mut picks(seed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_closed_ring_changes_and_nobody_is_shut_out(
        size in 3..7usize,
        leaves in any::<prop::sample::Index>(),
        comes in any::<prop::sample::Index>(),
        seed in any::<u64>(),
        unread in any::<prop::sample::Index>(),
    ) {
        let old: Vec<usize> = (0..size).collect();
        let mut new = old.clone();
        new.remove(1 + leaves.index(size - 1));
        new.insert(1 + comes.index(new.len()), size);
        changes(&ring(size + 1, &old), &ring(size + 1, &new), (&old, &new), seed, unread.index(size));
    }

    #[test]
    fn a_closed_ring_grows_and_nobody_is_shut_out(
        size in 3..7usize,
        comes in any::<prop::sample::Index>(),
        seed in any::<u64>(),
        unread in any::<prop::sample::Index>(),
    ) {
        let old: Vec<usize> = (0..size).collect();
        let mut new = old.clone();
        new.insert(1 + comes.index(size), size);
        changes(&ring(size + 1, &old), &ring(size + 1, &new), (&old, &new), seed, unread.index(size));
    }

    #[test]
    fn a_closed_tree_is_rearranged_and_nobody_is_shut_out(
        parents in prop::collection::vec(any::<prop::sample::Index>(), 3..8),
        others in prop::collection::vec(any::<prop::sample::Index>(), 8),
        seed in any::<u64>(),
        unread in any::<prop::sample::Index>(),
    ) {
        let of = |list: &[prop::sample::Index]| -> Vec<usize> {
            list.iter().enumerate().map(|(n, index)| index.index(n + 1)).collect()
        };
        let (old, new) = (of(&parents), of(&others[..parents.len()]));
        prop_assume!(old != new);
        let all: Vec<usize> = (0..=old.len()).collect();
        changes(&tree(&old), &tree(&new), (&all, &all), seed, unread.index(all.len()));
    }
}

/// Where a server is also told to start at boot, that word is not taken for its restart: a setting that keeps the first server
/// down would else be on the next one, too.
#[test]
fn the_next_host_waits_for_the_restart_whatever_else_starts_there() {
    let host = Host { own_id: true, boots: true, ..Host::default() };
    let world = World::new(&[host.clone(), host]);
    let files = Files { dual: true, count: 2, deny: false, file: false, reversed: false, topology: None };
    let plan = plan(&world, &files);
    let restarts: Vec<&Step> =
        plan.steps.iter().filter(|step| matches!(step.action, Action::Restart { .. })).collect();
    let [first, second] = restarts.as_slice() else { panic!("{plan:#?}") };
    assert!(plan.steps.iter().any(|step| matches!(step.action, Action::StartService { .. })));
    let waits = |step: &&Step| {
        step.host == second.host
            && matches!(step.action, Action::Restart { .. } | Action::WriteOptionFile { .. })
    };
    for step in plan.steps.iter().filter(waits) {
        assert!(step.requires.contains(&first.id), "{}: {:?}", step.id, step.requires);
    }
}
