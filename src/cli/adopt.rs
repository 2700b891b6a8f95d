//! `init --from`: the files, read off living servers.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    args::{Global, InitArgs},
    exit::Exit,
    form::Format,
};
use crate::{
    engine::{self, Adoptable, CommandError, ErrorKind, NotAdopted, State, Unnamed},
    model::{HostName, visible},
    render::{self, Terminal, Waiting},
    transport::command_words,
};

/// Reads the servers, and writes what declares them. Nothing is written where one of them could not be read.
pub(super) async fn run(global: &Global, args: &InitArgs, terminal: &Terminal) -> Result<Exit, CommandError> {
    refuse_existing(args)?;
    let what = Adoptable {
        from: args.from.clone(),
        r#become: args.r#become,
        incomplete: args.incomplete,
        directory: args.directory.clone(),
    };
    let adopted = {
        let _waiting = Waiting::begin(terminal, "reading the hosts");
        // `--from` names ssh destinations unless an inventory was named here.
        let options = engine::Options { inventory: global.inventory.clone(), ..global.options(None, &[]) };
        engine::adopt(&options, &what).await
    };
    let adopted = adopted.map_err(|why| not_adopted(why, global, args))?;
    let (problems, sources) = adopted.warnings;
    render::mistakes(problems, &sources, terminal);
    for server in &adopted.unnamed {
        terminal.warning(&format!("{}; its channel stays undeclared", unnamed(server)));
    }
    let mut report = adopted.report;
    report.written = write(args, &adopted.files)?;
    report.next = next_command(global, &args.directory);
    match global.wanted.format() {
        Format::Human => terminal.out(&render::adoption(&report, terminal.width())),
        Format::Json => terminal.json(&report),
        Format::Jsonl => terminal.json_line(&report),
    }
    Ok(State::of(!report.left.is_empty(), false).into())
}

/// Why nothing was written, with the command to run instead.
fn not_adopted(why: NotAdopted, global: &Global, args: &InitArgs) -> CommandError {
    match why {
        NotAdopted::Failed(error) => error,
        NotAdopted::Unnamed { servers, from } => {
            let words: Vec<String> = from.iter().map(|word| shell_word(word)).collect();
            let r#become = if args.r#become { " --become" } else { "" };
            CommandError::several(ErrorKind::Failed, servers.iter().map(unnamed)).next(format!(
                "Nothing was written. Name all of them: tandem{} init {}{become} --from {}\n\
                 Or leave their channels undeclared: --incomplete",
                options(global),
                args.directory.display(),
                words.join(" ")
            ))
        }
        NotAdopted::NoTopology { hosts } => {
            let names: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
            let what = format!(
                "{}: no channel leads from one of these hosts to another, so there is no topology to declare",
                names.join(", ")
            );
            CommandError::failed(what).next(format!(
                "Nothing was written. For a topology that is still to be made: tandem init {}",
                args.directory.display()
            ))
        }
    }
}

fn unnamed(server: &Unnamed) -> String {
    match server {
        Unnamed::Source { replica, source, server_id } => {
            let id = match server_id {
                0 => String::new(),
                id => format!(" (server_id {id})"),
            };
            format!(
                "{replica} replicates from {}{id}, which is none of the hosts that were named",
                visible(&source.to_string())
            )
        }
        Unnamed::Replica { source, server_id } => format!(
            "a server with server_id {server_id} replicates from {source}, and is none of the hosts that were named"
        ),
    }
}

/// Files of an earlier day are not written over, and this is said before anybody waits.
fn refuse_existing(args: &InitArgs) -> Result<(), CommandError> {
    let there: Vec<String> = ["inventory.yml", "playbook.yml", "group_vars", "host_vars"]
        .into_iter()
        .map(|name| args.directory.join(name))
        .filter(|path| path.exists())
        .map(|path| path.display().to_string())
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    let (exist, they_are) = if there.len() == 1 { ("exists", "is") } else { ("exist", "are") };
    Err(CommandError::failed(format!(
        "{} {exist} already and {they_are} left alone. Name another directory: tandem init DIRECTORY --from {}",
        there.join(", "),
        args.from.join(" ")
    )))
}

/// Writes the files, and tells which.
fn write(args: &InitArgs, files: &[(String, String)]) -> Result<Vec<String>, CommandError> {
    let mut written = Vec::new();
    let ignore = (".gitignore".to_owned(), super::init::GITIGNORE.to_owned());
    for (name, text) in files.iter().chain([&ignore]) {
        let path = args.directory.join(name);
        if name == ".gitignore" && path.exists() {
            continue;
        }
        let done = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            use std::io::Write;
            fs::OpenOptions::new().write(true).create_new(true).open(&path)?.write_all(text.as_bytes())
        });
        done.map_err(|error| {
            CommandError::failed(format!("{} can't be written", path.display())).because(error)
        })?;
        written.push(beside(&args.directory, name).display().to_string());
    }
    Ok(written)
}

/// A path as one would type it.
fn beside(directory: &Path, name: &str) -> PathBuf {
    if directory == Path::new(".") { PathBuf::from(name) } else { directory.join(name) }
}

fn next_command(global: &Global, directory: &Path) -> String {
    let path = |name: &str| shell_word(&beside(directory, name).to_string_lossy());
    format!("tandem{} -i {} plan {}", options(global), path("inventory.yml"), path("playbook.yml"))
}

/// The options that every further command needs too.
fn options(global: &Global) -> String {
    let mut text = String::new();
    for path in &global.inventory {
        text.push_str(&format!(" -i {}", shell_word(&path.to_string_lossy())));
    }
    if let Some(path) = &global.ssh_config {
        text.push_str(&format!(" --ssh-config {}", shell_word(&path.to_string_lossy())));
    }
    for extra in &global.extra {
        text.push_str(&format!(" -e {}", shell_word(extra)));
    }
    text
}

fn shell_word(text: &str) -> String {
    command_words(&[text.to_owned()])
}
