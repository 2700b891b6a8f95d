//! What the server reads out of all its files, in order.

use std::collections::BTreeMap;

use super::{Document, document::Meaning};
use crate::model::{Family, ServerVersion};

/// The option files of a host, in the order in which the server reads them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Paths and contents. A file that is included twice stands here twice.
    pub files: Vec<(String, Vec<u8>)>,
    /// Directories of `!includedir`, in the order of their mention.
    pub directories: Vec<String>,
    /// Files that were read but are not part of the chain, such as a file of ours in a wrong place.
    pub outside: BTreeMap<String, Vec<u8>>,
}

/// One mention of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Group.
    pub group: String,
    /// Canonical name.
    pub name: String,
    /// Value; `None` for a bare flag.
    pub value: Option<String>,
}

/// The groups that a server reads.
pub fn groups_read(version: Option<ServerVersion>) -> Vec<String> {
    let mut groups: Vec<String> = ["mysqld", "server"].map(str::to_owned).into();
    let number = version.map(|v| format!("{}.{}", v.major, v.minor));
    groups.extend(number.iter().map(|n| format!("mysqld-{n}")));
    if version.is_none_or(|v| v.family == Family::MariaDb) {
        for name in ["mariadb", "mariadbd", "galera"] {
            groups.push(name.to_owned());
            groups.extend(number.iter().map(|n| format!("{name}-{n}")));
        }
    }
    groups
}

impl Files {
    /// The content of a file.
    pub fn content(&self, path: &str) -> Option<&[u8]> {
        let inside = self.files.iter().find(|(p, _)| p == path).map(|(_, bytes)| bytes);
        inside.or_else(|| self.outside.get(path)).map(Vec::as_slice)
    }

    /// Every mention of an option that the server looks at, in order. The last of a name wins.
    pub fn occurrences(&self, version: Option<ServerVersion>) -> Vec<Occurrence> {
        let groups = groups_read(version);
        let mut found = Vec::new();
        for (path, bytes) in &self.files {
            let mut group = String::new();
            for (line, content) in Document::parse(bytes).lines() {
                match &content.meaning {
                    Meaning::Group(name) => group.clone_from(name),
                    Meaning::Option { name, value } if groups.contains(&group) => found.push(Occurrence {
                        file: path.clone(),
                        line,
                        group: group.clone(),
                        name: name.clone(),
                        value: value.clone(),
                    }),
                    _ => {}
                }
            }
        }
        found
    }

    /// Where tandem's own file belongs: in the last included directory, under a name that sorts after
    /// all others there. `None` where no directory is included.
    pub fn place_for_owned(&self) -> Option<String> {
        const NAME: &str = "zz-tandem.cnf";
        let directory = self.directories.last()?.trim_end_matches('/');
        let existing = self.files.iter().map(|(path, _)| path.as_str());
        let names: Vec<&str> =
            existing.filter_map(|p| p.strip_prefix(directory)?.strip_prefix('/')).collect();
        if names.contains(&NAME) {
            return Some(format!("{directory}/{NAME}"));
        }
        let mut name = NAME.to_owned();
        // Somebody else sorts after `zz`: one more z, but not for ever.
        for _ in 0..8 {
            if names.iter().all(|other| *other <= name.as_str()) {
                break;
            }
            name.insert(0, 'z');
        }
        Some(format!("{directory}/{name}"))
    }

    /// The mention of an option in a file that is read after `path`, which would win over it.
    pub fn overrides_after<'a>(
        &self,
        path: &str,
        name: &str,
        all: &'a [Occurrence],
    ) -> Option<&'a Occurrence> {
        let order = |file: &str| self.files.iter().rposition(|(p, _)| p == file);
        let own = order(path)?;
        all.iter().rfind(|o| o.name == name && order(&o.file).is_some_and(|n| n > own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
        Files {
            files: vec![
                file(
                    "/etc/mysql/my.cnf",
                    "[client-server]\nsocket=/x\n!includedir /etc/mysql/mariadb.conf.d/\n",
                ),
                file(
                    "/etc/mysql/mariadb.conf.d/50-server.cnf",
                    "[mysqld]\nbind-address = 127.0.0.1\n[mysqldump]\nquick\n",
                ),
                file("/etc/mysql/mariadb.conf.d/zz-tandem.cnf", "[mysqld]\nbind_address=*\n"),
                file("/etc/mysql/mariadb.conf.d/zzz.cnf", "[mariadb-10.11]\nserver-id=9\n"),
            ],
            directories: vec!["/etc/mysql/conf.d/".into(), "/etc/mysql/mariadb.conf.d/".into()],
            outside: BTreeMap::new(),
        }
    }

    #[test]
    fn the_last_mention_wins_and_is_named() {
        let version = ServerVersion::parse("10.11.1-MariaDB");
        let all = files().occurrences(version);
        let names: Vec<String> = all.iter().map(|o| format!("{}:{} {}", o.file, o.line, o.name)).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        let own = files().place_for_owned().unwrap_or_default();
        assert_eq!(own, "/etc/mysql/mariadb.conf.d/zz-tandem.cnf");
        assert_eq!(files().overrides_after(&own, "server_id", &all).map(|o| o.line), Some(2));
        assert_eq!(files().overrides_after(&own, "bind_address", &all), None);
    }
}
