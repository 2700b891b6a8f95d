//! `report`: one HTML file with topology, findings, differences and the last runs.

use super::{
    args::{Format, Global, ReportArgs},
    exit::Exit,
    history, plan,
    prepare::prepare,
    snapshot::Snapshot,
    status,
    write::{FOR_ITS_OWNER, replace_masked},
};
use crate::{
    desired::DesiredHost,
    engine::CommandError,
    model::{json_without_hidden, without_hidden},
    observe::Observed,
    plan::PlanDocument,
    render::{self, ReportDocument, Terminal},
    status::{StatusDocument, status as status_of},
};

/// Past runs that are shown.
const RUNS: usize = 10;

/// Looks once, and writes nothing but the file that the user names.
pub async fn run(global: &Global, args: &ReportArgs, terminal: &Terminal) -> Result<Exit, CommandError> {
    let playbook = args.playbook.playbook.clone();
    let (status, plan, exit) = match &playbook {
        Some(playbook) => with_plan(global, playbook, terminal).await?,
        None => {
            let status = status::look(global, None, terminal).await?;
            let exit = status::exit(&status);
            (status, None, exit)
        }
    };
    let document = ReportDocument {
        format_version: "1.0",
        time: jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        playbook,
        status,
        plan,
        runs: history::past(RUNS),
    };
    let text = match global.format {
        Format::Human => {
            let page = render::report(&document)
                .map_err(|error| CommandError::failed(format!("the page can't be made: {error}")))?;
            without_hidden(&page).into_owned()
        }
        Format::Json | Format::Jsonl => {
            let mut value = serde_json::json!(document);
            json_without_hidden(&mut value);
            match &args.out {
                None if global.format == Format::Json => {
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
    let playbook = plan::need_playbook(Some(playbook), "report")?;
    let prepared = prepare(global, Some(playbook), &[], terminal)?;
    let snapshot = Snapshot::take(&prepared, Default::default(), terminal).await?;
    let document = snapshot.document();
    let exit = snapshot.exit(&document, &prepared);
    let mut hosts: Vec<&DesiredHost> = Vec::new();
    let mut observed = Observed::new();
    for play in &snapshot.plays {
        for name in &play.built.desired.members {
            let shown = prepared.limit.as_ref().is_none_or(|limit| limit.contains(name));
            let host = play.built.desired.hosts.get(name).filter(|_| shown);
            hosts.extend(host.filter(|host| !hosts.iter().any(|h| h.name == host.name)));
        }
        observed.extend(play.observed.iter().map(|(name, facts)| (name.clone(), facts.clone())));
    }
    let status = status_of(&hosts, &observed, true);
    // A channel that does not run is a difference, too.
    let exit = if exit == Exit::Done { status::exit(&status) } else { exit };
    snapshot.close().await;
    Ok((status, Some(document), exit))
}
