//! A user's own role: resources of every plain kind, without a line of Rust.

use crate::lab::Lab;

#[test]
fn a_users_role_is_applied_once_and_its_drift_is_seen() {
    let lab = Lab::pair();
    lab.write(
        "roles/site/role.yml",
        r#"description: What our site wants on each database host.
resources:
  - packages:
      names: [openssh-server]
  - file:
      path: /etc/motd
      content: "{{ greeting }} on {{ inventory_hostname }}\n"
      mode: "0640"
  - file:
      path: /etc/tandem-site.conf
      template: site.conf.j2
      owner: mysql
      group: mysql
  - service:
      name: dbus.service
      enabled: false
  - command:
      run: [sh, -c, "echo \"it's $HOME\" > /var/tmp/made"]
      unless: [test, -e, /var/tmp/made]
  - settings:
      max_connections: "{{ connections }}"
"#,
    );
    lab.write("roles/site/defaults/main.yml", "greeting: hello\nconnections: 77\n");
    lab.write(
        "roles/site/templates/site.conf.j2",
        "{% for host in groups.db %}peer {{ host }}\n{% endfor %}",
    );
    lab.write(
        "play.yml",
        "- name: site\n  hosts: db\n  roles: [site, {role: site, vars: {greeting: hello}}]\n",
    );
    lab.write("play.yml", "- name: site\n  hosts: db\n  roles: [site]\n");
    lab.tandem(&["plan", "play.yml"]).expect(2);
    lab.apply("play.yml");
    for host in ["db-a", "db-b"] {
        assert_eq!(
            lab.at(host, "cat /etc/motd; stat -c '%U %a' /etc/motd"),
            format!("hello on {host}\nroot 640")
        );
        assert_eq!(
            lab.at(host, "cat /etc/tandem-site.conf; stat -c %U /etc/tandem-site.conf"),
            "peer db-a\npeer db-b\nmysql"
        );
        assert!(lab.at(host, "cat /var/tmp/made").starts_with("it's /root"));
        assert_eq!(lab.sql(host, "select @@max_connections"), "77");
    }
    lab.plan("play.yml").expect(0);
    lab.at("db-b", "echo other > /etc/motd; rm /var/tmp/made");
    assert_eq!(lab.plan("play.yml").expect(2).step_names(), ["db-b/file/etc/motd", "db-b/command/1"]);
    lab.apply("play.yml");
    lab.plan("play.yml").expect(0);

    // A role beside the playbook wins over the built-in one of the same name.
    lab.write(
        "roles/config/role.yml",
        "description: ours\nresources:\n  - settings: {max_connections: 78}\n",
    );
    lab.write("play.yml", "- name: site\n  hosts: db\n  roles: [config]\n");
    lab.apply("play.yml");
    assert_eq!(lab.sql("db-a", "select @@max_connections"), "78");
}

#[test]
fn a_replica_set_of_one_primary_and_two_replicas() {
    let lab = Lab::boot(&["db-a", "db-b", "db-c"]);
    lab.sql("db-a", "create database hello; create table hello.t (id int auto_increment primary key); insert into hello.t values (), (), ()");
    lab.apply("read-replicas");
    lab.plan("read-replicas").expect(0);
    lab.sql("db-a", "insert into hello.t values ()");
    for host in ["db-b", "db-c"] {
        lab.wait_sql(host, "select count(*) from hello.t", "4");
        assert_eq!(lab.sql(host, "select @@read_only"), "1");
    }
    assert_eq!(lab.sql("db-a", "select @@read_only, @@auto_increment_increment"), "0\t1");
}

#[test]
fn databases_filters_and_file_positions_as_in_the_guide() {
    let lab = Lab::pair();
    lab.vars(
        "replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: \"off\"\nreplication_positioning: file\n\
         mysql_databases: [{name: hello, character_set: utf8mb4, collation: utf8mb4_czech_ci}]\n\
         binlog_ignore_databases: [scratch]\nreplicate_ignore_databases: [scratch, private]\nmysql_relay_log: relay\n",
    );
    lab.apply("hot-standby");
    lab.plan("hot-standby").expect(0);
    let row = lab.sql("db-b", "show all slaves status");
    assert!(row.contains("scratch,private"), "{row}");
    let using = lab.sql("db-b", "select @@log_slave_updates, @@relay_log_basename");
    assert!(using.starts_with('1') && using.contains("relay"), "{using}");
    lab.wait_sql(
        "db-b",
        "select default_collation_name from information_schema.schemata where schema_name='hello'",
        "utf8mb4_czech_ci",
    );
    lab.sql(
        "db-a",
        "create table hello.t (id int auto_increment primary key); insert into hello.t values ()",
    );
    lab.sql("db-a", "create database scratch; use scratch; create table s (id int)");
    lab.sql("db-b", "use hello; insert into hello.t values ()");
    lab.same(["db-a", "db-b"], "select group_concat(id order by id) from hello.t having count(*) = 2");
    assert_eq!(
        lab.sql("db-b", "select count(*) from information_schema.schemata where schema_name='scratch'"),
        "0"
    );
}
