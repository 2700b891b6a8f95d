//! Inventories as Ansible reads them: each shape in tests/inventories is read by both, and by Ansible's own classes in
//! one process. `make oracle DIR=...` compares any folder.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tandem::inside::{
    inventory::{Ignored, Inventory, Request, select},
    model::HostName,
    source::{Problems, Severity, Sources},
    vault::{Keyring, PasswordSource},
};

const PYTHON: &str = "/usr/bin/python3";

/// One inventory with all that is beside it.
struct Shape {
    name: String,
    directory: PathBuf,
    sources: Vec<String>,
    playbook: Option<String>,
    patterns: Vec<String>,
    vault: Option<String>,
    /// Whether values are compared after their templates were evaluated, too.
    evaluate: bool,
    /// Codes of problems that are meant to be there, where both sides do not agree on purpose.
    refused: Vec<String>,
}

impl Shape {
    /// Writes the files of a shape: `-i`, `--playbook-dir`, `--limit`, `--vault`, `--evaluate`, `! code` before the first `=== FILE`.
    fn write(name: &str, text: &str, root: &Path) -> Self {
        let directory = root.join(name);
        fs::create_dir_all(&directory).expect("a directory");
        let mut shape = Shape {
            name: name.to_owned(),
            directory,
            sources: Vec::new(),
            playbook: None,
            patterns: Vec::new(),
            vault: None,
            evaluate: false,
            refused: Vec::new(),
        };
        let (head, files) = text.split_once("\n=== ").unwrap_or((text, ""));
        for line in head.lines() {
            match line.split_once(' ') {
                Some(("-i", source)) => shape.sources.push(source.to_owned()),
                Some(("--playbook-dir", folder)) => shape.playbook = Some(folder.to_owned()),
                Some(("--limit", pattern)) => shape.patterns.push(pattern.to_owned()),
                Some(("--vault", file)) => shape.vault = Some(file.to_owned()),
                None if line == "--evaluate" => shape.evaluate = true,
                Some(("!", code)) => shape.refused.push(code.to_owned()),
                _ => assert!(line.is_empty() || line.starts_with('#'), "{name}: {line}"),
            }
        }
        for file in files.split("\n=== ").filter(|file| !file.is_empty()) {
            let (file, body) = file.split_once('\n').unwrap_or((file, ""));
            let (file, mode) = file.strip_prefix("+x ").map_or((file, 0o644), |file| (file, 0o755));
            let path = shape.directory.join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(&path, format!("{body}\n")).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        }
        shape
    }

    fn question(&self) -> Value {
        json!({"dir": self.directory, "sources": self.sources, "playbook_dir": self.playbook,
               "patterns": self.patterns, "vault": self.vault, "evaluate": self.evaluate})
    }

    /// What tandem reads.
    fn read(&self) -> (Inventory, Problems) {
        let path = |text: &String| if text.contains(',') { text.into() } else { self.directory.join(text) };
        let paths: Vec<PathBuf> = self.sources.iter().map(path).collect();
        let playbook = self.playbook.as_ref().map(|folder| self.directory.join(folder));
        let ignored = Ignored::default();
        let request =
            Request { paths: &paths, playbook: playbook.as_deref(), ignored: &ignored, programs: true };
        let keys =
            self.vault.iter().map(|file| PasswordSource { label: None, path: self.directory.join(file) });
        let mut sources = Sources::with_keys(Keyring::new(keys.collect(), Vec::new()));
        let mut problems = Problems::default();
        let inventory = tandem::inside::inventory::load(&request, &mut sources, &mut problems);
        (inventory, problems)
    }
}

/// What Ansible makes of the shapes, in their order.
fn ask_ansible(shapes: &[Shape]) -> Vec<Value> {
    let config = tempfile::Builder::new().suffix(".cfg").tempfile().expect("a file");
    let ask = |shapes: &[Shape]| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inventories/oracle.py");
        let mut child = Command::new(PYTHON)
            .arg(script)
            .env("ANSIBLE_CONFIG", config.path())
            .env_remove("ANSIBLE_INVENTORY")
            .env_remove("ANSIBLE_VAULT_PASSWORD_FILE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let questions: String = shapes.iter().map(|shape| format!("{}\n", shape.question())).collect();
        child.stdin.take().expect("a pipe").write_all(questions.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("python ends");
        assert!(
            output.status.success(),
            "Ansible's own reader does not run; install ansible-core: tests/lab/lab ansible"
        );
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>()
    };
    let (one, two) = shapes.split_at(shapes.len() / 2);
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let first = scope.spawn(|| ask(one));
        let second = ask(two);
        first.join().expect("no panic").into_iter().chain(second).collect()
    });
    assert_eq!(answers.len(), shapes.len());
    answers
}

/// Every difference between what Ansible and tandem have read.
fn differences(shape: &Shape, ansible: &Value) -> Vec<String> {
    let (inventory, problems) = shape.read();
    let mut found = Vec::new();
    let errors: Vec<_> = problems.0.iter().filter(|p| p.severity == Severity::Error).collect();
    if let Some(code) = shape.refused.first() {
        if !errors.iter().any(|p| p.code == code) {
            found.push(format!("not refused with {code}: {errors:?}"));
        }
        return found;
    }
    found.extend(errors.iter().map(|p| format!("{}: {}: {}", p.place, p.code, p.message)));
    if let Some(error) = ansible["error"].as_str() {
        found.push(format!("Ansible refuses it: {error}"));
        return found;
    }
    let names = |hosts: &[HostName]| json!(hosts.iter().map(HostName::as_str).collect::<Vec<_>>());
    let mut differ = |what: &str, theirs: &Value, ours: &Value| {
        if !same(theirs, ours) {
            found.push(format!("{what}: Ansible {theirs}, tandem {ours}"));
        }
    };
    differ(
        "hosts",
        &ansible["order"],
        &json!(inventory.hosts.keys().map(HostName::as_str).collect::<Vec<_>>()),
    );
    let groups = ansible["groups"].as_object().expect("groups");
    differ(
        "groups",
        &json!(groups.keys().collect::<Vec<_>>()),
        &json!(inventory.groups.keys().collect::<Vec<_>>()),
    );
    for (group, theirs) in groups {
        let ours = names(inventory.members(group));
        if ansible["fixed"].as_array().is_some_and(|fixed| fixed.contains(&json!(group))) {
            differ(&format!("order of {group}"), theirs, &ours);
        } else {
            differ(&format!("members of {group}"), &sorted(theirs), &sorted(&ours));
        }
    }
    for (host, theirs) in ansible["hosts"].as_object().expect("hosts") {
        let host = HostName::new(host.as_str());
        let mut of: Vec<&str> = inventory.groups_of(&host);
        of.sort_unstable();
        differ(&format!("groups of {host}"), &theirs["groups"], &json!(of));
        let variables = inventory.variables(&host);
        let ours: BTreeMap<&str, Value> =
            variables.iter().map(|(n, v)| (n, v.winner().node.to_json())).collect();
        let theirs = theirs["vars"].as_object().expect("variables");
        for name in theirs
            .keys()
            .map(String::as_str)
            .chain(ours.keys().copied())
            .collect::<std::collections::BTreeSet<_>>()
        {
            let missing = json!("(not there)");
            let (theirs, ours) = (theirs.get(name).unwrap_or(&missing), ours.get(name).unwrap_or(&missing));
            differ(&format!("{name} of {host}"), theirs, ours);
        }
    }
    for (pattern, theirs) in ansible["patterns"].as_object().expect("patterns") {
        differ(
            &format!("pattern {pattern}"),
            theirs,
            &select(&inventory, pattern).map_or_else(|e| json!(e), |h| names(&h)),
        );
    }
    if shape.evaluate {
        found.extend(evaluated_differences(shape, ansible));
    }
    found
}

/// Every value that templates make otherwise here than there. Names that speak of secrets show none.
fn evaluated_differences(shape: &Shape, ansible: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (host, theirs) in ansible["hosts"].as_object().expect("hosts") {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
        command.current_dir(&shape.directory).env_remove("ANSIBLE_CONFIG");
        command.args(shape.sources.iter().flat_map(|source| ["-i", source]));
        command.args(shape.vault.iter().flat_map(|file| ["--vault-password-file", file]));
        let output =
            command.args(["vars", host, "--evaluate", "--format", "json"]).output().expect("tandem runs");
        let Ok(ours) = serde_json::from_slice::<Value>(&output.stdout) else {
            found.push(format!("vars {host}: {}", String::from_utf8_lossy(&output.stderr)));
            continue;
        };
        for (name, theirs) in theirs["values"].as_object().expect("values") {
            let failed = theirs.get("__failed").is_some();
            match ours["values"].get(name) {
                Some(Value::String(stars)) if stars == "***" => {}
                Some(value) if !failed && (same(theirs, value) || as_text(theirs, value)) => {}
                None if failed => {}
                value => found.push(format!(
                    "{name} of {host}: Ansible {theirs}, here {}",
                    value.map_or_else(|| ours["failed"][name].to_string(), Value::to_string)
                )),
            }
        }
    }
    found
}

/// What an expression makes keeps its type here, as with Ansible's `jinja2_native`; without that a number becomes text.
fn as_text(theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (Value::String(text), Value::Number(number)) => *text == number.to_string(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b) || as_text(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let equal = |(key, value): (&String, &Value)| {
                b.get(key).is_some_and(|other| same(value, other) || as_text(value, other))
            };
            a.len() == b.len() && a.iter().all(equal)
        }
        _ => false,
    }
}

fn sorted(list: &Value) -> Value {
    let mut items: Vec<String> = list.as_array().into_iter().flatten().map(ToString::to_string).collect();
    items.sort();
    json!(items)
}

/// Equal as values: Python's `1.0` is a float and `1` is not, and numbers beyond 64 bits are text here.
fn same(theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (Value::Number(a), Value::String(b)) => a.to_string() == *b,
        _ => theirs == ours,
    }
}

fn report(shapes: &[Shape]) -> Vec<String> {
    let answers = ask_ansible(shapes);
    let named = |(shape, answer): (&Shape, &Value)| {
        differences(shape, answer)
            .into_iter()
            .map(|text| format!("{}: {text}", shape.name))
            .collect::<Vec<_>>()
    };
    shapes.iter().zip(&answers).flat_map(named).collect()
}

#[test]
fn every_shape_is_read_as_ansible_reads_it() {
    let root = tempfile::tempdir().expect("a directory");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inventories");
    let mut shapes = Vec::new();
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("shapes").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "shapes")) {
        let text = fs::read_to_string(file).expect("a file");
        for shape in text.split("\n##### ").skip(1) {
            let (name, body) = shape.split_once('\n').expect("a body");
            shapes.push(Shape::write(name, body.trim_end(), root.path()));
        }
    }
    assert!(shapes.len() >= 60, "{} shapes", shapes.len());
    let found = report(&shapes);
    assert!(
        found.is_empty(),
        "{} differences in {} shapes:\n{}",
        found.len(),
        shapes.len(),
        found.join("\n")
    );
}

/// `make oracle DIR=...`: the inventories of any folder.
#[test]
#[ignore = "needs TANDEM_ORACLE, a folder"]
fn a_folder_is_read_as_ansible_reads_it() {
    let directory = PathBuf::from(std::env::var("TANDEM_ORACLE").expect("TANDEM_ORACLE names a folder"));
    let directory = fs::canonicalize(&directory).expect("a folder");
    let given = std::env::var("TANDEM_ORACLE_SOURCES").unwrap_or_default();
    let mut sources: Vec<String> = given.split_whitespace().map(str::to_owned).collect();
    if sources.is_empty() {
        let usual =
            ["inventory", "inventory.yml", "inventory.ini", "hosts.yml", "hosts.ini", "hosts", "inventories"];
        sources
            .extend(usual.iter().find(|name| directory.join(name).exists()).map(|name| (*name).to_owned()));
    }
    assert!(
        !sources.is_empty(),
        "no inventory in {}; name it: make oracle DIR=... SOURCES=...",
        directory.display()
    );
    let shape = Shape {
        name: directory.display().to_string(),
        playbook: Some(".".into()),
        patterns: Vec::new(),
        vault: std::env::var("ANSIBLE_VAULT_PASSWORD_FILE").ok(),
        evaluate: true,
        refused: Vec::new(),
        sources,
        directory,
    };
    let found = report(&[shape]);
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
}
