//! Share links: a snapshot of output that whoever holds the token may read until it expires or is revoked.

use std::net::IpAddr;

use bytes::Bytes;
use uuid::Uuid;

use super::Store;
use super::db::{Sql, StoreError, execute, read, sql};
use super::output::{INLINE_BYTES_MAX, blob_failed};
use crate::audit::entry::{Kind, NewEntry};
use crate::id::{Digest, RunId};

/// A share to make. The token itself is only in the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewShare {
    pub id: Uuid,
    /// SHA-256 of the 256-bit token.
    pub token_hash: Digest,
    pub run: RunId,
    /// JSON text with its version inside: what of the run is shown.
    pub scope: String,
    /// For people, in the list of shares.
    pub label: String,
    pub created_by: String,
    pub created_at_ms: i64,
    pub expires_at_ms: i64,
    pub requires_login: bool,
}

/// A share as it stands. Whether it may still be read is for its reader to decide, with the time at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub share: NewShare,
    pub revoked_at_ms: Option<i64>,
    pub views: u64,
    pub last_view_ms: Option<i64>,
}

impl Share {
    /// Whether the link opens at this time.
    pub fn is_open(&self, now_ms: i64) -> bool {
        self.revoked_at_ms.is_none() && now_ms < self.share.expires_at_ms
    }
}

const STORE: &str = "store a share";
const READ: &str = "read a share";

impl Store {
    /// Stores a share with its snapshot (redacted by the caller), and records it. Large snapshots become a blob first.
    ///
    /// # Errors
    /// When the database or the blob store fails; then there is no share.
    pub async fn create_share(&self, share: &NewShare, snapshot: Bytes) -> Result<(), StoreError> {
        let key = format!("share/{}", share.id);
        let is_inline = snapshot.len() < INLINE_BYTES_MAX;
        if !is_inline {
            self.blobs.put(&key, snapshot.clone()).await.map_err(blob_failed(STORE))?;
        }
        let mut tx = self.db.begin(STORE).await?;
        execute!(
            tx,
            INSERT,
            share.id,
            &share.token_hash.0[..],
            share.run.0,
            &share.scope,
            &share.label,
            &share.created_by,
            share.created_at_ms,
            share.expires_at_ms,
            share.requires_login,
            is_inline.then_some(snapshot.as_ref()),
            (!is_inline).then_some(key.as_str())
        )
        .map_err(self.db.failed(STORE))?;
        self.record_in(&mut tx, &made(share)).await?;
        self.db.commit(tx, STORE).await
    }

    /// The share of a token, in whatever state it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn share_by_token(&self, token_hash: Digest) -> Result<Option<Share>, StoreError> {
        let found = read!(self.db, fetch_optional FoundShare, BY_TOKEN, &token_hash.0[..]);
        found.map_err(self.db.failed(READ))?.map(|found| self.share_of(found)).transpose()
    }

    /// The share of an id, in whatever state it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn share(&self, id: Uuid) -> Result<Option<Share>, StoreError> {
        let found = read!(self.db, fetch_optional FoundShare, BY_ID, id).map_err(self.db.failed(READ))?;
        found.map(|found| self.share_of(found)).transpose()
    }

    /// All shares of a run, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn shares_of_run(&self, run: RunId) -> Result<Vec<Share>, StoreError> {
        let found = read!(self.db, fetch_all FoundShare, BY_RUN, run.0).map_err(self.db.failed(READ))?;
        found.into_iter().map(|found| self.share_of(found)).collect()
    }

    /// What a share shows; none when there is no such share.
    ///
    /// # Errors
    /// When the database or the blob store fails.
    pub async fn share_snapshot(&self, id: Uuid) -> Result<Option<Bytes>, StoreError> {
        type Place = (Option<Vec<u8>>, Option<String>);
        let found = read!(self.db, fetch_optional Place, SNAPSHOT, id).map_err(self.db.failed(READ))?;
        match found {
            None => Ok(None),
            Some((Some(bytes), _)) => Ok(Some(Bytes::from(bytes))),
            Some((None, Some(key))) => self.blobs.get(&key).await.map(Some).map_err(blob_failed(READ)),
            Some((None, None)) => Err(self.db.corrupt(READ, format_args!("share {id} has no snapshot"))),
        }
    }

    /// Ends a share, and records who did. False when there is none or it was revoked before, whose time stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_share(&self, id: Uuid, by: &str, now_ms: i64) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        if execute!(tx, REVOKE, id, now_ms).map_err(self.db.failed(STORE))? == 0 {
            return Ok(false);
        }
        self.record_in(&mut tx, &NewEntry::new(now_ms, Kind::ShareRevoked, by, object(id))).await?;
        self.db.commit(tx, STORE).await?;
        Ok(true)
    }

    /// Counts a view if the share is open, and records who looked. False when it is not: check and count are one
    /// statement, so that a revoked link is never shown by a race.
    ///
    /// # Errors
    /// When the database fails, or the view cannot be recorded: then it must not be shown.
    pub async fn count_share_view(
        &self,
        id: Uuid,
        by: &str,
        from: Option<IpAddr>,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        if execute!(tx, COUNT_VIEW, id, now_ms).map_err(self.db.failed(STORE))? == 0 {
            return Ok(false);
        }
        self.record_in(&mut tx, &NewEntry::new(now_ms, Kind::ShareViewed, by, object(id)).from(from)).await?;
        self.db.commit(tx, STORE).await?;
        Ok(true)
    }

    fn share_of(&self, found: FoundShare) -> Result<Share, StoreError> {
        let token_hash = found.token_hash.try_into().map(Digest);
        let token_hash = token_hash.map_err(|_| self.db.corrupt(READ, "a token hash is not a SHA-256"))?;
        Ok(Share {
            share: NewShare {
                id: found.id,
                token_hash,
                run: RunId(found.run),
                scope: found.scope,
                label: found.label,
                created_by: found.created_by,
                created_at_ms: found.created_at_ms,
                expires_at_ms: found.expires_at_ms,
                requires_login: found.requires_login,
            },
            revoked_at_ms: found.revoked_at_ms,
            views: found.views.cast_unsigned(),
            last_view_ms: found.last_view_ms,
        })
    }
}

/// As the audit log names a share.
pub fn object(id: Uuid) -> String {
    format!("share:{id}")
}

/// The label is left out: people write into it what they like.
fn made(share: &NewShare) -> NewEntry {
    NewEntry::new(share.created_at_ms, Kind::ShareMade, &*share.created_by, object(share.id))
        .with("run", share.run.to_string())
        .with("expires_at_ms", share.expires_at_ms)
        .with("requires_login", share.requires_login)
}

#[derive(sqlx::FromRow)]
struct FoundShare {
    id: Uuid,
    token_hash: Vec<u8>,
    run: Uuid,
    scope: String,
    label: String,
    created_by: String,
    created_at_ms: i64,
    expires_at_ms: i64,
    revoked_at_ms: Option<i64>,
    views: i64,
    last_view_ms: Option<i64>,
    requires_login: bool,
}

macro_rules! columns {
    () => {
        "select id, token_hash, run, scope, label, created_by, created_at_ms, expires_at_ms, revoked_at_ms, views, \
         last_view_ms, requires_login from share "
    };
}

const INSERT: Sql = sql!(
    "insert into share (id, token_hash, run, scope, label, created_by, created_at_ms, expires_at_ms, requires_login, \
     snapshot, snapshot_key, views) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)"
);
const BY_TOKEN: Sql = sql!(concat!(columns!(), "where token_hash = $1"));
const BY_ID: Sql = sql!(concat!(columns!(), "where id = $1"));
const BY_RUN: Sql = sql!(concat!(columns!(), "where run = $1 order by created_at_ms, id"));
const SNAPSHOT: Sql = sql!("select snapshot, snapshot_key from share where id = $1");
const REVOKE: Sql = sql!("update share set revoked_at_ms = $2 where id = $1 and revoked_at_ms is null");
const COUNT_VIEW: Sql = sql!(
    "update share set views = views + 1, last_view_ms = $2 where id = $1 and revoked_at_ms is null \
     and expires_at_ms > $2"
);

/// For the statement test.
pub(super) const STATEMENTS: &[Sql] = &[INSERT, BY_TOKEN, BY_ID, BY_RUN, SNAPSHOT, REVOKE, COUNT_VIEW];
