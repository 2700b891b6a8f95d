//! A connection between the two hosts that carries signs of life and nothing else, so that a host that is gone is told from
//! one that takes nothing for a while.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    time::{interval, timeout},
};

use crate::model::limits;

/// One sign.
const SIGN: u8 = b'!';

/// How the signs of the other host ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It has closed the connection.
    InOrder,
    /// It is silent, or the connection broke.
    Silent,
}

/// Gives signs of life, and waits until the other host gives none any more.
pub(super) async fn keep(stream: impl AsyncRead + AsyncWrite) -> Ended {
    within(stream, limits::DIRECT_BEAT.time, limits::DIRECT_SILENCE.time).await
}

async fn within(stream: impl AsyncRead + AsyncWrite, beat: Duration, silence: Duration) -> Ended {
    let (mut hears, mut says) = split(stream);
    let say = async {
        let mut clock = interval(beat);
        loop {
            clock.tick().await;
            // One that can't be said shows by what is not heard.
            if says.write_u8(SIGN).await.is_err() || says.flush().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let hear = async {
        loop {
            match timeout(silence, hears.read_u8()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ended::InOrder,
                Ok(Err(_)) | Err(_) => return Ended::Silent,
            }
        }
    };
    tokio::select! {
        ended = hear => ended,
        () = say => Ended::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_silent_for_too_long_is_gone() {
        let (beat, long) = (Duration::from_millis(5), Duration::from_secs(60));
        let (here, there) = tokio::io::duplex(64);
        // As long as both give signs, neither ends.
        let both = async {
            tokio::select! { ended = within(here, beat, long) => ended, ended = within(there, beat, long) => ended }
        };
        assert!(timeout(Duration::from_millis(100), both).await.is_err());
        let (here, _silent) = tokio::io::duplex(64);
        assert_eq!(within(here, beat, Duration::from_millis(50)).await, Ended::Silent);
        let (here, gone) = tokio::io::duplex(64);
        drop(gone);
        assert_eq!(within(here, beat, long).await, Ended::InOrder);
    }
}
