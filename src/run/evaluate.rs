//! Conditions, captures, answers and texts of a run, over what is known about one host at that moment.

use std::collections::BTreeMap;

use crate::id::{HostName, ValueName};
use crate::run::action::Heads;
use crate::run::plan::{AskKind, CaptureSource, CaptureType, PlannedAsk, PlannedCapture};
use crate::run::state::State;
use crate::runbook::model::{Ask, Capture, CaptureFrom, CaptureKind, Condition, InputKind, Value};
use crate::runbook::scope::{Outcome, Scope};
use crate::runbook::{capture, condition, template, value};

/// The inputs, and what was captured and answered on a host so far.
pub fn values_on(state: &State, host: &HostName) -> BTreeMap<ValueName, Value> {
    let mut values = state.plan.inputs.clone();
    if let Some(host) = state.host(host) {
        values.extend(host.values.clone());
    }
    values
}

/// Whether a command that ended did what its `expect` asks; without one, exit 0.
///
/// # Errors
/// The condition cannot be evaluated, in words.
pub fn holds(state: &State, host: &HostName, expect: Option<&str>, exit: i32, heads: &Heads) -> Result<bool, String> {
    let Some(expect) = expect else {
        return Ok(exit == 0);
    };
    let outcome = Outcome { exit: i64::from(exit), stdout: &heads.stdout, stderr: &heads.stderr };
    evaluated(state, host, expect, Some(outcome))
}

/// Whether a condition holds that speaks of values alone.
///
/// # Errors
/// It cannot be evaluated, in words.
pub fn condition_holds(state: &State, host: &HostName, text: &str) -> Result<bool, String> {
    evaluated(state, host, text, None)
}

fn evaluated(state: &State, host: &HostName, text: &str, outcome: Option<Outcome<'_>>) -> Result<bool, String> {
    let values = values_on(state, host);
    let nothing = BTreeMap::new();
    let labels = state.plan.target(host).map_or(&nothing, |target| &target.labels);
    let scope = Scope { values: &values, host, labels, outcome };
    condition::evaluate(&Condition(text.to_owned()), &scope)
        .map_err(|error| format!("the condition {text} cannot be evaluated: {error}"))
}

/// Reads all values out of a command's output.
///
/// # Errors
/// One of them is not there, in words.
pub fn captured(
    captures: &BTreeMap<ValueName, PlannedCapture>,
    stdout: &str,
) -> Result<BTreeMap<ValueName, Value>, String> {
    let read = captures.iter().map(|(name, planned)| {
        let from = match &planned.from {
            CaptureSource::Whole => CaptureFrom::Whole,
            CaptureSource::Regex(regex) => CaptureFrom::Regex(regex.clone()),
            CaptureSource::Json(pointer) => CaptureFrom::Json(pointer.clone()),
            CaptureSource::LastLine => CaptureFrom::LastLine,
        };
        let kind = match planned.kind {
            CaptureType::String => CaptureKind::String,
            CaptureType::Integer => CaptureKind::Integer,
            CaptureType::Number => CaptureKind::Number,
            CaptureType::Boolean => CaptureKind::Boolean,
        };
        let value = capture::capture(&Capture { from, kind }, stdout);
        value.map(|value| (name.clone(), value)).map_err(|error| format!("{name} cannot be read: {error}"))
    });
    read.collect()
}

/// The value of an answer.
///
/// # Errors
/// It is not what the question asks for, in words.
pub fn answer(planned: &PlannedAsk, text: &str) -> Result<Value, String> {
    let kind = match &planned.kind {
        AskKind::String => InputKind::String,
        AskKind::Integer => InputKind::Integer,
        AskKind::Number => InputKind::Number,
        AskKind::Boolean => InputKind::Boolean,
        AskKind::Choice(options) => InputKind::Choice(options.clone()),
        AskKind::Duration => InputKind::Duration,
    };
    let ask = Ask {
        name: planned.name.clone(),
        description: planned.description.clone(),
        kind,
        pattern: planned.pattern.clone(),
        min: planned.min,
        max: planned.max,
    };
    value::parse_answer(&ask, text).map_err(|error| error.to_string())
}

/// Text for people with its values in it. A value that is not known yet leaves the text as its author wrote
/// it: a visible `{{name}}` says more than a hole.
pub fn rendered(state: &State, host: &HostName, text: &str) -> String {
    if !text.contains("{{") {
        return text.to_owned();
    }
    let values = values_on(state, host);
    let nothing = BTreeMap::new();
    let labels = state.plan.target(host).map_or(&nothing, |target| &target.labels);
    template::render(text, &Scope { values: &values, host, labels, outcome: None }).unwrap_or_else(|_| text.to_owned())
}
