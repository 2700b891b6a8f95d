//! Global transaction ids: sets of MySQL and positions of MariaDB, and what they prove about two servers.

mod ahead;
mod compare;
mod errant;
mod mariadb;
mod mysql;
mod mysql_compare;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod start;
mod state;

pub use ahead::{comes_from, comes_from_mysql};
pub use compare::{Complete, NeedsSeed, Purged, Relation, ReturnWay, ServerGtid, compare, purged};
pub use errant::{Beyond, Circumstances, Errant, Member, Transactions, beyond};
pub use mariadb::{BinlogState, GtidError, MariaDbGtid, Position};
pub use mysql::{GtidSet, GtidSetError, Uuid};
pub use mysql_compare::{MySqlGtid, MySqlRelation, MySqlSeed, compare_mysql};
pub use state::{
    GtidForm, GtidRelation, GtidState, lost_own, merged, once_related, purged_by, relation, shared_domain,
};
