//! The causes for which a channel does not run, each with its layer. Values; `words` has the sentences.

use super::{Layer, WhyDown};
use crate::model::{Endpoint, ThreadState, coded, families};

/// Why a channel does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// No connection comes about.
    Connection(ConnectionCause),
    /// The source does not let the account in, or not so.
    Login(LoginCause),
    /// The two servers can't be told apart, or something is wrong with a channel's own record.
    Channel(ChannelCause),
    /// The source can't send its binary log.
    Binlog(BinlogCause),
    /// The applier as a whole stands still.
    Applier(ApplierCause),
    /// One event does not fit the replica's data.
    Data(DataCause),
}

families! { Cause:
    Connection(ConnectionCause), Login(LoginCause), Channel(ChannelCause), Binlog(BinlogCause),
    Applier(ApplierCause), Data(DataCause),
}

coded! {
    /// Why no connection comes about.
    pub enum ConnectionCause {
        /// The source's address is a name that the replica can't resolve.
        UnknownName {
            /// The name.
            address: String,
        } = "address-unknown",
        /// The source's server does not run.
        SourceDown {
            /// Why, where that is known.
            because: Option<Box<WhyDown>>,
        } = "source-down",
        /// The last attempt failed; another would not.
        AnswersAgain {
            /// Where the source is reached.
            end: Endpoint,
        } = "source-answers-again",
        /// Nothing listens at the port.
        Refused {
            /// Where the source is reached.
            end: Endpoint,
        } = "connection-refused",
        /// No route leads to the address.
        NoRoute {
            /// Where the source is reached.
            end: Endpoint,
        } = "no-route-to-source",
        /// Nobody answers.
        NoAnswer {
            /// Where the source is reached.
            end: Endpoint,
        } = "source-silent",
    }
}

coded! {
    /// Why the source does not let the account in.
    pub enum LoginCause {
        /// No account is there for the replica's address.
        NoAccount = "address-not-allowed",
        /// The account is missing, or the password is another one.
        Refused {
            /// The account's user.
            user: String,
        } = "login-refused",
        /// The account is locked.
        Locked {
            /// Its user.
            user: String,
        } = "account-locked",
        /// Its password has expired, and a replica can't change it.
        Expired {
            /// Its user.
            user: String,
        } = "password-expired",
        /// A limit of the account is reached.
        Limited {
            /// Its user.
            user: String,
        } = "account-limited",
        /// The account may log in and no more.
        NoPrivilege {
            /// Its user.
            user: String,
        } = "privilege-missing",
        /// The account is made for a plugin that one of the servers does not have.
        OldPlugin {
            /// Its user.
            user: String,
        } = "login-plugin-gone",
        /// The password is taken over an encrypted connection only.
        NeedsTls {
            /// The account's user.
            user: String,
        } = "password-needs-tls",
        /// The source offers no encryption.
        NoTls = "tls-not-offered",
        /// The encrypted connection fails.
        TlsFails = "tls-fails",
    }
}

coded! {
    /// What is wrong with the channel as such.
    pub enum ChannelCause {
        /// Somebody stopped it.
        Stopped {
            /// The receiver.
            receiver: ThreadState,
            /// The applier.
            applier: ThreadState,
        } = "channel-stopped",
        /// Both servers have one `server_uuid`.
        SameUuid = "server-uuid-equal",
        /// Both servers have one `server_id` or `server_uuid`.
        SameId = "server-id-equal",
        /// Another replica of the source has the same ids.
        TwoReplicas = "replica-id-equal",
        /// `gtid_mode` of the two servers does not fit together.
        GtidModes = "gtid-modes-differ",
        /// The replica can't read its record of the channel.
        RecordUnreadable = "channel-record-unreadable",
        /// The receiver's error is none of those that are known here.
        NotKnown = "receiver-error",
    }
}

coded! {
    /// Why the source can't send what the replica needs.
    pub enum BinlogCause {
        /// The binary log is gone.
        Purged = "binlog-purged",
        /// The binary log ends before the replica's position.
        EndsBefore = "binlog-ends-before",
        /// The source writes none.
        NotWritten = "binlog-off",
        /// The binary log is damaged.
        Damaged = "binlog-damaged",
        /// Transactions in it have no GTID.
        WithoutGtid = "binlog-without-gtid",
        /// An event is too large.
        TooLarge {
            /// The variable that limits it on the replica.
            variable: &'static str,
        } = "event-too-large",
        /// The replica has transactions that the source never had.
        ReplicaAhead = "replica-has-more",
        /// The replica has transactions that the source has lost.
        SourceLost = "source-lost-transactions",
    }
}

coded! {
    /// Why the applier as a whole stands still.
    pub enum ApplierCause {
        /// The relay log can't be found or read.
        RelayLogLost = "relay-log-lost",
        /// An event could not be written to the relay log.
        RelayLogNotWritten = "relay-log-not-written",
        /// The workers stopped; why stands elsewhere.
        WorkersStopped = "workers-stopped",
        /// An event can't be executed by several workers.
        NotParallel = "event-not-parallel",
        /// Workers left gaps.
        Gaps = "workers-left-gaps",
        /// A transaction can't be executed under one GTID.
        NotConsistent = "gtid-inconsistent",
        /// One GTID stands for several statements.
        OneGtidForMany = "gtid-used-twice",
    }
}

coded! {
    /// Why one event does not fit the replica's data.
    pub enum DataCause {
        /// The row is there already.
        DuplicateRow = "row-exists",
        /// The row is not there.
        MissingRow = "row-missing",
        /// An account is on one side only.
        Account = "accounts-differ",
        /// A grant is for an account that is not there.
        Grant = "grant-without-account",
        /// A column does not take the value.
        Value = "column-refuses-value",
        /// A foreign key is against it.
        ForeignKey = "foreign-key",
        /// A table, column or database differs.
        Schema = "schema-differs",
        /// The replica has written in the source's GTID domain.
        Domain = "gtid-domain-taken",
        /// The event's error is none of those that are known here.
        NotKnown = "event-error",
    }
}

impl Cause {
    /// Its code, stable from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            Cause::Connection(why) => why.code(),
            Cause::Login(why) => why.code(),
            Cause::Channel(why) => why.code(),
            Cause::Binlog(why) => why.code(),
            Cause::Applier(why) => why.code(),
            Cause::Data(why) => why.code(),
        }
    }

    /// The codes of all causes.
    pub fn codes() -> Vec<&'static str> {
        [
            ConnectionCause::CODES,
            LoginCause::CODES,
            ChannelCause::CODES,
            BinlogCause::CODES,
            ApplierCause::CODES,
            DataCause::CODES,
        ]
        .concat()
    }

    /// The layer that fails.
    pub fn layer(&self) -> Layer {
        match self {
            Cause::Connection(why) => why.layer(),
            Cause::Login(why) => why.layer(),
            Cause::Channel(why) => why.layer(),
            Cause::Binlog(BinlogCause::ReplicaAhead | BinlogCause::SourceLost) | Cause::Data(_) => {
                Layer::Data
            }
            Cause::Binlog(_) => Layer::Binlog,
            Cause::Applier(why) => why.layer(),
        }
    }

    /// Whether the channel goes on by itself once the cause is gone.
    pub fn heals(&self) -> bool {
        matches!(self, Cause::Connection(_) | Cause::Login(_) | Cause::Channel(ChannelCause::Stopped { .. }))
    }

    /// Whether nothing but another start shows that it is over: a full disk, a lock that was waited for too long, ids or limits
    /// that were made to fit meanwhile. The server keeps the error until then.
    pub fn shows_at_start(&self) -> bool {
        match self {
            Cause::Channel(why) => !matches!(why, ChannelCause::TwoReplicas | ChannelCause::RecordUnreadable),
            Cause::Binlog(why) => matches!(why, BinlogCause::TooLarge { .. }),
            Cause::Applier(why) => matches!(
                why,
                ApplierCause::WorkersStopped | ApplierCause::NotParallel | ApplierCause::NotConsistent
            ),
            Cause::Data(why) => matches!(why, DataCause::NotKnown),
            Cause::Connection(_) | Cause::Login(_) => false,
        }
    }

    /// Whether only a new copy brings the channel on again.
    pub fn needs_copy(&self) -> bool {
        matches!(
            self,
            Cause::Binlog(
                BinlogCause::Purged
                    | BinlogCause::EndsBefore
                    | BinlogCause::NotWritten
                    | BinlogCause::Damaged
                    | BinlogCause::WithoutGtid
            )
        )
    }
}

impl ConnectionCause {
    fn layer(&self) -> Layer {
        match self {
            ConnectionCause::UnknownName { .. } | ConnectionCause::NoRoute { .. } => Layer::Address,
            ConnectionCause::SourceDown { .. } => Layer::Server,
            ConnectionCause::AnswersAgain { .. } => Layer::Reconnecting,
            ConnectionCause::Refused { .. } => Layer::Port,
            ConnectionCause::NoAnswer { .. } => Layer::Firewall,
        }
    }
}

impl LoginCause {
    fn layer(&self) -> Layer {
        match self {
            LoginCause::NoAccount
            | LoginCause::Locked { .. }
            | LoginCause::Limited { .. }
            | LoginCause::OldPlugin { .. } => Layer::Account,
            LoginCause::Refused { .. } | LoginCause::Expired { .. } => Layer::Password,
            LoginCause::NoPrivilege { .. } => Layer::Privilege,
            LoginCause::NeedsTls { .. } | LoginCause::NoTls | LoginCause::TlsFails => Layer::Tls,
        }
    }
}

impl ChannelCause {
    fn layer(&self) -> Layer {
        match self {
            ChannelCause::Stopped { .. } => Layer::Stopped,
            ChannelCause::SameUuid | ChannelCause::SameId | ChannelCause::TwoReplicas => Layer::Identity,
            // Settings differ and no data are known to, so this must not look as if a new copy would mend it.
            ChannelCause::GtidModes | ChannelCause::RecordUnreadable | ChannelCause::NotKnown => {
                Layer::Unknown
            }
        }
    }
}

impl ApplierCause {
    fn layer(&self) -> Layer {
        match self {
            ApplierCause::RelayLogLost | ApplierCause::RelayLogNotWritten => Layer::RelayLog,
            ApplierCause::WorkersStopped | ApplierCause::NotParallel | ApplierCause::Gaps => Layer::Unknown,
            ApplierCause::NotConsistent | ApplierCause::OneGtidForMany => Layer::Data,
        }
    }
}
