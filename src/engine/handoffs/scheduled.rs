//! Handoffs that the schedule asks for: a draft an hour before each boundary, void when the schedule changes.
//!
//! The id of such a handoff is made of rotation, boundary and both sides, so that two servers, or one before and after
//! a restart, begin the same one once; and so that one which a person made void does not come back.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Begin, Engine, HandoffActError};
use crate::access::policy::{Permission, decide};
use crate::access::scope::About;
use crate::audit::entry::SERVER;
use crate::diagnostic::Severity;
use crate::engine::ask::EngineError;
use crate::engine::look::windows;
use crate::engine::questions::reading;
use crate::handoff::decide;
use crate::handoff::event::Shift;
use crate::handoff::timing::DRAFT_BEFORE_MS;
use crate::id::{Digest, HandoffId};
use crate::library::LibraryError;
use crate::oncall::schedule::Schedule;
use crate::run::event::Actor;
use crate::store::handoffs::{Filter, HandoffRow, PAGE_MAX};

impl Engine {
    /// Begins what is due by the schedule, and makes void what it does not say any more. Gives the number of drafts.
    ///
    /// # Errors
    /// The store or the repository cannot be read.
    pub async fn begin_scheduled_handoffs(&self) -> Result<usize, EngineError> {
        let now_ms = self.shared.clock.wall_ms();
        let Some(schedule) = self.schedule().await? else { return Ok(0) };
        let due: Vec<Shift> =
            schedule.rotations().keys().filter_map(|rotation| next_shift(&schedule, rotation, now_ms)).collect();
        self.void_unscheduled(&due, now_ms).await?;
        let mut begun = 0;
        for shift in due.into_iter().filter(|shift| shift.ends_ms <= now_ms + DRAFT_BEFORE_MS) {
            let id = scheduled_id(&shift);
            if self.shared.store.handoff(id).await.map_err(|error| reading(&error))?.is_some() {
                continue;
            }
            match self.begin_scheduled(id, shift).await {
                Ok(()) => begun += 1,
                Err(error) => {
                    tracing::warn!(handoff.id = %id, %error, "the draft that the schedule asks for was not begun")
                }
            }
        }
        Ok(begun)
    }

    /// With what its sender may see: nobody has asked for it, and nobody gets to read more by it.
    async fn begin_scheduled(&self, id: HandoffId, shift: Shift) -> Result<(), HandoffActError> {
        let sender = self.account(shift.outgoing.person()).await?;
        let policy = self.policy().await.policy;
        let may = |permission: Permission, about: About<'_>| {
            sender.as_ref().is_some_and(|sender| decide(&policy, sender, permission, about).is_ok())
        };
        self.begin_handoff(Begin { id, shift, emergency: None, by: None }, &may).await.map(drop)
    }

    /// The schedule as `oncall.yaml` has it; none without the file. Calendars say nothing here.
    async fn schedule(&self) -> Result<Option<Schedule>, EngineError> {
        let library = &self.shared.library;
        let unreadable = |error: LibraryError| EngineError::Library(error.to_string());
        let served = match library.resolve(None).await {
            Ok(served) => served,
            // Nothing is committed yet.
            Err(LibraryError::NoCommit { .. }) => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let oncall = windows(library, &served).await.map_err(unreadable)?;
        // A file with mistakes says less than it did: what it does not say any more may be one of them.
        let is_broken = oncall.diagnostics.iter().any(|found| found.severity == Severity::Error);
        Ok((!is_broken && !oncall.rotations.is_empty()).then(|| Schedule::new(&oncall, BTreeMap::new())))
    }

    /// Drafts and offers of boundaries to come that are not in the schedule any more. Custody is not moved by this.
    async fn void_unscheduled(&self, due: &[Shift], now_ms: i64) -> Result<(), EngineError> {
        let filter = Filter { open: true, ..Filter::default() };
        let page = self.shared.store.list_handoffs(&filter, None, PAGE_MAX).await.map_err(|error| reading(&error))?;
        for row in page.handoffs.iter().filter(|row| row.boundary_ms > now_ms && row.phase != "amended") {
            let Some(successor) = replaced_by(row, due) else { continue };
            let Some(state) = self.readable(row.id).await else { continue };
            let decision = decide::void_by_schedule(&state, Some(successor), now_ms);
            if let Err(error) = self.store_handoff(state.seq, &decision, &[], SERVER, now_ms).await {
                tracing::warn!(handoff.id = %row.id, %error, "a handoff that the schedule does not ask for stays open");
            }
        }
        Ok(())
    }
}

/// The next boundary of a rotation at which one account follows another. Several holders, or a gap, are findings of the
/// schedule: nothing is handed over between them.
fn next_shift(schedule: &Schedule, rotation: &str, now_ms: i64) -> Option<Shift> {
    let mut after_ms = now_ms;
    // The same person may hold it before and after a boundary.
    for _ in 0..4 {
        let ends_ms = schedule.next_boundary(rotation, after_ms)?;
        let holder = |at_ms: i64| match schedule.at(rotation, at_ms).as_slice() {
            [shift] => Some((shift.holder.account()?.actor(), shift.from_ms)),
            _ => None,
        };
        match (holder(ends_ms - 1), holder(ends_ms)) {
            (Some((outgoing, starts_ms)), Some((incoming, _))) if outgoing != incoming => {
                return Some(Shift { rotation: Some(rotation.to_owned()), starts_ms, ends_ms, outgoing, incoming });
            }
            _ => after_ms = ends_ms,
        }
    }
    None
}

/// What the schedule says instead of a handoff that it asked for before; none for one that it still asks for, for
/// those that people began, and where it says nothing: a gap moves no custody.
fn replaced_by(row: &HandoffRow, due: &[Shift]) -> Option<HandoffId> {
    let rotation = row.rotation.clone()?;
    let (outgoing, incoming) = (Actor(row.sender.clone()), Actor(row.receiver.clone()));
    let own = Shift { rotation: Some(rotation.clone()), starts_ms: 0, ends_ms: row.boundary_ms, outgoing, incoming };
    if scheduled_id(&own) != row.id {
        return None;
    }
    let now = due.iter().find(|shift| shift.rotation.as_deref() == Some(rotation.as_str()));
    now.map(scheduled_id).filter(|id| *id != row.id)
}

fn scheduled_id(shift: &Shift) -> HandoffId {
    let rotation = shift.rotation.as_deref().unwrap_or_default();
    let text = format!("{rotation}\n{}\n{}\n{}", shift.ends_ms, shift.outgoing.person(), shift.incoming.person());
    let digest = Digest::of(text.as_bytes());
    HandoffId(Uuid::from_slice(&digest.0[..16]).expect("sixteen bytes"))
}
