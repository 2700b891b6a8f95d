//! Two groups that give a host two values, where nothing but their names decides which one wins.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Inventory, Layer, Level};
use crate::{
    model::{HostName, Place},
    source::{Node, Problem, Problems},
};

/// One value that wins over another by the name of its group.
struct Conflict {
    name: String,
    winner: Place,
    loser: Place,
    groups: (String, String),
}

/// A conflict with the first of its hosts, and how many more it is about.
type Seen<'a> = (&'a Conflict, &'a HostName, usize);

/// Warns of each conflict once, with the first of the hosts that it is about.
pub(super) fn warn(inventory: &Inventory, problems: &mut Problems) {
    // Hosts of the same groups have the same conflicts.
    let mut known: HashMap<Vec<*const Layer>, usize> = HashMap::new();
    let mut found: Vec<Vec<Conflict>> = Vec::new();
    let mut hosts: Vec<(&HostName, usize, Vec<Arc<Layer>>)> = Vec::new();
    for host in inventory.hosts.keys() {
        let variables = inventory.variables(host);
        let (of_groups, others): (Vec<&Arc<Layer>>, Vec<&Arc<Layer>>) =
            variables.layers().iter().partition(|layer| layer.level < Level::Host);
        let key: Vec<*const Layer> = of_groups.iter().map(|layer| Arc::as_ptr(layer)).collect();
        let at = *known.entry(key).or_insert_with(|| {
            found.push(conflicts(&of_groups));
            found.len() - 1
        });
        if !found[at].is_empty() {
            hosts.push((host, at, others.into_iter().cloned().collect()));
        }
    }
    let mut seen: BTreeMap<(&Place, &Place), Seen<'_>> = BTreeMap::new();
    for (host, at, others) in &hosts {
        let settled = |conflict: &&Conflict| others.iter().any(|layer| layer.get(&conflict.name).is_some());
        for conflict in found[*at].iter().filter(|conflict| !settled(conflict)) {
            let entry = seen.entry((&conflict.winner, &conflict.loser));
            entry.and_modify(|(_, _, more)| *more += 1).or_insert((conflict, host, 0));
        }
    }
    seen.into_values().for_each(|seen| problems.push(problem(seen)));
}

fn problem((conflict, host, more): Seen<'_>) -> Problem {
    let more = match more {
        0 => String::new(),
        1 => " and 1 more host".to_owned(),
        n => format!(" and {n} more hosts"),
    };
    let (name, (one, two)) = (&conflict.name, &conflict.groups);
    let message = format!("`{name}` of {host}{more} has two values, from the groups `{one}` and `{two}`");
    Problem::warning("inventory::conflict", &conflict.winner, message, "this one wins, by the group's name")
        .see(&conflict.loser, "this one loses")
        .help("Give the value to the host, or to one of the groups only.")
}

/// What the names of groups decide in these layers, which are in order.
fn conflicts(layers: &[&Arc<Layer>]) -> Vec<Conflict> {
    let mut last: HashMap<&str, (&Layer, &Node)> = HashMap::new();
    let mut decided: BTreeMap<&str, Conflict> = BTreeMap::new();
    for layer in layers {
        for (name, node) in layer.iter() {
            let before = last.insert(name, (layer.as_ref(), node));
            match before.and_then(|before| by_name(name, before, (layer.as_ref(), node))) {
                Some(conflict) => {
                    decided.insert(name, conflict);
                }
                None => {
                    decided.remove(name);
                }
            }
        }
    }
    decided.into_values().collect()
}

fn by_name(name: &str, loser: (&Layer, &Node), winner: (&Layer, &Node)) -> Option<Conflict> {
    let (one, two) = (loser.0.level.group()?, winner.0.level.group()?);
    let same_kind = std::mem::discriminant(&loser.0.level) == std::mem::discriminant(&winner.0.level);
    let alike = same_kind && one.depth == two.depth && one.priority == two.priority;
    (alike && one.name != two.name && loser.1.value != winner.1.value).then(|| Conflict {
        name: name.to_owned(),
        winner: winner.1.place.clone(),
        loser: loser.1.place.clone(),
        groups: (one.name.clone(), two.name.clone()),
    })
}
