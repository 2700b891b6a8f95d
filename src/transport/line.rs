//! What carries everything to one host: its connections, and what rests on them.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use openssh::Stdio;
use tokio::{
    sync::{OnceCell, Semaphore},
    time,
};

use super::{
    ComingLifeline, ConnectError, HeldScript, Login, Output, RunError, Scratch, SqlError, SqlReader, Target,
    frame::Mark,
    master::Master,
    own::{Connecting, OwnId, OwnSessions},
    ready::{Ready, Shell},
    ready_sql::{Fresh, ReadySql},
    running::{Handed, MOST, Running, Said},
    script::program,
};
use crate::model::limits;

/// Scripts at the same time. sshd's MaxSessions is 10 by default; one is the master's own, and two may wait.
const CHANNELS: usize = 7;
/// Connections to one host. More than one is opened only where sshd allows few sessions on each.
const CONNECTIONS: usize = 8;
/// Connections to the server that nobody uses and that are kept.
const RESTING: usize = 6;

/// A host's connections.
#[derive(Debug)]
pub(super) struct Line {
    pub target: Target,
    /// The first is there from the beginning, the others where it has no room for another session.
    connections: [OnceCell<Master>; CONNECTIONS],
    channels: Arc<Semaphore>,
    /// HeldScript by who looks for room on further connections.
    spreading: tokio::sync::Mutex<()>,
    pub scratch: Arc<Scratch>,
    /// Whether sshd was found to forward no sockets.
    pub forwards_nothing: AtomicBool,
    resting: Mutex<Vec<SqlReader>>,
    ready: Ready,
    pub ready_sql: ReadySql,
    /// Whether the login was seen to run a script.
    runs_scripts: AtomicBool,
    own: OwnSessions,
    pub connecting: Connecting,
    /// One that was begun before it was needed, and when.
    lifeline: Mutex<Option<(time::Instant, ComingLifeline)>>,
}

impl Line {
    /// Begins a connection: see [`Master::begin`].
    pub(super) async fn begin(target: Target, scratch: Arc<Scratch>) -> Result<Arc<Self>, ConnectError> {
        let line = Self {
            target,
            connections: Default::default(),
            channels: Arc::new(Semaphore::new(CHANNELS)),
            spreading: tokio::sync::Mutex::default(),
            scratch,
            forwards_nothing: AtomicBool::new(false),
            resting: Mutex::default(),
            ready: Ready::default(),
            ready_sql: ReadySql::default(),
            runs_scripts: AtomicBool::new(false),
            own: OwnSessions::default(),
            connecting: Connecting::default(),
            lifeline: Mutex::default(),
        };
        let (control, answers) = (line.scratch.path("c"), line.scratch.path("p"));
        let first = Master::begin(&line.target, control, answers).await?;
        let _ = line.connections[0].set(first);
        Ok(Arc::new(line))
    }

    /// Waits until the first connection has shown that the login runs commands.
    pub(super) async fn settled(&self) -> Result<(), ConnectError> {
        match self.connections[0].get() {
            Some(master) => master.settled(&self.target).await,
            None => Ok(()),
        }
    }

    async fn master<'a>(&self, cell: &'a OnceCell<Master>) -> Result<&'a Master, ConnectError> {
        cell.get_or_try_init(|| Master::start(&self.target, self.scratch.path("c"), self.scratch.path("p")))
            .await
    }

    /// Ends the connections.
    pub(super) async fn end(self) {
        drop((self.resting, self.ready, self.ready_sql));
        if let Some((_, unused)) = self.lifeline.into_inner().unwrap_or_else(PoisonError::into_inner) {
            unused.master.end().await;
        }
        for master in self.connections.into_iter().filter_map(OnceCell::into_inner) {
            master.end().await;
        }
    }

    /// A reader that nobody uses, for this login.
    pub(super) fn rested(&self, login: &Login, limit: Duration) -> Option<SqlReader> {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let place = resting.iter().rposition(|reader| reader.serves(login))?;
        Some(resting.remove(place).wakened(login, limit))
    }

    /// Keeps a reader for the next who wants one.
    pub(super) fn rest(&self, reader: SqlReader) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        // The oldest may have been ended by its server by now.
        if resting.len() >= RESTING {
            resting.remove(0).end();
        }
        resting.push(reader);
    }

    /// Ends the connections to the server that nobody uses, and opens none ahead.
    pub(super) fn forget_sql(&self) {
        self.ready_sql.forget();
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *resting).into_iter().for_each(SqlReader::end);
    }

    /// A connection to the server that nobody has used: one that waits, or a new one.
    pub(super) async fn fresh(self: &Arc<Self>, login: &Login, limit: Duration) -> Result<Fresh, SqlError> {
        let waiting = self.ready_sql.take(login);
        let claim = if waiting.is_none() { self.ready_sql.claim() } else { None };
        self.open_ahead(login, 0);
        let waiting = match claim {
            Some(claim) => claim.wait(login, limit).await,
            None => waiting,
        };
        match waiting {
            Some(fresh) => Ok(fresh),
            None => self.connect(login, limit).await,
        }
    }

    /// Opens connections ahead, so that at least `number` wait. Where none comes about, whoever needs one opens it.
    pub(super) fn open_ahead(self: &Arc<Self>, login: &Login, number: usize) {
        // Elsewhere each needs a session of ssh of its own, and sshd allows few.
        if !self.may_forward(login) {
            return;
        }
        for place in self.ready_sql.missing(number) {
            let (line, login) = (Arc::downgrade(self), login.clone());
            tokio::spawn(async move {
                let Some(line) = line.upgrade() else { return };
                let fresh = line.connect(&login, limits::STATEMENT.time).await.ok();
                line.ready_sql.put(place, fresh, login);
            });
        }
    }

    /// Notes a session of ours.
    pub(super) fn own(&self, number: u32) -> OwnId {
        self.own.note(number)
    }

    /// Whether a session of the server is one of ours, by the lower 32 bits of its number.
    pub(super) fn is_own(&self, id: u64) -> bool {
        self.own.holds(id)
    }

    /// Runs a script to its end.
    pub(super) async fn run(
        &self,
        what: &str,
        text: &str,
        args: &[&str],
        stdin: &[u8],
        limit: Duration,
    ) -> Result<Output, RunError> {
        let work = async {
            let _channel = self.channels.acquire().await.map_err(|_| self.lost(what))?;
            match self.runs_scripts.load(Ordering::Relaxed) {
                true => self.whole(what, text, args, stdin).await,
                false => Ok(self.start(what, text, args).await?.finish(stdin).await),
            }
        };
        let said = time::timeout(limit, work).await.map_err(|_| RunError::Timeout {
            host: self.target.host.clone(),
            what: what.to_owned(),
            after: limit,
        })??;
        match said {
            Said::Whole { status, stdout, stderr } => Ok(Output { status, stdout, stderr }),
            Said::Cut => Err(self.lost(what)),
            Said::TooMuch => {
                let host = self.target.host.clone();
                Err(RunError::TooMuch { host, what: what.to_owned(), most: MOST })
            }
        }
    }

    /// Starts one that holds something. Until it is dropped its channel is one of those that a host allows.
    pub(super) async fn hold(&self, what: &str, text: &str, args: &[&str]) -> Result<HeldScript, RunError> {
        let channel = self.channels.clone().acquire_owned().await.map_err(|_| self.lost(what))?;
        Ok(HeldScript::new(self.start(what, text, args).await?, channel))
    }

    /// Starts a script and waits until it has begun.
    pub(super) async fn start(&self, what: &str, text: &str, args: &[&str]) -> Result<Running, RunError> {
        match self.hand(what, (text, args), None).await? {
            Handed::Begun(running) => {
                self.runs_scripts.store(true, Ordering::Relaxed);
                Ok(*running)
            }
            Handed::Done(_) => Err(self.lost(what)),
        }
    }

    /// Runs a script to its end, on a login that has run one before.
    async fn whole(&self, what: &str, text: &str, args: &[&str], input: &[u8]) -> Result<Said, RunError> {
        match self.hand(what, (text, args), Some(input)).await? {
            Handed::Begun(running) => Ok(running.finish(input).await),
            Handed::Done(said) => Ok(said),
        }
    }

    /// Hands a script to a shell that waits, or to one of its own; all its input with it, where that is given.
    async fn hand(
        &self,
        what: &str,
        (text, args): (&str, &[&str]),
        input: Option<&[u8]>,
    ) -> Result<Handed, RunError> {
        let mark = Mark::draw().map_err(|_| self.lost(what))?;
        let (command, password) = self.target.command();
        let program = program(&mark, text, args);
        let first = [password.as_ref().map_or(&[][..], |p| p.as_bytes()), program.as_bytes()];
        if let Some(shell) = self.ready.take() {
            if self.ready.is_kept() {
                self.open_shell();
            }
            // One that has ended meanwhile has run nothing: the mark is the first that a script does.
            if let Some(Ok(handed)) = Handed::to(shell, &mark, &first, input).await {
                return Ok(handed);
            }
        }
        let shell = self.channel(what, &command).await?;
        match Handed::to(shell, &mark, &first, input).await {
            Some(Ok(handed)) => Ok(handed),
            Some(Err(_)) if !self.alive().await => Err(self.lost(what)),
            Some(Err((stdout, stderr))) => Err(self.target.not_begun(&stdout, &stderr)),
            None => Err(self.lost(what)),
        }
    }

    /// Has a shell wait for each script to come: a run that changes a host runs many there.
    pub(super) fn make_ready(&self) {
        self.ready.keep();
        self.open_shell();
    }

    /// Opens a shell for a script to come. Where sudo wants a password it would wait for it, and note that none came.
    pub(super) fn open_shell(&self) {
        if self.target.sudo.as_ref().is_some_and(|sudo| sudo.password.is_some()) {
            return;
        }
        if let Some(mux) = self.mux() {
            self.ready.open(mux, self.target.command().0);
        }
    }

    /// Runs a command on a connection that has room for it.
    async fn channel(&self, what: &str, command: &str) -> Result<Shell, RunError> {
        let mut turn = None;
        for (number, cell) in self.connections.iter().enumerate() {
            // Where two look for room at once, one would take it from the other on the connection that it opens.
            if number == 1 {
                turn = Some(self.spreading.lock().await);
            }
            let fresh = turn.is_some() && !cell.initialized();
            let master = self.master(cell).await.map_err(|_| self.lost(what))?;
            let mut remote = master.mux().arc_raw_command(command);
            remote.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            match remote.spawn().await {
                Ok(child) => return Ok(child),
                Err(_) if master.mux().check().await.is_err() => return Err(self.lost(what)),
                // It lives, so it was the host that wanted no more sessions on it.
                Err(_) if fresh => break,
                Err(_) => {}
            }
        }
        Err(RunError::Full { host: self.target.host.clone() })
    }

    pub(super) fn lost(&self, what: &str) -> RunError {
        RunError::Lost { host: self.target.host.clone(), what: what.to_owned() }
    }

    /// The socket at which the first connection takes requests.
    pub(super) fn mux(&self) -> Option<Arc<openssh::Session>> {
        self.connections[0].get().map(Master::mux)
    }

    /// A connection of its own for a script, which no stream can hold up: it was begun ahead, or begins now.
    pub(super) fn lifeline(&self) -> Result<ComingLifeline, ConnectError> {
        let ahead = self.lifeline.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A person may have read the plan for an hour, and firewalls forget what is idle.
        match ahead.filter(|(begun, _)| begun.elapsed() < limits::LIFELINE_READY.time) {
            Some((_, coming)) => Ok(coming),
            None => self.new_lifeline(),
        }
    }

    /// Begins it before it is needed. Where it does not come about, that shows when it is.
    pub(super) fn begin_lifeline(&self) {
        let mut ahead = self.lifeline.lock().unwrap_or_else(PoisonError::into_inner);
        if ahead.is_none() {
            *ahead = self.new_lifeline().ok().map(|coming| (time::Instant::now(), coming));
        }
    }

    fn new_lifeline(&self) -> Result<ComingLifeline, ConnectError> {
        let mark = Mark::draw().map_err(|error| {
            ConnectError::local(&self.target.host, &self.target.destination, error.to_string())
        })?;
        let (command, password) = self.target.command();
        let (control, answers) = (self.scratch.path("l"), self.scratch.path("q"));
        let master = Master::spawn(&self.target, &control, answers, (&command, &mark))?;
        Ok(ComingLifeline { target: self.target.clone(), mark, password, master })
    }

    /// Whether the master still lives.
    pub(super) async fn alive(&self) -> bool {
        match self.mux() {
            Some(mux) => mux.check().await.is_ok(),
            None => false,
        }
    }
}
