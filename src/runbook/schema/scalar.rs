//! The scalars of the format, as an editor checks them.
//!
//! Where the parser takes a text it takes a number or a truth value for the text it is written as, so the
//! schema does too: `check: true` is a command.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

macro_rules! scalar {
    ($(#[$doc:meta])* $name:ident, $schema:tt) => {
        $(#[$doc])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

scalar!(Text, {"type": ["string", "number", "boolean"]});
scalar!(
    /// A text that says something.
    Filled, {"type": ["string", "number", "boolean"], "pattern": "\\S"}
);
scalar!(Version, {"const": 1});
scalar!(Duration, {"type": "string", "pattern": "^([0-9]+(ms|s|m|h|d))+$", "examples": ["30s", "5m"]});
scalar!(Date, {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "examples": ["2027-03-01"]});
scalar!(Owner, {"type": "string", "pattern": "^(team|user):[^\\s]+$", "examples": ["team:web"]});
scalar!(
    /// A name of a window, a lock, a channel or an escalation.
    PlainName, {"type": ["string", "number", "boolean"], "maxLength": 200, "pattern": "^[\\w\\p{L}][\\w\\p{L}\\p{N}._@/-]*$"}
);
scalar!(StepId, {"type": ["string", "boolean"], "pattern": "^[a-z][a-z0-9_-]*$", "maxLength": 64});
scalar!(HostName, {"type": ["string", "number", "boolean"], "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]*$", "maxLength": 253});
scalar!(UserName, {"type": ["string", "boolean"], "pattern": "^[A-Za-z_][A-Za-z0-9._-]*$", "maxLength": 64});
scalar!(RunbookPath, {"type": ["string", "number", "boolean"], "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$", "maxLength": 200});
scalar!(ScriptFile, {"type": ["string", "number", "boolean"], "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$", "maxLength": 200});
scalar!(Shell, {"type": ["string", "number", "boolean"], "pattern": "^[A-Za-z0-9/._+][A-Za-z0-9/._+-]*$", "maxLength": 200});
scalar!(AlertPath, {"type": "string", "pattern": "^(labels|annotations)\\.[A-Za-z0-9_.-]+$", "maxLength": 200});
scalar!(SecretNameFile, {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$", "maxLength": 64});
scalar!(Pointer, {"type": "string", "pattern": "^(/([^~]|~[01])*)?$", "maxLength": 1000});
scalar!(Amount, {"oneOf": [
    {"type": "integer", "minimum": 1, "maximum": 4_294_967_295_u32},
    {"type": "string", "pattern": "^([1-9][0-9]?|100)%$"}
]});
scalar!(AmountOrNone, {"oneOf": [
    {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32},
    {"type": "string", "pattern": "^([0-9][0-9]?|100)%$"}
]});
scalar!(Count, {"type": "integer", "minimum": 1, "maximum": 4_294_967_295_u32});
scalar!(Times, {"type": "integer", "minimum": 1, "maximum": 1000});

/// A text on one line, of at most so many characters.
pub(super) struct Line<const CHARACTERS_MAX: usize>;

impl<const CHARACTERS_MAX: usize> JsonSchema for Line<CHARACTERS_MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Line{CHARACTERS_MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number", "boolean"],
            "maxLength": CHARACTERS_MAX,
            "pattern": "^[^\\r\\n]*\\S[^\\r\\n]*\\n*$",
        })
    }
}

/// A text of at most so many characters.
pub(super) struct Short<const CHARACTERS_MAX: usize>;

impl<const CHARACTERS_MAX: usize> JsonSchema for Short<CHARACTERS_MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Short{CHARACTERS_MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number", "boolean"], "maxLength": CHARACTERS_MAX, "pattern": "\\S"})
    }
}
