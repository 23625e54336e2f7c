//! Checkpoints on their way outside: a row for each anchor and checkpoint that is not there yet, and one for the
//! newest that is.

use super::checkpoints::FoundCheckpoint;
use crate::audit::checkpoint::Signed;
use crate::store::Store;
use crate::store::db::{Sql, StoreError, execute, read, sql};

/// Checkpoints sent in one go.
const SEND_MAX: i64 = 100;

/// Letters of an error that are kept.
const ERROR_LETTERS_MAX: usize = 500;

const QUEUE: &str = "note what an anchor was sent";
const READ: &str = "read what anchors were sent";

/// How one anchor stands.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AnchorState {
    pub anchor: String,
    /// The newest checkpoint that is there; 0 when none is.
    pub sent_last: i64,
    pub sent_at_ms: Option<i64>,
    /// Checkpoints that are not there yet.
    pub waiting: i64,
    /// Why the oldest of them is not.
    pub last_error: Option<String>,
}

impl Store {
    /// Puts every checkpoint that is newer than the last one queued for `anchor` into its queue; of a new anchor the
    /// newest alone, which stands for all before it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queue_anchor(&self, anchor: &str, now_ms: i64) -> Result<(), StoreError> {
        let mut tx = self.db.begin(QUEUE).await?;
        execute!(tx, FILL, anchor, now_ms).map_err(self.db.failed(QUEUE))?;
        self.db.commit(tx, QUEUE).await
    }

    /// What is to be sent to `anchor` now, oldest first. Nothing while the oldest waits for its next try: what is
    /// outside has no gaps.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unsent(&self, anchor: &str, now_ms: i64) -> Result<Vec<Signed>, StoreError> {
        let next = read!(self.db, fetch_optional(i64,), NEXT_TRY, anchor).map_err(self.db.failed(READ))?;
        if next.is_none_or(|(next_try_ms,)| next_try_ms > now_ms) {
            return Ok(Vec::new());
        }
        let found = read!(self.db, fetch_all FoundCheckpoint, UNSENT, anchor, SEND_MAX);
        found.map_err(self.db.failed(READ))?.into_iter().map(|found| self.signed(found)).collect()
    }

    /// It is there.
    ///
    /// # Errors
    /// When the database fails; it is then sent again, which every anchor bears.
    pub async fn anchor_sent(&self, anchor: &str, number: u64, now_ms: i64) -> Result<(), StoreError> {
        let mut tx = self.db.begin(QUEUE).await?;
        execute!(tx, SENT, anchor, number.cast_signed(), now_ms).map_err(self.db.failed(QUEUE))?;
        // The newest one that is there tells of those before it.
        execute!(tx, FORGET, anchor, number.cast_signed()).map_err(self.db.failed(QUEUE))?;
        self.db.commit(tx, QUEUE).await
    }

    /// It could not be sent; it is tried again not before `next_try_ms`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn anchor_failed(
        &self,
        anchor: &str,
        number: u64,
        next_try_ms: i64,
        error: &str,
    ) -> Result<(), StoreError> {
        let error: String = error.chars().take(ERROR_LETTERS_MAX).collect();
        let mut tx = self.db.begin(QUEUE).await?;
        execute!(tx, FAILED, anchor, number.cast_signed(), next_try_ms, &error).map_err(self.db.failed(QUEUE))?;
        self.db.commit(tx, QUEUE).await
    }

    /// How each anchor that ever had a queue stands.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn anchor_states(&self) -> Result<Vec<AnchorState>, StoreError> {
        read!(self.db, fetch_all AnchorState, STATES).map_err(self.db.failed(READ))
    }
}

const FILL: Sql = sql!(
    "insert into audit_anchor (anchor, checkpoint, attempts, next_try_ms) \
     select $1, number, 0, $2 from audit_checkpoint where number > coalesce( \
       (select max(checkpoint) from audit_anchor where anchor = $1 and checkpoint <= \
         (select max(number) from audit_checkpoint)), (select max(number) - 1 from audit_checkpoint), 0) \
     on conflict (anchor, checkpoint) do nothing"
);
const NEXT_TRY: Sql =
    sql!("select next_try_ms from audit_anchor where anchor = $1 and sent_at_ms is null order by checkpoint limit 1");
const UNSENT: Sql = sql!(
    "select number, text, public_key, signature from audit_anchor join audit_checkpoint on number = checkpoint \
     where anchor = $1 and sent_at_ms is null order by checkpoint limit $2"
);
const SENT: Sql = sql!(
    "update audit_anchor set sent_at_ms = $3, attempts = attempts + 1, last_error = null \
     where anchor = $1 and checkpoint = $2"
);
const FORGET: Sql = sql!("delete from audit_anchor where anchor = $1 and checkpoint < $2 and sent_at_ms is not null");
const FAILED: Sql = sql!(
    "update audit_anchor set attempts = attempts + 1, next_try_ms = $3, last_error = $4 \
     where anchor = $1 and checkpoint = $2"
);
const STATES: Sql = sql!(
    "select anchor, cast(coalesce(max(case when sent_at_ms is null then 0 else checkpoint end), 0) as bigint) \
     as sent_last, max(sent_at_ms) as sent_at_ms, \
     cast(sum(case when sent_at_ms is null then 1 else 0 end) as bigint) as waiting, \
     max(last_error) as last_error from audit_anchor group by anchor order by anchor"
);

pub(super) const STATEMENTS: &[Sql] = &[FILL, NEXT_TRY, UNSENT, SENT, FORGET, FAILED, STATES];
