//! The playbook of a takeover: it declares afterwards what is there.

use std::path::Path;

use super::{
    apply::is_plan_file,
    args::ApplyArgs,
    plan::need_playbook,
    write::{FOR_ITS_OWNER, replace_masked},
};
use crate::{
    engine::{CommandError, Engine},
    playbook::Rename,
    render::{self, Terminal},
};

/// The playbook that is named, which must be no saved plan.
pub fn need_plays<'a>(args: &'a ApplyArgs, command: &str) -> Result<&'a str, CommandError> {
    let named = need_playbook(args.playbook.as_deref(), command)?;
    match is_plan_file(Path::new(named)) {
        true => Err(CommandError::usage(format!("{named} is a saved plan; name the playbook"))),
        false => Ok(named),
    }
}

/// Lets the playbook declare what is there by now. `else_apply` says what the next `apply` does where it does not.
pub fn edit(
    engine: &Engine,
    no_edit: bool,
    else_apply: &str,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    let Some(edit) = engine.edit.as_ref().filter(|edit| !edit.is_empty()) else { return Ok(()) };
    let file = edit.place.file.to_string();
    let text = std::fs::read_to_string(&file).ok();
    let changed = text.as_ref().and_then(|text| Some((text, edit.of_text(text)?)));
    let Some((text, changed)) = changed else {
        let mut lines: Vec<String> = edit
            .renames
            .iter()
            .map(|Rename { place, from, to }| format!("  {place}  {from} -> {to}"))
            .collect();
        lines.extend(edit.lost.iter().map(|host| format!("  {}  lost: [..., {host}]", edit.place)));
        lines.extend(edit.found.iter().map(|host| format!("  {}  lost: without {host}", edit.place)));
        terminal.warning(&format!(
            "{file} could not be edited: a name in it comes out of a template, or it is no file of yours. Change it \
             there, or the next `tandem apply` {else_apply}:\n{}",
            lines.join("\n")
        ));
        return Ok(());
    };
    let diff = render::text_change(text, &changed).join("\n");
    if no_edit {
        terminal.note(&format!("Change {file} so, or the next `tandem apply` {else_apply}:"));
        terminal.err(&format!("{diff}\n"));
        return Ok(());
    }
    replace_masked(Path::new(&file), &changed, FOR_ITS_OWNER).map_err(|error| {
        CommandError::failed(format!("{file} can't be written: {error}"))
            .next(format!("Change the file so, or the next `tandem apply` {else_apply}:\n{diff}"))
    })?;
    terminal.note(&format!("Changed {file}:"));
    terminal.err(&format!("{diff}\n"));
    Ok(())
}
