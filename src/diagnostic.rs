//! A problem in a user's file: plain data with a place, a cause and a next step.
//!
//! Diagnostics are values, not errors: a file has as many of them as it has problems. Nothing here
//! knows how they are drawn; the reporters in `cli` turn them into text, JSON, SARIF or annotations.

use serde::Serialize;

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; never fails a check unless asked to.
    Info,
    /// Ought to be changed; fails a check by default.
    Warning,
    /// Must be changed; the runbook does not start.
    Error,
}

/// A place in a text: bytes for machines, line and column (in characters, from 1) for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Span {
    /// First byte of the place.
    pub start: usize,
    /// One past the last byte; equal to `start` where something is missing.
    pub end: usize,
    /// Line of the first byte, from 1.
    pub line: usize,
    /// Column of the first byte in characters, from 1.
    pub column: usize,
}

impl Span {
    /// The place of bytes `start..end` in `text`; offsets past the end or inside a character are moved back.
    pub fn within(text: &str, start: usize, end: usize) -> Self {
        let start = floor_char_boundary(text, start);
        let end = floor_char_boundary(text, end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            start,
            end,
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
        }
    }
}

fn floor_char_boundary(text: &str, mut index: usize) -> usize {
    index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// One problem in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The rule that found it, with its sub-id in brackets: `schema[unknown-key]`.
    pub rule: String,
    /// How much it weighs.
    pub severity: Severity,
    /// The file, relative to where the check was started, with `/`.
    pub file: String,
    /// Where in the file.
    pub span: Span,
    /// What is wrong, in one sentence without a final stop: `unknown field "timeuot"`.
    pub message: String,
    /// What to do about it: `did you mean "timeout"?`.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without help.
    pub fn new(
        rule: impl Into<String>,
        severity: Severity,
        file: &str,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self { rule: rule.into(), severity, file: file.to_owned(), span, message: message.into(), help: None }
    }

    /// The same with a next step for the reader.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
