//! The JSON Schema (draft-07) of `access.yaml`, for editors. A test holds it and the parser together.

use serde_json::{Value, json};

use crate::access::grant::Role;
use crate::access::parse::{GRANTS_MAX, VERSION};

/// The schema, as `steadyhand schema access` prints it.
pub fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Steadyhand access, version 1",
        "description": "Who may do what: teams, who is on call, and grants.",
        "type": "object",
        "required": ["steadyhand", "grants"],
        "additionalProperties": false,
        "properties": {
            "steadyhand": {"const": VERSION, "description": "Version of the format."},
            "teams": {
                "type": "object",
                "description": "Members by team: accounts (`anna`) and groups of the sign-on provider (`group:sre`).",
                "additionalProperties": {"type": "array", "items": {"type": "string", "minLength": 1}},
            },
            "on_call": {
                "type": "object",
                "description": "Accounts that are on call, by team.",
                "additionalProperties": {"type": "array", "items": {"type": "string", "minLength": 1}},
            },
            "grants": {"type": "array", "maxItems": GRANTS_MAX, "items": grant()},
        },
    })
}

fn grant() -> Value {
    let one_or_more = |what: &str, one: &Value| json!({"description": what, "oneOf": [one, {"type": "array", "minItems": 1, "items": one}]});
    let who = json!({"type": "string", "pattern": "^(everyone|user:.+|team:.+|group:.+)$"});
    let books = json!({"type": "string", "minLength": 1});
    json!({
        "type": "object",
        "required": ["who", "role"],
        "additionalProperties": false,
        "properties": {
            "who": one_or_more("`user:anna`, `team:web`, `group:sre`, or `everyone` who can sign in.", &who),
            "role": {"enum": Role::ALL.map(Role::word), "description": "What they are trusted with."},
            "runbooks": one_or_more("Paths (`web/**`) or tags (`tag:disk`); all unless said.", &books),
            "hosts": {"type": "string", "minLength": 1, "description": "A label selector; all hosts unless said."},
            "override": one_or_more("What they may override with a reason.", &json!({"const": "windows"})),
        },
    })
}
