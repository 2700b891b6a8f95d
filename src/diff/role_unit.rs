//! The unit that opens the recorded writer after a start of its server: there on the one host that is written to, and
//! nowhere else.

mod meanwhile;

use super::{Context, Draft};
use crate::{
    desired::{DesiredHost, DesiredRoleUnit},
    dialect::Dialect,
    model::{Fact, HostName},
    observe::{HostFacts, ServerFacts},
    option_file::same_value,
    plan::{
        Action, Because, HostWaits, Kind, Named, Reason, Refusal, Refused, ServerFinding, State, Step,
        StepId, StepName,
    },
    role_unit::{Lack, Peer, RoleUnit, RoleUnitFacts},
};

/// Adds the steps. They come after those that open and close hosts are known.
pub(super) fn steps(context: &Context<'_>, draft: &mut Draft) {
    for name in &context.desired.members {
        let facts = context.observed.get(name).and_then(Fact::known);
        let (Some(host), Some(facts)) = (context.desired.hosts.get(name), facts) else { continue };
        let there = match &facts.role_unit {
            Fact::Known(there) => Some(there),
            Fact::Absent => None,
            Fact::Unread(_) => continue,
        };
        if host.role_unit.is_none() && there.is_none() && host.writer && starts_closed(host) {
            draft.warn(name, ServerFinding::StartsClosed { lack: Lack::Role });
        }
        let step = match (&host.role_unit, there) {
            (Some(wish), _) if is_or_gets_open(facts, name, draft) => match facts.lacks_for_role_unit() {
                Some(lack) => {
                    draft.warn(name, ServerFinding::StartsClosed { lack });
                    None
                }
                None => {
                    let peers = peers(context, name, draft);
                    Record { host, facts, wish, peers }.step(context, there)
                }
            },
            (None, Some(_)) if !stays_open(context, facts, name, draft) => Some(forget(name)),
            _ => None,
        };
        draft.steps.extend(step);
    }
    // A host that was given up is the writer no more.
    for name in context.desired.lost.iter().map(|lost| &lost.host.name) {
        let facts = context.observed.get(name).and_then(Fact::known);
        let recorded = facts.and_then(|facts| facts.role_unit.known()).is_some();
        // For as long as nobody has taken its writes it may go on, and start again, as the writer.
        let taken = draft.steps.iter().filter(|step| matches!(step.action, Action::Failover(_)));
        let requires = taken.map(|step| step.id.clone()).collect();
        draft.steps.extend(recorded.then(|| Step { requires, ..forget(name) }));
    }
    meanwhile::steps(context, draft);
    put_aside(draft);
    keep_closed(context, draft);
}

/// Whether a server is declared to start read-only, whatever it runs with.
fn starts_closed(host: &DesiredHost) -> bool {
    let mut settings = host.settings.iter().flatten();
    settings.any(|wish| {
        let on = wish.values.last().is_some_and(|value| same_value("read_only", value, "ON"));
        wish.at_start && wish.name == "read_only" && on
    })
}

/// A host that is closed is not opened beside one that is open and keeps still, since something is refused there: two would
/// take writes. Nor is one that is not the recorded writer opened beside one that has what no other one has: writes may have
/// gone there, whichever hosts this run is limited to.
fn keep_closed(context: &Context<'_>, draft: &mut Draft) {
    let facts = |name: &HostName| context.observed.get(name).and_then(Fact::known);
    let wish = |name: &HostName| context.desired.hosts.get(name);
    let unrecorded = |name: &HostName| {
        let wished = wish(name).is_some_and(|host| host.role_unit.is_some());
        wished && facts(name).is_some_and(|facts| facts.role_unit.is_absent())
    };
    let stays_open = |name: &HostName| {
        let closed = wish(name).is_some_and(|host| host.declared_closed() == Some(true));
        closed && facts(name).is_some_and(is_open)
    };
    let refused = |matters: &dyn Fn(&Refusal) -> bool| {
        draft.refused.iter().find(|refusal| matters(refusal)).map(|refusal| refusal.host.clone())
    };
    let errant = refused(&|refusal| matches!(refusal.why, Refused::Errant(_)));
    let open = refused(&|refusal| stays_open(&refusal.host));
    let opened = draft.steps.iter().filter(|step| step.opens(&step.host));
    let opened: Vec<HostName> = opened.map(|step| step.host.clone()).collect();
    for host in opened {
        let unproven = errant.clone().filter(|_| unrecorded(&host));
        let Some(keeps) = open.clone().or(unproven).filter(|keeps| *keeps != host) else { continue };
        // What is refused on it says more.
        if draft.refused.iter().any(|refusal| refusal.host == host) {
            continue;
        }
        draft.wait(&host, HostWaits::Partner { keeps });
        draft.blocked.push(host);
    }
}

/// Where writes are to leave a host by a switch, its record comes back if that fails.
fn put_aside(draft: &mut Draft) {
    let from = |step: &Step| match &step.action {
        Action::Switchover(plan) => Some(plan.from.clone()),
        _ => None,
    };
    let left: Vec<HostName> = draft.steps.iter().filter_map(from).collect();
    for step in draft.steps.iter_mut().filter(|step| left.contains(&step.host)) {
        if let Action::ForgetWriter { aside } = &mut step.action {
            *aside = true;
        }
    }
}

/// The step that takes the record away.
fn forget(name: &HostName) -> Step {
    Step {
        id: StepId::of(name, StepName::RoleUnit),
        host: name.clone(),
        kind: Kind::RoleUnit,
        reason: vec![Reason::because(Because::NotTheWriter)],
        before: Some(state("writer")),
        after: Some(state("none")),
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::ForgetWriter { aside: false },
    }
}

fn state(role: &str) -> State {
    State::Options { values: vec![Named::new("recorded role", role)] }
}

/// What is opened only by a plan that was refused is not recorded.
fn is_or_gets_open(facts: &HostFacts, name: &HostName, draft: &Draft) -> bool {
    is_open(facts) || draft.opens(name)
}

/// Whether a host that is written to now stays so, since what would close it is not planned. It is the writer then,
/// whatever is declared.
fn stays_open(context: &Context<'_>, facts: &HostFacts, name: &HostName, draft: &Draft) -> bool {
    let declared_open = context.desired.hosts.get(name).is_some_and(|host| host.writer);
    is_open(facts) && !declared_open && !draft.closes(name)
}

fn is_open(facts: &HostFacts) -> bool {
    facts.server.known().is_some_and(ServerFacts::accepts_writes)
}

/// What is to be recorded on a host.
/// The client program, where the unit would not find it on its PATH.
fn client_beside(facts: &HostFacts) -> Option<String> {
    const PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let clients: Vec<&String> =
        ["mariadb", "mysql"].iter().filter_map(|tool| facts.os.tools.get(*tool)).collect();
    let on_path =
        |path: &&String| path.rsplit_once('/').is_some_and(|(directory, _)| PATH.contains(&directory));
    let plain = |path: &&&String| path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let first = clients.first().filter(|_| !clients.iter().any(on_path));
    first.filter(plain).map(|path| (*path).clone())
}

struct Record<'a> {
    host: &'a DesiredHost,
    facts: &'a HostFacts,
    wish: &'a DesiredRoleUnit,
    /// Whom it asks.
    peers: Vec<Peer>,
}

impl Record<'_> {
    /// The step, unless what is there is the same.
    fn step(self, context: &Context<'_>, there: Option<&RoleUnitFacts>) -> Option<Step> {
        let (server, service) = (self.facts.server.known()?, self.facts.service.known()?);
        let (host, wish, admin) = (self.host, self.wish, &self.host.connection);
        let unit = RoleUnit {
            server_unit: service.unit.clone(),
            dialect: Dialect::of(server.version),
            client: client_beside(self.facts),
            socket: socket(server),
            admin: (
                admin.admin_user.clone().unwrap_or_else(|| "root".to_owned()),
                admin.admin_password.clone(),
            ),
            peers: self.peers,
            user: wish.user.clone(),
            password: wish.password.clone(),
            tls: wish.tls,
            tls_ca: wish.tls_ca.clone(),
        };
        let secret = |id| context.secrets.get(id).map(crate::model::Secret::expose);
        let admin = match &unit.admin.1 {
            Some(id) => Some(secret(id)?),
            None => None,
        };
        let files = unit.files(secret(&unit.password)?, admin);
        let is_so = |there: &RoleUnitFacts| {
            files.digest(&there.salt) == there.digest && there.wanted_by == [unit.server_unit.clone()]
        };
        if there.is_some_and(is_so) {
            return None;
        }
        let names: Vec<&str> = unit.peers.iter().map(|peer| peer.name.as_str()).collect();
        let asks =
            Named::new("asks first", if names.is_empty() { "nobody".into() } else { names.join(", ") });
        Some(Step {
            id: StepId::of(&host.name, StepName::RoleUnit),
            host: host.name.clone(),
            kind: Kind::RoleUnit,
            reason: vec![Reason::declared(Because::RecordedWriter, &wish.place)],
            before: there.map(|_| state("writer, by other files")),
            after: Some(State::Options { values: vec![Named::new("recorded role", "writer"), asks] }),
            risk: Vec::new(),
            requires: Vec::new(),
            action: Action::RecordWriter(Box::new(unit)),
        })
    }
}

/// Where the server's socket is: one that is named without its directory is in the data directory.
fn socket(server: &ServerFacts) -> String {
    let socket = server.variable("socket").unwrap_or_default();
    match server.variable("datadir") {
        Some(datadir) if !socket.starts_with('/') => format!("{}/{socket}", datadir.trim_end_matches('/')),
        _ => socket.to_owned(),
    }
}

/// The hosts that must not accept writes: all others, but those that are declared to. One that keeps still and has no account
/// for it yet would turn it away, and so keep it closed: it is asked once it has one.
fn peers(context: &Context<'_>, writer: &HostName, draft: &Draft) -> Vec<Peer> {
    let lets_in = |name: &HostName| {
        let still = draft.blocked.contains(name) || draft.refused.iter().any(|refusal| refusal.host == *name);
        let (Some(host), Some(server), true) = (context.desired.hosts.get(name), context.server(name), still)
        else {
            return true;
        };
        let is_there =
            |user: &str, from: &str| server.account_names.iter().any(|(u, f)| u == user && f == from);
        host.accounts.iter().filter(|wish| wish.replicates()).all(|wish| is_there(&wish.user, &wish.host))
    };
    let closed = |name: &&HostName| {
        let host = context.desired.hosts.get(*name);
        *name != writer && host.is_some_and(|host| host.declared_closed() == Some(true))
    };
    let at = |name: &HostName| {
        let endpoint = context.desired.hosts.get(name)?.endpoint.clone();
        Some(Peer { name: name.clone(), endpoint, lost: false })
    };
    // One that was given up may be back, and open.
    let gone = context.desired.lost.iter().map(|lost| Peer {
        name: lost.host.name.clone(),
        endpoint: lost.host.endpoint.clone(),
        lost: true,
    });
    let members = context.desired.members.iter().filter(closed).filter(|name| lets_in(name));
    members.filter_map(at).chain(gone).collect()
}
