//! Installs a database server, and sees that it runs.

use std::time::Instant;

use super::packages;
use crate::{
    doctor::last_words,
    exec::{On, StepError},
    observe::{Manager, offered_versions},
    words,
};

/// Prints the versions of a package that the host's sources have. Arguments: PACKAGE.
const OFFERED: &str = r#"
LC_ALL=C; export LC_ALL
if command -v apt-get >/dev/null 2>&1; then
  apt-get update -qq >/dev/null
  apt-cache madison -- "$1"
elif command -v dnf >/dev/null 2>&1; then
  # A source that may be skipped is skipped without a word, and then nothing is found; so it is asked for by itself.
  dnf -q list --available --showduplicates -- "$1" || {
    dnf -q makecache '--setopt=*.skip_if_unavailable=0' >/dev/null
    exit 1
  }
else
  yum -q list available --showduplicates -- "$1"
fi
"#;

/// Arguments: START UNIT... Starts the first unit that is there, and prints its name; prints the last words of a
/// server that does not start. Debian has started it by then, Red Hat leaves that to others.
const START: &str = r#"
start=$1; shift
systemctl daemon-reload
for unit; do
  [ "$(systemctl show -p LoadState --value -- "$unit")" = loaded ] || continue
  # An alias can't be enabled.
  unit=$(systemctl show -p Id --value -- "$unit")
  if [ "$start" = yes ]; then
    systemctl enable -q -- "$unit" || exit 1
    if ! systemctl start -- "$unit"; then
      journalctl -q -n 40 -o cat -u "$unit" 2>/dev/null
      for log in /var/log/mysql/error.log /var/log/mariadb/mariadb.log /var/log/mysqld.log; do
        [ -r "$log" ] && tail -n 40 "$log"
      done
      exit 4
    fi
  fi
  echo "$unit"
  exit 0
done
exit 5
"#;

/// The units that servers have.
const UNITS: [&str; 3] = ["mariadb.service", "mysql.service", "mysqld.service"];

/// What is to be installed.
#[derive(Debug, Clone, Copy)]
pub(super) struct DesiredPackage<'a> {
    /// Name of the package.
    pub package: &'a str,
    /// The version or its beginning.
    pub version: Option<&'a str>,
    /// systemd unit, where the inventory names one.
    pub unit: Option<&'a str>,
    /// Whether it shall run and start at boot.
    pub start: bool,
}

/// Installs the package and starts its service.
///
/// # Errors
/// With the package manager's or the server's own words, and the next step.
pub(super) async fn install(on: On<'_>, wish: DesiredPackage<'_>) -> Result<Option<String>, StepError> {
    let name = match wish.version {
        None => wish.package.to_owned(),
        Some(version) => pinned(on, wish.package, version).await?,
    };
    packages::install(on, &[name]).await?;
    let units = wish.unit.map_or(UNITS.to_vec(), |unit| vec![unit]);
    let mut args = vec![if wish.start { "yes" } else { "no" }];
    args.extend(&units);
    let begun = Instant::now();
    let tried = format!("start the server of {}", wish.package);
    let output = on.writer()?.try_run(&tried, START, &args, b"", packages::INSTALL).await;
    let output = output.map_err(|why| on.failed(tried.clone(), why))?;
    on.ran(&tried, begun, if output.status == 0 { "ok" } else { "failed" });
    match output.status {
        0 if wish.start => Ok(Some(format!("{} runs", output.text().trim()))),
        0 => Ok(None),
        5 => Err(on
            .failed(tried, format!("it is installed, and none of {} is a service", units.join(", ")))
            .then("Name the service with mysql_service.")),
        _ => {
            let log: Vec<String> = output.text().lines().map(str::to_owned).collect();
            let why = last_words(&log, &[]).map(|said| words::down::said(&said));
            let why = why.unwrap_or_else(|| "it does not say why".into());
            Err(on.failed(tried, why).then("Mend the cause on the host, then apply again."))
        }
    }
}

/// The package with the newest version that begins as wished, in the words of the package manager.
async fn pinned(on: On<'_>, package: &str, version: &str) -> Result<String, StepError> {
    let host = on.host;
    let begun = Instant::now();
    let tried = format!("find {package} {version}");
    let output = on.writer()?.try_run(&tried, OFFERED, &[package], b"", packages::INSTALL).await;
    let output = output.map_err(|why| on.failed(tried.clone(), why))?;
    on.ran(&tried, begun, if output.status == 0 { "ok" } else { "failed" });
    let offered = offered_versions(package, &output.text());
    if offered.is_empty() {
        return Err(match output.stderr.trim().is_empty() {
            false => packages::explained(host, &tried, &output.stderr),
            true => packages::explained(host, &tried, &format!("Unable to locate package {package}")),
        });
    }
    let Some(full) = offered.iter().find(|offered| begins_with(offered, version)) else {
        return Err(on
            .failed(tried, format!("the host's package sources have {} of it", offered.join(", ")))
            .then("Correct mysql_server_version, or give the host a source that has that version."));
    };
    let manager = on.facts()?.resources.server(package).known().and_then(|found| found.manager);
    Ok(versioned(package, full, manager))
}

/// A package with its version, as its manager writes it.
fn versioned(package: &str, version: &str, manager: Option<Manager>) -> String {
    match manager {
        Some(Manager::Apt) => format!("{package}={version}"),
        // dnf 4 and 5 know `name-epoch:version-release`. yum knows it only with the architecture behind it.
        Some(Manager::Dnf) | None => format!("{package}-{version}"),
        Some(Manager::Yum) => format!("{package}-{}", without_epoch(version)),
    }
}

/// A package's version without the number before the colon.
fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

/// Whether a package's version is the wished one, or begins with it at a border: `10.1` is no beginning of `10.11`.
fn begins_with(offered: &str, wished: &str) -> bool {
    [offered, without_epoch(offered)].iter().any(|version| {
        version
            .strip_prefix(wished)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '+', '~']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_met_by_its_beginning() {
        assert!(begins_with("1:10.11.19-0+deb12u1", "10.11"));
        assert!(begins_with("1:10.11.19-0+deb12u1", "10.11.19"));
        assert!(begins_with("1:10.11.19-0+deb12u1", "1:10.11.19-0+deb12u1"));
        assert!(begins_with("8.0.41-2.el9_5", "8"));
        assert!(!begins_with("1:10.11.19-0+deb12u1", "10.1"));
        assert!(!begins_with("1:10.11.19-0+deb12u1", "1"));
    }

    #[test]
    fn each_package_manager_gets_its_own_words() {
        assert_eq!(
            versioned("mariadb-server", "1:10.11.19-0+deb12u1", Some(Manager::Apt)),
            "mariadb-server=1:10.11.19-0+deb12u1"
        );
        for (manager, written) in [
            (Manager::Dnf, "mariadb-server-3:10.5.22-1.el9_2"),
            (Manager::Yum, "mariadb-server-10.5.22-1.el9_2"),
        ] {
            assert_eq!(versioned("mariadb-server", "3:10.5.22-1.el9_2", Some(manager)), written);
        }
        assert_eq!(
            versioned("mysql-server", "8.0.41-2.el9_5", Some(Manager::Dnf)),
            "mysql-server-8.0.41-2.el9_5"
        );
    }
}
