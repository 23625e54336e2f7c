//! Whether a runbook may still be believed, looked up where it is known: its text, its runs, its history.

use super::Engine;
use super::ask::{StartError, StartRequest};
use super::guards::AtStart;
use super::questions::reading;
use crate::library::Revision;
use crate::runbook::freshness::{Freshness, Known};
use crate::runbook::model::Runbook;

impl Engine {
    /// The verdict on a runbook as a revision has it.
    ///
    /// # Errors
    /// The store or the repository cannot be read.
    pub async fn freshness(&self, runbook: &Runbook, revision: &Revision) -> Result<Freshness, StartError> {
        let path = std::slice::from_ref(&runbook.path);
        let proof = self.shared.store.proofs(path).await.map_err(|error| reading(&error))?.pop();
        let commits = self.shared.library.history(revision, &runbook.path, 1).await;
        let changed = commits.map_err(super::start::unreadable)?.pop();
        let known = Known {
            review_by: runbook.review_by,
            expires: runbook.expires,
            last_success_ms: proof.and_then(|proof| proof.last_success_ms),
            changed_ms: changed.map(|commit| commit.time.as_millisecond()),
        };
        Ok(Freshness::judge(&known, self.shared.clock.wall_ms()))
    }

    /// Past the grace period a start needs a reason, which is kept with the plan.
    pub(super) async fn believed_at_start(
        &self,
        runbook: &Runbook,
        revision: &Revision,
        request: &StartRequest,
        mut at_start: AtStart,
    ) -> Result<AtStart, StartError> {
        let freshness = self.freshness(runbook, revision).await?;
        if !freshness.needs_reason() || at_start.refusal.is_some() {
            return Ok(at_start);
        }
        match request.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()) {
            Some(reason) => at_start.reason = Some(reason.to_owned()),
            None => {
                let why = format!(
                    "this runbook may be out of date ({}): read it, then say why you start it all the same (a reason)",
                    freshness.against()
                );
                at_start.refusal = Some(StartError::Guard(why));
            }
        }
        Ok(at_start)
    }
}
