//! Copies that can't be made.

use super::{Message, all, first, hosts, method::against, unfit};
use crate::{
    model::{HostName, bytes},
    plan::{Copies, CopyRefused},
};

/// Why a copy to a host can't be made, and what to do.
pub(super) fn refused(host: &HostName, why: &CopyRefused) -> Message {
    Message::plain(match why {
        CopyRefused::OtherChannels { channels, ending } => format!(
            "{host} has other channels ({}), and their places would be lost with its data. End them there by \
             SQL first: {}. Nothing was changed.",
            channels.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", "),
            ending.join("; ")
        ),
        CopyRefused::NotPassedOn { source, replicas } => format!(
            "{host} is the source of {}, and a copy from {source} that is loaded beside its other data does not reach \
             them. Take their channels out of the topology first, and back in afterwards: a copy of {host} brings them \
             up to it. Nothing was changed.",
            hosts(replicas)
        ),
        CopyRefused::Needed { source, copies: Copies::ByHand } => format!(
            "{source} holds data and {host} holds none, and `seed_method: none` says that nothing copies it. Use another \
             one, or load the data yourself. Nothing was changed."
        ),
        CopyRefused::Needed { source, .. } => format!(
            "{source} holds data and {host} holds none, but no role copies it: add the role seed, or load the data \
             yourself. Nothing was changed."
        ),
        CopyRefused::UnknownDatabase { source, names } => {
            format!("seed_databases names {}, which {source} does not have.", all(names))
        }
        CopyRefused::SameDatabaseTwice { source, names } => format!(
            "{} comes from another source of {host}, and {source} has a database of that name, too. Filter it out of one \
             of the channels. Nothing was changed.",
            all(names)
        ),
        CopyRefused::Method { method, place, why } => format!(
            "seed_method: {method} ({place}) does not work here: {}. `seed_method: logical` does. Nothing was changed.",
            against(host, why)
        ),
        CopyRefused::NotCarried { source, unfit: list, whole } => {
            return unfit::refused(host, source, list, *whole);
        }
        CopyRefused::DiskTooSmall { needs, free, datadir } => format!(
            "the copy needs about {}, and {host} has {} free at {datadir}.",
            bytes(*needs),
            bytes(*free)
        ),
        CopyRefused::BesideUnfinished { from, foreign } => format!(
            "an unfinished copy from {from} is on {host}, and beside it data that is not of that copy: {}. Move it away \
             first. Nothing was changed.",
            first(foreign)
        ),
    })
}
