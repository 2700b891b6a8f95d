//! Plain resources of users' roles, of whatever kind: the script of the kind is run, and then it is asked again.

use std::time::Instant;

use crate::{
    exec::{On, StepError},
    model::{HostName, limits},
    resource::{AnyChange, Change, FUNCTIONS, Undo},
    transport::{Output, command_words},
};

/// Makes the host as declared, and sees that it is.
///
/// # Errors
/// With the host's own words, and with what has become of the state from before.
pub(super) async fn run(on: On<'_>, change: &Change) -> Result<Option<String>, StepError> {
    let change = change.any();
    let tried = change.summary();
    let begun = Instant::now();
    let outcome = work(on, &tried, change).await;
    let said = outcome.as_ref().map_or_else(ToString::to_string, |()| "ok".to_owned());
    on.ran(&tried, begun, &said);
    let Err(error) = outcome else { return Ok(None) };
    match change.undo() {
        None => Err(error),
        Some(undo) => Err(put_back(on, undo, error).await),
    }
}

/// The functions of a step: `work` and `look`. Arguments: those of both, quoted. Only the answer goes to standard output.
fn script(change: &dyn AnyChange) -> String {
    let (apply, look) = change.scripts();
    [
        FUNCTIONS,
        "work() (\n",
        apply,
        "\n)\nlook() (\n",
        look,
        "\n)\nmine=$1 asked=$2\neval \"set -- $mine\"\nwork \"$@\" >/dev/null || exit\n",
        "eval \"set -- $asked\"\nlook \"$@\" </dev/null\nexit 0\n",
    ]
    .concat()
}

async fn work(on: On<'_>, tried: &str, change: &dyn AnyChange) -> Result<(), StepError> {
    let host = on.host;
    let work = change.work();
    let args = [command_words(&work.args), command_words(&change.ask())];
    let args = [args[0].as_str(), args[1].as_str()];
    let writer = on.writer()?;
    let output = writer.try_run(tried, &script(change), &args, work.input.as_bytes(), change.limit()).await;
    let output = output.map_err(|error| on.failed(tried, error))?;
    if output.status != 0 {
        return Err(failed(host, tried, change, &output));
    }
    change.prove(&output.text()).map_err(|(why, next)| error(host, tried, why, next))
}

fn failed(host: &HostName, tried: &str, change: &dyn AnyChange, output: &Output) -> StepError {
    if let Some((why, next)) = change.explain(&output.stderr) {
        return error(host, tried, why, next);
    }
    let said = output.stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no words").trim();
    StepError::new(host, tried, format!("exit status {}: {said}", output.status))
}

fn error(host: &HostName, tried: &str, why: String, next: Option<String>) -> StepError {
    let error = StepError::new(host, tried, why);
    match next {
        Some(next) => error.then(next),
        None => error,
    }
}

/// Puts back what was there before a step that failed, and adds to its error how that ended.
async fn put_back(on: On<'_>, undo: Undo, error: StepError) -> StepError {
    let tried = "put back what was there before";
    let begun = Instant::now();
    let text = [FUNCTIONS, undo.script].concat();
    let args: Vec<&str> = undo.work.args.iter().map(String::as_str).collect();
    let outcome = match on.writer() {
        Ok(writer) => {
            let input = undo.work.input.as_bytes();
            let ran = writer.run(tried, &text, &args, input, limits::SCRIPT.time).await;
            ran.map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    let said = outcome.as_ref().map_or_else(Clone::clone, |_| "ok".to_owned());
    on.ran(tried, begun, &said);
    let end = match outcome {
        Ok(_) => "What was there before is back.".to_owned(),
        Err(why) => format!("What was there before could not be put back: {why}"),
    };
    let next = error.next.as_ref().map_or_else(String::new, |next| format!("{next} "));
    StepError { next: None, ..error }.then(format!("{next}{end}"))
}
