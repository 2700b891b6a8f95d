//! Programs that print a secret: what they print is held in memory that is wiped.

use std::{
    io::{self, Read},
    process::{Command, Stdio},
};

use zeroize::Zeroizing;

/// Bytes that a program may print. More than any secret, so that one that never ends fills no memory.
const MOST: usize = 1 << 20;

/// Runs a program and returns what it printed. Its standard error is the user's: there it asks, and says why it fails.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] when there is no such program; else in words when it failed or printed too much.
pub(crate) fn printed_by(command: &mut Command) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    // Never grown: what a vector leaves behind when it grows is not wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST + 64));
    let read = match child.stdout.take() {
        Some(output) => output.take(MOST as u64 + 1).read_to_end(&mut bytes),
        None => Ok(0),
    };
    if bytes.len() > MOST || read.is_err() {
        let _ = child.kill();
    }
    let status = child.wait()?;
    read?;
    if bytes.len() > MOST {
        return Err(io::Error::other(format!("it printed more than {MOST} bytes")));
    }
    if !status.success() {
        return Err(io::Error::other(status.to_string()));
    }
    Ok(bytes)
}

/// Bytes as text; `None` where they are not UTF-8.
pub(crate) fn as_text(mut bytes: Zeroizing<Vec<u8>>) -> Option<Zeroizing<String>> {
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Some(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_or_prints_without_end_gives_nothing() {
        let run = |script: &str| printed_by(Command::new("sh").args(["-c", script]).stdin(Stdio::null()));
        assert_eq!(run("echo a").map(|b| b.to_vec()).ok(), Some(b"a\n".to_vec()));
        assert!(run("echo a; exit 3").is_err());
        assert!(run("yes").is_err());
        assert_eq!(
            printed_by(&mut Command::new("/no/such")).map_err(|e| e.kind()),
            Err(io::ErrorKind::NotFound)
        );
    }
}
