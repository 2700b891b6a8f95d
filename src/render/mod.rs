//! The only place that prints.
//!
//! Data goes to standard output, everything else to standard error. Each submodule turns one value into
//! text; [`Terminal`] knows where the text goes, how wide the screen is, and whether colours are wanted.

mod adoption;
mod codes;
mod diff;
mod drift;
mod failure;
mod forms;
mod metrics;
mod paint;
mod picture;
mod plan;
mod problem;
mod progress;
mod prose;
mod report;
mod screen;
mod seen;
mod status;
mod table;
mod terminal;
mod verify;

pub(crate) use adoption::adoption;
pub(crate) use codes::{all_codes, codes};
pub(crate) use diff::text_change;
pub(crate) use drift::drift;
pub(crate) use failure::{failure, mistakes};
pub(crate) use forms::{Form, Planned, sarif};
pub(crate) use metrics::metrics;
pub use picture::{dot, mermaid, svg};
pub use plan::{PlanView, plan};
pub(crate) use problem::problems;
pub(crate) use progress::{Steps, Waiting, while_waiting};
pub(crate) use report::PastRun;
pub use report::{ReportDocument, report};
pub(crate) use screen::Screen;
pub(crate) use seen::seen;
pub use status::status;
pub(crate) use status::tally;
pub(crate) use terminal::{Choice, Terminal, output_error, reader_is_gone};
pub(crate) use verify::verify;

pub use crate::words::document;
