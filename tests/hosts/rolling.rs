//! The one server that clients write to is restarted while a replica takes its writes.

use std::{path::PathBuf, process::Stdio, time::Instant};

use crate::{
    client::{Client, TABLE},
    lab::{Lab, patience},
    limits::{controller, files, signal},
    takeover::{declare, tree},
};

const ALL: [&str; 3] = ["db-a", "db-b", "db-c"];
const ADDRESSES: [&str; 2] = ["10.77.0.11", "10.77.0.12"];
const VARS: &str = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n";

/// Another value of a variable that takes a restart.
fn wish(lab: &Lab, value: u32) {
    lab.vars(&format!("{VARS}mysql_settings: {{back_log: {value}}}\n"));
}

/// When the server of a host was started, by the clock that all hosts share.
fn started(lab: &Lab, host: &str) -> u64 {
    let show = "systemctl show -p ExecMainStartTimestampMonotonic --value mariadb mysql 2>/dev/null | sort -n | tail -n 1";
    lab.at(host, show).parse().expect("a time")
}

fn has(lab: &Lab, hosts: &[&str], value: &str) {
    for host in hosts {
        assert_eq!(lab.sql(host, "select @@back_log"), value, "{host}");
        assert_eq!(lab.sql(host, "select @@read_only"), if *host == "db-a" { "0" } else { "1" }, "{host}");
    }
    lab.plan("play.yml").expect(0);
    lab.tandem(&["drift", "play.yml"]).expect(0);
}

/// Replicas one by one, then the primary, which takes no writes meanwhile; nothing is lost, and nothing is left to do.
#[test]
fn a_tree_is_restarted_under_writes() {
    let lab = tree("bookworm");
    let client = Client::start(&lab, "db-c", "one", "app", &ADDRESSES);
    wish(&lab, 91);
    let steps = lab.plan("play.yml").expect(2).step_names();
    let order = ["db-c/service", "db-b/service", "db-b/switchover", "db-a/service", "db-a/switchover"];
    let places: Vec<_> = order.iter().map(|id| steps.iter().position(|step| step == id)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{steps:?}");
    lab.refuses(&["apply", "play.yml", "--yes"], "not-allowed-restart");
    lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]).expect(0);
    client.writes(ADDRESSES[0]);
    has(&lab, &ALL, "91");
    let times = ["db-c", "db-b", "db-a"].map(|host| started(&lab, host));
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(lab.sql("db-a", "show all slaves status"), "", "db-a follows nobody");
    client.lost_nothing(&ALL, "rolling, bookworm");

    // In place it is one restart, and no replica takes anything.
    lab.vars(&format!("{VARS}restart_primary: in_place\nmysql_settings: {{back_log: 92}}\n"));
    let steps = lab.plan("play.yml").expect(2).step_names();
    assert!(!steps.iter().any(|step| step.ends_with("switchover")), "{steps:?}");
    lab.apply("play.yml");
    has(&lab, &ALL, "92");
}

/// The same for a pair of MySQL, of which one stands by.
#[test]
#[ignore = "make more"]
fn a_pair_is_restarted_under_writes_on_mysql() {
    let pair = ["db-a", "db-b"];
    let lab = Lab::boot(&["db-a=sid", "db-b=sid"]);
    lab.sql("db-a", TABLE);
    lab.write(
        "play.yml",
        "- hosts: db\n  topology: {kind: dual-primary, members: [db-a, db-b], standby: db-b}\n  \
         roles: [firewall, tls, config, accounts, seed, replication]\n",
    );
    lab.apply("play.yml");
    let client = Client::start(&lab, "db-b", "one", "app", &ADDRESSES);
    wish(&lab, 91);
    lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]).expect(0);
    client.writes(ADDRESSES[0]);
    has(&lab, &pair, "91");
    let times = ["db-b", "db-a"].map(|host| started(&lab, host));
    assert!(times.is_sorted(), "{times:?}");
    client.lost_nothing(&pair, "rolling, sid pair");
}

/// A primary and a replica of MySQL: the primary follows for the time of its restart, and nobody any more afterwards.
#[test]
#[ignore = "make more"]
fn a_primary_is_restarted_under_writes_on_mysql() {
    let pair = ["db-a", "db-b"];
    let lab = Lab::boot(&["db-a=sid", "db-b=sid"]);
    lab.sql("db-a", TABLE);
    declare(&lab, "db-a", &["db-b"]);
    lab.apply("play.yml");
    let client = Client::start(&lab, "db-b", "one", "app", &ADDRESSES);
    for value in [91, 92] {
        wish(&lab, value);
        lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]).expect(0);
        client.writes(ADDRESSES[0]);
        has(&lab, &pair, &value.to_string());
        assert_eq!(lab.sql("db-a", "show replica status"), "", "db-a follows nobody");
    }
    client.lost_nothing(&pair, "rolling, sid");
}

/// Killed in the middle of each of its parts: one host takes writes or none does, never two, and one `apply` ends as if
/// nothing had happened. Power that goes as well changes nothing.
#[test]
#[ignore = "make more"]
fn a_rolling_change_that_is_killed_is_gone_on_with() {
    let lab = tree("bookworm");
    let client = Client::start(&lab, "db-c", "one", "app", &ADDRESSES);
    let places = ["db-b/service", "db-b/switchover", "db-a/service", "db-a/channel/db-b", "db-a/switchover"];
    for (turn, place) in places.iter().enumerate() {
        wish(&lab, 91 + u32::try_from(turn).unwrap());
        let journal = lab.path("state").join("tandem");
        let before = files(&journal);
        let mut run = lab.tandem_command(&["apply", "play.yml", "--yes", "--allow", "restart"]);
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let reached = |file: &PathBuf| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            !before.contains(file) && text.contains(place)
        };
        let begun = Instant::now();
        while begun.elapsed().as_secs() < 60 && !files(&journal).iter().any(reached) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        signal(&controller(&run), "KILL");
        let _ = run.wait();
        let is_open = |host: &&str| lab.try_at(host, "mariadb -N -e 'select @@read_only'").out.trim() == "0";
        let open: Vec<&str> = ["db-a", "db-b"].into_iter().filter(is_open).collect();
        assert!(open.len() < 2, "{place}: {open:?}");
        // The one that stands in is the recorded writer by then: a power cut leaves it the writer.
        if *place == "db-a/service" {
            lab.reboot("db-b");
            assert!(patience().any(|()| is_open(&"db-b")));
        }
        lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]).expect(0);
        has(&lab, &ALL, &(91 + turn).to_string());
        client.writes(ADDRESSES[0]);
    }
    client.lost_nothing(&ALL, "rolling, killed");
}

/// A value with which the primary's server does not come up: it runs again with its former file, closed, and the other one
/// takes the writes until the value is corrected.
#[test]
fn a_primary_that_does_not_come_up_leaves_one_writer() {
    let lab = tree("bookworm");
    let client = Client::start(&lab, "db-c", "one", "app", &ADDRESSES);
    lab.host_vars("db-a", "mysql_settings: {innodb_data_file_path: lots}\n");
    let failed = lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]);
    assert_ne!(failed.code, 0, "{}", failed.err);
    let writers =
        || ALL.into_iter().filter(|host| lab.sql(host, "select @@read_only") == "0").collect::<Vec<_>>();
    assert_eq!(writers(), ["db-b"]);
    client.writes(ADDRESSES[1]);
    lab.refuses(&["apply", "play.yml", "--yes", "--allow", "restart"], "setting-failed");
    // A boot in between changes nothing about that.
    lab.at("db-a", "systemctl restart mariadb");
    assert_eq!(writers(), ["db-b"]);
    lab.host_vars("db-a", "mysql_settings: {}\n");
    lab.tandem(&["apply", "play.yml", "--yes", "--allow", "restart"]).expect(0);
    client.writes(ADDRESSES[0]);
    assert_eq!(writers(), ["db-a"]);
    lab.tandem(&["drift", "play.yml"]).expect(0);
    client.lost_nothing(&ALL, "rolling, failed");
}
