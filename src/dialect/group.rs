//! The groups of option files that servers read (`load_default_groups` of both families).

use crate::model::{Family, ServerVersion};

/// A group: its name, whether MariaDB alone reads it, and which parts of a version may stand behind its name.
struct Group(&'static str, bool, Behind);

/// What may stand behind a group's name, after a hyphen.
#[derive(Clone, Copy, PartialEq)]
enum Behind {
    Nothing,
    /// `mysqld-9.7`.
    Series,
    /// `mariadb-11.8`, and from MariaDB 11 on `mariadb-11`.
    SeriesAndMajor,
}

const GROUPS: [Group; 6] = [
    Group("mysqld", false, Behind::Series),
    Group("server", false, Behind::Nothing),
    Group("galera", true, Behind::Nothing),
    Group("client-server", true, Behind::Nothing),
    Group("mariadb", true, Behind::SeriesAndMajor),
    Group("mariadbd", true, Behind::SeriesAndMajor),
];

/// The groups that a server of a version reads; those of all servers where it is not known. `suffix` is what
/// `--defaults-group-suffix` adds. All in lower case, in which servers compare them.
pub(crate) fn option_groups(version: Option<ServerVersion>, suffix: &str) -> Vec<String> {
    let mut groups = Vec::new();
    for Group(name, of_mariadb, behind) in &GROUPS {
        if *of_mariadb && version.is_some_and(|v| v.family != Family::MariaDb) {
            continue;
        }
        groups.push((*name).to_owned());
        let Some(version) = version else { continue };
        if *behind != Behind::Nothing {
            groups.push(format!("{name}-{}.{}", version.major, version.minor));
        }
        if *behind == Behind::SeriesAndMajor && version.at_least(11, 0, 0) {
            groups.push(format!("{name}-{}", version.major));
        }
    }
    if !suffix.is_empty() {
        let with_suffix: Vec<String> =
            groups.iter().map(|group| format!("{group}{}", suffix.to_ascii_lowercase())).collect();
        groups.extend(with_suffix);
    }
    groups
}

/// The groups of all servers as words for a script, those of some version as `NAME-`.
pub fn words_of_option_groups() -> String {
    let words = GROUPS.iter().map(|Group(name, _, behind)| match behind {
        Behind::Nothing => (*name).to_owned(),
        Behind::Series | Behind::SeriesAndMajor => format!("{name} {name}-"),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_reads_the_groups_of_its_family_and_version() {
        let of = |text: &str| option_groups(ServerVersion::parse(text), "");
        assert_eq!(of("9.7.4"), ["mysqld", "mysqld-9.7", "server"]);
        assert!(of("11.8.6-MariaDB").contains(&"mariadbd-11".to_owned()));
        assert!(!of("10.11.6-MariaDB").contains(&"mariadbd-10".to_owned()));
        assert!(option_groups(None, "_x").contains(&"mysqld_x".to_owned()));
        assert_eq!(
            words_of_option_groups(),
            "mysqld mysqld- server galera client-server mariadb mariadb- mariadbd mariadbd-"
        );
    }
}
