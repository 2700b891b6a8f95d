//! What was not put to the test, was left out, or went wrong while it was tried.

use std::time::Duration;

use crate::{
    dialect::OtherTypes,
    doctor::HostProblem,
    model::{HostName, coded},
};

/// What a remark is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// Everything that was asked for.
    Everything,
    /// The inventory.
    Inventory,
    /// All servers.
    Servers,
    /// A host.
    Host(HostName),
    /// A channel.
    Channel {
        /// The source.
        source: HostName,
        /// The replica.
        replica: HostName,
    },
    /// The tables of two hosts.
    Tables {
        /// One of them.
        one: HostName,
        /// The other.
        other: HostName,
    },
    /// A table, as `database.table`.
    Table(String),
    /// A table on two hosts.
    TableOf {
        /// As `database.table`.
        table: String,
        /// One of them.
        one: HostName,
        /// The other.
        other: HostName,
    },
}

impl About {
    /// Whether it is the tables of these two.
    pub fn is_tables_of(&self, a: &HostName, b: &HostName) -> bool {
        matches!(self, About::Tables { one, other } if (one, other) == (a, b) || (one, other) == (b, a))
    }
}

/// What leaves a table out of a channel: an option, by the server that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Of the source.
    Source(&'static str),
    /// Of the replica.
    Replica(&'static str),
}

coded! {
    /// Why something was not put to the test, was left out, or went wrong.
    pub enum Doubt {
        /// Servers are restarted only where replication runs before.
        RestartUntried = "restart-untried",
        /// The two hosts have no table.
        NoTables = "no-tables",
        /// Nobody could look at the channel.
        ReplicaNotRead {
            /// The replica.
            replica: HostName,
        } = "replica-not-read",
        /// A filter keeps the canary's database out.
        CanaryFiltered {
            /// That one.
            filter: Filter,
        } = "canary-filtered",
        /// No canary could be sent.
        CanaryNotSent = "canary-not-sent",
        /// No host whose canaries come along this channel is written to.
        NoCanary = "no-canary",
        /// The writer's server was not read.
        WriterNotRead = "writer-not-read",
        /// The writer is closed.
        WriterReadOnly = "writer-read-only",
        /// The writer has no binary log.
        WriterWithoutLog = "writer-without-log",
        /// A canary would come to a replica that has errant transactions, or may have.
        MayBreak {
            /// That one.
            replica: HostName,
        } = "may-break",
        /// A canary would come to a replica on two ways.
        TwoWays {
            /// That one.
            replica: HostName,
        } = "two-ways",
        /// Another writer has the same GTID domain.
        SharedDomain {
            /// The domain.
            domain: String,
            /// The other.
            other: HostName,
        } = "shared-domain",
        /// A channel's source is none of the hosts.
        SourceNotKnown {
            /// Where the channel leads.
            endpoint: String,
        } = "source-not-known",
        /// Nobody is there that a port is shut to.
        NoStranger = "no-stranger",
        /// A channel does not run.
        ChannelStopped = "channel-stopped",
        /// What is written on one does not come to the other.
        NoWayBack {
            /// Where it is written.
            from: HostName,
            /// Where it does not come.
            to: HostName,
        } = "no-way-back",
        /// Two hosts are that many seconds apart.
        FarApart {
            /// Seconds.
            delay: u64,
        } = "far-apart",
        /// Rows change faster than they can be read.
        RowsMove {
            /// How many; nothing where the table has no key.
            rows: Option<u64>,
        } = "rows-move",
        /// Too many of them at once.
        ManyRowsMove = "many-rows-move",
        /// A filter keeps a table out.
        TableFiltered {
            /// That one.
            filter: Filter,
            /// The source.
            source: HostName,
            /// The replica.
            replica: HostName,
        } = "table-filtered",
        /// A storage engine whose tables hold no rows.
        NoRowsOfItsOwn {
            /// The engine.
            engine: String,
        } = "no-rows-of-its-own",
        /// Rows of several sources meet in a table.
        SeveralSources {
            /// Where.
            replica: HostName,
            /// Another source.
            stranger: HostName,
        } = "several-sources",
        /// A column has two types.
        OtherTypes {
            /// The column.
            column: String,
            /// One host, and the type there.
            source: (HostName, String),
            /// The other.
            replica: (HostName, String),
        } = "other-types",
        /// A large table without a key.
        ReadInOneGo {
            /// Its rows, by the server's estimate.
            rows: u64,
        } = "read-in-one-go",
        /// The deletion of a canary did not arrive.
        CanaryLeft {
            /// Whose.
            writer: HostName,
            /// How long was waited.
            waited: Duration,
        } = "canary-left",
        /// Something failed.
        Failed {
            /// What was tried, and why it failed, in the words of who said so.
            why: String,
        } = "failed",
        /// No host replicates from another.
        NoChannel = "no-channel",
        /// Nothing of it could be put to the test.
        NothingTested = "nothing-tested",
    }
}

/// Something that is worth saying about a host, a channel or a table. In the document: `about`, `code`, `reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What it is about.
    pub about: About,
    /// What is said.
    pub why: Doubt,
}

impl Remark {
    /// Puts one together.
    pub fn new(about: About, why: Doubt) -> Self {
        Self { about, why }
    }
}

impl Doubt {
    /// A column of two types, on a source and its replica.
    pub fn other_types(types: &OtherTypes, (source, replica): (&HostName, &HostName)) -> Self {
        Doubt::OtherTypes {
            column: types.column.clone(),
            source: (source.clone(), types.source.clone()),
            replica: (replica.clone(), types.replica.clone()),
        }
    }
}

/// A host whose server does not run or was not read. In the document as a [`Remark`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRemark {
    /// The host.
    pub host: HostName,
    /// Why, where that is known.
    pub why: Option<HostProblem>,
}
