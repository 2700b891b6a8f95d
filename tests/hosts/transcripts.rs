//! The transcripts of the documents: what a page shows is run, and has to say what stands there.
//!
//! A page is run from its beginning to its end on hosts of its own. Comments that no reader sees say what happens
//! between the transcripts:
//!
//! | comment | |
//! |---|---|
//! | `<!-- lab: db-a db-b -->` | boots these hosts; without it a page is not run |
//! | `<!-- sql db-a: STATEMENTS -->` | runs SQL on a host |
//! | `<!-- on db-a: COMMAND -->` | runs a shell command on a host |
//! | `<!-- here: COMMAND -->` | runs a shell command where the transcripts run |
//! | `<!-- file: PATH -->` | the next block is the content of this file, which is written |
//! | `<!-- shows: PATH -->` | the next block is the content of this file, which is compared |
//!
//! In a block `console` each line that begins with `$ ` is run, and the lines below it are compared with what comes
//! of it. Times, sizes, positions and patch versions may differ, and steps that run side by side may end in any
//! order. A line `...` stands for any lines. `TANDEM_WRITE=1` writes what was said into the page.

use std::{fs, path::Path, sync::LazyLock};

use regex::Regex;

use crate::lab::{Lab, Run};

#[test]
fn the_readme() {
    run("README.md");
}

#[test]
fn the_tutorial() {
    run("docs/tutorial.md");
}

#[test]
fn switching_the_primary() {
    run("docs/how-to/switchover.md");
}

#[test]
fn changing_what_takes_a_restart() {
    run("docs/how-to/rolling-change.md");
}

#[test]
fn existing_servers() {
    run("docs/how-to/existing-servers.md");
}

#[test]
fn bare_machines() {
    run("docs/how-to/bare-machines.md");
}

#[test]
fn cron_and_ci() {
    run("docs/how-to/cron-and-ci.md");
}

#[test]
fn two_sites() {
    run("docs/how-to/two-sites.md");
}

/// A line of a page that is no text.
enum Mark<'a> {
    Lab(Vec<&'a str>),
    Sql(&'a str, &'a str),
    On(&'a str, &'a str),
    Here(&'a str),
    File(&'a str),
    Shows(&'a str),
}

fn mark(line: &str) -> Option<Mark<'_>> {
    let inner = line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    let (word, rest) = inner.split_once(": ")?;
    Some(match word.split_once(' ') {
        Some(("sql", host)) => Mark::Sql(host, rest),
        Some(("on", host)) => Mark::On(host, rest),
        None => match word {
            "lab" => Mark::Lab(rest.split(' ').collect()),
            "here" => Mark::Here(rest),
            "file" => Mark::File(rest),
            "shows" => Mark::Shows(rest),
            _ => return None,
        },
        Some(_) => return None,
    })
}

/// Runs a page, and compares or writes it.
fn run(page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines = text.lines().peekable();
    let mut page = Page { lab: None, exports: Vec::new(), written: String::new(), wrong: Vec::new(), ran: 0 };
    let mut next_block = None;
    while let Some(line) = lines.next() {
        page.written.push_str(line);
        page.written.push('\n');
        if let Some(mark) = mark(line) {
            next_block = page.do_mark(mark);
            continue;
        }
        let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
        let mut block = Vec::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            block.push(line);
        }
        let shown = match (kind, next_block.take()) {
            (_, Some(Mark::File(file))) => {
                page.lab().write(file, &format!("{}\n", block.join("\n")));
                block.join("\n")
            }
            (_, Some(Mark::Shows(file))) => {
                let there = fs::read_to_string(page.lab().path(file)).unwrap();
                page.compare(&format!("the file {file}"), &block, &there)
            }
            ("console", _) => page.transcript(&block),
            _ => block.join("\n"),
        };
        page.written.push_str(&shown);
        page.written.push_str("\n```\n");
    }
    assert!(page.ran > 0, "no transcript in {}", path.display());
    if std::env::var_os("TANDEM_WRITE").is_some() {
        fs::write(&path, &page.written).unwrap();
        // What leaves out lines is written by a person.
        page.wrong.retain(|wrong| wrong.contains("\n...\n"));
    }
    assert!(page.wrong.is_empty(), "{}:\n{}", path.display(), page.wrong.join("\n\n"));
}

struct Page {
    lab: Option<Lab>,
    exports: Vec<String>,
    written: String,
    wrong: Vec<String>,
    ran: usize,
}

impl Page {
    #[track_caller]
    fn lab(&self) -> &Lab {
        self.lab.as_ref().expect("a page begins with `<!-- lab: HOST... -->`")
    }

    fn do_mark<'a>(&mut self, mark: Mark<'a>) -> Option<Mark<'a>> {
        match mark {
            Mark::Lab(hosts) => {
                let lab = Lab::boot(&hosts);
                let _ = fs::remove_dir_all(lab.path("group_vars"));
                fs::rename(lab.path("hosts.yml"), lab.path("lab.yml")).unwrap();
                // Everything below this directory is the lab's own: ssh finds its key as a user's does.
                let own = "mkdir -p home bin /root/.ssh && mount -t tmpfs tmpfs /root/.ssh && \
                           printf 'IdentityFile %s/id_ed25519\\nUserKnownHostsFile %s/known_hosts\\n' \"$PWD\" \"$PWD\" \
                           >/root/.ssh/config";
                lab.here(own).expect(0);
                std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tandem"), lab.path("bin/tandem")).unwrap();
                self.lab = Some(lab);
            }
            Mark::Sql(host, statements) => drop(self.lab().sql(host, statements)),
            Mark::On(host, command) => drop(self.lab().at(host, command)),
            Mark::Here(command) => drop(self.lab().here(&self.prepared(command)).expect(0)),
            block @ (Mark::File(_) | Mark::Shows(_)) => return Some(block),
        }
        None
    }

    /// A command with what was exported before it.
    fn prepared(&self, command: &str) -> String {
        let mut line = String::from("PATH=$PWD/bin:$PATH; export PATH; ");
        for export in &self.exports {
            line.push_str(&format!("{export}; "));
        }
        line + command
    }

    /// Runs the commands of a block and returns what it should show.
    fn transcript(&mut self, block: &[&str]) -> String {
        let mut shown = Vec::new();
        let mut rest = block;
        while let Some((first, others)) = rest.split_first() {
            let Some(command) = first.strip_prefix("$ ") else {
                panic!("a transcript begins with a command, not with {first:?}")
            };
            let end = others.iter().position(|l| l.starts_with("$ ")).unwrap_or(others.len());
            let (expected, after) = others.split_at(end);
            rest = after;
            shown.push((*first).to_owned());
            self.ran += 1;
            if command.starts_with("export ") {
                self.exports.push(command.to_owned());
                continue;
            }
            let Run { out, .. } = self.lab().here(&format!("{{ {} ; }} 2>&1", self.prepared(command)));
            // An empty line before the next command belongs to the page.
            let gap = expected.last().is_some_and(|line| line.is_empty()) && !rest.is_empty();
            let expected = if gap { &expected[..expected.len() - 1] } else { expected };
            let said = self.compare(command, expected, &out);
            if !said.is_empty() {
                shown.push(said);
            }
            if gap {
                shown.push(String::new());
            }
        }
        shown.join("\n")
    }

    /// Notes a difference, and returns the text that is right.
    fn compare(&mut self, what: &str, expected: &[&str], actual: &str) -> String {
        let actual: Vec<&str> = actual.trim_end().lines().map(str::trim_end).collect();
        let actual = if actual == [""] { Vec::new() } else { actual };
        if fits(&settled(expected), &settled(&actual)) {
            return expected.join("\n");
        }
        self.wrong.push(format!(
            "$ {what}\n--- the page has\n{}\n--- it says\n{}",
            expected.join("\n"),
            actual.join("\n")
        ));
        match expected.contains(&"...") {
            true => expected.join("\n"),
            false => actual.join("\n"),
        }
    }
}

/// Lines without what differs from run to run.
fn settled(lines: &[&str]) -> Vec<String> {
    static CHANGES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (r"\b\d+(\.\d+)? (ms|s|min)\b", "TIME"),
            (r"\b\d+(\.\d+)? (B|KiB|MiB|GiB)\b", "SIZE"),
            (r"\b(\d+\.\d+)\.\d+\b(-\d+)?", "$1.N"),
            (r"bin\.\d+:\d+", "bin.PLACE"),
            (r"\b\d+-\d+-\d+\b", "ID"),
            (r"_seconds \d{10}\b", "_seconds MOMENT"),
            (r"role\.yml:\d+|main\.yml:\d+|([a-z_]+) :\d+", "$1 LINE"),
            // Columns are as wide as what stands in them.
            (r" {2,}", "  "),
        ]
        .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with))
        .into()
    });
    let mut done: Vec<Vec<String>> = Vec::new();
    let mut settled = Vec::new();
    for line in lines {
        let indent = line.len() - line.trim_start().len();
        let mut text = (*line).to_owned();
        for (pattern, with) in CHANGES.iter() {
            // Addresses have four numbers.
            if *with == "$1.N" && text.contains("10.77.") {
                continue;
            }
            text = pattern.replace_all(&text, *with).into_owned();
        }
        match line.starts_with("  done") {
            true => done.push(vec![text]),
            false if !done.is_empty() && indent > 2 => done.last_mut().unwrap().push(text),
            false => {
                done.sort();
                settled.extend(done.drain(..).flatten());
                settled.push(" ".repeat(indent) + text.trim_start());
            }
        }
    }
    done.sort();
    settled.extend(done.into_iter().flatten());
    settled
}

/// Whether lines are these, where `...` stands for any.
fn fits(expected: &[String], actual: &[String]) -> bool {
    match expected.split_first() {
        None => actual.is_empty(),
        Some((first, rest)) if first.trim() == "..." => {
            (0..=actual.len()).any(|skip| fits(rest, &actual[skip..]))
        }
        Some((first, rest)) => {
            actual.split_first().is_some_and(|(line, others)| first == line && fits(rest, others))
        }
    }
}

#[test]
fn a_page_that_says_something_else_is_found() {
    let lines = |text: &str| settled(&text.lines().collect::<Vec<_>>());
    let same = |a: &str, b: &str| fits(&lines(a), &lines(b));
    assert!(same("  done  a  12 ms\n    x\n  done  b  3 s", "  done  b  9 ms\n  done  a  1.2 s\n    x"));
    assert!(same("a\n...\nz", "a\nb\nc\nz") && !same("a\n...\nz", "a\nb"));
    assert!(!same("MariaDB 10.11.3", "MariaDB 10.12.3") && same("MariaDB 10.11.3", "MariaDB 10.11.99"));
    assert!(!same("10.77.0.11", "10.77.0.12") && !same("2 steps", "3 steps"));
}
