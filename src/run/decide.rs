//! The only source of events and effects: a function of a run's state, one input and the time.
//!
//! Whoever calls stores the events first and performs the effects after. A request that is refused
//! changes nothing. After every decision the run has ended, has something under way, waits for a time
//! ([`crate::run::wake`]), or waits for a person ([`crate::run::need`]).

mod advance;
mod approve;
mod barrier;
mod gate;
mod person;
mod report;
mod start_attempt;
mod undo;
mod verdict;

#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use crate::id::{AttemptId, HostName};
use crate::run::action::{Effect, Input, Refusal};
use crate::run::approval::Look;
use crate::run::event::{Ending, Event, UnknownBecause};
use crate::run::plan::PlannedStep;
use crate::run::state::{AttemptPhase, LockAway, Standing, State};
use crate::run::wake;

pub use gate::{GUARD_AGE_MAX_MS, HELD_LOOK_EVERY};

/// Between TERM and KILL.
pub const STOP_GRACE: Duration = Duration::from_secs(10);

/// How often the server by itself runs a read-only or idempotent command again after an unknown outcome.
pub const RERUNS_MAX: u32 = 3;

/// What follows from one input.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub events: Vec<Event>,
    pub effects: Vec<Effect>,
    /// The state after these events.
    pub state: State,
    /// What to tell the person although something happened: a stale preview is being made anew.
    pub notice: Option<String>,
}

/// Decides. `fresh_id` gives ids that were never used before.
///
/// # Errors
/// The request of a person cannot be followed; nothing has happened.
pub fn decide(
    state: &State,
    input: &Input,
    now_ms: i64,
    fresh_id: &mut dyn FnMut() -> AttemptId,
) -> Result<Decision, Refusal> {
    let mut draft =
        Draft { state: state.clone(), now_ms, fresh_id, events: vec![], effects: vec![], notice: None, look: None };
    if state.ended.is_some() {
        return match input {
            Input::Person(_) => Err(Refusal::NotNow("the run has ended".to_owned())),
            _ => Ok(draft.decision()),
        };
    }
    match input {
        Input::Begin => draft.prove_hosts(),
        Input::Restarted => draft.take_up_again(),
        Input::LockAway(away) => draft.lose_lock(away),
        Input::LocksTaken => draft.take_locks(),
        Input::Tick => draft.look_at_the_clock(),
        Input::Person(request) => draft.follow_request(request)?,
        Input::HostProven { host, facts } => {
            if draft.is_being_proven(host) {
                draft.emit(Event::HostProven { host: host.clone(), facts: facts.clone() });
            }
        }
        Input::HostRefused { host, reason, next_step } => {
            if draft.is_being_proven(host) {
                draft.emit(Event::HostRefused {
                    host: host.clone(),
                    reason: reason.clone(),
                    next_step: next_step.clone(),
                });
            }
        }
        Input::HostUnreachable { host, reason } => {
            if draft.is_being_proven(host) {
                draft.emit(Event::HostUnreachable { host: host.clone(), reason: reason.clone() });
            }
        }
        Input::Attempt { attempt, report } => draft.take_report(attempt, report),
        Input::Surroundings(look) => draft.take_look(look),
    }
    draft.advance();
    Ok(draft.decision())
}

/// A decision in the making: the state already holds the events so far.
struct Draft<'a> {
    state: State,
    now_ms: i64,
    fresh_id: &'a mut dyn FnMut() -> AttemptId,
    events: Vec<Event>,
    effects: Vec<Effect>,
    notice: Option<String>,
    /// What the world is like right now, if this is what came.
    look: Option<Look>,
}

impl Draft<'_> {
    fn decision(self) -> Decision {
        Decision { events: self.events, effects: self.effects, state: self.state, notice: self.notice }
    }

    fn emit(&mut self, event: Event) {
        self.state.apply(self.now_ms, &event).expect("decide makes only events that can follow the state");
        self.events.push(event);
    }

    fn step(&self, index: usize) -> PlannedStep {
        self.state.plan.steps[index].clone()
    }

    fn is_being_proven(&self, host: &HostName) -> bool {
        self.state
            .host(host)
            .is_some_and(|state| matches!(state.standing, Standing::Unproven | Standing::Unreachable { .. }))
    }

    fn prove_hosts(&mut self) {
        for host in &self.state.hosts {
            if matches!(host.standing, Standing::Unproven | Standing::Unreachable { .. }) {
                self.effects.push(Effect::Prove { host: host.name.clone() });
            }
        }
    }

    /// The one recovery path: what was under way is taken up by the effects that also serve a lost connection.
    fn take_up_again(&mut self) {
        if !self.state.plan.secrets.is_empty() && !self.state.secrets_missing {
            self.emit(Event::SecretsLost);
            self.void_for_lost_secrets();
        }
        self.prove_hosts();
        // Whether their output was dropped on the hosts before the server died is not known; dropping it again is
        // harmless.
        for (attempt, ended) in &self.state.attempts {
            if matches!(&ended.phase, AttemptPhase::Over { ending, .. } if !matches!(ending, Ending::Unknown(_))) {
                self.effects.push(Effect::Release { attempt: *attempt });
            }
        }
        let live: Vec<(AttemptId, bool)> =
            self.state.live_attempts().map(|(id, attempt)| (*id, attempt.overdue)).collect();
        for (attempt, overdue) in live {
            // Output that came without the secrets would be stored unmasked. It waits on the host.
            if !self.state.secrets_missing {
                self.effects.push(Effect::Attend { attempt, after: Duration::ZERO });
            }
            let stopping = self.state.stop.as_ref().is_some_and(|stop| stop.attempts.contains(&attempt));
            if overdue || stopping {
                self.effects.push(Effect::Stop { attempt, grace: STOP_GRACE });
            }
        }
    }

    fn lose_lock(&mut self, away: &LockAway) {
        if self.state.lock_away.as_ref().is_none_or(|known| known.holder != away.holder || known.lock != away.lock) {
            let LockAway { lock, host, holder, since_ms } = away.clone();
            self.emit(Event::LockLost { lock, host, holder, since_ms });
        }
    }

    fn take_locks(&mut self) {
        if self.state.lock_away.is_some() {
            self.emit(Event::LocksTaken);
        }
    }

    fn look_at_the_clock(&mut self) {
        self.expire_approval();
        for host in &self.state.hosts {
            if wake::prove_again_at(host).is_some_and(|at_ms| at_ms <= self.now_ms) && self.state.pause.is_none() {
                self.effects.push(Effect::Prove { host: host.name.clone() });
            }
        }
        let live: Vec<AttemptId> = self.state.live_attempts().map(|(id, _)| *id).collect();
        for id in live {
            let attempt = self.state.attempts[&id].clone();
            match &attempt.phase {
                AttemptPhase::Running { .. } if !attempt.overdue => {
                    if wake::deadline(&attempt).is_some_and(|at_ms| at_ms <= self.now_ms) {
                        self.emit(Event::AttemptOverdue { attempt: id });
                        self.effects.push(Effect::Stop { attempt: id, grace: STOP_GRACE });
                    }
                }
                AttemptPhase::Unreachable { reason, .. } => {
                    if wake::unreachable_deadline(&self.state, &attempt).is_some_and(|at_ms| at_ms <= self.now_ms) {
                        let because = UnknownBecause::Unreachable(reason.clone());
                        self.end_attempt(&id, Ending::Unknown(because), &Default::default());
                    }
                }
                AttemptPhase::Running { .. } | AttemptPhase::Starting | AttemptPhase::Over { .. } => {}
            }
        }
    }
}
