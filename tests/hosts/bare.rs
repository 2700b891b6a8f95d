//! Machines without a database server: the role `server` brings one, and one `apply` ends with a running pair.

use crate::lab::Lab;

const INSTALLS: &str = "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nmysql_server_install: true\n";
/// What MariaDB's own installation leaves open where a distribution does not see to it.
const LEFTOVERS: &str = "set sql_log_bin=0; create user ''@localhost; create user ''@'db-b'; create database if not exists test; \
     insert into mysql.db (Host, Db, User, Select_priv) values ('%', 'test', '', 'Y'), ('%', 'test\\\\_%', '', 'Y'); \
     flush privileges";

#[test]
fn two_bare_machines_become_a_pair_in_one_run() {
    let lab = Lab::boot(&["db-a=bookworm-bare", "db-b=bookworm-bare"]);

    // Without the role the plan names it, and nothing is done to a host that has no server.
    let run = lab.tandem(&["plan", "hot-standby"]).expect(2);
    run.prints_for_people(&["no database server is installed", "role server"]);
    assert!(lab.plan("hot-standby").step_names().is_empty());
    for command in ["status", "doctor"] {
        let run = lab.tandem(&[command, "hot-standby"]).expect(2);
        run.prints_for_people(&["no database server is installed; `tandem apply`"]);
    }

    // The data of a server that is gone is not taken up.
    lab.vars(INSTALLS);
    lab.at("db-a", "mkdir -p /var/lib/mysql/mysql");
    let run = lab.tandem(&["apply", "hot-standby", "--yes"]).expect(8);
    run.prints_for_people(&["[data-without-server]"]);
    lab.at("db-a", "rm -r /var/lib/mysql; ! command -v mariadbd");

    // A package that no source has is told as that.
    let misspelt =
        ["apply", "hot-standby", "--yes", "--limit", "db-b", "-e", "mysql_server_package=mariadb-serve"];
    let run = lab.tandem(&misspelt).expect(1);
    assert!(
        run.err.contains("none of the host's package sources has it (E: Unable to locate"),
        "{}",
        run.err
    );

    // One of the two gets its server first, as an installation elsewhere leaves it.
    lab.write("server.yml", "- {name: server, hosts: db-b, roles: [server]}\n");
    lab.apply("server.yml");
    lab.plan("server.yml").expect(0);
    lab.sql("db-b", LEFTOVERS);

    // From here one run does it all, and nothing has to be allowed: nobody has used these servers.
    let plan = lab.plan("hot-standby").expect(2).json();
    let waiting = plan["waiting"].to_string();
    assert!(waiting.contains("planned once its server runs"), "{waiting}");
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
    for host in ["db-a", "db-b"] {
        assert_eq!(lab.sql(host, "select count(*) from mysql.user where user = ''"), "0");
        assert_eq!(lab.sql(host, "select count(*) from mysql.db where user = ''"), "0");
        assert_eq!(lab.sql(host, "show databases like 'test'"), "");
        assert_eq!(lab.at(host, "systemctl is-enabled mariadb"), "enabled");
        assert_eq!(lab.sql(host, "select @@gtid_binlog_pos"), "", "the installation is in the binary log");
    }
    lab.sql(
        "db-a",
        "create database shop; create table shop.t (host varchar(9)); insert into shop.t values ('a')",
    );
    lab.wait_sql("db-b", "select count(*) from information_schema.tables where table_schema = 'shop'", "1");
    lab.wait_sql("db-b", "select group_concat(host) from shop.t", "a");
    lab.sql("db-b", "insert into shop.t values ('b')");
    lab.wait_sql("db-a", "select group_concat(host order by host) from shop.t", "a,b");

    // On a server that lives, an account is only dropped by name, and `test` only while it is empty.
    lab.sql("db-b", LEFTOVERS);
    lab.sql("db-b", "set sql_log_bin=0; create table test.t (id int primary key)");
    let run = lab.tandem(&["apply", "hot-standby", "--yes"]).expect(8);
    run.tells_people(&["--allow drop-account"]);
    let run = lab.tandem(&["apply", "hot-standby", "--yes", "--allow", "drop-account"]).expect(0);
    run.prints_for_people(&["[test-database]"]);
    assert_eq!(lab.sql("db-b", "select count(*) from mysql.user where user = ''"), "0");
    assert_eq!(lab.sql("db-b", "show tables from test"), "t");
    lab.plan("hot-standby").expect(0);
}

#[test]
#[ignore = "make more"]
fn an_installation_that_lost_its_power_is_finished() {
    let lab = Lab::boot(&["db-a=bookworm-bare"]);
    lab.vars(INSTALLS);
    lab.write("server.yml", "- {name: server, hosts: db, roles: [server]}\n");
    let mut run = lab.tandem_command(&["apply", "server.yml", "--yes"]);
    let mut child =
        run.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().expect("tandem");
    let status = "dpkg-query -W -f '${db:Status-Status}' mariadb-server 2>/dev/null || true";
    let unpacked = crate::lab::patience().any(|()| lab.at("db-a", status) == "unpacked");
    assert!(unpacked, "the installation was never half done");
    lab.reboot("db-a");
    child.wait().expect("tandem ends");
    let plan = lab.plan("server.yml").expect(2);
    assert_eq!(plan.step_names(), ["db-a/server"], "{}", plan.out);
    plan.prints_for_people(&["was cut off"]);
    lab.apply("server.yml");
    lab.plan("server.yml").expect(0);
    assert_eq!(lab.at("db-a", "dpkg --audit; systemctl is-active mariadb"), "active");
    assert_eq!(lab.sql("db-a", "select 1"), "1");
}
