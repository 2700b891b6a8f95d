//! SQL that reads. What is asked at the same time goes to the server together: it costs one round trip, however much it is.

use std::{
    borrow::Borrow,
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use mysql_async::Conn;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Login, Row, SqlError,
    batch::{self, Answer},
    first,
    line::Line,
    own::OwnId,
    ready_sql::Fresh,
    sql::SETTINGS,
};
use crate::dialect::{ReadStatement, reads_only};

/// Of what is sent together. A server takes no longer message than its `max_allowed_packet`, 1 MiB where it is small.
const MOST: usize = 256 << 10;
/// A server of before MySQL 5.6 has no transactions that only read; the statement is no syntax to it.
const NO_SYNTAX: u16 = 1064;

/// A connection that reads. Its transactions only read on the server, too.
#[derive(Debug)]
pub struct SqlReader {
    shared: Arc<Shared>,
    limit: Duration,
    login: Login,
    line: Weak<Line>,
    /// Its connection ends with this. Nothing is in it once another reader has the connection.
    over: Option<DropGuard>,
}

/// What a reader and its connection share.
#[derive(Debug)]
struct Shared {
    questions: Mutex<VecDeque<Question>>,
    wake: Notify,
    /// The server's id of the session.
    id: Mutex<OwnId>,
    /// Settings that its user makes: they go before what it asks, and nothing runs without them.
    settings: Mutex<VecDeque<String>>,
    /// Given out again and not used since: the server may have ended it meanwhile.
    rested: AtomicBool,
    /// A setting of the session was made, or its connection has failed: nobody else can use it.
    spent: AtomicBool,
    /// Questions whose askers still wait for the answer.
    open: AtomicUsize,
}

#[derive(Debug)]
struct Question {
    statement: String,
    limit: Duration,
    answer: oneshot::Sender<Answer>,
}

impl Shared {
    fn of(id: OwnId) -> Self {
        Self {
            questions: Mutex::default(),
            wake: Notify::new(),
            id: Mutex::new(id),
            settings: Mutex::default(),
            rested: false.into(),
            spent: false.into(),
            open: 0.into(),
        }
    }
}

impl SqlReader {
    /// Takes over a connection that has just been opened.
    pub(super) fn new(fresh: Fresh, login: Login, limit: Duration, line: &Arc<Line>) -> Self {
        let Fresh { connection, id } = fresh;
        let shared = Arc::new(Shared::of(id));
        let over = CancellationToken::new();
        let link = Link {
            connection: Some(connection),
            before: VecDeque::from([SETTINGS.clone(), read_only()]),
            shared: shared.clone(),
            login: login.clone(),
            line: Arc::downgrade(line),
        };
        tokio::spawn(link.serve(over.clone()));
        Self { shared, limit, login, line: Arc::downgrade(line), over: Some(over.drop_guard()) }
    }

    /// A reader that is answered out of a recording, in the place of a server.
    #[cfg(test)]
    pub(crate) fn replay(recording: super::Recording) -> Self {
        let shared = Arc::new(Shared::of(OwnId::of_nobody()));
        let (asked, over) = (shared.clone(), CancellationToken::new());
        let ended = over.clone();
        let answering = async move {
            loop {
                asked.wake.notified().await;
                let waiting =
                    std::mem::take(&mut *asked.questions.lock().unwrap_or_else(PoisonError::into_inner));
                for question in waiting {
                    let _ = question.answer.send(recording.answer(&question.statement));
                }
            }
        };
        tokio::spawn(async move { ended.run_until_cancelled(answering).await });
        let login = Login {
            socket: String::new(),
            server_uid: None,
            shared: false,
            user: "root".into(),
            password: None,
        };
        let limit = crate::model::limits::STATEMENT.time;
        Self { shared, limit, login, line: Weak::new(), over: Some(over.drop_guard()) }
    }

    /// The server's id of this session; the lower 32 bits, which is all that a server says when it greets.
    pub fn session_id(&self) -> u64 {
        self.shared.id.lock().unwrap_or_else(PoisonError::into_inner).number().into()
    }

    /// Waits until every session that tandem is opening on this host is known as its own: the server lists one earlier.
    pub async fn own_are_known(&self) {
        if let Some(line) = self.line.upgrade() {
            line.connecting.all_known().await;
        }
    }

    /// Whether a session of the server is one of tandem's own on this host.
    pub fn is_own(&self, id: u64) -> bool {
        self.line.upgrade().is_some_and(|line| line.is_own(id))
    }

    /// Runs a statement that only reads. Its type says that it does; its text is looked at too.
    ///
    /// # Errors
    /// When its text does more than read, or the server says no.
    pub async fn query(&self, statement: impl Borrow<ReadStatement>) -> Result<Vec<Row>, SqlError> {
        let answer = self.ask(statement.borrow())?;
        self.told(answer).await
    }

    /// The first row of a statement that every server answers with one.
    ///
    /// # Errors
    /// As [`SqlReader::query`], and when there is no row.
    pub async fn query_first(&self, statement: impl Borrow<ReadStatement>) -> Result<Row, SqlError> {
        let rows = self.query(statement.borrow()).await?;
        first(&rows, statement.borrow().text()).cloned()
    }

    /// Runs statements in order, each with its own answer.
    ///
    /// # Errors
    /// When one of the texts does more than read.
    pub async fn query_each(&self, statements: &[ReadStatement]) -> Result<Vec<Answer>, SqlError> {
        let asked = statements.iter().map(|s| self.ask(s)).collect::<Result<Vec<_>, _>>()?;
        let mut answers = Vec::with_capacity(asked.len());
        for answer in asked {
            answers.push(self.told(answer).await);
        }
        Ok(answers)
    }

    /// Makes settings of the session, together with what is asked first. Where one can't be made, nothing is answered.
    ///
    /// # Errors
    /// When one of the texts does more than read.
    pub fn begin_with(&self, settings: &[ReadStatement]) -> Result<(), SqlError> {
        let mut all = self.shared.settings.lock().unwrap_or_else(PoisonError::into_inner);
        for setting in settings {
            if !reads_only(setting.text()) {
                return Err(SqlError::NotARead(setting.text().chars().take(40).collect()));
            }
            self.shared.spent.store(true, Ordering::Relaxed);
            all.push_back(setting.text().to_owned());
        }
        Ok(())
    }

    /// Puts a statement behind those that wait already.
    fn ask(&self, statement: &ReadStatement) -> Result<oneshot::Receiver<Answer>, SqlError> {
        let text = statement.text();
        if !reads_only(text) {
            return Err(SqlError::NotARead(text.chars().take(40).collect()));
        }
        if statement.sets_session() {
            self.shared.spent.store(true, Ordering::Relaxed);
        }
        let (answer, told) = oneshot::channel();
        let question = Question { statement: text.to_owned(), limit: self.limit, answer };
        self.shared.questions.lock().unwrap_or_else(PoisonError::into_inner).push_back(question);
        self.shared.open.fetch_add(1, Ordering::Relaxed);
        Ok(told)
    }

    async fn told(&self, answer: oneshot::Receiver<Answer>) -> Answer {
        // Whoever asks in the same moment comes to it, too.
        tokio::task::yield_now().await;
        self.shared.wake.notify_one();
        let answer = answer.await;
        self.shared.open.fetch_sub(1, Ordering::Relaxed);
        answer.unwrap_or_else(|_| Err(SqlError::Broken("the connection is closed".into())))
    }

    /// Ends its connection: nobody is to have it.
    pub(super) fn end(mut self) {
        self.over = None;
    }

    /// Whether it serves this login.
    pub(super) fn serves(&self, login: &Login) -> bool {
        self.login.serves(login)
    }

    /// Takes it into use again.
    pub(super) fn wakened(mut self, login: &Login, limit: Duration) -> Self {
        self.limit = limit;
        self.login = login.clone();
        self.shared.rested.store(true, Ordering::Relaxed);
        self
    }
}

/// Whichever way its user ends: the next who reads with this login on this host can have the connection. Not where its
/// user has left a statement that may still run; that ends with the connection.
impl Drop for SqlReader {
    fn drop(&mut self) {
        let Some(over) = self.over.take() else { return };
        let usable =
            !self.shared.spent.load(Ordering::Relaxed) && self.shared.open.load(Ordering::Relaxed) == 0;
        if let Some(line) = self.line.upgrade().filter(|_| usable) {
            let (shared, login, line_of) = (self.shared.clone(), self.login.clone(), self.line.clone());
            line.rest(Self { shared, limit: self.limit, login, line: line_of, over: Some(over) });
        }
    }
}

fn read_only() -> String {
    ReadStatement::read_only_session().text().to_owned()
}

/// The connection behind a reader.
struct Link {
    /// None once it has failed.
    connection: Option<Conn>,
    /// Settings of the session that were not made yet: they go before everything else, and nothing runs without them.
    before: VecDeque<String>,
    shared: Arc<Shared>,
    login: Login,
    line: Weak<Line>,
}

impl Link {
    /// Answers until the reader is gone.
    async fn serve(mut self, over: CancellationToken) {
        let answering = async {
            loop {
                self.shared.wake.notified().await;
                while let Some(questions) = self.next() {
                    self.answer(questions).await;
                }
            }
        };
        // A statement that is still running ends with the connection.
        let _ = over.run_until_cancelled(answering).await;
        if let Some(connection) = self.connection {
            let _ = tokio::time::timeout(crate::model::limits::SQL_END.time, connection.disconnect()).await;
        }
    }

    /// What waits now, as far as it fits into one message.
    fn next(&self) -> Option<VecDeque<Question>> {
        let mut waiting = self.shared.questions.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|question| !question.answer.is_closed());
        let mut size = 0;
        let fits = waiting
            .iter()
            .take_while(|question| {
                size += question.statement.len();
                size <= MOST
            })
            .count();
        let fits = fits.max(1).min(waiting.len());
        let some: VecDeque<_> = waiting.drain(..fits).collect();
        (!some.is_empty()).then_some(some)
    }

    async fn answer(&mut self, mut questions: VecDeque<Question>) {
        while !questions.is_empty() {
            let rested = self.shared.rested.swap(false, Ordering::Relaxed);
            match self.send(&mut questions).await {
                None => {}
                // It was ended while nobody used it: another one serves as well.
                Some(error)
                    if rested
                        && !matches!(error, SqlError::Timeout(_))
                        && self.reopen(questions[0].limit).await => {}
                Some(error) => {
                    self.connection = None;
                    self.shared.spent.store(true, Ordering::Relaxed);
                    for question in questions.drain(..) {
                        let _ = question.answer.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Sends what is to be answered and takes out what was. What comes back is why the connection is of no use any more.
    async fn send(&mut self, questions: &mut VecDeque<Question>) -> Option<SqlError> {
        let Some(connection) = &mut self.connection else {
            return Some(SqlError::Broken("the connection is closed".into()));
        };
        let limit = questions.iter().map(|q| q.limit).max().unwrap_or_default();
        let before = &mut self.before;
        before.extend(self.shared.settings.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
        let texts: Vec<String> =
            before.iter().cloned().chain(questions.iter().map(|q| q.statement.clone())).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut end = None;
        #[cfg(debug_assertions)]
        let line = &self.line;
        batch::send(connection, &texts, limit, |answer| {
            let failed = answer.as_ref().err().cloned();
            match (before.front(), &failed) {
                _ if failed.as_ref().is_some_and(batch::is_end) => end = failed,
                (Some(_), None) => drop(before.pop_front()),
                (Some(setting), Some(error))
                    if error.code() == Some(NO_SYNTAX) && *setting == read_only() =>
                {
                    drop(before.pop_front());
                }
                (Some(_), Some(_)) => end = failed,
                (None, _) => {
                    if let Some(question) = questions.pop_front() {
                        #[cfg(debug_assertions)]
                        if let Some(line) = line.upgrade() {
                            super::recording::note(line.target.host.as_str(), &question.statement, &answer);
                        }
                        let _ = question.answer.send(answer);
                    }
                }
            }
        })
        .await;
        end
    }

    /// Opens another connection in the place of one that has ended.
    async fn reopen(&mut self, limit: Duration) -> bool {
        self.connection = None;
        let Some(line) = self.line.upgrade() else { return false };
        let Ok(Fresh { connection, id }) = line.connect(&self.login, limit).await else { return false };
        *self.shared.id.lock().unwrap_or_else(PoisonError::into_inner) = id;
        // Those of the first message are still there.
        self.before.push_front(read_only());
        self.before.push_front(SETTINGS.clone());
        self.connection = Some(connection);
        true
    }
}
