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
    prepare::prepare,
    snapshot::Snapshot,
    wants_json,
    write::replace,
};
use crate::{
    model::HostName,
    plan::PlanDocument,
    render::{self, Terminal, metrics},
    source::Problems,
};

/// Runs the command: silent when in sync.
pub async fn run(global: &Global, args: &DriftArgs, terminal: &Terminal) -> Result<Exit, Exit> {
    let playbook = need_playbook(args.playbook.playbook.as_deref(), "drift", terminal)?;
    let quiet = Terminal { quiet: true, ..*terminal };
    let prepared = prepare(global, Some(playbook), &[], &quiet)?;
    let mut rules = prepared.project.drift_rules(&mut Problems::default());
    rules.extend(args.ignore.iter().cloned());
    let snapshot = Snapshot::take(&prepared, Default::default(), &quiet).await?;
    let mut whole = snapshot.whole_plan();
    let outcome = whole.ignore(&rules, jiff::Zoned::now().date());
    let mut document = PlanDocument::from(&whole);
    document.ignored.clone_from(&outcome.ignored);
    // What nobody declared is a difference here, although no step does away with it.
    let undeclared = document.warnings.iter().any(|w| w.code.starts_with("extra-"));
    document.in_sync &= !undeclared;
    let exit = match (snapshot.exit(&document, &prepared), undeclared) {
        (Exit::Done, true) => Exit::Differences,
        (Exit::NotRead, true) => Exit::DifferencesAndNotRead,
        (exit, _) => exit,
    };
    let unread = snapshot.unread(&prepared);
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
        terminal.out(&render::drift(&document, &unread, playbook));
    }
    if let Some(path) = &args.metrics_file {
        replace(path, &metrics(&document, &unread, exit.code(), jiff::Timestamp::now().as_second()))
            .map_err(|error| {
                terminal.error(&format!("the metrics can't be written to {}: {error}", path.display()));
                Exit::Error
            })?;
    }
    if let Some(log) = args.log {
        log.write(&lines(&document, &unread, playbook)).map_err(|error| {
            terminal.error(&format!("nothing takes the lines of --log on this machine: {error}"));
            Exit::Error
        })?;
    }
    if let (Some(command), true) = (&args.on_drift, exit != Exit::Done) {
        tell(command, &document, exit, terminal)?;
    }
    Ok(exit)
}

/// What goes to the log: a line for each finding, or one that says that there is none.
fn lines(document: &PlanDocument, unread: &BTreeMap<HostName, String>, playbook: &str) -> Vec<Line> {
    let line =
        |level: Level, host: &HostName, text: String| Line { level, host: Some(host.to_string()), text };
    let mut lines: Vec<Line> = Vec::new();
    lines
        .extend(unread.iter().map(|(host, why)| line(Level::Error, host, format!("{host} not read: {why}"))));
    let refused = document.refused.iter();
    lines.extend(refused.map(|r| line(Level::Error, &r.host, format!("{} refused: {}", r.host, r.reason))));
    let steps = document.steps.iter();
    lines.extend(steps.map(|s| line(Level::Warning, &s.host, format!("{} differs: {}", s.host, s.summary))));
    let undeclared = document.warnings.iter().filter(|w| w.code.starts_with("extra-"));
    lines.extend(undeclared.map(|w| line(Level::Warning, &w.host, format!("undeclared: {}", w.text))));
    if lines.is_empty() {
        lines.push(Line { level: Level::Info, host: None, text: format!("{playbook}: in sync") });
    }
    lines
}

/// Runs the user's command with the plan as JSON on its standard input.
fn tell(command: &str, document: &PlanDocument, exit: Exit, terminal: &Terminal) -> Result<(), Exit> {
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
            terminal.error(&format!("the command of --on-drift ended with {status}: {command}"));
            Err(Exit::Error)
        }
        Err(error) => {
            terminal.error(&format!("the command of --on-drift can't be run: {error}"));
            Err(Exit::Error)
        }
    }
}
