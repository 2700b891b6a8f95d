//! Whether a run still has the locks of its hosts. A run that has lost one stops: the host may be another's by now.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, OnceLock, PoisonError},
};

use tokio_util::sync::CancellationToken;

use super::StepError;
use crate::model::HostName;

/// The lock of a run on one host, as its steps see it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fence {
    lost: CancellationToken,
    why: std::sync::Arc<OnceLock<String>>,
}

impl Fence {
    /// The lock is lost.
    pub(crate) fn lose(&self, why: impl Into<String>) {
        let _ = self.why.set(why.into());
        self.lost.cancel();
    }

    /// Waits until the lock is lost, for ever if need be.
    pub(crate) async fn lost(&self) -> &str {
        self.lost.cancelled().await;
        self.why.get().map_or("it does not answer", String::as_str)
    }
}

/// The fences of a run.
#[derive(Debug, Default)]
pub(crate) struct Fences(Mutex<BTreeMap<HostName, Fence>>);

impl Fences {
    /// Adds the fence of a host whose lock was taken.
    pub(crate) fn put(&self, host: &HostName, fence: Fence) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(host.clone(), fence);
    }

    /// The hosts whose locks were lost: they have not answered for long, or have ended the connection.
    pub(crate) fn lost(&self) -> BTreeSet<HostName> {
        let fences = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        fences.iter().filter(|(_, fence)| fence.lost.is_cancelled()).map(|(host, _)| host.clone()).collect()
    }

    fn get(&self, host: &HostName) -> Option<Fence> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned()
    }

    /// Does something on hosts as long as their locks are held.
    ///
    /// # Errors
    /// What the work says, or that a lock was lost.
    pub(crate) async fn within<T>(
        &self,
        hosts: &[HostName],
        work: impl Future<Output = Result<T, StepError>>,
    ) -> Result<T, StepError> {
        let fences: Vec<(&HostName, Fence)> = hosts.iter().filter_map(|h| Some((h, self.get(h)?))).collect();
        let mut lost: Vec<_> =
            fences.iter().map(|(host, fence)| Box::pin(async move { (*host, fence.lost().await) })).collect();
        if lost.is_empty() {
            return work.await;
        }
        tokio::select! {
            biased;
            ((host, why), ..) = futures_util::future::select_all(lost.iter_mut()) => {
                Err(StepError::new(host, "keep the lock of this run", why)
                    .then("The host has ended what the run did there and taken back what it had changed for its time. Run the same command again once it answers."))
            }
            result = work => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_step_ends_with_the_lock_of_a_host_it_works_on() {
        let (fences, a, b) = (Fences::default(), HostName::from("db-a"), HostName::from("db-b"));
        let fence = Fence::default();
        fences.put(&a, fence.clone());
        fences.put(&b, Fence::default());
        let both = [a.clone(), b.clone()];
        assert_eq!(fences.within(&both, async { Ok(7) }).await, Ok(7));
        assert!(fences.lost().is_empty());
        fence.lose("nothing was heard for 10 s");
        let error =
            fences.within(&both, std::future::pending::<Result<(), _>>()).await.expect_err("it was lost");
        assert_eq!(fences.lost(), BTreeSet::from([a.clone()]));
        assert_eq!((&error.host, error.why.as_str()), (&a, "nothing was heard for 10 s"));
        assert_eq!(fences.within(&[b], async { Ok(7) }).await, Ok(7));
        assert_eq!(fences.within(&["db-c".into()], async { Ok(7) }).await, Ok(7));
    }
}
