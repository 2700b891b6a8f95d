//! `init --from`: the files, read off living servers.

mod destination;
mod missing;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value as Json;

use super::{
    args::{Format, Global, InitArgs},
    exit::Exit,
};
use crate::{
    adopt::{Adoption, Named, Report, Said},
    desired::{self, Built, DesiredHost},
    diff,
    engine::{self, CommandError, ErrorKind, bare_hosts, read_files},
    inventory::select,
    model::{Fact, HostName, Secret, SecretId},
    observe::{Observed, Options, Reading},
    plan::{Plan, Policy},
    playbook::{Loaded, Request},
    render::{self, Terminal, Waiting},
    source::{Problem, Severity},
    transport::{Scratch, Session, command_words},
    vault::Keyring,
    words,
};
use destination::destination;
use missing::need_topology;

/// Rounds in which a draft may find its values; each declares something more.
const ROUNDS: usize = 12;

/// Reads the servers, and writes what declares them. Nothing is written where one of them could not be read.
pub async fn run(global: &Global, args: &InitArgs, terminal: &Terminal) -> Result<Exit, CommandError> {
    refuse_existing(args)?;
    let work = Work::begin(global)?;
    let mut fleet = work.name_hosts(args, terminal)?;
    let (adoption, report) = {
        let _waiting = Waiting::begin(terminal, "reading the hosts");
        let found = work.adopt(&mut fleet, args, terminal).await;
        let sessions = std::mem::take(&mut fleet.sessions);
        futures_util::future::join_all(sessions.into_values().map(Session::close)).await;
        found?
    };
    let mut report = report;
    report.written = write(args, &adoption)?;
    report.next = next_command(global, &args.directory);
    match global.format {
        Format::Human => terminal.out(&render::adoption(&report, terminal.width())),
        Format::Json => terminal.json(&report),
        Format::Jsonl => terminal.json_line(&report),
    }
    Ok(if report.left.is_empty() { Exit::Done } else { Exit::Differences })
}

/// The hosts, and the connections to them that are open.
struct Fleet {
    named: Vec<Named>,
    group: String,
    sessions: BTreeMap<HostName, Session>,
}

/// What every part of the run needs: a draft is loaded from files like any other project.
struct Work<'a> {
    global: &'a Global,
    drafts: tempfile::TempDir,
    options: Options,
    scratch: Arc<Scratch>,
    /// Opened once: a draft is loaded many times.
    keyring: Keyring,
}

impl<'a> Work<'a> {
    fn begin(global: &'a Global) -> Result<Self, CommandError> {
        let failed = |error| CommandError::failed("a directory for drafts can't be made").because(error);
        Ok(Self {
            global,
            keyring: global.keyring(),
            drafts: tempfile::tempdir().map_err(failed)?,
            options: Options {
                forks: global.forks,
                connect_timeout: global.connect_timeout,
                timeout: global.timeout,
                ssh_config: global.ssh_config.clone(),
            },
            scratch: Arc::new(Scratch::new().map_err(failed)?),
        })
    }

    /// Finds out which hosts are meant.
    fn name_hosts(&self, args: &InitArgs, terminal: &Terminal) -> Result<Fleet, CommandError> {
        let mut named: Vec<Named> = Vec::new();
        let mut group = "db".to_owned();
        if self.global.inventory.is_empty() {
            for text in &args.from {
                let one = destination(text, args.r#become)
                    .map_err(|why| CommandError::usage(format!("--from {text}: {why}")))?;
                named.push(one);
            }
        } else {
            let loaded =
                read_files(&Request { inventory: self.global.inventory.clone(), ..self.request(None) });
            if loaded.problems.fatal() {
                return Err(CommandError::files(loaded.problems, loaded.sources));
            }
            render::mistakes(loaded.problems, &loaded.sources, terminal);
            let inventory = &loaded.project.inventory;
            let mut chosen: BTreeSet<HostName> = BTreeSet::new();
            for pattern in &args.from {
                let hosts = select(inventory, pattern);
                chosen.extend(hosts.map_err(|why| CommandError::usage(format!("--from: {why}")))?);
            }
            if let Some(free) =
                ["db", "replication", "tandem"].iter().find(|g| !inventory.groups.contains_key(**g))
            {
                group = (*free).to_owned();
            }
            named.extend(bare_hosts(&loaded.project).into_iter().filter(|h| chosen.contains(&h.name)).map(
                |host| Named { name: host.name, destination: host.endpoint.address, connection: Vec::new() },
            ));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = named.iter().find(|n| !seen.insert(&n.name)) {
            return Err(CommandError::usage(format!("--from names {} twice", twice.name)));
        }
        Ok(Fleet { named, group, sessions: BTreeMap::new() })
    }

    fn request(&self, playbook: Option<&Path>) -> Request {
        let mut inventory = self.global.inventory.clone();
        inventory.push(self.drafts.path().join("inventory.yml"));
        Request {
            inventory,
            playbook: playbook.map(|p| p.to_string_lossy().into_owned()),
            extra: self.global.extra.clone(),
            keyring: self.keyring.clone(),
        }
    }

    /// Reads the hosts, makes a draft, and declares in it what a plan for it would change.
    async fn adopt(
        &self,
        fleet: &mut Fleet,
        args: &InitArgs,
        terminal: &Terminal,
    ) -> Result<(Adoption, Report), CommandError> {
        // First what the servers are; whose accounts matter is only known then.
        let bare = Adoption::draft(&fleet.named, &Observed::new(), &fleet.group);
        self.put(&bare)?;
        let loaded = read_files(&self.request(None));
        let wanted: Vec<DesiredHost> = bare_hosts(&loaded.project)
            .into_iter()
            .filter(|h| fleet.named.iter().any(|n| n.name == h.name))
            .collect();
        let mut reading = self.read(fleet, &wanted, &loaded).await?;
        fleet.rename(&mut reading, self.global.inventory.is_empty());
        let draft = Adoption::draft(&fleet.named, &reading.observed, &fleet.group);
        fleet.sessions = std::mem::take(&mut reading.sessions);
        self.need_sources(&draft, args, terminal)?;
        self.need_replicas(&fleet.named, &reading.observed, args, terminal)?;
        need_topology(&draft, &fleet.named, args)?;
        let (loaded, built) = self.load(&draft, &reading)?;
        let wanted: Vec<DesiredHost> = built.iter().flat_map(|b| b.desired.hosts.values().cloned()).collect();
        let alone = |name: &HostName| !wanted.iter().any(|h| h.name == *name);
        let mut observed: Observed = reading
            .observed
            .iter()
            .filter(|(name, _)| alone(name))
            .map(|(n, f)| (n.clone(), f.clone()))
            .collect();
        let mut reading = self.read(fleet, &wanted, &loaded).await?;
        observed.append(&mut reading.observed);
        reading.observed = observed;
        fleet.sessions = std::mem::take(&mut reading.sessions);

        let said = Said {
            step: words::step,
            refused: |refusal| words::refused(refusal).whole(),
            waits: words::waits,
        };
        let mut draft = Adoption::draft(&fleet.named, &reading.observed, &fleet.group);
        for _ in 0..ROUNDS {
            let (_, built) = self.load(&draft, &reading)?;
            // Without secrets: that a password is not the one in the environment is no reason to leave a role out.
            let plan = plan_for(&built, &reading, &BTreeMap::new());
            if !draft.settle(&plan, &reading.observed, said) {
                break;
            }
        }
        let (loaded, built) = self.load(&draft, &reading)?;
        let plan = plan_for(&built, &reading, &loaded.project.secrets.resolve_some());
        let mut report = draft.report(&reading.observed);
        report.left = render::left(&plan);
        let plays: Vec<_> = loaded.project.plays.iter().map(|(play, _)| play).zip(built).collect();
        let comes_to_nothing = desired::nothing(&loaded.project, &plays);
        let mistakes =
            plays.iter().flat_map(|(_, b)| desired::lint(b).0.into_iter().chain(b.problems.0.clone()));
        let mistakes = mistakes.chain(comes_to_nothing.0);
        report.left.extend(
            loaded
                .problems
                .0
                .iter()
                .cloned()
                .chain(mistakes)
                .filter(is_mistake)
                .map(|problem| problem.message),
        );
        // The drafts' places mean nothing to anybody.
        let drafts = self.drafts.path().to_string_lossy();
        for text in &mut report.left {
            *text = text.replace(drafts.as_ref(), &args.directory.to_string_lossy());
        }
        Ok((draft, report))
    }

    /// Reads the hosts over the connections that are open; each of them must answer.
    async fn read(
        &self,
        fleet: &mut Fleet,
        wanted: &[DesiredHost],
        loaded: &Loaded,
    ) -> Result<Reading, CommandError> {
        let secrets = loaded.project.secrets.resolve_some();
        let wanted: Vec<&DesiredHost> = wanted.iter().collect();
        let open = std::mem::take(&mut fleet.sessions);
        let reading = engine::observe(&wanted, &secrets, &self.options, &self.scratch, open).await;
        let mut unread = Vec::new();
        for (host, fact) in &reading.observed {
            let why = match fact {
                Fact::Unread(why) => why.clone(),
                Fact::Known(facts) => match &facts.server {
                    Fact::Unread(why) => why.clone(),
                    Fact::Known(server) => match server.not_read() {
                        Some(why) => why,
                        None => continue,
                    },
                    Fact::Absent => "no server is there".to_owned(),
                },
                Fact::Absent => "nothing is there".to_owned(),
            };
            unread.push(format!("{host} was not read: {why}"));
        }
        if !unread.is_empty() {
            fleet.sessions = reading.sessions;
            return Err(CommandError::several(ErrorKind::NotRead, unread)
                .next("Nothing was written: what one server is can decide what the others are."));
        }
        Ok(reading)
    }

    /// Writes a draft where it can be loaded from.
    fn put(&self, draft: &Adoption) -> Result<(), CommandError> {
        let failed = |error: std::io::Error| {
            let what = format!("a draft can't be written to {}", self.drafts.path().display());
            CommandError::failed(what).because(error)
        };
        for folder in ["group_vars", "host_vars"] {
            let folder = self.drafts.path().join(folder);
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(failed)?;
            }
        }
        for (name, text) in draft.files() {
            let path = self.drafts.path().join(name);
            path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
            fs::write(&path, text).map_err(failed)?;
        }
        Ok(())
    }

    /// Loads a draft as any command would.
    fn load(&self, draft: &Adoption, reading: &Reading) -> Result<(Loaded, Vec<Built>), CommandError> {
        self.put(draft)?;
        let playbook = self.drafts.path().join("playbook.yml");
        let loaded = read_files(&self.request((!draft.plays.is_empty()).then_some(playbook.as_path())));
        let known = reading.identities();
        let built = loaded
            .project
            .plays
            .iter()
            .map(|(play, hosts)| desired::build(&loaded.project, play, hosts, &known))
            .collect();
        Ok((loaded, built))
    }
}

impl Fleet {
    /// Hosts that were named by an address get the name that they have themselves.
    fn rename(&mut self, reading: &mut Reading, ours: bool) {
        for n in 0..self.named.len() {
            let old = self.named[n].name.clone();
            let known = reading.observed.get(&old).and_then(Fact::known);
            let Some(hostname) = known.map(|facts| facts.os.hostname.clone()) else { continue };
            let is_address = self.named[n].destination.parse::<std::net::IpAddr>().is_ok();
            let fits = hostname.starts_with(|c: char| c.is_ascii_alphanumeric())
                && hostname.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
                && hostname != "localhost";
            let new = HostName::new(hostname);
            if !(ours && is_address && fits) || self.named.iter().any(|other| other.name == new) {
                continue;
            }
            if let Some(fact) = reading.observed.remove(&old) {
                reading.observed.insert(new.clone(), fact);
            }
            if let Some(session) = reading.sessions.remove(&old) {
                reading.sessions.insert(new.clone(), session);
            }
            let address = Json::String(self.named[n].destination.clone());
            let connection = &mut self.named[n].connection;
            if !connection.iter().any(|(name, _)| *name == "ansible_host") {
                connection.insert(0, ("ansible_host", address));
            }
            self.named[n].name = new;
        }
    }
}

fn plan_for(built: &[Built], reading: &Reading, secrets: &BTreeMap<SecretId, Secret>) -> Plan {
    let mut whole = Plan::default();
    for play in built {
        let plan = diff::build(play, &reading.observed, secrets, &Policy::default());
        whole.steps.extend(plan.steps);
        whole.waiting.extend(plan.waiting);
        whole.refused.extend(plan.refused);
    }
    whole
}

fn is_mistake(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}

/// Files of an earlier day are not written over, and this is said before anybody waits.
fn refuse_existing(args: &InitArgs) -> Result<(), CommandError> {
    let there: Vec<String> = ["inventory.yml", "playbook.yml", "group_vars", "host_vars"]
        .into_iter()
        .map(|name| args.directory.join(name))
        .filter(|path| path.exists())
        .map(|path| path.display().to_string())
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    let (exist, they_are) = if there.len() == 1 { ("exists", "is") } else { ("exist", "are") };
    Err(CommandError::failed(format!(
        "{} {exist} already and {they_are} left alone. Name another directory: tandem init DIRECTORY --from {}",
        there.join(", "),
        args.from.join(" ")
    )))
}

/// Writes the files, and tells which.
fn write(args: &InitArgs, adoption: &Adoption) -> Result<Vec<String>, CommandError> {
    let mut written = Vec::new();
    let mut files = adoption.files();
    files.push((".gitignore".to_owned(), super::init::GITIGNORE.to_owned()));
    for (name, text) in files {
        let path = args.directory.join(&name);
        if name == ".gitignore" && path.exists() {
            continue;
        }
        let done = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            use std::io::Write;
            fs::OpenOptions::new().write(true).create_new(true).open(&path)?.write_all(text.as_bytes())
        });
        done.map_err(|error| {
            CommandError::failed(format!("{} can't be written", path.display())).because(error)
        })?;
        written.push(beside(&args.directory, &name).display().to_string());
    }
    Ok(written)
}

/// A path as one would type it.
fn beside(directory: &Path, name: &str) -> PathBuf {
    if directory == Path::new(".") { PathBuf::from(name) } else { directory.join(name) }
}

fn next_command(global: &Global, directory: &Path) -> String {
    let path = |name: &str| shell_word(&beside(directory, name).to_string_lossy());
    format!("tandem{} -i {} plan {}", options(global), path("inventory.yml"), path("playbook.yml"))
}

/// The options that every further command needs too.
fn options(global: &Global) -> String {
    let mut text = String::new();
    for path in &global.inventory {
        text.push_str(&format!(" -i {}", shell_word(&path.to_string_lossy())));
    }
    if let Some(path) = &global.ssh_config {
        text.push_str(&format!(" --ssh-config {}", shell_word(&path.to_string_lossy())));
    }
    for extra in &global.extra {
        text.push_str(&format!(" -e {}", shell_word(extra)));
    }
    text
}

fn shell_word(text: &str) -> String {
    command_words(&[text.to_owned()])
}
