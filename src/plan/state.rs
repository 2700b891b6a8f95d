//! What is there before a step and after it. Values; `render` has the words.

use crate::model::{CopyDifference, HostName, ThreadState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Because, Losses};

/// What is there before a step, or after it. A secret is never part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum State {
    /// Variables of a server.
    Settings {
        /// Each with its value.
        values: Vec<Named>,
    },
    /// Variables that have their value from an option file.
    FromFile {
        /// Their names.
        names: Vec<String>,
        /// The file.
        path: String,
    },
    /// Options of a channel, an account or a database.
    Options {
        /// Each with its value.
        values: Vec<Named>,
    },
    /// Databases or accounts.
    Names {
        /// Their names.
        names: Vec<String>,
    },
    /// Text as it stands on the host: the content of a file, the rules of a packet filter, what a resource is.
    Text {
        /// The text.
        text: String,
    },
    /// Both threads of a channel, in the server's words.
    Threads {
        /// The one that fetches.
        receiver: ThreadState,
        /// The one that executes.
        applier: ThreadState,
    },
    /// The event that stamps the heartbeat.
    Heartbeat {
        /// Its state in the server's word.
        event: String,
        /// Seconds between two stamps.
        every: u64,
        /// Whether it keeps still while the server is read-only.
        minds_read_only: bool,
    },
    /// A systemd unit.
    Service {
        /// Whether it runs.
        running: bool,
        /// Whether it starts at boot.
        enabled: bool,
    },
    /// A server that is to be installed.
    Server {
        /// Its package.
        package: String,
        /// Which version of it.
        version: PackageVersion,
        /// Whether it then runs and starts at boot.
        starts: bool,
    },
    /// A server's package whose installation was cut off.
    HalfInstalled {
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// Its state in the words of the package manager.
        status: String,
    },
    /// What an installation leaves open.
    Leftovers {
        /// Accounts, as `'user'@'host'`.
        accounts: Vec<String>,
        /// Whether the empty database `test` is there.
        database: bool,
    },
    /// A certificate that will not do, or an authority that is not to be trusted as it is.
    CertificateDue {
        /// Why.
        why: Box<Because>,
    },
    /// A certificate of a server.
    Certificate {
        /// Names and addresses.
        names: Vec<String>,
        /// Days for which it is good.
        days: i64,
    },
    /// The authority that a host trusts.
    Trusts {
        /// The directory where the authority lies.
        directory: String,
        /// How many others it trusts, too, for now.
        others: usize,
    },
    /// No database.
    NoDatabase,
    /// What a copy that was cut off has left.
    UnfinishedCopy,
    /// What only the replica of a copy holds.
    Losses(Box<Losses>),
    /// How a copy differs from its source.
    Differences {
        /// The source.
        source: HostName,
        /// The replica.
        replica: HostName,
        /// The first ones.
        differences: Vec<CopyDifference>,
        /// How many more there are.
        more: usize,
    },
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Value,
}

/// A value as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// Itself.
    Plain(String),
    /// What stands in its place.
    Hidden {
        /// Why it is not there.
        hidden: Hidden,
    },
}

/// What stands in the place of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hidden {
    /// It is a secret.
    Secret,
    /// It is the secret that was there before the step.
    FormerSecret,
    /// It is the secret that is there after the step.
    NewSecret,
    /// The server makes it.
    MadeByServer,
}

/// Which version of a package is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum PackageVersion {
    /// The declared one, or its beginning.
    Declared {
        /// The version.
        version: String,
    },
    /// The one that the package manager offers.
    Offered {
        /// The version.
        version: String,
    },
    /// The newest that its sources have.
    Newest,
}

/// A value that is another one after a step, or in another plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'d> {
    /// Its name.
    pub name: &'d str,
    /// What it was; `None` where it was not there.
    pub before: Option<&'d Value>,
    /// What it is; `None` where it is not there.
    pub after: Option<&'d Value>,
}

impl<'d> Change<'d> {
    /// What differs between two lists of values: those that are there afterwards first.
    pub fn between(before: &'d [Named], after: &'d [Named]) -> Vec<Self> {
        let find = |list: &'d [Named], name: &str| list.iter().find(|v| v.name == name).map(|v| &v.value);
        let new = after.iter().map(|v| (v.name.as_str(), find(before, &v.name), Some(&v.value)));
        let gone = before.iter().filter(|v| find(after, &v.name).is_none());
        let gone = gone.map(|v| (v.name.as_str(), Some(&v.value), None));
        let all = new.chain(gone).filter(|(_, before, after)| before != after);
        all.map(|(name, before, after)| Change { name, before, after }).collect()
    }
}

impl Named {
    /// A value that may be shown.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: Value::Plain(value.into()) }
    }

    /// A value that may not.
    pub fn hidden(name: impl Into<String>, hidden: Hidden) -> Self {
        Self { name: name.into(), value: Value::Hidden { hidden } }
    }
}

impl State {
    /// A text as it stands on the host.
    pub fn text(text: impl Into<String>) -> Self {
        State::Text { text: text.into() }
    }

    /// Values by name, where it is nothing else.
    pub fn values(&self) -> Option<&[Named]> {
        match self {
            State::Settings { values } | State::Options { values } => Some(values),
            _ => None,
        }
    }

    /// Puts a value before the others, where there are some.
    pub fn put_first(&mut self, value: Named) {
        if let State::Settings { values } | State::Options { values } = self {
            values.insert(0, value);
        }
    }

    /// Takes values out by their names.
    pub fn take_out(&mut self, names: &[String]) {
        if let State::Settings { values } | State::Options { values } = self {
            values.retain(|value| !names.contains(&value.name));
        }
    }
}
