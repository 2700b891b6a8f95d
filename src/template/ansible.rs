//! Ansible's filters and tests, as far as inventories use them. What is missing fails by its name.

use std::{collections::BTreeMap, io};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Kwargs, Rest, ValueKind},
};
use regex::Regex;
use serde::Serialize;
use serde_json::{
    Value as Json,
    ser::{Formatter, PrettyFormatter, Serializer},
};
use sha2::Digest;

/// Adds them, also under their full names.
pub(super) fn add(environment: &mut Environment<'static>) {
    fn both<F, Rv, Args>(environment: &mut Environment<'static>, name: &'static str, filter: F)
    where
        F: minijinja::functions::Function<Rv, Args> + Clone,
        Rv: minijinja::value::FunctionResult,
        Args: for<'a> minijinja::value::FunctionArgs<'a>,
    {
        environment.add_filter(name, filter.clone());
        environment.add_filter(format!("ansible.builtin.{name}"), filter);
    }
    both(environment, "difference", |a: Vec<Value>, b: Vec<Value>| -> Vec<Value> {
        unique(a.into_iter().filter(|v| !b.contains(v)).collect())
    });
    both(environment, "intersect", |a: Vec<Value>, b: Vec<Value>| -> Vec<Value> {
        unique(a.into_iter().filter(|v| b.contains(v)).collect())
    });
    both(environment, "union", |a: Vec<Value>, b: Vec<Value>| -> Vec<Value> {
        unique(a.into_iter().chain(b).collect())
    });
    both(environment, "symmetric_difference", |a: Vec<Value>, b: Vec<Value>| -> Vec<Value> {
        let only =
            |x: &[Value], y: &[Value]| x.iter().filter(|v| !y.contains(v)).cloned().collect::<Vec<_>>();
        unique(only(&a, &b).into_iter().chain(only(&b, &a)).collect())
    });
    both(environment, "flatten", |list: Vec<Value>, levels: Option<usize>, options: Kwargs| {
        let levels = levels.or(options.get::<Option<usize>>("levels")?).unwrap_or(64);
        options.assert_all_used()?;
        Ok::<_, Error>(flatten(list, levels))
    });
    both(environment, "extract", |key: Value, from: Value, further: Option<Value>| -> Result<Value, Error> {
        let further: Vec<Value> = match further {
            Some(keys) if keys.kind() == ValueKind::Seq => keys.try_iter()?.collect(),
            one => one.into_iter().collect(),
        };
        further.iter().try_fold(from.get_item(&key)?, |value, key| value.get_item(key))
    });
    both(environment, "product", |a: Vec<Value>, b: Vec<Value>| -> Vec<Value> {
        a.iter().flat_map(|a| b.iter().map(|b| Value::from(vec![a.clone(), b.clone()]))).collect()
    });
    both(environment, "human_to_bytes", human_to_bytes);
    both(environment, "ternary", |value: Value, yes: Value, no: Value, none: Option<Value>| match none {
        Some(none) if value.is_none() => none,
        _ if value.is_true() => yes,
        _ => no,
    });
    both(environment, "mandatory", |value: Value, message: Option<String>| -> Result<Value, Error> {
        match value.is_undefined() {
            true => Err(failed(message.unwrap_or_else(|| "a mandatory variable is not defined".into()))),
            false => Ok(value),
        }
    });
    both(environment, "bool", |value: Value| truth(&value));
    both(environment, "combine", combine);
    both(environment, "dict2items", dict2items);
    both(environment, "items2dict", items2dict);
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
    add_tests(environment);
    add_lookups(environment);
}

fn add_tests(environment: &mut Environment<'static>) {
    for name in ["match", "search", "regex"] {
        environment.add_test(name, move |text: String, pattern: String| -> Result<bool, Error> {
            let found = regex(&pattern)?.find(&text).map(|m| m.start());
            Ok(if name == "match" { found == Some(0) } else { found.is_some() })
        });
    }
    for name in ["subset", "issubset"] {
        environment.add_test(name, |a: Vec<Value>, b: Vec<Value>| a.iter().all(|v| b.contains(v)));
    }
    for name in ["superset", "issuperset"] {
        environment.add_test(name, |a: Vec<Value>, b: Vec<Value>| b.iter().all(|v| a.contains(v)));
    }
    for name in ["contains"] {
        environment.add_test(name, |a: Vec<Value>, b: Value| a.contains(&b));
    }
    for name in ["version", "version_compare"] {
        environment.add_test(name, version);
    }
    environment.add_test("truthy", |value: Value| value.is_true());
    environment.add_test("falsy", |value: Value| !value.is_true());
}

fn add_lookups(environment: &mut Environment<'static>) {
    for name in ["lookup", "query", "q"] {
        environment.add_function(
            name,
            move |state: &State, kind: String, terms: Rest<Value>, options: Kwargs| {
                lookup(state, &kind, &terms, &options, name == "lookup")
            },
        );
    }
}

/// The name under which a scope keeps the controller's environment.
pub(super) const ENVIRONMENT: &str = "__environment";

/// What Python's texts, lists and mappings can do.
pub(super) fn method(state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    if let (ValueKind::Seq, "index", [item]) = (value.kind(), name, args) {
        let at = value.try_iter()?.position(|other| other == *item);
        return at.map(Value::from).ok_or_else(|| failed(format!("{item} is not in the list")));
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, name, args)
}

fn failed(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

fn unique(list: Vec<Value>) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for value in list {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}

fn flatten(list: Vec<Value>, levels: usize) -> Vec<Value> {
    let mut found = Vec::new();
    for value in list {
        match (levels, value.kind(), value.try_iter()) {
            (1.., ValueKind::Seq, Ok(items)) => found.extend(flatten(items.collect(), levels - 1)),
            _ => found.push(value),
        }
    }
    found
}

/// Ansible's filter `bool`.
fn truth(value: &Value) -> bool {
    match value.as_str() {
        Some(text) => matches!(text.to_ascii_lowercase().as_str(), "yes" | "on" | "1" | "true"),
        None => value.kind() == ValueKind::Bool && value.is_true() || value.as_i64() == Some(1),
    }
}

fn json(value: &Value) -> Result<Json, Error> {
    serde_json::to_value(value).map_err(|e| failed(e.to_string()))
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

fn combine(first: Value, others: Rest<Value>, options: Kwargs) -> Result<Value, Error> {
    let recursive = options.get::<Option<bool>>("recursive")?.unwrap_or(false);
    options.assert_all_used()?;
    let mut whole = json(&first)?;
    for other in others.iter() {
        merge(&mut whole, json(other)?, recursive)?;
    }
    Ok(Value::from(minijinja::value::Serde(whole)))
}

fn merge(into: &mut Json, other: Json, recursive: bool) -> Result<(), Error> {
    match (into, other) {
        (Json::Object(into), Json::Object(other)) => {
            for (key, value) in other {
                match into.get_mut(&key) {
                    Some(there @ Json::Object(_)) if recursive && value.is_object() => {
                        merge(there, value, true)?
                    }
                    _ => {
                        into.insert(key, value);
                    }
                }
            }
            Ok(())
        }
        (into, Json::Array(list)) => list.into_iter().try_for_each(|item| merge(into, item, recursive)),
        _ => Err(failed("`combine` takes mappings".into())),
    }
}

fn dict2items(map: Value) -> Result<Value, Error> {
    let Json::Object(map) = json(&map)? else { return Err(failed("`dict2items` takes a mapping".into())) };
    let items: Vec<Json> =
        map.into_iter().map(|(key, value)| serde_json::json!({"key": key, "value": value})).collect();
    Ok(Value::from(minijinja::value::Serde(items)))
}

fn items2dict(list: Value, options: Kwargs) -> Result<Value, Error> {
    let key = options.get::<Option<String>>("key_name")?.unwrap_or_else(|| "key".into());
    let value = options.get::<Option<String>>("value_name")?.unwrap_or_else(|| "value".into());
    options.assert_all_used()?;
    let mut map = serde_json::Map::new();
    for item in json(&list)?.as_array().into_iter().flatten() {
        let name = item.get(&key).map(|k| k.as_str().map_or_else(|| k.to_string(), str::to_owned));
        let name = name.ok_or_else(|| failed(format!("`items2dict` needs `{key}` in each item")))?;
        map.insert(name, item.get(&value).cloned().unwrap_or(Json::Null));
    }
    Ok(Value::from(minijinja::value::Serde(map)))
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
fn regex(pattern: &str) -> Result<Regex, Error> {
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

fn version(is: String, wanted: String, operator: Option<String>) -> Result<bool, Error> {
    let parts =
        |text: &str| -> Vec<u64> { text.split(['.', '-', '+']).map_while(|p| p.parse().ok()).collect() };
    let order = parts(&is).cmp(&parts(&wanted));
    match operator.as_deref().unwrap_or("==") {
        "==" | "=" | "eq" => Ok(order.is_eq()),
        "!=" | "<>" | "ne" => Ok(order.is_ne()),
        "<" | "lt" => Ok(order.is_lt()),
        "<=" | "le" => Ok(order.is_le()),
        ">" | "gt" => Ok(order.is_gt()),
        ">=" | "ge" => Ok(order.is_ge()),
        other => Err(failed(format!("`{other}` does not compare versions"))),
    }
}

/// `lookup('env', NAME)` and `lookup('vars', NAME)`; of the others none is done here.
fn lookup(state: &State, kind: &str, terms: &[Value], options: &Kwargs, one: bool) -> Result<Value, Error> {
    let default = options.get::<Option<Value>>("default")?;
    let mut found = Vec::new();
    for term in terms {
        let name = term.as_str().unwrap_or_default();
        found.push(match kind.strip_prefix("ansible.builtin.").unwrap_or(kind) {
            "env" => {
                let all = state.lookup(ENVIRONMENT).unwrap_or_default();
                match all.get_attr(name).ok().filter(|value| !value.is_undefined()) {
                    Some(value) => value,
                    None => default.clone().unwrap_or_else(|| "".into()),
                }
            }
            "vars" => {
                match state.lookup(name).filter(|value| !value.is_undefined()).or_else(|| default.clone()) {
                    Some(value) => value,
                    None => return Err(failed(format!("`{name}` is not defined"))),
                }
            }
            other => return Err(failed(format!("lookup is unknown: `{other}`"))),
        });
    }
    match (one, found.len()) {
        (true, 1) => Ok(found.remove(0)),
        (true, _) => Ok(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(",").into()),
        _ => Ok(found.into()),
    }
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
