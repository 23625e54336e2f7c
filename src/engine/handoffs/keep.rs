//! Commits the text of each handoff that was taken to a branch of the repository, where that is asked for.
//!
//! It is looked at by time and noted when it is done, so that a crash, or a repository that refuses for an hour, only
//! delays it. A handoff that goes on (an amendment, a comment) is committed again, to the same file.

use super::Engine;
use crate::engine::ask::EngineError;
use crate::engine::questions::reading;
use crate::handoff::form;
use crate::handoff::state::State;
use crate::handoff::view::view;
use crate::library::{GitRef, Kept, LibraryError};
use crate::run::words::moment;

impl Engine {
    /// From now on, taken handoffs are kept on this branch.
    pub fn keep_handoffs_on(&self, branch: GitRef) {
        // Said once, before anything is served; a second time changes nothing.
        let _ = self.shared.handoff_branch.set(branch);
    }

    /// Keeps what is not kept as it is now; gives the number of handoffs.
    ///
    /// # Errors
    /// The store cannot be read. What git refuses is told in the log, and tried again.
    pub async fn keep_handoffs(&self) -> Result<usize, EngineError> {
        let Some(branch) = self.shared.handoff_branch.get() else { return Ok(0) };
        let unkept = self.shared.store.unkept_handoffs().await.map_err(|error| reading(&error))?;
        let mut kept = 0;
        for (id, _) in unkept {
            let Some(state) = self.readable(id).await else { continue };
            match self.keep_one(branch, &state).await {
                Ok(()) => {
                    let noted = self.shared.store.note_kept_handoff(id, state.seq).await;
                    noted.map_err(|error| reading(&error))?;
                    kept += 1;
                }
                Err(error) => tracing::warn!(handoff.id = %id, %error, "a handoff is not kept in git yet"),
            }
        }
        Ok(kept)
    }

    async fn keep_one(&self, branch: &GitRef, state: &State) -> Result<(), LibraryError> {
        let picture = view(state, &[]);
        let text = form::markdown(form::DEFAULT, form::OWN[0].1, &picture).unwrap_or_else(|error| error.to_string());
        let shift = &state.shift;
        let day = moment(shift.ends_ms).chars().take(10).collect::<String>();
        let path = format!("{}/{}/{day}-{}.md", form::FOLDER, &day[..day.len().min(4)], state.handoff);
        let message = format!("handoff: {} to {}, {}\n", shift.outgoing, shift.incoming, moment(shift.ends_ms));
        self.shared.library.keep(&Kept { branch, path: &path, text: &text, message: &message }).await
    }
}
