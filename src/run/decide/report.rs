//! What a host says of an attempt.

use std::time::Duration;

use super::Draft;
use crate::id::AttemptId;
use crate::run::action::{Effect, Heads, Report};
use crate::run::event::{Ending, Event, Purpose, UnknownBecause};
use crate::run::outcome::{Exit, GoneBecause};
use crate::run::state::{AttemptPhase, AttemptState};
use crate::run::wake::{self, backoff_ms};

impl Draft<'_> {
    pub(super) fn take_report(&mut self, id: &AttemptId, report: &Report) {
        // A report about an attempt that is over comes late, after a stop or a lost connection: nothing follows.
        let Some(attempt) = self.state.attempts.get(id).filter(|attempt| !attempt.is_over()).cloned() else {
            return;
        };
        match report {
            Report::Running => {
                if !matches!(attempt.phase, AttemptPhase::Running { .. }) {
                    self.emit(Event::AttemptRunning { attempt: *id });
                }
            }
            Report::Unreachable(reason) => self.wait_for_host(id, &attempt, reason),
            Report::Ended(exit, heads) => {
                let ending = self.ending_of(id, &attempt, *exit);
                self.end_attempt(id, ending, heads);
            }
            Report::Gone(because) => {
                let ending = self.gone(&attempt, *because);
                self.end_attempt(id, ending, &Heads::default());
            }
            Report::Lost => self.end_attempt(id, Ending::Unknown(UnknownBecause::EvidenceGone), &Heads::default()),
            Report::DidNotRun(reason) => {
                let ending = if self.is_being_stopped(id) {
                    Ending::Cancelled
                } else if attempt.overdue {
                    Ending::TimedOut
                } else {
                    Ending::DidNotRun(reason.clone())
                };
                self.end_attempt(id, ending, &Heads::default());
            }
            Report::Stopped => {
                let ending = if attempt.overdue { Ending::TimedOut } else { Ending::Cancelled };
                self.end_attempt(id, ending, &Heads::default());
            }
            Report::StopFailed => {
                let told = self.state.stop.as_ref().is_some_and(|stop| stop.failed.contains(id));
                if !told {
                    self.emit(Event::AttemptStopFailed { attempt: *id });
                }
            }
            Report::DirectLost => self.end_attempt(id, Ending::Unknown(UnknownBecause::NoTether), &Heads::default()),
        }
    }

    pub(super) fn is_being_stopped(&self, id: &AttemptId) -> bool {
        self.state.stop.as_ref().is_some_and(|stop| stop.attempts.contains(id))
    }

    fn wait_for_host(&mut self, id: &AttemptId, attempt: &AttemptState, reason: &str) {
        let deadline = wake::unreachable_deadline(&self.state, attempt);
        if deadline.is_some_and(|at_ms| at_ms <= self.now_ms) {
            let because = UnknownBecause::Unreachable(reason.to_owned());
            return self.end_attempt(id, Ending::Unknown(because), &Heads::default());
        }
        self.emit(Event::AttemptUnreachable { attempt: *id, reason: reason.to_owned() });
        let tries = match &self.state.attempts[id].phase {
            AttemptPhase::Unreachable { tries, .. } => *tries,
            AttemptPhase::Starting | AttemptPhase::Running { .. } | AttemptPhase::Over { .. } => 1,
        };
        let after = Duration::from_millis(backoff_ms(tries).unsigned_abs());
        self.effects.push(Effect::Attend { attempt: *id, after });
    }

    /// A command that ends by itself while it is being stopped has ended by itself.
    fn ending_of(&self, id: &AttemptId, attempt: &AttemptState, exit: Exit) -> Ending {
        match exit {
            Exit::Code(0) => Ending::Exited(0),
            Exit::Code(_) | Exit::Signal(_) if attempt.overdue => Ending::TimedOut,
            Exit::Code(_) | Exit::Signal(_) if self.is_being_stopped(id) => Ending::Cancelled,
            Exit::Code(code) => Ending::Exited(code),
            Exit::Signal(signal) => Ending::Killed(signal),
        }
    }

    fn gone(&self, attempt: &AttemptState, because: GoneBecause) -> Ending {
        let expected = self
            .state
            .plan
            .step_index(&attempt.plan.step)
            .is_some_and(|index| self.state.plan.steps[index].expect_disconnect);
        match because {
            GoneBecause::HostRebooted | GoneBecause::RunnerDied
                if expected && attempt.plan.purpose == Purpose::Main =>
            {
                Ending::Disconnected
            }
            GoneBecause::HostRebooted => Ending::Unknown(UnknownBecause::HostRebooted),
            GoneBecause::RunnerDied => Ending::Unknown(UnknownBecause::RunnerDied),
        }
    }

    /// Records an attempt's end and what it means for its step.
    pub(super) fn end_attempt(&mut self, id: &AttemptId, ending: Ending, heads: &Heads) {
        let plan = self.state.attempts[id].plan.clone();
        let known = !matches!(ending, Ending::Unknown(_));
        self.emit(Event::AttemptEnded { attempt: *id, ending: ending.clone() });
        if known {
            self.effects.push(Effect::Release { attempt: *id });
        }
        self.judge(&plan, &ending, heads);
    }
}
