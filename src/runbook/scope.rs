//! What conditions and texts may name, when a runbook is checked, and the values behind it, in a run.

use std::collections::BTreeMap;
use std::ops::Range;

use super::model::{CaptureKind, InputKind, Value};
use crate::id::{HostName, ValueName};

/// The type of a named value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    Text,
    Integer,
    Number,
    Boolean,
    Duration,
    /// Only commands may use it: it is never shown, and no condition depends on it.
    Secret,
    /// Its declaration is wrong and told already: whatever is done with the value is taken.
    Unknown,
}

impl From<&InputKind> for ValueType {
    fn from(kind: &InputKind) -> Self {
        match kind {
            InputKind::String | InputKind::Choice(_) => Self::Text,
            InputKind::Integer => Self::Integer,
            InputKind::Number => Self::Number,
            InputKind::Boolean => Self::Boolean,
            InputKind::Duration => Self::Duration,
            InputKind::Secret => Self::Secret,
        }
    }
}

impl From<CaptureKind> for ValueType {
    fn from(kind: CaptureKind) -> Self {
        match kind {
            CaptureKind::String => Self::Text,
            CaptureKind::Integer => Self::Integer,
            CaptureKind::Number => Self::Number,
            CaptureKind::Boolean => Self::Boolean,
        }
    }
}

/// The names that are known at one place of a runbook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Inputs, and captures and answers of this step and the ones before.
    pub values: BTreeMap<String, ValueType>,
    /// Captures and answers that come later, with the id of the step: for a better message.
    pub later: BTreeMap<String, String>,
    /// Whether a command has just ended: `exit`, `stdout`, `stderr` and `json` are known too.
    pub outcome: bool,
}

/// Something wrong in a condition or a text for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub kind: ProblemKind,
    /// Bytes of the condition or text; the whole of it where the place is not known.
    pub part: Range<usize>,
    pub message: String,
    pub help: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    Syntax,
    UndefinedName,
    Type,
}

impl ProblemKind {
    /// The rule that a diagnostic of it carries.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::UndefinedName => "undefined-name",
            Self::Type => "schema[type]",
        }
    }
}

/// The values that a condition is evaluated on, or a text is rendered with, for one host.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Inputs, captures and answers; a name without a value (its step was skipped) is not in it.
    pub values: &'a BTreeMap<ValueName, Value>,
    pub host: &'a HostName,
    pub labels: &'a BTreeMap<String, String>,
    /// What the command did that has just ended; only in `expect`.
    pub outcome: Option<Outcome<'a>>,
}

/// How a command ended, for `expect`.
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    pub exit: i64,
    /// Of longer output, conditions see the first 64 KiB.
    pub stdout: &'a str,
    pub stderr: &'a str,
}
