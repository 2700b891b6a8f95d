//! The user's home directory.

use std::path::PathBuf;

/// The home directory. A variable that is empty or relative is none: what is kept there must not land below whatever
/// directory the program was started in.
pub fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
}

/// A path with `~/` at its beginning replaced by the home directory, where there is one.
pub fn at_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}
