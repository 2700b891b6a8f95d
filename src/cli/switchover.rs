//! `switchover`: another host takes the writes, and the playbook says so afterwards.

use std::path::Path;

use super::{
    apply::{is_plan_file, run_on},
    args::{Global, SwitchoverArgs},
    exit::Exit,
    plan::need_playbook,
    write::{FOR_ITS_OWNER, replace_masked},
};
use crate::{
    engine::{CommandError, Engine},
    model::HostName,
    playbook::{Rename, renamed},
    render::{self, Terminal},
};

/// Runs the command.
pub async fn run(global: &Global, args: &SwitchoverArgs, terminal: &Terminal) -> Result<Exit, CommandError> {
    let named = need_playbook(args.apply.playbook.as_deref(), "switchover")?;
    if is_plan_file(Path::new(named)) {
        return Err(CommandError::usage(format!("{named} is a saved plan; name the playbook")));
    }
    let mut options = global.options(Some(named), &args.apply.allow);
    options.switch_to = Some(HostName::new(&args.to));
    let engine = Engine::open(&options)?;
    render::mistakes(engine.warnings.clone(), &engine.sources, terminal);
    if engine.renames.is_empty() {
        terminal.note(&format!("{named} declares already that clients write to {}.", args.to));
    }
    let ended = run_on(&engine, global, &args.apply, terminal, None).await?;
    // Whatever else failed: who is written to must not change back with the next `apply`.
    if (ended.switched || ended.exit == Exit::Done) && !engine.renames.is_empty() {
        edit(&engine.renames, args, terminal)?;
    }
    Ok(ended.exit)
}

/// Lets the playbook declare what is there by now.
fn edit(renames: &[Rename], args: &SwitchoverArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let file = renames.first().map(|rename| rename.place.file.to_string()).unwrap_or_default();
    let text = std::fs::read_to_string(&file).ok();
    let changed = text.as_ref().and_then(|text| Some((text, renamed(text, renames)?)));
    let Some((text, changed)) = changed else {
        let lines = renames.iter().map(|Rename { place, from, to }| format!("  {place}  {from} -> {to}"));
        let lines: Vec<String> = lines.collect();
        terminal.warning(&format!(
            "{file} could not be edited: a name in it comes out of a template, or it is no file of yours. Change it \
             there, or the next `tandem apply` switches back:\n{}",
            lines.join("\n")
        ));
        return Ok(());
    };
    let diff = render::text_change(text, &changed).join("\n");
    if args.no_edit {
        terminal.note(&format!("Change {file} so, or the next `tandem apply` switches back:"));
        terminal.err(&format!("{diff}\n"));
        return Ok(());
    }
    replace_masked(Path::new(&file), &changed, FOR_ITS_OWNER).map_err(|error| {
        CommandError::failed(format!("{file} can't be written: {error}")).next(format!(
            "{} takes the writes. Change the file so, or the next `tandem apply` switches back:\n{diff}",
            args.to
        ))
    })?;
    terminal.note(&format!("Changed {file}:"));
    terminal.err(&format!("{diff}\n"));
    Ok(())
}
