//! What speaks against the copy of a whole server, and what a plan says of one.

use tandem::inside::{
    dialect::CannotCopy,
    gtid::{GtidState, MySqlGtid},
    model::{Fact, HostName, ServerVersion},
    observe::{ChannelFacts, DiskFacts, HostFacts, ServerFacts},
    plan::{Action, CopyMethod, CopyRefused, MethodRefused, Next, Note, Plan, Refused, Risk},
};

use crate::world::{Files, Host, World};

const DUAL: Files = Files { dual: true, count: 2, deny: false, file: false, reversed: false, topology: None };

/// The plan for a pair whose hosts were changed.
fn plan(extra: &[&str], change: impl Fn(usize, &mut HostFacts)) -> Plan {
    let mut world = World::new(&[Host { data: true, ..Host::default() }, Host::default()]);
    world.extra = extra.iter().map(|text| (*text).to_owned()).collect();
    for n in 0..2 {
        change(n, world.host(n));
    }
    world.plan(&DUAL)
}

fn server(facts: &mut HostFacts) -> &mut ServerFacts {
    let Fact::Known(server) = &mut facts.server else { panic!("a server") };
    server
}

fn disk(facts: &mut HostFacts) -> &mut DiskFacts {
    let Fact::Known(disk) = &mut facts.disk else { panic!("a disk") };
    disk
}

fn variable(facts: &mut HostFacts, name: &str, value: &str) {
    server(facts).variables.insert(name.to_owned(), value.to_owned());
}

fn with_backup(facts: &mut HostFacts) {
    for tool in ["mariadb-backup", "mbstream"] {
        facts.os.tools.insert(tool.to_owned(), format!("/usr/bin/{tool}"));
    }
    variable(facts, "datadir", "/var/lib/mysql/");
}

fn as_mysql(facts: &mut HostFacts) {
    let server = server(facts);
    server.version = ServerVersion::parse("8.4.5").expect("a version");
    server.version_text = "8.4.5".into();
    server.unit = "mysql.service".into();
    server.gtid = Fact::Known(GtidState::MySql(MySqlGtid::default()));
    for (name, value) in [("gtid_mode", "ON"), ("enforce_gtid_consistency", "ON"), ("super_read_only", "OFF")]
    {
        server.variables.insert(name.to_owned(), value.to_owned());
        server.defaults.insert(name.to_owned(), "OFF".to_owned());
    }
}

type Change = fn(usize, &mut HostFacts);

/// What is to speak against the copy.
type Expected = fn(&MethodRefused) -> bool;

macro_rules! is {
    ($($against:tt)+) => { (|why| matches!(why, $($against)+)) as Expected };
}

#[track_caller]
fn refused(extra: &[&str], ready: fn(&mut HostFacts), cases: &[(Expected, Change)]) {
    for (number, (expected, change)) in cases.iter().enumerate() {
        let plan = plan(extra, |n, facts| {
            ready(facts);
            change(n, facts);
        });
        let reason = plan.refused.iter().find_map(|r| match &r.why {
            Refused::Copy(CopyRefused::Method { why, .. }) => Some(why),
            _ => None,
        });
        assert!(reason.is_some_and(expected), "{number}: {:#?}", plan.refused);
        assert!(plan.steps.iter().all(|s| s.host != HostName::from("db-2")), "{number}: {:#?}", plan.steps);
    }
}

/// No word of `--allow` ends them: a host whose wish is refused keeps still. So the way out must work by itself.
#[test]
fn channels_in_the_way_of_a_copy_are_named_with_the_statements_that_end_them() {
    let plan = plan(&[], |n, facts| {
        if n == 1 {
            let old = ChannelFacts {
                name: "old".into(),
                source_host: "10.9.9.9".into(),
                source_port: 3306,
                ..ChannelFacts::default()
            };
            server(facts).channels = Fact::Known(vec![old]);
        }
    });
    let refusal = plan.refused.iter().find(|r| r.why.code() == "other-channels").expect("a refusal");
    let ending = vec!["STOP SLAVE 'old'".to_owned(), "RESET SLAVE 'old' ALL".to_owned()];
    let next = Next::EndChannels { on: "db-2".into(), channels: vec!["old".into()], ending };
    assert_eq!(refusal.why.next(&refusal.host), [next]);
}

#[test]
fn the_files_are_copied_only_where_they_will_do() {
    refused(
        &["seed_method=physical"],
        with_backup,
        &[
            (
                is!(MethodRefused::NoProgram { program: "mariadb-backup", on } if on.as_str() == "db-1"),
                |n, f| {
                    if n == 0 {
                        f.os.tools.clear();
                    }
                },
            ),
            (is!(MethodRefused::NoProgram { program: "mbstream", on } if on.as_str() == "db-2"), |n, f| {
                if n == 1 {
                    f.os.tools.remove("mbstream");
                }
            }),
            (is!(MethodRefused::Files { why: CannotCopy::Apart { .. }, .. }), |n, f| {
                if n == 1 {
                    server(f).version.minor = 12;
                }
            }),
            (is!(MethodRefused::Files { why: CannotCopy::Apart { .. }, .. }), |n, f| {
                if n == 1 {
                    server(f).version.patch = 1;
                }
            }),
            (
                is!(MethodRefused::Differs { variable: "innodb_page_size", there, here, .. } if there == "16384" && here == "4096"),
                |n, f| {
                    variable(f, "innodb_page_size", ["16384", "4096"][n]);
                },
            ),
            (
                is!(MethodRefused::Encrypted { variables, .. } if *variables == ["innodb_encrypt_tables"]),
                |_, f| variable(f, "innodb_encrypt_tables", "FORCE"),
            ),
            (
                is!(MethodRefused::Outside { variables, .. } if *variables == ["innodb_undo_directory = /undo"]),
                |_, f| variable(f, "innodb_undo_directory", "/undo"),
            ),
            (
                is!(MethodRefused::Outside { variables, .. } if *variables == ["innodb_data_file_path = /ib/ibdata1:12M"]),
                |_, f| variable(f, "innodb_data_file_path", "/ib/ibdata1:12M"),
            ),
            (
                is!(MethodRefused::OutsideNext { variable: "innodb_log_group_home_dir", value, place } if value == "/redo" && place.to_string() == "/etc/mysql/logs.cnf:2"),
                |n, f| {
                    let Fact::Known(files) = &mut f.option_files else { panic!("option files") };
                    let name = ["/etc/mysql/none.cnf", "/etc/mysql/logs.cnf"][n].to_owned();
                    files.files.push((name, b"[mysqld]\ninnodb_log_group_home_dir = /redo\n".to_vec()));
                },
            ),
            (
                is!(MethodRefused::NoAdmin { user, source } if user == "root" && source.as_str() == "db-1"),
                |n, f| {
                    if n == 1 {
                        server(f).account_names.insert(("root".into(), "localhost".into()));
                    }
                },
            ),
            (is!(MethodRefused::Immovable { .. }), |_, f| disk(f).renamable = false),
            (is!(MethodRefused::Files { why: CannotCopy::Family, .. }), |_, f| as_mysql(f)),
        ],
    );
}

#[test]
fn a_wish_that_moves_files_out_of_the_data_directory_is_seen_before_a_copy_of_them() {
    refused(
        &["seed_method=physical", "mysql_settings={\"innodb_log_group_home_dir\": \"/redo\"}"],
        |f| {
            with_backup(f);
            variable(f, "innodb_log_group_home_dir", "./");
        },
        &[(
            is!(MethodRefused::OutsideNext { value, place, .. } if value == "/redo" && place.file.starts_with("-e ")),
            |_, _| (),
        )],
    );
}

#[test]
fn a_server_is_cloned_only_where_it_will_come_up() {
    refused(
        &["seed_method=clone"],
        as_mysql,
        &[
            (is!(MethodRefused::Clone { why: CannotCopy::Family, .. }), |_, f| {
                server(f).version = ServerVersion::parse("10.11.6-MariaDB").expect("a version");
                server(f).gtid = Fact::Known(GtidState::MariaDb(Default::default()));
            }),
            (is!(MethodRefused::Clone { why: CannotCopy::TooOld(_), .. }), |_, f| {
                server(f).version = ServerVersion::parse("8.0.25").expect("a version");
            }),
            (is!(MethodRefused::Clone { why: CannotCopy::Apart { .. }, .. }), |n, f| {
                if n == 1 {
                    server(f).version = ServerVersion::parse("9.7.0").expect("a version");
                }
            }),
            (is!(MethodRefused::Differs { variable: "collation_server", .. }), |n, f| {
                variable(f, "collation_server", ["a", "b"][n]);
            }),
            (is!(MethodRefused::SmallPackets { .. }), |_, f| variable(f, "max_allowed_packet", "1048576")),
            (is!(MethodRefused::NotCloned { tables } if *tables == ["shop.m (MyISAM)"]), |n, f| {
                if n == 0 {
                    server(f).databases[0].locked_tables.push(("m".into(), "MyISAM".into()));
                }
            }),
            (is!(MethodRefused::Overlay { .. }), |_, f| disk(f).file_system = "overlayfs".into()),
        ],
    );
}

#[test]
fn the_restart_and_what_is_replaced_are_told() {
    for (method, ready) in [("physical", with_backup as fn(&mut HostFacts)), ("clone", as_mysql)] {
        let plan = plan(&[&format!("seed_method={method}")], |_, facts| ready(facts));
        let step = plan.steps.iter().find(|s| matches!(s.action, Action::Seed(_)));
        let step = step.unwrap_or_else(|| panic!("{method}: {:#?}", plan.refused));
        let Action::Seed(seed) = &step.action else { panic!("a copy") };
        assert_eq!(matches!(seed.method, CopyMethod::Clone(_)), method == "clone");
        assert!(step.risk.contains(&Risk::Restart { sessions: Some(0) }), "{:?}", step.risk);
        let replaced = |risk: &Risk| {
            matches!(
                risk,
                Risk::Note { note: Note::ServerReplacedByClone { .. } | Note::ServerReplacedByFiles { .. } }
            )
        };
        assert!(step.risk.iter().any(replaced), "{:?}", step.risk);
    }
}

#[test]
fn the_account_of_a_clone_that_was_cut_off_is_dropped() {
    let left = ("tandem_clone".to_owned(), "10.0.0.2".to_owned());
    let plan = plan(&[], |n, facts| {
        if n == 0 {
            server(facts).account_names.insert(left.clone());
        }
    });
    let drop = Action::DropAccount { user: left.0, host: left.1 };
    assert!(plan.steps.iter().any(|s| s.action == drop && s.risk.is_empty()), "{:#?}", plan.steps);
}

/// A server whose sessions could not be read may be in use.
#[test]
fn a_restart_is_gated_where_it_is_not_known_whether_clients_are_connected() {
    let gates = |plan: &Plan| -> Vec<bool> {
        let restarts = plan.steps.iter().filter(|s| matches!(s.action, Action::Restart { .. }));
        restarts
            .map(|s| s.risk.iter().any(|r| r.gate() == Some(tandem::inside::plan::Allow::Restart)))
            .collect()
    };
    assert_eq!(gates(&plan(&[], |_, _| {})), [false, false]);
    let unread = plan(&[], |n, facts| {
        if n == 0 {
            server(facts).sessions = Fact::Unread("access denied".into());
        }
    });
    let mut unread = gates(&unread);
    unread.sort_unstable();
    assert_eq!(unread, [false, true]);
}
