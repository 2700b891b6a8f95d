//! MySQL's sets of ids: intervals of numbers for each server UUID and tag.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The highest number that MySQL gives a transaction: 2^63 - 2 (manual, "GTID Format and Storage").
const MAX: u64 = (1 << 63) - 2;

/// Why a text is no MySQL GTID set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GtidSetError {
    /// No UUID stands where one must.
    #[error("`{0}` is not a server UUID; one is written as 32 hexadecimal digits in five groups")]
    NotAUuid(String),
    /// A part after a UUID is neither a tag nor an interval.
    #[error("`{0}` is neither an interval of transaction numbers, such as 1-5, nor a tag")]
    NotAnInterval(String),
    /// A UUID without any interval.
    #[error("no transaction numbers follow `{0}`")]
    NoIntervals(String),
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A server's UUID, as in `@@server_uuid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(u128);

impl FromStr for Uuid {
    type Err = GtidSetError;

    fn from_str(text: &str) -> Result<Self, GtidSetError> {
        let wrong = || GtidSetError::NotAUuid(shown(text));
        let bytes = text.as_bytes();
        let dashes = [8, 13, 18, 23];
        if bytes.len() != 36 {
            return Err(wrong());
        }
        let mut value = 0u128;
        for (at, byte) in bytes.iter().enumerate() {
            if dashes.contains(&at) {
                if *byte != b'-' {
                    return Err(wrong());
                }
            } else {
                let digit = char::from(*byte).to_digit(16).ok_or_else(wrong)?;
                value = (value << 4) | u128::from(digit);
            }
        }
        Ok(Self(value))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            v >> 96,
            (v >> 80) & 0xffff,
            (v >> 64) & 0xffff,
            (v >> 48) & 0xffff,
            v & 0xffff_ffff_ffff
        )
    }
}

/// The tag of a transaction (MySQL 8.3 and later); empty for transactions without one. Up to 32
/// lower-case letters, digits and `_`, not beginning with a digit.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// Reads a tag; `None` where the text is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut chars = text.chars();
        let first = chars.next()?;
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let good = !first.is_ascii_digit() && word(first) && chars.all(word) && text.len() <= 32;
        good.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The tag as text; empty for none.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Both ends included, sorted, neither overlapping nor touching.
type Intervals = Vec<(u64, u64)>;

/// A set of MySQL transaction ids, as in `gtid_executed` and `gtid_purged`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GtidSet(BTreeMap<(Uuid, Tag), Intervals>);

impl GtidSet {
    /// The set in `@@GLOBAL.gtid_owned`, in which each number stands with its threads, as `uuid:5#12:7#13`. What can't
    /// be read adds nothing.
    pub fn owned(text: &str) -> Self {
        let mut bare = String::with_capacity(text.len());
        let mut thread = false;
        for c in text.chars() {
            thread = (thread || c == '#') && !matches!(c, ':' | ',' | '\n');
            if !thread {
                bare.push(c);
            }
        }
        bare.parse().unwrap_or_default()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many transactions are in it.
    pub fn count(&self) -> u128 {
        self.0.values().flatten().map(|(from, to)| u128::from(to - from) + 1).sum()
    }

    /// Whether one transaction is in it.
    pub fn contains(&self, uuid: Uuid, tag: &Tag, number: u64) -> bool {
        self.0
            .get(&(uuid, tag.clone()))
            .is_some_and(|intervals| intervals.iter().any(|(from, to)| (*from..=*to).contains(&number)))
    }

    /// Whether all of `other` is in it: `GTID_SUBSET(other, self)`.
    pub fn contains_all(&self, other: &GtidSet) -> bool {
        other.subtract(self).is_empty()
    }

    /// The servers whose transactions are in it, in order.
    pub fn uuids(&self) -> impl Iterator<Item = Uuid> + '_ {
        let mut last = None;
        self.0.keys().filter_map(move |(uuid, _)| (last.replace(*uuid) != Some(*uuid)).then_some(*uuid))
    }

    /// The part that was written on the servers for which `keep` says so.
    pub fn of_servers(&self, keep: impl Fn(Uuid) -> bool) -> GtidSet {
        Self(
            self.0.iter().filter(|((uuid, _), _)| keep(*uuid)).map(|(k, v)| (k.clone(), v.clone())).collect(),
        )
    }

    /// What is in one of the two.
    pub fn union(&self, other: &GtidSet) -> GtidSet {
        let mut all = self.0.clone();
        for (key, intervals) in &other.0 {
            let mine = all.entry(key.clone()).or_default();
            mine.extend(intervals);
            normalise(mine);
        }
        GtidSet(all)
    }

    /// What is in this one and not in the other: `GTID_SUBTRACT(self, other)`.
    pub fn subtract(&self, other: &GtidSet) -> GtidSet {
        let mut rest = BTreeMap::new();
        for (key, intervals) in &self.0 {
            let left = match other.0.get(key) {
                Some(gone) => without(intervals, gone),
                None => intervals.clone(),
            };
            if !left.is_empty() {
                rest.insert(key.clone(), left);
            }
        }
        GtidSet(rest)
    }

    /// What is in both.
    pub fn intersect(&self, other: &GtidSet) -> GtidSet {
        self.subtract(&self.subtract(other))
    }

    /// Adds one interval, both ends included. Numbers outside 1..=2^63-2 and reversed ends are left out.
    pub fn add(&mut self, uuid: Uuid, tag: Tag, from: u64, to: u64) {
        if from == 0 || to > MAX || from > to {
            return;
        }
        let intervals = self.0.entry((uuid, tag)).or_default();
        intervals.push((from, to));
        normalise(intervals);
    }
}

fn normalise(intervals: &mut Intervals) {
    intervals.sort_unstable();
    let mut merged: Intervals = Vec::with_capacity(intervals.len());
    for &(from, to) in intervals.iter() {
        match merged.last_mut() {
            // `last.1 + 1` can't overflow: no number exceeds MAX.
            Some(last) if from <= last.1 + 1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    *intervals = merged;
}

/// `intervals` without `gone`; both normal, so one pass over each is enough.
fn without(intervals: &[(u64, u64)], gone: &[(u64, u64)]) -> Intervals {
    let mut left = Vec::new();
    let mut gone = gone.iter().copied().peekable();
    for &(mut from, to) in intervals {
        while gone.next_if(|cut| cut.1 < from).is_some() {}
        while let Some(cut) = gone.peek().copied().filter(|cut| cut.0 <= to) {
            if cut.0 > from {
                left.push((from, cut.0 - 1));
            }
            from = cut.1 + 1;
            if cut.1 >= to {
                break;
            }
            gone.next();
        }
        if from <= to {
            left.push((from, to));
        }
    }
    left
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = if digits { text.parse().ok()? } else { return None };
    (1..=MAX).contains(&number).then_some(number)
}

fn interval(text: &str) -> Option<(u64, u64)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (number(from)?, number(to)?);
    (from <= to).then_some((from, to))
}

impl FromStr for GtidSet {
    type Err = GtidSetError;

    /// Reads a set as the server prints it, with or without line breaks after the commas.
    fn from_str(text: &str) -> Result<Self, GtidSetError> {
        let mut set = BTreeMap::<(Uuid, Tag), Intervals>::new();
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        for server in text.split(',') {
            let mut parts = server.split(':').map(str::trim);
            let uuid: Uuid = parts.next().unwrap_or_default().parse()?;
            let mut tag = Tag::default();
            let mut open = true;
            for part in parts {
                if let Some(next) = Tag::parse(part) {
                    if open && !tag.0.is_empty() {
                        return Err(GtidSetError::NoIntervals(tag.0));
                    }
                    tag = next;
                    open = true;
                } else {
                    let ends = interval(part).ok_or_else(|| GtidSetError::NotAnInterval(shown(part)))?;
                    set.entry((uuid, tag.clone())).or_default().push(ends);
                    open = false;
                }
            }
            if open {
                return Err(GtidSetError::NoIntervals(shown(server.trim())));
            }
        }
        set.values_mut().for_each(normalise);
        Ok(Self(set))
    }
}

impl fmt::Display for GtidSet {
    /// The canonical form: servers in order, then tags, then numbers; all on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = None;
        for ((uuid, tag), intervals) in &self.0 {
            if last != Some(*uuid) {
                f.write_str(if last.is_some() { "," } else { "" })?;
                write!(f, "{uuid}")?;
                last = Some(*uuid);
            }
            if !tag.0.is_empty() {
                write!(f, ":{}", tag.0)?;
            }
            for (from, to) in intervals {
                if from == to { write!(f, ":{from}")? } else { write!(f, ":{from}-{to}")? }
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for GtidSet {
    type Error = GtidSetError;

    fn try_from(text: String) -> Result<Self, GtidSetError> {
        text.parse()
    }
}

impl From<GtidSet> for String {
    fn from(set: GtidSet) -> String {
        set.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const A: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
    const B: &str = "4e11fa47-71ca-11e1-9e33-c80aa9429562";

    fn set(text: &str) -> GtidSet {
        text.parse().unwrap()
    }

    #[test]
    fn sets_are_printed_canonically() {
        let canonical = |text: &str| set(text).to_string();
        assert_eq!(canonical(""), "");
        assert_eq!(
            canonical(&format!("{}:11-47:1-5:6,\n{A}:12", A.to_uppercase())),
            format!("{A}:1-6:11-47")
        );
        assert_eq!(canonical(&format!("{B}:3,{A}:1")), format!("{A}:1,{B}:3"));
        assert_eq!(canonical(&format!("{A}:Domain_1:1-3:5:9-9,{A}:7")), format!("{A}:7:domain_1:1-3:5:9"));
        assert_eq!(set(&format!("{A}:1-9:t:2")).count(), 10);
        assert_eq!(set(&format!("{B}:1,{A}:1:t:2")).uuids().count(), 2);
    }

    #[test]
    fn what_no_server_prints_is_refused() {
        for rest in
            ["", ":", ":0", ":5-3", ":1-", ":-1", ":x", ":9223372036854775807", ":1x", ":tag:", ":1:tag"]
        {
            assert!(format!("{A}{rest}").parse::<GtidSet>().is_err(), "{rest}");
        }
        for text in [
            "x:1",
            ",",
            "3e11fa47-71ca-11e1-9e33-c80aa942956:1",
            "0-1-100",
            "3e11fa47x71ca-11e1-9e33-c80aa9429562:1",
        ] {
            assert!(text.parse::<GtidSet>().is_err(), "{text}");
        }
        assert!(set(&format!("{A}:9223372036854775806")).count() == 1);
    }

    type Naive = BTreeSet<(bool, bool, u64)>;

    fn build(naive: &Naive) -> GtidSet {
        let mut built = GtidSet::default();
        for (uuid, tag, number) in naive {
            let uuid = if *uuid { A } else { B }.parse().unwrap();
            let tag = if *tag { Tag::parse("t").unwrap() } else { Tag::default() };
            built.add(uuid, tag, *number, *number);
        }
        built
    }

    fn naive() -> impl Strategy<Value = Naive> {
        proptest::collection::btree_set((any::<bool>(), any::<bool>(), 1u64..25), 0..40)
    }

    proptest! {
        #[test]
        fn algebra_agrees_with_plain_sets(a in naive(), b in naive()) {
            let (x, y) = (build(&a), build(&b));
            prop_assert_eq!(x.union(&y), build(&(&a | &b)));
            prop_assert_eq!(x.subtract(&y), build(&(&a - &b)));
            prop_assert_eq!(x.intersect(&y), build(&(&a & &b)));
            prop_assert_eq!(x.contains_all(&y), a.is_superset(&b));
            prop_assert_eq!(x.count(), a.len() as u128);
            prop_assert_eq!(&x.to_string().parse::<GtidSet>().unwrap(), &x);
            for (uuid, tag, number) in &b {
                let tag_value = if *tag { Tag::parse("t").unwrap() } else { Tag::default() };
                let id = if *uuid { A } else { B }.parse().unwrap();
                prop_assert_eq!(x.contains(id, &tag_value, *number), a.contains(&(*uuid, *tag, *number)));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}", tail in "[0-9:a-z, -]{0,30}") {
            let _ = text.parse::<GtidSet>();
            if let Ok(read) = format!("{A}:{tail}").parse::<GtidSet>() {
                prop_assert_eq!(read.to_string().parse::<GtidSet>().unwrap(), read);
            }
        }
    }
}
