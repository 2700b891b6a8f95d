//! Which servers can be copied whole, by the clone plugin or by their files.
//!
//! Sources: MySQL manual, "Remote Cloning Prerequisites"; MariaDB documentation, "mariadb-backup Overview".

use super::Dialect;
use crate::model::{Family, ServerVersion};

/// Why one server can't be made a copy of another, as far as their versions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CannotCopy {
    /// One of the two is of a family that does not have the method.
    Family,
    /// This version, of one of the two, does not have it yet.
    TooOld(ServerVersion),
    /// What lies between the two versions is too much for it.
    Apart {
        /// The version of the server whose data is copied.
        copy_source: ServerVersion,
        /// That of the server that gets it.
        taker: ServerVersion,
    },
}

impl Dialect {
    /// Why the clone plugin can't make this server a copy of another one.
    ///
    /// Both are MySQL of one version, or from 8.0.37 on of one series; and a clone that starts with its channels stopped
    /// takes `skip_replica_start`, which came with 8.0.26.
    pub fn cannot_clone(self, copy_source: Dialect) -> Option<CannotCopy> {
        let (copy_source, taker) = (copy_source.version, self.version);
        if [copy_source, taker].iter().any(|version| version.family != Family::MySql) {
            return Some(CannotCopy::Family);
        }
        if let Some(old) = [copy_source, taker].into_iter().find(|version| !version.at_least(8, 0, 26)) {
            return Some(CannotCopy::TooOld(old));
        }
        let mixed = [copy_source, taker].iter().all(|version| version.at_least(8, 0, 37));
        let fits = copy_source == taker || (mixed && series(copy_source) == series(taker));
        (!fits).then_some(CannotCopy::Apart { copy_source, taker })
    }

    /// Why this server can't run on a copy of the files of another one: both are MariaDB of one series, and the one that
    /// gets them is not older.
    pub fn cannot_take_files(self, copy_source: Dialect) -> Option<CannotCopy> {
        let (copy_source, taker) = (copy_source.version, self.version);
        if [copy_source, taker].iter().any(|version| version.family != Family::MariaDb) {
            return Some(CannotCopy::Family);
        }
        let fits = series(copy_source) == series(taker) && taker >= copy_source;
        (!fits).then_some(CannotCopy::Apart { copy_source, taker })
    }
}

fn series(version: ServerVersion) -> (u16, u16) {
    (version.major, version.minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(text: &str) -> Dialect {
        Dialect::of(ServerVersion::parse(text).expect("a version"))
    }

    #[test]
    fn which_servers_can_be_cloned() {
        let why = |taker: &str, copy_source: &str| dialect(taker).cannot_clone(dialect(copy_source));
        assert_eq!(why("8.0.36", "8.0.36"), None);
        assert_eq!(why("8.0.40", "8.0.37"), None);
        assert!(matches!(why("8.0.37", "8.0.36"), Some(CannotCopy::Apart { .. })));
        assert!(matches!(why("8.4.3", "8.0.40"), Some(CannotCopy::Apart { .. })));
        assert!(matches!(why("8.0.25", "8.0.25"), Some(CannotCopy::TooOld(_))));
        assert_eq!(why("10.11.6-MariaDB", "10.11.6-MariaDB"), Some(CannotCopy::Family));
    }

    #[test]
    fn which_servers_take_files() {
        let why = |taker: &str, copy_source: &str| dialect(taker).cannot_take_files(dialect(copy_source));
        assert_eq!(why("10.11.9-MariaDB", "10.11.6-MariaDB"), None);
        assert!(matches!(why("10.11.6-MariaDB", "10.11.9-MariaDB"), Some(CannotCopy::Apart { .. })));
        assert!(matches!(why("11.4.2-MariaDB", "10.11.6-MariaDB"), Some(CannotCopy::Apart { .. })));
        assert_eq!(why("8.4.3", "8.4.3"), Some(CannotCopy::Family));
    }
}
