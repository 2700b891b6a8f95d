//! The words of a copy: what its sessions set, and how rows are read and written so that each value arrives as it is.

mod code;
mod demands;
mod inventory;
mod rows;
mod session;
mod snapshot;
mod unfit;

pub(crate) use code::{CodeKind, CreatedUnder, create_text, key_name, keys_apart, with_collation};
pub(crate) use rows::{CopiedTable, History, Slice};
pub(crate) use session::CopyEnd;
pub(crate) use unfit::{
    AccountName, CopyAsked, CopyTarget, Looked, TableName, account as account_shown, unfit,
};
pub use unfit::{
    CopyDemands, CopyTakes, DemandingAccount, DemandingTable, GrantedOn, ObjectGrant, Unfit, UnfitObject,
    UnfitWhy, Versions,
};
