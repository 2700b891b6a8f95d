//! Asks a server and its program whether they would take values, before anything is done with them.

use std::collections::BTreeMap;

use super::{Reading, ValuesAsked};
use crate::{
    dialect::{Dialect, ReadStatement},
    model::{Fact, HostName, in_parallel, limits},
    option_file::value_in_sql,
    transport::{Login, ReadScript, Session, SqlError},
};

/// What is asked of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueLook {
    /// The host.
    pub host: HostName,
    /// The unit whose program is asked.
    pub unit: String,
    /// Values of variables that a statement would set.
    pub by_statement: Vec<(String, String)>,
    /// The other option files of the server.
    pub files: Vec<String>,
    /// The options that our file is to hold: of each the variable, the value, and the word for the program.
    pub by_program: Vec<(String, String, String)>,
}

const PROGRAM: ReadScript = ReadScript::new(
    "ask the server's program for values",
    concat!(include_str!("../transport/server_program.sh"), include_str!("ask_values.sh")),
);

/// Errors that say nothing of the value: no privilege, a channel that has to pause, a lock, an end of the question.
const NOT_THE_VALUE: [u16; 12] = [1044, 1045, 1142, 1198, 1205, 1227, 1317, 1969, 3017, 3021, 3024, 3081];
/// Only a start sets it.
const READ_ONLY: u16 = 1238;

/// Adds to a reading what servers say of values that a plan would give them. It sets none of them.
pub async fn ask_values(reading: &mut Reading, looks: &[ValueLook], forks: usize) {
    let asked = looks.iter().filter_map(|look| {
        let session = reading.sessions.get(&look.host)?;
        let facts = reading.observed.get(&look.host)?.known()?;
        let dialect = Dialect::of(facts.version()?);
        let login = reading.logins.get(&look.host).filter(|_| facts.server.known().is_some());
        Some(async move {
            let (server, program) =
                tokio::join!(of_server(session, login, look), of_program(session, dialect, look));
            let mut all = server.unwrap_or_default();
            // The server's own words on the value are the better ones.
            for (asked, said) in program.unwrap_or_default() {
                all.refused.entry(asked).or_insert(said);
            }
            (look.host.clone(), all)
        })
    });
    for (host, all) in in_parallel(forks, asked).await {
        if let Some(Fact::Known(facts)) = reading.observed.get_mut(&host) {
            if let Fact::Known(server) = &mut facts.server {
                server.static_variables.extend(all.fixed.iter().cloned());
            }
            facts.asked = all;
        }
    }
}

async fn of_server(
    session: &Session,
    login: Option<&Login>,
    look: &ValueLook,
) -> Result<ValuesAsked, SqlError> {
    let mut all = ValuesAsked::default();
    let Some(login) = login.filter(|_| !look.by_statement.is_empty()) else { return Ok(all) };
    let sql = session.sql(login, limits::STATEMENT.time).await?;
    for (name, value) in &look.by_statement {
        let (question, taken) = ReadStatement::would_take(name, &value_in_sql(name, value));
        match sql.query(&question).await {
            Err(SqlError::Server { code, .. }) if code == taken || NOT_THE_VALUE.contains(&code) => {}
            Err(SqlError::Server { code: READ_ONLY, .. }) => drop(all.fixed.insert(name.clone())),
            Err(SqlError::Server { code, message }) => {
                all.refused.insert((name.clone(), value.clone()), format!("{message} ({code})"));
            }
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Ok(all)
}

/// What the program does not take. Where it can't be asked, the step that writes the file asks it.
async fn of_program(
    session: &Session,
    dialect: Dialect,
    look: &ValueLook,
) -> Option<BTreeMap<(String, String), String>> {
    if look.by_program.is_empty() {
        return None;
    }
    let count = look.files.len().to_string();
    let mut args = vec![look.unit.as_str(), dialect.check_options(), &count];
    args.extend(look.files.iter().map(String::as_str));
    args.extend(look.by_program.iter().map(|(_, _, word)| word.as_str()));
    let output = session.read(&PROGRAM, &args, limits::SCRIPT.time).await.ok()?;
    Some(program_answers(&output.text(), &look.by_program))
}

fn program_answers(text: &str, asked: &[(String, String, String)]) -> BTreeMap<(String, String), String> {
    let mut all = BTreeMap::new();
    let mut lines = text.lines();
    if lines.next() != Some("asked") {
        return all;
    }
    for (number, said) in lines.filter_map(|line| line.split_once(' ')) {
        // What it does not take together is told of the last one that it names.
        let named = || asked.iter().rfind(|(_, value, _)| !value.is_empty() && said.contains(value.as_str()));
        let one = number.parse::<usize>().map_or_else(|_| named(), |number| asked.get(number));
        let Some((name, value, _)) = one else { continue };
        all.entry((name.clone(), value.clone())).or_insert_with(|| said.trim().to_owned());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_does_not_take_is_told_of_its_option() {
        let asked = [("sql_mode", "FOO"), ("collation_server", "latin1_bin")]
            .map(|(name, value)| (name.to_owned(), value.to_owned(), format!("--{name}={value}")));
        let of = |text: &str| {
            let all = program_answers(text, &asked);
            all.into_iter().map(|((name, _), said)| format!("{name}: {said}")).collect::<Vec<_>>()
        };
        assert_eq!(of("asked\n0 unknown word\n0 and more\n"), ["sql_mode: unknown word"]);
        assert_eq!(
            of("asked\n- COLLATION 'latin1_bin' is not valid\n"),
            ["collation_server: COLLATION 'latin1_bin' is not valid"]
        );
        assert_eq!(of("unasked no\n0 x\n"), Vec::<String>::new());
        assert_eq!(of("asked\n7 x\n"), Vec::<String>::new());
    }
}
