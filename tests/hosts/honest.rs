//! No success about nothing, and what was not read is neither this nor that.

use crate::lab::Lab;

const PLAY: &str =
    "- name: tree\n  hosts: db\n  topology: {kind: primary-replica, primary: db-a, replicas: [db-b]}\n";
const ROLES: &str = "  roles: [config, accounts, seed, replication]\n";

fn lab() -> Lab {
    let lab = Lab::boot(&["db-a", "db-b"]);
    lab.write("play.yml", &format!("{PLAY}{ROLES}"));
    lab.sql(
        "db-a",
        "create database hello; create table hello.t (id int primary key); insert into hello.t values (1)",
    );
    lab
}

#[test]
fn what_fits_nothing_is_an_error_and_what_was_not_read_is_unknown() {
    let lab = lab();
    adopting_a_primary_alone(&lab);
    // A channel without an account at its source can't run: known before anything is done.
    lab.write("no-account.yml", &format!("{PLAY}  roles: [config, seed, replication]\n"));
    lab.tandem(&["apply", "no-account.yml", "--yes"]).expect(8);
    assert_eq!(lab.sql("db-a", "select @@log_bin"), "0");
    lab.apply("play.yml");
    // The replica stands, and still a play without the role that makes its channel is no success.
    lab.sql("db-b", "stop slave");
    lab.write("no-role.yml", &format!("{PLAY}  roles: [config, accounts, seed]\n"));
    lab.write("no-roles.yml", PLAY);
    for play in ["no-role.yml", "no-roles.yml"] {
        for command in ["validate", "plan", "drift", "apply"] {
            lab.tandem(&[command, play]).expect(65);
        }
    }
    lab.sql("db-b", "start slave");
    for (args, code) in [
        (&["plan", "play.yml", "--limit", "db-a:!db-a"][..], 64),
        (&["plan", "play.yml", "--limit", "db-x"], 64),
        (&["plan", "play.yml", "-e", "replication_tsl=off"], 65),
        (&["plan", "play.yml", "-e", "nobody_reads_this=1"], 65),
        (&["drift", "play.yml", "--ignore", "db-x/variable"], 64),
        (&["drift", "play.yml", "--ignore", "db-a/variabel"], 64),
        (&["verify", "play.yml", "--tables", "nope"], 64),
        (&["verify", "play.yml", "--tables", "nope.nope"], 64),
        (&["verify", "play.yml", "--databases", "helo"], 64),
        (&["verify", "play.yml", "--quick", "--tables", "hello.t"], 64),
        (&["verify", "play.yml", "--tables", "hello.t"], 0),
        (&["history", "nothing"], 1),
    ] {
        let run = lab.tandem(args).expect(code);
        assert!(
            !run.out.contains("proven") || code == 0 || !run.out.contains("Everything"),
            "{args:?}: {}",
            run.out
        );
    }
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\ndrift_ignore: [{what: db-x/variable, reason: none}]\n");
    lab.tandem(&["drift", "play.yml"]).expect(65);
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nseed_databases: [helo]\nreplicate_databases: [hello, helo]\n");
    let plan = lab.tandem(&["plan", "play.yml", "--format", "json"]);
    let codes: Vec<String> = plan.json()["warnings"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|w| w["code"].as_str().expect("a code").to_owned())
        .collect();
    for code in ["seed-database-missing", "filter-without-database"] {
        assert!(codes.iter().any(|c| c == code), "{code}: {codes:?}");
    }
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n");
    empty_tables(&lab);
    unread(&lab);
}

/// Two servers that hold no table prove nothing about tables.
fn empty_tables(lab: &Lab) {
    lab.sql("db-a", "drop table hello.t");
    lab.wait_sql("db-b", "select count(*) from information_schema.tables where table_schema = 'hello'", "0");
    let report = lab.tandem(&["verify", "play.yml", "--format", "json"]).expect(0).json();
    assert_eq!(report["data"][0]["verdict"], "not_provable", "{report:#}");
    lab.sql("db-a", "create table hello.t (id int primary key)");
    lab.wait_sql("db-b", "select count(*) from information_schema.tables where table_schema = 'hello'", "1");
}

fn init_from_primary(lab: &Lab) -> crate::lab::Run {
    let (key, known) = (lab.path("id_ed25519"), lab.path("known_hosts"));
    let config =
        format!("Host *\n  IdentityFile {}\n  UserKnownHostsFile {}\n", key.display(), known.display());
    lab.write("ssh_config", &config);
    lab.tandem_alone(&["init", "alone", "--ssh-config", "ssh_config", "--from", "root@10.77.0.11"])
}

/// What everybody tries first.
fn adopting_a_primary_alone(lab: &Lab) {
    let run = init_from_primary(lab).expect(1);
    run.tells_people(&["no channel"]);
    assert!(!lab.path("alone").exists(), "something was written");
}

fn unread(lab: &Lab) {
    // The primary, with its replica connected.
    let run = init_from_primary(lab).expect(1);
    assert!(!lab.path("alone").exists(), "something was written");
    run.tells_people(&["--from root@10.77.0.11 root@10.77.0.12"]);

    // A source that --limit leaves out is no stranger.
    let graph = lab.tandem(&["graph", "play.yml", "--limit", "db-b"]).expect(0);
    assert!(graph.out.contains("db-a") && !graph.out.contains("no host of the inventory"), "{}", graph.out);

    // A login that may not see the channels has not seen that all is well.
    lab.sql("db-b", "set sql_log_bin=0; set global read_only=0; create user looks@localhost identified by 'x'; grant select, process on *.* to looks@localhost; set global read_only=1");
    lab.host_vars("db-b", "mysql_admin_user: looks\nmysql_admin_password: x\n");
    for command in ["status", "doctor", "plan", "drift", "graph"] {
        lab.tandem(&[command, "play.yml"]).expect(4);
    }
    lab.tandem(&["status"]).expect(4);
    lab.host_vars("db-b", "{}\n");

    lab.link("db-b", "down");
    let fast = ["--connect-timeout", "2s"];
    let tandem = |args: &[&str]| lab.tandem(&[args, &fast[..]].concat());
    let plan = tandem(&["plan", "play.yml"]).expect(4);
    plan.tells_people(&["Observed db-a in"]);
    let plan = tandem(&["plan", "play.yml", "--limit", "db-a"]);
    plan.tells_people(&["Observed db-a in", "Not read: db-b"]);

    let status = tandem(&["status", "play.yml", "--format", "json"]).expect(4).json();
    let channel = &status["channels"][0];
    assert_eq!((channel["state"].as_str(), channel["tls"].as_str()), (Some("unknown"), Some("unknown")));
    assert!(channel["lag_seconds"].is_null());
    let host = status["hosts"].as_array().expect("hosts").iter().find(|h| h["host"] == "db-b").expect("db-b");
    assert_eq!(host["state"], "unread");
    for field in ["read_only", "server_id", "clients", "data_bytes"] {
        assert!(host[field].is_null(), "{field}: {host}");
    }
    let status = tandem(&["status", "play.yml"]).expect(4);
    assert!(!status.out.contains("clear text") && status.out.contains("1 not read"), "{}", status.out);
    for picture in ["mermaid", "dot", "svg"] {
        let picture = tandem(&["graph", "play.yml", "--as", picture]).expect(4);
        picture.prints_for_people(&["not read", "access unknown"]);
    }
    let report = tandem(&["report", "play.yml"]);
    assert!(!report.out.contains("clear text"), "{}", report.out);

    // A rule that leaves the host out does not make it known.
    let drift = tandem(&[
        "drift",
        "play.yml",
        "--ignore",
        "db-b/waiting",
        "--metrics-file",
        "out.prom",
        "--format",
        "json",
    ]);
    let drift = drift.expect(4).json();
    assert_eq!(drift["in_sync"], false);
    let metrics = std::fs::read_to_string(lab.path("out.prom")).expect("metrics");
    for line in ["tandem_host_read{host=\"db-a\"} 1", "tandem_host_read{host=\"db-b\"} 0", "tandem_in_sync 0"]
    {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    lab.link("db-b", "up");
}

#[test]
fn tables_with_an_index_on_an_expression_are_compared_by_their_rows() {
    let lab = Lab::boot(&["db-a=sid", "db-b=sid"]);
    for (host, value) in [("db-a", "x"), ("db-b", "y")] {
        lab.sql(
            host,
            &format!(
                "set sql_log_bin=0; create database hello; use hello; create table same (id int primary key, v varchar(9), index ((upper(v)))); \
                 insert into same values (1, 'a'), (2, 'b'); create table other (id int primary key, v varchar(9), index ((upper(v)))); \
                 insert into other values (1, '{value}')"
            ),
        );
    }
    lab.write("play.yml", &format!("{PLAY}{ROLES}"));
    for _ in 0..3 {
        let plan = lab.tandem(&["plan", "play.yml"]).expect(8);
        plan.prints_for_people(&["hello.other differs", "1 table is equal on both"]);
    }
}

/// What a server sets for every session of its clients, and what ours set themselves.
#[test]
fn what_servers_set_for_their_clients_does_not_hold_for_us() {
    const BOTH: &str = "set global completion_type=2; set global max_join_size=1000; set global sql_safe_updates=1; \
        set global group_concat_max_len=4; set global sql_auto_is_null=1; set global default_storage_engine=MyISAM; \
        set global sql_quote_show_create=0; set global time_zone='+05:00'; set global div_precision_increment=0; \
        set global sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH'; \
        set global autocommit=0; set global sql_select_limit=1; set global lock_wait_timeout=1; \
        set global lc_messages='de_DE'; ";
    const MARIADB: &str = "set global max_statement_time=0.01; set global tx_isolation='SERIALIZABLE'; \
        set global tx_read_only=1;";
    // With read-only transactions MySQL's own applier does not start.
    const MYSQL: &str = "set global max_execution_time=1; set global transaction_isolation='SERIALIZABLE';";
    for (suite, more) in [("bookworm", MARIADB), ("sid", MYSQL)] {
        let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
        let play = |primary: &str, replica: &str| {
            lab.write(
                "play.yml",
                &format!(
                    "- hosts: db\n  topology: {{kind: primary-replica, primary: {primary}, replicas: [{replica}]}}\n  \
                     roles: [config, accounts, seed, replication]\n"
                ),
            );
        };
        let own = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n";
        play("db-a", "db-b");
        lab.vars(own);
        lab.sql("db-a", "create database shop; create table shop.t (id int primary key, v varchar(99));");
        let rows = (1..60).map(|n| format!("({n}, 'x')")).collect::<Vec<_>>().join(",");
        lab.sql("db-a", &format!("insert into shop.t values {rows}"));
        lab.apply("play.yml");
        for host in ["db-a", "db-b"] {
            lab.sql(host, &format!("{BOTH}{more}"));
        }
        lab.plan("play.yml").expect(0);
        lab.tandem(&["status", "play.yml"]).expect(0);
        lab.tandem(&["verify", "play.yml"]).expect(0);
        lab.vars(&format!("{own}mysql_settings: {{max_connections: 77}}\nreplication_user: other\n"));
        lab.tandem(&["apply", "play.yml", "--yes"]).expect(0);
        lab.tandem(&["switchover", "play.yml", "--to", "db-b", "--yes"]).expect(0);
        lab.plan("play.yml").expect(0);
    }
}
