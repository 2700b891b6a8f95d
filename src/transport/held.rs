//! A script that says one line and then holds something until we have looked.

use openssh::ChildStdin;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};

use super::{
    ready::Shell,
    running::{Running, ScriptErr, ScriptOut},
};

/// More than a line that a script of ours says.
const LINE: u64 = 64 << 10;

/// It ends when this is dropped, or by a limit of its own.
#[derive(Debug)]
pub struct Held {
    lines: Lines<BufReader<tokio::io::Take<ScriptOut>>>,
    // A script holds for as long as its input is open; its channel is closed with the shell.
    _open: (ChildStdin, ScriptErr, Shell),
}

impl Held {
    pub(super) fn new(running: Running) -> Self {
        let Running { stdin, stdout, stderr, child } = running;
        Self { lines: BufReader::new(stdout.take(LINE)).lines(), _open: (stdin, stderr, child) }
    }

    /// The next line that it says; nothing where it has ended, or the connection has.
    pub async fn line(&mut self) -> Option<String> {
        self.lines.next_line().await.ok().flatten()
    }
}
