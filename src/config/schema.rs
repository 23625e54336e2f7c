//! The JSON Schema (draft-07) of the configuration file, for editors. Written by hand, as the inventory's is; a test
//! holds parser and schema to the same files.

use serde_json::{Value, json};

use super::parse::VERSION;

/// The schema, as `steadyhand schema server` prints it.
pub fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Steadyhand server configuration, version 1",
        "description": "Where the server listens, how people sign in, where its secrets are, what it may reach.",
        "type": "object",
        "required": ["steadyhand"],
        "additionalProperties": false,
        "properties": {
            "steadyhand": {"const": VERSION, "description": "Version of the format."},
            "listen": text("Where to listen: `127.0.0.1:7878`."),
            "public_url": url("Where people reach the server, if not where it listens."),
            "tls": object("Ends TLS here; read again when they change.", &["certificate", "key"], json!({
                "certificate": text("PEM file with the certificate and those that signed it."),
                "key": text("PEM file with its private key."),
            })),
            "behind_proxy": {"type": "boolean", "description": "A proxy ends TLS: plain HTTP is meant."},
            "trusted_proxies": list("Whose X-Forwarded-For is believed.", text("`10.0.0.0/8`, or one address.")),
            "login": object("How people sign in beside accounts of the server.", &["oidc"], json!({"oidc": oidc()})),
            "vault": vault(),
            "secrets": {
                "type": "object",
                "description": "Secrets that runbooks use by name (`from_secret`).",
                "propertyNames": {"pattern": "^[a-z][a-z0-9_-]*$", "maxLength": 64},
                "maxProperties": 500,
                "additionalProperties": named_secret(),
            },
            "outgoing": object("What the server may reach although it is private.", &[], json!({
                "allow": list("Hosts, addresses and ranges.", text("`vault.internal`, `10.0.0.0/8`.")),
            })),
            "audit": object("The record of who did what.", &[], json!({"anchors": list(
                "Where its checkpoints are written outside the database.",
                json!({"oneOf": [
                    {"const": "syslog"},
                    object("A file that is only added to.", &["file"], json!({"file": text("Path.")})),
                    object("A tag in a git repository.", &["git_tag"], json!({"git_tag": text("Folder.")})),
                ]}),
            )})),
            "feeds": {
                "type": "object",
                "description": "Calendars of who is on call, as oncall.yaml names them: where the address of each is.",
                "propertyNames": {"pattern": "^[A-Za-z0-9_-]+$", "maxLength": 64},
                "maxProperties": 50,
                "additionalProperties": reference(),
            },
            "notify": notify(),
            "shares": object("Links to output.", &[], json!({
                "require_login": {"type": "boolean", "description": "They ask for login, whatever their maker chose."},
            })),
        },
    })
}

fn notify() -> Value {
    let channel = json!({"oneOf": [
        one("email", text("`anna@example.org`.")),
        one("slack", reference()),
        object("ntfy.", &["ntfy"], json!({"ntfy": reference(), "token": reference()})),
        object("A signed webhook.", &["webhook", "key"], json!({"webhook": reference(), "key": reference()})),
    ]});
    let mail = json!({
        "from": text("Who mails are from."), "host": text("The server that takes them on."),
        "port": {"type": "integer", "minimum": 1, "maximum": 65535},
        "tls": {"enum": ["starttls", "implicit", "none"]},
        "user": text("With `password`."), "password": reference(),
    });
    object(
        "How people and channels are reached.",
        &[],
        json!({
            "mail": object("Mail.", &["from", "host"], mail),
            "channels": {"type": "object", "additionalProperties": channel,
                "description": "Channels that many read, by the names of oncall.yaml."},
            "people": {"type": "object", "description": "Each person's own, by account.",
                "additionalProperties": {"type": "array", "items": channel, "maxItems": 5}},
        }),
    )
}

fn oidc() -> Value {
    object(
        "The company's own provider.",
        &["issuer", "client_id"],
        json!({
            "issuer": url("As the provider states it."),
            "client_id": text("What the server is called there."),
            "client_secret": reference(),
            "scopes": list("Asked for beside `openid`; `profile` and `email` unless given.", text("A scope.")),
            "groups_claim": text("The claim that lists a person's groups; `groups` unless given."),
            "label": text("What the button says."),
            "trusted_names": {"type": "boolean", "description": "Nobody can choose what the provider calls them: \
                whoever signs in first may get a name that access.yaml already means."},
            "allowed_groups": list("Only members of one of these may sign in.", text("A group.")),
        }),
    )
}

fn vault() -> Value {
    let mut vault = object(
        "HashiCorp Vault, or OpenBao.",
        &["address"],
        json!({
            "address": url("`https://vault.internal:8200`."),
            "namespace": text("Of an enterprise server."),
            "token": own_reference(),
            "approle": object("Signs in as a role.", &["role_id", "secret_id"], json!({
                "mount": text("`approle` unless given."),
                "role_id": text("The role's id, which is no secret."),
                "secret_id": own_reference(),
            })),
            "kubernetes": object("Signs in as a pod.", &["role"], json!({
                "mount": text("`kubernetes` unless given."),
                "role": text("The role."),
                "token": text("File of the pod's token."),
            })),
            "ca": text("PEM of the authority that signed its certificate."),
        }),
    );
    vault["oneOf"] = json!([{"required": ["token"]}, {"required": ["approle"]}, {"required": ["kubernetes"]}]);
    vault
}

fn named_secret() -> Value {
    let mut secret = object(
        "Where a secret is, and who may use it.",
        &[],
        json!({
            "env": variable(),
            "file": text("Its content is the secret."),
            "command": {
                "type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 64,
                "description": "Prints the secret; run without a shell.",
            },
            "timeout": text("Of the command; `10s` unless given, at most `2m`."),
            "vault": object("A field of a secret in the vault.", &["path", "field"], json!({
                "path": {"type": "string", "pattern": "^[^/]+(/[^/]+)+$", "description": "Mount and path: `kv/web/db`."},
                "field": text("`password`."),
            })),
            "runbooks": list("Only these may use it.", text("`web/**`, `db/backup`.")),
            "hosts": text("Only on hosts with these labels: `role=db`."),
        }),
    );
    secret["oneOf"] =
        json!([{"required": ["env"]}, {"required": ["file"]}, {"required": ["command"]}, {"required": ["vault"]}]);
    secret["dependencies"] = json!({"timeout": ["command"]});
    secret
}

fn reference() -> Value {
    json!({"description": "Where the secret is; never the secret.", "oneOf": [
        one("env", variable()),
        one("file", text("Its content is the secret.")),
        one("secret", text("One of `secrets`.")),
    ]})
}

fn own_reference() -> Value {
    json!({"description": "Where the secret is; never the secret.", "oneOf": [
        one("env", variable()),
        one("file", text("Its content is the secret.")),
    ]})
}

fn one(field: &str, value: Value) -> Value {
    let properties = Value::Object([(field.to_owned(), value)].into_iter().collect());
    object("Where it is.", &[field], properties)
}

fn object(description: &str, required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object", "description": description, "required": required, "additionalProperties": false,
        "properties": properties,
    })
}

fn list(description: &str, items: Value) -> Value {
    json!({"type": "array", "description": description, "items": items, "maxItems": 200})
}

fn text(description: &str) -> Value {
    json!({"type": "string", "minLength": 1, "description": description})
}

fn url(description: &str) -> Value {
    json!({"type": "string", "pattern": "^https?://[^@?#\\s\\\\]+$", "description": description})
}

fn variable() -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "description": "A variable of the server."})
}
