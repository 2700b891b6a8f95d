//! The unit that opens a host after a start of its server.
//!
//! Every host of a topology with one writer comes up read-only, by its option file. The one that is recorded as the
//! writer has a unit, `tandem-role.service`, that runs whenever the server has been started: it asks the other hosts
//! whether they accept writes, and opens its own server if none does. So a host that was lost and returns stays closed,
//! with no daemon and nobody there.

use serde::{Deserialize, Serialize};

use crate::{
    dialect::Dialect,
    grant::sha256_hex,
    model::{Endpoint, HostName, SecretId, Tls},
    option_file::quoted,
};

/// The script that decides.
pub(crate) const OPEN: &str = include_str!("open.sh");
/// The unit's name.
pub(crate) const UNIT: &str = "tandem-role.service";

/// What keeps the unit from working on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// systemd does not run its services.
    Systemd,
    /// The server was not started by a unit of systemd.
    ServerUnit,
    /// There is no client program that could ask the other hosts.
    Client,
    /// No role of the playbook declares it.
    Role,
}

/// A host that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its name.
    pub name: HostName,
    /// Where its server listens.
    pub endpoint: Endpoint,
    /// Whether it was given up: then it counts only where it is open.
    pub lost: bool,
}

/// What the unit has to know. Passwords are named only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleUnit {
    /// The server's own unit.
    pub server_unit: String,
    /// Words of the server and of the client beside it.
    pub dialect: Dialect,
    /// The client program, where it is not on PATH: a path that needs no quotes.
    pub client: Option<String>,
    /// The server's socket.
    pub socket: String,
    /// Who logs in there: a name, and its password where it needs one.
    pub admin: (String, Option<SecretId>),
    /// The hosts that are asked.
    pub peers: Vec<Peer>,
    /// The replication account, with which they are asked.
    pub user: String,
    /// Its password.
    pub password: SecretId,
    /// Protection on the wire.
    pub tls: Tls,
    /// The authority's file, where certificates are verified.
    pub tls_ca: String,
}

/// The unit as it is on a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleUnitFacts {
    /// A word by chance that lies with its files.
    pub salt: String,
    /// SHA-256 in hex of that word and all files.
    pub digest: String,
    /// The units that want it at their start.
    pub wanted_by: Vec<String>,
}

impl RoleUnitFacts {
    /// What the host's script has printed; nothing where there is no such unit.
    pub fn read(text: &str) -> Option<Self> {
        let mut facts = Self::default();
        let mut there = false;
        for (key, value) in text.lines().filter_map(|line| line.split_once(' ')) {
            there = true;
            match key {
                "salt" => value.clone_into(&mut facts.salt),
                "digest" => value.clone_into(&mut facts.digest),
                "wanted" => facts.wanted_by.push(value.to_owned()),
                _ => {}
            }
        }
        there.then_some(facts)
    }
}

/// The files of the unit, in the order in which they are digested. They hold passwords.
pub struct RoleUnitFiles(Vec<(&'static str, String)>);

impl RoleUnitFiles {
    /// Each with its name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, content)| (*name, content.as_str()))
    }

    /// What a host that has them reports.
    pub fn digest(&self, salt: &str) -> String {
        let mut text = format!("{salt}\n");
        self.0.iter().for_each(|(_, content)| text.push_str(content));
        sha256_hex(text.as_bytes())
    }
}

impl RoleUnit {
    /// The script that decides, with the place of the client program.
    fn script(&self) -> String {
        match &self.client {
            Some(client) => OPEN.replacen("\nbeside=mysql\n", &format!("\nbeside={client}\n"), 1),
            None => OPEN.to_owned(),
        }
    }

    /// The files, with these passwords of the replication account and of who logs in to the server.
    pub fn files(&self, password: &str, admin: Option<&str>) -> RoleUnitFiles {
        let line = |peer: &Peer| {
            let (name, Endpoint { address, port }) = (&peer.name, &peer.endpoint);
            format!("{name} {address} {port} {}\n", if peer.lost { "lost" } else { "member" })
        };
        let peers: String = self.peers.iter().map(line).collect();
        let mut peer = client_file(&self.user, Some(password));
        self.dialect.client_tls(self.tls).iter().for_each(|option| peer.push_str(&format!("{option}\n")));
        if matches!(self.tls, Tls::VerifyCa | Tls::VerifyIdentity) {
            peer.push_str(&format!("ssl-ca = {}\n", quoted(&self.tls_ca)));
        }
        let mut own = client_file(&self.admin.0, admin);
        own.push_str(&format!("protocol = socket\nsocket = {}\n", quoted(&self.socket)));
        let unit = format!(
            "# Written by tandem.\n[Unit]\nDescription=Opens the database server to writes if this host is the recorded writer\n\
             After={0} network-online.target\nWants=network-online.target\n\n\
             [Service]\nType=oneshot\nExecStart=/bin/sh /var/lib/tandem/role/open.sh decide\nTimeoutStartSec=1h\n\n\
             [Install]\nWantedBy={0}\n",
            self.server_unit
        );
        RoleUnitFiles(vec![
            ("peers", peers),
            ("peer.cnf", peer),
            ("own.cnf", own),
            ("open.sh", self.script()),
            ("unit", unit),
        ])
    }
}

fn client_file(user: &str, password: Option<&str>) -> String {
    let password = password.map(|word| format!("password = {}\n", quoted(word))).unwrap_or_default();
    format!("[client]\nuser = {}\n{password}", quoted(user))
}
