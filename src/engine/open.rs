//! What a run is about: its files read, its secrets fetched, its hosts chosen.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{CommandError, Options, files::check};
use crate::{
    inventory::select,
    model::{HostName, Secret, SecretId},
    observe,
    plan::{Inputs, Policy},
    playbook::{CannotTurn, Loaded, Play, Project, Rename, Topology},
    source::{Problems, Sources},
    transport::Scratch,
};

/// Files that hold, and all that is needed to go on from them. Nothing of a host has been read yet.
pub struct Engine {
    /// Inventory, plays and roles.
    pub project: Project,
    /// Values of the secrets.
    pub(crate) secrets: BTreeMap<SecretId, Secret>,
    /// How hosts are reached.
    pub(crate) hosts: observe::Options,
    /// Directory of this run's sockets.
    pub(crate) scratch: Arc<Scratch>,
    /// Hosts that the limit names.
    pub(crate) limit: Option<BTreeSet<HostName>>,
    /// Texts, for mistakes that show later.
    pub sources: Sources,
    /// What is doubtful in the files.
    pub warnings: Problems,
    /// Names that change in the playbook once another host is written to.
    pub renames: Vec<Rename>,
    /// What the plan may rest on.
    pub(crate) policy: Policy,
    /// What a saved plan notes of its making.
    pub inputs: Inputs,
}

impl Engine {
    /// Reads the files and fetches the secrets.
    ///
    /// # Errors
    /// Every mistake in the files at once; a limit that chooses no host.
    pub fn open(options: &Options) -> Result<Self, CommandError> {
        let (Loaded { mut project, mut problems, sources }, more) = check(options)?;
        problems.extend(more);
        let secrets = match project.secrets.resolve_all() {
            Ok(secrets) => {
                project.secrets.check_passwords(&project.uses, &secrets, &mut problems);
                secrets
            }
            Err(more) => {
                problems.extend(more);
                BTreeMap::new()
            }
        };
        if problems.fatal() {
            return Err(CommandError::files(problems, sources));
        }
        let renames = match &options.switch_to {
            Some(to) => turn(&mut project, to)?,
            None => Vec::new(),
        };
        let limit = options.limit.as_ref().map(|pattern| {
            limited(&project, pattern).map_err(|why| CommandError::usage("--limit").because(why))
        });
        let scratch = Scratch::new()
            .map_err(|error| CommandError::failed("a directory for sockets can't be made").because(error))?;
        Ok(Self {
            project,
            secrets,
            hosts: options.of_hosts(),
            scratch: Arc::new(scratch),
            limit: limit.transpose()?,
            sources,
            warnings: problems,
            renames,
            policy: Policy { allow: options.allow.iter().copied().collect() },
            inputs: options.inputs(),
        })
    }

    /// The plays with their hosts.
    pub(crate) fn plays(&self) -> impl Iterator<Item = (&Play, &[HostName])> {
        self.project.plays.iter().map(|(play, hosts)| (play, hosts.as_slice()))
    }

    /// Whether a playbook says what is declared.
    pub(crate) fn has_playbook(&self) -> bool {
        !self.inputs.playbook.is_empty()
    }

    /// Whether a host is among those that the limit names.
    pub(crate) fn chooses(&self, host: &HostName) -> bool {
        self.limit.as_ref().is_none_or(|limit| limit.contains(host))
    }
}

/// Declares another host as the one that is written to. Where it is declared so already, nothing changes.
fn turn(project: &mut Project, to: &HostName) -> Result<Vec<Rename>, CommandError> {
    let topologies = project.plays.iter_mut().filter_map(|(play, _)| play.topology.as_mut());
    let mut of_host: Vec<&mut Topology> =
        topologies.filter(|topology| topology.members.iter().any(|member| member.host == *to)).collect();
    let why = match of_host.as_mut_slice() {
        [] => format!("{to} is no member of a topology of this playbook"),
        [one] => match one.turn(to) {
            Ok(renames) => return Ok(renames),
            Err(CannotTurn::WritesAlready) => return Ok(Vec::new()),
            Err(CannotTurn::NoMember) => format!("{to} is no member of a topology of this playbook"),
            Err(CannotTurn::SeveralWriters) => format!(
                "the topology of {to} declares no single host that is written to: it takes a `primary-replica`, or a \
                 `dual-primary` with a `standby`"
            ),
        },
        _ => {
            format!("{to} is a member of several topologies of this playbook; edit it and run `tandem apply`")
        }
    };
    Err(CommandError::usage(format!("--to {to}: {why}")))
}

/// The hosts that a pattern chooses; with a playbook, at least one of its own must be among them.
fn limited(project: &Project, pattern: &str) -> Result<BTreeSet<HostName>, String> {
    let chosen: BTreeSet<HostName> = select(&project.inventory, pattern)?.into_iter().collect();
    if chosen.is_empty() {
        return Err(format!("`{pattern}` leaves no host"));
    }
    let of_plays: BTreeSet<&HostName> = project.plays.iter().flat_map(|(_, hosts)| hosts).collect();
    if !of_plays.is_empty() && !chosen.iter().any(|host| of_plays.contains(host)) {
        let names: Vec<&str> = of_plays.into_iter().map(HostName::as_str).collect();
        return Err(format!("`{pattern}` is no host of this playbook; its hosts are {}", names.join(", ")));
    }
    Ok(chosen)
}
