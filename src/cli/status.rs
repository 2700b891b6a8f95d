//! `status`, `doctor` and `graph`.

use std::collections::BTreeMap;

use super::{
    args::{Format, Global, GraphArgs, Picture},
    exit::Exit,
    prepare::{bare_hosts, prepare},
};
use crate::{
    desired::{self, DesiredHost},
    observe,
    render::{self, Terminal, Waiting},
    status::{self, StatusDocument},
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
    });
    Ok(exit(&document))
}

fn exit(document: &StatusDocument) -> Exit {
    let unread = document.hosts.iter().any(|h| h.state == "unread");
    let broken = document.hosts.iter().any(|h| h.state == "down")
        || document.channels.iter().any(|c| c.state != "running");
    match (broken, unread) {
        (true, true) => Exit::DifferencesAndNotRead,
        (true, false) => Exit::Differences,
        (false, true) => Exit::NotRead,
        (false, false) => Exit::Done,
    }
}

/// Reads the hosts into a status.
async fn look(global: &Global, playbook: Option<&str>, terminal: &Terminal) -> Result<StatusDocument, Exit> {
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
    let wanted: Vec<&DesiredHost> = hosts.iter().collect();
    let reading = {
        let _waiting = Waiting::begin(terminal, "reading the hosts");
        observe::observe(&wanted, &prepared.secrets, &prepared.options, &prepared.scratch, BTreeMap::new())
            .await
    };
    let document = status::status(&wanted, &reading.observed, playbook.is_some());
    reading.close().await;
    Ok(document)
}
