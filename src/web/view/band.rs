//! The band above a run: what runs where, how far it is, how long that usually takes. It is always in sight.

use serde::Serialize;

use crate::run::event::Actor;
use crate::run::plan::Part;
use crate::run::view::{Need, RunStateName, RunView, StepStateName, StepView};
use crate::web::format;
use crate::web::view::host::{HostMark, environment, is_production};
use crate::web::view::run::{state_words, step_words};

/// Width of the drawing of the steps in its own units; the style sheet stretches it.
const DRAWN_WIDTH: usize = 1000;
/// Between two steps in the drawing.
const DRAWN_GAP: usize = 6;
/// Hosts whose names stand in the band; the others are counted.
const HOSTS_NAMED_MAX: usize = 3;

/// What is always in sight.
#[derive(Debug, Clone, Serialize)]
pub struct Band {
    pub title: String,
    pub state: String,
    /// `wait`, `run`, `good`, `bad` or `still`: a class, beside a word.
    pub tone: &'static str,
    pub hosts: Vec<HostMark>,
    /// `and 4 more`; empty if all are named.
    pub more: String,
    pub environment: Option<String>,
    pub production: bool,
    pub progress: String,
    pub done: usize,
    pub total: usize,
    pub elapsed: String,
    /// Milliseconds since 1970 while the run goes on: the script counts on.
    pub since_ms: Option<i64>,
    /// One a step.
    pub segments: Vec<Segment>,
    pub usual: Option<Usual>,
}

/// A step in the drawing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Segment {
    pub x: usize,
    pub width: usize,
    pub tone: &'static str,
}

/// How long it usually takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Usual {
    pub words: String,
    /// Of the usual time, in units of the drawing.
    pub width: usize,
    pub is_over: bool,
}

impl Band {
    /// `usual_ms`: what this runbook's last successful runs took.
    pub fn new(view: &RunView, viewer: &Actor, now_ms: i64, usual_ms: Option<i64>) -> Self {
        let steps: Vec<&StepView> = view.steps.iter().filter(|step| step.part == Part::Step).collect();
        let done = steps.iter().filter(|step| is_done(step)).count();
        let (mut state, tone) = state_words(view);
        if view.state == RunStateName::Waiting && !view.stopping && view.driver != *viewer {
            state = format!("Waits for {}", view.driver);
        }
        match &view.waiting {
            Some(Need::Approve(_)) if !view.stopping => "Waits for approval".clone_into(&mut state),
            Some(Need::Window { .. }) if !view.stopping => "Waits for its time".clone_into(&mut state),
            _ => {}
        }
        let elapsed_ms = view.ended_at_ms.unwrap_or(now_ms) - view.started_at_ms;
        Self {
            title: view.title.clone(),
            state,
            tone,
            hosts: view.hosts.iter().take(HOSTS_NAMED_MAX).map(|host| HostMark::new(host.name.as_str())).collect(),
            more: match view.hosts.len().saturating_sub(HOSTS_NAMED_MAX) {
                0 => String::new(),
                more => format!("and {more} more"),
            },
            environment: environment(view.hosts.iter()),
            production: view.hosts.iter().any(is_production),
            progress: progress(view, &steps, done),
            done,
            total: steps.len(),
            elapsed: format::duration(elapsed_ms),
            since_ms: view.ended_at_ms.is_none().then_some(view.started_at_ms),
            segments: segments(&steps, tone),
            usual: usual_ms.map(|usual_ms| Usual::new(elapsed_ms, usual_ms, view.ended_at_ms.is_some())),
        }
    }
}

impl Usual {
    fn new(elapsed_ms: i64, usual_ms: i64, has_ended: bool) -> Self {
        let usual = format::duration(usual_ms);
        let is_over = elapsed_ms > usual_ms && !has_ended;
        let share = elapsed_ms.max(0).saturating_mul(DRAWN_WIDTH as i64) / usual_ms.max(1);
        Self {
            words: if is_over { format!("longer than the usual {usual}") } else { format!("usually {usual}") },
            width: usize::try_from(share).unwrap_or(DRAWN_WIDTH).min(DRAWN_WIDTH),
            is_over,
        }
    }
}

/// The steps side by side; `run_tone` is that of the step that is worked now.
fn segments(steps: &[&StepView], run_tone: &'static str) -> Vec<Segment> {
    let count = steps.len().max(1);
    let drawn = steps.iter().enumerate().map(|(position, step)| {
        let x = position * DRAWN_WIDTH / count;
        let end = (position + 1) * DRAWN_WIDTH / count;
        let tone = match step.state {
            StepStateName::Pending => "",
            StepStateName::Current => run_tone,
            StepStateName::Succeeded => "good",
            StepStateName::Failed => "bad",
            StepStateName::Unknown => "unsure",
            StepStateName::Skipped | StepStateName::Cancelled => "skipped",
        };
        Segment { x, width: (end - x).saturating_sub(DRAWN_GAP).max(1), tone }
    });
    drawn.collect()
}

/// Behind us: a step that failed is not.
fn is_done(step: &StepView) -> bool {
    match step.state {
        StepStateName::Succeeded | StepStateName::Skipped => true,
        StepStateName::Pending
        | StepStateName::Current
        | StepStateName::Failed
        | StepStateName::Cancelled
        | StepStateName::Unknown => false,
    }
}

fn progress(view: &RunView, steps: &[&StepView], done: usize) -> String {
    let current = view.current.as_ref().and_then(|id| view.steps.iter().find(|step| step.id == *id));
    match current {
        _ if view.ended_at_ms.is_some() => format!("{done} of {} steps done", steps.len()),
        Some(step) => step_words(view, step),
        None => "proving the hosts".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_time_is_said_as_longer_only_while_a_run_goes_on() {
        assert_eq!(Usual::new(60_000, 120_000, false).words, "usually 2 min 00 s");
        let late = Usual::new(180_000, 120_000, false);
        assert_eq!((late.words.as_str(), late.width, late.is_over), ("longer than the usual 2 min 00 s", 1000, true));
        assert!(!Usual::new(180_000, 120_000, true).is_over);
    }
}
