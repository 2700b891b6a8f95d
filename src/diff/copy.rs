//! The copy of a source's data as a step: whether it can be made, and what it costs and hurts.

use super::{
    Draft, binlogs,
    channel::Footing,
    data::{Pair, shown},
};
use crate::{
    desired::{SeedMethod, SeedWish},
    dialect::HEARTBEAT,
    model::{Fact, bytes, visible},
    plan::{Action, CopyMethod, CopyRefused, EndedChannel, Kind, Reason, Risk, SeedPlan, Step, StepId},
};

impl Pair<'_> {
    /// Adds the step that copies the source's data here, unless something speaks against it.
    pub(super) fn copy(
        &self,
        seed: Option<&SeedWish>,
        leftovers: Vec<String>,
        replaces: Vec<String>,
        draft: &mut Draft,
    ) -> Footing {
        let host = &self.host.name;
        let kept: Vec<&String> = self.independent().map(|wish| &wish.name).collect();
        let others: Vec<&String> = self
            .server
            .channels
            .known()
            .into_iter()
            .flatten()
            .map(|channel| &channel.name)
            .filter(|name| **name != self.wish.name && !kept.contains(name))
            .collect();
        if !others.is_empty() {
            let channels = others.into_iter().cloned().collect();
            draft.refuse(host, CopyRefused::OtherChannels { channels });
            return Footing::Refused;
        }
        let beside = self.beside_others();
        if beside && !self.host.replicas.is_empty() {
            let replicas = self.host.replicas.clone();
            draft.refuse(host, CopyRefused::NotPassedOn { source: self.wish.source.clone(), replicas });
            return Footing::Refused;
        }
        let ends = self.ends(beside);
        let Some(wish) = seed.filter(|wish| wish.method != SeedMethod::None) else {
            draft.refuse(host, CopyRefused::Needed { source: self.wish.source.clone() });
            return Footing::Refused;
        };
        let donor = self.donor().filter(|(name, server)| self.may_give(wish, name, server));
        let (giver, giving) = donor.unwrap_or((&wish.from, self.source));
        let chosen: Vec<_> = giving
            .databases
            .iter()
            .filter(|d| wish.databases.is_empty() || wish.databases.contains(&d.name))
            .filter(|d| self.wish.filters.let_through(&d.name))
            // Beside a channel that brings it already it would be torn down under the applier.
            .filter(|d| d.name != HEARTBEAT || !beside)
            .collect();
        let elsewhere = self.expected_of_others();
        let here = |name: &str| giving.databases.iter().any(|d| d.name == name);
        let missing: Vec<String> =
            wish.databases.iter().filter(|n| !here(n) && !elsewhere.contains(*n)).cloned().collect();
        if !missing.is_empty() {
            let source = self.wish.source.clone();
            draft.refuse(host, CopyRefused::UnknownDatabase { source, names: missing });
            return Footing::Refused;
        }
        let of_others = self.of_others();
        let twice: Vec<String> =
            chosen.iter().map(|d| &d.name).filter(|n| elsewhere.contains(*n)).cloned().collect();
        if !twice.is_empty() {
            let source = self.wish.source.clone();
            draft.refuse(host, CopyRefused::SameDatabaseTwice { source, names: twice });
            return Footing::Refused;
        }
        let method = match self.method(wish, (giver, giving), chosen.len()) {
            Ok(method) => method,
            Err(why) => {
                draft.refuse(host, why);
                return Footing::Refused;
            }
        };
        let size: u64 = chosen.iter().map(|d| d.bytes).sum();
        // What is replaced is kept on the same disk first.
        let own: u64 =
            self.server.databases.iter().filter(|d| replaces.contains(&d.name)).map(|d| d.bytes).sum();
        if let Fact::Known(disk) = &self.facts.disk
            && disk.free < size + own
        {
            let (needs, datadir) = (size + own, disk.datadir.clone());
            draft.refuse(host, CopyRefused::DiskTooSmall { needs, free: disk.free, datadir });
            return Footing::Refused;
        }
        let locked: Vec<(String, String)> = chosen
            .iter()
            .flat_map(|d| d.locked_tables.iter().map(|(table, _)| (d.name.clone(), table.clone())))
            .collect();
        let mut risk = vec![Risk::CopyLoad { bytes: size }];
        if let CopyMethod::Physical { .. } = method {
            risk.push(Risk::WriteLock {
                host: giver.clone(),
                why: "the end of the backup is one place in the binary log".to_owned(),
            });
        } else if !locked.is_empty() {
            let names: Vec<String> = chosen
                .iter()
                .flat_map(|d| d.locked_tables.iter().map(|(t, e)| format!("{}.{t} ({e})", d.name)))
                .collect();
            risk.push(Risk::WriteLock {
                host: giver.clone(),
                why: format!(
                    "{} tables know no transactions and are copied under a read lock: {}",
                    names.len(),
                    shown(&names)
                ),
            });
        }
        if !leftovers.is_empty() {
            risk.push(Risk::Note(format!("drops what an unfinished copy left: {}", shown(&leftovers))));
        }
        for ended in &ends {
            risk.push(Risk::Note(match (&ended.host, &ended.source) {
                (own, source) if own == host => {
                    format!("ends the channel from {source}, which can't go on; it is made anew")
                }
                (back, _) if *back == wish.from => {
                    format!("ends the channel of {back} from {host} meanwhile, since {host}'s binary logs start anew")
                }
                (other, _) => format!(
                    "ends the channel of {other} from {host}: {host}'s binary logs start anew, and {other} needs a \
                     copy then, too"
                ),
            }));
        }
        if !replaces.is_empty() {
            let kept = match method {
                CopyMethod::Physical { .. } => "kept in a directory beside the data directory".to_owned(),
                _ => format!("kept in a file below /var/lib/tandem/replaced on {host}"),
            };
            risk.push(Risk::ReplacesData(format!("{} of {host}: {}; {kept}", bytes(own), shown(&replaces))));
        }
        if method.is_whole() {
            risk.push(Risk::restart(&self.server.sessions));
            risk.push(Risk::Note(self.what_is_replaced(&method)));
        }
        if !beside {
            let gone = match (replaces.is_empty(), leftovers.is_empty()) {
                (true, true) => binlogs::start_over(self.context, self.server),
                _ => binlogs::followed(self.context, self.server),
            };
            let note = || Risk::Note(format!("the binary logs of {host} start over; nobody needs them"));
            risk.extend(gone.or_else(|| self.server.binlog.known().map(|_| note())));
        }
        let databases: Vec<String> = chosen.iter().map(|d| d.name.clone()).collect();
        draft.steps.push(Step {
            id: StepId(format!("{host}/seed/{}", wish.from)),
            host: host.clone(),
            kind: Kind::Seed,
            summary: {
                let whose = match donor {
                    None => String::new(),
                    Some(_) => format!(", a replica of {}", wish.from),
                };
                let how = match method {
                    CopyMethod::Logical => "",
                    CopyMethod::Physical { .. } => ", all files by mariadb-backup",
                    CopyMethod::Clone(_) => ", the whole server by the clone plugin",
                };
                format!("copy {} from {giver}{whose} ({}{how})", shown(&databases), bytes(size))
            },
            reason: vec![Reason::declared(
                match replaces.is_empty() {
                    true if beside => format!("{host} holds nothing of {}", wish.from),
                    true => format!("{host} holds no data and {} does", wish.from),
                    false => {
                        format!("{host} shall hold what {} does, and --allow reseed was given", wish.from)
                    }
                },
                &wish.place,
            )],
            before: Some(match (replaces.is_empty(), leftovers.is_empty()) {
                (false, _) => match self.losses() {
                    told if told.is_empty() => lines(&replaces),
                    told => told.join("\n"),
                },
                (true, true) => "no database".to_owned(),
                (true, false) => "an unfinished copy".to_owned(),
            }),
            after: Some(lines(&databases)),
            risk,
            requires: Vec::new(),
            action: Action::Seed(SeedPlan {
                from: wish.from.clone(),
                donor: giver.clone(),
                databases,
                locked_tables: locked,
                accounts: wish.accounts,
                own_users: self.context.own_users(),
                bytes: size,
                leftovers,
                replaces,
                ends,
                others: of_others.into_iter().chain(elsewhere).chain([HEARTBEAT.to_owned()]).collect(),
                beside,
                method,
            }),
        });
        Footing::Seeded
    }

    /// The channels that can't outlive the copy.
    fn ends(&self, beside: bool) -> Vec<EndedChannel> {
        let host = &self.host.name;
        let own = self.channel().map(|channel| EndedChannel {
            host: host.clone(),
            name: channel.name.clone(),
            source: self.wish.source.clone(),
        });
        let following = self.context.desired.hosts.values().flat_map(|other| {
            let facts = self.context.observed.get(&other.name).and_then(Fact::known);
            let channels = facts.and_then(|f| f.server.known()).and_then(|s| s.channels.known());
            let from_here = other.channels.iter().find(|wish| wish.source == *host);
            channels
                .into_iter()
                .flatten()
                .filter(move |channel| {
                    let here = &self.host.endpoint;
                    from_here.is_some_and(|wish| wish.name == channel.name)
                        && (&channel.source_host, channel.source_port) == (&here.address, here.port)
                })
                .map(|channel| EndedChannel {
                    host: other.name.clone(),
                    name: channel.name.clone(),
                    source: host.clone(),
                })
        });
        own.into_iter().chain(following.filter(|_| !beside)).collect()
    }
}

fn lines(names: &[String]) -> String {
    names.iter().map(|name| visible(name)).collect::<Vec<_>>().join("\n")
}
