//! Copies of a whole server: by its files (MariaDB) or by the clone plugin (MySQL), and what they need.
//!
//! Sources: MySQL manual, "Remote Cloning Prerequisites" and "Clone Plugin Limitations"; MariaDB documentation,
//! "mariadb-backup Overview".

use super::pair::{SourceAndReplica, will};
use crate::{
    desired::{DesiredSeed, SeedMethod, Tls},
    dialect::{CannotCopy, Dialect},
    model::{Fact, HostName, Place},
    observe::{HostFacts, ServerFacts},
    option_file::{canonical_value, same_value},
    plan::{
        Action, Because, CLONE_USER, ClonePlan, CopyMethod, CopyRefused, Kind, MethodRefused, Note, Reason,
        State, Step, StepId, StepName,
    },
};

/// Bytes of a packet below which the clone plugin does not work.
const CLONE_PACKET: u64 = 2 << 20;

/// Variables in which both servers must be the same for the clone plugin.
const CLONE_SAME: &[&str] = &[
    "version_compile_machine",
    "version_compile_os",
    "innodb_page_size",
    "innodb_data_file_path",
    "character_set_server",
    "character_set_filesystem",
    "collation_server",
];

/// Variables in which both servers must be the same for a copy of the files.
const FILES_SAME: &[&str] = &[
    "innodb_page_size",
    "innodb_data_file_path",
    "lower_case_table_names",
    "version_compile_machine",
    "aria_block_size",
];

/// Variables that let a server keep files outside of its data directory.
const ELSEWHERE: &[&str] = &[
    "innodb_data_home_dir",
    "innodb_data_file_path",
    "innodb_log_group_home_dir",
    "innodb_undo_directory",
    "aria_log_dir_path",
];

/// Variables that encrypt what is copied with a key that only the source has.
const ENCRYPTED: &[&str] = &["innodb_encrypt_tables", "innodb_encrypt_log", "aria_encrypt_tables"];

impl SourceAndReplica<'_> {
    /// Whether a replica of the source may give its data in its place. The clone plugin reaches it over the
    /// network, where nobody lets the new replica in.
    pub(super) fn may_give(&self, wish: &DesiredSeed, name: &HostName, server: &ServerFacts) -> bool {
        match wish.method {
            SeedMethod::Clone => false,
            SeedMethod::Physical => self.against_files((name, server)).is_none(),
            SeedMethod::Auto | SeedMethod::Logical | SeedMethod::None => true,
        }
    }

    /// How the copy of so many databases is made.
    ///
    /// # Errors
    /// With what speaks against the method that is wished.
    pub(super) fn method(
        &self,
        wish: &DesiredSeed,
        (copy_source, giving): (&HostName, &ServerFacts),
        chosen: usize,
    ) -> Result<CopyMethod, CopyRefused> {
        if !matches!(wish.method, SeedMethod::Physical | SeedMethod::Clone) {
            return Ok(CopyMethod::Logical);
        }
        let against = self.against_all(giving, chosen).or_else(|| match wish.method {
            SeedMethod::Clone => self.against_clone((copy_source, giving)),
            _ => self.against_files((copy_source, giving)),
        });
        if let Some(why) = against {
            return Err(CopyRefused::Method { method: wish.method, place: wish.method_place.clone(), why });
        }
        let unit = self.host.service.clone().unwrap_or_else(|| self.server.unit.clone());
        Ok(match wish.method {
            SeedMethod::Clone => CopyMethod::Clone(self.clone_plan(unit)),
            _ => CopyMethod::Physical { unit },
        })
    }

    fn clone_plan(&self, unit: String) -> ClonePlan {
        let address = &self.host.endpoint.address;
        let accounts = self.context.desired.hosts.get(&self.wish.source).map(|h| h.accounts.as_slice());
        let ours = || accounts.into_iter().flatten().filter(|a| a.user == self.wish.user);
        // Where the account's address is declared, the replica comes from another one than its own.
        let account = ours().find(|a| a.host == *address).or_else(|| ours().next());
        let verified = matches!(self.wish.tls, Tls::VerifyCa | Tls::VerifyIdentity);
        ClonePlan {
            unit,
            source: self.wish.endpoint.clone(),
            account_host: account.map_or(address, |a| &a.host).clone(),
            tls: self.wish.tls.encrypted(),
            tls_ca: verified.then(|| self.wish.tls_ca.clone()),
        }
    }

    /// What speaks against any copy of a whole server. That its wish leaves nothing out is seen in the files:
    /// [`crate::desired::lint`].
    fn against_all(&self, giving: &ServerFacts, chosen: usize) -> Option<MethodRefused> {
        if self.beside_others() || self.host.seeds.len() > 1 {
            return Some(MethodRefused::OtherSources);
        }
        if chosen < giving.databases.len() {
            return Some(MethodRefused::Filtered);
        }
        if self.host.service.is_none() && self.server.unit.is_empty() {
            return Some(MethodRefused::UnitUnknown);
        }
        // The login of this program comes from the source after the copy.
        let admin = self.host.connection.admin_user.as_deref().unwrap_or("root");
        let known = |server: &ServerFacts| server.account_names.iter().any(|(user, _)| user == admin);
        (known(self.server) && !known(giving))
            .then(|| MethodRefused::NoAdmin { user: admin.to_owned(), source: self.wish.source.clone() })
    }

    fn against_clone(&self, (copy_source, giving): (&HostName, &ServerFacts)) -> Option<MethodRefused> {
        let (host, own) = (&self.host.name, self.server);
        if let Some(why) = Dialect::of(own.version).cannot_clone(Dialect::of(giving.version)) {
            return Some(MethodRefused::Clone { copy_source: copy_source.clone(), why });
        }
        if let Some(why) = self.differ(CLONE_SAME, (copy_source, giving)) {
            return Some(why);
        }
        let small = |(host, server): &(&HostName, &ServerFacts)| {
            let bytes = self.declared(host, server, "max_allowed_packet");
            bytes.is_some_and(|value| {
                canonical_value("max_allowed_packet", &value).parse::<u64>().is_ok_and(|n| n < CLONE_PACKET)
            })
        };
        if let Some((on, _)) = [(copy_source, giving), (host, own)].into_iter().find(small) {
            return Some(MethodRefused::SmallPackets { on: on.clone(), least: CLONE_PACKET });
        }
        let tables: Vec<String> = giving
            .databases
            .iter()
            .flat_map(|d| d.locked_tables.iter().map(|(t, e)| format!("{}.{t} ({e})", d.name)))
            .collect();
        if !tables.is_empty() {
            return Some(MethodRefused::NotCloned { tables });
        }
        if self.wish.endpoint.address.contains(':') {
            return Some(MethodRefused::ByIpv6);
        }
        let disk = self.facts.disk.known().filter(|disk| disk.file_system == "overlayfs")?;
        Some(MethodRefused::Overlay { datadir: disk.datadir.clone() })
    }

    fn against_files(&self, (copy_source, giving): (&HostName, &ServerFacts)) -> Option<MethodRefused> {
        let (host, own) = (&self.host.name, self.server);
        let versions = Dialect::of(own.version).cannot_take_files(Dialect::of(giving.version));
        if let Some(CannotCopy::Family) = versions {
            return Some(MethodRefused::Files { copy_source: copy_source.clone(), why: CannotCopy::Family });
        }
        let facts = self.context.observed.get(copy_source).and_then(Fact::known);
        for (on, facts) in [(copy_source, facts), (host, Some(self.facts))] {
            if let Some(program) = facts.and_then(missing_program) {
                return Some(MethodRefused::NoProgram { program, on: on.clone() });
            }
        }
        if let Some(why) = versions {
            return Some(MethodRefused::Files { copy_source: copy_source.clone(), why });
        }
        if let Some(why) = self.differ(FILES_SAME, (copy_source, giving)) {
            return Some(why);
        }
        let encrypts = |name: &&&str| giving.variable(name).is_some_and(|v| !matches!(v, "OFF" | "0"));
        let variables: Vec<String> = ENCRYPTED.iter().filter(encrypts).map(|n| (*n).to_owned()).collect();
        if !variables.is_empty() {
            return Some(MethodRefused::Encrypted { copy_source: copy_source.clone(), variables });
        }
        self.against_moving_files((copy_source, giving))
    }

    /// What speaks against a data directory that holds everything, and is exchanged.
    fn against_moving_files(&self, copy_source: (&HostName, &ServerFacts)) -> Option<MethodRefused> {
        let Fact::Known(disk) = &self.facts.disk else { return Some(MethodRefused::DiskNotRead) };
        let datadir = disk.datadir.trim_end_matches('/');
        for (on, server) in [copy_source, (&self.host.name, self.server)] {
            let variables: Vec<String> = ELSEWHERE
                .iter()
                .filter_map(|n| Some((*n, server.variable(n)?)))
                .filter(|(n, v)| is_outside(server, n, v))
                .map(|(n, v)| format!("{n} = {v}"))
                .collect();
            if !variables.is_empty() {
                return Some(MethodRefused::Outside { on: on.clone(), variables });
            }
        }
        if let Some((variable, value, place)) = self.outside_from_the_next_start() {
            return Some(MethodRefused::OutsideNext { variable, value, place });
        }
        let elsewhere = self.server.variable("datadir").is_some_and(|d| d.trim_end_matches('/') != datadir);
        (elsewhere || !disk.renamable).then(|| MethodRefused::Immovable { datadir: datadir.to_owned() })
    }

    /// The replica starts anew, with what its option files say by now and with what is wished of it.
    fn outside_from_the_next_start(&self) -> Option<(&'static str, String, Place)> {
        let files = self.facts.option_files.known();
        let said = files.map(|files| files.meant(self.server.known())).unwrap_or_default();
        ELSEWHERE.iter().find_map(|name| {
            let wish = self.host.setting(name);
            let wished = wish.and_then(|wish| Some((wish.values.last()?.clone(), wish.place.clone())));
            let (value, place) = wished.or_else(|| {
                let last = said.iter().rfind(|o| o.name == *name)?;
                Some((last.value.clone()?, Place { line: last.line, ..Place::file(last.file.as_str()) }))
            })?;
            is_outside(self.server, name, &value).then_some((*name, value, place))
        })
    }

    /// The first variable that is not the same on both.
    fn differ(
        &self,
        names: &[&'static str],
        (copy_source, giving): (&HostName, &ServerFacts),
    ) -> Option<MethodRefused> {
        names.iter().find_map(|name| {
            let there = self.declared(copy_source, giving, name)?;
            let here = self.declared(&self.host.name, self.server, name)?;
            let copy_source = copy_source.clone();
            (!same_value(name, &there, &here)).then_some(MethodRefused::Differs {
                variable: name,
                copy_source,
                there,
                here,
            })
        })
    }

    /// A variable's value when the copy is made: settings come before it.
    fn declared(&self, host: &HostName, server: &ServerFacts, name: &str) -> Option<String> {
        match self.context.desired.hosts.get(host) {
            Some(host) => will(host, server, name),
            None => server.variable(name).map(str::to_owned),
        }
    }

    /// What such a copy does to the replica.
    pub(super) fn what_is_replaced(&self, method: &CopyMethod) -> Note {
        let on = self.host.name.clone();
        match method {
            CopyMethod::Clone(_) => Note::ServerReplacedByClone { on, source: self.wish.source.clone() },
            _ => Note::ServerReplacedByFiles { on },
        }
    }
}

/// The steps that drop the accounts which clones that were cut off have left. One that is planned makes its own
/// anew, and drops it.
pub(super) fn leftover_accounts(host: &HostName, server: &ServerFacts, steps: &[Step]) -> Vec<Step> {
    let copied = |step: &Step| matches!(&step.action, Action::Seed(plan) if plan.method.is_whole() && [&plan.donor, &step.host].contains(&host));
    if steps.iter().any(copied) {
        return Vec::new();
    }
    let left = server.account_names.iter().filter(|(user, _)| user == CLONE_USER);
    left.map(|(user, from)| Step {
        id: StepId::of(host, StepName::CloneAccount { from }),
        host: host.clone(),
        kind: Kind::Account,
        reason: vec![Reason::because(Because::CloneCutOff)],
        before: Some(State::Names { names: vec![format!("{user}@{from}")] }),
        after: None,
        risk: Vec::new(),
        requires: Vec::new(),
        action: Action::DropAccount { user: user.clone(), host: from.clone() },
    })
    .collect()
}

/// Whether a value of one of [`ELSEWHERE`] lets a server keep files outside of its data directory.
fn is_outside(server: &ServerFacts, name: &str, value: &str) -> bool {
    if name == "innodb_data_file_path" {
        return value.split(';').any(|file| file.trim_start().starts_with('/') || file.contains(".."));
    }
    let datadir = server.variable("datadir").map(|d| d.trim_end_matches('/'));
    let value = value.trim_end_matches('/');
    !matches!(value, "" | ".") && Some(value) != datadir
}

fn missing_program(facts: &HostFacts) -> Option<&'static str> {
    let has = |name: &str| facts.os.tools.contains_key(name);
    match (has("mariadb-backup") || has("mariabackup"), has("mbstream")) {
        (false, _) => Some("mariadb-backup"),
        (true, false) => Some("mbstream"),
        (true, true) => None,
    }
}
