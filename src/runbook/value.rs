//! Values: from text or JSON as their input allows, and back to text for shells, people and JSON.

use regex::{Regex, RegexBuilder};

use super::model::{Ask, Input, InputKind, Value};
use crate::yaml::units::{self, UnitError, duration_text};

/// The longest value: more is a file, not an input.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
/// The compiled form of a pattern; what users write needs a hundredth of it.
const PATTERN_SIZE_MAX: usize = 1 << 20;
const PATTERN_NESTING_MAX: u32 = 50;
/// A longer pattern is a program.
const PATTERN_BYTES_MAX: usize = 1000;

/// Why a value is not taken. Shown beside the field, so each says what would be right.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidValue {
    #[error("a value is needed")]
    Missing,
    #[error("longer than {} KiB", VALUE_BYTES_MAX / 1024)]
    TooLong,
    #[error("holds a NUL character, which no command can be given")]
    Nul,
    #[error("{text} is not a whole number")]
    NotAnInteger { text: String },
    #[error("{text} is not a number")]
    NotANumber { text: String },
    #[error("{text} is not true or false")]
    NotABoolean { text: String },
    #[error("{text} is not a duration: {help}")]
    NotADuration { text: String, help: String },
    #[error("{text} is none of {}", options.join(", "))]
    NotAnOption { text: String, options: Vec<String> },
    #[error("{text} does not match {pattern}")]
    NoMatch { text: String, pattern: String },
    #[error("{number} is less than {min}")]
    TooSmall { number: f64, min: f64 },
    #[error("{number} is more than {max}")]
    TooGreat { number: f64, max: f64 },
    #[error("needs {wanted}, not {got}")]
    WrongJson { wanted: &'static str, got: &'static str },
}

/// The bounds that an input or an answer sets for its value.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub kind: &'a InputKind,
    pub pattern: Option<&'a str>,
    pub min: Option<f64>,
    pub max: Option<f64>,
}

impl<'a> From<&'a Input> for Rules<'a> {
    fn from(input: &'a Input) -> Self {
        Self { kind: &input.kind, pattern: input.pattern.as_deref(), min: input.min, max: input.max }
    }
}

impl<'a> From<&'a Ask> for Rules<'a> {
    fn from(ask: &'a Ask) -> Self {
        Self { kind: &ask.kind, pattern: ask.pattern.as_deref(), min: ask.min, max: ask.max }
    }
}

/// The value of an input from the text that a person or a flag gave.
///
/// # Errors
/// When the text is not what the input declares.
pub fn parse_input(input: &Input, text: &str) -> Result<Value, InvalidValue> {
    parse(input.into(), text)
}

/// The value of an answer from the text that a person gave.
///
/// # Errors
/// When the text is not what the question asks for; an empty one never is.
pub fn parse_answer(ask: &Ask, text: &str) -> Result<Value, InvalidValue> {
    if text.trim().is_empty() { Err(InvalidValue::Missing) } else { parse(ask.into(), text) }
}

/// The value of an input from JSON: a text is read as text, a number or truth value as itself.
///
/// # Errors
/// When it is not what the input declares.
pub fn input_from_json(input: &Input, json: &serde_json::Value) -> Result<Value, InvalidValue> {
    parse_json(input.into(), json)
}

/// The value of an answer from JSON.
///
/// # Errors
/// When it is not what the question asks for.
pub fn answer_from_json(ask: &Ask, json: &serde_json::Value) -> Result<Value, InvalidValue> {
    if json.as_str().is_some_and(|text| text.trim().is_empty()) {
        return Err(InvalidValue::Missing);
    }
    parse_json(ask.into(), json)
}

/// The value of an input that nobody gave: its default; for one that is not required the empty text, the
/// first option, zero or false.
///
/// # Errors
/// [`InvalidValue::Missing`] when a value is needed.
pub fn value_when_not_given(input: &Input) -> Result<Value, InvalidValue> {
    match (&input.default, input.required) {
        (Some(default), _) => Ok(default.clone()),
        (None, true) => Err(InvalidValue::Missing),
        (None, false) => Ok(match &input.kind {
            InputKind::String | InputKind::Choice(_) | InputKind::Secret => Value::Text(String::new()),
            InputKind::Integer => Value::Integer(0),
            InputKind::Number => Value::Number(0.0),
            InputKind::Boolean => Value::Boolean(false),
            InputKind::Duration => Value::Duration(0),
        }),
    }
}

fn parse_json(rules: Rules<'_>, json: &serde_json::Value) -> Result<Value, InvalidValue> {
    let got = match json {
        serde_json::Value::String(text) => return parse(rules, text),
        serde_json::Value::Number(number) => return parse(rules, &number.to_string()),
        serde_json::Value::Bool(truth) => return parse(rules, &truth.to_string()),
        serde_json::Value::Null => "null",
        serde_json::Value::Array(_) => "a list",
        serde_json::Value::Object(_) => "an object",
    };
    Err(InvalidValue::WrongJson { wanted: "a text, a number or a truth value", got })
}

pub(super) fn parse(rules: Rules<'_>, text: &str) -> Result<Value, InvalidValue> {
    if text.len() > VALUE_BYTES_MAX {
        return Err(InvalidValue::TooLong);
    }
    if text.contains('\0') {
        return Err(InvalidValue::Nul);
    }
    // A secret never stands in a message.
    let shown = if *rules.kind == InputKind::Secret { "the value".to_owned() } else { quoted(text) };
    let value = match rules.kind {
        InputKind::String | InputKind::Secret => Value::Text(text.to_owned()),
        InputKind::Choice(options) if options.iter().any(|option| option == text) => Value::Text(text.to_owned()),
        InputKind::Choice(options) => return Err(InvalidValue::NotAnOption { text: shown, options: options.clone() }),
        InputKind::Integer => {
            text.trim().parse().map(Value::Integer).map_err(|_| InvalidValue::NotAnInteger { text: shown.clone() })?
        }
        InputKind::Number => {
            Value::Number(finite(text).ok_or_else(|| InvalidValue::NotANumber { text: shown.clone() })?)
        }
        InputKind::Boolean => {
            text.trim().parse().map(Value::Boolean).map_err(|_| InvalidValue::NotABoolean { text: shown.clone() })?
        }
        InputKind::Duration => duration(text)?,
    };
    check_pattern(rules, text, &shown)?;
    check_bounds(rules, &value)?;
    Ok(value)
}

fn finite(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

fn duration(text: &str) -> Result<Value, InvalidValue> {
    let invalid = |help| InvalidValue::NotADuration { text: quoted(text), help };
    match units::duration(text.trim()) {
        Ok(duration) => Ok(Value::Duration(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))),
        Err(UnitError::Missing(likely)) => Err(invalid(format!("did you mean {}?", likely.join(" or ")))),
        Err(UnitError::Malformed(help)) => Err(invalid(help)),
    }
}

fn check_pattern(rules: Rules<'_>, text: &str, shown: &str) -> Result<(), InvalidValue> {
    let Some(pattern) = rules.pattern else { return Ok(()) };
    let holds = whole_pattern(pattern).is_ok_and(|regex| regex.is_match(text));
    if holds { Ok(()) } else { Err(InvalidValue::NoMatch { text: shown.to_owned(), pattern: pattern.to_owned() }) }
}

fn check_bounds(rules: Rules<'_>, value: &Value) -> Result<(), InvalidValue> {
    #[expect(clippy::cast_precision_loss, reason = "bounds are floating-point numbers")]
    let number = match value {
        Value::Integer(integer) => *integer as f64,
        Value::Number(number) => *number,
        Value::Text(_) | Value::Boolean(_) | Value::Duration(_) => return Ok(()),
    };
    match (rules.min, rules.max) {
        (Some(min), _) if number < min => Err(InvalidValue::TooSmall { number, min }),
        (_, Some(max)) if number > max => Err(InvalidValue::TooGreat { number, max }),
        _ => Ok(()),
    }
}

/// A pattern that must match a whole value.
///
/// # Errors
/// The reason, when it is no regular expression, or one too great.
pub(super) fn whole_pattern(pattern: &str) -> Result<Regex, String> {
    // Compiled alone first: `a)(b` is no pattern, but `(?:a)(b)` would be one.
    bounded_regex(pattern)?;
    // The line end closes a comment that `(?x)` allows.
    bounded_regex(&format!("\\A(?:{pattern})\\z")).or_else(|_| bounded_regex(&format!("\\A(?:{pattern}\n)\\z")))
}

/// A regular expression within our bounds; matching takes linear time whatever the text.
///
/// # Errors
/// The reason, when it is no regular expression, or one too great.
pub(super) fn bounded_regex(pattern: &str) -> Result<Regex, String> {
    // Twelve more for the ends that `whole_pattern` adds.
    if pattern.len() > PATTERN_BYTES_MAX + 12 {
        return Err(format!("it has more than {PATTERN_BYTES_MAX} bytes"));
    }
    RegexBuilder::new(pattern).size_limit(PATTERN_SIZE_MAX).nest_limit(PATTERN_NESTING_MAX).build().map_err(|error| {
        match error {
            regex::Error::Syntax(text) => {
                text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            }
            regex::Error::CompiledTooBig(_) => "it is too great: its repetitions multiply".to_owned(),
            other => other.to_string(),
        }
    })
}

/// The value as a shell variable holds it.
pub fn shell_text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(integer) => integer.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Duration(ms) => duration_text(std::time::Duration::from_millis(*ms)),
    }
}

/// The value as people see it: the same as a shell gets, so that what one reads is what runs.
pub fn display_text(value: &Value) -> String {
    shell_text(value)
}

/// The value as JSON: numbers and truth values as such, a duration as its text.
pub fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Integer(integer) => (*integer).into(),
        Value::Number(number) => (*number).into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Duration(_) => shell_text(value).into(),
    }
}

fn quoted(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    let cut: String = text.chars().take(CHARACTERS_MAX).collect();
    let rest = if cut.len() < text.len() { "…" } else { "" };
    format!("{:?}", cut + rest)
}

#[cfg(test)]
mod tests;
