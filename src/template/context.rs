//! Evaluates values that hold `{{ ... }}`.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock, OnceLock},
};

use minijinja::{
    Environment, Error, ErrorKind, UndefinedBehavior, Value,
    syntax::SyntaxConfig,
    value::{Enumerator, Object},
};
use serde_json::{Map, Value as Json};

use super::ansible;

/// The key under which a secret's id travels through templates.
const SECRET: &str = "__secret";

/// The key under which a text travels that is no template, whatever it holds.
const RAW: &str = "__raw";

/// Why a template has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong, without values.
    pub message: String,
    /// The name that is not defined, where that is it.
    pub undefined: Option<String>,
    /// Whether it asks for a lookup of Ansible that is not made here.
    pub unknown_lookup: bool,
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

    /// Every name that a template can be meant to use.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.0.keys().map(|name| &**name).filter(|name| *name != ansible::ENVIRONMENT)
    }

    /// What `lookup('env', NAME)` finds.
    pub fn set_environment(&mut self, environment: &BTreeMap<String, String>) {
        self.set(ansible::ENVIRONMENT, serde_json::json!(environment));
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

    /// The value that stands for a text that is no template.
    pub fn raw(text: &str) -> Json {
        let mut map = Map::new();
        map.insert(RAW.into(), Json::String(text.to_owned()));
        Json::Object(map)
    }

    /// Whether something in a value is to be evaluated.
    pub fn has_template(value: &Json) -> bool {
        match value {
            Json::String(text) => is_template(text),
            Json::Array(items) => items.iter().any(Self::has_template),
            Json::Object(map) => raw_text(map).is_some() || map.values().any(Self::has_template),
            _ => false,
        }
    }

    /// Evaluates every text inside a value. A text that is one `{{ expression }}` keeps the
    /// expression's type.
    ///
    /// # Errors
    /// The first template that has no value.
    pub fn evaluate(&self, value: &Json) -> Result<Json, TemplateError> {
        self.every_text(value, &|text| match whole_expression(text.trim()) {
            Some(expression) => self.expression(expression),
            None => self.render(text).map(Json::String),
        })
    }

    /// The same as Ansible does it for a variable: a boolean in a text is `True` or `False`, a backslash in an
    /// expression stands for itself, and `literal` says what a text is that looks like a list, a mapping or a boolean.
    ///
    /// # Errors
    /// The first template that has no value.
    pub fn evaluate_variable(
        &self,
        value: &Json,
        literal: &dyn Fn(&str) -> Json,
    ) -> Result<Json, TemplateError> {
        self.every_text(value, &|text| {
            let text = with_backslashes(text);
            let made = match whole_expression(&text) {
                Some(expression) => self.expression(expression)?,
                None => Json::String(self.render_with(&VARIABLES, &text)?),
            };
            Ok(match made.as_str() {
                Some(made) if looks_typed(made) && !stays_text(&text) => literal(made),
                _ => made,
            })
        })
    }

    fn every_text(
        &self,
        value: &Json,
        text: &dyn Fn(&str) -> Result<Json, TemplateError>,
    ) -> Result<Json, TemplateError> {
        match value {
            Json::String(value) if is_template(value) => text(value),
            Json::Array(items) => items.iter().map(|item| self.every_text(item, text)).collect(),
            Json::Object(map) if raw_text(map).is_some() => Ok(raw_text(map).into()),
            Json::Object(map) => {
                let mut result = Map::new();
                for (key, item) in map {
                    result.insert(key.clone(), self.every_text(item, text)?);
                }
                Ok(Json::Object(result))
            }
            other => Ok(other.clone()),
        }
    }

    /// Names that the templates in a value refer to.
    pub fn names_in(value: &Json) -> BTreeSet<String> {
        fn collect(value: &Json, found: &mut BTreeSet<String>) {
            match value {
                Json::String(text) if is_template(text) => {
                    if let Ok(template) = ENVIRONMENT.template_from_str(text) {
                        found.extend(template.undeclared_variables(false));
                    }
                }
                Json::Array(items) => items.iter().for_each(|item| collect(item, found)),
                Json::Object(map) => map.values().for_each(|item| collect(item, found)),
                _ => {}
            }
        }
        let mut found = BTreeSet::new();
        collect(value, &mut found);
        found
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
                unknown_lookup: false,
                line: 1,
            });
        }
        serde_json::to_value(&value).map_err(|e| TemplateError {
            message: e.to_string(),
            undefined: None,
            unknown_lookup: false,
            line: 1,
        })
    }

    /// Renders a whole template, such as a file of a role.
    ///
    /// # Errors
    /// When it is malformed, uses an undefined name, or puts a secret or nothing into the text.
    pub fn render(&self, template: &str) -> Result<String, TemplateError> {
        self.render_with(&ENVIRONMENT, template)
    }

    fn render_with(&self, environment: &Environment<'_>, template: &str) -> Result<String, TemplateError> {
        let compiled = environment.template_from_str(template).map_err(|e| explain(&e))?;
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
    let unknown_lookup =
        std::error::Error::source(error).is_some_and(|source| source.is::<ansible::UnknownLookup>());
    TemplateError { message, undefined: None, unknown_lookup, line: error.line().unwrap_or(1) }
}

/// The expression, where a text is nothing but `{{ expression }}`.
fn whole_expression(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    // `{{-` and `-}}` take blanks with them, of which there are none around a whole value.
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    let inner = inner.strip_suffix(['-', '+']).unwrap_or(inner);
    let braces = inner.contains("{{") || inner.contains("}}");
    (!braces || ENVIRONMENT.compile_expression(inner).is_ok()).then_some(inner.trim())
}

/// Whether a text is a template.
fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|begin| text.contains(begin))
}

fn raw_text(map: &Map<String, Json>) -> Option<&str> {
    if map.len() == 1 { map.get(RAW)?.as_str() } else { None }
}

/// Whether Ansible looks for a value in a text that a template has made.
fn looks_typed(text: &str) -> bool {
    text.starts_with('[')
        || (text.starts_with('{') && !text.starts_with("{{"))
        || matches!(text, "True" | "False")
}

/// Whether a template ends with a filter whose result stays the text that it is.
fn stays_text(template: &str) -> bool {
    let last = template.rsplit('|').next().unwrap_or_default();
    let name = last.trim_start().split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
    matches!(name, Some("string" | "to_json" | "to_nice_json" | "to_yaml" | "to_nice_yaml"))
}

/// Texts within expressions with their backslashes doubled.
fn with_backslashes(template: &str) -> Cow<'_, str> {
    if !template.contains('\\') || !template.contains("{{") {
        return template.into();
    }
    let mut made = String::with_capacity(template.len() + 8);
    let (mut inside, mut quote) = (false, None);
    let mut rest = template.chars().peekable();
    while let Some(c) = rest.next() {
        made.push(c);
        match (quote, c) {
            // A quote that a backslash keeps from ending the text stays kept.
            (Some(begun), '\\') if rest.peek() == Some(&begun) => made.extend(rest.next()),
            (Some(_), '\\') => made.push('\\'),
            (Some(begun), _) if c == begun => quote = None,
            (None, '\'' | '"') if inside => quote = Some(c),
            (None, '{') if rest.peek() == Some(&'{') => inside = true,
            (None, '}') if rest.peek() == Some(&'}') => inside = false,
            _ => {}
        }
    }
    made.into()
}

/// Made once: it is filled with every filter and test of the language.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| environment(["OFF", "ON"]));
/// The same for a user's variables.
static VARIABLES: LazyLock<Environment<'static>> = LazyLock::new(|| environment(["False", "True"]));

fn environment(booleans: [&'static str; 2]) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A template that runs away ends with an error instead of never.
    environment.set_fuel(Some(1_000_000));
    // As Ansible has it: a block takes its line break with it, a text keeps its last one.
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).trim_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    ansible::add(&mut environment);
    environment.set_unknown_method_callback(ansible::method);
    environment.set_formatter(move |out, state, value| {
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
                out.write_str(booleans[usize::from(value.is_true())]).map_err(Error::from)
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
    fn a_variable_is_evaluated_as_ansible_does() {
        let value = |text: &str| {
            scope().evaluate_variable(&json!(text), &|text| text.into()).unwrap_or_else(|e| json!(e.message))
        };
        for (text, is) in [
            ("x {{ on }}", json!("x True")),
            ("{{- on -}}", json!(true)),
            ("{{ ['a', 'b', 'a'] | difference(['b']) }}", json!(["a"])),
            ("{{ on | ternary('y', 'n') }}", json!("y")),
            ("{{ 'db-a.example.com' | regex_replace('^([^.]+)\\..*$', '\\1-x') }}", json!("db-a-x")),
            ("{{ {'a': 1} | combine({'b': 2}) }}", json!({"a": 1, "b": 2})),
            ("{{ {'a': 1} | dict2items | map(attribute='key') | list }}", json!(["a"])),
            ("{{ 'a.b'.split('.')[0].upper() }}", json!("A")),
            ("{{ '/a/b.c' | basename }}", json!("b.c")),
            ("{{ 'db-a' is match('db') }}", json!(true)),
            ("{{ lookup('vars', 'on') }}", json!(true)),
            ("{{ missing | default('x') }}", json!("x")),
            ("{{ 'x' | ansible.builtin.hash('sha256') | length }}", json!(64)),
        ] {
            assert_eq!(value(text), is, "{text}");
        }
        assert!(value("{{ missing | mandatory }}").as_str().is_some_and(|m| m.contains("mandatory")));
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
