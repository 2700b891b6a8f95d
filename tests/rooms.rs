//! The rooms of the library as ARCHITECTURE.md draws them, held by its sources.
//!
//! A room is a folder of `src`. What a room may name, what must not stand in it, and who may print or end the process
//! is declared here once; an exception has its reason beside it, and one that nothing needs any more fails as well.

#[path = "rooms/rules.rs"]
mod rules;
#[path = "rooms/scan.rs"]
mod scan;

use std::{path::Path, sync::LazyLock};

use rules::{Back, Findings, Rule, Table};
use scan::{Crate, File};

/// From the lowest room to the highest: what each may name. None of them names one that stands below it here.
const ROOMS: &Table = &[
    ("model", &[]),
    ("gtid", &["model"]),
    ("grant", &[]),
    ("vault", &["model"]),
    ("template", &[]),
    ("certificate", &[]),
    ("source", &["model", "vault", "template"]),
    ("dialect", &["model", "gtid", "grant"]),
    ("option_file", &["model", "dialect"]),
    ("role_unit", &["model", "grant", "dialect", "option_file"]),
    ("inventory", &["model", "vault", "source"]),
    ("resource", &["model", "source"]),
    ("playbook", &["model", "vault", "template", "source", "inventory", "resource"]),
    ("desired", &["model", "option_file", "template", "source", "inventory", "resource", "playbook"]),
    ("transport", &["model", "dialect"]),
    ("firewall", &["model", "transport"]),
    (
        "observe",
        &[
            "model",
            "gtid",
            "grant",
            "option_file",
            "certificate",
            "role_unit",
            "dialect",
            "inventory",
            "resource",
            "desired",
            "transport",
            "firewall",
        ],
    ),
    ("doctor", &["model", "gtid", "option_file", "dialect", "transport", "observe"]),
    ("proof", &["model", "dialect", "doctor"]),
    (
        "plan",
        &[
            "model",
            "option_file",
            "gtid",
            "grant",
            "certificate",
            "source",
            "role_unit",
            "dialect",
            "resource",
            "desired",
            "firewall",
            "doctor",
        ],
    ),
    ("adopt", &["model", "option_file", "dialect", "playbook", "desired", "observe", "plan"]),
    (
        "words",
        &[
            "model",
            "gtid",
            "certificate",
            "role_unit",
            "dialect",
            "desired",
            "firewall",
            "observe",
            "doctor",
            "proof",
            "plan",
            "adopt",
        ],
    ),
    ("status", &["model", "dialect", "desired", "observe", "doctor", "words"]),
    ("schema", &["model", "playbook", "plan"]),
    (
        "diff",
        &[
            "model",
            "gtid",
            "grant",
            "option_file",
            "certificate",
            "source",
            "role_unit",
            "dialect",
            "resource",
            "desired",
            "firewall",
            "observe",
            "doctor",
            "plan",
        ],
    ),
    (
        "exec",
        &["model", "option_file", "dialect", "desired", "transport", "observe", "doctor", "plan", "words"],
    ),
    ("copy", &["model", "dialect", "transport"]),
    ("direct", &["model", "dialect", "transport", "copy"]),
    (
        "seed",
        &[
            "model",
            "gtid",
            "grant",
            "dialect",
            "transport",
            "observe",
            "doctor",
            "plan",
            "words",
            "exec",
            "copy",
            "direct",
        ],
    ),
    (
        "verify",
        &[
            "model",
            "source",
            "dialect",
            "desired",
            "transport",
            "firewall",
            "observe",
            "doctor",
            "proof",
            "status",
            "plan",
            "words",
            "exec",
        ],
    ),
    (
        "apply",
        &[
            "model",
            "gtid",
            "grant",
            "option_file",
            "certificate",
            "role_unit",
            "dialect",
            "resource",
            "desired",
            "transport",
            "firewall",
            "observe",
            "doctor",
            "proof",
            "status",
            "plan",
            "exec",
            "words",
            "seed",
            "verify",
        ],
    ),
    (
        "engine",
        &[
            "model",
            "vault",
            "certificate",
            "template",
            "source",
            "dialect",
            "inventory",
            "playbook",
            "desired",
            "transport",
            "observe",
            "doctor",
            "proof",
            "status",
            "plan",
            "words",
            "diff",
            "adopt",
            "exec",
            "verify",
            "apply",
        ],
    ),
    (
        "render",
        &[
            "model", "source", "doctor", "proof", "status", "plan", "words", "adopt", "exec", "verify",
            "engine",
        ],
    ),
    (
        "cli",
        &[
            "model",
            "vault",
            "source",
            "inventory",
            "playbook",
            "transport",
            "direct",
            "status",
            "plan",
            "words",
            "schema",
            "verify",
            "apply",
            "engine",
            "render",
        ],
    ),
];

/// Rooms and files that only compute: the same input gives the same output.
const PURE: &[&str] = &[
    "adopt/",
    "certificate/judge",
    "desired/",
    "dialect/",
    "diff/",
    "doctor/",
    "firewall/",
    "grant/",
    "gtid/",
    "model/",
    "option_file/",
    "plan/",
    "proof/",
    "resource/",
    "role_unit/",
    "schema/",
    "status/",
    "template/",
    "words/",
];

const OUTSIDE: Rule = Rule {
    what: "a pure room looks outside",
    paths: &[
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "std::os::unix::net",
        "std::net::TcpStream",
        "std::net::TcpListener",
        "std::net::UdpSocket",
        "std::net::ToSocketAddrs",
        "std::io::stdin",
        "tokio",
        "openssh",
        "mysql_async",
        "tempfile",
        "terminal_size",
    ],
    words: &[
        ". exists (",
        ". is_file (",
        ". is_dir (",
        ". canonicalize (",
        ". metadata (",
        ". read_dir (",
        ". try_exists (",
    ],
    but: &[(
        "model/home.rs",
        "where the home directory is: files are named by it, and pure rooms do not ask",
    )],
};

const BY_CHANCE: Rule = Rule {
    what: "a pure room knows the time or chance",
    paths: &[
        "std::time::SystemTime",
        "std::time::Instant",
        "std::hash::RandomState",
        "std::collections::hash_map::RandomState",
        "getrandom",
        "rand",
        "::now",
        "tokio::time",
    ],
    words: &[". elapsed ("],
    but: &[],
};

const VERSIONS: Rule = Rule {
    what: "a version is asked outside of `dialect`",
    paths: &["crate::model::Family"],
    words: &["at_least (", ". major", ". minor", ". patch", ". family"],
    but: &[
        ("model/version.rs", "the values themselves"),
        ("desired/build/scope.rs", "templates of users may ask"),
        ("desired/", "a wish for a family, not a question about a server"),
        ("observe/", "what is read of the two families are two things"),
        ("plan/refused/host.rs", "which family a host has is what it says"),
    ],
};

const PRINTS: Rule = Rule {
    what: "printed outside of `render`",
    paths: &["std::io::stdout", "std::io::stderr", "anstream"],
    words: &["print !", "println !", "eprint !", "eprintln !", "dbg !", ". print ("],
    but: &[
        ("cli/mod.rs", "clap prints the help that it was asked for"),
        ("cli/shells.rs", "clap answers a shell"),
        ("render/", "the place for it"),
        (
            "transport/askpass.rs",
            "ssh reads a password from the standard output of the program that it starts",
        ),
    ],
};

const ENDS: Rule = Rule {
    what: "the process is ended outside of `main`",
    paths: &[
        "std::process::exit",
        "std::process::abort",
        "std::process::ExitCode",
        "std::process::Termination",
    ],
    words: &["ExitCode"],
    but: &[("main.rs", "the place for it")],
};

/// What a command says of its own is that it was done, that it failed, or that it was asked for nothing.
const EXITS: Rule = Rule {
    what: "an exit status is chosen outside of `cli::exit`",
    paths: &[],
    words: &[
        "Exit :: Differences",
        "Exit :: Partly",
        "Exit :: NotRead",
        "Exit :: DifferencesAndNotRead",
        "Exit :: Locked",
        "Exit :: Stale",
        "Exit :: BadInput",
        "Exit :: Interrupted",
    ],
    but: &[
        ("cli/exit.rs", "the place for it"),
        ("cli/watch.rs", "whoever ends a watch before the first look has seen nothing"),
    ],
};

const TERMINAL: Rule = Rule {
    what: "the library asks a terminal outside of `cli` and `render`",
    paths: &["std::io::stdin", "std::io::IsTerminal", "crate::render", "crate::cli", "clap"],
    words: &[". is_terminal ("],
    but: &[("lib.rs", "what the tests look into is named once")],
};

static CODE: LazyLock<Crate> =
    LazyLock::new(|| Crate::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")));

/// What goes back between two files of a room and is no mistake.
const BACK: &[Back] = &[
    ("grant::parse", "grant::account", "an account reads itself, by a parser of its own"),
    (
        "transport::reader",
        "transport::line",
        "a reader goes back to the line that lent it, and may open its connection again there",
    ),
    ("transport::sudo", "transport::error", "an error says how sudo said no, and is one"),
    ("transport::writer", "transport::session", "a session hands out what writes, which borrows it"),
];

fn none(findings: &Findings) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

fn pure(file: &File) -> bool {
    PURE.iter().any(|room| file.name.starts_with(room))
}

#[test]
fn a_room_names_lower_ones_only() {
    none(&rules::table(&CODE, ROOMS));
}

#[test]
fn pure_rooms_do_not_look_outside() {
    none(&OUTSIDE.findings(&CODE, pure));
}

#[test]
fn pure_rooms_know_neither_time_nor_chance() {
    none(&BY_CHANCE.findings(&CODE, pure));
}

#[test]
fn only_dialect_asks_for_versions() {
    none(&VERSIONS.findings(&CODE, |file| !file.name.starts_with("dialect/")));
}

#[test]
fn only_render_prints() {
    none(&PRINTS.findings(&CODE, |_| true));
}

#[test]
fn only_main_ends_the_process() {
    none(&ENDS.findings(&CODE, |_| true));
}

#[test]
fn only_one_file_turns_ends_into_statuses() {
    none(&EXITS.findings(&CODE, |_| true));
}

#[test]
fn only_cli_and_render_know_a_terminal() {
    none(&TERMINAL.findings(&CODE, |file| !matches!(file.room(), Some("cli" | "render"))));
}

#[test]
fn files_of_a_room_form_no_circle() {
    none(&rules::circles(&CODE, BACK).concat());
}

// The rules themselves, on small crates.

/// The places that are found, without the words.
fn places(findings: &Findings) -> Vec<&str> {
    findings.iter().map(|text| text.split(": ").next().unwrap_or_default()).collect()
}

#[test]
fn edges_are_found_however_they_are_written() {
    let code = Crate::of(&[
        ("low/mod.rs", "pub fn f() {}"),
        ("a/mod.rs", "use crate::low::f;"),
        ("b/mod.rs", "mod deep;\nuse crate::{\n    model,\n    low::{self as l, f},\n};"),
        ("b/deep.rs", "fn g() { super::super::a::h(); }"),
        ("c/mod.rs", "fn g() -> crate::low::T { todo!() }"),
        (
            "d/mod.rs",
            "// crate::low\n/* crate::low /* */ */ const T: &str = \"crate::low\"; const R: &str = r#\"crate::low\"#;",
        ),
        (
            "e/mod.rs",
            "#[cfg(test)]\nmod tests { use crate::low; }\n#[cfg(test)]\nmod more;\n#[cfg(test)]\nuse crate::{low};\nfn f() {}",
        ),
        ("e/more.rs", "use crate::low;"),
        ("f/mod.rs", "pub(in crate::f) fn f<'a>(c: char) { if c == '\"' || c == '\\'' { crate::low::f() } }"),
    ]);
    let edges: Vec<String> =
        rules::edges(&code).into_iter().map(|((a, b), place)| format!("{place} {a}->{b}")).collect();
    assert_eq!(
        edges,
        [
            "src/a/mod.rs:1 a->low",
            "src/b/deep.rs:1 b->a",
            "src/b/mod.rs:4 b->low",
            "src/b/mod.rs:3 b->model",
            "src/c/mod.rs:1 c->low",
            "src/f/mod.rs:1 f->low",
        ]
    );
}

#[test]
fn a_back_edge_an_unknown_room_and_a_table_that_is_too_wide_are_named() {
    let code = Crate::of(&[
        ("low/mod.rs", "use crate::high;"),
        ("high/mod.rs", ""),
        ("new/mod.rs", "use crate::low;"),
    ]);
    let found = rules::table(&code, &[("low", &[]), ("high", &["low"])]);
    assert_eq!(
        found,
        [
            "table: `high` does not name `low` any more",
            "src/low/mod.rs:1: `low` names `high`",
            "src/new/mod.rs:1: `new` is no room of the table",
        ]
    );
    let turned = rules::table(&code, &[("low", &["high"]), ("high", &[]), ("new", &["low"])]);
    assert_eq!(turned, ["table: `high` does not stand below `low`"]);
}

#[test]
fn what_looks_outside_is_found() {
    let code = Crate::of(&[
        ("plan/files.rs", "use std::{fs, io::Write};\nfn f(p: &Path) { fs::read(p); p.exists(); }"),
        (
            "plan/world.rs",
            "fn f() { std::env::var(\"HOME\"); std::process::Command::new(\"sh\"); tokio::spawn(g()); }",
        ),
        ("plan/clean.rs", "use std::net::IpAddr;\nfn f(exists: bool) { g.exists_here() }"),
        ("observe/mod.rs", "use std::fs;"),
    ]);
    let found = Rule { but: &[], ..OUTSIDE }.findings(&code, pure);
    let expected = ["src/plan/files.rs:1", "src/plan/files.rs:2", "src/plan/files.rs:2"];
    assert_eq!(places(&found), [&expected[..], &["src/plan/world.rs:1"; 3]].concat());
}

#[test]
fn time_and_chance_are_found() {
    let code = Crate::of(&[
        ("diff/a.rs", "use std::time::{Duration, Instant};"),
        ("diff/b.rs", "fn f() { jiff::Zoned::now(); std::time::SystemTime::now(); begun.elapsed(); }"),
        ("diff/c.rs", "use std::hash::RandomState;\nfn f(now: u64) -> u64 { now }"),
        ("transport/mod.rs", "use std::time::Instant;"),
    ]);
    let found = Rule { but: &[], ..BY_CHANCE }.findings(&code, pure);
    assert_eq!(
        places(&found),
        ["src/diff/a.rs:1", "src/diff/b.rs:1", "src/diff/b.rs:1", "src/diff/b.rs:1", "src/diff/c.rs:1"]
    );
}

#[test]
fn versions_prints_and_ends_are_found() {
    let code = Crate::of(&[
        ("diff/a.rs", "fn f(v: ServerVersion) { if v.at_least(8, 0, 0) || v.major > 9 {} }"),
        ("seed/b.rs", "fn f() { println!(\"{}\", 1); std::io::stdout(); }"),
        ("cli/c.rs", "use std::process::{self, ExitCode};\nfn f() { process::exit(1) }"),
    ]);
    let all = |_: &File| true;
    assert_eq!(
        places(&Rule { but: &[], ..VERSIONS }.findings(&code, all)),
        ["src/diff/a.rs:1", "src/diff/a.rs:1"]
    );
    assert_eq!(
        places(&Rule { but: &[], ..PRINTS }.findings(&code, all)),
        ["src/seed/b.rs:1", "src/seed/b.rs:1"]
    );
    let ends = Rule { but: &[], ..ENDS }.findings(&code, all);
    assert_eq!(places(&ends), ["src/cli/c.rs:1", "src/cli/c.rs:2", "src/cli/c.rs:1"]);
    let idle = Rule { but: &[("seed/", "a reason")], ..VERSIONS }
        .findings(&code, |file| file.name.starts_with("seed/"));
    assert_eq!(idle, ["a version is asked outside of `dialect`: the exception for seed/ is not needed"]);
}

#[test]
fn circles_are_found_through_what_a_parent_gives_on() {
    let code = Crate::of(&[
        ("r/mod.rs", "mod a;\nmod b;\nmod c;\npub use c::C;\npub struct P;"),
        ("r/a.rs", "use super::{C, P};"),
        ("r/b.rs", "use super::a::A;"),
        ("r/c.rs", "use crate::r::b::deep::D;"),
        ("r/b/deep.rs", "use super::B;"),
        ("r/d.rs", "use super::a;"),
    ]);
    let found = rules::circles(&code, &[]);
    assert_eq!(found.len(), 1);
    assert_eq!(places(&found[0]), ["src/r/a.rs:1", "src/r/b.rs:1", "src/r/c.rs:1"]);
    assert!(rules::circles(&code, &[("r::c", "r::b", "a reason")]).is_empty());
    let idle = rules::circles(&code, &[("r::c", "r::b", "a reason"), ("r::b", "r::c", "a reason")]).concat();
    assert_eq!(idle, ["the exception for `r::b`, which names `r::c`, is not needed"]);
}
