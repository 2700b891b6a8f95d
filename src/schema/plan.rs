//! Plans, from the types that are written.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::document;
use crate::plan::PlanDocument;

/// The schema of `plan --format json` and of a saved plan. Fields may be added with a minor version.
pub fn plan() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut body = generator.into_root_schema_for::<PlanDocument>().to_value();
    if let Value::Object(body) = &mut body {
        // The document says these itself.
        ["$schema", "title", "description"].iter().for_each(|key| drop(body.shift_remove(*key)));
    }
    document("Plan of tandem", "A plan as `plan --format json` prints it and `plan -o` saves it.", body)
}
