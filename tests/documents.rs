//! Documents that are made from the program, so that they can't say something else.

use std::{fmt::Write as _, fs, path::Path};

use tandem::{
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
        "| version | channels | source of a channel | stop | current binary log | reset | dump |\n|---|---|---|---|---|---|---|\n",
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
        let change = change.split(" TO ").next().unwrap_or_default();
        let cells = [
            version.to_string(),
            dialect.show_channels().to_owned(),
            format!("{change} TO"),
            dialect.stop_channel("eu"),
            dialect.show_binlog().to_owned(),
            dialect.reset_binlogs().to_owned(),
            dialect.dump(true).snapshot.to_owned(),
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
