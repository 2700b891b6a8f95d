//! What a package manager says of database servers: which are installed, which could be.

/// The package manager of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// Debian's.
    Apt,
    /// Fedora's and Red Hat's.
    Dnf,
    /// Red Hat's before dnf. Where both are there, `yum` is another name of dnf.
    Yum,
}

/// A package that is there, whole or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerPackage {
    /// Its name.
    pub name: String,
    /// Its version, as the package manager writes it.
    pub version: String,
    /// `installed`, or dpkg's word for how far it has come.
    pub status: String,
}

/// What there is of a database server on a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerPackages {
    /// The package manager.
    pub manager: Option<Manager>,
    /// Packages of servers.
    pub packages: Vec<ServerPackage>,
    /// Programs that are servers, with their paths.
    pub programs: Vec<String>,
    /// A data directory in which a server has lived.
    pub data: Option<String>,
    /// The version that the package manager would install; unknown where its lists are old or missing.
    pub candidate: Option<String>,
}

impl ServerPackages {
    /// Reads the section of the script: lines of ours, of `dpkg-query`, of `apt-cache policy`, of `rpm -q`.
    pub fn read(text: &str) -> Self {
        let mut all = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["manager", "apt"] => all.manager = Some(Manager::Apt),
                ["manager", "dnf"] => all.manager = Some(Manager::Dnf),
                ["manager", "yum"] => all.manager = Some(Manager::Yum),
                ["program", path] => all.programs.push((*path).to_owned()),
                ["data", path] => all.data = Some((*path).to_owned()),
                // `rpm` says `package NAME is not installed` of the others, which is a word more.
                ["package", name, version, status] => {
                    let package = ServerPackage {
                        name: (*name).to_owned(),
                        version: (*version).to_owned(),
                        status: (*status).to_owned(),
                    };
                    if !all.packages.contains(&package) {
                        all.packages.push(package);
                    }
                }
                ["Candidate:", version] if *version != "(none)" => {
                    all.candidate = Some((*version).to_owned());
                }
                _ => {}
            }
        }
        all
    }

    /// A package whose installation was cut off. Of one that was removed its settings may be left; that is nothing.
    pub fn half_installed(&self) -> Option<&ServerPackage> {
        self.packages.iter().find(|p| {
            matches!(
                p.status.as_str(),
                "half-installed" | "unpacked" | "half-configured" | "triggers-awaited" | "triggers-pending"
            )
        })
    }
}

/// The versions of a package that can be installed, the newest first, out of `apt-cache madison` or
/// `dnf list --available --showduplicates` or `yum list available --showduplicates`.
pub(crate) fn offered_versions(package: &str, text: &str) -> Vec<String> {
    let mut versions = Vec::new();
    let mut is_rpm = false;
    let mut words: Vec<&str> = Vec::new();
    for line in text.lines() {
        // `mariadb-server | 1:10.11.6-0+deb12u1 | http://deb.debian.org/debian bookworm/main amd64 Packages`
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        if let [name, version, source] = fields.as_slice() {
            if *name == package && !source.ends_with("Sources") {
                versions.push((*version).to_owned());
            }
            continue;
        }
        // `mariadb-server.x86_64    3:10.5.22-1.el9_2    appstream`; yum and the first dnf go on in the next line after what
        // is too long for its column.
        if !line.starts_with(' ') {
            words.clear();
        }
        words.extend(line.split_whitespace());
        if let [name, version, _] = words.as_slice()
            && name.rsplit_once('.').is_some_and(|(name, _)| name == package)
        {
            is_rpm = true;
            versions.push((*version).to_owned());
        }
    }
    // apt names the newest first, dnf and yum last.
    if is_rpm {
        versions.reverse();
    }
    versions.dedup();
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dpkg_and_apt_are_understood() {
        let bare = ServerPackages::read(
            "manager apt\nmariadb-server:\n  Installed: (none)\n  Candidate: 1:10.11.19-0+deb12u1\n  Version table:\n     \
             1:10.11.19-0+deb12u1 500\n        500 file:/srv/packages ./ Packages\n",
        );
        assert_eq!(bare.manager, Some(Manager::Apt));
        assert_eq!(bare.candidate.as_deref(), Some("1:10.11.19-0+deb12u1"));
        assert!(bare.packages.is_empty() && bare.programs.is_empty() && bare.half_installed().is_none());
        let unknown =
            ServerPackages::read("manager apt\nmysql-server:\n  Installed: (none)\n  Candidate: (none)\n");
        assert_eq!(unknown.candidate, None);

        let cut_off = ServerPackages::read(
            "program /usr/sbin/mariadbd\ndata /var/lib/mysql\nmanager apt\npackage mariadb-server 1:10.11.19-0+deb12u1 half-configured\n\
             package mariadb-server-core 1:10.11.19-0+deb12u1 installed\n",
        );
        assert_eq!(cut_off.half_installed().map(|p| p.name.as_str()), Some("mariadb-server"));
        assert_eq!(cut_off.data.as_deref(), Some("/var/lib/mysql"));
        let removed =
            ServerPackages::read("manager apt\npackage mariadb-server 1:10.11.19-0+deb12u1 config-files\n");
        assert_eq!(removed.half_installed(), None);
    }

    #[test]
    fn rpm_is_understood() {
        let bare = ServerPackages::read(
            "manager dnf\npackage mariadb-server is not installed\npackage MariaDB-server is not installed\n\
             package mysql-server is not installed\n",
        );
        assert_eq!((bare.manager, bare.packages.len()), (Some(Manager::Dnf), 0));
        let there = ServerPackages::read(
            "program /usr/libexec/mysqld\nmanager dnf\npackage mariadb-server 3:10.5.22-1.el9_2 installed\n\
             package mysql-server is not installed\npackage mariadb-server 3:10.5.22-1.el9_2 installed\n",
        );
        assert_eq!(there.packages.len(), 1);
        assert_eq!(there.packages[0].version, "3:10.5.22-1.el9_2");
        assert_eq!(there.half_installed(), None);
    }

    #[test]
    fn the_versions_on_offer_are_read_newest_first() {
        let madison = "mariadb-server | 1:11.4.5+maria~deb12 | https://deb.mariadb.org/11.4/debian bookworm/main amd64 Packages\n\
                       mariadb-server | 1:10.11.11-0+deb12u1 | http://deb.debian.org/debian bookworm/main amd64 Packages\n\
                       mariadb-server | 1:10.11.11-0+deb12u1 | http://deb.debian.org/debian bookworm/main Sources\n";
        assert_eq!(
            offered_versions("mariadb-server", madison),
            ["1:11.4.5+maria~deb12", "1:10.11.11-0+deb12u1"]
        );
        // RHEL 9, dnf 4.
        let dnf = "Last metadata expiration check: 0:12:34 ago on Mon 02 Jun 2025 10:00:00 AM UTC.\nAvailable Packages\n\
                   mysql-server.x86_64          8.0.32-1.el9_2           rhel-9-for-x86_64-appstream-rpms\n\
                   mysql-server.x86_64          8.0.41-2.el9_5           rhel-9-for-x86_64-appstream-rpms\n";
        assert_eq!(offered_versions("mysql-server", dnf), ["8.0.41-2.el9_5", "8.0.32-1.el9_2"]);
        // Recorded: dnf 4.14.0 with a repository of two packages, and the same query for a name that it does not have.
        let recorded = "Available Packages\n\
                        mariadb-server.noarch                   3:10.11.9-1.el9                    local\n\
                        mariadb-server.noarch                   3:10.11.10-1.el9                   local\n";
        assert_eq!(offered_versions("mariadb-server", recorded), ["3:10.11.10-1.el9", "3:10.11.9-1.el9"]);
        assert!(offered_versions("mariadb-serve", "Error: No matching Packages to list\n").is_empty());
        // Recorded: rpm 4.18, 4.20 and 6.1 with one of the three installed.
        let installed = ServerPackages::read(
            "manager dnf\npackage mariadb-server 3:10.11.9-1.el9 installed\npackage MariaDB-server is not installed\n\
             package mysql-server is not installed\n",
        );
        assert_eq!((installed.manager, installed.packages.len()), (Some(Manager::Dnf), 1));
        // Recorded: dnf 5.4.6 with two packages and one that differs in case; of what it does not have it says nothing.
        let dnf5 = "Available packages\n\
                    MariaDB-server.x86_64 11-1              local\n\
                    mariadb-server.x86_64 3:10.11.9-1.fc41  local\n\
                    mariadb-server.x86_64 3:10.11.10-1.fc41 local\n";
        assert_eq!(offered_versions("mariadb-server", dnf5), ["3:10.11.10-1.fc41", "3:10.11.9-1.fc41"]);
        // Recorded: dnf 4.14, 4.23 and 5.4.6 alike with names like Red Hat's.
        let long = "Available Packages\n\
                    mysql-server.x86_64 8.0.41-1.module+el8.9.0+21207+6c20cb9d  rhel-8-for-x86_64-appstream-rpms\n\
                    mysql-server.x86_64 8.0.41-2.module+el8.10.0+22907+77f1db85 rhel-8-for-x86_64-appstream-rpms\n";
        let both = ["8.0.41-2.module+el8.10.0+22907+77f1db85", "8.0.41-1.module+el8.9.0+21207+6c20cb9d"];
        assert_eq!(offered_versions("mysql-server", long), both);
        // As yum 3 would print them; it could not be recorded.
        let broken = "Available Packages\n\
                      mysql-server.x86_64  8.0.41-1.module+el8.9.0+21207+6c20cb9d\n\
                      \x20                                          rhel-8-for-x86_64-appstream-rpms\n\
                      mysql-server.x86_64\n\
                      \x20                    8.0.41-2.module+el8.10.0+22907+77f1db85\n\
                      \x20                                          rhel-8-for-x86_64-appstream-rpms\n";
        assert_eq!(offered_versions("mysql-server", broken), both);
        assert!(offered_versions("mariadb-server", "Error: No matching Packages to list\n").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_words_are_taken(text in "(manager|package|program|data|apt|Candidate:|\\(none\\)|\\||[a-z.]{1,8}|\\n| |\\PC){0,40}") {
            let _ = ServerPackages::read(&text);
            let _ = offered_versions("x", &text);
        }
    }
}
