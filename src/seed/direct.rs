//! Both hosts of a copy with a program of ours on each, so that the bytes go straight from one to the other.
//!
//! What runs there is this very program; see [`crate::direct`]. It is brought over the connections that are there, lives
//! in a directory that only root may enter, and is gone with the copy. Where one of the two can't run it, or can't reach
//! the other, the copy goes through this machine, unless `seed_path: direct` says that it must not.

use std::{io, path::PathBuf};

use tokio::{
    fs::File,
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    time::{Instant, timeout, timeout_at},
};

use super::streams;
use crate::{
    copy::{Copied, CopyError, CopyFault, Options, Progress, Scope},
    dialect::CopyEnd,
    direct::{
        AT_HOST, Certificate, CopyOrder, Door, Failed, Keys, Order, PIPE, PROGRAM, Part, Report, Socket,
    },
    exec::{Fleet, On, StepError},
    model::{HostName, SeedPath, duration, limits},
    plan::{CopyMethod, SeedPlan},
    transport::{Sink, Stream, program_words},
};

/// A program is worth its way where it saves several times its own size.
const WORTH: u64 = 4;

/// Takes this program from its standard input, and starts it. Arguments: SIZE WORD PROGRAM PIPE RUN. What follows the program
/// there is for the program.
const BRING: &str = concat!(
    include_str!("../transport/safe.sh"),
    r#"
set -u
umask 077
here= there=
trap 'rm -rf "$here" "$there"' EXIT
trap 'exit 1' HUP INT TERM PIPE
for place in /var/lib/tandem /run/tandem; do
  private_dir "$place" || exit 1
  # A host that lost its power in the middle of a copy has kept these.
  for old in "$place"/direct.*; do
    case $old in "$place/direct.$5."*) ;; *) rm -rf "$old" ;; esac
  done
  here=$(mktemp -d "$place/direct.$5.XXXXXX") || exit 1
  if [ "$place" = /var/lib/tandem ]; then
    head -c "$1" >"$here/$3" || exit 1
  else
    mv "$there/$3" "$here/$3" || exit 1
  fi
  # A file system may run nothing, and a host may be of another kind.
  chmod 700 "$here/$3" && said=$("$here/$3" --version 2>&1) && break
  [ "$place" = /var/lib/tandem ] || { printf '%s\n' "$said" >&2; exit 126; }
  there=$here
done
mkfifo -m 600 "$here/$4" || exit 1
echo "$here"
"$here/$3" "$2" "$here"
"#
);

/// Why bytes can't go from host to host.
#[derive(Debug)]
pub(super) struct NotDirect {
    host: HostName,
    why: Why,
}

/// The kinds of reasons.
#[derive(Debug)]
enum Why {
    /// This machine's program is for another kind of machine.
    Elsewhere,
    /// The program can't be brought or does not run.
    NotRun(String),
    /// The other host can't be reached.
    Unreached(Vec<(String, String)>),
    /// The administrator's password of one server would go to the other host.
    OtherPassword,
    /// Something else.
    Broken(String),
}

impl NotDirect {
    /// What to say of it, after the host's name.
    fn reason(&self, donor: &HostName) -> String {
        match &self.why {
            Why::Elsewhere => "this program runs on Linux only, and this machine is none".to_owned(),
            Why::NotRun(said) => format!("this machine's program does not run there: {said}"),
            Why::Unreached(tried) => {
                let all: Vec<String> =
                    tried.iter().map(|(address, said)| format!("{address}: {said}")).collect();
                format!("it does not reach {donor} at a port above 1024 ({})", all.join("; "))
            }
            Why::OtherPassword => {
                format!(
                    "the administrator's password of {donor} would be known there, and its own is another one"
                )
            }
            Why::Broken(said) => said.clone(),
        }
    }
}

/// A program of ours on a host.
pub(super) struct Agent<'f> {
    stdin: openssh::ChildStdin,
    lines: Lines<BufReader<crate::transport::ScriptOut>>,
    /// Kept so that it goes on.
    rest: (crate::transport::ScriptErr, openssh::Child<std::sync::Arc<openssh::Session>>),
    on: On<'f>,
    directory: PathBuf,
    /// When something was heard of it last. It says that it lives every few seconds.
    heard: Instant,
}

impl<'f> Agent<'f> {
    /// Brings it there.
    pub(super) async fn bring(on: On<'f>, name: &str, part: &Part) -> Result<Self, NotDirect> {
        let failed = |why: String| NotDirect { host: on.host.clone(), why: Why::NotRun(why) };
        let (mut file, size) = program().await.map_err(|error| failed(error.to_string()))?;
        // A run is alone on a host: what others have left there is of no use.
        let run = name.split('.').next().unwrap_or(name);
        let args = [&*size.to_string(), AT_HOST, PROGRAM, PIPE, run];
        let started = streams::start(on, ("take part in a copy", name), BRING, &args).await;
        let Stream { mut stdin, stdout, mut stderr, child, .. } =
            started.map_err(|error| failed(error.why))?;
        let mut lines = BufReader::new(stdout).lines();
        let line = serde_json::to_string(part).map_err(|error| failed(error.to_string()))? + "\n";
        let feed = async {
            let (mut chunk, mut all) = (vec![0; 64 << 10], true);
            while let Ok(read @ 1..) = file.read(&mut chunk).await {
                // Where it ends early, its own words say why.
                match timeout(limits::BRING.time, stdin.write_all(&chunk[..read])).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => break,
                    Err(_) => {
                        all = false;
                        break;
                    }
                }
            }
            let _ = stdin.write_all(line.as_bytes()).await;
            let _ = stdin.flush().await;
            all
        };
        let read = async {
            let line = lines.next_line().await.ok().flatten();
            match line {
                Some(line) => Ok(PathBuf::from(line)),
                None => Err(failed(program_words(&streams::all(&mut stderr).await))),
            }
        };
        let slow = || failed(format!("nothing of it was taken for {}", duration(limits::BRING.time)));
        let directory = async {
            tokio::pin!(feed, read);
            tokio::select! {
                directory = &mut read => {
                    let directory = directory?;
                    // What it is to know comes behind the program.
                    feed.await;
                    Ok(directory)
                }
                all = &mut feed => match all {
                    true => timeout(limits::BRING.time, read).await.map_err(|_| slow())?,
                    false => Err(slow()),
                }
            }
        }
        .await?;
        Ok(Self { stdin, lines, rest: (stderr, child), on, directory, heard: Instant::now() })
    }

    /// The next that it says.
    pub(super) async fn next(&mut self) -> Result<Report, Failed> {
        let host = self.on.host;
        let gone = |why: String| Failed::Broken { tried: format!("hear of the copy on {host}"), why };
        let stall = self.on.fleet.limits.stall;
        loop {
            let said = match timeout_at(self.heard + stall, self.lines.next_line()).await {
                Ok(Ok(Some(line))) => serde_json::from_str(&line).map_err(|error| gone(error.to_string()))?,
                Ok(Ok(None)) => return Err(gone("its program has ended".to_owned())),
                Ok(Err(error)) => return Err(gone(error.to_string())),
                Err(_) => return Err(gone(format!("its program has been silent for {}", duration(stall)))),
            };
            self.heard = Instant::now();
            if !matches!(said, Report::Lives) {
                return Ok(said);
            }
        }
    }

    async fn tell(&mut self, order: &Order) -> Result<(), Failed> {
        let failed = |error: io::Error| Failed::Broken {
            tried: format!("say what to copy on {}", self.on.host),
            why: error.to_string(),
        };
        let mut line = serde_json::to_vec(order).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        self.stdin.write_all(&line).await.map_err(failed)?;
        self.stdin.flush().await.map_err(failed)
    }

    /// Ends it, and waits for what it leaves behind to be gone.
    pub(super) async fn end(self) {
        let Self { stdin, mut lines, rest, .. } = self;
        drop(stdin);
        let gone = async { while let Ok(Some(_)) = lines.next_line().await {} };
        let _ = tokio::time::timeout(limits::FAREWELL.time, gone).await;
        drop(rest);
    }

    /// Where its host's programs hand bytes over, or take them.
    pub(super) fn pipe(&self) -> String {
        self.directory.join(PIPE).to_string_lossy().into_owned()
    }
}

/// This program.
async fn program() -> io::Result<(File, u64)> {
    // The file may have been exchanged since it was started.
    let file = File::open("/proc/self/exe").await?;
    let size = file.metadata().await?.len();
    Ok((file, size))
}

/// Whether so many bytes are worth bringing it.
pub(super) async fn is_worth(bytes: u64) -> bool {
    program().await.is_ok_and(|(_, size)| bytes > WORTH * size)
}

/// The way of a copy's bytes.
pub(super) enum CopyPath<'f> {
    /// From host to host.
    Direct(Box<DirectLine<'f>>),
    /// Through this machine.
    Relay {
        /// Why not from host to host, where that was tried.
        because: Option<String>,
    },
}

impl CopyPath<'_> {
    /// What to say of it where the copy was made.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Direct(pair) => format!(", straight from {} ({})", pair.give.on.host, pair.address),
            Self::Relay { because: Some(because) } => format!(", through this machine ({because})"),
            Self::Relay { because: None } => String::new(),
        }
    }

    /// Ends what stands for it.
    pub(super) async fn end(self, fleet: &Fleet<'_>, in_order: bool) {
        if let Self::Direct(pair) = self {
            pair.end(fleet, in_order).await;
        }
    }
}

/// A program of ours on each of the two hosts, and the way between them.
pub(super) struct DirectLine<'f> {
    give: Agent<'f>,
    take: Agent<'f>,
    name: String,
    /// The address at which one reaches the other.
    pub address: String,
}

/// Stands both up, where the bytes of a copy are to go from host to host. Nothing else was touched on them.
///
/// # Errors
/// Where it has to be so and can't be.
pub(super) async fn stand<'f>(on: On<'f>, plan: &'f SeedPlan) -> Result<CopyPath<'f>, StepError> {
    let flows = matches!(plan.method, CopyMethod::Logical | CopyMethod::Physical { .. });
    let wanted = match plan.path {
        SeedPath::Relay => false,
        SeedPath::Direct => true,
        SeedPath::Auto => is_worth(plan.bytes).await,
    };
    if !flows || !wanted {
        return Ok(CopyPath::Relay { because: None });
    }
    let no = match DirectLine::stand(on, plan).await {
        Ok(pair) => return Ok(CopyPath::Direct(Box::new(pair))),
        Err(no) => no,
    };
    let said = no.reason(&plan.donor);
    if plan.path == SeedPath::Direct {
        let tried = format!("copy straight from {} to {}", plan.donor, on.host);
        return Err(StepError::new(&no.host, tried, said).then(
            "Leave `seed_path: direct` out, and the copy goes through the machine on which this runs. No data was changed.",
        ));
    }
    Ok(CopyPath::Relay { because: Some(format!("{}: {said}", no.host)) })
}

impl<'f> DirectLine<'f> {
    async fn stand(on: On<'f>, plan: &'f SeedPlan) -> Result<Self, NotDirect> {
        let no = |host: &HostName, why: Why| NotDirect { host: host.clone(), why };
        if !cfg!(target_os = "linux") {
            return Err(no(on.host, Why::Elsewhere));
        }
        let (fleet, from) = (on.fleet, on.at(&plan.donor));
        let login = |on: On<'f>| on.login().map_err(|error| no(on.host, Why::Broken(error.why)));
        let (there, here) = (login(from)?, login(on)?);
        if there.password.is_some() && there.password != here.password {
            return Err(no(on.host, Why::OtherPassword));
        }
        let name = fleet.stream_name();
        let stood = Self::both(on, from, plan, &name).await;
        if stood.is_err() {
            streams::end([on.host, from.host], &name, fleet).await;
        }
        stood
    }

    async fn both(on: On<'f>, from: On<'f>, plan: &SeedPlan, name: &str) -> Result<Self, NotDirect> {
        let broken = |host: &HostName, why: String| NotDirect { host: host.clone(), why: Why::Broken(why) };
        let draw = || Certificate::draw().map_err(|error| broken(on.host, error.to_string()));
        let (given, taken) = (draw()?, draw()?);
        let keys =
            |own: &Certificate, peer: &Certificate| Keys { own: own.clone(), peer: peer.certificate.clone() };
        let socket = Socket::of(from.login().map_err(|error| broken(from.host, error.why))?);
        let part = Part::Give { keys: keys(&given, &taken), socket };
        let mut give = Agent::bring(from, name, &part).await?;
        let port = match within(give.next()).await {
            Ok(Report::Listens { port }) => port,
            other => return Err(broken(from.host, unexpected(other))),
        };
        let addresses = vec![plan.address.clone()];
        let part = Part::Take { keys: keys(&taken, &given), addresses, port };
        let mut take = Agent::bring(on, name, &part).await?;
        match within(take.next()).await {
            Ok(Report::Reached { address }) => Ok(Self { give, take, name: name.to_owned(), address }),
            Ok(Report::Failed(Failed::Unreached { tried })) => {
                Err(NotDirect { host: on.host.clone(), why: Why::Unreached(tried) })
            }
            other => Err(broken(on.host, unexpected(other))),
        }
    }

    /// Copies all rows, up to what rests on them: see [`crate::copy::run`].
    pub(super) async fn copy(
        &mut self,
        (scope, options): (&Scope, Options),
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<(), CopyError> {
        let doors = self.doors().map_err(|why| ended(why.to_string()))?;
        let [source, target] = doors;
        let order = Order::Copy(Box::new(CopyOrder { source, target, scope: scope.clone(), options }));
        self.take.tell(&order).await.map_err(failed)?;
        loop {
            match self.report().await? {
                Report::Progress(progress) => on_progress(progress),
                Report::Look { end } => self.look(end).await?,
                Report::Unfinished => return Ok(()),
                other => return Err(ended(unexpected(Ok(other)))),
            }
        }
    }

    /// Makes what rests on the rows.
    pub(super) async fn finish(&mut self) -> Result<Copied, CopyError> {
        self.take.tell(&Order::Finish).await.map_err(failed)?;
        loop {
            match self.report().await? {
                Report::Copied(copied) => return Ok(copied),
                Report::Look { end } => self.look(end).await?,
                Report::Progress(_) => {}
                other => return Err(ended(unexpected(Ok(other)))),
            }
        }
    }

    /// What either of the two says next; whichever fails first has failed.
    async fn report(&mut self) -> Result<Report, CopyError> {
        let (report, gave_up) = tokio::select! {
            report = self.take.next() => (report, false),
            report = self.give.next() => {
                let failed = matches!(report, Err(_) | Ok(Report::Failed(_)));
                (report, failed)
            }
        };
        // Where a connection ends, the side that takes knows better why.
        let better = match gave_up {
            true => timeout(limits::FAREWELL.time, self.failure_of_taker()).await.ok(),
            false => None,
        };
        match better.map_or(report, Err).map_err(failed)? {
            Report::Failed(error) => Err(failed(error)),
            report => Ok(report),
        }
    }

    /// Why the side that takes has failed, once it has.
    async fn failure_of_taker(&mut self) -> Failed {
        loop {
            match self.take.next().await {
                Ok(Report::Failed(failed)) | Err(failed) => return failed,
                Ok(_) => {}
            }
        }
    }

    async fn look(&mut self, end: CopyEnd) -> Result<(), CopyError> {
        let on = if end == CopyEnd::Source { self.give.on } else { self.take.on };
        let looked = tokio::time::timeout(limits::SQL_LOGIN.time, streams::look(on)).await;
        let sink = looked.unwrap_or_else(|_| Sink::Hangs(Some("its server does not answer".to_owned())));
        self.take.tell(&Order::Sink(sink)).await.map_err(failed)
    }

    fn doors(&self) -> Result<[Door; 2], StepError> {
        let door = |on: On<'_>| Ok(Door::of(on.server()?.version, on.login()?));
        Ok([door(self.give.on)?, door(self.take.on)?])
    }

    /// The pipes of the two hosts: into the first a program writes what another one reads from the second.
    pub(super) fn pipes(&self) -> [String; 2] {
        [self.give.pipe(), self.take.pipe()]
    }

    /// Fetches what the first host's program writes, to its end. Returns the bytes.
    pub(super) async fn fetch(&mut self, mut on_bytes: impl FnMut(u64, bool)) -> Result<u64, CopyError> {
        self.take.tell(&Order::Fetch { rate: self.take.on.fleet.limits.rate }).await.map_err(failed)?;
        loop {
            match self.report().await? {
                Report::Fetched { bytes, sink } => on_bytes(bytes, sink),
                Report::Whole { bytes } => return Ok(bytes),
                other => return Err(ended(unexpected(Ok(other)))),
            }
        }
    }

    /// Ends both, and waits for what they leave behind to be gone.
    pub(super) async fn end(self, fleet: &Fleet<'_>, in_order: bool) {
        let Self { give, take, name, .. } = self;
        if !in_order {
            streams::end([give.on.host, take.on.host], &name, fleet).await;
        }
        take.end().await;
        give.end().await;
    }
}

/// What is said at once, or not at all.
async fn within(says: impl Future<Output = Result<Report, Failed>>) -> Result<Report, Failed> {
    match tokio::time::timeout(limits::PORTS.time, says).await {
        Ok(said) => said,
        Err(_) => {
            Err(Failed::Broken { tried: "hear of the other host".into(), why: "no answer in time".into() })
        }
    }
}

fn unexpected(said: Result<Report, Failed>) -> String {
    match said {
        Err(Failed::Broken { tried, why }) | Ok(Report::Failed(Failed::Broken { tried, why })) => {
            format!("could not {tried}: {why}")
        }
        other => format!("its program says {other:?}"),
    }
}

fn failed(why: Failed) -> CopyError {
    match why {
        Failed::Copy(error) => error,
        Failed::Broken { tried, why } => CopyError::new(CopyEnd::Target, tried, CopyFault::Ended(why)),
        Failed::Unreached { .. } => ended("the other host is not reached any more".to_owned()),
    }
}

fn ended(why: String) -> CopyError {
    CopyError::new(CopyEnd::Target, "copy straight from the other host", CopyFault::Ended(why))
}
