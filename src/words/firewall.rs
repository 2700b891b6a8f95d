//! Packet filters.

use crate::plan::FirewallRefused;

/// Why the packet filter is not changed, and what to do.
pub(super) fn refused(why: &FirewallRefused) -> String {
    match why {
        FirewallRefused::OtherBackend { declared, found } => {
            let instead = match found {
                Some(found) => format!("{} rules the packet filter of this host", found.word()),
                None => "it is not installed on this host".to_owned(),
            };
            format!("firewall_backend is {}, but {instead}. Leave it at auto.", declared.word())
        }
        FirewallRefused::Missing => {
            "firewall_deny_others is wished, but neither nftables nor iptables is installed.".to_owned()
        }
        FirewallRefused::Name { text } => format!(
            "`{text}` is neither an address nor a network such as 10.0.0.0/8; a packet filter takes no names. Set \
             replication_address (or firewall_allow) to an address."
        ),
    }
}
