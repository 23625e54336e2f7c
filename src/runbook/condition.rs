//! Conditions: `if`, `expect` and `verify` in CEL (<https://cel.dev>), over inputs, captures and the host.
//!
//! The one module that knows the CEL library. A condition is checked when its runbook is checked: it
//! parses, knows its names, and gives a truth value. What could run long or deep is refused there: the
//! length, the nesting, all functions that are not listed, and loops within loops.
//!
//! Numbers compare with one another whatever their type (`error_rate < 1`). Durations are CEL durations:
//! `window > duration("1h30m")`; CEL itself has no days.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::common::ast::IdedExpr;
use cel::{Context, ExecutionError, Program};

use super::model::{Condition, Value};
use super::scope::{Names, Problem, ProblemKind, Scope};

mod types;

pub(crate) use types::undefined;

/// A longer condition is a program; it belongs into a script.
pub const BYTES_MAX: usize = 1000;
/// Brackets inside one another. The parser recurses a dozen calls deep for each.
const NESTING_MAX: usize = 12;
/// Parts inside one another, such as the sums in `1 + 1 + 1`. The library recurses for each.
const DEPTH_MAX: usize = 40;
/// What conditions see of stdout and stderr.
pub const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// Why a condition gave no truth value in a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// Never for a condition that [`check`] has passed.
    #[error("the condition `{condition}` does not parse: {reason}")]
    Syntax { condition: String, reason: String },
    #[error("`{name}` has no value: the step that captures it did not run, or captured nothing")]
    NoValue { name: String },
    #[error("there is no `{key}` in what `{condition}` looks at")]
    NoSuchKey { condition: String, key: String },
    #[error("`json` needs stdout to be JSON: {reason}")]
    NotJson { reason: String },
    #[error("`{condition}` gives {got}, not true or false")]
    NotTrueOrFalse { condition: String, got: String },
    #[error("`{condition}` cannot be evaluated: {reason}")]
    Failed { condition: String, reason: String },
}

/// Checks that `text` parses, uses only known names, and gives a truth value.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(text: &str, names: &Names) -> Result<(), Vec<Problem>> {
    let program = compile(text).map_err(|problem| vec![problem])?;
    let problems = types::check(text, &program, names);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Whether the condition holds.
///
/// # Errors
/// When a value is missing, or its type is not what the condition needs: neither true nor false.
pub fn evaluate(condition: &Condition, scope: &Scope<'_>) -> Result<bool, ConditionError> {
    let text = condition.0.as_str();
    let program = compile(text)
        .map_err(|problem| ConditionError::Syntax { condition: text.to_owned(), reason: problem.message })?;
    let mut context = Context::default();
    add_values(&mut context, scope, &program)?;
    let result = guarded(|| program.execute(&context));
    match result {
        None => Err(failed(text, "the expression is not supported")),
        Some(Ok(cel::Value::Bool(truth))) => Ok(truth),
        Some(Ok(other)) => {
            Err(ConditionError::NotTrueOrFalse { condition: text.to_owned(), got: format!("a {}", other.type_of()) })
        }
        Some(Err(error)) => Err(execution_error(text, &error)),
    }
}

fn failed(condition: &str, reason: impl Into<String>) -> ConditionError {
    ConditionError::Failed { condition: condition.to_owned(), reason: reason.into() }
}

fn execution_error(text: &str, error: &ExecutionError) -> ConditionError {
    match error {
        ExecutionError::UndeclaredReference(name) => ConditionError::NoValue { name: name.to_string() },
        ExecutionError::NoSuchKey(key) => {
            ConditionError::NoSuchKey { condition: text.to_owned(), key: key.to_string() }
        }
        ExecutionError::ValuesNotComparable(left, right) => {
            failed(text, format!("a {} and a {} cannot be compared", left.type_of(), right.type_of()))
        }
        // The library's own text of these shows whole values, which may be 64 KiB of output.
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => failed(text, "division by zero"),
        ExecutionError::Overflow(..) => failed(text, "the number is out of range"),
        ExecutionError::IndexOutOfBounds(_) => failed(text, "the index is past the end of the list"),
        other => failed(text, other.to_string().chars().take(200).collect::<String>()),
    }
}

/// Parses within the bounds of this module.
fn compile(text: &str) -> Result<Program, Problem> {
    let refuse = |part, message: String, help: &str| {
        Err(Problem { kind: ProblemKind::Syntax, part, message, help: Some(help.to_owned()) })
    };
    let whole = 0..text.len();
    if text.trim().is_empty() {
        return refuse(whole, "the condition is empty".to_owned(), "write an expression such as `exit == 0`");
    }
    if text.len() > BYTES_MAX {
        let message = format!("the condition has {} bytes, more than {BYTES_MAX}", text.len());
        return refuse(whole, message, "capture what it needs, and compare that");
    }
    if nesting(text) > NESTING_MAX {
        let message = format!("the condition is nested more than {NESTING_MAX} deep");
        return refuse(whole, message, "split it over several steps");
    }
    match guarded(|| Program::compile(text)) {
        Some(Ok(program)) if types::is_deeper(program.expression(), DEPTH_MAX) => {
            let message = format!("the condition has more than {DEPTH_MAX} operations on one another");
            refuse(whole, message, "compute it in a command, and capture the result")
        }
        Some(Ok(program)) => Ok(program),
        Some(Err(errors)) => {
            let (part, reason) = errors
                .errors
                .first()
                .map_or((whole, String::new()), |error| (at_line_column(text, error.pos), error.msg.clone()));
            let help = likely_slip(text, &reason);
            refuse(part, format!("the condition does not parse: {}", plain_reason(&reason)), help)
        }
        None => refuse(whole, "the condition does not parse".to_owned(), "conditions are CEL"),
    }
}

/// What people who do not know CEL write first.
fn likely_slip(text: &str, reason: &str) -> &'static str {
    if reason.contains("token recognition error at: '=") {
        "compare with `==`"
    } else if text.split_whitespace().any(|word| matches!(word, "and" | "or" | "not")) {
        "write `&&`, `||` and `!`"
    } else {
        "conditions are CEL, such as `used_pct >= 85 && exit == 0`"
    }
}

/// The parser's first sentence, without its list of all tokens that would have been right.
fn plain_reason(reason: &str) -> String {
    let first = reason.lines().next().unwrap_or_default();
    let cut = first.find(" expecting ").map_or(first, |at| &first[..at]);
    cut.trim_start_matches("Syntax error: ").chars().take(120).collect()
}

/// The byte range from a line (from 1) and column (from 1) of the CEL parser to the end of that word.
fn at_line_column(text: &str, (line, column): (isize, isize)) -> std::ops::Range<usize> {
    let (Ok(line), Ok(column)) = (usize::try_from(line), usize::try_from(column)) else { return 0..text.len() };
    let line_start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let start = text[line_start..].char_indices().nth(column.saturating_sub(1)).map(|(at, _)| line_start + at);
    match start.and_then(|start| text[start..].chars().next().map(|letter| (start, letter))) {
        Some((start, letter)) => start..start + letter.len_utf8(),
        None => 0..text.len(),
    }
}

/// The deepest nesting of brackets, counted without regard to quotes: a bound, not a parse.
fn nesting(text: &str) -> usize {
    let mut depth: usize = 0;
    let mut deepest = 0;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// `None` where the library panicked. Its parser is generated by ANTLR and is not free of panics on odd
/// input; everything that it works on is dropped with it.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

fn add_values(context: &mut Context<'_, '_>, scope: &Scope<'_>, program: &Program) -> Result<(), ConditionError> {
    for (name, value) in scope.values {
        context.add_variable_from_value(name.as_str(), cel_value(value));
    }
    let labels: HashMap<String, cel::Value> =
        scope.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let host: HashMap<String, cel::Value> =
        HashMap::from([("name".to_owned(), scope.host.as_str().into()), ("labels".to_owned(), labels.into())]);
    context.add_variable_from_value("host", host);
    let Some(outcome) = scope.outcome else { return Ok(()) };
    context.add_variable_from_value("exit", outcome.exit);
    context.add_variable_from_value("stdout", head(outcome.stdout));
    context.add_variable_from_value("stderr", head(outcome.stderr));
    if program.references().has_variable("json") {
        context.add_variable_from_value("json", json_of(outcome.stdout)?);
    }
    Ok(())
}

fn head(output: &str) -> &str {
    let mut end = output.len().min(OUTPUT_BYTES_MAX);
    while !output.is_char_boundary(end) {
        end -= 1;
    }
    &output[..end]
}

fn json_of(stdout: &str) -> Result<cel::Value, ConditionError> {
    if stdout.len() > OUTPUT_BYTES_MAX {
        let reason = format!("it is longer than {} KiB", OUTPUT_BYTES_MAX / 1024);
        return Err(ConditionError::NotJson { reason });
    }
    serde_json::from_str(stdout)
        .map(|json: serde_json::Value| cel_json(&json))
        .map_err(|error| ConditionError::NotJson { reason: error.to_string() })
}

/// Recursion is bounded by serde_json, which refuses more than 128 levels.
fn cel_json(json: &serde_json::Value) -> cel::Value {
    match json {
        serde_json::Value::Null => cel::Value::Null,
        serde_json::Value::Bool(truth) => (*truth).into(),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => integer.into(),
            None => number.as_f64().unwrap_or(f64::NAN).into(),
        },
        serde_json::Value::String(text) => text.as_str().into(),
        serde_json::Value::Array(items) => items.iter().map(cel_json).collect::<Vec<_>>().into(),
        serde_json::Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), cel_json(value))).collect::<HashMap<_, _>>().into()
        }
    }
}

fn cel_value(value: &Value) -> cel::Value {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Integer(integer) => (*integer).into(),
        Value::Number(number) => (*number).into(),
        Value::Boolean(truth) => (*truth).into(),
        // Ten years at most, see `yaml::units`; a greater one is held at what chrono can hold.
        Value::Duration(ms) => {
            let ms = i64::try_from(*ms).unwrap_or(i64::MAX);
            cel::Value::Duration(chrono::Duration::try_milliseconds(ms).unwrap_or(chrono::Duration::MAX))
        }
    }
}

/// Where a node of the program stands in its text.
fn place_of(text: &str, program: &Program, node: &IdedExpr) -> std::ops::Range<usize> {
    let whole = 0..text.len();
    let Some((start, stop)) = program.source_info().offset_for(node.id) else { return whole };
    // The library counts characters.
    let byte_at = |character: u32| text.char_indices().nth(character as usize).map(|(at, _)| at);
    let Some(start) = byte_at(start) else { return whole };
    let end = text[start..]
        .find(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
        .map_or(text.len(), |length| start + length);
    let stop = byte_at(stop).map_or(start, |stop| stop.max(start));
    if end > start { start..end } else { start..stop.max(start + 1).min(text.len()) }
}

#[cfg(test)]
mod tests;
