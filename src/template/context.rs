//! Evaluates values that hold `{{ ... }}`.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, OnceLock},
};

use minijinja::{
    Environment, Error, ErrorKind, UndefinedBehavior, Value,
    syntax::SyntaxConfig,
    value::{Enumerator, Object},
};
use serde_json::{Map, Value as Json};

/// The key under which a secret's id travels through templates.
const SECRET: &str = "__secret";

/// Why a template has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong, without values.
    pub message: String,
    /// The name that is not defined, where that is it.
    pub undefined: Option<String>,
    /// Line within the template, from 1.
    pub line: usize,
}

/// Names that templates may use. A copy shares what is in it: each host has many of them.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    names: Arc<Names>,
}

#[derive(Debug, Clone, Default)]
struct Names(BTreeMap<Arc<str>, Arc<Defined>>);

/// A value as we have it, and, once a template has asked for it, as the template library has it.
#[derive(Debug)]
struct Defined {
    json: Json,
    value: OnceLock<Value>,
}

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let defined = self.0.get(key.as_str()?)?;
        let value = defined.value.get_or_init(|| Value::from(minijinja::value::Serde(&defined.json)));
        Some(value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|name| Value::from(name.clone())).collect())
    }
}

impl Scope {
    /// Defines a name.
    pub fn set(&mut self, name: &str, value: Json) {
        let defined = Defined { json: value, value: OnceLock::new() };
        Arc::make_mut(&mut self.names).0.insert(name.into(), Arc::new(defined));
    }

    /// A name's value.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.names.0.get(name).map(|defined| &defined.json)
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.0.keys().map(|name| &**name)
    }

    /// The value that stands for a secret.
    pub fn secret(id: &str) -> Json {
        let mut map = Map::new();
        map.insert(SECRET.into(), Json::String(id.to_owned()));
        Json::Object(map)
    }

    /// The id, where a value stands for a secret.
    pub fn secret_id(value: &Json) -> Option<&str> {
        value.as_object().filter(|m| m.len() == 1)?.get(SECRET)?.as_str()
    }

    /// Evaluates every text inside a value. A text that is one `{{ expression }}` keeps the
    /// expression's type.
    ///
    /// # Errors
    /// The first template that has no value.
    pub fn evaluate(&self, value: &Json) -> Result<Json, TemplateError> {
        match value {
            Json::String(text) if text.contains("{{") || text.contains("{%") => self.text(text),
            Json::Array(items) => items.iter().map(|item| self.evaluate(item)).collect(),
            Json::Object(map) => {
                let mut result = Map::new();
                for (key, item) in map {
                    result.insert(key.clone(), self.evaluate(item)?);
                }
                Ok(Json::Object(result))
            }
            other => Ok(other.clone()),
        }
    }

    fn text(&self, text: &str) -> Result<Json, TemplateError> {
        match whole_expression(text) {
            Some(expression) => self.expression(expression),
            None => self.render(text).map(Json::String),
        }
    }

    /// Evaluates an expression, as after `when:`.
    ///
    /// # Errors
    /// When it is malformed or uses an undefined name.
    pub fn expression(&self, expression: &str) -> Result<Json, TemplateError> {
        let compiled = ENVIRONMENT.compile_expression(expression).map_err(|e| explain(&e))?;
        let value =
            compiled.eval(self.value()).map_err(|e| self.blame(&e, &compiled.undeclared_variables(false)))?;
        if value.is_undefined() {
            let names = compiled.undeclared_variables(true);
            let missing = names.iter().filter(|n| !self.defines(n)).min();
            let name = missing.cloned().unwrap_or_else(|| expression.trim().to_owned());
            return Err(TemplateError {
                message: format!("`{name}` is not defined"),
                undefined: Some(name),
                line: 1,
            });
        }
        serde_json::to_value(&value).map_err(|e| TemplateError {
            message: e.to_string(),
            undefined: None,
            line: 1,
        })
    }

    /// Renders a whole template, such as a file of a role.
    ///
    /// # Errors
    /// When it is malformed, uses an undefined name, or puts a secret or nothing into the text.
    pub fn render(&self, template: &str) -> Result<String, TemplateError> {
        let compiled = ENVIRONMENT.template_from_str(template).map_err(|e| explain(&e))?;
        compiled.render(self.value()).map_err(|e| self.blame(&e, &compiled.undeclared_variables(false)))
    }

    fn value(&self) -> Value {
        Value::from_dyn_object(self.names.clone())
    }

    fn defines(&self, path: &str) -> bool {
        path.split('.').next().is_some_and(|name| self.names.0.contains_key(name))
    }

    fn blame(&self, error: &Error, names: &std::collections::HashSet<String>) -> TemplateError {
        let mut result = explain(error);
        if error.kind() == ErrorKind::UndefinedError
            && let Some(name) = names.iter().filter(|n| !self.defines(n)).min()
        {
            result.message = format!("`{name}` is not defined");
            result.undefined = Some(name.clone());
        }
        result
    }
}

/// An error without the values that the library would show.
fn explain(error: &Error) -> TemplateError {
    let message = match (error.kind(), error.detail()) {
        (ErrorKind::UndefinedError, None) => "a name is not defined".to_owned(),
        (ErrorKind::OutOfFuel, _) => "it takes more than a million steps, so it would hardly end".to_owned(),
        (kind, None) => kind.to_string(),
        (_, Some(detail)) => detail.to_owned(),
    };
    TemplateError { message, undefined: None, line: error.line().unwrap_or(1) }
}

/// The expression, where a text is nothing but `{{ expression }}`.
fn whole_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("}}")).then_some(inner.trim())
}

/// Made once: it is filled with every filter and test of the language.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A template that runs away ends with an error instead of never.
    environment.set_fuel(Some(1_000_000));
    // As Ansible has it: a block takes its line break with it, a text keeps its last one.
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).trim_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_formatter(|out, state, value| {
        if value.is_none() {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "the value is null; give it one, or use `| default(...)`",
            ));
        }
        if value.get_attr(SECRET).is_ok_and(|v| !v.is_undefined()) {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "a secret can't be part of a text; pass it on as a whole",
            ));
        }
        match value.kind() {
            minijinja::value::ValueKind::Bool => {
                out.write_str(if value.is_true() { "ON" } else { "OFF" }).map_err(Error::from)
            }
            _ => minijinja::escape_formatter(out, state, value),
        }
    });
    environment
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        let mut scope = Scope::default();
        scope.set("peers", json!([{"name": "b", "address": "10.0.0.2"}]));
        scope.set("on", json!(true));
        scope.set("nothing", Json::Null);
        scope.set("password", Scope::secret("env:X"));
        scope
    }

    #[test]
    fn a_whole_expression_keeps_its_type() {
        let value = scope()
            .evaluate(&json!({"a": "{{ peers | map(attribute='address') | list }}", "b": "x {{ on }}"}));
        assert_eq!(value, Ok(json!({"a": ["10.0.0.2"], "b": "x ON"})));
    }

    #[test]
    fn mistakes_are_named() {
        let undefined = scope().evaluate(&json!("{{ perrs }}")).expect_err("undefined");
        assert_eq!(undefined.undefined.as_deref(), Some("perrs"));
        let undefined = scope().evaluate(&json!("a {{ perrs }}")).expect_err("undefined");
        assert_eq!(undefined.undefined.as_deref(), Some("perrs"));
        assert!(scope().evaluate(&json!("a {{ nothing }}")).is_err());
        assert!(scope().evaluate(&json!("a {{ on")).is_err());
    }

    #[test]
    fn a_secret_stays_whole() {
        let value = scope().evaluate(&json!("{{ password }}")).expect("whole");
        assert_eq!(Scope::secret_id(&value), Some("env:X"));
        assert!(scope().evaluate(&json!("pw={{ password }}")).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_template_is_taken_or_refused(text in "[a-z{}%| .'()]{0,40}") {
            let _ = scope().evaluate(&json!(text));
        }
    }
}
