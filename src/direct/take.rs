//! The side that data goes to: it connects, and copies rows or fetches bytes.

use std::{
    io,
    path::Path,
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{
    fs::OpenOptions,
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
    sync::{Mutex, mpsc},
    time::{interval, timeout},
};

use super::{
    CopyOrder, Door, Failed, Keys, Order, PIPE, Report,
    alive::{self, Ended},
    door,
    give::{TAKEN, wants},
    keep::near,
    tls::{self, Connector},
    voice::Voice,
};
use crate::{
    copy::{self, Connect, Progress},
    dialect::{CopyEnd, Dialect},
    model::limits,
    transport::{Login, Pace, Sink, SqlError, SqlWriter, sql_at_host},
};

/// The socket here behind which the other host's server is.
const FAR: &str = "far";
/// How often it tells how far the bytes are.
const TICK: Duration = limits::TICK;
/// What is read at once.
const CHUNK: usize = 256 << 10;

/// Connects, then does what the controller says, until it says no more.
pub(super) async fn run(
    directory: &Path,
    (keys, addresses, port): (&Keys, &[String], u16),
    mut orders: mpsc::Receiver<Order>,
    voice: &Voice,
) -> Result<(), Failed> {
    let connector = tls::connector(keys).map_err(Failed::broken("take the keys of the copy"))?;
    let far = reach(&connector, addresses, port).await?;
    let life = far.connect(wants::LIFE).await.map_err(Failed::broken("reach the other host"))?;
    voice.say(Report::Reached { address: far.address.clone() });
    let work = async {
        while let Some(order) = orders.recv().await {
            match order {
                Order::Copy(order) => copy_rows(directory, &far, &order, &mut orders, voice).await?,
                Order::Fetch { rate } => fetch(directory, &far, &Pace::of(rate), voice).await?,
                Order::Finish | Order::Sink(_) => {}
            }
        }
        Ok(())
    };
    tokio::select! {
        done = work => done,
        ended = alive::keep(life) => {
            let why = match ended {
                Ended::InOrder => "its program has ended",
                Ended::Silent => "it is silent",
            };
            Err(Failed::Broken { tried: "hear of the other host".to_owned(), why: why.to_owned() })
        }
    }
}

/// The other host.
#[derive(Clone)]
struct Far {
    connector: Connector,
    address: String,
    port: u16,
}

impl Far {
    /// A connection for one thing. Somebody else may fill the other's door for a moment.
    async fn connect(&self, wants: u8) -> io::Result<tls::Connected> {
        let mut tries = 5;
        loop {
            tries -= 1;
            match self.connect_once(wants).await {
                Err(error) if tries > 0 && error.kind() != io::ErrorKind::TimedOut => {
                    tokio::time::sleep(TICK).await;
                }
                done => return done,
            }
        }
    }

    async fn connect_once(&self, wants: u8) -> io::Result<tls::Connected> {
        let connected = async {
            let stream = TcpStream::connect((self.address.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            let mut stream = self.connector.connect(stream).await?;
            stream.write_u8(wants).await?;
            stream.flush().await?;
            Ok(stream)
        };
        timeout(limits::CONNECT.time, connected).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// The first address at which the other host is, and answers.
async fn reach(connector: &Connector, addresses: &[String], port: u16) -> Result<Far, Failed> {
    let mut tried = Vec::new();
    for address in addresses {
        let far = Far { connector: connector.clone(), address: address.clone(), port };
        let answered = async {
            let mut stream = far.connect(wants::ANSWER).await?;
            stream.read_u8().await
        };
        match answered.await {
            Ok(wants::ANSWER) => return Ok(far),
            Ok(_) => tried.push((address.clone(), "it says something else".to_owned())),
            Err(error) => tried.push((address.clone(), error.to_string())),
        }
    }
    Err(Failed::Unreached { tried })
}

/// An end of a copy by rows, seen from here.
struct End<'a> {
    dialect: Dialect,
    login: Login,
    end: CopyEnd,
    says: mpsc::UnboundedSender<Report>,
    orders: &'a Mutex<&'a mut mpsc::Receiver<Order>>,
}

impl Connect for End<'_> {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    async fn connect(&self) -> Result<SqlWriter, SqlError> {
        sql_at_host(&self.login, limits::STATEMENT.time).await
    }

    /// The controller can look at both hosts.
    async fn look(&self) -> Sink {
        let mut orders = self.orders.lock().await;
        let _ = self.says.send(Report::Look { end: self.end });
        while let Some(order) = orders.recv().await {
            if let Order::Sink(sink) = order {
                return sink;
            }
        }
        Sink::Hangs(None)
    }
}

/// Copies rows from the other host's server into the one here.
async fn copy_rows(
    directory: &Path,
    far: &Far,
    order: &CopyOrder,
    orders: &mut mpsc::Receiver<Order>,
    voice: &Voice,
) -> Result<(), Failed> {
    let CopyOrder { source, target, scope, options } = order;
    let (source, target) =
        logins(directory, far, (source, target), voice.other()).map_err(Failed::broken("make a socket"))?;
    let orders = Mutex::new(orders);
    let at = |end, (dialect, login)| End { dialect, login, end, says: voice.other(), orders: &orders };
    let (source, target) = (at(CopyEnd::Source, source), at(CopyEnd::Target, target));
    let mut on_progress = |progress: Progress| voice.say(Report::Progress(progress));
    let copied = copy::run(&source, &target, scope, *options, &mut on_progress).await;
    let unfinished = copied.map_err(Failed::Copy)?;
    voice.say(Report::Unfinished);
    // Without a word of the controller nothing is finished: what was copied is begun anew.
    loop {
        match orders.lock().await.recv().await {
            Some(Order::Finish) => break,
            Some(_) => {}
            None => return Ok(()),
        }
    }
    voice.say(Report::Copied(unfinished.finish().await.map_err(Failed::Copy)?));
    Ok(())
}

/// How both servers are reached from here.
fn logins(
    directory: &Path,
    far: &Far,
    (source, target): (&Door, &Door),
    says: mpsc::UnboundedSender<Report>,
) -> io::Result<((Dialect, Login), (Dialect, Login))> {
    let there = directory.join(FAR);
    let line = Arc::new(far.clone());
    door::local(&there, move |mut near| {
        let (far, says) = (line.clone(), says.clone());
        async move {
            match far.connect(wants::SERVER).await {
                Ok(mut far) => drop(copy_bidirectional(&mut near, &mut far).await),
                // What the driver says of it is of a socket here.
                Err(error) => {
                    let tried = "reach the other host's server".to_owned();
                    let _ = says.send(Report::Failed(Failed::Broken { tried, why: error.to_string() }));
                }
            }
        }
    })?;
    let here = near(directory, target)?;
    let there = Login { socket: there.to_string_lossy().into_owned(), ..source.login() };
    Ok(((source.dialect(), there), (target.dialect(), here)))
}

/// Fetches the bytes of the other host's pipe into the one here, to their end.
async fn fetch(directory: &Path, far: &Far, pace: &Pace, voice: &Voice) -> Result<(), Failed> {
    let tried = "fetch bytes of the other host";
    let mut stream = far.connect(wants::BYTES).await.map_err(Failed::broken(tried))?;
    // It waits here until the program opens it.
    let open = OpenOptions::new().write(true).open(directory.join(PIPE)).await;
    let mut pipe = open.map_err(Failed::broken("open a pipe"))?;
    // What is on its way, and whether the next program has to take it first.
    let (bytes, waits) = (AtomicU64::new(0), AtomicU64::new(0));
    let pass = async {
        let mut chunk = vec![0; CHUNK];
        loop {
            // A line that breaks is an error: its end is said.
            let read = stream.read(&mut chunk).await.map_err(Failed::broken(tried))?;
            if read == 0 {
                break;
            }
            pace.wait(read as u64).await;
            waits.store(1, Ordering::Relaxed);
            pipe.write_all(&chunk[..read]).await.map_err(Failed::broken("hand the bytes over"))?;
            pipe.flush().await.map_err(Failed::broken("hand the bytes over"))?;
            waits.store(0, Ordering::Relaxed);
            bytes.fetch_add(read as u64, Ordering::Relaxed);
        }
        drop(pipe);
        stream.write_u8(TAKEN).await.map_err(Failed::broken(tried))?;
        stream.shutdown().await.map_err(Failed::broken(tried))
    };
    let tell = async {
        let mut clock = interval(TICK);
        loop {
            clock.tick().await;
            let sink = waits.load(Ordering::Relaxed) == 1;
            voice.say(Report::Fetched { bytes: bytes.load(Ordering::Relaxed), sink });
        }
    };
    tokio::select! {
        done = pass => done?,
        () = tell => {}
    }
    voice.say(Report::Whole { bytes: bytes.into_inner() });
    Ok(())
}
