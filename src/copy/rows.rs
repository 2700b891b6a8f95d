//! The rows: each worker reads a slice in its session of the source and writes it in its session of the target.
//!
//! What a worker has read and not yet written is bounded: a few statements of a quarter of a megabyte.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::mpsc,
    task::{JoinSet, block_in_place},
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    Connect, CopyError, CopyFault, Options, Progress,
    inventory::{Inventory, Kept},
    kept,
    lock::Held,
    progress::Counted,
    session::Sessions,
    slices::{Job, LIMIT, Queue, STATEMENT, Share, Work},
    small,
};
use crate::{
    dialect::{Adding, CopyEnd},
    model::limits,
    transport::{Bytes, Pace, Patience, Sink, SqlError, SqlWriter},
};

/// Statements of a worker that wait for the target.
const WAITING: usize = 2;

/// Lets a session write whatever a server holds.
pub(super) const LENIENT: &str =
    "SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES'";
/// Asks how many statements a server works on, ours among them, in the second column.
const RUNNING: &str = "SHOW GLOBAL STATUS LIKE 'Threads_running'";
/// How often that is asked.
const EVERY: Duration = Duration::from_secs(1);

/// What was copied.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Bytes of statements.
    pub bytes: u64,
    /// How long writes waited for a lock.
    pub lock: Option<Duration>,
    /// Rows that were there already.
    pub kept: u64,
    /// How far it was at the end of the rows.
    last: Option<Progress>,
}

impl Sums {
    /// How far it is, where the indexes of so many tables are left.
    pub(super) fn indexes(&self, left: u64) -> Option<Progress> {
        self.last.map(|last| Progress { indexes: left, ..last })
    }
}

/// A session of each end.
type BothSessions = (SqlWriter, SqlWriter);

/// Copies all rows: first those of tables without transactions, for as long as the lock is held.
pub(super) async fn copy(
    (source, target): (&impl Connect, &impl Connect),
    sessions: &mut Sessions,
    (inventory, kept): (&Inventory, &Kept),
    held: Option<Held>,
    options: Options,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Sums, CopyError> {
    let counted = Arc::new(Counted::new());
    let mut sums = Sums::default();
    let (readers, writers) = (std::mem::take(&mut sessions.readers), std::mem::take(&mut sessions.writers));
    let mut pairs: Vec<BothSessions> = readers.into_iter().zip(writers).collect();
    let patience = options.patience;
    // Who waits for the lock waits for all that is copied under it.
    let at_once = Pace::of(None);
    let mut run = Run {
        counted: &counted,
        patience,
        pace: at_once,
        before: 0,
        of: (0, 0),
        writing: Writing {
            packet: sessions.packet,
            adding: Adding::of([source.dialect(), target.dialect()]),
        },
        catalog: &mut sessions.catalog,
        most_running: None,
        on_progress,
    };
    let tables = || inventory.tables.values().filter(|table| table.has_rows());
    run.of = (tables().count() as u64, tables().map(|table| Share::of(table).bytes).sum());
    if let Some(held) = held {
        let locked =
            Arc::new(Queue::of(inventory.tables.iter().filter(|(_, table)| table.needs_lock()), kept));
        let copied = run.all(pairs, &locked, target, Some(&held)).await;
        sums.lock = Some(held.release().await?);
        pairs = copied?;
        run.before = locked.tables().0;
    }
    run.pace = Pace::of(options.rate);
    run.most_running = options.max_running;
    let rest = inventory.tables.iter().filter(|(_, table)| table.has_rows() && table.has_snapshot());
    let queue = Arc::new(Queue::of(rest, kept));
    let pairs = run.all(pairs, &queue, target, None).await?;
    sums.last = Some(run.progress(&queue));
    (sums.bytes, sums.kept) = (counted.sums().1, counted.all_kept());
    (sessions.readers, sessions.writers) = pairs.into_iter().unzip();
    Ok(sums)
}

/// Lets sessions that carry rows give the bytes of a text as they are, or take them so.
pub(super) async fn pass_bytes(
    sessions: &mut [SqlWriter],
    setting: &str,
    end: CopyEnd,
) -> Result<(), CopyError> {
    let all = sessions.iter_mut().map(|sql| sql.query(setting));
    try_join_all(all).await.map(drop).map_err(CopyError::sql(end, "let values pass as bytes"))
}

/// How rows are written, and compared.
#[derive(Debug, Clone, Copy)]
struct Writing {
    /// Bytes of the largest statement.
    packet: u64,
    /// What rows of a slice add up by.
    adding: Adding,
}

struct Run<'r> {
    counted: &'r Arc<Counted>,
    patience: Patience,
    pace: Pace,
    /// Tables that were copied before.
    before: u64,
    /// All tables, and all bytes by the statistics.
    of: (u64, u64),
    writing: Writing,
    /// A session of the source that reads no rows.
    catalog: &'r mut SqlWriter,
    /// Statements of others on the source beside which it goes on.
    most_running: Option<u64>,
    on_progress: &'r mut dyn FnMut(Progress),
}

impl Run<'_> {
    /// Lets all workers work until nothing is left to be done, and gives their sessions back.
    async fn all(
        &mut self,
        pairs: Vec<BothSessions>,
        queue: &Arc<Queue>,
        target: &impl Connect,
        held: Option<&Held>,
    ) -> Result<Vec<BothSessions>, CopyError> {
        let mut workers = JoinSet::new();
        for pair in pairs {
            let paced = (self.counted.clone(), self.pace.clone());
            workers.spawn(work(pair, queue.clone(), paced, self.writing));
        }
        self.counted.moved();
        let mut tick = interval(limits::TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked = Duration::ZERO;
        let mut asked = None;
        let mut back = Vec::new();
        loop {
            tokio::select! {
                ended = workers.join_next() => match ended {
                    None => return Ok(back),
                    Some(Ok(done)) => back.push(done?),
                    Some(Err(error)) => {
                        let why = CopyFault::Ended(error.to_string());
                        return Err(CopyError::new(CopyEnd::Target, "copy rows", why));
                    }
                },
                _ = tick.tick() => {
                    self.tell(queue);
                    // Who holds the lock says why it is over.
                    if held.is_some_and(Held::is_over) {
                        let why = CopyFault::Ended("the read lock is over".to_owned());
                        return Err(CopyError::new(CopyEnd::Source, "copy rows", why));
                    }
                    self.mind_load(&mut asked).await?;
                    self.watch(target, &mut looked).await?;
                }
            }
        }
    }

    fn tell(&mut self, queue: &Queue) {
        let progress = self.progress(queue);
        (self.on_progress)(progress);
    }

    fn progress(&self, queue: &Queue) -> Progress {
        let (rows, bytes) = self.counted.sums();
        let tables = self.before + queue.tables().0;
        let (of_tables, of) = self.of;
        let (done, took) = (self.counted.all_done(), self.counted.took());
        let held = self.counted.held();
        Progress { rows, bytes, done, of, tables, of_tables, indexes: 0, took, held }
    }

    /// Lets the workers wait while the source has too much to do.
    async fn mind_load(&mut self, asked: &mut Option<Instant>) -> Result<(), CopyError> {
        let Some(most) = self.most_running else { return Ok(()) };
        if asked.is_some_and(|at| at.elapsed() < EVERY) {
            return Ok(());
        }
        *asked = Some(Instant::now());
        let rows = self.catalog.query(RUNNING).await;
        let running = rows.and_then(|rows| {
            let running = rows.first().and_then(|row| row.at(1).ok()?.parse::<u64>().ok());
            running.ok_or_else(|| SqlError::Broken("it tells no number of running statements".to_owned()))
        });
        let running = running.map_err(CopyError::sql(CopyEnd::Source, "ask how much it has to do"))?;
        // The one that asks is running as well.
        let others = running.saturating_sub(self.counted.reading() + 1);
        self.counted.hold((others > most).then_some(others));
        Ok(())
    }

    /// Ends a copy in which nothing moves. A target that works on a statement has longer.
    async fn watch(&self, target: &impl Connect, looked: &mut Duration) -> Result<(), CopyError> {
        let still = self.counted.still();
        if still < self.patience.stall {
            *looked = Duration::ZERO;
            return Ok(());
        }
        let stalled =
            |end, why| Err(CopyError::new(end, "copy rows", CopyFault::Stalled { after: still, why }));
        if !self.counted.target_works() {
            return stalled(CopyEnd::Source, None);
        }
        if still < *looked + self.patience.stall {
            return Ok(());
        }
        let found = target.look().await;
        // It may have gone on meanwhile.
        if self.counted.still() < still {
            return Ok(());
        }
        match found {
            Sink::Works if still < self.patience.work => *looked = still,
            Sink::Works => return stalled(CopyEnd::Target, Some("it works on one statement".to_owned())),
            Sink::Hangs(why) => return stalled(CopyEnd::Target, why),
        }
        Ok(())
    }
}

/// Works until nothing is left.
async fn work(
    (mut reader, mut writer): BothSessions,
    queue: Arc<Queue>,
    (counted, pace): (Arc<Counted>, Pace),
    Writing { packet, adding }: Writing,
) -> Result<BothSessions, CopyError> {
    loop {
        while_held(&counted).await;
        let next = queue.next(&mut reader).await;
        let Some(work) = next.map_err(CopyError::sql(CopyEnd::Source, "look for the next rows"))? else {
            return Ok((reader, writer));
        };
        match &work {
            Work::Rows(job) if job.kept => {
                let same = is_there((&mut reader, &mut writer), job, adding, &counted).await?;
                queue.compared(job, same);
                if !same {
                    continue;
                }
            }
            Work::Rows(job) => slice(&mut reader, &mut writer, job, (&counted, &pace, packet)).await?,
            Work::Small(tables, share) => {
                for table in small::copy(&mut reader, &mut writer, tables, (&counted, packet)).await? {
                    slice(&mut reader, &mut writer, &Job::whole(table), (&counted, &pace, packet)).await?;
                }
                counted.done(share.bytes);
            }
        }
        queue.done(&work);
    }
}

/// Whether the target has the rows of a slice; where it has others, they are taken away.
async fn is_there(
    (reader, writer): (&mut SqlWriter, &mut SqlWriter),
    job: &Job,
    adding: Adding,
    counted: &Counted,
) -> Result<bool, CopyError> {
    counted.begin_write();
    let same = counted.while_reading(kept::same(reader, writer, job, adding)).await?;
    if same.is_none() {
        let tried = format!("take away other rows of {}", job.table.title());
        let cleared = writer.query_within(&job.table.clear(&job.slice), LIMIT).await;
        cleared.map_err(CopyError::sql(CopyEnd::Target, tried))?;
    }
    counted.end_write(0, 0);
    if let Some(rows) = same {
        counted.kept(rows);
        counted.done(job.share.bytes);
    }
    Ok(same.is_some())
}

/// What goes to the target in one go.
enum Batch {
    /// A statement with rows.
    Many { statement: Vec<u8>, rows: u64 },
    /// A row that is too large for a statement.
    One(Vec<Bytes>),
}

async fn slice(
    reader: &mut SqlWriter,
    writer: &mut SqlWriter,
    job: &Job,
    (counted, pace, packet): (&Counted, &Pace, u64),
) -> Result<(), CopyError> {
    let title = job.table.title();
    let (send, receive) = mpsc::channel(WAITING);
    let reading = async {
        let read = counted.while_reading(read(reader, job, send, (counted, pace, packet))).await;
        read.map_err(CopyError::sql(CopyEnd::Source, format!("read rows of {title}")))
    };
    let writing = write(writer, job, receive, counted);
    let (read, written) = tokio::join!(reading, writing);
    // Where writing fails, reading ends as well.
    written.and(read)
}

async fn read(
    reader: &mut SqlWriter,
    job: &Job,
    send: mpsc::Sender<Batch>,
    (counted, pace, packet): (&Counted, &Pace, u64),
) -> Result<(), SqlError> {
    let head = job.table.insert().into_bytes();
    let mut statement = head.clone();
    let mut rows = 0;
    let mut stream = reader.stream(&job.table.select(&job.slice), LIMIT).await?;
    while let Some(row) = stream.next().await? {
        let bytes: usize = row.iter().flatten().map(Vec::len).sum();
        // A backslash before each byte, at worst.
        let most = 2 * bytes as u64 + 32 * row.len() as u64;
        let full = statement.len() as u64 + most > packet.min(STATEMENT.max(most + head.len() as u64));
        if rows > 0 && full {
            let statement = std::mem::replace(&mut statement, head.clone());
            paced(pace, counted, statement.len()).await;
            if send.send(Batch::Many { statement, rows }).await.is_err() {
                return Ok(());
            }
            rows = 0;
            counted.moved();
        }
        if head.len() as u64 + most > packet {
            paced(pace, counted, bytes).await;
            if send.send(Batch::One(row)).await.is_err() {
                return Ok(());
            }
            counted.moved();
            continue;
        }
        if rows > 0 {
            statement.push(b',');
        }
        apart(bytes, || job.table.push_row(&mut statement, &row));
        rows += 1;
    }
    if rows > 0 {
        paced(pace, counted, statement.len()).await;
        let _ = send.send(Batch::Many { statement, rows }).await;
    }
    counted.moved();
    Ok(())
}

/// Waits while the source has too much to do. Who waits for that does not hang.
async fn while_held(counted: &Counted) {
    while counted.held().is_some() {
        counted.moved();
        sleep(limits::TICK).await;
    }
}

/// Waits until so many more bytes may go. Who waits for that does not hang.
async fn paced(pace: &Pace, counted: &Counted, mut bytes: usize) {
    const PIECE: usize = 256 << 10;
    while_held(counted).await;
    while bytes > 0 {
        let piece = bytes.min(PIECE);
        pace.wait(piece as u64).await;
        counted.moved();
        bytes -= piece;
    }
}

/// Works on many bytes without holding up what else this program has to do: who polls the connections may be this very
/// thread, and signs of life go over one of them (tokio, "CPU-bound tasks and blocking code").
fn apart<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    const MANY: usize = 1 << 20;
    let several = Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    if bytes < MANY || !several { work() } else { block_in_place(work) }
}

async fn write(
    writer: &mut SqlWriter,
    Job { table, share, .. }: &Job,
    mut receive: mpsc::Receiver<Batch>,
    counted: &Counted,
) -> Result<(), CopyError> {
    let title = table.title();
    // What is left of its share; the statistics may say too little, or too much.
    let mut left = share.bytes;
    let tried = || format!("write rows of {title}");
    while let Some(batch) = receive.recv().await {
        counted.begin_write();
        let (given, bytes, done) = match batch {
            Batch::Many { statement, rows } => {
                let done = write_many(writer, &statement).await;
                (rows, statement.len() as u64, done)
            }
            Batch::One(values) => {
                let bytes: usize = values.iter().flatten().map(Vec::len).sum();
                (1, bytes as u64, writer.execute_with(&table.insert_one(), values, LIMIT).await)
            }
        };
        let taken = done.map_err(CopyError::sql(CopyEnd::Target, tried()))?;
        counted.end_write(given, bytes);
        let part = bytes.min(left);
        left -= part;
        counted.done(part);
        if taken != given {
            return Err(CopyError::new(CopyEnd::Target, tried(), CopyFault::Rows { given, taken }));
        }
    }
    counted.done(left);
    Ok(())
}

/// Writes rows; where strict mode does not let a value in that its source holds, without it. Whether it is the same then
/// is seen when the copy is compared.
async fn write_many(writer: &mut SqlWriter, statement: &[u8]) -> Result<u64, SqlError> {
    /// A value that is cut off, out of range, invalid in its character set, or no member of its ENUM.
    const STRICT: [u16; 6] = [1264, 1265, 1292, 1366, 1406, 1411];
    match writer.execute(statement, LIMIT).await {
        Err(error) if error.code().is_some_and(|code| STRICT.contains(&code)) => {}
        done => return done,
    }
    writer
        .query_all(&["SET @strict = @@SESSION.sql_mode", LENIENT])
        .await
        .into_iter()
        .try_for_each(|a| a.map(drop))?;
    let done = writer.execute(statement, LIMIT).await;
    writer.query("SET SESSION sql_mode = @strict").await?;
    done
}
