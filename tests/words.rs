//! Meaning stays in types: nobody reads it out of a sentence of ours.
//!
//! The sources are scanned for looks into a text: a word that is searched for, a text of a finding that is taken apart,
//! a code or a state that is compared as text. Where a text comes from outside (a server, a file, a command line), it
//! has to be read: those rooms and lines are listed, each with its reason.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Rooms that read what others have written, and what that is.
const FOREIGN: [(&str, &str); 14] = [
    ("source", "YAML of users"),
    ("inventory", "inventories of users, in three languages"),
    ("vault", "files of ansible-vault and of age"),
    ("template", "templates of users"),
    ("playbook", "playbooks and roles of users"),
    ("model", "versions, names, patterns, terminal escapes"),
    ("option_file", "option files of servers"),
    ("grant", "SHOW GRANTS and hashes of passwords"),
    ("gtid", "positions as servers write them"),
    ("dialect", "values of variables, statements"),
    ("firewall", "rules as four tools print them"),
    ("doctor", "messages of servers, kernels and package managers"),
    ("observe", "answers of scripts and servers"),
    ("transport", "messages of ssh and of servers"),
];

/// Single lines elsewhere that read what others have written: the file, a part of the line, and what it reads.
const LINES: &[(&str, &str, &str)] = &[
    ("engine/adopt/named.rs", "strip_prefix(\"ssh://\")", "a destination on the command line"),
    ("cli/complete.rs", "--inventory=", "a command line that is being written"),
    ("cli/runs.rs", "\".jsonl\"", "the name of a file"),
    ("engine/files.rs", "file::unreadable", "the code of a problem in a file, which is a constant"),
    ("desired/build/connection.rs", "ansible.builtin.", "the name of a plugin of Ansible"),
    ("desired/build/connection.rs", "\"control\"", "an option of ssh"),
    ("desired/nothing.rs", "\"-e \"", "the name that stands for the command line"),
    ("desired/host.rs", "contains(\"mariadb\")", "the name of a package"),
    ("diff/compatibility.rs", "utf8_", "the name of a character set"),
    ("diff/settings/impossible.rs", "contains(\"error\")", "what a server's program says"),
    ("diff/settings/impossible.rs", "[ERROR] ", "what a server's program says"),
    ("diff/settings/impossible.rs", "\"error: \"", "what a server's program says"),
    ("diff/settings.rs", "auto_increment_", "the name of a variable"),
    ("diff/settings.rs", "replicate_", "the name of a variable"),
    ("diff/unmatched.rs", "contains(\"table\")", "the name of a variable"),
    ("inventory/program.rs", "_meta", "a key that an inventory program prints"),
    ("inventory/ini.rs", "entry.text", "a line of an inventory"),
    ("plan/ignore.rs", "self.what", "a pattern of a user"),
    ("plan/ignore.rs", "strip_prefix(\"play\")", "a pattern of a user"),
    ("plan/json.rs", "\" at line \"", "a message of the JSON reader"),
    ("render/problem.rs", "shown.text", "lines of a user's file"),
    ("certificate/judge.rs", "CERTIFICATE-----", "a file of certificates"),
    ("certificate/judge.rs", "have.key", "owner and mode, as stat prints them"),
    ("resource/cron.rs", "file", "sections of a script's answer"),
    ("resource/packages.rs", "installed ", "a script's answer"),
    ("resource/sysctl.rs", "file", "sections of a script's answer"),
    ("seed/account.rs", "GRANT USAGE ", "what a server shows of an account"),
    ("seed/account.rs", " PASSWORD EXPIRE", "what a server shows of an account"),
    ("seed/account.rs", " DEFAULT ROLE ", "what a server shows of an account"),
    ("seed/account.rs", " REQUIRE ", "what a server shows of an account"),
    ("seed/account.rs", " AS 0x", "what a server shows of an account"),
    ("seed/aside.rs", "starts_with(\"keep\")", "a script's answer"),
    ("seed/events.rs", "utf8", "the name of a character set"),
    ("seed/physical.rs", " bytes (", "what dd says"),
    ("seed/physical.rs", "BLOCK_COMMIT", "what mariadb-backup says"),
    ("seed/physical.rs", "BACKUP STAGE END", "what mariadb-backup says"),
    ("seed/streams.rs", "Waiting", "a server's word for what a session does"),
    ("verify/definitions.rs", "tinyint(1)", "the type of a column"),
    ("verify/table.rs", "VIRTUAL GENERATED", "a server's word for a column"),
    ("copy/inventory.rs", "VIRTUAL GENERATED", "a server's word for a column"),
];

/// Ways to look into a text.
const LOOKS: [&str; 12] = [
    "starts_with",
    "ends_with",
    "contains",
    "strip_prefix",
    "strip_suffix",
    "split",
    "rsplit",
    "splitn",
    "split_once",
    "rsplit_once",
    "trim_start_matches",
    "find",
];

/// Fields that hold a sentence or a word of ours.
const OURS: [&str; 11] =
    ["reason", "summary", "text", "cause", "next", "because", "note", "what", "code", "kind", "state"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|e| e == "rs") {
            found.push(entry);
        }
    }
}

/// Whether a file is a module of tests, as the module above it says.
fn is_of_tests(file: &Path) -> bool {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let above = file.parent().map(|folder| folder.join("mod.rs"));
    let above = above.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    above.contains(&format!("#[cfg(test)]\nmod {name};"))
}

/// The lines of a file that are part of the program.
fn program(text: &str) -> impl Iterator<Item = &str> {
    let tests = text.find("\n#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..tests].lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// A word that a line searches a text for: three letters in a row, or a blank.
fn searches_for_a_word(line: &str, calls: &[String]) -> bool {
    calls.iter().any(|call| {
        line.match_indices(call.as_str()).any(|(at, _)| {
            let literal = line[at + call.len()..].split('"').next().unwrap_or_default();
            let letters = literal.split(|c: char| !c.is_ascii_alphabetic()).any(|word| word.len() > 2);
            letters || (literal.contains(' ') && literal.trim().len() > 1)
        })
    })
}

/// Whether a line looks into a field that holds a sentence or a word of ours.
fn looks_into_ours(line: &str) -> bool {
    OURS.iter().any(|field| {
        let rest = |(at, _): (usize, &str)| &line[at + field.len() + 1..];
        let follows = |rest: &str| {
            let listed = rest.starts_with(".as_str())") && line.contains("].contains(");
            let rest = rest.strip_prefix(".as_str()").unwrap_or(rest);
            let look = rest.strip_prefix('.').and_then(|rest| rest.split_once('(')).map(|(name, _)| name);
            let compared = rest.starts_with(" == \"") || rest.starts_with(" != \"");
            compared || listed || look.is_some_and(|name| name == "lines" || LOOKS.contains(&name))
        };
        line.match_indices(&format!(".{field}")).map(rest).any(follows)
    })
}

#[test]
fn nobody_reads_meaning_out_of_a_sentence() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files.sort();
    let calls = LOOKS.map(|look| format!(".{look}(\""));
    let mut looks = Vec::new();
    let mut used = vec![false; LINES.len()];
    for file in files.into_iter().filter(|file| !is_of_tests(file)) {
        let name = file.strip_prefix(&root).expect("below src").display().to_string();
        let room = name.split('/').next().unwrap_or_default();
        let foreign = FOREIGN.iter().any(|(foreign, _)| *foreign == room);
        let text = fs::read_to_string(&file).expect("a text");
        for line in program(&text) {
            if !(looks_into_ours(line) || (!foreign && searches_for_a_word(line, &calls))) {
                continue;
            }
            match LINES.iter().position(|(file, part, _)| *file == name && line.contains(part)) {
                Some(at) => used[at] = true,
                None => looks.push(format!("{name}: {}", line.trim())),
            }
        }
    }
    assert!(
        looks.is_empty(),
        "these look into a text; use a value, or say what foreign text it is:\n{}",
        looks.join("\n")
    );
    let idle: Vec<_> = LINES.iter().zip(used).filter(|(_, used)| !used).map(|(line, _)| line.1).collect();
    assert!(idle.is_empty(), "listed, and not there any more: {idle:?}");
}
