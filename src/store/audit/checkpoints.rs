//! Checkpoints: made in one transaction with the marks of what they saw, and read back in order.

use uuid::Uuid;

use super::digest;
use crate::audit::chain::BEFORE_FIRST;
use crate::audit::checkpoint::{Checkpoint, Head, PublicKey, STREAMS_MAX, Signed, SigningKey, Stream};
use crate::audit::entry::NewEntry;
use crate::id::RunId;
use crate::store::Store;
use crate::store::db::{Sql, StoreError, Tx, execute, fetch, read, sql};

/// Checkpoints read in one go.
pub const CHECKPOINTS_PAGE_MAX: u32 = 100;

const MAKE: &str = "make a checkpoint of the audit log";
pub(super) const READ: &str = "read the checkpoints of the audit log";

impl Store {
    /// Makes a checkpoint of the streams that went on since the last one, at most [`STREAMS_MAX`]; none when none
    /// did. `asked`, an entry that says who asked for it, is recorded first and so is part of it.
    ///
    /// Two at once follow each other. A crash leaves either the whole checkpoint or none.
    ///
    /// # Errors
    /// When the database fails, or the last checkpoint is not there as it was written.
    pub async fn make_checkpoint(
        &self,
        at_ms: i64,
        key: &SigningKey,
        asked: Option<&NewEntry>,
    ) -> Result<Option<Signed>, StoreError> {
        let mut tx = self.db.begin(MAKE).await?;
        if let Some(entry) = asked {
            self.record_in(&mut tx, entry).await?;
        }
        let heads = self.changed_heads(&mut tx).await?;
        if heads.is_empty() {
            return Ok(None);
        }
        let last = fetch!(tx, fetch_optional FoundCheckpoint, LAST).map_err(self.db.failed(MAKE))?;
        let last = last.map(|found| self.signed(found)).transpose()?;
        let (number, before) = last.map_or((1, BEFORE_FIRST), |last| (last.number + 1, last.hash()));
        let signed = key.sign(&Checkpoint { number, at_ms, before, heads: heads.clone() });
        execute!(tx, INSERT, number.cast_signed(), &signed.text, &signed.key.0[..], &signed.signature[..])
            .map_err(self.db.failed(MAKE))?;
        for head in &heads {
            match head.stream {
                Stream::Server => execute!(tx, SEEN_SERVER, head.last_seq.cast_signed()),
                Stream::Run(run) => execute!(tx, SEEN_RUN, run.0, head.last_seq.cast_signed()),
            }
            .map_err(self.db.failed(MAKE))?;
        }
        self.db.commit(tx, MAKE).await?;
        Ok(Some(signed))
    }

    async fn changed_heads(&self, tx: &mut Tx) -> Result<Vec<Head>, StoreError> {
        let limit = i64::try_from(STREAMS_MAX).expect("the constant is small");
        let runs = fetch!(*tx, fetch_all(Uuid, i64, Vec<u8>), CHANGED_RUNS, limit).map_err(self.db.failed(MAKE))?;
        let (last_seq, hash) = self.lock_audit_head(tx).await?;
        let seen = fetch!(*tx, fetch_one(i64,), SEEN_OF_SERVER).map_err(self.db.failed(MAKE))?;
        let server = Head { stream: Stream::Server, last_seq, hash };
        let mut heads: Vec<Head> = Some(server).filter(|_| last_seq > seen.0.cast_unsigned()).into_iter().collect();
        for (run, last_seq, hash) in runs {
            let hash = digest(&hash)
                .ok_or_else(|| self.db.corrupt(MAKE, format_args!("the head of run {run} is not a SHA-256")))?;
            heads.push(Head { stream: Stream::Run(RunId(run)), last_seq: last_seq.cast_unsigned(), hash });
        }
        Ok(heads)
    }

    /// Checkpoints after number `after`, in order, at most [`CHECKPOINTS_PAGE_MAX`].
    ///
    /// # Errors
    /// When the database fails, or a row holds something else.
    pub async fn checkpoints(&self, after: u64) -> Result<Vec<Signed>, StoreError> {
        let limit = i64::from(CHECKPOINTS_PAGE_MAX);
        let found = read!(self.db, fetch_all FoundCheckpoint, AFTER, after.cast_signed(), limit);
        found.map_err(self.db.failed(READ))?.into_iter().map(|found| self.signed(found)).collect()
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// As of `checkpoints`.
    pub async fn last_checkpoint(&self) -> Result<Option<Signed>, StoreError> {
        let found = read!(self.db, fetch_optional FoundCheckpoint, LAST).map_err(self.db.failed(READ))?;
        found.map(|found| self.signed(found)).transpose()
    }

    /// A key or signature of a wrong length becomes zeros, which verify nothing.
    pub(super) fn signed(&self, found: FoundCheckpoint) -> Result<Signed, StoreError> {
        let number = u64::try_from(found.number).map_err(|_| self.db.corrupt(READ, "a number is below zero"))?;
        Ok(Signed {
            number,
            text: found.text,
            key: PublicKey(found.public_key.try_into().unwrap_or([0; 32])),
            signature: found.signature.try_into().unwrap_or([0; 64]),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct FoundCheckpoint {
    number: i64,
    text: String,
    public_key: Vec<u8>,
    signature: Vec<u8>,
}

const LAST: Sql = sql!("select number, text, public_key, signature from audit_checkpoint order by number desc limit 1");
const AFTER: Sql =
    sql!("select number, text, public_key, signature from audit_checkpoint where number > $1 order by number limit $2");
const INSERT: Sql = sql!("insert into audit_checkpoint (number, text, public_key, signature) values ($1, $2, $3, $4)");
// A run that is being appended to just now is in the next one: nobody waits for a checkpoint.
const CHANGED_RUNS: Sql = sql!(
    pg: "select id, last_seq, head_hash from run where last_seq > checkpoint_seq order by id limit $1 \
         for update skip locked",
    lite: "select id, last_seq, head_hash from run where last_seq > checkpoint_seq order by id limit $1"
);
const SEEN_OF_SERVER: Sql = sql!("select checkpoint_seq from audit_head where id = 1");
const SEEN_SERVER: Sql = sql!("update audit_head set checkpoint_seq = $1 where id = 1");
const SEEN_RUN: Sql = sql!("update run set checkpoint_seq = $2 where id = $1");

pub(super) const STATEMENTS: &[Sql] = &[LAST, AFTER, INSERT, CHANGED_RUNS, SEEN_OF_SERVER, SEEN_SERVER, SEEN_RUN];
