//! The one server that clients write to is restarted while a replica takes its writes.

use proptest::prelude::*;
use tandem::inside::{
    model::{Fact, HostName},
    observe::SessionFacts,
    plan::{Action, FileStage, Plan, Span, Step},
};

use crate::{
    picks, run, settle,
    world::{Files, Host, World},
};

const PAIR: &str = "{kind: dual-primary, members: [db-1, db-2], standby: db-2}";

fn files(count: usize, topology: Option<&str>) -> Files {
    let topology = topology.map(str::to_owned);
    Files { dual: false, count, deny: true, file: false, reversed: false, topology }
}

/// A fleet as it is declared, in use, and with another value of a variable that takes a restart.
fn world(files: &Files) -> World {
    let host = |n| Host { own_id: true, data: n == 0, firewall: 2, ..Host::default() };
    let mut world = World::new(&(0..files.count).map(host).collect::<Vec<_>>());
    let last = settle(&mut world, files);
    assert!(last.in_sync(), "{last:#?}");
    world.write_everywhere(&(0..files.count).collect::<Vec<_>>());
    for n in 1..files.count {
        world.channel_of(n).seconds_behind = Some(0);
    }
    world.extra.push("mysql_settings={\"back_log\": \"91\"}".into());
    world
}

fn ids(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.id.0.as_str()).collect()
}

fn step<'p>(plan: &'p Plan, id: &str) -> &'p Step {
    plan.steps.iter().find(|step| step.id.0 == id).unwrap_or_else(|| panic!("no {id}: {:?}", ids(plan)))
}

fn spans(plan: &Plan) -> Vec<(Span, &str)> {
    let span = |step: &Step| match &step.action {
        Action::Switchover(switch) => Some(switch.span),
        _ => None,
    };
    plan.steps.iter().filter_map(|step| Some((span(step)?, step.host.as_str()))).collect()
}

#[test]
fn replicas_first_then_the_switch_the_restart_and_the_switch_back() {
    let plan = world(&files(3, None)).plan(&files(3, None));
    assert_eq!(
        ids(&plan),
        [
            "db-3/option-file",
            "db-3/service",
            "db-2/option-file",
            "db-2/service",
            "db-2/account/repl_user@10.0.0.1",
            "db-2/switchover",
            "db-1/option-file",
            "db-1/service",
            "db-1/channel/db-2",
            "db-1/switchover",
            "db-1/option-file/open",
        ]
    );
    assert_eq!(spans(&plan), [(Span::DuringRestart, "db-2"), (Span::Back, "db-1")]);
    let Action::WriteOptionFile { content, stage: FileStage::WritesAway { closed }, .. } =
        &step(&plan, "db-1/option-file").action
    else {
        panic!("{plan:#?}");
    };
    assert!(content.contains("read_only = ON") && content.contains("back_log = 91"), "{content}");
    assert!(closed.contains(&("read_only".into(), "ON".into())), "{closed:?}");
    let Action::WriteOptionFile { content: open, stage: FileStage::WritesBack { over }, .. } =
        &step(&plan, "db-1/option-file/open").action
    else {
        panic!("{plan:#?}");
    };
    assert!(open.contains("read_only = OFF") && over.as_ref() == Some(content), "{open}");
    let Action::Restart { expect, causes, .. } = &step(&plan, "db-1/service").action else {
        panic!("{plan:#?}");
    };
    assert_eq!((expect.len(), causes.as_slice()), (1, &["back_log".to_owned()][..]), "{expect:?}");
    // Each replica has caught up before anything else is restarted.
    for host in ["db-3", "db-2"] {
        let Action::Restart { follows, .. } = &step(&plan, &format!("{host}/service")).action else {
            panic!("{plan:#?}");
        };
        assert_eq!(follows.len(), 1, "{follows:?}");
    }
}

#[test]
fn a_pair_has_its_channels() {
    let files = files(2, Some(PAIR));
    let mut world = world(&files);
    let plan = world.plan(&files);
    assert_eq!(
        ids(&plan),
        [
            "db-2/option-file",
            "db-2/service",
            "db-2/switchover",
            "db-1/option-file",
            "db-1/service",
            "db-1/switchover",
            "db-1/option-file/open",
        ]
    );
    run(&mut world, &plan, &mut std::iter::repeat(0), usize::MAX);
    assert!(world.plan(&files).in_sync());
}

#[test]
fn in_place_is_what_it_was() {
    let files = files(3, None);
    let mut world = world(&files);
    world.extra.push("restart_primary=in_place".into());
    let plan = world.plan(&files);
    assert!(spans(&plan).is_empty(), "{:?}", ids(&plan));
    assert_eq!(ids(&plan).last(), Some(&"db-1/service"));
}

#[test]
fn who_can_t_stand_in_does_not() {
    let files = files(3, None);
    let none = |change: &dyn Fn(&mut World)| {
        let mut world = world(&files);
        change(&mut world);
        let plan = world.plan(&files);
        assert!(spans(&plan).is_empty(), "{:?}", ids(&plan));
        assert!(plan.refused.is_empty(), "{:?}", plan.refused);
        world.extra.push("restart_primary=switchover".into());
        let asked = world.plan(&files);
        let codes: Vec<&str> = asked.refused.iter().map(|refusal| refusal.why.code()).collect();
        assert_eq!(codes, ["no-stand-in"]);
        assert!(asked.steps.iter().all(|step| step.host.as_str() != "db-1"), "{:?}", ids(&asked));
    };
    let both = |world: &mut World, change: &dyn Fn(&mut World, usize)| {
        for n in [1, 2] {
            change(world, n);
        }
    };
    none(&|world| both(world, &|world, n| world.channel_of(n).seconds_behind = Some(3600)));
    none(&|world| {
        both(world, &|world, n| {
            world.server_of(n).binlog = Fact::Known(tandem::inside::observe::BinlogFacts {
                do_db: vec!["a".into()],
                ..Default::default()
            });
        });
    });
    none(&|world| {
        both(world, &|world, n| {
            let older = tandem::inside::model::ServerVersion::parse("10.11.5-MariaDB").expect("a version");
            world.server_of(n).version = older;
        });
    });
    // One that can't is passed over.
    let mut world = world(&files);
    world.channel_of(1).seconds_behind = Some(3600);
    assert_eq!(spans(&world.plan(&files)), [(Span::DuringRestart, "db-3"), (Span::Back, "db-1")]);
}

/// What `--allow restart` asks for stays: sessions that are there are named.
#[test]
fn sessions_of_the_primary_need_the_same_word() {
    let files = files(2, None);
    let mut world = world(&files);
    world.server_of(0).sessions = Fact::Known(vec![SessionFacts {
        user: "app".into(),
        host: "10.0.0.9".into(),
        database: String::new(),
    }]);
    let plan = world.plan(&files);
    assert!(!spans(&plan).is_empty());
    let blocked = tandem::inside::plan::blocked_by_policy(&plan, &Default::default());
    let codes: Vec<&str> = blocked.iter().map(|refusal| refusal.why.code()).collect();
    assert_eq!(codes, ["not-allowed-restart"]);
}

fn writers(world: &World) -> Vec<HostName> {
    let open = |fact: &Fact<tandem::inside::observe::HostFacts>| {
        fact.known().and_then(|facts| facts.server.known()).is_some_and(|server| server.accepts_writes())
    };
    world.observed.iter().filter(|(_, fact)| open(fact)).map(|(name, _)| name.clone()).collect()
}

/// Cut off after each step, one host takes writes, the server that is restarted is not it, and the next plan goes on to the
/// same end.
#[test]
fn one_that_is_cut_off_after_each_step_is_gone_on_with() {
    for files in [files(3, None), files(2, Some(PAIR))] {
        let mut world = world(&files);
        let mut done = Vec::new();
        loop {
            let plan = world.plan(&files);
            assert!(plan.refused.is_empty() && plan.waiting.is_empty(), "{done:?}: {plan:#?}");
            let Some(next) = plan.steps.first() else { break };
            if matches!(next.action, Action::Restart { .. }) {
                assert!(!writers(&world).contains(&next.host), "{done:?}: {} takes writes", next.host);
            }
            // What is only waited for leaves no trace.
            let count = if matches!(next.action, Action::CatchUp { .. }) { 2 } else { 1 };
            run(&mut world, &plan, &mut std::iter::repeat(0), count);
            done.push(next.id.0.clone());
            assert_eq!(writers(&world).len(), 1, "{done:?}");
            assert!(done.len() < 30, "{done:?}");
        }
        assert_eq!(writers(&world), [HostName::from("db-1")]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// The same in any order that a plan allows, cut off anywhere.
    #[test]
    fn one_that_is_cut_off_is_gone_on_with(pair in any::<bool>(), seed in any::<u64>(), stops in prop::collection::vec(0..12usize, 2)) {
        let files = if pair { files(2, Some(PAIR)) } else { files(3, None) };
        let mut world = world(&files);
        let mut picks = picks(seed);
        for stop in stops {
            let plan = world.plan(&files);
            prop_assert!(plan.refused.is_empty() && plan.waiting.is_empty(), "{plan:#?}");
            run(&mut world, &plan, &mut picks, stop);
            prop_assert_eq!(writers(&world).len(), 1);
        }
        let last = settle(&mut world, &files);
        prop_assert!(last.in_sync(), "{last:#?}");
        prop_assert_eq!(writers(&world), [HostName::from("db-1")]);
    }
}
