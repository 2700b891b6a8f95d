//! `apply`: plan, ask, execute, observe again.

use std::{path::Path, time::Duration};

use serde_json::json;

use super::{
    args::{ApplyArgs, Global},
    confirm::{confirm, refuse},
    exit::Exit,
    follow::follow,
    form::Format,
    plan::{need_playbook, open_again, print, read, show_what_was_read, warn_of_unneeded},
    runs,
    stop::Interrupt,
};
use crate::{
    apply::Outcome,
    engine::{Applied, CommandError, End, Engine, ErrorKind, Events, Planned, Run, journal::Journal},
    model::{HostName, Limits, duration},
    plan::{Action, Plan, PlanDocument, Policy, Span, Step, StepId},
    render::{self, Terminal},
    words,
};

/// Runs the command.
pub(super) async fn run(
    global: &Global,
    args: &ApplyArgs,
    terminal: &Terminal,
) -> Result<Exit, CommandError> {
    let named = need_playbook(args.playbook.as_deref(), "apply")?;
    let path = Path::new(named);
    let saved = match is_plan_file(path) {
        true => Some(read(path)?),
        false => None,
    };
    let engine = match &saved {
        Some(document) => open_again(document, global, path, terminal)?,
        None => {
            let engine = Engine::open(&global.options_of(named, args))?;
            render::mistakes(engine.warnings.clone(), &engine.sources, terminal);
            engine
        }
    };
    Ok(run_on(&engine, global, args, terminal, saved.as_ref(), None).await?.exit)
}

/// How a run ended.
pub(super) struct Ended {
    pub exit: Exit,
    /// Whether writes were switched over to another host.
    pub switched: bool,
}

impl From<Exit> for Ended {
    fn from(exit: Exit) -> Self {
        Self { exit, switched: false }
    }
}

/// The same with files that were read already, and over the connections of an earlier look.
pub(super) async fn run_on(
    engine: &Engine,
    global: &Global,
    args: &ApplyArgs,
    terminal: &Terminal,
    saved: Option<&PlanDocument>,
    looked: Option<Planned>,
) -> Result<Ended, CommandError> {
    let interrupt = Interrupt::listen(*terminal);
    let work = whole(global, args, terminal, engine, (saved, looked), &interrupt);
    tokio::select! {
        biased;
        () = interrupt.at_once.cancelled() => {
            Err(interrupt.ended("ended at once; the same command goes on from what is there"))
        }
        ended = work => ended,
    }
}

async fn whole(
    global: &Global,
    args: &ApplyArgs,
    terminal: &Terminal,
    engine: &Engine,
    (saved, looked): (Option<&PlanDocument>, Option<Planned>),
    interrupt: &Interrupt,
) -> Result<Ended, CommandError> {
    let reading = async {
        match looked {
            Some(earlier) => engine.plan_after(earlier).await,
            None => engine.plan_to_apply().await,
        }
    };
    let planned = render::while_waiting(terminal, "reading the hosts", reading).await?;
    show_what_was_read(&planned, terminal);
    let document = planned.document()?;
    warn_of_unneeded(&planned, &args.allow, terminal);
    if let Some(difference) = saved.and_then(|saved| saved.first_difference(&document)) {
        planned.close().await;
        let what = format!("the saved plan is stale: {}.", words::stale(&difference));
        return Err(
            CommandError::new(ErrorKind::Stale, what).next("Nothing was changed. Run `tandem plan` again.")
        );
    }
    if global.wanted.format() != Format::Json {
        // A saved plan has been read already; that it still fits was just proven.
        let global = Global { quiet: global.quiet || saved.is_some(), ..global.clone() };
        print(&document, &global, terminal);
    }
    let planned = match runnable(planned, &document, &engine.policy, terminal) {
        Ok(planned) => planned,
        Err(planned) => return Ok(nothing_to_do(planned, &document, global, terminal).await.into()),
    };
    let policy = match confirm(&planned.whole_plan(), args, terminal).await {
        Ok(policy) => policy,
        // It was refused already, and that is how it ends.
        Err(_) if !document.refused.is_empty() => {
            return Ok(nothing_to_do(planned, &document, global, terminal).await.into());
        }
        Err(error) => return Err(not_confirmed(planned, args, global, terminal, error).await),
    };
    interrupt.changes_begin();
    let journal = engine.begin_journal(&runs::directory()?, &document)?;
    let begun = std::time::Instant::now();
    let run = Run {
        policy,
        unseen: Policy::of(args.allow.iter().copied()),
        limits: limits(global, args),
        journal: &journal,
        interrupt: interrupt.gently.clone(),
    };
    let (events, receiver) = Events::channel();
    let shown = tokio::spawn(follow(receiver, *terminal, global.clone()));
    let switches = switches(&planned.whole_plan());
    let to = switches.first().map(|(_, to)| to.clone());
    let applied = engine.apply(planned, &run, &events).await;
    drop(events);
    let _ = shown.await;
    let applied = applied?;
    let exit = tell_end(&applied, &document, (&journal, begun.elapsed()), global, terminal);
    // A step may fail behind the opening, and where the target was open before there is none.
    let takes_them =
        applied.unread.is_some() && engine.policy.takes_over.as_slice() == applied.left.writers.as_slice();
    let switched = takes_them
        || applied.outcomes().any(|outcome| switches.iter().any(|(id, _)| outcome.done.contains(id)));
    let to = engine.policy.takes_over.as_ref().or(to.as_ref());
    if let (Some(to), Some(unread), false) = (to, &applied.unread, exit == Exit::Done) {
        terminal.note(&words::who_takes_writes(to, &applied.left.writers, (&unread.members, &unread.lost)));
    }
    Ok(Ended { exit, switched })
}

/// Says how a run has ended, to who reads it and in its journal.
fn tell_end(
    applied: &Applied,
    document: &PlanDocument,
    (journal, took): (&Journal, Duration),
    global: &Global,
    terminal: &Terminal,
) -> Exit {
    show_end(applied, global, terminal);
    let exit = Exit::of_run(applied, !document.refused.is_empty());
    if global.wanted.format() == Format::Json {
        terminal.json(&report(document, &applied.rounds, &applied.left, exit));
    } else if global.wanted.format() == Format::Jsonl {
        terminal.json_line(&json!({"type": "result", "exit": exit.code(), "in_sync": applied.left.in_sync}));
    }
    let steps = match applied.steps_done() {
        1 => "1 step".to_owned(),
        done => format!("{done} steps"),
    };
    let took = duration(took);
    let line = match exit {
        Exit::Done => format!("Done: {steps} in {took}, and observed again: nothing is left to do."),
        _ => format!("Ended with {steps} done in {took}: {}.", exit.meaning()),
    };
    journal.run_ended(exit.code(), &line);
    terminal.note(&line);
    if exit != Exit::Done {
        terminal.note(&format!("Journal: {}", journal.path().display()));
    }
    exit
}

/// Closes a lost host that is back and accepts writes, before anything else is thought about: no word is needed for that.
pub(super) async fn close_first(
    engine: &Engine,
    planned: Planned,
    host: &HostName,
    global: &Global,
    args: &ApplyArgs,
    terminal: &Terminal,
) -> Result<Planned, CommandError> {
    let planned = match planned.only_of(host) {
        Ok(planned) => planned,
        Err(nothing) => return Ok(nothing),
    };
    let document = planned.document()?;
    let interrupt = Interrupt::listen(*terminal);
    interrupt.changes_begin();
    let journal = engine.begin_journal(&runs::directory()?, &document)?;
    let run = Run {
        policy: Policy::default(),
        unseen: Policy::default(),
        limits: limits(global, args),
        journal: &journal,
        interrupt: interrupt.gently.clone(),
    };
    let (events, receiver) = Events::channel();
    let shown = tokio::spawn(follow(receiver, *terminal, global.clone()));
    let closed = engine.apply_once(planned, &run, &events).await;
    drop(events);
    let _ = shown.await;
    let (outcomes, planned) = closed?;
    let failed = outcomes.iter().flat_map(|outcome| outcome.failed.values()).next();
    let exit = Exit::of_success(failed.is_none());
    let line = match failed {
        None => format!("{host} takes no writes."),
        Some(error) => format!("{host} could not be closed to writes: {error}"),
    };
    journal.run_ended(exit.code(), &line);
    match failed {
        None => {
            terminal.note(&line);
            Ok(planned)
        }
        Some(_) => Err(CommandError::failed(line).next("Nothing else was changed.")),
    }
}

/// What the command line says of the run's limits.
fn limits(global: &Global, args: &ApplyArgs) -> Limits {
    Limits {
        forks: global.forks,
        stall: args.stall_timeout,
        lock: args.lock_limit,
        rate: args.rate_limit,
        max_running: args.max_running,
    }
}

/// The steps by which another host takes the writes, and that host.
fn switches(plan: &Plan) -> Vec<(StepId, HostName)> {
    let lasting = |step: &&Step| match &step.action {
        Action::Switchover(switch) => switch.span == Span::Lasting,
        Action::Failover(_) => true,
        _ => false,
    };
    let steps = plan.steps.iter().filter(lasting);
    steps.map(|step| (step.id.clone(), step.host.clone())).collect()
}

/// A plan that was not to be run. What needs a word of `--allow` is refused, and stands in the report of a machine as well.
async fn not_confirmed(
    planned: Planned,
    args: &ApplyArgs,
    global: &Global,
    terminal: &Terminal,
    error: CommandError,
) -> CommandError {
    let given = Policy::of(args.allow.iter().copied());
    if error.kind == ErrorKind::Refused
        && global.wanted.format() == Format::Json
        && let Ok(document) = planned.document_without_leave(&given)
    {
        terminal.json(&report(&document, &[], &document, Exit::Refused));
    }
    planned.close().await;
    error
}

/// What of a plan may run: all of it, or where something is refused what closes a host that accepts writes beside the declared
/// one. What comes back as an error has nothing to run.
fn runnable(
    planned: Planned,
    document: &PlanDocument,
    policy: &Policy,
    terminal: &Terminal,
) -> Result<Planned, Planned> {
    if document.refused.is_empty() {
        return if document.steps.is_empty() { Err(planned) } else { Ok(planned) };
    }
    let closing = planned.only_closing(policy)?;
    let hosts: Vec<String> = closing.whole_plan().steps.iter().map(|step| step.host.to_string()).collect();
    terminal.note(&format!(
        "Of this plan only writes on {} are closed; the rest is refused.",
        hosts.join(" and ")
    ));
    Ok(closing)
}

/// A plan without a step, or one that was refused.
async fn nothing_to_do(
    planned: Planned,
    document: &PlanDocument,
    global: &Global,
    terminal: &Terminal,
) -> Exit {
    let exit = Exit::of_nothing_to_do(planned.state(document), document.in_sync);
    planned.close().await;
    if global.wanted.format() == Format::Json {
        terminal.json(&report(document, &[], document, exit));
    }
    if exit == Exit::Refused {
        terminal.note("Nothing was changed.");
    }
    exit
}

/// Says how a run ended where this is no success, and what is left.
fn show_end(applied: &Applied, global: &Global, terminal: &Terminal) {
    match &applied.end {
        End::Done | End::Failed | End::Partly | End::Stale => {}
        End::Interrupted => terminal.note("Interrupted. The same command goes on from here."),
        End::Locked(error) => render::failure(error.clone().into(), terminal),
        End::Refused(blocked) => render::failure(refuse(blocked), terminal),
        End::NotRead(hosts) => {
            let hosts: Vec<&str> = hosts.iter().map(|host| host.as_str()).collect();
            terminal.error(&format!("what could be read is as declared; not read: {}", hosts.join(", ")));
        }
        End::Left(_) => {
            terminal.error("observed again, and not everything is as declared. This is left:");
            if global.wanted.format() != Format::Json {
                let view = render::PlanView { width: terminal.columns_err(), ..render::PlanView::default() };
                terminal.err(&render::plan(&applied.left, view));
            }
        }
    }
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

/// Whether a file holds JSON and not a playbook.
pub(super) fn is_plan_file(path: &Path) -> bool {
    use std::io::Read;
    let mut first = [0; 64];
    let Ok(read) = std::fs::File::open(path).and_then(|mut f| f.read(&mut first)) else { return false };
    first[..read].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')
}
