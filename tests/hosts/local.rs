//! What tandem changes stays off the binary log, unless it is meant for the replicas: read from the log of every host,
//! before and after each kind of step.

use crate::lab::Lab;

const CLEAR: &str = "replication_password: {env: REPLICATION_PASSWORD}\n";

/// The words of one family.
struct Words {
    suite: &'static str,
    /// Everything that was ever logged, by its ids.
    state: &'static str,
    /// Shows where the log ends.
    position: &'static str,
    /// Ways to copy.
    methods: &'static [&'static str],
    /// Makes a replica one that only a copy helps.
    break_it: &'static str,
}

const MARIADB: Words = Words {
    suite: "bookworm-backup",
    state: "select @@gtid_binlog_state",
    position: "show master status",
    methods: &["logical", "physical"],
    break_it: "stop slave; set global gtid_slave_pos = ''; reset slave all",
};
const MYSQL: Words = Words {
    suite: "sid",
    state: "select @@gtid_executed",
    position: "show binary log status",
    methods: &["logical", "clone"],
    break_it: "stop replica; reset replica all; set global super_read_only=0; reset binary logs and gtids; set global super_read_only=1",
};

/// What only frames the events that change something.
const FRAMES: [&str; 10] = [
    "Gtid",
    "Anonymous_Gtid",
    "Xid",
    "Gtid_list",
    "Binlog_checkpoint",
    "Format_desc",
    "Rotate",
    "Previous_gtids",
    "Stop",
    "Start_encryption",
];

/// Where a host's binary log ends.
fn end(lab: &Lab, words: &Words, host: &str) -> (String, String) {
    let status = lab.sql(host, words.position);
    let mut fields = status.split('\t').map(str::to_owned);
    (fields.next().expect("a file"), fields.next().expect("a position"))
}

/// What was logged since, on each host: statements and tables of rows, one a line; nothing of what only frames them.
fn logged(lab: &Lab, hosts: &[&str], since: &[(String, String)]) -> Vec<Vec<String>> {
    let one = |(host, (file, position)): (&&str, &(String, String))| {
        let events = lab.sql(host, &format!("show binlog events in '{file}' from {position}"));
        let lines = events.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        lines
            .filter(|fields| {
                !FRAMES.contains(&fields[2])
                    && fields.get(5).is_none_or(|info| *info != "BEGIN" && *info != "COMMIT")
            })
            .map(|fields| format!("{} {}", fields[2], fields.get(5).copied().unwrap_or_default()))
            .collect()
    };
    hosts.iter().zip(since).map(one).collect()
}

/// Does something, and fails if a host has logged anything.
#[track_caller]
fn silent(lab: &Lab, words: &Words, hosts: &[&str], what: &str, act: impl FnOnce()) {
    let state = |host: &&str| (lab.sql(host, words.state), end(lab, words, host));
    let before: Vec<_> = hosts.iter().map(state).collect();
    act();
    let since: Vec<_> = before.iter().map(|(_, end)| end.clone()).collect();
    for ((host, (state, _)), logged) in hosts.iter().zip(&before).zip(logged(lab, hosts, &since)) {
        assert_eq!(logged, Vec::<String>::new(), "{what}: {host} has logged");
        assert_eq!(lab.sql(host, words.state), *state, "{what}: {host} counts another transaction");
    }
}

const PLAY: &str = "- hosts: db\n  topology: {kind: primary-replica, primary: db-a, replicas: [db-b]}\n";

fn play(lab: &Lab, rest: &str) {
    lab.write("play.yml", &format!("{PLAY}{rest}"));
}

const ROLES: &str = "  roles: [firewall, tls, config, accounts, seed, replication]\n";
const HOSTS: [&str; 2] = ["db-a", "db-b"];

/// A source with rows, a replica, and no errant transaction.
fn fleet(words: &Words) -> Lab {
    let lab = Lab::boot(&[&format!("db-a={}", words.suite), &format!("db-b={}", words.suite)]);
    lab.vars(CLEAR);
    play(&lab, ROLES);
    lab.sql("db-a", "create database hello; create table hello.t (id int primary key, v varchar(20)); insert into hello.t values (1, 'before')");
    lab.apply("play.yml");
    lab
}

fn every_step(words: &Words) {
    let lab = fleet(words);
    let quiet = |what: &str, act: &dyn Fn()| silent(&lab, words, &HOSTS, what, act);
    quiet("certificates", &|| {
        for host in HOSTS {
            lab.at(host, "rm /etc/mysql/tandem/server-cert.pem");
        }
        lab.apply("play.yml");
    });
    quiet("password", &|| {
        lab.write("secret", "another");
        lab.vars("replication_password: {file: ../secret}\n");
        lab.apply("play.yml");
    });
    quiet("user", &|| {
        lab.vars("replication_password: {file: ../secret}\nreplication_user: other\n");
        lab.apply("play.yml");
    });
    quiet("settings", &|| {
        lab.vars("replication_password: {file: ../secret}\nreplication_user: other\nmysql_settings: {max_connections: 222}\n");
        lab.apply("play.yml");
    });
    quiet("leftovers", &|| {
        for host in HOSTS {
            lab.sql(host, "set sql_log_bin=0; set global read_only=0; create user ''@'%'; create database if not exists test");
        }
        lab.vars("replication_password: {file: ../secret}\nreplication_user: other\nmysql_server_install: true\nmysql_server_secure: true\n");
        play(&lab, "  roles: [server, firewall, tls, config, accounts, seed, replication]\n");
        lab.tandem(&["apply", "play.yml", "--yes", "--allow", "drop-account,restart"]).expect(0);
        assert_eq!(lab.sql("db-b", "select count(*) from mysql.user where user = ''"), "0");
    });
    quiet("an account dropped", &|| {
        lab.sql("db-a", "set sql_log_bin=0; create user repl_user@'10.77.0.99' identified by 'x'; grant replication slave on *.* to repl_user@'10.77.0.99'");
        lab.vars("replication_password: {file: ../secret}\n");
        play(&lab, ROLES);
        lab.tandem(&["apply", "play.yml", "--yes", "--allow", "drop-account"]).expect(0);
    });
    quiet("a channel", &|| {
        lab.write("play.yml", &format!("- hosts: db\n  topology: {{kind: channels, channels: [{{from: db-a, to: db-b, delay: 1}}]}}\n{ROLES}"));
        lab.apply("play.yml");
        play(&lab, ROLES);
        lab.apply("play.yml");
    });
    meant(&lab, words, "verify", || {
        lab.tandem(&["verify", "play.yml"]).expect(0);
    });
    meant(&lab, words, "a database and the heartbeat", || {
        lab.vars("replication_password: {file: ../secret}\nmysql_databases: [{name: shop}]\n");
        play(&lab, "  roles: [firewall, tls, config, accounts, seed, replication, heartbeat]\n");
        lab.apply("play.yml");
        lab.wait_sql("db-b", "select count(*) from tandem_heartbeat.beat", "1");
        assert_eq!(
            lab.sql("db-b", "select count(*) from information_schema.schemata where schema_name = 'shop'"),
            "1"
        );
    });
    play(&lab, ROLES);
    lab.vars("replication_password: {file: ../secret}\n");
    lab.apply("play.yml");
    lab.sql("db-a", "set sql_log_bin=0; drop event if exists tandem_heartbeat.beat");
    for method in words.methods {
        lab.vars(&format!("replication_password: {{file: ../secret}}\nseed_method: {method}\n"));
        if *method == "clone" {
            // On an overlay a server does not come up from a clone.
            lab.at(
                "db-b",
                "systemctl stop mysql && cp -a /var/lib/mysql /tmp/copy && mount -t tmpfs -o mode=700 tmpfs /var/lib/mysql && \
                 chown mysql: /var/lib/mysql && cp -a /tmp/copy/. /var/lib/mysql/ && systemctl start mysql",
            );
        }
        lab.sql("db-b", words.break_it);
        silent(&lab, words, &HOSTS[..1], method, || {
            lab.tandem(&["apply", "play.yml", "--yes", "--allow", "reseed,restart"]).expect(0);
        });
        assert!(own(&lab, words, "db-b").is_empty(), "{method}: {:?}", own(&lab, words, "db-b"));
        lab.sql("db-a", &format!("insert into hello.t values (100 + length('{method}'), '{method}')"));
        lab.wait_sql("db-b", &format!("select count(*) from hello.t where v = '{method}'"), "1");
    }
}

/// What a host has written itself, of all that its binary logs hold.
fn own(lab: &Lab, words: &Words, host: &str) -> Vec<String> {
    let id = lab.sql(host, "select @@server_id");
    let files = lab.sql(host, "show binary logs");
    let all =
        files.lines().map(|line| line.split('\t').next().expect("a file").to_owned()).flat_map(|file| {
            let events = lab.sql(host, &format!("show binlog events in '{file}'"));
            let own = |line: &&str| {
                let fields: Vec<&str> = line.split('\t').collect();
                fields[3] == id && !FRAMES.contains(&fields[2])
            };
            events.lines().filter(own).map(str::to_owned).collect::<Vec<_>>()
        });
    let all: Vec<String> = all.collect();
    let state = lab.sql(host, words.state);
    let own_state = match words.suite {
        "sid" => state.contains(&lab.sql(host, "select @@server_uuid")),
        _ => state.contains(&format!("-{id}-")),
    };
    assert!(!own_state || !all.is_empty(), "{host} counts transactions of its own: {state}");
    all
}

/// Does something, and fails if the source has logged anything but what is ours by its name, or the replica anything
/// that it has not replicated.
#[track_caller]
fn meant(lab: &Lab, words: &Words, what: &str, act: impl FnOnce()) {
    let since = [end(lab, words, "db-a")];
    act();
    let logged = logged(lab, &HOSTS[..1], &since).remove(0);
    assert!(!logged.is_empty(), "{what}: nothing was logged, so this proves nothing");
    for line in logged {
        let ours = ["tandem", "canary", "`shop`"].iter().any(|word| line.contains(word));
        let rows = ["Table_map", "Write_rows", "Update_rows", "Delete_rows"]
            .iter()
            .any(|kind| line.starts_with(kind));
        assert!(ours || rows && !line.contains("Table_map"), "{what}: db-a has logged {line}");
    }
    let own = own(lab, words, "db-b");
    assert!(own.is_empty(), "{what}: db-b has logged {own:?}");
}

#[test]
#[ignore = "make more"]
fn no_step_leaves_a_trace_in_the_log_of_mariadb() {
    every_step(&MARIADB);
}

#[test]
fn no_step_leaves_a_trace_in_the_log_of_mysql() {
    every_step(&MYSQL);
}
