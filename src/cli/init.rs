//! `init`: files to start from.

use std::{fs::OpenOptions, io::Write};

use serde_json::json;

use super::{
    args::{Global, InitArgs},
    exit::Exit,
    form::Format,
};
use crate::{engine::CommandError, render::Terminal};

/// What does not belong into a repository.
pub(super) const GITIGNORE: &str = include_str!("init/gitignore");

const FILES: [(&str, &str); 3] = [
    ("inventory.yml", include_str!("init/inventory.yml")),
    ("playbook.yml", include_str!("init/playbook.yml")),
    (".gitignore", GITIGNORE),
];

/// Writes the files; one that exists is left alone.
pub(super) fn run(global: &Global, args: &InitArgs, terminal: &Terminal) -> Result<Exit, CommandError> {
    let failed = |path: &std::path::Path, error: std::io::Error| {
        CommandError::failed(format!("{} can't be written", path.display())).because(error)
    };
    std::fs::create_dir_all(&args.directory).map_err(|e| failed(&args.directory, e))?;
    let (mut written, mut kept) = (Vec::new(), Vec::new());
    for (name, text) in FILES {
        let path = args.directory.join(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes()).map_err(|e| failed(&path, e))?;
                terminal.note(&format!("wrote {}", path.display()));
                written.push(path.display().to_string());
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                terminal.note(&format!("left {} as it is", path.display()));
                kept.push(path.display().to_string());
            }
            Err(error) => return Err(failed(&path, error)),
        }
    }
    let path = |name: &str| match args.directory == std::path::Path::new(".") {
        true => name.to_owned(),
        false => args.directory.join(name).display().to_string(),
    };
    let (inventory, playbook) = (path("inventory.yml"), path("playbook.yml"));
    terminal.note(&format!(
        "Next: put your addresses into {inventory}, export REPLICATION_PASSWORD=..., then\n  tandem -i {inventory} plan {playbook}\n\
         Servers that replicate already are read instead: tandem init DIRECTORY --from HOST..."
    ));
    let value = json!({"format_version": "1.0", "written": written, "kept": kept});
    match global.wanted.format() {
        Format::Human => {}
        Format::Json => terminal.json(&value),
        Format::Jsonl => terminal.json_line(&value),
    }
    Ok(Exit::Done)
}
