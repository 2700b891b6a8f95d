//! The commands. Each returns how it ended; `main` turns that into the process's exit status.

mod adopt;
mod apply;
mod args;
mod complete;
mod confirm;
mod defaults;
mod drift;
pub mod edit;
mod exit;
mod explain;
mod failover;
mod follow;
mod form;
mod history;
mod init;
mod log;
mod man;
mod open;
mod plan;
mod rejoin;
mod report;
mod runs;
mod shells;
mod status;
mod stop;
mod switchover;
mod vars;
mod verify;
mod watch;
mod write;

use clap::{
    Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};

use self::{
    args::{Cli, Color, Command, SchemaOf},
    exit::Exit,
    form::Format,
};
use crate::{
    direct,
    render::{self, Choice, Terminal},
    schema,
    transport::{askpass_socket, serve_askpass_request},
};

/// Threads that work. A copy has four sessions that may each be busy with a large value for seconds; what tells the hosts
/// that this run lives must never wait for them.
const WORKERS: usize = 8;

/// Runs the program with the process's arguments.
pub fn run() -> Exit {
    // ssh starts this program to ask for a password.
    if let Some(socket) = askpass_socket() {
        return Exit::of_success(serve_askpass_request(&socket).is_ok());
    }
    // A controller has brought this program to a host.
    if let Some(directory) = direct::asked() {
        return Exit::of_success(direct::serve(&directory));
    }
    // Before any thread is there: the variable that asks is taken out of the environment.
    if let Some(exit) = shells::answer() {
        return exit;
    }
    let mut cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            if let Some((option, instead)) = hint(&error) {
                Terminal::new(Choice::Auto, false, 0).error(&format!("tandem has no {option}: {instead}."));
                return Exit::Usage;
            }
            // clap prints help and version to standard output, everything else to standard error.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
                _ => Exit::Usage,
            };
        }
    };
    let color = match cli.global.color {
        Color::Auto => Choice::Auto,
        Color::Always => Choice::Always,
        Color::Never => Choice::Never,
    };
    let terminal = Terminal::new(color, cli.global.quiet, cli.global.verbose);
    if !cli.command.prints(cli.global.wanted) {
        let forms = "markdown and junit are forms of plan, drift and verify, and sarif is one of validate";
        terminal.error(&format!("--format: this command has no such form; {forms}"));
        return Exit::Usage;
    }
    defaults::fill(&mut cli, &terminal);
    let runtime =
        match tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                terminal.error(&format!("the runtime does not start: {error}"));
                return Exit::Error;
            }
        };
    let exit = runtime.block_on(dispatch(cli, terminal));
    // What still runs must not hold up the end: connections end with their process.
    runtime.shutdown_background();
    match render::output_error() {
        // Who reads only the beginning has what he wanted.
        Some(error) if !render::reader_is_gone() => {
            terminal.error(&format!("standard output could not be written: {error}"));
            Exit::Error
        }
        _ => exit,
    }
}

async fn dispatch(cli: Cli, terminal: Terminal) -> Exit {
    let global = &cli.global;
    let result = match &cli.command {
        Command::Init(args) if !args.from.is_empty() => adopt::run(global, args, &terminal).await,
        Command::Init(args) => init::run(global, args, &terminal),
        Command::Validate(args) => plan::validate(global, args, &terminal),
        Command::Plan(args) => plan::run(global, args, &terminal).await,
        Command::Apply(args) => apply::run(global, args, &terminal).await,
        Command::Switchover(args) => switchover::run(global, args, &terminal).await,
        Command::Failover(args) => failover::run(global, args, &terminal).await,
        Command::Rejoin(args) => rejoin::run(global, args, &terminal).await,
        Command::Drift(args) => drift::run(global, args, &terminal).await,
        Command::Status(args) if args.watch => {
            watch::run(global, args.playbook.playbook.as_deref(), args.interval, &terminal).await
        }
        Command::Status(args) => {
            status::run(global, args.playbook.playbook.as_deref(), &terminal, false).await
        }
        Command::Doctor(args) => status::run(global, args.playbook.as_deref(), &terminal, true).await,
        Command::Verify(args) => verify::run(global, args, &terminal).await,
        Command::Graph(args) => status::graph(global, args, &terminal).await,
        Command::Report(args) => report::run(global, args, &terminal).await,
        Command::Show { file } => plan::show(global, file, &terminal),
        Command::History { run } => history::run(global, run.as_deref(), &terminal),
        Command::Vars(args) => vars::run(global, args, &terminal),
        Command::Explain { codes } => explain::run(global, codes, &terminal),
        Command::Schema { of } => Ok(print_schema(*of, &terminal)),
        Command::Completions { shell } => shells::script(*shell, &terminal),
        Command::Man(args) => man::run(args, &terminal),
    };
    result.unwrap_or_else(|error| {
        let exit = Exit::of(error.kind);
        render::failure(error, &terminal);
        exit
    })
}

fn print_schema(of: SchemaOf, terminal: &Terminal) -> Exit {
    terminal.json(&match of {
        SchemaOf::Inventory => schema::inventory(),
        SchemaOf::Variables => schema::variables(),
        SchemaOf::Playbook => schema::playbook(),
        SchemaOf::Role => schema::role(),
        SchemaOf::Plan => schema::plan(),
    });
    Exit::Done
}

/// An option of other programs, and what to do instead.
fn hint(error: &clap::Error) -> Option<(&str, &'static str)> {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return None };
    let instead = match option.as_str() {
        "--dry-run" | "--check" | "--diff" | "-C" | "-D" => {
            "`tandem plan PLAYBOOK` shows what `apply` would do, and changes nothing"
        }
        "--auto-approve" | "--assume-yes" | "--no-input" | "--force" => {
            "`apply --yes` answers the prompt, and what can disrupt is allowed by name with `--allow`"
        }
        "--tags" | "--skip-tags" => "the `roles` of a play say what is done, and `--limit` chooses hosts",
        "--ask-pass" | "--ask-become-pass" | "--ask-vault-pass" | "-K" => {
            "a password is a reference in the inventory, such as `ansible_become_password: {env: SUDO_PASSWORD}`"
        }
        _ => return None,
    };
    Some((option, instead))
}

/// Whether standard output holds JSON.
fn wants_json(format: Format) -> bool {
    format != Format::Human
}
