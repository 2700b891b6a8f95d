//! The tools that rule a packet filter.

use crate::model::{FirewallChoice, words};

words! {
    /// The tools that can rule a host's packet filter.
    pub enum Backend: "a packet filter" {
        /// nft.
        Nftables = "nftables",
        /// iptables and ip6tables, of either kind.
        Iptables = "iptables",
        /// firewalld.
        Firewalld = "firewalld",
        /// ufw.
        Ufw = "ufw",
    }
}

impl Backend {
    /// The one that was chosen by name, if one was.
    pub fn chosen(choice: FirewallChoice) -> Option<Self> {
        match choice {
            FirewallChoice::Nftables => Some(Backend::Nftables),
            FirewallChoice::Iptables => Some(Backend::Iptables),
            FirewallChoice::Firewalld => Some(Backend::Firewalld),
            FirewallChoice::Ufw => Some(Backend::Ufw),
            FirewallChoice::Auto | FirewallChoice::None => None,
        }
    }
}
