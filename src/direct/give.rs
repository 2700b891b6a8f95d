//! The side that data comes from: it listens, and passes its server's socket or a pipe on to the one that it knows.

use std::{io, path::Path, sync::Arc};

use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{Begin, Failed, Order, PIPE, Report, Socket, tls, voice::Voice};
use crate::model::limits;

/// What a connection is for: its first byte.
pub(super) mod wants {
    /// To see that it comes about.
    pub const ANSWER: u8 = b'a';
    /// The server's socket.
    pub const SERVER: u8 = b's';
    /// What a program of the host writes into the pipe.
    pub const BYTES: u8 = b'b';
}

/// What tells that all bytes were taken.
pub(super) const TAKEN: u8 = b'.';
/// Connections that may be there before they have shown who they are.
const STRANGERS: usize = 32;

/// Listens until the controller says no more.
pub async fn run(
    directory: &Path,
    (begin, socket): (&Begin, &Socket),
    mut orders: mpsc::Receiver<Order>,
    voice: &Voice,
) -> Result<(), Failed> {
    let listen = async {
        // Where there is no IPv6 there is IPv4.
        match TcpListener::bind("[::]:0").await {
            Ok(listener) => Ok(listener),
            Err(_) => TcpListener::bind("0.0.0.0:0").await,
        }
    };
    let listener = listen.await.map_err(Failed::broken("listen"))?;
    let port = listener.local_addr().map_err(Failed::broken("listen"))?.port();
    let acceptor = tls::acceptor(&begin.keys).map_err(Failed::broken("take the keys of the copy"))?;
    let (pipe, socket) = (directory.join(PIPE), socket.clone());
    let says = voice.other();
    let serving = tokio::spawn(async move {
        let strangers = Arc::new(Semaphore::new(STRANGERS));
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(place) = strangers.clone().try_acquire_owned() else { continue };
            let (acceptor, socket, pipe, says) =
                (acceptor.clone(), socket.clone(), pipe.clone(), says.clone());
            tokio::spawn(async move {
                let Ok(known) = known(stream, &acceptor).await else { return };
                drop(place);
                if let Err(error) = serve(known, &socket, &pipe).await {
                    let tried = "pass bytes to the other host".to_owned();
                    let _ = says.send(Report::Failed(Failed::Broken { tried, why: error.to_string() }));
                }
            });
        }
    });
    voice.say(Report::Listens { port });
    while orders.recv().await.is_some() {}
    serving.abort();
    Ok(())
}

/// A connection of the one that is known.
async fn known(stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<(u8, tls::Accepted)> {
    tls::watch(&stream)?;
    let shown = async {
        let mut stream = acceptor.accept(stream).await?;
        Ok((stream.read_u8().await?, stream))
    };
    timeout(limits::PORTS.time, shown).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn serve((wants, mut stream): (u8, tls::Accepted), socket: &Socket, pipe: &Path) -> io::Result<()> {
    match wants {
        wants::ANSWER => {
            stream.write_u8(wants::ANSWER).await?;
            stream.shutdown().await
        }
        // A session that is dropped in the middle is no failure of the line.
        wants::SERVER => {
            let _ = socket.join(stream).await;
            Ok(())
        }
        wants::BYTES => {
            // It waits here until the program opens it.
            let mut bytes = File::open(pipe).await?;
            copy(&mut bytes, &mut stream).await?;
            // The end of the bytes is said, so that a broken line is not taken for it.
            stream.shutdown().await?;
            match stream.read_u8().await? {
                TAKEN => Ok(()),
                _ => Err(io::Error::other("the other host has not taken all of them")),
            }
        }
        _ => Err(io::Error::other("the other host wants something else")),
    }
}
