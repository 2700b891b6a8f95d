//! `status`, `doctor` and `graph`.

use std::collections::BTreeMap;

use super::{
    args::{Format, Global, GraphArgs, Picture},
    exit::Exit,
    prepare::{Prepared, bare_hosts, prepare},
};
use crate::{
    desired::{self, DesiredHost},
    model::HostName,
    observe,
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
) -> Result<Exit, Exit> {
    let mut document = look(global, playbook, terminal).await?;
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
            terminal.out(&format!("{}{tally}", render::status(&document, global.verbose > 0)));
        }
        Format::Json => terminal.json(&document),
        Format::Jsonl => terminal.json_line(&document),
    }
    Ok(exit)
}

/// Draws the topology as it is.
pub async fn graph(global: &Global, args: &GraphArgs, terminal: &Terminal) -> Result<Exit, Exit> {
    let document = look(global, args.playbook.playbook.as_deref(), terminal).await?;
    terminal.out(&match args.picture {
        Picture::Mermaid => render::mermaid(&document),
        Picture::Dot => render::dot(&document),
        Picture::Svg => render::svg(&document),
    });
    Ok(exit(&document))
}

/// What a look at the topology ends with.
pub(super) fn exit(document: &StatusDocument) -> Exit {
    let unread = document.hosts.iter().any(|h| h.state == "unread");
    let broken = document.hosts.iter().any(|h| h.state == "down")
        || document.channels.iter().any(|c| c.state != "running" && c.state != "unknown");
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
) -> Result<StatusDocument, Exit> {
    let fleet = Fleet::of(global, playbook, terminal)?;
    let (document, sessions) = {
        let _waiting = Waiting::begin(terminal, "reading the hosts");
        fleet.read(BTreeMap::new()).await
    };
    futures_util::future::join_all(sessions.into_values().map(Session::close)).await;
    Ok(document)
}

/// The hosts whose status is asked for.
pub(super) struct Fleet {
    prepared: Prepared,
    hosts: Vec<DesiredHost>,
    declared: bool,
}

impl Fleet {
    /// The members of a playbook's topologies; without one, all hosts of the inventory.
    pub(super) fn of(global: &Global, playbook: Option<&str>, terminal: &Terminal) -> Result<Self, Exit> {
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
        hosts.retain(|h| prepared.limit.as_ref().is_none_or(|l| l.contains(&h.name)));
        Ok(Self { prepared, hosts, declared: playbook.is_some() })
    }

    /// Reads them once, over the connections that are open, and hands the connections on.
    pub(super) async fn read(
        &self,
        open: BTreeMap<HostName, Session>,
    ) -> (StatusDocument, BTreeMap<HostName, Session>) {
        let wanted: Vec<&DesiredHost> = self.hosts.iter().collect();
        let prepared = &self.prepared;
        let reading =
            observe::observe(&wanted, &prepared.secrets, &prepared.options, &prepared.scratch, open).await;
        (status::status(&wanted, &reading.observed, self.declared), reading.sessions)
    }
}
