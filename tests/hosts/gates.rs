//! What must be allowed by name is refused without its word, and done with it.

use crate::lab::Lab;

const ROLES: &str = "roles: [config, accounts, seed, replication]";

fn declare(lab: &Lab, replicas: &[&str]) {
    let replicas = replicas.join(", ");
    lab.write(
        "play.yml",
        &format!(
            "- name: tree\n  hosts: db-a,{}\n  topology: {{kind: primary-replica, primary: db-a, replicas: [{replicas}]}}\n  {ROLES}\n",
            replicas.replace(' ', "")
        ),
    );
}

/// The risks of a step that must be allowed, as `kind allow`.
fn gates(plan: &serde_json::Value, step: &str) -> Vec<String> {
    let steps = plan["steps"].as_array().expect("steps");
    let step = steps.iter().find(|s| s["id"] == step).unwrap_or_else(|| panic!("no step {step}: {plan:#}"));
    let risks = step["risk"].as_array().expect("risks").iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    risks
        .filter(|risk| !risk["allow"].is_null())
        .map(|risk| format!("{} {}", text(&risk["kind"]), text(&risk["allow"])))
        .collect()
}

fn logs_in_mysql_bin(lab: &Lab, host: &str) {
    lab.at(host, "printf '[mysqld]\\nlog_bin=mysql-bin\\n' > /etc/mysql/mariadb.conf.d/60-bin.cnf; systemctl restart mariadb");
}

#[test]
fn each_word_is_needed_and_does_what_it_says() {
    let lab = Lab::boot(&["db-a", "db-b", "db-c"]);
    lab.sql(
        "db-a",
        "create database hello; create table hello.t (id int primary key); insert into hello.t values (1)",
    );

    // Nobody has ever written to db-c: its log starts over without a word. db-b's log is all that is left of a database.
    logs_in_mysql_bin(&lab, "db-b");
    logs_in_mysql_bin(&lab, "db-c");
    lab.sql("db-b", "create database gone; create table gone.t (id int primary key); insert into gone.t values (7); drop database gone");
    let before = lab.sql("db-b", "show binary logs");
    declare(&lab, &["db-b", "db-c"]);
    let plan = lab.plan("play.yml").expect(2).json();
    assert_eq!(gates(&plan, "db-b/seed/db-a"), ["resets-binlogs reset-binlogs"]);
    assert_eq!(gates(&plan, "db-c/seed/db-a"), [""; 0]);
    assert_eq!(plan["summary"]["data"], "kept");
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(8);
    assert_eq!(lab.sql("db-b", "show binary logs"), before);
    assert_eq!(lab.sql("db-a", "select count(*) from mysql.user where user = 'repl_user'"), "0");
    lab.tandem(&["apply", "play.yml", "--yes", "--allow", "reset-binlogs"]).expect(0);
    for host in ["db-b", "db-c"] {
        assert_eq!(lab.sql(host, "select id from hello.t"), "1");
        assert!(!lab.sql(host, "show binlog events").contains("gone"), "{host} still has its old log");
    }

    // Another base name: the old files are forgotten.
    lab.host_vars("db-c", "mysql_log_bin: other-bin\n");
    let plan = lab.plan("play.yml").expect(2).json();
    assert_eq!(gates(&plan, "db-c/service"), ["resets-binlogs reset-binlogs"]);
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(8);
    assert_eq!(lab.sql("db-c", "select @@log_bin_basename"), "/var/lib/mysql/mysql-bin");
    lab.tandem(&["apply", "play.yml", "--yes", "--allow", "reset-binlogs"]).expect(0);
    assert_eq!(lab.sql("db-c", "select @@log_bin_basename"), "/var/lib/mysql/other-bin");
    // So is another directory under the same name, where it is there.
    lab.host_vars("db-c", "mysql_log_bin: /var/log/missing/other-bin\n");
    assert_eq!(lab.plan("play.yml").expect(8).refusals(), ["value-not-taken"]);
    lab.at("db-c", "install -d -o mysql -g mysql -m 750 /var/log/mysql");
    lab.host_vars("db-c", "mysql_log_bin: /var/log/mysql/other-bin\n");
    let plan = lab.plan("play.yml").expect(2).json();
    assert_eq!(gates(&plan, "db-c/service"), ["resets-binlogs reset-binlogs"]);
    lab.host_vars("db-c", "mysql_log_bin: other-bin\n");
    lab.plan("play.yml").expect(0);

    // A channel and an account that nobody declared, by a saved plan: what it was made with allows nothing.
    lab.sql("db-c", "set sql_log_bin=0; create user follower@'%' identified by 'f'; grant replication slave on *.* to follower@'%'");
    lab.sql("db-a", "change master to master_host='10.77.0.13', master_user='follower', master_password='f', master_use_gtid=current_pos; start slave");
    lab.wait_sql(
        "db-c",
        "select count(*) from information_schema.processlist where command like 'Binlog Dump%'",
        "1",
    );
    lab.sql("db-a", "set sql_log_bin=0; create user repl_user@'10.9.9.9' identified by 'x'; grant replication slave on *.* to repl_user@'10.9.9.9'");
    let save = |word: &str| {
        lab.tandem(&["plan", "play.yml", "--allow", word, "-o", "saved.plan"]).expect(2);
    };
    save("drop-channel");
    lab.tandem(&["apply", "saved.plan", "--yes"]).expect(8);
    assert!(!lab.sql("db-a", "show all slaves status").is_empty());
    lab.tandem(&["apply", "saved.plan", "--yes", "--allow", "drop-channel"]).expect(0);
    assert_eq!(lab.sql("db-a", "show all slaves status"), "");
    save("drop-account");
    lab.tandem(&["apply", "saved.plan", "--yes"]).expect(8);
    let left = "select count(*) from mysql.user where host = '10.9.9.9'";
    assert_eq!(lab.sql("db-a", left), "1");
    lab.tandem(&["apply", "saved.plan", "--yes", "--allow", "drop-account"]).expect(0);
    assert_eq!(lab.sql("db-a", left), "0");

    // A word that no step needs is named, and hurts nobody.
    let run = lab.tandem(&["apply", "play.yml", "--yes", "--allow", "drop-channel"]).expect(0);
    run.tells_people(&["--allow drop-channel"]);

    a_replica_that_others_follow(&lab);
}

/// Copying to a server whose log an undeclared replica reads takes a word of its own.
fn a_replica_that_others_follow(lab: &Lab) {
    declare(lab, &["db-b"]);
    lab.sql("db-b", "set global read_only=0; set sql_log_bin=0; create user follower@'%' identified by 'f'; grant replication slave on *.* to follower@'%'");
    lab.sql("db-c", "stop slave; change master to master_host='10.77.0.12', master_user='follower', master_password='f', master_use_gtid=slave_pos; start slave");
    lab.wait_sql(
        "db-b",
        "select count(*) from information_schema.processlist where command like 'Binlog Dump%'",
        "1",
    );
    lab.sql("db-b", "set sql_log_bin=0; create database two; create table two.t (id int primary key); stop slave; reset slave all; set global read_only=1");
    lab.sql(
        "db-b",
        "set sql_log_bin=0; set global read_only=0; insert into hello.t values (99); set global read_only=1",
    );
    let allow = |words: &str| lab.tandem(&["plan", "play.yml", "--format", "json", "--allow", words]);
    let plan = allow("reseed").expect(2).json();
    assert_eq!(gates(&plan, "db-b/seed/db-a"), ["replaces-data reseed", "resets-binlogs reset-binlogs"]);
    assert_eq!(plan["summary"]["data"], "replaced");
    lab.tandem(&["apply", "play.yml", "--yes", "--allow", "reseed"]).expect(8);
    lab.tandem(&["apply", "play.yml", "--yes", "--allow", "reset-binlogs"]).expect(8);
    assert_eq!(lab.sql("db-b", "select count(*) from hello.t"), "2");
    lab.tandem(&["apply", "play.yml", "--yes", "--allow", "reseed,reset-binlogs"]).expect(0);
    assert_eq!(lab.sql("db-b", "select id from hello.t"), "1");
}
