//! Several servers on one host.

use crate::lab::Lab;

/// A second server by the unit that the package brings, with a port and a directory of its own.
const TWO: &str = "printf '[mariadbd.two]\\ndatadir=/var/lib/mysql-two\\nsocket=/run/mysqld/two.sock\\n\
    pid-file=/run/mysqld/two.pid\\nport=3307\\n' >/etc/mysql/mariadb.conf.d/70-two.cnf; \
    mariadb-install-db --user=mysql --datadir=/var/lib/mysql-two --skip-test-db >/dev/null && systemctl start mariadb@two";

/// SQL on the second server.
fn two(lab: &Lab, host: &str, sql: &str) -> String {
    lab.at(host, &format!("mariadb -S /run/mysqld/two.sock -N -e \"{sql}\""))
}

/// What is declared for one server of a host stands in a group that the other one does not read, in a file of its own.
#[test]
fn one_of_two_servers_of_a_host_is_set_up_and_the_other_one_left_alone() {
    let lab = Lab::pair();
    for host in ["db-a", "db-b"] {
        lab.at(host, TWO);
        lab.sql(host, "create database kept");
    }
    two(
        &lab,
        "db-a",
        "create database shop; create table shop.t (id int primary key); insert into shop.t values (1)",
    );
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nmysql_service: mariadb@two\n\
         mysql_port: 3307\nmysql_socket: /run/mysqld/two.sock\n",
    );
    lab.tandem(&["apply", "read-replicas", "--yes"]).expect(0);
    lab.tandem(&["plan", "read-replicas"]).expect(0);
    lab.tandem(&["verify", "read-replicas"]).expect(0);
    assert_eq!(two(&lab, "db-b", "select id from shop.t; select @@read_only, @@server_id"), "1\n1\t2");
    for host in ["db-a", "db-b"] {
        lab.at(host, "systemctl restart mariadb");
        let other = lab.sql(
            host,
            "select @@read_only, @@server_id, @@log_bin, @@bind_address; show databases like 'kept'",
        );
        assert_eq!(other, "0\t1\t0\t127.0.0.1\nkept", "{host}");
    }
    // The host's first server is set up beside it, by another file.
    lab.vars("replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nmysql_service: mariadb\nmysql_settings: {max_connections: 77}\n");
    lab.write("first.yml", "- name: settings\n  hosts: db\n  roles: [config]\n");
    lab.tandem(&["apply", "first.yml", "--yes"]).expect(0);
    assert_eq!(lab.sql("db-b", "select @@max_connections"), "77");
    lab.at("db-b", "systemctl restart mariadb@two");
    assert_eq!(two(&lab, "db-b", "select @@read_only, @@server_id"), "1\t2");
}
