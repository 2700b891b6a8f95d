//! Peers get in, strangers do not, ssh stays, rules survive a reboot, and foreign rules stay as they are.

use tandem::inside::firewall::{APPLY, CONFIRM};

use crate::lab::{Lab, patience};

pub const DENY: &str = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nfirewall_deny_others: true\n";
/// Whether one host gets to another's server.
pub fn reaches(lab: &Lab, from: &str, address: &str) -> bool {
    lab.try_at(
        from,
        &format!("timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/3306 && head -c 1 <&3 >/dev/null'"),
    )
    .code
        == 0
}

pub const PLAY: &str = "- hosts: db-a,db-b\n  topology: {kind: dual-primary, members: [db-a, db-b]}\n  roles: [firewall, config, accounts, seed, replication]\n";

/// A pair, a host that nobody has allowed, and one that may be.
fn lab_with_stranger(suite: &str) -> Lab {
    let lab = Lab::boot(&[
        &format!("db-a={suite}"),
        &format!("db-b={suite}"),
        "stranger=bookworm@10.77.0.20",
        "friend=bookworm@10.77.0.30",
    ]);
    lab.write("play.yml", PLAY);
    lab
}

fn only_peers_get_in(lab: &Lab) {
    assert!(reaches(lab, "db-a", "10.77.0.12"), "the peer does not get in");
    assert!(reaches(lab, "db-b", "10.77.0.11"), "the peer does not get in");
    assert!(!reaches(lab, "stranger", "10.77.0.11"), "a stranger gets in");
    assert!(!reaches(lab, "stranger", "10.77.0.12"), "a stranger gets in");
}

#[test]
fn peers_that_meet_over_ipv6_get_in_and_strangers_do_not() {
    let lab = lab_with_stranger("bookworm");
    for (host, address) in [("db-a", "fd77::11"), ("db-b", "fd77::12")] {
        lab.host_vars(host, &format!("replication_address: \"{address}\"\n"));
    }
    lab.vars(DENY);
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    lab.sql(
        "db-a",
        "create database six; create table six.t (id int primary key); insert into six.t values (6)",
    );
    assert_eq!(lab.same(["db-a", "db-b"], "select id from six.t"), "6");
    assert!(reaches(&lab, "db-a", "fd77::12") && reaches(&lab, "db-b", "fd77::11"));
    for address in ["fd77::11", "fd77::12", "10.77.0.11", "10.77.0.12"] {
        assert!(!reaches(&lab, "stranger", address), "a stranger gets in at {address}");
    }
    lab.reboot("db-b");
    lab.channels_run(&["db-a", "db-b"]);
    assert!(reaches(&lab, "db-a", "fd77::12") && !reaches(&lab, "stranger", "fd77::12"));
}

#[test]
fn nftables_with_a_default_drop_lets_peers_in_and_keeps_foreign_rules() {
    let lab = lab_with_stranger("bookworm");
    let foreign = "table inet filter { chain input { type filter hook input priority 0; policy drop; \
                   ct state established,related accept; iifname lo accept; tcp dport 22 counter accept; icmp type echo-request accept; }; }";
    for host in ["db-a", "db-b"] {
        lab.at(host, &format!("echo '{foreign}' | nft -f -"));
    }
    lab.vars(DENY);
    assert!(!reaches(&lab, "db-b", "10.77.0.11"));
    lab.apply("play.yml");
    only_peers_get_in(&lab);
    lab.plan("play.yml").expect(0);
    for host in ["db-a", "db-b"] {
        let rules = lab.at(host, "nft list table inet filter");
        assert!(rules.contains("tcp dport 22 counter") && rules.contains("policy drop"), "{rules}");
        assert!(rules.contains("icmp type echo-request accept"), "{rules}");
    }
    // Somebody loads the foreign rules anew, and ours are gone from them: that is drift.
    lab.at("db-a", &format!("nft delete table inet filter; echo '{foreign}' | nft -f -"));
    let names = lab.plan("play.yml").expect(2).step_names();
    assert_eq!(names, ["db-a/firewall"]);
    lab.apply("play.yml");
    only_peers_get_in(&lab);
}

#[test]
fn iptables_with_a_default_drop_lets_peers_in_and_survives_a_reboot() {
    let lab = lab_with_stranger("bookworm");
    for host in ["db-a", "db-b"] {
        lab.at(
            host,
            "iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT; iptables -A INPUT -i lo -j ACCEPT; \
             iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables -P INPUT DROP",
        );
    }
    lab.vars(DENY);
    lab.apply("play.yml");
    only_peers_get_in(&lab);
    lab.plan("play.yml").expect(0);
    let ssh = lab.at("db-a", "iptables-save");
    assert!(ssh.contains("--dport 22 -j ACCEPT") && ssh.contains(":INPUT DROP"), "{ssh}");
    lab.reboot("db-a");
    only_peers_get_in(&lab);
    lab.channels_run(&["db-a", "db-b"]);
    lab.plan("play.yml").expect(0);
}

#[test]
fn nftables_rules_survive_a_reboot() {
    let lab = lab_with_stranger("bookworm");
    lab.vars(&format!("{DENY}firewall_backend: nftables\nfirewall_allow: [10.77.0.30]\n"));
    lab.apply("play.yml");
    only_peers_get_in(&lab);
    assert!(reaches(&lab, "friend", "10.77.0.11"));
    lab.reboot("db-b");
    only_peers_get_in(&lab);
    lab.channels_run(&["db-a", "db-b"]);
    lab.tandem(&["status", "play.yml"]).expect(0);
    lab.plan("play.yml").expect(0);
    // The unit that loads the rules of others flushes ours, and they come back with it.
    for what in ["start", "reload", "restart"] {
        lab.at("db-a", &format!("systemctl {what} nftables"));
        only_peers_get_in(&lab);
    }
    lab.plan("play.yml").expect(0);
    // Taking the wish back takes the rules back.
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n");
    lab.apply("play.yml");
    assert!(reaches(&lab, "stranger", "10.77.0.11"));
    lab.plan("play.yml").expect(0);
    assert!(lab.try_at("db-a", "nft list table inet tandem").code != 0);
}

#[test]
fn clients_that_would_be_cut_are_named_and_the_step_is_refused() {
    let lab = lab_with_stranger("bookworm");
    lab.tandem(&["apply", "play.yml", "--yes"]).expect(0);
    lab.sql("db-a", "set session sql_log_bin=0; create user far@'10.77.0.%' identified by 'x'");
    let mut client = std::process::Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab"))
        .arg("at")
        .arg(lab.path(""))
        .args(["stranger", "exec mariadb -h 10.77.0.11 -u far -px -e 'select sleep(60)'"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("a client");
    lab.wait_sql("db-a", "select count(*) from information_schema.processlist where user='far'", "1");
    // A replica that nobody declared is cut off as well.
    lab.sql("db-a", "set session sql_log_bin=0; grant replication slave on *.* to far@'10.77.0.%'");
    lab.sql(
        "friend",
        "set global server_id = 99; change master to master_host='10.77.0.11', master_user='far', master_password='x'; start slave",
    );
    lab.wait_sql(
        "db-a",
        "select count(*) from information_schema.processlist where host like '10.77.0.30%'",
        "1",
    );
    lab.vars(DENY);
    let run = lab.tandem(&["apply", "play.yml", "--yes"]).expect(8);
    run.tells_people(&["a replica at 10.77.0.30"]);
    run.tells_people(&["far", "10.77.0.20"]);
    run.tells_people(&["--allow cut-clients"]);
    assert!(lab.try_at("db-a", "nft list table inet tandem").code != 0, "rules were loaded all the same");
    lab.tandem(&["apply", "play.yml", "--yes", "--allow", "cut-clients"]).expect(0);
    client.kill().expect("the client ends");
    client.wait().expect("the client ends");
}

#[test]
#[ignore = "make more"]
fn ufw_and_firewalld_are_used_where_they_are_active() {
    for (suite, begin) in [
        (
            "bookworm-ufw",
            "ufw allow 22/tcp && ufw allow 3306/tcp && ufw deny from 10.77.0.11 to any port 3306 proto tcp && \
             ufw prepend deny from 10.77.0.12 to any port 3306 proto tcp && ufw --force enable",
        ),
        ("bookworm-firewalld", "systemctl start firewalld && systemctl enable -q firewalld"),
    ] {
        let lab = lab_with_stranger(suite);
        for host in ["db-a", "db-b"] {
            lab.at(host, begin);
        }
        lab.vars(DENY);
        lab.apply("play.yml");
        only_peers_get_in(&lab);
        lab.plan("play.yml").expect(0);
        if suite == "bookworm-ufw" {
            // An administrator's rules stay, also where they say the opposite; one that comes before ours is found.
            let own = "ufw status | grep -v tandem | sort";
            let before = lab.at("db-a", own);
            let rules = before.lines().filter(|line| line.contains("3306")).count();
            assert_eq!(rules, 4, "{before}");
            lab.at("db-a", "ufw prepend allow 3300:3400/tcp");
            assert!(reaches(&lab, "stranger", "10.77.0.11"));
            lab.plan("play.yml").expect(2);
            lab.apply("play.yml");
            only_peers_get_in(&lab);
            lab.plan("play.yml").expect(0);
            lab.at("db-a", "ufw delete allow 3300:3400/tcp");
            assert_eq!(lab.at("db-a", own), before);
        }
        lab.reboot("db-a");
        only_peers_get_in(&lab);
        lab.channels_run(&["db-a", "db-b"]);
        lab.plan("play.yml").expect(0);
    }
}

#[test]
fn a_confirmation_that_comes_too_late_confirms_nothing() {
    let lab = Lab::boot(&["db-a=bookworm-bare"]);
    let script = |text: &str, arguments: &str| {
        lab.try_at(
            "db-a",
            &format!(
                "cat >/root/script <<'END OF SCRIPT'\n{text}\nEND OF SCRIPT\nsh /root/script {arguments}"
            ),
        )
    };
    let (undo, new) = ("'rm /run/rules'", "'echo new >/run/rules'");
    // In time: the rules stay, and are there after a boot.
    script(APPLY, &format!("600 {undo} {new}")).expect(0);
    script(CONFIRM, "yes").expect(0);
    assert_eq!(lab.at("db-a", "cat /run/rules /etc/tandem/firewall.sh"), "new\necho new >/run/rules");
    // Too late: the host has decided, and nothing is kept for the next boot.
    lab.at("db-a", "rm -r /etc/tandem");
    script(APPLY, &format!("0 {undo} {new}"));
    assert!(
        patience().any(|()| lab.try_at("db-a", "test -e /run/rules").code != 0),
        "the rules are still there"
    );
    let run = script(CONFIRM, "yes").expect(3);
    assert!(run.err.contains("taken the rules back"), "{run:?}");
    lab.at("db-a", "test ! -e /etc/tandem/firewall.sh");
    // Rules that take longer to load than the host waits: the switch comes first, and they go all the same.
    let slow = "'while [ ! -e /run/tandem/firewall-decided ]; do sleep 0.1; done; echo new >/run/rules'";
    script(APPLY, &format!("0 {undo} {slow}")).expect(3);
    lab.at("db-a", "test ! -e /run/rules");
}
