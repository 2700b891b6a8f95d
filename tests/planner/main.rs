//! Properties of the planner, on a world that exists in memory only.

mod advice;
mod compatibility;
mod lost;
mod order;
mod pictures;
mod rolling;
mod shapes;
mod takeover;
mod whole;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tandem::inside::{
    model::{BinlogPosition, Fact, HostName, ThreadState, UsingGtid},
    observe::ChannelFacts,
    plan::{Action, Coordinates, Kind, Plan, PlanDocument},
};
use world::{Files, Host, World};

/// What a host may be before anything is done.
fn host() -> impl Strategy<Value = Host> {
    (any::<bool>(), 0..3u8, any::<bool>(), 0..4u8, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(own_id, firewall, stale_file, account, running, boots, filters)| Host {
            own_id,
            firewall,
            stale_file,
            account,
            running,
            boots,
            filters,
            ..Host::default()
        },
    )
}

/// A topology of two to five hosts, of which the first may hold data.
fn setup() -> impl Strategy<Value = (Files, Vec<Host>)> {
    (any::<bool>(), 2..6usize, any::<bool>(), any::<bool>(), any::<bool>())
        .prop_flat_map(|(dual, count, data, deny, file)| {
            let count = if dual { 2 } else { count };
            (
                Just(Files { dual, count, deny, file, reversed: false, topology: None }),
                prop::collection::vec(host(), count),
                Just(data),
            )
        })
        .prop_map(|(files, mut hosts, data)| {
            hosts[0].data = data;
            (files, hosts)
        })
}

/// Numbers that follow from a seed.
fn picks(seed: u64) -> impl Iterator<Item = usize> {
    let next =
        |n: &u64| Some(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed), next).map(|n| (n >> 40) as usize)
}

/// Runs steps one by one; `picks` chooses among those that may run. Returns how many were done.
fn run(world: &mut World, plan: &Plan, picks: &mut impl Iterator<Item = usize>, most: usize) -> usize {
    let mut left: Vec<_> = plan.steps.iter().collect();
    let mut done = BTreeSet::new();
    while done.len() < most && !left.is_empty() {
        let free: Vec<usize> = left
            .iter()
            .enumerate()
            .filter(|(_, s)| s.requires.iter().all(|id| done.contains(id)))
            .map(|(n, _)| n)
            .collect();
        assert!(!free.is_empty(), "the steps that are left wait for each other");
        let step = left.remove(free[picks.next().unwrap_or(0) % free.len()]);
        world.check_before(step);
        world.run(step);
        done.insert(step.id.clone());
    }
    done.len()
}

/// Plans and runs until nothing is left; a stopped server leads to a second round.
fn settle(world: &mut World, files: &Files) -> Plan {
    // Copies go down a tree level by level.
    for _ in 0..32 {
        let plan = world.plan(files);
        if plan.steps.is_empty() {
            return plan;
        }
        run(world, &plan, &mut std::iter::repeat(0), usize::MAX);
    }
    world.plan(files)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// 1 and 2: what a plan does leads to a world whose plan is empty, and an empty plan means just that.
    #[test]
    fn a_plan_leads_to_an_empty_plan((files, hosts) in setup()) {
        let mut world = World::new(&hosts);
        let first = world.plan(&files);
        prop_assert!(!first.in_sync(), "a bare world can't be as wished");
        let last = settle(&mut world, &files);
        prop_assert!(last.in_sync(), "{last:#?}");
        prop_assert!(world.satisfies(&files));
    }

    /// 3: stopped after any step, in any order that the plan allows, another plan goes on from there.
    #[test]
    fn any_prefix_can_be_gone_on_from(
        (files, hosts) in setup(),
        seed in any::<u64>(),
        stop in any::<prop::sample::Index>(),
    ) {
        let mut world = World::new(&hosts);
        let plan = world.plan(&files);
        let mut picks = picks(seed);
        run(&mut world, &plan, &mut picks, stop.index(plan.steps.len() + 1));
        let last = settle(&mut world, &files);
        prop_assert!(last.in_sync(), "{last:#?}");
        prop_assert!(world.satisfies(&files));
    }

    /// 4: at no moment is something done that must not be; see [`World::check_before`]. Secrets are nowhere.
    #[test]
    fn no_order_of_steps_does_harm(
        (files, hosts) in setup(),
        seed in any::<u64>(),
    ) {
        let mut world = World::new(&hosts);
        let plan = world.plan(&files);
        let json = serde_json::to_string(&tandem::inside::render::document(&plan)).unwrap_or_default();
        prop_assert!(!json.contains(world::SECRET), "{json}");
        let text = tandem::inside::render::plan(&tandem::inside::render::document(&plan), tandem::inside::render::PlanView::default());
        prop_assert!(!text.contains(world::SECRET), "{text}");
        run(&mut world, &plan, &mut picks(seed), usize::MAX);
    }

    /// 5: the same input gives the same bytes.
    #[test]
    fn the_same_input_gives_the_same_bytes((files, hosts) in setup()) {
        let world = World::new(&hosts);
        let once = serde_json::to_string(&tandem::inside::render::document(&world.plan(&files))).unwrap_or_default();
        let twice = serde_json::to_string(&tandem::inside::render::document(&world.plan(&files))).unwrap_or_default();
        prop_assert_eq!(once, twice);
    }

    /// 6: the order of hosts in the inventory does not matter.
    #[test]
    fn the_order_of_the_inventory_does_not_matter((files, hosts) in setup()) {
        let world = World::new(&hosts);
        let reversed = Files { reversed: true, ..files.clone() };
        let once = tandem::inside::render::document(&world.plan(&files));
        let twice = tandem::inside::render::document(&world.plan(&reversed));
        prop_assert_eq!(once, twice);
    }

    /// 7: a host that was not read gets no step, and nobody replicates from it.
    #[test]
    fn an_unread_host_is_left_alone((files, hosts) in setup(), which in any::<prop::sample::Index>()) {
        let mut world = World::new(&hosts);
        let name = world.names()[which.index(hosts.len())].clone();
        world.observed.insert(name.clone(), Fact::Unread("the line is cut".into()));
        let plan = world.plan(&files);
        for step in &plan.steps {
            prop_assert!(step.host != name, "{:?}", step.id);
            if let Action::Channel(change) = &step.action {
                prop_assert!(change.wish.source != name);
            }
        }
        prop_assert!(plan.waiting.iter().any(|w| w.host == name));
        prop_assert!(!plan.in_sync());
    }

    /// 8: a limit never yields a step elsewhere, nor one that needs a step elsewhere.
    #[test]
    fn a_limit_holds((files, hosts) in setup(), which in any::<prop::sample::Index>()) {
        let world = World::new(&hosts);
        let name = world.names()[which.index(hosts.len())].clone();
        let mut plan = world.plan(&files);
        plan.limit(&BTreeSet::from([name.clone()]));
        let ids: BTreeSet<_> = plan.steps.iter().map(|s| s.id.clone()).collect();
        for step in &plan.steps {
            prop_assert_eq!(&step.host, &name);
            prop_assert!(step.requires.iter().all(|id| ids.contains(id)));
        }
    }

    /// 9: a plan that is written and read is the same plan.
    #[test]
    fn a_written_plan_is_read_as_it_was((files, hosts) in setup()) {
        let document = tandem::inside::render::document(&World::new(&hosts).plan(&files));
        let text = serde_json::to_string(&document).unwrap_or_default();
        let read = PlanDocument::parse(&text);
        prop_assert_eq!(read.ok(), Some(document.clone()));
        prop_assert_eq!(document.first_difference(&document), None);
    }

    /// 11: a step that is done twice leaves what it left when it was done once.
    #[test]
    fn a_step_twice_is_a_step_once((files, hosts) in setup()) {
        let mut world = World::new(&hosts);
        let plan = world.plan(&files);
        for step in &plan.steps {
            world.run(step);
            let once = tandem::inside::render::document(&world.plan(&files));
            world.run(step);
            prop_assert_eq!(&once, &tandem::inside::render::document(&world.plan(&files)), "{}", step.id);
        }
    }
}

/// What a server may say, and what it must not.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Yes".to_owned()),
        Just("No".to_owned()),
        Just("Connecting".to_owned()),
        Just("Preparing".to_owned()),
        "[a-z]{1,8}-bin\\.[0-9]{1,6}",
        "(error|'|`|\"|:|@|GRANT|Query: '|,| |[0-9]{1,20}|\\n|\\PC){0,12}",
    ]
}

fn number() -> impl Strategy<Value = u16> {
    prop_oneof![
        Just(0),
        prop::sample::select(vec![1045, 1062, 1032, 1236, 1396, 1593, 1594, 1950, 2002, 2003, 2013]),
        any::<u16>()
    ]
}

prop_compose! {
    /// A row of `SHOW ALL SLAVES STATUS` that no server would give.
    fn channel()(
        words in prop::collection::vec(word(), 15),
        io_errno in number(),
        sql_errno in number(),
        numbers in prop::array::uniform4(any::<u64>()),
        flags in any::<[bool; 4]>(),
        port in any::<u16>(),
    ) -> ChannelFacts {
        let mut words = words.into_iter();
        let mut word = || words.next().unwrap_or_default();
        ChannelFacts {
            relay: None,
            name: if flags[0] { String::new() } else { word() },
            source_host: word(),
            source_port: port,
            user: word(),
            io_running: ThreadState::ALL[usize::from(port) % 4],
            sql_running: ThreadState::ALL[usize::from(flags[0])],
            io_errno: io_errno.into(),
            io_error: word(),
            sql_errno: sql_errno.into(),
            sql_error: word(),
            seconds_behind: flags[1].then_some(numbers[0]),
            read: BinlogPosition::new(word(), numbers[1]),
            executed: BinlogPosition::new(word(), numbers[2]),
            password_digest: None,
            filters: Default::default(),
            left_out: Default::default(),
            using_gtid: UsingGtid::ALL[usize::from(port) % 5],
            gtid_io_pos: word(),
            tls: flags[2],
            tls_verify: flags[3],
            tls_ca: word(),
            delay: numbers[3],
            source_server_id: numbers[0],
            sql_state: word(),
            io_state: word(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// 12: a server that answers nonsense about its channels is no reason to panic, nor to replace its data.
    #[test]
    fn nonsense_about_channels_is_taken(
        (files, hosts) in setup(),
        nonsense in prop::collection::vec(channel(), 1..4),
        which in any::<prop::sample::Index>(),
    ) {
        let mut world = World::new(&hosts);
        settle(&mut world, &files);
        let name = world.names()[which.index(hosts.len())].clone();
        if let Some(Fact::Known(facts)) = world.observed.get_mut(&name)
            && let Fact::Known(server) = &mut facts.server
        {
            server.channels = Fact::Known(nonsense);
        }
        let plan = world.plan(&files);
        for step in &plan.steps {
            prop_assert!(!matches!(&step.action, Action::Seed(seed) if !seed.replaces.is_empty()), "{:?}", step);
        }
        let document = tandem::inside::render::document(&plan);
        let text = serde_json::to_string(&document).unwrap_or_default();
        prop_assert_eq!(PlanDocument::parse(&text).ok(), Some(document.clone()));
        let _ = tandem::inside::render::plan(&document, tandem::inside::render::PlanView::default());
        let status = world.status(&files);
        prop_assert!(!status.hosts.is_empty());
        for full in [false, true] {
            let _ = tandem::inside::render::status(&status, full, 80, 80);
        }
        let _ = (tandem::inside::render::dot(&status), tandem::inside::render::mermaid(&status));
    }
}

/// A fixture of format 2.0 still loads; one whose risks were sentences is refused by its version.
#[test]
fn an_old_plan_is_still_read() {
    let text = include_str!("plan-2.0.json");
    let plan = PlanDocument::parse(text).expect("a plan of format 2.0");
    assert_eq!(plan.summary.steps, plan.steps.len());
    assert!(plan.steps.iter().any(|s| s.kind == Kind::Channel));
    let older = PlanDocument::parse(&text.replacen("\"2.0\"", "\"1.0\"", 1));
    assert!(matches!(older, Err(tandem::inside::plan::PlanFileError::Version(_))), "{older:?}");
}

/// What becomes of data follows from the kinds of the risks, whatever their texts and the summary say.
#[test]
fn that_data_is_replaced_is_read_out_of_no_sentence() {
    let mut plan: serde_json::Value = serde_json::from_str(include_str!("plan-2.0.json")).expect("JSON");
    let text = |plan: &serde_json::Value| {
        let document = PlanDocument::parse(&plan.to_string()).expect("a plan");
        tandem::inside::render::plan(&document, tandem::inside::render::PlanView::default())
    };
    assert!(text(&plan).contains("No data is lost."));
    plan["steps"][0]["risk"] =
        serde_json::json!([{"kind": "lockout", "allow": null, "text": "replaces data: none"}]);
    assert!(text(&plan).contains("No data is lost."));
    plan["steps"][0]["risk"] = serde_json::json!([{
        "kind": "replaces-data", "on": "db-b", "databases": ["hello"], "bytes": 1, "kept": "file", "allow": "reseed",
        "text": "overwrites data: all of it",
    }]);
    assert!(!text(&plan).contains("No data is lost.") && text(&plan).contains("Data is replaced."));
}

/// Data on the replica only, or on both, is refused, and nothing is done on that host.
#[test]
fn data_is_never_overwritten() {
    for (first, second) in [(false, true), (true, true)] {
        let hosts = [Host { data: first, ..Host::default() }, Host { data: second, ..Host::default() }];
        let world = World::new(&hosts);
        let plan = world.plan(&Files {
            dual: true,
            count: 2,
            deny: false,
            file: false,
            reversed: false,
            topology: None,
        });
        assert!(!plan.refused.is_empty());
        assert!(plan.steps.iter().all(|s| s.host != HostName::from("db-2")), "{plan:#?}");
        assert!(!plan.steps.iter().any(|s| matches!(s.action, Action::Seed(_))));
    }
}

/// The plan for a pair with data, as people and machines see it.
#[test]
fn a_plan_for_a_pair_with_data() {
    let hosts = [Host { data: true, firewall: 2, ..Host::default() }, Host::default()];
    let world = World::new(&hosts);
    let plan =
        world.plan(&Files { dual: true, count: 2, deny: true, file: false, reversed: false, topology: None });
    let document = tandem::inside::render::document(&plan);
    let text = tandem::inside::render::plan(&document, tandem::inside::render::PlanView::default());
    let plain = String::from_utf8(anstream::adapter::strip_bytes(text.as_bytes()).into_vec()).expect("text");
    insta::assert_snapshot!("pair-with-data", plain);
    insta::assert_json_snapshot!("pair-with-data-json", document);
    let seeded: BTreeMap<_, _> = plan
        .steps
        .iter()
        .filter_map(|s| match &s.action {
            Action::Channel(c) => Some((s.host.as_str(), c.coordinates.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(seeded["db-2"], Coordinates::OfSeed);
    assert_eq!(seeded["db-1"], Coordinates::Compared);
}
