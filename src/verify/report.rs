//! What was proven, as one value for people and machines.

use serde::Serialize;

use super::written::{
    collision_in_words, hosts_in_words, port_in_words, remarks_in_words, restart_in_words, table_in_words,
    unmatched_in_words, unproven_in_words, vantage_in_words,
};
use crate::{
    exec::StepError,
    model::{ChannelState, HostName},
    proof::{
        About, Collision, Counting, Doubt, HostRemark, PortOutcome, Remark, RestartProblem, TableProblem,
        Unmatched, Unproven, Vantage,
    },
};

/// What `verify` has found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct VerifyReport {
    /// A minor step only adds, a major one may change what is there.
    pub format_version: &'static str,
    /// Whether everything that could be put to the test is proven.
    pub proven: bool,
    /// Servers that do not run.
    #[serde(serialize_with = "hosts_in_words")]
    pub down: Vec<HostRemark>,
    /// Hosts that could not be read.
    #[serde(serialize_with = "hosts_in_words")]
    pub not_read: Vec<HostRemark>,
    /// Channels: their threads, and a canary row along each.
    pub channels: Vec<ChannelProof>,
    /// Numbers that several writers give out; absent where there is one writer.
    pub ids: Option<IdsProof>,
    /// Ports, from the side of those who use them and of those who shall not.
    pub ports: Vec<PortProof>,
    /// Restarts, where they were asked for.
    pub restarts: Vec<RestartProof>,
    /// Tables, by pairs of hosts.
    pub data: Vec<DataProof>,
    /// What could not be put to the test, and why.
    #[serde(serialize_with = "remarks_in_words")]
    pub not_provable: Vec<Remark>,
    /// What went wrong while it was tried.
    #[serde(serialize_with = "remarks_in_words")]
    pub errors: Vec<Remark>,
    /// Names and patterns of the command line that fit no table.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "unmatched_in_words")]
    pub unmatched: Vec<Unmatched>,
}

/// How a proof ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Proven,
    /// It does not hold.
    Failed,
    /// It could not be put to the test.
    NotProvable,
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelProof {
    /// The source.
    pub source: HostName,
    /// The replica.
    pub replica: HostName,
    /// The channel's name; empty for the default one.
    pub name: String,
    /// Whether a file declares it; absent where no playbook was given.
    pub declared: Option<bool>,
    /// How it ended.
    pub verdict: Verdict,
    /// `running`, or what `status` says instead.
    pub threads: ChannelState,
    /// Delay that was asked for, in seconds.
    pub delay_seconds: u64,
    /// The writer whose canary went along this channel.
    pub canary_from: Option<HostName>,
    /// Milliseconds from that writer's answer until the row was seen on the replica.
    pub canary_ms: Option<u64>,
    /// What is wrong; in the document `code`, `problem` and what to do as `next`.
    #[serde(flatten, serialize_with = "unproven_in_words")]
    pub problem: Option<Unproven>,
}

/// Numbers that several writers give out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdsProof {
    /// How it ended.
    pub verdict: Verdict,
    /// How each writer counts.
    pub writers: Vec<Counting>,
    /// Rows that all writers inserted at the same time.
    pub inserted: u64,
    /// What is wrong; in the document `code` and `problem`.
    #[serde(flatten, serialize_with = "collision_in_words")]
    pub problem: Option<Collision>,
}

/// One port, tried from one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortProof {
    /// How it ended.
    pub verdict: Verdict,
    /// Who tried: a host, or `this machine`.
    #[serde(serialize_with = "vantage_in_words")]
    pub from: Vantage,
    /// Whose port.
    pub host: HostName,
    /// Address and port.
    pub endpoint: String,
    /// Whether it should be open from there.
    pub wished_open: bool,
    /// What happened; in the document `said`.
    #[serde(rename = "said", serialize_with = "port_in_words")]
    pub outcome: PortOutcome,
}

/// One restart of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestartProof {
    /// The host.
    pub host: HostName,
    /// How it ended.
    pub verdict: Verdict,
    /// Milliseconds until the server answered again.
    pub away_ms: u64,
    /// Milliseconds until a row went along every channel of this host again.
    pub back_ms: Option<u64>,
    /// What is wrong; in the document `code` and `problem`.
    #[serde(flatten, serialize_with = "restart_in_words")]
    pub problem: Option<RestartProblem>,
}

/// The tables of two hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataProof {
    /// One host.
    pub source: HostName,
    /// The other, which replicates from it.
    pub replica: HostName,
    /// Whether the first replicates from the other too.
    pub mutual: bool,
    /// How it ended.
    pub verdict: Verdict,
    /// Tables that were compared.
    pub tables: u64,
    /// Rows in them, on the source.
    pub rows: u64,
    /// Pieces in which they were compared.
    pub chunks: u64,
    /// Pieces that differed while rows were on their way, and were the same at one position.
    pub settled: u64,
    /// Milliseconds that it took.
    pub took_ms: u64,
    /// Tables that differ.
    pub differing: Vec<TableDifference>,
    /// Tables that were not compared, and why.
    #[serde(serialize_with = "remarks_in_words")]
    pub left_out: Vec<Remark>,
    /// What is worth knowing of tables that were compared.
    #[serde(serialize_with = "remarks_in_words")]
    pub notes: Vec<Remark>,
}

impl DataProof {
    /// Before anything was compared.
    pub fn of(source: &HostName, replica: &HostName, mutual: bool) -> Self {
        Self {
            source: source.clone(),
            replica: replica.clone(),
            mutual,
            verdict: Verdict::Proven,
            tables: 0,
            rows: 0,
            chunks: 0,
            settled: 0,
            took_ms: 0,
            differing: Vec::new(),
            left_out: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// A table that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableDifference {
    /// As `database.table`.
    pub table: String,
    /// What differs, where it is not rows; in the document `code` and `problem`.
    #[serde(flatten, serialize_with = "table_in_words")]
    pub problem: Option<TableProblem>,
    /// Rows that differ.
    pub count: u64,
    /// Whether there are more, since the search was ended.
    pub at_least: bool,
    /// Where the source's binary log stood that the replica had executed when the rows still differed.
    pub position: Option<String>,
    /// The first of the rows.
    pub rows: Vec<RowDifference>,
}

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowDifference {
    /// Columns of the key, with their values.
    pub key: Vec<(String, String)>,
    /// Where the row is.
    pub kind: RowKind,
    /// Columns that differ; of a row that is on one side only, all but the key.
    pub columns: Vec<ColumnDifference>,
}

/// Where a row is that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// On both sides, with other values.
    Changed,
    /// On the source only.
    MissingOnReplica,
    /// On the replica only.
    MissingOnSource,
}

/// A column that differs in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnDifference {
    /// Its name.
    pub name: String,
    /// The source's value, shortened; absent for NULL or where there is no row.
    pub source: Option<String>,
    /// The replica's.
    pub replica: Option<String>,
}

impl VerifyReport {
    /// Whether anything at all is proven.
    pub fn proves_anything(&self) -> bool {
        let proven = |verdict: Verdict| verdict == Verdict::Proven;
        self.channels.iter().any(|c| proven(c.verdict))
            || self.ids.as_ref().is_some_and(|i| proven(i.verdict))
            || self.data.iter().any(|d| proven(d.verdict))
    }

    /// Whether something that was put to the test does not hold.
    pub fn failed(&self) -> bool {
        let failed = |verdict: Verdict| verdict == Verdict::Failed;
        !self.down.is_empty()
            || self.channels.iter().any(|c| failed(c.verdict))
            || self.ids.as_ref().is_some_and(|i| failed(i.verdict))
            || self.ports.iter().any(|p| failed(p.verdict))
            || self.restarts.iter().any(|r| failed(r.verdict))
            || self.data.iter().any(|d| failed(d.verdict))
    }
}

/// What failed on a host, in the words of who said so.
impl From<&StepError> for Remark {
    fn from(error: &StepError) -> Self {
        Self::new(About::Host(error.host.clone()), Doubt::Failed { why: error.without_host().to_string() })
    }
}
