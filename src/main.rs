//! The `tandem` program: hands over to the commands, and ends with their exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(tandem::cli::run().code())
}
