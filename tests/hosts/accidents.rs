//! What everybody meets on the way: each accident is told by its layer, before and after the start, and
//! what can be mended is mended.

use std::io::Write;

use crate::lab::Lab;

const OFF: &str = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n";

/// A pair that replicates, with a table.
fn running_pair() -> Lab {
    let lab = Lab::pair();
    lab.sql("db-a", "create database hello; create table hello.t (id int auto_increment primary key, v int)");
    lab.apply("hot-standby");
    lab
}

#[test]
fn a_wrong_password_is_told_apart_and_mended_on_the_side_that_is_wrong() {
    let lab = running_pair();
    // The account on the source gets another password.
    lab.sql("db-a", "set session sql_log_bin=0; alter user repl_user@'10.77.0.12' identified by 'other'");
    lab.sql("db-b", "stop slave; start slave");
    lab.wait_sql("db-b", "select count(*) from information_schema.global_status where variable_name='slave_running' and variable_value='OFF'", "1");
    let said = lab.diagnosed("password")["said"].to_string();
    assert!(said.contains("(1045)"), "{said}");
    lab.tandem(&["doctor", "hot-standby"]).expect(2);
    let names = lab.plan("hot-standby").expect(2).step_names();
    assert!(names.contains(&"db-a/account/repl_user@10.77.0.12".to_owned()), "{names:?}");
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);

    // The channel on the replica gets another password.
    lab.sql("db-b", "stop slave; change master to master_password='wrong'; start slave");
    let plan = lab.plan("hot-standby").expect(2);
    assert_eq!(plan.step_names(), ["db-b/channel/db-a"]);
    assert_eq!(plan.json()["steps"][0]["before"]["values"][0]["name"], "password", "{}", plan.out);
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
    lab.sql("db-a", "insert into hello.t (v) values (1)");
    lab.wait_sql("db-b", "select count(*) from hello.t", "1");
}

#[test]
fn a_port_that_is_shut_in_between_is_named_before_the_start_and_after_it() {
    let lab = Lab::pair();
    // The replica's own way out is shut: a filter that tandem does not rule.
    let shut = "echo 'table ip shut { chain out { type filter hook output priority 0; ip daddr 10.77.0.11 tcp dport 3306 drop; }; }' | nft -f -";
    lab.at("db-b", shut);
    lab.vars(&format!("{OFF}firewall_backend: none\n"));
    // What is on the hosts themselves is done; the channel has to wait or fail with its layer.
    let run = lab.tandem(&["apply", "hot-standby", "--yes"]);
    assert_ne!(run.code, 0);
    let text = format!("{}{}", run.out, run.err);
    assert!(text.contains("firewall") && text.contains("10.77.0.11:3306"), "{text}");
    lab.at("db-b", "nft delete table ip shut");
    lab.apply("hot-standby");

    lab.at("db-b", shut);
    lab.sql("db-b", "stop slave; start slave");
    let channel = lab.diagnosed("firewall");
    assert_eq!(
        (channel["replica"].as_str(), channel["endpoint"].as_str()),
        (Some("db-b"), Some("10.77.0.11:3306"))
    );
    lab.at("db-b", "nft delete table ip shut");
    lab.apply("hot-standby");
}

#[test]
fn a_wrong_address_is_named_before_anything_hangs() {
    let lab = Lab::pair();
    lab.host_vars("db-a", "replication_address: 10.77.0.99\n");
    let run = lab.tandem(&["apply", "hot-standby", "--yes"]);
    assert_ne!(run.code, 0);
    let text = format!("{}{}", run.out, run.err);
    assert!(text.contains("10.77.0.99:3306") && text.contains("replication_address"), "{text}");
    lab.host_vars("db-a", "{}\n");
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);

    // And under a running channel.
    lab.sql("db-b", "stop slave; change master to master_host='10.77.0.98'; start slave");
    let names = lab.plan("hot-standby").expect(2).step_names();
    assert_eq!(names, ["db-b/channel/db-a"]);
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
}

#[test]
fn a_server_that_is_down_is_explained_from_its_error_log() {
    let lab = running_pair();
    lab.at(
        "db-a",
        "printf '[mysqld]\\ninnodb_buffer_pool_sise=1G\\n' > /etc/mysql/mariadb.conf.d/99-typo.cnf",
    );
    lab.try_at("db-a", "systemctl restart mariadb");
    let status = lab.tandem(&["status", "hot-standby"]).expect(2);
    status.prints_for_people(&["DOWN", "innodb_buffer_pool_sise"]);
    let host = lab.tandem(&["status", "hot-standby", "--format", "json"]).json()["hosts"][0].clone();
    assert_eq!((&host["host"], &host["code"]), (&"db-a".into(), &"variable-not-known".into()), "{host}");
    let doctor = lab.tandem(&["doctor", "hot-standby"]).expect(2);
    doctor.prints_for_people(&["innodb_buffer_pool_sise"]);
    let apply = lab.tandem(&["apply", "hot-standby", "--yes"]);
    assert_ne!(apply.code, 0);
    assert!(
        format!("{}{}", apply.out, apply.err).contains("innodb_buffer_pool_sise"),
        "{}{}",
        apply.out,
        apply.err
    );
    lab.at("db-a", "rm /etc/mysql/mariadb.conf.d/99-typo.cnf");
    // A server that is merely stopped is started.
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
}

#[test]
fn a_duplicate_server_id_is_found_in_the_files_and_on_the_hosts() {
    let lab = running_pair();
    lab.sql("db-b", "set global server_id=1; stop slave; start slave");
    lab.diagnosed("server identity");
    lab.apply("hot-standby");
    assert_eq!(lab.sql("db-b", "select @@global.server_id"), "2");
    lab.plan("hot-standby").expect(0);
    lab.host_vars("db-a", "server_id: 5\n");
    lab.host_vars("db-b", "server_id: 5\n");
    let run = lab.tandem(&["validate", "hot-standby"]).expect(65);
    run.tells_people(&["both have server_id 5"]);
}

#[test]
fn a_relay_log_that_is_renamed_with_unapplied_events_loses_and_doubles_nothing() {
    let lab = running_pair();
    let insert = "insert into hello.t (v) select seq from seq_1_to_500";
    let count = "select count(*), count(distinct v) from hello.t";
    lab.sql("db-a", "use hello; insert into t (v) values (0)");
    lab.wait_sql("db-b", "select count(*) from hello.t", "1");
    // Received and not executed.
    lab.sql("db-b", "stop slave sql_thread");
    lab.sql("db-a", &format!("use hello; {insert}"));
    lab.vars(&format!("{OFF}mysql_relay_log: other-relay\n"));
    let plan = lab.plan("hot-standby").expect(2);
    assert!(plan.step_names().contains(&"db-b/service".to_owned()), "{}", plan.out);
    lab.apply("hot-standby");
    lab.wait_sql("db-b", count, "501\t501");
    lab.same(["db-a", "db-b"], "checksum table hello.t extended");
    assert!(lab.sql("db-b", "select @@relay_log").contains("other-relay"));
    lab.plan("hot-standby").expect(0);

    // By hand, behind tandem's back, and with the server's own repair turned off.
    lab.sql("db-b", "stop slave sql_thread");
    lab.sql("db-a", "use hello; insert into t (v) select seq from seq_1001_to_1500");
    lab.wait_sql("db-a", "select count(*) from hello.t", "1001");
    lab.at(
        "db-b",
        "printf '[mysqld]\\nrelay_log=lost-relay\\nrelay_log_recovery=0\\nskip_slave_start=1\\n' > /etc/mysql/mariadb.conf.d/zzz-hand.cnf; \
         systemctl restart mariadb; rm /etc/mysql/mariadb.conf.d/zzz-hand.cnf; mariadb -e 'start slave' || true",
    );
    lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "restart"]).expect(0);
    lab.wait_sql("db-b", count, "1001\t1001");
    lab.same(["db-a", "db-b"], "checksum table hello.t extended");
    lab.plan("hot-standby").expect(0);
}

#[test]
fn what_only_stood_in_the_way_for_a_while_is_tried_again() {
    let lab = running_pair();
    lab.sql("db-a", "insert into hello.t (v) values (1)");
    lab.wait_sql("db-b", "select count(*) from hello.t", "1");
    lab.sql(
        "db-b",
        "set global innodb_lock_wait_timeout=1, global slave_transaction_retries=0; stop slave; start slave",
    );
    let mut client = lab.begin_at("db-b", "mariadb -N hello");
    let mut asked = client.stdin.take().expect("a pipe");
    asked.write_all(b"begin; select v from t for update;\n").expect("SQL");
    lab.wait_sql("db-b", "select count(*) > 0 from information_schema.innodb_trx", "1");
    lab.sql("db-a", "update hello.t set v = 2");
    lab.wait_sql(
        "db-b",
        "select count(*) from information_schema.processlist where command='Slave_SQL'",
        "0",
    );
    // It still stands in the way, and the run ends with what the server says.
    assert_eq!(lab.plan("hot-standby").expect(2).step_names(), ["db-b/channel/db-a"]);
    lab.tandem(&["apply", "hot-standby", "--yes"]).expect(1).tells_people(&["(1205)"]);
    drop(asked);
    client.wait().expect("a client");
    lab.apply("hot-standby");
    lab.wait_sql("db-b", "select v from hello.t", "2");
    lab.plan("hot-standby").expect(0);
}

#[test]
fn an_account_that_ends_is_made_to_last() {
    accounts_that_end("bookworm", "identified via unix_socket");
}

#[test]
#[ignore = "make more"]
fn an_account_of_mysql_that_ends_is_made_to_last() {
    accounts_that_end("sid", "identified with auth_socket");
}

fn accounts_that_end(suite: &str, socket: &str) {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    lab.vars(OFF);
    lab.sql("db-a", "create database hello; create table hello.t (id int auto_increment primary key, v int)");
    lab.apply("hot-standby");
    let (mysql, mut number) = (suite == "sid", 0);
    for change in [
        "password expire",
        "password expire interval 90 day",
        "with max_user_connections 1",
        "with max_queries_per_hour 2",
        socket,
    ] {
        lab.sql("db-a", &format!("set session sql_log_bin=0; alter user repl_user@'10.77.0.12' {change}"));
        let restart = if mysql { "stop replica; start replica" } else { "stop slave; start slave" };
        lab.sql("db-b", restart);
        // Also where nobody has noticed it yet.
        let run = lab.tandem(&["apply", "hot-standby", "--yes"]);
        assert_eq!(run.code, 0, "{change}: {} {}", run.out, run.err);
        number += 1;
        lab.sql("db-b", restart);
        lab.sql("db-a", &format!("insert into hello.t (v) values ({number})"));
        lab.wait_sql("db-b", &format!("select count(*) from hello.t where v = {number}"), "1");
        lab.plan("hot-standby").expect(0);
    }
    lab.sql("db-a", "set global default_password_lifetime = 30");
    lab.plan("hot-standby").expect(0);
}

#[test]
fn a_grant_by_hand_that_went_through_the_binary_log_is_mended_on_both_sides() {
    let lab = running_pair();
    // Nobody thinks of sql_log_bin, so the other side gets a statement for an account that it does not have.
    lab.sql("db-b", "grant process on *.* to repl_user@'10.77.0.11'");
    lab.sql("db-b", "insert into hello.t (v) values (77)");
    lab.wait_sql(
        "db-a",
        "select count(*) from information_schema.processlist where command='Slave_SQL'",
        "0",
    );
    let names = lab.plan("hot-standby").expect(2).step_names();
    assert_eq!(names, ["db-b/account/repl_user@10.77.0.11", "db-a/channel/db-b"]);
    lab.apply("hot-standby");
    lab.wait_sql("db-a", "select count(*) from hello.t where v=77", "1");
    lab.plan("hot-standby").expect(0);
    assert!(!lab.sql("db-b", "show grants for repl_user@'10.77.0.11'").contains("PROCESS"));

    // Somebody else's account is not ours to leave out.
    lab.sql("db-a", "set session sql_log_bin=0; create user app@'10.77.0.5'");
    lab.sql("db-a", "grant process on *.* to app@'10.77.0.5'");
    lab.wait_sql(
        "db-b",
        "select count(*) from information_schema.processlist where command='Slave_SQL'",
        "0",
    );
    lab.refuses(&["apply", "hot-standby", "--yes"], "channel-broken");
}
