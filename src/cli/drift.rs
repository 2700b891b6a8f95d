//! `drift`: `plan` for cron.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    args::{DriftArgs, Global},
    exit::Exit,
    plan::{need_playbook, print},
    prepare::prepare,
    snapshot::Snapshot,
    wants_json,
};
use crate::{
    plan::PlanDocument,
    render::{Terminal, metrics},
};

/// Runs the command: silent when in sync.
pub async fn run(global: &Global, args: &DriftArgs, terminal: &Terminal) -> Result<Exit, Exit> {
    let playbook = need_playbook(args.playbook.playbook.as_deref(), "drift", terminal)?;
    let quiet = Terminal { quiet: true, ..*terminal };
    let prepared = prepare(global, Some(playbook), &[], &quiet)?;
    let snapshot = Snapshot::take(&prepared, Default::default(), &quiet).await?;
    let mut whole = snapshot.whole_plan();
    whole.ignore(&args.ignore);
    let document = PlanDocument::from(&whole);
    let exit = snapshot.exit(&document, &prepared);
    let unread = snapshot.unread(&prepared);
    if exit != Exit::Done || wants_json(global.format) {
        if exit != Exit::Done {
            terminal.note(&snapshot.headline(&prepared));
        }
        print(&document, global, terminal);
    }
    snapshot.close().await;
    if let Some(path) = &args.metrics_file {
        replace(path, &metrics(&document, &unread, exit.code(), jiff::Timestamp::now().as_second()))
            .map_err(|error| {
                terminal.error(&format!("the metrics can't be written to {}: {error}", path.display()));
                Exit::Error
            })?;
    }
    if let (Some(command), true) = (&args.on_drift, exit != Exit::Done) {
        tell(command, &document, exit, terminal)?;
    }
    Ok(exit)
}

/// Replaces a file in one go, so that no reader sees half of it.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let path: PathBuf = std::path::absolute(path)?;
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    file.write_all(text.as_bytes())?;
    // Whoever collects metrics is another user.
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    file.persist(&path).map(|_| ()).map_err(|e| e.error)
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
