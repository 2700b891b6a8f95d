//! Option files as the real programs read them: a table of shapes, each beside tandem's own reading.
//!
//! `my_print_defaults` says what stands in the files, the server's `--print-defaults` what counts for it, and its
//! `--help --verbose` what it would run with.

use std::{collections::BTreeMap, fmt::Write};

use tandem::inside::{
    model::{Fact, ServerVersion},
    observe::{HOST_SCRIPT, files_of_host},
    option_file::{Asked, Files, Known},
};

use crate::lab::Lab;

/// On which servers a shape is tried.
#[derive(Clone, Copy, PartialEq)]
enum On {
    Both,
    MariaDb,
    MySql,
}

/// What the server does with the files.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Reads,
    /// It would not start with them.
    Refuses,
    /// They are read otherwise here, which is told as a dispute about these options, for a reason.
    Disputes(&'static [&'static str], &'static str),
}

struct Shape {
    name: &'static str,
    on: On,
    /// Paths below `/etc/mysql` or absolute, texts, and modes where they are other ones than 644.
    files: Vec<(&'static str, Vec<u8>, u32)>,
    /// The arguments of the program that choose files and groups.
    chosen: &'static str,
    end: End,
    /// Variables and what they would be.
    runs: &'static [(&'static str, &'static str)],
}

/// One main file.
fn shape(name: &'static str, text: &[u8], runs: &'static [(&'static str, &'static str)]) -> Shape {
    let files = vec![("my.cnf", text.to_vec(), 0o644)];
    Shape { name, on: On::Both, files, chosen: "", end: End::Reads, runs }
}

impl Shape {
    fn on(mut self, on: On) -> Self {
        self.on = on;
        self
    }

    fn file(mut self, path: &'static str, text: &str) -> Self {
        self.files.push((path, text.as_bytes().to_vec(), 0o644));
        self
    }

    fn mode(mut self, mode: u32) -> Self {
        self.files.last_mut().expect("a file").2 = mode;
        self
    }

    fn chosen(mut self, chosen: &'static str) -> Self {
        self.chosen = chosen;
        self
    }

    fn ends(mut self, end: End) -> Self {
        self.end = end;
        self
    }
}

const INCLUDING: &[u8] = b"!includedir /etc/mysql/conf.d/\n";

fn names() -> Vec<Shape> {
    vec![
        shape("plain", b"[mysqld]\nserver-id=5\n", &[("server_id", "5")]),
        shape("underscores", b"[mysqld]\nserver_id=5\n", &[("server_id", "5")]),
        shape("mixed dashes", b"[mysqld]\nmax-allowed_packet=2M\n", &[("max_allowed_packet", "2097152")]),
        shape("skip", b"[mysqld]\nskip-log-bin\n", &[("log_bin", "OFF")]),
        shape("disable", b"[mysqld]\ndisable-log-bin\n", &[("log_bin", "OFF")]),
        shape("skip with a comment", b"[mysqld]\nskip-log-bin # a = b\n", &[("log_bin", "OFF")]),
        shape("skip of a boolean", b"[mysqld]\nread-only\nskip-read-only\n", &[("read_only", "OFF")]),
        shape("skip of zero", b"[mysqld]\nskip-read-only=0\n", &[("read_only", "ON")]),
        shape("enable", b"[mysqld]\nenable-read-only\n", &[("read_only", "ON")]),
        shape("enable of zero", b"[mysqld]\nenable-read-only=0\n", &[("read_only", "OFF")]),
        shape("yes is no boolean", b"[mysqld]\nread-only=yes\n", &[("read_only", "OFF")]),
        shape("true", b"[mysqld]\nread-only=true\n", &[("read_only", "ON")]),
        shape("TRUE", b"[mysqld]\nread-only=TRUE\n", &[("read_only", "ON")]),
        shape("loose", b"[mysqld]\nloose-server-id=6\nloose-nothing=1\n", &[("server_id", "6")]),
        shape("loose skip", b"[mysqld]\nread-only\nloose-skip-read-only\n", &[("read_only", "OFF")]),
        shape("maximum", b"[mysqld]\nserver-id=5\nloose-maximum-server-id=90\n", &[]),
        shape("abbreviation", b"[mysqld]\nserver-i=99\n", &[("server_id", "99")]).on(On::MariaDb),
        shape("abbreviation of a negation", b"[mysqld]\nread-only\nskip-read-on\n", &[("read_only", "OFF")])
            .on(On::MariaDb),
        shape("no abbreviation", b"[mysqld]\nread-only\nloose-read-on=0\n", &[("read_only", "ON")])
            .on(On::MySql),
        shape("bare boolean", b"[mysqld]\nread-only\n", &[("read_only", "ON")]),
        shape("upper case", b"[mysqld]\nserver_id=1\nmax_connections = 60\n", &[("max_connections", "60")]),
    ]
}

fn texts() -> Vec<Shape> {
    vec![
        shape("empty file", b"", &[]),
        shape("no line feed at the end", b"[mysqld]\nserver-id=5", &[("server_id", "5")]),
        shape("line ends of DOS", b"[mysqld]\r\nserver-id=5\r\n", &[("server_id", "5")]),
        shape("blanks everywhere", b"  [mysqld]  \n\t server-id \t = \t 5 \t\n", &[("server_id", "5")]),
        shape("comments", b"# x\n; y\n[mysqld] # z\nserver-id=5#6\n", &[("server_id", "5")]),
        shape("semicolon in a value", b"[mysqld]\ninit-connect=a;b\n", &[]),
        shape("hash in quotes", b"[mysqld]\ninit-connect='a # b'\n", &[]),
        shape("hash behind an escaped quote", b"[mysqld]\ninit-connect='a \\' # b' # c\n", &[]),
        shape("double quotes", b"[mysqld]\nserver-id=\"5\"\n", &[("server_id", "5")]),
        shape("quotes that do not match", b"[mysqld]\ninit-connect='a\"\ninit-connect=\"b\n", &[]),
        shape("escapes", b"[mysqld]\ninit-connect=a\\sb\\tc\\\\d\\qe\\\"f\\'g\n", &[]),
        shape("a backslash at the end", b"[mysqld]\ninit-connect=a\\\n", &[]),
        shape(
            "a line feed in a value",
            b"[mysqld]\ninit-connect=\"a\\nb\"\nserver-id=5\n",
            &[("server_id", "5")],
        ),
        shape("an option in a value", b"[mysqld]\ninit-connect=a --server-id=9\n", &[]),
        shape("two equal signs", b"[mysqld]\ninit-connect=a=b\n", &[]),
        shape("no value behind the sign", b"[mysqld]\ninit-connect=\n", &[]),
        shape("mentioned twice", b"[mysqld]\nserver-id=5\nserver_id=6\n", &[("server_id", "6")]),
        shape("no-break space", b"[mysqld]\nloose-x=\xc2\xa09\n", &[]),
        shape("Latin-1 bytes", b"[mysqld]\ninit-connect='\xe9t\xe9'\n", &[]),
        shape("a byte order mark", b"\xef\xbb\xbf[mysqld]\nserver-id=5\n", &[]).ends(End::Refuses),
        shape("before any group", b"server-id=5\n[mysqld]\n", &[]).ends(End::Refuses),
        shape("a group that does not end", b"[mysqld\nserver-id=5\n", &[]).ends(End::Refuses),
        shape("a line that is too long", &long_line(), &[("server_id", "5")]),
        shape("blanks in a name", b"[mysqld]\nserver id = 9\nmax_connections=60\n", &[]),
        shape("nothing before the sign", b"[mysqld]\nserver-id=5\n", &[]),
    ]
}

/// The servers read a line of so many bytes in pieces.
fn long_line() -> Vec<u8> {
    let mut text = b"[mysqld]\nserver-id=5\ninit-connect='".to_vec();
    text.extend(std::iter::repeat_n(b'x', 3000));
    text.extend(b"'\n");
    text
}

fn groups() -> Vec<Shape> {
    let both = |text: &'static str| -> Vec<u8> {
        format!("[mysqld]\nserver-id=1\n{text}\nserver-id=99\n").into_bytes()
    };
    let one = |name: &'static str, group: &'static str, counts: bool, on: On| {
        let runs: &'static [_] = if counts { &[("server_id", "99")] } else { &[("server_id", "1")] };
        shape(name, &both(group), runs).on(on)
    };
    vec![
        one("[server]", "[server]", true, On::Both),
        one("[client]", "[client]", false, On::Both),
        one("[mysqldump]", "[mysqldump]", false, On::Both),
        one("[client-server]", "[client-server]", true, On::MariaDb),
        one("[client-server] of MySQL", "[client-server]", false, On::MySql),
        one("[mariadb]", "[mariadb]", true, On::MariaDb),
        one("[mariadb] of MySQL", "[mariadb]", false, On::MySql),
        one("[mariadbd]", "[mariadbd]", true, On::MariaDb),
        one("[mariadb-10.11]", "[mariadb-10.11]", true, On::MariaDb),
        one("[mariadb-10]", "[mariadb-10]", false, On::MariaDb),
        one("[mariadbd-10]", "[mariadbd-10]", false, On::MariaDb),
        one("[mariadb-11.4]", "[mariadb-11.4]", false, On::MariaDb),
        one("[mysqld-10.11]", "[mysqld-10.11]", true, On::MariaDb),
        one("[mysqld-9.7]", "[mysqld-9.7]", true, On::MySql),
        one("[mysqld-9]", "[mysqld-9]", false, On::MySql),
        one("[mysqld-8.0]", "[mysqld-8.0]", false, On::Both),
        one("[galera]", "[galera]", true, On::MariaDb),
        one("[ mysqld ]", "[ mysqld ]", false, On::Both),
        one("[mysqld ]", "[mysqld ]", true, On::Both),
        one("[MYSQLD]", "[MYSQLD]", true, On::Both),
        one("[mysqld1]", "[mysqld1]", false, On::Both),
        one("a group with a suffix", "[mysqld_prod]", true, On::Both).chosen("--defaults-group-suffix=_prod"),
        one("a group with another suffix", "[mysqld_prod]", false, On::Both)
            .chosen("--defaults-group-suffix=_test"),
    ]
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn places() -> Vec<Shape> {
    let including =
        |name: &'static str, runs: &'static [(&'static str, &'static str)]| shape(name, INCLUDING, runs);
    let text = "[mysqld]\nserver-id=5\n";
    vec![
        including("a directory in its order", &[("server_id", "6")])
            .file("conf.d/b.cnf", "[mysqld]\nserver-id=6\n")
            .file("conf.d/a.cnf", text),
        including("order by bytes", &[("server_id", "5")])
            .file("conf.d/Z.cnf", "[mysqld]\nserver-id=6\n")
            .file("conf.d/a.cnf", text),
        including("a hidden file", &[("server_id", "5")]).file("conf.d/.x.cnf", text),
        including("a hidden file among others", &[("server_id", "5")])
            .file("conf.d/.x.cnf", text)
            .file("conf.d/-y.cnf", "[mysqld]\nserver-id=7\n")
            .file("conf.d/+z.cnf", "[mysqld]\nserver-id=8\n"),
        including("a name that is an ending", &[("server_id", "5")]).file("conf.d/.cnf", text),
        including("another ending", &[]).file("conf.d/a.ini", text).file("conf.d/b.cnf.bak", text),
        including("two dots", &[("server_id", "5")]).file("conf.d/a.b.cnf", text),
        including("a world-writable file", &[]).file("conf.d/a.cnf", text).mode(0o666),
        including("a group-writable file", &[("server_id", "5")]).file("conf.d/a.cnf", text).mode(0o664),
        including("a file that it may not read", &[])
            .file("conf.d/a.cnf", text)
            .mode(0o600)
            .ends(End::Disputes(&["server_id"], "root reads what the server's user may not")),
        including("an empty directory", &[]),
        shape(
            "a directory that is not there",
            b"!includedir /etc/mysql/none.d/\n[mysqld]\nserver-id=5\n",
            &[],
        )
        .ends(End::Refuses),
        shape(
            "text below an included directory",
            b"[mysqld]\n!includedir /etc/mysql/conf.d/\nserver-id=99\n",
            &[("server_id", "99")],
        )
        .file("conf.d/a.cnf", text),
        shape(
            "text below of no group of its own",
            b"[mysqld]\n!includedir /etc/mysql/conf.d/\nserver-id=99\n",
            &[("server_id", "99")],
        )
        .file("conf.d/a.cnf", "[client]\nuser=x\n"),
        shape(
            "an included file",
            b"[mysqld]\nserver-id=1\n!include /etc/mysql/other.txt\n",
            &[("server_id", "5")],
        )
        .file("other.txt", text),
        shape(
            "an included file that is not there",
            b"[mysqld]\nserver-id=1\n!include /etc/mysql/none.cnf\n",
            &[("server_id", "1")],
        ),
        shape("blanks behind the mark", b"! includedir   /etc/mysql/conf.d\n", &[("server_id", "5")])
            .file("conf.d/a.cnf", text),
        shape(
            "an unknown directive",
            b"!included /etc/mysql/conf.d\n[mysqld]\nserver-id=1\n",
            &[("server_id", "1")],
        )
        .file("conf.d/a.cnf", text),
        shape(
            "a group of an included file ends with it",
            b"[client]\n!includedir /etc/mysql/conf.d\nserver-id=9\n",
            &[("server_id", "5")],
        )
        .file("conf.d/a.cnf", text),
        including("nested includes", &[("server_id", "7")])
            .file("conf.d/a.cnf", "!include /etc/mysql/more.cnf\n[mysqld]\nserver-id=7\n")
            .file("more.cnf", "[mysqld]\nserver-id=6\n!includedir /etc/mysql/deep.d\n")
            .file("deep.d/z.cnf", "[mysqld]\nserver-id=8\n"),
        shape(
            "a file that includes itself",
            b"[mysqld]\nserver-id=5\n!include /etc/mysql/my.cnf\n",
            &[("server_id", "5")],
        ),
        shape("another file before it", b"[mysqld]\nserver-id=5\n", &[("server_id", "5")])
            .file("/etc/my.cnf", "[mysqld]\nserver-id=4\n"),
        shape("one file alone", b"[mysqld]\nserver-id=5\n", &[("server_id", "6")])
            .file("alone.cnf", "[mysqld]\nserver-id=6\n")
            .chosen("--defaults-file=/etc/mysql/alone.cnf"),
        shape("a file more", b"[mysqld]\nserver-id=5\n", &[("server_id", "6")])
            .file("more.cnf", "[mysqld]\nserver-id=6\n")
            .chosen("--defaults-extra-file=/etc/mysql/more.cnf"),
        shape("no files", b"[mysqld]\nserver-id=5\n", &[]).chosen("--no-defaults"),
        shape("the user's own file", b"[mysqld]\nserver-id=5\n", &[])
            .file("/nonexistent/.my.cnf", "[mysqld]\nserver-id=9\n")
            .ends(End::Disputes(&["server_id"], "root opens no file that the server's user could exchange")),
    ]
}

fn shapes() -> Vec<Shape> {
    [names(), texts(), groups(), places()].into_iter().flatten().collect()
}

/// Bytes for `printf`.
fn octal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\{byte:03o}").expect("it is written");
        text
    })
}

/// A script that lays out each shape in turn and prints what is read of it.
fn script(shapes: &[&Shape], reading: &str, groups: &str) -> String {
    let mut text = format!(
        "cat >/root/read.sh <<'END_OF_READING'\n{reading}\nEND_OF_READING\n\
         program=$(command -v mariadbd || command -v mysqld)\n\
         as() {{ (cd / && env -i HOME=/nonexistent setpriv --reuid=mysql --regid=mysql --init-groups -- \"$@\"); }}\n"
    );
    for (number, shape) in shapes.iter().enumerate() {
        text += "rm -rf /etc/mysql /etc/my.cnf /nonexistent; mkdir -p /etc/mysql/conf.d\n";
        for (path, bytes, mode) in &shape.files {
            let path = if path.starts_with('/') { (*path).to_owned() } else { format!("/etc/mysql/{path}") };
            let directory = path.rsplit_once('/').expect("a directory").0;
            writeln!(text, "mkdir -p {directory}; printf '{}' >{path}; chmod {mode:o} {path}", octal(bytes))
                .expect("text");
        }
        writeln!(
            text,
            "echo; echo '#### {number} reading'; sh /root/read.sh NONCE '' '' '' 3306 \"$1\" '{0}'\n\
             echo; echo '#### {number} printed'; as my_print_defaults {0} {groups} 2>&1\n\
             echo; echo '#### {number} runs'; as \"$program\" {0} --help --verbose 2>/dev/null | sed '1,/^-----/d'",
            shape.chosen
        )
        .expect("text");
    }
    text
}

/// What is printed of one shape.
#[derive(Default)]
struct Printed {
    reading: Vec<u8>,
    printed: String,
    runs: BTreeMap<String, String>,
}

fn cut(output: &[u8], count: usize) -> Vec<Printed> {
    let mut all: Vec<Printed> = (0..count).map(|_| Printed::default()).collect();
    let marks: Vec<usize> =
        output.windows(6).enumerate().filter(|(_, w)| *w == b"\n#### ").map(|(at, _)| at).collect();
    for (n, &at) in marks.iter().enumerate() {
        let part = &output[at + 1..marks.get(n + 1).copied().unwrap_or(output.len())];
        let end = part.iter().position(|b| *b == b'\n').expect("a line");
        let head = String::from_utf8_lossy(&part[..end]).into_owned();
        let mut words = head.trim_start_matches("#### ").split(' ');
        let number: usize = words.next().and_then(|n| n.parse().ok()).expect("a number");
        let text = || String::from_utf8_lossy(&part[end + 1..]).trim_end_matches('\n').to_owned();
        match words.next() {
            Some("reading") => all[number].reading = part[end + 1..].to_vec(),
            Some("printed") => all[number].printed = text(),
            _ => all[number].runs = text().lines().filter_map(option_line).collect(),
        }
    }
    all
}

/// `server-id      5` of `--help --verbose`.
fn option_line(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(' ')?;
    Some((name.replace('-', "_"), value.trim().to_owned()))
}

/// The options of `my_print_defaults` under one spelling of their names.
fn plain(text: &str) -> String {
    let line = |line: &str| {
        let (name, value) = line.split_once('=').map_or((line, None), |(name, value)| (name, Some(value)));
        let Some(name) = name.strip_prefix("--") else { return line.to_owned() };
        let name = name.to_ascii_lowercase().replace('-', "_");
        let name = name.strip_prefix("loose_").unwrap_or(&name).to_owned();
        value.map_or(format!("--{name}"), |value| format!("--{name}={value}"))
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// What is wrong with one shape, if anything.
fn judge(
    shape: &Shape,
    printed: &Printed,
    version: ServerVersion,
    variables: &BTreeMap<String, String>,
) -> Vec<String> {
    let files = match files_of_host(&printed.reading, "NONCE") {
        // None is read at all, and there is nothing to ask.
        Fact::Known(files) if shape.chosen == "--no-defaults" => {
            let told = files.no_defaults && files.files.is_empty();
            return if told { Vec::new() } else { vec!["files are read with --no-defaults".to_owned()] };
        }
        Fact::Known(files) => files,
        Fact::Absent => Files::default(),
        Fact::Unread(why) => return vec![format!("not read: {why}")],
    };
    let mut wrong = Vec::new();
    let refuses = matches!(files.asked, Asked::Refused(_));
    if refuses != (shape.end == End::Refuses) || matches!(files.asked, Asked::Unasked(_)) {
        wrong.push(format!("the server says {:?}", files.asked));
    }
    if refuses {
        return wrong;
    }
    let disputes: Vec<String> = files.disputes(Some(version)).into_iter().map(|d| d.name).collect();
    let expected: &[&str] = if let End::Disputes(names, _) = shape.end { names } else { &[] };
    if disputes != expected {
        wrong.push(format!("disputed: {:?}", files.disputes(Some(version))));
    }
    if !expected.is_empty() {
        return wrong;
    }
    let ours: Vec<String> = files
        .occurrences(Some(version))
        .into_iter()
        .map(|o| o.value.map_or(format!("--{}", o.name), |value| format!("--{}={value}", o.name)))
        .collect();
    let told: String = printed
        .printed
        .lines()
        .filter(|l| !l.to_lowercase().contains("warning") && !l.starts_with("my_print_defaults: "))
        .collect::<Vec<_>>()
        .join("\n");
    if plain(&told) != ours.join("\n") {
        wrong.push(format!("my_print_defaults: {told:?}\n     here: {ours:?}"));
    }
    let meant = files.meant(Known { version, variables });
    for (name, value) in shape.runs {
        let ours = meant.iter().rfind(|o| o.name == *name).map(|o| o.value.as_deref().unwrap_or("ON"));
        let server = printed.runs.get(*name).map(String::as_str);
        if !ours.is_some_and(|ours| same(ours, value)) || !server.is_some_and(|server| same(server, value)) {
            wrong.push(format!("{name} should be {value}: the server has {server:?}, here it is {ours:?}"));
        }
    }
    wrong
}

fn same(a: &str, b: &str) -> bool {
    let one = |text: &str| match text {
        "TRUE" | "true" | "1" => "ON".to_owned(),
        "FALSE" | "(No default value)" | "0" => "OFF".to_owned(),
        "2M" => "2097152".to_owned(),
        text => text.to_owned(),
    };
    one(a) == one(b)
}

fn tried(lab: &Lab, host: &str, on: On, groups: &str) -> (usize, Vec<String>) {
    let all = shapes();
    let shapes: Vec<&Shape> = all.iter().filter(|shape| shape.on == On::Both || shape.on == on).collect();
    let words = "words=$(tr '\\0' '\\n' <\"/proc/$pid/cmdline\")";
    assert!(HOST_SCRIPT.contains(words), "the script reads the words of the process otherwise");
    let reading = HOST_SCRIPT.replace(words, "words=$(printf '%s\\n' mysqld ${7-})");
    // The files are laid out anew for each shape, and the oracles look at them from outside of the server's unit.
    let inside = "nsenter -m -t \"$pid\" -- true";
    assert!(reading.contains(inside), "the script asks the program otherwise");
    let reading = reading.replace(inside, "false");
    // The script sets its own words later: they are kept first.
    let reading = reading.replacen("nonce=$1", "chosen=${7-} nonce=$1", 1).replace("${7-})", "$chosen)");
    let version = ServerVersion::parse(&lab.sql(host, "select version()")).expect("a version");
    let variables: BTreeMap<String, String> = lab
        .sql(host, "show global variables")
        .lines()
        .filter_map(|line| line.split_once('\t').map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())))
        .collect();
    let script = script(&shapes, &reading, groups);
    let words = tandem::inside::dialect::words_of_option_groups();
    lab.bytes_at(host, "cat >/root/shapes.sh", script.as_bytes());
    let output = lab.bytes_at(host, &format!("sh /root/shapes.sh '{words}'"), b"");
    let printed = cut(&output, shapes.len());
    let mut wrong = Vec::new();
    for (shape, printed) in shapes.iter().zip(&printed) {
        wrong.extend(
            judge(shape, printed, version, &variables)
                .into_iter()
                .map(|why| format!("{host}: {}: {why}", shape.name)),
        );
    }
    (shapes.len(), wrong)
}

#[test]
fn option_files_are_read_as_the_servers_read_them() {
    let lab = Lab::boot(&["db-a", "db-m=sid"]);
    let (maria, mut wrong) = tried(&lab, "db-a", On::MariaDb, "--mysqld");
    let (mysql, more) = tried(&lab, "db-m", On::MySql, "mysqld server mysqld-9.7");
    wrong.extend(more);
    assert!(wrong.is_empty(), "{} of {maria} + {mysql}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(maria >= 40 && mysql >= 40, "{maria} and {mysql} shapes");
}
