//! Where in the user's files something was written.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A place in a file, for reasons ("because inventory.yml:12") and for diagnostics.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The file as it was named, or `built-in:...` for what is part of the binary.
    pub file: Arc<str>,
    /// Line, from 1; 0 where only the file is known.
    pub line: u32,
    /// Column in characters, from 1; 0 where only the line is known.
    pub column: u32,
    /// Byte offset of the value in the file.
    pub offset: usize,
    /// Length of the value in bytes.
    pub length: usize,
    /// Whether the value came out of a vault, and is shown nowhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vaulted: bool,
}

impl Place {
    /// Whether it is part of the binary: nobody but tandem has declared what stands there.
    pub fn is_built_in(&self) -> bool {
        self.file.starts_with("built-in:")
    }

    /// A place that names the file only.
    pub fn file(file: impl Into<Arc<str>>) -> Self {
        Self { file: file.into(), line: 0, column: 0, offset: 0, length: 0, vaulted: false }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 { f.write_str(&self.file) } else { write!(f, "{}:{}", self.file, self.line) }
    }
}
