//! Packages of the host's package manager.

mod fault;

use std::{collections::BTreeSet, convert::Infallible, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Comparison, Kind, KindName, RoleFolder, Work,
    spec::{Texts, Wrong},
};
use crate::model::{Fact, limits};
use fault::explain_packages;

/// Installs packages. Arguments: what to install, as the package manager names it; a name may carry a version.
pub(crate) const INSTALL: &str = include_str!("packages/install.sh");

/// packages of the host's package manager
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackagesSpec {
    /// names as the package manager has them
    names: Texts,
}

/// Packages that are to be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// Names as the package manager has them.
    pub names: Vec<String>,
}

/// Those of the packages that are installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed(BTreeSet<String>);

impl Kind for Packages {
    const WORD: &'static str = "packages";
    const PLACE: Option<&'static str> = Some("names");
    const LOOK: &'static str = r#"
if command -v dpkg-query >/dev/null 2>&1; then
  for name; do
    [ "$(dpkg-query -W -f '${db:Status-Status}\n' -- "$name" 2>/dev/null | tail -n 1)" != installed ] || echo "installed $name"
  done
elif command -v rpm >/dev/null 2>&1; then
  for name; do ! rpm -q --quiet -- "$name" || echo "installed $name"; done
else
  exit
fi
echo all
"#;
    const APPLY: &'static str = INSTALL;
    const LIMIT: Duration = limits::PACKAGES.time;

    const AFTER: &'static [KindName] = &[];
    const BEFORE_SERVER: bool = true;

    type Spec = PackagesSpec;
    type State = Installed;
    type Obstacle = Infallible;

    fn declare(spec: PackagesSpec, _: &dyn RoleFolder) -> Result<Self, Wrong> {
        Ok(Packages { names: spec.names.0 })
    }

    fn name(&self) -> Option<String> {
        None
    }

    fn ask(&self) -> Vec<String> {
        self.names.clone()
    }

    fn read(&self, answer: &str) -> Fact<Installed> {
        if answer.lines().last() != Some("all") {
            return Fact::Unread("neither dpkg nor rpm is there".into());
        }
        Fact::Known(Installed(
            answer.lines().filter_map(|l| l.strip_prefix("installed ")).map(str::to_owned).collect(),
        ))
    }

    fn compare(&self, now: Option<&Installed>) -> Comparison<Self> {
        let there = |name: &String| now.is_some_and(|now| now.0.contains(name));
        let names: Vec<String> = self.names.iter().filter(|name| !there(name)).cloned().collect();
        if names.is_empty() { Comparison::Same } else { Comparison::Differs(Packages { names }) }
    }

    fn work(&self, _now: Option<&Installed>) -> Work<'_> {
        Work { args: self.names.clone(), ..Work::default() }
    }

    fn explain(stderr: &str) -> Option<(String, Option<String>)> {
        Some(explain(stderr))
    }

    fn what(&self) -> String {
        match self.names.as_slice() {
            [name] => format!("package {name}"),
            names => format!("packages {}", names.join(", ")),
        }
    }

    fn summary(&self, _now: Option<&Installed>) -> String {
        format!("install {}", self.names.join(", "))
    }

    fn before(&self, _now: Option<&Installed>) -> Option<String> {
        None
    }

    fn after(&self) -> Option<String> {
        Some(self.names.join("\n"))
    }

    fn without_effect(&self, now: Option<&Installed>) -> (String, Option<String>) {
        let there = |name: &&String| now.is_some_and(|now| now.0.contains(*name));
        let missing: Vec<&str> = self.names.iter().filter(|name| !there(name)).map(String::as_str).collect();
        let why = format!("the package manager is content, but has no package of the name {}", missing.join(", "));
        (why, Some("Name the packages that it has installed instead.".to_owned()))
    }
}

/// A package manager's failure: why, and what to do next, if that is known.
pub(crate) fn explain(stderr: &str) -> (String, Option<String>) {
    match explain_packages(stderr) {
        Some(known) => (known.cause, Some(known.next.to_owned())),
        None => {
            let last = stderr.lines().map(str::trim).rfind(|l| !is_advice(l)).unwrap_or("it says nothing");
            (format!("the package manager says: {last}"), None)
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
            .args(["-c", INSTALL, "tandem"])
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
        let error = explain(&said).0;
        assert!(
            error.contains("none of the host's package sources has it (Error: Unable to find"),
            "{error}"
        );

        let unknown = "Transaction failed: Rpm transaction failed.\nWarning: skipped OpenPGP checks for 1 package from repository: local\n\
                       You can try to add to command line:\n  --skip-broken to skip uninstallable packages\n";
        let error = explain(unknown).0;
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
