//! What a database administrator tries in the first hour, and what shells and scripts do with the output.

use std::{
    fs,
    os::unix::fs::FileTypeExt,
    path::Path,
    process::{Command, Stdio},
};

const HOSTS: &str = "all:\n  children:\n    db:\n      hosts:\n        db-a: {ansible_host: 127.0.0.1, replication_address: 192.0.2.1}\n        \
                     db-b: {ansible_host: 127.0.0.1, replication_address: 192.0.2.2}\n  vars:\n    ansible_port: 1\n    \
                     replication_password: {env: TEST_PASSWORD}\n";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a directory"));
        fs::write(place.0.path().join("hosts.yml"), HOSTS).expect("a file");
        place
    }

    fn tandem(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
        command.current_dir(self.0.path()).args(args).env("TEST_PASSWORD", "canary").stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.0.path().join("state")).env("HOME", self.0.path().join("home"));
        command.env("TANDEM_INVENTORY", "hosts.yml");
        command
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        said(&mut self.tandem(args))
    }

    /// Codes of the problems that `validate` finds.
    fn codes(&self, args: &[&str]) -> Vec<String> {
        let words = [&["validate", "hot-standby", "--format", "json"], args].concat();
        let (_, out, err) = self.run(&words);
        let json: serde_json::Value =
            serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}"));
        let problems = json["problems"].as_array().expect("a list").iter();
        problems.map(|p| p["code"].as_str().expect("a code").to_owned()).collect()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("a directory");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn said(command: &mut Command) -> (i32, String, String) {
    let output = command.output().expect("tandem runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_path_or_a_unit_that_a_command_would_take_for_an_option_is_refused() {
    let place = Place::new();
    for (name, wrong, right) in [
        ("mysql_option_file", "-rf", "/etc/mysql/conf.d/zz.cnf"),
        ("mysql_option_file", "conf.d/zz.cnf", "/etc/my.cnf.d/zz.cnf"),
        ("mysql_option_file", "\"/etc/a\\nb\"", "/etc/a b"),
        ("mysql_socket", "--help", "/run/mysqld/mysqld.sock"),
        ("replication_tls_ca", "-x", "/etc/ssl/ca.pem"),
        ("mysql_service", "-x", "mariadb@two.service"),
        ("mysql_service", "a;b", "mysql"),
    ] {
        assert_eq!(place.codes(&["-e", &format!("{name}={wrong}")]), ["variable::name"], "{name}={wrong}");
        assert_eq!(place.codes(&["-e", &format!("{name}={right}")]), Vec::<String>::new(), "{name}={right}");
    }
}

#[test]
fn options_of_other_programs_lead_to_what_is_meant() {
    let place = Place::new();
    for (args, word) in [
        (&["apply", "hot-standby", "--dry-run"][..], "tandem plan"),
        (&["apply", "hot-standby", "--check"], "tandem plan"),
        (&["apply", "hot-standby", "--auto-approve"], "apply --yes"),
        (&["apply", "hot-standby", "--ask-become-pass"], "ansible_become_password"),
    ] {
        let (code, out, err) = place.run(args);
        assert!(code == 64 && out.is_empty() && err.contains(word), "{args:?}: {code} {err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}

#[test]
fn one_mistake_is_one_message() {
    let place = Place::new();
    let (code, out, err) = place.run(&["-i", "nope.yml", "plan", "hot-standby"]);
    assert!(
        code == 65 && out.is_empty() && err.contains("nope.yml") && !err.contains("replication_password"),
        "{err}"
    );
    // A host in the place of a playbook.
    let (code, _, err) = place.run(&["doctor", "db-a"]);
    assert!(code == 65 && err.contains("--limit db-a"), "{err}");
    let (code, out, _) = place.run(&["-i", "nope.yml", "validate", "hot-standby", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let problems = json["problems"].as_array().expect("a list");
    assert!(code == 65 && problems.len() == 1 && problems[0]["code"] == "file::unreadable", "{out}");
}

#[test]
fn warnings_count_where_that_is_asked_for_and_a_missing_key_is_one() {
    let place = Place::new();
    let key = ["-e", "ansible_ssh_private_key_file=/nope"];
    assert_eq!(place.codes(&key), ["connection::key"]);
    let validate = ["validate", "hot-standby"];
    assert_eq!(place.run(&[&validate[..], &key].concat()).0, 0);
    assert_eq!(place.run(&[&validate[..], &key, &["--strict"]].concat()).0, 65);
    assert_eq!(place.run(&[&validate[..], &["--strict"]].concat()).0, 0);
}

#[test]
fn a_variable_that_no_file_sets_is_explained_by_its_default() {
    let place = Place::new();
    let explain = |name: &str| place.run(&["vars", "db-a", "--explain", name]);
    let (code, out, _) = explain("auto_increment_increment");
    assert!(code == 0 && out.contains("default: 10"), "{out}");
    let (code, _, err) = explain("mysql_option_fil");
    assert!(code == 1 && err.contains("did you mean `mysql_option_file`?"), "{err}");
}

#[test]
fn nothing_is_written_below_the_current_directory() {
    let place = Place::new();
    let before = place.names();
    for (home, state) in [(Some(""), None), (None, None), (Some("here"), Some("there")), (Some(""), Some(""))]
    {
        let mut command = place.tandem(&["history"]);
        for (name, value) in [("HOME", home), ("XDG_STATE_HOME", state)] {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let (code, _, err) = said(&mut command);
        assert!(code == 1 && err.contains("XDG_STATE_HOME"), "{home:?} {state:?}: {err}");
        command.env("XDG_RUNTIME_DIR", "runtime");
        command.env("SOPS_AGE_KEY_FILE", "");
        said(&mut command);
    }
    let mut plan = place.tandem(&["plan", "hot-standby"]);
    fs::create_dir(place.0.path().join("runtime")).expect("a directory");
    plan.env("HOME", "").env("XDG_RUNTIME_DIR", "runtime");
    assert_eq!(said(&mut plan).0, 4);
    assert_eq!(fs::read_dir(place.0.path().join("runtime")).expect("a directory").count(), 0);
    fs::remove_dir(place.0.path().join("runtime")).expect("removed");
    assert_eq!(place.names(), before);
}

#[test]
fn output_that_is_lost_is_an_error_and_a_device_stays_a_device() {
    let place = Place::new();
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").expect("a device"));
    for args in [
        &["schema", "plan"][..],
        &["validate", "hot-standby"],
        &["vars", "db-a"],
        &["man"],
        &["completions", "bash"],
        &["plan", "hot-standby"],
        &["status", "hot-standby", "--format", "json"],
        &["graph", "hot-standby"],
        &["report"],
        &["drift", "hot-standby", "--format", "json"],
    ] {
        let (code, _, err) = said(place.tandem(args).stdout(full()));
        assert!(code == 1 && err.contains("No space left"), "{args:?}: {code} {err}");
    }
    for args in [
        &["plan", "hot-standby", "-o", "/dev/full"][..],
        &["report", "hot-standby", "-o", "/dev/full"],
        &["drift", "hot-standby", "--metrics-file", "/dev/full"],
    ] {
        let (code, _, err) = place.run(args);
        assert!(code == 1 && err.contains("No space left"), "{args:?}: {code} {err}");
    }
    let kind = fs::metadata("/dev/full").expect("a device").file_type();
    assert!(kind.is_char_device());
}

#[test]
fn json_is_one_value() {
    let place = Place::new();
    for args in [
        &["init", "new"][..],
        &["validate", "hot-standby"],
        &["plan", "hot-standby"],
        &["status", "hot-standby"],
        &["doctor", "hot-standby"],
        &["graph", "hot-standby"],
        &["graph", "hot-standby", "--as", "svg"],
        &["report", "hot-standby"],
        &["drift", "hot-standby"],
        &["vars", "db-a"],
    ] {
        let (_, out, err) = place.run(&[args, &["--format", "json"]].concat());
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&out);
        assert!(parsed.is_ok(), "{args:?}: {out}{err}");
    }
}

#[test]
fn a_plan_without_steps_does_not_ask_to_be_applied() {
    let place = Place::new();
    let (code, _, err) = place.run(&["plan", "hot-standby", "-o", "saved.plan"]);
    assert!(code == 4 && err.contains("saved.plan") && !err.contains("tandem apply"), "{err}");
    assert!(Path::new(&place.0.path().join("saved.plan")).exists());
}

#[test]
fn a_shell_completes_hosts_of_the_inventory_in_the_environment() {
    let place = Place::new();
    let mut command = place.tandem(&["--", "tandem", "vars", "db"]);
    command.env("TANDEM_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "2").env("_CLAP_IFS", "\n");
    let (_, out, err) = said(&mut command);
    assert_eq!(out.lines().map(str::trim).collect::<Vec<_>>(), ["db-a", "db-b"], "{err}");
}
