//! What errant transactions mean, and the ways out, as values. `words` has the sentences. Pure.

use crate::{
    dialect::Dialect,
    gtid::{GtidForm, Transactions},
    model::{HostName, coded},
    observe::{ErrantFacts, ErrantKind},
};

/// Whether a copy of its source would rid a replica of its errant transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copying {
    /// No playbook was given.
    Unknown,
    /// The playbook does not say how it would be made.
    NoRole,
    /// It would.
    Helps,
    /// It would be loaded beside other sources' data, or there is nothing to copy: the ids stay.
    Useless,
}

impl Copying {
    /// What a playbook says of a replica with so many sources.
    pub(crate) fn of(declared: bool, seeds: usize, sources: usize) -> Self {
        match (declared, seeds, sources) {
            (false, ..) => Copying::Unknown,
            (true, 0, _) => Copying::NoRole,
            (true, _, 0 | 1) => Copying::Helps,
            (true, ..) => Copying::Useless,
        }
    }
}

/// What surrounds a finding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrantContext<'a> {
    /// The replica.
    pub replica: &'a HostName,
    /// Its server's words.
    pub dialect: Dialect,
    /// The name of its channel.
    pub channel: &'a str,
    /// Whether a copy of its source helps.
    pub copying: Copying,
    /// Whether others replicate from it.
    pub has_replicas: bool,
}

/// What was found on a replica, and the ways out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrantExplanation {
    /// The replica.
    pub replica: HostName,
    /// What was found.
    pub found: ErrantFacts,
    /// The ways out.
    pub repairs: Vec<ErrantRepair>,
}

impl ErrantExplanation {
    /// Its code, stable from version to version.
    pub fn code(&self) -> &'static str {
        self.found.kind.code()
    }

    /// Whether the transactions are errant for certain. Where a server writes no GTIDs, nothing tells.
    pub fn is_certain(&self) -> bool {
        self.found.kind != ErrantKind::WithoutGtid
    }
}

coded! {
    /// A way out of errant transactions. A copy of the source keeps the replica's old data in a file.
    pub enum ErrantRepair {
        /// Save them as SQL, then replace the replica's data with a copy.
        SaveAndCopy {
            /// The replica.
            replica: HostName,
        } = "save-and-copy",
        /// Replace the replica's data with a copy.
        Copy {
            /// The replica.
            replica: HostName,
            /// Whether the playbook lacks the role that says how it is made.
            add_role: bool,
            /// What is lost by it.
            loses: CopyLoses,
        } = "copy",
        /// Run the same statements on the sources under the same ids.
        Repeat {
            /// The replica.
            replica: HostName,
            /// Its sources.
            sources: Vec<HostName>,
        } = "repeat",
        /// Undo them on the replica, and put empty transactions of their ids on the sources.
        Empty {
            /// The replica.
            replica: HostName,
            /// Its sources.
            sources: Vec<HostName>,
        } = "empty",
        /// Undo them on the replica and run them on the sources, from where they come back.
        Return {
            /// How the replica forgets them.
            forget: Forget,
            /// Its sources.
            sources: Vec<HostName>,
        } = "return",
        /// Undo them on the replica, which forgets them.
        Forget {
            /// How.
            forget: Forget,
            /// The ids.
            ids: Transactions,
        } = "forget",
        /// Let the one that has lost them be the replica.
        Exchange {
            /// The one that has lost them.
            lost: HostName,
            /// The one that still has them.
            replica: HostName,
        } = "exchange",
        /// Compare the tables, and ignore the finding where they are equal.
        Compare {
            /// The replica.
            replica: HostName,
            /// Its sources.
            sources: Vec<HostName>,
        } = "compare",
    }
}

/// What a copy over a replica's data loses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyLoses {
    /// What the errant transactions did.
    TheirChanges,
    /// What a host upstream no longer has.
    LostBy(HostName),
    /// What only the replica has.
    OwnData,
}

/// How a replica forgets transactions: its binary logs start over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forget {
    /// The replica.
    pub replica: HostName,
    /// The statements, once the changes are undone.
    pub statements: [String; 3],
    /// Whether others replicate from it, so that they lose their positions.
    pub has_replicas: bool,
}

/// Explains a finding.
pub(crate) fn explain_errant(errant_context: ErrantContext<'_>, finding: &ErrantFacts) -> ErrantExplanation {
    let repairs = match &finding.kind {
        ErrantKind::OnlyHere => only_here(errant_context, finding),
        ErrantKind::LostBySource(lost) => {
            let exchange =
                ErrantRepair::Exchange { lost: lost.clone(), replica: errant_context.replica.clone() };
            copy(errant_context, CopyLoses::LostBy(lost.clone())).into_iter().chain([exchange]).collect()
        }
        ErrantKind::WithoutGtid => {
            let sources = finding.sources.clone();
            let compare = ErrantRepair::Compare { replica: errant_context.replica.clone(), sources };
            std::iter::once(compare).chain(copy(errant_context, CopyLoses::OwnData)).collect()
        }
    };
    ErrantExplanation { replica: errant_context.replica.clone(), found: finding.clone(), repairs }
}

/// The copy, unless it would not help.
fn copy(errant_context: ErrantContext<'_>, loses: CopyLoses) -> Option<ErrantRepair> {
    let add_role = errant_context.copying == Copying::NoRole;
    let replica = errant_context.replica.clone();
    (errant_context.copying != Copying::Useless).then_some(ErrantRepair::Copy { replica, add_role, loses })
}

fn only_here(errant_context: ErrantContext<'_>, finding: &ErrantFacts) -> Vec<ErrantRepair> {
    let ErrantContext { replica, dialect, channel, .. } = errant_context;
    let sources = || finding.sources.clone();
    let by_hand = match dialect.gtid_form() {
        GtidForm::Sets => {
            let replica = || replica.clone();
            [
                ErrantRepair::Repeat { replica: replica(), sources: sources() },
                ErrantRepair::Empty { replica: replica(), sources: sources() },
            ]
        }
        GtidForm::Positions => {
            let forget = Forget {
                replica: replica.clone(),
                statements: [
                    dialect.stop_channel(channel),
                    dialect.reset_binlogs().to_owned(),
                    dialect.start_channel(channel),
                ],
                has_replicas: errant_context.has_replicas,
            };
            [
                ErrantRepair::Return { forget: forget.clone(), sources: sources() },
                ErrantRepair::Forget { forget, ids: finding.transactions.clone() },
            ]
        }
    };
    let save = (errant_context.copying == Copying::Helps)
        .then(|| ErrantRepair::SaveAndCopy { replica: replica.clone() });
    save.into_iter().chain(copy(errant_context, CopyLoses::TheirChanges)).chain(by_hand).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        gtid::{Errant, Transactions},
        model::ServerVersion,
    };

    const MARIADB: &str = "10.11.19-MariaDB";
    const MYSQL: &str = "9.7.4";

    fn repairs(version: &str, copying: Copying, kind: ErrantKind) -> Vec<ErrantRepair> {
        let replica = "db-b".into();
        let dialect = Dialect::of(ServerVersion::parse(version).expect("a version"));
        let errant_context =
            ErrantContext { replica: &replica, dialect, channel: "", copying, has_replicas: true };
        let one = Errant { domain: 0, server: 41, after: 0, up_to: 1 };
        let finding = ErrantFacts {
            kind,
            sources: vec!["db-a".into()],
            transactions: Transactions::MariaDb(vec![one]),
            events: Vec::new(),
            undecoded: None,
        };
        explain_errant(errant_context, &finding).repairs
    }

    fn copy(add_role: bool, loses: CopyLoses) -> ErrantRepair {
        ErrantRepair::Copy { replica: "db-b".into(), add_role, loses }
    }

    #[test]
    fn what_only_the_replica_has_is_saved_kept_or_undone() {
        let here = |version, copying| repairs(version, copying, ErrantKind::OnlyHere);
        let (replica, sources) = (|| "db-b".into(), || vec!["db-a".into()]);
        let by_ids = [
            ErrantRepair::Repeat { replica: replica(), sources: sources() },
            ErrantRepair::Empty { replica: replica(), sources: sources() },
        ];
        let save = ErrantRepair::SaveAndCopy { replica: replica() };
        let all = here(MYSQL, Copying::Helps);
        assert_eq!(all[..2], [save, copy(false, CopyLoses::TheirChanges)]);
        assert_eq!(all[2..], by_ids);
        assert_eq!(here(MYSQL, Copying::Useless), by_ids);
        let no_role = here(MARIADB, Copying::NoRole);
        assert_eq!(no_role[0], copy(true, CopyLoses::TheirChanges));
        let forget = Forget {
            replica: replica(),
            statements: ["STOP SLAVE", "RESET MASTER", "START SLAVE"].map(str::to_owned),
            has_replicas: true,
        };
        assert_eq!(no_role[1], ErrantRepair::Return { forget, sources: sources() });
        assert!(matches!(&no_role[2..], [ErrantRepair::Forget { .. }]), "{no_role:?}");
    }

    #[test]
    fn who_has_lost_them_may_be_the_replica_and_what_nothing_tells_is_compared() {
        let lost = || HostName::from("db-a");
        let ways = repairs(MARIADB, Copying::Unknown, ErrantKind::LostBySource(lost()));
        let exchange = ErrantRepair::Exchange { lost: lost(), replica: "db-b".into() };
        assert_eq!(ways, [copy(false, CopyLoses::LostBy(lost())), exchange.clone()]);
        assert_eq!(repairs(MARIADB, Copying::Useless, ErrantKind::LostBySource(lost())), [exchange]);
        let ways = repairs(MYSQL, Copying::Helps, ErrantKind::WithoutGtid);
        let compare = ErrantRepair::Compare { replica: "db-b".into(), sources: vec![lost()] };
        assert_eq!(ways, [compare, copy(false, CopyLoses::OwnData)]);
    }
}
