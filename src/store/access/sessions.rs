//! Sessions of browsers, and the links that begin them.

use std::net::IpAddr;

use crate::audit::entry::{COMMAND_LINE, Kind, NewEntry};
use crate::id::Digest;
use crate::store::Store;
use crate::store::db::{Sql, StoreError, execute, fetch, read, sql};

/// A session that has not expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of what the cookie holds.
    pub token_hash: Digest,
    pub actor: String,
    pub created_at_ms: i64,
    pub last_seen_ms: i64,
    pub expires_at_ms: i64,
}

/// Being seen is recorded once in this time: a page view should not be a write.
const SEEN_RECORDED_EVERY_MS: i64 = 60_000;

const STORE: &str = "store a session";
const READ: &str = "read a session";
const LINK: &str = "use a login link";

impl Store {
    /// Stores a session, records that its actor signed in, and forgets those that expired before it began.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_session(&self, session: &Session, from: Option<IpAddr>) -> Result<(), StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        execute!(tx, FORGET_EXPIRED, session.created_at_ms).map_err(self.db.failed(STORE))?;
        execute!(
            tx,
            INSERT,
            &session.token_hash.0[..],
            &session.actor,
            session.created_at_ms,
            session.last_seen_ms,
            session.expires_at_ms
        )
        .map_err(self.db.failed(STORE))?;
        let (at_ms, actor) = (session.created_at_ms, &*session.actor);
        self.record_in(&mut tx, &NewEntry::new(at_ms, Kind::SignedIn, actor, actor).from(from)).await?;
        self.db.commit(tx, STORE).await
    }

    /// The session of a hash if it has not expired; records that it was seen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(&self, token_hash: Digest, now_ms: i64) -> Result<Option<Session>, StoreError> {
        type Found = (String, i64, i64, i64);
        let found = read!(self.db, fetch_optional Found, VALID, &token_hash.0[..], now_ms);
        let Some((actor, created_at_ms, last_seen_ms, expires_at_ms)) = found.map_err(self.db.failed(READ))? else {
            return Ok(None);
        };
        if now_ms - last_seen_ms >= SEEN_RECORDED_EVERY_MS {
            let mut tx = self.db.begin(STORE).await?;
            execute!(tx, SEEN, &token_hash.0[..], now_ms).map_err(self.db.failed(STORE))?;
            self.db.commit(tx, STORE).await?;
        }
        Ok(Some(Session { token_hash, actor, created_at_ms, last_seen_ms, expires_at_ms }))
    }

    /// Ends a session, and records that its actor signed out. False when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_session(&self, token_hash: Digest, now_ms: i64) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        let ended = fetch!(tx, fetch_optional(String,), END, &token_hash.0[..]).map_err(self.db.failed(STORE))?;
        let Some((actor,)) = ended else { return Ok(false) };
        self.record_in(&mut tx, &NewEntry::new(now_ms, Kind::SignedOut, &*actor, &*actor)).await?;
        self.db.commit(tx, STORE).await?;
        Ok(true)
    }

    /// Whether anybody has signed in (and not out since) or been given an API token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn anybody_has_access(&self) -> Result<bool, StoreError> {
        let found = read!(self.db, fetch_optional(i64,), ANYBODY).map_err(self.db.failed(READ))?;
        Ok(found.is_some_and(|(count,)| count > 0))
    }

    /// Stores a link that logs `actor` in once, and records that the server's command line made it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_login_link(
        &self,
        token_hash: Digest,
        actor: &str,
        now_ms: i64,
        expires_at_ms: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin(LINK).await?;
        execute!(tx, INSERT_LINK, &token_hash.0[..], actor, now_ms, expires_at_ms).map_err(self.db.failed(LINK))?;
        let made = NewEntry::new(now_ms, Kind::LoginLinkMade, COMMAND_LINE, actor);
        self.record_in(&mut tx, &made.with("expires_at_ms", expires_at_ms)).await?;
        self.db.commit(tx, LINK).await
    }

    /// Uses a login link: gives its actor the first time, none ever after, and none when it has expired. Checking
    /// and marking are one statement, so two requests at once cannot both succeed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_login_link(&self, token_hash: Digest, now_ms: i64) -> Result<Option<String>, StoreError> {
        let mut tx = self.db.begin(LINK).await?;
        let actor =
            fetch!(tx, fetch_optional(String,), USE_LINK, &token_hash.0[..], now_ms).map_err(self.db.failed(LINK))?;
        let Some((actor,)) = actor else { return Ok(None) };
        self.record_in(&mut tx, &NewEntry::new(now_ms, Kind::LoginLinkUsed, &*actor, &*actor)).await?;
        self.db.commit(tx, LINK).await?;
        Ok(Some(actor))
    }
}

const FORGET_EXPIRED: Sql = sql!("delete from session where expires_at_ms <= $1");
const INSERT: Sql = sql!(
    "insert into session (token_hash, actor, created_at_ms, last_seen_ms, expires_at_ms) values ($1, $2, $3, $4, $5)"
);
const VALID: Sql = sql!(
    "select actor, created_at_ms, last_seen_ms, expires_at_ms from session where token_hash = $1 and expires_at_ms > $2"
);
const SEEN: Sql = sql!("update session set last_seen_ms = $2 where token_hash = $1");
const END: Sql = sql!("delete from session where token_hash = $1 returning actor");
const ANYBODY: Sql = sql!("select (select count(*) from session) + (select count(*) from api_token)");
const INSERT_LINK: Sql =
    sql!("insert into login_link (token_hash, actor, created_at_ms, expires_at_ms) values ($1, $2, $3, $4)");
const USE_LINK: Sql = sql!(
    "update login_link set used_at_ms = $2 where token_hash = $1 and used_at_ms is null and expires_at_ms > $2 \
     returning actor"
);

pub(super) const STATEMENTS: &[Sql] = &[FORGET_EXPIRED, INSERT, VALID, SEEN, END, ANYBODY, INSERT_LINK, USE_LINK];
