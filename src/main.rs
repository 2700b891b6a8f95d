//! The `tandem` program: hands over to the commands, and ends with their exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    // ssh starts this program to ask for a password; see `transport::askpass_socket`.
    if let Some(socket) = tandem::transport::askpass_socket() {
        return match tandem::transport::serve_askpass_request(&socket) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    ExitCode::from(tandem::cli::run().code())
}
