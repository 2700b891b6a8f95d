//! Waiting for something on a host that nobody reports: it is looked at again and again, by one rule.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::model::limits;

/// What one look has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Look<T, P> {
    /// What was waited for.
    Done(T),
    /// It is on its way, and so far. It stalls where that stays the same.
    Moving(P),
    /// What would bring it about does not run, and so far it has come.
    Halted(P),
}

/// Why the waiting has ended without it, and how far it had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended<P> {
    /// It took longer than it may in all.
    Late(P),
    /// It stood still for longer than it may.
    Stalled(P),
    /// What would bring it about did not run for longer than it may.
    Halted(P),
    /// The user has interrupted the run.
    Interrupted(P),
}

impl<P> Ended<P> {
    /// How far it had come.
    pub(crate) fn at(self) -> P {
        match self {
            Ended::Late(at) | Ended::Stalled(at) | Ended::Halted(at) | Ended::Interrupted(at) => at,
        }
    }
}

/// How long is waited, and how often looked. Every bound counts from the moment from which on it was so: a channel that
/// halts for a moment has not halted for all the time before.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rule<'a> {
    /// In all.
    pub limit: Option<Duration>,
    /// Without progress.
    pub stall: Option<Duration>,
    /// While what would bring it about does not run.
    pub halt: Option<Duration>,
    /// Pause between two looks; [`limits::POLL`] where nothing is said.
    pub every: Option<Duration>,
    /// Pause after the first look, which grows to that.
    pub first: Option<Duration>,
    /// Whether the user wants it to end.
    pub interrupt: Option<&'a CancellationToken>,
}

impl Rule<'_> {
    /// As long as something moves, and for these times where it does not, or has halted.
    pub(crate) fn moving(stall: Duration, halt: Duration) -> Self {
        Self { stall: Some(stall), halt: Some(halt), ..Self::default() }
    }

    /// For so long in all.
    pub(crate) fn within(limit: Duration) -> Self {
        Self { limit: Some(limit), ..Self::default() }
    }
}

/// Looks until it is there. The outer error is that of a look, which ends the waiting: a server that is gone is not
/// waited for unless the look says so.
///
/// # Errors
/// With what ended the waiting.
pub(crate) async fn wait_until<T, P: Clone + PartialEq, E>(
    rule: Rule<'_>,
    mut look: impl AsyncFnMut() -> Result<Look<T, P>, E>,
) -> Result<Result<T, Ended<P>>, E> {
    let begun = Instant::now();
    let every = rule.every.unwrap_or(limits::POLL);
    let mut pause = rule.first.unwrap_or(every);
    let mut moved: Option<(P, Instant)> = None;
    let mut halted: Option<Instant> = None;
    let over = |since: Instant, limit: Option<Duration>| limit.is_some_and(|limit| since.elapsed() >= limit);
    loop {
        let (at, runs) = match look().await? {
            Look::Done(result) => return Ok(Ok(result)),
            Look::Moving(at) => (at, true),
            Look::Halted(at) => (at, false),
        };
        let since = match &moved {
            Some((last, since)) if *last == at => *since,
            _ => Instant::now(),
        };
        moved = Some((at.clone(), since));
        halted = if runs { None } else { halted.or_else(|| Some(Instant::now())) };
        if rule.interrupt.is_some_and(CancellationToken::is_cancelled) {
            return Ok(Err(Ended::Interrupted(at)));
        }
        if halted.is_some_and(|since| over(since, rule.halt)) {
            return Ok(Err(Ended::Halted(at)));
        }
        if over(since, rule.stall) {
            return Ok(Err(Ended::Stalled(at)));
        }
        if over(begun, rule.limit) {
            return Ok(Err(Ended::Late(at)));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 5 / 4).min(every);
    }
}

/// The same with a look that can't fail.
///
/// # Errors
/// With what ended the waiting.
pub(crate) async fn wait<T, P: Clone + PartialEq>(
    rule: Rule<'_>,
    mut look: impl AsyncFnMut() -> Look<T, P>,
) -> Result<T, Ended<P>> {
    let looked = wait_until(rule, async || Ok::<_, Infallible>(look().await)).await;
    match looked {
        Ok(result) => result,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(30);
    const LONG: Duration = Duration::from_secs(3600);

    fn rule<'a>() -> Rule<'a> {
        Rule { every: Some(Duration::from_millis(1)), ..Rule::default() }
    }

    /// What becomes of looks that say this, the last of them for ever.
    async fn ends(rule: Rule<'_>, looks: &[Look<(), u8>]) -> Result<(), Ended<u8>> {
        let mut looks = looks.iter();
        let mut last = Look::Moving(0);
        wait(rule, async || {
            last = looks.next().cloned().unwrap_or_else(|| last.clone());
            last.clone()
        })
        .await
    }

    #[tokio::test]
    async fn each_end_has_its_cause() {
        use Look::{Done, Halted, Moving};
        let (stall, halt) = (Some(SHORT), Some(SHORT));
        let all = Rule { stall, halt: Some(LONG), limit: Some(LONG), ..rule() };
        assert_eq!(ends(rule(), &[Moving(1), Halted(1), Done(())]).await, Ok(()));
        assert_eq!(ends(all, &[Moving(1), Moving(2)]).await, Err(Ended::Stalled(2)));
        assert_eq!(ends(Rule { halt, ..rule() }, &[Moving(1), Halted(7)]).await, Err(Ended::Halted(7)));
        assert_eq!(ends(Rule { limit: Some(SHORT), ..rule() }, &[Moving(3)]).await, Err(Ended::Late(3)));
        let token = CancellationToken::new();
        token.cancel();
        let interrupted = Rule { interrupt: Some(&token), ..all };
        assert_eq!(ends(interrupted, &[Moving(4)]).await, Err(Ended::Interrupted(4)));
        // Who has it before he is interrupted has it.
        assert_eq!(ends(interrupted, &[Done(())]).await, Ok(()));
    }

    #[tokio::test]
    async fn what_moves_does_not_stall_and_what_runs_again_has_not_halted() {
        let begun = Instant::now();
        let mut n = 0_u32;
        let counted = wait(Rule { stall: Some(SHORT), halt: Some(SHORT), ..rule() }, async || {
            n += 1;
            match n {
                _ if begun.elapsed() > SHORT * 3 => Look::Done(()),
                n if n % 2 == 0 => Look::Moving(n),
                n => Look::Halted(n),
            }
        });
        assert_eq!(counted.await, Ok(()));
    }

    #[tokio::test]
    async fn a_look_that_fails_ends_it() {
        let looked = wait_until(rule(), async || Err::<Look<(), u8>, _>("gone")).await;
        assert_eq!(looked, Err("gone"));
    }
}
