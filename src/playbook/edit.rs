//! The text of a playbook after a takeover: other names in some places, hosts lost or found. All else stays.

use super::Topology;
use crate::{
    model::{HostName, Place},
    source::{Node, Problems, Sources, Yaml},
};

/// A name in a playbook that another one takes the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// Where the name stands.
    pub place: Place,
    /// The name.
    pub from: HostName,
    /// The other one.
    pub to: HostName,
}

/// What changes in the text of a playbook.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Where the topology stands.
    pub place: Place,
    /// Names that others take the place of.
    pub renames: Vec<Rename>,
    /// Hosts that are lost from now on.
    pub lost: Vec<HostName>,
    /// Hosts that are lost no more.
    pub found: Vec<HostName>,
    /// What the text declares afterwards.
    pub declares: Topology,
}

impl Edit {
    /// One that changes nothing yet.
    pub fn of(topology: &Topology) -> Self {
        Self {
            place: topology.place.clone(),
            renames: Vec::new(),
            lost: Vec::new(),
            found: Vec::new(),
            declares: topology.clone(),
        }
    }

    /// Whether the text stays as it is.
    pub fn is_empty(&self) -> bool {
        self.renames.is_empty() && self.lost.is_empty() && self.found.is_empty()
    }

    /// The changed text. Nothing where it would not declare what it should: names in it come out of templates, or it is
    /// written in a way that is not understood.
    pub fn of_text(&self, text: &str) -> Option<String> {
        let mut text = renamed(text, &self.renames)?;
        for host in &self.found {
            text = without(&text, &self.place, host)?;
        }
        for host in &self.lost {
            text = with(&text, &self.place, host)?;
        }
        self.is_declared_by(&text).then_some(text)
    }

    /// Whether a text declares it, as far as that shows without templates.
    fn is_declared_by(&self, text: &str) -> bool {
        let Some(node) = topology(text, &self.place) else { return false };
        let mut problems = Problems::default();
        let Some(found) = Topology::read(&node, &mut problems) else { return false };
        let names = |t: &Topology| -> Vec<HostName> { t.members.iter().map(|m| m.host.clone()).collect() };
        let lost = |t: &Topology| -> Vec<HostName> {
            let mut names: Vec<HostName> = t.lost.iter().map(|l| l.host.clone()).collect();
            names.sort();
            names
        };
        !problems.fatal() && names(&found) == names(&self.declares) && lost(&found) == lost(&self.declares)
    }
}

/// A playbook's text with other names in these places; everything else stays as it is. Nothing where a name does not stand
/// there itself, but comes out of a template or an alias.
pub(super) fn renamed(text: &str, renames: &[Rename]) -> Option<String> {
    let mut changed = text.to_owned();
    let mut renames: Vec<&Rename> = renames.iter().collect();
    renames.sort_by_key(|rename| std::cmp::Reverse(rename.place.offset));
    let mut last = usize::MAX;
    for Rename { place, from, to } in renames {
        let end = place.offset.checked_add(place.length)?;
        let written = text.get(place.offset..end).filter(|_| end <= last && !place.vaulted)?;
        let name = written.trim();
        let bare = ['"', '\''].iter().find_map(|q| name.strip_prefix(*q)?.strip_suffix(*q)).unwrap_or(name);
        if bare != from.as_str() {
            return None;
        }
        changed.replace_range(place.offset..end, &written.replace(from.as_str(), to.as_str()));
        last = place.offset;
    }
    Some(changed)
}

/// The topology that stands at this place of a text.
fn topology(text: &str, place: &Place) -> Option<Node> {
    let mut problems = Problems::default();
    let node = Sources::default().built_in(&place.file, text, &mut problems)?;
    let plays = node.seq().unwrap_or_default().to_vec();
    let mut topologies = plays.iter().filter_map(|play| play.get("topology").cloned());
    topologies.find(|node| node.place.offset == place.offset)
}

/// The text with one more lost host.
fn with(text: &str, place: &Place, host: &HostName) -> Option<String> {
    let node = topology(text, place)?;
    if let Some(list) = node.get("lost") {
        let last = list.seq()?.last()?.place.clone();
        let end = last.offset + last.length;
        let written = text.get(last.offset..end)?;
        let quote = written.chars().next().filter(|c| ['"', '\''].contains(c));
        let name = quoted(host, quote);
        let more = match text.get(list.place.offset..)?.starts_with('[') {
            true => format!(", {name}"),
            false => format!("\n{}- {name}", indentation(text, last.offset)?),
        };
        return Some(inserted(text, end, &more));
    }
    let kind = node.get("kind")?;
    let begin = line_begin(text, kind.place.offset);
    let key = text.get(begin..kind.place.offset)?;
    if text.get(place.offset..)?.starts_with('{') {
        let space = if text.get(place.offset + 1..)?.starts_with('\n') { "" } else { " " };
        let json = key.contains("\"kind\"");
        let (key, name) =
            if json { ("\"lost\"", quoted(host, Some('"'))) } else { ("lost", quoted(host, None)) };
        return Some(inserted(text, place.offset + 1, &format!("{key}: [{name}],{space}")));
    }
    let indentation: String = key.chars().take_while(|c| *c == ' ').collect();
    let end = text.get(kind.place.offset..)?.find('\n').map_or(text.len(), |at| kind.place.offset + at);
    Some(inserted(text, end, &format!("\n{indentation}lost: [{}]", quoted(host, None))))
}

/// The text without a lost host.
fn without(text: &str, place: &Place, host: &HostName) -> Option<String> {
    let node = topology(text, place)?;
    let list = node.get("lost")?;
    let items: Vec<Node> = match &list.value {
        Yaml::Seq(items) => items.clone(),
        _ => vec![list.clone()],
    };
    let at = items.iter().position(|item| item.scalar().as_deref() == Some(host.as_str()))?;
    let item = &items[at].place;
    let (begin, end) = if items.len() > 1 {
        let in_line = text.get(list.place.offset..)?.starts_with('[');
        match (in_line, at) {
            // With the comma before it, or that behind it.
            (true, 0) => (item.offset, items[1].place.offset),
            (true, _) => {
                let before = &items[at - 1].place;
                (before.offset + before.length, item.offset + item.length)
            }
            (false, _) => (line_begin(text, item.offset), line_end(text, item.offset)),
        }
    } else {
        whole_key(text, &node, list, item)?
    };
    let mut changed = text.get(..begin)?.to_owned();
    changed.push_str(text.get(end..)?);
    Some(changed)
}

/// From where to where `lost:` stands with its only item.
fn whole_key(text: &str, node: &Node, list: &Node, item: &Place) -> Option<(usize, usize)> {
    let key = text.get(..list.place.offset)?.rfind("lost")?;
    if !text.get(node.place.offset..)?.starts_with('{') {
        return Some((line_begin(text, key), line_end(text, item.offset)));
    }
    let key = if text.get(..key)?.ends_with('"') { key - 1 } else { key };
    let mut end = item.offset + item.length;
    let rest = text.get(end..)?;
    if text.get(list.place.offset..)?.starts_with('[') {
        end += rest.find(']')? + 1;
    }
    let rest = text.get(end..)?;
    let comma = rest.trim_start();
    if comma.starts_with(',') {
        let behind = comma.get(1..)?.trim_start_matches(' ');
        let begin = line_begin(text, key);
        if behind.starts_with('\n') && text.get(begin..key)?.trim().is_empty() {
            return Some((begin, line_end(text, end)));
        }
        return Some((key, text.len() - behind.len()));
    }
    // The last key: the comma before it goes.
    let before = text.get(..key)?.trim_end();
    Some((before.strip_suffix(',').unwrap_or(before).len(), end))
}

fn quoted(host: &HostName, quote: Option<char>) -> String {
    match quote {
        Some(quote) => format!("{quote}{host}{quote}"),
        None => host.to_string(),
    }
}

fn inserted(text: &str, at: usize, more: &str) -> String {
    let mut text = text.to_owned();
    text.insert_str(at, more);
    text
}

fn line_begin(text: &str, offset: usize) -> usize {
    text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1)
}

/// Behind the line break.
fn line_end(text: &str, offset: usize) -> usize {
    text.get(offset..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| offset + at + 1)
}

fn indentation(text: &str, offset: usize) -> Option<String> {
    let line = text.get(line_begin(text, offset)..)?;
    Some(line.chars().take_while(|c| *c == ' ').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(text: &str) -> Topology {
        let mut problems = Problems::default();
        let node = Sources::default().built_in("p.yml", text, &mut problems).expect("YAML");
        let play = node.seq().expect("plays").first().expect("a play").clone();
        let found = Topology::read(play.get("topology").expect("a topology"), &mut problems);
        assert!(!problems.fatal(), "{problems:?}");
        found.expect("a topology")
    }

    /// What becomes of a text when its writer is lost and another one takes over, and when it is back.
    fn there_and_back(text: &str, to: &str, told: &str) {
        let mut topology = declared(text);
        let writer = topology.one_writer().expect("a writer").clone();
        let edit =
            topology.lose(std::slice::from_ref(&writer), Some(&HostName::from(to))).expect("it can be lost");
        let changed = edit.of_text(text).expect("it can be written");
        assert_eq!(changed, told);
        assert_eq!(declared(&changed).one_writer(), Some(&HostName::from(to)));
        let mut topology = declared(&changed);
        let edit = topology.find(&writer).expect("it is lost");
        let back = edit.of_text(&changed).expect("it can be written");
        assert!(declared(&back).lost.is_empty());
        let names = |t: &Topology| t.members.iter().map(|m| m.host.clone()).collect::<Vec<_>>();
        assert_eq!(names(&declared(&back)), names(&topology));
        assert_eq!(back.len(), text.len(), "{back}");
    }

    #[test]
    fn the_lost_one_is_named_and_is_found_again() {
        there_and_back(
            "- hosts: db\n  topology:\n    kind: primary-replica   # one writes\n    primary: db-a # Vienna\n    replicas:\n      - \"db-b\"\n      - db-c\n  roles: []\n",
            "db-b",
            "- hosts: db\n  topology:\n    kind: primary-replica   # one writes\n    lost: [db-a]\n    primary: db-b # Vienna\n    replicas:\n      - \"db-a\"\n      - db-c\n  roles: []\n",
        );
        there_and_back(
            "- {hosts: db, topology: {kind: dual-primary, members: [a, b], standby: b}}\n",
            "b",
            "- {hosts: db, topology: {lost: [a], kind: dual-primary, members: [a, b], standby: a}}\n",
        );
        there_and_back(
            "[{\"hosts\": \"db\", \"topology\": {\n  \"kind\": \"primary-replica\", \"primary\": \"a\", \"replicas\": [\"b\"]}}]\n",
            "b",
            "[{\"hosts\": \"db\", \"topology\": {\"lost\": [\"a\"],\n  \"kind\": \"primary-replica\", \"primary\": \"b\", \"replicas\": [\"a\"]}}]\n",
        );
    }

    #[test]
    fn a_list_of_several_grows_and_shrinks() {
        for (text, lost, more, less) in [
            (
                "- topology:\n    kind: ring\n    members: [a, b, c, d]\n    lost: [a] # fire\n",
                "b",
                "    lost: [a, b] # fire\n",
                "    lost: [b] # fire\n",
            ),
            (
                "- topology:\n    kind: ring\n    members: [a, b, c, d]\n    lost:\n      - \"a\"\n",
                "b",
                "    lost:\n      - \"a\"\n      - \"b\"\n",
                "    lost:\n      - \"b\"\n",
            ),
        ] {
            let mut topology = declared(text);
            let edit = topology.lose(&[HostName::from(lost)], None).expect("it can be lost");
            let changed = edit.of_text(text).expect("it can be written");
            assert!(changed.ends_with(more), "{changed}");
            let edit = declared(&changed).find(&HostName::from("a")).expect("it is lost");
            let changed = edit.of_text(&changed).expect("it can be written");
            assert!(changed.ends_with(less), "{changed}");
        }
    }

    #[test]
    fn what_comes_out_of_a_template_is_left_to_its_owner() {
        let text = "- topology:\n    kind: primary-replica\n    primary: '{{ first }}'\n    replicas: [b]\n";
        let mut topology = declared(&text.replace("'{{ first }}'", "a            "));
        let edit = topology.lose(&[HostName::from("a")], Some(&HostName::from("b"))).expect("it can be lost");
        assert_eq!(edit.of_text(text), None);
    }
}
