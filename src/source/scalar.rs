//! What a plain scalar stands for: YAML 1.1 as Ansible's loader reads it, so that both make the same of a file.

use super::Yaml;

/// The value of a scalar that is written without quotes.
pub(super) fn plain(text: &str) -> Yaml {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Yaml::Null,
        _ => {}
    }
    if let Some(value) = boolean(text) {
        return Yaml::Bool(value);
    }
    if let Some(value) = integer(text) {
        return Yaml::Int(value);
    }
    if let Some(value) = float(text) {
        return Yaml::Float(value);
    }
    Yaml::Text(text.to_owned())
}

/// A boolean in one of Ansible's words. `y` and `n` are text.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// A whole number: decimal, `0b`, `0x`, with a leading 0 octal, or in base 60 such as `12:30`.
/// `08` is none of them, and text. So is a number that no server variable could hold.
pub(super) fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let plain = |digits: &str| digits.replace('_', "");
    let of = |allowed: &dyn Fn(u8) -> bool, digits: &str, radix: u32| {
        let fits = !digits.is_empty() && digits.bytes().all(|b| b == b'_' || allowed(b));
        fits.then(|| i128::from_str_radix(&plain(digits), radix).ok()).flatten().map(|n| sign * n)
    };
    if let Some(rest) = digits.strip_prefix("0b") {
        return of(&|b| matches!(b, b'0' | b'1'), rest, 2);
    }
    if let Some(rest) = digits.strip_prefix("0x") {
        return of(&|b| b.is_ascii_hexdigit(), rest, 16);
    }
    if digits == "0" {
        return Some(0);
    }
    if let Some(rest) = digits.strip_prefix('0') {
        return of(&|b| matches!(b, b'0'..=b'7'), rest, 8);
    }
    if !digits.starts_with(|c: char| matches!(c, '1'..='9')) {
        return None;
    }
    let mut parts = digits.split(':');
    let mut total = parts.next().and_then(|first| of(&|b| b.is_ascii_digit(), first, 10))? * sign;
    for part in parts {
        let two = matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
        let value: i128 = part.parse().ok().filter(|_| two)?;
        total = total.checked_mul(60)?.checked_add(value)?;
    }
    Some(sign * total)
}

/// A number with a point, `.inf` or `.nan`. `8e12` has no point, and is text.
fn float(text: &str) -> Option<f64> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        _ => {}
    }
    let signed = text.starts_with(['-', '+']);
    let digits = if signed { &text[1..] } else { text };
    let (whole, rest) = digits.split_once('.')?;
    let (part, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let begins = if whole.is_empty() {
        !signed && part.starts_with(|c: char| c.is_ascii_digit())
    } else {
        whole.starts_with(|c: char| c.is_ascii_digit())
    };
    let power = exponent.is_none_or(|e| {
        e.starts_with(['-', '+']) && e.len() > 1 && e[1..].bytes().all(|b| b.is_ascii_digit())
    });
    if !begins || !number(whole) || !number(part) || !power {
        return None;
    }
    text.replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_what_ansible_reads() {
        for (text, value) in [
            ("yes", Yaml::Bool(true)),
            ("Off", Yaml::Bool(false)),
            ("y", Yaml::Text("y".into())),
            ("n", Yaml::Text("n".into())),
            ("08154711", Yaml::Text("08154711".into())),
            ("8e12", Yaml::Text("8e12".into())),
            ("0755", Yaml::Int(493)),
            ("0o755", Yaml::Text("0o755".into())),
            ("1_000", Yaml::Int(1000)),
            ("12:30:45", Yaml::Int(45045)),
            ("-12:30", Yaml::Int(-750)),
            ("12:60", Yaml::Text("12:60".into())),
            ("18446744073709547520", Yaml::Int(18_446_744_073_709_547_520)),
            ("0x1F", Yaml::Int(31)),
            ("1.", Yaml::Float(1.0)),
            (".5", Yaml::Float(0.5)),
            ("1.5e+3", Yaml::Float(1500.0)),
            ("1.5e3", Yaml::Text("1.5e3".into())),
            ("10.0.0.1", Yaml::Text("10.0.0.1".into())),
            ("-.inf", Yaml::Float(f64::NEG_INFINITY)),
            ("-", Yaml::Text("-".into())),
            ("", Yaml::Null),
            ("NULL", Yaml::Null),
        ] {
            assert_eq!(plain(text), value, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_scalar_has_a_value(text in "[-+0-9a-fx_:.e]{0,12}") {
            let _ = plain(&text);
        }
    }
}
