//! Commands that need no host: what is said about files, and with which exit status.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

#[path = "files/ansible.rs"]
mod ansible;

const INVENTORY: &str = "all:\n  children:\n    db:\n      hosts:\n        db-a: {ansible_host: 192.0.2.1}\n        db-b: {ansible_host: 192.0.2.2}\n";
const PLAY: &str = "- name: pair\n  hosts: db\n  topology: {kind: dual-primary, members: [db-a, db-b]}\n  vars:\n    replication_password: {env: TEST_PASSWORD}\n  roles: [firewall, tls, config, accounts, seed, replication]\n";

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().expect("a directory"));
        files.write("hosts.yml", INVENTORY);
        files.write("play.yml", PLAY);
        files
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = tandem(self.0.path()).args(args).output().expect("tandem runs");
        texts(&output)
    }

    /// `validate` with what it prints to standard error, for a snapshot.
    fn mistakes(&self) -> String {
        let (code, out, err) = self.run(&["-i", "hosts.yml", "validate", "play.yml"]);
        assert_eq!((code, out.as_str()), (65, ""), "{err}");
        err
    }
}

fn tandem(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    command
        .current_dir(directory)
        .env("TEST_PASSWORD", "secret canary")
        .env("XDG_STATE_HOME", directory.join("state"))
        .env_remove("TANDEM_INVENTORY");
    command
}

fn texts(output: &Output) -> (i32, String, String) {
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn good_files_are_valid() {
    let files = Files::new();
    let (code, out, err) = files.run(&["-i", "hosts.yml", "validate", "play.yml"]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "Valid: 2 hosts, 1 play.\n", ""));
}

#[test]
fn the_example_and_what_init_writes_are_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = Files::new();
    let example = root.join("inventory/example/hosts.yml");
    let output = tandem(files.0.path())
        .env("REPLICATION_PASSWORD", "x")
        .args(["-i", &example.to_string_lossy(), "validate", "hot-standby"])
        .output()
        .expect("tandem runs");
    assert_eq!(texts(&output).0, 0, "{output:?}");
    assert_eq!(files.run(&["init", "new"]).0, 0);
    let output = tandem(&files.0.path().join("new"))
        .env("REPLICATION_PASSWORD", "x")
        .args(["-i", "inventory.yml", "validate", "playbook.yml"])
        .output()
        .expect("tandem runs");
    assert_eq!(texts(&output).0, 0, "{output:?}");
    // A second time nothing is overwritten.
    files.write("new/inventory.yml", "mine: {}\n");
    assert_eq!(files.run(&["init", "new"]).0, 0);
    assert_eq!(fs::read_to_string(files.0.path().join("new/inventory.yml")).expect("a file"), "mine: {}\n");
}

#[test]
fn all_mistakes_are_told_at_once_each_at_its_place() {
    let files = Files::new();
    files.write(
        "hosts.yml",
        "all:\n  children:\n    db:\n      hosts:\n        db-a: {ansible_host: 192.0.2.1, server_id: 7}\n        db-b: {ansible_host: 192.0.2.2, server_id: 7}\n      vras: {}\n",
    );
    files.write(
        "play.yml",
        "- name: pair\n  hosts: db\n  topolgy: {}\n  topology: {kind: dual-primary, members: [db-a, db-b, db-b, db-x]}\n  vars:\n    replication_password: {env: NOT_SET_ANYWHERE}\n    mysql_settings:\n      innodb_buffer_pool_size: \"{{ no_such_variable }}\"\n  roles: [config, acounts]\n",
    );
    insta::assert_snapshot!(files.mistakes());
}

#[test]
fn an_offset_beyond_the_increment_and_a_word_that_is_none() {
    let files = Files::new();
    files.write("host_vars/db-b.yml", "auto_increment_offset: 12\nreplication_tls: requierd\n");
    insta::assert_snapshot!(files.mistakes());
}

#[test]
fn a_copy_of_a_whole_server_leaves_nothing_out() {
    let files = Files::new();
    files.write("group_vars/db.yml", "seed_method: physical\nseed_databases: [shop]\n");
    files.write("host_vars/db-b.yml", "seed_accounts: false\n");
    insta::assert_snapshot!(files.mistakes());
    // By hand it is right.
    files.write("host_vars/db-b.yml", "seed_accounts: false\nseed_method: logical\n");
    let (code, out, err) = files.run(&["-i", "hosts.yml", "validate", "play.yml"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
}

#[test]
fn trees_standbys_and_rings_that_can_not_work() {
    let cases = [
        (
            "{kind: primary-replica, primary: db-a, replicas: [{host: db-b, source: db-c}, {host: db-c, source: db-b}]}",
            "playbook::cycle",
        ),
        (
            "{kind: primary-replica, primary: db-a, replicas: [{host: db-b, source: db-x}]}",
            "playbook::no-member",
        ),
        (
            "{kind: primary-replica, primary: db-a, replicas: [{host: db-b, source: db-b}]}",
            "playbook::self-replication",
        ),
        ("{kind: primary-replica, primary: db-a, replicas: [{host: db-b, delay: soon}]}", "file::wrong-type"),
        ("{kind: dual-primary, members: [db-a, db-b], standby: db-c}", "playbook::standby"),
        ("{kind: ring, members: [db-a, db-b, db-c]}", "topology::ring-filters"),
    ];
    for (topology, code) in cases {
        let files = Files::new();
        files.write("hosts.yml", &format!("{INVENTORY}        db-c: {{ansible_host: 192.0.2.3}}\n"));
        files.write("host_vars/db-c.yml", "replicate_ignore_databases: [scratch]\n");
        files.write("play.yml", &PLAY.replace("{kind: dual-primary, members: [db-a, db-b]}", topology));
        let (exit, _, err) = files.run(&["-i", "hosts.yml", "validate", "play.yml"]);
        assert_eq!(exit, 65, "{topology}: {err}");
        assert!(err.contains(code), "{topology}: {err}");
    }
    let files = Files::new();
    files.write("hosts.yml", &format!("{INVENTORY}        db-c: {{ansible_host: 192.0.2.3}}\n"));
    let tree =
        "{kind: primary-replica, primary: db-a, replicas: [db-b, {host: db-c, source: db-b, delay: 60}]}";
    files.write("play.yml", &PLAY.replace("{kind: dual-primary, members: [db-a, db-b]}", tree));
    let (exit, _, err) = files.run(&["-i", "hosts.yml", "validate", "play.yml"]);
    assert_eq!(exit, 0, "{err}");
}

#[test]
fn yaml_that_is_none_is_shown_at_its_place() {
    let files = Files::new();
    files.write("play.yml", "- name: pair\n  hosts: [db\n");
    insta::assert_snapshot!(files.mistakes());
}

#[test]
fn an_unknown_kind_a_bad_template_and_a_literal_secret() {
    let files = Files::new();
    files.write(
        "play.yml",
        "- name: pair\n  hosts: db\n  topology: {kind: dual-primery, members: [db-a, db-b]}\n  vars:\n    replication_password: secret canary\n    mysql_settings: {max_connections: \"{{ 1 +  }}\"}\n  roles: [config]\n",
    );
    let text = files.mistakes();
    assert!(!text.contains("canary"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn exit_statuses_without_a_host() {
    let files = Files::new();
    for (args, code) in [
        (vec!["--help"], 0),
        (vec!["--version"], 0),
        (vec![], 64),
        (vec!["no-such-command"], 64),
        (vec!["plan", "play.yml", "--no-such-option"], 64),
        (vec!["-i", "hosts.yml", "plan"], 64),
        (vec!["-i", "hosts.yml", "status", "--format", "junit"], 64),
        (vec!["-i", "hosts.yml", "plan", "play.yml", "--format", "sarif"], 64),
        (vec!["explain", "data-on-bot"], 64),
        (vec!["-i", "hosts.yml", "apply", "play.yml", "--allow", "everything"], 64),
        (vec!["-i", "hosts.yml", "plan", "play.yml", "--limit", "nobody"], 64),
        (vec!["-i", "missing.yml", "validate", "play.yml"], 65),
        (vec!["-i", "hosts.yml", "validate", "missing.yml"], 65),
        (vec!["-i", "hosts.yml", "validate", "play.yml", "-e", "nonsense"], 65),
        (vec!["show", "missing.plan"], 65),
        (vec!["-i", "hosts.yml", "vars", "nobody"], 64),
        (vec!["history"], 1),
        (vec!["completions", "bash"], 0),
        (vec!["man"], 0),
    ] {
        let (got, out, err) = files.run(&args);
        assert_eq!(got, code, "{args:?}\n{out}\n{err}");
        assert!(code == 0 || !err.is_empty(), "{args:?} says nothing");
    }
}

#[test]
fn plan_files_that_are_none() {
    let files = Files::new();
    for text in [
        "{",
        "{}",
        "{\"format_version\":\"9.0\"}",
        "{\"format_version\":\"2.0\",\"steps\":7}",
        "{\"format_version\":\"2.0\",\"in_sync\":true,\"summary\":{\"steps\":0,\"restarts\":0,\"hosts\":0},\"steps\":[],\"waiting\":[],\"refused\":[]}",
    ] {
        files.write("x.plan", text);
        let (code, _, err) = files.run(&["apply", "x.plan", "--yes"]);
        assert_eq!(code, 65, "{text}: {err}");
        assert!(err.contains("x.plan"), "{err}");
    }
}

#[test]
fn variables_are_explained() {
    let files = Files::new();
    files.write("group_vars/all.yml", "mysql_settings: {max_connections: 10}\n");
    files.write("group_vars/db.yml", "mysql_settings: {max_connections: 20}\n");
    files.write("host_vars/db-a.yml", "mysql_settings: {max_connections: 30}\n");
    let (code, out, _) = files.run(&["-i", "hosts.yml", "vars", "db-a", "--explain", "mysql_settings"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(out, @r#"
    wins  {"max_connections":30}  host  host_vars/db-a.yml:1
          {"max_connections":20}  group db  group_vars/db.yml:1
          {"max_connections":10}  group all  group_vars/all.yml:1
    "#);
    let (_, out, _) = files.run(&["-i", "hosts.yml", "vars", "db-a", "play.yml"]);
    assert!(!out.contains("secret canary"), "{out}");
}

#[test]
fn validate_speaks_json() {
    let files = Files::new();
    files.write("host_vars/db-a.yml", "server_id: 2\n");
    files.write("host_vars/db-b.yml", "server_id: 2\n");
    let (code, out, _) = files.run(&["-i", "hosts.yml", "validate", "play.yml", "--format", "json"]);
    assert_eq!(code, 65);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(json["valid"], false);
    assert_eq!(json["problems"][0]["code"], "topology::duplicate-server-id");
    assert_eq!(json["problems"][0]["file"], "host_vars/db-b.yml");
    assert_eq!(json["problems"][0]["line"], 1);
}

/// Each mistake at its line, for what shows files.
#[test]
fn validate_speaks_sarif() {
    let files = Files::new();
    let sarif = |code: i32| -> serde_json::Value {
        let (got, out, err) = files.run(&["-i", "hosts.yml", "validate", "play.yml", "--format", "sarif"]);
        assert_eq!(got, code, "{err}");
        serde_json::from_str(&out).expect("JSON")
    };
    assert_eq!(sarif(0)["runs"][0]["results"], serde_json::json!([]));
    files.write("host_vars/db-a.yml", "server_id: 2\n");
    files.write("host_vars/db-b.yml", "mysql_port: 3306\nserver_id: 2\n");
    let run = &sarif(65)["runs"][0];
    let found = &run["results"][0];
    let at = &found["locations"][0]["physicalLocation"];
    assert_eq!(
        (&found["ruleId"], &found["level"], &at["artifactLocation"]["uri"], &at["region"]["startLine"]),
        (&"topology::duplicate-server-id".into(), &"error".into(), &"host_vars/db-b.yml".into(), &2.into())
    );
    assert!(run["tool"]["driver"]["rules"][0]["shortDescription"]["text"].is_string());
}

#[test]
fn codes_are_explained_as_they_stand_in_a_text() {
    let files = Files::new();
    for word in ["data-on-both", "[data-on-both]", "db-b/waiting/source-not-read"] {
        let (code, out, err) = files.run(&["explain", word, "--format", "json"]);
        assert_eq!(code, 0, "{err}");
        let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        let name = word.trim_matches(['[', ']']).rsplit('/').next();
        assert_eq!(json["codes"][0]["code"].as_str(), name);
        assert!(json["codes"][0]["means"].as_str().is_some_and(|means| !means.is_empty()));
    }
    let (_, out, _) = files.run(&["explain", "--format", "jsonl"]);
    assert!(out.lines().count() > 250, "{}", out.lines().count());
}

/// Of files that are named by nobody those of the directory are taken, unless somebody else may have put them there.
#[test]
fn files_of_the_directory_are_taken_where_none_are_named() {
    use std::os::unix::fs::PermissionsExt;
    let files = Files::new();
    fs::remove_file(files.0.path().join("hosts.yml")).expect("the inventory");
    assert_eq!(files.run(&["validate"]).0, 64);
    files.write("hosts.ini", "[db]\ndb-a ansible_host=192.0.2.1\ndb-b ansible_host=192.0.2.2\n");
    files.write("playbook.yml", &PLAY.replace("dual-primary", "no-such-kind"));
    let (code, _, err) = files.run(&["validate"]);
    assert_eq!(code, 65, "{err}");
    assert!(err.contains("hosts.ini") && err.contains("playbook.yml"), "{err}");
    files.write("playbook.yml", PLAY);
    assert_eq!(files.run(&["validate"]).0, 0);
    // Where both are there, the first counts; what is named wins.
    files.write("inventory.yml", "all: {hosts: {db-x: {}}}\n");
    assert_eq!(files.run(&["validate"]).0, 65);
    assert_eq!(files.run(&["-i", "hosts.ini", "validate"]).0, 0);
    fs::remove_file(files.0.path().join("inventory.yml")).expect("the inventory");
    fs::set_permissions(files.0.path().join("hosts.ini"), fs::Permissions::from_mode(0o666)).expect("a mode");
    assert_eq!(files.run(&["validate"]).0, 64);
}

#[test]
fn a_host_that_does_not_answer_is_unread_and_nothing_is_planned() {
    let files = Files::new();
    // Port 9 of the loopback address is nobody's.
    files.write(
        "hosts.yml",
        "all:\n  children:\n    db:\n      hosts:\n        db-a: {ansible_host: 127.0.0.1, ansible_port: 9, replication_address: 192.0.2.1}\n        db-b: {ansible_host: 127.0.0.1, ansible_port: 9, replication_address: 192.0.2.2}\n",
    );
    let (code, out, err) = files.run(&["-i", "hosts.yml", "plan", "play.yml"]);
    assert_eq!(code, 4, "{out}{err}");
    assert!(err.contains("db-a") && err.contains("refused"), "{err}");
    let (code, out, _) = files.run(&["-i", "hosts.yml", "plan", "play.yml", "--format", "junit"]);
    let junit = roxmltree::Document::parse(&out).expect("XML");
    assert_eq!((code, junit.root_element().attribute("errors")), (4, Some("2")), "{out}");
    let (code, ..) = files.run(&["-i", "hosts.yml", "apply", "play.yml", "--yes"]);
    assert_eq!(code, 4);
    let (code, ..) = files.run(&["-i", "hosts.yml", "status", "play.yml"]);
    assert_eq!(code, 4);
}

/// An inventory that asks for too much ends in a message, whatever it asks for.
#[test]
fn an_inventory_of_nonsense_is_an_error_and_never_a_panic() {
    let many = |text: &str| text.repeat(50_000);
    let hosts =
        |rest: &str| format!("all: {{children: {{db: {{hosts: {{db-a: {{}}, db-b: {{{rest}}}}}}}}}}}\n");
    let cases = [
        format!("all: {}", many("[")),
        format!("all: {}", many("{a: ")),
        format!("all: {{children: {{db: {{hosts: {{\"{}\": {{}}}}}}}}}}\n", many("db[1:1]")),
        hosts(&format!("replication_user: \"{}\"", many("{{ "))),
        hosts(&format!("replication_user: \"{{{{ {}1{} }}}}\"", many("("), many(")"))),
        hosts("replication_user: \"{{ w }}\", w: \"{{ replication_user }}\""),
        hosts(
            "replication_user: \"{% for i in range(9999) %}{% for j in range(9999) %}{% for k in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}\"",
        ),
        hosts("server_id: -5, replication_port: 99999999999999999999"),
        hosts("ansible_host: \"-oProxyCommand=touch owned\""),
        hosts("ansible_user: \"x; touch owned\", ansible_port: \"22; touch owned\""),
        "all: \u{0}\n".to_owned(),
    ];
    for case in cases {
        let files = Files::new();
        files.write("hosts.yml", &case);
        let (code, out, err) = files.run(&["-i", "hosts.yml", "validate", "play.yml"]);
        let begin: String = case.chars().take(160).collect();
        assert_eq!(code, 65, "{begin}: {out}{err}");
        assert!(!err.contains("panicked") && err.contains('×'), "{begin}: {err}");
        assert!(!files.0.path().join("owned").exists());
    }
}

/// What bash offers for the last word of a command line, by the script that `completions` prints.
fn offered(files: &Files, words: &[&str]) -> Vec<String> {
    let script = "eval \"$(tandem completions bash)\"; COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
        _clap_complete_tandem tandem \"${COMP_WORDS[COMP_CWORD]}\" x; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let binary = Path::new(env!("CARGO_BIN_EXE_tandem"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().expect("a directory").display());
    let output = Command::new("bash")
        .args(["--norc", "-c", script, "bash"])
        .args(words)
        .current_dir(files.0.path())
        .env("PATH", path)
        .env("XDG_STATE_HOME", files.0.path().join("state"))
        .env("HOME", files.0.path())
        .env_remove("TANDEM_INVENTORY")
        .output()
        .expect("bash runs");
    let (code, out, err) = texts(&output);
    assert_eq!((code, err.as_str()), (0, ""));
    out.lines().filter(|word| !word.starts_with('-')).map(str::to_owned).collect()
}

#[test]
fn bash_is_offered_hosts_playbooks_plans_and_runs() {
    let files = Files::new();
    files.write("pair.plan", "{\n  \"format_version\": \"2.0\"}");
    files.write("notes.json", "{}");
    files.write("state/tandem/runs/20260101-a.jsonl", "{\"playbook\": \"play.yml\"}\n");
    files.write("state/tandem/runs/20260102-b.jsonl", "{\"playbook\": \"play.yml\"}\n");
    let none: [&str; 0] = [];
    for (line, words) in [
        ("tandem -i hosts.yml --limit ", &["all", "db", "db-a", "db-b"][..]),
        ("tandem --inventory = hosts.yml --limit db-a,!db-", &["db-a,!db-a", "db-a,!db-b"]),
        ("tandem -i ~/hosts.yml vars ", &["db-a", "db-b"]),
        ("tandem -i hosts.yml plan --limit=db- ", &["hot-standby", "read-replicas", "play.yml", "state/"]),
        ("tandem -i hosts.yml vars db-a --explain ansible", &["ansible_host"]),
        ("tandem apply p", &["pair.plan", "play.yml"]),
        ("tandem show ", &["pair.plan", "state/"]),
        (
            "tandem apply x --allow restart,re",
            &["restart,restart", "restart,reseed", "restart,reset-binlogs"],
        ),
        ("tandem history ", &["20260102-b", "20260101-a"]),
        ("tandem graph --as ", &["mermaid", "dot", "svg"]),
        // That of the directory.
        ("tandem vars ", &["db-a", "db-b"]),
        ("tandem explain data-on-b", &["data-on-both"]),
    ] {
        let split: Vec<&str> = line.split(' ').collect();
        assert_eq!(offered(&files, &split), words, "{line}");
    }
    // A mistake in a file is no reason to disturb the prompt.
    files.write("hosts.yml", "all: [");
    assert_eq!(offered(&files, &["tandem", "-i", "hosts.yml", "vars", ""]), none);
}

#[test]
fn every_shell_has_its_script_and_every_command_its_page() {
    let files = Files::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, _) = files.run(&["completions", shell]);
        assert!(code == 0 && out.contains("TANDEM_COMPLETE"), "{shell}: {out}");
    }
    let (code, out, _) = files.run(&["man", "--out", "pages"]);
    assert_eq!((code, out.as_str()), (0, ""));
    let (_, help, _) = files.run(&["--help"]);
    let commands = help.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
    let names = commands
        .filter(|l| l.starts_with("  ") && !l.starts_with("   "))
        .filter_map(|l| l.split_whitespace().next());
    let mut seen = 0;
    for name in names.filter(|name| *name != "help") {
        let page = fs::read_to_string(files.0.path().join(format!("pages/tandem-{name}.1")));
        assert!(page.is_ok_and(|text| text.contains(&format!("tandem\\-{name} \\-"))), "{name}");
        seen += 1;
    }
    assert!(seen > 10, "{help}");
    let page = fs::read_to_string(files.0.path().join("pages/tandem.1")).expect("the program's page");
    for section in ["NAME", "SYNOPSIS", "OPTIONS", "\"EXIT STATUS\"", "ENVIRONMENT", "FILES", "EXAMPLES"] {
        assert!(page.contains(&format!("\n.SH {section}\n")), "{section}");
    }
    assert_eq!(files.run(&["man"]).1, page);
}

/// What is declared and comes to nothing is a mistake, and no host is connected for it.
#[test]
fn what_a_resource_of_a_role_can_not_be_is_told_at_its_line() {
    let files = Files::new();
    files.write(
        "roles/site/role.yml",
        r#"resources:
  - sysctl: {name: swappiness, value: 10}
  - sysctl: {name: vm.swappiness, valu: 10, value: 1}
  - sysctl: {name: vm.dirty_ratio}
  - cron:
      name: drift.sh
      schedule: "@daily"
      command: "true"
  - cron:
      name: drift
      schedule: "0 0 30 2 *"
      command: "true"
  - cron: {name: drift, schedule: "@often", command: "true"}
  - cron: {name: drift, schedule: "* * * * *", command: "date +\\%F"}
  - cron: {name: drift, schedule: "* * * * *", command: "true", environment: {A B: c}}
  - file: {path: /etc/x, content: a, mode: "9"}
  - file: {path: /etc/y, content: a}
  - file: {path: /etc/y, content: b}
  - service: {name: x, running: maybe}
  - command: {run: ["true"], unless: []}
  - sysctl: {name: vm.swappiness, value: "{{ swappiness }}"}
"#,
    );
    files.write("group_vars/db.yml", "swappiness: \"a\\nb\"\n");
    files.write("play.yml", "- name: site\n  hosts: db\n  roles: [site]\n");
    let (code, out, err) = files.run(&["-i", "hosts.yml", "validate", "play.yml", "--format", "json"]);
    assert_eq!(code, 65, "{err}");
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let mut found: Vec<String> = json["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|p| format!("{} {}:{}", p["code"], p["file"], p["line"]).replace('"', ""))
        .collect();
    found.sort();
    found.dedup();
    let role = |code: &str, line: u32| format!("{code} roles/site/role.yml:{line}");
    let mut expected: Vec<String> =
        [2, 4, 6, 11, 13, 14, 15, 16, 19, 20].map(|line| role("role::value", line)).to_vec();
    expected.extend([
        role("file::unknown-key", 3),
        role("role::twice", 18),
        "role::value group_vars/db.yml:1".to_owned(),
    ]);
    expected.sort();
    assert_eq!(found, expected, "{out}");
}

#[test]
fn what_comes_to_nothing_is_a_mistake() {
    let topology = "topology: {kind: dual-primary, members: [db-a, db-b]}";
    let roles = "roles: [config, accounts, seed, replication]";
    let whole = format!("- name: pair\n  hosts: db\n  {topology}\n  {roles}\n");
    let code_of = |files: &Files, args: &[&str]| {
        let args: Vec<&str> = ["-i", "hosts.yml"].iter().chain(args).copied().collect();
        files.run(&args)
    };
    for (play, code) in [
        (whole.clone(), None),
        (format!("- name: pair\n  hosts: db\n  {topology}\n"), Some("playbook::no-roles")),
        (format!("- name: pair\n  hosts: db\n  {topology}\n  roles: []\n"), Some("playbook::no-roles")),
        (
            format!("- name: pair\n  hosts: db\n  {topology}\n  roles: [config, accounts]\n"),
            Some("topology::no-role"),
        ),
        (
            format!(
                "- name: pair\n  hosts: db\n  {topology}\n  roles: [config, {{role: replication, when: false}}]\n"
            ),
            Some("topology::no-role"),
        ),
        (
            format!(
                "- {{name: one, hosts: db, {topology}, roles: [config, accounts]}}\n\
                 - {{name: two, hosts: db, {topology}, roles: [seed, replication]}}\n"
            ),
            None,
        ),
        (
            "- name: pair\n  hosts: db\n  roles: [accounts, seed, replication]\n".to_owned(),
            Some("playbook::roles-make-nothing"),
        ),
        (whole.replace("hosts: db", "hosts: nobody"), Some("playbook::hosts")),
        (whole.replace("hosts: db", "hosts: \"db:!db\""), Some("playbook::hosts")),
        ("[]\n".to_owned(), Some("playbook::shape")),
    ] {
        let files = Files::new();
        files.write("group_vars/db.yml", "replication_password: {env: TEST_PASSWORD}\n");
        files.write("play.yml", &play);
        let (got, out, err) = code_of(&files, &["validate", "play.yml", "--format", "json"]);
        assert_eq!(got, if code.is_some() { 65 } else { 0 }, "{play}\n{out}\n{err}");
        if let Some(code) = code {
            assert!(out.contains(&format!("\"{code}\"")), "{code} is missing for\n{play}\n{out}");
            assert_eq!(code_of(&files, &["plan", "play.yml"]).0, 65, "{play}");
        }
    }
    let files = Files::new();
    files.write("group_vars/db.yml", "replication_password: {env: TEST_PASSWORD}\n");
    files.write("play.yml", &whole);
    for args in [
        &["plan", "play.yml", "--limit", "db-a:!db-a"][..],
        &["drift", "play.yml", "--ignore", "web-1"],
        &["drift", "play.yml", "--ignore", "db-a/chanel"],
        &["verify", "play.yml", "--tables", "orders"],
        &["verify", "play.yml", "--no-checksums", "--tables", "shop.orders"],
    ] {
        assert_eq!(code_of(&files, args).0, 64, "{args:?}");
    }
    let (code, _, err) = code_of(&files, &["validate", "play.yml", "-e", "replication_tsl=off"]);
    assert!(code == 65 && err.contains("replication_tls"), "{code}: {err}");
    files.write("hosts.yml", "all: {children: {db: {hosts: {}}}}\n");
    assert_eq!(code_of(&files, &["validate"]).0, 65);
    assert_eq!(code_of(&files, &["status"]).0, 65);
}

/// Each of them would take out what the other one has written, with a restart each time.
#[test]
fn two_plays_do_not_write_one_option_file() {
    let files = Files::new();
    let more = |hosts: &str| {
        files.write("play.yml", &format!("{PLAY}- name: more\n  hosts: {hosts}\n  roles: [config]\n"));
        files.run(&["-i", "hosts.yml", "validate", "play.yml", "--format", "json"])
    };
    let (code, out, err) = more("db-b");
    assert_eq!(code, 65, "{out}{err}");
    assert!(out.contains("playbook::same-option-file"), "{out}");
    files.write(
        "hosts.yml",
        &INVENTORY.replace("        db-b:", "        db-c: {ansible_host: 192.0.2.3}\n        db-b:"),
    );
    files.write(
        "play.yml",
        &format!(
            "{}- name: more\n  hosts: db-c\n  roles: [config]\n",
            PLAY.replace("hosts: db\n", "hosts: db-a,db-b\n")
        ),
    );
    let (code, out, err) = files.run(&["-i", "hosts.yml", "validate", "play.yml", "--format", "json"]);
    assert_eq!(code, 0, "{out}{err}");
}

/// Each would move the channel to its own source, at every run.
#[test]
fn two_plays_do_not_share_a_channel() {
    let files = Files::new();
    files.write(
        "hosts.yml",
        &INVENTORY.replace("        db-b:", "        db-c: {ansible_host: 192.0.2.3}\n        db-b:"),
    );
    let play = |source: &str| {
        format!(
            "- name: from {source}\n  hosts: db\n  topology: {{kind: primary-replica, primary: {source}, replicas: [db-b]}}\n  \
             vars: {{replication_password: {{env: TEST_PASSWORD}}}}\n  roles: [accounts, replication]\n"
        )
    };
    let run = |sources: [&str; 2]| {
        files.write("play.yml", &sources.map(play).concat());
        files.run(&["-i", "hosts.yml", "validate", "play.yml", "--format", "json"])
    };
    let (code, out, err) = run(["db-a", "db-c"]);
    assert!(code == 65 && out.contains("playbook::same-channel"), "{code}: {out}{err}");
    let (code, out, err) = run(["db-a", "db-a"]);
    assert_eq!(code, 0, "{out}{err}");
}
