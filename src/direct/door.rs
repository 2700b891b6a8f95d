//! A server's socket on this host, and who is behind it.

use std::{io, path::Path};

use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{UnixListener, UnixStream},
};

use super::Socket;

impl Socket {
    /// Connects, unless another user than root and the server's is behind it.
    ///
    /// # Errors
    /// With the system's words.
    pub(crate) async fn connect(&self) -> io::Result<UnixStream> {
        let stream = UnixStream::connect(&self.path).await?;
        let behind = stream.peer_cred()?.uid();
        match behind == 0 || Some(behind) == self.uid || self.uid.is_none() && !self.shared {
            true => Ok(stream),
            false => Err(io::Error::other("another user than the server's is behind the socket")),
        }
    }

    /// Passes a connection on.
    ///
    /// # Errors
    /// As [`Socket::connect`], and when it breaks.
    pub(crate) async fn join(&self, mut far: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let mut near = self.connect().await?;
        copy_bidirectional(&mut far, &mut near).await.map(drop)
    }
}

/// A socket in a directory of ours; each connection to it is given to `serve`.
///
/// # Errors
/// When it can't be made.
pub(super) fn local<F>(path: &Path, serve: impl Fn(UnixStream) -> F + Send + 'static) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = UnixListener::bind(path)?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    Ok(())
}
