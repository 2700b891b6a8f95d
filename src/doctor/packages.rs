//! Why packages were not installed: out of the words of apt, dpkg and dnf.

/// The cause and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageTrouble {
    /// Why, with the line that says so.
    pub cause: String,
    /// What to do next.
    pub next: &'static str,
}

/// A cause: its words, the next step, and the marks by which it is known.
type Cause = (&'static str, &'static str, &'static [&'static str]);

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
        ],
    ),
    (
        "the disk is full",
        "Make room on the host, then apply again.",
        &["You don't have enough free space", "No space left on device", "more space needed on the"],
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
        ],
    ),
    (
        "the host does not reach its package sources",
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
        ],
    ),
    (
        "other packages would have to go for it",
        "Look at what conflicts with it on the host; tandem removes no package.",
        &["Packages need to be removed but remove is disabled", "conflicts with", "conflicting requests"],
    ),
    (
        "it does not fit the packages that are there",
        "Look at what it needs, and whether the host's package sources belong together.",
        &["unmet dependencies", "held broken packages", "nothing provides"],
    ),
    (
        "its package was unpacked and could not be set up",
        "Look at the service's own log on the host, mend the cause, then apply again.",
        &["Sub-process /usr/bin/dpkg returned an error code", "scriptlet failed"],
    ),
];

/// What a package manager's messages mean, where they are known.
pub fn explain_packages(said: &str) -> Option<PackageTrouble> {
    CAUSES.iter().find_map(|(cause, next, marks)| {
        let line = said.lines().find(|line| marks.iter().any(|mark| line.contains(mark)))?;
        let line: String = line.trim().chars().take(240).collect();
        Some(PackageTrouble { cause: format!("{cause} ({line})"), next })
    })
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
                "its package was unpacked",
            ),
        ] {
            let trouble = explain_packages(said).unwrap_or_else(|| panic!("nothing known of {said}"));
            assert!(trouble.cause.starts_with(cause), "{said}\n{}", trouble.cause);
        }
        assert_eq!(explain_packages("E: something new"), None);
    }
}
