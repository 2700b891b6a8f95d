//! Why packages were not installed: out of the words of apt, dpkg and dnf.

use crate::model::without_hidden;

/// The cause and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PackageTrouble {
    /// Why, with the line that says so.
    pub cause: String,
    /// What to do next.
    pub next: &'static str,
}

/// A cause: its words, the next step, and the marks by which it is known, the most telling first.
type Cause = (&'static str, &'static str, &'static [&'static str]);

const UNREACHED: &str = "the host does not reach its package sources";

/// The most telling cause first: a host without a network has no candidate either.
const CAUSES: &[Cause] = &[
    (
        "another program holds the package manager's lock",
        "Let it end, as unattended-upgrades does by itself, then apply again.",
        &[
            "Could not get lock",
            "is locked by another",
            "was locked by another process",
            "Failed to obtain the transaction lock",
            "can't create transaction lock",
        ],
    ),
    (
        "the disk is full",
        "Make room on the host, then apply again.",
        &[
            "You don't have enough free space",
            "No space left on device",
            "more space on the",
            "more space needed on the",
        ],
    ),
    (
        "a package source is not signed by a key that the host knows",
        "Give the host the key of that source, or take the source out; tandem installs nothing that is not signed.",
        &[
            "is not signed",
            "NO_PUBKEY",
            "unauthenticated packages",
            "packages cannot be authenticated",
            "GPG check FAILED",
            "is not installed. Failing package",
            "GPG signature verification failed",
            "GPG signature is not available",
            "do not have any GPG public keys installed",
            "OpenPGP check for package",
        ],
    ),
    (
        UNREACHED,
        "Give it a way to them, a proxy, or a folder of packages as a source, then apply again.",
        &[
            "Temporary failure resolving",
            "Could not resolve",
            "Could not connect to",
            "Unable to connect to",
            "Network is unreachable",
            "Cannot initiate the connection",
            "Failed to download metadata",
            "Cannot download repomd.xml",
            "Curl error",
            "Cannot find a valid baseurl",
            "No more mirrors to try",
        ],
    ),
    (
        "none of the host's package sources has it",
        "Correct its name or version, or give the host a source that has it; `apt-cache policy` and `dnf list` show what there is.",
        &[
            "Unable to locate package",
            "has no installation candidate",
            "was not found",
            "No match for argument",
            "Unable to find a match",
            "No package",
            "No matching packages to list",
            "No matching Packages to list",
            "matches only excluded packages",
            "There are no enabled repositories",
        ],
    ),
    (
        "other packages would have to go for it",
        "Look at what conflicts with it on the host; tandem removes no package.",
        &["Packages need to be removed but remove is disabled", "conflicts with", " obsoletes "],
    ),
    (
        "it does not fit the packages that are there",
        "Look at what it needs, and whether the host's package sources belong together.",
        &[
            "unmet dependencies",
            "held broken packages",
            "nothing provides",
            "is filtered out by",
            "does not have a compatible architecture",
            "none of the providers can be installed",
            "conflicting requests",
        ],
    ),
    (
        "its package could not be set up",
        "Look at the service's own log on the host, mend the cause, then apply again.",
        &["Sub-process /usr/bin/dpkg returned an error code", "scriptlet failed", "scriptlet in rpm package"],
    ),
];

/// What dnf says where none of the sources that it has read knows a package.
const NOT_FOUND: &[&str] = &["No match for argument", "Unable to find a match"];

/// What a package manager's messages mean, where they are known.
pub(super) fn explain_packages(said: &str) -> Option<PackageTrouble> {
    let line_of = |marks: &[&str]| {
        let line = marks.iter().find_map(|mark| said.lines().find(|line| line.contains(mark)))?;
        Some(without_hidden(line.trim()).chars().take(240).collect::<String>())
    };
    let (cause, next, line) =
        CAUSES.iter().find_map(|(cause, next, marks)| Some((*cause, *next, line_of(marks)?)))?;
    match line_of(NOT_FOUND) {
        // dnf passes over a source that does not answer: that one may have it, or the name may be wrong.
        Some(not_found) if *cause == *UNREACHED => Some(PackageTrouble {
            cause: format!("no source that answers has it ({not_found}), and {cause} ({line})"),
            next: "Correct its name or version if that is wrong, or let the host reach that source; `dnf list` shows what there is.",
        }),
        _ => Some(PackageTrouble { cause: format!("{cause} ({line})"), next }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apt_and_dnf_say_is_told_by_its_cause() {
        for (said, cause) in [
            ("E: Unable to locate package mariadb-serve", "none of the host's package sources has it"),
            (
                "E: Package 'mysql-server' has no installation candidate",
                "none of the host's package sources has it",
            ),
            (
                "E: Version '10.6*' for 'mariadb-server' was not found",
                "none of the host's package sources has it",
            ),
            ("Error: Unable to find a match: mariadb-serve", "none of the host's package sources has it"),
            ("No match for argument: mysql-server", "none of the host's package sources has it"),
            (
                "W: GPG error: http://deb.example.org bookworm InRelease: The following signatures couldn't be verified \
                 because the public key is not available: NO_PUBKEY 0E98404D386FA1D9\n\
                 E: The repository 'http://deb.example.org bookworm InRelease' is not signed.\n\
                 E: Unable to locate package mariadb-server",
                "a package source is not signed",
            ),
            (
                "E: There were unauthenticated packages and -y was used without --allow-unauthenticated",
                "a package source is not signed",
            ),
            ("Error: GPG check FAILED", "a package source is not signed"),
            (
                "W: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease  Temporary failure resolving 'deb.debian.org'\n\
                 W: Some index files failed to download. They have been ignored, or old ones used instead.\n\
                 E: Unable to locate package mariadb-server",
                "the host does not reach its package sources",
            ),
            (
                "Errors during downloading metadata for repository 'appstream':\n  - Curl error (6): Couldn't resolve host name for \
                 https://mirrors.example.org/metalink [Could not resolve host: mirrors.example.org]\n\
                 Error: Failed to download metadata for repo 'appstream': Cannot prepare internal mirrorlist: Curl error (6)",
                "the host does not reach its package sources",
            ),
            ("E: You don't have enough free space in /var/cache/apt/archives/.", "the disk is full"),
            (
                "dpkg: error processing archive x.deb (--unpack):\n cannot copy extracted data for './usr/sbin/mariadbd' to \
                 '/usr/sbin/mariadbd.dpkg-new': failed to write (No space left on device)\n\
                 E: Sub-process /usr/bin/dpkg returned an error code (1)",
                "the disk is full",
            ),
            (
                "Error: Transaction test error:\n  installing package mariadb-server-3:10.5.22-1.el9_2.x86_64 needs 12MB more space on the / filesystem\n\
                 Error Summary\nDisk Requirements:\n   At least 12MB more space needed on the / filesystem.",
                "the disk is full",
            ),
            (
                "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (unattended-upgr)",
                "another program holds",
            ),
            ("E: Packages need to be removed but remove is disabled.", "other packages would have to go"),
            (
                "Errors were encountered while processing:\n mariadb-server\nE: Sub-process /usr/bin/dpkg returned an error code (1)",
                "its package could not be set up",
            ),
        ] {
            let fault = explain_packages(said).unwrap_or_else(|| panic!("nothing known of {said}"));
            assert!(fault.cause.starts_with(cause), "{said}\n{}", fault.cause);
        }
        assert_eq!(explain_packages("E: something new"), None);
    }

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table")]
    fn what_dnf_was_heard_to_say_is_told_by_its_cause() {
        let (missing, unsigned, away, full) = (
            "none of the host's package sources has it",
            "a package source is not signed",
            "no source that answers has it",
            "the disk is full",
        );
        // Recorded: dnf 4.23.0 and 5.4.6, with a repository of packages that can't be installed for a cause each.
        for (said, cause, line) in [
            (
                "Failed to resolve the transaction:\nNo match for argument: mariadb-serve\n\
                 You can try to add to command line:\n  --skip-unavailable to skip unavailable packages",
                missing,
                "No match for argument: mariadb-serve",
            ),
            (
                "Failed to resolve the transaction:\nArgument 'big' matches only excluded packages.",
                missing,
                "Argument 'big' matches only excluded packages.",
            ),
            (
                "Error: There are no enabled repositories in \"/etc/yum.repos.d\", \"/etc/yum/repos.d\", \"/etc/distro.repos.d\".",
                missing,
                "Error: There are no enabled repositories",
            ),
            (
                "Error: Unable to find a match: big\n\
                 Error: Failed to download metadata for repo 'away': Cannot download repomd.xml: Cannot download \
                 repodata/repomd.xml: All mirrors were tried",
                away,
                "Error: Failed to download metadata for repo 'away'",
            ),
            (
                "Failed to resolve the transaction:\nNo match for argument: big\n\
                 You can try to add to command line:\n  --skip-unavailable to skip unavailable packages\n\
                 Failed to download metadata (baseurl: \"http://mirror.example.org/fedora\") for repository \"away\": Usable URL not found",
                away,
                "Failed to download metadata (baseurl:",
            ),
            (
                "Failed to download metadata (baseurl: \"file:///srv/local\") for repository \"local\": GPG verification is \
                 enabled, but GPG signature is not available. This may be an error or the repository does not support GPG \
                 verification: Curl error (37): Could not read a file:// file for file:///srv/local/repodata/repomd.xml.asc",
                unsigned,
                "Failed to download metadata",
            ),
            (
                "Transaction failed: Signature verification failed.\n\
                 OpenPGP check for package \"signed-1-1.x86_64\" (/var/cache/libdnf5/local-72fb5930a8772832/packages/\
                 signed-1-1.x86_64.rpm) from repo \"local\" has failed: The repository does not have any OpenPGP keys configured.",
                unsigned,
                "OpenPGP check for package",
            ),
            (
                "\nYou have enabled checking of packages via GPG keys. This is a good thing.\n\
                 However, you do not have any GPG public keys installed. You need to download\n\
                 the keys for packages you wish to install and install them.\n\nProblem repository: [local]\nusername: \n",
                unsigned,
                "However, you do not have any GPG public keys",
            ),
            (
                "Package app-1-1.x86_64.rpm is not signed\nError: GPG check FAILED",
                unsigned,
                "Package app-1-1.x86_64.rpm is not signed",
            ),
            (
                "Transaction failed: Rpm transaction failed.\n\
                 Warning: skipped OpenPGP checks for 1 package from repository: local\n  \
                 - installing package big-1-1.x86_64 needs 30MB more space on the /opt/small filesystem",
                full,
                "- installing package big-1-1.x86_64 needs 30MB",
            ),
            (
                "Error: Transaction test error:\n  installing package big-1-1.x86_64 needs 30MB more space on the /opt/small \
                 filesystem\n\nError Summary\n-------------\nDisk Requirements:\n   \
                 At least 30MB more space needed on the /opt/small filesystem.\n",
                full,
                "installing package big-1-1.x86_64 needs 30MB",
            ),
            (
                "Failed to resolve the transaction:\nProblem: problem with installed package\n  \
                 - installed package mariadb-server-3:10.11.10-1.fc41.x86_64 conflicts with mariadb-server provided by \
                 mysql-server-8.0.41-2.el9.x86_64 from local\n  - conflicting requests\n\
                 You can try to add to command line:\n  --allowerasing to allow removing of installed packages to resolve problems",
                "other packages would have to go",
                "- installed package mariadb-server-3:10.11.10",
            ),
            (
                "Error: \n Problem: problem with installed package user-1-1.x86_64\n  \
                 - package user-1-1.x86_64 from @System requires plain, but none of the providers can be installed\n  \
                 - package MariaDB-common-11-1.x86_64 from local obsoletes plain provided by plain-1-1.x86_64 from @System\n  \
                 - conflicting requests",
                "other packages would have to go",
                "- package MariaDB-common-11-1.x86_64 from local obsoletes",
            ),
            (
                "Failed to resolve the transaction:\nProblem: conflicting requests\n  \
                 - nothing provides not-there needed by needy-1.0-1.x86_64 from local",
                "it does not fit the packages that are there",
                "- nothing provides not-there",
            ),
            (
                "Error: \n Problem: package app-1-1.x86_64 from local requires lib, but none of the providers can be installed\n  \
                 - conflicting requests\n  - package lib-1-1.x86_64 from local is filtered out by exclude filtering",
                "it does not fit the packages that are there",
                "- package lib-1-1.x86_64 from local is filtered out",
            ),
            (
                "Failed to resolve the transaction:\nProblem: conflicting requests\n  \
                 - package arm-2-1.aarch64 from local does not have a compatible architecture",
                "it does not fit the packages that are there",
                "- package arm-2-1.aarch64",
            ),
            (
                "Error in PREIN scriptlet in rpm package failing\nError: Transaction failed",
                "its package could not be set up",
                "Error in PREIN scriptlet",
            ),
            (
                ">>> Running %post scriptlet: failpost-0:1-1.x86_64\n>>> Non-critical error in %post scriptlet: failpost-0:1-1.x86_64\n\
                 >>> [RPM] %post(failpost-1-1.x86_64) scriptlet failed, exit status 126\nTransaction failed: Rpm transaction failed.",
                "its package could not be set up",
                ">>> [RPM] %post(failpost-1-1.x86_64) scriptlet failed",
            ),
            (
                "RPM: error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)\n\
                 Error: Could not run transaction.",
                "another program holds",
                "RPM: error: can't create transaction lock",
            ),
        ] {
            let fault = explain_packages(said).unwrap_or_else(|| panic!("nothing known of {said}"));
            assert!(fault.cause.starts_with(cause), "{said}\n{}", fault.cause);
            assert!(fault.cause.contains(&format!("({line}")), "{said}\n{}", fault.cause);
        }
    }
}
