//! A connection of its own that carries lines and nothing else: signs of life must not wait behind a stream.

use std::io;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::ChildStdout,
    time,
};

use zeroize::Zeroizing;

use super::{
    ConnectError, Target,
    frame::{Framed, Mark},
    master::Master,
    script::program,
};
use crate::model::limits;

/// A script on a host, with lines both ways. It ends with its input, and that ends however this program does.
#[derive(Debug)]
pub struct Lifeline {
    master: Master,
    lines: Lines<BufReader<Framed<ChildStdout>>>,
}

/// A connection that is on its way, and waits for its script.
#[derive(Debug)]
pub struct ComingLifeline {
    pub(super) target: Target,
    pub(super) mark: Mark,
    /// What sudo reads first.
    pub(super) password: Option<Zeroizing<String>>,
    pub(super) master: Master,
}

impl ComingLifeline {
    /// Runs the script.
    ///
    /// # Errors
    /// With the reason and the next step.
    pub async fn run(self, text: &str, args: &[&str]) -> Result<Lifeline, ConnectError> {
        let program = program(&self.mark, text, args);
        let password = self.password.as_ref().map_or(&[][..], |p| p.as_bytes());
        let (master, output) = self.master.feed(&self.target, &[password, program.as_bytes()]).await?;
        Ok(Lifeline::new(master, output))
    }
}

impl Lifeline {
    /// Takes over a connection whose script has begun.
    pub(super) fn new(master: Master, output: Framed<ChildStdout>) -> Self {
        Self { master, lines: BufReader::new(output).lines() }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = async {
            self.master.stdin.write_all(bytes).await?;
            self.master.stdin.flush().await
        };
        time::timeout(limits::BEAT.time, written)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Says a line to the script.
    ///
    /// # Errors
    /// When the connection takes none.
    pub async fn say(&mut self, line: &str) -> io::Result<()> {
        self.write(format!("{line}\n").as_bytes()).await
    }

    /// The next line of the script; nothing where it has ended. Can be cancelled.
    pub async fn next_line(&mut self) -> Option<String> {
        self.lines.next_line().await.ok().flatten()
    }

    /// Ends the connection.
    pub async fn close(self) {
        self.master.end().await;
    }
}
