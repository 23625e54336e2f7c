//! The server's own audit log: entries numbered from 1 without gaps, each carrying the hash of the one before it.
//!
//! What must be audited is recorded in the transaction that does it (`Store::record_in`): when the entry cannot be
//! stored, it was not done ([`StoreError::NotRecorded`]).

mod anchors;
mod checkpoints;
mod list;
mod verify;

pub use anchors::AnchorState;
pub use checkpoints::CHECKPOINTS_PAGE_MAX;
pub use list::{Cursor, Filter, InvalidCursor, PAGE_MAX, Page};
pub use verify::{Examined, Report};

use super::Store;
use super::db::{Sql, StoreError, Tx, execute, fetch, sql};
use crate::audit::chain::Chained as _;
use crate::audit::entry::{Content, NewEntry};
use crate::id::Digest;
use crate::run::event::Actor;

const RECORD: &str = "record in the audit log";

impl Store {
    /// Records an entry by itself; gives its number.
    ///
    /// # Errors
    /// `NotRecorded`: whatever the entry tells of must then not happen.
    pub async fn record(&self, entry: &NewEntry) -> Result<u64, StoreError> {
        let mut tx = self.db.begin(RECORD).await.map_err(not_recorded)?;
        let seq = self.record_in(&mut tx, entry).await?;
        self.db.commit(tx, RECORD).await.map_err(not_recorded)?;
        Ok(seq)
    }

    /// Records an entry in a transaction that does what it tells of. The end of the stream is locked until the
    /// transaction ends, so this comes last in it.
    pub(in crate::store) async fn record_in(&self, tx: &mut Tx, entry: &NewEntry) -> Result<u64, StoreError> {
        self.append_entry(tx, &entry.content()).await.map_err(not_recorded)
    }

    async fn append_entry(&self, tx: &mut Tx, content: &Content) -> Result<u64, StoreError> {
        let (last, head) = self.lock_audit_head(tx).await?;
        let seq = last + 1;
        let hash = content.hash_at(head, seq);
        let actor = Actor(content.actor.clone());
        let token = content.actor.strip_prefix(actor.person()).and_then(|rest| rest.strip_prefix('/'));
        execute!(
            *tx,
            INSERT,
            seq.cast_signed(),
            content.at_ms,
            &content.kind,
            actor.person(),
            token,
            &content.object,
            &content.body,
            &head.0[..],
            &hash.0[..]
        )
        .map_err(self.db.failed(RECORD))?;
        let moved = execute!(*tx, MOVE_HEAD, seq.cast_signed(), &hash.0[..]).map_err(self.db.failed(RECORD))?;
        if moved == 1 { Ok(seq) } else { Err(self.db.corrupt(RECORD, "the end of the stream is not marked")) }
    }

    /// The last entry's number and hash, locked until the transaction ends.
    async fn lock_audit_head(&self, tx: &mut Tx) -> Result<(u64, Digest), StoreError> {
        let head = fetch!(*tx, fetch_optional(i64, Vec<u8>), LOCK_HEAD).map_err(self.db.failed(RECORD))?;
        let head = head.and_then(|(last, hash)| Some((last.cast_unsigned(), digest(&hash)?)));
        head.ok_or_else(|| self.db.corrupt(RECORD, "the end of the audit log is not marked as this program marks it"))
    }
}

fn not_recorded(source: StoreError) -> StoreError {
    match source {
        StoreError::NotRecorded { .. } => source,
        _ => StoreError::NotRecorded { source: Box::new(source) },
    }
}

fn digest(bytes: &[u8]) -> Option<Digest> {
    bytes.try_into().ok().map(Digest)
}

/// The actor whose person and token stand in two columns.
fn actor(person: String, token: Option<String>) -> String {
    match token {
        Some(token) => format!("{person}/{token}"),
        None => person,
    }
}

const LOCK_HEAD: Sql = sql!(
    pg: "select last_seq, head_hash from audit_head where id = 1 for update",
    lite: "select last_seq, head_hash from audit_head where id = 1"
);
const INSERT: Sql = sql!(
    "insert into audit_entry (seq, at_ms, kind, person, token, object, body, prev_hash, hash) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
);
const MOVE_HEAD: Sql = sql!("update audit_head set last_seq = $1, head_hash = $2 where id = 1");

/// For the statement test.
pub(super) const STATEMENTS: &[&[Sql]] = &[
    &[LOCK_HEAD, INSERT, MOVE_HEAD],
    anchors::STATEMENTS,
    checkpoints::STATEMENTS,
    list::STATEMENTS,
    verify::STATEMENTS,
];

#[cfg(test)]
pub(super) use list::plans;
