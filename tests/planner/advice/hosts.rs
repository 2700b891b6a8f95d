//! What is refused for the sake of a channel, its ends, or one host.

use tandem::inside::{
    gtid::{GtidState, MySqlGtid},
    model::{Fact, ServerVersion, ThreadState},
    observe::{
        AdminWriter, ChannelFacts, FarEnd, HostFacts, RestartRecord, RestartState, ServiceFacts, file_query,
        server_query,
    },
    option_file::{Argument, Asked},
    plan::Next,
};

use super::{
    Case, Setup,
    cases::{TREE, TWO_SOURCES, case, disk, no_defaults, nothing, one_way, pair, setup, wrote},
};
use crate::world::{Host, World};

pub(super) fn of_ends() -> Vec<Case> {
    let moved = |end: Option<FarEnd>| {
        pair([true, false]).settled().changed(|world| {
            let address = ("replication_address".to_owned(), "10.0.0.99".to_owned());
            world.vars.insert("db-1".into(), vec![address]);
            match end {
                Some(end) => drop(world.host(1).far_ends.insert("db-1".into(), end)),
                None => drop(world.observed.insert("db-1".into(), Fact::Unread("no answer".into()))),
            }
        })
    };
    let back = |setup: &mut Setup, next: &Next| match next {
        Next::Set { variable, .. } if variable == "replication_address" => setup.world.vars.clear(),
        _ => setup.world.host(1).far_ends.clear(),
    };
    let read = |setup: &mut Setup, next: &Next| match next {
        Next::Set { variable, .. } if variable == "replication_address" => setup.world.vars.clear(),
        _ => *setup = pair([true, false]).settled(),
    };
    let port = one_way().changed(|world| {
        world.server_of(0).variables.insert("port".into(), "3307".into());
    });
    vec![
        case("port-differs", port.without("config").with("mysql_port=3306"), nothing),
        case("end-not-read", moved(None), read),
        case("end-unreachable", moved(Some(FarEnd::Unreachable("timed out".into()))), back),
        case("end-of-another", moved(Some(FarEnd::Another("8.4.5".into()))), back),
    ]
}

pub(super) fn as_mysql(world: &mut World, version: &str) {
    for n in 0..world.names().len() {
        let server = world.server_of(n);
        server.version = ServerVersion::parse(version).expect("a version");
        server.version_text = version.into();
        server.gtid = Fact::Known(GtidState::MySql(MySqlGtid::default()));
        for (name, value) in
            [("gtid_mode", "ON"), ("enforce_gtid_consistency", "ON"), ("super_read_only", "OFF")]
        {
            server.variables.insert(name.to_owned(), value.to_owned());
            server.defaults.insert(name.to_owned(), "OFF".to_owned());
        }
    }
}

fn prepared_by_xa() -> Case {
    let prepared = |names: &[&str]| Fact::Known(names.iter().map(|name| (*name).to_owned()).collect());
    case(
        "xa-prepared",
        one_way()
            .settled()
            .changed(move |world| world.host(0).prepared = prepared(&["order-7"]))
            .topology(SWAPPED),
        |setup, _| setup.world.host(0).prepared = Fact::Known(Vec::new()),
    )
}

fn of_other_settings() -> Case {
    case(
        "other-parameters",
        one_way()
            .settled()
            .changed(|world| {
                for (n, mode) in [(0, "STRICT_TRANS_TABLES,ANSI_QUOTES"), (1, "ansi_quotes")] {
                    world.server_of(n).variables.insert("sql_mode".into(), mode.into());
                }
            })
            .topology(SWAPPED),
        |setup, _| {
            setup
                .world
                .server_of(1)
                .variables
                .insert("sql_mode".into(), "ANSI_QUOTES,STRICT_TRANS_TABLES".into());
        },
    )
}

const SWAPPED: &str = "{kind: primary-replica, primary: db-2, replicas: [db-1]}";

fn by_file() -> ChannelFacts {
    ChannelFacts {
        source_host: "10.0.0.1".into(),
        source_port: 3306,
        user: "repl_user".into(),
        io_running: ThreadState::Yes,
        sql_running: ThreadState::Yes,
        ..ChannelFacts::default()
    }
}

fn of_place_lost() -> Case {
    let forgets = |world: &mut World| {
        let channel = world.channel_of(1);
        channel.source_host = "10.0.0.99".into();
        channel.executed = None;
    };
    case(
        "place-lost",
        setup(&[true, false], "{kind: primary-replica, primary: db-1, replicas: [db-2]}", true)
            .settled()
            .changed(forgets),
        |setup, _| {
            let channel = setup.world.channel_of(1);
            channel.source_host = "10.0.0.1".into();
            channel.executed = tandem::inside::model::BinlogPosition::start_of("mysql-bin.000001");
        },
    )
}

fn of_old_mode() -> Case {
    case(
        "gtid-mode-offline",
        one_way().changed(|world| {
            as_mysql(world, "5.6.24");
            for n in [0, 1] {
                world.server_of(n).variables.insert("gtid_mode".into(), "OFF".into());
            }
            world.server_of(1).channels = Fact::Known(vec![by_file()]);
        }),
        nothing,
    )
}

fn of_old_channels() -> Case {
    case(
        "one-channel-only",
        setup(&[true, true, false], TWO_SOURCES, false).changed(|world| as_mysql(world, "5.6.24")),
        |setup, _| {
            setup.files.topology = Some("{kind: channels, channels: [{from: db-1, to: db-3}]}".into());
        },
    )
}

const BESIDE: &str = "/etc/mysql/mariadb.conf.d/10x.cnf";

/// A line that came after the last start, and that no server takes.
fn broken_beside(world: &mut World) {
    let Fact::Known(files) = &mut world.host(0).option_files else { panic!("option files") };
    files.files.push((BESIDE.to_owned(), b"[mysqld]\nnonesuch=1\n".to_vec()));
    world.host(0).asked.broken = vec!["unknown variable 'nonesuch=1'".to_owned()];
}

pub(super) fn of_channels() -> Vec<Case> {
    let broken = |world: &mut World| {
        let channel = world.channel_of(1);
        channel.sql_running = ThreadState::No;
        channel.sql_errno = 1062;
        channel.sql_error = "Duplicate entry '1' for key 'PRIMARY'".into();
    };
    let mended = |setup: &mut Setup, _: &Next| {
        let channel = setup.world.channel_of(1);
        (channel.sql_running, channel.sql_errno) = (ThreadState::Yes, 0);
        channel.sql_error.clear();
    };
    let slow = |world: &mut World| {
        for n in [0, 1] {
            wrote(world, n, "0-40-5");
        }
        world.channel_of(1).delay = 3600;
    };
    let filtered =
        "{kind: channels, channels: [{from: db-1, to: db-2, filters: {replicate_ignore_databases: [a]}}]}";
    let old =
        setup(&[true, false], filtered, false).changed(|world| as_mysql(world, "5.7.44")).changed(|world| {
            world.server_of(1).channels = Fact::Known(vec![by_file()]);
        });
    vec![
        case("channel-broken", one_way().settled().changed(broken), mended),
        case("channel-broken", one_way().settled().with("seed_method=none").changed(broken), mended),
        case("channel-filter", old, |setup, _| {
            setup.files.topology = Some("{kind: channels, channels: [{from: db-1, to: db-2}]}".into());
        }),
        case("delayed-takeover", one_way().settled().changed(slow).topology(SWAPPED), |setup, _| {
            setup.world.channel_of(1).delay = 0;
        }),
        case("target-broken", one_way().settled().changed(broken).topology(SWAPPED), nothing),
        prepared_by_xa(),
        of_other_settings(),
        case(
            "writers-not-one",
            setup(&[true, false, false], TREE, false)
                .settled()
                .changed(|world| {
                    world.server_of(2).variables.insert("read_only".into(), "OFF".into());
                })
                .topology("{kind: primary-replica, primary: db-2, replicas: [db-1, db-3]}"),
            |setup, _| {
                setup.world.server_of(2).variables.insert("read_only".into(), "ON".into());
            },
        ),
        case(
            "not-allowed-lock-accounts",
            one_way()
                .settled()
                .changed(|world| {
                    let boss = AdminWriter { user: "boss".into(), host: "%".into(), locked: false };
                    world.host(0).admins = Fact::Known(vec![boss]);
                })
                .topology(SWAPPED),
            nothing,
        ),
        case(
            "target-behind",
            one_way()
                .settled()
                .changed(|world| world.channel_of(1).seconds_behind = Some(31))
                .topology(SWAPPED),
            |setup, _| setup.world.channel_of(1).seconds_behind = Some(0),
        ),
        of_old_mode(),
        of_place_lost(),
        of_old_channels(),
        case(
            "gtid-mode-off",
            one_way()
                .changed(|world| as_mysql(world, "8.4.5"))
                .with("mysql_settings={\"gtid_mode\": \"OFF\"}"),
            nothing,
        ),
    ]
}

/// Accounts, passwords and certificates.
pub(super) fn of_logins() -> Vec<Case> {
    let named = pair([true, false]).changed(|world| {
        world.vars.insert("db-2".into(), vec![("replication_address".into(), "db-2.example.org".into())]);
        for n in [0, 1] {
            world.server_of(n).variables.insert("skip_name_resolve".into(), "ON".into());
        }
    });
    let to_address = |setup: &mut Setup, _: &Next| setup.world.vars.clear();
    let tls = pair([true, false]).with("replication_tls=required").without("tls").changed(|world| {
        for (n, name) in
            [0, 1].into_iter().flat_map(|n| ["ssl_ca", "ssl_cert", "ssl_key"].map(|name| (n, name)))
        {
            world.server_of(n).variables.insert(name.into(), String::new());
        }
    });
    let unverifiable =
        pair([true, false]).with("replication_tls=verify_ca").without("tls").changed(|world| {
            for n in [0, 1] {
                world.server_of(n).variables.insert("have_ssl".into(), "YES".into());
                let facts = world.host(n);
                facts.os.root = true;
                let own = file_query("/etc/mysql/tandem/ca.pem");
                let given = file_query("/own/ca.pem");
                facts.resources =
                    [(own, Fact::Known("none".to_owned())), (given, Fact::Known("file".to_owned()))]
                        .into_iter()
                        .collect();
            }
        });
    let other_password = pair([true, false]).without("accounts").changed(|world| {
        let host = Host { own_id: true, data: true, account: 1, ..Host::default() };
        let roles = world.roles.clone();
        *world = World::new(&[host.clone(), Host { data: false, ..host }]);
        world.roles = roles;
        for n in [0, 1] {
            let server = world.server_of(n);
            let names: Vec<_> = server.accounts.iter().map(|a| (a.user.clone(), a.host.clone())).collect();
            server.account_names.extend(names);
        }
    });
    vec![
        case(
            "password-too-long",
            pair([true, false]).with(&format!("replication_password={}", "x".repeat(200))),
            |setup, _| setup.world.extra.push("replication_password=short".into()),
        ),
        case(
            "tls-too-old",
            pair([true, false]).with("replication_tls=required").changed(|world| as_mysql(world, "5.6.24")),
            nothing,
        ),
        case(
            "tls-too-old",
            tls.clone().changed(|world| {
                as_mysql(world, "5.6.24");
                for n in [0, 1] {
                    world.server_of(n).variables.insert("have_ssl".into(), "YES".into());
                }
            }),
            nothing,
        ),
        case("tls-without-certificate", tls.clone(), nothing),
        case("tls-without-certificate", tls.clone().without("config"), nothing),
        // The recorded writer asks the replica over TLS, too.
        case(
            "tls-without-certificate",
            tls.changed(|world| {
                world.server_of(0).variables.insert("have_ssl".into(), "YES".into());
            }),
            nothing,
        ),
        case("tls-without-authority", unverifiable, |setup, _| {
            setup.world.extra.push("replication_tls_ca=/own/ca.pem".into());
        }),
        case("account-for-a-name", named, to_address),
        case("no-account", pair([true, false]).without("accounts"), nothing),
        case("account-unfit", other_password, nothing),
    ]
}

pub(super) fn of_pairs() -> Vec<Case> {
    let replaced = |setup: &mut Setup, _: &Next| *setup = one_way();
    vec![
        case(
            "versions-cannot-replicate",
            one_way().changed(|world| {
                world.server_of(1).version = ServerVersion::parse("10.5.29-MariaDB").expect("a version");
            }),
            replaced,
        ),
        case(
            "lower-case-table-names",
            one_way().changed(|world| {
                for (n, value) in ["0", "1"].into_iter().enumerate() {
                    world.server_of(n).variables.insert("lower_case_table_names".into(), value.into());
                }
            }),
            replaced,
        ),
        case(
            "unknown-collation",
            one_way().changed(|world| {
                for (n, used) in ["utf8mb4_uca1400_ai_ci", "utf8mb4_bin"].into_iter().enumerate() {
                    let Fact::Known(schema) = &mut world.server_of(n).schema else { panic!("a schema") };
                    schema.collations = ["utf8mb4_bin".to_owned()].into();
                    schema.used = [used.to_owned()].into();
                }
            }),
            replaced,
        ),
    ]
}

pub(super) fn of_hosts() -> Vec<Case> {
    let without_filter = |world: &mut World| {
        for n in [0, 1] {
            if let Fact::Known(state) = &mut world.host(n).firewall {
                state.backend = None;
                state.available.clear();
            }
        }
    };
    let mut bare = pair([true, false]).changed(without_filter);
    bare.files.deny = true;
    let mut named = pair([true, false]).with("firewall_allow=[\"somewhere\"]");
    named.files.deny = true;
    let far_behind = |world: &mut World| world.channel_of(1).seconds_behind = Some(3600);
    let moved = one_way()
        .settled()
        .changed(|world| world.channel_of(1).seconds_behind = Some(0))
        .topology("{kind: primary-replica, primary: db-2, replicas: [db-1]}");
    let undeclared = |setup: &mut Setup, _: &Next| setup.world.extra.retain(|e| !e.contains("read_only"));
    let asked = one_way().settled().changed(far_behind).with("restart_primary=switchover");
    vec![
        case("no-stand-in", asked.with("mysql_settings={\"back_log\": \"91\"}"), nothing),
        case("declared-closed", moved.clone().with("mysql_settings={\"read_only\": true}"), undeclared),
        case("old-writer-declared-open", moved.with("mysql_settings={\"read_only\": false}"), undeclared),
        case("firewall-backend", pair([true, false]).with("firewall_backend=ufw"), nothing),
        case("firewall-missing", bare, |setup, _| {
            setup.world = pair([true, false]).world;
        }),
        case("firewall-name", named, |setup, _| setup.world.extra.push("firewall_allow=[]".into())),
        case(
            "unit-masked",
            pair([true, false]).changed(|world| {
                world.host(0).service = Fact::Known(ServiceFacts {
                    unit: "mariadb.service".into(),
                    active: "inactive".into(),
                    masked: true,
                    ..ServiceFacts::default()
                });
            }),
            |setup, _| {
                if let Fact::Known(service) = &mut setup.world.host(0).service {
                    service.masked = false;
                }
            },
        ),
    ]
}

fn no_server(facts: &mut HostFacts, package: &str, text: &str) {
    facts.server = Fact::Absent;
    facts.service = Fact::Absent;
    facts.os.root = true;
    facts.resources = [(server_query(package), Fact::Known(text.to_owned()))].into_iter().collect();
}

fn left_out() -> Case {
    let filtered = one_way().settled().changed(|world| {
        let Fact::Known(files) = &mut world.host(1).option_files else { panic!("option files") };
        let text = b"[mysqld]\nreplicate_ignore_db = logs\n".to_vec();
        files.files.push(("/etc/mysql/mariadb.conf.d/60-site.cnf".to_owned(), text));
        world.server_of(1).variables.insert("replicate_ignore_db".into(), "logs".into());
    });
    case("undeclared-filter", filtered, |setup, next| match next {
        Next::Set { .. } => setup.world.extra.push("replicate_ignore_databases=[\"logs\"]".into()),
        _ => {
            let Fact::Known(files) = &mut setup.world.host(1).option_files else { panic!("option files") };
            files.files.retain(|(path, _)| !path.ends_with("60-site.cnf"));
        }
    })
}

fn asked(world: &mut World, asked: Asked) {
    let Fact::Known(files) = &mut world.host(0).option_files else { panic!("option files") };
    files.asked = asked;
}

#[allow(clippy::too_many_lines, reason = "a table")]
pub(super) fn of_servers() -> Vec<Case> {
    let installing = |package: &'static str, text: &'static str| {
        let mut setup = one_way().with(&format!("mysql_server_package={package}"));
        setup.world.roles.insert(0, "server");
        setup.changed(|world| no_server(world.host(1), package, text))
    };
    let installed = |setup: &mut Setup, _: &Next| *setup = one_way();
    let moved = |setup: &mut Setup, _: &Next| {
        no_server(setup.world.host(1), "mariadb-server", "manager apt\n");
    };
    let same_family = |setup: &mut Setup, _: &Next| {
        setup.world.extra.push("mysql_server_package=mariadb-server".into());
    };
    let settings = |text: &str| pair([true, false]).with(&format!("mysql_settings={text}"));
    let forgotten = |setup: &mut Setup, _: &Next| setup.world.extra.push("mysql_settings={}".into());
    let file = |world: &mut World, path: &str, text: &str| {
        let Fact::Known(files) = &mut world.host(0).option_files else { panic!("option files") };
        files.files.push((path.to_owned(), text.as_bytes().to_vec()));
    };
    let failed = |world: &mut World| {
        world.host(0).restart = Some(RestartRecord {
            state: RestartState::Back,
            path: "/etc/mysql/mariadb.conf.d/zz-tandem.cnf".into(),
            ended: Default::default(),
            said: vec!["[ERROR] unknown variable 'max_connections=9'".into()],
            before: Vec::new(),
            failed: Some(b"[mysqld]\nmax_connections = 9\n".to_vec()),
        });
    };
    let disputed = |world: &mut World| asked(world, Asked::Said("--max-connections=8 ".into()));
    let said = "error: Wrong group definition in config file: /etc/mysql/my.cnf at line 3";
    let garbled = |world: &mut World| asked(world, Asked::Refused(said.into()));
    let plain = |setup: &mut Setup, _: &Next| asked(&mut setup.world, Asked::default());
    vec![
        case("no-package-manager", installing("mariadb-server", ""), installed),
        case(
            "data-without-server",
            installing("mariadb-server", "manager apt\ndata /var/lib/mysql\n"),
            moved,
        ),
        case("server-family", installing("mysql-server", "manager apt\n"), same_family),
        case("disk-full", pair([true, false]).changed(|world| disk(world, 0)), |setup, _| {
            setup.world.host(0).disk = Fact::Absent;
        }),
        case(
            "reads-no-option-files",
            pair([true, false]).changed(|world| no_defaults(world, true)),
            |setup, _| {
                no_defaults(&mut setup.world, false);
            },
        ),
        case("value-not-taken", settings("{\"auto_increment_increment\": \"64MB\"}"), forgotten),
        case("unknown-variable", settings("{\"no_such_variable\": \"1\"}"), forgotten),
        case(
            "overridden-by-argument",
            settings("{\"max_connections\": \"9\"}").changed(|world| {
                let Fact::Known(files) = &mut world.host(0).option_files else { return };
                files.arguments.push(Argument {
                    name: "max_connections".into(),
                    value: Some("8".into()),
                    at: Some(("/etc/systemd/system/mariadb.service.d/a.conf".into(), 3)),
                    runs: true,
                });
            }),
            |setup, _| {
                let Fact::Known(files) = &mut setup.world.host(0).option_files else { return };
                files.arguments.clear();
            },
        ),
        case("disputed-option", settings("{\"max_connections\": \"9\"}").changed(disputed), plain),
        case("option-files-refused", settings("{\"max_connections\": \"9\"}").changed(garbled), plain),
        case("option-files-refused", pair([true, false]).changed(broken_beside), |setup, _| {
            setup.world.host(0).asked.broken.clear();
            let Fact::Known(files) = &mut setup.world.host(0).option_files else { panic!("option files") };
            files.files.retain(|(path, _)| path != BESIDE);
        }),
        case(
            "overridden-setting",
            settings("{\"max_connections\": \"9\"}").changed(|world| {
                file(world, "/etc/mysql/mariadb.conf.d/zz-tandem.cnf", "[mysqld]\n");
                file(world, "/etc/mysql/mariadb.conf.d/zzz.cnf", "[mysqld]\nmax_connections = 8\n");
            }),
            |setup, _| {
                let Fact::Known(files) = &mut setup.world.host(0).option_files else {
                    panic!("option files")
                };
                files.files.retain(|(path, _)| !path.ends_with("zzz.cnf"));
            },
        ),
        left_out(),
        case("setting-failed", settings("{\"max_connections\": \"9\"}").changed(failed), |setup, next| {
            match next {
                Next::Set { .. } => {
                    setup.world.extra.push("mysql_settings={\"max_connections\": \"10\"}".into());
                }
                _ => setup.world.host(0).restart = None,
            }
        }),
        case(
            "no-place-for-option-file",
            pair([true, false]).changed(|world| {
                let Fact::Known(files) = &mut world.host(0).option_files else { panic!("option files") };
                *files = Default::default();
            }),
            |setup, _| setup.world.extra.push("mysql_option_file=/etc/mysql/my.cnf".into()),
        ),
        case(
            "option-file-not-ours",
            pair([true, false]).changed(one_file).with("mysql_option_file=/etc/my.cnf"),
            as_before,
        ),
        case(
            "option-file-not-read",
            pair([true, false]).with("mysql_option_file=/srv/tandem.cnf"),
            as_before,
        ),
        case(
            "option-file-moved",
            one_way().settled().with("mysql_option_file=/etc/mysql/mariadb.conf.d/70-tandem.cnf"),
            |setup, next| match next {
                Next::Run { .. } => {
                    for n in [0, 1] {
                        let files = &mut setup.world.host(n).option_files;
                        let Fact::Known(files) = files else { panic!("option files") };
                        for (path, _) in &mut files.files {
                            if path.ends_with("zz-tandem.cnf") {
                                *path = "/etc/mysql/mariadb.conf.d/70-tandem.cnf".into();
                            }
                        }
                    }
                }
                _ => as_before(setup, next),
            },
        ),
    ]
}

fn as_before(setup: &mut Setup, _: &Next) {
    setup.world.extra.retain(|one| !one.starts_with("mysql_option_file"));
}

/// A host whose server reads one file, and no directory.
pub(super) fn one_file(world: &mut World) {
    let Fact::Known(files) = &mut world.host(0).option_files else { panic!("option files") };
    *files = tandem::inside::option_file::Files {
        files: vec![("/etc/my.cnf".to_owned(), b"[mysqld]\nport=3306\n".to_vec())],
        ..Default::default()
    };
}
