//! Half logins: what the server remembers of somebody between two answers. Each is bound to one browser by a cookie
//! of which only the hash is here, lasts minutes, and ends with its use.

use uuid::Uuid;

use crate::id::Digest;
use crate::store::Store;
use crate::store::db::{Sql, StoreError, execute, fetch, read, sql};

/// Half logins at one time. Anybody can begin one, so the table would grow as fast as somebody asks.
pub const LOGIN_STEPS_MAX: i64 = 10_000;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// The password was right; the code is missing.
    Code,
    /// The browser is at the provider.
    Provider,
}

impl StepKind {
    fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Provider => "provider",
        }
    }
}

/// A half login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginStep {
    /// SHA-256 of what the cookie holds.
    pub token_hash: Digest,
    pub kind: StepKind,
    pub person: Option<Uuid>,
    /// JSON text with its version inside.
    pub body: String,
    pub created_at_ms: i64,
    pub expires_at_ms: i64,
}

const STORE: &str = "store a half login";
const READ: &str = "read a half login";

impl Store {
    /// Stores a half login and forgets those that expired. False when there are too many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_login_step(&self, step: &LoginStep) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        execute!(tx, FORGET_EXPIRED, step.created_at_ms).map_err(self.db.failed(STORE))?;
        let made = execute!(
            tx,
            INSERT,
            &step.token_hash.0[..],
            step.person,
            step.kind.word(),
            &step.body,
            step.created_at_ms,
            step.expires_at_ms,
            LOGIN_STEPS_MAX
        )
        .map_err(self.db.failed(STORE))?;
        self.db.commit(tx, STORE).await?;
        Ok(made == 1)
    }

    /// Whether a half login of this kind waits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_step_waits(&self, hash: Digest, kind: StepKind, now_ms: i64) -> Result<bool, StoreError> {
        let found = read!(self.db, fetch_optional(i64,), WAITS, &hash.0[..], kind.word(), now_ms);
        Ok(found.map_err(self.db.failed(READ))?.is_some())
    }

    /// Counts a try at a half login whose code is missing; gives its person and body, or none when it has expired
    /// or was tried `tries_max` times. Count and check are one statement: parallel tries do not get more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn try_login_step(
        &self,
        hash: Digest,
        now_ms: i64,
        tries_max: i64,
    ) -> Result<Option<(Uuid, String)>, StoreError> {
        type Found = (Uuid, String);
        let mut tx = self.db.begin(READ).await?;
        let found = fetch!(tx, fetch_optional Found, TRY, &hash.0[..], now_ms, tries_max);
        let found = found.map_err(self.db.failed(READ))?;
        self.db.commit(tx, READ).await?;
        Ok(found)
    }

    /// Takes a half login out; gives its body once, to whoever comes first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_login_step(
        &self,
        hash: Digest,
        kind: StepKind,
        now_ms: i64,
    ) -> Result<Option<String>, StoreError> {
        let mut tx = self.db.begin(READ).await?;
        let found = fetch!(tx, fetch_optional(String,), TAKE, &hash.0[..], kind.word(), now_ms);
        let found = found.map_err(self.db.failed(READ))?;
        self.db.commit(tx, READ).await?;
        Ok(found.map(|(body,)| body))
    }
}

const FORGET_EXPIRED: Sql = sql!("delete from login_step where expires_at_ms <= $1");
const INSERT: Sql = sql!(
    "insert into login_step (token_hash, person, kind, body, tries, created_at_ms, expires_at_ms) \
     select $1, $2, $3, $4, 0, $5, $6 where (select count(*) from login_step) < $7"
);
const WAITS: Sql = sql!(
    pg: "select 1::bigint from login_step where token_hash = $1 and kind = $2 and expires_at_ms > $3",
    lite: "select 1 from login_step where token_hash = $1 and kind = $2 and expires_at_ms > $3",
);
const TRY: Sql = sql!(
    "update login_step set tries = tries + 1 where token_hash = $1 and kind = 'code' and expires_at_ms > $2 \
     and tries < $3 returning person, body"
);
const TAKE: Sql =
    sql!("delete from login_step where token_hash = $1 and kind = $2 and expires_at_ms > $3 returning body");

pub(super) const STATEMENTS: &[Sql] = &[FORGET_EXPIRED, INSERT, WAITS, TRY, TAKE];
