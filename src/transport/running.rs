//! A script that runs on a host, with its three streams.

use std::sync::Arc;

use openssh::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::frame::{Framed, Mark};

/// More than a script of ours ever has to say: what goes on beyond this is a host that does not stop.
pub(super) const MOST: usize = 64 << 20;
/// Of what it prints to standard error the end is kept.
const MESSAGES: usize = 64 << 10;

/// What a script prints to standard output.
pub type ScriptOut = Framed<ChildStdout>;
/// What it prints to standard error.
pub type ScriptErr = Framed<ChildStderr>;

/// A script that has begun.
#[derive(Debug)]
pub(super) struct Running {
    pub stdin: ChildStdin,
    pub stdout: ScriptOut,
    pub stderr: ScriptErr,
    pub child: Child<Arc<openssh::Session>>,
}

/// What came in place of a script: on standard output and on standard error.
pub(super) type Instead = (Vec<u8>, Vec<u8>);

/// How the output of a script ended.
#[derive(Debug)]
pub(super) enum Said {
    /// With its exit status.
    Whole { status: i32, stdout: Vec<u8>, stderr: String },
    /// Without one.
    Cut,
    /// Not within what is taken.
    TooMuch,
}

impl Running {
    /// Sends a script its text and waits until it begins. The outer result is that of the connection.
    pub(super) async fn begin(
        mut child: Child<Arc<openssh::Session>>,
        mark: &Mark,
        first: &[&[u8]],
    ) -> Option<Result<Self, Instead>> {
        let (mut stdin, stdout, stderr) =
            (child.stdin().take()?, child.stdout().take()?, child.stderr().take()?);
        let (mut stdout, mut stderr) = (Framed::new(stdout, mark), Framed::new(stderr, mark));
        // What does not read its input may have more to print than a pipe holds.
        let feed = async {
            for bytes in first {
                let _ = stdin.write_all(bytes).await;
            }
            std::future::pending::<()>().await;
        };
        let begun = tokio::select! {
            begun = stdout.begin() => begun,
            () = feed => false,
        };
        if begun {
            return Some(Ok(Self { stdin, stdout, stderr, child }));
        }
        drop(stdin);
        let _ = stderr.begin().await;
        Some(Err((stdout.noise(), stderr.noise())))
    }

    /// Gives it its input and reads everything that it prints.
    pub(super) async fn finish(self, input: &[u8]) -> Said {
        let Self { mut stdin, mut stdout, mut stderr, child } = self;
        let feed = async move {
            // A script that ends early closes its input; that is not an error.
            let _ = stdin.write_all(input).await;
            let _ = stdin.shutdown().await;
            drop(stdin);
            std::future::pending::<()>().await;
        };
        let out = async {
            let mut all = Vec::new();
            let read = (&mut stdout).take(MOST as u64 + 1).read_to_end(&mut all).await;
            match read {
                Ok(_) if all.len() > MOST => Err(Said::TooMuch),
                Ok(_) => Ok(all),
                Err(_) => Err(Said::Cut),
            }
        };
        let err = async {
            let (mut end, mut chunk) = (Vec::new(), vec![0; 8192]);
            while let Ok(n) = stderr.read(&mut chunk).await {
                if n == 0 {
                    break;
                }
                end.extend_from_slice(&chunk[..n]);
                let spare = end.len().saturating_sub(MESSAGES);
                end.drain(..spare);
            }
            Ok(String::from_utf8_lossy(&end).into_owned())
        };
        let read = async { tokio::try_join!(out, err) };
        let said = tokio::select! {
            said = read => said,
            () = feed => return Said::Cut,
        };
        // Its channel is closed with it: what a shell still does at its end is not waited for.
        drop(child);
        match (said, stdout.status()) {
            (Ok((stdout, stderr)), Some(status)) => Said::Whole { status, stdout, stderr },
            (Ok(_), None) => Said::Cut,
            (Err(said), _) => said,
        }
    }
}
