//! What a server answered, kept in a file and given again, so that what is made of its answers is tested without a server.
//!
//! A file has a line of JSON for each answer: the statement, and its rows, each with its columns by name, or the error's
//! number and text. Answers to the same statement are given in their order, and the last one again and again: that is how a
//! replica that moves on is recorded. A statement without an answer is an error, as one that a server can't parse.
//!
//! Builds with debug assertions write such files: `TANDEM_RECORD=DIRECTORY tandem ...` appends to one file for each host.
//! There may be digests of passwords in what a server answers, so record hosts of the lab and nothing else.

use serde::{Deserialize, Serialize};

use super::{Row, SqlError};

/// A statement and what it was answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recorded {
    statement: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<indexmap::IndexMap<String, Option<String>>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<(u16, String)>,
}

impl Recorded {
    /// Takes down an answer; `None` for a failure that is not the server's own.
    fn of(statement: &str, answer: &Result<Vec<Row>, SqlError>) -> Option<Self> {
        let (rows, error) = match answer {
            Ok(rows) => (Some(rows.iter().map(|row| row.columns().collect()).collect()), None),
            Err(SqlError::Server { code, message }) => (None, Some((*code, message.clone()))),
            Err(_) => return None,
        };
        Some(Self { statement: statement.to_owned(), rows, error })
    }
}

/// Appends an answer to the file of its host, where this run records.
#[cfg(debug_assertions)]
pub(super) fn note(host: &str, statement: &str, answer: &Result<Vec<Row>, SqlError>) {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let Some(directory) = std::env::var_os("TANDEM_RECORD") else { return };
    let Some(line) = Recorded::of(statement, answer).and_then(|r| serde_json::to_string(&r).ok()) else {
        return;
    };
    let path = std::path::Path::new(&directory).join(format!("{host}.jsonl"));
    let file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    // One write, so that the lines of several connections stay whole.
    let _ = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
}

#[cfg(test)]
pub(crate) use replay::Recording;

#[cfg(test)]
mod replay {
    use std::{
        collections::{BTreeMap, VecDeque},
        path::Path,
        sync::Mutex,
    };

    use super::{Recorded, Row, SqlError};

    /// Answers in the place of a server.
    #[derive(Debug, Default)]
    pub(crate) struct Recording(Mutex<BTreeMap<String, VecDeque<Recorded>>>);

    impl Recording {
        /// Reads a file of `tests/recordings`.
        pub(crate) fn of_file(name: &str) -> Self {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name);
            let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            Self::of_text(&text)
        }

        /// Reads its lines.
        pub(crate) fn of_text(text: &str) -> Self {
            let mut answers: BTreeMap<String, VecDeque<Recorded>> = BTreeMap::new();
            for line in text.lines().filter(|line| !line.is_empty()) {
                let recorded: Recorded = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
                answers.entry(recorded.statement.clone()).or_default().push_back(recorded);
            }
            Self(Mutex::new(answers))
        }

        /// The same with other values in every row that has these columns.
        #[must_use]
        pub(crate) fn with(self, values: &[(&str, &str)]) -> Self {
            for recorded in self.0.lock().expect("no test panics with it").values_mut().flatten() {
                for row in recorded.rows.iter_mut().flatten() {
                    for (column, value) in values {
                        let known = row.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(column));
                        if let Some((_, old)) = known {
                            *old = Some((*value).to_owned());
                        }
                    }
                }
            }
            self
        }

        /// The next answer to a statement.
        pub(crate) fn answer(&self, statement: &str) -> Result<Vec<Row>, SqlError> {
            let mut answers = self.0.lock().expect("no test panics with it");
            let Some(list) = answers.get_mut(statement) else {
                let message = format!("the recording has no answer to `{statement}`");
                return Err(SqlError::Server { code: 1064, message });
            };
            let next = if list.len() > 1 { list.pop_front() } else { list.front().cloned() };
            let Some(Recorded { rows, error, .. }) = next else { return Ok(Vec::new()) };
            if let Some((code, message)) = error {
                return Err(SqlError::Server { code, message });
            }
            let answer = Row::of(statement);
            Ok(rows.into_iter().flatten().map(|row| answer.with(row.into_iter().collect())).collect())
        }
    }

    #[test]
    fn answers_come_back_as_they_were_given() {
        let columns = vec![("Name".to_owned(), Some("a".to_owned())), ("nothing".to_owned(), None)];
        let rows = vec![Row::of("SHOW x").with(columns)];
        let failed = SqlError::Server { code: 1227, message: "Access denied".into() };
        let answers = [Ok(rows.clone()), Ok(Vec::new()), Err(failed)];
        let lines: Vec<String> = answers
            .iter()
            .map(|answer| serde_json::to_string(&Recorded::of("SHOW x", answer)).expect("JSON"))
            .collect();
        let recording = Recording::of_text(&lines.join("\n"));
        assert_eq!(recording.answer("SHOW x").ok(), Some(rows));
        assert_eq!(recording.answer("SHOW x").ok(), Some(Vec::new()));
        for _ in 0..2 {
            assert_eq!(recording.answer("SHOW x").map_err(|e| e.code()), Err(Some(1227)));
        }
        assert_eq!(recording.answer("SHOW y").map_err(|e| e.code()), Err(Some(1064)));
    }
}
