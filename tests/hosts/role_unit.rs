//! Every host comes up read-only, and the recorded writer is opened by its own unit, if nobody else is open.

use crate::{
    client::TABLE,
    lab::{Lab, patience},
    takeover::declare,
};

const ALL: [&str; 3] = ["db-a", "db-b", "db-c"];

fn boot(suite: &str) -> Lab {
    let hosts = ALL.map(|host| format!("{host}={suite}"));
    let lab = Lab::boot(&hosts.each_ref().map(String::as_str));
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n");
    lab.sql("db-a", TABLE);
    declare(&lab, "db-a", &["db-b", "db-c"]);
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    lab
}

fn recorded(lab: &Lab) -> Vec<&'static str> {
    let has = |host: &&&str| lab.try_at(host, "test -d /var/lib/tandem/role").code == 0;
    ALL.iter().filter(has).copied().collect()
}

/// Restarts a server as its administrator would, and waits until the unit has decided.
fn restarted(lab: &Lab, host: &str, suite: &str) {
    let unit = if suite == "sid" { "mysql" } else { "mariadb" };
    lab.at(host, &format!("systemctl restart {unit}"));
    decided(lab, host);
}

pub fn decided(lab: &Lab, host: &str) {
    let done = patience().any(|()| {
        let state =
            lab.try_at(host, "systemctl show -p ActiveState,ExecMainExitTimestampMonotonic tandem-role").out;
        !state.contains("=activ") && !state.contains("Monotonic=0")
    });
    assert!(done, "{}", lab.try_at(host, "systemctl status tandem-role").out);
}

fn is_closed(lab: &Lab, host: &str) -> bool {
    lab.sql(host, "select @@read_only") == "1"
}

#[test]
fn a_host_that_starts_is_opened_if_it_is_the_writer_and_nobody_else_is_open() {
    starts("bookworm");
}

#[test]
#[ignore = "make more"]
fn a_host_of_mysql_that_starts_is_opened_if_it_is_the_writer_and_nobody_else_is_open() {
    starts("sid");
}

fn starts(suite: &str) {
    let lab = boot(suite);
    // Its GTID proves later on who has whose data.
    lab.sql("db-a", "insert into hello.w (n, who) values (1, 'all')");
    for host in ["db-b", "db-c"] {
        lab.same(["db-a", host], "select count(*) from hello.w");
    }
    assert_eq!(recorded(&lab), ["db-a"]);
    let modes = "stat -c %a /var/lib/tandem/role /var/lib/tandem/role/peer.cnf";
    assert_eq!(lab.at("db-a", modes), "700\n600");
    // Whoever restarts it, it takes writes again a moment later; the others stay as they are.
    for host in ["db-a", "db-b"] {
        let unit = if suite == "sid" { "mysql" } else { "mariadb" };
        lab.at(host, &format!("systemctl restart {unit}"));
    }
    lab.wait_sql("db-a", "select @@read_only", "0");
    assert!(is_closed(&lab, "db-b"));
    // Channels that have missed it try again within a minute, or at once by `apply`.
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);

    // Nobody answers: the recorded writer goes on.
    for host in ["db-b", "db-c"] {
        lab.link(host, "down");
    }
    restarted(&lab, "db-a", suite);
    assert!(!is_closed(&lab, "db-a"));
    for host in ["db-b", "db-c"] {
        lab.link(host, "up");
    }

    // Another host is open, or does not say.
    lab.sql("db-b", "set global read_only = 0");
    restarted(&lab, "db-a", suite);
    assert!(is_closed(&lab, "db-a"));
    lab.sql(
        "db-b",
        if suite == "sid" { "set global super_read_only = 1" } else { "set global read_only = 1" },
    );
    let (lift, close) = match suite {
        "sid" => ("set global super_read_only = 0;", "; set global super_read_only = 1"),
        _ => ("", ""),
    };
    let lock = format!("{lift} set sql_log_bin = 0; alter user 'repl_user'@'10.77.0.11' account");
    lab.sql("db-c", &format!("{lock} lock{close}"));
    restarted(&lab, "db-a", suite);
    assert!(is_closed(&lab, "db-a"));
    lab.sql("db-c", &format!("{lock} unlock{close}"));
    // By `apply` it is opened again.
    lab.plan("play.yml").expect(2);
    lab.apply("play.yml");
    assert!(!is_closed(&lab, "db-a"));
    lab.plan("play.yml").expect(0);

    // A restart of ours leaves it as open as it was.
    lab.host_vars("db-a", "mysql_settings: {back_log: 77}\n");
    let steps = lab.plan("play.yml").expect(2).step_names();
    for step in ["db-a/role-unit/away", "db-b/switchover", "db-a/switchover", "db-a/role-unit"] {
        assert!(steps.contains(&step.to_owned()), "{step}: {steps:?}");
    }
    lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]).expect(0);
    assert!(!is_closed(&lab, "db-a"));
    assert_eq!(lab.sql("db-a", "select @@back_log"), "77");

    // The record goes with the writes.
    declare(&lab, "db-b", &["db-a", "db-c"]);
    lab.apply("play.yml");
    assert_eq!(recorded(&lab), ["db-b"]);
    lab.plan("play.yml").expect(0);
    restarted(&lab, "db-b", suite);
    assert!(!is_closed(&lab, "db-b") && is_closed(&lab, "db-a"));

    // The writer's host dies, another one is promoted, and it returns with nobody there.
    lab.link("db-b", "down");
    lab.tandem(&["failover", "play.yml", "--yes", "--allow", "unfenced"]).expect(0);
    let now = if recorded(&lab).contains(&"db-a") { "db-a" } else { "db-c" };
    assert!(!is_closed(&lab, now));
    lab.link("db-b", "up");
    restarted(&lab, "db-b", suite);
    assert!(is_closed(&lab, "db-b"), "{}", lab.try_at("db-b", "systemctl status tandem-role").out);
    lab.tandem(&["rejoin", "play.yml", "db-b", "--yes"]).expect(0);
    assert_eq!(recorded(&lab), [now]);
    lab.plan("play.yml").expect(0);
}
