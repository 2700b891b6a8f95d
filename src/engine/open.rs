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
    playbook::{Edit, Loaded, Play, Project},
    source::{Problems, Sources},
    transport::Scratch,
};

/// Files that hold, and all that is needed to go on from them. Nothing of a host has been read yet.
pub struct Engine {
    /// Inventory, plays and roles.
    pub(crate) project: Project,
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
    /// What changes in the playbook once a takeover is done.
    pub(crate) edit: Option<Edit>,
    /// What the plan may rest on.
    pub(crate) policy: Policy,
    /// What a saved plan notes of its making.
    pub(crate) inputs: Inputs,
}

impl Engine {
    /// Reads the files and fetches the secrets.
    ///
    /// # Errors
    /// Every mistake in the files at once; a limit that chooses no host.
    pub fn open(options: &Options) -> Result<Self, CommandError> {
        let (Loaded { project, mut problems, sources }, more) = check(options)?;
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
            edit: None,
            policy: Policy { fence: options.fence.clone(), ..Policy::of(options.allow.iter().copied()) },
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
