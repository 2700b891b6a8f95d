//! The schemas in docs/schemas: made by the program, true for every file that is shown anywhere, and strict.

use std::{collections::BTreeMap, fs, path::Path, process::Command, sync::LazyLock};

use serde_json::{Value, json};
use tandem::inside::{schema, source::Sources};

const NAMES: [&str; 5] = ["inventory", "variables", "playbook", "role", "plan"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn made(name: &str) -> Value {
    match name {
        "inventory" => schema::inventory(),
        "variables" => schema::variables(),
        "playbook" => schema::playbook(),
        "role" => schema::role(),
        _ => schema::plan(),
    }
}

fn yaml(text: &str) -> Value {
    let mut problems = tandem::inside::source::Problems::default();
    let node = Sources::default().built_in("f.yml", text, &mut problems);
    node.unwrap_or_else(|| panic!("{problems:?}\n{text}")).to_json()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// What a schema has against a value.
fn against(name: &str, value: &Value) -> Vec<String> {
    static VALIDATORS: LazyLock<BTreeMap<&str, jsonschema::Validator>> = LazyLock::new(|| {
        let validator = |name| (name, jsonschema::draft202012::new(&made(name)).expect("a schema"));
        NAMES.into_iter().map(validator).collect()
    });
    VALIDATORS[name].iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[test]
fn the_files_are_what_the_program_prints() {
    for name in NAMES {
        let output =
            Command::new(env!("CARGO_BIN_EXE_tandem")).args(["schema", name]).output().expect("runs");
        let fresh = String::from_utf8(output.stdout).expect("text");
        let path = root().join(format!("docs/schemas/{name}.json"));
        if std::env::var_os("TANDEM_WRITE").is_some() {
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(&path, &fresh).expect("a file");
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(there == fresh, "docs/schemas/{name}.json is old: TANDEM_WRITE=1 cargo test --test schemas");
        jsonschema::meta::validate(&made(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn the_tables_in_the_reference_are_the_programs() {
    let document = read("docs/reference.md");
    let mut fresh = document.clone();
    for table in [
        tandem::inside::model::variables::table(),
        tandem::inside::model::limits::table(),
        tandem::inside::schema::resources(),
    ] {
        let heading = table.lines().next().expect("a heading");
        let begin = fresh.find(heading).expect("the table");
        let end = fresh[begin..].find("\n\n").expect("its end") + begin + 1;
        fresh.replace_range(begin..end, &table);
    }
    if std::env::var_os("TANDEM_WRITE").is_some() {
        fs::write(root().join("docs/reference.md"), &fresh).expect("docs/reference.md can be written");
    } else {
        assert!(document == fresh, "docs/reference.md is old: TANDEM_WRITE=1 cargo test --test schemas");
    }
}

#[test]
fn every_default_of_a_built_in_role_is_a_known_variable() {
    for role in tandem::inside::playbook::role_names() {
        let path = root().join(format!("roles/{role}/defaults/main.yml"));
        let Ok(text) = fs::read_to_string(path) else { continue };
        let value = yaml(&text);
        for name in value.as_object().into_iter().flat_map(|m| m.keys()) {
            assert!(tandem::inside::model::variables::is_known(name), "{role}: {name}");
        }
        assert_eq!(against("variables", &value), Vec::<String>::new(), "{role}");
        let text = read(&format!("roles/{role}/role.yml"));
        assert_eq!(against("role", &yaml(&text)), Vec::<String>::new(), "{role}");
    }
}

#[test]
fn every_file_that_is_shipped_fits() {
    for (name, path) in [
        ("inventory", "inventory/example/hosts.yml"),
        ("variables", "inventory/example/group_vars/db.yml"),
        ("variables", "tests/vault/plain.yml"),
        ("playbook", "playbooks/hot-standby.yml"),
        ("playbook", "playbooks/read-replicas.yml"),
        ("inventory", "src/cli/init/inventory.yml"),
        ("playbook", "src/cli/init/playbook.yml"),
    ] {
        assert_eq!(against(name, &yaml(&read(path))), Vec::<String>::new(), "{path}");
    }
    let saved = serde_json::from_str(&read("tests/planner/plan-2.0.json")).expect("JSON");
    assert_eq!(against("plan", &saved), Vec::<String>::new());
    let snapshot = read("tests/planner/snapshots/planner__pair-with-data-json.snap");
    let (_, json) = snapshot.split_once("\n---\n").expect("a snapshot");
    assert_eq!(against("plan", &serde_json::from_str(json).expect("JSON")), Vec::<String>::new());
}

/// Which schema a block of a document is for, by its first key.
fn kind_of(value: &Value) -> Option<&'static str> {
    match value {
        // Ansible's own, which a page shows to say what takes its place.
        Value::Array(items) if items.iter().any(|play| play.get("tasks").is_some()) => None,
        Value::Array(items) => {
            items.first()?.get("hosts").or(items.first()?.get("roles")).map(|_| "playbook")
        }
        Value::Object(map) if map.contains_key("resources") => Some("role"),
        Value::Object(map) if map.contains_key("all") => Some("inventory"),
        Value::Object(map) if map.keys().any(|key| tandem::inside::model::variables::is_known(key)) => {
            Some("variables")
        }
        _ => None,
    }
}

#[test]
fn every_block_in_the_documents_fits() {
    let mut documents = vec![root().join("README.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if path.extension().is_some_and(|e| e == "md") => documents.push(path),
                _ => {}
            }
        }
    }
    let mut checked = 0;
    for path in documents {
        let text = fs::read_to_string(&path).expect("a document");
        for (language, block) in blocks(&text) {
            let (name, value) = match language {
                "yaml" if !block.contains("!vault") => {
                    let value = yaml(block);
                    let Some(name) = kind_of(&value) else { continue };
                    (name, value)
                }
                "json" if block.contains("\"format_version\"") && block.contains("\"steps\"") => {
                    ("plan", serde_json::from_str(block).expect("JSON"))
                }
                _ => continue,
            };
            checked += 1;
            assert_eq!(against(name, &value), Vec::<String>::new(), "{}:\n{block}", path.display());
        }
    }
    assert!(checked >= 4, "only {checked} blocks were found");
}

/// The fenced blocks of a document, with their languages.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    text.split("\n```").skip(1).step_by(2).filter_map(|part| part.split_once('\n')).collect()
}

#[test]
fn what_is_wrong_does_not_fit() {
    let play = |topology: Value| json!([{"hosts": "db", "topology": topology}]);
    let plan = |key: &str, value: Value| {
        let mut plan: Value = serde_json::from_str(&read("tests/planner/plan-2.0.json")).expect("JSON");
        plan[key] = value;
        plan
    };
    for (name, value) in [
        ("inventory", json!([])),
        ("inventory", json!({"all": {"host": {}}})),
        ("inventory", json!({"all": {"hosts": ["db-a"]}})),
        ("inventory", json!({"all": {"children": {"db": {"vars": {"replication_tls": "requierd"}}}}})),
        ("variables", json!({"replication_password": {"env": "A", "file": "b"}})),
        ("variables", json!({"replication_password": {"vault": "b"}})),
        ("variables", json!({"replication_password": {"sops": "b", "kye": "c"}})),
        ("variables", json!({"mysql_port": 0})),
        ("variables", json!({"server_id": "seven"})),
        ("variables", json!({"firewall_deny_others": "perhaps"})),
        ("variables", json!({"mysql_settings": {"max connections": 1}})),
        ("variables", json!({"mysql_settings": {"max_connections": {"a": 1}}})),
        ("variables", json!({"mysql_databases": [{"charset": "utf8"}]})),
        ("variables", json!({"drift_ignore": [{"what": "db-a"}]})),
        ("playbook", json!({"hosts": "db"})),
        ("playbook", json!([{"hosts": "db", "topolgy": {}}])),
        ("playbook", play(json!({"kind": "dual-primery", "members": []}))),
        ("playbook", play(json!({"kind": "dual-primary", "primary": "db-a"}))),
        ("playbook", play(json!({"kind": "ring", "members": ["a", "b", "c"], "standby": "a"}))),
        ("playbook", play(json!({"kind": "primary-replica", "primary": "db-a"}))),
        ("playbook", play(json!({"kind": "primary-replica", "primary": "a", "replicas": [{"source": "a"}]}))),
        ("playbook", play(json!({"kind": "channels", "channels": [{"from": "a"}]}))),
        (
            "playbook",
            play(json!({"kind": "channels", "channels": [{"from": "a", "to": "b", "delay": "soon"}]})),
        ),
        ("playbook", json!([{"roles": [{"vars": {}}]}])),
        ("role", json!({"resources": [{"service": {"name": "x"}, "packages": {"names": ["y"]}}]})),
        ("role", json!({"resources": [{"service": {"nmae": "x"}}]})),
        ("role", json!({"resources": [{"command": {"run": ["x"]}}]})),
        ("plan", json!({})),
        ("plan", plan("in_sync", json!("no"))),
        ("plan", plan("steps", json!([{"id": "db-a/x"}]))),
    ] {
        assert!(!against(name, &value).is_empty(), "{name} takes {value}");
    }
    // What a later minor version adds is no mistake.
    assert_eq!(against("plan", &plan("a_later_field", json!(1))), Vec::<String>::new());
}

#[test]
fn what_may_stand_anywhere_fits_everywhere() {
    let sealed = "$ANSIBLE_VAULT;1.1;AES256\n3161\n";
    for value in [
        json!("{{ something }}"),
        json!({"env": "NAME"}),
        json!({"file": "path"}),
        json!({"command": ["pass", "show", "x"]}),
        json!({"age": "path"}),
        json!({"sops": "path", "key": "a.b"}),
        json!({"sops": "path"}),
        json!(sealed),
        Value::Null,
    ] {
        for (name, ..) in tandem::inside::model::variables::all() {
            assert_eq!(against("variables", &json!({name: value})), Vec::<String>::new(), "{name}: {value}");
        }
    }
}
