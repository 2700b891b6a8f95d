//! Rule sets of others: peers get in through them for real or the rules are taken back; and while rules of ours are replaced,
//! no stranger gets in and no peer is refused.

use std::process::{Child, Command, Stdio};

use crate::{
    firewall::{DENY, PLAY, reaches},
    lab::Lab,
};

/// Connects again and again until it is told to stop. Prints how often it got in, and how often not.
const KNOCK: &str = r#"use strict; use Socket; use Fcntl; my ($a, $wait, $pause) = @ARGV; my ($in, $out) = (0, 0);
my $to = pack_sockaddr_in(3306, inet_aton($a));
while (!-e "/tmp/stop") {
  socket(my $s, PF_INET, SOCK_STREAM, 0) or die; fcntl($s, F_SETFL, O_NONBLOCK | fcntl($s, F_GETFL, 0)); connect($s, $to);
  my $w = ""; vec($w, fileno $s, 1) = 1; my $n = select(undef, $w, undef, $wait);
  if ($n > 0 && !unpack("i", getsockopt($s, SOL_SOCKET, SO_ERROR))) { $in++ } else { $out++ }
  close $s; select(undef, undef, undef, $pause);
}
print "$in $out\n";"#;

struct Knocker<'a>(&'a Lab, &'static str, Child);

impl<'a> Knocker<'a> {
    fn start(lab: &'a Lab, host: &'static str, wait: &str, pause: &str) -> Self {
        let knock = format!("rm -f /tmp/stop; exec perl -e '{KNOCK}' 10.77.0.11 {wait} {pause}");
        let child = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab"))
            .arg("at")
            .arg(lab.path(""))
            .args([host, &knock])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self(lab, host, child)
    }

    /// How often it got in, and how often not.
    fn stop(self) -> (u64, u64) {
        self.0.at(self.1, "touch /tmp/stop");
        let output = self.2.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let (came, failed) = said.trim().split_once(' ').unwrap_or_else(|| panic!("{}: {said}", self.1));
        (came.parse().unwrap(), failed.parse().unwrap())
    }
}

fn lab() -> Lab {
    let lab = Lab::boot(&["db-a", "db-b", "stranger=bookworm@10.77.0.20"]);
    lab.write("play.yml", PLAY);
    lab
}

#[test]
fn no_gap_opens_and_none_closes_while_rules_are_replaced() {
    let lab = lab();
    lab.vars(&format!("{DENY}firewall_backend: nftables\n"));
    lab.apply("play.yml");
    // A server counts connections without a login, and refuses their host in the end.
    lab.sql("db-a", "set global max_connect_errors = 100000000");
    // A stranger does not wait, a peer waits for less than it takes to try again.
    let stranger = Knocker::start(&lab, "stranger", "0.004", "0");
    let peer = Knocker::start(&lab, "db-b", "0.9", "0.005");
    let friend = "firewall_allow: [10.77.0.30]\n";
    for (backend, allow) in
        [("nftables", friend), ("nftables", ""), ("iptables", friend), ("iptables", ""), ("nftables", "")]
    {
        lab.vars(&format!("{DENY}firewall_backend: {backend}\n{allow}"));
        lab.apply("play.yml");
    }
    let (strangers, kept_out) = stranger.stop();
    let (peers, refused) = peer.stop();
    assert!(
        strangers == 0 && kept_out > 200,
        "a stranger got in {strangers} times, and {kept_out} times not"
    );
    assert!(refused == 0 && peers > 200, "a peer got in {peers} times, and {refused} times not");
}

/// Rules of others on a host of which each keeps peers out, with what takes them away again.
const NFT: [(&str, &str); 4] = [
    (
        "inet jumps",
        "chain service { tcp dport 22 accept; tcp dport 3306 drop; return; }; \
         chain input { type filter hook input priority 0; policy accept; ct state vmap { established : accept, related : accept, invalid : drop }; \
         iifname lo accept; meta l4proto vmap { tcp : goto service }; }",
    ),
    (
        "inet verdicts",
        "map ports { type inet_service : verdict; elements = { 22 : accept, 3306 : drop }; }; \
         chain input { type filter hook input priority filter + 5; policy accept; ct state established accept; tcp dport vmap @ports; }",
    ),
    (
        "ip early",
        "chain pre { type filter hook prerouting priority raw; tcp dport 3306 ip saddr 10.77.0.0/24 drop; }",
    ),
    ("netdev links", "chain in { type filter hook ingress device eth0 priority 0; tcp dport 3306 drop; }"),
];

const DOCKER: &str = "iptables -N DOCKER; iptables -N DOCKER-USER; iptables -P FORWARD DROP; iptables -A FORWARD -j DOCKER-USER; \
    iptables -A FORWARD -o docker0 -j DOCKER; iptables -A DOCKER-USER -j RETURN; iptables -t nat -N DOCKER; \
    iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER; \
    iptables -t nat -A DOCKER -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80; \
    iptables -t raw -A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP; \
    iptables -N OWN; iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT; iptables -A INPUT -i lo -j ACCEPT; \
    iptables -A INPUT -p tcp -j OWN; iptables -A OWN -p tcp --dport 22 -j ACCEPT; iptables -A OWN -p tcp -m multiport --dports 3000:4000 -j REJECT";

#[test]
fn peers_get_in_through_rules_of_others_or_nothing_is_done() {
    let lab = lab();
    lab.apply("play.yml");
    // Answers are dropped, which no rule of ours can help: the peer is named, and the rules are taken back.
    lab.at(
        "db-a",
        "echo 'table ip answers { chain out { type filter hook output priority 0; ip daddr 10.77.0.12 tcp sport 3306 drop; }; }' | nft -f -",
    );
    lab.vars(DENY);
    let run = lab.tandem(&["apply", "play.yml", "--yes", "--format", "json"]);
    assert!(matches!(run.code, 1 | 3), "{run:?}");
    let failed = &run.json()["failed"][0];
    assert!(failed["id"] == "db-a/firewall/close" && failed.to_string().contains("db-b"), "{failed}");
    assert!(lab.try_at("db-a", "nft list table inet tandem").code != 0, "the rules are still there");
    lab.at("db-a", "nft delete table ip answers");

    let checked = |shape: &str, listing: &str| {
        let before = lab.at("db-a", listing);
        assert!(!reaches(&lab, "db-b", "10.77.0.11"), "{shape} keeps nobody out");
        lab.apply("play.yml");
        assert!(reaches(&lab, "db-b", "10.77.0.11"), "{shape}: the peer does not get in");
        assert!(!reaches(&lab, "stranger", "10.77.0.11"), "{shape}: a stranger gets in");
        assert_eq!(lab.at("db-a", listing), before, "{shape}: rules of others have changed");
        lab.channels_run(&["db-a", "db-b"]);
        lab.plan("play.yml").expect(0);
    };
    for (table, chains) in NFT {
        lab.at("db-a", &format!("echo 'table {table} {{ {chains}; }}' | nft -f -"));
        checked(table, &format!("nft -s list table {table} | grep -v 'comment \"tandem\"'"));
        lab.at("db-a", &format!("nft delete table {table}"));
    }
    lab.at("db-a", DOCKER);
    checked("docker", "iptables-save | sed -e '/^#/d' -e '/TANDEM/d' -e 's/ \\[.*//'");
}

#[test]
fn a_port_that_moves_has_rules_until_the_channels_have_left_it() {
    let lab = lab();
    lab.vars(DENY);
    lab.apply("play.yml");
    lab.host_vars("db-a", "mysql_port: 3307\nmysql_settings: {port: 3307}\n");
    let plan = lab.plan("play.yml").expect(2);
    let names = plan.step_names();
    let place = |step: &str| {
        names.iter().position(|name| name == step).unwrap_or_else(|| panic!("{step}: {names:?}"))
    };
    let moves = place("db-b/channel/db-a");
    assert!(
        place("db-a/firewall") < place("db-a/service") && moves < place("db-a/firewall/close"),
        "{names:?}"
    );
    let opens = plan.json()["steps"][place("db-a/firewall")]["after"].to_string();
    assert!(opens.contains("dport 3306 drop") && opens.contains("dport 3307 drop"), "{opens}");
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);
    let rules = lab.at("db-a", "nft list ruleset");
    assert!(rules.contains("dport 3307 drop") && !rules.contains("3306"), "{rules}");
    lab.channels_run(&["db-a", "db-b"]);
}
