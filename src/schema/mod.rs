//! What the files may hold, as data: for editors (JSON Schema), for the reference, and for "did you mean".

mod inventory;
mod plan;
mod playbook;
mod role;
mod value;

pub use inventory::{inventory, variables};
pub use plan::plan;
pub use playbook::playbook;
pub use role::{resources, role};

use serde_json::{Value, json};

/// A whole schema, draft 2020-12.
fn document(title: &str, description: &str, body: Value) -> Value {
    let mut whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": description,
    });
    if let (Value::Object(whole), Value::Object(body)) = (&mut whole, body) {
        whole.extend(body);
    }
    whole
}
