//! What no option file of ours can give a server: said with its place before anything is restarted.

use crate::lab::Lab;

const PLAY: &str = "- name: one\n  hosts: db\n  roles: [config]\n";
const UNITS: [(&str, &str); 2] = [("db-a", "mariadb"), ("db-m", "mysql")];

fn declare(lab: &Lab, back_log: &str) {
    let own = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n";
    lab.vars(&format!("{own}mysql_settings: {{back_log: {back_log}}}\n"));
}

fn pids(lab: &Lab) -> [String; 2] {
    UNITS.map(|(host, _)| lab.at(host, "pidof mariadbd mysqld"))
}

/// Has the unit start the server with these words from its next start on.
fn starts_with(lab: &Lab, (host, unit): (&str, &str), words: &str) {
    let program = lab.at(host, "command -v mariadbd || command -v mysqld");
    lab.at(
        host,
        &format!(
            "mkdir -p /etc/systemd/system/{unit}.service.d; \
             printf '[Service]\\nExecStart=\\nExecStart={program} {words}\\n' > /etc/systemd/system/{unit}.service.d/x.conf; \
             systemctl daemon-reload"
        ),
    );
}

#[track_caller]
fn names(lab: &Lab, host: &str, code: &str, place: &str) {
    let said = lab.refuses(&["apply", "play.yml", "--yes", "--limit", host], code);
    assert!(said["reason"].as_str().expect("a reason").contains(place), "{said:#}");
}

#[test]
fn what_wins_over_our_file_is_named_before_a_restart() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", PLAY);
    lab.apply("play.yml");

    // An argument that the next process will have; then one that the process has.
    declare(&lab, "91");
    let before = pids(&lab);
    for unit in UNITS {
        starts_with(&lab, unit, "--back-log=90");
        names(&lab, unit.0, "overridden-by-argument", "x.conf:3");
    }
    assert_eq!(pids(&lab), before);
    for (host, unit) in UNITS {
        lab.at(host, &format!("systemctl restart {unit}"));
        names(&lab, host, "overridden-by-argument", "x.conf:3");
    }

    // The same value in another spelling is no conflict, and changes nothing that runs.
    declare(&lab, "\"0090\"");
    let before = pids(&lab);
    lab.apply("play.yml");
    assert_eq!(pids(&lab), before);

    // A file that is read later, with an abbreviation where the server takes one.
    for (host, unit) in UNITS {
        lab.at(host, &format!("rm -r /etc/systemd/system/{unit}.service.d; systemctl daemon-reload; systemctl restart {unit}"));
        let word = if host == "db-a" { "back-lo" } else { "loose-back-log" };
        lab.at(
            host,
            &format!("printf '[mysqld]\\n{word}=92\\n' > $(dirname /etc/mysql/*/zz-tandem.cnf)/zzzz.cnf"),
        );
    }
    let before = pids(&lab);
    for (host, _) in UNITS {
        names(&lab, host, "overridden-setting", "zzzz.cnf:2");
    }
    assert_eq!(pids(&lab), before);
    for (host, _) in UNITS {
        lab.at(host, "rm /etc/mysql/*/zzzz.cnf");
    }

    // What systemd itself was given, and a word that could mean several, of which the server reads one before the others.
    lab.at("db-a", "systemctl set-environment MYSQLD_OPTS=--back-log=93");
    names(&lab, "db-a", "overridden-by-argument", "show-environment");
    lab.at("db-a", "systemctl unset-environment MYSQLD_OPTS");
    lab.at(
        "db-a",
        "printf '[mysqld]\\nmax-connec=92\\n' >/etc/mysql/mariadb.conf.d/zzzz.cnf; systemctl restart mariadb",
    );
    assert_eq!(lab.sql("db-a", "select @@max_connections"), "92");
    declare(&lab, "\"0090\", max_connections: 77");
    names(&lab, "db-a", "overridden-setting", "zzzz.cnf:2");
    lab.at("db-a", "rm /etc/mysql/mariadb.conf.d/zzzz.cnf");

    // One that reads no files at all.
    starts_with(&lab, UNITS[0], "--no-defaults --socket=/run/mysqld/mysqld.sock");
    lab.at("db-a", "systemctl restart mariadb");
    names(&lab, "db-a", "reads-no-option-files", "--no-defaults");
}

/// MariaDB reads it all the same where its unit has it see a read-only /etc, as that of Debian does.
#[test]
fn a_file_that_everybody_may_write_to_is_named() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", PLAY);
    declare(&lab, "91");
    lab.apply("play.yml");
    for (host, unit) in UNITS {
        let file = "$(ls -d /etc/mysql/m*.conf.d)/10x.cnf";
        let text = "printf '[mysqld]\\nmax_connections=333\\n'";
        lab.at(host, &format!("{text} >{file}; chmod 666 {file}; systemctl restart {unit}"));
    }
    assert_eq!(lab.sql("db-a", "select @@max_connections"), "333");
    assert_ne!(lab.sql("db-m", "select @@max_connections"), "333");
    let plan =
        |host: &str| lab.tandem(&["plan", "play.yml", "--limit", host, "--format", "json"]).plan_json();
    let waits = plan("db-a")["waiting"].to_string();
    assert!(waits.contains("10x.cnf"), "{waits}");
    let ignored = |host: &str| {
        let plan = plan(host);
        assert_eq!(plan["in_sync"], true, "{plan:#}");
        let warned = plan["warnings"].as_array().cloned().unwrap_or_default();
        let of = |one: &serde_json::Value| one["host"] == host && one["code"] == "option-file-ignored";
        assert!(warned.iter().any(of), "{warned:#?}");
    };
    ignored("db-m");
    let text = "[Service]\\nProtectSystem=no\\n";
    lab.at(
        "db-a",
        &format!(
            "mkdir -p /etc/systemd/system/mariadb.service.d; printf '{text}' >/etc/systemd/system/mariadb.service.d/x.conf; \
             systemctl daemon-reload; systemctl restart mariadb"
        ),
    );
    ignored("db-a");
}

#[test]
fn who_is_not_root_asks_the_program_as_well() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", PLAY);
    lab.apply("play.yml");
    for (host, _) in UNITS {
        let admin = "create user adm@localhost identified by 'adm'; grant all on *.* to adm@localhost with grant option";
        lab.sql(host, &format!("set sql_log_bin = 0; {admin}"));
        lab.host_vars(host, "ansible_user: ops\nmysql_admin_user: adm\nmysql_admin_password: adm\n");
    }
    let plan = lab.tandem(&["plan", "play.yml", "--format", "json"]).plan_json();
    let codes: Vec<&str> =
        plan["warnings"].as_array().into_iter().flatten().filter_map(|one| one["code"].as_str()).collect();
    assert!(!codes.contains(&"options-not-asked") && !codes.contains(&"option-read-otherwise"), "{plan:#}");
    assert_eq!(
        (&plan["waiting"], &plan["refused"]),
        (&serde_json::json!([]), &serde_json::json!([])),
        "{plan:#}"
    );
}

#[test]
fn our_file_is_where_it_counts_or_nothing_is_written() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    lab.write("play.yml", PLAY);
    let own = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n";
    let place = |host: &str, file: Option<&str>| {
        let directory = lab.at(host, "ls -d /etc/mysql/m*.conf.d");
        let line = file.map(|file| match file.starts_with('/') {
            true => format!("mysql_option_file: {file}\n"),
            false => format!("mysql_option_file: {}/{file}\n", directory.trim()),
        });
        lab.host_vars(host, &line.unwrap_or_default());
        directory.trim().to_owned()
    };
    lab.vars(&format!("{own}mysql_settings: {{bind_address: 0.0.0.0, back_log: 91}}\n"));
    for (host, _) in UNITS {
        let only = ["apply", "play.yml", "--yes", "--allow", "restart", "--limit", host];
        let pid = lab.at(host, "pidof mariadbd mysqld");
        place(host, Some("/srv/tandem.cnf"));
        lab.refuses(&only, "option-file-not-read");
        place(host, Some("tandem.conf"));
        lab.refuses(&only, "option-file-not-read");
        // Debian's own file comes behind it, and names an address.
        let directory = place(host, Some("10-tandem.cnf"));
        lab.refuses(&only, "overridden-setting");
        assert_eq!(lab.at(host, "pidof mariadbd mysqld"), pid);

        place(host, Some("xx-tandem.cnf"));
        lab.tandem(&only).expect(0);
        lab.tandem(&["plan", "play.yml", "--limit", host]).expect(0);
        place(host, None);
        lab.refuses(&only, "option-file-moved");
        lab.at(host, &format!("mv {directory}/xx-tandem.cnf {directory}/zz-tandem.cnf"));
        lab.tandem(&["plan", "play.yml", "--limit", host]).expect(0);
    }
}
