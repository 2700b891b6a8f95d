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
  - file:
      path: /etc/mysql/at-start.sql
      content: "set global max_connect_errors = 77;\n"
      owner: mysql
      group: mysql
  - settings:
      max_connections: "{{ connections }}"
      init_file: /etc/mysql/at-start.sql
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
        // The server was restarted with a file that an earlier step of the same plan has made.
        assert_eq!(lab.sql(host, "select @@max_connections, @@max_connect_errors"), "77\t77");
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
