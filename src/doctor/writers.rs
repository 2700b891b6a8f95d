//! Who accepts writes, against the one host that is declared to.

use crate::model::HostName;

/// A host that accepts writes of clients, and holds data or follows another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenHost<'a> {
    /// Its name.
    pub host: &'a HostName,
    /// Whether it is one too many beside the declared one. A replica may be meant to take writes of its own.
    pub one_too_many: bool,
}

/// Where writes go, by what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WritesGo<'a> {
    /// To the declared host, as far as anybody can tell.
    AsDeclared,
    /// Nowhere.
    Nowhere,
    /// To several hosts, of which all but one are too many.
    Several(Vec<&'a HostName>),
    /// To another one.
    Elsewhere(&'a HostName),
}

/// Decides where writes go. A host that is meant to take some beside the declared one is told only where no other does.
pub(crate) fn writes_go<'a>(declared: &HostName, open: &[OpenHost<'a>]) -> WritesGo<'a> {
    let counts = |open: &&OpenHost<'_>| open.one_too_many || open.host == declared;
    let counted: Vec<&'a HostName> = open.iter().filter(counts).map(|open| open.host).collect();
    if counted.len() > 1 {
        return WritesGo::Several(counted);
    }
    match counted.first().copied().or(open.first().map(|open| open.host)) {
        None => WritesGo::Nowhere,
        Some(host) if host == declared => WritesGo::AsDeclared,
        Some(other) => WritesGo::Elsewhere(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_meant_to_be_open_is_told_only_where_no_other_is() {
        let names: Vec<HostName> = ["a", "b", "c"].map(HostName::from).into();
        let [a, b, c] = [&names[0], &names[1], &names[2]];
        let one_too_many = |host| OpenHost { host, one_too_many: true };
        let meant = |host| OpenHost { host, one_too_many: false };
        for (open, expected) in [
            (vec![], WritesGo::Nowhere),
            (vec![meant(a)], WritesGo::AsDeclared),
            (vec![meant(a), meant(b)], WritesGo::AsDeclared),
            (vec![meant(a), one_too_many(b)], WritesGo::Several(vec![a, b])),
            (vec![one_too_many(b), one_too_many(c)], WritesGo::Several(vec![b, c])),
            (vec![meant(b), one_too_many(c)], WritesGo::Elsewhere(c)),
            (vec![meant(b), meant(c)], WritesGo::Elsewhere(b)),
        ] {
            assert_eq!(writes_go(a, &open), expected, "{open:?}");
        }
    }
}
