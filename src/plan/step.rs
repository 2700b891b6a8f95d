//! The vocabulary of a plan.

use super::{Action, Reason, Risk, State, StepId};
use crate::{
    model::{HostName, words},
    resource::KindName,
};

words! {
    /// What family a step belongs to. The order of the variants is the order in which a host's own
    /// steps are shown and, where nothing else decides, run.
    pub enum Kind: "a kind of step" {
        /// The packet filter.
        Firewall = "firewall",
        /// Packages of the host's package manager.
        Packages = "packages",
        /// A file that is not an option file.
        File = "file",
        /// A guarded command of a user's role.
        Command = "command",
        /// A parameter of the kernel.
        Sysctl = "sysctl",
        /// The one option file that tandem owns.
        OptionFile = "option-file",
        /// A replica waits until it has what its sources have, before it is written to.
        CatchUp = "catch-up",
        /// Another host takes the writes.
        Switchover = "switchover",
        /// A replica takes the writes of a host that is gone.
        Failover = "failover",
        /// A server variable that changes without a restart.
        Variable = "variable",
        /// The database service is started or restarted.
        Service = "service",
        /// An account and its privileges.
        Account = "account",
        /// Events run where clients write.
        Events = "events",
        /// A database.
        Database = "database",
        /// Transactions that only the host has are saved.
        Errant = "errant",
        /// The copy of a source's data.
        Seed = "seed",
        /// A replication channel.
        Channel = "channel",
        /// A copy is compared with its source.
        Compare = "compare",
        /// The row by which lag is measured.
        Heartbeat = "heartbeat",
        /// The unit that opens the recorded writer after a start of its server.
        RoleUnit = "role-unit",
        /// A job of cron.
        Cron = "cron",
    }
}

impl From<KindName> for Kind {
    fn from(kind: KindName) -> Self {
        match kind {
            KindName::Packages => Kind::Packages,
            KindName::File => Kind::File,
            KindName::Service => Kind::Service,
            KindName::Command => Kind::Command,
            KindName::Sysctl => Kind::Sysctl,
            KindName::Cron => Kind::Cron,
        }
    }
}

/// One thing that will be done on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name in the plan.
    pub id: StepId,
    /// Where.
    pub host: HostName,
    /// The family.
    pub kind: Kind,
    /// Why.
    pub reason: Vec<Reason>,
    /// What is there now, without secrets.
    pub before: Option<State>,
    /// What will be there, without secrets.
    pub after: Option<State>,
    /// What it can disrupt.
    pub risk: Vec<Risk>,
    /// What must be done first.
    pub requires: Vec<StepId>,
    /// What the executor does.
    pub action: Action,
}

impl Step {
    /// Whether it lets clients write to a host.
    pub fn opens(&self, host: &HostName) -> bool {
        let switches = matches!(self.action, Action::Switchover(_) | Action::Failover(_));
        self.host == *host && (switches || self.action.sets_read_only("OFF"))
    }

    /// Whether clients can write to a host no more after it.
    pub fn closes(&self, host: &HostName) -> bool {
        match &self.action {
            Action::Switchover(plan) => plan.from == *host,
            action => self.host == *host && action.sets_read_only("ON"),
        }
    }

    /// The hosts that it changes: its own, and those from which it copies.
    pub fn touches(&self) -> Vec<HostName> {
        let mut hosts = vec![self.host.clone()];
        if let Action::Seed(plan) = &self.action {
            hosts.extend([plan.from.clone(), plan.donor.clone()]);
            hosts.extend(plan.ends.iter().map(|end| end.host.clone()));
        }
        if let Action::Switchover(plan) = &self.action {
            hosts.push(plan.from.clone());
            hosts.extend(plan.hops.iter().map(|hop| hop.to.clone()));
        }
        if let Action::Failover(plan) = &self.action {
            hosts.extend(plan.receivers.iter().map(|receiver| receiver.host.clone()));
            hosts.extend(plan.hops.iter().map(|hop| hop.to.clone()));
        }
        hosts.sort();
        hosts.dedup();
        hosts
    }
}
