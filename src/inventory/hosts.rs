//! Hosts as each form of inventory adds them: under which names, in which group.

use super::{Inventory, Layer, Level, address};
use crate::{
    model::{HostName, Place},
    source::{Node, Problem, Problems, Yaml},
};

/// Adds hosts to a group; the names that can't be used are reported. Gives those that are now there.
pub(super) fn add_hosts(
    names: &[String],
    port: Option<u16>,
    group: &str,
    place: &Place,
    inventory: &mut Inventory,
    problems: &mut Problems,
) -> Vec<HostName> {
    let mut added = Vec::new();
    for name in names {
        if !address::valid(name) {
            let message = format!("`{name}` can't be the name of a host");
            let label = "letters, digits and _ - . : @ only";
            problems.push(Problem::error("inventory::name", place, message, label));
            continue;
        }
        let host = HostName::new(name.as_str());
        // Ansible takes the port of a host's first mention.
        if inventory.add_host(group, &host, place)
            && let Some(port) = port
        {
            let node = Node::new(place.clone(), Yaml::Int(port.into()));
            inventory.add_host_layer(&host, Layer::one(Level::Host, "ansible_port", node));
        }
        added.push(host);
    }
    added
}
