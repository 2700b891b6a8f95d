//! Copies of a whole server: by its files (MariaDB) or by the clone plugin (MySQL), and what they need.
//!
//! Sources: MySQL manual, "Remote Cloning Prerequisites" and "Clone Plugin Limitations"; MariaDB documentation,
//! "mariadb-backup Overview".

use super::pair::{Pair, shown};
use crate::{
    desired::{SeedMethod, SeedWish, Tls},
    model::{Fact, Family, HostName},
    observe::{HostFacts, ServerFacts},
    plan::{
        Action, Because, CLONE_USER, ClonePlan, CopyMethod, CopyRefused, Kind, Note, Reason, State, Step,
        StepId,
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

impl Pair<'_> {
    /// Whether a replica of the source may give its data in its place. The clone plugin reaches it over the
    /// network, where nobody lets the new replica in.
    pub(super) fn may_give(&self, wish: &SeedWish, name: &HostName, server: &ServerFacts) -> bool {
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
        wish: &SeedWish,
        (giver, giving): (&HostName, &ServerFacts),
        chosen: usize,
    ) -> Result<CopyMethod, CopyRefused> {
        if !matches!(wish.method, SeedMethod::Physical | SeedMethod::Clone) {
            return Ok(CopyMethod::Logical);
        }
        let against = self.against_all(giving, chosen).or_else(|| match wish.method {
            SeedMethod::Clone => self.against_clone((giver, giving)),
            _ => self.against_files((giver, giving)),
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
    fn against_all(&self, giving: &ServerFacts, chosen: usize) -> Option<String> {
        let host = &self.host.name;
        if self.beside_others() || self.host.seeds.len() > 1 {
            return Some(format!(
                "{host} has other sources, too, and everything that it has would be replaced"
            ));
        }
        if chosen < giving.databases.len() {
            return Some(
                "a whole server is copied, and the filters of the channel leave out some of it".to_owned(),
            );
        }
        if self.host.service.is_none() && self.server.unit.is_empty() {
            return Some(format!("{host} has to be restarted, and its unit is not known; set mysql_service"));
        }
        // The login of this program comes from the source after the copy.
        let admin = self.host.connection.admin_user.as_deref().unwrap_or("root");
        let known = |server: &ServerFacts| server.account_names.iter().any(|(user, _)| user == admin);
        if known(self.server) && !known(giving) {
            return Some(format!(
                "{} has no account {admin}, by which {host} is administered",
                self.wish.source
            ));
        }
        None
    }

    fn against_clone(&self, (giver, giving): (&HostName, &ServerFacts)) -> Option<String> {
        let (host, own) = (&self.host.name, self.server);
        if giving.version.family != Family::MySql || own.version.family != Family::MySql {
            return Some("the clone plugin is MySQL's; MariaDB has `seed_method: physical`".to_owned());
        }
        if let Some(old) = [giving, own].into_iter().find(|s| !s.version.at_least(8, 0, 26)) {
            return Some(format!(
                "a clone that starts with its channels stopped takes MySQL 8.0.26 (skip_replica_start), and one of the two is {}",
                old.version
            ));
        }
        let series = |s: &ServerFacts| (s.version.major, s.version.minor);
        let mixed = [giving, own].into_iter().all(|s| s.version.at_least(8, 0, 37));
        if giving.version != own.version && !(mixed && series(giving) == series(own)) {
            return Some(format!(
                "{giver} has {} and {host} {}; both must be of one series and 8.0.37 or later, or the same",
                giving.version, own.version
            ));
        }
        if let Some(why) = self.differ(CLONE_SAME, (giver, giving)) {
            return Some(why);
        }
        for (name, server) in [(giver, giving), (host, own)] {
            if server.number("max_allowed_packet").is_some_and(|n| n < CLONE_PACKET) {
                return Some(format!("max_allowed_packet of {name} is below 2 MiB"));
            }
        }
        let others: Vec<String> = giving
            .databases
            .iter()
            .flat_map(|d| d.locked_tables.iter().map(|(t, e)| format!("{}.{t} ({e})", d.name)))
            .collect();
        if !others.is_empty() {
            return Some(format!(
                "only InnoDB is cloned, and these tables would be lost: {}",
                shown(&others)
            ));
        }
        if self.wish.endpoint.address.contains(':') {
            return Some("the plugin takes a source by name or by an IPv4 address".to_owned());
        }
        match &self.facts.disk {
            Fact::Known(disk) if disk.file_system == "overlayfs" => Some(format!(
                "{} of {host} is on an overlay, where the server can't rename directories and would not come up",
                disk.datadir
            )),
            _ => None,
        }
    }

    fn against_files(&self, (giver, giving): (&HostName, &ServerFacts)) -> Option<String> {
        let (host, own) = (&self.host.name, self.server);
        if giving.version.family != Family::MariaDb || own.version.family != Family::MariaDb {
            return Some("mariadb-backup is MariaDB's; MySQL has `seed_method: clone`".to_owned());
        }
        for (name, facts) in
            [(giver, self.context.observed.get(giver).and_then(Fact::known)), (host, Some(self.facts))]
        {
            let missing = facts.and_then(missing_program);
            if let Some(program) = missing {
                return Some(format!("{program} is not on {name}; install the package mariadb-backup"));
            }
        }
        let series = |s: &ServerFacts| (s.version.major, s.version.minor);
        if series(giving) != series(own) || own.version < giving.version {
            return Some(format!(
                "{giver} has {} and {host} {}; both must be of one series, and {host} not older",
                giving.version, own.version
            ));
        }
        if let Some(why) = self.differ(FILES_SAME, (giver, giving)) {
            return Some(why);
        }
        let encrypted: Vec<String> = ENCRYPTED
            .iter()
            .filter(|n| giving.variable(n).is_some_and(|v| !matches!(v, "OFF" | "0")))
            .map(|n| (*n).to_owned())
            .collect();
        if !encrypted.is_empty() {
            return Some(format!(
                "{giver} encrypts its files with keys of its own ({})",
                encrypted.join(", ")
            ));
        }
        let Fact::Known(disk) = &self.facts.disk else {
            return Some(format!("the file system of {host}'s data was not read"));
        };
        let datadir = disk.datadir.trim_end_matches('/');
        for (name, server) in [(giver, giving), (host, own)] {
            let outside: Vec<String> = ELSEWHERE
                .iter()
                .filter_map(|n| Some((*n, server.variable(n)?)))
                .filter(|(n, v)| is_outside(server, n, v))
                .map(|(n, v)| format!("{n} = {v}"))
                .collect();
            if !outside.is_empty() {
                return Some(format!(
                    "{name} keeps files outside of its data directory: {}",
                    shown(&outside)
                ));
            }
        }
        if let Some((name, value, place)) = self.outside_from_the_next_start() {
            return Some(format!(
                "{host} would keep files outside of its data directory from its next start on: {name} = {value} ({place})"
            ));
        }
        if own.variable("datadir").is_some_and(|d| d.trim_end_matches('/') != datadir) || !disk.renamable {
            return Some(format!(
                "{datadir} of {host} can't be moved aside: it is a link or a file system of its own"
            ));
        }
        None
    }

    /// The replica starts anew, with what its option files say by now and with what is wished of it.
    fn outside_from_the_next_start(&self) -> Option<(&'static str, String, String)> {
        let files = self.facts.option_files.known();
        let said = files.map(|files| files.occurrences(Some(self.server.version))).unwrap_or_default();
        let wishes = self.host.settings.as_deref().unwrap_or_default();
        ELSEWHERE.iter().find_map(|name| {
            let wish = wishes.iter().rfind(|wish| wish.name == *name);
            let wished = wish.and_then(|wish| Some((wish.values.last()?.clone(), wish.place.to_string())));
            let (value, place) = wished.or_else(|| {
                let last = said.iter().rfind(|o| o.name == *name)?;
                Some((last.value.clone()?, format!("{}:{}", last.file, last.line)))
            })?;
            is_outside(self.server, name, &value).then_some((*name, value, place))
        })
    }

    /// The first variable that is not the same on both.
    fn differ(&self, names: &[&str], (giver, giving): (&HostName, &ServerFacts)) -> Option<String> {
        names.iter().find_map(|name| {
            let (there, here) = (giving.variable(name)?, self.server.variable(name)?);
            (there != here).then(|| format!("{name} is {there} on {giver} and {here} on {}", self.host.name))
        })
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
pub fn leftover_accounts(host: &HostName, server: &ServerFacts, steps: &[Step]) -> Vec<Step> {
    let copied = |step: &Step| matches!(&step.action, Action::Seed(plan) if plan.method.is_whole() && [&plan.donor, &step.host].contains(&host));
    if steps.iter().any(copied) {
        return Vec::new();
    }
    let left = server.account_names.iter().filter(|(user, _)| user == CLONE_USER);
    left.map(|(user, from)| Step {
        id: StepId(format!("{host}/clone-account/{from}")),
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
