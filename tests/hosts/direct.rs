//! The bytes of a copy go straight from host to host.

use crate::lab::Lab;

/// Rows that can't be made smaller on their way.
const ROWS: &str = "create database shop; use shop; create table item (id int auto_increment primary key, noise varbinary(200)); \
    insert into item (noise) select random_bytes(200) from seq; \
    create view dear as select id from item; create user app@'10.77.%' identified by 'Of app 1'; \
    grant select on shop.* to app@'10.77.%';";

/// A source with some megabytes.
fn pair(suite: &str, vars: &str) -> Lab {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}")]);
    lab.vars(&format!(
        "replication_password: {{env: REPLICATION_PASSWORD}}\nreplication_tls: \"off\"\n{vars}"
    ));
    let numbers = "create temporary table test.seq as with recursive r as (select 1 n union all select n + 1 from r \
        where n < 900) select a.n from r a, r b where b.n <= 60";
    let setup = match suite {
        "sid" => format!("set session cte_max_recursion_depth = 10000; create database test; {numbers};"),
        _ => format!("create database if not exists test; {numbers};"),
    };
    // What a host has kept that lost its power in the middle of another run's copy.
    for host in ["db-a", "db-b"] {
        lab.at(host, "mkdir -m 700 /var/lib/tandem /var/lib/tandem/direct.another-run.x && touch /var/lib/tandem/direct.another-run.x/tandem");
    }
    lab.sql("db-a", &format!("{setup} {}; drop database test", ROWS.replace("from seq;", "from test.seq;")));
    lab
}

/// Bytes that this machine has received.
fn received(lab: &Lab) -> u64 {
    let device = "awk '$1 == \"lab:\" { print $2 }' /proc/net/dev";
    lab.here(device).expect(0).out.trim().parse().unwrap()
}

/// Copies, and tells how many bytes came here for each byte that was sent.
fn copies(suite: &str, vars: &str) -> Lab {
    let lab = pair(suite, vars);
    let before = received(&lab);
    lab.tandem(&["apply", "hot-standby", "--yes"]).expect(0);
    let here = received(&lab) - before;
    for rows in ["select count(*), sum(crc32(noise)) from shop.item", "select count(*) from shop.dear"] {
        lab.same(["db-a", "db-b"], rows);
    }
    assert_eq!(lab.sql("db-b", "select count(*) from shop.item"), "54000");
    assert!(here < 4 << 20, "{here} bytes came through this machine");
    leaves_nothing(&lab);
    lab
}

fn leaves_nothing(lab: &Lab) {
    for host in ["db-a", "db-b"] {
        let left = lab.at(host, "ls -d /var/lib/tandem/direct* /run/tandem/direct* 2>/dev/null | wc -l");
        assert_eq!(left.trim(), "0", "{host}");
        assert_eq!(lab.at(host, "pgrep -fc 'tandem[ ]at-host' || true").trim(), "0", "{host}");
    }
}

#[test]
fn rows_go_straight_from_host_to_host() {
    copies("bookworm", "seed_path: direct\n");
}

#[test]
fn rows_of_mysql_go_straight_from_host_to_host() {
    copies("sid", "seed_path: direct\n");
}

#[test]
fn files_go_straight_from_host_to_host() {
    copies("bookworm-backup", "seed_path: direct\nseed_method: physical\n");
}

/// Where one host lets the other in at the server's port alone, nothing was changed, and the advice leads out.
#[test]
fn where_the_hosts_do_not_reach_each_other_nothing_is_changed() {
    let lab = pair("bookworm", "seed_path: direct\n");
    let rules = "nft add table inet wall; nft 'add chain inet wall in { type filter hook input priority 0; }'; \
        nft add rule inet wall in ip saddr 10.77.0.12 tcp dport != 3306 ct state new drop";
    lab.at("db-a", rules);
    let failed = lab.tandem(&["apply", "hot-standby", "--yes"]);
    assert!([1, 3].contains(&failed.code), "{}", failed.err);
    assert_eq!(lab.sql("db-b", "show databases like 'shop'"), "");
    leaves_nothing(&lab);
    let before = received(&lab);
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n");
    lab.tandem(&["apply", "hot-standby", "--yes"]).expect(0);
    assert!(received(&lab) - before > 8 << 20);
    lab.same(["db-a", "db-b"], "select count(*), sum(crc32(noise)) from shop.item");
}

/// A server that takes nothing for a while is waited for, as on any other way.
#[test]
#[ignore = "make more"]
fn a_replica_that_takes_nothing_for_a_while_is_waited_for() {
    let lab = pair("bookworm", "seed_path: direct\n");
    let double = "insert into shop.item (noise) select noise from shop.item;";
    lab.sql("db-a", &double.repeat(2));
    let stop = "for i in $(seq 6000); do [ -e /var/lib/mysql/shop/item.ibd ] && break; sleep 0.01; done; \
        pid=$(pgrep -x mariadbd) && kill -STOP $pid && sleep 35; kill -CONT $pid";
    let stopping = lab.begin_at("db-b", stop);
    lab.tandem(&["apply", "hot-standby", "--yes"]).expect(0);
    assert!(stopping.wait_with_output().unwrap().status.success());
    lab.same(["db-a", "db-b"], "select count(*), sum(crc32(noise)) from shop.item");
    leaves_nothing(&lab);
}

/// What is bounded takes as long as its bytes at that rate, on either way.
#[test]
#[ignore = "make more"]
fn a_copy_goes_no_faster_than_it_may() {
    for path in ["direct", "relay"] {
        let lab = pair("bookworm", &format!("seed_path: {path}\n"));
        let begun = std::time::Instant::now();
        lab.tandem(&["apply", "hot-standby", "--yes", "--rate-limit", "1M"]).expect(0);
        // 54000 rows of 200 bytes, and what is between them.
        assert!(begun.elapsed().as_secs() >= 10, "{path}: {:?}", begun.elapsed());
        lab.same(["db-a", "db-b"], "select count(*), sum(crc32(noise)) from shop.item");
        lab.tandem(&["apply", "hot-standby", "--yes", "--rate-limit", "1"]).expect(64);
    }
}

/// A copy waits for statements of others, where its user wants that, and for no longer than there are too many.
#[test]
#[ignore = "make more"]
fn a_copy_waits_while_its_source_has_too_much_to_do() {
    for (path, most, waits) in [("direct", "3", true), ("relay", "3", true), ("relay", "40", false)] {
        let lab = pair("bookworm", &format!("seed_path: {path}\n"));
        let mut run = lab.tandem_command(&[
            "apply",
            "hot-standby",
            "--yes",
            "-q",
            "--rate-limit",
            "1M",
            "--max-running",
            most,
        ]);
        let mut run = run.spawn().unwrap();
        lab.at("db-b", "timeout 60 sh -c 'until [ -e /var/lib/mysql/shop/item.ibd ]; do sleep 0.05; done'");
        let mut busy =
            lab.begin_at("db-a", "for n in 1 2 3 4 5 6; do mariadb -e 'select sleep(25)' & done; wait");
        let others = "select count(*) from information_schema.processlist where info = 'select sleep(25)'";
        lab.wait_sql("db-a", others, "6");
        assert!(run.wait().unwrap().success());
        assert_eq!(lab.sql("db-a", others) == "0", waits, "{path} {most}");
        lab.same(["db-a", "db-b"], "select count(*), sum(crc32(noise)) from shop.item");
        busy.wait().unwrap();
    }
}

/// A program that is killed on either host ends the copy; the next run makes it.
#[test]
#[ignore = "make more"]
fn a_copy_whose_programs_are_killed_is_made_by_the_next_run() {
    let lab = pair("bookworm", "seed_path: direct\n");
    lab.sql("db-a", "insert into shop.item (noise) select noise from shop.item; insert into shop.item (noise) select noise from shop.item");
    // On the one host once it has many sessions open, on the other one once a table is there.
    let many = "[ $(ls /proc/$pid/fd | wc -l) -gt 14 ]";
    for (host, begun) in [("db-a", many), ("db-b", "[ -e /var/lib/mysql/shop/item.ibd ]")] {
        let kill = format!(
            "for i in $(seq 6000); do pid=$(pgrep -fo 'tandem[ ]at-host') && {begun} && kill -9 $pid && exit; sleep 0.01; \
             done; exit 1"
        );
        let killing = lab.begin_at(host, &kill);
        let failed = lab.tandem(&["apply", "hot-standby", "--yes"]);
        assert!([1, 3].contains(&failed.code), "{}", failed.err);
        assert!(killing.wait_with_output().unwrap().status.success());
        leaves_nothing(&lab);
    }
    lab.tandem(&["apply", "hot-standby", "--yes"]).expect(0);
    lab.same(["db-a", "db-b"], "select count(*), sum(crc32(noise)) from shop.item");
    lab.tandem(&["plan", "hot-standby"]).expect(0);
}
