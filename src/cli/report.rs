//! `report`: one HTML file with topology, findings, differences and the last runs.

use super::{
    args::{Global, ReportArgs},
    exit::Exit,
    form::Format,
    open::open,
    plan::need_playbook,
    runs,
    write::{FOR_ITS_OWNER, is_no_input, replace_masked},
};
use crate::{
    engine::{CommandError, State},
    model::{json_without_hidden, without_hidden},
    plan::PlanDocument,
    render::{self, ReportDocument, Terminal},
    status::StatusDocument,
};

/// Past runs that are shown.
const RUNS: usize = 10;

/// Looks once, and writes nothing but the file that the user names.
pub(super) async fn run(
    global: &Global,
    args: &ReportArgs,
    terminal: &Terminal,
) -> Result<Exit, CommandError> {
    let playbook = args.playbook.playbook.clone();
    is_no_input(args.out.as_deref(), global, playbook.as_deref())?;
    let (status, plan, exit) = match &playbook {
        Some(playbook) => with_plan(global, playbook, terminal).await?,
        None => {
            let engine = open(global, None, &[], terminal)?;
            let status = render::while_waiting(terminal, "reading the hosts", engine.look().status()).await;
            let exit = State::of_topology(&status).into();
            (status, None, exit)
        }
    };
    let document = ReportDocument {
        format_version: "1.0",
        time: jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        playbook,
        status,
        plan,
        runs: runs::past(RUNS),
    };
    let text = match global.wanted.format() {
        Format::Human => {
            let page = render::report(&document)
                .map_err(|error| CommandError::failed(format!("the page can't be made: {error}")))?;
            without_hidden(&page).into_owned()
        }
        Format::Json | Format::Jsonl => {
            let mut value = serde_json::json!(document);
            json_without_hidden(&mut value);
            match &args.out {
                None if global.wanted.format() == Format::Json => {
                    terminal.json(&value);
                    return Ok(exit);
                }
                None => {
                    terminal.json_line(&value);
                    return Ok(exit);
                }
                Some(_) => format!("{value}\n"),
            }
        }
    };
    match &args.out {
        None => terminal.out(&text),
        Some(path) => {
            replace_masked(path, &text, FOR_ITS_OWNER).map_err(|error| {
                CommandError::failed(format!("the report can't be written to {}", path.display()))
                    .because(error)
            })?;
            terminal.note(&format!("Written: {}", path.display()));
        }
    }
    Ok(exit)
}

async fn with_plan(
    global: &Global,
    playbook: &str,
    terminal: &Terminal,
) -> Result<(StatusDocument, Option<PlanDocument>, Exit), CommandError> {
    let playbook = need_playbook(Some(playbook), "report")?;
    let engine = open(global, Some(playbook), &[], terminal)?;
    let planned = render::while_waiting(terminal, "reading the hosts", engine.plan()).await?;
    let document = planned.document()?;
    let state = planned.state(&document);
    let status = planned.status();
    // A channel that does not run is a difference, too.
    let state = if state == State::InSync { State::of_topology(&status) } else { state };
    planned.close().await;
    Ok((status, Some(document), state.into()))
}
