//! A script that says one line and then holds something until we have looked.

use openssh::ChildStdin;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    sync::OwnedSemaphorePermit,
};

use super::{
    ready::Shell,
    running::{Running, ScriptErr, ScriptOut},
};

/// More than a line that a script of ours says.
const LINE: u64 = 64 << 10;

/// It ends when this is dropped, or by a limit of its own.
#[derive(Debug)]
pub struct HeldScript {
    lines: Lines<BufReader<tokio::io::Take<ScriptOut>>>,
    // A script holds for as long as its input is open; its channel is closed with the shell.
    _open: (ChildStdin, ScriptErr, Shell, OwnedSemaphorePermit),
}

impl HeldScript {
    pub(super) fn new(running: Running, channel: OwnedSemaphorePermit) -> Self {
        let Running { stdin, stdout, stderr, child } = running;
        Self { lines: BufReader::new(stdout.take(LINE)).lines(), _open: (stdin, stderr, child, channel) }
    }

    /// The next line that it says; nothing where it has ended, or the connection has.
    pub async fn line(&mut self) -> Option<String> {
        self.lines.next_line().await.ok().flatten()
    }
}
