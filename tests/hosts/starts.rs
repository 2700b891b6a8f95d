//! What counts as a server that has come up, and what is done about one that never does.

use crate::lab::Lab;

const PLAY: &str = "- name: one\n  hosts: db\n  roles: [config]\n";
const UNITS: [(&str, &str); 2] = [("db-a", "mariadb"), ("db-m", "mysql")];

fn declare(lab: &Lab, settings: &str) {
    let own = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n";
    lab.vars(&format!("{own}mysql_settings: {{{settings}}}\n"));
}

fn drop_in(lab: &Lab, (host, unit): (&str, &str), text: &str) {
    let at = format!("/etc/systemd/system/{unit}.service.d");
    lab.at(host, &format!("mkdir -p {at}"));
    lab.bytes_at(host, &format!("cat >{at}/x.conf; systemctl daemon-reload"), text.as_bytes());
}

/// The files as they were, and a server that runs with them.
fn is_back(lab: &Lab, host: &str) {
    assert_eq!(lab.at(host, "cat /var/lib/tandem/restart/state"), "back", "{host}");
    assert_eq!(lab.at(host, "grep -c back_log /etc/mysql/*/zz-tandem.cnf || :"), "0", "{host}");
    assert_eq!(lab.sql(host, "select 1"), "1");
}

#[test]
fn a_server_that_dies_behind_its_word_or_lets_nobody_in_has_not_come_up() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", PLAY);
    declare(&lab, "");
    lab.apply("play.yml");
    let with = "grep -q '^back_log = 91' /etc/mysql/*/zz-tandem.cnf";
    for unit in UNITS {
        let script = format!("#!/bin/sh\n{with} || exit 0\nsetsid sh -c \"sleep 0.5; kill -9 $1\" &\n");
        lab.bytes_at(unit.0, "cat >/usr/local/bin/die; chmod +x /usr/local/bin/die", script.as_bytes());
        drop_in(&lab, unit, "[Service]\nExecStartPost=/usr/local/bin/die $MAINPID\n");
    }
    declare(&lab, "back_log: 91");
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(1);
    for unit in UNITS {
        is_back(&lab, unit.0);
        // The program that asks is refused from the next start on.
        let (name, client) =
            if unit.0 == "db-a" { ("mariadb-admin", "mariadb") } else { ("mysqladmin", "mysql") };
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *status) [ \"$({client} -BNe 'select @@back_log')\" != 92 ] || exit 1 ;; esac\n\
             exec /usr/bin/{name} \"$@\"\n"
        );
        let wrap = format!("cat >/usr/local/bin/{name}; chmod +x /usr/local/bin/{name}");
        lab.bytes_at(unit.0, &wrap, script.as_bytes());
    }
    declare(&lab, "back_log: 92");
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(1);
    for (host, _) in UNITS {
        is_back(&lab, host);
        lab.at(host, "grep -qx Shut=yes /var/lib/tandem/restart/ended");
    }
    // The same once more is refused without a try.
    lab.refuses(&["plan", "play.yml"], "setting-failed");
    declare(&lab, "back_log: 93");
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
}

#[test]
fn a_server_that_is_started_again_and_again_gets_its_corrected_file() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", PLAY);
    declare(&lab, "");
    lab.apply("play.yml");
    for unit in UNITS {
        // It has always just begun, and systemd never gives up.
        drop_in(
            &lab,
            unit,
            "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=1ms\nExecStartPre=/bin/sleep 1\n",
        );
        let broken = "echo innodb_log_group_home_dir=/nowhere >>$(ls /etc/mysql/*/zz-tandem.cnf)";
        lab.at(unit.0, &format!("{broken}; systemctl restart {} || :", unit.1));
        lab.at(
            unit.0,
            &format!("until [ $(systemctl show -p NRestarts --value {}) -ge 2 ]; do sleep 0.1; done", unit.1),
        );
    }
    let plan = lab.plan("play.yml").expect(2);
    let names = plan.step_names();
    for (host, _) in UNITS {
        for step in ["option-file", "start"] {
            assert!(names.contains(&format!("{host}/{step}")), "{names:?}");
        }
    }
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
}

#[test]
fn a_file_of_somebody_with_which_the_server_would_not_start_is_told_of() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", PLAY);
    declare(&lab, "back_log: 91");
    lab.apply("play.yml");
    lab.write(
        "roles/site/role.yml",
        "description: ours\nresources:\n  - file: {path: /etc/motd, content: x}\n",
    );
    lab.write("other.yml", "- name: one\n  hosts: db\n  roles: [site]\n");
    lab.apply("other.yml");
    for (host, _) in UNITS {
        lab.at(host, "printf '[mysqld]\nmax_connections=500\n' >$(ls -d /etc/mysql/m*.conf.d)/10x.cnf");
    }
    let warnings = |playbook: &str, code| {
        let plan = lab.plan(playbook).expect(code).json();
        let all = plan["warnings"].as_array().cloned().unwrap_or_default();
        let of = |one: &&serde_json::Value| one["code"] == "would-not-start";
        all.iter().filter(of).map(|one| one["text"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(warnings("play.yml", 0), Vec::<String>::new());
    for (host, _) in UNITS {
        lab.at(host, "printf '[mysqld]\nnonesuch=1\n' >$(ls -d /etc/mysql/m*.conf.d)/10x.cnf");
    }
    for playbook in ["play.yml", "other.yml"] {
        let told = warnings(playbook, 0);
        assert!(
            told.len() == 2 && told.iter().all(|text| text.contains("10x.cnf:2")),
            "{playbook}: {told:?}"
        );
    }
    // What takes no restart is done, and it is told once.
    declare(&lab, "back_log: 91, max_connections: 99");
    assert_eq!(warnings("play.yml", 2).len(), 2);
    declare(&lab, "back_log: 92");
    lab.refuses(&["plan", "play.yml"], "option-files-refused");
}

#[test]
fn what_only_a_start_makes_of_a_value_is_in_sync() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", PLAY);
    let both = "max_connections: 100000, table_open_cache: 300000, log_bin: own-bin";
    declare(&lab, both);
    lab.apply("play.yml");
    let restart = || UNITS.map(|(host, unit)| lab.at(host, &format!("systemctl restart {unit}")));
    // The number of files that it may open is less.
    restart();
    for (host, _) in UNITS {
        assert_ne!(lab.sql(host, "select @@max_connections"), "100000", "{host}");
    }
    lab.plan("play.yml").expect(0);
    // Our file is another one from now on.
    declare(&lab, &format!("{both}, max_heap_table_size: 32M"));
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    // What somebody sets is not what the start has made.
    lab.sql("db-a", "set global max_connections = 77");
    lab.sql("db-m", "set global max_connections = 77");
    assert_eq!(lab.plan("play.yml").expect(2).step_names(), ["db-a/variable", "db-m/variable"]);
    lab.apply("play.yml");

    // A later file that says the same in other words.
    for (host, _) in UNITS {
        let text = "concurrent_insert=2\\nlog_bin=/var/lib/mysql/own-bin.log\\nrelay_log=/var/lib/mysql/mysqld-relay-bin\\n";
        lab.at(host, &format!("printf '[mysqld]\\n{text}' >$(ls -d /etc/mysql/m*.conf.d)/zzzz.cnf"));
    }
    restart();
    declare(&lab, "concurrent_insert: ALWAYS, log_bin: own-bin, relay_log: mysqld-relay-bin");
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    declare(&lab, "concurrent_insert: AUTO, log_bin: own-bin, relay_log: mysqld-relay-bin");
    lab.refuses(&["plan", "play.yml"], "overridden-setting");
}

#[test]
fn variables_of_a_plugin_are_declared_with_it_and_limits_that_bind_two_hold_in_the_plan() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", PLAY);
    declare(&lab, "");
    let plugins = [
        ("db-a", "server_audit", "server_audit_file_rotations", "7"),
        ("db-m", "connection_control.so", "connection_control_failed_connections_threshold", "5"),
    ];
    for (host, plugin, variable, value) in plugins {
        let vars = |variable: &str| {
            lab.host_vars(
                host,
                &format!("mysql_settings: {{plugin_load_add: {plugin}, {variable}: {value}}}\n"),
            );
        };
        vars(&format!("{variable}_not"));
        lab.refuses(&["plan", "play.yml", "--limit", host], "unknown-variable");
        vars(variable);
    }
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    for (host, _, variable, value) in plugins {
        assert_eq!(lab.sql(host, &format!("select @@{variable}")), value);
        lab.host_vars(host, "{}\n");
    }
    declare(&lab, "innodb_log_file_size: 8M");
    lab.refuses(&["plan", "play.yml", "--limit", "db-a"], "value-not-taken");
}

/// MariaDB crashes where its files are listed that has no temporary ones.
#[test]
fn a_server_whose_files_are_read_only_is_read_and_runs_on() {
    let lab = Lab::boot(&["db-a", "db-b=trixie", "db-m=sid"]);
    lab.write("play.yml", PLAY);
    declare(&lab, "innodb_read_only: 1");
    for host in ["db-a", "db-b", "db-m"] {
        lab.at(host, "printf '[mysqld]\\ninnodb_read_only=1\\n' >$(ls -d /etc/mysql/m*.conf.d)/10-x.cnf; systemctl restart $(systemctl show -p Id --value mysql.service)");
    }
    let pids = || ["db-a", "db-b", "db-m"].map(|host| lab.at(host, "pidof mariadbd mysqld"));
    let before = pids();
    lab.tandem(&["plan", "play.yml"]).expect(2);
    assert_eq!(pids(), before);
}
