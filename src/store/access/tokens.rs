//! API tokens: for programs and the command line.

use uuid::Uuid;

use crate::audit::entry::{Kind, NewEntry};
use crate::id::Digest;
use crate::store::Store;
use crate::store::db::{Sql, StoreError, execute, read, sql};

/// A token to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiToken {
    pub id: Uuid,
    /// For people, in the list.
    pub name: String,
    /// SHA-256 of the 256-bit token.
    pub token_hash: Digest,
    /// In whose name it acts.
    pub actor: String,
    /// The account that it belongs to; none for one that was made for nobody.
    pub owner: Option<Uuid>,
    /// JSON text with its version inside: verbs × runbooks × hosts.
    pub scopes: String,
    pub created_at_ms: i64,
    /// None: never.
    pub expires_at_ms: Option<i64>,
}

/// A token as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    pub token: NewApiToken,
    pub last_used_ms: Option<i64>,
    pub revoked_at_ms: Option<i64>,
}

/// A token that somebody came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInUse {
    pub token: ApiToken,
    /// What the provider claimed of the owner at the last login.
    pub groups: Vec<String>,
}

/// Tokens of one account that work at a time. More is a leak of somebody's script.
pub const TOKENS_OF_ONE_MAX: i64 = 50;

/// A use is recorded once in this time, so that a program that asks each second does not write each second.
const USE_RECORDED_EVERY_MS: i64 = 60_000;

/// Tokens that the list of one account shows.
const LISTED_MAX: i64 = 200;

const STORE: &str = "store an API token";
const READ: &str = "read API tokens";

impl Store {
    /// Stores a token, and records who made it. False when its owner has too many that work, or is disabled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_api_token(&self, token: &NewApiToken, by: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        let made = execute!(
            tx,
            INSERT,
            token.id,
            &token.name,
            &token.token_hash.0[..],
            &token.actor,
            &token.scopes,
            token.created_at_ms,
            token.expires_at_ms,
            token.owner,
            TOKENS_OF_ONE_MAX
        )
        .map_err(self.db.failed(STORE))?;
        if made == 0 {
            return Ok(false);
        }
        let made = NewEntry::new(token.created_at_ms, Kind::TokenMade, by, object(token.id));
        let made =
            made.with("name", &*token.name).with("for", &*token.actor).with("expires_at_ms", token.expires_at_ms);
        self.record_in(&mut tx, &made).await?;
        self.db.commit(tx, STORE).await?;
        Ok(true)
    }

    /// The token of a hash if it is neither revoked nor expired and its owner not disabled; records the use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_api_token(&self, token_hash: Digest, now_ms: i64) -> Result<Option<TokenInUse>, StoreError> {
        let found = read!(self.db, fetch_optional FoundToken, VALID, &token_hash.0[..], now_ms);
        let Some(found) = found.map_err(self.db.failed(READ))? else { return Ok(None) };
        if found.last_used_ms.is_none_or(|last| now_ms - last >= USE_RECORDED_EVERY_MS) {
            let mut tx = self.db.begin(STORE).await?;
            execute!(tx, USED, found.id, now_ms).map_err(self.db.failed(STORE))?;
            self.db.commit(tx, STORE).await?;
        }
        let token = self.token_of(found)?;
        let owner = match token.token.owner {
            Some(owner) => self.person(owner).await?,
            None => None,
        };
        Ok(Some(TokenInUse { token, groups: owner.map(|owner| owner.person.groups).unwrap_or_default() }))
    }

    /// The tokens of an account, newest first, also revoked and expired ones.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn api_tokens_of(&self, owner: Uuid) -> Result<Vec<ApiToken>, StoreError> {
        let found = read!(self.db, fetch_all FoundToken, OF_OWNER, owner, LISTED_MAX).map_err(self.db.failed(READ))?;
        found.into_iter().map(|found| self.token_of(found)).collect()
    }

    /// Ends a token of an account, and records that its owner did. False when it has none of this id, or it was revoked before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_api_token_of(&self, owner: Uuid, id: Uuid, by: &str, now_ms: i64) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        if execute!(tx, REVOKE_OWN, id, now_ms, owner).map_err(self.db.failed(STORE))? == 0 {
            return Ok(false);
        }
        self.record_in(&mut tx, &NewEntry::new(now_ms, Kind::TokenRevoked, by, object(id))).await?;
        self.db.commit(tx, STORE).await?;
        Ok(true)
    }

    /// All tokens, oldest first, also revoked and expired ones.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn api_tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let found = read!(self.db, fetch_all FoundToken, LIST).map_err(self.db.failed(READ))?;
        found.into_iter().map(|found| self.token_of(found)).collect()
    }

    /// Ends a token, and records who did. False when there is none or it was revoked before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_api_token(&self, id: Uuid, by: &str, now_ms: i64) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        if execute!(tx, REVOKE, id, now_ms).map_err(self.db.failed(STORE))? == 0 {
            return Ok(false);
        }
        self.record_in(&mut tx, &NewEntry::new(now_ms, Kind::TokenRevoked, by, object(id))).await?;
        self.db.commit(tx, STORE).await?;
        Ok(true)
    }

    fn token_of(&self, found: FoundToken) -> Result<ApiToken, StoreError> {
        let token_hash = found.token_hash.try_into().map(Digest);
        let token_hash = token_hash.map_err(|_| self.db.corrupt(READ, "a token hash is not a SHA-256"))?;
        Ok(ApiToken {
            token: NewApiToken {
                id: found.id,
                name: found.name,
                token_hash,
                actor: found.actor,
                owner: found.owner,
                scopes: found.scopes,
                created_at_ms: found.created_at_ms,
                expires_at_ms: found.expires_at_ms,
            },
            last_used_ms: found.last_used_ms,
            revoked_at_ms: found.revoked_at_ms,
        })
    }
}

/// As the audit log names a token.
fn object(id: Uuid) -> String {
    format!("token:{id}")
}

#[derive(sqlx::FromRow)]
struct FoundToken {
    id: Uuid,
    name: String,
    token_hash: Vec<u8>,
    actor: String,
    owner: Option<Uuid>,
    scopes: String,
    created_at_ms: i64,
    expires_at_ms: Option<i64>,
    last_used_ms: Option<i64>,
    revoked_at_ms: Option<i64>,
}

macro_rules! columns {
    () => {
        "select id, name, token_hash, actor, owner, scopes, created_at_ms, expires_at_ms, last_used_ms, \
         revoked_at_ms from api_token "
    };
}

macro_rules! insert {
    () => {
        "insert into api_token (id, name, token_hash, actor, scopes, created_at_ms, expires_at_ms, owner) \
         select $1, $2, $3, $4, $5, $6, $7, $8 "
    };
}

macro_rules! may_have_more {
    () => {
        "(exists (select 1 from person where id = $8 and disabled_at_ms is null) \
         and (select count(*) from api_token where owner = $8 and revoked_at_ms is null \
              and (expires_at_ms is null or expires_at_ms > $6)) < $9)"
    };
}

const INSERT: Sql = sql!(
    pg: concat!(insert!(), "where $8::uuid is null or ", may_have_more!()),
    lite: concat!(insert!(), "where $8 is null or ", may_have_more!()),
);
const VALID: Sql = sql!(concat!(
    columns!(),
    "where token_hash = $1 and revoked_at_ms is null and (expires_at_ms is null or expires_at_ms > $2) \
     and not exists (select 1 from person where person.id = api_token.owner and person.disabled_at_ms is not null)"
));
const USED: Sql = sql!("update api_token set last_used_ms = $2 where id = $1");
const LIST: Sql = sql!(concat!(columns!(), "order by created_at_ms, id"));
const OF_OWNER: Sql = sql!(concat!(columns!(), "where owner = $1 order by created_at_ms desc, id limit $2"));
const REVOKE: Sql = sql!("update api_token set revoked_at_ms = $2 where id = $1 and revoked_at_ms is null");
const REVOKE_OWN: Sql =
    sql!("update api_token set revoked_at_ms = $2 where id = $1 and owner = $3 and revoked_at_ms is null");

pub(super) const STATEMENTS: &[Sql] = &[INSERT, VALID, USED, LIST, OF_OWNER, REVOKE, REVOKE_OWN];
