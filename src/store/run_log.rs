//! The event log of a run: append-only, numbered from 1 without gaps, each event carrying the hash of the one
//! before it.

mod chain;

use crate::audit::chain::{BEFORE_FIRST, Link};
use crate::id::{Digest, RunId};

pub use chain::{RunEvent, event_hash};
pub(super) use chain::{digest, hash_of};

use super::Store;
use super::db::{Sql, StoreError, Tx, execute, fetch, read, sql};
use super::locks::Lock;
use super::output::WholeOutput;
use super::runs::{self, RunRow};

/// Events read in one go: a page of the log. The largest bodies are plans with their scripts.
pub const EVENTS_PAGE_MAX: u32 = 1_000;

/// Events of one append. A decision makes a few for each host; this bounds the memory of one transaction.
pub const APPEND_EVENTS_MAX: usize = 10_000;

/// An event as it is stored. The version of its format is inside `body`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its name in the past tense, such as `step_confirmed`.
    pub kind: String,
    /// When it was decided.
    pub at_ms: i64,
    /// JSON text. Stored and hashed as it is, never parsed by the store.
    pub body: String,
}

/// An event read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its number in the run's log, from 1.
    pub seq: u64,
    /// What was appended.
    pub event: StoredEvent,
    /// The hash that the next event carries.
    pub hash: Digest,
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The log has gone on since the caller read it (or does not exist: `last` is 0).
    #[error("run {run} is at event {last}, not at {expected}: something else was recorded first")]
    Stale { run: RunId, expected: u64, last: u64 },
    /// Another engine has taken the run over; the caller must not perform effects on it any more.
    #[error("run {run} is led by epoch {epoch}, not by {given}: another engine has taken it over")]
    Fenced { run: RunId, given: u64, epoch: u64 },
    /// Another run that has not ended holds a lock; nothing is taken or stored.
    #[error("the lock {:?} on {} that run {run} needs is held by run {holder}", lock.name, lock.host)]
    LockHeld { lock: Lock, run: RunId, holder: RunId, since_ms: i64 },
    /// More events than one transaction takes.
    #[error("{count} events for run {run} in one append; at most {APPEND_EVENTS_MAX}")]
    TooMany { run: RunId, count: usize },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is appended to the log of a run in a transaction that does more than that.
#[derive(Debug, Clone)]
pub struct RunPart {
    pub run: RunId,
    /// The number of the last event that its worker has applied.
    pub expected: u64,
    /// Of the worker's lease.
    pub epoch: Option<u64>,
    pub events: Vec<StoredEvent>,
    pub row: RunRow,
}

/// What is stored with events.
struct With<'a> {
    outputs: &'a [WholeOutput],
    locks: &'a [Lock],
}

const APPEND: &str = "append to the log of a run";
const READ: &str = "read the log of a run";

impl Store {
    /// Appends events to a run's log and stores its row for the lists, in one transaction.
    ///
    /// `expected` is the number of the last event that the caller has applied, 0 for a new run. `epoch` is that of
    /// the caller's lease where the events belong to effects; `None` for what anyone may record. `row.last_seq` is
    /// set here. With no events, only the row is stored.
    ///
    /// # Errors
    /// `Stale` and `Fenced` leave the log as it was.
    pub async fn append(
        &self,
        run: RunId,
        expected: u64,
        epoch: Option<u64>,
        events: &[StoredEvent],
        row: &RunRow,
    ) -> Result<u64, AppendError> {
        self.append_with_outputs(run, expected, epoch, events, row, &[]).await
    }

    /// [`Store::append`], and the whole output of attempts that these events end, in the same transaction.
    ///
    /// # Errors
    /// As of `append`.
    pub async fn append_with_outputs(
        &self,
        run: RunId,
        expected: u64,
        epoch: Option<u64>,
        events: &[StoredEvent],
        row: &RunRow,
        outputs: &[WholeOutput],
    ) -> Result<u64, AppendError> {
        self.append_all(run, expected, epoch, events, row, With { outputs, locks: &[] }).await
    }

    /// Stores the start of a run with the locks that it holds while it lasts, in one transaction.
    ///
    /// # Errors
    /// As of `append`; `LockHeld`.
    pub async fn append_start(
        &self,
        run: RunId,
        epoch: u64,
        events: &[StoredEvent],
        row: &RunRow,
        locks: &[Lock],
    ) -> Result<u64, AppendError> {
        self.append_all(run, 0, Some(epoch), events, row, With { outputs: &[], locks }).await
    }

    async fn append_all(
        &self,
        run: RunId,
        expected: u64,
        epoch: Option<u64>,
        events: &[StoredEvent],
        row: &RunRow,
        with: With<'_>,
    ) -> Result<u64, AppendError> {
        if events.len() > APPEND_EVENTS_MAX {
            return Err(AppendError::TooMany { run, count: events.len() });
        }
        let mut tx = self.db.begin(APPEND).await?;
        let seq = self.append_in(&mut tx, (run, expected, epoch), events, row, &with).await?;
        self.db.commit(tx, APPEND).await?;
        Ok(seq)
    }

    /// Appends to the log of a run in a transaction that does more: both, or neither.
    pub(super) async fn append_part(&self, tx: &mut Tx, part: &RunPart) -> Result<u64, AppendError> {
        let with = With { outputs: &[], locks: &[] };
        self.append_in(tx, (part.run, part.expected, part.epoch), &part.events, &part.row, &with).await
    }

    async fn append_in(
        &self,
        tx: &mut Tx,
        (run, expected, epoch): (RunId, u64, Option<u64>),
        events: &[StoredEvent],
        row: &RunRow,
        with: &With<'_>,
    ) -> Result<u64, AppendError> {
        if let Some(given) = epoch {
            self.check_epoch(tx, run, given).await?;
        }
        let head = self.lock_head(tx, run).await?;
        let (last, mut head_hash) = head.unwrap_or((0, BEFORE_FIRST));
        if last != expected {
            return Err(AppendError::Stale { run, expected, last });
        }
        let first = match head {
            // The row goes first, because events refer to it.
            None => runs::insert(&self.db, tx, run, row).await.map_err(|error| error.or_stale(run, expected))?,
            Some(_) => last,
        };
        let mut seq = first;
        for event in events {
            seq += 1;
            let hash = event_hash(head_hash, run, seq, event);
            self.insert_event(tx, run, seq, event, head_hash, hash).await?;
            head_hash = hash;
        }
        for output in with.outputs {
            self.insert_whole(tx, output).await?;
        }
        runs::update(&self.db, tx, run, row, seq, head_hash).await?;
        self.take_locks(tx, run, epoch.unwrap_or(0), with.locks, row.started_at_ms).await?;
        if row.ended_at_ms.is_some() {
            self.give_back_locks(tx, run).await?;
        }
        Ok(seq)
    }

    /// Events after number `after`, in order, at most `limit` (and [`EVENTS_PAGE_MAX`]).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<LoggedEvent>, StoreError> {
        let links = self.event_links(run, after, limit).await?;
        Ok(links
            .into_iter()
            .map(|link| LoggedEvent { seq: link.seq, event: link.content.event, hash: link.hash })
            .collect())
    }

    pub(super) async fn event_links(
        &self,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Link<RunEvent>>, StoreError> {
        let limit = i64::from(limit.min(EVENTS_PAGE_MAX));
        let rows = read!(self.db, fetch_all EventRow, EVENTS, run.0, after.cast_signed(), limit)
            .map_err(self.db.failed(READ))?;
        Ok(rows.into_iter().map(|row| row.into_link(run)).collect())
    }

    async fn check_epoch(&self, tx: &mut Tx, run: RunId, given: u64) -> Result<(), AppendError> {
        let found = fetch!(*tx, fetch_optional(i64,), EPOCH, run.0).map_err(self.db.failed(APPEND))?;
        let epoch = found.map_or(0, |(epoch,)| epoch.cast_unsigned());
        if epoch == given { Ok(()) } else { Err(AppendError::Fenced { run, given, epoch }) }
    }

    /// The last event's number and hash, locked until the transaction ends.
    async fn lock_head(&self, tx: &mut Tx, run: RunId) -> Result<Option<(u64, Digest)>, StoreError> {
        let head = fetch!(*tx, fetch_optional(i64, Vec<u8>), LOCK_HEAD, run.0).map_err(self.db.failed(APPEND))?;
        head.map(|(last, hash)| match chain::digest(&hash) {
            Some(hash) => Ok((last.cast_unsigned(), hash)),
            None => Err(self.db.corrupt(APPEND, format_args!("the head of run {run} is not a SHA-256"))),
        })
        .transpose()
    }

    async fn insert_event(
        &self,
        tx: &mut Tx,
        run: RunId,
        seq: u64,
        event: &StoredEvent,
        prev_hash: Digest,
        hash: Digest,
    ) -> Result<(), StoreError> {
        execute!(
            *tx,
            INSERT,
            run.0,
            seq.cast_signed(),
            event.at_ms,
            &event.kind,
            &event.body,
            &prev_hash.0[..],
            &hash.0[..]
        )
        .map(drop)
        .map_err(self.db.failed(APPEND))
    }
}

#[derive(sqlx::FromRow)]
struct EventRow {
    seq: i64,
    at_ms: i64,
    kind: String,
    body: String,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl EventRow {
    fn into_link(self, run: RunId) -> Link<RunEvent> {
        let event = StoredEvent { kind: self.kind, at_ms: self.at_ms, body: self.body };
        Link {
            seq: self.seq.cast_unsigned(),
            content: RunEvent { run, event },
            // A hash of a wrong length equals no computed one; verifying tells it as altered.
            prev_hash: chain::digest(&self.prev_hash).unwrap_or(BEFORE_FIRST),
            hash: chain::digest(&self.hash).unwrap_or(BEFORE_FIRST),
        }
    }
}

const EPOCH: Sql = sql!(
    pg: "select epoch from run_lease where run = $1 for share",
    lite: "select epoch from run_lease where run = $1"
);
const LOCK_HEAD: Sql = sql!(
    pg: "select last_seq, head_hash from run where id = $1 for update",
    lite: "select last_seq, head_hash from run where id = $1"
);
const INSERT: Sql =
    sql!("insert into run_event (run, seq, at_ms, kind, body, prev_hash, hash) values ($1, $2, $3, $4, $5, $6, $7)");
const EVENTS: Sql = sql!(
    "select seq, at_ms, kind, body, prev_hash, hash from run_event where run = $1 and seq > $2 order by seq limit $3"
);

/// For the statement test.
pub(super) const STATEMENTS: &[Sql] = &[EPOCH, LOCK_HEAD, INSERT, EVENTS];
