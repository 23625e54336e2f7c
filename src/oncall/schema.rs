//! The JSON Schema (draft-07) of `oncall.yaml`, for editors.

use serde_json::{Value, json};

use super::VERSION;

/// The schema, as `steadyhand schema oncall` prints it.
pub fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Steadyhand on call, version 1",
        "description": "Named windows of time that runbooks heed.",
        "type": "object",
        "required": ["steadyhand"],
        "additionalProperties": false,
        "properties": {
            "steadyhand": {"const": VERSION, "description": "Version of the format."},
            "windows": {
                "type": "object",
                "description": "Windows by name, as `not_during` and `only_during` of a runbook's guards name them.",
                "propertyNames": {"pattern": "^[A-Za-z0-9_-]+$", "maxLength": 64},
                "additionalProperties": {"oneOf": [span(), {"type": "array", "items": span(), "maxItems": 500}]},
            },
        },
    })
}

fn span() -> Value {
    json!({
        "type": "object",
        "required": ["from", "to", "zone"],
        "additionalProperties": false,
        "properties": {
            "days": {
                "type": "array", "minItems": 1,
                "items": {"enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
                "description": "Each of these days; without it, once.",
            },
            "from": {"type": "string", "description": "A moment (2026-12-20T18:00), or with `days` a time of day (\"22:00\")."},
            "to": {"type": "string", "description": "The end, which is no part of it. With `days`, one that is not later is that of the next day."},
            "zone": {"type": "string", "description": "The zone of these times: UTC, Europe/Berlin."},
            "why": {"type": "string", "maxLength": 200, "description": "What people are told when it stops them."},
        },
    })
}
