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

pub(crate) use ahead::{comes_from, comes_from_mysql};
pub use compare::{Complete, ServerGtid};
pub(crate) use compare::{NeedsSeed, Purged, Relation, ReturnWay, compare, purged};
pub(crate) use errant::{Beyond, Circumstances, Member, beyond};
pub use errant::{Errant, Transactions};
pub use mariadb::BinlogState;
pub(crate) use mariadb::{GtidError, MariaDbGtid, Position};
pub(crate) use mysql::{GtidSet, GtidSetError, Uuid};
pub use mysql_compare::MySqlGtid;
pub(crate) use mysql_compare::{MySqlRelation, MySqlSeed, compare_mysql};
pub use state::GtidState;
pub(crate) use state::{
    GtidForm, GtidRelation, lost_own, merged, once_related, purged_by, relation, shared_domain,
};
