//! Draws the picture that people see from a run's state.

use crate::id::StepId;
use crate::inventory::target::{Target, Via};
use crate::run::evaluate;
use crate::run::event::{DropReason, Ending, RunEnd, StepResult};
use crate::run::need;
use crate::run::plan::{Part, PlannedAction, PlannedStep};
use crate::run::state::{AttemptPhase, AttemptState, Cell, CellState, HostState, Standing, State, StepState};
use crate::run::view::{
    AttemptView, CellStateName, CellView, HostStanding, HostView, Need, RunStateName, RunView, StepAction, StepKind,
    StepStateName, StepView, TakenView,
};
use crate::run::wave;
use crate::run::words;
use crate::runbook::model::Effect;
use crate::runbook::value::display_text;

/// The picture of a run at this state.
pub fn picture(state: &State) -> RunView {
    let waiting = need::need(state);
    let plan = &state.plan;
    let secrets =
        plan.secrets.iter().chain(plan.named_secrets.keys()).map(|name| (name.to_string(), "(secret)".to_owned()));
    RunView {
        id: state.run,
        runbook: plan.runbook.to_string(),
        title: plan.title.clone(),
        summary: plan.summary.clone(),
        commit: plan.commit.clone(),
        plan_digest: state.digest.to_string(),
        text_digest: plan.text_digest.to_string(),
        state: state_name(state, waiting.as_ref()),
        started_by: state.started_by.clone(),
        driver: state.driver.clone(),
        taken: state.taken.as_ref().map(|taken| TakenView {
            by: taken.by.clone(),
            from: taken.from.clone(),
            at_ms: taken.at_ms,
        }),
        started_at_ms: state.started_at_ms,
        ended_at_ms: state.ended.as_ref().map(|ended| ended.at_ms),
        ended_because: state.ended.as_ref().map(|ended| ended.why.clone()),
        end: state.ended.as_ref().map(|ended| ended.end),
        pace: plan.pace,
        inputs: plan
            .inputs
            .iter()
            .map(|(name, value)| (name.to_string(), display_text(value)))
            .chain(secrets)
            .collect(),
        hosts: plan.hosts.iter().zip(&state.hosts).map(|(target, host)| host_view(target, host)).collect(),
        locks: plan.locks.clone(),
        override_reason: plan.override_reason.clone(),
        overridden_windows: plan
            .windows
            .iter()
            .filter(|window| window.overridden)
            .map(|window| window.name.clone())
            .collect(),
        steps: (0..plan.steps.len()).map(|index| step_view(state, index, waiting.as_ref())).collect(),
        current: current_step(state),
        seq: state.seq,
        stopping: state.stop.is_some(),
        waiting,
    }
}

/// The word for a run's state.
pub fn state_name(state: &State, waiting: Option<&Need>) -> RunStateName {
    match (&state.ended, waiting) {
        (Some(ended), _) => match ended.end {
            RunEnd::Succeeded => RunStateName::Succeeded,
            RunEnd::Failed | RunEnd::Refused => RunStateName::Failed,
            RunEnd::Aborted => RunStateName::Aborted,
        },
        (None, Some(Need::Resume { .. } | Need::Storage { .. })) => RunStateName::Paused,
        (None, Some(Need::AskAgain { .. })) if state.pause.is_some() => RunStateName::Paused,
        (None, Some(_)) => RunStateName::Waiting,
        (None, None) => RunStateName::Running,
    }
}

fn current_step(state: &State) -> Option<StepId> {
    state
        .current
        .filter(|_| state.ended.is_none())
        .and_then(|index| state.plan.steps.get(index))
        .map(|step| step.id.clone())
}

fn host_view(target: &Target, host: &HostState) -> HostView {
    let (standing, note) = match &host.standing {
        Standing::Unproven => (HostStanding::Unproven, None),
        Standing::Proven(_) => (HostStanding::Proven, None),
        Standing::Refused { reason, next_step } => (HostStanding::Refused, Some(format!("{reason}. {next_step}"))),
        Standing::Unreachable { reason, .. } => (HostStanding::Unreachable, Some(reason.clone())),
        Standing::Dropped(DropReason::Failed(step)) => (HostStanding::Dropped, Some(format!("step {step} failed"))),
        Standing::Dropped(DropReason::Person { by, why }) => (HostStanding::Dropped, Some(format!("{by}: {why}"))),
    };
    HostView { name: target.name.clone(), labels: target.labels.clone(), address: address(target), standing, note }
}

/// Where a host is, for people.
pub fn address(target: &Target) -> String {
    match &target.via {
        Via::Local => "this server".to_owned(),
        Via::Recorded => "recorded".to_owned(),
        Via::Ssh(ssh) => match &ssh.user {
            Some(user) => format!("{user}@{}:{}", ssh.address, ssh.port),
            None => format!("{}:{}", ssh.address, ssh.port),
        },
    }
}

fn step_view(state: &State, index: usize, waiting: Option<&Need>) -> StepView {
    let plan = &state.plan.steps[index];
    let step = &state.steps[index];
    let same_part = state.plan.steps[..=index].iter().filter(|other| other.part == plan.part).count();
    let rendering_host = step.cells.first().map(|cell| cell.host.clone());
    let name = match &rendering_host {
        Some(host) => evaluate::rendered(state, host, &plan.name),
        None => plan.name.clone(),
    };
    StepView {
        id: plan.id.clone(),
        part: plan.part,
        number: same_part,
        name,
        why: plan.why.clone(),
        effect: plan.effect(),
        kind: kind(plan),
        body: body(plan),
        critical: plan.critical,
        cells: step.cells.iter().map(|cell| cell_view(state, plan, step, cell)).collect(),
        state: step_state(state, index),
        started_at_ms: step.entered_at_ms,
        ended_at_ms: step.ended_at_ms,
        actions: actions(state, index, waiting),
    }
}

fn kind(step: &PlannedStep) -> StepKind {
    match &step.action {
        PlannedAction::Command { effect: Effect::Check, .. } => StepKind::Check,
        PlannedAction::Command { .. } => StepKind::Run,
        PlannedAction::Script { .. } => StepKind::Script,
        PlannedAction::Manual { .. } => StepKind::Manual,
        PlannedAction::Pause { .. } | PlannedAction::Until { .. } => StepKind::Wait,
    }
}

fn body(step: &PlannedStep) -> String {
    match &step.action {
        PlannedAction::Command { body, .. } => body.clone(),
        PlannedAction::Script { file, args, .. } => format!("{file} {}", args.join(" ")).trim_end().to_owned(),
        PlannedAction::Manual { instruction, .. } => instruction.clone(),
        PlannedAction::Pause { for_ms: 0 } if step.approval.is_some() => "others agree to this run".to_owned(),
        PlannedAction::Pause { for_ms } => format!("wait {} s", for_ms / 1000),
        PlannedAction::Until { check, .. } => check.clone(),
    }
}

fn step_state(state: &State, index: usize) -> StepStateName {
    let cells = &state.steps[index].cells;
    if cells.iter().any(Cell::is_unknown) {
        return StepStateName::Unknown;
    }
    if state.current == Some(index) && state.ended.is_none() {
        return StepStateName::Current;
    }
    if state.steps[index].entered_at_ms.is_none() && !cells.iter().any(Cell::is_settled) {
        return StepStateName::Pending;
    }
    let is = |wanted: fn(&CellState) -> bool| cells.iter().any(|cell| wanted(&cell.state));
    if is(|state| matches!(state, CellState::Finished(StepResult::Failed(_) | StepResult::TimedOut))) {
        StepStateName::Failed
    } else if is(|state| matches!(state, CellState::Finished(StepResult::Cancelled))) {
        StepStateName::Cancelled
    } else if is(|state| matches!(state, CellState::Finished(StepResult::Succeeded) | CellState::Resolved { .. })) {
        StepStateName::Succeeded
    } else if cells.iter().all(|cell| matches!(cell.state, CellState::Skipped(_))) {
        StepStateName::Skipped
    } else {
        StepStateName::Pending
    }
}

fn actions(state: &State, index: usize, waiting: Option<&Need>) -> Vec<StepAction> {
    let step = &state.plan.steps[index];
    let mut actions = Vec::new();
    if state.worked() != Some(index) || state.ended.is_some() {
        return actions;
    }
    if state.live_attempts().any(|(_, attempt)| attempt.plan.step == step.id) {
        actions.push(StepAction::Stop);
    }
    if state.stop.is_some() {
        return actions;
    }
    match waiting {
        Some(Need::Confirm { .. }) => actions.extend([StepAction::Confirm, StepAction::Skip]),
        Some(Need::Answer { ask, .. }) if ask.is_empty() => actions.extend([StepAction::Done, StepAction::Skip]),
        Some(Need::Answer { .. }) => actions.extend([StepAction::Answer, StepAction::Skip]),
        Some(Need::Decide { .. }) => actions.extend([StepAction::Retry, StepAction::Skip]),
        Some(Need::ResolveUnknown { .. }) => actions.push(StepAction::Resolve),
        Some(Need::Approve(_)) => {
            actions.extend([StepAction::Approve, StepAction::Reject, StepAction::Withdraw, StepAction::Skip]);
        }
        Some(Need::AskAgain { .. }) => actions.extend([StepAction::AskAgain, StepAction::Skip]),
        Some(Need::Window { .. }) => actions.extend([StepAction::OverrideWindow, StepAction::Skip]),
        Some(
            Need::ReachHosts { .. }
            | Need::Secrets { .. }
            | Need::ManualUndo { .. }
            | Need::Storage { .. }
            | Need::Lock { .. }
            | Need::Resume { .. },
        )
        | None => {}
    }
    if state.undo.is_some() {
        // What is being taken back was done: there is nothing of it to leave out.
        actions.retain(|action| *action != StepAction::Skip);
    }
    actions
}

fn cell_view(state: &State, plan: &PlannedStep, step: &StepState, cell: &Cell) -> CellView {
    let (name, detail, advice) = cell_words(state, plan, step, cell);
    CellView {
        host: cell.host.clone(),
        state: name,
        detail,
        advice,
        values: cell.values.iter().map(|(name, value)| (name.to_string(), display_text(value))).collect(),
        attempts: cell.attempts.iter().filter_map(|id| state.attempts.get(id)).map(attempt_view).collect(),
        started_at_ms: cell.started_at_ms,
        ended_at_ms: cell.ended_at_ms,
    }
}

fn cell_words(
    state: &State,
    plan: &PlannedStep,
    step: &StepState,
    cell: &Cell,
) -> (CellStateName, Option<String>, Option<String>) {
    let plain = |name, detail: Option<String>| (name, detail, None);
    match &cell.state {
        CellState::Pending | CellState::Previewed { .. } | CellState::Guarded(_) => {
            plain(rest_name(state, plan, step, cell), rest_detail(state, cell))
        }
        CellState::Previewing(attempt) => working(state, *attempt, "making the preview"),
        CellState::Guarding { guard, attempt } => working(state, *attempt, &format!("checking guard {}", guard + 1)),
        CellState::Working(attempt) => working(state, *attempt, ""),
        CellState::Worked { .. } => plain(CellStateName::Running, Some("verifying".to_owned())),
        CellState::Verifying { attempt, .. } => working(state, *attempt, "verifying"),
        CellState::VerifyDue { why, .. } => plain(CellStateName::Waiting, Some(format!("verifying: {why}"))),
        CellState::RetryAt { why, .. } => plain(CellStateName::Waiting, Some(format!("tried again soon: {why}"))),
        CellState::Skipped(why) => plain(CellStateName::Skipped, Some(words::skipped(why))),
        CellState::Resolved { partly: false, note } => {
            plain(CellStateName::Succeeded, Some(format!("a person says that it completed. {note}").trim().to_owned()))
        }
        CellState::Resolved { partly: true, note } => {
            plain(CellStateName::Succeeded, Some(format!("a person says that it was done in part: {note}")))
        }
        CellState::Finished(result) => finished(cell, state, result),
    }
}

fn finished(cell: &Cell, state: &State, result: &StepResult) -> (CellStateName, Option<String>, Option<String>) {
    match result {
        StepResult::Succeeded => (CellStateName::Succeeded, None, None),
        StepResult::Failed(failure) => {
            let killed =
                cell.attempts.last().and_then(|id| state.attempts.get(id)).is_some_and(|attempt| {
                    matches!(attempt.phase, AttemptPhase::Over { ending: Ending::Killed(_), .. })
                });
            let name = if killed { CellStateName::Killed } else { CellStateName::Failed };
            (name, Some(failure.text.clone()), failure.advice.clone())
        }
        StepResult::TimedOut => (CellStateName::TimedOut, Some("its time was over".to_owned()), None),
        StepResult::Cancelled => (CellStateName::Cancelled, Some("stopped by a person".to_owned()), None),
        StepResult::Unknown(because) => (CellStateName::Unknown, Some(words::unknown(because)), None),
    }
}

fn rest_name(state: &State, plan: &PlannedStep, step: &StepState, cell: &Cell) -> CellStateName {
    let waits = step.entered_at_ms.is_some()
        && state.ended.is_none()
        && !state.is_dropped(&cell.host)
        && (plan.once() || wave::current_wave(state, state.plan.step_index(&plan.id).unwrap_or(0)).is_some());
    if waits { CellStateName::Waiting } else { CellStateName::Pending }
}

fn rest_detail(state: &State, cell: &Cell) -> Option<String> {
    state.is_dropped(&cell.host).then(|| "the run goes on without this host".to_owned())
}

fn working(
    state: &State,
    attempt: crate::id::AttemptId,
    doing: &str,
) -> (CellStateName, Option<String>, Option<String>) {
    let detail = (!doing.is_empty()).then(|| doing.to_owned());
    let Some(attempt) = state.attempts.get(&attempt) else {
        return (CellStateName::Starting, detail, None);
    };
    let stopping = state.stop.as_ref();
    let survives = stopping.is_some_and(|stop| stop.failed.contains(&attempt.plan.attempt));
    let detail = match stopping {
        Some(_) if survives => Some("still running after KILL".to_owned()),
        Some(stop) if stop.attempts.contains(&attempt.plan.attempt) => Some("being stopped".to_owned()),
        _ if attempt.overdue => Some("over its time, being stopped".to_owned()),
        _ => detail,
    };
    match &attempt.phase {
        AttemptPhase::Starting => (CellStateName::Starting, detail, None),
        AttemptPhase::Running { .. } | AttemptPhase::Over { .. } => (CellStateName::Running, detail, None),
        AttemptPhase::Unreachable { reason, .. } => (CellStateName::Unreachable, Some(reason.clone()), None),
    }
}

fn attempt_view(attempt: &AttemptState) -> AttemptView {
    let (outcome, ended_at_ms) = match &attempt.phase {
        AttemptPhase::Starting => ("starting".to_owned(), None),
        AttemptPhase::Running { .. } => ("running".to_owned(), None),
        AttemptPhase::Unreachable { reason, .. } => (format!("unreachable: {reason}"), None),
        AttemptPhase::Over { ending, at_ms } => (words::ending(ending), Some(*at_ms)),
    };
    AttemptView {
        id: attempt.plan.attempt,
        number: attempt.plan.number,
        purpose: attempt.plan.purpose,
        runs_on: attempt.plan.runs_on.clone(),
        outcome,
        over: ended_at_ms.is_some(),
        started_at_ms: attempt.planned_at_ms,
        ended_at_ms,
        script_digest: attempt.plan.script_digest.to_string(),
    }
}

/// How many of a run's steps are over, for lists: (done, all).
pub fn progress(state: &State) -> (usize, usize) {
    let steps = state.plan.steps.iter().zip(&state.steps).filter(|(step, _)| step.part == Part::Step);
    let done = steps.clone().filter(|(step, cells)| cells.cells.iter().all(|cell| wave::is_over(step, cell))).count();
    (done, steps.count())
}
