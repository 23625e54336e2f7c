//! Takes up what another engine left, or this one before it died.

use std::sync::Arc;

use super::Engine;
use super::Shared;
use super::ask::{EngineError, with_causes};
use super::questions::reading;
use super::worker::Worker;
use crate::id::RunId;
use crate::run::action::Input;
use crate::run::state::LockAway;
use crate::store::StoreError;
use crate::store::lease::{LEASE, RENEW_EVERY};
use crate::store::run_log::AppendError;

impl Engine {
    /// Takes up every run that has not ended. A run whose log cannot be read is left alone and told about.
    /// Returns how many were taken up.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn recover(&self) -> Result<usize, EngineError> {
        let mut taken = 0;
        for row in self.shared.store.unfinished_runs().await.map_err(|error| reading(&error))? {
            match self.take_up(row.id).await {
                Ok(true) => taken += 1,
                Ok(false) => {}
                Err(error) => tracing::error!(run.id = %row.id, %error, "the run cannot be taken up"),
            }
        }
        self.shared.tasks.spawn(keep_leases(self.shared.clone()));
        self.shared.tasks.spawn(self.clone().watch_handoffs());
        Ok(taken)
    }

    async fn take_up(&self, run: RunId) -> Result<bool, EngineError> {
        if self.shared.live_run(run).is_some() {
            return Ok(false);
        }
        let Some(epoch) = self.shared.lead(run).await.map_err(|error| reading(&error))? else {
            return Ok(false);
        };
        let Some(state) = self.load(run).await? else {
            return Ok(false);
        };
        // A run of before there were locks in the store, or of before all of its hosts were locked, takes its own now.
        // It does not go on without them: another run may be at work on the same host.
        let locks = super::locks::locks_of(&state.plan);
        let now_ms = self.shared.clock.wall_ms();
        let held = match self.shared.store.hold_locks(run, epoch, &locks, now_ms).await {
            Ok(()) => Input::LocksTaken,
            Err(AppendError::LockHeld { lock, holder, since_ms, .. }) => {
                tracing::warn!(run.id = %run, lock = lock.name, host = %lock.host, %holder, "the run waits for a lock");
                Input::LockAway(LockAway { lock: lock.name, host: lock.host, holder, since_ms })
            }
            Err(error) => {
                let attempted = "take the locks of the run".to_owned();
                return Err(EngineError::Storage { attempted, reason: with_causes(&error) });
            }
        };
        Worker::spawn(&self.shared, state, epoch, Vec::new(), vec![held, Input::Restarted]);
        Ok(true)
    }
}

impl Shared {
    /// Becomes the leader of a run; none if another engine leads it.
    pub async fn lead(&self, run: RunId) -> Result<Option<u64>, StoreError> {
        match &self.lock {
            Some(lock) => self.store.seize_lease(lock, run, &self.owner, LEASE).await.map(Some),
            None => self.store.acquire_lease(run, &self.owner, LEASE).await,
        }
    }
}

/// Renews the leases of all live runs until the drain. With SQLite no other engine can take one over, so a
/// lease that was not renewed in time (a laptop that slept) is no reason to let go.
async fn keep_leases(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.draining.cancelled() => return,
            () = tokio::time::sleep(RENEW_EVERY) => {}
        }
        match shared.store.renew_leases(&shared.owner, LEASE).await {
            Ok(kept) if shared.lock.is_none() => {
                shared.live().retain(|run, _| kept.contains(run));
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "leases could not be renewed"),
        }
    }
}
