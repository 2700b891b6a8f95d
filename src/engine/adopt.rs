//! From living servers to the files that declare them.
//!
//! A draft is loaded and planned as any other project; what that plan would change goes into the draft, until nothing is
//! left that can be declared. The hosts are read alone: nothing is changed on them, and nothing is written here.

mod named;
mod unnamed;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{CommandError, ErrorKind, Options, bare_hosts, read_files};
pub use crate::adopt::{Finding as AdoptionFinding, Report as AdoptionReport, StandsOut};
use crate::{
    adopt::{Adoption, Named, Said},
    desired::{self, Built, DesiredHost},
    diff,
    doctor::HostProblem,
    inventory::select,
    model::{Fact, HostName, Secret, SecretId},
    observe::{self, Observed, Reading},
    plan::{Plan, Policy},
    playbook::{Loaded, Request},
    source::{Problems, Severity, Sources},
    status,
    transport::{Scratch, Session},
    words,
};
pub use unnamed::Unnamed;

/// Rounds in which a draft may find its values; each declares something more.
const ROUNDS: usize = 12;

/// Which servers files are read off, and what for.
#[derive(Debug, Clone)]
pub struct Adoptable {
    /// Ssh destinations (`user@host:port`); where an inventory is named, patterns of its hosts.
    pub from: Vec<String>,
    /// Whether root is reached by sudo, where no inventory says so.
    pub r#become: bool,
    /// Whether channels from and to servers that were not named stay undeclared; otherwise they are an error.
    pub incomplete: bool,
    /// Where the files will lie, as messages name them.
    pub directory: PathBuf,
}

/// Files that declare servers as they are.
#[derive(Debug)]
pub struct Adopted {
    /// Each file's name below the directory, and its text.
    pub files: Vec<(String, String)>,
    /// What was found, and what a plan for the files would still change. `written` and `next` are for whoever writes the
    /// files.
    pub report: AdoptionReport,
    /// Servers that were not named; their channels are not declared.
    pub unnamed: Vec<Unnamed>,
    /// What is doubtful in the inventory that was named, and its texts.
    pub warnings: (Problems, Sources),
}

/// Why no files come of it.
#[derive(Debug)]
pub enum NotAdopted {
    /// Servers belong to the topology and were not named.
    Unnamed {
        /// Each of their channels.
        servers: Vec<Unnamed>,
        /// All that would have to be named, as [`Adoptable::from`] has it.
        from: Vec<String>,
    },
    /// No channel leads from one of the hosts to another.
    NoTopology {
        /// The hosts.
        hosts: Vec<HostName>,
    },
    /// Something failed.
    Failed(CommandError),
}

impl From<CommandError> for NotAdopted {
    fn from(error: CommandError) -> Self {
        NotAdopted::Failed(error)
    }
}

/// Reads servers, and makes the files for which a plan finds nothing to do.
///
/// # Errors
/// Hosts that can't be read, all at once; servers that would have to be named, too; mistakes in the inventory.
pub async fn adopt(options: &Options, what: &Adoptable) -> Result<Adopted, NotAdopted> {
    let work = Work::begin(options, what)?;
    let (mut fleet, warnings) = work.name_hosts()?;
    let found = work.adopt(&mut fleet).await;
    let sessions = std::mem::take(&mut fleet.sessions);
    futures_util::future::join_all(sessions.into_values().map(Session::close)).await;
    let (draft, report, unnamed) = found?;
    Ok(Adopted { files: draft.files(words::adopted), report, unnamed, warnings })
}

/// The hosts, and the connections to them that are open.
struct Fleet {
    named: Vec<Named>,
    group: String,
    sessions: BTreeMap<HostName, Session>,
}

/// What every part of the run needs: a draft is loaded from files like any other project.
struct Work<'a> {
    options: &'a Options,
    what: &'a Adoptable,
    drafts: tempfile::TempDir,
    scratch: Arc<Scratch>,
}

impl<'a> Work<'a> {
    fn begin(options: &'a Options, what: &'a Adoptable) -> Result<Self, CommandError> {
        let failed = |error| CommandError::failed("a directory for drafts can't be made").because(error);
        let drafts = tempfile::tempdir().map_err(failed)?;
        let scratch = Arc::new(Scratch::new().map_err(failed)?);
        Ok(Self { options, what, drafts, scratch })
    }

    /// Finds out which hosts are meant.
    fn name_hosts(&self) -> Result<(Fleet, (Problems, Sources)), CommandError> {
        let mut group = "db".to_owned();
        let mut warnings = (Problems::default(), Sources::default());
        let named = if self.options.inventory.is_empty() {
            let destination = |text: &String| {
                let usage = |why| CommandError::usage(format!("--from {text}: {why}"));
                named::destination(text, self.what.r#become).map_err(usage)
            };
            self.what.from.iter().map(destination).collect::<Result<Vec<Named>, _>>()?
        } else {
            let loaded = self.inventory();
            if loaded.problems.fatal() {
                return Err(CommandError::files(loaded.problems, loaded.sources));
            }
            let groups = &loaded.project.inventory.groups;
            if let Some(free) = ["db", "replication", "tandem"].iter().find(|g| !groups.contains_key(**g)) {
                group = (*free).to_owned();
            }
            let named = self.chosen(&loaded)?;
            warnings = (loaded.problems, loaded.sources);
            named
        };
        let mut seen = BTreeSet::new();
        if let Some(twice) = named.iter().find(|n| !seen.insert(&n.name)) {
            return Err(CommandError::usage(format!("--from names {} twice", twice.name)));
        }
        Ok((Fleet { named, group, sessions: BTreeMap::new() }, warnings))
    }

    /// The hosts of the inventory that were named.
    fn chosen(&self, loaded: &Loaded) -> Result<Vec<Named>, CommandError> {
        let mut chosen: BTreeSet<HostName> = BTreeSet::new();
        for pattern in &self.what.from {
            let hosts = select(&loaded.project.inventory, pattern);
            chosen.extend(hosts.map_err(|why| CommandError::usage(format!("--from: {why}")))?);
        }
        let hosts = bare_hosts(&loaded.project).into_iter().filter(|host| chosen.contains(&host.name));
        let named = |host: DesiredHost| Named {
            name: host.name,
            destination: host.endpoint.address,
            connection: Vec::new(),
        };
        Ok(hosts.map(named).collect())
    }

    /// The inventory that was named, without a draft.
    fn inventory(&self) -> Loaded {
        read_files(&Request { inventory: self.options.inventory.clone(), ..self.request(None) })
    }

    fn request(&self, playbook: Option<&Path>) -> Request {
        let mut inventory = self.options.inventory.clone();
        inventory.push(self.drafts.path().join("inventory.yml"));
        Request {
            inventory,
            playbook: playbook.map(|p| p.to_string_lossy().into_owned()),
            extra: self.options.extra.clone(),
            keyring: self.options.keyring.clone(),
            config: self.options.ansible_config.clone(),
        }
    }

    /// Reads the hosts, makes a draft, and declares in it what a plan for it would change.
    async fn adopt(&self, fleet: &mut Fleet) -> Result<(Adoption, AdoptionReport, Vec<Unnamed>), NotAdopted> {
        let mut reading = self.first_look(fleet).await?;
        let draft = Adoption::draft(&fleet.named, &reading.observed, &fleet.group);
        fleet.sessions = std::mem::take(&mut reading.sessions);
        let unnamed = self.unnamed(&draft, &fleet.named, &reading.observed)?;
        if draft.plays.is_empty() {
            let hosts = fleet.named.iter().map(|named| named.name.clone()).collect();
            return Err(NotAdopted::NoTopology { hosts });
        }
        let reading = self.second_look(fleet, &draft, reading).await?;
        let draft = self.settle(fleet, &reading)?;
        let (loaded, built) = self.load(&draft, &reading)?;
        let plan = plan_for(&built, &reading, &loaded.project.secrets.resolve_some());
        let mut report = draft.report(&reading.observed, words::stands_out);
        report.left = left(&plan);
        report.left.extend(mistakes(&loaded, built));
        // The drafts' places mean nothing to anybody.
        let drafts = self.drafts.path().to_string_lossy();
        for text in &mut report.left {
            *text = text.replace(drafts.as_ref(), &self.what.directory.to_string_lossy());
        }
        Ok((draft, report, unnamed))
    }

    /// What the servers are; whose accounts matter is only known then.
    async fn first_look(&self, fleet: &mut Fleet) -> Result<Reading, CommandError> {
        let bare = Adoption::draft(&fleet.named, &Observed::new(), &fleet.group);
        self.write_draft(&bare)?;
        let loaded = read_files(&self.request(None));
        let hosts = bare_hosts(&loaded.project).into_iter();
        let wanted: Vec<DesiredHost> =
            hosts.filter(|h| fleet.named.iter().any(|n| n.name == h.name)).collect();
        let mut reading = self.read(fleet, &wanted, &loaded).await?;
        fleet.rename(&mut reading, self.options.inventory.is_empty());
        Ok(reading)
    }

    /// The same hosts once more, with what a first draft declares of them.
    async fn second_look(
        &self,
        fleet: &mut Fleet,
        draft: &Adoption,
        first: Reading,
    ) -> Result<Reading, CommandError> {
        let (loaded, built) = self.load(draft, &first)?;
        let wanted: Vec<DesiredHost> = built.iter().flat_map(|b| b.desired.hosts.values().cloned()).collect();
        let mut reading = self.read(fleet, &wanted, &loaded).await?;
        fleet.sessions = std::mem::take(&mut reading.sessions);
        // Hosts that no play has are known from the first look.
        for (name, facts) in first.observed {
            reading.observed.entry(name).or_insert(facts);
        }
        Ok(reading)
    }

    /// A draft for which a plan changes as little as can be declared.
    fn settle(&self, fleet: &Fleet, reading: &Reading) -> Result<Adoption, CommandError> {
        let said = Said {
            step: words::step,
            refused: |refusal| words::refused(refusal).whole(),
            waits: words::waits,
        };
        let mut draft = Adoption::draft(&fleet.named, &reading.observed, &fleet.group);
        for _ in 0..ROUNDS {
            let (_, built) = self.load(&draft, reading)?;
            // Without secrets: that a password is not the one in the environment is no reason to leave a role out.
            let plan = plan_for(&built, reading, &BTreeMap::new());
            if !draft.settle(&plan, &reading.observed, said) {
                break;
            }
        }
        Ok(draft)
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
        let reading =
            observe::observe(&wanted, &secrets, &self.options.of_hosts(), &self.scratch, open).await;
        let unread: Vec<String> = reading
            .observed
            .iter()
            .filter_map(|(host, fact)| Some(format!("{host} was not read: {}", not_read(fact)?)))
            .collect();
        if !unread.is_empty() {
            fleet.sessions = reading.sessions;
            return Err(CommandError::several(ErrorKind::NotRead, unread)
                .next("Nothing was written: what one server is can decide what the others are."));
        }
        Ok(reading)
    }

    /// Writes a draft where it can be loaded from.
    fn write_draft(&self, draft: &Adoption) -> Result<(), CommandError> {
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
        for (name, text) in draft.files(words::adopted) {
            let path = self.drafts.path().join(name);
            path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
            fs::write(&path, text).map_err(failed)?;
        }
        Ok(())
    }

    /// Loads a draft as any command would.
    fn load(&self, draft: &Adoption, reading: &Reading) -> Result<(Loaded, Vec<Built>), CommandError> {
        self.write_draft(draft)?;
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

/// Why a host or its server was not read as a whole.
fn not_read(fact: &Fact<crate::observe::HostFacts>) -> Option<String> {
    match fact {
        Fact::Unread(why) => Some(why.clone()),
        Fact::Absent => Some("nothing is there".to_owned()),
        Fact::Known(facts) => match status::server_problem(facts)? {
            HostProblem::NoServer => Some("no server is there".to_owned()),
            problem => Some(words::fault::host(&problem)),
        },
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

/// What a plan would still change, or refuse, a line for each.
fn left(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.iter().map(|s| format!("{}: {}", s.host, words::step(s)));
    let refused = plan.refused.iter().map(|r| format!("{}: refused: {}", r.host, words::refused(r).whole()));
    let waiting = plan.waiting.iter().map(|w| format!("{}: {}", w.host, words::waits(w)));
    steps.chain(refused).chain(waiting).collect()
}

/// Mistakes in the files of a draft.
fn mistakes(loaded: &Loaded, built: Vec<Built>) -> Vec<String> {
    let plays: Vec<_> = loaded.project.plays.iter().map(|(play, _)| play).zip(built).collect();
    let of_plays = plays.iter().flat_map(|(_, b)| desired::lint(b).0.into_iter().chain(b.problems.0.clone()));
    let all =
        loaded.problems.0.iter().cloned().chain(of_plays).chain(desired::nothing(&loaded.project, &plays).0);
    all.filter(|problem| problem.severity == Severity::Error).map(|problem| problem.message).collect()
}
