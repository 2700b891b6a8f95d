//! What Ansible's own files may hold: inventories in every form, its configuration, what other roles declare.

use super::*;

#[test]
fn the_files_of_the_page_about_ansible_are_valid() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/from-ansible.md"));
    let page = page.expect("the page");
    let files = Files(tempfile::tempdir().expect("a directory"));
    let mut names = Vec::new();
    for part in page.split("<!-- file ").skip(1) {
        let (name, rest) = part.split_once(" -->\n```yaml\n").expect("a block of YAML follows");
        let (text, _) = rest.split_once("```").expect("the block ends");
        files.write(name, text);
        names.push(name);
    }
    assert_eq!(names, ["hosts.yml", "group_vars/db.yml", "replicas.yml"]);
    let mut command = tandem(files.0.path());
    command.env("REPLICATION_PASSWORD", "secret canary").args([
        "-i",
        "hosts.yml",
        "validate",
        "replicas.yml",
    ]);
    let (code, out, err) = texts(&command.output().expect("tandem runs"));
    assert_eq!((code, out.as_str(), err.as_str()), (0, "Valid: 3 hosts, 1 play.\n", ""));
}

#[test]
fn databases_in_another_roles_form_are_not_made() {
    let files = Files::new();
    let codes = |databases: &str| -> (i32, Vec<String>) {
        files.write(
            "group_vars/db.yml",
            &format!("mysql_databases: {databases}\nx: [{{name: a, state: absent}}]\n"),
        );
        let (status, out, err) = files.run(&["-i", "hosts.yml", "validate", "play.yml", "--format", "json"]);
        let json: serde_json::Value =
            serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}"));
        let problems = json["problems"].as_array().expect("problems").iter();
        (status, problems.map(|p| p["code"].as_str().unwrap_or_default().to_owned()).collect())
    };
    assert_eq!(codes("[{name: shop, character_set: utf8mb4}]"), (0, vec![]));
    assert_eq!(codes("[{name: shop, encoding: latin1, state: present}]"), (0, vec![]));
    for (databases, code) in [
        ("[{name: gone, state: absent}]", "variable::item"),
        ("'{{ x }}'", "variable::item"),
        ("[{name: a, replicate: 0}]", "file::unknown-key"),
        ("[{name: a, encoding: latin1, character_set: utf8mb4}]", "variable::item"),
        ("[shop]", "file::not-a-mapping"),
        ("[{collation: utf8mb4_bin}]", "file::missing-key"),
        ("shop", "variable::item"),
    ] {
        let (status, found) = codes(databases);
        assert!(status == 65 && found.iter().any(|c| c == code), "{databases}: {status} {found:?}");
    }
}

#[test]
fn an_ansible_cfg_counts_where_no_variable_does() {
    let files = Files::new();
    files.write(
        "ansible.cfg",
        "[defaults]\ninventory = hosts\nremote_user = admin\nhost_key_checking = False\n",
    );
    files.write(
        "hosts",
        "[db]\ndb-a ansible_host=192.0.2.1\ndb-b ansible_host=192.0.2.2 ansible_become_exe=doas\n",
    );
    files.write("group_vars/db.yml", "replication_password: {env: REPLICATION_PASSWORD}\n");
    let validate = || files.run(&["validate", "play.yml", "--format", "json"]);
    let codes = |out: &str| -> Vec<String> {
        let json: serde_json::Value = serde_json::from_str(out).expect("JSON");
        let problems = json["problems"].as_array().expect("problems");
        problems.iter().map(|p| p["code"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let (status, out, err) = validate();
    assert_eq!(status, 0, "{out}{err}");
    assert_eq!(codes(&out), ["config::unused", "connection::unused"]);
    files.write("hosts", "[db]\ndb-a ansible_become=1 ansible_become_method=su\ndb-b ansible_become=y\n");
    let (status, out, _) = validate();
    assert_eq!((status, codes(&out)), (65, vec!["connection::become".into(), "config::unused".into()]));
}

#[test]
fn an_inventory_of_ansible_may_hold_what_nobody_reads() {
    let files = Files::new();
    files.write(
        "hosts.yml",
        "all:\n  vars:\n    ansible_port: \"{{ ssh_port | default(22) }}\"\n    ansible_ssh_retries: 3\n  children:\n    site:\n      \
         children:\n        db:\n          hosts:\n            db-[a:b]:\n              ssh_port: 2222\n              \
         motd: !unsafe \"{{ no template\"\n          vars:\n            home: \"{{ lookup('pipe', 'pwd') }}/{{ ansible_facts.x }}\"\n",
    );
    files.write("group_vars/db/a.yml", "conns: 300\nmysql_settings: {max_connections: \"{{ conns }}\"}\n");
    files.write("host_vars/db-a/b.yml", "ansible_host: 192.0.2.1\n");
    files.write("host_vars/db-b/b.yml", "ansible_ssh_host: 192.0.2.2\n");
    let validate = |code: i32| {
        let (status, out, err) = files.run(&["-i", "hosts.yml", "validate", "play.yml"]);
        assert_eq!(status, code, "{out}{err}");
        err
    };
    assert_eq!(validate(0), "");
    // As soon as somebody looks at it, it is a mistake.
    files.write("group_vars/db/c.yml", "replication_address: \"{{ home }}\"\n");
    let err = validate(65);
    assert!(err.contains("Lookups are Ansible's"), "{err}");
    // Vaults are read, with the tag that Ansible has for a single value: tests/sealed.rs.
    files.write("group_vars/db/c.yml", "mysql_admin_password: |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n");
    assert!(validate(65).contains("secret::vault"));
}

#[test]
fn inventories_in_every_form_are_read_and_what_can_not_be_read_is_named() {
    let files = Files::new();
    fs::create_dir(files.0.path().join("folder")).expect("a directory");
    files.write("hosts.ini", "; ours\n[db]\ndb-a ansible_host=192.0.2.1\ndb-b ansible_host=192.0.2.2\n");
    files.write("hosts", "[db]\ndb-a\ndb-b\n");
    files.write("hosts.py", "#!/usr/bin/python3\nprint()\n");
    files.write("aws.yml", "plugin: amazon.aws.aws_ec2\n");
    for (name, code, word) in [
        ("hosts.ini", 0, ""),
        ("hosts", 0, ""),
        ("db-a,db-b", 0, ""),
        ("hosts.py", 65, "chmod +x hosts.py"),
        ("folder", 65, "inventory::empty"),
        ("aws.yml", 65, "exec ansible-inventory -i aws.yml --list"),
    ] {
        let (got, _, err) = files.run(&["-i", name, "validate"]);
        assert_eq!(got, code, "{name}: {err}");
        assert!(err.contains(word), "{name}: {err}");
    }
}
