//! `man`: the manual pages, made from the same words as `--help`.

use std::{io, path::Path};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::{
    args::{Cli, ManArgs},
    exit::Exit,
};
use crate::{engine::CommandError, render::Terminal};

/// What the program is, in more words than `--help` has.
const DESCRIPTION: &str = include_str!("man/description.roff");

/// What `--help` does not say: environment, files, examples.
const SECTIONS: &str = include_str!("man/sections.roff");

/// Runs the command.
pub(super) fn run(args: &ManArgs, terminal: &Terminal) -> Result<Exit, CommandError> {
    let result = match &args.out {
        None => {
            let whole = built();
            page(&whole, whole.clone()).map(|text| terminal.out(&String::from_utf8_lossy(&text)))
        }
        Some(directory) => write_all(directory, terminal),
    };
    match result {
        Ok(()) => Ok(Exit::Done),
        Err(error) => {
            let place = args.out.as_deref().map(|d| format!(" in {}", d.display())).unwrap_or_default();
            Err(CommandError::failed(format!("manual pages can't be written{place}")).because(error))
        }
    }
}

/// The command line, with what each command inherits.
fn built() -> Command {
    let mut whole = Cli::command().disable_help_subcommand(true).subcommand_value_name("COMMAND");
    whole = whole.subcommand_help_heading("COMMANDS");
    whole.build();
    whole
}

fn write_all(directory: &Path, terminal: &Terminal) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let whole = built();
    let commands = whole.get_subcommands().cloned().chain([whole.clone()]);
    let mut count = 0;
    for command in commands {
        let name = command.get_display_name().unwrap_or("tandem").to_owned();
        std::fs::write(directory.join(format!("{name}.1")), page(&whole, command)?)?;
        count += 1;
    }
    terminal.note(&format!("wrote {count} pages to {}", directory.display()));
    Ok(())
}

/// The page of the program, or of one of its commands.
fn page(whole: &Command, command: Command) -> io::Result<Vec<u8>> {
    let is_whole = command.get_name() == whole.get_name();
    let man = Man::new(command)
        .source(format!("tandem {}", env!("CARGO_PKG_VERSION")))
        .manual("Replication of MySQL and MariaDB");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    if is_whole {
        text.extend(DESCRIPTION.as_bytes());
        man.render_subcommands_section(&mut text)?;
    } else {
        man.render_description_section(&mut text)?;
    }
    man.render_options_section(&mut text)?;
    text.extend(exit_status().into_bytes());
    text.extend(match is_whole {
        true => SECTIONS.as_bytes(),
        false => b".SH \"SEE ALSO\"\n.BR tandem (1)\n".as_slice(),
    });
    Ok(text)
}

fn exit_status() -> String {
    let rows = Exit::ALL.map(|exit| format!(".TP\n{}\n{}\n", exit.code(), exit.meaning()));
    format!(".SH \"EXIT STATUS\"\n{}", rows.concat())
}
