//! The far end of a channel that runs changes only towards a server that was read and that the replica itself reaches. All else
//! is refused with both values, and nothing is stopped.

use crate::lab::Lab;

const OFF: &str = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\n";
const PLAY: &str = "- hosts: db-a,db-b\n  topology: {kind: primary-replica, primary: db-a, replicas: [db-b]}\n  \
                    roles: [config, accounts, seed, replication]\n";

/// A source, a replica, and a server that has nothing to do with them. The source has a second address.
fn lab(suite: &str) -> Lab {
    let lab = Lab::boot(&[&format!("db-a={suite}"), &format!("db-b={suite}"), "other=bookworm@10.77.0.13"]);
    lab.vars(OFF);
    lab.write("play.yml", PLAY);
    lab.at("other", "printf '[mysqld]\\nbind_address = *\\n' >/etc/mysql/mariadb.conf.d/zz.cnf && systemctl restart mariadb");
    lab.sql("other", "create user anybody@'%' identified by 'x'");
    lab.at("db-a", "ip addr add 10.77.0.111/24 dev eth0; ip addr add fd77::111/64 dev eth0 nodad");
    lab.sql(
        "db-a",
        "create database hello; create table hello.t (id int auto_increment primary key, v varchar(40))",
    );
    lab.apply("play.yml");
    lab
}

/// The threads of a channel on both sides: they have other numbers once it was stopped.
fn threads(lab: &Lab) -> String {
    let ids = "select group_concat(id order by id) from information_schema.processlist where";
    let dump = lab.sql("db-a", &format!("{ids} command like 'Binlog Dump%'"));
    let receiver = lab.sql(
        "db-b",
        &format!(
            "{ids} user = 'system user' and (command = 'Slave_IO' or state like '%source to send event%')"
        ),
    );
    assert!(!dump.contains("NULL") && !receiver.contains("NULL"), "{dump} {receiver}");
    format!("{dump} {receiver}")
}

/// Both programs refuse with this code and these values, and the channel has run on.
#[track_caller]
fn refused(lab: &Lab, code: &str, values: &[&str]) {
    let before = threads(lab);
    let run = lab.tandem(&["apply", "play.yml", "--yes", "--format", "json"]).expect(8);
    let reason = run.refusal(code)["reason"].to_string();
    for value in values {
        assert!(reason.contains(value), "{value}: {reason}");
    }
    assert_eq!(threads(lab), before, "{code}: the channel was stopped");
    lab.sql("db-a", &format!("insert into hello.t (v) values ('{code}')"));
    lab.same(["db-a", "db-b"], "select count(*), max(v) from hello.t");
}

/// The declared end is where the channel leads, and a second plan is empty.
#[track_caller]
fn moves(lab: &Lab, address: &str) {
    lab.apply("play.yml");
    assert_eq!(source(lab), address);
    lab.plan("play.yml").expect(0);
    lab.sql("db-a", "insert into hello.t (v) values ('moved')");
    lab.same(["db-a", "db-b"], "select count(*), max(v) from hello.t");
}

/// The address that the replica's server itself names.
fn source(lab: &Lab) -> String {
    lab.sql("db-b", "show replica status").split('\t').nth(1).unwrap_or_default().to_owned()
}

#[test]
#[ignore = "make more"]
fn a_channel_that_runs_stays_until_its_new_end_is_proven() {
    let lab = lab("bookworm");
    let at = |vars: &str| lab.host_vars("db-a", vars);
    let end = |address: &str| at(&format!("replication_address: \"{address}\"\n"));

    // An address at which nobody is, a name that the replica does not know, and a way that only the replica lacks.
    end("10.77.0.99");
    refused(&lab, "end-unreachable", &["10.77.0.11:3306", "10.77.0.99:3306"]);
    end("db-a.example.invalid");
    refused(&lab, "end-unreachable", &["10.77.0.11:3306", "db-a.example.invalid:3306"]);
    end("10.77.0.111");
    lab.at("db-b", "iptables -A OUTPUT -d 10.77.0.111 -j DROP");
    refused(&lab, "end-unreachable", &["10.77.0.11:3306", "10.77.0.111:3306"]);
    lab.at("db-b", "iptables -F OUTPUT; ip route add prohibit 10.77.0.111");
    refused(&lab, "end-unreachable", &["10.77.0.11:3306", "10.77.0.111:3306"]);
    lab.at("db-b", "ip route del prohibit 10.77.0.111");

    // Servers that answer and are others: a stranger's, the replica's own, and one behind a translated address.
    end("10.77.0.13");
    refused(&lab, "end-of-another", &["10.77.0.11:3306", "10.77.0.13:3306"]);
    end("10.77.0.12");
    refused(&lab, "end-unreachable", &["10.77.0.11:3306", "10.77.0.12:3306"]);
    end("10.77.0.111");
    let forward = "iptables -t nat -A OUTPUT -d 10.77.0.111 -p tcp --dport 3306 -j DNAT --to-destination 10.77.0.13:3306";
    lab.at("db-b", forward);
    refused(&lab, "end-of-another", &["10.77.0.11:3306", "10.77.0.111:3306"]);
    lab.at("db-b", "iptables -t nat -F OUTPUT");

    // A port at which the server does not listen, and a host that is not read at the address where it is declared.
    at("mysql_port: 3307\n");
    refused(&lab, "port-differs", &["3306", "3307"]);
    at("ansible_host: 10.77.0.99\n");
    refused(&lab, "end-not-read", &["10.77.0.11:3306", "10.77.0.99:3306"]);

    // The replica's own address, at which it is not: what lets it in now stays.
    at("");
    lab.write("play.yml", &PLAY.replace("[config", "[firewall, config"));
    lab.vars(&format!("{OFF}firewall_deny_others: true\n"));
    lab.apply("play.yml");
    lab.host_vars("db-b", "replication_address: 10.77.0.99\n");
    let run = lab.tandem(&["plan", "play.yml", "--format", "json", "--allow", "drop-account"]);
    let names = run.step_names();
    assert!(!names.iter().any(|n| n == "db-a/firewall/close" || n.ends_with("@10.77.0.12")), "{names:?}");
    assert!(run.json()["waiting"].to_string().contains("comes from 10.77.0.12"), "{}", run.out);
    lab.host_vars("db-b", "");
    lab.vars(OFF);
    lab.apply("play.yml");
    lab.write("play.yml", PLAY);

    // What is right moves: a second address, one of IPv6, a name that the replica knows, and a translated one.
    end("10.77.0.111");
    moves(&lab, "10.77.0.111");
    // By IPv6 the replica comes from another address, for which there is no account until it is declared.
    end("fd77::111");
    refused(&lab, "end-unreachable", &["10.77.0.111:3306", "[fd77::111]:3306"]);
    lab.host_vars("db-b", "replication_address: \"fd77::12\"\n");
    moves(&lab, "fd77::111");
    lab.host_vars("db-b", "");
    lab.at("db-b", "echo 10.77.0.11 db-a.example >>/etc/hosts");
    end("db-a.example");
    moves(&lab, "db-a.example");
    lab.at("db-b", "iptables -t nat -A OUTPUT -d 10.77.9.9 -p tcp --dport 3306 -j DNAT --to-destination 10.77.0.11:3306; ip route add 10.77.9.9 dev eth0");
    end("10.77.9.9");
    moves(&lab, "10.77.9.9");
}

/// The account, too, is proven before a channel is stopped for it; and what fails all the same is put back.
#[test]
fn a_channel_whose_change_fails_runs_as_before() {
    let lab = lab("bookworm");
    let play =
        |roles: &str| lab.write("play.yml", &PLAY.replace("config, accounts, seed, replication", roles));
    let vars = |more: &str| lab.vars(&format!("{OFF}{more}"));
    play("config, replication");
    vars("replication_user: nobody\n");
    refused(&lab, "no-account", &["nobody"]);
    lab.sql("db-a", "set sql_log_bin = 0; create user other@10.77.0.12 identified by 'x'");
    vars("replication_user: other\n");
    refused(&lab, "account-unfit", &["other@10.77.0.12", "REPLICATION SLAVE"]);
    lab.sql("db-a", "set sql_log_bin = 0; grant replication slave on *.* to other@10.77.0.12");
    refused(&lab, "account-unfit", &["other@10.77.0.12", "replication_password"]);
    vars("");
    lab.sql("db-a", "set sql_log_bin = 0; alter user repl_user@10.77.0.12 account lock");
    lab.host_vars("db-a", "replication_address: 10.77.0.111\n");
    refused(&lab, "account-unfit", &["repl_user@10.77.0.12", "locked"]);
    lab.sql("db-a", "set sql_log_bin = 0; alter user repl_user@10.77.0.12 account unlock");

    // A filter that looks into packets lets everybody connect at the new address and nobody log in.
    lab.at(
        "db-a",
        "printf '%s' 'table ip deep { chain in { type filter hook input priority 0; ip daddr 10.77.0.111 tcp dport 3306 \
         @th,544,72 0x7265706c5f75736572 reject with tcp reset; }; }' | nft -f -",
    );
    let run = lab.tandem(&["apply", "play.yml", "--yes", "--format", "json"]).expect(1);
    assert_eq!(run.json()["failed"][0]["id"], "db-b/channel/db-a", "{}", run.out);
    assert_eq!(source(&lab), "10.77.0.11");
    lab.channels_run(&["db-b"]);
    lab.sql("db-a", "insert into hello.t (v) values ('put back')");
    lab.same(["db-a", "db-b"], "select count(*), max(v) from hello.t");
    lab.at("db-a", "nft delete table ip deep");
    moves(&lab, "10.77.0.111");
}

#[test]
fn a_mysql_channel_that_runs_stays_until_its_new_end_is_proven() {
    let lab = lab("sid");
    let at = |vars: &str| lab.host_vars("db-a", vars);
    at("replication_address: 10.77.0.99\n");
    refused(&lab, "end-unreachable", &["10.77.0.11:3306", "10.77.0.99:3306"]);
    at("replication_address: 10.77.0.13\n");
    refused(&lab, "end-of-another", &["10.77.0.11:3306", "10.77.0.13:3306"]);
    // The port of the X protocol answers, and so would that of administration.
    at("mysql_port: 33060\n");
    refused(&lab, "port-differs", &["3306", "33060"]);
    at("replication_address: 10.77.0.111\n");
    moves(&lab, "10.77.0.111");
}
