//! Views and stored programs: how they are shown, and under which session they were made.

use crate::dialect::{Dialect, identifier, literal};

/// What kind of code it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum CodeKind {
    /// A specification of a package of MariaDB.
    Package,
    /// The body of one.
    PackageBody,
    /// A function.
    Function,
    /// A procedure.
    Procedure,
    /// A view.
    View,
    /// A trigger.
    Trigger,
    /// An event of the scheduler.
    Event,
}

impl CodeKind {
    /// As `ROUTINE_TYPE` names it.
    pub(crate) fn of_routine(kind: &str) -> Option<Self> {
        match kind {
            "PACKAGE" => Some(Self::Package),
            "PACKAGE BODY" => Some(Self::PackageBody),
            "FUNCTION" => Some(Self::Function),
            "PROCEDURE" => Some(Self::Procedure),
            _ => None,
        }
    }

    /// As SQL names it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Package => "PACKAGE",
            Self::PackageBody => "PACKAGE BODY",
            Self::Function => "FUNCTION",
            Self::Procedure => "PROCEDURE",
            Self::View => "VIEW",
            Self::Trigger => "TRIGGER",
            Self::Event => "EVENT",
        }
    }

    /// Shows the statement that makes one.
    pub(crate) fn show(self, database: &str, name: &str) -> String {
        format!("SHOW CREATE {} {}.{}", self.word(), identifier(database), identifier(name))
    }

    /// The column of that answer with the statement.
    pub(crate) fn statement_column(self) -> &'static str {
        match self {
            Self::Package => "Create Package",
            Self::PackageBody => "Create Package Body",
            Self::Function => "Create Function",
            Self::Procedure => "Create Procedure",
            Self::View => "Create View",
            Self::Trigger => "SQL Original Statement",
            Self::Event => "Create Event",
        }
    }
}

/// The session under which a piece of code was made. It is written down with it, and decides what it means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CreatedUnder {
    /// `sql_mode`; nothing for a view, which has none.
    pub sql_mode: Option<String>,
    /// `time_zone`, for an event.
    pub time_zone: Option<String>,
    /// `character_set_client`.
    pub client: String,
    /// `collation_connection`.
    pub connection: String,
}

impl CreatedUnder {
    /// Makes a session of such a server one like it. MySQL 8.0 took the mode `NO_AUTO_CREATE_USER` away.
    pub(crate) fn session(&self, dialect: Dialect) -> String {
        let mut settings = Vec::new();
        if let Some(mode) = &self.sql_mode {
            let gone = |word: &&str| dialect.mysql(8, 0, 11) && *word == "NO_AUTO_CREATE_USER";
            let words: Vec<&str> = mode.split(',').filter(|word| !gone(word)).collect();
            settings.push(format!("SESSION sql_mode={}", literal(&words.join(","))));
        }
        if let Some(zone) = &self.time_zone {
            settings.push(format!("SESSION time_zone={}", literal(zone)));
        }
        if !self.client.is_empty() {
            settings.push(format!("SESSION character_set_client={}", literal(&self.client)));
            settings.push(format!("SESSION collation_connection={}", literal(&self.connection)));
        }
        format!("SET {}", settings.join(", "))
    }
}

/// Gives a database another default, by a collation, whose name begins with its character set.
pub(crate) fn with_collation(database: &str, collation: &str) -> String {
    let set = collation.split('_').next().unwrap_or_default();
    format!("ALTER DATABASE {} CHARACTER SET {set} COLLATE {collation}", identifier(database))
}

/// A statement that makes a table, without the counter of `AUTO_INCREMENT`, which moves: two of them are the same if the
/// table was not altered between them.
pub(crate) fn create_text(create: &str) -> String {
    const COUNTER: &str = " AUTO_INCREMENT=";
    let options = create.rfind("\n)").unwrap_or(0);
    match create[options..].split_once(COUNTER) {
        Some((before, after)) => {
            let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{}{before}{rest}", &create[..options])
        }
        None => create.to_owned(),
    }
}

/// The lines of a statement that makes a table without its indexes that are not unique, and these.
pub(crate) fn keys_apart(create: &str) -> (Vec<&str>, Vec<&str>) {
    let lines = create.lines().map(|line| line.strip_suffix(',').unwrap_or(line));
    let (keys, rest): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with("  KEY `"));
    (rest, keys.into_iter().map(str::trim_start).collect())
}

/// The quoted name of an index, as [`keys_apart`] gives it.
pub(crate) fn key_name(key: &str) -> Option<&str> {
    let name = key.strip_prefix("KEY ").filter(|name| name.starts_with('`'))?;
    // A backquote in it is doubled.
    let mut end = 1;
    while name.get(end..)?.starts_with("``") || !name.get(end..)?.starts_with('`') {
        end += if name[end..].starts_with("``") { 2 } else { name[end..].chars().next()?.len_utf8() };
    }
    name.get(..=end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ServerVersion;

    #[test]
    fn indexes_stand_apart_from_a_table() {
        let create = "CREATE TABLE `t` (\n  `KEY` int NOT NULL,\n  `b` int,\n  PRIMARY KEY (`KEY`),\n  UNIQUE KEY `u` (`b`),\n  \
                      KEY `a``b` (`b`) COMMENT 'x, y',\n  KEY `\u{e4}` (`b`,`KEY`)\n) ENGINE=InnoDB";
        let (rest, keys) = keys_apart(create);
        assert_eq!(keys, ["KEY `a``b` (`b`) COMMENT 'x, y'", "KEY `\u{e4}` (`b`,`KEY`)"]);
        let without = "CREATE TABLE `t` (\n  `KEY` int NOT NULL,\n  `b` int,\n  PRIMARY KEY (`KEY`),\n  UNIQUE KEY `u` (`b`)\n) ENGINE=InnoDB";
        assert_eq!(rest, keys_apart(without).0);
        assert_eq!(key_name(keys[0]), Some("`a``b`"));
        assert_eq!(key_name(keys[1]), Some("`\u{e4}`"));
        for none in ["KEY", "KEY `a", "KEY `a``", "UNIQUE KEY `a` (`b`)", "KEY a (`b`)"] {
            assert_eq!(key_name(none), None, "{none}");
        }
    }

    #[test]
    fn a_counter_that_moves_is_no_change() {
        let create = |n: u32| {
            format!(
                "CREATE TABLE `t` (\n  `a` int COMMENT ' AUTO_INCREMENT=5'\n) ENGINE=InnoDB AUTO_INCREMENT={n} COMMENT='x'"
            )
        };
        assert_eq!(create_text(&create(5)), create_text(&create(77)));
        assert!(create_text(&create(5)).contains("COMMENT ' AUTO_INCREMENT=5'"));
    }

    #[test]
    fn code_is_made_under_its_own_session() {
        let under = CreatedUnder {
            sql_mode: Some("ANSI_QUOTES,NO_AUTO_CREATE_USER".into()),
            time_zone: None,
            client: "latin1".into(),
            connection: "latin1_bin".into(),
        };
        let of =
            |version: &str| under.session(Dialect::of(ServerVersion::parse(version).expect("a version")));
        assert_eq!(
            of("9.7.0"),
            "SET SESSION sql_mode='ANSI_QUOTES', SESSION character_set_client='latin1', SESSION collation_connection='latin1_bin'"
        );
        assert!(of("10.11.6-MariaDB").contains("ANSI_QUOTES,NO_AUTO_CREATE_USER"));
    }
}
