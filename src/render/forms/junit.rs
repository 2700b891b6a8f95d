//! For a pipeline.

use std::fmt::Write;

use super::cases::{Case, Outcome};
use crate::{
    model::masked,
    render::{paint::plain, picture::escaped},
};

/// A suite of cases.
pub(super) fn suite(name: &str, cases: &[Case]) -> String {
    let count = |which: fn(&Outcome) -> bool| cases.iter().filter(|case| which(&case.outcome)).count();
    let (failures, errors, skipped) = (
        count(|outcome| matches!(outcome, Outcome::Failed(..))),
        count(|outcome| matches!(outcome, Outcome::Error(_))),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
    );
    let numbers =
        format!(r#"tests="{}" failures="{failures}" errors="{errors}" skipped="{skipped}""#, cases.len());
    let name = attribute(name);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(text, r#"<testsuites name="tandem" {numbers}>"#);
    let _ = writeln!(text, r#"  <testsuite name="{name}" {numbers}>"#);
    for Case { name: of, outcome } in cases {
        let _ = write!(text, r#"    <testcase classname="{name}" name="{}""#, attribute(of));
        let _ = match outcome {
            Outcome::Passed => writeln!(text, "/>"),
            Outcome::Failed(kind, said) => {
                let first = said.first().map(String::as_str).unwrap_or_default();
                let all = content(&said.join("\n"));
                writeln!(
                    text,
                    ">\n      <failure type=\"{kind}\" message=\"{}\">{all}</failure>\n    </testcase>",
                    attribute(first)
                )
            }
            Outcome::Error(why) => {
                writeln!(text, ">\n      <error message=\"{}\"/>\n    </testcase>", attribute(why))
            }
            Outcome::Skipped(why) => {
                writeln!(text, ">\n      <skipped message=\"{}\"/>\n    </testcase>", attribute(why))
            }
        };
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

/// In an attribute a line break as it is would become a space.
fn attribute(text: &str) -> String {
    lines(text, "&#10;")
}

fn content(text: &str) -> String {
    lines(text, "\n")
}

fn lines(text: &str, between: &str) -> String {
    masked(plain(text)).lines().map(escaped).collect::<Vec<_>>().join(between)
}
