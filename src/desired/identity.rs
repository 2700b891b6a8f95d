//! Server ids, GTID domains and auto-increment offsets.
//!
//! The rules keep what is there: an id that a server already has for a reason stays, so that adding a
//! host never renumbers the others.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Endpoint, HostName, ServerVersion};

/// What a host is known to be before its roles are evaluated. All unknown without a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The running server's id.
    pub server_id: Option<u64>,
    /// Whether an option file says so; a server that nobody configured has the built-in id 1.
    pub id_is_configured: bool,
    /// TCP port.
    pub port: Option<u16>,
    /// Family and version.
    pub version: Option<ServerVersion>,
    /// Whether the server could be asked at all.
    pub read: bool,
    /// `gtid_domain_id` of a MariaDB server.
    pub domain: Option<u64>,
    /// Whether no unit could open its server after a start of it; false where that is not known.
    pub cannot_open_itself: bool,
    /// Whether its server is read-only, and our own option file says so.
    pub closed: bool,
    /// The running `auto_increment_offset`.
    pub offset: Option<u64>,
    /// Its channels: name, and where the source is.
    pub channels: Vec<(String, Endpoint)>,
}

/// Gives every member a server id.
///
/// 1. A declared id is taken as it is.
/// 2. A member that could not be read keeps what it has, unknown.
/// 3. An id that stands in an option file stays, for the first member in the topology's order that has it.
/// 4. Then the same for an id that the server merely runs with.
/// 5. Who is left gets the lowest free number.
///
/// `None` is a member whose id can't be known now: it was not read and none is declared. Nobody is
/// assigned a new id while such a member exists, since the number could be the same; see the second
/// part of the result.
pub(crate) fn server_ids(
    members: &[HostName],
    declared: &BTreeMap<HostName, u64>,
    known: &BTreeMap<HostName, Identity>,
) -> BTreeMap<HostName, u64> {
    let mut ids = declared.clone();
    let mut taken: BTreeSet<u64> = ids.values().copied().collect();
    for configured in [true, false] {
        for member in members {
            let Some(identity) = known.get(member) else { continue };
            let Some(id) = identity.server_id.filter(|id| *id != 0) else { continue };
            if !ids.contains_key(member) && identity.id_is_configured == configured && taken.insert(id) {
                ids.insert(member.clone(), id);
            }
        }
    }
    let unknown = members.iter().any(|m| !ids.contains_key(m) && known.get(m).is_some_and(|i| !i.read));
    if !unknown {
        let mut next = 1;
        for member in members {
            if ids.contains_key(member) {
                continue;
            }
            while taken.contains(&next) {
                next += 1;
            }
            taken.insert(next);
            ids.insert(member.clone(), next);
        }
    }
    ids
}

/// Gives every writer its `auto_increment_offset`, from 1 upward in the topology's order.
pub(crate) fn offsets(writers: &[HostName], declared: &BTreeMap<HostName, u64>) -> BTreeMap<HostName, u64> {
    let taken: BTreeSet<u64> = declared.values().copied().collect();
    let mut free = (1..).filter(|n| !taken.contains(n));
    let mut result = BTreeMap::new();
    for writer in writers {
        let offset = match declared.get(writer) {
            Some(offset) => *offset,
            None => free.next().unwrap_or(1),
        };
        result.insert(writer.clone(), offset);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<HostName> {
        list.iter().map(|n| HostName::from(*n)).collect()
    }

    fn runs(id: u64, configured: bool) -> Identity {
        Identity { server_id: Some(id), id_is_configured: configured, read: true, ..Identity::default() }
    }

    fn assign(members: &[&str], known: &[(&str, Identity)]) -> Vec<(String, u64)> {
        let known = known.iter().map(|(n, i)| (HostName::from(*n), i.clone())).collect();
        server_ids(&names(members), &BTreeMap::new(), &known)
            .into_iter()
            .map(|(h, i)| (h.to_string(), i))
            .collect()
    }

    #[test]
    fn two_fresh_servers_get_one_and_two() {
        let ids = assign(&["a", "b"], &[("a", runs(1, false)), ("b", runs(1, false))]);
        assert_eq!(ids, [("a".into(), 1), ("b".into(), 2)]);
    }

    #[test]
    fn a_new_host_in_front_does_not_renumber_the_others() {
        let ids = assign(
            &["new", "a", "b"],
            &[("new", runs(1, false)), ("a", runs(1, true)), ("b", runs(2, true))],
        );
        assert_eq!(ids, [("a".into(), 1), ("b".into(), 2), ("new".into(), 3)]);
    }

    #[test]
    fn nothing_is_assigned_while_a_member_is_unread() {
        let ids = assign(
            &["a", "b", "c"],
            &[("a", runs(1, false)), ("b", runs(1, false)), ("c", Identity::default())],
        );
        assert_eq!(ids, [("a".into(), 1)]);
    }

    #[test]
    fn declared_offsets_are_kept_clear() {
        let declared = [(HostName::from("b"), 1)].into();
        let given = offsets(&names(&["a", "b", "c"]), &declared);
        assert_eq!(given.into_values().collect::<Vec<_>>(), [2, 1, 3]);
    }
}
