//! A replica that is read after its source.
//!
//! Two servers are never read in the same moment. Under writes a replica that is read last has events that its source
//! had not yet when that was read, and looks as if it were ahead. It is not, if all that it has more comes from writers
//! that the source knows, and nothing from itself.

use super::{MariaDbGtid, MySqlGtid, ServerGtid, Uuid};

/// Whether everything that a replica of MariaDB has is known to its source, or a later event of a writer that the source
/// has heard of.
pub(crate) fn comes_from(replica: &ServerGtid, source: &ServerGtid) -> bool {
    let comes = |id: MariaDbGtid| {
        let at = source.slave_pos.get(id.domain);
        let there = source.binlog_state.covers(id) || at.is_some_and(|at| at.seq >= id.seq);
        let writers = source.binlog_state.of(id.domain).iter().copied().chain(at);
        let heard_of =
            id.server == source.server_id || writers.into_iter().any(|other| other.server == id.server);
        there || (id.server != replica.server_id && heard_of)
    };
    replica.binlog_state.iter().chain(replica.slave_pos.iter()).all(comes)
}

/// The same for MySQL. Each server stands with its own UUID.
pub(crate) fn comes_from_mysql(
    (replica, own): (&MySqlGtid, Uuid),
    (source, of_source): (&MySqlGtid, Uuid),
) -> bool {
    let more = replica.executed.subtract(&source.executed);
    let heard_of = |uuid: Uuid| uuid == of_source || source.executed.uuids().any(|other| other == uuid);
    more.uuids().all(|uuid| uuid != own && heard_of(uuid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_of_mariadb_may_be_ahead_of_what_was_read_of_its_source_and_no_further() {
        let server = |server_id, state: &str| ServerGtid {
            server_id,
            binlog_state: state.parse().expect("a state"),
            ..ServerGtid::default()
        };
        for (replica, source, comes) in [
            ("0-1-12", "0-1-10", true),
            ("0-1-10", "0-1-12", true),
            // It has written itself.
            ("0-2-11", "0-1-10", false),
            ("0-1-10,0-2-11", "0-1-10", false),
            ("0-1-12,0-2-11", "0-2-11,0-1-10", true),
            // It has followed somebody else before.
            ("0-1-10,9-9-5", "0-1-10", false),
            ("0-1-10,9-9-5", "0-1-10,9-9-4", true),
        ] {
            assert_eq!(comes_from(&server(2, replica), &server(1, source)), comes, "{replica} of {source}");
        }
    }

    #[test]
    fn a_replica_of_mysql_may_be_ahead_of_what_was_read_of_its_source_and_no_further() {
        let name = |n: u8| format!("00000000-0000-0000-0000-00000000000{n}");
        let uuid = |n: u8| name(n).parse::<Uuid>().expect("a uuid");
        let server = |sets: &[(u8, &str)]| {
            let text: Vec<String> =
                sets.iter().map(|(n, numbers)| format!("{}:{numbers}", name(*n))).collect();
            MySqlGtid { executed: text.join(",").parse().expect("a set"), ..MySqlGtid::default() }
        };
        let source = server(&[(1, "1-10"), (4, "1-3")]);
        for (replica, comes) in [
            (server(&[(1, "1-12")]), true),
            (server(&[(1, "1-12"), (4, "1-5")]), true),
            (server(&[(1, "1-12"), (2, "1")]), false),
            (server(&[(1, "1-12"), (9, "1")]), false),
        ] {
            let found = comes_from_mysql((&replica, uuid(2)), (&source, uuid(1)));
            assert_eq!(found, comes, "{:?}", replica.executed);
        }
    }
}
