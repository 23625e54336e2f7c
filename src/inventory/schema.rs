//! The JSON Schema (draft-07) of `inventory.yaml`, for editors. Written by hand: the parser is not built
//! from types with derives either. A test holds the field names of the two together.

use serde_json::{Value, json};

use crate::inventory::parse::VERSION;

/// The schema, as `steadyhand schema inventory` prints it.
pub fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Steadyhand inventory, version 1",
        "description": "The hosts that runbooks may touch: names, labels, and how each is reached.",
        "type": "object",
        "required": ["steadyhand"],
        "additionalProperties": false,
        "properties": {
            "steadyhand": {"const": VERSION, "description": "Version of the format."},
            "defaults": defaults(),
            "hosts": {
                "type": ["object", "null"],
                "description": "Hosts by name.",
                "propertyNames": {"pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]*$", "maxLength": 253},
                "additionalProperties": {"oneOf": [{"type": "null"}, ssh_host(), local_host()]},
            },
            "from": {
                "type": ["array", "null"],
                "description": "More hosts, from elsewhere. The same name twice is an error.",
                "items": {"oneOf": [
                    source("ansible", &path("File, folder or executable, read through `ansible-inventory --list`; groups become labels `group_NAME: \"true\"`.")),
                    source("command", &json!({
                        "type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 64,
                        "description": "A program and its arguments, run without a shell; prints the JSON of `ansible-inventory --list`.",
                    })),
                    source("ssh_config", &path("An ssh_config: each `Host` name without a pattern.")),
                ]},
            },
        },
    })
}

fn defaults() -> Value {
    json!({
        "type": "object",
        "description": "What holds for hosts that do not say otherwise.",
        "additionalProperties": false,
        "properties": {
            "port": port(),
            "user": user(),
            "identity": path("Private key."),
            "known_hosts": path("known_hosts file."),
            "jump": jump("Hosts to go through; not applied to these hosts themselves."),
        },
    })
}

fn ssh_host() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "transport": {"const": "ssh"},
            "address": {
                "type": "string", "pattern": "^[A-Za-z0-9_:][A-Za-z0-9._:-]*$", "maxLength": 253,
                "description": "DNS name or IP address; default: the host's name.",
            },
            "port": port(),
            "user": user(),
            "identity": path("Private key; default: ssh's own keys and the agent."),
            "host_key": {
                "description": "Public host key, `ssh-ed25519 AAAA…`, or several.",
                "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
            },
            "known_hosts": path("known_hosts file; default: ~/.ssh/known_hosts. Unknown keys are refused either way."),
            "jump": jump("Hosts to go through, first hop first; `[]`: none, whatever the defaults say."),
            "labels": labels(),
            "expect": expect(),
        },
        "not": {"required": ["host_key", "known_hosts"]},
    })
}

fn local_host() -> Value {
    json!({
        "type": "object",
        "description": "A shell on the server itself.",
        "required": ["transport"],
        "additionalProperties": false,
        "properties": {"transport": {"const": "local"}, "labels": labels(), "expect": expect()},
    })
}

fn labels() -> Value {
    let name = "[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?";
    let dns = "[a-z0-9]([a-z0-9-]*[a-z0-9])?";
    json!({
        "type": "object",
        "description": "For selectors and conditions, by the rules of Kubernetes labels.",
        "propertyNames": {"pattern": format!("^({dns}(\\.{dns})*/)?{name}$")},
        "additionalProperties": {"anyOf": [
            {"type": "string", "pattern": format!("^({name})?$")},
            {"type": ["number", "boolean", "null"]},
        ]},
    })
}

fn expect() -> Value {
    json!({
        "type": "object",
        "description": "Proven on the connection before anything changes.",
        "additionalProperties": false,
        "properties": {
            "hostname": {"type": "string", "minLength": 1, "description": "`uname -n`, whole or up to the first dot."},
            "machine_id": {"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "/etc/machine-id."},
        },
    })
}

fn source(field: &str, value: &Value) -> Value {
    json!({"type": "object", "required": [field], "additionalProperties": false, "properties": {field: value}})
}

fn port() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": 65535, "description": "Default: 22."})
}

fn user() -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9._-]*$", "maxLength": 64, "description": "Account on the host."})
}

fn path(what: &str) -> Value {
    json!({"type": "string", "minLength": 1, "description": format!("{what} Absolute, `~/…`, or relative to this file.")})
}

fn jump(what: &str) -> Value {
    json!({
        "description": what,
        "oneOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string", "minLength": 1}}],
    })
}
