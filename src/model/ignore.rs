//! A rule of `drift_ignore`.

use jiff::civil::Date;

use super::{HostName, Place, glob};

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreRule {
    /// A pattern over the names of findings: a step's (`db-b/variable`), a variable's in it
    /// (`db-b/variable/max_connections`), a refusal's or a warning's (`db-b/extra-account`), `db-b/waiting`, or a
    /// host's.
    pub what: String,
    /// Why, in the words of whoever wrote it.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Option<Date>,
    /// The hosts that it is for; none where it is for all.
    pub hosts: Vec<HostName>,
    /// Where it is written.
    pub place: Option<Place>,
}

impl IgnoreRule {
    /// Whether it is for a finding of this name on a host.
    pub fn fits(&self, host: &HostName, name: &str) -> bool {
        (self.hosts.is_empty() || self.hosts.contains(host))
            && (glob(&self.what, name) || glob(&self.what, host.as_str()))
    }
}
