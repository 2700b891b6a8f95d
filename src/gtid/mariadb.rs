//! MariaDB's ids `domain-server-sequence`, and the two lists that are made of them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is no MariaDB id or list of ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GtidError {
    /// One id is not three numbers joined by `-`.
    #[error("`{0}` is not a MariaDB GTID; one is written domain-server-sequence, such as 0-1-100")]
    NotAGtid(String),
    /// A position names a domain twice; the server refuses it too (error 1943).
    #[error("domain {0} stands twice in a GTID position, which holds one id for each domain")]
    DomainTwice(u32),
    /// A binlog state names a pair of domain and server twice.
    #[error("server {server} stands twice in domain {domain} of a binlog state")]
    ServerTwice {
        /// The domain.
        domain: u32,
        /// The server id that is repeated.
        server: u32,
    },
}

/// One id of MariaDB: `domain-server-sequence`.
///
/// The order of this type is the order of its fields. Within a domain only the sequence number says
/// what came first, and only where `gtid_strict_mode` has kept the domain in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MariaDbGtid {
    /// `gtid_domain_id` of the session that wrote the event.
    pub domain: u32,
    /// `server_id` of the server on which the event was first written.
    pub server: u32,
    /// Sequence number within the domain.
    pub seq: u64,
}

impl MariaDbGtid {
    /// Puts an id together.
    pub const fn new(domain: u32, server: u32, seq: u64) -> Self {
        Self { domain, server, seq }
    }
}

impl fmt::Display for MariaDbGtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.domain, self.server, self.seq)
    }
}

impl FromStr for MariaDbGtid {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, GtidError> {
        let wrong = || GtidError::NotAGtid(text.chars().take(80).collect());
        let mut parts = text.split('-');
        let (Some(domain), Some(server), Some(seq), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        // `parse` takes a leading plus sign, which the server does not.
        if ![domain, server, seq].into_iter().all(digits) {
            return Err(wrong());
        }
        Ok(Self {
            domain: domain.parse().map_err(|_| wrong())?,
            server: server.parse().map_err(|_| wrong())?,
            seq: seq.parse().map_err(|_| wrong())?,
        })
    }
}

/// The ids of a comma-separated list. An empty text is an empty list.
fn list(text: &str) -> impl Iterator<Item = Result<MariaDbGtid, GtidError>> + '_ {
    let text = text.trim();
    let empty = text.is_empty();
    text.split(',').filter(move |_| !empty).map(|id| id.trim().parse())
}

fn write_list(f: &mut fmt::Formatter<'_>, ids: impl Iterator<Item = MariaDbGtid>) -> fmt::Result {
    for (index, id) in ids.enumerate() {
        if index > 0 {
            f.write_str(",")?;
        }
        write!(f, "{id}")?;
    }
    Ok(())
}

/// A position in the event streams of all domains, as in `gtid_slave_pos`, `gtid_binlog_pos` and
/// `gtid_current_pos`: at most one id for each domain. A domain that is not named starts from its
/// first event.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Position(BTreeMap<u32, MariaDbGtid>);

impl Position {
    /// The id in a domain.
    pub fn get(&self, domain: u32) -> Option<MariaDbGtid> {
        self.0.get(&domain).copied()
    }

    /// Sets the id of its domain, in place of the one that stood there.
    pub fn set(&mut self, gtid: MariaDbGtid) {
        self.0.insert(gtid.domain, gtid);
    }

    /// The ids in the order of their domains.
    pub fn iter(&self) -> impl Iterator<Item = MariaDbGtid> + '_ {
        self.0.values().copied()
    }

    /// Whether no domain is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<MariaDbGtid> for Position {
    /// Of several ids in one domain the last one stays.
    fn from_iter<I: IntoIterator<Item = MariaDbGtid>>(ids: I) -> Self {
        Self(ids.into_iter().map(|id| (id.domain, id)).collect())
    }
}

impl FromStr for Position {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, GtidError> {
        let mut position = Self::default();
        for id in list(text) {
            let id = id?;
            if position.0.insert(id.domain, id).is_some() {
                return Err(GtidError::DomainTwice(id.domain));
            }
        }
        Ok(position)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, self.iter())
    }
}

/// What a binary log holds: for each domain the highest sequence number of every server that wrote
/// in it, the domain's current id last, as `gtid_binlog_state` and the Gtid_list event print it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BinlogState(BTreeMap<u32, Vec<MariaDbGtid>>);

impl BinlogState {
    /// Reads the info column of a Gtid_list event in `SHOW BINLOG EVENTS`, such as `[0-1-5,0-2-6]`.
    ///
    /// # Errors
    /// Where the text is not a list of ids.
    pub fn from_gtid_list(info: &str) -> Result<Self, GtidError> {
        let info = info.trim();
        info.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(info).parse()
    }

    /// The domains that are named, in order.
    pub fn domains(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.keys().copied()
    }

    /// Every id of a domain, the current one last.
    pub fn of(&self, domain: u32) -> &[MariaDbGtid] {
        self.0.get(&domain).map_or(&[], Vec::as_slice)
    }

    /// The id that was written last in a domain: what `gtid_binlog_pos` shows for it.
    pub fn current(&self, domain: u32) -> Option<MariaDbGtid> {
        self.of(domain).last().copied()
    }

    /// The highest sequence number of one server in a domain.
    pub fn seq(&self, domain: u32, server: u32) -> Option<u64> {
        self.of(domain).iter().find(|id| id.server == server).map(|id| id.seq)
    }

    /// Whether this id, or a later one of the same server in the same domain, is in the log.
    pub fn covers(&self, id: MariaDbGtid) -> bool {
        self.seq(id.domain, id.server).is_some_and(|seq| seq >= id.seq)
    }

    /// Notes one more event, as the server does when it writes one.
    pub fn note(&mut self, id: MariaDbGtid) {
        let ids = self.0.entry(id.domain).or_default();
        let before = ids.iter().position(|other| other.server == id.server).map(|at| ids.remove(at));
        let seq = before.map_or(id.seq, |other| other.seq.max(id.seq));
        ids.push(MariaDbGtid { seq, ..id });
    }

    /// Every id, by domain.
    pub fn iter(&self) -> impl Iterator<Item = MariaDbGtid> + '_ {
        self.0.values().flatten().copied()
    }

    /// The current id of each domain: `gtid_binlog_pos`.
    pub fn position(&self) -> Position {
        self.0.values().filter_map(|ids| ids.last().copied()).collect()
    }

    /// Whether nothing was ever logged.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for BinlogState {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, GtidError> {
        let mut state = BTreeMap::<u32, Vec<MariaDbGtid>>::new();
        let mut seen = std::collections::BTreeSet::new();
        for id in list(text) {
            let id = id?;
            if !seen.insert((id.domain, id.server)) {
                return Err(GtidError::ServerTwice { domain: id.domain, server: id.server });
            }
            state.entry(id.domain).or_default().push(id);
        }
        Ok(Self(state))
    }
}

impl fmt::Display for BinlogState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, self.iter())
    }
}

macro_rules! as_text {
    ($type:ty) => {
        impl TryFrom<String> for $type {
            type Error = GtidError;

            fn try_from(text: String) -> Result<Self, GtidError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }
    };
}

as_text!(MariaDbGtid);
as_text!(Position);
as_text!(BinlogState);

impl Serialize for MariaDbGtid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MariaDbGtid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_are_read_as_servers_print_them() {
        assert_eq!("0-1-100".parse(), Ok(MariaDbGtid::new(0, 1, 100)));
        let position: Position = "2-2-5, 0-1-100,\n1-1-9".parse().unwrap();
        assert_eq!(position.to_string(), "0-1-100,1-1-9,2-2-5");
        assert!("".parse::<Position>().unwrap().is_empty());
        let state = BinlogState::from_gtid_list("[0-2-7,0-1-5,1-3-1]").unwrap();
        assert_eq!(state.current(0), Some(MariaDbGtid::new(0, 1, 5)));
        assert_eq!(state.to_string(), "0-2-7,0-1-5,1-3-1");
        assert_eq!(state.position().to_string(), "0-1-5,1-3-1");
        assert!(BinlogState::from_gtid_list("[]").unwrap().is_empty());
        assert!(state.covers(MariaDbGtid::new(0, 2, 6)) && !state.covers(MariaDbGtid::new(0, 3, 1)));
    }

    #[test]
    fn what_no_server_prints_is_refused() {
        for text in ["0-1", "0-1-2-3", "0-1-", "-1-2", "+0-1-2", "0-1-2,", ",", "4294967296-1-1", "a-b-c"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
            assert!(text.parse::<BinlogState>().is_err(), "{text}");
        }
        assert!("0-1-18446744073709551616".parse::<MariaDbGtid>().is_err());
        assert_eq!("0-1-2,0-2-3".parse::<Position>(), Err(GtidError::DomainTwice(0)));
        assert_eq!(
            "0-1-2,0-1-3".parse::<BinlogState>(),
            Err(GtidError::ServerTwice { domain: 0, server: 1 })
        );
    }

    #[test]
    fn writing_moves_a_server_to_the_end_of_its_domain() {
        let mut state: BinlogState = "0-1-5,0-2-6".parse().unwrap();
        state.note(MariaDbGtid::new(0, 1, 7));
        assert_eq!(state.to_string(), "0-2-6,0-1-7");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = text.parse::<Position>();
            let _ = BinlogState::from_gtid_list(&text);
        }

        #[test]
        fn text_and_value_are_each_others_inverse(
            ids in proptest::collection::vec((0u32..4, 0u32..4, any::<u64>()), 0..12),
        ) {
            let ids: Vec<_> = ids.into_iter().map(|(d, s, n)| MariaDbGtid::new(d, s, n)).collect();
            let position: Position = ids.iter().copied().collect();
            prop_assert_eq!(&position.to_string().parse::<Position>().unwrap(), &position);
            let mut state = BinlogState::default();
            ids.iter().for_each(|id| state.note(*id));
            prop_assert_eq!(&state.to_string().parse::<BinlogState>().unwrap(), &state);
            let json = serde_json::to_string(&state).unwrap();
            prop_assert_eq!(&serde_json::from_str::<BinlogState>(&json).unwrap(), &state);
        }
    }
}
