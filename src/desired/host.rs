//! The vocabulary of what is wished.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    inventory::Connection,
    model::{
        Endpoint, Family, Filters, FirewallChoice, GivenPosition, HostName, OptionFileHolds, Place,
        Positioning, RestartPrimary, SecretId, SeedMethod, SeedPath, ServerVersion, Tls,
    },
    option_file::same_value,
    resource::Resource,
};

/// What one play asks of a fleet.
#[derive(Debug, Clone)]
pub struct Desired {
    /// The play's name, for headings.
    pub play: String,
    /// Hosts in the order of the topology.
    pub members: Vec<HostName>,
    /// What each of them shall be.
    pub hosts: BTreeMap<HostName, DesiredHost>,
    /// Whether some host is written to by clients on more than one member.
    pub several_writers: bool,
    /// Whether the topology names one primary, whose place another member may take.
    pub one_primary: bool,
    /// Hosts that are declared lost, each with how it is reached should it be back, and nothing that is wished of it.
    pub lost: Vec<LostHost>,
    /// What the plays of the same playbook declare, this one among them.
    pub all_plays: AllPlays,
}

/// What all plays of a playbook declare of hosts that may stand in several of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllPlays {
    /// Accounts: host, user, and from where it may come.
    pub accounts: BTreeSet<(HostName, String, String)>,
    /// Channels: replica and name.
    pub channels: BTreeSet<(HostName, String)>,
}

impl AllPlays {
    /// Whether some play makes an account of this user on the host.
    pub fn makes(&self, host: &HostName, user: &str) -> bool {
        self.accounts.iter().any(|(on, name, _)| on == host && name == user)
    }
}

/// A host that is gone.
#[derive(Debug, Clone)]
pub struct LostHost {
    /// How it is reached.
    pub host: DesiredHost,
    /// Where it is declared lost.
    pub place: Place,
}

impl Desired {
    /// The host that is, or was, at the far end of a channel.
    pub fn lost_at(&self, address: &str, port: u16) -> Option<&LostHost> {
        self.lost.iter().find(|lost| lost.host.endpoint.address == address && lost.host.endpoint.port == port)
    }

    /// Whether a host is declared lost.
    pub fn is_lost(&self, host: &HostName) -> bool {
        self.lost.iter().any(|lost| lost.host.name == *host)
    }

    /// User names of the replication accounts.
    pub fn own_users(&self) -> BTreeSet<String> {
        self.hosts.values().flat_map(DesiredHost::replication_users).collect()
    }
}

/// What one host shall be.
#[derive(Debug, Clone)]
pub struct DesiredHost {
    /// Its name.
    pub name: HostName,
    /// How it is reached by ssh.
    pub connection: Connection,
    /// Where its peers reach its server.
    pub endpoint: Endpoint,
    /// Whether clients may write to it.
    pub writer: bool,
    /// Hosts that replicate from it.
    pub replicas: Vec<HostName>,
    /// Where the hosts are, or were, that are declared lost.
    pub lost: Vec<Endpoint>,
    /// systemd unit, where the inventory names one.
    pub service: Option<String>,
    /// tandem's option file, where the inventory names one.
    pub option_file: Option<String>,
    /// What stands in that file.
    pub option_file_holds: OptionFileHolds,
    /// How long its server may take to come up after a restart.
    pub restart_wait: std::time::Duration,
    /// How its server is restarted where clients write to it alone; nothing where that is left to what is there.
    pub restart_primary: Option<RestartPrimary>,
    /// How long writes on it may wait at most when another host takes them over.
    pub switchover_limit: std::time::Duration,
    /// How long long writes on it are waited for before that.
    pub switchover_wait: std::time::Duration,
    /// Wishes for server variables, in the order of the roles; the last of a name wins.
    pub settings: Option<Vec<DesiredSetting>>,
    /// Accounts.
    pub accounts: Vec<DesiredAccount>,
    /// Databases that shall exist.
    pub databases: Vec<DesiredDatabase>,
    /// Where an empty replica gets its data: from one source, or from each of several that hold something else.
    pub seeds: Vec<DesiredSeed>,
    /// Channels on which it shall replicate.
    pub channels: Vec<DesiredChannel>,
    /// The packet filter.
    pub firewall: Option<FirewallIntent>,
    /// Packages, files, services and the like of users' roles.
    pub resources: Vec<DeclaredResource>,
    /// Certificates for the server.
    pub certificates: Option<DesiredCertificates>,
    /// The row by which lag is measured.
    pub heartbeat: Option<DesiredHeartbeat>,
    /// The unit that opens it after a start of its server, where it is the one that is written to.
    pub role_unit: Option<DesiredRoleUnit>,
    /// The server that is installed where none is.
    pub server: Option<DesiredServer>,
}

impl DesiredHost {
    /// User names by which its replicas log in here, and by which it logs in at its sources and asks the others.
    pub fn replication_users(&self) -> impl Iterator<Item = String> + '_ {
        let accounts = self.accounts.iter().filter(|a| a.replicates()).map(|a| a.user.clone());
        let asks = self.role_unit.iter().map(|unit| unit.user.clone());
        accounts.chain(self.channels.iter().map(|c| c.user.clone())).chain(asks)
    }

    /// Every address from which it may come: the declared one, and those of its interfaces.
    pub fn addresses(&self, own: &[String]) -> Vec<std::net::IpAddr> {
        let declared = std::iter::once(self.endpoint.address.as_str());
        declared.chain(own.iter().map(String::as_str)).filter_map(|text| text.parse().ok()).collect()
    }

    /// A host of which nothing is wished.
    pub fn bare(name: &HostName) -> Self {
        Self {
            name: name.clone(),
            connection: Connection::to(name),
            endpoint: Endpoint { address: name.to_string(), port: 3306 },
            writer: false,
            replicas: Vec::new(),
            lost: Vec::new(),
            service: None,
            option_file: None,
            option_file_holds: OptionFileHolds::Everything,
            restart_wait: crate::model::limits::RESTART.time,
            restart_primary: None,
            switchover_limit: crate::model::limits::SWITCHOVER.time,
            switchover_wait: crate::model::limits::SWITCHOVER_WAIT.time,
            settings: None,
            accounts: Vec::new(),
            databases: Vec::new(),
            seeds: Vec::new(),
            channels: Vec::new(),
            firewall: None,
            resources: Vec::new(),
            certificates: None,
            heartbeat: None,
            role_unit: None,
            server: None,
        }
    }

    /// What is declared of a variable for a server that runs. With what it starts is a question of its option file.
    pub fn setting(&self, name: &str) -> Option<&DesiredSetting> {
        self.settings.iter().flatten().rfind(|wish| wish.name == name && !wish.at_start)
    }

    /// Whether `read_only` is declared on, or off; nothing where it is not declared.
    pub fn declared_closed(&self) -> Option<bool> {
        let wish = self.setting("read_only")?;
        wish.values.last().map(|value| same_value("read_only", value, "ON"))
    }

    /// The wish for a copy from this source.
    pub fn seed_from(&self, source: &HostName) -> Option<&DesiredSeed> {
        self.seeds.iter().find(|seed| seed.from == *source)
    }
}

/// Certificates for a server: the fleet's own authority issues them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredCertificates {
    /// The authority's directory on the controller.
    pub directory: std::path::PathBuf,
    /// The authority's certificate as PEM, as it was when the hosts were observed.
    pub authority: crate::model::Fact<String>,
    /// Whether something can be issued for this host: the authority's key is there, or a certificate that was brought.
    pub can_issue: bool,
    /// Where it is written.
    pub place: Place,
}

/// One server variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredSetting {
    /// Canonical option name, with underscores.
    pub name: String,
    /// Values; several for an option that repeats, none to have it left out.
    pub values: Vec<String>,
    /// Whether a value that takes a restart waits for one that happens anyway.
    pub at_next_restart: bool,
    /// Whether the server starts with it, whatever it runs with afterwards.
    pub at_start: bool,
    /// Where it is written.
    pub place: Place,
}

/// An account for replication, or of a user's role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredAccount {
    /// User name.
    pub user: String,
    /// Host part: the peer's address.
    pub host: String,
    /// The password's reference.
    pub password: SecretId,
    /// Privileges.
    pub privileges: Vec<String>,
    /// Where the privileges hold, such as `*.*`.
    pub on: String,
    /// Whether the server shall refuse this account without TLS.
    pub require_tls: bool,
    /// Where it is written.
    pub place: Place,
}

impl DesiredAccount {
    /// Whether it is for replication, and not for a program of the user's.
    pub fn replicates(&self) -> bool {
        let replicates = |p: &String| {
            ["REPLICATION SLAVE", "REPLICATION REPLICA"]
                .iter()
                .any(|word| p.trim().eq_ignore_ascii_case(word))
        };
        self.privileges.iter().any(replicates)
    }
}

/// A database that shall exist on the writers' side; replication carries it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredDatabase {
    /// Name.
    pub name: String,
    /// Default character set, if it matters.
    pub character_set: Option<String>,
    /// Default collation, if it matters.
    pub collation: Option<String>,
    /// Where it is written.
    pub place: Place,
}

/// Where an empty replica gets its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredSeed {
    /// The host that gives its data.
    pub from: HostName,
    /// How.
    pub method: SeedMethod,
    /// The way of its bytes.
    pub path: SeedPath,
    /// Which databases; all where none are named.
    pub databases: Vec<String>,
    /// Whether the source's accounts come along.
    pub accounts: bool,
    /// Where data stands that was loaded by hand.
    pub position: Option<GivenPosition>,
    /// Where the copy is asked for.
    pub place: Place,
    /// Where its method is written.
    pub method_place: Place,
    /// Where its databases are written.
    pub databases_place: Place,
    /// Where it is written whether the accounts come along.
    pub accounts_place: Place,
    /// Where the position is written.
    pub position_place: Place,
}

/// A channel as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredChannel {
    /// Connection or channel name; empty for the default one.
    pub name: String,
    /// The source.
    pub source: HostName,
    /// Where the source is reached.
    pub endpoint: Endpoint,
    /// User of the replication account.
    pub user: String,
    /// Its password's reference.
    pub password: SecretId,
    /// Where that is written.
    pub password_place: Place,
    /// Protection on the wire.
    pub tls: Tls,
    /// How it knows where it is.
    pub positioning: Positioning,
    /// The authority's file on the replica, where the source's certificate is verified.
    pub tls_ca: String,
    /// Delay in seconds.
    pub delay: u64,
    /// What this channel alone applies; a list that is empty leaves it to the host's filters.
    pub filters: Filters,
    /// Where it is written.
    pub place: Place,
}

/// Who may reach the server's port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallIntent {
    /// TCP port of the server.
    pub port: u16,
    /// Addresses of the peers.
    pub peers: Vec<String>,
    /// Networks of others who may come in when the rest is shut out.
    pub allow: Vec<String>,
    /// Whether the rest is shut out.
    pub deny_others: bool,
    /// Which packet filter, if any.
    pub backend: FirewallChoice,
    /// Where it is written.
    pub place: Place,
}

/// The row that a writer stamps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredHeartbeat {
    /// Seconds between two stamps.
    pub interval: u64,
    /// Where it is written.
    pub place: Place,
}

/// The unit that opens a host after a start of its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredRoleUnit {
    /// User of the account with which the other hosts are asked.
    pub user: String,
    /// Its password's reference.
    pub password: SecretId,
    /// Protection on the wire.
    pub tls: Tls,
    /// The authority's file, where certificates are verified.
    pub tls_ca: String,
    /// Where it is written.
    pub place: Place,
}

/// The server of a host that has none yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredServer {
    /// Name of the package, as the host's package manager has it.
    pub package: String,
    /// The version or its beginning, such as `10.11`; the newest that is offered where none is named.
    pub version: Option<String>,
    /// Whether it shall run and start at boot even if nothing else is wished of it.
    pub start: bool,
    /// Whether what an installation leaves open is closed: anonymous accounts, root from other hosts, `test`.
    pub secure: bool,
    /// Where the package is written.
    pub place: Place,
    /// Where the version is written.
    pub version_place: Place,
    /// Where the wish to close it is written.
    pub secure_place: Place,
}

impl DesiredServer {
    /// The family of the server that the package brings, where its name says so.
    pub fn family(&self) -> Option<Family> {
        let name = self.package.to_ascii_lowercase();
        match (name.contains("mariadb"), name.contains("mysql") || name.contains("percona")) {
            (true, _) => Some(Family::MariaDb),
            (false, true) => Some(Family::MySql),
            (false, false) => None,
        }
    }

    /// The family of a peer where it is not the one of this server: the two can't replicate. A peer is what was observed,
    /// or else what is declared.
    pub fn family_apart(&self, observed: Option<ServerVersion>, declared: Option<&Self>) -> Option<Family> {
        let own = self.family()?;
        let there = observed.map(|version| version.family).or_else(|| declared?.family())?;
        (there != own).then_some(there)
    }
}

/// A resource of a role that has to do with the host and not with its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredResource {
    /// What it is.
    pub resource: Resource,
    /// Where it is written.
    pub place: Place,
}

impl DesiredHost {
    /// Files of authorities against which its channels verify their sources.
    pub fn authority_files(&self) -> impl Iterator<Item = &str> {
        self.channels.iter().map(DesiredChannel::tls_authority).filter(|file| !file.is_empty())
    }
}

impl DesiredChannel {
    /// The authority's file, where the wish is to verify anything.
    pub fn tls_authority(&self) -> &str {
        match self.tls {
            Tls::Off | Tls::Required => "",
            // MariaDB verifies the chain wherever an authority is named.
            Tls::VerifyCa | Tls::VerifyIdentity => &self.tls_ca,
        }
    }
}
