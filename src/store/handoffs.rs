//! Handoffs: their logs, the rows of their lists, and who holds which item.
//!
//! Passing custody is one transaction over the log of the handoff and the logs of the runs whose wheel goes with it
//! ([`Store::append_handoff`]): both, or neither. Each append is recorded in the audit log, with the hash of the end
//! of the handoff's own chain, so that the checkpoints cover it.

mod chain;
mod list;

pub use chain::{HandoffEvent, handoff_event_hash};
pub use list::{Cursor, Filter, InvalidCursor, PAGE_MAX, Page};

use super::Store;
use super::db::{Sql, StoreError, Tx, execute, fetch, read, sql};
use super::run_log::{AppendError, RunPart, StoredEvent};
use crate::audit::chain::{BEFORE_FIRST, Link, Stepped, Walk};
use crate::audit::entry::{Kind, NewEntry};
use crate::audit::verdict::Verdict;
use crate::id::{Digest, HandoffId, ItemKey, RunId};

/// Events of one handoff. A person makes some dozens; this bounds what one append and one replay take.
pub const EVENTS_MAX: usize = 2_000;

/// A handoff as lists show it: a projection of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoffRow {
    pub id: HandoffId,
    pub rotation: Option<String>,
    /// `user:anna`
    pub sender: String,
    pub receiver: String,
    pub phase: String,
    pub overdue: Option<String>,
    pub overview: String,
    pub items: u32,
    pub unstable: u32,
    pub watcher: u32,
    pub begun_ms: i64,
    pub boundary_ms: i64,
    pub acknowledged_ms: Option<i64>,
    pub next_ms: Option<i64>,
    /// JSON: what decides who may read it.
    pub scopes: String,
    /// What is looked for when somebody searches.
    pub search: String,
}

/// An item as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRow {
    pub item: ItemKey,
    pub title: String,
    pub severity: Option<String>,
    pub holder: String,
    pub since_ms: i64,
    pub runs: Vec<RunId>,
}

/// What is stored in one go.
pub struct HandoffWrite<'a> {
    pub id: HandoffId,
    /// The number of the last event that the caller has applied; 0 for a new one.
    pub expected: u64,
    pub events: &'a [StoredEvent],
    pub row: &'a HandoffRow,
    pub items: &'a [ItemRow],
    /// Appended to the logs of runs in the same transaction.
    pub runs: &'a [RunPart],
    pub by: &'a str,
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum HandoffError {
    #[error("handoff {handoff} is at event {last}, not at {expected}: something else was recorded first")]
    Stale { handoff: HandoffId, expected: u64, last: u64 },
    #[error("handoff {handoff} has {EVENTS_MAX} events: begin another one")]
    Full { handoff: HandoffId },
    /// The log of a run does not take its part; then nothing of the handoff is stored either.
    #[error("the wheel of a run could not pass")]
    Run(#[source] AppendError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who holds a run, by the newest handoff that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRun {
    pub handoff: HandoffId,
    pub item: ItemKey,
    pub title: String,
    pub holder: String,
    pub since_ms: i64,
    pub phase: String,
    pub sender: String,
    pub receiver: String,
}

const APPEND: &str = "append to the log of a handoff";
const READ: &str = "read handoffs";

impl Store {
    /// Appends to the log of a handoff and stores its projections; with the parts of runs, in one transaction.
    ///
    /// A crash before the commit leaves nothing of it in any of the logs, one after it all of it.
    ///
    /// # Errors
    /// `Stale` and `Run` leave every log as it was.
    pub async fn append_handoff(&self, write: &HandoffWrite<'_>) -> Result<u64, HandoffError> {
        let mut tx = self.db.begin(APPEND).await?;
        let head = self.lock_handoff(&mut tx, write.id).await?;
        let (last, mut head_hash) = head.unwrap_or((0, BEFORE_FIRST));
        let handoff = write.id;
        if last != write.expected {
            return Err(HandoffError::Stale { handoff, expected: write.expected, last });
        }
        if write.expected + write.events.len() as u64 > EVENTS_MAX as u64 {
            return Err(HandoffError::Full { handoff });
        }
        if head.is_none() && !self.insert_handoff(&mut tx, write).await? {
            // Somebody else inserted it after we looked (PostgreSQL only).
            return Err(HandoffError::Stale { handoff, expected: 0, last: 1 });
        }
        // In one order everywhere, so that two that want the same runs do not wait for each other.
        let mut parts: Vec<&RunPart> = write.runs.iter().collect();
        parts.sort_unstable_by_key(|part| part.run);
        for part in parts {
            self.append_part(&mut tx, part).await.map_err(HandoffError::Run)?;
        }
        let mut seq = last;
        for event in write.events {
            seq += 1;
            let hash = handoff_event_hash(head_hash, handoff, seq, event);
            self.insert_handoff_event(&mut tx, handoff, seq, event, head_hash, hash).await?;
            head_hash = hash;
        }
        self.project(&mut tx, write, seq, head_hash).await?;
        self.record_in(&mut tx, &entry(write, seq, head_hash)).await?;
        self.db.commit(tx, APPEND).await?;
        Ok(seq)
    }

    /// All events of a handoff, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn handoff_events(&self, id: HandoffId) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.handoff_links(id).await?.into_iter().map(|link| link.content.event).collect())
    }

    /// Recomputes the hash chain of a handoff's log.
    ///
    /// # Errors
    /// When the database fails; damage is not an error but the answer.
    pub async fn verify_handoff(&self, id: HandoffId) -> Result<Verdict, StoreError> {
        let head = read!(self.db, fetch_optional(i64, Vec<u8>), HEAD, id.0).map_err(self.db.failed(READ))?;
        let head =
            head.map(|(last, hash)| (last.cast_unsigned(), super::run_log::digest(&hash).unwrap_or(BEFORE_FIRST)));
        let seen = std::collections::BTreeMap::new();
        let mut walk = Walk::new(head, &seen);
        for link in self.handoff_links(id).await? {
            match walk.next(&link) {
                Stepped::Fine => {}
                Stepped::Damaged(verdict) => return Ok(verdict),
                Stepped::Suspect(suspect) => return Ok(suspect.altered()),
            }
        }
        Ok(walk.finish(head.map_or(0, |(last, _)| last)))
    }

    /// Handoffs whose next mark of time has passed, the longest overdue first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due_handoffs(&self, now_ms: i64) -> Result<Vec<HandoffId>, StoreError> {
        let found = read!(self.db, fetch_all(uuid::Uuid,), DUE, now_ms, i64::from(PAGE_MAX));
        Ok(found.map_err(self.db.failed(READ))?.into_iter().map(|(id,)| HandoffId(id)).collect())
    }

    /// Handoffs that somebody has taken and whose text is not kept as it is now, with the number of their last event.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unkept_handoffs(&self) -> Result<Vec<(HandoffId, u64)>, StoreError> {
        let found = read!(self.db, fetch_all(uuid::Uuid, i64), UNKEPT, i64::from(PAGE_MAX));
        let found = found.map_err(self.db.failed(READ))?;
        Ok(found.into_iter().map(|(id, seq)| (HandoffId(id), seq.cast_unsigned())).collect())
    }

    /// Notes up to where the text of a handoff is kept.
    ///
    /// # Errors
    /// When the database fails: then it is kept once more.
    pub async fn note_kept_handoff(&self, id: HandoffId, seq: u64) -> Result<(), StoreError> {
        let mut tx = self.db.begin(APPEND).await?;
        execute!(tx, NOTE_KEPT, id.0, seq.cast_signed()).map_err(self.db.failed(APPEND))?;
        self.db.commit(tx, APPEND).await
    }

    /// The newest handoff that this person has taken and not passed on, of a rotation or of none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn taken_by(&self, receiver: &str, rotation: Option<&str>) -> Result<Option<HandoffId>, StoreError> {
        let found = read!(self.db, fetch_optional(uuid::Uuid,), TAKEN, receiver, rotation);
        Ok(found.map_err(self.db.failed(READ))?.map(|(id,)| HandoffId(id)))
    }

    /// Who holds a run; none if no handoff has it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holder_of_run(&self, run: RunId) -> Result<Option<HeldRun>, StoreError> {
        let found = read!(self.db, fetch_optional FoundHeld, HELD, run.0).map_err(self.db.failed(READ))?;
        found.map(|found| found.into_held().map_err(|what| self.db.corrupt(READ, what))).transpose()
    }

    /// Runs that are not over, and those that ended at or after `since_ms`; the newest `limit` of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn runs_of_shift(&self, since_ms: i64, limit: u32) -> Result<Vec<RunId>, StoreError> {
        let found = read!(self.db, fetch_all(uuid::Uuid,), RUNS_OF_SHIFT, since_ms, i64::from(limit));
        Ok(found.map_err(self.db.failed(READ))?.into_iter().map(|(run,)| RunId(run)).collect())
    }

    async fn handoff_links(&self, id: HandoffId) -> Result<Vec<Link<HandoffEvent>>, StoreError> {
        let limit = i64::try_from(EVENTS_MAX).expect("a small constant");
        let rows = read!(self.db, fetch_all FoundEvent, EVENTS, id.0, limit).map_err(self.db.failed(READ))?;
        Ok(rows.into_iter().map(|row| row.into_link(id)).collect())
    }

    async fn lock_handoff(&self, tx: &mut Tx, id: HandoffId) -> Result<Option<(u64, Digest)>, StoreError> {
        let head = fetch!(*tx, fetch_optional(i64, Vec<u8>), LOCK_HEAD, id.0).map_err(self.db.failed(APPEND))?;
        head.map(|(last, hash)| match super::run_log::digest(&hash) {
            Some(hash) => Ok((last.cast_unsigned(), hash)),
            None => Err(self.db.corrupt(APPEND, format_args!("the head of handoff {id} is not a SHA-256"))),
        })
        .transpose()
    }

    async fn insert_handoff(&self, tx: &mut Tx, write: &HandoffWrite<'_>) -> Result<bool, StoreError> {
        let row = write.row;
        let no_hash = [0_u8; 32];
        let inserted = execute!(
            *tx,
            INSERT,
            write.id.0,
            row.rotation.as_deref(),
            &row.sender,
            &row.receiver,
            &row.phase,
            &row.overview,
            row.begun_ms,
            row.boundary_ms,
            &row.scopes,
            &row.search,
            &no_hash[..]
        );
        Ok(inserted.map_err(self.db.failed(APPEND))? == 1)
    }

    async fn insert_handoff_event(
        &self,
        tx: &mut Tx,
        handoff: HandoffId,
        seq: u64,
        event: &StoredEvent,
        prev_hash: Digest,
        hash: Digest,
    ) -> Result<(), StoreError> {
        let (seq, at_ms) = (seq.cast_signed(), event.at_ms);
        let (prev_hash, hash) = (&prev_hash.0[..], &hash.0[..]);
        execute!(*tx, INSERT_EVENT, handoff.0, seq, at_ms, &event.kind, &event.body, prev_hash, hash)
            .map(drop)
            .map_err(self.db.failed(APPEND))
    }

    /// Row, items and runs as they are after the events.
    async fn project(&self, tx: &mut Tx, write: &HandoffWrite<'_>, seq: u64, head: Digest) -> Result<(), StoreError> {
        let (id, row) = (write.id.0, write.row);
        execute!(
            *tx,
            UPDATE,
            id,
            &row.phase,
            row.overdue.as_deref(),
            &row.overview,
            i64::from(row.items),
            i64::from(row.unstable),
            i64::from(row.watcher),
            row.acknowledged_ms,
            row.next_ms,
            &row.scopes,
            &row.search,
            seq.cast_signed(),
            &head.0[..]
        )
        .map_err(self.db.failed(APPEND))?;
        execute!(*tx, DELETE_ITEMS, id).map_err(self.db.failed(APPEND))?;
        execute!(*tx, DELETE_RUNS, id).map_err(self.db.failed(APPEND))?;
        for item in write.items {
            let (key, title, severity) = (item.item.as_str(), &item.title, item.severity.as_deref());
            execute!(*tx, INSERT_ITEM, id, key, title, severity, &item.holder, item.since_ms)
                .map_err(self.db.failed(APPEND))?;
            for run in &item.runs {
                execute!(*tx, INSERT_RUN, run.0, id, key).map_err(self.db.failed(APPEND))?;
            }
        }
        Ok(())
    }
}

/// What the audit log says of an append.
fn entry(write: &HandoffWrite<'_>, seq: u64, head: Digest) -> NewEntry {
    let kinds: Vec<&str> = write.events.iter().map(|event| event.kind.as_str()).collect();
    let has = |kind: &str| kinds.contains(&kind);
    let kind = if has("custody_forced") {
        Kind::CustodyForced
    } else if has("handoff_acknowledged") || has("taken_unbriefed") {
        Kind::CustodyPassed
    } else {
        Kind::HandoffWritten
    };
    let at_ms = write.events.last().map_or(write.row.begun_ms, |event| event.at_ms);
    let wheels: Vec<String> = write.runs.iter().map(|part| part.run.to_string()).collect();
    NewEntry::new(at_ms, kind, write.by, format!("handoff:{}", write.id))
        .with("events", kinds)
        .with("seq", seq)
        .with("hash", head.to_string())
        .with("wheels", wheels)
}

#[derive(sqlx::FromRow)]
struct FoundEvent {
    seq: i64,
    at_ms: i64,
    kind: String,
    body: String,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl FoundEvent {
    fn into_link(self, handoff: HandoffId) -> Link<HandoffEvent> {
        let event = StoredEvent { kind: self.kind, at_ms: self.at_ms, body: self.body };
        Link {
            seq: self.seq.cast_unsigned(),
            content: HandoffEvent { handoff, event },
            // A hash of a wrong length equals no computed one; verifying tells it as altered.
            prev_hash: super::run_log::digest(&self.prev_hash).unwrap_or(BEFORE_FIRST),
            hash: super::run_log::digest(&self.hash).unwrap_or(BEFORE_FIRST),
        }
    }
}

#[derive(sqlx::FromRow)]
struct FoundHeld {
    handoff: uuid::Uuid,
    item: String,
    title: String,
    holder: String,
    since_ms: i64,
    phase: String,
    sender: String,
    receiver: String,
}

impl FoundHeld {
    fn into_held(self) -> Result<HeldRun, crate::id::InvalidId> {
        Ok(HeldRun {
            handoff: HandoffId(self.handoff),
            item: self.item.parse()?,
            title: self.title,
            holder: self.holder,
            since_ms: self.since_ms,
            phase: self.phase,
            sender: self.sender,
            receiver: self.receiver,
        })
    }
}

const HEAD: Sql = sql!("select last_seq, head_hash from handoff where id = $1");
const LOCK_HEAD: Sql = sql!(
    pg: "select last_seq, head_hash from handoff where id = $1 for update",
    lite: "select last_seq, head_hash from handoff where id = $1"
);
const INSERT: Sql = sql!(
    "insert into handoff (id, rotation, sender, receiver, phase, overview, items, unstable, watcher, begun_ms, \
     boundary_ms, scopes, search, last_seq, head_hash) \
     values ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7, $8, $9, $10, 0, $11) on conflict (id) do nothing"
);
const INSERT_EVENT: Sql = sql!(
    "insert into handoff_event (handoff, seq, at_ms, kind, body, prev_hash, hash) values ($1, $2, $3, $4, $5, $6, $7)"
);
const UPDATE: Sql = sql!(
    "update handoff set phase = $2, overdue = $3, overview = $4, items = $5, unstable = $6, watcher = $7, \
     acknowledged_ms = $8, next_ms = $9, scopes = $10, search = $11, last_seq = $12, head_hash = $13 where id = $1"
);
const DELETE_ITEMS: Sql = sql!("delete from handoff_item where handoff = $1");
const DELETE_RUNS: Sql = sql!("delete from handoff_run where handoff = $1");
const INSERT_ITEM: Sql =
    sql!("insert into handoff_item (handoff, item, title, severity, holder, since_ms) values ($1, $2, $3, $4, $5, $6)");
const INSERT_RUN: Sql = sql!("insert into handoff_run (run, handoff, item) values ($1, $2, $3)");
const EVENTS: Sql =
    sql!("select seq, at_ms, kind, body, prev_hash, hash from handoff_event where handoff = $1 order by seq limit $2");
const DUE: Sql = sql!("select id from handoff where next_ms <= $1 order by next_ms limit $2");
const UNKEPT: Sql = sql!(
    "select id, last_seq from handoff where acknowledged_ms is not null and kept_seq < last_seq \
     order by begun_ms limit $1"
);
const NOTE_KEPT: Sql = sql!("update handoff set kept_seq = $2 where id = $1 and kept_seq < $2");
const TAKEN: Sql = sql!(
    "select id from handoff where receiver = $1 and phase in ('acknowledged', 'amended', 'taken-unbriefed') \
     and (rotation = cast($2 as text) or (rotation is null and cast($2 as text) is null)) \
     order by boundary_ms desc, id desc limit 1"
);
const HELD: Sql = sql!(
    "select handoff_item.handoff, handoff_item.item, handoff_item.title, handoff_item.holder, handoff_item.since_ms, \
     handoff.phase, handoff.sender, handoff.receiver from handoff_run \
     join handoff_item on handoff_item.handoff = handoff_run.handoff and handoff_item.item = handoff_run.item \
     join handoff on handoff.id = handoff_run.handoff \
     where handoff_run.run = $1 and handoff.phase <> 'void' order by handoff.begun_ms desc, handoff.id desc limit 1"
);
const RUNS_OF_SHIFT: Sql = sql!(
    "select id from (select id, started_at_ms from run where ended_at_ms is null \
     union all select id, started_at_ms from run where ended_at_ms >= $1) as shift \
     order by started_at_ms desc, id desc limit $2"
);

/// For the statement test.
pub(super) const STATEMENTS: &[&[Sql]] = &[
    &[
        HEAD,
        LOCK_HEAD,
        INSERT,
        INSERT_EVENT,
        UPDATE,
        DELETE_ITEMS,
        DELETE_RUNS,
        INSERT_ITEM,
        INSERT_RUN,
        EVENTS,
        DUE,
        UNKEPT,
        NOTE_KEPT,
        TAKEN,
        HELD,
        RUNS_OF_SHIFT,
    ],
    list::STATEMENTS,
];
