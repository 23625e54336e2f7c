//! The JSON Schema (draft-07) of a runbook, for editors.
//!
//! Generated from types that mirror the file field by field (`file`, `step`); which field belongs to which
//! action comes from the parser's own table. The corpus of good and bad runbooks, and thousands of mutated
//! ones, are held against parser and schema in `tests/it/format.rs`: neither changes alone.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::parse::{ActionField, FIELDS_OF_ACTIONS};

mod file;
mod scalar;
mod step;

/// The schema, as `steadyhand schema runbook` prints it.
pub fn runbook_schema() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<file::RunbookFile>().to_value();
    tidy(&mut schema);
    for (pointer, more) in [
        ("/definitions/StepFile", one_action()),
        ("/definitions/HostsFile", one_of(&["names", "select"])),
        ("/definitions/RetryFile", one_of(&["for", "times"])),
        ("/definitions/CaptureFile", at_most_one_of(&["regex", "json", "line"])),
        ("/definitions/UndoFile", one_of(&["run", "manual"])),
        ("/definitions/RunGuardFile", json!({"minProperties": 1, "maxProperties": 1})),
    ] {
        if let (Some(Value::Object(definition)), Value::Object(more)) = (schema.pointer_mut(pointer), more) {
            definition.extend(more);
        }
    }
    schema
}

/// Optional means absent, never `null`; and formats of Rust's numbers say nothing to an editor.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("format").is_some_and(Value::is_string) {
                fields.remove("format");
            }
            if let Some(Value::Array(types)) = fields.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    fields.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = fields.get_mut("enum") {
                choices.retain(|choice| !choice.is_null());
            }
            unwrap_single_any_of(fields);
            fields.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `anyOf: [X, null]` is what an `Option` gives where X is a reference.
fn unwrap_single_any_of(fields: &mut serde_json::Map<String, Value>) {
    let Some(Value::Array(choices)) = fields.get_mut("anyOf") else { return };
    choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
    if let [only] = choices.as_slice() {
        let only = only.clone();
        fields.remove("anyOf");
        // Beside a `$ref`, draft-07 ignores everything, so it goes into `allOf`.
        fields.insert("allOf".to_owned(), json!([only]));
    }
}

fn one_action() -> Value {
    let actions: Vec<Value> = ActionField::ALL.iter().map(|action| json!({"required": [action.name()]})).collect();
    let mut dependencies: serde_json::Map<String, Value> = FIELDS_OF_ACTIONS
        .iter()
        .map(|(field, actions)| {
            let any: Vec<Value> = actions.iter().map(|action| json!({"required": [action.name()]})).collect();
            ((*field).to_owned(), json!({"anyOf": any}))
        })
        .collect();
    dependencies.insert("script".to_owned(), json!(["effect"]));
    if let Some(Value::Object(wait_for)) = dependencies.get_mut("wait_for") {
        wait_for.insert("required".to_owned(), json!(["expect_disconnect"]));
    }
    let run_effect = json!({"properties": {"effect": {"enum": ["change", "destructive"]}}});
    json!({"oneOf": actions, "dependencies": dependencies, "if": {"required": ["run"]}, "then": run_effect})
}

fn one_of(fields: &[&str]) -> Value {
    json!({"oneOf": fields.iter().map(|field| json!({"required": [field]})).collect::<Vec<_>>()})
}

fn at_most_one_of(fields: &[&str]) -> Value {
    let pairs: Vec<Value> = fields
        .iter()
        .enumerate()
        .flat_map(|(index, first)| fields[index + 1..].iter().map(move |second| json!({"required": [first, second]})))
        .collect();
    json!({"not": {"anyOf": pairs}})
}
