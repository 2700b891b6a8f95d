//! Ansible's filters and tests, as far as inventories use them. What is missing fails by its name.
#![expect(clippy::needless_pass_by_value, reason = "filters are given owned values")]

mod lists;
mod texts;

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Kwargs, Rest, ValueKind},
};
use serde_json::Value as Json;

use self::texts::regex;

/// Adds them, also under their full names.
pub(super) fn add(environment: &mut Environment<'static>) {
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
    lists::add(environment);
    texts::add(environment);
    add_tests(environment);
    add_lookups(environment);
}

/// A filter, also under its full name.
fn both<F, Rv, Args>(environment: &mut Environment<'static>, name: &'static str, filter: F)
where
    F: minijinja::functions::Function<Rv, Args> + Clone,
    Rv: minijinja::value::FunctionResult,
    Args: for<'a> minijinja::value::FunctionArgs<'a>,
{
    environment.add_filter(name, filter.clone());
    environment.add_filter(format!("ansible.builtin.{name}"), filter);
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
    environment.add_test("contains", |a: Vec<Value>, b: Value| a.contains(&b));
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

/// A lookup of Ansible that is not made here.
#[derive(Debug, thiserror::Error)]
#[error("an unknown lookup")]
pub(super) struct UnknownLookup;

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
            other => {
                return Err(failed(format!("lookup is unknown: `{other}`")).with_source(UnknownLookup));
            }
        });
    }
    match (one, found.len()) {
        (true, 1) => Ok(found.remove(0)),
        (true, _) => Ok(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(",").into()),
        _ => Ok(found.into()),
    }
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
