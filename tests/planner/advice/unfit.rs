//! What a copy row by row can't carry: each reason, what is advised, and that it ends the refusal.

use tandem::inside::{
    dialect::{
        CopyDemands, CopyTakes, DemandingAccount, DemandingTable, GrantedOn, ObjectGrant, Unfit, UnfitObject,
        UnfitWhy, Versions,
    },
    model::Fact,
    plan::{CopyRefused, Next, Refused},
};

use super::{
    ByHand, Case, Setup,
    cases::{case, nothing, one_way},
};
use crate::world::World;

const CODE: &str = "cannot-be-copied";

/// A pair whose copy was looked at: the source holds one table, and the replica takes it.
fn looked(change: impl FnOnce(&mut CopyDemands)) -> Setup {
    let table =
        DemandingTable { name: shop("t"), engine: "InnoDB".into(), has_key: true, ..Default::default() };
    let mut demands = CopyDemands { tables: vec![table], ..CopyDemands::default() };
    change(&mut demands);
    let takes = CopyTakes {
        engines: ["innodb".to_owned()].into(),
        login_plugins: ["mysql_native_password".to_owned()].into(),
        ..CopyTakes::default()
    };
    one_way().changed(|world| {
        world.host(0).demands = Some(Fact::Known(demands));
        world.host(1).takes = Some(Fact::Known(takes));
        for n in [0, 1] {
            let variables = &mut world.server_of(n).variables;
            variables.insert("max_allowed_packet".into(), "16777216".into());
            variables.insert("innodb_force_primary_key".into(), "OFF".into());
        }
    })
}

fn shop(name: &str) -> (String, String) {
    ("shop".to_owned(), name.to_owned())
}

fn of_account(change: impl FnOnce(&mut DemandingAccount)) -> impl FnOnce(&mut CopyDemands) {
    let mut account = DemandingAccount { name: ("app".into(), "%".into()), ..Default::default() };
    change(&mut account);
    |demands| demands.accounts.push(account)
}

fn grant(database: &str, exists: bool) -> impl FnOnce(&mut DemandingAccount) {
    let grant = ObjectGrant {
        name: (database.to_owned(), "gone".to_owned()),
        on: GrantedOn::Table,
        privileges: vec!["SELECT".into()],
        exists,
    };
    |account| account.grants.push(grant)
}

fn demands(setup: &mut Setup) -> &mut CopyDemands {
    match &mut setup.world.host(0).demands {
        Some(Fact::Known(demands)) => demands,
        other => panic!("{other:?}"),
    }
}

fn takes(setup: &mut Setup) -> &mut CopyTakes {
    match &mut setup.world.host(1).takes {
        Some(Fact::Known(takes)) => takes,
        other => panic!("{other:?}"),
    }
}

/// A server of a version that takes what the old one does not, or to which a whole server can be copied.
fn another_server(setup: &mut Setup, next: &Next) {
    assert!(matches!(next, Next::ReplaceServer { .. }), "{next:?}");
    with_files(&mut setup.world);
    setup.world.extra.push("seed_method=physical".into());
}

/// Both can be copied by their files.
fn with_files(world: &mut World) {
    for n in [0, 1] {
        for tool in ["mariadb-backup", "mbstream"] {
            world.host(n).os.tools.insert(tool.into(), format!("/usr/bin/{tool}"));
        }
    }
}

/// Each reason with a world of it.
fn reasons() -> Vec<(Unfit, Setup, ByHand)> {
    [of_tables(), of_views(), of_accounts()].into_iter().flatten().collect()
}

fn unfit(object: UnfitObject, why: UnfitWhy) -> Unfit {
    Unfit { object, why }
}

fn of_tables() -> Vec<(Unfit, Setup, ByHand)> {
    let table = || UnfitObject::Table(shop("t"));
    let forced = looked(|demands| demands.tables[0].has_key = false).changed(|world| {
        world.server_of(1).variables.insert("innodb_force_primary_key".into(), "ON".into());
    });
    let older = looked(|demands| demands.tables[0].versions = Some(Versions::ByTime)).changed(|world| {
        for n in [0, 1] {
            world.server_of(n).version =
                tandem::inside::model::ServerVersion::parse("10.6.1-MariaDB").expect("a version");
        }
    });
    vec![
        (
            unfit(table(), UnfitWhy::NoEngine { engine: "ROCKSDB".into() }),
            looked(|demands| demands.tables[0].engine = "ROCKSDB".into()),
            |setup, next| {
                assert!(matches!(next, Next::Install { on, .. } if on.as_str() == "db-2"), "{next:?}");
                takes(setup).engines.insert("rocksdb".into());
            },
        ),
        (unfit(table(), UnfitWhy::NoKey), forced, nothing),
        (unfit(table(), UnfitWhy::History), older, another_server),
        (
            unfit(table(), UnfitWhy::HistoryByTransactions),
            looked(|demands| demands.tables[0].versions = Some(Versions::ByTransaction)),
            another_server,
        ),
        (
            unfit(table(), UnfitWhy::Tablespace),
            looked(|demands| demands.tables[0].in_tablespace = true),
            |setup, next| {
                let Next::Run { on: Some(on), command } = next else { panic!("{next:?}") };
                assert_eq!(on.as_str(), "db-1");
                assert_eq!(command, "ALTER TABLE `shop`.`t` TABLESPACE innodb_file_per_table");
                demands(setup).tables[0].in_tablespace = false;
            },
        ),
        (
            unfit(UnfitObject::Column(shop("t"), "doc".into()), UnfitWhy::TypedJson),
            looked(|demands| demands.typed_json.found.push((shop("t"), "doc".into()))),
            another_server,
        ),
        (
            unfit(table(), UnfitWhy::LargeRow { bytes: 20_000_000, packet: 16_777_216 }),
            looked(|demands| demands.large_rows.found.push((shop("t"), 20_000_000))),
            nothing,
        ),
    ]
}

fn of_views() -> Vec<(Unfit, Setup, ByHand)> {
    let view = || UnfitObject::View(shop("v"));
    let maker = || ("maker".to_owned(), "%".to_owned());
    vec![
        (
            unfit(view(), UnfitWhy::BrokenView),
            looked(|demands| demands.broken_views.push(shop("v"))),
            |setup, next| {
                let Next::Run { command, .. } = next else { panic!("{next:?}") };
                assert_eq!(command, "DROP VIEW `shop`.`v`");
                demands(setup).broken_views.clear();
            },
        ),
        (
            unfit(view(), UnfitWhy::RestsOnSystem { name: "mine".into() }),
            looked(|demands| demands.system_views.push((shop("v"), "mine".into()))),
            |setup, next| {
                let Next::Run { command, .. } = next else { panic!("{next:?}") };
                assert_eq!(command, "DROP VIEW `shop`.`v`");
                demands(setup).system_views.clear();
            },
        ),
        (
            unfit(view(), UnfitWhy::NoDefiner { definer: maker(), of: "shop".into(), on_source: false }),
            looked(|demands| demands.calling_views.push((shop("v"), maker(), "shop".into()))),
            |setup, next| {
                let Next::Run { on: Some(on), command } = next else { panic!("{next:?}") };
                assert_eq!(on.as_str(), "db-1");
                let made = "CREATE USER 'maker'@'%' ACCOUNT LOCK; GRANT EXECUTE ON `shop`.* TO 'maker'@'%'";
                assert_eq!(command, made);
                let name = ("maker".to_owned(), "%".to_owned());
                demands(setup).accounts.push(DemandingAccount { name, ..Default::default() });
            },
        ),
    ]
}

fn of_accounts() -> Vec<(Unfit, Setup, ByHand)> {
    let app = || UnfitObject::Account(("app".into(), "%".into()));
    let gone = |exists, database: &str| ObjectGrant {
        name: (database.to_owned(), "gone".to_owned()),
        on: GrantedOn::Table,
        privileges: vec!["SELECT".into()],
        exists,
    };
    vec![
        (
            unfit(app(), UnfitWhy::LoginPlugin { plugin: "ed25519".into() }),
            looked(of_account(|account| account.plugins = vec!["ed25519".into()])),
            |setup, _| {
                takes(setup).login_plugins.insert("ed25519".into());
            },
        ),
        (
            unfit(app(), UnfitWhy::PartialRevokes),
            looked(of_account(|account| account.restricted = true)).changed(|world| {
                for n in 0..world.names().len() {
                    world.server_of(n).variables.insert("partial_revokes".into(), "OFF".into());
                }
            }),
            |_, next| panic!("{next:?}"),
        ),
        (
            unfit(app(), UnfitWhy::GrantOnGone(gone(false, "shop"))),
            looked(of_account(grant("shop", false))),
            |setup, next| {
                let Next::Run { command, .. } = next else { panic!("{next:?}") };
                assert_eq!(command, "REVOKE SELECT ON `shop`.`gone` FROM 'app'@'%'");
                demands(setup).accounts[0].grants.clear();
            },
        ),
        (
            unfit(app(), UnfitWhy::GrantOnSystem(gone(false, "mysql"))),
            looked(of_account(grant("mysql", false))),
            |setup, next| {
                let Next::Run { command, .. } = next else { panic!("{next:?}") };
                assert_eq!(command, "REVOKE SELECT ON `mysql`.`gone` FROM 'app'@'%'");
                demands(setup).accounts[0].grants.clear();
            },
        ),
        (
            unfit(app(), UnfitWhy::GrantOnLeftOut(gone(true, "more"))),
            looked(of_account(grant("more", true))),
            |setup, _| demands(setup).accounts[0].grants.clear(),
        ),
    ]
}

pub(super) fn of_unfit() -> Vec<Case> {
    let mut cases: Vec<Case> =
        reasons().into_iter().map(|(_, setup, by_hand)| case(CODE, setup, by_hand)).collect();
    // Where the whole server can be copied, that is what is advised.
    let view = looked(|demands| demands.broken_views.push(shop("v"))).changed(with_files);
    cases.push(case(CODE, view, nothing));
    cases
}

fn found(setup: &Setup) -> Vec<Unfit> {
    let mut all = Vec::new();
    for refusal in setup.refused() {
        if let Refused::Copy(CopyRefused::NotCarried { unfit, .. }) = refusal.why {
            all.extend(unfit);
        }
    }
    all
}

#[test]
fn each_reason_is_told_of_its_object() {
    for (unfit, setup, _) in reasons() {
        assert_eq!(found(&setup), [unfit]);
    }
}

#[test]
fn what_nobody_looked_at_or_is_left_out_is_not_refused() {
    assert_eq!(found(&looked(|_| {})), []);
    assert_eq!(found(&one_way()), []);
    let elsewhere = looked(|demands| demands.broken_views.push(("other".into(), "v".into())));
    assert_eq!(found(&elsewhere), []);
    let ours = looked(|demands| {
        let plugins = vec!["unknown".to_owned()];
        for user in ["repl_user", "mariadb.sys", "root"].into_iter().take(2) {
            let name = (user.to_owned(), "%".to_owned());
            demands.accounts.push(DemandingAccount { name, plugins: plugins.clone(), ..Default::default() });
        }
    });
    assert_eq!(found(&ours), []);
    let without = looked(of_account(grant("shop", false))).with("seed_accounts=false");
    assert_eq!(found(&without), []);
}

#[test]
fn what_is_declared_counts_and_not_what_runs() {
    let large = || looked(|demands| demands.large_rows.found.push((shop("t"), 20_000_000)));
    assert_eq!(found(&large().with("mysql_settings={\"max_allowed_packet\": \"64M\"}")), []);
    let small = large().changed(|world| {
        world.server_of(1).variables.insert("max_allowed_packet".into(), "1073741824".into());
    });
    assert_eq!(found(&small), []);
    assert_eq!(found(&small.with("mysql_settings={\"max_allowed_packet\": \"16M\"}")).len(), 1);
    let engine = looked(|demands| demands.tables[0].engine = "ROCKSDB".into());
    assert_eq!(found(&engine.with("mysql_settings={\"plugin_load_add\": \"ha_rocksdb\"}")), []);
}

#[test]
fn what_could_not_be_read_is_a_thought_before_the_step() {
    let noted = |setup: &Setup| {
        let plan = setup.plan();
        assert_eq!(plan.refused, []);
        let seed = plan.steps.iter().find(|step| step.id.0.contains("/seed/")).expect("a copy");
        format!("{:?}", seed.risk).contains("CopyUnforeseen")
    };
    assert!(!noted(&looked(|_| {})));
    assert!(!noted(&one_way()));
    let unread = looked(|_| {}).changed(|world| world.host(0).demands = Some(Fact::Unread("no".into())));
    assert!(noted(&unread));
    let half = looked(|demands| demands.typed_json.unread = Some("it took too long".into()));
    assert!(noted(&half));
}
