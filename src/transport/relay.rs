//! Bytes from a script on one host to a script on another, through this machine, in bounded memory and time.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use openssh::ChildStdin;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep_until},
};

use super::{
    Pace, Stream, program_words,
    running::{ScriptErr, ScriptOut},
    writer::tail,
};
use crate::model::{HostName, duration, limits};

/// A copy that did not come to its end.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum RelayError {
    /// A side has failed.
    #[error("{host}: to {what} failed{}: {said}", status.map(|s| format!(" with exit status {s}")).unwrap_or_default())]
    Failed {
        /// The side that failed first.
        host: HostName,
        /// What it was to do.
        what: String,
        /// Exit status, where it ended by itself.
        status: Option<i32>,
        /// Its last words.
        said: String,
    },
    /// A side hangs.
    #[error("{host}: to {what} hangs: nothing has moved for {}{}", duration(*.after), why.as_ref().map(|w| format!("; {w}")).unwrap_or_default())]
    Stalled {
        /// The side that hangs.
        host: HostName,
        /// What it was to do.
        what: String,
        /// For how long nothing has moved.
        after: Duration,
        /// What is known of the cause.
        why: Option<String>,
    },
}

impl RelayError {
    /// The side that failed or hangs.
    pub(crate) fn host(&self) -> &HostName {
        match self {
            Self::Failed { host, .. } | Self::Stalled { host, .. } => host,
        }
    }
}

/// How long nothing may move.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Patience {
    /// Without a byte from the source, or one that the sink takes.
    pub stall: Duration,
    /// The same, as long as the sink works on what it has taken.
    pub work: Duration,
}

/// What a sink does that takes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Sink {
    /// It works on what it has taken.
    Works,
    /// It does not, maybe for a known cause.
    Hangs(Option<String>),
}

/// Who has to move next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Who gives.
    Source,
    /// Who takes.
    Sink,
}

/// When something has moved last, and whose turn it is.
#[derive(Debug)]
pub(crate) struct Moved(Mutex<(Instant, Turn)>);

impl Moved {
    /// Nothing has moved so far.
    pub(crate) fn begin() -> Self {
        Self(Mutex::new((Instant::now(), Turn::Source)))
    }

    /// Something has moved now, and somebody's turn it is.
    pub(crate) fn now(&self, turn: Turn) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), turn);
    }

    fn last(&self) -> (Instant, Turn) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Copies everything and waits for both ends. `sent` counts the bytes that passed; `notice` sees each
/// line that the source writes to its standard error, such as progress; `look` is asked what the sink does when it
/// takes nothing. `pace` bounds how fast they go.
///
/// # Errors
/// With the side that failed and its last words, or the side that hangs.
pub(crate) async fn relay(
    from: Stream<'_>,
    to: Stream<'_>,
    (sent, patience, pace): (&AtomicU64, Patience, &Pace),
    notice: impl FnMut(&str),
    look: impl AsyncFn() -> Sink,
) -> Result<u64, RelayError> {
    let moved = Moved::begin();
    let names = [(from.host.clone(), from.what.clone()), (to.host.clone(), to.what.clone())];
    let copied = async {
        let pumped = async {
            let total = pump(from.stdout, to.stdin, (sent, pace), &moved).await;
            // From here on the sink has to come to its end; the source has ended already, or does so at once.
            moved.now(Turn::Sink);
            total
        };
        let ((total, from_own), from_said, to_said, to_own) =
            tokio::join!(pumped, listen(from.stderr, notice), words(to.stderr), drain(to.stdout));
        drop(from.stdin);
        let (from_status, to_status) = tokio::join!(from.child.wait(), to.child.wait());
        let code =
            |status: Result<std::process::ExitStatus, openssh::Error>| status.ok().and_then(|s| s.code());
        // What a script has said of its own end counts, and not what a shell does on its way out.
        let (from_code, to_code) = (from_own.or(code(from_status)), to_own.or(code(to_status)));
        (total, (from_code, from_said), (to_code, to_said))
    };
    let (total, source, sink) = tokio::select! {
        ended = copied => ended,
        (turn, after, why) = stalled(&moved, patience, look) => {
            let [source, sink] = names;
            let (host, what) = if turn == Turn::Source { source } else { sink };
            return Err(RelayError::Stalled { host, what, after, why });
        }
    };
    // Where the sink fails, the source sees a broken pipe; so the sink is asked first. A source that was killed is no such one.
    let [from, to] = names;
    let mut both = [(to, sink), (from, source)];
    if was_killed(both[1].1.0) {
        both.reverse();
    }
    for ((host, what), (status, said)) in both {
        if status != Some(0) {
            return Err(RelayError::Failed { host, what, status, said: program_words(&said) });
        }
    }
    Ok(total)
}

/// Whether a shell has seen its program end by a signal that is neither a broken pipe nor our own request.
fn was_killed(status: Option<i32>) -> bool {
    const PIPE: i32 = 128 + 13;
    const TERM: i32 = 128 + 15;
    status.is_some_and(|status| status > 128 && status != PIPE && status != TERM)
}

/// Waits for two scripts between which the bytes go another way: `passes` ends with them, and says at `moved` when they
/// move. `notice` and `look` are as for [`relay`].
///
/// # Errors
/// As [`relay`].
pub(crate) async fn attend(
    (from, to): (Stream<'_>, Stream<'_>),
    (moved, patience): (&Moved, Patience),
    passes: impl Future<Output = Result<u64, RelayError>>,
    notice: impl FnMut(&str),
    look: impl AsyncFn() -> Sink,
) -> Result<u64, RelayError> {
    let names = [(from.host.clone(), from.what.clone()), (to.host.clone(), to.what.clone())];
    let passes = async {
        let passed = passes.await;
        if passed.is_err() {
            // Where a script has ended, it knows better why.
            tokio::time::sleep(limits::FAREWELL.time).await;
        }
        passed
    };
    let gives = ends(from, async |messages| listen(messages, notice).await);
    let takes = ends(to, words);
    tokio::select! {
        ended = async { tokio::try_join!(passes, gives, takes) } => ended.map(|(total, (), ())| total),
        (turn, after, why) = stalled(moved, patience, look) => {
            let [source, sink] = names;
            let (host, what) = if turn == Turn::Source { source } else { sink };
            Err(RelayError::Stalled { host, what, after, why })
        }
    }
}

/// Waits for a script that passes no bytes to us.
async fn ends(script: Stream<'_>, hear: impl AsyncFnOnce(ScriptErr) -> String) -> Result<(), RelayError> {
    let Stream { host, what, stdin, stdout, stderr, child, .. } = script;
    let (own, said) = tokio::join!(drain(stdout), hear(stderr));
    drop(stdin);
    let status = match own {
        Some(status) => Some(status),
        None => child.wait().await.ok().and_then(|status| status.code()),
    };
    match status {
        Some(0) => Ok(()),
        status => Err(RelayError::Failed { host, what, status, said: program_words(&said) }),
    }
}

/// Waits until nothing has moved for too long.
async fn stalled(
    moved: &Moved,
    patience: Patience,
    look: impl AsyncFn() -> Sink,
) -> (Turn, Duration, Option<String>) {
    let mut looked = None;
    loop {
        let (last, turn) = moved.last();
        let since = looked.filter(|at| *at > last).unwrap_or(last);
        if Instant::now() < since + patience.stall {
            sleep_until(since + patience.stall).await;
            continue;
        }
        if turn == Turn::Source {
            return (turn, last.elapsed(), None);
        }
        let found = look().await;
        // It may have gone on meanwhile.
        if moved.last() != (last, turn) {
            continue;
        }
        match found {
            Sink::Works if last.elapsed() < patience.work => looked = Some(Instant::now()),
            Sink::Works => return (turn, last.elapsed(), Some("it works on one statement".to_owned())),
            Sink::Hangs(why) => return (turn, last.elapsed(), why),
        }
    }
}

async fn pump(
    mut source: ScriptOut,
    mut sink: ChildStdin,
    (sent, pace): (&AtomicU64, &Pace),
    moved: &Moved,
) -> (u64, Option<i32>) {
    let mut buffer = vec![0; 128 * 1024];
    let mut total = 0u64;
    'bytes: while let Ok(read @ 1..) = source.read(&mut buffer).await {
        pace.wait(read as u64).await;
        let mut rest = &buffer[..read];
        while !rest.is_empty() {
            moved.now(Turn::Sink);
            // The sink closes early when it fails; its own status tells why.
            let Ok(taken @ 1..) = sink.write(rest).await else { break 'bytes };
            rest = &rest[taken..];
        }
        moved.now(Turn::Source);
        total += read as u64;
        sent.store(total, Ordering::Relaxed);
    }
    let _ = sink.shutdown().await;
    (total, source.status())
}

/// Tells each line of the source, and returns its last words.
async fn listen(mut messages: ScriptErr, mut notice: impl FnMut(&str)) -> String {
    let mut buffer = [0; 4096];
    let mut line = Vec::new();
    let mut last = String::new();
    // Progress lines end with a carriage return, others with a line feed.
    while let Ok(read @ 1..) = messages.read(&mut buffer).await {
        for byte in &buffer[..read] {
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
}

/// The beginning of what the sink says.
async fn words(mut messages: ScriptErr) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = messages.read(&mut buffer).await {
        if text.len() < 64 * 1024 {
            text.extend_from_slice(&buffer[..read]);
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

async fn drain(mut output: ScriptOut) -> Option<i32> {
    let mut buffer = [0; 4096];
    while matches!(output.read(&mut buffer).await, Ok(1..)) {}
    output.status()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    const PATIENCE: Patience = Patience { stall: Duration::from_millis(20), work: Duration::from_millis(90) };

    fn moved(turn: Turn) -> Moved {
        let moved = Moved::begin();
        moved.now(turn);
        moved
    }

    #[test]
    fn a_broken_pipe_is_the_sinks_fault_and_a_kill_is_not() {
        assert!(was_killed(Some(137)) && was_killed(Some(139)));
        for status in [None, Some(0), Some(1), Some(141), Some(143)] {
            assert!(!was_killed(status), "{status:?}");
        }
    }

    #[tokio::test]
    async fn a_source_that_sends_nothing_hangs_and_a_sink_is_asked_first() {
        let never = async || -> Sink { panic!("the sink is not at fault") };
        let (turn, after, why) = stalled(&moved(Turn::Source), PATIENCE, never).await;
        assert!(turn == Turn::Source && after >= PATIENCE.stall && why.is_none());

        let full = async || Sink::Hangs(Some("its disk is full".into()));
        let (turn, _, why) = stalled(&moved(Turn::Sink), PATIENCE, full).await;
        assert!(turn == Turn::Sink && why.as_deref() == Some("its disk is full"));
    }

    #[tokio::test]
    async fn a_sink_that_works_has_longer_but_not_for_ever() {
        let asked = AtomicUsize::new(0);
        let works = async || {
            asked.fetch_add(1, Ordering::SeqCst);
            Sink::Works
        };
        let (turn, after, _) = stalled(&moved(Turn::Sink), PATIENCE, works).await;
        assert!(turn == Turn::Sink && after >= PATIENCE.work, "{after:?}");
        assert!(asked.into_inner() > 1);
    }
}
