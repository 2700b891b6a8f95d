//! `apply`: plan, ask, execute, observe again.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    args::{ApplyArgs, Format, Global},
    confirm::confirm,
    exit::Exit,
    history,
    plan::{need_playbook, prepare_again, print, read, warn_of_unneeded},
    prepare::{Prepared, prepare},
    snapshot::Snapshot,
    stop::Interrupt,
};
use crate::{
    apply::{self, Outcome},
    engine::{CommandError, ErrorKind},
    exec::{Events, Fleet, LockError, journal::Journal, take_all},
    model::{HostName, Limits, duration},
    plan::{Action, Plan, PlanDocument, Policy},
    render::{self, Terminal},
};

/// How many times new facts may lead to another plan: those of a server that was down, or the data that
/// one more link of a chain of copies has now.
const ROUNDS: usize = 64;

/// Runs the command.
pub async fn run(global: &Global, args: &ApplyArgs, terminal: &Terminal) -> Result<Exit, CommandError> {
    let named = need_playbook(args.playbook.as_deref(), "apply")?;
    let path = Path::new(named);
    let saved = match is_plan_file(path) {
        true => Some(read(path)?),
        false => None,
    };
    let prepared = match &saved {
        Some(document) => prepare_again(document, global, path, terminal)?,
        None => prepare(global, Some(named), &args.allow, terminal)?,
    };
    let interrupt = Interrupt::listen(*terminal);
    let work = whole(global, args, terminal, &prepared, saved.as_ref(), &interrupt);
    tokio::select! {
        biased;
        () = interrupt.at_once.cancelled() => {
            Err(interrupt.ended("ended at once; `tandem apply` goes on from what is there"))
        }
        exit = work => exit,
    }
}

async fn whole(
    global: &Global,
    args: &ApplyArgs,
    terminal: &Terminal,
    prepared: &Prepared,
    saved: Option<&PlanDocument>,
    interrupt: &Interrupt,
) -> Result<Exit, CommandError> {
    let mut snapshot = Snapshot::take(prepared, BTreeMap::new(), terminal).await?;
    terminal.note(&snapshot.headline(prepared));
    snapshot.version_notes().iter().for_each(|note| terminal.warning(note));
    let mut document = snapshot.document();
    warn_of_unneeded(&snapshot, &args.allow, terminal);
    if let Some(difference) = saved.and_then(|saved| saved.first_difference(&document)) {
        snapshot.close().await;
        let what = format!("the saved plan does not fit any more: {difference}");
        return Err(CommandError::new(ErrorKind::Stale, what)
            .next("Nothing was changed. Make another plan and read it."));
    }
    let shows_json = global.format == Format::Json;
    if !shows_json {
        // A saved plan has been read already; that it still fits was just proven.
        let global = Global { quiet: global.quiet || saved.is_some(), ..global.clone() };
        print(&document, &global, terminal);
    }
    if document.steps.is_empty() || !document.refused.is_empty() {
        let exit = match snapshot.exit(&document, prepared) {
            // Nothing can be done now, and something is missing.
            Exit::Differences => Exit::Error,
            exit => exit,
        };
        if shows_json {
            terminal.json(&report(&document, &[], &document, exit));
        }
        if exit == Exit::Refused {
            terminal.note("Nothing was changed.");
        }
        snapshot.close().await;
        return Ok(exit);
    }
    let policy = match confirm(&snapshot.whole_plan(), args, terminal).await {
        Ok(policy) => policy,
        Err(error) => {
            snapshot.close().await;
            return Err(error);
        }
    };
    interrupt.changes_begin();
    let first = document.clone();
    let journal = begin_journal(prepared, &document)?;
    let begun = std::time::Instant::now();
    let limits = Limits { forks: global.forks, stall: args.stall_timeout, lock: args.lock_limit };
    let mut all = Vec::new();
    let exit = loop {
        let rounds = all.len() + 1;
        let round =
            execute(&snapshot, prepared, &journal, terminal, global, (&policy, limits), &interrupt.gently)
                .await;
        let (sessions, outcomes) = match round {
            Ok(outcomes) => (std::mem::take(&mut snapshot.sessions), outcomes),
            Err(error) => {
                terminal.error(&error.to_string());
                snapshot.close().await;
                break match error {
                    LockError::Held { .. } => Exit::Locked,
                    LockError::Failed(_) => Exit::Error,
                };
            }
        };
        let verdict = verdict(&snapshot, &outcomes);
        let interrupted = outcomes.iter().any(|o| o.interrupted);
        let learns = learns(&snapshot.whole_plan());
        all.push(outcomes);
        if interrupted {
            terminal.note("Interrupted. `tandem apply` goes on from here.");
            break Exit::Interrupted;
        }
        let last = document.clone();
        snapshot = Snapshot::take(prepared, sessions, terminal).await?;
        document = snapshot.document();
        if let Some(exit) = verdict {
            snapshot.close().await;
            break exit;
        }
        if document.in_sync {
            snapshot.close().await;
            break Exit::Done;
        }
        // What was done and is planned again will not be otherwise the next time.
        let repeats = last.first_difference(&document).is_none();
        let more = !document.steps.is_empty() && document.refused.is_empty() && !repeats;
        if more && learns && rounds < ROUNDS {
            terminal.note("What was done leads to more steps:");
            if !shows_json {
                print(&document, global, terminal);
            }
            let again = ApplyArgs { yes: true, ..args.clone() };
            if let Err(error) = confirm(&snapshot.whole_plan(), &again, terminal).await {
                snapshot.close().await;
                let exit = Exit::of(error.kind);
                render::failure(error, terminal);
                break exit;
            }
            continue;
        }
        let left = snapshot.exit(&document, prepared);
        let unread: Vec<String> = snapshot.unread(prepared).keys().map(ToString::to_string).collect();
        snapshot.close().await;
        if document.steps.is_empty() && document.refused.is_empty() && !unread.is_empty() {
            terminal.error(&format!("what could be read is as declared; not read: {}", unread.join(", ")));
            break Exit::NotRead;
        }
        terminal.error("observed again, and not everything is as declared. This is left:");
        if !shows_json {
            let view = render::PlanView { width: terminal.columns_err(), ..render::PlanView::default() };
            terminal.err(&render::plan(&document, view));
        }
        break match left {
            Exit::NotRead | Exit::Refused => left,
            Exit::DifferencesAndNotRead => Exit::NotRead,
            _ => Exit::Error,
        };
    };
    if shows_json {
        terminal.json(&report(&first, &all, &document, exit));
    } else if global.format == Format::Jsonl {
        terminal.json_line(&json!({"type": "result", "exit": exit.code(), "in_sync": document.in_sync}));
    }
    let done: usize = all.iter().flatten().map(|o| o.done.len()).sum();
    let steps = if done == 1 { "1 step".to_owned() } else { format!("{done} steps") };
    let line = match exit {
        Exit::Done => format!(
            "Done: {steps} in {}, and observed again: nothing is left to do.",
            duration(begun.elapsed())
        ),
        _ => format!("Ended with {steps} done in {}: {}.", duration(begun.elapsed()), exit.meaning()),
    };
    journal.run_ended(exit.code(), &line);
    terminal.note(&line);
    if exit != Exit::Done {
        terminal.note(&format!("Journal: {}", journal.path().display()));
    }
    Ok(exit)
}

/// Runs the plan of every play under the locks of its hosts.
async fn execute(
    snapshot: &Snapshot,
    prepared: &Prepared,
    journal: &Journal,
    terminal: &Terminal,
    global: &Global,
    (policy, limits): (&Policy, Limits),
    interrupt: &CancellationToken,
) -> Result<Vec<Outcome>, LockError> {
    let mut outcomes = Vec::new();
    for play in &snapshot.plays {
        // A play rests on those before it.
        if outcomes.iter().any(|o: &Outcome| !o.complete()) {
            break;
        }
        let fleet = Fleet::new(
            &snapshot.sessions,
            &play.logins,
            &prepared.secrets,
            &play.observed,
            &play.built.desired,
            policy.clone(),
            limits,
            interrupt.clone(),
        );
        let hosts: Vec<HostName> = play
            .plan
            .steps
            .iter()
            .flat_map(|s| s.touches())
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        let locks = take_all(&fleet, &hosts).await?;
        let (events, receiver) = Events::channel();
        let shown = tokio::spawn(render::follow(receiver, *terminal, global.format == Format::Jsonl));
        let outcome = apply::execute(&play.plan, &fleet, journal, &events).await;
        drop(events);
        let _ = shown.await;
        locks.release().await;
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// How steps that failed end the command; nothing where all were done.
fn verdict(snapshot: &Snapshot, outcomes: &[Outcome]) -> Option<Exit> {
    let mut good = std::collections::BTreeSet::new();
    let mut bad = std::collections::BTreeSet::new();
    for (play, outcome) in snapshot.plays.iter().zip(outcomes) {
        let (done, not) = outcome.hosts(&play.plan);
        good.extend(done);
        bad.extend(not);
    }
    if bad.is_empty() {
        return None;
    }
    let stale = outcomes.iter().flat_map(|o| o.failed.values()).any(|e| e.stale);
    Some(match (stale, good.difference(&bad).next().is_some()) {
        (true, _) => Exit::Stale,
        (false, true) => Exit::Partly,
        (false, false) => Exit::Error,
    })
}

/// Whether a plan brings up servers that could not be read before.
fn learns(plan: &Plan) -> bool {
    !plan.waiting.is_empty()
        || plan.steps.iter().any(|s| {
            matches!(s.action, Action::StartService { .. } | Action::InstallServer { .. })
                || matches!(&s.action, Action::Certificate(plan) if !plan.others.is_empty())
                || matches!(&s.action, Action::Resource(change) if change.kind().may_bring_a_server())
        })
}

fn report(
    planned: &PlanDocument,
    rounds: &[Vec<Outcome>],
    left: &PlanDocument,
    exit: Exit,
) -> serde_json::Value {
    let outcomes = || rounds.iter().flatten();
    let done: Vec<_> = outcomes().flat_map(|o| &o.done).collect();
    let failed: Vec<_> = outcomes()
        .flat_map(|o| &o.failed)
        .map(|(id, error)| json!({"id": id, "host": error.host, "error": error.to_string()}))
        .collect();
    let skipped: Vec<_> = outcomes()
        .flat_map(|o| &o.skipped)
        .map(|(id, because)| json!({"id": id, "because": because}))
        .collect();
    json!({
        "format_version": "1.0", "plan": planned, "done": done, "failed": failed, "skipped": skipped,
        "left": left, "exit": exit.code(),
    })
}

fn begin_journal(prepared: &Prepared, document: &PlanDocument) -> Result<Journal, CommandError> {
    let directory: PathBuf = history::directory()?;
    let header = json!({
        "tool": prepared.inputs.tool, "inventory": prepared.inputs.inventory, "playbook": prepared.inputs.playbook,
        "limit": prepared.inputs.limit, "steps": document.summary.steps, "restarts": document.summary.restarts,
        "hosts": document.summary.hosts,
    });
    Journal::begin(&directory, header).map_err(|error| {
        let what = format!(
            "the journal can't be written under {}: {error}. Nothing was changed.",
            directory.display()
        );
        CommandError::failed(what)
    })
}

/// Whether a file holds JSON and not a playbook.
fn is_plan_file(path: &Path) -> bool {
    use std::io::Read;
    let mut first = [0; 64];
    let Ok(read) = std::fs::File::open(path).and_then(|mut f| f.read(&mut first)) else { return false };
    first[..read].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')
}
