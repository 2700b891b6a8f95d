//! Filters of texts and paths.

use std::{collections::BTreeMap, io};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use minijinja::{Environment, Error, Value};
use regex::Regex;
use serde::Serialize;
use serde_json::{
    Value as Json,
    ser::{Formatter, PrettyFormatter, Serializer},
};
use sha2::Digest;

use super::{both, failed, json};

pub(super) fn add(environment: &mut Environment<'static>) {
    both(environment, "human_to_bytes", human_to_bytes);
    both(environment, "basename", |path: String| path.rsplit('/').next().unwrap_or_default().to_owned());
    both(environment, "dirname", |path: String| {
        path.rsplit_once('/')
            .map_or_else(String::new, |(head, _)| if head.is_empty() { "/".into() } else { head.to_owned() })
    });
    both(environment, "b64encode", |text: String| BASE64.encode(text));
    both(environment, "b64decode", |text: String| unbase64(&text));
    both(environment, "hash", hash);
    both(environment, "sha1", |text: String| hash(text, Some("sha1".into())));
    both(environment, "quote", |text: String| {
        shlex::try_quote(&text).map(|quoted| quoted.into_owned()).map_err(|e| failed(e.to_string()))
    });
    both(environment, "regex_replace", regex_replace);
    both(environment, "regex_search", |text: String, pattern: String| -> Result<Value, Error> {
        Ok(regex(&pattern)?.find(&text).map_or(Value::from(()), |found| found.as_str().into()))
    });
    both(environment, "regex_findall", |text: String, pattern: String| -> Result<Vec<String>, Error> {
        let regex = regex(&pattern)?;
        Ok(regex
            .captures_iter(&text)
            .filter_map(|c| c.get(1).or(c.get(0)).map(|m| m.as_str().to_owned()))
            .collect())
    });
    both(environment, "regex_escape", |text: String| regex::escape(&text));
    both(environment, "from_json", |text: String| -> Result<Value, Error> {
        let json: Json = serde_json::from_str(&text).map_err(|_| failed("the text is not JSON".into()))?;
        Ok(Value::from(minijinja::value::Serde(json)))
    });
    both(environment, "to_json", |value: Value| json_text(&value, false));
    both(environment, "to_nice_json", |value: Value| json_text(&value, true));
}

/// JSON as Python writes it: a blank behind every colon and comma; nice is sorted and four blanks deep.
fn json_text(value: &Value, nice: bool) -> Result<String, Error> {
    let value = json(value)?;
    let mut text = Vec::new();
    let written = if nice {
        let formatter = PrettyFormatter::with_indent(b"    ");
        sorted(&value).serialize(&mut Serializer::with_formatter(&mut text, formatter))
    } else {
        value.serialize(&mut Serializer::with_formatter(&mut text, Spaced))
    };
    written.map_err(|e| failed(e.to_string()))?;
    String::from_utf8(text).map_err(|e| failed(e.to_string()))
}

fn sorted(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let ordered: BTreeMap<&String, Json> =
                map.iter().map(|(key, value)| (key, sorted(value))).collect();
            Json::Object(ordered.into_iter().map(|(key, value)| (key.clone(), value)).collect())
        }
        Json::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: io::Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}

/// `10 MB`, `1.5G`, `512`: powers of 1024, as Ansible counts.
fn human_to_bytes(text: String) -> Result<u64, Error> {
    let text = text.trim();
    let wrong = || failed(format!("`{text}` is not a size in bytes"));
    let at = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let unit = unit.trim().to_ascii_uppercase();
    let power = match unit.trim_end_matches("BYTES").trim_end_matches("BYTE").trim_end_matches('B') {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        "P" => 5,
        _ => return Err(wrong()),
    };
    Ok((number * 1024f64.powi(power)).round() as u64)
}

fn hash(text: String, kind: Option<String>) -> Result<String, Error> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match kind.as_deref().unwrap_or("sha1") {
        "sha1" => Ok(hex(&sha1::Sha1::digest(text.as_bytes()))),
        "sha256" => Ok(hex(&sha2::Sha256::digest(text.as_bytes()))),
        "sha512" => Ok(hex(&sha2::Sha512::digest(text.as_bytes()))),
        other => Err(failed(format!("`hash('{other}')` is not supported; sha1, sha256 and sha512 are"))),
    }
}

/// A regular expression of Python, without what only Python has.
pub(super) fn regex(pattern: &str) -> Result<Regex, Error> {
    Regex::new(pattern)
        .map_err(|_| failed(format!("`{pattern}` is not a regular expression that can be used here")))
}

fn regex_replace(text: String, pattern: Option<String>, with: Option<String>) -> Result<String, Error> {
    // Python writes `\1` and `\g<1>` for what a group has matched.
    let with = with.unwrap_or_default().replace('$', "$$");
    let groups = regex(r"\\(?:(\d)|g<(\w+)>)")?;
    let with = groups.replace_all(&with, |found: &regex::Captures<'_>| {
        let name = found.get(1).or(found.get(2)).map_or("0", |group| group.as_str());
        format!("${{{name}}}")
    });
    Ok(regex(&pattern.unwrap_or_default())?.replace_all(&text, with.as_ref()).into_owned())
}

fn unbase64(text: &str) -> Result<String, Error> {
    let wrong = |_| failed("the text is not base64".into());
    // As Python does it: blanks and line breaks in it mean nothing.
    let text: String = text.split_ascii_whitespace().collect();
    let bytes = BASE64.decode(text).map_err(wrong)?;
    String::from_utf8(bytes).map_err(|_| failed("what the base64 stands for is no text".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_goes_both_ways() {
        for text in ["", "a", "ab", "abc", "abcd", "grün"] {
            assert_eq!(unbase64(&BASE64.encode(text)).ok().as_deref(), Some(text));
        }
        assert_eq!(BASE64.encode("abcd"), "YWJjZA==");
    }
}
