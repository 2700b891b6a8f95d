//! Events that a replica has and its source has not.

use serde::{Deserialize, Serialize};

use super::ServerGtid;

/// A stretch of one writer's events in one domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errant {
    /// The domain.
    pub domain: u32,
    /// The writer's server id.
    pub server: u32,
    /// The last sequence number of this writer that the source has, 0 for none.
    pub after: u64,
    /// The last one that the replica has.
    pub up_to: u64,
}

/// What the replica's binary log holds beyond the source's, by domain and writer.
pub fn errant(source: &ServerGtid, replica: &ServerGtid) -> Vec<Errant> {
    let mut list = Vec::new();
    for id in replica.binlog_state.iter() {
        let logged = source.binlog_state.seq(id.domain, id.server).unwrap_or(0);
        let replicated =
            source.slave_pos.get(id.domain).filter(|at| at.server == id.server).map_or(0, |at| at.seq);
        let after = logged.max(replicated);
        if id.seq > after {
            list.push(Errant { domain: id.domain, server: id.server, after, up_to: id.seq });
        }
    }
    list
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn server(state: &str, slave_pos: &str) -> ServerGtid {
        ServerGtid {
            binlog_state: state.parse().unwrap(),
            slave_pos: slave_pos.parse().unwrap(),
            ..ServerGtid::default()
        }
    }

    #[test]
    fn what_only_the_replica_wrote_is_errant() {
        let (source, replica) = (server("0-1-9", ""), server("0-1-7,0-2-8", "0-1-7"));
        assert_eq!(errant(&source, &replica), [Errant { domain: 0, server: 2, after: 0, up_to: 8 }]);
        assert_eq!(errant(&server("0-1-9", "0-2-8"), &replica), []);
    }
}
