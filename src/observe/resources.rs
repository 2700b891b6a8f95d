//! What users' roles declare beside the database: files, packages, services, guards of commands.

use std::{collections::BTreeMap, time::Duration};

use super::ServerPackages;
use crate::{
    desired::DesiredHost,
    model::Fact,
    transport::Sections,
    transport::{ReadScript, Session, command_words},
};

const SCRIPT: ReadScript = ReadScript::new(
    "look at the roles' resources",
    concat!(include_str!("../transport/safe.sh"), include_str!("resources.sh")),
);

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Query {
    /// A file by its path.
    File(String),
    /// A package by its name.
    Package(String),
    /// A systemd unit.
    Service(String),
    /// A guard: program and arguments.
    Guard(Vec<String>),
    /// What there is of a database server, and what this package would bring.
    Server(String),
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A regular file.
    File {
        /// Owner, group and octal mode, such as `root root 644`.
        owner: String,
        /// Content; bytes that are no UTF-8 are replaced, and so differ from any wish.
        content: String,
    },
    /// Whether the package is installed.
    Package(bool),
    /// A unit that is known to systemd.
    Service {
        /// Whether it runs.
        running: bool,
        /// Whether it starts at boot.
        enabled: bool,
    },
    /// The guard's exit status.
    Guard(i32),
    /// A server's packages and traces.
    Server(ServerPackages),
}

/// Facts by query.
pub type Resources = BTreeMap<Query, Fact<Found>>;

impl Query {
    /// Everything that a host's wishes need to know.
    pub fn of(host: &DesiredHost) -> Vec<Self> {
        let mut queries: Vec<Self> = host.files.iter().map(|f| Query::File(f.path.clone())).collect();
        queries.extend(host.packages.iter().flat_map(|p| &p.names).cloned().map(Query::Package));
        queries.extend(host.services.iter().map(|s| Query::Service(s.name.clone())));
        queries.extend(host.commands.iter().map(|c| Query::Guard(c.unless.clone())));
        queries.extend(host.server.iter().map(|s| Query::Server(s.package.clone())));
        queries.sort();
        queries.dedup();
        queries
    }

    fn words(&self) -> (&'static str, String) {
        match self {
            Query::File(path) => ("file", path.clone()),
            Query::Package(name) => ("package", name.clone()),
            Query::Service(name) => ("service", name.clone()),
            Query::Guard(words) => ("guard", command_words(words)),
            Query::Server(package) => ("server", package.clone()),
        }
    }

    fn found(&self, text: &str) -> Fact<Found> {
        let unclear = || Fact::Unread(format!("the host says: {}", text.lines().next().unwrap_or("nothing")));
        match self {
            Query::File(_) => match text.split_once('\n') {
                Some(("absent", _)) => Fact::Absent,
                Some((owner, content)) if owner.split(' ').count() == 3 => {
                    Fact::Known(Found::File { owner: owner.to_owned(), content: content.to_owned() })
                }
                _ if text.trim() == "absent" => Fact::Absent,
                _ if text.trim() == "other" => Fact::Unread("it is there and no regular file".into()),
                Some(("unsafe", why)) => Fact::Unread(why.trim().to_owned()),
                _ if text.trim() == "large" => Fact::Unread("it is larger than 16 MiB".into()),
                _ => unclear(),
            },
            Query::Package(_) => match text.trim() {
                "" => Fact::Unread("neither dpkg nor rpm is there".into()),
                status => Fact::Known(Found::Package(status.lines().last() == Some("installed"))),
            },
            Query::Service(_) => {
                let has = |line: &str| text.lines().any(|l| l == line);
                if has("LoadState=loaded") {
                    let (running, enabled) = (has("ActiveState=active"), has("UnitFileState=enabled"));
                    Fact::Known(Found::Service { running, enabled })
                } else if has("LoadState=not-found") {
                    Fact::Absent
                } else {
                    unclear()
                }
            }
            Query::Server(_) => Fact::Known(Found::Server(ServerPackages::read(text))),
            Query::Guard(_) => {
                text.trim().parse().map_or_else(|_| unclear(), |n| Fact::Known(Found::Guard(n)))
            }
        }
    }
}

/// Looks at everything a host's roles declare.
pub async fn read(session: &Session, host: &DesiredHost, nonce: &str, limit: Duration) -> Resources {
    let queries = Query::of(host);
    if queries.is_empty() {
        return Resources::new();
    }
    let mut args = vec![nonce.to_owned()];
    for query in &queries {
        let (kind, name) = query.words();
        args.extend([kind.to_owned(), name]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = session.read(&SCRIPT, &args, limit).await;
    let text = |n: usize, query: &Query| match &output {
        Err(error) => Fact::Unread(error.to_string()),
        Ok(output) => {
            let sections = Sections::cut(&output.stdout, nonce);
            match sections.text(&format!("{} {n}", query.words().0)) {
                Some(text) if sections.complete() => query.found(&text),
                _ => Fact::Unread("the host's shell did not come to the end of the script".into()),
            }
        }
    };
    queries.iter().enumerate().map(|(n, query)| (query.clone(), text(n, query))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_absent_or_unread() {
        let query = Query::File("/etc/x".into());
        assert_eq!(query.found("absent\n"), Fact::Absent);
        let owner = "root root 644".to_owned();
        assert_eq!(
            query.found("root root 644\na\nb\n"),
            Fact::Known(Found::File { owner, content: "a\nb\n".into() })
        );
        assert!(matches!(query.found("other\n"), Fact::Unread(_)));
        assert!(matches!(query.found("cat: /etc/x: Permission denied"), Fact::Unread(_)));
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_taken(text in ".*") {
            for query in [Query::File("x".into()), Query::Package("x".into()), Query::Service("x".into()), Query::Guard(vec![]), Query::Server("x".into())] {
                let _ = query.found(&text);
            }
        }
    }
}
