//! Captures: a typed value out of what a command wrote to stdout.

use super::model::{Capture, CaptureFrom, CaptureKind, Value};
use super::value::{VALUE_BYTES_MAX, bounded_regex};

/// What a message shows of the output.
const SHOWN_CHARACTERS_MAX: usize = 400;

/// Why nothing was captured. Each shows the text that was looked at, cut to its head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    #[error("`{pattern}` does not match anything in:\n{looked_at}")]
    NoMatch { pattern: String, looked_at: String },
    #[error("stdout is not JSON ({reason}):\n{looked_at}")]
    NotJson { reason: String, looked_at: String },
    #[error("there is nothing at {pointer} in:\n{looked_at}")]
    NothingAtPointer { pointer: String, looked_at: String },
    #[error("stdout has no line")]
    NoLine,
    #[error("{text:?} is not {wanted}, from:\n{looked_at}")]
    WrongType { text: String, wanted: &'static str, looked_at: String },
    #[error("what was captured is longer than {} KiB", VALUE_BYTES_MAX / 1024)]
    TooLong,
    #[error("what was captured holds a NUL character, which no command can be given")]
    Nul,
    /// Never for a capture that the parser has passed.
    #[error("`{pattern}` is not a regular expression: {reason}")]
    Pattern { pattern: String, reason: String },
}

/// Reads the value out of `stdout`.
///
/// # Errors
/// When it is not there, or not of its type: the step has failed.
pub fn capture(capture: &Capture, stdout: &str) -> Result<Value, CaptureError> {
    let text = match &capture.from {
        CaptureFrom::Whole => without_final_newline(stdout).to_owned(),
        CaptureFrom::Regex(pattern) => by_regex(pattern, stdout)?,
        CaptureFrom::Json(pointer) => by_pointer(pointer, stdout)?,
        CaptureFrom::LastLine => {
            stdout.lines().rev().find(|line| !line.trim().is_empty()).ok_or(CaptureError::NoLine)?.to_owned()
        }
    };
    if text.len() > VALUE_BYTES_MAX {
        return Err(CaptureError::TooLong);
    }
    if text.contains('\0') {
        return Err(CaptureError::Nul);
    }
    typed(capture.kind, text, stdout)
}

fn without_final_newline(text: &str) -> &str {
    text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text))
}

/// The group that a pattern captures with: the one named `value`, or the only one.
///
/// # Errors
/// The reason, when the pattern is no regular expression or has no such group.
pub(super) fn capturing_group(pattern: &str) -> Result<(regex::Regex, usize), String> {
    let regex = bounded_regex(pattern)?;
    if let Some(named) = regex.capture_names().position(|name| name == Some("value")) {
        return Ok((regex, named));
    }
    match regex.captures_len() {
        2 => Ok((regex, 1)),
        1 => Err("it has no group: put the part you want in ( )".to_owned()),
        groups => Err(format!("it has {} groups: name one of them, (?<value>…), or write (?:…)", groups - 1)),
    }
}

fn by_regex(pattern: &str, stdout: &str) -> Result<String, CaptureError> {
    let (regex, group) =
        capturing_group(pattern).map_err(|reason| CaptureError::Pattern { pattern: pattern.to_owned(), reason })?;
    regex
        .captures(stdout)
        .and_then(|captures| captures.get(group))
        .map(|found| found.as_str().to_owned())
        .ok_or_else(|| CaptureError::NoMatch { pattern: pattern.to_owned(), looked_at: looked_at(stdout) })
}

fn by_pointer(pointer: &str, stdout: &str) -> Result<String, CaptureError> {
    let json: serde_json::Value = serde_json::from_str(stdout)
        .map_err(|error| CaptureError::NotJson { reason: error.to_string(), looked_at: looked_at(stdout) })?;
    match json.pointer(pointer) {
        None | Some(serde_json::Value::Null) => {
            Err(CaptureError::NothingAtPointer { pointer: pointer.to_owned(), looked_at: looked_at(stdout) })
        }
        Some(serde_json::Value::String(text)) => Ok(text.clone()),
        Some(other) => Ok(other.to_string()),
    }
}

fn typed(kind: CaptureKind, text: String, stdout: &str) -> Result<Value, CaptureError> {
    let trimmed = text.trim();
    let (value, wanted) = match kind {
        CaptureKind::String => return Ok(Value::Text(text)),
        CaptureKind::Integer => (trimmed.parse().ok().map(Value::Integer), "a whole number"),
        CaptureKind::Number => {
            let number = trimmed.parse().ok().filter(|number: &f64| number.is_finite());
            (number.map(Value::Number), "a number")
        }
        CaptureKind::Boolean => (trimmed.parse().ok().map(Value::Boolean), "true or false"),
    };
    value.ok_or_else(|| CaptureError::WrongType {
        text: trimmed.chars().take(60).collect(),
        wanted,
        looked_at: looked_at(stdout),
    })
}

fn looked_at(stdout: &str) -> String {
    if stdout.trim().is_empty() {
        return "(nothing on stdout)".to_owned();
    }
    match stdout.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &stdout[..end]),
        None => without_final_newline(stdout).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(from: CaptureFrom, kind: CaptureKind, stdout: &str) -> Result<Value, CaptureError> {
        capture(&Capture { from, kind }, stdout)
    }

    fn regex(pattern: &str) -> CaptureFrom {
        CaptureFrom::Regex(pattern.to_owned())
    }

    fn pointer(pointer: &str) -> CaptureFrom {
        CaptureFrom::Json(pointer.to_owned())
    }

    #[test]
    fn each_source_gives_its_value() {
        let json = r#"{"a": [{"b/c": 5, "t": "x"}], "ok": true}"#;
        let text = |text: &str| Ok(Value::Text(text.to_owned()));
        for (from, kind, stdout, value) in [
            (regex(r"(\d+)%"), CaptureKind::Integer, "Use 93% 94%\n", Ok(Value::Integer(93))),
            (regex(r"(a|b)=(?<value>\S+)"), CaptureKind::String, "b=x y", text("x")),
            (CaptureFrom::Whole, CaptureKind::String, "a\nb\n\n", text("a\nb\n")),
            (CaptureFrom::Whole, CaptureKind::Integer, " 90\n", Ok(Value::Integer(90))),
            (CaptureFrom::Whole, CaptureKind::String, "", text("")),
            (CaptureFrom::LastLine, CaptureKind::Number, "x\n0.5\n\n", Ok(Value::Number(0.5))),
            (pointer("/a/0/b~1c"), CaptureKind::Integer, json, Ok(Value::Integer(5))),
            (pointer("/ok"), CaptureKind::Boolean, json, Ok(Value::Boolean(true))),
            (pointer("/a/0/t"), CaptureKind::String, json, text("x")),
            (pointer("/a/0"), CaptureKind::String, json, text(r#"{"b/c":5,"t":"x"}"#)),
        ] {
            assert_eq!(captured(from.clone(), kind, stdout), value, "{from:?}");
        }
    }

    #[test]
    fn no_match_shows_the_text_it_looked_at() {
        let error = captured(regex(r"(\d+)%"), CaptureKind::Integer, "df: /x: No such file\n").unwrap_err();
        assert_eq!(error.to_string(), "`(\\d+)%` does not match anything in:\ndf: /x: No such file");
        let error = captured(regex(r"(\d+)%"), CaptureKind::Integer, "").unwrap_err();
        assert_eq!(error.to_string(), "`(\\d+)%` does not match anything in:\n(nothing on stdout)");
        let error = captured(regex("(x)"), CaptureKind::String, &"é".repeat(100_000)).unwrap_err();
        assert!(error.to_string().chars().count() < 500);
        for (from, kind, stdout) in [
            (pointer("/a"), CaptureKind::String, "{}"),
            (pointer("/a"), CaptureKind::String, "{\"a\": null}"),
            (pointer("/a"), CaptureKind::String, "no"),
            (CaptureFrom::LastLine, CaptureKind::String, "\n\n"),
            (CaptureFrom::Whole, CaptureKind::Integer, "12x"),
            (CaptureFrom::Whole, CaptureKind::Number, "nan"),
            (CaptureFrom::Whole, CaptureKind::Boolean, "yes"),
            (CaptureFrom::Whole, CaptureKind::String, "a\0b"),
        ] {
            assert!(captured(from.clone(), kind, stdout).is_err(), "{from:?} took {stdout:?}");
        }
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        assert_eq!(captured(CaptureFrom::Whole, CaptureKind::String, &long), Err(CaptureError::TooLong));
    }
}
