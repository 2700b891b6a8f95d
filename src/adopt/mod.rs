//! From living servers to the files that declare them: who replicates from whom, which kind of topology that is, and
//! what must be written so that a plan for it is empty. Pure; the files are text until somebody writes them.
//!
//! A draft is made of the facts alone. It is then loaded and planned like any other project, and what that plan would
//! change goes into the draft as a value of its own, until nothing is left that can be declared: see [`Adoption::settle`].

mod arrows;
mod findings;
mod remark;
mod report;
mod settle;
mod shape;
mod text;
mod values;

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::{
    model::{Fact, HostName},
    observe::{HostFacts, Observed, ServerFacts},
};

pub(crate) use arrows::{Arrow, Stranger};
pub use findings::{Finding, StandsOut};
pub(crate) use remark::{Remark, Remarked};
pub use report::Report;
pub(crate) use settle::Said;
pub(crate) use shape::Group;

/// The roles that an adopted play may use, in their order. `tls` is not among them: servers that were set up by hand
/// have certificates of another authority, or none.
const ROLES: [&str; 5] = ["firewall", "config", "accounts", "seed", "replication"];

/// A host as the user named it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    /// Its name in the inventory.
    pub name: HostName,
    /// Where ssh reaches it, which is also where its peers are taken to reach it.
    pub destination: String,
    /// Connection variables to write; empty where another inventory has them.
    pub connection: Vec<(&'static str, Json)>,
}

/// One host's part of the files.
#[derive(Debug, Clone)]
pub(crate) struct Adopted {
    /// The host.
    pub named: Named,
    /// Its variables, in the order in which they are written.
    pub variables: IndexMap<&'static str, Json>,
    /// `mysql_settings`.
    pub settings: IndexMap<String, Remarked>,
}

/// One play.
#[derive(Debug, Clone)]
pub(crate) struct Play {
    /// Its topology.
    pub group: Group,
    /// Roles that hold.
    pub roles: Vec<&'static str>,
    /// Roles that would change something, and what.
    pub left_out: Vec<(&'static str, String)>,
}

/// A fleet as it is about to be declared.
#[derive(Debug, Clone)]
pub(crate) struct Adoption {
    /// The hosts, in the order in which they were named.
    pub hosts: Vec<Adopted>,
    /// A play for each part of the fleet that hangs together.
    pub plays: Vec<Play>,
    /// Channels from servers that were not named.
    pub strangers: Vec<Stranger>,
    /// The group of the inventory that holds them all.
    pub group: String,
}

impl Adoption {
    /// Makes a draft of what was read.
    pub(crate) fn draft(named: &[Named], observed: &Observed, group: &str) -> Self {
        let (arrows, strangers) = arrows::find(named, observed);
        let names: Vec<HostName> = named.iter().map(|n| n.name.clone()).collect();
        let plays: Vec<Play> = shape::groups(&names, &arrows, observed)
            .into_iter()
            .map(|group| Play { group, roles: ROLES.to_vec(), left_out: Vec::new() })
            .collect();
        let mut adoption = Self { hosts: Vec::new(), plays, strangers, group: group.to_owned() };
        for one in named {
            let adopted = values::of(one, &adoption.plays, named, observed);
            adoption.hosts.push(adopted);
        }
        adoption
    }

    /// Names of the environment variables that hold a secret.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for host in &self.hosts {
            let env = host.variables.get("replication_password").and_then(|v| v["env"].as_str());
            if let Some(env) = env.filter(|env| !names.iter().any(|n| n == env)) {
                names.push(env.to_owned());
            }
        }
        names
    }

    fn host_mut(&mut self, name: &HostName) -> Option<&mut Adopted> {
        self.hosts.iter_mut().find(|h| h.named.name == *name)
    }
}

/// What is known of a host.
fn facts<'a>(observed: &'a Observed, host: &HostName) -> Option<&'a HostFacts> {
    observed.get(host).and_then(Fact::known)
}

/// What is known of a host's server.
fn server<'a>(observed: &'a Observed, host: &HostName) -> Option<&'a ServerFacts> {
    facts(observed, host)?.server.known()
}
