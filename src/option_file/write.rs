//! The text of tandem's own option file.

use super::canonical_value;

/// One option of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Canonical name.
    pub name: String,
    /// Values; the option is repeated for several.
    pub values: Vec<String>,
}

/// What tandem's own file begins with.
pub(crate) const OWNED_HEADER: &str = "# Written by tandem.";

/// The whole file. Names and values without line breaks are given; see `setting::value`. `suffix` is what the server adds to
/// the names of the groups that it reads: one of several servers of a host reads a group of its own, and the group without
/// it is read by all of them (MariaDB: mariadb@.service; MySQL: mysqld@.service).
pub(crate) fn owned_text(suffix: &str, settings: &[Setting]) -> String {
    let mut text = format!(
        "# Written by tandem. A change made here is undone by the next apply;\n\
         # change the inventory instead: mysql_settings.\n[mysqld{suffix}]\n",
    );
    for setting in settings {
        for value in &setting.values {
            // A value would be the name of the log.
            match canonical_value("log_bin", value).as_str() {
                "1" if setting.name == "log_bin" => {
                    text.push_str("log_bin\n");
                    continue;
                }
                "0" if setting.name == "log_bin" => {
                    text.push_str("skip_log_bin\n");
                    continue;
                }
                _ => text.push_str(&setting.name),
            }
            text.push_str(" = ");
            text.push_str(&quoted(value));
            text.push('\n');
        }
    }
    text
}

/// A value in quotes where it needs them.
pub(crate) fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_./:@%+-,*".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::option_file::Files;

    #[test]
    fn a_binary_log_is_not_named_on() {
        let log =
            |value: &str| owned_text("", &[Setting { name: "log_bin".into(), values: vec![value.into()] }]);
        for on in ["ON", "true", "1"] {
            assert!(log(on).ends_with("[mysqld]\nlog_bin\n"), "{}", log(on));
        }
        assert!(log("mysql-bin").ends_with("log_bin = mysql-bin\n"));
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(values in proptest::collection::vec("[ -~é\t]{0,20}", 1..4)) {
            let settings = [Setting { name: "a_b".into(), values: values.clone() }];
            let files = Files { files: vec![("f".into(), owned_text("", &settings).into_bytes())], ..Files::default() };
            let read: Vec<String> = files.occurrences(None).into_iter().filter_map(|o| o.value).collect();
            proptest::prop_assert_eq!(read, values);
        }
    }
}
