//! `verify`: proof by use.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    args::{Format, Global, VerifyArgs},
    exit::Exit,
    prepare::{Prepared, bare_hosts, prepare},
    stop::Interrupt,
};
use crate::{
    desired::{self, Desired, DesiredHost, Identity},
    engine::{self, CommandError, ErrorKind},
    exec::{Fleet, LockError},
    model::{Fact, HostName, Limits, in_parallel},
    observe::{self, Observed, Reading},
    plan::Policy,
    render::{self, Terminal, Waiting},
    status,
    transport::Session,
    verify::{Outsider, Remark, Scope, VerifyReport, Web, prove},
};

/// Hosts outside the topology that try ports as strangers.
const OUTSIDERS: usize = 2;
/// Rows that are shown of those that differ, for each pair of hosts.
const SHOWN: usize = 20;

/// Runs the command. Without a playbook all hosts of the inventory are looked at, as `status` does.
pub async fn run(global: &Global, args: &VerifyArgs, terminal: &Terminal) -> Result<Exit, CommandError> {
    let playbook = args.playbook.playbook.as_deref();
    if let Some(pattern) = args.tables.iter().find(|p| !p.contains(['.', '*', '?'])) {
        return Err(CommandError::usage(format!(
            "--tables: `{pattern}` fits no table; a pattern is `database.table`, such as `*.{pattern}`"
        )));
    }
    let prepared = prepare(global, playbook, &[], terminal)?;
    let interrupt = Interrupt::listen(*terminal);
    let work = whole(global, args, terminal, &prepared, &interrupt);
    tokio::select! {
        biased;
        () = interrupt.at_once.cancelled() => {
            Err(interrupt.ended("ended at once; what is left of the canaries, the next `tandem verify` removes"))
        }
        exit = work => exit,
    }
}

async fn whole(
    global: &Global,
    args: &VerifyArgs,
    terminal: &Terminal,
    prepared: &Prepared,
    interrupt: &Interrupt,
) -> Result<Exit, CommandError> {
    let declared = args.playbook.playbook.is_some();
    let first = wished(prepared, declared, &BTreeMap::new());
    let wanted: Vec<&DesiredHost> = first.iter().collect();
    let mut reading = {
        let _waiting = Waiting::begin(terminal, "reading the hosts");
        engine::observe(&wanted, &prepared.secrets, &prepared.options, &prepared.scratch, BTreeMap::new())
            .await
    };
    let hosts = wished(prepared, declared, &reading.identities());
    observe::find_errant(&mut reading, &hosts.iter().collect::<Vec<_>>(), declared).await;
    if args.reboot
        && let Err(error) = confirm(&hosts, &reading.observed, args, terminal).await
    {
        reading.close().await;
        return Err(error);
    }
    interrupt.changes_begin();
    let proven = proven(args, terminal, prepared, interrupt, &hosts, &reading, declared).await;
    reading.close().await;
    let report = proven?;
    report.unmatched.iter().for_each(|why| terminal.error(why));
    match global.format {
        Format::Human => terminal.out(&render::verify(&report, global.verbose > 0)),
        Format::Json => terminal.json(&report),
        Format::Jsonl => terminal.json_line(&report),
    }
    if interrupt.gently.is_cancelled() {
        if report.errors.is_empty() {
            terminal.note("Interrupted. Nothing is left on the hosts.");
        }
        return Ok(Exit::Interrupted);
    }
    Ok(exit(&report))
}

async fn proven(
    args: &VerifyArgs,
    terminal: &Terminal,
    prepared: &Prepared,
    interrupt: &Interrupt,
    hosts: &[DesiredHost],
    reading: &Reading,
    declared: bool,
) -> Result<VerifyReport, LockError> {
    let wanted: Vec<&DesiredHost> = hosts.iter().collect();
    let document = status::status(&wanted, &reading.observed, declared);
    let web = Web::of(&wanted, &reading.observed, &document, declared);
    let desired = Desired {
        play: String::new(),
        members: hosts.iter().map(|h| h.name.clone()).collect(),
        hosts: hosts.iter().map(|h| (h.name.clone(), h.clone())).collect(),
        several_writers: web.writers.len() > 1,
        accounts_elsewhere: BTreeSet::new(),
    };
    let fleet = Fleet::new(
        &reading.sessions,
        &reading.logins,
        &prepared.secrets,
        &reading.observed,
        &desired,
        Policy::default(),
        Limits { forks: prepared.options.forks, ..Limits::default() },
        interrupt.gently.clone(),
    );
    let waiting = Waiting::begin(terminal, "proving");
    let note = |text: &str| waiting.pause(|| terminal.note(text));
    let progress = |text: &str| {
        waiting.say(text);
        if terminal.verbose > 0 {
            note(text);
        }
    };
    let scope = Scope {
        pair: None,
        databases: args.databases.clone(),
        tables: args.tables.clone(),
        ids: !args.quick,
        checksums: !args.quick && !args.no_checksums,
        restart: args.reboot,
        max_load: args.max_load,
        max_lag: args.max_lag,
        wait: args.wait,
        show: SHOWN,
        note: &note,
        progress: &progress,
    };
    let outsiders = outsiders(prepared, hosts).await;
    let report = prove(&fleet, &web, &wanted, &outsiders, &scope).await;
    futures_util::future::join_all(outsiders.into_iter().map(|o| o.session.close())).await;
    let mut report = report?;
    for host in &document.hosts {
        let remark = Remark::new(&host.host, host.problem.as_deref().unwrap_or("nothing is known of it"));
        match host.state {
            "up" => {}
            "down" => report.down.push(remark),
            _ => report.not_read.push(remark),
        }
    }
    for channel in document.channels.iter().filter(|c| c.source.is_none()) {
        let why =
            format!("its channel from {}: no host that is looked at has this address", channel.endpoint);
        report.not_provable.push(Remark::new(&channel.replica, why));
    }
    if web.edges.is_empty() && report.down.is_empty() && report.not_read.is_empty() {
        let why = "no channel leads from one host to another, so there is nothing to prove";
        report.errors.push(Remark::new("inventory", why));
    }
    if !report.failed() && report.not_read.is_empty() && report.errors.is_empty() && !report.proves_anything()
    {
        report.errors.push(Remark::new("everything", "nothing of it could be put to the test"));
    }
    report.proven &= report.errors.is_empty() && !report.failed() && report.not_read.is_empty();
    Ok(report)
}

/// The hosts with what the plays wish of them, all plays together.
fn wished(
    prepared: &Prepared,
    declared: bool,
    identities: &BTreeMap<HostName, Identity>,
) -> Vec<DesiredHost> {
    let mut hosts: Vec<DesiredHost> = if declared { Vec::new() } else { bare_hosts(&prepared.project) };
    for (play, members) in prepared.plays() {
        let built = desired::build(&prepared.project, play, members, identities);
        let mut wished = built.desired.hosts;
        for member in &built.desired.members {
            let Some(host) = wished.remove(member) else { continue };
            match hosts.iter_mut().find(|h| h.name == *member) {
                Some(there) => {
                    there.channels.extend(host.channels);
                    there.writer |= host.writer;
                    there.firewall = there.firewall.take().or(host.firewall);
                }
                None => hosts.push(host),
            }
        }
    }
    hosts.retain(|h| prepared.limit.as_ref().is_none_or(|l| l.contains(&h.name)));
    hosts
}

/// Hosts of the inventory that have no part in the topology. They are only needed where strangers are shut out.
async fn outsiders(prepared: &Prepared, hosts: &[DesiredHost]) -> Vec<Outsider> {
    if !hosts.iter().any(|h| h.firewall.as_ref().is_some_and(|f| f.deny_others)) {
        return Vec::new();
    }
    let bare = bare_hosts(&prepared.project);
    let others = bare.iter().filter(|b| !hosts.iter().any(|h| h.name == b.name)).take(OUTSIDERS);
    let opened = others.map(|host| async move {
        let target =
            observe::target(&host.name, &host.connection, &prepared.secrets, &prepared.options).ok()?;
        let session = Session::open(target, prepared.scratch.clone()).await.ok()?;
        session.settled().await.ok()?;
        Some(Outsider { session, address: host.endpoint.address.clone() })
    });
    in_parallel(prepared.options.forks, opened).await.into_iter().flatten().collect()
}

/// Asks before servers are restarted. `--reboot` names what is done, so nothing more has to be allowed.
async fn confirm(
    hosts: &[DesiredHost],
    observed: &Observed,
    args: &VerifyArgs,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    if args.yes {
        return Ok(());
    }
    let names: Vec<&str> = hosts.iter().map(|h| h.name.as_str()).collect();
    let sessions: usize = hosts
        .iter()
        .filter_map(|h| observed.get(&h.name).and_then(Fact::known)?.server.known()?.sessions.known())
        .map(Vec::len)
        .sum();
    let cut = match sessions {
        0 => "No client is connected".to_owned(),
        1 => "1 client session will be cut".to_owned(),
        n => format!("{n} client sessions will be cut"),
    };
    let question = format!(
        "Restart the database servers of {}, one after the other? {cut}. Only `yes` is accepted: ",
        names.join(", ")
    );
    match terminal.ask(&question).await.as_deref() {
        Some("yes") => Ok(()),
        Some(_) => Err(CommandError::several(ErrorKind::Failed, []).next("Nothing was restarted.")),
        None => {
            let what = "No terminal to prompt on; nothing was restarted. Pass --yes to run unattended.";
            Err(CommandError::failed(what))
        }
    }
}

fn exit(report: &VerifyReport) -> Exit {
    if !report.unmatched.is_empty() && !report.failed() {
        return Exit::Usage;
    }
    match (report.failed(), !report.not_read.is_empty(), report.errors.is_empty()) {
        (true, true, _) => Exit::DifferencesAndNotRead,
        (true, false, _) => Exit::Differences,
        (false, _, false) => Exit::Error,
        (false, true, true) => Exit::NotRead,
        (false, false, true) => Exit::Done,
    }
}
