//! Fleets that were set up by hand, with option files and SQL as manuals have them, and are adopted.

use crate::lab::{Lab, PASSWORD, Run};

/// The password as SQL has it.
fn password() -> String {
    format!("'{}'", PASSWORD.replace('\\', "\\\\").replace('\'', "''"))
}

/// An option file by hand, and the restart that makes it count.
fn configure(lab: &Lab, host: &str, lines: &str) {
    let at = "$(ls -d /etc/mysql/mariadb.conf.d /etc/mysql/mysql.conf.d 2>/dev/null)";
    lab.at(
        host,
        &format!(
            "sed -i 's/^bind-address.*/bind-address = 0.0.0.0/' {at}/*.cnf; printf '[mysqld]\\n{lines}' > {at}/60-mine.cnf; \
             mkdir -p /var/log/mysql; chown mysql: /var/log/mysql; \
             systemctl restart $(systemctl is-enabled -q mariadb 2>/dev/null && echo mariadb || echo mysql)"
        ),
    );
}

/// Names hosts by their addresses, as one does who has no inventory yet.
fn adopt(lab: &Lab, count: usize) -> Run {
    let (key, known) = (lab.path("id_ed25519"), lab.path("known_hosts"));
    lab.write(
        "ssh_config",
        &format!("Host *\n  IdentityFile {}\n  UserKnownHostsFile {}\n", key.display(), known.display()),
    );
    let hosts: Vec<String> = (1..=count).map(|n| format!("root@10.77.0.1{n}")).collect();
    let mut args = vec!["init", "adopted", "--ssh-config", "ssh_config", "--format", "json", "--from"];
    args.extend(hosts.iter().map(String::as_str));
    lab.tandem_alone(&args).expect(0)
}

fn on_adopted(lab: &Lab, command: &[&str]) -> Run {
    let mut args = vec!["-i", "adopted/inventory.yml", "--ssh-config", "ssh_config"];
    args.extend(command);
    lab.tandem_alone(&args)
}

fn plan(lab: &Lab) -> Run {
    on_adopted(lab, &["plan", "adopted/playbook.yml", "--format", "json"])
}

/// What `init --from` found, for comparing.
fn found(run: &Run) -> (String, Vec<String>) {
    let json = run.json();
    assert_eq!(json["left"].as_array().map(Vec::len), Some(0), "{}", run.out);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let codes = json["findings"].as_array().expect("findings").iter().map(|f| text(&f["code"])).collect();
    (text(&json["plays"][0]["kind"]), codes)
}

#[test]
fn a_pair_by_the_old_guide_is_adopted_and_one_line_changes_one_thing() {
    let lab = Lab::pair();
    let secret = password();
    for (n, host, peer) in [(1, "db-a", 2), (2, "db-b", 1)] {
        configure(
            &lab,
            host,
            &format!(
                "server-id = {n}\\nlog_bin = /var/log/mysql/mysql-bin.log\\nrelay_log = /var/lib/mysql/relay-bin\\n\
                 log-slave-updates\\nauto-increment-increment = 10\\nauto-increment-offset = {n}\\n\
                 binlog-ignore-db = scratch\\nreplicate-ignore-db = scratch\\n"
            ),
        );
        lab.sql(
            host,
            &format!(
                "create user repl_user@'10.77.0.1{peer}' identified by {secret}; \
                 grant replication slave on *.* to repl_user@'10.77.0.1{peer}'; reset master; \
                 create database hello; create table hello.t (id int auto_increment primary key)"
            ),
        );
    }
    let position = |host: &str| lab.sql(host, "show master status");
    for (host, peer, address) in [("db-a", "db-b", 2), ("db-b", "db-a", 1)] {
        let status = position(peer);
        let fields: Vec<&str> = status.split('\t').collect();
        lab.sql(
            host,
            &format!(
                "change master to master_host='10.77.0.1{address}', master_user='repl_user', \
                 master_password={secret}, master_log_file='{}', master_log_pos={}; start slave",
                fields[0], fields[1]
            ),
        );
    }
    lab.channels_run(&["db-a", "db-b"]);
    let before = (position("db-a"), position("db-b"));

    let (kind, codes) = found(&adopt(&lab, 2));
    assert_eq!(kind, "dual-primary");
    assert!(codes.contains(&"no-tls".to_owned()) && codes.contains(&"file-position".to_owned()), "{codes:?}");
    assert_eq!((position("db-a"), position("db-b")), before);
    assert_eq!(lab.at("db-a", "ls -d /var/lib/tandem /etc/mysql/*/zz-tandem.cnf 2>/dev/null || true"), "");
    plan(&lab).expect(0);
    // A second time nothing is written over.
    let again = lab.tandem_alone(&["init", "adopted", "--from", "root@10.77.0.11"]).expect(1);
    again.tells_people(&["adopted/inventory.yml"]);
    // Half of a pair is not taken for all of it.
    let half = lab.tandem_alone(&["init", "half", "--ssh-config", "ssh_config", "--from", "root@10.77.0.11"]);
    let half = half.expect(1);
    half.tells_people(&["--from root@10.77.0.11 root@10.77.0.12"]);
    assert!(!lab.path("half").exists());

    let vars = lab.path("adopted/group_vars/db.yml");
    let text = std::fs::read_to_string(&vars).expect("group_vars");
    assert!(!text.contains(PASSWORD));
    std::fs::write(&vars, format!("{text}  max_connections: 321\n")).expect("group_vars");
    let steps = plan(&lab).expect(2).step_names();
    assert_eq!(steps, ["db-a/option-file", "db-a/variable", "db-b/option-file", "db-b/variable"]);
    on_adopted(&lab, &["apply", "adopted/playbook.yml", "--yes"]).expect(0);
    plan(&lab).expect(0);
    let ours = lab.at("db-b", "grep -v -e '^#' -e '^$' /etc/mysql/mariadb.conf.d/zz-tandem.cnf");
    assert_eq!(ours, "[mysqld]\nmax_connections = 321");
    lab.sql("db-b", "insert into hello.t values ()");
    lab.wait_sql("db-a", "select id from hello.t", "2");
}

/// By GTID, with one account for all of them. Nobody has written down that the replicas are read-only.
fn primary_with_two_replicas() -> Lab {
    let lab = Lab::boot(&["db-a", "db-b", "db-c"]);
    let secret = password();
    for (n, host) in [(1, "db-a"), (2, "db-b"), (3, "db-c")] {
        let lines = "log_bin = maria-bin\\nbinlog_format = ROW\\nlog_slave_updates = ON\\n";
        configure(&lab, host, &format!("server_id = 10{n}\\n{lines}"));
    }
    lab.sql(
        "db-a",
        &format!("create user repl@'%' identified by {secret}; grant replication slave on *.* to repl@'%'; create database shop"),
    );
    for host in ["db-b", "db-c"] {
        lab.sql(
            host,
            &format!(
                "change master to master_host='10.77.0.11', master_user='repl', master_password={secret}, \
                 master_use_gtid=slave_pos; start slave; set global read_only=1"
            ),
        );
    }
    lab.channels_run(&["db-b", "db-c"]);
    lab
}

#[test]
fn a_gtid_primary_with_two_replicas_and_one_account_for_all_is_adopted() {
    let lab = primary_with_two_replicas();
    let run = adopt(&lab, 3);
    let (kind, codes) = found(&run);
    assert_eq!(kind, "primary-replica");
    // Nobody has written `read_only` down.
    assert!(
        codes.contains(&"left-alone".to_owned()) && codes.contains(&"account-pattern".to_owned()),
        "{codes:?}"
    );
    let clean = plan(&lab).expect(0);
    assert!(!clean.out.contains("extra-account"), "{}", clean.out);
    // Without that line the role has its way.
    let vars = lab.path("adopted/host_vars/db-c.yml");
    let text = std::fs::read_to_string(&vars).expect("host_vars");
    let kept: Vec<&str> = text.lines().filter(|l| !l.contains("read_only")).collect();
    std::fs::write(&vars, kept.join("\n")).expect("host_vars");
    assert_eq!(plan(&lab).expect(2).step_names(), ["db-c/option-file"]);
}

/// Nothing is declared of `read_only` where no option file says it. Writes move all the same, and back.
#[test]
fn an_adopted_fleet_switches_and_fails_over() {
    let lab = primary_with_two_replicas();
    adopt(&lab, 3);
    let closed = || {
        let read_only = |host: &str| lab.sql(host, "select @@read_only");
        ["db-a", "db-b", "db-c"].map(|host| read_only(host) == "1")
    };
    let playbook = "adopted/playbook.yml";
    assert_eq!(closed(), [false, true, true]);
    // A restart of ours opens nobody, though no option file keeps them closed.
    let vars = lab.path("adopted/host_vars/db-c.yml");
    let before = std::fs::read_to_string(&vars).expect("host_vars");
    std::fs::write(&vars, format!("{before}  performance_schema: true\n")).expect("host_vars");
    on_adopted(&lab, &["apply", playbook, "--yes", "--allow", "restart"]).expect(0);
    assert_eq!(lab.sql("db-c", "select @@performance_schema, @@read_only"), "1\t1");
    on_adopted(&lab, &["switchover", playbook, "--to", "db-b", "--yes"]).expect(0);
    assert_eq!(closed(), [true, false, true]);
    let clean = plan(&lab).expect(0);
    assert!(!clean.out.contains("extra-account"), "{}", clean.out);
    on_adopted(&lab, &["switchover", playbook, "--to", "db-a", "--yes"]).expect(0);
    assert_eq!(closed(), [false, true, true]);
    // Without the role that sets variables nothing is declared of any, and a start opens who was closed.
    let text = std::fs::read_to_string(lab.path(playbook)).expect("playbook");
    std::fs::write(lab.path(playbook), text.replace("config, ", "")).expect("playbook");
    on_adopted(&lab, &["switchover", playbook, "--to", "db-b", "--yes"]).expect(0);
    assert_eq!(closed(), [true, false, true]);
    for (host, value) in [("db-a", 0), ("db-b", 1)] {
        lab.sql(host, &format!("set global read_only = {value}"));
    }
    on_adopted(&lab, &["apply", playbook, "--yes"]).expect(0);
    assert_eq!(closed(), [true, false, true]);
    on_adopted(&lab, &["switchover", playbook, "--to", "db-a", "--yes"]).expect(0);
    std::fs::write(lab.path(playbook), text).expect("playbook");
    assert_eq!(closed(), [false, true, true]);
    lab.link("db-a", "down");
    on_adopted(&lab, &["failover", playbook, "--to", "db-c", "--allow", "unfenced", "--yes"]).expect(0);
    assert_eq!(lab.sql("db-c", "select @@read_only") + &lab.sql("db-b", "select @@read_only"), "01");
    lab.sql("db-c", "create database after_it");
    lab.wait_sql(
        "db-b",
        "select count(*) from information_schema.schemata where schema_name='after_it'",
        "1",
    );
}

#[test]
fn a_mysql_source_with_a_replica_by_auto_position_is_adopted() {
    let lab = Lab::boot(&["db-a=sid", "db-b=sid"]);
    let secret = password();
    for (n, host) in [(1, "db-a"), (2, "db-b")] {
        lab.at(host, "rm -f /var/lib/mysql/auto.cnf");
        configure(
            &lab,
            host,
            &format!("server-id = {n}\\ngtid_mode = ON\\nenforce_gtid_consistency = ON\\n"),
        );
    }
    lab.sql(
        "db-a",
        &format!("create user repl@'%' identified by {secret}; grant replication slave on *.* to repl@'%'; create database shop"),
    );
    lab.sql(
        "db-b",
        &format!(
            "change replication source to source_host='10.77.0.11', source_user='repl', source_password={secret}, \
             source_auto_position=1, get_source_public_key=1, source_ssl=0; start replica; set persist super_read_only=1"
        ),
    );
    lab.wait_sql("db-b", "select count(*) from information_schema.schemata where schema_name='shop'", "1");
    let (kind, codes) = found(&adopt(&lab, 2));
    assert_eq!(kind, "primary-replica");
    assert!(codes.contains(&"no-tls".to_owned()), "{codes:?}");
    plan(&lab).expect(0);
}
