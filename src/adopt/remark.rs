//! Why a draft says something of a variable.

use serde_json::Value as Json;

/// A value with a remark for whoever reads the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Remarked {
    /// The value.
    pub value: Json,
    /// Why it is there.
    pub remark: Remark,
}

/// What a person should know of a variable of a server that somebody else has set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// The roles would give it another value.
    RolesWouldHave(String),
    /// The next start gives it another value.
    UntilNextStart {
        /// Its value now; nothing where no variable shows it.
        now: Option<String>,
        /// The other one.
        next: String,
    },
    /// No option file gives it its value.
    InNoFile {
        /// Its value now; nothing where no variable shows it.
        now: Option<String>,
    },
    /// By it, writers may give out one number twice.
    NumbersCollide {
        /// Its value.
        now: u64,
    },
    /// Another writer has the same GTID domain.
    SharedDomain {
        /// The domain.
        domain: u64,
    },
}
