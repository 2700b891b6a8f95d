//! Copies databases from one server to another as one snapshot, value by value.
//!
//! This room knows two SQL ends and no hosts: whoever can connect both ends runs a copy. Sessions that share one snapshot
//! of the source read the rows, each beside a session of the target that writes them; see [`rows`]. What decides what a
//! value becomes is set by these sessions themselves, from one list in the dialect.

mod code;
mod error;
mod fitness;
mod indexes;
mod inventory;
mod kept;
mod lock;
mod progress;
mod rows;
mod script;
mod session;
mod slices;
mod small;
mod snapshot;
mod tables;

use std::time::Duration;

pub(crate) use error::{CopyError, CopyFault};
pub(crate) use fitness::{Fitness, fitness};
pub(crate) use progress::Progress;
pub(crate) use script::{Written, write};
pub(crate) use session::Identity;

use serde::{Deserialize, Serialize};

use crate::{
    dialect::{CopyEnd, Dialect},
    model::{BinlogPosition, limits},
    transport::{Patience, Sink, SqlError, SqlWriter},
};
use code::Code;
use inventory::Inventory;
use session::Sessions;

/// A server that can be connected to.
pub(crate) trait Connect {
    /// Its words.
    fn dialect(&self) -> Dialect;

    /// Opens a session that may change this server, and nothing but this server.
    fn connect(&self) -> impl Future<Output = Result<SqlWriter, SqlError>>;

    /// What it does that takes nothing, or gives nothing.
    fn look(&self) -> impl Future<Output = Sink>;
}

/// What is copied.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Scope {
    /// Databases with all that they hold.
    pub databases: Vec<String>,
    /// Those of them of which the target has something that may go on being there: a copy that was cut off, or data that is
    /// replaced.
    pub begun: Vec<String>,
    /// Who the target must be.
    pub target: Identity,
}

/// How it is copied.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Options {
    /// Sessions at each end.
    pub sessions: usize,
    /// How long writes may wait for a lock of the copy.
    pub lock: Duration,
    /// How long nothing may move.
    pub patience: Patience,
    /// Bytes per second, where that is bounded.
    pub rate: Option<u64>,
    /// Statements of others on the source beside which it goes on; it waits while there are more.
    pub max_running: Option<u64>,
}

/// What a copy has shown of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Copied {
    /// Where the snapshot stands in the source's binary log.
    pub at: BinlogPosition,
    /// The transactions in it, where the server has told them with the position (MySQL).
    pub executed: Option<String>,
    /// Bytes of statements that were sent.
    pub sent: u64,
    /// How long writes on the source had to wait, if at all.
    pub lock: Option<Duration>,
    /// Rows that were there already.
    pub kept: u64,
}

/// How often a snapshot is taken again because a table was altered at that moment.
const SNAPSHOTS: usize = 4;

/// Copies everything but what is made by [`Unfinished::finish`]. Nothing of these databases is on the target, but for databases
/// without content and what [`Scope::begun`] names.
///
/// # Errors
/// With the end at which it failed. What was written until then stays; the copy is begun anew.
pub(crate) async fn run(
    source: &impl Connect,
    target: &impl Connect,
    scope: &Scope,
    options: Options,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Unfinished, CopyError> {
    let mut sessions = Sessions::open(source, target, options.sessions).await?;
    let (there, mut inventory) = tokio::try_join!(
        async {
            session::prove(&mut sessions.catalog_there, &scope.target).await?;
            kept::look(&mut sessions.catalog_there, target.dialect(), &scope.begun).await
        },
        everything(source, (&mut sessions.catalog, sessions.lives_longer), scope),
    )?;
    let mut kept = tables::create(&mut sessions, &inventory, &there).await?;
    let mut put_off = indexes::put_off(&mut sessions, &inventory, &kept).await?;
    let mut tries = 0;
    let (snapshot, held) = loop {
        let (snapshot, held) = snapshot::take(source, &mut sessions, &inventory, options.lock).await?;
        let (names, values) = (source.dialect().spell_values(), target.dialect().spell_values());
        // A lock may be held by now.
        let (holds, (), ()) = tokio::try_join!(
            inventory.still_holds(&mut sessions.catalog, source.dialect(), &scope.databases),
            rows::pass_bytes(&mut sessions.readers, names, CopyEnd::Source),
            rows::pass_bytes(&mut sessions.writers, values, CopyEnd::Target),
        )?;
        if holds {
            break (snapshot, held);
        }
        let now = everything(source, (&mut sessions.catalog, sessions.lives_longer), scope).await?;
        tries += 1;
        if tries == SNAPSHOTS {
            return Err(CopyError::new(
                CopyEnd::Source,
                "find its tables unaltered while a snapshot is taken",
                CopyFault::Altered,
            ));
        }
        drop(held);
        // What makes tables is text.
        rows::pass_bytes(&mut sessions.writers, target.dialect().spell_names(), CopyEnd::Target).await?;
        let stayed = tables::create(&mut sessions, &now, &inventory).await?;
        kept.retain(|name, _| stayed.contains_key(name));
        put_off = indexes::put_off(&mut sessions, &now, &indexes::with(put_off, stayed)).await?;
        inventory = now;
    };
    let copied =
        rows::copy((source, target), &mut sessions, (&inventory, &kept), held, options, on_progress).await?;
    let on_left = |left| copied.indexes(left).into_iter().for_each(&mut *on_progress);
    indexes::make(&mut sessions, &inventory, &put_off, on_left).await?;
    kept::set_counters(&mut sessions, &inventory, &kept).await?;
    let code = Code::read(&mut sessions.catalog, &inventory).await?;
    code.routines(&mut sessions).await?;
    let copied = Copied {
        at: snapshot.at,
        executed: snapshot.executed,
        sent: copied.bytes,
        lock: snapshot.lock.or(copied.lock),
        kept: copied.kept,
    };
    Ok(Unfinished { copied, sessions, code })
}

/// What is copied, so that it will be the same on the target.
async fn everything(
    source: &impl Connect,
    (catalog, lives_longer): (&mut SqlWriter, bool),
    scope: &Scope,
) -> Result<Inventory, CopyError> {
    let mut inventory = Inventory::read(catalog, source.dialect(), &scope.databases).await?;
    if lives_longer {
        inventory.live_longer();
    }
    Ok(inventory)
}

/// A copy that has everything but what rests on it: views, triggers and events. Who made them may have to have the right
/// to what they use first.
#[derive(Debug)]
pub(crate) struct Unfinished {
    copied: Copied,
    sessions: Sessions,
    code: Code,
}

impl Unfinished {
    /// Makes the rest.
    ///
    /// # Errors
    /// As [`run`].
    pub(crate) async fn finish(mut self) -> Result<Copied, CopyError> {
        self.code.rest(&mut self.sessions).await?;
        Ok(self.copied)
    }
}

/// The limit of a statement that is expected to be quick.
const STATEMENT: Duration = limits::STATEMENT.time;
