//! Sessions of browsers.

use uuid::Uuid;

use crate::audit::entry::{Kind, NewEntry};
use crate::id::Digest;
use crate::store::Store;
use crate::store::db::{Sql, StoreError, execute, fetch, read, sql};
use crate::store::people::{read_texts, texts};

/// How a session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Began {
    Password,
    Provider,
    /// A one-time link of the server's command line, for a person who has an account.
    Link,
    /// The same, and it may do everything.
    BreakGlass,
}

impl Began {
    /// As it is stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Provider => "provider",
            Self::Link => "link",
            Self::BreakGlass => "break-glass",
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Self> {
        [Self::Password, Self::Provider, Self::Link, Self::BreakGlass].into_iter().find(|began| began.word() == word)
    }
}

/// A session that has not expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names it in lists; opens nothing.
    pub id: Uuid,
    /// SHA-256 of what the cookie holds.
    pub token_hash: Digest,
    pub actor: String,
    /// The account; none for the break-glass administrator, who has none.
    pub person: Option<Uuid>,
    pub began: Began,
    /// What the provider last claimed of the person, at this login or a later one; without an account, at this one.
    pub groups: Vec<String>,
    pub created_at_ms: i64,
    /// When the person last proved in person who they are.
    pub authenticated_at_ms: i64,
    pub last_seen_ms: i64,
    pub expires_at_ms: i64,
    /// What the browser calls itself, cut by the caller. For people to recognise it; believed for nothing.
    pub user_agent: String,
    /// The address it began from.
    pub peer: String,
}

/// Being seen is recorded once in this time: a page view should not be a write.
const SEEN_RECORDED_EVERY_MS: i64 = 60_000;

/// Sessions that one list shows, the newest first.
const LISTED_MAX: i64 = 200;

const STORE: &str = "store a session";
const READ: &str = "read a session";

impl Store {
    /// Stores a session, records that its actor signed in, and forgets those that expired before it began. A session
    /// of an account that was disabled meanwhile is stored and opens nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_session(&self, session: &Session) -> Result<(), StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        execute!(tx, FORGET_EXPIRED, session.created_at_ms).map_err(self.db.failed(STORE))?;
        execute!(
            tx,
            INSERT,
            &session.token_hash.0[..],
            session.id,
            &session.actor,
            session.person,
            session.began.word(),
            texts(&session.groups),
            session.created_at_ms,
            session.authenticated_at_ms,
            session.last_seen_ms,
            session.expires_at_ms,
            &session.user_agent,
            &session.peer
        )
        .map_err(self.db.failed(STORE))?;
        let (at_ms, actor) = (session.created_at_ms, &*session.actor);
        let signed_in = NewEntry::new(at_ms, Kind::SignedIn, actor, actor).from(session.peer.parse().ok());
        self.record_in(&mut tx, &signed_in.with("by", session.began.word())).await?;
        self.db.commit(tx, STORE).await
    }

    /// The session of a hash if it has not expired and its account is not disabled; records that it was seen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(&self, token_hash: Digest, now_ms: i64) -> Result<Option<Session>, StoreError> {
        let found = read!(self.db, fetch_optional Found, VALID, &token_hash.0[..], now_ms);
        let Some(found) = found.map_err(self.db.failed(READ))? else { return Ok(None) };
        let session = self.session_of(found)?;
        if now_ms - session.last_seen_ms >= SEEN_RECORDED_EVERY_MS {
            let mut tx = self.db.begin(STORE).await?;
            execute!(tx, SEEN, &token_hash.0[..], now_ms).map_err(self.db.failed(STORE))?;
            self.db.commit(tx, STORE).await?;
        }
        Ok(Some(session))
    }

    /// The sessions of an actor that have not expired, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_of(&self, actor: &str, now_ms: i64) -> Result<Vec<Session>, StoreError> {
        let found = read!(self.db, fetch_all Found, OF_ACTOR, actor, now_ms, LISTED_MAX);
        found.map_err(self.db.failed(READ))?.into_iter().map(|found| self.session_of(found)).collect()
    }

    /// The person proved again who they are: the session goes on under a fresh token, and the old one is void. Recorded.
    /// False when it ended meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotate_session(&self, old: Digest, fresh: Digest, now_ms: i64) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        let rotated = fetch!(tx, fetch_optional(String,), ROTATE, &old.0[..], &fresh.0[..], now_ms);
        let Some((actor,)) = rotated.map_err(self.db.failed(STORE))? else { return Ok(false) };
        self.record_in(&mut tx, &NewEntry::new(now_ms, Kind::ProvedAgain, &*actor, &*actor)).await?;
        self.db.commit(tx, STORE).await?;
        Ok(true)
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

    /// Ends a session of `actor` by its id, and records it. False when there is none, or it is somebody else's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_session_of(&self, actor: &str, id: Uuid, now_ms: i64) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        if execute!(tx, END_ONE, actor, id).map_err(self.db.failed(STORE))? == 0 {
            return Ok(false);
        }
        let ended = NewEntry::new(now_ms, Kind::SignedOut, actor, format!("session:{id}"));
        self.record_in(&mut tx, &ended).await?;
        self.db.commit(tx, STORE).await?;
        Ok(true)
    }

    /// Whether anybody has signed in (and not out since), been given an API token, or has an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn anybody_has_access(&self) -> Result<bool, StoreError> {
        let found = read!(self.db, fetch_optional(i64,), ANYBODY).map_err(self.db.failed(READ))?;
        Ok(found.is_some_and(|(count,)| count > 0))
    }

    fn session_of(&self, found: Found) -> Result<Session, StoreError> {
        let corrupt = |what: &str| self.db.corrupt(READ, format_args!("session {}: {what}", found.id));
        Ok(Session {
            id: found.id,
            token_hash: found.token_hash.try_into().map(Digest).map_err(|_| corrupt("its hash is not a SHA-256"))?,
            actor: found.actor,
            person: found.person,
            began: Began::of_word(&found.began).ok_or_else(|| corrupt("it began in no known way"))?,
            groups: read_texts(&found.claimed_groups).ok_or_else(|| corrupt("its groups are damaged"))?,
            created_at_ms: found.created_at_ms,
            authenticated_at_ms: found.authenticated_at_ms,
            last_seen_ms: found.last_seen_ms,
            expires_at_ms: found.expires_at_ms,
            user_agent: found.user_agent,
            peer: found.peer,
        })
    }
}

#[derive(sqlx::FromRow)]
struct Found {
    token_hash: Vec<u8>,
    id: Uuid,
    actor: String,
    person: Option<Uuid>,
    began: String,
    claimed_groups: String,
    created_at_ms: i64,
    authenticated_at_ms: i64,
    last_seen_ms: i64,
    expires_at_ms: i64,
    user_agent: String,
    peer: String,
}

macro_rules! columns {
    () => {
        "select token_hash, id, actor, person, began, coalesce((select person.claimed_groups from person where \
         person.id = session.person), session.claimed_groups) as claimed_groups, created_at_ms, authenticated_at_ms, \
         last_seen_ms, expires_at_ms, user_agent, peer from session "
    };
}

macro_rules! not_disabled {
    () => {
        " and not exists (select 1 from person where person.id = session.person and person.disabled_at_ms is not null)"
    };
}

const FORGET_EXPIRED: Sql = sql!("delete from session where expires_at_ms <= $1");
const INSERT: Sql = sql!(
    "insert into session (token_hash, id, actor, person, began, claimed_groups, created_at_ms, authenticated_at_ms, \
     last_seen_ms, expires_at_ms, user_agent, peer) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
);
const VALID: Sql = sql!(concat!(columns!(), "where token_hash = $1 and expires_at_ms > $2", not_disabled!()));
const OF_ACTOR: Sql =
    sql!(concat!(columns!(), "where actor = $1 and expires_at_ms > $2 order by created_at_ms desc, id limit $3"));
const SEEN: Sql = sql!("update session set last_seen_ms = $2 where token_hash = $1");
const ROTATE: Sql = sql!(
    "update session set token_hash = $2, authenticated_at_ms = $3, last_seen_ms = $3 \
     where token_hash = $1 and expires_at_ms > $3 returning actor"
);
const END: Sql = sql!("delete from session where token_hash = $1 returning actor");
const END_ONE: Sql = sql!("delete from session where actor = $1 and id = $2");
const ANYBODY: Sql = sql!(
    "select (select count(*) from session) + (select count(*) from api_token) \
     + (select count(*) from person where password_hash is not null or source = 'oidc')"
);

pub(super) const STATEMENTS: &[Sql] = &[FORGET_EXPIRED, INSERT, VALID, OF_ACTOR, SEEN, ROTATE, END, END_ONE, ANYBODY];
