//! Where channels lead.

use super::not_read;
use crate::{
    model::{Endpoint, HostName, visible},
    plan::{EndRefused, Met},
};

/// Why a channel's far end is not changed, and what to do.
pub(super) fn refused(host: &HostName, why: &EndRefused) -> String {
    match why {
        EndRefused::PortDiffers { declared, listens } => format!(
            "mysql_port of {host} is {declared}, and its server listens on port {listens}. Correct mysql_port, or leave it \
             out; to move the server, set `mysql_settings: {{port: {declared}}}`. Nothing was changed."
        ),
        EndRefused::NotRead { now, declared, source, why } => format!(
            "{host} replicates from {}, and {declared} is declared for {source}, which was not read ({}). Check \
             ansible_host and replication_address of {source}. Nothing was changed.",
            at(now),
            not_read(why)
        ),
        EndRefused::OfAnother { now, declared, source, version } => format!(
            "{host} replicates from {}, and {declared} is declared for {source}: a server answers {host} there, and it \
             is not that of {source} (its version is {version}). Check replication_address and mysql_port of {source}. \
             Nothing was changed.",
            at(now)
        ),
        EndRefused::Unreachable { now, declared, source, met } => {
            let met = match met {
                Met::Refusal(said) => format!("it refuses {host}: {said}"),
                Met::Nobody(why) => why.clone(),
            };
            format!(
                "{host} replicates from {}, and {declared} is declared for {source}, which {host} can't reach: {}. Check \
                 replication_address and mysql_port of {source}, and what lies between the two. Nothing was changed.",
                at(now),
                met.trim_end_matches('.')
            )
        }
    }
}

/// An end as the replica names it.
pub(super) fn at(end: &Endpoint) -> String {
    format!("{}:{}", visible(&end.address), end.port)
}
