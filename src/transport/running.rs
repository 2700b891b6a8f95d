//! A script that runs on a host, with its three streams.

use openssh::{ChildStderr, ChildStdin, ChildStdout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    frame::{Framed, Mark},
    ready::Shell,
};

/// More than a script of ours ever has to say: what goes on beyond this is a host that does not stop.
pub(super) const MOST: usize = 64 << 20;
/// Of what it prints to standard error the end is kept.
const MESSAGES: usize = 64 << 10;

/// What a script prints to standard output.
pub(crate) type ScriptOut = Framed<ChildStdout>;
/// What it prints to standard error.
pub(crate) type ScriptErr = Framed<ChildStderr>;

/// A script that has begun.
#[derive(Debug)]
pub(super) struct Running {
    pub stdin: ChildStdin,
    pub stdout: ScriptOut,
    pub stderr: ScriptErr,
    pub child: Shell,
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

/// A script that a shell was given.
#[derive(Debug)]
pub(super) enum Handed {
    /// It has begun, and waits for its input.
    Begun(Box<Running>),
    /// It got its input at once and is over.
    Done(Said),
}

impl Handed {
    /// Gives a shell its script, and its input where there is one. The outer result is that of the connection.
    pub(super) async fn to(
        shell: Shell,
        mark: &Mark,
        first: &[&[u8]],
        input: Option<&[u8]>,
    ) -> Option<Result<Self, Instead>> {
        match input {
            None => Some(
                Running::begin(shell, mark, first).await?.map(|running| Handed::Begun(Box::new(running))),
            ),
            Some(input) => Some(Running::whole(shell, mark, first, input).await?.map(Handed::Done)),
        }
    }
}

impl Running {
    /// Sends a script its text and waits until it begins. The outer result is that of the connection.
    async fn begin(mut child: Shell, mark: &Mark, first: &[&[u8]]) -> Option<Result<Self, Instead>> {
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

    /// Sends a script its text and all its input at once, and reads everything that it prints. For a login that has shown
    /// that it runs scripts: what does not begin gets the input all the same.
    async fn whole(
        mut child: Shell,
        mark: &Mark,
        first: &[&[u8]],
        input: &[u8],
    ) -> Option<Result<Said, Instead>> {
        let (stdin, stdout, stderr) = (child.stdin().take()?, child.stdout().take()?, child.stderr().take()?);
        let (mut stdout, mut stderr) = (Framed::new(stdout, mark), Framed::new(stderr, mark));
        let feed = feed(stdin, first, input);
        let read = async {
            match stdout.begin().await {
                true => {
                    let read = read(&mut stdout, &mut stderr).await;
                    Ok(said(read, stdout.status()))
                }
                false => {
                    let _ = stderr.begin().await;
                    Err((stdout.noise(), stderr.noise()))
                }
            }
        };
        tokio::select! {
            read = read => Some(read),
            () = feed => None,
        }
    }

    /// Gives it its input and reads everything that it prints.
    pub(super) async fn finish(self, input: &[u8]) -> Said {
        let Self { stdin, mut stdout, mut stderr, child } = self;
        let read = tokio::select! {
            read = read(&mut stdout, &mut stderr) => read,
            () = feed(stdin, &[], input) => return Said::Cut,
        };
        // Its channel is closed with it: what a shell still does at its end is not waited for.
        drop(child);
        said(read, stdout.status())
    }
}

/// Writes all of it and closes the stream; never ends, so that what is read meanwhile decides.
async fn feed(mut stdin: ChildStdin, first: &[&[u8]], input: &[u8]) {
    // A script that ends early closes its input; that is not an error.
    for bytes in first.iter().chain([&input]) {
        let _ = stdin.write_all(bytes).await;
    }
    let _ = stdin.shutdown().await;
    drop(stdin);
    std::future::pending::<()>().await;
}

/// Standard output, and the end of standard error.
async fn read(stdout: &mut ScriptOut, stderr: &mut ScriptErr) -> Result<(Vec<u8>, String), Said> {
    let out = async {
        let mut all = Vec::new();
        match stdout.take(MOST as u64 + 1).read_to_end(&mut all).await {
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
    tokio::try_join!(out, err)
}

fn said(read: Result<(Vec<u8>, String), Said>, status: Option<i32>) -> Said {
    match (read, status) {
        (Ok((stdout, stderr)), Some(status)) => Said::Whole { status, stdout, stderr },
        (Ok(_), None) => Said::Cut,
        (Err(said), _) => said,
    }
}
