//! `status`, `doctor` and `graph`.

use std::collections::BTreeMap;

use super::{
    args::{Format, Global, GraphArgs, Picture},
    exit::Exit,
    prepare::{Prepared, bare_hosts, prepare},
};
use crate::{
    desired::{self, DesiredHost},
    dialect::Dialect,
    engine::{self, CommandError},
    model::{Endpoint, Fact, HostName},
    observe::{self, Reading},
    render::{self, Terminal, Waiting},
    status::{self, StatusDocument},
    transport::Session,
};

/// Shows the topology as it is. Without a playbook all hosts of the inventory are shown.
pub async fn run(
    global: &Global,
    playbook: Option<&str>,
    terminal: &Terminal,
    doctor: bool,
) -> Result<Exit, CommandError> {
    let fleet = Fleet::of(global, playbook, terminal)?;
    let (mut document, reading) = {
        let _waiting = Waiting::begin(terminal, "reading the hosts");
        fleet.read(BTreeMap::new()).await
    };
    if doctor {
        let _waiting = Waiting::begin(terminal, "looking for the cause");
        fleet.find_rows(&mut document, &reading).await;
    }
    reading.close().await;
    let exit = exit(&document);
    let tally = render::tally(&document);
    if doctor {
        document.keep_troubles();
    }
    match global.format {
        Format::Human if doctor && exit == Exit::Done => {
            terminal.out("Nothing is wrong: every server is up and every channel runs.\n");
        }
        Format::Human => {
            terminal.out(&format!(
                "{}{tally}",
                render::status(&document, global.verbose > 0, terminal.width(), terminal.columns_out())
            ));
        }
        Format::Json => terminal.json(&document),
        Format::Jsonl => terminal.json_line(&document),
    }
    Ok(exit)
}

/// Draws the topology as it is.
pub async fn graph(global: &Global, args: &GraphArgs, terminal: &Terminal) -> Result<Exit, CommandError> {
    let document = look(global, args.playbook.playbook.as_deref(), terminal).await?;
    let (word, picture) = match args.picture {
        Picture::Mermaid => ("mermaid", render::mermaid(&document)),
        Picture::Dot => ("dot", render::dot(&document)),
        Picture::Svg => ("svg", render::svg(&document)),
    };
    let value = || serde_json::json!({"format_version": "1.0", "as": word, "picture": picture});
    match global.format {
        Format::Human => terminal.out(&picture),
        Format::Json => terminal.json(&value()),
        Format::Jsonl => terminal.json_line(&value()),
    }
    Ok(exit(&document))
}

/// What a look at the topology ends with.
pub(super) fn exit(document: &StatusDocument) -> Exit {
    let unread = document.hosts.iter().any(|h| h.state == "unread");
    let broken = document.hosts.iter().any(|h| h.state == "down")
        || document.channels.iter().any(|c| c.state != "running" && c.state != "unknown")
        || !document.errant.is_empty();
    match (broken, unread) {
        (true, true) => Exit::DifferencesAndNotRead,
        (true, false) => Exit::Differences,
        (false, true) => Exit::NotRead,
        (false, false) => Exit::Done,
    }
}

/// Reads the hosts into a status.
pub(super) async fn look(
    global: &Global,
    playbook: Option<&str>,
    terminal: &Terminal,
) -> Result<StatusDocument, CommandError> {
    let fleet = Fleet::of(global, playbook, terminal)?;
    let (document, reading) = {
        let _waiting = Waiting::begin(terminal, "reading the hosts");
        fleet.read(BTreeMap::new()).await
    };
    reading.close().await;
    Ok(document)
}

/// The hosts whose status is asked for.
pub(super) struct Fleet {
    prepared: Prepared,
    hosts: Vec<DesiredHost>,
    /// Where all hosts are reached, those that `--limit` leaves out too.
    names: BTreeMap<Endpoint, HostName>,
    declared: bool,
}

impl Fleet {
    /// The members of a playbook's topologies; without one, all hosts of the inventory.
    pub(super) fn of(
        global: &Global,
        playbook: Option<&str>,
        terminal: &Terminal,
    ) -> Result<Self, CommandError> {
        let prepared = prepare(global, playbook, &[], terminal)?;
        let mut hosts: Vec<DesiredHost> = Vec::new();
        if playbook.is_none() {
            hosts = bare_hosts(&prepared.project);
        }
        for (play, members) in prepared.plays() {
            let built = desired::build(&prepared.project, play, members, &BTreeMap::new());
            let mut wished = built.desired.hosts;
            for member in &built.desired.members {
                let Some(host) = wished.remove(member) else { continue };
                match hosts.iter_mut().find(|h| h.name == *member) {
                    Some(there) => there.channels.extend(host.channels),
                    None => hosts.push(host),
                }
            }
        }
        let names = status::endpoints(hosts.iter());
        hosts.retain(|h| prepared.limit.as_ref().is_none_or(|l| l.contains(&h.name)));
        Ok(Self { prepared, hosts, names, declared: playbook.is_some() })
    }

    /// Reads them once, over the connections that are open, and hands the connections on.
    pub(super) async fn read(&self, open: BTreeMap<HostName, Session>) -> (StatusDocument, Reading) {
        let wanted: Vec<&DesiredHost> = self.hosts.iter().collect();
        let prepared = &self.prepared;
        let mut reading =
            engine::observe(&wanted, &prepared.secrets, &prepared.options, &prepared.scratch, open).await;
        observe::find_errant(&mut reading, &wanted, self.declared).await;
        (status::status_among(&wanted, &self.names, &reading.observed, self.declared), reading)
    }

    /// Adds the row on both sides to each channel that a row stops.
    async fn find_rows(&self, document: &mut StatusDocument, reading: &Reading) {
        for channel in document.channels.iter_mut().filter(|c| c.state == "broken") {
            let Some(source) = channel.source.clone() else { continue };
            let server = |host| reading.observed.get(host).and_then(Fact::known)?.server.known();
            let Some(replica) = server(&channel.replica) else { continue };
            let Some(facts) =
                replica.channels.known().and_then(|l| l.iter().find(|c| c.name == channel.name))
            else {
                continue;
            };
            let found = engine::row_evidence(reading, &channel.replica, &source, facts).await;
            if let Some(evidence) = found {
                let start = Dialect::of(replica.version).start_channel(&channel.name);
                channel.evidence = evidence.lines(source.as_str(), channel.replica.as_str());
                if !document.errant.iter().any(|found| found.replica == channel.replica) {
                    channel.repairs = evidence.repairs(channel.replica.as_str(), &start);
                }
            }
        }
    }
}
