//! What a run is asked to be about.

use std::{path::PathBuf, time::Duration};

use crate::{
    model::{Limits, limits, variables::looks_secret, without_hidden},
    observe,
    plan::{Allow, Inputs},
    vault::Keyring,
};

/// Which files a run reads, and how its hosts are reached.
#[derive(Clone)]
pub struct Options {
    /// Inventory files or directories; several are read as one.
    pub inventory: Vec<PathBuf>,
    /// A playbook's file, or the name of a shipped one. Without one only the hosts of the inventory are known.
    pub playbook: Option<String>,
    /// Variables that win over all files, as `NAME=VALUE`; the value is YAML.
    pub extra: Vec<String>,
    /// Only these hosts: a pattern of Ansible.
    pub limit: Option<String>,
    /// A command that makes sure that a lost host takes no more writes.
    pub fence: Option<String>,
    /// What opens vaults.
    pub keyring: Keyring,
    /// What the steps may hurt; a plan says what is missing.
    pub allow: Vec<Allow>,
    /// How many hosts are handled in parallel.
    pub forks: usize,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long reading a host may take.
    pub timeout: Duration,
    /// Configuration of ssh instead of the user's.
    pub ssh_config: Option<PathBuf>,
    /// An `ansible.cfg`; none is looked for.
    pub ansible_config: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            inventory: Vec::new(),
            playbook: None,
            extra: Vec::new(),
            limit: None,
            fence: None,
            keyring: Keyring::default(),
            allow: Vec::new(),
            forks: Limits::default().forks,
            connect_timeout: limits::CONNECT.time,
            timeout: limits::READ_HOST.time,
            ssh_config: None,
            ansible_config: None,
        }
    }
}

impl Options {
    /// How hosts are reached.
    pub(crate) fn of_hosts(&self) -> observe::Options {
        observe::Options {
            forks: self.forks,
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
            ssh_config: self.ssh_config.clone(),
        }
    }

    /// What a saved plan notes of its making.
    pub(crate) fn inputs(&self) -> Inputs {
        Inputs {
            directory: std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned(),
            inventory: self.inventory.iter().map(|p| p.to_string_lossy().into_owned()).collect(),
            playbook: self.playbook.clone().unwrap_or_default(),
            limit: self.limit.clone(),
            extra: self.extra.iter().map(|text| kept(text)).collect(),
            allow: self.allow.iter().map(ToString::to_string).collect(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// `-e NAME=VALUE` as a saved plan keeps it: a secret by its name alone.
fn kept(text: &str) -> String {
    match text.split_once('=') {
        Some((name, _)) if looks_secret(name.trim()) || without_hidden(text) != text => {
            name.trim().to_owned()
        }
        _ => text.to_owned(),
    }
}
