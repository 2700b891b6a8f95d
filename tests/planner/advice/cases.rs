//! Worlds in which something is refused, one or more for each code, and what a user does by hand where no word says it.

use tandem::inside::model::ThreadState;
use tandem::inside::{
    gtid::{Errant, GtidState, ServerGtid, Transactions},
    model::{BinlogPosition, Fact},
    observe::{ChannelFacts, DatabaseFacts, ErrantFacts, ErrantKind, SeedMark, SeedMarks, SessionFacts},
    plan::{Allow, Next, Policy, Settle},
};

use super::{
    ByHand, Case, Setup,
    hosts::{as_mysql, of_channels, of_ends, of_hosts, of_logins, of_pairs, of_servers, one_file},
    unfit::of_unfit,
};
use crate::world::{Files, Host, World};

pub(super) fn setup(data: &[bool], topology: &str, file: bool) -> Setup {
    let host = |data: &bool| Host { own_id: true, data: *data, ..Host::default() };
    let hosts: Vec<Host> = data.iter().map(host).collect();
    let topology = Some(topology.to_owned());
    Setup {
        world: World::new(&hosts),
        files: Files { dual: false, count: data.len(), deny: false, file, reversed: false, topology },
        planned: Policy::default(),
        given: Policy::default(),
    }
}

pub(super) const PAIR: &str = "{kind: dual-primary, members: [db-1, db-2]}";
const ONE_WAY: &str = "{kind: primary-replica, primary: db-1, replicas: [db-2]}";
pub(super) const TREE: &str = "{kind: primary-replica, primary: db-1, replicas: [db-2, db-3]}";
const CHAIN: &str = "{kind: primary-replica, primary: db-1, replicas: [db-2, {host: db-3, source: db-2}]}";
pub(super) const TWO_SOURCES: &str =
    "{kind: channels, channels: [{from: db-1, to: db-3}, {from: db-2, to: db-3}]}";

pub(super) fn pair(data: [bool; 2]) -> Setup {
    setup(&data, PAIR, false)
}

pub(super) fn one_way() -> Setup {
    setup(&[true, false], ONE_WAY, false)
}

pub(super) fn case(code: &'static str, setup: Setup, by_hand: ByHand) -> Case {
    Case { code, setup, by_hand }
}

/// For what needs nothing by hand.
pub(super) fn nothing(_: &mut Setup, next: &Next) {
    panic!("nobody says how to follow {next:?}");
}

pub(super) fn cases() -> Vec<Case> {
    [
        allowed(),
        of_copies(),
        of_unfit(),
        of_data(),
        of_ends(),
        of_channels(),
        of_logins(),
        of_pairs(),
        of_hosts(),
        of_servers(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn session(from: &str) -> Fact<Vec<SessionFacts>> {
    Fact::Known(vec![SessionFacts { user: "app".into(), host: from.into(), database: String::new() }])
}

/// What a word of `--allow` is missing for. Some steps are planned only where their word was given: then the plan is applied
/// by a run without it.
fn allowed() -> Vec<Case> {
    let stranger = |world: &mut World| {
        world.server_of(1).channels = Fact::Known(vec![ChannelFacts {
            name: "old".into(),
            source_host: "10.9.9.9".into(),
            source_port: 3306,
            ..ChannelFacts::default()
        }]);
    };
    let mut cut = pair([true, false]).changed(|world| {
        world.server_of(0).sessions = session("203.0.113.9");
    });
    cut.files.deny = true;
    vec![
        case(
            "not-allowed-restart",
            pair([true, false]).changed(|world| world.server_of(0).sessions = session("localhost")),
            nothing,
        ),
        case("not-allowed-cut-clients", cut, nothing),
        case("not-allowed-reseed", pair([true, true]).planned_with(Allow::Reseed), nothing),
        case(
            "not-allowed-reset-binlogs",
            one_way().changed(|world| {
                let followed = Fact::Known(vec![(99, "10.9.9.9".into())]);
                world.server_of(1).connected_replicas = followed;
                world.server_of(1).binlog = Fact::Known(Default::default());
            }),
            nothing,
        ),
        case("not-allowed-edit-option-file", pair([true, false]).changed(one_file), nothing),
        case(
            "not-allowed-drop-account",
            pair([true, false]).settled().planned_with(Allow::DropAccount).changed(|world| {
                let old = ("repl_user".to_owned(), "10.9.9.9".to_owned());
                world.server_of(0).account_names.insert(old);
            }),
            nothing,
        ),
        case(
            "not-allowed-drop-channel",
            setup(&[true, true], "{kind: channels, channels: [{from: db-2, to: db-1, name: n}]}", false)
                .allowing(Allow::Reseed)
                .planned_with(Allow::DropChannel)
                .changed(stranger),
            nothing,
        ),
    ]
}

fn of_copies() -> Vec<Case> {
    let unfinished = |world: &mut World| {
        let databases = vec!["shop".to_owned()];
        let mark = SeedMark { from: "db-1".into(), databases, loaded: None, differs: Vec::new() };
        world.host(1).seeds = Fact::Known(SeedMarks(vec![mark]));
        world.server_of(1).databases.push(database("mine"));
    };
    let old_channel = |world: &mut World| {
        let old = ChannelFacts { name: "old".into(), source_host: "10.9.9.9".into(), ..Default::default() };
        world.server_of(1).channels = Fact::Known(vec![old]);
    };
    let passed_on = setup(
        &[true, false, false, false],
        "{kind: channels, channels: [{from: db-1, to: db-3}, {from: db-3, to: db-4}]}",
        false,
    );
    let passed_on =
        passed_on.settled().changed(|world| world.server_of(1).databases = vec![database("more")]);
    vec![
        case("data-beside-unfinished-copy", one_way().changed(unfinished), |setup, next| {
            let Next::MoveAway { what, .. } = next else { panic!("{next:?}") };
            setup.world.server_of(1).databases.retain(|d| !what.contains(&d.name));
        }),
        case("copy-needed", pair([true, false]).without("seed"), nothing),
        case("copy-needed", one_way().with("seed_method=none"), nothing),
        case(
            "copy-not-passed-on",
            passed_on.topology(
                "{kind: channels, channels: [{from: db-1, to: db-3}, {from: db-3, to: db-4}, {from: db-2, to: db-3}]}",
            ),
            |setup, _| setup.files.topology = Some(TWO_SOURCES.to_owned()),
        ),
        case("seed-method", one_way().with("seed_method=physical"), nothing),
        case("unknown-database", one_way().with("seed_databases=[\"nope\"]"), |setup, _| {
            setup.world.extra.push("seed_databases=[\"shop\"]".into());
        }),
        case("same-database-twice", setup(&[true, true, false], TWO_SOURCES, false), |setup, _| {
            setup.files.topology = Some(
                "{kind: channels, channels: [{from: db-1, to: db-3}, {from: db-2, to: db-3, filters: \
                 {replicate_ignore_databases: [shop]}}]}"
                    .into(),
            );
        }),
        case("disk-too-small", one_way().changed(|world| disk(world, 1)), |setup, _| {
            setup.world.host(1).disk = Fact::Absent;
        }),
        case("other-channels", one_way().changed(old_channel), |setup, _| {
            setup.world.server_of(1).channels = Fact::Known(Vec::new());
        }),
    ]
}

fn database(name: &str) -> DatabaseFacts {
    DatabaseFacts { name: name.into(), tables: 1, bytes: 1, ..DatabaseFacts::default() }
}

pub(super) fn no_defaults(world: &mut World, on: bool) {
    let Fact::Known(files) = &mut world.host(0).option_files else { panic!("option files") };
    files.no_defaults = on;
}

pub(super) fn disk(world: &mut World, n: usize) {
    let Fact::Known(disk) = &mut world.host(n).disk else { panic!("a disk") };
    disk.free = 1;
}

/// A server of MariaDB that has written this much in this domain.
pub(crate) fn wrote(world: &mut World, n: usize, ids: &str) {
    world.server_of(n).gtid = Fact::Known(GtidState::MariaDb(ServerGtid {
        server_id: u32::try_from(n + 40).expect("a small number"),
        binlog_state: ids.parse().expect("a state"),
        binlog_start: Fact::Known(Default::default()),
        ..ServerGtid::default()
    }));
}

/// The source's log of which the replica would go on is gone.
fn purged(world: &mut World, source: usize, replica: usize) {
    if let Fact::Known(binlog) = &mut world.server_of(source).binlog {
        binlog.oldest = "mysql-bin.000009".into();
    }
    let channel = world.channel_of(replica);
    channel.io_running = ThreadState::No;
    channel.executed = BinlogPosition::start_of("mysql-bin.000001");
}

fn of_data() -> Vec<Case> {
    let ring = "{kind: ring, members: [db-1, db-2, db-3]}";
    let swap = |setup: &mut Setup, _: &Next| {
        setup.files.topology = Some("{kind: primary-replica, primary: db-2, replicas: [db-1]}".into());
    };
    let turn = |setup: &mut Setup, _: &Next| {
        setup.files.topology = Some("{kind: channels, channels: [{from: db-2, to: db-1}]}".into());
    };
    let one_domain = |world: &mut World| {
        for n in [0, 1] {
            wrote(world, n, &format!("0-{}-5", n + 40));
        }
    };
    let mut two = setup(&[true, true, false], TWO_SOURCES, false).changed(one_domain);
    two.world.server_of(1).databases = vec![database("more")];
    let moves = setup(&[true, false, false], TREE, true).settled();
    let back = setup(&[true, false], ONE_WAY, true).settled();
    let back = back.changed(|world| {
        for n in [0, 1] {
            wrote(world, n, "0-40-5,1-77-3");
        }
    });
    let apart = one_way().settled().changed(|world| {
        let channel = world.channel_of(1);
        channel.source_host = "10.9.9.9".into();
        channel.source_server_id = 77;
        wrote(world, 1, "0-77-5");
    });
    vec![
        case("data-on-both", pair([true, true]), nothing),
        case("data-on-both", pair([true, true]).without("seed"), nothing),
        case("data-on-both", pair([true, true]).with("seed_method=none"), nothing),
        case("data-on-both", setup(&[true, true], ONE_WAY, false), nothing),
        case("data-on-both", setup(&[true, true, false], ring, false), nothing),
        case("data-on-replica-only", pair([false, true]), nothing),
        case("data-on-replica-only", pair([false, true]).without("seed"), nothing),
        case("data-on-replica-only", setup(&[false, true, false], ring, false), nothing),
        case("data-on-replica-only", setup(&[false, true], ONE_WAY, false), swap),
        case(
            "data-on-replica-only",
            setup(&[false, true], "{kind: channels, channels: [{from: db-1, to: db-2}]}", false),
            turn,
        ),
        case("source-purged", back.clone().changed(|world| purged(world, 0, 1)), nothing),
        case("source-purged", back.clone().without("seed").changed(|world| purged(world, 0, 1)), nothing),
        case(
            "source-purged",
            back.clone().with("seed_method=none").changed(|world| purged(world, 0, 1)),
            nothing,
        ),
        // Here the data goes the other way round.
        case(
            "source-purged",
            setup(&[true, false], PAIR, true).settled().changed(|w| purged(w, 1, 0)),
            nothing,
        ),
        case("shared-gtid-domain", two, nothing),
        case("move-needs-gtid", moves.clone().topology(CHAIN), nothing),
        case("move-needs-gtid", moves.topology(CHAIN).without("seed"), nothing),
        case("moved-apart", apart.clone(), nothing),
        case("moved-apart", apart.clone().without("seed"), nothing),
        case("moved-apart", apart.with("seed_method=none"), nothing),
        case("way-back-needs-gtid", back.topology(PAIR), nothing),
        case("way-back-needs-gtid", old_ring(), nothing),
        case("errant-transactions", errant(ErrantKind::OnlyHere), settle_errant),
        case("source-lost-transactions", errant(ErrantKind::LostBySource("db-1".into())), settle_errant),
    ]
}

/// By file and position nothing tells where the first host of a ring begins in the log of the last one: that is known before the
/// copies are made.
fn old_ring() -> Setup {
    setup(&[true, false, false], "{kind: ring, members: [db-1, db-2, db-3], seed_from: db-1}", true).changed(
        |world| {
            as_mysql(world, "5.6.24");
            for n in 0..3 {
                world.server_of(n).variables.insert("gtid_mode".into(), "OFF".into());
            }
        },
    )
}

fn errant(kind: ErrantKind) -> Setup {
    one_way().settled().changed(|world| {
        let one = Errant { domain: 0, server: 41, after: 0, up_to: 1 };
        let transactions = Transactions::MariaDb(vec![one]);
        let found = ErrantFacts {
            kind,
            sources: vec!["db-1".into()],
            transactions,
            events: Vec::new(),
            undecoded: None,
        };
        world.host(1).errant = Fact::Known(vec![found]);
    })
}

/// A way out is a word of `--allow`, or something that is done on the hosts.
fn settle_errant(setup: &mut Setup, next: &Next) {
    let Next::Settle(Settle::Found(repair)) = next else { panic!("{next:?}") };
    match repair.allow() {
        Some(word) => *setup = setup.clone().allowing(word),
        None => setup.world.host(1).errant = Fact::Known(Vec::new()),
    }
}
