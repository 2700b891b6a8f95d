//! SARIF 2.1.0 for mistakes in files: an editor or a forge shows them beside their lines.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    source::{Problem, Severity},
    words::codes::meanings,
};

/// The whole document.
pub(crate) fn sarif(problems: &[Problem]) -> Value {
    let codes: BTreeSet<&str> = problems.iter().map(|problem| problem.code).collect();
    let rules: Vec<Value> = codes.iter().map(|code| rule(code)).collect();
    let results: Vec<Value> = problems.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "tandem",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &str) -> Value {
    match meanings(code).first() {
        Some((_, known)) => json!({"id": code, "shortDescription": {"text": known.means}}),
        None => json!({"id": code}),
    }
}

fn result(problem: &Problem) -> Value {
    let level = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let text = match &problem.help {
        Some(help) => format!("{}. {help}", problem.message),
        None => format!("{}.", problem.message),
    };
    let mut location = json!({"artifactLocation": {"uri": uri(&problem.place.file)}});
    if problem.place.line > 0 {
        let mut region = json!({"startLine": problem.place.line});
        if problem.place.column > 0 {
            region["startColumn"] = problem.place.column.into();
        }
        location["region"] = region;
    }
    json!({
        "ruleId": problem.code,
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
    })
}

/// A path as a relative reference (RFC 3986): a forge looks for it in the repository.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Place;

    #[test]
    fn a_mistake_has_its_rule_its_file_and_its_line() {
        let place = Place { line: 3, column: 5, ..Place::file("./a dir/hosts.yml") };
        let document = sarif(&[Problem::error("file::unknown-key", &place, "there is no key `x`", "")]);
        let run = &document["runs"][0];
        let at = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(run["results"][0]["ruleId"], run["tool"]["driver"]["rules"][0]["id"]);
        assert_eq!(at["artifactLocation"]["uri"], "a%20dir/hosts.yml");
        assert_eq!((&at["region"]["startLine"], &at["region"]["startColumn"]), (&3.into(), &5.into()));
        assert!(run["tool"]["driver"]["rules"][0]["shortDescription"]["text"].is_string());
    }
}
