//! Files that are replaced whole or not at all.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::model::without_hidden;

/// Replaces a file in one go, so that no reader sees half of it.
///
/// # Errors
/// What the file system says.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let path: PathBuf = std::path::absolute(path)?;
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    file.write_all(without_hidden(text).as_bytes())?;
    // Whoever reads it, a collector of metrics or a web server, is another user.
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    file.persist(&path).map(|_| ()).map_err(|e| e.error)
}
