//! Another member becomes the one that clients write to: in a topology, and in the text that declares it.

use super::{Edit, Kind, Rename, Topology, topology::Declared};
use crate::model::HostName;

/// Why a member can't become the one that is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CannotTurn {
    /// It is no member.
    NoMember,
    /// It is the one already.
    WritesAlready,
    /// Clients are declared to write to more than one.
    SeveralWriters,
    /// It is declared lost.
    Lost,
}

impl Topology {
    /// The one member that clients write to, where one is declared.
    pub fn one_writer(&self) -> Option<&HostName> {
        let other = |standby: &Declared| self.members.iter().find(|member| member.host != standby.host);
        match self.kind {
            Kind::PrimaryReplica => self.members.first().map(|member| &member.host),
            Kind::DualPrimary => self.standby.as_ref().and_then(other).map(|member| &member.host),
            Kind::Ring | Kind::Channels => None,
        }
    }

    /// Declares members lost, and lets one of the others take the writes; says what changes in the text.
    ///
    /// # Errors
    /// Why that can't be.
    pub fn lose(&mut self, lost: &[HostName], to: Option<&HostName>) -> Result<Edit, CannotTurn> {
        let mut edit = Edit::of(self);
        if let Some(to) = to {
            edit.renames = self.turn(to)?;
        }
        for host in lost.iter().filter(|host| !edit.declares.is_lost(host)) {
            self.lost.push(Declared { host: host.clone(), place: self.place.clone() });
            edit.lost.push(host.clone());
        }
        edit.declares = self.clone();
        Ok(edit)
    }

    /// Declares a lost host a member again; says what changes in the text. Nothing where it is not lost, or has no place
    /// among the others to come back to.
    pub fn find(&mut self, host: &HostName) -> Option<Edit> {
        let mut edit = Edit::of(self);
        if !self.is_lost(host) || !self.members.iter().any(|member| member.host == *host) {
            return None;
        }
        self.lost.retain(|lost| lost.host != *host);
        edit.found.push(host.clone());
        edit.declares = self.clone();
        Some(edit)
    }

    /// Lets a member and the writer change places, so that the shape stays; says which names change.
    ///
    /// # Errors
    /// Why that can't be.
    pub fn turn(&mut self, to: &HostName) -> Result<Vec<Rename>, CannotTurn> {
        if !self.members.iter().any(|member| member.host == *to) {
            return Err(CannotTurn::NoMember);
        }
        let from = self.one_writer().cloned().ok_or(CannotTurn::SeveralWriters)?;
        if from == *to {
            return Err(CannotTurn::WritesAlready);
        }
        if self.is_lost(to) {
            return Err(CannotTurn::Lost);
        }
        let mut renames = Vec::new();
        let mut change = |named: &mut Declared| {
            let other = match &named.host {
                host if *host == from => to,
                host if host == to => &from,
                _ => return,
            };
            let rename = Rename { place: named.place.clone(), from: named.host.clone(), to: other.clone() };
            named.host = other.clone();
            if !renames.contains(&rename) {
                renames.push(rename);
            }
        };
        if self.kind == Kind::DualPrimary {
            self.standby.iter_mut().for_each(&mut change);
            self.seed_from.iter_mut().for_each(&mut change);
            renames.sort_by_key(|rename| rename.place.offset);
            return Ok(renames);
        }
        self.members.iter_mut().for_each(&mut change);
        for edge in &mut self.channels {
            change(&mut edge.from);
            change(&mut edge.to);
        }
        self.seed_from.iter_mut().for_each(&mut change);
        renames.sort_by_key(|rename| rename.place.offset);
        Ok(renames)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::edit::renamed, *};
    use crate::source::{Problems, Sources};

    fn topology(text: &str) -> Topology {
        let mut problems = Problems::default();
        let node = Sources::default().built_in("p.yml", text, &mut problems).expect("YAML");
        let found = Topology::read(&node, &mut problems);
        assert!(!problems.fatal(), "{problems:?}");
        found.expect("a topology")
    }

    /// What becomes of a text whose topology is turned, and that it declares what was made of the topology.
    fn turned(text: &str, to: &str) -> String {
        let mut topology_now = topology(text);
        let renames = topology_now.turn(&HostName::from(to)).expect("it can be turned");
        let changed = renamed(text, &renames).expect("names are written out");
        let again = topology(&changed);
        let names = |t: &Topology| -> Vec<HostName> { t.members.iter().map(|m| m.host.clone()).collect() };
        assert_eq!(names(&again), names(&topology_now));
        assert_eq!(again.one_writer(), Some(&HostName::from(to)));
        changed
    }

    #[test]
    fn two_names_change_places_and_all_else_stays() {
        let text = "kind: primary-replica   # one writes\nprimary: db-a # Vienna\nreplicas:\n  - {host: \"db-b\", delay: 0}\n  - db-c # Graz\n";
        assert_eq!(
            turned(text, "db-b"),
            "kind: primary-replica   # one writes\nprimary: db-b # Vienna\nreplicas:\n  - {host: \"db-a\", delay: 0}\n  - db-c # Graz\n"
        );
        let tree = "{kind: primary-replica, primary: a, replicas: [b, {host: c, source: b}], seed_from: a}";
        assert_eq!(
            turned(tree, "c"),
            "{kind: primary-replica, primary: c, replicas: [b, {host: a, source: b}], seed_from: c}"
        );
        assert_eq!(
            turned(tree, "b"),
            "{kind: primary-replica, primary: b, replicas: [a, {host: c, source: a}], seed_from: b}"
        );
        let json = r#"{"kind": "primary-replica", "primary": "a", "replicas": ["bb", "c"]}"#;
        assert_eq!(
            turned(json, "bb"),
            r#"{"kind": "primary-replica", "primary": "bb", "replicas": ["a", "c"]}"#
        );
        let pair = "{kind: dual-primary, members: [a, b], standby: b}";
        assert_eq!(turned(pair, "b"), "{kind: dual-primary, members: [a, b], standby: a}");
        let pair = "{kind: dual-primary, members: [a, b], seed_from: a, standby: b}";
        assert_eq!(turned(pair, "b"), "{kind: dual-primary, members: [a, b], seed_from: b, standby: a}");
    }

    #[test]
    fn what_is_not_one_writer_is_not_turned() {
        let host = HostName::from("b");
        for (text, why) in [
            ("{kind: dual-primary, members: [a, b]}", CannotTurn::SeveralWriters),
            ("{kind: ring, members: [a, b, c]}", CannotTurn::SeveralWriters),
            ("{kind: primary-replica, primary: a, replicas: [b, c], lost: [b]}", CannotTurn::Lost),
            ("{kind: dual-primary, members: [a, b], standby: b, lost: [b]}", CannotTurn::Lost),
            ("{kind: primary-replica, primary: b, replicas: [a]}", CannotTurn::WritesAlready),
            ("{kind: primary-replica, primary: a, replicas: [c]}", CannotTurn::NoMember),
        ] {
            assert_eq!(topology(text).turn(&host), Err(why), "{text}");
        }
    }

    #[test]
    fn a_name_that_is_not_written_out_is_left_to_its_owner() {
        let text = "{kind: primary-replica, primary: &p a, replicas: [b]}";
        let mut other = topology(text);
        let renames = other.turn(&HostName::from("b")).expect("it can be turned");
        assert_eq!(renamed(&text.replace(" a,", " x,"), &renames), None);
    }
}
