//! Steps as the templates see them: one line each, and the current one as a card.

use serde::Serialize;

use crate::run::event::Purpose;
use crate::run::view::{CellStateName, CellView, RunStateName, RunView, StepAction, StepKind, StepStateName, StepView};
use crate::runbook::model::Effect;
use crate::web::format;
use crate::web::view::host::{HostMark, environment};
use crate::web::view::need::NeedCard;
use crate::web::view::run::step_words;
use crate::web::view::tail::Tail;

/// Hosts whose names stand large; the others are counted.
const HOSTS_NAMED_MAX: usize = 3;

/// Values that stand beside a command; further ones are in the cells.
const VALUES_MAX: usize = 12;

/// A step that is over, or is still to come.
#[derive(Debug, Clone, Serialize)]
pub struct StepLine {
    pub id: String,
    pub run: String,
    pub mark: &'static str,
    /// The same as a symbol of the sprite.
    pub icon: &'static str,
    pub tone: &'static str,
    pub state: &'static str,
    pub number: String,
    pub name: String,
    pub effect: Option<&'static str>,
    pub effect_class: &'static str,
    /// It is still to come.
    pub later: bool,
    /// The values it gave, or why it was skipped or failed.
    pub gist: String,
    pub lasted: Option<String>,
    pub body: String,
    pub cells: Vec<CellLine>,
    /// It failed, and the run is over because of it: its last lines are in sight.
    pub is_open: bool,
    pub tails: Vec<Tail>,
    pub actions: StepForms,
}

/// The step that is worked now.
#[derive(Debug, Clone, Serialize)]
pub struct StepCard {
    pub id: String,
    pub run: String,
    pub seq: u64,
    pub words: String,
    pub name: String,
    pub why: Option<String>,
    pub effect: &'static str,
    pub effect_words: &'static str,
    pub kind: &'static str,
    /// Where it happens; empty for what happens on no host.
    pub hosts: Vec<HostMark>,
    /// `and 4 more`; empty if all are named.
    pub more: String,
    pub environment: Option<String>,
    /// A tap away.
    pub command: Option<String>,
    /// What its variables are.
    pub values: Vec<ValueLine>,
    pub critical: bool,
    /// Milliseconds since 1970 at which it began, while commands of it run: the script counts on.
    pub since_ms: Option<i64>,
    pub lasts: String,
    pub cells: Vec<CellLine>,
    pub many: bool,
    pub tally: String,
    pub advice: Vec<String>,
    /// Something failed: what it said stands above what can be done.
    pub evidence_first: bool,
    pub need: Option<NeedCard>,
    pub tails: Vec<Tail>,
    pub actions: StepForms,
}

/// A variable of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueLine {
    pub name: String,
    pub value: String,
}

/// One host of a step.
#[derive(Debug, Clone, Serialize)]
pub struct CellLine {
    pub host: String,
    pub state: &'static str,
    pub mark: &'static str,
    /// The same as a symbol of the sprite.
    pub icon: &'static str,
    pub tone: &'static str,
    pub detail: Option<String>,
    pub values: String,
    pub lasted: Option<String>,
    /// The output of its newest main attempt.
    pub output: Option<String>,
    pub attempts: Vec<AttemptLine>,
}

#[derive(Debug, Clone, Serialize)]
pub struct AttemptLine {
    pub href: String,
    pub words: String,
    pub outcome: String,
}

/// What can be asked of a step outside of what the run waits for.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StepForms {
    pub run: String,
    pub seq: u64,
    pub step: String,
    pub retry: bool,
    pub skip: bool,
    pub any: bool,
}

impl StepForms {
    /// The forms of `step`, without those that `need` already shows.
    fn new(view: &RunView, step: &StepView, need: Option<&NeedCard>) -> Self {
        let shown = need.is_some_and(|need| need.decide.is_some());
        let retry = !shown && step.actions.contains(&StepAction::Retry);
        let skip = !shown && step.actions.contains(&StepAction::Skip);
        Self { run: view.id.to_string(), seq: view.seq, step: step.id.to_string(), retry, skip, any: retry || skip }
    }
}

impl StepLine {
    pub fn new(view: &RunView, step: &StepView) -> Self {
        let (mark, tone, state) = step_state(step.state);
        Self {
            id: step.id.to_string(),
            run: view.id.to_string(),
            mark,
            icon: icon(mark),
            tone,
            state,
            number: match step.part {
                crate::run::plan::Part::Step => step.number.to_string(),
                crate::run::plan::Part::Precondition => format!("P{}", step.number),
            },
            name: step.name.clone(),
            effect: (step.effect != Effect::Check).then(|| effect_words(step.effect, step.kind)),
            effect_class: effect_class(step.effect),
            later: step.state == StepStateName::Pending,
            gist: gist(step),
            lasted: lasted(step.started_at_ms, step.ended_at_ms),
            body: step.body.clone(),
            cells: cells(view, step),
            is_open: false,
            tails: Vec::new(),
            actions: StepForms::new(view, step, None),
        }
    }
}

impl StepCard {
    pub fn new(view: &RunView, step: &StepView, now_ms: i64, tails: Vec<Tail>, need: Option<NeedCard>) -> Self {
        let since_ms = step.started_at_ms.filter(|_| view.state == RunStateName::Running);
        let mut advice: Vec<String> = step.cells.iter().filter_map(|cell| cell.advice.clone()).collect();
        advice.dedup();
        Self {
            id: step.id.to_string(),
            run: view.id.to_string(),
            seq: view.seq,
            words: step_words(view, step),
            name: step.name.clone(),
            why: step.why.clone(),
            effect: effect_class(step.effect),
            effect_words: effect_words(step.effect, step.kind),
            kind: kind_class(step.kind),
            hosts: step.cells.iter().take(HOSTS_NAMED_MAX).map(|cell| HostMark::new(cell.host.as_str())).collect(),
            more: match step.cells.len().saturating_sub(HOSTS_NAMED_MAX) {
                0 => String::new(),
                more => format!("and {more} more"),
            },
            environment: environment(
                view.hosts.iter().filter(|host| step.cells.iter().any(|cell| cell.host == host.name)),
            ),
            values: values_of(view, step),
            command: (!matches!(step.kind, StepKind::Manual | StepKind::Wait)).then(|| step.body.clone()),
            critical: step.critical,
            since_ms,
            lasts: since_ms.map(|since_ms| format::duration(now_ms - since_ms)).unwrap_or_default(),
            cells: cells(view, step),
            many: step.cells.len() > 1,
            tally: tally(&step.cells),
            advice,
            actions: StepForms::new(view, step, need.as_ref()),
            evidence_first: need.as_ref().is_some_and(|need| need.decide.is_some()),
            need,
            tails,
        }
    }
}

/// The variables that the command of `step` names, with what they are: inputs, and what earlier steps captured.
fn values_of(view: &RunView, step: &StepView) -> Vec<ValueLine> {
    let mut values: Vec<ValueLine> = Vec::new();
    let mut add = |name: &str, value: String| {
        let line = ValueLine { name: name.to_owned(), value };
        if names_variable(&step.body, name) && !values.contains(&line) && values.len() < VALUES_MAX {
            values.push(line);
        }
    };
    view.inputs.iter().for_each(|(name, value)| add(name, value.clone()));
    for cell in view.steps.iter().take_while(|other| other.id != step.id).flat_map(|other| &other.cells) {
        for (name, value) in &cell.values {
            add(name, if view.hosts.len() > 1 { format!("{value} ({})", cell.host) } else { value.clone() });
        }
    }
    values
}

/// Whether a script names the shell variable: `$name` or `${name`, and not only the beginning of a longer one.
fn names_variable(script: &str, name: &str) -> bool {
    ["$", "${"].iter().any(|sign| {
        let variable = format!("{sign}{name}");
        let mut places = script.match_indices(variable.as_str());
        places.any(|(at, found)| {
            let after = script[at + found.len()..].chars().next();
            !after.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        })
    })
}

/// The step because of which a run did not succeed: the last that failed, or of which nobody knows.
pub fn failed_step(view: &RunView) -> Option<&StepView> {
    let is_failed = |step: &&StepView| matches!(step.state, StepStateName::Failed | StepStateName::Unknown);
    view.steps.iter().rev().find(is_failed)
}

fn cells(view: &RunView, step: &StepView) -> Vec<CellLine> {
    step.cells.iter().map(|cell| CellLine::new(view, step, cell)).collect()
}

impl CellLine {
    fn new(view: &RunView, step: &StepView, cell: &CellView) -> Self {
        let (mark, tone, state) = cell_state(cell.state);
        let page = output_page(view, step, cell);
        let newest = cell.attempts.iter().rev().find(|attempt| attempt.purpose == Purpose::Main);
        Self {
            host: cell.host.to_string(),
            state,
            mark,
            icon: icon(mark),
            tone,
            detail: cell.detail.clone(),
            values: values(&cell.values),
            lasted: lasted(cell.started_at_ms, cell.ended_at_ms),
            output: newest.map(|attempt| format!("{page}?attempt={}", attempt.id)),
            attempts: cell
                .attempts
                .iter()
                .enumerate()
                .map(|(position, attempt)| AttemptLine {
                    href: format!("{page}?attempt={}", attempt.id),
                    words: attempt_words(cell, position),
                    outcome: attempt.outcome.clone(),
                })
                .collect(),
        }
    }
}

/// The page with the output of a step on a host.
pub fn output_page(view: &RunView, step: &StepView, cell: &CellView) -> String {
    format!("/runs/{}/steps/{}/hosts/{}", view.id, step.id, cell.host)
}

/// What an attempt is for, in a word.
pub fn purpose_words(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Preview => "preview",
        Purpose::Guard(_) => "guard",
        Purpose::Main => "attempt",
        Purpose::Verify => "verify",
        Purpose::Undo => "undo",
    }
}

/// `attempt 2`: the second of its purpose on this host. The first of a purpose needs no number but for the main one.
pub fn attempt_words(cell: &CellView, position: usize) -> String {
    let purpose = cell.attempts[position].purpose;
    let number = cell.attempts[..=position].iter().filter(|attempt| attempt.purpose == purpose).count();
    match (purpose, number) {
        (Purpose::Preview | Purpose::Guard(_) | Purpose::Verify | Purpose::Undo, 1) => {
            purpose_words(purpose).to_owned()
        }
        _ => format!("{} {number}", purpose_words(purpose)),
    }
}

fn gist(step: &StepView) -> String {
    let told: Vec<&CellView> =
        step.cells.iter().filter(|cell| !cell.values.is_empty() || cell.detail.is_some()).collect();
    match told.as_slice() {
        [] => String::new(),
        [cell] if step.cells.len() == 1 => cell_gist(cell),
        cells => {
            let first = cell_gist(cells[0]);
            if cells.iter().all(|cell| cell_gist(cell) == first) { first } else { tally(&step.cells) }
        }
    }
}

fn cell_gist(cell: &CellView) -> String {
    match &cell.detail {
        Some(detail) if cell.values.is_empty() => detail.clone(),
        Some(detail) if cell.state != CellStateName::Succeeded => detail.clone(),
        Some(_) | None => values(&cell.values),
    }
}

fn values(values: &[(String, String)]) -> String {
    values.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
}

/// `2 succeeded, 1 running`.
fn tally(cells: &[CellView]) -> String {
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    for cell in cells {
        let (_, _, word) = cell_state(cell.state);
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, number)) => *number += 1,
            None => counts.push((word, 1)),
        }
    }
    counts.iter().map(|(word, number)| format!("{number} {word}")).collect::<Vec<_>>().join(", ")
}

fn lasted(started_at_ms: Option<i64>, ended_at_ms: Option<i64>) -> Option<String> {
    Some(format::duration(ended_at_ms? - started_at_ms?))
}

/// Sign, class and word of a step's state: never colour alone.
fn step_state(state: StepStateName) -> (&'static str, &'static str, &'static str) {
    match state {
        StepStateName::Pending => ("○", "still", "to come"),
        StepStateName::Current => ("●", "run", "now"),
        StepStateName::Succeeded => ("✓", "good", "done"),
        StepStateName::Skipped => ("–", "still", "skipped"),
        StepStateName::Failed => ("✗", "bad", "failed"),
        StepStateName::Cancelled => ("■", "still", "stopped"),
        StepStateName::Unknown => ("?", "unsure", "unknown"),
    }
}

/// The symbol of `sprite.hbs` for a sign.
fn icon(mark: &str) -> &'static str {
    match mark {
        "●" => "running",
        "✓" => "check",
        "–" => "skip",
        "✗" => "cross",
        "■" => "stopped",
        "?" => "unknown",
        "◔" => "wait",
        "!" => "alert",
        _ => "todo",
    }
}

fn cell_state(state: CellStateName) -> (&'static str, &'static str, &'static str) {
    match state {
        CellStateName::Pending => ("○", "still", "to come"),
        CellStateName::Skipped => ("–", "still", "skipped"),
        CellStateName::Waiting => ("◔", "wait", "waiting"),
        CellStateName::Starting => ("●", "run", "starting"),
        CellStateName::Running => ("●", "run", "running"),
        CellStateName::Unreachable => ("!", "bad", "unreachable"),
        CellStateName::Succeeded => ("✓", "good", "succeeded"),
        CellStateName::Failed => ("✗", "bad", "failed"),
        CellStateName::Killed => ("✗", "bad", "killed"),
        CellStateName::TimedOut => ("✗", "bad", "timed out"),
        CellStateName::Cancelled => ("■", "still", "stopped"),
        CellStateName::Unknown => ("?", "unsure", "unknown"),
    }
}

fn kind_class(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Check => "check",
        StepKind::Run => "run",
        StepKind::Script => "script",
        StepKind::Manual => "manual",
        StepKind::Wait => "wait",
    }
}

fn effect_class(effect: Effect) -> &'static str {
    match effect {
        Effect::Check => "reads",
        Effect::Change => "changes",
        Effect::Destructive => "destroys",
    }
}

/// The word beside a step that says what it does to its host.
pub fn effect_words(effect: Effect, kind: StepKind) -> &'static str {
    match (kind, effect) {
        (StepKind::Manual, _) => "by hand",
        (StepKind::Wait, _) => "waits",
        (_, Effect::Check) => "only reads",
        (_, Effect::Change) => "changes",
        (_, Effect::Destructive) => "destructive",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_found_in_a_script_by_its_whole_name() {
        assert!(names_variable("df \"$mount\"", "mount"));
        assert!(names_variable("df ${mount}/x", "mount"));
        assert!(!names_variable("df $mount_point ${mounts}", "mount"));
        assert!(!names_variable("mount", "mount"));
    }
}
