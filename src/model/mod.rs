//! Plain data that every other module speaks: names, places, facts, secrets. No I/O.

mod channel_state;
mod choice;
mod code;
mod copy_difference;
mod fact;
mod filter;
mod given;
mod glob;
mod hidden;
mod home;
mod host;
mod ignore;
pub mod limits;
mod login_host;
mod parallel;
mod place;
mod position;
mod secret;
mod thread;
mod units;
pub mod variables;
mod version;

pub use channel_state::ChannelState;
pub(crate) use choice::words;
pub use choice::{
    FirewallChoice, OptionFileHolds, Positioning, RestartPrimary, SeedMethod, SeedPath, Tls, UnknownWord,
};
pub(crate) use code::{coded, families};
pub use copy_difference::{AspectValue, CopyDifference, Defined, DefinedKind};
pub use fact::Fact;
pub use filter::Filters;
pub use given::{GIVEN_POSITION, GivenPosition};
pub use glob::{fnmatch, glob};
pub use hidden::{STARS, hide_from_now_on, hide_secret, json_without_hidden, masked, without_hidden};
pub use home::{at_home, home};
pub use host::{Endpoint, HostName};
pub use ignore::IgnoreRule;
pub use limits::Limits;
pub use login_host::{is_wide_for, like};
pub use parallel::in_parallel;
pub use place::Place;
pub use position::{BinlogPosition, compare_files};
pub use secret::{Secret, SecretId};
pub use thread::{ThreadState, UsingGtid};
pub use units::{bytes, digits, duration, rate, time, visible};
pub use version::{Family, ServerVersion};
