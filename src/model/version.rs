//! Server families and versions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which of the two families a server belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// MariaDB Server.
    MariaDb,
    /// MySQL and Percona Server.
    MySql,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Family::MariaDb => "MariaDB",
            Family::MySql => "MySQL",
        })
    }
}

/// A server's family and version, as in `SELECT VERSION()`. Calendar versions such as `26.7` fit too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServerVersion {
    /// The family.
    pub family: Family,
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number; 0 where there is none.
    pub patch: u16,
}

impl ServerVersion {
    /// Reads `@@version`, such as `10.11.14-MariaDB-0+deb12u2`, `5.5.5-10.5.1-MariaDB` or `9.7.0`.
    ///
    /// Returns `None` where the text does not begin with at least two numbers.
    pub fn parse(text: &str) -> Option<Self> {
        let family =
            if text.to_ascii_lowercase().contains("mariadb") { Family::MariaDb } else { Family::MySql };
        // MariaDB up to 10.x announces itself with this prefix in the handshake, so that old
        // replicas don't refuse a two-digit major version.
        let text = match family {
            Family::MariaDb => text.strip_prefix("5.5.5-").unwrap_or(text),
            Family::MySql => text,
        };
        let digits = text.split(|c: char| !(c.is_ascii_digit() || c == '.')).next()?;
        let mut numbers = digits.split('.');
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next()?.parse().ok()?;
        let patch = numbers.next().and_then(|n| n.parse().ok()).unwrap_or(0);
        Some(Self { family, major, minor, patch })
    }

    /// Whether this is at least `major.minor.patch`, whatever the family.
    pub fn at_least(&self, major: u16, minor: u16, patch: u16) -> bool {
        (self.major, self.minor, self.patch) >= (major, minor, patch)
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}.{}.{}", self.family, self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_servers_print_them() {
        let read = |text| ServerVersion::parse(text).map(|v| v.to_string());
        assert_eq!(read("10.11.14-MariaDB-0+deb12u2").as_deref(), Some("MariaDB 10.11.14"));
        assert_eq!(read("5.5.5-10.5.29-MariaDB-0+deb11u1-log").as_deref(), Some("MariaDB 10.5.29"));
        assert_eq!(read("9.7.0").as_deref(), Some("MySQL 9.7.0"));
        assert_eq!(read("26.7").as_deref(), Some("MySQL 26.7.0"));
        assert_eq!(read("8.0.36-28").as_deref(), Some("MySQL 8.0.36"));
        assert_eq!(read("nonsense"), None);
    }
}
