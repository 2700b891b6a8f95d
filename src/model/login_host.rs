//! From where an account may log in.

use std::net::Ipv4Addr;

/// Whether the host part of an account is a pattern or a network that an address is in.
pub fn is_wide_for(pattern: &str, address: &str) -> bool {
    if let Some((network, mask)) = pattern.split_once('/') {
        let bits = |text: &str| text.parse::<Ipv4Addr>().ok().map(u32::from);
        let mask = bits(mask).or_else(|| {
            mask.parse()
                .ok()
                .filter(|n| *n <= 32)
                .map(|n: u32| u32::MAX.checked_shl(32 - n).unwrap_or_default())
        });
        return match (bits(network), mask, bits(address)) {
            (Some(network), Some(mask), Some(address)) => address & mask == network,
            _ => false,
        };
    }
    pattern.contains(['%', '_']) && like(pattern, address)
}

/// SQL's `LIKE`, for the host parts of accounts. Whoever makes accounts writes patterns, so it takes no longer than the product
/// of both lengths.
pub fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut to) = (0, 0);
    // The last `%`, and how much of the text it takes so far.
    let mut any: Option<(usize, usize)> = None;
    while to < text.len() {
        match (pattern.get(at), any) {
            (Some('%'), _) => {
                any = Some((at, to));
                at += 1;
            }
            (Some(p), _) if *p == '_' || *p == text[to] => (at, to) = (at + 1, to + 1),
            (_, Some((percent, taken))) => {
                any = Some((percent, taken + 1));
                (at, to) = (percent + 1, taken + 1);
            }
            _ => return false,
        }
    }
    pattern[at..].iter().all(|p| *p == '%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_parts_fit_addresses() {
        for (pattern, address, fits) in [
            ("%", "10.0.0.1", true),
            ("10.0.%", "10.0.0.1", true),
            ("10.1.%", "10.0.0.1", false),
            ("10.0.0._", "10.0.0.1", true),
            ("10.0.0._", "10.0.0.12", false),
            ("%.0.%1", "10.0.0.11", true),
            ("%", "", true),
            ("_", "", false),
            ("%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%x", "10.100.100.100.100.100.100.100.100.100", false),
        ] {
            assert_eq!(like(pattern, address), fits, "{pattern} {address}");
        }
    }

    #[test]
    fn networks_have_addresses() {
        for (pattern, fits) in [
            ("10.0.0.0/255.255.255.0", true),
            ("10.0.0.0/24", true),
            ("0.0.0.0/0", true),
            ("10.0.1.0/255.255.255.0", false),
            ("10.0.0.7", false),
            ("10.0.0.0/x", false),
            ("%", true),
        ] {
            assert_eq!(is_wide_for(pattern, "10.0.0.7"), fits, "{pattern}");
        }
    }
}
