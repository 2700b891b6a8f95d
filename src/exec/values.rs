//! What a server makes of the values that it was given: read back, and noted on its host, so that what it adjusts is given once.

use super::{On, Record, StepError};
use crate::{
    dialect::ReadStatement,
    model::{STARS, variables::looks_secret},
    observe::{ValueMark, ValueMarks},
    option_file::{same_value, takes_several},
};

const RECORD: Record<ValueMarks> = Record::new("/var/lib/tandem/values.json", "look for adjusted values");
/// What stands for a built-in value.
const DEFAULT: &str = "DEFAULT";
/// What a server has to run with to the letter: on these its place in the topology rests.
const EXACT: [&str; 6] = ["server_id", "gtid_domain_id", "read_only", "super_read_only", "log_bin", "port"];

/// Reads back what was given. What the server reports otherwise is noted and said.
///
/// # Errors
/// Where a value that must hold to the letter does not, or the host can't note it.
pub(crate) async fn taken(on: On<'_>, given: &[(String, String)]) -> Result<Option<String>, StepError> {
    let sql = on.reader().await?;
    let failed = |e| on.failed("look at its variables", e);
    let all: Vec<_> = given.iter().map(|(name, _)| ReadStatement::variable(name)).collect();
    let mut made = Vec::new();
    let mut exact = Vec::new();
    for ((name, given), rows) in given.iter().zip(sql.query_each(&all).await.map_err(failed)?) {
        let rows = rows.map_err(failed)?;
        // Not every option is a variable.
        let Some(row) = rows.first() else { continue };
        let reported = row.text("value").map_err(failed)?;
        let named = name == "log_bin" && reported == "ON";
        // The default of an option that was taken out is not always known.
        if given.is_empty() || given == DEFAULT || named || takes_several(name) {
            continue;
        }
        if same_value(name, &reported, given) {
            exact.push(name.clone());
        } else if EXACT.contains(&name.as_str()) {
            let why = format!("the server reports {reported} afterwards");
            return Err(on.failed(format!("give {name} the value {given}"), why));
        } else {
            made.push((name.clone(), ValueMark { given: given.clone(), reported }));
        }
    }
    let said = said(&made);
    note(on, made, &exact).await?;
    Ok(said)
}

/// Notes what the server has made of values, and that of others nothing is to note.
///
/// # Errors
/// Where the host can't be written to.
pub(crate) async fn note(
    on: On<'_>,
    made: Vec<(String, ValueMark)>,
    exact: &[String],
) -> Result<(), StepError> {
    let tried = "note what the server makes of its values";
    let before = RECORD.read_sensible(on).await?.unwrap_or_default();
    let mut marks = before.clone();
    for name in exact {
        marks.0.remove(name);
    }
    // A password stands in the option file, and nowhere else.
    marks.0.extend(made.into_iter().filter(|(name, _)| !looks_secret(name)));
    if marks == before {
        return Ok(());
    }
    RECORD.write(on, tried, &marks).await
}

fn said(made: &[(String, ValueMark)]) -> Option<String> {
    let one = |(name, mark): &(String, ValueMark)| match looks_secret(name) {
        true => format!("{name} is {STARS}"),
        false => format!("{name} = {} became {}", mark.given, mark.reported),
    };
    let all: Vec<String> = made.iter().map(one).collect();
    (!all.is_empty()).then(|| format!("adjusted by the server: {}", all.join(", ")))
}
