//! Several things in parallel, but no more than `--forks` allows.

use futures_util::{StreamExt, stream};

/// Runs all of them, `forks` at a time, and gives their results in the order in which they came.
pub async fn in_parallel<F: Future>(forks: usize, work: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    stream::iter(work).buffered(forks.max(1)).collect().await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn no_more_than_allowed_run_in_parallel() {
        for forks in [1, 2, 7] {
            let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let work = (0..20_usize).map(|n| {
                let (running, most) = (&running, &most);
                async move {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    for _ in 0..=n % 5 {
                        tokio::task::yield_now().await;
                    }
                    running.fetch_sub(1, Ordering::SeqCst);
                    n
                }
            });
            let results = in_parallel(forks, work).await;
            assert_eq!(results, (0..20).collect::<Vec<_>>());
            assert_eq!(most.into_inner(), forks);
        }
    }
}
