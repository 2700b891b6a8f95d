//! What templates make of a host's variables, for showing.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    desired::{Values, values},
    model::{HostName, variables::looks_secret},
    playbook::{Play, Project},
    template::Scope,
};

/// A host's variables after their templates were evaluated; secrets are stars.
#[derive(Debug, Clone)]
pub(crate) struct Evaluated {
    /// Each with what came of it.
    pub values: BTreeMap<String, Value>,
    /// Those whose template has no value, with the reason.
    pub failed: BTreeMap<String, String>,
}

impl Evaluated {
    /// Those of one host, as a play has them, or the inventory alone.
    pub(crate) fn of(project: &Project, play: Option<&Play>, host: &HostName) -> Self {
        let Values { values, failed } = values(project, play, host);
        let values = values.into_iter().map(|(name, value)| {
            let shown = masked(&name, &value);
            (name, shown)
        });
        Self { values: values.collect(), failed }
    }
}

fn masked(name: &str, value: &Value) -> Value {
    match value {
        _ if Scope::secret_id(value).is_some() => "***".into(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(name, value)| (name.clone(), masked(name, value))).collect())
        }
        Value::Array(items) => items.iter().map(|item| masked(name, item)).collect(),
        Value::String(_) | Value::Number(_) if looks_secret(name) => "***".into(),
        other => other.clone(),
    }
}
