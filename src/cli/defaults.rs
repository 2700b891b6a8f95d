//! Files that are taken where none are named: those of the current directory, as `init` writes them.

use std::path::{Path, PathBuf};

use super::{
    apply::is_plan_file,
    args::{Cli, Command},
};
use crate::{
    inventory::{Config, USUAL_NAMES, changed_by_others},
    render::Terminal,
    source::{Problems, Sources},
};

/// The playbook.
const PLAYBOOK: &str = "playbook.yml";

/// Names the files that are taken, and says so. `drift` says nothing: it is silent in cron.
pub(super) fn fill(cli: &mut Cli, terminal: &Terminal) {
    let silent = matches!(cli.command, Command::Drift(_));
    // Of `tandem rejoin HOST` the one word is no playbook.
    if let Command::Rejoin(args) = &mut cli.command
        && args.host.is_none()
        && Path::new(PLAYBOOK).is_file()
    {
        args.host = args.apply.playbook.take();
    }
    let Some(playbook) = playbook_of(&mut cli.command) else { return };
    // A saved plan names its own files.
    if playbook.as_deref().is_some_and(|named| is_plan_file(Path::new(named))) {
        return;
    }
    let mut taken = Vec::new();
    if playbook.is_none() && is_ours(PLAYBOOK, terminal) {
        *playbook = Some(PLAYBOOK.to_owned());
        taken.push(PLAYBOOK);
    }
    if cli.global.inventory.is_empty()
        && !config_has_inventory()
        && let Some(found) = USUAL_NAMES.into_iter().find(|name| is_ours(name, terminal))
    {
        cli.global.inventory = vec![PathBuf::from(found)];
        taken.insert(0, found);
    }
    if !taken.is_empty() && !silent {
        terminal.note(&format!("Using {} of this directory.", taken.join(" and ")));
    }
}

/// Where the playbook stands of commands that take one.
fn playbook_of(command: &mut Command) -> Option<&mut Option<String>> {
    Some(match command {
        Command::Validate(args) => &mut args.playbook.playbook,
        Command::Plan(args) => &mut args.playbook.playbook,
        Command::Apply(args) => &mut args.playbook,
        Command::Switchover(args) => &mut args.apply.playbook,
        Command::Failover(args) => &mut args.apply.playbook,
        Command::Rejoin(args) => &mut args.apply.playbook,
        Command::Drift(args) => &mut args.playbook.playbook,
        Command::Status(args) => &mut args.playbook.playbook,
        Command::Verify(args) => &mut args.playbook.playbook,
        Command::Doctor(args) => &mut args.playbook,
        Command::Graph(args) => &mut args.playbook.playbook,
        Command::Report(args) => &mut args.playbook.playbook,
        Command::Vars(args) => &mut args.playbook,
        Command::Init(_)
        | Command::Show { .. }
        | Command::History { .. }
        | Command::Explain { .. }
        | Command::Schema { .. }
        | Command::Completions { .. }
        | Command::Man(_) => return None,
    })
}

/// Whether a file is there and nobody else could have put it there: it may name programs.
fn is_ours(name: &str, terminal: &Terminal) -> bool {
    let path = Path::new(name);
    if !path.is_file() {
        return false;
    }
    let Some(what) = changed_by_others(path) else { return true };
    terminal.warning(&format!(
        "{name} is not taken by itself: another user may change {what}. Name it to use it."
    ));
    false
}

fn config_has_inventory() -> bool {
    let config = Config::find();
    let read = Config::read(config.as_deref(), &mut Sources::default(), &mut Problems::default());
    !read.inventory.is_empty()
}
