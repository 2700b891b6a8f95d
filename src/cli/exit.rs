//! What the program's exit status means. The only place that knows the numbers.

use crate::{
    engine::{Applied, CommandError, End, ErrorKind, State},
    verify::VerifyReport,
};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// In sync, or done.
    Done,
    /// Something failed.
    Error,
    /// Reality differs from the files.
    Differences,
    /// Some hosts were done and others were not.
    Partly,
    /// Some hosts could not be read.
    NotRead,
    /// Differences, and some hosts could not be read.
    DifferencesAndNotRead,
    /// Another run holds a lock.
    Locked,
    /// A saved plan does not fit any more, or a guard changed just before its step.
    Stale,
    /// A step would destroy data or break a promise, and was not allowed by name.
    Refused,
    /// The command line makes no sense.
    Usage,
    /// An input file is wrong.
    BadInput,
    /// The user interrupted the run.
    Interrupted,
}

impl Exit {
    /// Every way to end, in the order of the numbers.
    pub const ALL: [Exit; 12] = [
        Exit::Done,
        Exit::Error,
        Exit::Differences,
        Exit::Partly,
        Exit::NotRead,
        Exit::Locked,
        Exit::DifferencesAndNotRead,
        Exit::Stale,
        Exit::Refused,
        Exit::Usage,
        Exit::BadInput,
        Exit::Interrupted,
    ];

    /// The number for the shell.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Error => 1,
            Exit::Differences => 2,
            Exit::Partly => 3,
            Exit::NotRead => 4,
            Exit::Locked => 5,
            Exit::DifferencesAndNotRead => 6,
            Exit::Stale => 7,
            Exit::Refused => 8,
            Exit::Usage => 64,
            Exit::BadInput => 65,
            Exit::Interrupted => 130,
        }
    }

    /// How a command ends that did not do what it was asked to.
    pub fn of(error: ErrorKind) -> Self {
        match error {
            ErrorKind::Failed => Exit::Error,
            ErrorKind::Usage => Exit::Usage,
            ErrorKind::BadInput => Exit::BadInput,
            ErrorKind::NotRead => Exit::NotRead,
            ErrorKind::Refused => Exit::Refused,
            ErrorKind::Stale => Exit::Stale,
            ErrorKind::Locked => Exit::Locked,
            ErrorKind::Interrupted => Exit::Interrupted,
        }
    }

    /// How a piece of work ends that knows no more than whether it was done.
    pub fn of_success(done: bool) -> Self {
        if done { Exit::Done } else { Exit::Error }
    }

    /// How a command ends that only reads the files.
    pub fn of_files(fatal: bool) -> Self {
        if fatal { Exit::BadInput } else { Exit::Done }
    }

    /// How `apply` ends that had nothing to execute.
    pub fn of_nothing_to_do(state: State, in_sync: bool) -> Self {
        match state.into() {
            // What else there is to know needs another command.
            Exit::Differences if in_sync => Exit::Done,
            // Nothing can be done now, and something is missing.
            Exit::Differences => Exit::Error,
            exit => exit,
        }
    }

    /// How `apply` ends that has executed steps; those of a plan of which something was refused from the beginning change nothing
    /// in that.
    pub fn of_run(applied: &Applied, refused: bool) -> Self {
        match &applied.end {
            End::Done => Exit::Done,
            End::Failed => Exit::Error,
            End::Partly => Exit::Partly,
            End::Stale => Exit::Stale,
            End::Interrupted => Exit::Interrupted,
            End::Locked(error) => Exit::of(CommandError::from(error.clone()).kind),
            End::Refused(_) => Exit::Refused,
            End::NotRead(_) => Exit::NotRead,
            End::Left(state) => match state {
                State::Refused if applied.steps_done() > 0 && !refused => Exit::Partly,
                State::Refused => Exit::Refused,
                State::NotRead | State::DiffersAndNotRead => Exit::NotRead,
                State::InSync | State::Differs => Exit::Error,
            },
        }
    }

    /// How `verify` ends.
    pub fn of_proof(report: &VerifyReport, interrupted: bool) -> Self {
        if interrupted {
            return Exit::Interrupted;
        }
        if !report.unmatched.is_empty() && !report.failed() {
            return Exit::Usage;
        }
        State::of_proof(report).map_or(Exit::Error, Exit::from)
    }

    /// The meaning, for `--help`.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Done => "in sync, or done",
            Exit::Error => "error",
            Exit::Differences => "differences",
            Exit::Partly => "some hosts done and others not",
            Exit::NotRead => "some hosts not read",
            Exit::DifferencesAndNotRead => "both 2 and 4",
            Exit::Locked => "locked by another run",
            Exit::Stale => "the saved plan is stale, or a guard changed just before its step",
            Exit::Refused => {
                "refused: the step would destroy data or break a promise, and was not allowed by name"
            }
            Exit::Usage => "usage",
            Exit::BadInput => "bad input file",
            Exit::Interrupted => "interrupted",
        }
    }

    /// The table of numbers at the end of `--help`.
    pub fn table() -> String {
        let mut text = String::from("Exit codes:\n");
        for exit in Exit::ALL {
            text.push_str(&format!("  {:>3}  {}\n", exit.code(), exit.meaning()));
        }
        text
    }
}

impl From<State> for Exit {
    /// How a command ends that only looks.
    fn from(state: State) -> Self {
        match state {
            State::InSync => Exit::Done,
            State::Differs => Exit::Differences,
            State::NotRead => Exit::NotRead,
            State::DiffersAndNotRead => Exit::DifferencesAndNotRead,
            State::Refused => Exit::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_contract() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|e| e.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 64, 65, 130]);
    }
}
