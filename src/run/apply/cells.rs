//! How one cell changes: the small transitions that events of a step are made of.

use crate::id::{AttemptId, HostName};
use crate::run::event::Purpose;
use crate::run::plan::{Part, PlannedStep};
use crate::run::state::{Cell, CellState, StepState};

impl StepState {
    pub(super) fn new<'a>(step: &PlannedStep, hosts: impl Iterator<Item = &'a HostName>) -> Self {
        let count = if step.once() && step.part == Part::Step { 1 } else { usize::MAX };
        Self {
            cells: hosts.take(count).map(|host| Cell::new(host.clone())).collect(),
            changed_seq: 0,
            entered_at_ms: None,
            ended_at_ms: None,
            wait_until_ms: None,
            hands: Vec::new(),
            windows_overridden: Vec::new(),
        }
    }
}

impl Cell {
    fn new(host: HostName) -> Self {
        Self {
            host,
            state: CellState::Pending,
            released: false,
            approved: false,
            let_poll: false,
            preview: None,
            guards_held_at_ms: None,
            attempts: Vec::new(),
            values: Default::default(),
            started_at_ms: None,
            ended_at_ms: None,
            tries: 0,
            has_run: false,
            first_try_ended_at_ms: None,
            unknowns: 0,
        }
    }

    pub(super) fn finish(&mut self, state: CellState, at_ms: i64) {
        self.state = state;
        self.ended_at_ms = Some(at_ms);
    }

    pub(super) fn guarded(&mut self, held: usize, at_ms: i64) {
        self.state = CellState::Guarded(held);
        self.guards_held_at_ms = Some(at_ms);
    }

    pub(super) fn worked(&mut self, at_ms: i64) {
        self.state = CellState::Worked { since_ms: at_ms };
    }

    pub(super) fn verify_at(&mut self, at_ms: i64, why: &str, now_ms: i64) {
        let since_ms = match self.state {
            CellState::Verifying { since_ms, .. } | CellState::VerifyDue { since_ms, .. } => since_ms,
            _ => now_ms,
        };
        self.state = CellState::VerifyDue { at_ms, since_ms, why: why.to_owned() };
    }

    pub(super) fn retry_at(&mut self, at_ms: i64, why: &str) {
        self.state = CellState::RetryAt { at_ms, why: why.to_owned() };
    }

    pub(super) fn start_over(&mut self) {
        self.state = CellState::Pending;
        self.released = false;
        self.approved = false;
        self.let_poll = false;
        self.tries = 0;
        self.unknowns = 0;
        self.first_try_ended_at_ms = None;
        self.ended_at_ms = None;
    }

    pub(super) fn begin(&mut self, attempt: AttemptId, purpose: Purpose, at_ms: i64) {
        self.attempts.push(attempt);
        self.started_at_ms.get_or_insert(at_ms);
        match purpose {
            Purpose::Preview => self.state = CellState::Previewing(attempt),
            Purpose::Guard(guard) => self.state = CellState::Guarding { guard, attempt },
            Purpose::Main => {
                self.state = CellState::Working(attempt);
                self.tries += 1;
                self.approved = false;
            }
            Purpose::Verify => {
                let since_ms = match self.state {
                    CellState::Worked { since_ms } | CellState::VerifyDue { since_ms, .. } => since_ms,
                    _ => at_ms,
                };
                self.state = CellState::Verifying { attempt, since_ms };
            }
            Purpose::Undo => self.approved = false,
        }
    }
}
