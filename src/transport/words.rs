//! What servers and their programs say, without the rows and statements that they repeat.
//!
//! An error that quotes a value quotes a user's data, and one about syntax quotes the statement. Numbers, names of tables,
//! columns and keys stay: they tell what went wrong.

/// What stands before a value, and what may stand behind its closing quote.
const VALUES: &[(&str, &[&str])] = &[
    // 1062, 1569, 1586
    ("uplicate entry '", &[" for key "]),
    // 1292, 1366, 1411, 1525: incorrect or truncated
    (" value: '", &[" for column ", " for function ", " at row "]),
    // 1064, 1149: the rest of the statement
    (" near '", &[" at line "]),
    // 1300
    ("character string: '", &[]),
    // 1367
    ("Illegal ", &[" value found during parsing"]),
    // 1470, and a password among the strings
    ("String '", &[" is too long for "]),
    // 1557
    ("', entry '", &[", key "]),
    // 1690: the expression with its values
    (" is out of range in '", &[]),
    // 1761, 1762
    ("', record '", &[" would lead to "]),
    // 1918
    ("illegal value '", &[" when converting "]),
    // 3854
    ("Cannot convert string '", &[" from "]),
    // A channel's error: the statement that failed
    ("Query: '", &[]),
];
/// Values without quotes.
const BARE: &[&str] = &["no partition for value "];
/// `SIGNAL`: the whole text is a routine's own.
const SIGNALLED: u32 = 1644;

/// A server's message without data.
pub(crate) fn without_data(code: u32, message: &str) -> String {
    // A worker's error stands in the text of its coordinator.
    if code == SIGNALLED || message.contains("Error_code: 1644") || message.contains("Error_code: MY-001644")
    {
        return "a trigger or a routine has signalled an error; its text can hold data and is left out"
            .to_owned();
    }
    let mut text = message.to_owned();
    for (before, behind) in VALUES {
        let Some(from) = text.find(before).map(|at| at + before.len()) else { continue };
        // A value may hold anything, also what stands behind one: the server's own words are the last.
        let end = behind.iter().filter_map(|words| text[from..].rfind(&format!("'{words}"))).max();
        let rest = end.map(|end| text[from + end..].to_owned()).unwrap_or_else(|| "'".to_owned());
        text.truncate(from);
        text.push_str("***");
        text.push_str(&rest);
    }
    for before in BARE {
        if let Some(from) = text.find(before).map(|at| at + before.len()) {
            text.truncate(from);
            text.push_str("***");
        }
    }
    text
}

/// Programs whose messages begin with their names.
const PROGRAMS: &[&str] = &[
    "mysqldump",
    "mariadb-dump",
    "mysql",
    "mariadb",
    "mysqlbinlog",
    "mariadb-binlog",
    "mariadb-backup",
    "mariabackup",
    "mbstream",
    "zstd",
    "gzip",
    "dd",
    "cat",
    "head",
    "tail",
    "sh",
    "dash",
    "bash",
    "mktemp",
    "mkdir",
    "mv",
    "cp",
    "rm",
    "sync",
    "chown",
    "chmod",
    "find",
    "sudo",
];
/// How much of a program's words is shown.
const MOST: usize = 600;

/// What programs of a copy said, line by line: their messages without data, and no line that may be a row.
pub(crate) fn program_words(text: &str) -> String {
    let mut said = String::new();
    for line in text.lines().map(str::trim).filter(|line| is_message(line)) {
        let line = without_data(number(line), line);
        if said.len() + line.len() > MOST && !said.is_empty() {
            break;
        }
        if !said.is_empty() {
            said.push_str("; ");
        }
        said.push_str(&line);
    }
    match said.is_empty() {
        true => "it gave no message of its own".to_owned(),
        false => said,
    }
}

fn is_message(line: &str) -> bool {
    let of_client = || {
        let rest = line.strip_prefix("ERROR ")?;
        rest.starts_with(|c: char| c.is_ascii_digit()).then_some(())
    };
    let of_program = || {
        let (name, _) = line.split_once(": ")?;
        let name = name.rsplit('/').next()?;
        PROGRAMS.contains(&name).then_some(())
    };
    // Scripts of ours name a place of ours first, or what is wrong with one.
    let of_ours = ["/run/tandem", "/var/lib/tandem", "other users may write to /"];
    of_client().or_else(of_program).is_some()
        || of_ours.iter().any(|words| line.starts_with(words))
        || line.contains("[ERROR]")
        || line.contains("FATAL ERROR")
}

/// The number of a client's error: `ERROR 1062 (23000) at line 5: …`.
fn number(line: &str) -> u32 {
    let digits = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().and_then(|d| d.parse().ok());
    line.strip_prefix("ERROR ").and_then(digits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_and_names_stay() {
        for (message, shown) in [
            (
                "Duplicate entry 'O'Brien' for key 'x' for key 'PRIMARY'",
                "Duplicate entry '***' for key 'PRIMARY'",
            ),
            (
                "Incorrect integer value: 'secret' for column `shop`.`t`.`c` at row 7",
                "Incorrect integer value: '***' for column `shop`.`t`.`c` at row 7",
            ),
            ("Truncated incorrect DOUBLE value: 'secret'", "Truncated incorrect DOUBLE value: '***'"),
            (
                "You have an error in your SQL syntax; check the manual for the right syntax to use near 'secret' at line 3",
                "You have an error in your SQL syntax; check the manual for the right syntax to use near '***' at line 3",
            ),
            ("Table has no partition for value 4711", "Table has no partition for value ***"),
            ("The table 't' is full", "The table 't' is full"),
            ("Data too long for column 'c' at row 1", "Data too long for column 'c' at row 1"),
            ("Unknown system variable 'gtid_mode'", "Unknown system variable 'gtid_mode'"),
            (
                "Could not execute Write_rows_v1 event on table hello.t; Duplicate entry '5' for key 'PRIMARY', Error_code: \
                 1062; handler error HA_ERR_FOUND_DUPP_KEY; the event's master log mysql-bin.000002, end_log_pos 9",
                "Could not execute Write_rows_v1 event on table hello.t; Duplicate entry '***' for key 'PRIMARY', Error_code: \
                 1062; handler error HA_ERR_FOUND_DUPP_KEY; the event's master log mysql-bin.000002, end_log_pos 9",
            ),
            (
                "Error 'Duplicate entry 'a' for key 'PRIMARY'' on query. Default database: 'd'. Query: 'insert into t values \
                 ('secret')'",
                "Error 'Duplicate entry '***' for key 'PRIMARY'' on query. Default database: 'd'. Query: '***'",
            ),
        ] {
            assert_eq!(without_data(0, message), shown);
        }
        assert!(!without_data(1644, "secret").contains("secret"));
    }

    #[test]
    fn a_program_is_heard_and_its_rows_are_not() {
        let text = "--------------\nINSERT INTO `t` VALUES (1,'secret')\n--------------\n\nERROR 1114 (HY000) at line 42: The table 't' is full\n";
        assert_eq!(program_words(text), "ERROR 1114 (HY000) at line 42: The table 't' is full");
        let text = "ERROR 1064 (42000) at line 5: You have an error in your SQL syntax near 'INSERT INTO t VALUES ('sec\nret'),\n(2)' at line 1\n/bin/zstd: error 70 : Write error\n";
        let said = program_words(text);
        assert!(said.contains("1064") && said.contains("zstd"), "{said}");
        assert!(!said.contains("sec") && !said.contains("ret'"), "{said}");
        assert_eq!(program_words("secret row\n"), "it gave no message of its own");
    }

    proptest::proptest! {
        #[test]
        fn no_value_comes_through(value in "[a-z' ]{1,20}Q[a-z' ]{0,20}") {
            for message in [
                format!("Duplicate entry '{value}' for key 'PRIMARY'"),
                format!("Incorrect date value: '{value}' for column 'c' at row 1"),
                format!("syntax to use near '{value}' at line 1"),
                format!("ERROR 1062 (23000) at line 1: Duplicate entry '{value}' for key 'x.y'"),
            ] {
                proptest::prop_assert!(!without_data(0, &message).contains('Q'));
            }
        }
    }
}
