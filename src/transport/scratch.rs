//! The directory of a run's sockets.

use std::{
    fs::{self, DirEntry, File, Permissions},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::model::limits;

const PREFIX: &str = "tandem-";

/// A file in the directory that is locked as long as its run lives.
const LOCK: &str = "lock";

/// A directory without the file is about to get it, unless it is older than this.
const YOUNG: Duration = limits::SCRATCH.time;

/// A private directory of this run for control and forwarded sockets. It is removed when dropped; what a run that was
/// killed has left is removed by the next one.
#[derive(Debug)]
pub struct Scratch {
    directory: tempfile::TempDir,
    next: AtomicUsize,
    /// Held: its lock says that the run lives.
    _lock: File,
}

impl Scratch {
    /// Makes the directory. A path of a unix socket has 108 bytes at most, so it is a short one.
    ///
    /// # Errors
    /// When no directory can be made.
    pub fn new() -> io::Result<Self> {
        let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let own = own.filter(|path| path.is_absolute() && path.as_os_str().len() < 60 && path.is_dir());
        Self::below(&own.unwrap_or_else(|| PathBuf::from("/tmp")))
    }

    fn below(root: &Path) -> io::Result<Self> {
        remove_leftovers(root);
        let mut builder = tempfile::Builder::new();
        // Passwords are answered in it: whatever the umask is, it is its owner's alone.
        builder.prefix(PREFIX).rand_bytes(8).permissions(Permissions::from_mode(0o700));
        loop {
            let directory = builder.tempdir_in(root)?;
            let path = directory.path().join(LOCK);
            let lock = File::create_new(&path)?;
            lock.lock()?;
            // Another run may have taken it for a leftover before it was locked.
            if path.exists() {
                return Ok(Self { directory, next: AtomicUsize::new(0), _lock: lock });
            }
        }
    }

    /// A fresh short path.
    pub fn path(&self, kind: &str) -> PathBuf {
        self.directory.path().join(format!("{}{kind}", self.next.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Removes directories of this user's runs that are over. A failure here is no reason not to run.
fn remove_leftovers(root: &Path) {
    let (Ok(myself), Ok(entries)) = (fs::metadata("/proc/self"), fs::read_dir(root)) else { return };
    for entry in entries.flatten().filter(|entry| is_leftover(entry, myself.uid())) {
        let _ = fs::remove_dir_all(entry.path());
    }
}

/// Whether an entry is a directory of ours whose run has ended. What belongs to another user is not looked into.
fn is_leftover(entry: &DirEntry, uid: u32) -> bool {
    let Ok(metadata) = entry.metadata() else { return false };
    let is_own = metadata.is_dir() && metadata.uid() == uid && metadata.mode() & 0o077 == 0;
    if !is_own || !entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)) {
        return false;
    }
    match File::open(entry.path().join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let age = metadata.modified().ok().and_then(|time| time.elapsed().ok());
            age.is_some_and(|age| age > YOUNG)
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_has_left_goes_and_what_is_in_use_stays() {
        let root = tempfile::tempdir().expect("a directory");
        let living = Scratch::below(root.path()).expect("a directory");
        let mode = living.directory.path().metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
        let Scratch { directory, _lock, .. } = Scratch::below(root.path()).expect("another one");
        // A kill: the lock goes with the process, the directory stays.
        let killed = directory.keep();
        drop(_lock);
        // A directory that is being made, and one of somebody who lets others in.
        let (young, open) = (root.path().join("tandem-young"), root.path().join("tandem-open"));
        for (path, mode) in [(&young, 0o700), (&open, 0o755)] {
            fs::create_dir(path).expect("a directory");
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("rights");
        }
        fs::write(open.join(LOCK), "").expect("a file");
        let next = Scratch::below(root.path()).expect("a third one");
        assert!(!killed.exists() && young.exists() && open.exists());
        assert!(living.path("c").parent().is_some_and(Path::exists));
        assert!(next.path("c").parent().is_some_and(Path::exists));
    }
}
