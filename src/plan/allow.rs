//! The words of `--allow`: what may hurt is allowed by name.

use crate::model::words;

words! {
    /// A word of `--allow`.
    pub enum Allow: "something to allow" {
        /// A server that has client sessions is restarted.
        Restart = "restart",
        /// Connected clients are cut off by the packet filter.
        CutClients = "cut-clients",
        /// A replica's own data is replaced.
        Reseed = "reseed",
        /// A server's binary logs start over, or go on under another name.
        ResetBinlogs = "reset-binlogs",
        /// An account is dropped.
        DropAccount = "drop-account",
        /// A channel that nobody declared ends.
        DropChannel = "drop-channel",
        /// A line is added to an option file that is not tandem's.
        EditOptionFile = "edit-option-file",
        /// The authority that the servers trust is replaced by another one.
        NewAuthority = "new-authority",
        /// Accounts that may write past `read_only` are locked on the host that takes no more writes.
        LockAccounts = "lock-accounts",
        /// A replica takes the writes of a host that is gone, though nothing makes sure that it takes none any more.
        Unfenced = "unfenced",
        /// Transactions that only a host has which comes back are given up; they are saved there first.
        DiscardErrant = "discard-errant",
        /// A replica that could not be read is left out where another one takes the writes of a lost host.
        SkipUnread = "skip-unread",
    }
}
