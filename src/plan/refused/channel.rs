//! Channels, their ends' accounts, and what two servers are not alike in.

use crate::{
    dialect::CannotFollow,
    doctor::Explanation,
    grant::Unfit,
    model::{HostName, Place, ServerVersion, coded},
};

coded! {
    /// Why a channel is not made or changed.
    pub enum ChannelRefused {
        /// It has stopped on an error that no step repairs.
        Broken {
            /// The source.
            source: HostName,
            /// The error, its cause and the way out.
            fault: Box<Explanation>,
            /// Whether a copy would help that a role makes.
            or_copy: bool,
            /// The statement that has it tried again, where that can help.
            start: Option<String>,
        } = "channel-broken",
        /// Filters of one channel can't be set on this version.
        Filter = "channel-filter",
        /// `gtid_mode` is declared off, and channels are declared with GTIDs.
        GtidModeOff {
            /// Where it is declared.
            place: Place,
        } = "gtid-mode-off",
        /// The host that is to be written to has a delayed channel on its way.
        DelayedTakeover {
            /// The replica whose channel is delayed.
            slow: HostName,
            /// By so many seconds.
            delay: u64,
            /// The statements that end the delay: the new topology has no channel any more that could declare it.
            ending: Vec<String>,
        } = "delayed-takeover",
        /// More than one host takes writes, and one is to take them over from another.
        WritersNotOne {
            /// The hosts.
            writers: Vec<HostName>,
            /// Where it is declared that some of them are to stay open.
            open_at: Vec<Place>,
        } = "writers-not-one",
        /// Transactions that are prepared by XA wait on the old writer for their end: it could come to no host any more.
        XaPrepared {
            /// The old writer.
            on: HostName,
            /// Their names.
            names: Vec<String>,
        } = "xa-prepared",
        /// What a lost source has sent is not executed, as somebody has stopped the applier.
        ApplierStopped {
            /// The replica.
            slow: HostName,
            /// The statements by which it is executed, without a receiver.
            ending: Vec<String>,
        } = "applier-stopped",
        /// Clients would meet another server: what they write would be taken, rounded or sorted otherwise.
        OtherParameters {
            /// The old writer.
            from: HostName,
            /// Each variable, with the old writer's value and that of the host that is to be written to.
            values: Vec<(String, String, String)>,
        } = "other-parameters",
        /// A channel by file and position would be changed, and does not say where it stands.
        PlaceLost {
            /// The source.
            source: HostName,
            /// The statements that give it a place, which is to be filled in.
            statement: String,
        } = "place-lost",
        /// The server's version has one channel, without a name.
        OneChannel {
            /// The version.
            version: ServerVersion,
            /// So many are declared.
            channels: usize,
            /// One that has a name.
            named: Option<String>,
        } = "one-channel-only",
        /// The server's version changes `gtid_mode` with a restart only, and others replicate from it, or it from others.
        GtidModeOffline {
            /// The version.
            version: ServerVersion,
            /// Where it is declared.
            place: Place,
        } = "gtid-mode-offline",
        /// Encryption is declared, and the server's version would not encrypt.
        OldTls {
            /// The version.
            version: ServerVersion,
            /// Why not.
            why: OldTls,
        } = "tls-too-old",
        /// A channel by which the last events would come has stopped on an error.
        TargetBroken {
            /// The replica whose channel it is.
            slow: HostName,
            /// The source.
            source: HostName,
            /// The error, its cause and the way out.
            fault: Box<Explanation>,
        } = "target-broken",
        /// The host that is to be written to is too far behind.
        TargetBehind {
            /// The replica that is behind.
            slow: HostName,
            /// Its source.
            source: HostName,
            /// By so many seconds.
            behind: u64,
        } = "target-behind",
        /// The password is longer than what this server keeps.
        PasswordTooLong {
            /// The source.
            source: HostName,
            /// Bytes that it keeps.
            longest: usize,
            /// Where the password is declared.
            place: Place,
        } = "password-too-long",
        /// Encryption is declared, and the source has no certificate.
        NoCertificate {
            /// Whether it would get one, if only a role wrote its option file.
            issued: bool,
        } = "tls-without-certificate",
        /// The source is to be verified, and the replica has no authority to verify it by.
        NoAuthority {
            /// The authority's file, which is not there.
            file: String,
        } = "tls-without-authority",
        /// The account is for a name, and the server looks up none.
        AccountForAName {
            /// Its user.
            user: String,
            /// Its host part.
            at: String,
        } = "account-for-a-name",
        /// The source has no such account, and no role makes one.
        NoAccount {
            /// The source.
            source: HostName,
            /// Its user.
            user: String,
        } = "no-account",
        /// The account does not let the replica in, and no role corrects it.
        AccountUnfit {
            /// The source.
            source: HostName,
            /// Its user.
            user: String,
            /// Its host part.
            at: String,
            /// Why it does not.
            why: Unfit,
        } = "account-unfit",
    }
}

coded! {
    /// Why a server can't follow another one.
    pub enum PairRefused {
        /// By their versions.
        Versions(CannotFollow) = "versions-cannot-replicate",
        /// They do not agree on which table a name means.
        TableNames {
            /// The variable on both hosts.
            values: [(HostName, String); 2],
        } = "lower-case-table-names",
        /// The source's tables use collations that the replica does not have.
        Collation {
            /// The collations.
            names: Vec<String>,
            /// The replica's version.
            version: ServerVersion,
        } = "unknown-collation",
    }
}

/// Why a server of an old version would not encrypt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldTls {
    /// It can't load the certificate that it would get.
    Certificate,
    /// As a replica it encrypts only where an authority is named.
    NoAuthority,
}
