//! Nudges: somebody said that a run waits. The newest of each run is kept here, for the pages of whoever may act; all
//! of them are in the audit log.

use super::Store;
use super::db::{Sql, StoreError, execute, read, sql};
use crate::audit::entry::{Kind, NewEntry};
use crate::id::RunId;

/// Between two nudges of a run, whoever sends them: one is a reminder, ten are noise at three in the morning.
pub const NUDGE_EVERY_MS: i64 = 5 * 60_000;

const STORE: &str = "store a nudge";
const READ: &str = "read the nudge of a run";

/// The newest nudge of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nudge {
    pub by: String,
    pub at_ms: i64,
}

impl Store {
    /// Nudges whoever a run waits for, and records it; `whom` in words. False if the run was nudged less than
    /// [`NUDGE_EVERY_MS`] ago: then nothing happens.
    ///
    /// # Errors
    /// When the database fails, or it cannot be recorded; then there is no nudge.
    pub async fn nudge(&self, run: RunId, by: &str, whom: &str, now_ms: i64) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        let sent = execute!(tx, NUDGE, run.0, by, now_ms, now_ms - NUDGE_EVERY_MS).map_err(self.db.failed(STORE))?;
        if sent == 0 {
            return Ok(false);
        }
        let entry = NewEntry::new(now_ms, Kind::Nudged, by, format!("run:{run}")).with("waits_for", whom);
        self.record_in(&mut tx, &entry).await?;
        self.db.commit(tx, STORE).await?;
        Ok(true)
    }

    /// The newest nudge of a run, whether or not it still waits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_nudge(&self, run: RunId) -> Result<Option<Nudge>, StoreError> {
        let found = read!(self.db, fetch_optional(String, i64), NEWEST, run.0).map_err(self.db.failed(READ))?;
        Ok(found.map(|(by, at_ms)| Nudge { by, at_ms }))
    }
}

/// One row a run, and no second one before its time, also when two ask at once.
const NUDGE: Sql = sql!(
    "insert into run_nudge (run, nudged_by, at_ms) values ($1, $2, $3) \
     on conflict (run) do update set nudged_by = excluded.nudged_by, at_ms = excluded.at_ms \
     where run_nudge.at_ms <= $4"
);
const NEWEST: Sql = sql!("select nudged_by, at_ms from run_nudge where run = $1");

/// For the statement test.
pub(super) const STATEMENTS: &[Sql] = &[NUDGE, NEWEST];
