//! ufw: one list of rules for each family, of which the first that fits decides.
//!
//! ufw takes two rules that differ in their verdict only for one, keeps the older and ends with 0; and what it adds without
//! a place turns the older one round. So ours name every source port, which no administrator does: they stand beside
//! rules of others and never take their place.

use std::collections::BTreeSet;

use super::{
    Backend, Chain, DesiredRules, Network,
    chain::{Effect, Hook, Ports},
    desired::Rules,
    state::FirewallState,
};

/// What makes a rule one of ours for ufw.
const FROM_ANY_PORT: &str = "port 1:65535";
const VERDICTS: [&str; 4] = ["ALLOW", "DENY", "REJECT", "LIMIT"];

/// Reads what `ufw status` prints.
pub(super) fn read(text: &str, state: &mut FirewallState) {
    let mut families = [("v4", Vec::new()), ("v6", Vec::new())];
    for line in text.lines() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let Some((to, from)) = sides(&line) else { continue };
        let rules = &mut families[usize::from(is_v6(&line))].1;
        if line.ends_with("# tandem") {
            state.ours_mut(Backend::Ufw).insert(line.clone());
            rules.push(Effect::Ours(line));
        } else if !from.starts_with("OUT") && !from.starts_with("FWD") {
            // One that lets in decides as well: a rule of ours behind it is never looked at.
            rules.extend(ports(to).map(|ports| Effect::MayDrop(vec![ports])));
        }
    }
    for (family, rules) in families {
        state.chains.push(Chain {
            tool: Backend::Ufw,
            place: family.to_owned(),
            hook: Hook::Input,
            drops_unknown: false,
            rules,
        });
    }
}

/// Whether a rule stands in the list of IPv6.
pub(super) fn is_v6(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default();
    line.split(' ').any(|word| word == "(v6)" || word.parse::<Network>().is_ok_and(|n| n.is_v6()))
}

/// What stands on both sides of the verdict.
fn sides(line: &str) -> Option<(&str, &str)> {
    let at = line.split(' ').find(|word| VERDICTS.contains(word))?;
    line.split_once(&format!(" {at} "))
}

/// The TCP ports that a rule is about: `3306/tcp`, `3000:4000/tcp`, `80,443/tcp`, `3306`; any for a name or an address.
fn ports(to: &str) -> Option<Ports> {
    let numbers =
        |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.parse::<Network>().is_err();
    let Some(word) = to.split(' ').find(numbers) else { return Some(Ports::Any) };
    let (list, protocol) = word.split_once('/').unwrap_or((word, "tcp"));
    if protocol != "tcp" {
        return None;
    }
    let range = |part: &str| {
        let (from, to) = part.split_once(':').unwrap_or((part, part));
        Some((from.parse().ok()?, to.parse().ok()?))
    };
    let all: Option<Vec<(u16, u16)>> = list.split(',').map(range).collect();
    Some(all.map_or(Ports::Any, Ports::Only))
}

/// The rules that a wish needs, and the commands that make them.
pub(super) fn rules(wish: &DesiredRules, chains: &[&Chain], rules: &mut Rules) -> String {
    let mut allows = String::new();
    let each = || wish.ports.iter().flat_map(|port| wish.allowed.iter().map(move |network| (port, network)));
    for (port, network) in each() {
        // A place is not one number for both families; at the top is the same for both.
        allows.push_str(&format!(
            "ufw prepend allow proto tcp from {network} {FROM_ANY_PORT} to any port {port} comment tandem >/dev/null || exit 1\n"
        ));
        rules.add(Backend::Ufw, format!("{port}/tcp ALLOW {network} 1:65535/tcp # tandem"));
    }
    let mut denies = String::new();
    for port in wish.ports.iter().filter(|_| wish.deny_others) {
        for (family, any, line) in [
            ("4", "0.0.0.0/0", format!("{port}/tcp DENY 1:65535/tcp # tandem")),
            ("6", "::/0", format!("{port}/tcp (v6) DENY 1:65535/tcp (v6) # tandem")),
        ] {
            denies.push_str(&format!(
                "deny {family} '{line}' deny proto tcp from {any} {FROM_ANY_PORT} to any port {port} comment tandem || exit 1\n"
            ));
            rules.add(Backend::Ufw, line);
        }
    }
    let needed: Vec<&String> = rules.lines.get(&Backend::Ufw).into_iter().flatten().collect();
    let late: BTreeSet<&String> =
        chains.iter().filter(|c| c.tool == Backend::Ufw).flat_map(|c| c.too_late(&wish.ports)).collect();
    let mut text = String::from(FUNCTIONS);
    if !late.is_empty() {
        let cases: String = late.iter().map(|line| format!("'{line}') take \"$number\" ;;\n")).collect();
        text.push_str(&remove(&cases));
    }
    let kept: String = needed.iter().map(|line| format!("'{line}') ;;\n")).collect();
    format!("{text}{allows}{denies}{}", remove(&format!("{kept}*) take \"$number\" ;;\n")))
}

/// Goes through the rules of ours, the last one first: the numbers of the others stay.
fn remove(cases: &str) -> String {
    format!(
        "list=$(ufw status numbered) || exit 1\n\
         printf '%s\\n' \"$list\" | ours | sort -rn | while read -r number line; do\ncase $line in\n{cases}esac\ndone || exit 1\n"
    )
}

/// `deny` puts a rule behind those that let peers in and before all others. Where it stands already, it stays.
const FUNCTIONS: &str = r#"ours() {
awk '/# tandem$/ { n = $0; sub(/^\[ */, "", n); sub(/^\[ *[0-9]+\] */, ""); gsub(/ +/, " "); sub(/ IN /, " "); print n + 0, $0 }'
}
take() {
ufw --force delete "$1" >/dev/null || exit 1
}
deny() {
list=$(ufw status numbered) || return 1
there=$(printf '%s\n' "$list" | ours | while read -r number line; do [ "$line" != "$2" ] || echo yes; done)
[ -z "$there" ] || return 0
place=$(printf '%s\n' "$list" | awk -v family="$1" '
/^\[/ { n = $0; sub(/^\[ */, "", n); n += 0; own = / ALLOW IN .*# tandem$/; rule = $0; sub(/#.*/, "", rule)
  six = rule ~ /\(v6\)|:[0-9a-fA-F]*:/
  if (six == (family == 6)) { last = n; if (!first) first = n; if (own) after = n } }
END { place = after ? after + 1 : first; if (place && place <= last) print place }')
shift 2
if [ -n "$place" ]; then ufw insert "$place" "$@" >/dev/null; else ufw "$@" >/dev/null; fi
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Status: active\n\n\
        To                         Action      From\n\
        --                         ------      ----\n\
        3306/tcp                   ALLOW       10.77.0.12 1:65535/tcp     # tandem\n\
        22/tcp                     ALLOW       Anywhere                  \n\
        53/udp                     DENY        Anywhere                  \n\
        3306/tcp                   ALLOW       Anywhere                  \n\
        3306/tcp                   DENY        1:65535/tcp                # tandem\n\
        3306/tcp                   ALLOW       fd77::12 1:65535/tcp       # tandem\n\
        Anywhere (v6)              ALLOW OUT   Anywhere (v6) on lo\n\
        3306/tcp (v6)              DENY        1:65535/tcp (v6)           # tandem\n";

    #[test]
    fn rules_behind_those_of_others_come_too_late() {
        let mut state = FirewallState::default();
        read(STATUS, &mut state);
        let (ours, other) = ([3306].into(), [3307].into());
        let late: Vec<&String> = state.chains.iter().flat_map(|c| c.too_late(&ours)).collect();
        assert_eq!(late, ["3306/tcp DENY 1:65535/tcp # tandem"]);
        assert_eq!(state.chains.iter().flat_map(|c| c.too_late(&other)).count(), 0);
        assert_eq!(state.ours[&Backend::Ufw].len(), 4);
    }

    #[test]
    fn the_ports_of_a_rule_are_read() {
        let only = |list: &[(u16, u16)]| Some(Ports::Only(list.to_vec()));
        assert_eq!(ports("3306/tcp"), only(&[(3306, 3306)]));
        assert_eq!(ports("10.0.0.1 3000:4000/tcp"), only(&[(3000, 4000)]));
        assert_eq!(ports("80,443/tcp (v6)"), only(&[(80, 80), (443, 443)]));
        assert_eq!(ports("53/udp"), None);
        for any in ["Anywhere", "MySQL", "10.0.0.1", "Anywhere on eth0"] {
            assert_eq!(ports(any), Some(Ports::Any), "{any}");
        }
    }
}
