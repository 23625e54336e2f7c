//! Figures about a team's handoffs, each with its definition. They show effort, agreement and surprise, not
//! understanding; none is about a person.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::handoff::checks::{self, World};
use crate::handoff::state::{Phase, State};
use crate::id::RunbookPath;

const MINUTE_MS: i64 = 60_000;

/// A receiver has read back within this time after the boundary; the shorter one where something is unstable.
const IN_TIME_MS: i64 = 30 * MINUTE_MS;
const IN_TIME_UNSTABLE_MS: i64 = 15 * MINUTE_MS;

/// A handoff, and what its receiver had to start in the shift that followed.
pub struct Observed {
    pub state: State,
    pub started: Vec<RunbookPath>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    pub name: &'static str,
    pub definition: &'static str,
    pub count: usize,
    pub of: usize,
}

impl Figure {
    /// In whole percent; none where nothing was counted.
    pub fn percent(&self) -> Option<usize> {
        (self.of > 0).then(|| (self.count * 100 + self.of / 2) / self.of)
    }
}

/// All figures of these handoffs. Void ones and those that nobody had to take yet do not count.
pub fn figures(all: &[Observed]) -> Vec<Figure> {
    let counted: Vec<&Observed> = all.iter().filter(|seen| is_over(&seen.state)).collect();
    let taken: Vec<&State> =
        counted.iter().map(|seen| &seen.state).filter(|state| state.acknowledged.is_some()).collect();
    let of = counted.len();
    let count = |holds: fn(&State) -> bool| counted.iter().filter(|seen| holds(&seen.state)).count();
    let started: Vec<(&State, &RunbookPath)> =
        counted.iter().flat_map(|seen| seen.started.iter().map(|path| (&seen.state, path))).collect();
    let figure = |name, definition, count, of| Figure { name, definition, count, of };
    vec![
        figure(
            "All five elements in writing",
            "handoffs that were acknowledged with severity, summary, actions, if–then and a synthesis by the receiver \
             in writing (check Q1 holds; each item that is not stable was read back; there is a recap), of all that \
             somebody had to take",
            count(has_five_elements),
            of,
        ),
        figure(
            "Read back in time",
            "acknowledged within 30 minutes after the boundary (15 where something was unstable), of all that somebody \
             had to take",
            count(is_in_time),
            of,
        ),
        figure(
            "Taken without briefing",
            "nothing was signed, and the receiver took what the draft had, of all that somebody had to take",
            count(|state| state.phase == Phase::TakenUnbriefed),
            of,
        ),
        figure(
            "Left unattended",
            "nobody had taken it two hours after the boundary (40 minutes where something was unstable)",
            count(|state| state.passed.iter().any(|(step, _)| *step == crate::handoff::timing::Step::LeaveUnattended)),
            of,
        ),
        figure(
            "With questions",
            "the receiver asked or declined something before taking it, of all that were acknowledged",
            taken.iter().filter(|state| !state.questions.is_empty()).count(),
            taken.len(),
        ),
        figure(
            "Faster than it can be read",
            "acknowledged in less time than its text takes at 50 letters a second (check Q16), of all acknowledged",
            taken.iter().filter(|state| is_too_fast(state)).count(),
            taken.len(),
        ),
        figure(
            "Surprises",
            "runs that the receiver started in the shift that followed whose runbook no item, action or if–then of the \
             handoff named (check Q18), of all runs that they started then",
            started.iter().filter(|(state, path)| !foresaw(state).contains(*path)).count(),
            started.len(),
        ),
    ]
}

fn is_over(state: &State) -> bool {
    state.acknowledged.is_some()
        || matches!(state.phase, Phase::TakenUnbriefed | Phase::Closed { .. })
        || state.overdue().is_some()
}

fn has_five_elements(state: &State) -> bool {
    let written = checks::CHECKS.iter().filter(|check| check.id == "Q1");
    let holds = written.flat_map(|check| (check.run)(state, &World::default())).next().is_none();
    let said = |item: &&crate::handoff::record::Item| {
        state.receipt(&item.key).is_some_and(|receipt| receipt.read_back.is_some())
    };
    let read_back = state.record.items.iter().filter(|item| item.needs_read_back()).all(|item| said(&item));
    let recap = state.synthesis.recap.is_some() || state.record.quiet;
    state.acknowledged.is_some() && holds && read_back && recap
}

fn is_in_time(state: &State) -> bool {
    let within_ms = if state.record.has_unstable() { IN_TIME_UNSTABLE_MS } else { IN_TIME_MS };
    state.acknowledged.as_ref().is_some_and(|taken| taken.at_ms <= state.shift.ends_ms + within_ms)
}

fn is_too_fast(state: &State) -> bool {
    let rule = checks::CHECKS.iter().find(|check| check.id == "Q16").expect("Q16 is among the checks");
    !(rule.run)(state, &World::default()).is_empty()
}

/// The runbooks that a handoff led its reader to expect.
fn foresaw(state: &State) -> BTreeSet<RunbookPath> {
    let mut paths = BTreeSet::new();
    for item in &state.record.items {
        paths.extend(item.actions.iter().filter_map(|line| line.runbook.as_ref()).map(|runbook| runbook.path.clone()));
        paths
            .extend(item.contingencies.iter().filter_map(|line| line.runbook.as_ref()).map(|named| named.path.clone()));
        // Items of runs are called after their runbook.
        paths.extend(item.key.as_str().replace('.', "/").parse::<RunbookPath>());
    }
    paths
}
