//! What a copy row by row can't carry from one server to another as it is: decided by what the one holds and the other
//! takes.

use std::collections::BTreeSet;

use super::super::{Dialect, identifier, is_system_database, shown};
use crate::grant::is_system_account;

/// A table by its database and its name.
pub(crate) type TableName = (String, String);

/// An account by its user and its host.
pub(crate) type AccountName = (String, String);

/// What a server holds that not every other one takes, or that rows do not carry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyDemands {
    /// All tables of users' databases.
    pub tables: Vec<DemandingTable>,
    /// Views that can't be used: what they rest on is gone.
    pub broken_views: Vec<TableName>,
    /// Views that call a function which runs as its definer, with that definer and the function's database.
    pub calling_views: Vec<(TableName, AccountName, String)>,
    /// Views with what they name of the database `mysql`.
    pub system_views: Vec<(TableName, String)>,
    /// Columns with a JSON document that holds a value whose type its text does not show.
    pub typed_json: Looked<(TableName, String)>,
    /// Tables with the bytes of their largest row, where it is a large one.
    pub large_rows: Looked<(TableName, u64)>,
    /// Accounts and roles.
    pub accounts: Vec<DemandingAccount>,
}

impl CopyDemands {
    /// Whether something is missing of what it names: a view can't be used, or something is granted on what is not there.
    pub(crate) fn lacks_something(&self) -> bool {
        let gone = |account: &DemandingAccount| account.grants.iter().any(|grant| !grant.exists);
        !self.broken_views.is_empty() || self.accounts.iter().any(gone)
    }

    /// The same, where what was there at another look is not missing.
    #[must_use]
    pub(crate) fn also_with(mut self, other: &Self) -> Self {
        self.broken_views.retain(|view| other.broken_views.contains(view));
        for account in &mut self.accounts {
            let before = other.accounts.iter().find(|before| before.name == account.name);
            let before = before.map(|before| before.grants.as_slice()).unwrap_or_default();
            for grant in &mut account.grants {
                let same = |one: &&ObjectGrant| one.name == grant.name && one.on == grant.on;
                grant.exists |= before.iter().find(same).is_some_and(|one| one.exists);
            }
        }
        self
    }
}

/// What a look into rows has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked<T> {
    /// All that it has found.
    pub found: Vec<T>,
    /// Why it did not come to its end, where that is so.
    pub unread: Option<String>,
}

impl<T> Default for Looked<T> {
    fn default() -> Self {
        Self { found: Vec::new(), unread: None }
    }
}

/// A table, as far as a copy may fail at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DemandingTable {
    /// Its database and its name.
    pub name: TableName,
    /// Storage engine; empty where the server names none.
    pub engine: String,
    /// Whether it has a primary key.
    pub has_key: bool,
    /// Whether it is a sequence, which is a table of one row.
    pub sequence: bool,
    /// Whether it keeps old versions of its rows.
    pub versions: Option<Versions>,
    /// Whether it lies in a general tablespace.
    pub in_tablespace: bool,
}

/// How a table tells old versions of its rows apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// By times.
    ByTime,
    /// By the numbers of transactions, which mean nothing on another server.
    ByTransaction,
}

/// An account or a role, as far as a copy may fail at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DemandingAccount {
    /// User and host; a role of MariaDB has no host.
    pub name: AccountName,
    /// Plugins by which it logs in.
    pub plugins: Vec<String>,
    /// Whether something was taken back from what it may do everywhere (MySQL's partial revokes).
    pub restricted: bool,
    /// What was granted to it on single objects.
    pub grants: Vec<ObjectGrant>,
}

/// Privileges on a table, a column or a routine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectGrant {
    /// Its database and its name.
    pub name: TableName,
    /// What it is.
    pub on: GrantedOn,
    /// The privileges, as SQL has them.
    pub privileges: Vec<String>,
    /// Whether there is such an object.
    pub exists: bool,
}

/// What kind of object something is granted on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum GrantedOn {
    /// A table or a view.
    #[default]
    Table,
    /// A column.
    Column(String),
    /// A routine, with its kind as SQL has it, such as `FUNCTION`.
    Routine(String),
}

/// What a server takes, by what it has loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyTakes {
    /// Storage engines that work, in lower case.
    pub engines: BTreeSet<String>,
    /// Plugins by which accounts log in and that work, in lower case.
    pub login_plugins: BTreeSet<String>,
    /// Tables and routines of its database `mysql`.
    pub system_objects: BTreeSet<String>,
}

/// The server that gets a copy, as it will be then.
#[derive(Debug, Clone)]
pub(crate) struct CopyTarget<'a> {
    /// Its words.
    pub dialect: Dialect,
    /// What it has loaded.
    pub takes: &'a CopyTakes,
    /// Whether it may load more before the copy is made: then what it lacks now says nothing.
    pub loads_more: bool,
    /// Whether it takes back in parts what an account may do everywhere (`partial_revokes`).
    pub partial_revokes: bool,
    /// Whether InnoDB takes no table without a primary key, whatever a session says (MariaDB).
    pub forces_keys: bool,
    /// Bytes of the largest statement that it takes, where that is known.
    pub packet: Option<u64>,
    /// Its accounts.
    pub accounts: &'a BTreeSet<AccountName>,
}

/// What is copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CopyAsked<'a> {
    /// Databases with all that they hold.
    pub databases: &'a [String],
    /// Whether the accounts come along.
    pub accounts: bool,
    /// Users of accounts that are left out.
    pub left_out: &'a [String],
    /// Whether accounts that the target has stay as they are.
    pub accounts_stay: bool,
}

/// Something that can't be carried as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// What.
    pub object: UnfitObject,
    /// Why.
    pub why: UnfitWhy,
}

/// What can't be carried.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnfitObject {
    /// A table.
    Table(TableName),
    /// A column of a table.
    Column(TableName, String),
    /// A view.
    View(TableName),
    /// An account or a role.
    Account(AccountName),
}

/// Why something can't be carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnfitWhy {
    /// The target does not have the table's storage engine.
    NoEngine {
        /// The engine.
        engine: String,
    },
    /// The table has no primary key, and the target takes none without.
    NoKey,
    /// The table keeps old versions of its rows, and the target lets nobody write them.
    History,
    /// Its versions are told apart by numbers of transactions.
    HistoryByTransactions,
    /// The table lies in a general tablespace, which the target need not have.
    Tablespace,
    /// A document holds a value whose type its text does not show, such as a date.
    TypedJson,
    /// A row is larger than what the target takes.
    LargeRow {
        /// Bytes of the row.
        bytes: u64,
        /// The target's `max_allowed_packet`.
        packet: u64,
    },
    /// What the view rests on is gone.
    BrokenView,
    /// The view calls a function whose definer does not exist on the target, so that no server makes the view.
    NoDefiner {
        /// The definer.
        definer: AccountName,
        /// The function's database.
        of: String,
        /// Whether it exists on the source.
        on_source: bool,
    },
    /// The account logs in by a plugin that the target has not loaded.
    LoginPlugin {
        /// The plugin.
        plugin: String,
    },
    /// Something was taken back from what the account may do everywhere, and the target takes nothing back in parts.
    PartialRevokes,
    /// The view names an object of the database `mysql` that the target does not have.
    RestsOnSystem {
        /// The object.
        name: String,
    },
    /// The account was granted something on what does not exist.
    GrantOnGone(ObjectGrant),
    /// The account was granted something on an object of the database `mysql` that the target does not have.
    GrantOnSystem(ObjectGrant),
    /// The account was granted something on what is not copied.
    GrantOnLeftOut(ObjectGrant),
}

impl UnfitWhy {
    /// Whether a copy of the whole server carries it.
    pub fn is_carried_by_whole(&self) -> bool {
        match self {
            Self::History
            | Self::HistoryByTransactions
            | Self::Tablespace
            | Self::TypedJson
            | Self::LargeRow { .. }
            | Self::BrokenView
            | Self::NoDefiner { .. }
            | Self::RestsOnSystem { .. }
            | Self::GrantOnSystem(_)
            | Self::GrantOnGone(_) => true,
            Self::NoEngine { .. }
            | Self::NoKey
            | Self::LoginPlugin { .. }
            | Self::PartialRevokes
            // A whole server leaves nothing out, so it is asked for otherwise.
            | Self::GrantOnLeftOut(_) => false,
        }
    }
}

impl ObjectGrant {
    /// The statement that takes it back, for a person's session.
    pub fn revoke(&self, (user, host): &AccountName) -> String {
        let path = format!("{}.{}", identifier(&self.name.0), identifier(&self.name.1));
        let privileges: Vec<String> = match &self.on {
            GrantedOn::Column(column) => {
                self.privileges.iter().map(|word| format!("{word} ({})", identifier(column))).collect()
            }
            _ => self.privileges.clone(),
        };
        let kind = match &self.on {
            GrantedOn::Table | GrantedOn::Column(_) => String::new(),
            GrantedOn::Routine(kind) => format!("{kind} "),
        };
        format!("REVOKE {} ON {kind}{path} FROM {}", privileges.join(", "), account(user, host))
    }
}

/// An account for a person's session.
pub(crate) fn account(user: &str, host: &str) -> String {
    match host {
        "" => identifier(user),
        host => format!("{}@{}", shown(user), shown(host)),
    }
}

/// What of a source can't be carried to a target. The accounts may be those of another server than the rows: a replica
/// may give these in the source's stead.
pub(crate) fn unfit(
    rows: &CopyDemands,
    accounts: &CopyDemands,
    target: &CopyTarget<'_>,
    asked: CopyAsked<'_>,
) -> Vec<Unfit> {
    let chosen = |name: &TableName| asked.databases.contains(&name.0);
    let mut all = Vec::new();
    for table in rows.tables.iter().filter(|table| chosen(&table.name)) {
        let object = || UnfitObject::Table(table.name.clone());
        all.extend(against_table(table, target).into_iter().map(|why| Unfit { object: object(), why }));
    }
    for (name, column) in rows.typed_json.found.iter().filter(|(name, _)| chosen(name)) {
        let object = UnfitObject::Column(name.clone(), column.clone());
        all.push(Unfit { object, why: UnfitWhy::TypedJson });
    }
    for (name, bytes) in rows.large_rows.found.iter().filter(|(name, _)| chosen(name)) {
        if let Some(packet) = target.packet.filter(|packet| bytes > packet) {
            let why = UnfitWhy::LargeRow { bytes: *bytes, packet };
            all.push(Unfit { object: UnfitObject::Table(name.clone()), why });
        }
    }
    let mut explained = BTreeSet::new();
    for (name, definer, of) in rows.calling_views.iter().filter(|(name, ..)| chosen(name)) {
        let on_source = accounts.accounts.iter().any(|account| account.name == *definer);
        let comes = on_source && asked.brings(definer, target);
        if !comes && !target.accounts.contains(definer) {
            explained.insert(name);
            let why = UnfitWhy::NoDefiner { definer: definer.clone(), of: of.clone(), on_source };
            all.push(Unfit { object: UnfitObject::View(name.clone()), why });
        }
    }
    for (name, object) in rows.system_views.iter().filter(|(name, _)| chosen(name)) {
        if !target.takes.system_objects.contains(object) {
            explained.insert(name);
            let why = UnfitWhy::RestsOnSystem { name: object.clone() };
            all.push(Unfit { object: UnfitObject::View(name.clone()), why });
        }
    }
    let views = rows.broken_views.iter().filter(|name| chosen(name) && !explained.contains(name));
    all.extend(
        views.map(|name| Unfit { object: UnfitObject::View(name.clone()), why: UnfitWhy::BrokenView }),
    );
    for one in accounts.accounts.iter().filter(|one| asked.brings(&one.name, target)) {
        let object = || UnfitObject::Account(one.name.clone());
        all.extend(
            against_account(one, target, asked).into_iter().map(|why| Unfit { object: object(), why }),
        );
    }
    all.sort_by(|a, b| a.object.cmp(&b.object));
    all.dedup();
    all
}

impl CopyAsked<'_> {
    /// Whether an account of the source comes with the copy.
    fn brings(&self, name: &AccountName, target: &CopyTarget<'_>) -> bool {
        /// MariaDB's role of all accounts, which can be granted something as well.
        const EVERYBODY: &str = "PUBLIC";
        let (user, host) = name;
        let servers_own = user != EVERYBODY && is_system_account(user, host);
        let stays = self.accounts_stay && target.accounts.contains(name);
        self.accounts && !servers_own && !stays && !self.left_out.contains(user)
    }
}

fn against_table(table: &DemandingTable, target: &CopyTarget<'_>) -> Vec<UnfitWhy> {
    let mut all = Vec::new();
    let engine = table.engine.to_ascii_lowercase();
    if !engine.is_empty() && !target.loads_more && !target.takes.engines.contains(&engine) {
        all.push(UnfitWhy::NoEngine { engine: table.engine.clone() });
    }
    if target.forces_keys && !table.has_key && !table.sequence && engine == "innodb" {
        all.push(UnfitWhy::NoKey);
    }
    match table.versions {
        Some(Versions::ByTransaction) => all.push(UnfitWhy::HistoryByTransactions),
        Some(Versions::ByTime) if !target.dialect.writes_history() => all.push(UnfitWhy::History),
        _ => {}
    }
    if table.in_tablespace {
        all.push(UnfitWhy::Tablespace);
    }
    all
}

fn against_account(
    account: &DemandingAccount,
    target: &CopyTarget<'_>,
    asked: CopyAsked<'_>,
) -> Vec<UnfitWhy> {
    let has = |plugin: &str| target.takes.login_plugins.contains(&plugin.to_ascii_lowercase());
    let lacking = account.plugins.iter().filter(|plugin| !target.loads_more && !has(plugin));
    let mut all: Vec<UnfitWhy> =
        lacking.map(|plugin| UnfitWhy::LoginPlugin { plugin: plugin.clone() }).collect();
    all.extend((account.restricted && !target.partial_revokes).then_some(UnfitWhy::PartialRevokes));
    // What is taken back of a table is taken back of its columns, too.
    let with_table = |grant: &ObjectGrant| {
        let table = |other: &ObjectGrant| {
            !other.exists && other.on == GrantedOn::Table && other.name == grant.name && grant.on != other.on
        };
        account.grants.iter().any(table)
    };
    let lacks = |grant: &&ObjectGrant| {
        grant.name.0 == "mysql" && !target.takes.system_objects.contains(&grant.name.1) && !with_table(grant)
    };
    let of_system = account.grants.iter().filter(lacks).cloned();
    all.extend(of_system.map(UnfitWhy::GrantOnSystem));
    let of_users = |grant: &&ObjectGrant| !is_system_database(&grant.name.0) && !with_table(grant);
    for grant in account.grants.iter().filter(of_users) {
        if !grant.exists {
            all.push(UnfitWhy::GrantOnGone(grant.clone()));
        } else if !asked.databases.contains(&grant.name.0) {
            all.push(UnfitWhy::GrantOnLeftOut(grant.clone()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missing_once_only_is_not_missing() {
        let name = |table: &str| ("s".to_owned(), table.to_owned());
        let account = |exists: [bool; 2]| {
            let grants = ["t", "u"].into_iter().zip(exists);
            DemandingAccount {
                name: ("app".into(), "%".into()),
                grants: grants
                    .map(|(table, exists)| ObjectGrant {
                        name: name(table),
                        exists,
                        ..ObjectGrant::default()
                    })
                    .collect(),
                ..DemandingAccount::default()
            }
        };
        let demands = |views: &[&str], exists: [bool; 2]| CopyDemands {
            broken_views: views.iter().map(|view| name(view)).collect(),
            accounts: vec![account(exists)],
            ..CopyDemands::default()
        };
        let (first, second) = (demands(&["v", "w"], [false, true]), demands(&["v"], [false, false]));
        assert!(first.lacks_something() && demands(&[], [true, false]).lacks_something());
        assert!(!demands(&[], [true, true]).lacks_something());
        assert_eq!(second.also_with(&first), demands(&["v"], [false, true]));
    }

    #[test]
    fn a_grant_is_taken_back_by_a_statement_that_works() {
        let of = |on, privileges: &[&str]| ObjectGrant {
            name: ("s".into(), "t`".into()),
            on,
            privileges: privileges.iter().map(|word| (*word).to_owned()).collect(),
            exists: false,
        };
        let account = ("o'b".to_owned(), "%".to_owned());
        assert_eq!(
            of(GrantedOn::Table, &["SELECT", "INSERT"]).revoke(&account),
            "REVOKE SELECT, INSERT ON `s`.`t``` FROM 'o''b'@'%'"
        );
        assert_eq!(
            of(GrantedOn::Column("c".into()), &["SELECT", "UPDATE"]).revoke(&account),
            "REVOKE SELECT (`c`), UPDATE (`c`) ON `s`.`t``` FROM 'o''b'@'%'"
        );
        assert_eq!(
            of(GrantedOn::Routine("FUNCTION".into()), &["EXECUTE"]).revoke(&("r".into(), String::new())),
            "REVOKE EXECUTE ON FUNCTION `s`.`t``` FROM `r`"
        );
    }
}
