//! What a step does to the ways by which servers replicate: access through packet filters, accounts, channels.

use super::{AccountChange, AccountTask, Action, Step};
use crate::firewall::FirewallChange;

/// What a step does to the ways by which servers replicate. The order of steps follows from it: what is added comes
/// first, then the moves, then what is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect<'a> {
    /// It adds a way, or what a way needs, and takes none.
    Adds,
    /// A server goes from one way to another, and may need the old one until then.
    Moves,
    /// A way ends.
    TakesAway(Taken<'a>),
    /// It has to do with the servers themselves.
    Neither,
}

/// What a step takes away. A later kind serves an earlier one, so it goes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken<'a> {
    /// A channel.
    Channel,
    /// An account.
    Account {
        /// The address from which it may log in.
        from: &'a str,
    },
    /// The way in clear text by an account that stays.
    ClearText {
        /// The address from which it may log in.
        from: &'a str,
    },
    /// The account of a host that is lost: no other one needs it.
    LostAccount,
    /// Access to a server's port.
    Access(&'a FirewallChange),
}

impl Taken<'_> {
    fn rank(self) -> u8 {
        match self {
            Taken::Channel => 0,
            Taken::Account { .. } | Taken::ClearText { .. } | Taken::LostAccount => 1,
            Taken::Access(_) => 2,
        }
    }

    /// Whether what another step takes away has to be gone before this.
    pub fn goes_after(self, other: Taken<'_>) -> bool {
        other.rank() < self.rank()
    }
}

impl Step {
    /// What it does to the ways by which servers replicate.
    pub fn effect(&self) -> Effect<'_> {
        match &self.action {
            Action::Firewall(change) if change.closes.is_some() => Effect::TakesAway(Taken::Access(change)),
            Action::Account(AccountChange { wish, task: AccountTask::RequireTls }) => {
                Effect::TakesAway(Taken::ClearText { from: &wish.host })
            }
            Action::DropAccount { host, .. } => Effect::TakesAway(Taken::Account { from: host }),
            Action::LockAccount { .. } | Action::KeepOut { .. } => Effect::TakesAway(Taken::LostAccount),
            Action::DropChannel(_) => Effect::TakesAway(Taken::Channel),
            Action::Firewall(_) | Action::Account(_) | Action::LetIn { .. } | Action::Database { .. } => {
                Effect::Adds
            }
            Action::Channel(_)
            | Action::CatchUp { .. }
            | Action::Switchover(_)
            | Action::Failover(_)
            | Action::Seed(_) => Effect::Moves,
            Action::Resource(_)
            | Action::InstallServer { .. }
            | Action::RemoveLeftovers { .. }
            | Action::Certificate(_)
            | Action::WriteOptionFile { .. }
            | Action::IncludeDirectory { .. }
            | Action::SetGlobal(_)
            | Action::GtidMode { .. }
            | Action::ResetPersisted(_)
            | Action::Restart { .. }
            | Action::StartService { .. }
            | Action::Heartbeat { .. }
            | Action::Events(_)
            | Action::SaveErrant { .. }
            | Action::RestoreRetention(_)
            | Action::RecordWriter(_)
            | Action::ForgetWriter { .. }
            | Action::CompareCopy(_) => Effect::Neither,
        }
    }

    /// Whether it changes how an account that is there logs in: whoever uses it as it was does not get in the next time.
    pub fn changes_login(&self) -> bool {
        matches!(&self.action, Action::Account(AccountChange { task: AccountTask::ChangeLogin, .. }))
    }

    /// Whether it takes something away.
    pub fn takes_away(&self) -> bool {
        matches!(self.effect(), Effect::TakesAway(_))
    }
}
