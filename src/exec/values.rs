//! What a server makes of the values that it was given: read back, and noted on its host, so that what it adjusts is given once.

use super::{On, Record, StepError};
use crate::{
    dialect::ReadStatement,
    model::{STARS, variables::looks_secret},
    observe::{ValueMark, ValueMarks},
    option_file::{DEFAULT, plainly_other, same_value, takes_several, value_in_sql},
};

const RECORD: Record<ValueMarks> = Record::new("/var/lib/tandem/values.json", "look for adjusted values");
/// What a server has to run with to the letter: on these its place in the topology rests.
const EXACT: [&str; 6] = ["server_id", "gtid_domain_id", "read_only", "super_read_only", "log_bin", "port"];

/// What the server runs with now, in the order of `given`; nothing for what is no variable.
///
/// # Errors
/// When it does not say.
pub(crate) async fn reported(
    on: On<'_>,
    given: &[(String, String)],
) -> Result<Vec<Option<String>>, StepError> {
    let sql = on.reader().await?;
    let failed = |e| on.failed("look at its variables", e);
    let all: Vec<_> = given.iter().map(|(name, _)| ReadStatement::variable(name)).collect();
    let mut reported = Vec::new();
    for rows in sql.query_each(&all).await.map_err(failed)? {
        // Not every option is a variable.
        let row = rows.map_err(failed)?.into_iter().next();
        reported.push(row.map(|row| row.text("value")).transpose().map_err(failed)?);
    }
    Ok(reported)
}

/// Gives a server that was restarted what a statement can set and its start has made another value of: some options turn
/// others on. Then as [`taken`].
///
/// # Errors
/// When it does not take it, and those of [`taken`].
pub(crate) async fn after_start(on: On<'_>, given: &[(String, String)]) -> Result<Option<String>, StepError> {
    let (mut now, before) = tokio::try_join!(reported(on, given), RECORD.read_sensible(on))?;
    if give_again(on, given, &now).await? {
        now = reported(on, given).await?;
    }
    read_back(on, given, now, before.unwrap_or_default()).await
}

/// Whether something was given again.
async fn give_again(
    on: On<'_>,
    given: &[(String, String)],
    now: &[Option<String>],
) -> Result<bool, StepError> {
    let fixed = &on.server()?.static_variables;
    let mut again = false;
    for ((name, value), reported) in given.iter().zip(now) {
        let other = reported.as_ref().is_some_and(|reported| plainly_other(name, value, reported));
        // Who takes writes is opened by its own step, and never in passing.
        let exact = EXACT.contains(&name.as_str()) || value == DEFAULT;
        if other && !exact && !fixed.contains(name) {
            let statement = format!("SET GLOBAL {name} = {}", value_in_sql(name, value));
            let tried = format!("set {name} to {value}");
            on.statements().await?.run(&statement).await.map_err(|e| on.failed(tried, e))?;
            again = true;
        }
    }
    Ok(again)
}

/// Reads back what was given. What the server reports otherwise is noted and said.
///
/// # Errors
/// Where a value that must hold to the letter does not, or the host can't note it.
pub(crate) async fn taken(on: On<'_>, given: &[(String, String)]) -> Result<Option<String>, StepError> {
    let (now, before) = tokio::try_join!(reported(on, given), RECORD.read_sensible(on))?;
    read_back(on, given, now, before.unwrap_or_default()).await
}

/// The same with what is reported now, and what was noted before.
async fn read_back(
    on: On<'_>,
    given: &[(String, String)],
    now: Vec<Option<String>>,
    before: ValueMarks,
) -> Result<Option<String>, StepError> {
    let (mut made, mut exact, mut other) = (Vec::new(), Vec::new(), None);
    for ((name, given), reported) in given.iter().zip(now) {
        let Some(reported) = reported else { continue };
        let named = name == "log_bin" && reported == "ON";
        if given.is_empty() || named || takes_several(name) {
            continue;
        }
        if same_value(name, &reported, given) {
            exact.push(name.clone());
        } else if EXACT.contains(&name.as_str()) && given != DEFAULT {
            let why = format!("the server reports {reported} afterwards");
            return Err(on.failed(format!("give {name} the value {given}"), why));
        } else {
            if given != DEFAULT && plainly_other(name, given, &reported) {
                let why = format!("the server reports {reported} afterwards");
                other = Some(on.failed(format!("give {name} the value {given}"), why));
            }
            made.push((name.clone(), ValueMark { given: given.clone(), reported }));
        }
    }
    let said = said(&made);
    write(on, before, made, &exact).await?;
    // It is noted all the same: the next plan refuses the value, and no restart gives it once more.
    other.map_or(Ok(said), Err)
}

/// Notes what the server has made of values.
///
/// # Errors
/// Where the host can't be written to.
pub(crate) async fn note(on: On<'_>, made: Vec<(String, ValueMark)>) -> Result<(), StepError> {
    if made.is_empty() {
        return Ok(());
    }
    let before = RECORD.read_sensible(on).await?.unwrap_or_default();
    write(on, before, made, &[]).await
}

/// Adds to what was noted, and takes out what a server has taken as it was given.
async fn write(
    on: On<'_>,
    before: ValueMarks,
    made: Vec<(String, ValueMark)>,
    exact: &[String],
) -> Result<(), StepError> {
    let mut marks = before.clone();
    for name in exact {
        marks.0.remove(name);
    }
    // A password stands in the option file, and nowhere else.
    marks.0.extend(made.into_iter().filter(|(name, _)| !looks_secret(name)));
    if marks == before {
        return Ok(());
    }
    RECORD.write(on, "note what the server makes of its values", &marks).await
}

fn said(made: &[(String, ValueMark)]) -> Option<String> {
    let one = |(name, mark): &(String, ValueMark)| match looks_secret(name) {
        true => format!("{name} is {STARS}"),
        false => format!("{name} = {} became {}", mark.given, mark.reported),
    };
    let all: Vec<String> = made.iter().filter(|(_, mark)| mark.given != DEFAULT).map(one).collect();
    (!all.is_empty()).then(|| format!("adjusted by the server: {}", all.join(", ")))
}
