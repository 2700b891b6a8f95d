//! What a server makes of a value that it is given, as far as it has shown that: sizes are rounded, words are spelled
//! out, and limits of the system count. Nobody but the server knows.

use super::{HostFacts, ServerFacts, ValueMark};
use crate::option_file::{Files, plainly_other, same_value};

impl HostFacts {
    /// Whether a server that reports `running` does so because of the value `given`, though it is another text. A variable
    /// that a statement can set may have been set by another one: of these what was noted counts, and the start where the
    /// server says that nobody has set it since.
    pub fn makes(&self, name: &str, given: &str, running: &str) -> bool {
        let given_it = || self.marked(name, given, running) || self.started_so(name, given);
        !plainly_other(name, given, running) && given_it()
    }

    /// Whether a server was given a value and reports another one that is not made of it: it can't have it. What a start has
    /// turned into another one a statement may still set.
    pub fn kept_other(&self, name: &str, given: &str, running: &str) -> bool {
        let server = self.server.known();
        let fixed = || server.is_some_and(|server| server.static_variables.contains(name));
        plainly_other(name, given, running)
            && (self.marked(name, given, running) || fixed() && self.started_so(name, given))
    }

    fn marked(&self, name: &str, given: &str, running: &str) -> bool {
        let mark = self.values.known().and_then(|marks| marks.0.get(name));
        mark.is_some_and(|mark| mark.reported == running && same_value(name, &mark.given, given))
    }

    fn started_so(&self, name: &str, given: &str) -> bool {
        self.started_with(name).is_some_and(|with| same_value(name, &with, given))
    }

    /// What the server shows as other values than stand in its files, of those with which it has started.
    pub fn made_at_start(&self) -> Vec<(String, ValueMark)> {
        let (Some(files), Some(server)) = (self.option_files.known(), self.server.known()) else {
            return Vec::new();
        };
        let mut names: Vec<String> = files.meant(server.known()).into_iter().map(|one| one.name).collect();
        names.sort_unstable();
        names.dedup();
        let made = |name: String| {
            let reported = server.variable(&name)?.to_owned();
            let fixed = server.static_variables.contains(&name);
            let other = |given: &String| {
                !same_value(&name, given, &reported) && (fixed || !plainly_other(&name, given, &reported))
            };
            let given = self.started_with(&name).filter(other)?;
            Some((name, ValueMark { given, reported }))
        };
        names.into_iter().filter_map(made).collect()
    }

    /// The value with which the server that runs was started, of a variable that only a start can set or that nobody has set
    /// since: the last mention stands in a file that has not changed since.
    fn started_with(&self, name: &str) -> Option<String> {
        let (files, server) = (self.option_files.known()?, self.server.known()?);
        let of_start = server.static_variables.contains(name) || server.of_start.contains(name);
        if !of_start || server.persisted.contains_key(name) {
            return None;
        }
        let known = server.known();
        if files.disputes(Some(server.version)).iter().any(|d| known.meant(&d.name, None).0 == name) {
            return None;
        }
        by_argument(files, server, name).or_else(|| {
            let meant = files.meant(known);
            let last = meant.iter().rfind(|one| one.name == name)?;
            let same_file = files.before_start.contains(&last.file);
            // A file that is gone by now may have had the last word then.
            let whole = || {
                let directory = |path: &String| files.before_start.contains(path.trim_end_matches('/'));
                files.directories.iter().all(directory)
            };
            let told = server.found_in.get(name).map_or_else(whole, |path| *path == last.file);
            (same_file && told).then(|| last.value.clone().unwrap_or_else(|| "ON".to_owned()))
        })
    }
}

fn by_argument(files: &Files, server: &ServerFacts, name: &str) -> Option<String> {
    let meant = |one: &crate::option_file::Argument| server.known().meant(&one.name, one.value.as_deref());
    let mut running = files.arguments.iter().filter(|one| one.runs).map(meant);
    let last = running.rfind(|(of, _)| of == name);
    last.map(|(_, value)| value.unwrap_or_else(|| "ON".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        model::{Fact, ServerVersion},
        observe::ValueMarks,
    };

    fn facts(fixed: bool, path: Option<&str>, before: &[&str]) -> HostFacts {
        let version = ServerVersion::parse("10.11.6-MariaDB").expect("a version");
        let mut server = ServerFacts::silent(version, "");
        server.variables.insert("back_log".into(), "900".into());
        server.static_variables.extend(fixed.then(|| "back_log".to_owned()));
        server.found_in.extend(path.map(|path| ("back_log".to_owned(), path.to_owned())));
        HostFacts {
            server: Fact::Known(server),
            option_files: Fact::Known(Files {
                files: vec![("/d/f".into(), b"[mysqld]\nback_log=70000\n".to_vec())],
                directories: vec!["/d/".into()],
                before_start: before.iter().map(|path| (*path).to_owned()).collect(),
                ..Files::default()
            }),
            ..HostFacts::default()
        }
    }

    #[test]
    fn what_a_server_was_started_with_is_what_it_makes_of_it() {
        for (fixed, path, before, holds) in [
            (true, Some("/d/f"), &["/d/f"][..], true),
            (true, Some("/d/f"), &[], false),
            (true, Some("/d/gone"), &["/d/f", "/d"], false),
            (true, None, &["/d/f", "/d"], true),
            (true, None, &["/d/f"], false),
            (false, Some("/d/f"), &["/d/f", "/d"], false),
        ] {
            let facts = facts(fixed, path, before);
            assert_eq!(facts.makes("back_log", "70000", "900"), holds, "{fixed} {path:?} {before:?}");
            assert_eq!(facts.made_at_start().len(), usize::from(holds));
            assert!(!facts.makes("back_log", "70001", "900"));
        }
    }

    #[test]
    fn what_a_start_has_cut_holds_until_somebody_sets_it() {
        let mut facts = facts(false, None, &["/d/f", "/d"]);
        if let Fact::Known(server) = &mut facts.server {
            server.of_start.insert("back_log".into());
        }
        assert!(facts.makes("back_log", "70000", "900"));
        // What it has turned into something else it may be given by a statement.
        assert!(!facts.makes("back_log", "ON", "OFF") && !facts.kept_other("back_log", "ON", "OFF"));
    }

    #[test]
    fn what_was_noted_holds_as_long_as_it_is_reported() {
        let mut facts = facts(false, None, &[]);
        let mark = ValueMark { given: "70000".into(), reported: "900".into() };
        facts.values = Fact::Known(ValueMarks(BTreeMap::from([("back_log".into(), mark)])));
        assert!(facts.makes("back_log", "70000", "900"));
        assert!(!facts.makes("back_log", "70000", "901") && !facts.makes("back_log", "1", "900"));
        assert!(!facts.makes("other", "70000", "900"));
    }
}
