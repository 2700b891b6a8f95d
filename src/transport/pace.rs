//! How fast the bytes of a copy go, so that its source has something left for its clients.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Bytes per second, for all that share it.
#[derive(Debug, Clone)]
pub(crate) struct Pace(Option<Arc<Limited>>);

#[derive(Debug)]
struct Limited {
    /// Bytes per second.
    rate: f64,
    /// When the next may go.
    next: Mutex<Instant>,
}

impl Pace {
    /// At most so many bytes per second; as fast as it goes, where none is said.
    pub(crate) fn of(rate: Option<u64>) -> Self {
        let limited =
            |rate: u64| Arc::new(Limited { rate: rate.max(1) as f64, next: Mutex::new(Instant::now()) });
        Self(rate.map(limited))
    }

    /// Waits until so many more may go.
    pub(crate) async fn wait(&self, bytes: u64) {
        let Some(limited) = &self.0 else { return };
        let until = {
            let mut next = limited.next.lock().unwrap_or_else(PoisonError::into_inner);
            let begin = (*next).max(Instant::now());
            *next = begin + Duration::from_secs_f64(bytes as f64 / limited.rate);
            begin
        };
        sleep_until(until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_that_share_a_pace_go_no_faster() {
        let pace = Pace::of(Some(1_000_000));
        let begun = Instant::now();
        let one = async || {
            for _ in 0..5 {
                pace.wait(10_000).await;
            }
        };
        tokio::join!(one(), one());
        // The last of ten goes when nine were paid for.
        assert!(begun.elapsed() >= Duration::from_millis(90), "{:?}", begun.elapsed());
        let begun = Instant::now();
        Pace::of(None).wait(u64::MAX).await;
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
}
