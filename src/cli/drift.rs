//! `drift`: `plan` for cron.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
};

use super::{
    args::{DriftArgs, Global},
    exit::Exit,
    log::{Level, Line},
    open::open,
    plan::{need_playbook, print},
    wants_json,
    write::{FOR_ALL, is_no_input, replace},
};
use crate::{
    engine::{CommandError, Drift},
    model::HostName,
    plan::PlanDocument,
    render::{self, Terminal, metrics},
    words,
};

/// Runs the command: silent when in sync.
pub(super) async fn run(
    global: &Global,
    args: &DriftArgs,
    terminal: &Terminal,
) -> Result<Exit, CommandError> {
    let playbook = need_playbook(args.playbook.playbook.as_deref(), "drift")?;
    is_no_input(args.metrics_file.as_deref(), global, Some(playbook))?;
    let quiet = Terminal { quiet: true, ..*terminal };
    let engine = open(global, Some(playbook), &[], &quiet)?;
    let today = jiff::Zoned::now().date();
    let work = engine.drift(&args.ignore, args.sample_data, today);
    let drift = render::while_waiting(&quiet, "reading the hosts", work).await?;
    if args.sample_data > 0 && drift.compared == 0 {
        terminal.warning(
            "--sample-data: no rows were compared; a channel must run without a filter, a delay and a lag for that",
        );
    }
    let Drift { document, rules, hosts, unread, state, .. } = drift;
    let exit = Exit::from(state);
    for rule in &rules.ended {
        let place = rule.place.as_ref().map(|p| format!(" ({p})")).unwrap_or_default();
        terminal.note(&format!("A rule has ended and ignores nothing any more: {}{place}", rule.what));
    }
    if terminal.verbose > 0 {
        for ignored in &rules.ignored {
            let until = ignored.until.as_ref().map(|day| format!(", until {day}")).unwrap_or_default();
            terminal.note(&format!("Ignored: {} ({}{until})", ignored.what, ignored.reason));
        }
        rules.idle.iter().for_each(|rule| terminal.note(&format!("A rule fits nothing: {}", rule.what)));
    }
    if let Some(form) = global.wanted.form() {
        let (document, hosts, unread) = (&document, &hosts, &unread);
        terminal.out(&form.plan(&render::Planned { playbook, document, hosts, unread }));
    } else if wants_json(global.wanted.format()) {
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

/// What goes to the log: a line for each finding, or one that says that there is none.
fn lines(document: &PlanDocument, unread: &BTreeMap<HostName, String>, playbook: &str) -> Vec<Line> {
    let line =
        |level: Level, host: &HostName, text: String| Line { level, host: Some(host.to_string()), text };
    let mut lines: Vec<Line> = Vec::new();
    lines
        .extend(unread.iter().map(|(host, why)| line(Level::Error, host, format!("{host} not read: {why}"))));
    // Without the details: they may hold a user's rows, which are no business of a journal.
    let refused = document.refused.iter();
    lines.extend(refused.map(|r| line(Level::Error, &r.host, format!("{} refused: {}", r.host, r.reason))));
    let steps = document.steps.iter();
    lines.extend(
        steps.map(|s| line(Level::Warning, &s.host, format!("{} differs: {}", s.host, words::summary(s)))),
    );
    let others = document.warnings.iter().filter(|w| w.drift.is_some());
    lines.extend(others.map(|w| line(Level::Warning, &w.host, format!("{}: {}", w.code, w.text))));
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
