//! Addresses and networks as a packet filter takes them.

use std::{fmt, net::IpAddr, str::FromStr};

/// An address or a network. Only what parses becomes one, so none can carry shell or filter words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// A text that is no address and no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an address nor a network such as 10.0.0.0/8; a packet filter takes no names")]
pub struct NotANetwork(String);

impl Network {
    /// Whether it is of IPv6.
    pub fn is_v6(&self) -> bool {
        self.address.is_ipv6()
    }

    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |ip: IpAddr| match ip {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 32),
            IpAddr::V6(v6) => (u128::from(v6), 128),
        };
        let ((own, width), (other, other_width)) = (bits(self.address), bits(address));
        let shift = 128 - u32::from(self.prefix);
        width == other_width && (shift == 128 || own >> shift == other >> shift)
    }

    /// With the prefix always written, as `iptables-save` prints it.
    pub fn with_prefix(&self) -> String {
        format!("{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix: u8 = match prefix {
            Some(digits) => digits.parse().ok().filter(|p| *p <= width).ok_or_else(wrong)?,
            None => width,
        };
        // The host bits go away, as the filters do it.
        let address = match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(u32::from(32 - prefix)).unwrap_or(0);
                IpAddr::V4((u32::from(v4) & mask).into())
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(u32::from(128 - prefix)).unwrap_or(0);
                IpAddr::V6((u128::from(v6) & mask).into())
            }
        };
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = if self.is_v6() { 128 } else { 32 };
        if self.prefix == width { self.address.fmt(f) } else { write!(f, "{}/{}", self.address, self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_canonical() {
        let read = |t: &str| t.parse::<Network>().map(|n| n.to_string());
        assert_eq!(read("10.1.2.3/8").as_deref(), Ok("10.0.0.0/8"));
        assert_eq!(read("10.1.2.3/32").as_deref(), Ok("10.1.2.3"));
        assert_eq!(read("fd00::1/0").as_deref(), Ok("::/0"));
        for wrong in ["", "db-a", "10.0.0.1;id", "10.0.0.0/33", "$(id)", "-x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let net: Network = "10.77.0.0/24".parse().expect("a network");
        assert!(net.contains("10.77.0.9".parse().expect("an address")));
        assert!(!net.contains("10.78.0.9".parse().expect("an address")));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_or_refused(text in "[0-9a-f:./ -]{0,24}") {
            if let Ok(network) = text.parse::<Network>() {
                proptest::prop_assert_eq!(network.to_string().parse::<Network>(), Ok(network));
            }
        }
    }
}
