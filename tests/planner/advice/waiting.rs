//! What waits, and what ends the waiting: that is done, and then the same does not wait any more.

use std::collections::BTreeSet;
use tandem::inside::model::ThreadState;

use tandem::inside::{
    model::Fact,
    observe::{HostFacts, Reach, server_query},
    plan::{Plan, WaitsFor},
};

use super::{
    Setup,
    cases::{one_way, setup},
    hosts::as_mysql,
};
use crate::{run, world::World};

struct Case {
    code: &'static str,
    setup: Setup,
    ends: fn(&mut Setup),
}

fn case(code: &'static str, setup: Setup, ends: fn(&mut Setup)) -> Case {
    Case { code, setup, ends }
}

/// Codes that can't be built here, and where they are held.
const ELSEWHERE: &[(&str, &str)] = &[
    ("resource-not-read", "a role of the user's; hosts::resources"),
    ("resource-waits", "a role of the user's; resource::sysctl and hosts::resources"),
    ("partner-waits", "ends with the refusal of the other host; planner::shapes"),
    ("still-needed", "ends with the move of the replica; planner::order"),
    ("left-out-by-limit", "ends without --limit; plan::limit"),
    ("authority-not-everywhere", "certificates that parse; hosts::authority"),
    ("no-other-writer", "ends with what the other host waits for; planner::shapes"),
    ("after-takeover", "ends with the takeover, and is refused then; hosts::lost"),
    ("gtid-mode-everywhere", "steps that no world knows; hosts::mysql"),
];

#[test]
fn what_waits_ends_waiting_by_what_is_advised() {
    let known: BTreeSet<&str> = WaitsFor::codes().into_iter().collect();
    let cases = cases();
    let built = cases.iter().map(|case| case.code);
    let listed: BTreeSet<&str> = built.chain(ELSEWHERE.iter().map(|(code, _)| *code)).collect();
    assert_eq!(known, listed, "each code has an entry here");
    let waits = |plan: &Plan, code: &str| plan.waiting.iter().any(|waiting| waiting.why.code() == code);
    for mut case in cases {
        let plan = case.setup.plan();
        assert!(waits(&plan, case.code), "{} does not wait: {:#?}", case.code, plan.waiting);
        (case.ends)(&mut case.setup);
        let plan = case.setup.plan();
        assert!(!waits(&plan, case.code), "{} waits on: {:#?}", case.code, plan.waiting);
    }
}

/// A pair of which something was not read.
fn unread(change: fn(&mut HostFacts)) -> Setup {
    one_way().changed(|world| change(world.host(1)))
}

fn why<T>() -> Fact<T> {
    Fact::Unread("no answer".into())
}

fn read(setup: &mut Setup) {
    *setup = one_way();
}

fn apply(setup: &mut Setup) {
    let plan = setup.plan();
    run(&mut setup.world, &plan, &mut std::iter::repeat(0), usize::MAX);
}

fn cases() -> Vec<Case> {
    let cut = |n: usize| {
        move |world: &mut World| {
            let name = world.names()[n].clone();
            world.observed.insert(name, why());
        }
    };
    let chain = "{kind: primary-replica, primary: db-1, replicas: [db-2, {host: db-3, source: db-2}]}";
    let installing = |package: &str, root: bool| {
        let mut setup = one_way();
        setup.world.roles.insert(0, "server");
        setup.changed(|world| {
            let facts = world.host(1);
            facts.server = Fact::Absent;
            facts.service = Fact::Absent;
            facts.os.root = root;
            facts.resources =
                [(server_query(package), Fact::Known("manager apt\n".to_owned()))].into_iter().collect();
        })
    };
    let as_root = |setup: &mut Setup| setup.world.host(1).os.root = true;
    let refused = one_way().settled().changed(|world| {
        let end = tandem::inside::model::Endpoint { address: "10.0.0.1".into(), port: 3306 };
        world.host(1).reach.insert(end, Reach::Failed("timed out".into()));
    });
    let stopped = refused.clone().changed(|world| {
        let channel = world.channel_of(1);
        channel.io_running = ThreadState::Connecting;
        channel.io_errno = 2003;
        channel.io_error = "error connecting to master 'repl_user@10.0.0.1:3306'".into();
    });
    let reached = |setup: &mut Setup| {
        setup.world.host(1).reach.clear();
        let channel = setup.world.channel_of(1);
        (channel.io_running, channel.io_errno) = (ThreadState::Yes, 0);
    };
    let without_id = setup(&[true, false, false], chain, false).changed(|world| {
        cut(0)(world);
        for n in [1, 2] {
            world.server_of(n).variables.insert("server_id".into(), "7".into());
        }
    });
    let gtid_off = one_way().changed(|world| as_mysql(world, "8.4.5")).changed(|world| {
        world.server_of(1).variables.insert("gtid_mode".into(), "OFF".into());
    });
    vec![
        case("host-not-read", one_way().changed(cut(1)), read),
        case("server-id-unknown", without_id, |setup| {
            setup.world.vars.insert("db-3".into(), vec![("server_id".into(), "9".into())]);
        }),
        case("channels-not-read", unread(|facts| server(facts).channels = why()), read),
        case("option-files-not-read", unread(|facts| facts.option_files = why()), read),
        case("packet-filter-not-read", unread(|facts| facts.firewall = why()), read),
        case("copy-mark-not-read", unread(|facts| facts.seeds = why()), read),
        case("source-not-read", one_way().changed(cut(0)), read),
        case("copy-first", setup(&[true, false, false], chain, false), apply),
        case("channel-could-not-reconnect", refused, reached),
        case("channel-does-not-run", stopped, reached),
        case("packages-not-read", installing("another", true), read),
        case("not-root", installing("mariadb-server", false), as_root),
        case("server-first", installing("mariadb-server", true), read),
        case("no-server", unread(|facts| facts.server = Fact::Absent), |setup| {
            setup.world.roles.insert(0, "server");
        }),
        case(
            "may-still-write",
            one_way()
                .settled()
                .topology("{kind: primary-replica, primary: db-2, replicas: [db-1]}")
                .changed(cut(0)),
            read,
        ),
        case("gtid-mode-together", gtid_off.changed(cut(0)), |setup| {
            let mysql = one_way().changed(|world| as_mysql(world, "8.4.5"));
            setup.world.observed = mysql.world.observed;
        }),
        case("server-not-read", unread(|facts| facts.server = why()), read),
    ]
}

fn server(facts: &mut HostFacts) -> &mut tandem::inside::observe::ServerFacts {
    let Fact::Known(server) = &mut facts.server else { panic!("a server") };
    server
}
