//! `verify`: proof by use.

use super::{
    args::{Global, VerifyArgs},
    exit::Exit,
    form::Format,
    open::open,
    stop::Interrupt,
};
use crate::{
    engine::{CommandError, Engine, ErrorKind, Proof},
    model::HostName,
    render::{self, Terminal, Waiting},
    verify::{Scope, VerifyReport},
    words,
};

/// Rows that are shown of those that differ, for each pair of hosts.
const SHOWN: usize = 20;

/// Runs the command. Without a playbook all hosts of the inventory are looked at, as `status` does.
pub(super) async fn run(
    global: &Global,
    args: &VerifyArgs,
    terminal: &Terminal,
) -> Result<Exit, CommandError> {
    let playbook = args.playbook.playbook.as_deref();
    if let Some(pattern) = args.tables.iter().find(|p| !p.contains(['.', '*', '?'])) {
        return Err(CommandError::usage(format!(
            "--tables: `{pattern}` fits no table; a pattern is `database.table`, such as `*.{pattern}`"
        )));
    }
    let engine = open(global, playbook, &[], terminal)?;
    let interrupt = Interrupt::listen(*terminal);
    let work = whole(global, args, terminal, &engine, &interrupt);
    tokio::select! {
        biased;
        () = interrupt.at_once.cancelled() => {
            Err(interrupt.ended("ended at once; what is left of the canaries, the next `tandem verify` removes"))
        }
        exit = work => exit,
    }
}

async fn whole(
    global: &Global,
    args: &VerifyArgs,
    terminal: &Terminal,
    engine: &Engine,
    interrupt: &Interrupt,
) -> Result<Exit, CommandError> {
    let proof = render::while_waiting(terminal, "reading the hosts", engine.proof()).await;
    if args.reboot
        && let Err(error) = confirm(&proof, args, terminal).await
    {
        proof.close().await;
        return Err(error);
    }
    interrupt.changes_begin();
    let report = proven(proof, args, terminal, interrupt).await?;
    report.unmatched.iter().for_each(|what| terminal.error(&words::verified::unmatched(what)));
    match global.wanted.format() {
        Format::Human if global.wanted.form().is_some() => {
            global.wanted.form().iter().for_each(|form| terminal.out(&form.verify(&report)));
        }
        Format::Human => terminal.out(&render::verify(&report, global.verbose > 0)),
        Format::Json => terminal.json(&report),
        Format::Jsonl => terminal.json_line(&report),
    }
    let interrupted = interrupt.gently.is_cancelled();
    if interrupted && report.errors.is_empty() {
        terminal.note("Interrupted. Nothing is left on the hosts.");
    }
    Ok(Exit::of_proof(&report, interrupted))
}

async fn proven(
    proof: Proof<'_>,
    args: &VerifyArgs,
    terminal: &Terminal,
    interrupt: &Interrupt,
) -> Result<VerifyReport, CommandError> {
    let waiting = Waiting::begin(terminal, "proving");
    let note = |text: &str| waiting.pause(|| terminal.note(text));
    let progress = |text: &str| {
        waiting.say(text);
        if terminal.verbose > 0 {
            note(text);
        }
    };
    let scope = Scope {
        pair: None,
        databases: args.databases.clone(),
        tables: args.tables.clone(),
        ids: !args.quick,
        checksums: !args.quick && !args.no_checksums,
        restart: args.reboot,
        max_load: args.max_load,
        max_lag: args.max_lag,
        wait: args.wait,
        show: SHOWN,
        note: &note,
        progress: &progress,
    };
    proof.run(&scope, interrupt.gently.clone()).await
}

/// Asks before servers are restarted. `--reboot` names what is done, so nothing more has to be allowed.
async fn confirm(proof: &Proof<'_>, args: &VerifyArgs, terminal: &Terminal) -> Result<(), CommandError> {
    if args.yes {
        return Ok(());
    }
    let names: Vec<&str> = proof.hosts().map(HostName::as_str).collect();
    let cut = match proof.client_sessions() {
        0 => "No client is connected".to_owned(),
        1 => "1 client session will be cut".to_owned(),
        n => format!("{n} client sessions will be cut"),
    };
    let question = format!(
        "Restart the database servers of {}, one after the other? {cut}. Only `yes` is accepted: ",
        names.join(", ")
    );
    match terminal.ask(&question).await.as_deref() {
        Some("yes") => Ok(()),
        Some(_) => Err(CommandError::several(ErrorKind::Failed, []).next("Nothing was restarted.")),
        None => {
            let what = "No terminal to prompt on; nothing was restarted. Pass --yes to run unattended.";
            Err(CommandError::failed(what))
        }
    }
}
