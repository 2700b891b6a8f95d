//! What shells ask of this program: the script for their completions, and the words that the script asks for.

use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::{
    CompleteEnv, Shell,
    env::{EnvCompleter, Shells},
};

use super::{args::Cli, exit::Exit};
use crate::{engine::CommandError, render::Terminal};

/// The variable by which the script says that it asks for words, and for which shell. It is not clap's own
/// `COMPLETE`: what is set for another program must not change what this one does.
const VARIABLE: &str = "TANDEM_COMPLETE";

/// As a file in zsh's `fpath` the script is loaded by the first word that is asked for, and must answer that one, too.
const ZSH_AUTOLOAD: &str = "[[ ${funcstack[1]} != _tandem ]] || _clap_dynamic_completer_tandem \"$@\"\n";

/// Answers a shell that asks for words. `None` where this is a run like any other.
pub(super) fn answer() -> Option<Exit> {
    let directory = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .try_complete(std::env::args_os(), directory.as_deref());
    match asked {
        Ok(false) => None,
        Ok(true) => Some(Exit::Done),
        Err(error) => {
            let _ = error.print();
            Some(Exit::Usage)
        }
    }
}

/// Prints the script that a shell loads. It calls the program by the name by which it was called now.
pub(super) fn script(shell: Shell, terminal: &Terminal) -> Result<Exit, CommandError> {
    let failed = |why: &str| CommandError::failed(format!("the script for {shell} can't be made: {why}"));
    let shells = Shells::builtins();
    let known: &dyn EnvCompleter =
        shells.completer(&shell.to_string()).ok_or_else(|| failed("no such shell"))?;
    let mut text = Vec::new();
    known
        .write_registration(VARIABLE, "tandem", "tandem", &own_name(), &mut text)
        .map_err(|error| failed(&error.to_string()))?;
    if shell == Shell::Zsh {
        text.extend(ZSH_AUTOLOAD.as_bytes());
    }
    terminal.out(&String::from_utf8_lossy(&text));
    Ok(Exit::Done)
}

/// `tandem`, which the shell looks up, or the whole path where one was typed.
fn own_name() -> String {
    let typed = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    match typed.components().count() {
        0 => "tandem".into(),
        1 => typed.to_string_lossy().into_owned(),
        _ => std::path::absolute(&typed).unwrap_or(typed).to_string_lossy().into_owned(),
    }
}
