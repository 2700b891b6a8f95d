//! The rows: each worker reads a slice in its session of the source and writes it in its session of the target.
//!
//! What a worker has read and not yet written is bounded: a few statements of a quarter of a megabyte.

use std::{sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::mpsc,
    task::{JoinSet, block_in_place},
    time::{MissedTickBehavior, interval},
};

use super::{
    Connect, CopyError, CopyFault, Options, Progress,
    inventory::Inventory,
    lock::Held,
    progress::Counted,
    session::Sessions,
    slices::{Job, LIMIT, Queue, STATEMENT, Work},
    small,
};
use crate::{
    dialect::{CopiedTable, CopyEnd},
    model::limits,
    transport::{Bytes, Pace, Patience, Sink, SqlError, SqlWriter},
};

/// Statements of a worker that wait for the target.
const WAITING: usize = 2;

/// What was copied.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Bytes of statements.
    pub bytes: u64,
    /// How long writes waited for a lock.
    pub lock: Option<Duration>,
}

/// A session of each end.
type BothSessions = (SqlWriter, SqlWriter);

/// Copies all rows: first those of tables without transactions, for as long as the lock is held.
pub(super) async fn copy(
    target: &impl Connect,
    sessions: &mut Sessions,
    inventory: &Inventory,
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
        of: 0,
        packet: sessions.packet,
        on_progress,
    };
    run.of = inventory.tables.values().filter(|table| table.has_rows()).count() as u64;
    if let Some(held) = held {
        let locked = Arc::new(Queue::of(inventory.tables.iter().filter(|(_, table)| table.needs_lock())));
        let copied = run.all(pairs, &locked, target, Some(&held)).await;
        sums.lock = Some(held.release().await?);
        pairs = copied?;
        run.before = locked.tables().0;
    }
    run.pace = Pace::of(options.rate);
    let rest = inventory.tables.iter().filter(|(_, table)| table.has_rows() && table.has_snapshot());
    let queue = Arc::new(Queue::of(rest));
    let pairs = run.all(pairs, &queue, target, None).await?;
    sums.bytes = counted.sums().1;
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

struct Run<'r> {
    counted: &'r Arc<Counted>,
    patience: Patience,
    pace: Pace,
    /// Tables that were copied before.
    before: u64,
    of: u64,
    packet: u64,
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
            workers.spawn(work(pair, queue.clone(), paced, self.packet));
        }
        self.counted.moved();
        let mut tick = interval(limits::TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked = Duration::ZERO;
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
                    self.watch(target, &mut looked).await?;
                }
            }
        }
    }

    fn tell(&mut self, queue: &Queue) {
        let (rows, bytes) = self.counted.sums();
        let tables = self.before + queue.tables().0;
        (self.on_progress)(Progress { rows, bytes, tables, of_tables: self.of, took: self.counted.took() });
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
    packet: u64,
) -> Result<BothSessions, CopyError> {
    loop {
        let next = queue.next(&mut reader).await;
        let Some(work) = next.map_err(CopyError::sql(CopyEnd::Source, "look for the next rows"))? else {
            return Ok((reader, writer));
        };
        match &work {
            Work::Rows(job) => slice(&mut reader, &mut writer, job, (&counted, &pace, packet)).await?,
            Work::Small(tables) => {
                for table in small::copy(&mut reader, &mut writer, tables, (&counted, packet)).await? {
                    slice(&mut reader, &mut writer, &Job::whole(table), (&counted, &pace, packet)).await?;
                }
            }
        }
        queue.done(&work);
    }
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
        let read = read(reader, job, send, (counted, pace, packet)).await;
        read.map_err(CopyError::sql(CopyEnd::Source, format!("read rows of {title}")))
    };
    let writing = write(writer, &job.table, receive, counted);
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

/// Waits until so many more bytes may go. Who waits for that does not hang.
async fn paced(pace: &Pace, counted: &Counted, mut bytes: usize) {
    const PIECE: usize = 256 << 10;
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
    table: &CopiedTable,
    mut receive: mpsc::Receiver<Batch>,
    counted: &Counted,
) -> Result<(), CopyError> {
    let title = table.title();
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
        if taken != given {
            return Err(CopyError::new(CopyEnd::Target, tried(), CopyFault::Rows { given, taken }));
        }
    }
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
    let lenient = "SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES'";
    writer
        .query_all(&["SET @strict = @@SESSION.sql_mode", lenient])
        .await
        .into_iter()
        .try_for_each(|a| a.map(drop))?;
    let done = writer.execute(statement, LIMIT).await;
    writer.query("SET SESSION sql_mode = @strict").await?;
    done
}
