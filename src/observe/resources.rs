//! What a host's roles declare beside the database, and the packages of its server: one script asks for all of it.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use super::ServerPackages;
use crate::{
    desired::DesiredHost,
    model::Fact,
    resource::{FUNCTIONS, KindName, Query},
    transport::{ReadScript, Sections, Session, command_words},
};

/// The part that is no resource of a role: the packages of a database server.
const SERVER: &str = "server";

/// Another one: whether a file is there.
const FILE: &str = "there";

/// Functions first, then a part for each kind, then what calls them.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let part = |name: &str, look: &str| format!("look_{name}() {{\n{look}\n}}\n");
    let kinds: String = KindName::ALL.iter().map(|kind| part(kind.word(), kind.look())).collect();
    let server = part(SERVER, include_str!("server_packages.sh"));
    let file = part(FILE, "if [ -f \"$1\" ]; then echo file; else echo none; fi");
    [FUNCTIONS, &kinds, &server, &file, include_str!("resources.sh")].concat()
});

/// Answers by question, as the host gave them. What they mean says the kind of resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<Query, Fact<String>>);

impl Answers {
    /// The answer to a question; one that was not asked was not read.
    pub fn to(&self, query: &Query) -> Fact<String> {
        self.0.get(query).cloned().unwrap_or_else(|| Fact::Unread("nobody looked".into()))
    }

    /// What there is of a database server, and what this package would bring.
    pub fn server(&self, package: &str) -> Fact<ServerPackages> {
        match self.to(&server(package)) {
            Fact::Known(text) => Fact::Known(ServerPackages::read(&text)),
            Fact::Absent => Fact::Absent,
            Fact::Unread(why) => Fact::Unread(why),
        }
    }

    /// Whether a file that has to be there already is.
    pub fn has_file(&self, path: &str) -> Fact<bool> {
        match self.to(&there(path)) {
            Fact::Known(text) => Fact::Known(text.trim() == "file"),
            Fact::Absent => Fact::Absent,
            Fact::Unread(why) => Fact::Unread(why),
        }
    }
}

impl FromIterator<(Query, Fact<String>)> for Answers {
    fn from_iter<T: IntoIterator<Item = (Query, Fact<String>)>>(answers: T) -> Self {
        Self(answers.into_iter().collect())
    }
}

/// The question for the packages of a database server.
pub fn server(package: &str) -> Query {
    Query { part: SERVER, args: vec![package.to_owned()] }
}

/// The question for a file.
pub fn there(path: &str) -> Query {
    Query { part: FILE, args: vec![path.to_owned()] }
}

/// Everything that a host has to be asked.
fn queries(host: &DesiredHost) -> Vec<Query> {
    let declared = host.resources.iter().map(|declared| declared.resource.any().query());
    let servers = host.server.iter().map(|wish| server(&wish.package));
    let authorities = host.authority_files().map(there);
    let mut queries: Vec<Query> = declared.chain(servers).chain(authorities).collect();
    queries.sort();
    queries.dedup();
    queries
}

/// Looks at everything a host's roles declare.
pub(super) async fn read(session: &Session, host: &DesiredHost, nonce: &str, limit: Duration) -> Answers {
    let queries = queries(host);
    if queries.is_empty() {
        return Answers::default();
    }
    let mut args = vec![nonce.to_owned()];
    for query in &queries {
        args.extend([query.part.to_owned(), command_words(&query.args)]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let script = ReadScript::new("look at the roles' resources", &TEXT);
    let output = session.read(&script, &args, limit).await;
    let answer = |n: usize| match &output {
        Err(error) => Fact::Unread(error.to_string()),
        Ok(output) => {
            let sections = Sections::cut(&output.stdout, nonce);
            match sections.text(&n.to_string()) {
                Some(text) if sections.complete() => Fact::Known(text),
                _ => Fact::Unread("the host's shell did not come to the end of the script".into()),
            }
        }
    };
    queries.into_iter().enumerate().map(|(n, query)| (query, answer(n))).collect()
}
