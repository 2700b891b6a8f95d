//! One apply at a time on a host.
//!
//! The lock is an `flock` that a small service of the host holds (`host/watch.sh`), started for the run. It ends with
//! the run, and also when it has not heard from the controller for [`limits::LEASE`]: then the host ends what the run
//! still does there, takes back what it has changed for its time, and frees the lock. Signs of life go over a
//! connection of their own, so that no stream holds them up.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use tokio::{
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Fleet, Look, Rule, StepError, fence::Fence, wait};
use crate::{
    model::{HostName, duration, in_parallel, limits},
    transport::{ComingLifeline, Lifeline, ReadScript},
};

const HOLD: &str =
    concat!(include_str!("../transport/safe.sh"), include_str!("host/sshd.sh"), include_str!("host/hold.sh"));
const WATCH: &str = include_str!("host/watch.sh");
const SSHD: ReadScript =
    ReadScript::new("find this connection on the host", concat!(include_str!("host/sshd.sh"), "own_sshd\n"));

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockInfo {
    /// User and machine of the controller.
    pub who: String,
    /// Process there.
    pub pid: u32,
    /// Since when.
    pub since: String,
}

impl LockInfo {
    /// This process.
    pub fn own() -> Self {
        let user =
            std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "somebody".into());
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self {
            who: format!("{user}@{}", machine.trim()),
            pid: std::process::id(),
            since: jiff::Timestamp::now().to_string(),
        }
    }
}

/// Why a lock was not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("{host} is locked by another run{}", .info.as_ref().map(|i| format!(": {} (process {}), since {}", i.who, i.pid, i.since)).unwrap_or_default())]
    Held {
        /// The host.
        host: HostName,
        /// Who, as far as that is known.
        info: Option<LockInfo>,
    },
    /// It could not be tried.
    #[error(transparent)]
    Failed(#[from] StepError),
}

/// A held lock. When it is dropped, the host notices and frees it.
#[derive(Debug)]
struct HostLock {
    over: CancellationToken,
    keeping: Option<JoinHandle<()>>,
}

impl Drop for HostLock {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

/// Held locks of several hosts. When they are dropped, the hosts notice and free them.
#[derive(Debug, Default)]
pub(crate) struct HostLocks(BTreeMap<HostName, HostLock>);

impl HostLocks {
    /// Frees them, and waits until they are free.
    pub(crate) async fn release(mut self) {
        self.0.values().for_each(|lock| lock.over.cancel());
        for lock in self.0.values_mut() {
            if let Some(keeping) = lock.keeping.take() {
                let _ = keeping.await;
            }
        }
    }
}

/// Takes the locks of all hosts that a plan changes, or none. A run that was killed needs a moment to free them.
///
/// # Errors
/// The first host that is still locked after [`limits::TAKE`].
pub(crate) async fn take_all(fleet: &Fleet<'_>, hosts: &[HostName]) -> Result<HostLocks, LockError> {
    let rule = Rule { every: Some(limits::AGAIN), ..Rule::within(limits::TAKE.time) };
    let mut held = None;
    let waited = wait(rule, async || match take_now(fleet, hosts).await {
        Err(error @ LockError::Held { .. }) => {
            held = Some(error);
            Look::Moving(())
        }
        result => Look::Done(result),
    });
    match (waited.await, held) {
        (Ok(result), _) => result,
        (Err(_), Some(error)) => Err(error),
        (Err(_), None) => take_now(fleet, hosts).await,
    }
}

async fn take_now(fleet: &Fleet<'_>, hosts: &[HostName]) -> Result<HostLocks, LockError> {
    let info = serde_json::to_string(&LockInfo::own()).unwrap_or_default();
    let mut locks = HostLocks::default();
    // The connections come about side by side, whoever's turn it is.
    let ways = in_parallel(fleet.limits.forks, hosts.iter().map(|host| way(fleet, host))).await;
    let mut ways = ways.into_iter().collect::<Result<VecDeque<_>, _>>()?;
    // Two runs meet on the first host that both want; behind it, each may hurry.
    let (first, rest) = hosts.split_at(hosts.len().min(1));
    for some in [first, rest] {
        let ways = ways.drain(..some.len());
        let takes = some.iter().zip(ways).map(|(host, way)| take(fleet, host, way, &info));
        let taken = in_parallel(fleet.limits.forks, takes).await;
        let mut failed = None;
        for (host, result) in some.iter().zip(taken) {
            match result {
                Ok(lock) => drop(locks.0.insert(host.clone(), lock)),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            locks.release().await;
            return Err(error);
        }
    }
    Ok(locks)
}

/// What was tried, where a lock could not be.
const TRIED: &str = "take the lock";

/// The connection that is to hold a lock, and what the host calls the one over which the steps go.
async fn way(fleet: &Fleet<'_>, host: &HostName) -> Result<(ComingLifeline, String), LockError> {
    let failed = |why: String| LockError::Failed(StepError::new(host, TRIED, why));
    let line = fleet.on(host).writer()?.lifeline().map_err(|e| failed(e.to_string()))?;
    let sshd = fleet.on(host).session()?.read(&SSHD, &[], limits::LOOK.time).await;
    for _ in 0..2 {
        fleet.on(host).writer()?.make_ready();
    }
    Ok((line, sshd.map_err(|e| failed(e.to_string()))?.text()))
}

async fn take(
    fleet: &Fleet<'_>,
    host: &HostName,
    (line, sshd): (ComingLifeline, String),
    info: &str,
) -> Result<HostLock, LockError> {
    let failed = |why: String| LockError::Failed(StepError::new(host, TRIED, why));
    let [lease, undo] = [limits::LEASE, limits::UNDO].map(|limit| limit.time.as_secs().to_string());
    let args = [fleet.run.as_str(), info, &lease, &undo, sshd.trim(), WATCH];
    let mut line = line.run(HOLD, &args).await.map_err(|e| failed(e.to_string()))?;
    let said = timeout(limits::SCRIPT.time, line.next_line()).await.ok().flatten().unwrap_or_default();
    match said.trim().split_once(' ').unwrap_or((said.trim(), "")) {
        ("taken", _) => {
            let (fence, over) = (Fence::default(), CancellationToken::new());
            fleet.fences.put(host, fence.clone());
            let keeping = tokio::spawn(keep(line, fence, over.clone()));
            Ok(HostLock { over, keeping: Some(keeping) })
        }
        ("held", info) => {
            line.close().await;
            Err(LockError::Held { host: host.clone(), info: serde_json::from_str(info.trim()).ok() })
        }
        ("failed", why) => {
            line.close().await;
            Err(failed(why.to_owned()))
        }
        _ => Err(failed(format!("the host answers `{}`", said.trim()))),
    }
}

/// Shows the host that this program lives, until the run is over or the host does not answer in time.
async fn keep(mut line: Lifeline, fence: Fence, over: CancellationToken) {
    let mut lease = Lease::begin(Instant::now());
    let mut clock = interval(limits::BEAT.time);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = over.cancelled() => break,
            () = sleep_until(lease.ends()) => {
                let silent = duration(limits::LEASE.time);
                return fence.lose(format!("the host has not answered for {silent}"));
            }
            heard = line.next_line() => match heard {
                Some(number) => lease.heard(number.trim().parse().unwrap_or(0)),
                None => return fence.lose("the host has closed the connection that holds it"),
            },
            _ = clock.tick() => {
                let number = lease.beat(Instant::now());
                if line.say(&format!("beat {number}")).await.is_err() {
                    return fence.lose("the connection that holds it is broken");
                }
            }
        }
    }
    let ended = async {
        line.say("end").await?;
        while line.next_line().await.is_some_and(|said| said.trim() != "ended") {}
        std::io::Result::Ok(())
    };
    let _ = timeout(limits::SCRIPT.time, ended).await;
    line.close().await;
}

/// Until when a lock is surely held: the host counts from the last sign of life that reached it.
#[derive(Debug)]
struct Lease {
    /// When the last sign of life that the host has confirmed was sent.
    since: Instant,
    sent: VecDeque<(u64, Instant)>,
    number: u64,
}

impl Lease {
    fn begin(now: Instant) -> Self {
        Self { since: now, sent: VecDeque::new(), number: 0 }
    }

    /// The number of the next sign of life.
    fn beat(&mut self, now: Instant) -> u64 {
        self.number += 1;
        self.sent.push_back((self.number, now));
        self.number
    }

    /// The host has confirmed one.
    fn heard(&mut self, number: u64) {
        while let Some((_, at)) = self.sent.front().copied().filter(|(sent, _)| *sent <= number) {
            self.since = at;
            self.sent.pop_front();
        }
    }

    fn ends(&self) -> Instant {
        self.since + limits::LEASE.time
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lease_counts_from_what_the_host_has_confirmed() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut lease = Lease::begin(begun);
        assert_eq!([lease.beat(at(1)), lease.beat(at(3)), lease.beat(at(5))], [1, 2, 3]);
        assert_eq!(lease.ends(), begun + limits::LEASE.time, "nothing was confirmed");
        lease.heard(2);
        assert_eq!(lease.ends(), at(3) + limits::LEASE.time);
        lease.heard(1);
        lease.heard(99);
        assert_eq!(lease.ends(), at(5) + limits::LEASE.time);
    }
}
