//! From where a MariaDB replica must start so that it gets every event of its source exactly once.

use super::{
    MariaDbGtid, NeedsSeed, Position, ServerGtid,
    compare::{Domain, NotKnown, domain, strangers},
};

/// Why no position serves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StartRefused {
    /// The replica's data must be copied first.
    #[error("the replica cannot start from the source's binary logs: {0}")]
    Seed(#[from] NeedsSeed),
    /// A fact was not read.
    #[error(transparent)]
    NotKnown(#[from] NotKnown),
    /// Both servers have events of a domain that the other lacks.
    #[error(
        "domain {domain}: the replica has {replica} that the source lacks, and lacks {source_has}; \
        two servers wrote to this domain at once and no position can express that"
    )]
    Both {
        /// The domain.
        domain: u32,
        /// The newest event of the replica alone.
        replica: MariaDbGtid,
        /// The newest event of the source.
        source_has: MariaDbGtid,
    },
    /// The replica got a third server's events before the source did.
    #[error(
        "domain {domain}: the replica already has {ahead}, and the source has not; wait until the source has it too"
    )]
    SourceBehind {
        /// The domain.
        domain: u32,
        /// The newest event that the source must get first.
        ahead: MariaDbGtid,
    },
}

/// The value for `gtid_slave_pos` on `replica` before it starts replicating from `source`, so that no
/// event of the source is lost or applied twice.
///
/// For each domain of the source:
///
/// * The replica lacks events: it starts after the newest one it has, or at the beginning where it has
///   none and the source's log is proven to be whole in that domain.
/// * The replica lacks nothing, and what it has beyond the source it wrote itself: it starts at the
///   newest event *of the source*. The replica's own newest one would be refused (error 1236, "not in
///   the master's binlog"). The replica's own events come back to it later and are skipped by their
///   server id.
/// * What it has beyond the source came from a third server: the source would send it again once it
///   has it, and it would be applied twice. So the start is refused until the source has caught up.
///
/// Domains that the source does not know keep the place they have on the replica: `gtid_slave_pos` is
/// one for all connections, and dropping a domain replays it from its beginning.
///
/// Two things that only the caller can see to, both observed on 10.11:
///
/// * Under `gtid_strict_mode` the server refuses a position below its own log (errors 1947, 1948), although it is the
///   right one here.
/// * A source that was seeded knows the seed's position only from its own `gtid_slave_pos`. As soon as
///   it replicates further, a replica that asks for that position fails under strict mode ("the binlog
///   on the master is missing the GTID"). Seeding must therefore set `gtid_binlog_state` to the seed's
///   position on the emptied log, which puts it into the first Gtid_list event; then it is always found.
///
/// # Errors
/// See [`StartRefused`].
pub(super) fn start_position(source: &ServerGtid, replica: &ServerGtid) -> Result<Position, StartRefused> {
    if strangers(source, replica) {
        return Err(NeedsSeed::NoCommonHistory.into());
    }
    let mut position = Position::default();
    for id in source.domains().union(&replica.domains()).copied() {
        let start = match domain(source, replica, id)? {
            Domain::Behind(span) => span.after,
            Domain::Seed(reason) => return Err(reason.into()),
            Domain::Both { extra } => {
                let both = extra.last().copied().zip(source.has(id));
                match both {
                    Some((replica, source_has)) => {
                        return Err(StartRefused::Both { domain: id, replica, source_has });
                    }
                    None => replica.has(id),
                }
            }
            Domain::Level { extra } => {
                let foreign = extra.iter().rfind(|event| event.server != replica.server_id).copied();
                match (source.has(id), foreign) {
                    (Some(_), Some(ahead)) => return Err(StartRefused::SourceBehind { domain: id, ahead }),
                    (Some(at), None) => Some(at),
                    (None, Some(_)) => replica.slave_pos.get(id).or(replica.has(id)),
                    // All of it is the replica's own; whatever comes back is skipped.
                    (None, None) => None,
                }
            }
        };
        if let Some(start) = start {
            position.set(start);
        }
    }
    Ok(position)
}
