//! The side that data comes from: it listens, and passes its server's socket or a pipe on to the one that it knows.

use std::{collections::VecDeque, io, net::SocketAddr, path::Path};

use socket2::SockRef;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::mpsc,
    task::AbortHandle,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{
    Failed, Keys, Order, PIPE, Report, Socket,
    alive::{self, Ended},
    tls,
    voice::Voice,
};
use crate::model::limits;

/// What a connection is for: its first byte.
pub(super) mod wants {
    /// To see that it comes about.
    pub(crate) const ANSWER: u8 = b'a';
    /// Signs of life.
    pub(crate) const LIFE: u8 = b'l';
    /// The server's socket.
    pub(crate) const SERVER: u8 = b's';
    /// What a program of the host writes into the pipe.
    pub(crate) const BYTES: u8 = b'b';
}

/// What tells that all bytes were taken.
pub(super) const TAKEN: u8 = b'.';
/// Connections that may be there before they have shown who they are. Anybody can make some.
const STRANGERS: usize = 64;
/// Connections that may wait to be taken.
const WAITING: u32 = 128;

/// Listens until the controller says no more, or the other host is gone.
pub(super) async fn run(
    directory: &Path,
    (keys, socket): (&Keys, &Socket),
    mut orders: mpsc::Receiver<Order>,
    voice: &Voice,
) -> Result<(), Failed> {
    let listener = listen().map_err(Failed::broken("listen"))?;
    let port = listener.local_addr().map_err(Failed::broken("listen"))?.port();
    let acceptor = tls::acceptor(keys).map_err(Failed::broken("take the keys of the copy"))?;
    let gone = CancellationToken::new();
    let offer =
        Offer { socket: socket.clone(), pipe: directory.join(PIPE), says: voice.other(), gone: gone.clone() };
    let serving = tokio::spawn(async move {
        let mut strangers: VecDeque<AbortHandle> = VecDeque::new();
        while let Ok((stream, _)) = listener.accept().await {
            strangers.retain(|one| !one.is_finished());
            // Who fills the place does not keep the one out that comes last.
            if strangers.len() >= STRANGERS
                && let Some(oldest) = strangers.pop_front()
            {
                oldest.abort();
            }
            let (acceptor, offer) = (acceptor.clone(), offer.clone());
            let shows = tokio::spawn(async move {
                let Ok(known) = known(stream, &acceptor).await else { return };
                // From here on it is no stranger, and is not ended with them.
                tokio::spawn(offer.serve(known));
            });
            strangers.push_back(shows.abort_handle());
        }
    });
    voice.say(Report::Listens { port });
    let until_told = async { while orders.recv().await.is_some() {} };
    tokio::select! {
        () = until_told => {}
        () = gone.cancelled() => {}
    }
    serving.abort();
    Ok(())
}

/// At all addresses of the host, whatever its own default for IPv6 is.
fn listen() -> io::Result<TcpListener> {
    let bound = || {
        let socket = TcpSocket::new_v6()?;
        SockRef::from(&socket).set_only_v6(false)?;
        socket.bind(SocketAddr::from(([0u16; 8], 0)))?;
        Ok::<_, io::Error>(socket)
    };
    let socket = match bound() {
        Ok(socket) => socket,
        // There is no IPv6.
        Err(_) => {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from(([0, 0, 0, 0], 0)))?;
            socket
        }
    };
    socket.listen(WAITING)
}

/// A connection of the one that is known.
async fn known(stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<(u8, tls::Accepted)> {
    stream.set_nodelay(true)?;
    let shown = async {
        let mut stream = acceptor.accept(stream).await?;
        Ok((stream.read_u8().await?, stream))
    };
    timeout(limits::CONNECT.time, shown).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// What the other host gets.
#[derive(Clone)]
struct Offer {
    socket: Socket,
    pipe: std::path::PathBuf,
    says: mpsc::UnboundedSender<Report>,
    /// The other host is gone, and what was done for it ends.
    gone: CancellationToken,
}

impl Offer {
    async fn serve(self, (wants, stream): (u8, tls::Accepted)) {
        let given = async {
            match wants {
                wants::ANSWER => answer(stream).await,
                wants::LIFE => {
                    let ended = alive::keep(stream).await;
                    self.gone.cancel();
                    match ended {
                        Ended::InOrder => Ok(()),
                        Ended::Silent => Err(io::Error::other("it is silent")),
                    }
                }
                // A session that is dropped in the middle is no failure of the line.
                wants::SERVER => {
                    let _ = self.socket.join(stream).await;
                    Ok(())
                }
                wants::BYTES => self.bytes(stream).await,
                _ => Err(io::Error::other("it wants something else")),
            }
        };
        let given = tokio::select! {
            biased;
            given = given => given,
            () = self.gone.cancelled() => Ok(()),
        };
        if let Err(error) = given {
            let tried = "pass bytes to the other host".to_owned();
            let _ = self.says.send(Report::Failed(Failed::Broken { tried, why: error.to_string() }));
        }
    }

    async fn bytes(&self, mut stream: tls::Accepted) -> io::Result<()> {
        // It waits here until the program opens it.
        let mut bytes = File::open(&self.pipe).await?;
        copy(&mut bytes, &mut stream).await?;
        // The end of the bytes is said, so that a broken line is not taken for it.
        stream.shutdown().await?;
        match stream.read_u8().await? {
            TAKEN => Ok(()),
            _ => Err(io::Error::other("it has not taken all of them")),
        }
    }
}

async fn answer(mut stream: tls::Accepted) -> io::Result<()> {
    stream.write_u8(wants::ANSWER).await?;
    stream.shutdown().await
}
