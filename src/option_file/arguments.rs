//! What a server is started with beside its option files: the arguments of its process, and where they stand.

use super::canonical_name;

/// One argument of a server, which counts more than every option file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Canonical name.
    pub name: String,
    /// Its value; `None` for a bare flag.
    pub value: Option<String>,
    /// File and line of the unit that has it; `None` where no file of the unit has it as it is.
    pub at: Option<(String, u32)>,
    /// Whether the process that runs has it. Else its unit has got it since.
    pub runs: bool,
}

/// A line of a unit's file: the file, its number from 1, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnitLine {
    /// The file, of the unit itself, of a drop-in, or of its environment.
    pub file: String,
    /// Its number, from 1.
    pub line: u32,
    /// Its text.
    pub text: String,
}

/// What `mysqld_safe` passes on: it takes these out of the option files itself, or finds them out.
const OF_THE_SCRIPT: [&str; 9] = [
    "basedir",
    "datadir",
    "plugin_dir",
    "user",
    "log_error",
    "pid_file",
    "socket",
    "port",
    "open_files_limit",
];

/// Short words of the servers (`my_long_options` of both).
const SHORT: [(&str, &str); 6] = [
    ("b", "basedir"),
    ("h", "datadir"),
    ("P", "port"),
    ("t", "tmpdir"),
    ("u", "user"),
    ("C", "character_set_server"),
];

/// The arguments among the words of a process, without the program's name, each with its place, and those that the next
/// process would have. `words` are none where nothing is known of the process; one without arguments is known.
pub(crate) fn arguments(words: Option<&[String]>, units: &[UnitLine], by_script: bool) -> Vec<Argument> {
    let said = said_by_unit(units);
    let place = |one: &(String, Option<String>)| {
        said.iter().rfind(|(other, _)| other == one).map(|(_, line)| (line.file.clone(), line.line))
    };
    let runs = read_words(words.unwrap_or_default());
    let mut all: Vec<Argument> = runs
        .iter()
        .filter(|(name, _)| !by_script || !OF_THE_SCRIPT.contains(&name.as_str()))
        .map(|one| Argument { name: one.0.clone(), value: one.1.clone(), at: place(one), runs: true })
        .collect();
    // Where nothing is known of the process, nothing is known to be new.
    let new = said.into_iter().filter(|(one, _)| words.is_some() && !runs.contains(one));
    all.extend(new.map(|((name, value), line)| Argument {
        name,
        value,
        at: Some((line.file.clone(), line.line)),
        runs: false,
    }));
    all
}

/// Options among words, as a server takes them.
fn read_words(words: &[String]) -> Vec<(String, Option<String>)> {
    let mut all = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let short = |(letter, name): &(&str, &str)| {
            let rest = word.strip_prefix('-')?.strip_prefix(letter)?;
            Some(((*name).to_owned(), Some(rest).filter(|rest| !rest.is_empty()).map(str::to_owned)))
        };
        let (name, value) = match (word.strip_prefix("--"), SHORT.iter().find_map(short)) {
            (Some(""), _) | (None, None) => continue,
            (Some(option), _) => match option.split_once('=') {
                Some((name, value)) => (canonical_name(name), Some(value.to_owned())),
                None => (canonical_name(option), None),
            },
            (None, Some(found)) => found,
        };
        if matches!(
            name.as_str(),
            "defaults_file" | "defaults_extra_file" | "defaults_group_suffix" | "no_defaults"
        ) {
            continue;
        }
        // A value may be a word of its own: a server takes no other ones.
        let own = words.next_if(|next| value.is_none() && !next.starts_with(['-', '$']));
        all.push((name, value.or_else(|| own.cloned())));
    }
    all
}

type Said<'a> = ((String, Option<String>), &'a UnitLine);

/// Options in the lines of a unit. An empty `ExecStart=` takes back those before it, as systemd does.
fn said_by_unit(units: &[UnitLine]) -> Vec<Said<'_>> {
    let mut all: Vec<Said<'_>> = Vec::new();
    for line in units {
        let text = line.text.trim();
        if text.starts_with(['#', ';']) {
            continue;
        }
        if text
            .split_once('=')
            .is_some_and(|(key, value)| key.trim() == "ExecStart" && value.trim().is_empty())
        {
            all.clear();
            continue;
        }
        // What other programs of the unit get is not the server's: those are started by other keys.
        let key = text.split_once('=').map_or("", |(key, _)| key);
        if key.starts_with("Exec") && key.trim() != "ExecStart" {
            continue;
        }
        let words = text.split(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        // The first of a variable stands behind its name.
        let words = words.map(|word| match word.split_once("=--") {
            Some((name, rest)) if !name.starts_with('-') => format!("--{rest}"),
            _ => word.to_owned(),
        });
        // Nothing stands by itself in a text like this: an option has its value behind `=`.
        let long = words.filter(|word| word.starts_with("--") && !word.contains('$'));
        all.extend(long.flat_map(|word| read_words(&[word])).map(|one| (one, line)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn line(file: &str, line: u32, text: &str) -> UnitLine {
        UnitLine { file: file.into(), line, text: text.into() }
    }

    fn told(all: &[Argument]) -> Vec<String> {
        let at = |a: &Argument| a.at.as_ref().map_or("-".to_owned(), |(file, line)| format!("{file}:{line}"));
        let value = |a: &Argument| a.value.clone().map(|v| format!("={v}")).unwrap_or_default();
        all.iter().map(|a| format!("{}{} {} {}", a.name, value(a), at(a), a.runs)).collect()
    }

    #[test]
    fn an_argument_has_its_place_in_the_unit() {
        let units = [
            line("/lib/u.service", 20, "ExecStart=/usr/sbin/mysqld --server-id=1 --skip-log-bin"),
            line("/etc/u.d/a.conf", 2, "ExecStart="),
            line("/etc/u.d/a.conf", 3, "ExecStart=/usr/sbin/mysqld --server-id=99 $MYSQLD_OPTS"),
            line("/etc/u.d/a.conf", 4, "ExecStartPost=/bin/x --port=7"),
            line("/etc/u.d/b.conf", 2, "Environment=\"MYSQLD_OPTS=--port=3307 --log-bin=x\""),
        ];
        let all = arguments(
            Some(&words("--defaults-file=/x --server-id=99 --port=3307 -u mysql --datadir /d")),
            &units,
            false,
        );
        assert_eq!(
            told(&all),
            [
                "server_id=99 /etc/u.d/a.conf:3 true",
                "port=3307 /etc/u.d/b.conf:2 true",
                "user=mysql - true",
                "datadir=/d - true",
                "log_bin=x /etc/u.d/b.conf:2 false",
            ]
        );
    }

    #[test]
    fn what_a_script_takes_from_the_files_is_none() {
        let all = arguments(Some(&words("--datadir=/d --pid-file=x --server-id=5")), &[], true);
        assert_eq!(told(&all), ["server_id=5 - true"]);
        let unit = [line("/u", 1, "ExecStart=/x --server-id=5")];
        assert!(arguments(None, &unit, false).is_empty());
        assert_eq!(told(&arguments(Some(&[]), &unit, false)), ["server_id=5 /u:1 false"]);
    }
}
