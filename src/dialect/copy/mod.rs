//! The words of a copy: what its sessions set, and how rows are read and written so that each value arrives as it is.

mod code;
mod demands;
mod inventory;
mod rows;
mod session;
mod snapshot;
mod unfit;

pub use code::{CodeKind, CreatedUnder, create_text, with_collation};
pub use rows::{CopiedTable, History, Slice};
pub use session::CopyEnd;
pub use unfit::{
    AccountName, CopyAsked, CopyDemands, CopyTakes, CopyTarget, DemandingAccount, DemandingTable, GrantedOn,
    Looked, ObjectGrant, TableName, Unfit, UnfitObject, UnfitWhy, Versions, account as account_shown, unfit,
};
