//! A server that does not come up: the host puts the old option file back by itself, whatever becomes of the controller, and
//! a corrected inventory repairs what a wrong one has left.

use std::process::Stdio;

use crate::{
    lab::{Lab, patience},
    limits::{controller, signal},
};

const OFF: &str =
    "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nrestart_wait: 60s\n";
/// Its binary takes it, and its storage engine does not.
const BAD: &str = "mysql_settings: {innodb_data_file_path: lots}\n";
const FILE: &str = "/etc/mysql/mariadb.conf.d/zz-tandem.cnf";

/// A server with some settings of ours.
fn lab() -> Lab {
    let lab = Lab::boot(&["db-a"]);
    lab.vars(OFF);
    lab.write("play.yml", "- name: one\n  hosts: db\n  roles: [config]\n");
    lab.host_vars("db-a", "server_id: 7\nmysql_settings: {max_connections: 77}\n");
    lab.apply("play.yml");
    lab
}

fn pid(lab: &Lab) -> String {
    lab.at("db-a", "systemctl show -p MainPID --value mariadb")
}

#[track_caller]
fn wait_at(lab: &Lab, command: &str) {
    for _ in patience() {
        if lab.try_at("db-a", command).code == 0 {
            return;
        }
    }
    panic!("{command}: {:?}", lab.try_at("db-a", command));
}

#[test]
fn a_bad_setting_is_taken_back_with_the_controller_and_without_it() {
    let lab = lab();
    let before = lab.at("db-a", &format!("sha256sum {FILE}; stat -c %a {FILE}"));
    let same_file = format!("test \"$(sha256sum {FILE}; stat -c %a {FILE})\" = '{before}'");
    lab.host_vars("db-a", &format!("server_id: 7\n{BAD}"));
    let run = lab.tandem(&["apply", "play.yml", "--yes", "--format", "json"]).expect(1);
    let error = run.json()["failed"][0]["error"].to_string();
    assert!(error.contains("Unable to parse innodb_data_file_path=lots"), "{error}");
    lab.at("db-a", &same_file);
    assert_eq!(lab.sql("db-a", "select @@innodb_page_size"), "16384");
    // The same again is refused with the line that says it, and the server keeps running.
    let running = pid(&lab);
    let plan = lab.plan("play.yml").expect(8).json();
    assert_eq!(plan["refused"][0]["code"], "setting-failed");
    let reason = plan["refused"][0]["reason"].to_string();
    assert!(reason.contains("`innodb_data_file_path`") && reason.contains("db-a.yml:2"), "{reason}");
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(8);
    assert_eq!(pid(&lab), running);

    // Killed in the middle of the restart: the host goes on.
    lab.at("db-a", "rm /var/lib/tandem/restart/state");
    let mut child = lab
        .tandem_command(&["apply", "play.yml", "--yes"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("tandem runs");
    wait_at(&lab, "grep -q -e restarting -e back /var/lib/tandem/restart/state");
    signal(&controller(&child), "KILL");
    let _ = child.wait();
    wait_at(&lab, "grep -q back /var/lib/tandem/restart/state");
    lab.at("db-a", &same_file);
    assert_ne!(pid(&lab), running);
    lab.tandem(&["plan", "play.yml"]).expect(8);

    // Corrected.
    lab.host_vars("db-a", "server_id: 7\nmysql_settings: {max_connections: 78, innodb_open_files: 500}\n");
    lab.apply("play.yml");
    assert_eq!(lab.sql("db-a", "select @@max_connections, @@innodb_open_files"), "78\t500");
    lab.plan("play.yml").expect(0);
    lab.at("db-a", "test ! -e /etc/systemd/system/tandem-restart-check.service");
}

#[test]
fn a_power_cut_between_the_file_and_the_restart_leaves_no_server_down() {
    let lab = lab();
    let before = lab.at("db-a", &format!("sha256sum {FILE}"));
    lab.host_vars("db-a", &format!("server_id: 7\n{BAD}"));
    let mut child = lab
        .tandem_command(&["apply", "play.yml", "--yes"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("tandem runs");
    wait_at(&lab, &format!("grep -q innodb_data_file_path {FILE}"));
    lab.reboot("db-a");
    signal(&controller(&child), "KILL");
    let _ = child.wait();
    wait_at(&lab, "grep -q back /var/lib/tandem/restart/state");
    assert_eq!(lab.at("db-a", &format!("sha256sum {FILE}")), before);
    assert_eq!(lab.sql("db-a", "select @@max_connections"), "77");
    lab.tandem(&["plan", "play.yml"]).expect(8);

    // A server that is down by our own file, from whatever time: the same inventory is refused, a corrected one repairs.
    lab.at(
        "db-a",
        &format!("rm -r /var/lib/tandem/restart; echo 'innodb_data_file_path = lots' >>{FILE}; systemctl restart mariadb || true"),
    );
    let plan = lab.plan("play.yml").expect(8).json();
    assert_eq!(plan["refused"][0]["code"], "setting-keeps-server-down", "{plan}");
    assert!(plan["refused"][0]["reason"].to_string().contains("db-a.yml:2"), "{plan}");
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(8);
    lab.host_vars("db-a", "server_id: 7\nmysql_settings: {max_connections: 77}\n");
    let names = lab.plan("play.yml").expect(2).step_names();
    assert_eq!(names, ["db-a/option-file", "db-a/start"]);
    lab.apply("play.yml");
    assert_eq!(lab.sql("db-a", "select @@innodb_page_size, @@max_connections"), "16384\t77");
    lab.plan("play.yml").expect(0);
}

#[test]
fn a_unit_that_does_not_notify_and_one_that_restarts_itself_are_noticed_at_once() {
    // MySQL's unit is started again and again by systemd; the other one has no notification, and its host no systemd-run.
    let lab = Lab::boot(&["db-a", "db-b=sid"]);
    lab.vars(&OFF.replace("60s", "10min"));
    lab.write("play.yml", "- name: two\n  hosts: db\n  roles: [config]\n");
    lab.at(
        "db-a",
        "mkdir -p /etc/systemd/system/mariadb.service.d && printf '[Service]\\nType=simple\\nRestart=no\\n' \
         >/etc/systemd/system/mariadb.service.d/simple.conf && systemctl daemon-reload && systemctl restart mariadb && \
         mv /usr/bin/systemd-run /usr/bin/no-systemd-run",
    );
    lab.apply("play.yml");
    for host in ["db-a", "db-b"] {
        lab.host_vars(host, BAD);
    }
    let begun = std::time::Instant::now();
    let run = lab.tandem(&["apply", "play.yml", "--yes", "--format", "json"]).expect(1);
    assert!(begun.elapsed() < std::time::Duration::from_secs(90), "{:?}", begun.elapsed());
    let failed = run.json()["failed"].to_string();
    assert!(failed.contains("Unable to parse innodb_data_file_path=lots"), "{failed}");
    for host in ["db-a", "db-b"] {
        assert_eq!(lab.at(host, "cat /var/lib/tandem/restart/state"), "back");
        lab.at(host, "! grep -rq innodb_data_file_path /etc/mysql/*.d");
        assert_eq!(lab.sql(host, "select @@innodb_page_size"), "16384");
    }
    for host in ["db-a", "db-b"] {
        lab.host_vars(host, "mysql_settings: {innodb_open_files: 500}\n");
    }
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
}

#[test]
fn no_row_of_a_user_stands_in_an_error_or_a_journal() {
    let lab = Lab::pair();
    lab.vars(OFF);
    lab.sql("db-a", "create database shop; create table shop.t (id varchar(40) primary key, v varchar(40))");
    lab.apply("hot-standby");
    for format in ["STATEMENT", "ROW"] {
        lab.sql("db-b", &format!("set sql_log_bin=0; insert into shop.t values ('geheim {format}', 'mine')"));
        lab.sql(
            "db-a",
            &format!("set session binlog_format={format}; insert into shop.t values ('geheim {format}', 'geheim too')"),
        );
        lab.wait_sql(
            "db-b",
            "select variable_value from information_schema.global_status where variable_name='slave_running'",
            "OFF",
        );
        for args in
            [&["apply", "hot-standby", "--yes"][..], &["plan", "hot-standby"], &["status", "hot-standby"]]
        {
            let run = lab.tandem(args);
            assert!(run.code != 0 && !format!("{}{}", run.out, run.err).contains("geheim"), "{run:?}");
        }
        let journals = lab.here("cat state/tandem/runs/*.jsonl").out;
        assert!(!journals.is_empty() && !journals.contains("geheim"), "{journals}");
        lab.sql("db-b", "set sql_log_bin=0; delete from shop.t");
        lab.sql("db-b", "start slave");
        lab.channels_run(&["db-b"]);
    }
}

/// Somebody else's line keeps the server down. Once it is gone nothing of ours is blamed for it, and what was taken back comes again.
#[test]
fn a_foreign_line_that_keeps_a_server_down_blames_nothing_of_ours() {
    let lab = lab();
    lab.host_vars("db-a", "server_id: 7\nmysql_settings: {max_connections: 88}\n");
    lab.apply("play.yml");
    let foreign = "/etc/mysql/mariadb.conf.d/70-foreign.cnf";
    lab.at("db-a", &format!("systemctl stop mariadb; printf '[mysqld]\\nno_such_option=1\\n' >{foreign}"));
    let run = lab.tandem(&["apply", "play.yml", "--yes", "--format", "json"]);
    assert!(run.json()["failed"].to_string().contains("no_such_option"), "{}", run.out);
    lab.at("db-a", &format!("rm {foreign}; systemctl start mariadb"));
    let plan = lab.plan("play.yml");
    assert!(plan.json()["refused"].as_array().is_some_and(Vec::is_empty), "{}", plan.out);
    lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]).expect(0);
    assert_eq!(lab.sql("db-a", "select @@max_connections"), "88");
    assert!(lab.at("db-a", &format!("cat {FILE}")).contains("max_connections = 88"));
    lab.plan("play.yml").expect(0);
}
