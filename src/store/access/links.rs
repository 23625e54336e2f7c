//! Links of the server's command line that begin a session once.

use uuid::Uuid;

use super::Began;
use crate::audit::entry::{COMMAND_LINE, Kind, NewEntry};
use crate::id::Digest;
use crate::store::Store;
use crate::store::db::{Sql, StoreError, execute, fetch, sql};

/// A link to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLoginLink {
    /// SHA-256 of what the link holds.
    pub token_hash: Digest,
    pub actor: String,
    /// The account; none for the break-glass administrator, who has none.
    pub person: Option<Uuid>,
    /// `Link` or `BreakGlass`.
    pub began: Began,
    pub created_at_ms: i64,
    pub expires_at_ms: i64,
}

/// What a used link begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginLink {
    pub actor: String,
    pub person: Option<Uuid>,
    pub began: Began,
}

const LINK: &str = "use a login link";

impl Store {
    /// Stores a link that logs its actor in once, and records that the server's command line made it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_login_link(&self, link: &NewLoginLink) -> Result<(), StoreError> {
        let mut tx = self.db.begin(LINK).await?;
        execute!(
            tx,
            INSERT,
            &link.token_hash.0[..],
            &link.actor,
            link.person,
            link.began.word(),
            link.created_at_ms,
            link.expires_at_ms
        )
        .map_err(self.db.failed(LINK))?;
        let made = NewEntry::new(link.created_at_ms, Kind::LoginLinkMade, COMMAND_LINE, &*link.actor);
        let made = made.with("begins", link.began.word()).with("expires_at_ms", link.expires_at_ms);
        self.record_in(&mut tx, &made).await?;
        self.db.commit(tx, LINK).await
    }

    /// Uses a login link: gives what it begins the first time, none ever after, and none when it has expired or its
    /// account is disabled. Checking and marking are one statement, so two requests at once cannot both succeed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_login_link(&self, token_hash: Digest, now_ms: i64) -> Result<Option<LoginLink>, StoreError> {
        type Found = (String, Option<Uuid>, String);
        let mut tx = self.db.begin(LINK).await?;
        let found = fetch!(tx, fetch_optional Found, USE, &token_hash.0[..], now_ms).map_err(self.db.failed(LINK))?;
        let Some((actor, person, began)) = found else { return Ok(None) };
        self.record_in(&mut tx, &NewEntry::new(now_ms, Kind::LoginLinkUsed, &*actor, &*actor)).await?;
        self.db.commit(tx, LINK).await?;
        let began = Began::of_word(&began);
        let began = began.ok_or_else(|| self.db.corrupt(LINK, "a link begins nothing that is known"))?;
        Ok(Some(LoginLink { actor, person, began }))
    }
}

const INSERT: Sql = sql!(
    "insert into login_link (token_hash, actor, person, began, created_at_ms, expires_at_ms) \
     values ($1, $2, $3, $4, $5, $6)"
);
const USE: Sql = sql!(
    "update login_link set used_at_ms = $2 where token_hash = $1 and used_at_ms is null and expires_at_ms > $2 \
     and not exists (select 1 from person where person.id = login_link.person and person.disabled_at_ms is not null) \
     returning actor, person, began"
);

pub(super) const STATEMENTS: &[Sql] = &[INSERT, USE];
