//! Accounts of people: who they are, what proves them, and since when they may not come in any more.
//!
//! An account is disabled, never deleted: its name stands in the record of every run and must mean one person for
//! ever.

mod codes;

use uuid::Uuid;

use super::Store;
use super::db::{Sql, StoreError, Tx, execute, fetch, read, sql};
use crate::audit::entry::{Kind, NewEntry};

/// Where an account comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Made on the server's command line.
    Local,
    /// A single sign-on provider vouches for it. Both texts as the provider gave them.
    Provider { issuer: String, subject: String },
}

/// An account to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    pub id: Uuid,
    pub name: String,
    /// For people; may change.
    pub display_name: String,
    pub email: Option<String>,
    pub password_hash: Option<String>,
    pub source: Source,
    /// What the provider claimed at the last login.
    pub groups: Vec<String>,
    pub created_at_ms: i64,
}

/// An account as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub person: NewPerson,
    pub totp: Option<PersonTotp>,
    pub last_login_ms: Option<i64>,
    pub disabled_at_ms: Option<i64>,
}

/// The secret of an authenticator app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonTotp {
    pub secret: Vec<u8>,
    /// None until the person has typed a first code: until then nothing is asked for.
    pub confirmed_at_ms: Option<i64>,
}

impl Person {
    /// The confirmed secret, if a code must be asked for.
    pub fn confirmed_totp(&self) -> Option<&[u8]> {
        let totp = self.totp.as_ref()?;
        totp.confirmed_at_ms.map(|_| totp.secret.as_slice())
    }

    pub fn is_disabled(&self) -> bool {
        self.disabled_at_ms.is_some()
    }
}

pub(super) const STORE: &str = "store an account";
pub(super) const READ: &str = "read an account";

impl Store {
    /// Makes an account, and records who did. False when the name or the provider's subject is taken; then nothing was stored.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_person(&self, person: &NewPerson, by: &str) -> Result<bool, StoreError> {
        let (source, issuer, subject) = match &person.source {
            Source::Local => ("local", None, None),
            Source::Provider { issuer, subject } => ("oidc", Some(issuer.as_str()), Some(subject.as_str())),
        };
        let mut tx = self.db.begin(STORE).await?;
        let made = execute!(
            tx,
            INSERT,
            person.id,
            &person.name,
            &person.display_name,
            person.email.as_deref(),
            person.password_hash.as_deref(),
            source,
            issuer,
            subject,
            texts(&person.groups),
            person.created_at_ms
        )
        .map_err(self.db.failed(STORE))?;
        if made == 0 {
            return Ok(false);
        }
        let name = format!("user:{}", person.name);
        let made = NewEntry::new(person.created_at_ms, Kind::PersonMade, by, name).with("source", source);
        self.record_in(&mut tx, &made).await?;
        self.db.commit(tx, STORE).await?;
        Ok(true)
    }

    /// The account of a name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn person_named(&self, name: &str) -> Result<Option<Person>, StoreError> {
        let found = read!(self.db, fetch_optional Found, BY_NAME, name).map_err(self.db.failed(READ))?;
        found.map(|found| self.person_of(found)).transpose()
    }

    /// The account of an id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn person(&self, id: Uuid) -> Result<Option<Person>, StoreError> {
        let found = read!(self.db, fetch_optional Found, BY_ID, id).map_err(self.db.failed(READ))?;
        found.map(|found| self.person_of(found)).transpose()
    }

    /// The account that a provider knows under `subject`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn person_of_provider(&self, issuer: &str, subject: &str) -> Result<Option<Person>, StoreError> {
        let found = read!(self.db, fetch_optional Found, BY_SUBJECT, issuer, subject).map_err(self.db.failed(READ))?;
        found.map(|found| self.person_of(found)).transpose()
    }

    /// All accounts by name, also disabled ones.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn people(&self) -> Result<Vec<Person>, StoreError> {
        let found = read!(self.db, fetch_all Found, LIST).map_err(self.db.failed(READ))?;
        found.into_iter().map(|found| self.person_of(found)).collect()
    }

    /// Notes a login.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_login(&self, id: Uuid, now_ms: i64) -> Result<(), StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        execute!(tx, LOGGED_IN, id, now_ms).map_err(self.db.failed(STORE))?;
        self.db.commit(tx, STORE).await
    }

    /// Takes over what the provider says of a person now. The name of the account stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refresh_person(
        &self,
        id: Uuid,
        display_name: &str,
        email: Option<&str>,
        groups: &[String],
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        execute!(tx, REFRESH, id, display_name, email, texts(groups)).map_err(self.db.failed(STORE))?;
        self.db.commit(tx, STORE).await
    }

    /// Sets the password, and ends the person's sessions but `keep`: whoever knew the old one is out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_password(
        &self,
        id: Uuid,
        hash: &str,
        keep: Option<Uuid>,
        by: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        execute!(tx, SET_PASSWORD, id, hash).map_err(self.db.failed(STORE))?;
        // No session has the nil id.
        execute!(tx, END_OTHER_SESSIONS, id, keep.unwrap_or(Uuid::nil())).map_err(self.db.failed(STORE))?;
        execute!(tx, FORGET_STEPS, id).map_err(self.db.failed(STORE))?;
        execute!(tx, VOID_LINKS, id, now_ms).map_err(self.db.failed(STORE))?;
        self.record_change(&mut tx, id, "password", by, now_ms).await?;
        self.db.commit(tx, STORE).await
    }

    /// Shuts a person out: from the commit on, no session, token, link or half login of theirs opens anything, and
    /// none comes back when the account is enabled again. False when there is no such account or it is disabled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn disable_person(&self, id: Uuid, by: &str, now_ms: i64) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        let changed = execute!(tx, DISABLE, id, now_ms).map_err(self.db.failed(STORE))?;
        if changed == 1 {
            execute!(tx, END_OTHER_SESSIONS, id, Uuid::nil()).map_err(self.db.failed(STORE))?;
            execute!(tx, FORGET_STEPS, id).map_err(self.db.failed(STORE))?;
            execute!(tx, VOID_LINKS, id, now_ms).map_err(self.db.failed(STORE))?;
            execute!(tx, REVOKE_TOKENS, id, now_ms).map_err(self.db.failed(STORE))?;
            self.record_change(&mut tx, id, "disabled", by, now_ms).await?;
        }
        self.db.commit(tx, STORE).await?;
        Ok(changed == 1)
    }

    /// Lets a disabled person in again, with nothing but their password or provider. False when not disabled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enable_person(&self, id: Uuid, by: &str, now_ms: i64) -> Result<bool, StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        let changed = fetch!(tx, fetch_optional(String,), ENABLE, id).map_err(self.db.failed(STORE))?;
        if changed.is_some() {
            self.record_change(&mut tx, id, "enabled", by, now_ms).await?;
        }
        self.db.commit(tx, STORE).await?;
        Ok(changed.is_some())
    }

    /// Records, in the transaction that does it, what of an account was changed.
    pub(super) async fn record_change(
        &self,
        tx: &mut Tx,
        id: Uuid,
        what: &str,
        by: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let found = fetch!(*tx, fetch_optional(String,), NAME, id).map_err(self.db.failed(STORE))?;
        let Some((name,)) = found else { return Ok(()) };
        let changed = NewEntry::new(now_ms, Kind::PersonChanged, by, format!("user:{name}")).with("what", what);
        self.record_in(tx, &changed).await.map(drop)
    }

    fn person_of(&self, found: Found) -> Result<Person, StoreError> {
        let source = match (found.source.as_str(), found.issuer, found.subject) {
            ("local", None, None) => Source::Local,
            ("oidc", Some(issuer), Some(subject)) => Source::Provider { issuer, subject },
            (other, _, _) => return Err(self.db.corrupt(READ, format_args!("an account's source is {other:?}"))),
        };
        let groups = read_texts(&found.claimed_groups)
            .ok_or_else(|| self.db.corrupt(READ, format_args!("the groups of {} are damaged", found.name)))?;
        Ok(Person {
            person: NewPerson {
                id: found.id,
                name: found.name,
                display_name: found.display_name,
                email: found.email,
                password_hash: found.password_hash,
                source,
                groups,
                created_at_ms: found.created_at_ms,
            },
            totp: found.totp_secret.map(|secret| PersonTotp { secret, confirmed_at_ms: found.totp_confirmed_at_ms }),
            last_login_ms: found.last_login_ms,
            disabled_at_ms: found.disabled_at_ms,
        })
    }
}

/// A list of texts in one column: a JSON array, version 1 of the form.
pub(super) fn texts(texts: &[String]) -> String {
    serde_json::json!({ "v": 1, "texts": texts }).to_string()
}

pub(super) fn read_texts(stored: &str) -> Option<Vec<String>> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Stored {
        v: u32,
        texts: Vec<String>,
    }
    serde_json::from_str(stored).ok().and_then(|stored: Stored| (stored.v == 1).then_some(stored.texts))
}

#[derive(sqlx::FromRow)]
struct Found {
    id: Uuid,
    name: String,
    display_name: String,
    email: Option<String>,
    password_hash: Option<String>,
    totp_secret: Option<Vec<u8>>,
    totp_confirmed_at_ms: Option<i64>,
    source: String,
    issuer: Option<String>,
    subject: Option<String>,
    claimed_groups: String,
    created_at_ms: i64,
    last_login_ms: Option<i64>,
    disabled_at_ms: Option<i64>,
}

macro_rules! columns {
    () => {
        "select id, name, display_name, email, password_hash, totp_secret, totp_confirmed_at_ms, source, issuer, \
         subject, claimed_groups, created_at_ms, last_login_ms, disabled_at_ms from person "
    };
}

const INSERT: Sql = sql!(
    "insert into person (id, name, display_name, email, password_hash, source, issuer, subject, claimed_groups, \
     created_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing"
);
const BY_NAME: Sql = sql!(concat!(columns!(), "where name = $1"));
const BY_ID: Sql = sql!(concat!(columns!(), "where id = $1"));
const BY_SUBJECT: Sql = sql!(concat!(columns!(), "where issuer = $1 and subject = $2"));
const NAME: Sql = sql!("select name from person where id = $1");
const LIST: Sql = sql!(concat!(columns!(), "order by name"));
const LOGGED_IN: Sql = sql!("update person set last_login_ms = $2 where id = $1");
const REFRESH: Sql = sql!("update person set display_name = $2, email = $3, claimed_groups = $4 where id = $1");
const SET_PASSWORD: Sql = sql!("update person set password_hash = $2 where id = $1");
const END_OTHER_SESSIONS: Sql = sql!("delete from session where person = $1 and id <> $2");
const FORGET_STEPS: Sql = sql!("delete from login_step where person = $1");
const DISABLE: Sql = sql!("update person set disabled_at_ms = $2 where id = $1 and disabled_at_ms is null");
const VOID_LINKS: Sql = sql!("update login_link set used_at_ms = $2 where person = $1 and used_at_ms is null");
const REVOKE_TOKENS: Sql = sql!("update api_token set revoked_at_ms = $2 where owner = $1 and revoked_at_ms is null");
const ENABLE: Sql =
    sql!("update person set disabled_at_ms = null where id = $1 and disabled_at_ms is not null returning name");

const OWN: &[Sql] = &[
    NAME,
    INSERT,
    BY_NAME,
    BY_ID,
    BY_SUBJECT,
    LIST,
    LOGGED_IN,
    REFRESH,
    SET_PASSWORD,
    END_OTHER_SESSIONS,
    FORGET_STEPS,
    DISABLE,
    VOID_LINKS,
    REVOKE_TOKENS,
    ENABLE,
];

/// For the statement test.
pub(super) const STATEMENTS: &[&[Sql]] = &[OWN, codes::STATEMENTS];
