//! `switchover`: another host takes the writes, and the playbook says so afterwards.

use super::{
    apply::run_on,
    args::{Global, SwitchoverArgs},
    edit::{edit, need_plays},
    exit::Exit,
};
use crate::{
    engine::{CommandError, Engine},
    model::HostName,
    playbook::Edit,
    render::{self, Terminal},
};

/// Runs the command.
pub(super) async fn run(
    global: &Global,
    args: &SwitchoverArgs,
    terminal: &Terminal,
) -> Result<Exit, CommandError> {
    let named = need_plays(&args.apply, "switchover")?;
    let mut engine = Engine::open(&global.options(Some(named), &args.apply.allow))?;
    engine.switch_over(&HostName::new(&args.to))?;
    render::mistakes(engine.warnings.clone(), &engine.sources, terminal);
    if engine.edit.as_ref().is_none_or(Edit::is_empty) {
        terminal.note(&format!("{named} declares already that clients write to {}.", args.to));
    }
    let ended = run_on(&engine, global, &args.apply, terminal, None, None).await?;
    // Whatever else failed: who is written to must not change back with the next `apply`.
    if ended.switched || ended.exit == Exit::Done {
        edit(&engine, args.no_edit, "switches back", terminal)?;
    }
    Ok(ended.exit)
}
