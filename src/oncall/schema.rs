//! The JSON Schema (draft-07) of `oncall.yaml`, for editors.

use serde_json::{Value, json};

use super::VERSION;

const NAME: &str = "^[A-Za-z0-9_-]+$";

/// The schema, as `steadyhand schema oncall` prints it.
pub fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Steadyhand on call, version 1",
        "description": "Who is on call, whom a page reaches, and named windows of time that runbooks heed.",
        "type": "object",
        "required": ["steadyhand"],
        "additionalProperties": false,
        "properties": {
            "steadyhand": {"const": VERSION, "description": "Version of the format."},
            "zone": zone("The zone of all times in this file that do not say another."),
            "rotations": by_name("Places that somebody always holds.", rotation()),
            "overrides": {"type": "array", "maxItems": 1000, "items": stand_in(),
                "description": "Somebody stands in; a swap is two of them."},
            "channels": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": NAME, "maxLength": 64},
                "description": "Channels that many read, by their names in the server's configuration file."},
            "chains": by_name("Whom a page reaches, level by level.", chain()),
            "feeds": by_name("Calendars of other systems.", feed()),
            "people": {"type": "object", "description": "Accounts, and by what calendars name them.",
                "additionalProperties": aliases()},
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
        "required": ["from", "to"],
        "additionalProperties": false,
        "properties": {
            "days": {
                "type": "array", "minItems": 1,
                "items": {"enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
                "description": "Each of these days; without it, once.",
            },
            "from": {"type": "string", "description": "A moment (2026-12-20T18:00), or with `days` a time of day (\"22:00\")."},
            "to": {"type": "string", "description": "The end, which is no part of it. With `days`, one that is not later is that of the next day."},
            "zone": zone("The zone of these times; that of the file unless said."),
            "why": {"type": "string", "maxLength": 200, "description": "What people are told when it stops them."},
        },
    })
}

fn rotation() -> Value {
    let times = json!({"type": "string", "description": "A time of day: \"09:00\"."});
    json!({
        "type": "object",
        "additionalProperties": false,
        "oneOf": [{"required": ["members", "start", "handover"]}, {"required": ["feed"]}],
        "properties": {
            "title": {"type": "string", "maxLength": 100, "description": "What people call it."},
            "zone": zone("The zone of its times; that of the file unless said."),
            "members": {"type": "array", "minItems": 1, "maxItems": 100, "items": account(),
                "description": "Accounts in the order of their turns."},
            "start": {"type": "string", "description": "The first turn begins with the first hand-over that is not before this day or moment."},
            "handover": {
                "type": "object", "required": ["at"], "additionalProperties": false,
                "description": "When one hands over to the next.",
                "properties": {
                    "days": {"type": "array", "minItems": 1, "maxItems": 7,
                        "items": {"enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}, "description": "Every day unless said."},
                    "at": {"oneOf": [times, {"type": "array", "minItems": 1, "maxItems": 24, "items": times}]},
                    "every": {"type": "integer", "minimum": 1, "maximum": 100, "description": "Hand-over times that one turn takes; 1 unless said."},
                },
            },
            "feed": {"type": "string", "description": "One of `feeds`: its calendar says who."},
            "only": {"type": "string", "maxLength": 100, "description": "Only entries of the calendar with this text in the title."},
        },
    })
}

fn stand_in() -> Value {
    json!({
        "type": "object", "required": ["rotation", "person", "from", "to"], "additionalProperties": false,
        "properties": {
            "rotation": {"type": "string", "description": "One of `rotations`."},
            "person": {"type": "string", "description": "An account, or `nobody`."},
            "from": {"type": "string", "description": "A moment: 2026-12-20T18:00."},
            "to": {"type": "string", "description": "The end, which is no part of it."},
            "zone": zone("The zone of these times; that of the rotation unless said."),
            "why": {"type": "string", "maxLength": 200},
        },
    })
}

fn chain() -> Value {
    let who = json!({"type": "string", "pattern": "^(rotation|user|channel):.+$"});
    json!({
        "type": "object", "required": ["levels"], "additionalProperties": false,
        "properties": {
            "title": {"type": "string", "maxLength": 100},
            "levels": {"type": "array", "minItems": 1, "maxItems": 10, "items": {
                "type": "object", "required": ["who"], "additionalProperties": false,
                "properties": {
                    "who": {"oneOf": [who, {"type": "array", "minItems": 1, "maxItems": 20, "items": who}],
                        "description": "`rotation:web`, `user:anna`, `channel:ops`."},
                    "timeout": {"type": "string", "description": "How long they have to answer: 5m. 5m unless said."},
                },
            }},
            "repeat": {"type": "integer", "minimum": 0, "maximum": 10, "description": "How often it begins again; 0 unless said."},
        },
    })
}

fn feed() -> Value {
    json!({
        "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
        "properties": {
            "file": {"type": "string", "description": "An iCalendar file of the repository: calendars/web.ics."},
            "server": {"type": "string", "pattern": NAME, "description": "The name of an address in the server's configuration file; never the address."},
        },
    })
}

fn aliases() -> Value {
    let list = json!({"type": "array", "maxItems": 20, "items": {"type": "string", "maxLength": 200}});
    json!({
        "type": "object", "additionalProperties": false,
        "properties": {"emails": list, "ids": list, "names": list},
    })
}

fn account() -> Value {
    json!({"type": "string", "pattern": "^(user:)?[a-z0-9][a-z0-9._-]*$"})
}

fn zone(description: &str) -> Value {
    json!({"type": "string", "description": format!("{description} UTC, Europe/Berlin.")})
}

fn by_name(description: &str, one: Value) -> Value {
    json!({
        "type": "object", "description": description, "additionalProperties": one,
        "propertyNames": {"pattern": NAME, "maxLength": 64},
    })
}
