//! One apply at a time on a host.
//!
//! The lock is an `flock` that a script holds whose standard input is ours: when this program, the
//! connection or the host ends, the script ends, and the lock is free. Nothing has to be cleaned up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::{Fleet, StepError};
use crate::{model::HostName, transport::Stream};

const HOLD: &str = concat!(
    include_str!("../transport/safe.sh"),
    r#"
umask 077
private_dir /run/tandem || exit 1
exec 9>>/run/tandem/lock || exit 1
if ! flock -n 9; then
  echo "held $(cat /run/tandem/lock.json 2>/dev/null)"
  exit 0
fi
printf '%s\n' "$1" >/run/tandem/lock.json
echo taken
cat >/dev/null
rm -f /run/tandem/lock.json
"#
);

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

/// A held lock. Dropping it frees it.
#[derive(Debug)]
pub struct HostLock<'a> {
    _stream: Stream<'a>,
}

/// Takes the locks of all hosts that a plan changes, in the order of their names, or none.
///
/// # Errors
/// The first host that is locked already.
pub async fn take_all<'a>(
    fleet: &'a Fleet<'_>,
    hosts: &[HostName],
) -> Result<BTreeMap<HostName, HostLock<'a>>, LockError> {
    let own = serde_json::to_string(&LockInfo::own()).unwrap_or_default();
    let mut locks = BTreeMap::new();
    for host in hosts {
        let writer = fleet.writer(host)?;
        let tried = "take the lock";
        let failed = |why: String| LockError::Failed(StepError::new(host, tried, why));
        let mut stream = writer.stream(tried, HOLD, &[&own]).await.map_err(|e| failed(e.to_string()))?;
        let mut line = String::new();
        let mut lines = BufReader::new(&mut stream.stdout);
        let read = tokio::time::timeout(super::fleet::SCRIPT, lines.read_line(&mut line)).await;
        match (read, line.trim()) {
            (Ok(Ok(_)), "taken") => {
                locks.insert(host.clone(), HostLock { _stream: stream });
            }
            (Ok(Ok(_)), said) if said.starts_with("held") => {
                let info = serde_json::from_str(said.trim_start_matches("held").trim()).ok();
                return Err(LockError::Held { host: host.clone(), info });
            }
            (_, said) => return Err(failed(format!("the host answers `{said}`; is flock installed?"))),
        }
    }
    Ok(locks)
}
