//! Secrets that are encrypted: vaults of Ansible, files of age, files of sops. No host is needed; `with_age_itself` needs
//! the program `age`.
//!
//! The files in tests/vault were made once with the real tools; its README says how.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

const INVENTORY: &str = "all:\n  children:\n    db:\n      hosts:\n        db-a: {ansible_host: 192.0.2.1}\n        db-b: {ansible_host: 192.0.2.2}\n";
const PLAY: &str = "- name: pair\n  hosts: db\n  topology: {kind: dual-primary, members: [db-a, db-b]}\n  roles: [firewall, tls, config, accounts, seed, replication]\n";

struct Files(tempfile::TempDir);

/// How a run ended, and what it printed to both streams.
#[derive(Debug)]
struct Run {
    code: i32,
    text: String,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vault").join(name)
}

impl Files {
    fn new(variables: &str) -> Self {
        let files = Self(tempfile::tempdir().expect("a directory"));
        files.write("hosts.yml", INVENTORY);
        files.write("play.yml", PLAY);
        files.write("group_vars/db.yml", variables);
        files
    }

    fn of_vault(name: &str) -> Self {
        Self::new(&fs::read_to_string(fixture(name)).expect("a fixture"))
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, text).expect("a file");
        path
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.write(name, text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("rights");
    }

    fn copy(&self, name: &str) {
        fs::copy(fixture(name), self.0.path().join(name)).expect("a fixture");
    }

    fn run(&self, args: &[&str], environment: &[(&str, &str)]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
        command.current_dir(self.0.path()).args(["-i", "hosts.yml"]).args(args);
        for name in [
            "TANDEM_INVENTORY",
            "ANSIBLE_VAULT_PASSWORD_FILE",
            "ANSIBLE_VAULT_IDENTITY_LIST",
            "TANDEM_AGE_IDENTITY",
            "SOPS_AGE_KEY_FILE",
        ] {
            command.env_remove(name);
        }
        let output = command
            .env("HOME", self.0.path().join("home"))
            .env("XDG_STATE_HOME", self.0.path().join("state"))
            .envs(environment.iter().copied())
            .output()
            .expect("tandem runs");
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        Run { code: output.status.code().unwrap_or(-1), text }
    }

    fn validate(&self, args: &[&str]) -> Run {
        self.run(&[&["validate", "play.yml"], args].concat(), &[])
    }
}

#[test]
fn a_vault_is_read_with_every_way_to_name_a_password() {
    let files = Files::of_vault("whole.yml");
    files.copy("password");
    files.program("ask.sh", "#!/bin/sh\necho swordfish\n");
    for args in [
        &["--vault-password-file", "password"][..],
        &["--vault-password-file", "ask.sh"],
        &["--vault-id", "any@password"],
        &["--vault-id", "password"],
        &["--vault-id", "one@play.yml", "--vault-id", "two@password"],
    ] {
        let run = files.validate(args);
        assert_eq!((run.code, run.text.as_str()), (0, "Valid: 2 hosts, 1 play.\n"), "{args:?}");
    }
    for variable in ["ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_IDENTITY_LIST"] {
        let run = files.run(&["validate", "play.yml"], &[(variable, "password")]);
        assert_eq!(run.code, 0, "{variable}: {run:?}");
    }
}

#[test]
fn a_vault_that_stays_closed_says_which_file_and_what_to_do() {
    let files = Files::of_vault("whole.yml");
    let run = files.validate(&[]);
    assert_eq!(run.code, 65);
    for part in ["group_vars/db.yml:1", "no vault password was given", "--vault-password-file FILE"] {
        assert!(run.text.contains(part), "{part}: {}", run.text);
    }
    files.write("wrong", "sailfish\n");
    let run = files.validate(&["--vault-password-file", "wrong"]);
    assert_eq!(run.code, 65);
    for part in ["group_vars/db.yml", "HMAC does not match", "wrong"] {
        assert!(run.text.contains(part), "{part}: {}", run.text);
    }
    // What is missing since the vault stays closed is no mistake of its own.
    assert!(run.text.contains("1 mistake in"), "{}", run.text);
    assert_eq!(files.validate(&["--vault-id", "prod@prompt"]).code, 64);
}

#[test]
fn what_a_vault_holds_is_used_and_never_shown() {
    let files = Files::of_vault("whole.yml");
    files.copy("password");
    let key = ["--vault-password-file", "password"];
    for args in [
        &["vars", "db-a", "play.yml"][..],
        &["vars", "db-a", "--format", "json"],
        &["vars", "db-a", "--explain", "mysql_settings"],
        &["vars", "db-a", "--explain", "replication_password"],
    ] {
        let run = files.run(&[args, &key].concat(), &[]);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.text.contains("***") && !run.text.contains("canary"), "{run:?}");
        assert!(!run.text.contains("96M") && !run.text.contains("123"), "{run:?}");
    }
    let run = files.run(&["vars", "db-a", "--explain", "replication_password", key[0], key[1]], &[]);
    assert!(run.text.contains("group_vars/db.yml:1"), "{run:?}");
}

/// Made with `ansible-vault encrypt_string`, and passed on under other names as Ansible's users do.
#[test]
fn inline_values_and_templates_that_pass_them_on() {
    let sealed = |name: &str| {
        let text = fs::read_to_string(fixture(name)).expect("a fixture");
        text.lines().map(|line| format!("  {line}\n")).collect::<String>()
    };
    let files = Files::new(&format!(
        "replication_password: \"{{{{ vault_password }}}}\"\nvault_password: !vault |\n{}",
        sealed("inline.vault")
    ));
    files.copy("password");
    let key = ["--vault-password-file", "password"];
    let run = files.validate(&key);
    assert_eq!((run.code, run.text.as_str()), (0, "Valid: 2 hosts, 1 play.\n"));
    let run = files.validate(&[]);
    assert!(run.code == 65 && run.text.contains("group_vars/db.yml:3"), "{run:?}");
    // A text that is no secret does not become one on the way.
    let files = Files::new("replication_password: \"{{ plain }}\"\nplain: text\n");
    assert_eq!(files.validate(&key[..0]).code, 65);
}

/// Mistakes inside of a vault are told at their line, without the line.
#[test]
fn mistakes_in_a_vault_are_told_without_its_text() {
    let files = Files::of_vault("mistakes.yml");
    files.copy("password");
    let run = files.validate(&["--vault-password-file", "password"]);
    assert_eq!(run.code, 65, "{run:?}");
    assert!(!run.text.contains("canary"), "{}", run.text);
    insta::assert_snapshot!(run.text);
    let json = files.validate(&["--vault-password-file", "password", "--format", "json"]);
    assert!(!json.text.contains("canary") && json.text.contains("\"line\": 2"), "{}", json.text);
    let files = Files::of_vault("syntax.yml");
    files.copy("password");
    let run = files.validate(&["--vault-password-file", "password"]);
    assert!(run.code == 65 && run.text.contains("not valid YAML"), "{run:?}");
    assert!(!run.text.contains("canary"), "{}", run.text);
}

#[test]
fn a_reference_to_a_vault() {
    let files = Files::new("replication_password: {file: ../file.vault}\n");
    files.copy("file.vault");
    files.copy("password");
    let run = files.validate(&["--vault-password-file", "password"]);
    assert_eq!(run.code, 0, "{run:?}");
    let run = files.validate(&[]);
    assert!(run.code == 65 && run.text.contains("file.vault"), "{run:?}");
}

/// With the real program, so that it is its words, its formats and its answers that are tested.
mod with_age_itself {
    use super::*;

    #[test]
    fn files_of_every_form_are_decrypted() {
        for (file, identity) in
            [("secret.age", "age.key"), ("secret.asc.age", "age.key"), ("secret.ssh.age", "ssh.key")]
        {
            let files = Files::new(&format!("replication_password: {{age: ../{file}}}\n"));
            files.copy(file);
            files.copy(identity);
            let run = files.validate(&["--age-identity", identity]);
            assert_eq!(run.code, 0, "{file}: {run:?}");
            assert!(!run.text.contains("canary"), "{run:?}");
        }
    }

    #[test]
    fn every_way_to_name_an_identity() {
        let files = Files::new("replication_password: {age: ../secret.age}\n");
        files.copy("secret.age");
        for (variable, path) in
            [("TANDEM_AGE_IDENTITY", fixture("age.key")), ("SOPS_AGE_KEY_FILE", fixture("age.key"))]
        {
            let run = files.run(&["validate", "play.yml"], &[(variable, &path.to_string_lossy())]);
            assert_eq!(run.code, 0, "{variable}: {run:?}");
        }
        fs::create_dir_all(files.0.path().join("home/.config/age")).expect("a directory");
        fs::copy(fixture("age.key"), files.0.path().join("home/.config/age/keys.txt")).expect("a key");
        assert_eq!(files.validate(&[]).code, 0);
    }

    #[test]
    fn a_file_for_others_or_damaged_gives_nothing() {
        let files = Files::new("replication_password: {age: ../secret.age}\n");
        files.copy("secret.age");
        files.copy("ssh.key");
        let wrong = files.validate(&["--age-identity", "ssh.key"]);
        assert!(wrong.code == 65 && wrong.text.contains("ssh.key"), "{wrong:?}");
        // Without an identity it would ask; here is no terminal.
        let none = files.validate(&[]);
        assert!(none.code == 65 && none.text.contains("--age-identity"), "{none:?}");
        files.write("secret.age", "nonsense");
        assert_eq!(files.validate(&["--age-identity", "ssh.key"]).code, 65);
    }
}

/// Stands in for age: what is looked at is which words it is given, and what becomes of its answers.
#[test]
fn age_is_called_with_words_and_no_shell() {
    let files = Files::new("replication_password: {age: \"../a $(touch owned).age\"}\n");
    let path = format!("{}/bin", files.0.path().display());
    let validate = |args: &[&str]| files.run(&[&["validate", "play.yml"], args].concat(), &[("PATH", &path)]);
    let given = |name: &str| fs::read_to_string(files.0.path().join(name)).unwrap_or_default();
    let run = validate(&[]);
    assert!(run.code == 65 && run.text.contains("owned).age can't be read"), "{run:?}");
    files.write("a $(touch owned).age", "age-encryption.org/v1\n-> X25519 x\n");
    let run = validate(&[]);
    assert!(run.code == 65 && run.text.contains("`age` is not installed"), "{run:?}");
    files.program("bin/rage", "#!/bin/sh\nprintf '%s|' \"$@\" > rage.words\necho secret-of-rage\n");
    files.copy("age.key");
    let run = validate(&["--age-identity", "age.key"]);
    assert_eq!(run.code, 0, "{run:?}");
    let identity = files.0.path().join("age.key");
    let words = format!("--decrypt|--identity|{}|--|group_vars/../a $(touch owned).age|", identity.display());
    assert_eq!(given("rage.words"), words);
    // age comes first, and where it fails nothing else is tried.
    files.program("bin/age", "#!/bin/sh\necho >> age.runs\nexit 3\n");
    let run = validate(&["--age-identity", "age.key"]);
    assert!(run.code == 65 && run.text.contains("status: 3"), "{run:?}");
    assert_eq!(given("age.runs"), "\n", "a program that may ask is run once");
    // A passphrase is asked for by the program, which refuses identities for such a file.
    files.program("bin/age", "#!/bin/sh\nprintf '%s|' \"$@\" > age.words\necho secret-of-age\n");
    for head in ["age-encryption.org/v1\n-> scrypt x 18\n", ARMORED] {
        files.write("a $(touch owned).age", head);
        assert_eq!(validate(&["--age-identity", "age.key"]).code, 0);
        assert_eq!(given("age.words"), "--decrypt|--|group_vars/../a $(touch owned).age|");
    }
}

/// The first line of a file of `age --armor --passphrase`.
const ARMORED: &str =
    "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBtVHd6aHhqWUJFZzJNUmpQ\n";

/// Stands in for sops: what is looked at is which words it is given, and what becomes of its answers.
#[test]
fn sops_is_called_with_words_and_no_shell() {
    let files =
        Files::new("replication_password: {sops: \"../a $(touch owned).yml\", key: replication.password}\n");
    let path = format!("{}/bin", files.0.path().display());
    let run = files.run(&["validate", "play.yml"], &[("PATH", &path)]);
    assert!(run.code == 65 && run.text.contains("sops") && run.text.contains("not found"), "{run:?}");
    let run = files.run(&["plan", "play.yml"], &[("PATH", &path)]);
    assert!(run.code == 65 && run.text.contains("sops is not installed"), "{run:?}");
    files.program("bin/sops", "#!/bin/sh\nprintf '%s|' \"$@\" > said\nexit 3\n");
    let run = files.run(&["plan", "play.yml"], &[("PATH", &path)]);
    assert!(run.code == 65 && run.text.contains("exit status: 3"), "{run:?}");
    let said = fs::read_to_string(files.0.path().join("said")).expect("it was run");
    assert_eq!(said, "-d|--extract|[\"replication\"][\"password\"]|group_vars/../a $(touch owned).yml|");
    let files = Files::new("replication_password: {sops: a.yml, key: \"a\\\"]\"}\n");
    let run = files.validate(&[]);
    assert!(run.code == 65 && run.text.contains("no way to a value"), "{run:?}");
}
