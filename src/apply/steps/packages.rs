//! Packages of the host's package manager.

use std::time::{Duration, Instant};

use crate::{
    doctor::explain_packages,
    exec::{Fleet, StepError, journal::Journal},
    model::{HostName, limits},
};

/// Packages may have to come over a slow line.
pub(super) const INSTALL: Duration = limits::PACKAGES.time;

const SCRIPT: &str = include_str!("packages.sh");

/// Installs packages. A name may carry a version, as the package manager writes it.
///
/// # Errors
/// With the cause and the next step, where the package manager's words are known.
pub async fn install(
    host: &HostName,
    names: &[String],
    fleet: &Fleet<'_>,
    journal: &Journal,
) -> Result<(), StepError> {
    let begun = Instant::now();
    let tried = format!("install {}", names.join(", "));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let result = fleet.writer(host)?.try_run(&tried, SCRIPT, &names, b"", INSTALL).await;
    let failed = match result {
        Ok(output) if output.status == 0 => None,
        Ok(output) => Some(explained(host, &tried, &output.stderr)),
        Err(error) => Some(StepError::new(host, tried.clone(), error)),
    };
    let said = failed.as_ref().map_or_else(|| "ok".to_owned(), ToString::to_string);
    journal.ran(host, &tried, begun.elapsed(), &said);
    failed.map_or(Ok(()), Err)
}

/// A package manager's failure in words.
pub(super) fn explained(host: &HostName, tried: &str, stderr: &str) -> StepError {
    match explain_packages(stderr) {
        Some(known) => StepError::new(host, tried, known.cause).then(known.next),
        None => {
            let last = stderr.lines().map(str::trim).rfind(|l| !is_advice(l)).unwrap_or("it says nothing");
            StepError::new(host, tried, format!("the package manager says: {last}"))
        }
    }
}

/// What dnf 5 adds below an error: options to try, and what it did not check.
fn is_advice(line: &str) -> bool {
    line.is_empty() || ["--", "You can try to add", "Warning: skipped"].iter().any(|w| line.starts_with(w))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

    use super::*;

    /// A program that notes its arguments, says something and ends with a status.
    fn stub(folder: &Path, name: &str, says: &str, status: i32) {
        let path = folder.join(name);
        let text = format!(
            "#!/bin/sh\necho {name} \"$@\" >>'{}/called'\ncat >&2 <<'END'\n{says}\nEND\nexit {status}\n",
            folder.display()
        );
        fs::write(&path, text).expect("a stub");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    /// Runs the script where these are all programs; returns what was called, the status and the messages.
    fn run(folder: &Path, names: &[&str]) -> (String, i32, String) {
        for tool in ["mktemp", "rm", "cat", "grep", "sleep"] {
            let found =
                ["/usr/bin", "/bin"].map(|at| Path::new(at).join(tool)).into_iter().find(|p| p.exists());
            let _ = std::os::unix::fs::symlink(found.expect("a tool"), folder.join(tool));
        }
        let output = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "tandem"])
            .args(names)
            .env("PATH", folder)
            .output()
            .expect("sh runs");
        let called = fs::read_to_string(folder.join("called")).unwrap_or_default();
        (called, output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    #[test]
    fn dnf_gets_the_names_and_its_words_are_explained() {
        let folder = tempfile::tempdir().expect("a folder");
        stub(folder.path(), "dnf", "", 0);
        let (called, status, _) = run(folder.path(), &["mariadb-server-3:10.5.22-1.el9_2"]);
        assert_eq!(status, 0);
        assert_eq!(
            called,
            "dnf install -y -q --setopt=install_weak_deps=False -- mariadb-server-3:10.5.22-1.el9_2\n"
        );
        let folder = tempfile::tempdir().expect("a folder");
        stub(folder.path(), "dnf", "Error: Unable to find a match: mariadb-serve", 1);
        let (_, status, said) = run(folder.path(), &["mariadb-serve"]);
        assert_eq!(status, 1);
        let error = explained(&"db-a".into(), "install mariadb-serve", &said).to_string();
        assert!(
            error.contains("none of the host's package sources has it (Error: Unable to find"),
            "{error}"
        );

        let unknown = "Transaction failed: Rpm transaction failed.\nWarning: skipped OpenPGP checks for 1 package from repository: local\n\
                       You can try to add to command line:\n  --skip-broken to skip uninstallable packages\n";
        let error = explained(&"db-a".into(), "install mariadb-server", unknown).to_string();
        assert!(
            error.contains("the package manager says: Transaction failed: Rpm transaction failed."),
            "{error}"
        );
    }

    #[test]
    fn dnf_is_asked_for_its_sources_where_a_package_is_not_found() {
        for (says, asked) in [
            ("Failed to resolve the transaction:\nNo match for argument: mariadb-serve", true),
            ("Error: Unable to find a match: mariadb-serve", true),
            ("Error: GPG check FAILED", false),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            stub(folder.path(), "dnf", says, 1);
            let (called, status, said) = run(folder.path(), &["mariadb-serve"]);
            assert_eq!(status, 1);
            assert!(said.starts_with(says), "{said}");
            let calls: Vec<&str> = called.lines().skip(1).collect();
            assert_eq!(calls == ["dnf -q makecache --setopt=*.skip_if_unavailable=0"], asked, "{called}");
            assert_eq!(calls.is_empty(), !asked, "{called}");
        }
    }

    #[test]
    fn apt_fetches_its_lists_once_and_removes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        stub(folder.path(), "apt-get", "E: Unable to locate package mariadb-server", 100);
        let (called, status, said) = run(folder.path(), &["mariadb-server"]);
        assert_eq!(status, 1);
        assert!(said.contains("Unable to locate package"), "{said}");
        let calls: Vec<&str> = called.lines().collect();
        assert_eq!(calls.len(), 3, "{called}");
        assert!(
            calls[0].starts_with("apt-get install ") && calls[0].ends_with(" -- mariadb-server"),
            "{called}"
        );
        assert!(calls[0].contains(" --no-remove ") && calls[0].contains("DPkg::Lock::Timeout"), "{called}");
        assert_eq!(calls[1], "apt-get update -qq");
        assert_eq!(calls[0], calls[2]);

        // While another program holds the lock, fetching lists would not help.
        let folder = tempfile::tempdir().expect("a folder");
        stub(
            folder.path(),
            "apt-get",
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1 (apt)",
            100,
        );
        assert_eq!(run(folder.path(), &["mariadb-server"]).0.lines().count(), 1);

        let folder = tempfile::tempdir().expect("a folder");
        let (_, status, said) = run(folder.path(), &["mariadb-server"]);
        assert_eq!((status, said.trim()), (1, "neither apt-get nor dnf nor yum is there"));
    }
}
