//! Filters of lists and mappings.

use minijinja::{
    Environment, Error, Value,
    value::{Kwargs, Rest, ValueKind},
};
use serde_json::Value as Json;

use super::{both, failed, json};

pub(super) fn add(environment: &mut Environment<'static>) {
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
    both(environment, "combine", combine);
    both(environment, "dict2items", dict2items);
    both(environment, "items2dict", items2dict);
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
                        merge(there, value, true)?;
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
