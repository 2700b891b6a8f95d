//! A whole server is copied: by its files (MariaDB), by the clone plugin (MySQL).

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread::JoinHandle,
};

use crate::lab::{Lab, patience};

/// What a copy must bring along, and what must not run on a replica.
const DATA: &str = r#"
create database hello;
create table hello.t (id int auto_increment primary key, v varchar(64));
insert into hello.t (v) with recursive n as (select 1 x union all select x + 1 from n where x < 900) select sha2(x, 256) from n;
create table hello.acked (id bigint primary key auto_increment);
create table hello.ticks (id bigint primary key auto_increment, host varchar(40));
create user app@'10.77.%' identified by 'app secret';
grant select on hello.* to app@'10.77.%';
set global event_scheduler = on;
create event hello.tick on schedule every 1 second do insert into hello.ticks (host) values (@@hostname);
"#;
const OWN: &str = "set sql_log_bin=0; create user backup@localhost identified by 'own'; grant process on *.* to backup@localhost; \
                   set global event_scheduler = on";

/// Writes on a host until it is stopped. Each number that was acknowledged is kept.
struct Writing {
    child: Child,
    acked: JoinHandle<Vec<String>>,
}

impl Writing {
    fn begin(lab: &Lab) -> Self {
        let mut child = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab"))
            .arg("at")
            .arg(lab.path(""))
            .args([
                "db-a",
                "client=$(command -v mariadb || command -v mysql); while [ ! -e /tmp/stop ]; do \
                 $client -N -B -e 'insert into hello.acked () values (); select last_insert_id()' 2>/dev/null; done",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let reader = BufReader::new(child.stdout.take().unwrap());
        let acked = std::thread::spawn(move || reader.lines().map_while(Result::ok).collect());
        Self { child, acked }
    }

    /// Stops, and waits until all of it is on both hosts.
    fn all_arrived(mut self, lab: &Lab) {
        lab.at("db-a", "touch /tmp/stop");
        self.child.wait().unwrap();
        let acked = self.acked.join().unwrap();
        assert!(acked.len() > 20, "only {} rows were written, so this proves nothing", acked.len());
        let count = format!("select count(*) from hello.acked where id in ({})", acked.join(","));
        for host in ["db-a", "db-b"] {
            lab.wait_sql(host, &count, &acked.len().to_string());
        }
    }
}

/// Both hold the same, each has its own accounts, and events run on the source alone.
fn a_standby_with_accounts_of_its_own(lab: &Lab) {
    lab.plan("hot-standby").expect(0);
    lab.sql("db-a", "drop event hello.tick");
    lab.wait_sql("db-b", "select count(*) from information_schema.events", "0");
    lab.same(["db-a", "db-b"], "checksum table hello.t, hello.acked, hello.ticks extended");
    assert_eq!(lab.sql("db-b", "select distinct host from hello.ticks"), "db-a");
    let users = "select group_concat(user, '@', host order by user) from mysql.user where user in \
                 ('app', 'backup', 'repl_user', 'tandem_clone')";
    assert_eq!(lab.sql("db-a", users), "app@10.77.%,repl_user@10.77.0.12");
    assert_eq!(lab.sql("db-b", users), "app@10.77.%,backup@localhost,repl_user@10.77.0.11");
    assert!(lab.sql("db-b", "show grants for backup@localhost").contains("GRANT PROCESS"));
    lab.sql("db-b", "insert into hello.t (v) values ('back')");
    lab.wait_sql("db-a", "select count(*) from hello.t where v = 'back'", "1");
    let left =
        "ls -d /var/lib/mysql.* /var/lib/tandem/* 2>/dev/null | grep -vx -e .*/old -e .*/restart || true";
    assert_eq!(lab.at("db-b", left), "");
}

/// Begins an apply and kills it as soon as a command on the replica succeeds.
fn killed_when(lab: &Lab, allow: &str, condition: &str) {
    let mut child = lab
        .tandem_command(&["apply", "hot-standby", "--yes", "--allow", allow])
        .stdout(std::fs::File::create(lab.path("stdout")).unwrap())
        .stderr(std::fs::File::create(lab.path("stderr")).unwrap())
        .spawn()
        .unwrap();
    let seen = patience()
        .find(|()| lab.try_at("db-b", condition).code == 0 || child.try_wait().unwrap().is_some())
        .is_some_and(|()| child.try_wait().unwrap().is_none());
    let said = ["stdout", "stderr"].map(|name| std::fs::read_to_string(lab.path(name)).unwrap());
    assert!(seen, "the copy was over before it could be killed: {said:?}");
    // What was spawned enters the lab and waits; its child is tandem.
    let found = Command::new("pgrep").args(["-P", &child.id().to_string()]).output().unwrap();
    let pid = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    Command::new("kill").args(["-KILL", &pid]).status().unwrap();
    child.wait().unwrap();
}

/// The option files name the directory of the old server's logs; whoever opens the copied files must not touch them.
fn the_copied_files_are_opened_beside_the_old_server(lab: &Lab) {
    // A server that is asked to open files for a moment keeps them open until it may go on.
    let held = "#!/bin/sh\ncase $* in *--bootstrap*) { cat; while [ ! -e /tmp/go-on ]; do sleep 0.1; done; } | \
                /usr/sbin/mariadbd \"$@\" ;; *) exec /usr/sbin/mariadbd \"$@\" ;; esac\n";
    lab.at(
        "db-b",
        &format!(
            "printf '[mysqld]\\ninnodb_log_group_home_dir = /var/lib/mysql\\n' >/etc/mysql/mariadb.conf.d/60-logs.cnf\n\
             systemctl restart mariadb\ncat >/usr/local/bin/mariadbd <<'END'\n{held}END\nchmod +x /usr/local/bin/mariadbd"
        ),
    );
    let opened = "for p in $(pidof mariadbd); do case $(tr '\\0' ' ' </proc/$p/cmdline) in *--bootstrap*) \
                  readlink /proc/$p/fd/* ;; esac; done";
    killed_when(lab, "reseed", &format!("{opened} | grep -q '/ib_logfile0$'"));
    // It may be at making its log anew, which has another name (`ib_logfile101`) until it is whole.
    let mut seen = String::new();
    let whole = patience().any(|()| {
        seen = lab.at("db-b", opened);
        seen.contains("/var/lib/mysql.tandem-new/ib_logfile0\n")
    });
    assert!(whole && !seen.contains("/var/lib/mysql/"), "{seen}");
    // Whoever looks meanwhile sees the old server, and not the one that opens the files.
    let seen = lab.tandem(&["plan", "hot-standby", "--allow", "reseed"]).expect(2);
    seen.prints_for_people(&["all files by mariadb-backup"]);
    lab.sql("db-b", "insert into two.t values (3)");
    lab.at("db-b", "touch /tmp/go-on; systemctl kill -s KILL mariadb");
    let recovered =
        patience().any(|()| lab.try_at("db-b", "mariadb -N -e 'select id from two.t'").out == "2\n3\n");
    assert!(recovered, "{}", lab.at("db-b", "journalctl -q -n 30 -o cat -u mariadb"));
}

/// The unit that is declared is not the one that runs the server.
fn a_server_of_another_unit_is_left_alone(lab: &Lab) {
    lab.at(
        "db-b",
        "printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' \
         >/etc/systemd/system/old-db.service; systemctl daemon-reload; systemctl enable --now old-db",
    );
    lab.host_vars("db-b", "mysql_service: old-db.service\n");
    let run = lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "reseed"]).expect(4);
    run.tells_people(&["runs /usr/bin/sleep"]);
    assert_eq!(lab.sql("db-b", "select id from two.t"), "2\n3");
    assert_eq!(lab.at("db-b", "systemctl is-active old-db mariadb"), "active\nactive");
    assert_eq!(lab.at("db-b", "ls -d /var/lib/mysql.tandem-old 2>/dev/null || true"), "");
    lab.host_vars("db-b", "");
}

#[test]
fn a_server_of_mysql_is_cloned_while_it_is_written_to() {
    let lab = Lab::boot(&["db-a=sid", "db-b=sid"]);
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: verify_ca\nseed_method: clone\n",
    );
    lab.sql("db-a", DATA);
    // On an overlay a server does not come up from a clone, and that is known before.
    let refused = lab.tandem(&["plan", "hot-standby"]).expect(8);
    refused.prints_for_people(&["seed-method", "overlay"]);
    lab.at(
        "db-b",
        "systemctl stop mysql && cp -a /var/lib/mysql /tmp/copy && mount -t tmpfs -o mode=700 tmpfs /var/lib/mysql && \
         chown mysql: /var/lib/mysql && cp -a /tmp/copy/. /var/lib/mysql/ && rm -r /tmp/copy && systemctl start mysql",
    );
    lab.sql("db-b", OWN);
    lab.sql("db-a", "create table hello.old (id int primary key) engine=MyISAM");
    let refused = lab.tandem(&["plan", "hot-standby"]).expect(8);
    refused.prints_for_people(&["hello.old (MyISAM)"]);
    lab.sql("db-a", "drop table hello.old");
    let writing = Writing::begin(&lab);
    let run = lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "restart"]).expect(0);
    run.prints_for_people(&["by the clone plugin", "3 restarts"]);
    writing.all_arrived(&lab);
    let kept = lab
        .sql("db-b", "select count(*) from performance_schema.persisted_variables; select @@event_scheduler");
    assert_eq!(kept, "0\nON");
    a_standby_with_accounts_of_its_own(&lab);
}

#[test]
fn the_files_of_a_server_of_mariadb_are_copied_while_it_is_written_to() {
    let lab = Lab::boot(&["db-a=bookworm-backup", "db-b=bookworm-backup"]);
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nseed_method: physical\n");
    lab.sql("db-a", DATA);
    lab.sql(
        "db-a",
        "create table hello.old (id int primary key) engine=MyISAM; insert into hello.old values (1)",
    );
    lab.sql("db-b", OWN);
    // Its administrator comes with the copy, and would not get in with the password that is declared for it.
    let dba = |granted: &str, password: &str| {
        format!(
            "set sql_log_bin=0; grant {granted} on *.* to dba@localhost identified by '{password}' with grant option"
        )
    };
    lab.sql("db-b", &dba("all", "right"));
    lab.sql("db-a", &dba("select", "other"));
    lab.write("admin", "right");
    lab.host_vars("db-b", "mysql_admin_user: dba\nmysql_admin_password: {file: ../admin}\n");
    let run = lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "restart"]).expect(1);
    run.tells_people(&["could not log in there as db-b is administered"]);
    lab.sql("db-a", &dba("select, reload", "right"));
    let run = lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "restart"]).expect(1);
    run.tells_people(&["`dba` lacks CREATE USER, SUPER there"]);
    assert_eq!(lab.at("db-b", "ls -d /var/lib/mysql*"), "/var/lib/mysql");
    lab.sql("db-a", &dba("all", "right"));
    let writing = Writing::begin(&lab);
    // Killed while the files are sent, or made consistent: the server has not stopped yet.
    killed_when(&lab, "restart", "test -e /var/lib/mysql.tandem-new");
    let run = lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "restart"]).expect(0);
    run.tells_people(&["longest lock"]);
    writing.all_arrived(&lab);
    lab.same(["db-a", "db-b"], "checksum table hello.old extended");
    a_standby_with_accounts_of_its_own(&lab);
}

#[test]
fn the_old_data_is_kept_also_by_a_copy_of_the_files_that_was_killed() {
    let lab = Lab::boot(&["db-a=bookworm-backup", "db-b=bookworm-backup"]);
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nseed_method: physical\n");
    crate::seeding::different_data(&lab);
    lab.tandem(&["apply", "hot-standby", "--yes"]).expect(8);
    the_copied_files_are_opened_beside_the_old_server(&lab);
    a_server_of_another_unit_is_left_alone(&lab);
    // Killed when the new data is in its place. What began on the host comes to its end there.
    killed_when(&lab, "reseed", "test -e /var/lib/mysql.tandem-old");
    let run = lab.tandem(&["apply", "hot-standby", "--yes"]).expect(0);
    let path = run.err.split("kept in ").nth(1).and_then(|t| t.split(' ').next()).expect("a path").to_owned();
    assert_eq!(lab.at("db-b", &format!("ls {path}/two/t.ibd")), format!("{path}/two/t.ibd"));
    lab.same(["db-a", "db-b"], "select id from one.t");
    lab.plan("hot-standby").expect(0);

    // The host died between two renames.
    lab.at(
        "db-b",
        "systemctl stop mariadb && printf '/var/lib/mysql\\ndrop\\n' >/var/lib/tandem/aside && \
         mv /var/lib/mysql /var/lib/mysql.tandem-old",
    );
    lab.apply("hot-standby");
    lab.same(["db-a", "db-b"], "select id from one.t");
}

/// The channels of a replica are not ended before its data goes: without them nothing would tell that its rows differ.
#[test]
fn a_reseed_by_files_that_was_killed_is_still_one() {
    let lab = Lab::boot(&["db-a=bookworm-backup", "db-b=bookworm-backup"]);
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nseed_method: physical\n");
    crate::seeding::rows_that_differ(&lab);
    lab.refuses(&["plan", "hot-standby"], "channel-broken");
    killed_when(&lab, "reseed,restart", "test -e /var/lib/mysql.tandem-new");
    lab.refuses(&["plan", "hot-standby"], "channel-broken");
    lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "reseed,restart"]).expect(0);
    lab.plan("hot-standby").expect(0);
    lab.sql("db-a", "insert into shop.t values (3)");
    lab.same(["db-a", "db-b"], "checksum table shop.t extended");
}
