//! Bytes from a script on one host to a script on another, through this machine, in bounded memory.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Stream, program_words, writer::tail};
use crate::model::HostName;

/// A copy that did not come to its end.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{host}: to {what} failed{}: {said}", status.map(|s| format!(" with exit status {s}")).unwrap_or_default())]
pub struct RelayError {
    /// The side that failed first.
    pub host: HostName,
    /// What it was to do.
    pub what: String,
    /// Exit status, where it ended by itself.
    pub status: Option<i32>,
    /// What it said, without rows.
    pub said: String,
}

/// Copies everything and waits for both ends. `sent` counts the bytes that passed; `notice` sees each
/// line that the source writes to its standard error, such as progress.
///
/// # Errors
/// With the side that failed, and its last words.
pub async fn relay(
    from: Stream<'_>,
    to: Stream<'_>,
    sent: &AtomicU64,
    mut notice: impl FnMut(&str),
) -> Result<u64, RelayError> {
    let Stream {
        host: from_host,
        what: from_what,
        stdin: from_in,
        stdout: mut source,
        stderr: from_err,
        child: from_child,
    } = from;
    let Stream {
        host: to_host,
        what: to_what,
        stdin: mut sink,
        stdout: mut to_out,
        stderr: mut to_err,
        child: to_child,
    } = to;

    let pump = async move {
        let mut buffer = vec![0; 128 * 1024];
        let mut total = 0u64;
        loop {
            match source.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(n) => {
                    // The sink closes early when it fails; its own status tells why.
                    if sink.write_all(&buffer[..n]).await.is_err() {
                        break;
                    }
                    total += n as u64;
                    sent.store(total, Ordering::Relaxed);
                }
            }
        }
        let _ = sink.shutdown().await;
        total
    };
    let listen = async {
        let mut messages = from_err;
        let mut buffer = [0; 4096];
        let mut line = Vec::new();
        let mut last = String::new();
        // Progress lines end with a carriage return, others with a line feed.
        while let Ok(n) = messages.read(&mut buffer).await {
            if n == 0 {
                break;
            }
            for byte in &buffer[..n] {
                if !matches!(byte, b'\r' | b'\n') {
                    line.push(*byte);
                    continue;
                }
                let text = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                if text.is_empty() {
                    continue;
                }
                notice(&text);
                if !text.contains(" bytes (") && !text.starts_with('@') {
                    last = tail(&format!("{last}\n{text}"), 2000);
                }
            }
            // dd writes the carriage return before each report, so the newest has no end yet.
            if line.ends_with(b"B/s") {
                notice(&String::from_utf8_lossy(&line));
                line.clear();
            }
        }
        last
    };
    let sink_words = async move {
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(n) = to_err.read(&mut buffer).await {
            if n == 0 {
                break;
            }
            if text.len() < 64 * 1024 {
                text.extend_from_slice(&buffer[..n]);
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    };
    let drain = async move {
        let mut buffer = [0; 4096];
        while matches!(to_out.read(&mut buffer).await, Ok(n) if n > 0) {}
    };
    let (total, from_said, to_said, ()) = tokio::join!(pump, listen, sink_words, drain);
    drop(from_in);
    let (from_status, to_status) = tokio::join!(from_child.wait(), to_child.wait());
    let code = |status: Result<std::process::ExitStatus, openssh::Error>| status.ok().and_then(|s| s.code());
    let (from_code, to_code) = (code(from_status), code(to_status));
    // Where the sink fails, the source sees a broken pipe; so the sink is asked first.
    if to_code != Some(0) {
        return Err(RelayError {
            host: to_host,
            what: to_what,
            status: to_code,
            said: program_words(&to_said),
        });
    }
    if from_code != Some(0) {
        return Err(RelayError {
            host: from_host,
            what: from_what,
            status: from_code,
            said: program_words(&from_said),
        });
    }
    Ok(total)
}
