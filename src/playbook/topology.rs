//! The topology of a play as it is declared.

use crate::{
    model::{Filters, HostName, Place},
    source::{Fields, Node, Problem, Problems, Yaml, closest},
};

/// The shapes of a topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Two servers, each the replica of the other.
    DualPrimary,
    /// One source, one or several replicas.
    PrimaryReplica,
    /// Each server the replica of the one before it.
    Ring,
    /// Every channel by name.
    Channels,
}

impl Kind {
    /// Every kind with its word in a playbook and, where there is one, the word it used to have.
    pub const ALL: [(Kind, &'static str, Option<&'static str>); 4] = [
        (Kind::DualPrimary, "dual-primary", Some("master-master")),
        (Kind::PrimaryReplica, "primary-replica", Some("master-slave")),
        (Kind::Ring, "ring", None),
        (Kind::Channels, "channels", None),
    ];

    /// The word in a playbook.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, word, _)| word)
    }

    fn of(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word, old)| *word == text || *old == Some(text)).map(|(kind, ..)| *kind)
    }
}

/// A host that is named somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The host.
    pub host: HostName,
    /// Where it is named.
    pub place: Place,
}

/// One channel that is declared by itself: of the kind `channels`, or of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeDeclaration {
    /// The source.
    pub from: Declared,
    /// The replica.
    pub to: Declared,
    /// The channel's name; empty for the default one.
    pub name: String,
    /// Delay in seconds.
    pub delay: u64,
    /// What this channel alone applies.
    pub filters: Filters,
}

/// A topology as it is declared, with names that may still be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Its shape.
    pub kind: Kind,
    /// Members in their order; of `primary-replica` the primary is the first.
    pub members: Vec<Declared>,
    /// Whose data the others get.
    pub seed_from: Option<Declared>,
    /// The member of a `dual-primary` that is not written to.
    pub standby: Option<Declared>,
    /// Hosts that are gone. They keep their places above, are not needed, and have no edge until they are back.
    pub lost: Vec<Declared>,
    /// Channels, for the kinds `channels` and `primary-replica`.
    pub channels: Vec<EdgeDeclaration>,
    /// Where it stands.
    pub place: Place,
}

impl Topology {
    /// Reads a topology. Templates in it have been evaluated already.
    pub fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let fields = Fields::of(node, "a topology", problems)?;
        let (word, kind_node) = fields.need("kind", problems).and_then(|n| n.scalar().map(|s| (s, n)))?;
        let kind = match Kind::of(&word) {
            Some(kind) => kind,
            None => {
                let known = Kind::ALL.map(|(_, word, _)| word);
                let message = format!("there is no topology `{word}`");
                let help = match closest(&word, known.into_iter()) {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => format!("The kinds are {}.", known.join(", ")),
                };
                problems.push(
                    Problem::error("playbook::kind", &kind_node.place, message, "unknown kind").help(help),
                );
                return None;
            }
        };
        let mut topology = Topology {
            kind,
            members: Vec::new(),
            seed_from: None,
            standby: None,
            lost: Vec::new(),
            channels: Vec::new(),
            place: node.place.clone(),
        };
        match kind {
            Kind::DualPrimary | Kind::Ring => {
                if let Some(list) = fields.need("members", problems) {
                    topology.members = names(list, "members", problems);
                }
            }
            Kind::PrimaryReplica => {
                let primary = fields.get("primary").or_else(|| fields.get("master"));
                match primary {
                    Some(node) => topology.members.extend(name(node, problems)),
                    None => {
                        fields.need("primary", problems);
                    }
                }
                match fields.get("replicas").or_else(|| fields.get("slaves")) {
                    Some(list) => topology.read_replicas(list, problems),
                    None => {
                        fields.need("replicas", problems);
                    }
                }
            }
            Kind::Channels => {
                let list = fields
                    .need("channels", problems)
                    .map(|n| n.seq().unwrap_or_default())
                    .unwrap_or_default();
                topology.channels = list.iter().filter_map(|n| channel(n, problems)).collect();
                for edge in &topology.channels {
                    for end in [&edge.from, &edge.to] {
                        if !topology.members.iter().any(|m| m.host == end.host) {
                            topology.members.push(end.clone());
                        }
                    }
                }
            }
        }
        if let Some(node) = fields.get("seed_from") {
            topology.seed_from = name(node, problems);
        }
        if kind == Kind::DualPrimary
            && let Some(node) = fields.get("standby")
        {
            topology.standby = name(node, problems);
        }
        if let Some(node) = fields.get("lost") {
            topology.lost = names(node, "lost", problems);
        }
        fields.finish(problems);
        topology.check(problems);
        Some(topology)
    }

    /// Replicas of a primary: a name each, or `{host, source, delay}` for one further down the tree.
    fn read_replicas(&mut self, node: &Node, problems: &mut Problems) {
        let Yaml::Seq(items) = &node.value else {
            self.members.extend(names(node, "replicas", problems));
            return;
        };
        let primary = self.members.first().cloned();
        for item in items {
            let (host, source, delay, filters) = match &item.value {
                Yaml::Map(_) => {
                    let Some(fields) = Fields::of(item, "a replica", problems) else { continue };
                    let host = fields.need("host", problems).and_then(|n| name(n, problems));
                    let source = fields.get("source").and_then(|n| name(n, problems));
                    let delay = delay(&fields, problems);
                    let filters = filters(&fields, problems);
                    fields.finish(problems);
                    (host, source, delay, filters)
                }
                _ => (name(item, problems), None, 0, Filters::default()),
            };
            let Some(host) = host else { continue };
            self.members.push(host.clone());
            if let Some(from) = source.or_else(|| primary.clone()) {
                self.channels.push(EdgeDeclaration { from, to: host, name: String::new(), delay, filters });
            }
        }
    }

    /// A tree has one root, from which every replica is reached.
    fn check_tree(&self, problems: &mut Problems) {
        for edge in &self.channels {
            if !self.members.iter().any(|m| m.host == edge.from.host) {
                let message = format!("{} is the source of {} and no member", edge.from.host, edge.to.host);
                problems.push(Problem::error(
                    "playbook::no-member",
                    &edge.from.place,
                    message,
                    "not a member",
                ));
                return;
            }
        }
        for start in &self.channels {
            let mut at = &start.to.host;
            // A way to the root has fewer links than there are members.
            for _ in &self.members {
                match self.channels.iter().find(|e| e.to.host == *at) {
                    Some(edge) => at = &edge.from.host,
                    None => break,
                }
            }
            if self.members.first().is_some_and(|primary| primary.host != *at) {
                let message = format!(
                    "{} is its own source in the end, and has none that is written to",
                    start.to.host
                );
                problems.push(
                    Problem::error("playbook::cycle", &start.to.place, message, "in a circle")
                        .help("Servers in a circle are `kind: ring`."),
                );
                return;
            }
        }
    }

    /// What can be wrong without knowing the inventory.
    fn check(&self, problems: &mut Problems) {
        for (n, member) in self.members.iter().enumerate() {
            if let Some(first) = self.members[..n].iter().find(|m| m.host == member.host) {
                let message = format!("{} is a member twice", member.host);
                problems.push(
                    Problem::error("playbook::member-twice", &member.place, message, "again")
                        .see(&first.place, "first here"),
                );
            }
        }
        let (least, most) = match self.kind {
            Kind::DualPrimary => (2, 2),
            Kind::PrimaryReplica => (2, usize::MAX),
            Kind::Ring => (3, usize::MAX),
            Kind::Channels => (1, usize::MAX),
        };
        // One that is lost may have been taken out of the members, too.
        let apart = self.lost.iter().filter(|lost| !self.members.iter().any(|m| m.host == lost.host));
        let named = self.members.len() + apart.count();
        if named < least || self.members.len() > most {
            let wanted = if least == most { format!("exactly {least}") } else { format!("at least {least}") };
            let message = format!(
                "a topology `{}` has {wanted} members, this one has {}",
                self.kind.word(),
                self.members.len()
            );
            let mut problem = Problem::error("playbook::member-count", &self.place, message, "this topology");
            if self.kind == Kind::DualPrimary && self.members.len() > 2 {
                problem = problem.help("Three and more servers in a circle are `kind: ring`.");
            }
            problems.push(problem);
        }
        if let Some(seed) = &self.seed_from
            && !self.members.iter().any(|m| m.host == seed.host)
        {
            let message = format!("seed_from names {}, which is no member", seed.host);
            problems.push(Problem::error("playbook::seed-from", &seed.place, message, "not a member"));
        }
        if let Some(standby) = &self.standby
            && !self.members.iter().chain(&self.lost).any(|m| m.host == standby.host)
        {
            let message = format!("standby names {}, which is no member", standby.host);
            problems.push(Problem::error("playbook::standby", &standby.place, message, "not a member"));
        }
        if self.kind == Kind::PrimaryReplica {
            self.check_tree(problems);
        }
        self.check_lost(problems);
        for edge in &self.channels {
            if edge.from.host == edge.to.host {
                let message = format!("{} can't replicate from itself", edge.to.host);
                problems.push(Problem::error(
                    "playbook::self-replication",
                    &edge.to.place,
                    message,
                    "from and to are the same",
                ));
            }
        }
    }

    /// Somebody has to be left, and whoever is written to must be.
    fn check_lost(&self, problems: &mut Problems) {
        let Some(first) = self.lost.first() else { return };
        let Some(writer) = self.one_writer().filter(|writer| self.is_lost(writer)) else {
            if self.members.iter().all(|member| self.is_lost(&member.host)) {
                let message = "every member is lost";
                problems.push(Problem::error("playbook::all-lost", &first.place, message, "the last one"));
            }
            return;
        };
        let place = self.lost.iter().find(|lost| lost.host == *writer).map_or(&first.place, |l| &l.place);
        let message = format!("clients are declared to write to {writer}, which is lost");
        let help = match self.kind {
            Kind::DualPrimary => {
                format!("Declare `standby: {writer}`, so that the other member takes the writes.")
            }
            _ => "Name the replica that takes the writes in its place, or let `tandem failover` choose it."
                .to_owned(),
        };
        problems.push(
            Problem::error("playbook::lost-writer", place, message, "the one that is written to").help(help),
        );
    }

    /// Whether a host is declared lost.
    pub fn is_lost(&self, host: &HostName) -> bool {
        self.lost.iter().any(|lost| lost.host == *host)
    }

    /// Names that the inventory does not have.
    pub fn check_hosts(&self, known: &[HostName], problems: &mut Problems) {
        let mentions = self
            .members
            .iter()
            .chain(self.seed_from.as_ref())
            .chain(&self.lost)
            .chain(self.channels.iter().flat_map(|e| [&e.from, &e.to]));
        for member in mentions {
            if !known.contains(&member.host) {
                let message = format!("the inventory has no host `{}`", member.host);
                let problem =
                    Problem::error("playbook::unknown-host", &member.place, message, "unknown host");
                problems.push(match closest(member.host.as_str(), known.iter().map(HostName::as_str)) {
                    Some(near) => problem.help(format!("Did you mean `{near}`?")),
                    None => problem,
                });
            }
        }
    }
}

fn name(node: &Node, problems: &mut Problems) -> Option<Declared> {
    match node.scalar() {
        Some(text) => Some(Declared { host: HostName::new(text), place: node.place.clone() }),
        None => {
            let message = format!("a host's name must be text, this is {}", node.kind());
            problems.push(Problem::error("file::wrong-type", &node.place, message, "not a name"));
            None
        }
    }
}

fn names(node: &Node, key: &str, problems: &mut Problems) -> Vec<Declared> {
    match &node.value {
        Yaml::Seq(items) => items.iter().filter_map(|item| name(item, problems)).collect(),
        Yaml::Text(_) => name(node, problems).into_iter().collect(),
        _ => {
            let message = format!("`{key}` must be a list of hosts, this is {}", node.kind());
            problems.push(Problem::error("file::wrong-type", &node.place, message, "not a list"));
            Vec::new()
        }
    }
}

/// A delay in seconds; 0 where none is declared.
fn delay(fields: &Fields<'_>, problems: &mut Problems) -> u64 {
    fields.text("delay", problems).map_or(0, |(text, node)| {
        text.parse().unwrap_or_else(|_| {
            problems.push(Problem::error(
                "file::wrong-type",
                &node.place,
                "a delay is a number of seconds",
                "not a number",
            ));
            0
        })
    })
}

/// Filters of one channel, under the names of the inventory's variables.
fn filters(fields: &Fields<'_>, problems: &mut Problems) -> Filters {
    let mut filters = Filters::default();
    let Some(fields) = fields.get("filters").and_then(|node| Fields::of(node, "filters", problems)) else {
        return filters;
    };
    for (key, list) in [
        ("replicate_databases", &mut filters.databases),
        ("replicate_ignore_databases", &mut filters.ignore_databases),
        ("replicate_wild_tables", &mut filters.wild_tables),
        ("replicate_wild_ignore_tables", &mut filters.wild_ignore_tables),
    ] {
        let Some(node) = fields.get(key) else { continue };
        let items = match &node.value {
            Yaml::Seq(items) => items.iter().collect(),
            _ => vec![node],
        };
        for item in items {
            match item.scalar().filter(|text| !text.contains([',', '\n'])) {
                Some(text) => list.push(text),
                None => problems.push(Problem::error(
                    "file::wrong-type",
                    &item.place,
                    format!("`{key}` is a list of names"),
                    "not a name",
                )),
            }
        }
    }
    fields.finish(problems);
    filters
}

fn channel(node: &Node, problems: &mut Problems) -> Option<EdgeDeclaration> {
    let fields = Fields::of(node, "a channel", problems)?;
    let from = fields.need("from", problems).and_then(|n| name(n, problems));
    let to = fields.need("to", problems).and_then(|n| name(n, problems));
    let channel_name = fields.text("name", problems).map(|(text, _)| text).unwrap_or_default();
    let delay = delay(&fields, problems);
    let filters = filters(&fields, problems);
    fields.finish(problems);
    Some(EdgeDeclaration { from: from?, to: to?, name: channel_name, delay, filters })
}
