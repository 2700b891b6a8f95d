//! What the commands do, without a terminal: no prompt, no printing, no exit status.
//!
//! [`Engine::open`] reads the files. [`Engine::plan`] reads the hosts and plans; [`Engine::apply`] executes the plan,
//! reads the hosts again, and goes on until nothing is left, while it tells [`Event`]s. [`Engine::look`] is the topology
//! as it is, [`Engine::drift`] what differs from what is declared, [`Engine::proof`] puts it to the test. [`adopt`]
//! makes the files that declare servers as they are.

mod adopt;
mod applying;
mod drift;
mod error;
mod evaluated;
mod evidence;
mod files;
mod inspect;
mod look;
mod open;
mod options;
mod planned;
mod proof;
mod reading;
mod takeover;

pub use adopt::{Adoptable, Adopted, AdoptionFinding, AdoptionReport, NotAdopted, StandsOut, Unnamed, adopt};
pub use applying::{Applied, End, Event, Events, NotSeen, Run};
pub use drift::Drift;
pub use error::{Cause, CommandError, ErrorKind};
pub(crate) use evaluated::Evaluated;
pub(crate) use files::{bare_hosts, check as check_files, read_files};
pub use look::Look;
pub use open::Engine;
pub use options::Options;
pub use planned::{Planned, Seen, State};
pub use proof::Proof;

pub use crate::{
    apply::Outcome,
    exec::{Event as StepEvent, LockError, StepError, journal},
    verify::{
        ChannelProof, ColumnDifference, DataProof, IdsProof, PortProof, RestartProof, RowDifference, RowKind,
        Scope, TableDifference, Verdict, VerifyReport,
    },
};
