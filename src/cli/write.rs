//! Files that are replaced whole or not at all.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::args::Global;
use crate::{engine::CommandError, model::without_hidden};

/// Rights of a file that a collector of metrics, another user, reads.
pub(super) const FOR_ALL: u32 = 0o644;
/// Rights of a file that shows a fleet's hosts, accounts and settings.
pub(super) const FOR_ITS_OWNER: u32 = 0o600;

/// Refuses an output that would take the place of what the run reads.
///
/// # Errors
/// A usage error that names the file.
pub(super) fn is_no_input(
    output: Option<&Path>,
    global: &Global,
    playbook: Option<&str>,
) -> Result<(), CommandError> {
    let Some(there) = output.and_then(|output| fs::canonicalize(output).ok()) else { return Ok(()) };
    let read = global.inventory.iter().map(PathBuf::as_path).chain(playbook.map(Path::new));
    let same = |input: &Path| fs::canonicalize(input).is_ok_and(|input| input == there);
    match read.into_iter().any(same) {
        true => {
            let what = format!("{} is read by this run, and can't be what it writes", there.display());
            Err(CommandError::usage(what).next("Name another file. Nothing was written."))
        }
        false => Ok(()),
    }
}

/// Replaces a file in one go, so that no reader sees half of it. A file that is there keeps its rights; a new one
/// gets these, whatever the umask is. A device or a pipe is written to and never replaced.
///
/// # Errors
/// What the file system says.
pub(super) fn replace(path: &Path, text: &str, rights: u32) -> io::Result<()> {
    replace_masked(path, &without_hidden(text), rights)
}

/// The same for a text that was made from masked values, whose words must stay as they are.
///
/// # Errors
/// What the file system says.
pub(super) fn replace_masked(path: &Path, text: &str, rights: u32) -> io::Result<()> {
    let there = match fs::metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if there.as_ref().is_some_and(|metadata| !metadata.is_file()) || is_stream(path) {
        let mut stream = OpenOptions::new().append(true).open(path)?;
        return stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    }
    // Behind a link lies the file that is meant.
    let path: PathBuf = match there {
        Some(_) => fs::canonicalize(path)?,
        None => std::path::absolute(path)?,
    };
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    file.write_all(text.as_bytes())?;
    let rights = there.map_or(rights, |metadata| metadata.permissions().mode() & 0o777);
    file.as_file().set_permissions(Permissions::from_mode(rights))?;
    file.as_file().sync_all()?;
    file.persist(&path).map(|_| ()).map_err(|e| e.error)
}

/// Whether a path names a stream of a process, such as `/dev/stdout`, even where it leads to a regular file.
fn is_stream(path: &Path) -> bool {
    ["/dev", "/proc"].iter().any(|root| path.starts_with(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_anything_else_is_written_to() {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        replace(&file, "one", FOR_ITS_OWNER).expect("written");
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("rights");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        replace(&link, "two", FOR_ITS_OWNER).expect("written");
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
        assert_eq!(fs::read_to_string(&file).expect("a file"), "two");
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o640);
        let before = fs::metadata("/dev/full").expect("a device").file_type();
        assert!(replace(Path::new("/dev/full"), "text", FOR_ALL).is_err());
        assert_eq!(fs::metadata("/dev/full").expect("a device").file_type(), before);
        replace(Path::new("/dev/null"), "text", FOR_ALL).expect("written");
        assert!(replace(directory.path(), "text", FOR_ALL).is_err());
    }
}
