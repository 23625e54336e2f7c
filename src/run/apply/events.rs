//! What single events do to a run as a whole: pausing, stopping, ending, the wheel, secrets, undo.

use std::collections::BTreeMap;

use super::CorruptLog;
use crate::id::{AttemptId, HostName, RunId, StepId, ValueName};
use crate::run::event::{Actor, AfterStop, PauseReason, RunEnd, SkipReason};
use crate::run::state::{AttemptPhase, CellState, Ended, LockAway, Pause, Standing, State, Stop, Taken};
use crate::runbook::model::Value;

type Applied = Result<(), CorruptLog>;

impl State {
    pub(super) fn refuse_host(&mut self, host: &HostName, reason: &str, next_step: &str) -> Applied {
        self.set_standing(host, Standing::Refused { reason: reason.to_owned(), next_step: next_step.to_owned() })
    }

    pub(super) fn skip(&mut self, step: &StepId, hosts: &[HostName], why: &SkipReason) -> Applied {
        self.each_cell(step, hosts, |cell, at_ms| cell.finish(CellState::Skipped(why.clone()), at_ms))
    }

    pub(super) fn confirm(&mut self, step: &StepId, hosts: &[HostName], by: &Actor) -> Applied {
        self.lay_hand_on(step, by)?;
        self.each_cell(step, hosts, |cell, _| cell.released = true)
    }

    pub(super) fn retry(&mut self, step: &StepId, hosts: &[HostName], by: &Actor) -> Applied {
        self.lay_hand_on(step, by)?;
        self.each_cell(step, hosts, |cell, _| {
            cell.has_run = cell.changed();
            cell.start_over();
        })
    }

    pub(super) fn lay_hand_on(&mut self, step: &StepId, by: &Actor) -> Applied {
        let index = self.step_position(step)?;
        let hands = &mut self.steps[index].hands;
        if !hands.contains(by) {
            hands.push(by.clone());
        }
        Ok(())
    }

    pub(super) fn answer(&mut self, step: &StepId, values: &BTreeMap<ValueName, Value>, by: &Actor) -> Applied {
        self.lay_hand_on(step, by)?;
        let index = self.step_position(step)?;
        self.steps[index].changed_seq = self.seq;
        self.take_values(index, None, values);
        Ok(())
    }

    pub(super) fn capture(&mut self, step: &StepId, host: &HostName, values: &BTreeMap<ValueName, Value>) -> Applied {
        let index = self.step_position(step)?;
        self.take_values(index, Some(host), values);
        self.one_cell(step, host, |cell, _| cell.values.extend(values.clone()))
    }

    pub(super) fn wait(&mut self, step: &StepId, until_ms: i64) -> Applied {
        let index = self.step_position(step)?;
        self.steps[index].wait_until_ms = Some(until_ms);
        Ok(())
    }

    pub(super) fn overdue(&mut self, attempt: &AttemptId) -> Applied {
        self.live_attempt(attempt)?.overdue = true;
        Ok(())
    }

    pub(super) fn stop_failed(&mut self, attempt: &AttemptId) -> Applied {
        self.live_attempt(attempt)?;
        if let Some(stop) = self.stop.as_mut().filter(|stop| !stop.failed.contains(attempt)) {
            stop.failed.push(*attempt);
        }
        Ok(())
    }

    pub(super) fn pause_run(&mut self, why: &PauseReason, by: Option<&Actor>) -> Applied {
        self.pause = Some(Pause { why: why.clone(), by: by.cloned(), since_ms: self.at_ms });
        // A pause is also how a stop of some commands ends.
        self.stop = self.stop.take().filter(|stop| !stop.attempts.is_empty());
        self.touch_current();
        Ok(())
    }

    pub(super) fn resume_run(&mut self) -> Applied {
        self.pause = None;
        self.forget_unreachable();
        self.touch_current();
        Ok(())
    }

    pub(super) fn begin_stop(&mut self, attempts: &[AttemptId], then: AfterStop, why: &str, by: &Actor) -> Applied {
        self.stop =
            Some(Stop { attempts: attempts.to_vec(), then, why: why.to_owned(), by: by.clone(), failed: Vec::new() });
        self.touch_current();
        Ok(())
    }

    pub(super) fn pass_wheel(&mut self, by: &Actor, from: &Actor) -> Applied {
        self.driver = by.clone();
        if !self.drivers.contains(by) {
            self.drivers.push(by.clone());
        }
        self.taken = Some(Taken { by: by.clone(), from: from.clone(), at_ms: self.at_ms });
        self.touch_current();
        Ok(())
    }

    pub(super) fn secrets_are_missing(&mut self, missing: bool) -> Applied {
        self.secrets_missing = missing;
        Ok(())
    }

    pub(super) fn lose_lock(&mut self, lock: &str, host: &HostName, holder: RunId, since_ms: i64) -> Applied {
        self.lock_away = Some(LockAway { lock: lock.to_owned(), host: host.clone(), holder, since_ms });
        self.touch_current();
        Ok(())
    }

    pub(super) fn take_locks(&mut self) -> Applied {
        self.lock_away = None;
        self.touch_current();
        Ok(())
    }

    pub(super) fn end_undo(&mut self) -> Applied {
        let nothing = self.corrupt("nothing is being taken back");
        let undo = self.undo.as_mut().filter(|undo| !undo.remaining.is_empty()).ok_or(nothing)?;
        let (done, _) = undo.remaining.remove(0);
        undo.attempt = None;
        if self.worked() != Some(done) {
            self.forget_word();
        }
        self.touch_current();
        Ok(())
    }

    pub(super) fn end_run(&mut self, end: RunEnd, why: &str) -> Applied {
        self.ended = Some(Ended { end, why: why.to_owned(), at_ms: self.at_ms });
        self.pause = None;
        self.stop = None;
        Ok(())
    }
}

impl AttemptPhase {
    /// A command that is seen running keeps the moment it began through a lost connection.
    pub(super) fn seen_running_at(&self, at_ms: i64) -> Self {
        match self {
            Self::Unreachable { seen_running: Some(since_ms), .. } | Self::Running { since_ms } => {
                Self::Running { since_ms: *since_ms }
            }
            Self::Unreachable { .. } | Self::Starting | Self::Over { .. } => Self::Running { since_ms: at_ms },
        }
    }

    pub(super) fn away(&self, reason: &str, at_ms: i64) -> Self {
        let (since_ms, tries, seen_running) = match self {
            Self::Unreachable { since_ms, tries, seen_running, .. } => (*since_ms, tries + 1, *seen_running),
            Self::Running { since_ms } => (at_ms, 1, Some(*since_ms)),
            Self::Starting | Self::Over { .. } => (at_ms, 1, None),
        };
        Self::Unreachable { since_ms, tries, reason: reason.to_owned(), seen_running }
    }
}
