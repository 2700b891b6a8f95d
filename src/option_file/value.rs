//! Values of server variables in one spelling, so that `1G` and `1073741824` are equal.

use crate::dialect::literal;

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
pub(crate) fn canonical_value(variable: &str, value: &str) -> String {
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
pub(crate) fn same_value(variable: &str, a: &str, b: &str) -> bool {
    canonical_value(variable, a) == canonical_value(variable, b)
}

/// What stands for a variable's built-in value in `SET GLOBAL`.
pub(crate) const DEFAULT: &str = "DEFAULT";

/// Numbers without quotes, everything else as a text: the server takes `'ON'` for a boolean.
pub(crate) fn value_in_sql(name: &str, value: &str) -> String {
    if value == DEFAULT {
        return value.to_owned();
    }
    let canonical = canonical_value(name, value);
    let number =
        !canonical.is_empty() && canonical.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    let boolean =
        matches!(value.to_ascii_uppercase().as_str(), "ON" | "OFF" | "TRUE" | "FALSE" | "YES" | "NO");
    if number && !boolean { canonical } else { literal(value) }
}

/// Whether a server that reports this has not taken the value at all, and not only rounded it or spelled it out: the other
/// one of two booleans, another file, another character set.
pub(crate) fn plainly_other(variable: &str, given: &str, reported: &str) -> bool {
    let (a, b) = (canonical_value(variable, given), canonical_value(variable, reported));
    if a == b {
        return false;
    }
    let boolean = |text: &str| matches!(text, "0" | "1");
    let charset = |text: &str| match text.strip_prefix("utf8mb3").or(text.strip_prefix("utf8mb4")) {
        Some(rest) => format!("utf8{rest}"),
        None => text.to_owned(),
    };
    let number = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    if boolean(&a) && boolean(&b) {
        return matches!(reported, "ON" | "OFF");
    }
    if variable.starts_with("character_set_") || variable.starts_with("collation_") {
        // `utf8` is another one from version to version, and collations have names without one.
        let of = |text: &str| text.split('_').next().unwrap_or_default().to_owned();
        let (a, b) = (of(&a), of(&b));
        let open = number(&a) || a.starts_with("uca") || a == "default";
        return !open && a != b && !(a == "utf8" && charset(&b) == a);
    }
    let stem = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
    };
    a.starts_with('/') && b.starts_with('/') && !a.contains([':', ';', ',']) && stem(&a) != stem(&b)
}

/// Options that take one value for each mention.
pub(crate) fn takes_several(name: &str) -> bool {
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

/// What stands between the parts of a value that is a list; nothing where an option file has a line for each.
pub(crate) fn list_separator(name: &str) -> Option<&'static str> {
    match name {
        "plugin_load_add" | "replicate_rewrite_db" | "performance_schema_instrument" => None,
        _ if takes_several(name) => None,
        "tmpdir" | "slave_load_tmpdir" | "replica_load_tmpdir" => Some(":"),
        "plugin_load" | "early_plugin_load" | "innodb_data_file_path" | "innodb_temp_data_file_path" => {
            Some(";")
        }
        _ => Some(","),
    }
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
    // `1e1`; what ends with the letter is a size.
    if factor == 1 && text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('e') {
        let number: f64 = digits.parse().ok()?;
        return number.is_finite().then(|| number.to_string());
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
            ("innodb_max_dirty_pages_pct_lwm", "1e1", "10.000000"),
            ("max_connections", "0151", "151"),
        ] {
            assert!(same_value(variable, a, b), "{variable}: {a} {b}");
        }
        assert!(!same_value("server_id", "1", "2"));
        assert!(!same_value("innodb_buffer_pool_size", "1G", "1M"));
    }

    #[test]
    fn what_was_not_taken_is_no_other_spelling() {
        for (variable, given, reported, other) in [
            ("innodb_use_native_aio", "ON", "OFF", true),
            ("innodb_use_native_aio", "1", "OFF", true),
            ("concurrent_insert", "1", "AUTO", false),
            ("completion_type", "2", "RELEASE", false),
            ("key_buffer_size", "1", "0", false),
            ("pid_file", "/run/a.pid", "/run/b.pid", true),
            ("slow_query_log_file", "/var/log/slow", "/var/log/slow.log", false),
            ("secure_file_priv", "/var/run/x/", "/run/x", false),
            ("tmpdir", "/a:/b", "/c", false),
            ("character_set_server", "utf8", "utf8mb3", false),
            ("character_set_server", "utf8mb4", "latin1", true),
            ("character_set_server", "utf8mb4", "utf8mb3", true),
            ("collation_server", "utf8_bin", "utf8mb3_bin", false),
            ("collation_server", "uca1400_ai_ci", "utf8mb4_uca1400_ai_ci", false),
            ("collation_server", "utf8mb4_bin", "latin1_bin", true),
            ("collation_server", "45", "utf8mb4_general_ci", false),
            ("max_connections", "5000", "214", false),
        ] {
            assert_eq!(
                super::plainly_other(variable, given, reported),
                other,
                "{variable} {given} {reported}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_one_spelling(text in ".{0,30}") {
            let once = super::canonical_value("x", &text);
            proptest::prop_assert_eq!(super::canonical_value("x", &once), once);
        }
    }
}
