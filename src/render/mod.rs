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

pub use adoption::adoption;
pub use codes::{all_codes, codes};
pub use diff::text_change;
pub use drift::drift;
pub use failure::{failure, mistakes};
pub use forms::{Form, Planned, sarif};
pub use metrics::metrics;
pub use picture::{dot, mermaid, svg};
pub use plan::{PlanView, plan};
pub use problem::problems;
pub use progress::{Steps, Waiting, while_waiting};
pub use report::{PastRun, ReportDocument, report};
pub use screen::Screen;
pub use seen::seen;
pub use status::{status, tally};
pub use terminal::{Choice, Terminal, output_error, reader_is_gone};
pub use verify::verify;

pub use crate::words::document;
