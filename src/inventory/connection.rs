//! How a host is reached: Ansible's connection variables.

use std::path::PathBuf;

use crate::model::{HostName, SecretId, at_home};

/// A host's connection as the inventory has it. Secrets are references.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// `ansible_host`, else the host's name: ssh may know it as an alias.
    pub destination: String,
    /// `ansible_port`.
    pub port: Option<u16>,
    /// `ansible_user`.
    pub user: Option<String>,
    /// `ansible_ssh_private_key_file`, as it was written; [`Connection::key_file`] is the file.
    pub key: Option<PathBuf>,
    /// `ansible_ssh_common_args` and `ansible_ssh_extra_args`.
    pub args: Vec<String>,
    /// `ansible_password`.
    pub password: Option<SecretId>,
    /// `ansible_become` and what belongs to it.
    pub sudo: Option<SudoAs>,
    /// `mysql_socket`.
    pub socket: Option<String>,
    /// `mysql_admin_user`.
    pub admin_user: Option<String>,
    /// `mysql_admin_password`.
    pub admin_password: Option<SecretId>,
}

/// Whom to become, and with which password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SudoAs {
    /// `ansible_become_user`, root by default.
    pub user: String,
    /// `ansible_become_password`.
    pub password: Option<SecretId>,
}

impl Connection {
    /// A connection to a host of which nothing else is known.
    pub fn to(host: &HostName) -> Self {
        Self { destination: host.to_string(), ..Self::default() }
    }

    /// The key's file, which may lie below the home directory.
    pub fn key_file(&self) -> Option<PathBuf> {
        let key = self.key.as_deref()?;
        Some(key.to_str().map_or_else(|| key.to_path_buf(), at_home))
    }
}
