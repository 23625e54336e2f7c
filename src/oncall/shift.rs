//! A shift: somebody holds a rotation from one moment to another.

use std::fmt;

use serde::Serialize;

use crate::access::account::AccountName;

/// Somebody holds a rotation; overrides are worked in. `from_ms` is part of it, `to_ms` is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    pub rotation: String,
    pub from_ms: i64,
    pub to_ms: i64,
    pub holder: Holder,
    pub origin: Origin,
}

/// Who holds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    Account(AccountName),
    /// As a calendar names somebody whom the table of people does not know.
    Unknown(String),
}

/// Why they hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It is their turn.
    Turn,
    /// A calendar says so.
    Feed,
    /// They stand in.
    Override { why: Option<String> },
}

/// Nobody holds a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub from_ms: i64,
    /// No later than the end of what was looked at.
    pub to_ms: i64,
}

impl Shift {
    pub fn is_at(&self, at_ms: i64) -> bool {
        self.from_ms <= at_ms && at_ms < self.to_ms
    }

    pub fn touches(&self, from_ms: i64, to_ms: i64) -> bool {
        self.from_ms < to_ms && self.to_ms > from_ms
    }
}

impl Holder {
    /// The account, if it is known.
    pub fn account(&self) -> Option<&AccountName> {
        match self {
            Self::Account(name) => Some(name),
            Self::Unknown(_) => None,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(name) => formatter.pad(name.as_str()),
            Self::Unknown(name) => formatter.pad(name),
        }
    }
}
