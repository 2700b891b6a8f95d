//! Values of server variables in one spelling, so that `1G` and `1073741824` are equal.

/// Variables whose value is a set of words, where order means nothing.
const SETS: &[&str] = &[
    "sql_mode",
    "log_output",
    "optimizer_switch",
    "slave_skip_errors",
    "replica_skip_errors",
    "tls_version",
    "slave_type_conversions",
    "replica_type_conversions",
    "myisam_recover_options",
    "slave_transaction_retry_errors",
];

/// One spelling of a value.
///
/// Sizes become numbers of bytes, booleans `ON` or `OFF` where the running value is one of these,
/// addresses that mean "all" become `*`, and sets are sorted.
pub fn canonical_value(variable: &str, value: &str) -> String {
    let value = value.trim();
    let lower = value.to_ascii_lowercase();
    if SETS.contains(&variable) {
        let mut words: Vec<&str> = lower.split(',').map(str::trim).filter(|w| !w.is_empty()).collect();
        words.sort_unstable();
        return words.join(",");
    }
    if variable == "bind_address" && matches!(value, "*" | "::" | "0.0.0.0" | "") {
        return "*".into();
    }
    if let Some(number) = size(&lower) {
        return number;
    }
    match lower.as_str() {
        "on" | "true" | "yes" => return "1".into(),
        "off" | "false" | "no" => return "0".into(),
        _ => {}
    }
    if value.starts_with('/') {
        let path = value.trim_end_matches('/');
        return if path.is_empty() { "/".into() } else { path.to_owned() };
    }
    lower
}

/// Whether two spellings mean the same value of a variable.
pub fn same_value(variable: &str, a: &str, b: &str) -> bool {
    canonical_value(variable, a) == canonical_value(variable, b)
}

/// Options that take one value for each mention.
pub fn takes_several(name: &str) -> bool {
    let name = name.split_once('.').map_or(name, |(_, option)| option);
    matches!(name, "binlog_do_db" | "binlog_ignore_db")
        || matches!(
            name,
            "replicate_do_db"
                | "replicate_ignore_db"
                | "replicate_do_table"
                | "replicate_ignore_table"
                | "replicate_wild_do_table"
                | "replicate_wild_ignore_table"
        )
}

/// A number with a suffix of powers of 1024, or a decimal number without its trailing zeros.
fn size(text: &str) -> Option<String> {
    let (digits, factor): (&str, u128) = match text.char_indices().last()? {
        (n, 'k') => (&text[..n], 1 << 10),
        (n, 'm') => (&text[..n], 1 << 20),
        (n, 'g') => (&text[..n], 1 << 30),
        (n, 't') => (&text[..n], 1 << 40),
        (n, 'p') => (&text[..n], 1 << 50),
        (n, 'e') => (&text[..n], 1 << 60),
        _ => (text, 1),
    };
    if let Ok(number) = digits.parse::<i128>() {
        return number.checked_mul(factor as i128).map(|n| n.to_string());
    }
    if factor == 1 && digits.contains('.') && digits.chars().all(|c| c.is_ascii_digit() || c == '.') {
        let number: f64 = digits.parse().ok()?;
        return Some(number.to_string());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::same_value;

    #[test]
    fn spellings_of_one_value() {
        for (variable, a, b) in [
            ("innodb_buffer_pool_size", "1G", "1073741824"),
            ("read_only", "ON", "1"),
            ("gtid_strict_mode", "true", "ON"),
            ("sql_mode", "STRICT_TRANS_TABLES,NO_ZERO_DATE", "no_zero_date, strict_trans_tables"),
            ("binlog_format", "row", "ROW"),
            ("bind_address", "*", "0.0.0.0"),
            ("tmpdir", "/tmp/", "/tmp"),
            ("long_query_time", "10", "10.000000"),
            ("max_connections", "0151", "151"),
        ] {
            assert!(same_value(variable, a, b), "{variable}: {a} {b}");
        }
        assert!(!same_value("server_id", "1", "2"));
        assert!(!same_value("innodb_buffer_pool_size", "1G", "1M"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_one_spelling(text in ".{0,30}") {
            let once = super::canonical_value("x", &text);
            proptest::prop_assert_eq!(super::canonical_value("x", &once), once);
        }
    }
}
