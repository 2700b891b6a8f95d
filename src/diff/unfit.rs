//! What a copy row by row can't carry to a replica as it is, by what both servers have said of it.

use std::collections::BTreeSet;

use super::pair::{SourceAndReplica, will, will_number};
use crate::{
    desired::{Desired, DesiredSeed, SeedMethod},
    dialect::{CopyAsked, CopyTarget, Dialect, unfit},
    model::{Fact, HostName},
    observe::{CopyLook, HostFacts, Observed},
    option_file::same_value,
    plan::{Action, CopyRefused, Note, Plan, SeedPlan},
};

const FORCES_KEYS: &str = "innodb_force_primary_key";
const PARTIAL_REVOKES: &str = "partial_revokes";
/// Options that load more when the server starts.
const LOADS: [&str; 2] = ["plugin_load", "plugin_load_add"];
const PACKET: &str = "max_allowed_packet";

/// Copies row by row that this plan would make. Whether they can be made is worth a look, and then another plan.
pub(crate) fn planned_copies(plan: &Plan, desired: &Desired, observed: &Observed) -> Vec<CopyLook> {
    let copies = plan.steps.iter().filter_map(|step| {
        let Action::Seed(seed) = &step.action else { return None };
        let host = desired.hosts.get(&step.host).filter(|_| !seed.method.is_whole())?;
        let server = observed.get(&step.host).and_then(Fact::known)?.server.known()?;
        Some(CopyLook {
            donor: seed.donor.clone(),
            source: seed.from.clone(),
            replica: step.host.clone(),
            databases: seed.databases.clone(),
            packet: will_number(host, server, PACKET),
        })
    });
    copies.collect()
}

impl SourceAndReplica<'_> {
    /// What speaks against a copy row by row. Where not everything could be read, it comes back as a thought before the
    /// step, which looks itself before it changes anything. `loads_more` says whether the replica's server may have
    /// loaded more by then.
    pub(super) fn against_rows(
        &self,
        wish: &DesiredSeed,
        plan: &SeedPlan,
        loads_more: bool,
    ) -> Result<Option<Note>, CopyRefused> {
        let of = |host: &HostName| self.context.observed.get(host).and_then(Fact::known);
        let demands = |host: &HostName| of(host).and_then(|facts: &HostFacts| facts.demands.as_ref());
        let all = (demands(&plan.donor), demands(&plan.from), self.facts.takes.as_ref());
        // Nobody has looked yet.
        let (Some(rows), Some(accounts), Some(takes)) = all else { return Ok(None) };
        let unread = [rows.unread(), accounts.unread(), takes.unread()].into_iter().flatten().next();
        let note = |why: &str| Note::CopyUnforeseen { source: plan.from.clone(), why: why.to_owned() };
        let (Some(rows), Some(accounts), Some(takes)) = (rows.known(), accounts.known(), takes.known())
        else {
            return Ok(unread.map(note));
        };
        let declared = self.host.accounts.iter().map(|account| (account.user.clone(), account.host.clone()));
        let there: BTreeSet<_> = self.server.account_names.iter().cloned().chain(declared).collect();
        let target = CopyTarget {
            dialect: Dialect::of(self.server.version),
            takes,
            loads_more: loads_more
                || self.host.settings.iter().flatten().any(|wish| LOADS.contains(&wish.name.as_str())),
            partial_revokes: will(self.host, self.server, PARTIAL_REVOKES)
                .is_some_and(|value| same_value(PARTIAL_REVOKES, &value, "ON")),
            forces_keys: will(self.host, self.server, FORCES_KEYS)
                .is_some_and(|value| same_value(FORCES_KEYS, &value, "ON")),
            packet: will_number(self.host, self.server, PACKET),
            accounts: &there,
        };
        let asked = CopyAsked {
            databases: &plan.databases,
            accounts: plan.accounts,
            left_out: &plan.own_users,
            accounts_stay: plan.has_other_sources(),
        };
        let unfit = unfit(rows, accounts, &target, asked);
        if !unfit.is_empty() {
            return Err(CopyRefused::NotCarried {
                source: plan.from.clone(),
                unfit,
                whole: self.whole_way(wish),
            });
        }
        let unread = rows.typed_json.unread.as_ref().or(rows.large_rows.unread.as_ref());
        Ok(unread.map(|why| note(why)))
    }

    /// The method that would copy the whole server, where it works here.
    fn whole_way(&self, wish: &DesiredSeed) -> Option<SeedMethod> {
        let method = match Dialect::of(self.server.version).is_copied_by_files() {
            true => SeedMethod::Physical,
            false => SeedMethod::Clone,
        };
        // It leaves nothing out.
        if !wish.databases.is_empty() || !wish.accounts {
            return None;
        }
        let wish = DesiredSeed { method, ..wish.clone() };
        let given = self.given(&wish, self.beside_others()).ok()?;
        self.method(&wish, (given.by, given.server), given.databases.len()).ok().map(|_| method)
    }
}
