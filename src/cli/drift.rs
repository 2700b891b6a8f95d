//! `drift`: `plan` for cron.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
};

use super::{
    args::{DriftArgs, Global},
    exit::Exit,
    log::{Level, Line},
    plan::{need_playbook, print},
    prepare::{Prepared, prepare},
    snapshot::{PlayState, Snapshot},
    wants_json,
    write::{FOR_ALL, replace},
};
use crate::{
    dialect::Dialect,
    engine::CommandError,
    model::{Fact, HostName, without_hidden},
    observe::ServerFacts,
    plan::{PlanDocument, Warning},
    render::{self, Terminal, metrics},
    source::Problems,
    transport::SqlError,
    verify::{Side, sample},
};

/// Runs the command: silent when in sync.
pub async fn run(global: &Global, args: &DriftArgs, terminal: &Terminal) -> Result<Exit, CommandError> {
    let playbook = need_playbook(args.playbook.playbook.as_deref(), "drift")?;
    let quiet = Terminal { quiet: true, ..*terminal };
    let prepared = prepare(global, Some(playbook), &[], &quiet)?;
    let hosts: Vec<HostName> = prepared.plays().flat_map(|(_, hosts)| hosts.to_vec()).collect();
    if let Some(why) = args.ignore.iter().find_map(|rule| rule.never_fits(&hosts)) {
        return Err(CommandError::usage(format!("--ignore: {why}")));
    }
    let mut rules = prepared.project.drift_rules(&mut Problems::default());
    rules.extend(args.ignore.iter().cloned());
    let snapshot = Snapshot::take(&prepared, Default::default(), &quiet).await?;
    let mut whole = snapshot.whole_plan();
    if args.sample_data > 0 {
        let (found, compared) = samples(&snapshot, &prepared, args.sample_data).await;
        whole.warnings.extend(found);
        if compared == 0 {
            terminal.warning(
                "--sample-data: no rows were compared; a channel must run without a filter, a delay and a lag for that",
            );
        }
    }
    let outcome = whole.ignore(&rules, jiff::Zoned::now().date());
    let mut document = PlanDocument::from(&whole).reworded(|text| without_hidden(text).into_owned());
    document.ignored.clone_from(&outcome.ignored);
    // What nobody declared is a difference here, although no step does away with it.
    let undeclared = document.warnings.iter().any(|w| w.is_drift());
    document.in_sync &= !undeclared;
    // So is what was found and would stop an apply.
    let found = !whole.refused.is_empty() && whole.refused.iter().all(|refusal| refusal.why.is_finding());
    let exit = match (snapshot.exit(&document, &prepared), undeclared) {
        (Exit::Refused, _) if found => match snapshot.unread(&prepared).is_empty() {
            true => Exit::Differences,
            false => Exit::DifferencesAndNotRead,
        },
        (Exit::Done, true) => Exit::Differences,
        (Exit::NotRead, true) => Exit::DifferencesAndNotRead,
        (exit, _) => exit,
    };
    let unread = snapshot.unread(&prepared);
    // A rule may leave out that a host waits; that nothing is known of it stays.
    document.in_sync &= unread.is_empty();
    let hosts = snapshot.asked_for(&prepared);
    snapshot.close().await;
    for rule in &outcome.ended {
        let place = rule.place.as_ref().map(|p| format!(" ({p})")).unwrap_or_default();
        terminal.note(&format!("A rule has ended and ignores nothing any more: {}{place}", rule.what));
    }
    if terminal.verbose > 0 {
        for ignored in &outcome.ignored {
            let until = ignored.until.as_ref().map(|day| format!(", until {day}")).unwrap_or_default();
            terminal.note(&format!("Ignored: {} ({}{until})", ignored.what, ignored.reason));
        }
        outcome.idle.iter().for_each(|rule| terminal.note(&format!("A rule fits nothing: {}", rule.what)));
    }
    if wants_json(global.format) {
        print(&document, global, terminal);
    } else if exit != Exit::Done && terminal.verbose > 0 {
        unread.iter().for_each(|(host, why)| terminal.note(&format!("Not read: {host}: {why}")));
        print(&document, global, terminal);
    } else if exit != Exit::Done {
        terminal.out(&render::drift(&document, &unread, playbook, terminal.columns_out()));
    }
    if let Some(path) = &args.metrics_file {
        let text = metrics(&document, &hosts, &unread, exit.code(), jiff::Timestamp::now().as_second());
        replace(path, &text, FOR_ALL).map_err(|error| {
            CommandError::failed(format!("the metrics can't be written to {}", path.display())).because(error)
        })?;
    }
    if let Some(log) = args.log {
        log.write(&lines(&document, &unread, playbook)).map_err(|error| {
            CommandError::failed("nothing takes the lines of --log on this machine").because(error)
        })?;
    }
    if let (Some(command), true) = (&args.on_drift, exit != Exit::Done) {
        tell(command, &document, exit)?;
    }
    Ok(exit)
}

/// Channels on whose ends some rows differ. Those that filter, wait or lag are left out: there a difference says
/// nothing.
/// The second value says how many channels were looked at.
async fn samples(snapshot: &Snapshot, prepared: &Prepared, count: usize) -> (Vec<Warning>, usize) {
    // Another hour, other rows.
    let turn = jiff::Timestamp::now().as_second().unsigned_abs() / 3600;
    let (mut found, mut compared) = (Vec::new(), 0);
    for play in &snapshot.plays {
        let server = |host: &HostName| play.observed.get(host).and_then(Fact::known)?.server.known();
        let chosen = |host: &HostName| prepared.limit.as_ref().is_none_or(|limit| limit.contains(host));
        for host in play.built.desired.hosts.values().filter(|h| chosen(&h.name)) {
            for wish in &host.channels {
                let (Some(source), Some(replica)) = (server(&wish.source), server(&host.name)) else {
                    continue;
                };
                let whole =
                    source.binlog.known().is_some_and(|b| b.do_db.is_empty() && b.ignore_db.is_empty());
                let channel = replica.channels.known().and_then(|l| l.iter().find(|c| c.name == wish.name));
                let fit = channel.is_some_and(|c| {
                    c.running()
                        && c.delay == 0
                        && c.seconds_behind == Some(0)
                        && c.filters == Default::default()
                });
                if !(fit && whole) {
                    continue;
                }
                compared += 1;
                let text =
                    match sides(snapshot, play, (&wish.source, source), (&host.name, replica), count, turn)
                        .await
                    {
                        Ok(tables) if tables.is_empty() => continue,
                        Ok(tables) => format!(
                            "rows of {} and {} differ in {}. `tandem verify` names them.",
                            wish.source,
                            host.name,
                            tables.join("; ")
                        ),
                        Err(error) => format!("rows could not be compared with {}: {error}", wish.source),
                    };
                found.push(Warning { host: host.name.clone(), code: "data-differs".into(), text });
            }
        }
    }
    (found, compared)
}

async fn sides(
    snapshot: &Snapshot,
    play: &PlayState,
    (source, theirs): (&HostName, &ServerFacts),
    (replica, ours): (&HostName, &ServerFacts),
    count: usize,
    turn: u64,
) -> Result<Vec<String>, SqlError> {
    let way = |host: &HostName| Some((snapshot.sessions.get(host)?, play.logins.get(host)?));
    let (Some(there), Some(here)) = (way(source), way(replica)) else { return Ok(Vec::new()) };
    let mut source = Side::reading(source, there.0, there.1, Dialect::of(theirs.version)).await?;
    let mut replica = Side::reading(replica, here.0, here.1, Dialect::of(ours.version)).await?;
    let found = sample(&mut source, &mut replica, count, turn).await;
    source.close().await;
    replica.close().await;
    found
}

/// What goes to the log: a line for each finding, or one that says that there is none.
fn lines(document: &PlanDocument, unread: &BTreeMap<HostName, String>, playbook: &str) -> Vec<Line> {
    let line =
        |level: Level, host: &HostName, text: String| Line { level, host: Some(host.to_string()), text };
    let mut lines: Vec<Line> = Vec::new();
    lines
        .extend(unread.iter().map(|(host, why)| line(Level::Error, host, format!("{host} not read: {why}"))));
    let refused = document.refused.iter();
    // Its first line only: what follows may hold a user's rows, which are no business of a journal.
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    lines.extend(
        refused.map(|r| line(Level::Error, &r.host, format!("{} refused: {}", r.host, first(&r.reason)))),
    );
    let steps = document.steps.iter();
    lines.extend(steps.map(|s| line(Level::Warning, &s.host, format!("{} differs: {}", s.host, s.summary))));
    let others = document.warnings.iter().filter(|w| w.is_drift());
    lines.extend(others.map(|w| line(Level::Warning, &w.host, format!("{}: {}", w.code, first(&w.text)))));
    if lines.is_empty() {
        lines.push(Line { level: Level::Info, host: None, text: format!("{playbook}: in sync") });
    }
    lines
}

/// Runs the user's command with the plan as JSON on its standard input.
fn tell(command: &str, document: &PlanDocument, exit: Exit) -> Result<(), CommandError> {
    let run = || -> std::io::Result<std::process::ExitStatus> {
        let mut child = Command::new("sh")
            .args(["-c", command])
            .env("TANDEM_EXIT", exit.code().to_string())
            .stdin(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // A command that does not read its input is no error.
            let _ = serde_json::to_writer(&mut input, document);
        }
        child.wait()
    };
    match run() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            let what = format!("the command of --on-drift ended with {status}: {command}");
            Err(CommandError::failed(what))
        }
        Err(error) => Err(CommandError::failed("the command of --on-drift can't be run").because(error)),
    }
}
