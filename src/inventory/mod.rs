//! The Ansible-shaped inventory: hosts, groups, ranges, variables with their places, connections.
