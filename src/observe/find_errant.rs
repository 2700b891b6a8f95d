//! Looks for errant transactions. Reads only.
//!
//! Servers are never read in the same moment, so what looks errant at first is looked at again: first the replica, then
//! everything upstream. What came to the replica from there was there then.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::join_all;

use super::{
    ChannelFacts, ErrantFacts, ErrantKind, Observed, Reading, ServerFacts, gtid_state, gtid_state_with_start,
};
use crate::{
    desired::DesiredHost,
    dialect::{Dialect, ReadStatement},
    gtid::{Beyond, Circumstances, GtidSet, Member, Transactions, beyond, once_related},
    model::{Fact, Family, HostName, ThreadState, limits},
    transport::{ReadScript, SqlError},
};

const DECODE: ReadScript = ReadScript::new("decode events that only it has", include_str!("errant.sh"));
const LIMIT: Duration = limits::CLOSER.time;

/// Looks for errant transactions on every replica. `declared` says whether the hosts' wishes hold channels; without,
/// the channels are taken as they are.
pub(crate) async fn find_errant(reading: &mut Reading, hosts: &[&DesiredHost], declared: bool) {
    let flow = Flow::of(hosts, &reading.observed, declared);
    let mut found: BTreeMap<HostName, Fact<Vec<ErrantFacts>>> = BTreeMap::new();
    let mut doubtful = Vec::new();
    for replica in flow.replicas(&reading.observed) {
        let member = |host: &HostName| first_look(server(&reading.observed, host)?);
        let Some(of_replica) = member(&replica.host) else { continue };
        let of_source: Vec<Option<Member>> = replica.upstream.iter().map(member).collect();
        let known: Vec<&Member> = of_source.iter().flatten().collect();
        let circumstances = replica.circumstances(known.len() < of_source.len());
        match beyond(&of_replica, &known, circumstances).is_empty() {
            true => drop(found.insert(replica.host.clone(), Fact::Known(Vec::new()))),
            false => doubtful.push(replica),
        }
    }
    found.extend(second_look(reading, &doubtful).await);
    for (host, list) in without_gtid(reading, &flow).await {
        found.insert(host, Fact::Known(vec![list]));
    }
    for (host, errant) in found {
        if let Some(Fact::Known(facts)) = reading.observed.get_mut(&host) {
            facts.errant = errant;
        }
    }
}

fn server<'a>(observed: &'a Observed, host: &HostName) -> Option<&'a ServerFacts> {
    observed.get(host)?.known()?.server.known()
}

/// A server as it was read with everything else.
pub(crate) fn first_look(server: &ServerFacts) -> Option<Member> {
    Some(Member {
        state: server.gtid.known()?.clone(),
        uuid: server.variable("server_uuid").and_then(|uuid| uuid.parse().ok()),
        pending: GtidSet::default(),
        logs_updates: server.is_on("log_slave_updates") || server.is_on("log_replica_updates"),
        strict: server.is_on("gtid_strict_mode"),
    })
}

/// Who gets events from whom.
struct Flow<'a> {
    hosts: &'a [&'a DesiredHost],
    /// Sources of each host, as they are declared and as they run.
    sources: BTreeMap<HostName, BTreeSet<HostName>>,
    /// Sources that each host follows now, as it shall or to be moved from there.
    followed: BTreeMap<HostName, BTreeSet<HostName>>,
    /// Sources of all its channels that are there.
    there: BTreeMap<HostName, BTreeSet<HostName>>,
    /// Hosts with a channel from somewhere that is none of these hosts.
    fed_elsewhere: BTreeSet<HostName>,
}

/// A replica with all whose events come to it.
struct Replica {
    host: HostName,
    sources: Vec<HostName>,
    upstream: Vec<HostName>,
    writer: bool,
    fed_elsewhere: bool,
}

impl Replica {
    fn circumstances(&self, unread: bool) -> Circumstances {
        Circumstances { writer: self.writer, hearsay: unread || self.fed_elsewhere }
    }
}

impl<'a> Flow<'a> {
    fn of(hosts: &'a [&'a DesiredHost], observed: &Observed, declared: bool) -> Self {
        let mut flow = Self {
            hosts,
            sources: BTreeMap::new(),
            followed: BTreeMap::new(),
            there: BTreeMap::new(),
            fed_elsewhere: BTreeSet::new(),
        };
        for host in hosts {
            let channels = server(observed, &host.name).and_then(|s| s.channels.known());
            let channels = channels.map(Vec::as_slice).unwrap_or_default();
            let mut sources: BTreeSet<HostName> = host.channels.iter().map(|w| w.source.clone()).collect();
            let (mut followed, mut there) = (BTreeSet::new(), BTreeSet::new());
            for channel in channels {
                let Some(source) = flow.at(channel, observed) else {
                    flow.fed_elsewhere.insert(host.name.clone());
                    continue;
                };
                there.insert(source.clone());
                let stands = channel.io_running == ThreadState::No && channel.sql_running == ThreadState::No;
                let wished = host.channels.iter().any(|wish| wish.name == channel.name);
                if !stands || !declared || wished {
                    sources.insert(source.clone());
                }
                if !declared || wished {
                    followed.insert(source);
                }
            }
            flow.sources.insert(host.name.clone(), sources);
            flow.followed.insert(host.name.clone(), followed);
            flow.there.insert(host.name.clone(), there);
        }
        flow
    }

    /// The host that a channel comes from, by its address or its server's id.
    fn at(&self, channel: &ChannelFacts, observed: &Observed) -> Option<HostName> {
        let at = |host: &&&DesiredHost| {
            host.endpoint.address == channel.source_host && host.endpoint.port == channel.source_port
        };
        let id = channel.source_server_id;
        let same = |host: &&&DesiredHost| {
            id != 0 && server(observed, &host.name).and_then(|s| s.number("server_id")) == Some(id)
        };
        self.hosts.iter().find(at).or_else(|| self.hosts.iter().find(same)).map(|host| host.name.clone())
    }

    /// Hosts whose events come to this one, directly or through others; itself among them where that goes round.
    fn upstream(sources: &BTreeMap<HostName, BTreeSet<HostName>>, host: &HostName) -> BTreeSet<HostName> {
        let mut found = BTreeSet::new();
        let mut open = vec![host];
        while let Some(at) = open.pop() {
            for source in sources.get(at).into_iter().flatten() {
                if found.insert(source.clone()) {
                    open.push(source);
                }
            }
        }
        found
    }

    /// Every replica that can be compared. One whose own events come back to it has none that its sources will not
    /// have; but what a standby has before its source follows it, such as one that was lost and is back, nobody has asked
    /// for. Of a source that was not read nobody knows what it has.
    fn replicas(&self, observed: &Observed) -> Vec<Replica> {
        let one = |host: &&DesiredHost| {
            let sources: Vec<HostName> = self.followed.get(&host.name)?.iter().cloned().collect();
            let mut upstream = Self::upstream(&self.sources, &host.name);
            if !host.writer && !Self::upstream(&self.there, &host.name).contains(&host.name) {
                upstream.remove(&host.name);
            }
            let read = sources.iter().all(|source| server(observed, source).is_some());
            (!sources.is_empty() && read && !upstream.contains(&host.name)).then(|| Replica {
                host: host.name.clone(),
                fed_elsewhere: self.fed_elsewhere.contains(&host.name),
                upstream: upstream.into_iter().collect(),
                writer: host.writer,
                sources,
            })
        };
        self.hosts.iter().filter_map(one).collect()
    }
}

type Found = Vec<(HostName, Fact<Vec<ErrantFacts>>)>;

/// Reads the replicas, then everything upstream of them, and decides.
async fn second_look(reading: &Reading, replicas: &[Replica]) -> Found {
    if replicas.is_empty() {
        return Vec::new();
    }
    let of_replica: BTreeSet<&HostName> = replicas.iter().map(|replica| &replica.host).collect();
    let of_replica = look(reading, of_replica).await;
    let of_source: BTreeSet<&HostName> = replicas.iter().flat_map(|replica| &replica.upstream).collect();
    let of_source = look(reading, of_source).await;
    let decided = replicas.iter().map(|replica| async {
        let decided = match of_replica.get(&replica.host) {
            Some(Ok(member)) => decide(reading, replica, member, &of_source).await,
            Some(Err(why)) => Fact::Unread(why.clone()),
            None => Fact::Absent,
        };
        (replica.host.clone(), decided)
    });
    join_all(decided).await
}

type Looks = BTreeMap<HostName, Result<Member, String>>;

async fn look(reading: &Reading, hosts: BTreeSet<&HostName>) -> Looks {
    let looks = hosts.into_iter().map(|host| async move {
        let member = member(reading, host).await;
        (host.clone(), member.map_err(|e| format!("{host} could not be read again: {e}")))
    });
    join_all(looks).await.into_iter().collect()
}

async fn member(reading: &Reading, host: &HostName) -> Result<Member, SqlError> {
    let lost = || SqlError::Broken("there is no connection to its server".to_owned());
    let (session, login) = reading.sessions.get(host).zip(reading.logins.get(host)).ok_or_else(lost)?;
    let server = server(&reading.observed, host).ok_or_else(lost)?;
    let dialect = Dialect::of(server.version);
    let first = first_look(server).ok_or_else(|| SqlError::Broken("it has no GTID state".to_owned()))?;
    let sql = session.sql(login, LIMIT).await?;
    let read = async {
        // These first: what leaves this list is executed by then.
        let pending = match dialect.family() {
            Family::MySql => {
                sql.query_first(&ReadStatement::globals(&["gtid_owned"])).await?.text("gtid_owned")?
            }
            Family::MariaDb => String::new(),
        };
        let state = match dialect.family() {
            Family::MariaDb => gtid_state_with_start(&sql, dialect).await?,
            Family::MySql => gtid_state(&sql, dialect).await?,
        };
        Ok((GtidSet::owned(&pending), state))
    };
    let read = read.await;
    let (pending, state) = read?;
    Ok(Member { state, pending, ..first })
}

async fn decide(
    reading: &Reading,
    replica: &Replica,
    of_replica: &Member,
    of_source: &Looks,
) -> Fact<Vec<ErrantFacts>> {
    if let Some(why) = replica.sources.iter().find_map(|s| of_source.get(s)?.as_ref().err()) {
        return Fact::Unread(why.clone());
    }
    let (names, members): (Vec<&HostName>, Vec<&Member>) =
        replica.upstream.iter().filter_map(|host| Some((host, of_source.get(host)?.as_ref().ok()?))).unzip();
    let circumstances = replica.circumstances(members.len() < replica.upstream.len());
    let Beyond { only_here, lost } = beyond(of_replica, &members, circumstances);
    let lost = lost.into_iter().map(|(n, list)| (ErrantKind::LostBySource(names[n].clone()), list));
    let all = std::iter::once((ErrantKind::OnlyHere, only_here)).chain(lost);
    let mut findings = Vec::new();
    for (kind, transactions) in all.filter(|(_, list)| !list.is_empty()) {
        let (events, undecoded) = decode(reading, &replica.host, &transactions).await;
        findings.push(ErrantFacts {
            kind,
            sources: replica.sources.clone(),
            transactions,
            events,
            undecoded,
        });
    }
    Fact::Known(findings)
}

/// What only a server has of all that it and some others, which it does not follow now, have; decoded.
pub(crate) async fn only_here(
    reading: &Reading,
    host: &HostName,
    others: &[&HostName],
) -> Vec<(String, String)> {
    let member = |host: &HostName| first_look(server(&reading.observed, host)?);
    let Some(of_replica) = member(host) else { return Vec::new() };
    let of_source: Vec<Member> = others.iter().filter_map(|other| member(other)).collect();
    // Servers that never knew each other count different events under the same ids.
    let related: Vec<&Member> =
        of_source.iter().filter(|other| once_related(&other.state, &of_replica.state)).collect();
    if related.is_empty() {
        return Vec::new();
    }
    let circumstances = Circumstances { writer: false, hearsay: false };
    let found = beyond(&of_replica, &related, circumstances);
    // They are shown to help a person; without them the decision is the same.
    decode(reading, host, &found.only_here).await.0
}

/// What a host's binary logs tell of its transactions, and why they do not tell of all.
pub(super) async fn decode(
    reading: &Reading,
    host: &HostName,
    transactions: &Transactions,
) -> (Vec<(String, String)>, Option<String>) {
    let (kind, wanted) = match transactions {
        Transactions::MySql(set) => ("mysql", set.to_string()),
        Transactions::MariaDb(list) => {
            let line = |e: &crate::gtid::Errant| format!("{}-{} {} {}", e.domain, e.server, e.after, e.up_to);
            ("mariadb", list.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
    };
    match decoded_by(reading, host, kind, &wanted).await {
        Err(why) => (Vec::new(), Some(why)),
        Ok(events) => {
            let missing = transactions.named_beside(events.iter().map(|(id, _)| id.as_str()));
            let why = missing.map(|ids| {
                format!(
                    "the binary logs that {host} still has, or the newest 64 MiB of them, do not hold {ids}"
                )
            });
            (events, why)
        }
    }
}

async fn decoded_by(
    reading: &Reading,
    host: &HostName,
    kind: &str,
    wanted: &str,
) -> Result<Vec<(String, String)>, String> {
    let facts = reading.observed.get(host).and_then(Fact::known);
    let (facts, session) = facts.zip(reading.sessions.get(host)).ok_or("it was not read")?;
    let server = facts.server.known().ok_or("its server was not read")?;
    let basename = server.variable("log_bin_basename").filter(|b| !b.is_empty());
    let basename = basename.ok_or_else(|| format!("{host} has no binary log"))?;
    let names = if kind == "mariadb" { ["mariadb-binlog", "mysqlbinlog"] } else { ["mysqlbinlog"; 2] };
    let program = names.iter().find_map(|name| facts.os.tools.get(*name));
    let program = program.ok_or_else(|| format!("{} is not installed on {host}", names[0]))?;
    let output = session.read(&DECODE, &[program, basename, kind, wanted], LIMIT).await;
    let text = output.map_err(|e| e.to_string())?.text();
    let (events, status) = decoded(&text);
    match status {
        Some(0) => Ok(events),
        // It ends early once it has shown enough.
        _ if !events.is_empty() => Ok(events),
        Some(13) => Err(format!("the binary logs of {host} can't be read by the login there")),
        _ => Err(format!("{} could not decode the binary logs of {host}", names[0])),
    }
}

/// Lines `G ID`, and below each what the event did; `R` and how the decoder ended.
fn decoded(text: &str) -> (Vec<(String, String)>, Option<u32>) {
    let mut events: Vec<(String, String)> = Vec::new();
    let mut status = None;
    for line in text.lines() {
        match (line.split_once(' '), events.last_mut()) {
            (Some(("R", code)), _) => status = code.trim().parse().ok(),
            (Some(("G", id)), _) => events.push((id.to_owned(), String::new())),
            (Some(("S", said)), Some((_, text))) => {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.extend(said.split_whitespace().flat_map(|word| [word, " "]));
                text.truncate(text.trim_end().len());
            }
            _ => {}
        }
    }
    for (_, text) in &mut events {
        *text = without_passwords(text);
    }
    (events, status)
}

/// A statement about an account without what stands in quotes behind the word that brings its password.
fn without_passwords(text: &str) -> String {
    let upper = text.to_ascii_uppercase();
    let account = ["CREATE USER", "ALTER USER", "GRANT ", "SET PASSWORD", "CREATE OR REPLACE USER"];
    let begin = ["IDENTIFIED", "PASSWORD"].iter().filter_map(|word| upper.find(word)).min();
    match begin.filter(|_| account.iter().any(|words| upper.starts_with(words))) {
        Some(begin) if text.is_char_boundary(begin) => format!("{}***", &text[..begin]),
        _ => text.to_owned(),
    }
}

/// By file and position a replica of MySQL counts nothing. What it has written itself stands in its binary log under
/// its own server id; whether its source has it, nothing tells.
async fn without_gtid(reading: &Reading, flow: &Flow<'_>) -> Vec<(HostName, ErrantFacts)> {
    let replicas = flow.replicas(&reading.observed);
    let counts_nothing = |replica: &&Replica| {
        let server = server(&reading.observed, &replica.host);
        !replica.writer
            && server.is_some_and(|server| {
                let mode = server.variable("gtid_mode").unwrap_or("OFF");
                let logs = server.is_on("log_bin");
                server.version.family == Family::MySql && logs && mode.to_ascii_uppercase().starts_with("OFF")
            })
    };
    let looks = replicas.iter().filter(counts_nothing).map(|replica| async {
        let id = server(&reading.observed, &replica.host)?.number("server_id")?.to_string();
        let events = decoded_by(reading, &replica.host, "own", &id).await.ok()?;
        (!events.is_empty()).then(|| {
            let finding = ErrantFacts {
                kind: ErrantKind::WithoutGtid,
                sources: replica.sources.clone(),
                transactions: Transactions::default(),
                events,
                undecoded: None,
            };
            (replica.host.clone(), finding)
        })
    });
    join_all(looks).await.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::{decoded, without_passwords};

    #[test]
    fn events_are_told_with_what_they_did() {
        let text = "G 0-2-5\nS INSERT INTO `two`.`t`\nS SET\nS   @1=2\nS   @2='x'\nG 0-2-6\nG 0-2-7\nS create table u (id int)\nnonsense\nR 0\n";
        let (events, status) = decoded(text);
        assert_eq!(
            events,
            [
                ("0-2-5".to_owned(), "INSERT INTO `two`.`t` SET @1=2 @2='x'".to_owned()),
                ("0-2-6".to_owned(), String::new()),
                ("0-2-7".to_owned(), "create table u (id int)".to_owned()),
            ]
        );
        assert_eq!(status, Some(0));
    }

    #[test]
    fn no_password_of_an_account_is_told() {
        assert_eq!(without_passwords("CREATE USER a@b IDENTIFIED BY 'x' REQUIRE SSL"), "CREATE USER a@b ***");
        assert_eq!(without_passwords("set password for a@b = 'x'"), "set ***");
        assert_eq!(
            without_passwords("INSERT INTO `p` SET @1='IDENTIFIED'"),
            "INSERT INTO `p` SET @1='IDENTIFIED'"
        );
    }

    proptest::proptest! {
        #[test]
        fn nonsense_does_no_harm(text in "(G |S |R |\\PC|\n){0,40}") {
            let _ = decoded(&text);
        }
    }
}
