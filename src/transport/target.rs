//! Where a connection goes, and as whom.

use std::{path::PathBuf, time::Duration};

use crate::model::{HostName, Secret};

/// Everything that opening a connection needs.
#[derive(Debug, Clone)]
pub struct Target {
    /// The name in the inventory, for messages.
    pub host: HostName,
    /// What ssh is told: an address, a name, or an alias of the user's ssh configuration.
    pub destination: String,
    /// Port, where the inventory names one.
    pub port: Option<u16>,
    /// Login name, where the inventory names one.
    pub user: Option<String>,
    /// Private key file, where the inventory names one.
    pub key: Option<PathBuf>,
    /// More arguments for ssh (`ansible_ssh_common_args`).
    pub args: Vec<String>,
    /// Password of the login, where a key does not serve.
    pub password: Option<Secret>,
    /// How to become root, where the login is not root.
    pub sudo: Option<Sudo>,
    /// `--ssh-config`.
    pub ssh_config: Option<PathBuf>,
    /// How long the connection may take to come about.
    pub connect_timeout: Duration,
}

/// How to become root.
#[derive(Debug, Clone)]
pub struct Sudo {
    /// Whom to become.
    pub user: String,
    /// The login's password, where sudo asks for it.
    pub password: Option<Secret>,
}
