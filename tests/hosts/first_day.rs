//! The first day: a project that Ansible has run for years goes through as it is.
//!
//! Roles, variables in three places, an inventory in INI, a vault and an `ansible.cfg` with its login, key, sudo and arguments of
//! ssh: nothing of it is edited, and nothing but a playbook's name is said on the command line.

use std::fs;

use crate::lab::{Lab, Run, binary};

/// The project: each file, and what it holds.
const FILES: [(&str, &str); 14] = [
    (
        "ansible.cfg",
        "[defaults]\ninventory = ./inventories/production\nremote_user = admin\nprivate_key_file = ./keys/deploy\n\
         roles_path = ./roles:~/.ansible/roles\nvault_password_file = ./.vault_pass\ngathering = smart\nfact_caching = jsonfile\n\
         retry_files_enabled = False\nstdout_callback = yaml\nnocows = 1\nforks = 20\ninterpreter_python = auto_silent\n\n\
         [privilege_escalation]\nbecome = True\nbecome_method = sudo\nbecome_user = root\nbecome_ask_pass = False\n\n\
         [ssh_connection]\nssh_args = -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=../known_hosts\n\
         pipelining = True\ncontrol_path = %(directory)s/%%h-%%r\n\n[diff]\nalways = True\n",
    ),
    (
        "inventories/production/hosts",
        "# production\n[mysql_primary]\ndb1.example.com ansible_host=10.77.0.11 mysql_server_id=1\n\n[mysql_replicas]\n\
         db2.example.com ansible_host=10.77.0.12 mysql_server_id=2\n\n[mysql:children]\nmysql_primary\nmysql_replicas\n\n\
         [db:children]\nmysql\n\n[webservers]\nweb[01:03].example.com\n\n[mysql:vars]\nmysql_port=3306\nmysql_root_username=root\n",
    ),
    (
        "inventories/production/group_vars/all/main.yml",
        "---\nntp_servers:\n  - 0.debian.pool.ntp.org\ntimezone: Europe/Berlin\nmysql_packages: [mariadb-server, python3-pymysql]\n\
         mysql_databases:\n  - name: shop\n    encoding: utf8mb4\n    collation: utf8mb4_general_ci\n    state: present\n\
         replication_password: \"{{ vault_replication_password }}\"\nreplication_tls: \"off\"\n",
    ),
    (
        "inventories/production/group_vars/mysql.yml",
        "---\nmysql_innodb_buffer_pool_size: \"{{ (ansible_memtotal_mb * 0.6) | int }}M\"\n\
         mysql_max_connections: \"{{ mysql_connections | default(151) }}\"\n\
         mysql_replication_master: \"{{ groups['mysql_primary'][0] }}\"\n",
    ),
    ("inventories/production/host_vars/db1.example.com/main.yml", "---\nmysql_replication_role: master\n"),
    (
        "inventories/production/host_vars/db2.example.com.yml",
        "---\nmysql_replication_role: slave\nmysql_connections: 140\n",
    ),
    ("group_vars/mysql.yml", "---\nmysql_settings:\n  max_connections: \"{{ mysql_max_connections }}\"\n"),
    ("roles/mysql/defaults/main.yml", "---\nmysql_connections: 150\n"),
    (
        "roles/mysql/tasks/main.yml",
        "---\n- name: Configure\n  ansible.builtin.template: {src: my.cnf.j2, dest: /etc/mysql/conf.d/my.cnf}\n  notify: restart mysql\n",
    ),
    (
        "roles/mysql/handlers/main.yml",
        "---\n- name: restart mysql\n  ansible.builtin.service: {name: mysql, state: restarted}\n",
    ),
    ("roles/mysql/templates/my.cnf.j2", "[mysqld]\nmax_connections = {{ mysql_max_connections }}\n"),
    // It has a name that is one of ours, and is none of ours.
    (
        "roles/firewall/tasks/main.yml",
        "---\n- name: Open a port\n  community.general.ufw: {rule: allow, port: '22'}\n",
    ),
    ("site.yml", "---\n- hosts: mysql\n  roles: [firewall, mysql]\n"),
    (".vault_pass", include_str!("../vault/password")),
];

#[test]
fn a_project_of_ansible_goes_through_without_an_edit() {
    let lab = Lab::pair();
    for (name, text) in FILES {
        lab.write(&format!("project/{name}"), text);
    }
    lab.write("project/inventories/production/group_vars/all/vault.yml", include_str!("../vault/group.yml"));
    fs::create_dir(lab.path("project/keys")).unwrap();
    fs::copy(lab.path("id_ed25519"), lab.path("project/keys/deploy")).unwrap();
    let run = |args: &[&str]| {
        let mut command = lab.command(&binary());
        command.env_remove("REPLICATION_PASSWORD").current_dir(lab.path("project")).args(args);
        Run::of(&command.output().expect("tandem runs"))
    };
    let mine = |path: &str| fs::metadata(lab.path(path)).unwrap().modified().unwrap();
    let before = FILES.map(|(name, _)| mine(&format!("project/{name}")));

    let plan = run(&["plan", "hot-standby"]).expect(2);
    assert!(!format!("{}{}", plan.out, plan.err).contains("first-day-canary"), "{}{}", plan.out, plan.err);
    run(&["apply", "hot-standby", "--yes", "--allow", "restart"]).expect(0);
    run(&["plan", "hot-standby"]).expect(0);
    assert_eq!(FILES.map(|(name, _)| mine(&format!("project/{name}"))), before);

    let values = ["db-a", "db-b"].map(|host| lab.sql(host, "select @@server_id, @@max_connections"));
    assert_eq!(values, ["1\t151", "2\t140"]);
    let made = lab.sql(
        "db-b",
        "select default_character_set_name from information_schema.schemata where schema_name = 'shop'",
    );
    assert_eq!(made, "utf8mb4");
}
