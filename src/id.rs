//! Names and identifiers: each is checked once, where it enters, and then known to be good by its type.
//!
//! None of these types can hold text that a shell, ssh, git or a path would read as something else:
//! nothing begins with `-`, nothing holds a slash that is not a separator, nothing holds white space.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Why a text is not a valid identifier. Shown to people, so it says what would be valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {what}: {rule}")]
pub struct InvalidId {
    /// What the text was meant to be, e.g. `host name`.
    pub what: &'static str,
    /// The text as it was given, cut to 80 characters.
    pub text: String,
    /// What a valid one looks like.
    pub rule: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text of this identifier.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if !text.is_empty() && text.len() <= $max && valid(&text) {
                    Ok(Self(text))
                } else {
                    Err(InvalidId { what: $what, text: text.chars().take(80).collect(), rule: $rule })
                }
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

fn starts_with_and_holds(text: &str, first: fn(char) -> bool, rest: fn(char) -> bool) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(first) && letters.all(rest)
}

text_id!(
    /// A target's name in the inventory. Never begins with `-`, so that ssh cannot take it for an option
    /// (the openssh library passes no `--` before the destination).
    HostName, "host name", 253,
    "letters, digits, `.`, `_` and `-`, beginning with a letter, a digit or `_`, at most 253",
    |text| starts_with_and_holds(text, |c| c.is_ascii_alphanumeric() || c == '_', |c| c.is_ascii_alphanumeric() || "._-".contains(c))
);

text_id!(
    /// Where ssh connects to: a DNS name, an IPv4 or an IPv6 address (without brackets).
    Address, "address", 253,
    "a DNS name or an IP address",
    |text| starts_with_and_holds(text, |c| c.is_ascii_alphanumeric() || c == '_' || c == ':', |c| c.is_ascii_alphanumeric() || "._-:".contains(c))
);

text_id!(
    /// An account on a target host, for `user` and `as`.
    UserName, "user name", 64,
    "letters, digits, `.`, `_` and `-`, beginning with a letter or `_`",
    |text| starts_with_and_holds(text, |c| c.is_ascii_alphabetic() || c == '_', |c| c.is_ascii_alphanumeric() || "._-".contains(c))
);

text_id!(
    /// The name of an input or a capture: `$name` in a shell, `name` in a condition, `{{name}}` in text.
    ValueName, "name of a value", 64,
    "lower-case letters, digits and `_`, beginning with a letter",
    |text| starts_with_and_holds(text, |c| c.is_ascii_lowercase(), |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
);

text_id!(
    /// The name of a secret that the server holds: `from_secret` in a runbook, `secrets` in the configuration file.
    SecretName, "name of a secret", 64,
    "lower-case letters, digits, `_` and `-`, beginning with a letter",
    |text| starts_with_and_holds(text, |c| c.is_ascii_lowercase(), |c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c))
);

text_id!(
    /// The id of a step, unique in its runbook.
    StepId, "step id", 64,
    "lower-case letters, digits, `_` and `-`, beginning with a letter",
    |text| starts_with_and_holds(text, |c| c.is_ascii_lowercase(), |c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c))
);

text_id!(
    /// A runbook's path below `runbooks/`, without `.yaml`: `web/disk-full`.
    RunbookPath, "runbook path", 200,
    "names of letters, digits, `.`, `_` and `-` joined by `/`, none of them beginning with `.` or `-`",
    |text| text.split('/').all(|part| starts_with_and_holds(part, |c| c.is_ascii_alphanumeric() || c == '_', |c| c.is_ascii_alphanumeric() || "._-".contains(c)))
);

text_id!(
    /// The key of an item of a handoff. It stays the same when the item is carried over to the next one.
    ItemKey, "item key", 200,
    "lower-case letters, digits, `.`, `_` and `-`, beginning with a letter, a digit or `_`",
    |text| starts_with_and_holds(text, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_', |c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map($name).map_err(|_| InvalidId {
                    what: $what,
                    text: text.chars().take(80).collect(),
                    rule: "a UUID such as 0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01",
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

uuid_id!(
    /// One run of a runbook. UUIDv7: sorts by the time it was started.
    RunId, "run id"
);
uuid_id!(
    /// One execution of one command on one host. UUIDv7; names the attempt's directory on the host,
    /// and is never used again.
    AttemptId, "attempt id"
);

uuid_id!(
    /// One handoff from one person to another: a UUIDv7, or made of what the schedule says of its boundary.
    HandoffId, "handoff id"
);

/// A SHA-256, shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        let bytes: Option<Vec<u8>> = text
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        bytes
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .filter(|_| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .map(Self)
            .ok_or(InvalidId { what: "digest", text, rule: "64 hexadecimal digits" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_ssh_or_a_shell_would_misread_is_a_host_name() {
        for text in ["-V", "-oProxyCommand=x", "", "a b", "a\nb", "a;b", "$(x)", "a/b", "é", "@a", "a@b"] {
            assert!(text.parse::<HostName>().is_err(), "{text:?} was taken");
            assert!(text.parse::<Address>().is_err(), "{text:?} was taken");
        }
        for text in ["web-1", "10.0.0.1", "db_2.example.org"] {
            assert!(text.parse::<HostName>().is_ok(), "{text:?} was refused");
        }
        assert!("fe80::1".parse::<Address>().is_ok());
    }

    #[test]
    fn a_runbook_path_cannot_leave_its_folder() {
        for text in ["../x", "a/../b", "/a", "a//b", ".git/config", "a/.b", "a/-b", "a\\b"] {
            assert!(text.parse::<RunbookPath>().is_err(), "{text:?} was taken");
        }
        assert!("web/disk-full".parse::<RunbookPath>().is_ok());
    }

    #[test]
    fn a_digest_survives_its_text() {
        let digest = Digest::of(b"x");
        assert_eq!(Digest::try_from(digest.to_string()), Ok(digest));
        for text in ["", "zz", &"+f".repeat(32), &"a".repeat(63), &"a".repeat(66)] {
            assert!(Digest::try_from(text.to_owned()).is_err(), "{text:?} was taken");
        }
    }
}
