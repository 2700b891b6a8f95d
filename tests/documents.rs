//! Documents that are made from the program, so that they can't say something else.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path, process::Command};

use tandem::inside::{
    dialect::{ChannelStatement, Dialect},
    model::ServerVersion,
};

/// Replaces what stands between two marks of a document.
fn between(document: &str, name: &str, text: &str) -> String {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = document.split_once(&open).unwrap_or_else(|| panic!("no {open}"));
    let (_, after) = rest.split_once(&close).unwrap_or_else(|| panic!("no {close}"));
    format!("{before}{open}{text}{close}{after}")
}

/// The words by version. Versions that differ in none of them would only make it longer.
fn words() -> String {
    let channel = ChannelStatement {
        name: "eu",
        host: "10.0.0.1",
        port: 3306,
        user: "repl_user",
        password: "***",
        tls: true,
        tls_ca: "",
        tls_verify: false,
        delay: 0,
        coordinates: None,
    };
    let mut text = String::from(
        "| version | channels | source of a channel | stop | current binary log | reset |\n|---|---|---|---|---|---|\n",
    );
    for version in [
        "5.5.62",
        "5.6.51",
        "5.7.44",
        "8.0.21",
        "8.0.22",
        "8.0.23",
        "8.0.46",
        "8.4.0",
        "9.7.4",
        "26.7.0",
        "10.3.39-MariaDB",
        "10.5.29-MariaDB",
        "10.11.14-MariaDB",
        "11.8.3-MariaDB",
        "12.1.2-MariaDB",
    ] {
        let version = ServerVersion::parse(version).expect("a version");
        let dialect = Dialect::of(version);
        let change = dialect.change_channel(&channel);
        let change = change.shown().split(" TO ").next().unwrap_or_default();
        let cells = [
            version.to_string(),
            dialect.show_channels().text().to_owned(),
            format!("{change} TO"),
            dialect.stop_channel("eu"),
            dialect.show_binlog().text().to_owned(),
            dialect.reset_binlogs().to_owned(),
        ];
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

#[test]
fn the_versions_document_says_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/versions.md");
    let document = fs::read_to_string(&path).expect("docs/versions.md");
    let mut fresh = between(&document, "words", &words());
    if std::env::var_os("TANDEM_WRITE").is_some() {
        let rows = Path::new(env!("CARGO_TARGET_TMPDIR")).join("versions");
        let mut rows: Vec<String> = fs::read_dir(&rows)
            .expect("the matrix has run: make versions")
            .map(|row| fs::read_to_string(row.expect("a row").path()).expect("a row"))
            .collect();
        rows.sort();
        let head = "| source | replica | what the test has proven |\n|---|---|---|\n";
        fresh = between(&fresh, "matrix", &format!("{head}{}", rows.concat()));
        fs::write(&path, &fresh).expect("docs/versions.md can be written");
    }
    assert!(
        document == fresh || std::env::var_os("TANDEM_WRITE").is_some(),
        "docs/versions.md is old: make versions"
    );
}

/// The states of a copy with how they came out, by the family of the servers: `make states` keeps that.
fn states() -> String {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("states");
    let read =
        |family: &str| fs::read_to_string(directory.join(family)).expect("the states have run: make states");
    let (mariadb, mysql) = (read("MariaDB"), read("MySQL"));
    let version = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let came_out = |text: &str, name: &str| {
        let line = text.lines().skip(1).find(|line| line.split(' ').next() == Some(name));
        line.and_then(|line| line.split(' ').nth(1)).unwrap_or("-").to_owned()
    };
    let mut table = format!("| state | {} | {} |\n|---|---|---|\n", version(&mariadb), version(&mysql));
    for name in names_of_states() {
        let cells = [came_out(&mariadb, name), came_out(&mysql, name)];
        let _ = writeln!(table, "| {name} | {} |", cells.join(" | "));
    }
    table
}

fn names_of_states() -> impl Iterator<Item = &'static str> {
    const STATES: &str = include_str!("hosts/copies/states.sql");
    STATES.lines().filter_map(|line| line.strip_prefix("=== ")?.split(" | ").next())
}

#[test]
fn the_document_of_copies_names_every_state() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/copies.md");
    let mut document = fs::read_to_string(&path).expect("docs/copies.md");
    if std::env::var_os("TANDEM_WRITE").is_some() {
        document = between(&document, "states", &states());
        fs::write(&path, &document).expect("docs/copies.md can be written");
    }
    for name in names_of_states() {
        assert!(document.contains(&format!("| {name} |")), "docs/copies.md is old ({name}): make states");
    }
}

/// What `make takeovers` has measured, with what the document calls it.
const TAKEOVERS: [(&str, Cell); 22] = [
    ("**Switchovers**: without a row", Cell::Times("switchover-gap")),
    ("by the floor: without a row", Cell::Times("floor-gap")),
    ("ratio of the medians, of the longest", Cell::Ratio("switchover-gap", "floor-gap")),
    ("writes wait", Cell::Times("switchover-locked")),
    ("by the floor: writes wait", Cell::Times("floor-locked")),
    ("longest time without a row during the whole command", Cell::Times("switchover-pause")),
    ("the whole command", Cell::Times("switchover-took")),
    ("**Rolling changes**: without a row, to the replica", Cell::Times("rolling-away-gap")),
    ("without a row, back to the primary", Cell::Times("rolling-back-gap")),
    ("the whole command, three restarts", Cell::Times("rolling-took")),
    ("**Failovers**: from the command to the first row", Cell::Times("failover-from-command")),
    ("from the cut to the first row", Cell::Times("failover-from-cut")),
    ("from the cut to the first row of a client that waits a second", Cell::Times("failover-client")),
    ("received by any replica and lost: rows", Cell::Count("failover-received-lost")),
    ("acknowledged and received by nobody: rows", Cell::Count("failover-unreceived")),
    ("rejoin of a host that has nothing of its own", Cell::Times("rejoin-clean")),
    ("rejoin of a host with rows that nobody has", Cell::Times("rejoin-errant")),
    ("**Kills** that left one host that accepts writes", Cell::Count("killed-one")),
    ("that left none until the next `apply`", Cell::Count("killed-none")),
    ("that left two", Cell::Count("killed-two")),
    ("**In all**: rows acknowledged / lost / doubled", Cell::Counts(["rows", "lost", "doubled"])),
    ("looks at all hosts / two accepted writes", Cell::Pair("samples", "two-writers")),
];

/// How a row is filled.
#[derive(Clone, Copy)]
enum Cell {
    Times(&'static str),
    Ratio(&'static str, &'static str),
    Count(&'static str),
    Pair(&'static str, &'static str),
    Counts([&'static str; 3]),
}

impl Cell {
    fn of(self, all: &serde_json::Value) -> String {
        let count =
            |name: &str| all["counts"][name].as_u64().map_or_else(|| "-".to_owned(), |n| n.to_string());
        match self {
            Cell::Times(name) => match times(all, name) {
                Some((median, most, n)) => format!("{median:.0} / {most:.0} ms ({n})"),
                None => "-".to_owned(),
            },
            Cell::Ratio(one, other) => match (times(all, one), times(all, other)) {
                (Some(one), Some(other)) => format!("{:.2}, {:.2}", one.0 / other.0, one.1 / other.1),
                _ => "-".to_owned(),
            },
            Cell::Count(name) => count(name),
            Cell::Pair(one, other) => format!("{} / {}", count(one), count(other)),
            Cell::Counts(names) => names.map(count).join(" / "),
        }
    }
}

/// Median and longest time, and how many there are.
fn times(all: &serde_json::Value, name: &str) -> Option<(f64, f64, usize)> {
    let values = all["values"][name].as_array()?;
    let mut values: Vec<f64> = values.iter().filter_map(serde_json::Value::as_f64).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let median = if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    };
    Some((median, *values.last()?, values.len()))
}

fn takeovers() -> String {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("takeovers");
    let all = ["MariaDB", "MySQL"].map(|family| {
        let text = fs::read_to_string(directory.join(family)).expect("they have run: make takeovers");
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON")
    });
    let build = if all[0]["release"] == true { "The release binary" } else { "A debug build" };
    let versions = all.each_ref().map(|all| all["version"].as_str().unwrap_or_default());
    let mut text = format!(
        "{build}, {} cores. Median / longest (how many).\n\n| what | {} |\n|---|---|---|\n",
        all[0]["cores"],
        versions.join(" | ")
    );
    // Figures of a trial are no result: the document says which they are.
    if times(&all[0], "switchover-gap").is_none_or(|(.., n)| n < 20) {
        text.insert_str(0, "**These are of a short run, on a machine that was busy with other work.** ");
    }
    for (what, cell) in TAKEOVERS {
        let _ = writeln!(text, "| {what} | {} |", all.each_ref().map(|all| cell.of(all)).join(" | "));
    }
    text
}

#[test]
fn the_document_of_takeovers_has_every_figure() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let mut document = fs::read_to_string(&path).expect("docs/operations.md");
    if std::env::var_os("TANDEM_WRITE").is_some() {
        document = between(&document, "takeovers", &takeovers());
        fs::write(&path, &document).expect("docs/operations.md can be written");
    }
    for (what, _) in TAKEOVERS {
        assert!(
            document.contains(&format!("| {what} |")),
            "docs/operations.md is old ({what}): make takeovers"
        );
    }
}

/// What cargo says; everything is there already, so no network is asked.
fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(args)
        .args(["--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The one platform that packages are made for.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

#[test]
fn the_list_of_licences_is_that_of_the_crates() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/licenses.md");
    let tree = cargo(&[
        "tree", "--target", PLATFORM, "--edges", "normal", "--prefix", "none", "--format", "{p}|{l}",
    ]);
    let crates: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let (package, licence) = line.trim_end_matches(" (*)").split_once('|')?;
            Some((package.split(' ').next()?, licence))
        })
        .filter(|(name, _)| *name != "tandem")
        .collect();
    let mut list = String::from("| crate | licence |\n|---|---|\n");
    for (name, licence) in &crates {
        assert!(!licence.is_empty(), "{name} names no licence");
        let _ = writeln!(list, "| {name} | {licence} |");
    }
    let document = fs::read_to_string(&path).expect("docs/licenses.md");
    let fresh = between(&document, "crates", &list);
    if std::env::var_os("TANDEM_WRITE").is_some() {
        fs::write(&path, &fresh).expect("docs/licenses.md can be written");
        return;
    }
    assert!(document == fresh, "docs/licenses.md is old: make licenses");
}

#[test]
fn no_crate_needs_a_newer_rust_than_we_say() {
    // `1.89` and `1.89.0` are the same.
    let number = |version: &str| {
        let mut parts = version.split('.').map(|part| part.parse::<u32>().expect("a number"));
        [(); 3].map(|()| parts.next().unwrap_or(0))
    };
    let ours = env!("CARGO_PKG_RUST_VERSION");
    let metadata = cargo(&["metadata", "--format-version", "1", "--filter-platform", PLATFORM]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("JSON");
    // Only what is built for this platform: the packages of the others are listed, too.
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let built: BTreeSet<&str> = nodes.iter().filter_map(|node| node["id"].as_str()).collect();
    let packages = metadata["packages"].as_array().expect("packages");
    let newer: Vec<String> = packages
        .iter()
        .filter(|package| package["id"].as_str().is_some_and(|id| built.contains(id)))
        .filter_map(|package| Some((package["name"].as_str()?, package["rust_version"].as_str()?)))
        .filter(|(_, needs)| number(needs) > number(ours))
        .map(|(name, needs)| format!("{name} needs {needs}"))
        .collect();
    assert!(built.len() > 100 && newer.is_empty(), "rust-version is {ours}, but {}", newer.join(", "));
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README.md");
    assert!(readme.contains(&format!("Rust {ours}")), "README.md names another Rust than {ours}");
}

#[test]
fn what_ci_runs_is_there_to_be_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(".github/workflows/ci.yml")).expect("the workflow");
    let mut problems = tandem::inside::source::Problems::default();
    let workflow = tandem::inside::source::Sources::default().built_in("ci.yml", &text, &mut problems);
    let workflow = workflow.expect("YAML").to_json();
    let jobs = workflow["jobs"].as_object().expect("jobs");
    let makefile = fs::read_to_string(root.join("Makefile")).expect("Makefile");
    let mut targets = BTreeSet::new();
    for (name, job) in jobs {
        assert!(job["timeout-minutes"].is_number(), "{name} may run for hours");
        for needed in job["needs"].as_array().into_iter().flatten() {
            assert!(jobs.contains_key(needed.as_str().expect("a name")), "{name} waits for {needed}");
        }
        for step in job["steps"].as_array().expect("steps") {
            let run = step["run"].as_str().unwrap_or("");
            targets.extend(run.split("make ").skip(1).filter_map(|rest| rest.split_whitespace().next()));
        }
    }
    for target in ["test", "test-vagrant", "deny", "dist"] {
        assert!(targets.contains(target), "nothing runs make {target}");
    }
    for target in targets {
        assert!(makefile.contains(&format!("\n{target}:")), "the Makefile has no {target}");
    }
}

/// Every page stands in the book's contents, and every link between pages leads somewhere.
#[test]
fn the_book_is_whole() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let contents = fs::read_to_string(docs.join("SUMMARY.md")).expect("the contents");
    let mut pages = Vec::new();
    for folder in [docs.clone(), docs.join("how-to")] {
        let found = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        pages.extend(found.filter(|path| path.extension().is_some_and(|e| e == "md")));
    }
    assert!(pages.len() > 10, "{pages:?}");
    for page in pages {
        let name = page.strip_prefix(&docs).expect("a page of the book").display().to_string();
        assert!(
            name == "SUMMARY.md" || contents.contains(&format!("({name})")),
            "{name} is not in the contents"
        );
        let text = fs::read_to_string(&page).expect("a page");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            if file.contains("://") {
                continue;
            }
            let target = match file {
                "" => page.clone(),
                file => page.parent().expect("a folder").join(file),
            };
            assert!(target.exists(), "{name} links to {link}, which is not there");
            if !anchor.is_empty() {
                let there = fs::read_to_string(&target).expect("a page");
                let slug = |line: &str| -> String {
                    let words = line.trim_start_matches('#').trim().to_lowercase();
                    let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
                    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
                };
                let found = there.lines().any(|l| l.starts_with('#') && slug(l) == anchor);
                assert!(found, "{name} links to {link}, and there is no such heading");
            }
        }
    }
}

/// Every command, option and exit status that the program knows stands in the reference.
#[test]
fn the_reference_leaves_nothing_out() {
    let reference = include_str!("../docs/reference.md");
    let help = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_tandem")).args(args).output();
        String::from_utf8(output.expect("the program runs").stdout).expect("text")
    };
    let whole = help(&["--help"]);
    let listed =
        whole.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list");
    let commands: Vec<&str> = listed
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        assert!(reference.contains(&format!("`{command}")), "the reference lacks {command}");
        let text = help(&[command, "--help"]);
        let options = text.split_whitespace().filter_map(|word| word.strip_prefix("--"));
        for option in options.map(|o| o.trim_end_matches(|c: char| !c.is_ascii_alphabetic())) {
            let known = option.is_empty() || option == "help" || reference.contains(&format!("--{option}"));
            assert!(known, "the reference lacks --{option} of {command}");
        }
    }
    let statuses = whole.split("Exit").nth(1).expect("the exit statuses");
    for status in statuses.lines().filter_map(|line| line.split_whitespace().next()?.parse::<u8>().ok()) {
        assert!(
            reference.contains(&format!("| {status} | ")),
            "the reference lacks the exit status {status}"
        );
    }
}

/// Words in the same files that name something else: kinds of steps, variables, programs.
const NO_CODES: [&str; 9] = [
    "catch-up",
    "option-file",
    "gtid-mode",
    "kebab-case",
    "server-id",
    "gtid-domain",
    "super-read-only",
    "debian-sys-maint",
    "extra-vars",
];

/// Each code that the program can print stands in the reference or among the codes.
#[test]
fn every_code_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = |name: &str| fs::read_to_string(root.join("docs").join(name)).expect("a page");
    let pages = page("reference.md") + &page("codes.md");
    let mut codes = BTreeSet::new();
    let (mut folders, mut files) = (vec![root.join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        let name = file.strip_prefix(root).expect("below").display().to_string();
        // What is found and refused comes from these.
        let finds = ["src/diff/", "src/plan/", "src/adopt/findings.rs", "src/cli/drift.rs"]
            .iter()
            .any(|f| name.starts_with(f));
        let text = fs::read_to_string(file).expect("a file");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in text.split('"').filter(|word| !NO_CODES.contains(word)) {
            let letters =
                |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            let mistake = word.split_once("::").is_some_and(|(a, b)| letters(a) && letters(b));
            let found = finds
                && letters(word)
                && word.contains('-')
                && !word.starts_with('-')
                && !word.ends_with('-');
            if mistake || found {
                codes.insert(word.to_owned());
            }
        }
    }
    assert!(codes.len() > 120, "{codes:?}");
    let missing: Vec<&String> = codes.iter().filter(|code| !pages.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "neither docs/reference.md nor docs/codes.md explains {missing:?}");
}
