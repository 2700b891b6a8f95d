//! What the server reads out of all its files, in order.

use std::collections::{BTreeMap, BTreeSet};

use super::{Argument, Asked, Document, document::Meaning};
use crate::{dialect, model::ServerVersion};

/// The name of tandem's own file.
const OWNED_NAME: &str = "zz-tandem.cnf";

/// The option files of a host, in the order in which the server reads them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Paths and contents. A file that is included twice stands here twice.
    pub files: Vec<(String, Vec<u8>)>,
    /// Directories of `!includedir`, in the order of their mention.
    pub directories: Vec<String>,
    /// Files that were read but are not part of the chain, such as a file of ours in a wrong place.
    pub outside: BTreeMap<String, Vec<u8>>,
    /// What the server is started with beside them.
    pub arguments: Vec<Argument>,
    /// What the server's own program makes of them.
    pub asked: Asked,
    /// Files that the server leaves out, since everybody may write to them.
    pub ignored: Vec<String>,
    /// Files and directories of the chain that are as they were when the server that runs was started.
    pub before_start: BTreeSet<String>,
    /// Whether the server is started with `--no-defaults`, and reads none.
    pub no_defaults: bool,
    /// What `--defaults-group-suffix` adds to the names of groups.
    pub group_suffix: String,
}

/// A directory that an option file is to include.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// The file that gets the line.
    pub file: String,
    /// The directory.
    pub directory: String,
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

/// Goes through the files as the server does: what is included counts where it is mentioned.
struct Walk<'a> {
    groups: Vec<String>,
    coming: std::iter::Peekable<std::slice::Iter<'a, (String, Vec<u8>)>>,
    found: Vec<Occurrence>,
    /// Files, and how many mentions were found up to their end.
    ends: Vec<(String, usize)>,
    /// Directories, and how many mentions were found up to their first file.
    begins: Vec<(String, usize)>,
}

impl Walk<'_> {
    /// Reads the next file, with all that it includes.
    fn next_file(&mut self) {
        let Some((path, bytes)) = self.coming.next() else { return };
        let mut group = String::new();
        for (line, content) in Document::parse(bytes).lines() {
            match &content.meaning {
                // The servers compare them so.
                Meaning::Group(name) => group = name.to_ascii_lowercase(),
                Meaning::Include(included)
                    if self.coming.peek().is_some_and(|(next, _)| next == included) =>
                {
                    self.next_file();
                }
                Meaning::IncludeDir(directory) => {
                    let directory = directory.trim_end_matches('/');
                    self.begins.push((directory.to_owned(), self.found.len()));
                    let within = |next: &str| next.rsplit_once('/').is_some_and(|(at, _)| at == directory);
                    while self.coming.peek().is_some_and(|(next, _)| within(next)) {
                        self.next_file();
                    }
                }
                Meaning::Option { name, value } if self.groups.contains(&group) => {
                    self.found.push(Occurrence {
                        file: path.clone(),
                        line,
                        group: group.clone(),
                        name: name.clone(),
                        value: value.clone(),
                    });
                }
                _ => {}
            }
        }
        self.ends.push((path.clone(), self.found.len()));
    }
}

impl Files {
    /// The content of a file.
    pub fn content(&self, path: &str) -> Option<&[u8]> {
        let inside = self.files.iter().find(|(p, _)| p == path).map(|(_, bytes)| bytes);
        inside.or_else(|| self.outside.get(path)).map(Vec::as_slice)
    }

    /// Every mention of an option that the server looks at, in order. The last of a name wins.
    pub fn occurrences(&self, version: Option<ServerVersion>) -> Vec<Occurrence> {
        self.walk(version).found
    }

    fn walk(&self, version: Option<ServerVersion>) -> Walk<'_> {
        let mut walk = Walk {
            groups: dialect::option_groups(version, &self.group_suffix),
            coming: self.files.iter().peekable(),
            found: Vec::new(),
            ends: Vec::new(),
            begins: Vec::new(),
        };
        while walk.coming.peek().is_some() {
            walk.next_file();
        }
        walk
    }

    /// What the server reads after `path`, which would win over it. A file that is not there yet counts where its name sorts
    /// in its directory: the servers read it by bytes.
    pub fn read_after(&self, path: &str, version: Option<ServerVersion>) -> Vec<Occurrence> {
        let walk = self.walk(version);
        let directory = directory(path);
        let before = |file: &str| self::directory(file) == directory && file < path;
        let end = walk.ends.iter().rfind(|(file, _)| file == path);
        let neighbour = || walk.ends.iter().rfind(|(file, _)| before(file));
        let begin = || walk.begins.iter().rfind(|(at, _)| at == directory);
        match end.or_else(neighbour).or_else(begin) {
            Some((_, end)) => walk.found.into_iter().skip(*end).collect(),
            None => Vec::new(),
        }
    }

    /// Whether the server reads, or would read, a file at this place: it does, a directory or a line of the files includes
    /// it, or it has the name of one that the servers look for themselves.
    pub fn would_read(&self, path: &str) -> bool {
        let includes = |bytes: &Vec<u8>| {
            let names = |meaning: &Meaning| matches!(meaning, Meaning::Include(one) if one == path);
            Document::parse(bytes).lines().any(|(_, line)| names(&line.meaning))
        };
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        let own_names = || matches!(name, "my.cnf" | ".my.cnf");
        let in_directory = || {
            let included = |one: &String| one.trim_end_matches('/') == directory(path);
            name.ends_with(".cnf") && self.directories.iter().any(included)
        };
        self.files.iter().any(|(file, bytes)| file == path || includes(bytes))
            || in_directory()
            || own_names()
    }

    /// A file that tandem has written for this server in another place than `path`, and that the server reads.
    pub fn former_owned(&self, path: &str, version: Option<ServerVersion>) -> Option<String> {
        let group = format!("mysqld{}", self.group_suffix).to_ascii_lowercase();
        let ours = |file: &str| {
            self.content(file).is_some_and(|text| text.starts_with(super::OWNED_HEADER.as_bytes()))
        };
        let found = self.occurrences(version);
        let former = found.into_iter().find(|one| one.file != path && one.group == group && ours(&one.file));
        former.map(|one| one.file)
    }

    /// Where a line goes that includes a directory of tandem's, where no directory is included: at the end of the file that the
    /// server reads last. The directory is a new one, since files that lie elsewhere would begin to count. `None` where the
    /// server reads no file.
    pub fn include_for_owned(&self) -> Option<Include> {
        let lines = self.files.iter().map(|(_, bytes)| Document::parse(bytes));
        let included: BTreeSet<String> = lines
            .flat_map(|document| {
                let paths = document.lines().filter_map(|(_, line)| match &line.meaning {
                    Meaning::Include(path) => Some(path.clone()),
                    _ => None,
                });
                paths.collect::<Vec<_>>()
            })
            .collect();
        let (file, _) = self.files.iter().rfind(|(path, _)| !included.contains(path))?;
        Some(Include { file: file.clone(), directory: format!("{file}.tandem.d") })
    }

    /// The name of tandem's own file. Each of several servers of a host has one of its own, as it has its own groups.
    pub fn owned_name(&self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._@-".contains(c);
        let of_server: String = self.group_suffix.chars().filter(|c| plain(*c)).collect();
        let (stem, end) = OWNED_NAME.rsplit_once('.').unwrap_or((OWNED_NAME, "cnf"));
        format!("{stem}{of_server}.{end}")
    }

    /// Where tandem's own file belongs: in the last included directory, under a name that sorts after
    /// all others there. `None` where no directory is included.
    pub fn place_for_owned(&self) -> Option<String> {
        let own = self.owned_name();
        let directory = self.directories.last()?.trim_end_matches('/');
        let existing = self.files.iter().map(|(path, _)| path.as_str());
        let names: Vec<&str> =
            existing.filter_map(|p| p.strip_prefix(directory)?.strip_prefix('/')).collect();
        if names.contains(&own.as_str()) {
            return Some(format!("{directory}/{own}"));
        }
        let mut name = own;
        // Somebody else sorts after `zz`: one more z, but not for ever.
        for _ in 0..8 {
            if names.iter().all(|other| *other <= name.as_str()) {
                break;
            }
            name.insert(0, 'z');
        }
        Some(format!("{directory}/{name}"))
    }
}

fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
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
            ..Files::default()
        }
    }

    #[test]
    fn the_last_mention_wins_and_is_named() {
        let version = ServerVersion::parse("10.11.1-MariaDB");
        let all = files().occurrences(version);
        let names: Vec<String> = all.iter().map(|o| format!("{}:{} {}", o.file, o.line, o.name)).collect();
        assert_eq!(names.len(), 4, "{names:?}");
        let own = files().place_for_owned().unwrap_or_default();
        assert_eq!(own, "/etc/mysql/mariadb.conf.d/zz-tandem.cnf");
        let after = |path: &str| -> Vec<String> {
            let read = files().read_after(path, version);
            read.iter().map(|o| format!("{}:{}", o.name, o.line)).collect()
        };
        assert_eq!(after(&own), ["server_id:2"]);
        assert_eq!(after("/etc/mysql/mariadb.conf.d/zzzz.cnf"), Vec::<String>::new());
        // Not there yet: where it sorts.
        let all = ["bind_address:2", "bind_address:2", "server_id:2"];
        assert_eq!(after("/etc/mysql/mariadb.conf.d/10-tandem.cnf"), all);
        assert_eq!(after("/etc/mysql/mariadb.conf.d/60-tandem.cnf"), all[1..]);
    }

    #[test]
    fn who_reads_a_file_is_known_before_it_is_written() {
        let files = files();
        let read = ["/etc/mysql/conf.d/x.cnf", "/etc/mysql/mariadb.conf.d/zzz.cnf", "/etc/my.cnf"];
        assert_eq!(read.map(|path| files.would_read(path)), [true; 3]);
        let never = ["/etc/tandem.cnf", "/etc/mysql/conf.d/x.conf", "/etc/mysql/conf.d/more/x.cnf"];
        assert_eq!(never.map(|path| files.would_read(path)), [false; 3]);
    }

    #[test]
    fn what_was_written_elsewhere_before_is_found() {
        let version = ServerVersion::parse("10.11.1-MariaDB");
        let mut files = files();
        let own = "/etc/mysql/mariadb.conf.d/zz-tandem.cnf";
        assert_eq!(files.former_owned("/etc/my.cnf", version), None);
        files.files[2].1 = super::super::owned_text(
            "",
            &[super::super::Setting { name: "bind_address".into(), values: vec!["*".into()] }],
        )
        .into_bytes();
        assert_eq!(files.former_owned("/etc/my.cnf", version).as_deref(), Some(own));
        assert_eq!(files.former_owned(own, version), None);
        // That of another server of the host.
        files.group_suffix = "@two".into();
        assert_eq!(files.former_owned("/etc/my.cnf", version), None);
    }

    #[test]
    fn what_stands_below_an_include_is_read_after_it() {
        let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
        let files = Files {
            files: vec![
                file("/etc/my.cnf", "[mysqld]\nport=1\n!includedir /etc/x/\nserver-id=99\n"),
                file("/etc/x/a.cnf", "[mysqld_prod]\nserver-id=2\n[ mysqld ]\nserver-id=3\n"),
                file("/etc/x/b.cnf", "[mariadb-11]\nserver-id=4\n[mysqld-5.7]\nserver-id=5\n"),
            ],
            directories: vec!["/etc/x".into()],
            group_suffix: "_prod".into(),
            ..Files::default()
        };
        let version = ServerVersion::parse("11.8.9-MariaDB");
        let read: Vec<Option<String>> = files.occurrences(version).into_iter().map(|o| o.value).collect();
        assert_eq!(read, ["1", "2", "4", "99"].map(|v| Some(v.to_owned())));
        // Not there yet: the last one of its directory.
        let after = files.read_after("/etc/x/zz-tandem.cnf", version);
        assert_eq!(after.iter().map(|o| (o.file.as_str(), o.line)).collect::<Vec<_>>(), [("/etc/my.cnf", 4)]);
    }
}
