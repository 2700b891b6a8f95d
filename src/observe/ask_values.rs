//! Asks a server and its program whether they would take values, before anything is done with them.

use std::collections::{BTreeMap, BTreeSet};

use super::{NotTaken, Reading, ValuesAsked};
use crate::{
    dialect::{Dialect, ReadStatement},
    model::{Fact, HostName, in_parallel, limits},
    option_file::value_in_sql,
    transport::{Login, ReadScript, Session, SqlError},
};

/// What is asked of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValueLook {
    /// The host.
    pub host: HostName,
    /// The unit whose program is asked.
    pub unit: String,
    /// Values of variables that a statement would set.
    pub by_statement: Vec<(String, String)>,
    /// The other option files of the server.
    pub files: Vec<String>,
    /// Whether one of these is another one than the server was started with, and may keep it from starting again.
    pub changed: bool,
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
pub(crate) async fn ask_values(reading: &mut Reading, looks: &[ValueLook], forks: usize) {
    let asked = looks.iter().filter_map(|look| {
        let session = reading.sessions.get(&look.host)?;
        let facts = reading.observed.get(&look.host)?.known()?;
        let dialect = Dialect::of(facts.version()?);
        let login = reading.logins.get(&look.host).filter(|_| facts.server.known().is_some());
        Some(async move {
            let (server, program) =
                tokio::join!(of_server(session, login, look), of_program(session, dialect, look));
            let mut all = server.unwrap_or_default();
            let ProgramSays { refused, taken, broken } = program.unwrap_or_default();
            // The server's own words on the value are the better ones.
            for (asked, said) in refused {
                all.refused.entry(asked).or_insert(said);
            }
            all.broken = broken;
            all.taken = taken;
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
    let (of_locales, others): (Vec<_>, Vec<_>) =
        look.by_statement.iter().partition(|(name, _)| name.starts_with("lc_"));
    // Nearly always each of them would be taken, and one answer says so of all.
    let together: Vec<_> = others.iter().map(|(name, v)| (name.as_str(), value_in_sql(name, v))).collect();
    let all_taken = match together.len() {
        0 => true,
        1 => false,
        _ => {
            let (question, taken) = ReadStatement::would_take_all(&together);
            matches!(sql.query(&question).await, Err(SqlError::Server { code, .. }) if code == taken)
        }
    };
    let one_by_one = of_locales.into_iter().chain(if all_taken { Vec::new() } else { others });
    for (name, value) in one_by_one {
        let (question, taken) = ReadStatement::would_take(name, &value_in_sql(name, value));
        match sql.query(&question).await {
            Err(SqlError::Server { code, .. }) if code == taken || NOT_THE_VALUE.contains(&code) => {}
            Err(SqlError::Server { code: READ_ONLY, .. }) => drop(all.fixed.insert(name.clone())),
            Err(SqlError::Server { code, message }) => {
                let said = NotTaken::Said(format!("{message} ({code})"));
                all.refused.insert((name.clone(), value.clone()), said);
            }
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Ok(all)
}

/// What the program does not take. Where it can't be asked, the step that writes the file asks it.
async fn of_program(session: &Session, dialect: Dialect, look: &ValueLook) -> Option<ProgramSays> {
    if look.by_program.is_empty() && !look.changed {
        return None;
    }
    let count = look.files.len().to_string();
    let mut args = vec![look.unit.as_str(), dialect.check_options(), &count];
    args.extend(look.files.iter().map(String::as_str));
    args.extend(look.by_program.iter().map(|(_, _, word)| word.as_str()));
    let output = session.read(&PROGRAM, &args, limits::SCRIPT.time).await.ok()?;
    Some(ProgramSays::read(&output.text(), &look.by_program))
}

/// What the program says.
#[derive(Debug, Default)]
struct ProgramSays {
    /// Of each variable and value why it is not taken.
    refused: BTreeMap<(String, String), NotTaken>,
    /// The variables and values that it takes.
    taken: BTreeSet<(String, String)>,
    /// Of the other option files, where it does not take them as they are.
    broken: Vec<String>,
}

impl ProgramSays {
    fn read(text: &str, asked: &[(String, String, String)]) -> Self {
        let broken = text.lines().filter_map(|line| line.strip_prefix("broken "));
        let refused = program_answers(text, asked);
        let all = asked.iter().map(|(name, value, _)| (name.clone(), value.clone()));
        let answered = text.starts_with("asked\n");
        let taken = all.filter(|one| answered && !refused.contains_key(one)).collect();
        Self { refused, taken, broken: broken.map(str::to_owned).collect() }
    }
}

fn program_answers(text: &str, asked: &[(String, String, String)]) -> BTreeMap<(String, String), NotTaken> {
    let mut all = BTreeMap::new();
    let mut lines = text.lines();
    if lines.next() != Some("asked") {
        return all;
    }
    for line in lines {
        let mut parts = line.splitn(3, ' ');
        let (Some(kind), Some(number), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let rest = rest.trim().to_owned();
        // What it does not take together is told of the last one that it names.
        let named = || asked.iter().rfind(|(_, value, _)| !value.is_empty() && rest.contains(value.as_str()));
        let one = number.parse::<usize>().map_or_else(|_| named(), |number| asked.get(number));
        let Some((name, value, _)) = one else { continue };
        let why = match kind {
            "said" => NotTaken::Said(rest),
            "directory" => NotTaken::NoDirectory(rest),
            "closed" => NotTaken::Closed(rest),
            "file" => NotTaken::Unreadable(rest),
            "pem" => NotTaken::NotPem(rest),
            "address" => NotTaken::NoAddress(rest),
            "memory" => match rest.parse() {
                Ok(memory) => NotTaken::NoMemory(memory),
                Err(_) => continue,
            },
            _ => continue,
        };
        all.entry((name.clone(), value.clone())).or_insert(why);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_says_of_other_files_is_no_answer() {
        let text = "unasked it does not take them\nbroken unknown variable 'nonesuch=1'\n";
        let asked = [("x".to_owned(), "1".to_owned(), "--x=1".to_owned())];
        let ProgramSays { refused, taken, broken } = ProgramSays::read(text, &asked);
        assert_eq!((refused.len(), taken.len()), (0, 0));
        assert_eq!(broken, ["unknown variable 'nonesuch=1'"]);
        assert_eq!(ProgramSays::read("asked\n", &asked).taken.len(), 1);
        assert_eq!(ProgramSays::read("asked\nsaid 0 no\n", &asked).taken.len(), 0);
    }

    #[test]
    fn what_a_program_does_not_take_is_told_of_its_option() {
        let asked = [("sql_mode", "FOO"), ("collation_server", "latin1_bin")]
            .map(|(name, value)| (name.to_owned(), value.to_owned(), format!("--{name}={value}")));
        let of = |text: &str| {
            let all = program_answers(text, &asked);
            all.into_iter().map(|((name, _), why)| (name, why)).collect::<Vec<_>>()
        };
        let said = |text: &str| NotTaken::Said(text.to_owned());
        assert_eq!(
            of("asked\nsaid 0 unknown word\nsaid 0 and more\n"),
            [("sql_mode".to_owned(), said("unknown word"))]
        );
        assert_eq!(
            of("asked\nsaid - COLLATION 'latin1_bin' is not valid\n"),
            [("collation_server".to_owned(), said("COLLATION 'latin1_bin' is not valid"))]
        );
        assert_eq!(
            of("asked\ndirectory 0 /no where\nfile 1 /x\naddress 1 192.0.2.1\n"),
            [
                ("collation_server".to_owned(), NotTaken::Unreadable("/x".to_owned())),
                ("sql_mode".to_owned(), NotTaken::NoDirectory("/no where".to_owned())),
            ]
        );
        assert_eq!(of("unasked no\nsaid 0 x\n"), []);
        assert_eq!(of("asked\nsaid 7 x\nother 0 x\n"), []);
    }
}
