//! A run as lines of text: the whole checklist for a terminal, and what has changed for a pipe.

mod changes;
mod screen;

use super::terminal::without_controls;
use crate::run::view::{
    AttemptView, CellStateName, CellView, HostStanding, RunStateName, RunView, StepStateName, StepView,
};

pub(super) use changes::Changes;
pub(super) use screen::Screen;

/// Hosts that are named one by one; more are counted.
const NAMED_HOSTS_MAX: usize = 5;

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub in_colour: bool,
}

impl Paint {
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub fn bad(self, text: &str) -> String {
        self.with("1;31", text)
    }

    pub fn busy(self, text: &str) -> String {
        self.with("36", text)
    }

    pub fn ask(self, text: &str) -> String {
        self.with("1;33", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.in_colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// What the run is: two lines.
pub(super) fn heading(view: &RunView, paint: Paint) -> Vec<String> {
    let commit = view.commit.as_deref().map(|commit| format!(" at {}", &commit[..commit.len().min(12)]));
    vec![
        paint.bold(&without_controls(&view.title)),
        paint.dim(&format!(
            "run {} · {}{} · {}",
            view.id,
            view.runbook,
            commit.unwrap_or_default(),
            crate::run::words::names(&view.hosts.iter().map(|host| host.name.clone()).collect::<Vec<_>>())
        )),
    ]
}

/// All steps, a line each, with lines below for hosts that a person should see.
pub(super) fn steps(view: &RunView, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for host in &view.hosts {
        if let (HostStanding::Refused | HostStanding::Unreachable | HostStanding::Dropped, Some(note)) =
            (host.standing, &host.note)
        {
            lines.push(paint.bad(&format!("! {}: {}", host.name, one_line(note))));
        }
    }
    for step in &view.steps {
        lines.push(step_line(step, paint));
        let many = step.cells.len() > NAMED_HOSTS_MAX;
        let shown = step.cells.iter().filter(|cell| match step.state {
            StepStateName::Pending | StepStateName::Skipped => false,
            StepStateName::Current => !many || is_trouble(cell.state),
            StepStateName::Succeeded => false,
            StepStateName::Failed | StepStateName::Cancelled | StepStateName::Unknown => is_trouble(cell.state),
        });
        lines.extend(shown.map(|cell| format!("      {}", cell_line(cell, paint))));
    }
    lines
}

fn step_line(step: &StepView, paint: Paint) -> String {
    let (mark, name) = (mark(step.state), one_line(&step.name));
    let counts = counts(step);
    let text = format!("{mark} {name}");
    let text = match step.state {
        StepStateName::Pending | StepStateName::Skipped => paint.dim(&text),
        StepStateName::Current => paint.bold(&text),
        StepStateName::Succeeded => paint.good(&text),
        StepStateName::Failed | StepStateName::Cancelled | StepStateName::Unknown => paint.bad(&text),
    };
    if counts.is_empty() { text } else { format!("{text}  {}", paint.dim(&counts)) }
}

fn mark(state: StepStateName) -> &'static str {
    match state {
        StepStateName::Pending => "[ ]",
        StepStateName::Current => "[>]",
        StepStateName::Succeeded => "[x]",
        StepStateName::Skipped => "[-]",
        StepStateName::Failed => "[!]",
        StepStateName::Cancelled => "[/]",
        StepStateName::Unknown => "[?]",
    }
}

/// `48 of 50 succeeded, 2 running`; nothing for a step that nobody has touched.
fn counts(step: &StepView) -> String {
    if matches!(step.state, StepStateName::Pending) || step.cells.len() <= 1 {
        return String::new();
    }
    let mut counted: Vec<(CellStateName, usize)> = Vec::new();
    for cell in &step.cells {
        match counted.iter_mut().find(|(state, _)| *state == cell.state) {
            Some((_, count)) => *count += 1,
            None => counted.push((cell.state, 1)),
        }
    }
    let words: Vec<String> = counted.iter().map(|(state, count)| format!("{count} {}", state_word(*state))).collect();
    format!("{} hosts: {}", step.cells.len(), words.join(", "))
}

/// `web-1: failed, exit 1`.
pub(super) fn cell_line(cell: &CellView, paint: Paint) -> String {
    let mut text = format!("{}: {}", cell.host, state_word(cell.state));
    if let Some(detail) = cell.detail.as_ref().filter(|detail| !detail.is_empty()) {
        text = format!("{text}, {}", one_line(detail));
    }
    if !cell.values.is_empty() {
        let values: Vec<String> =
            cell.values.iter().map(|(name, value)| format!("{name}={}", one_line(value))).collect();
        text = format!("{text}  {}", values.join(" "));
    }
    if let Some(advice) = &cell.advice {
        text = format!("{text} — {}", one_line(advice));
    }
    match cell.state {
        CellStateName::Succeeded => paint.good(&text),
        CellStateName::Starting | CellStateName::Running => paint.busy(&text),
        state if is_trouble(state) => paint.bad(&text),
        _ => paint.dim(&text),
    }
}

pub(super) fn is_trouble(state: CellStateName) -> bool {
    match state {
        CellStateName::Unreachable
        | CellStateName::Failed
        | CellStateName::Killed
        | CellStateName::TimedOut
        | CellStateName::Cancelled
        | CellStateName::Unknown => true,
        CellStateName::Pending
        | CellStateName::Skipped
        | CellStateName::Waiting
        | CellStateName::Starting
        | CellStateName::Running
        | CellStateName::Succeeded => false,
    }
}

/// The state of a step on a host, in words.
pub(super) fn state_word(state: CellStateName) -> &'static str {
    match state {
        CellStateName::Pending => "not yet",
        CellStateName::Skipped => "skipped",
        CellStateName::Waiting => "waiting",
        CellStateName::Starting => "starting",
        CellStateName::Running => "running",
        CellStateName::Unreachable => "unreachable",
        CellStateName::Succeeded => "succeeded",
        CellStateName::Failed => "failed",
        CellStateName::Killed => "killed",
        CellStateName::TimedOut => "timed out",
        CellStateName::Cancelled => "cancelled",
        CellStateName::Unknown => "outcome unknown",
    }
}

/// What was tried, for those hosts that a person looks at: a line an attempt.
pub(super) fn attempt_lines(view: &RunView, paint: Paint) -> Vec<String> {
    let cells = view.steps.iter().flat_map(|step| step.cells.iter().map(move |cell| (step, cell)));
    let trouble = cells.filter(|(_, cell)| is_trouble(cell.state) || cell.attempts.iter().any(|one| !one.over));
    let attempts = trouble.flat_map(|(step, cell)| cell.attempts.iter().map(move |attempt| (step, cell, attempt)));
    let line = |(step, cell, attempt): (&StepView, &CellView, &AttemptView)| {
        paint.dim(&format!("{} on {}, attempt {}: {}", step.id, cell.host, attempt.number, one_line(&attempt.outcome)))
    };
    attempts.map(line).collect()
}

/// How it stands with the run, one line.
pub(super) fn standing(view: &RunView, paint: Paint) -> String {
    let because = view.ended_because.as_deref().map(|why| format!(": {}", one_line(why))).unwrap_or_default();
    match view.state {
        RunStateName::Running if view.stopping => paint.busy("stopping"),
        RunStateName::Running => paint.busy("running"),
        RunStateName::Waiting | RunStateName::Paused => {
            let waits = view.waiting.as_ref().map(crate::run::words::waiting).unwrap_or_default();
            paint.ask(&format!("waits for {}", one_line(&waits)))
        }
        RunStateName::Succeeded => paint.good(&format!("succeeded{because}")),
        RunStateName::Failed => paint.bad(&format!("{}{because}", end_word(view))),
        RunStateName::Aborted => paint.bad(&format!("aborted{because}")),
    }
}

fn end_word(view: &RunView) -> &'static str {
    match view.end {
        Some(crate::run::event::RunEnd::Refused) => "refused before anything changed",
        _ => "failed",
    }
}

/// Text of others on one line of ours.
pub(super) fn one_line(text: &str) -> String {
    without_controls(text.trim()).replace(['\n', '\t'], " ")
}
