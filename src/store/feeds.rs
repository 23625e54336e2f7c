//! Calendars of other systems as they were last read: the last good text stays when a newer one cannot be had.

use super::Store;
use super::db::{Sql, StoreError, execute, read, sql};

/// A calendar and how reading it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedCopy {
    pub name: String,
    /// The last text that was a calendar; empty if there never was one.
    pub text: Vec<u8>,
    /// When that text was read.
    pub fetched_at_ms: Option<i64>,
    /// When it was last looked for.
    pub tried_at_ms: i64,
    /// Why that failed; never holds the address.
    pub trouble: Option<String>,
}

const KEEP: &str = "keep a calendar";
const READ: &str = "read a calendar";

impl Store {
    /// A calendar was read: this is its text from now on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_feed(&self, name: &str, text: &[u8], now_ms: i64) -> Result<(), StoreError> {
        let mut tx = self.db.begin(KEEP).await?;
        execute!(tx, FETCHED, name, text, now_ms).map_err(self.db.failed(KEEP))?;
        self.db.commit(tx, KEEP).await
    }

    /// A calendar could not be read: its last good text stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_feed_trouble(&self, name: &str, trouble: &str, now_ms: i64) -> Result<(), StoreError> {
        let mut tx = self.db.begin(KEEP).await?;
        let empty: &[u8] = &[];
        execute!(tx, FAILED, name, empty, now_ms, trouble).map_err(self.db.failed(KEEP))?;
        self.db.commit(tx, KEEP).await
    }

    /// The calendar of this name, if it was ever looked for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed(&self, name: &str) -> Result<Option<FeedCopy>, StoreError> {
        type Row = (String, Vec<u8>, Option<i64>, i64, Option<String>);
        let found = read!(self.db, fetch_optional Row, BY_NAME, name).map_err(self.db.failed(READ))?;
        Ok(found.map(|(name, text, fetched_at_ms, tried_at_ms, trouble)| FeedCopy {
            name,
            text,
            fetched_at_ms,
            tried_at_ms,
            trouble,
        }))
    }
}

const FETCHED: Sql = sql!(
    "insert into oncall_feed (name, text, fetched_at_ms, tried_at_ms) values ($1, $2, $3, $3) \
     on conflict (name) do update set text = excluded.text, fetched_at_ms = excluded.fetched_at_ms, \
     tried_at_ms = excluded.tried_at_ms, trouble = null"
);
const FAILED: Sql = sql!(
    "insert into oncall_feed (name, text, tried_at_ms, trouble) values ($1, $2, $3, $4) \
     on conflict (name) do update set tried_at_ms = excluded.tried_at_ms, trouble = excluded.trouble"
);
const BY_NAME: Sql = sql!("select name, text, fetched_at_ms, tried_at_ms, trouble from oncall_feed where name = $1");

/// For the statement test.
pub(super) const STATEMENTS: &[Sql] = &[FETCHED, FAILED, BY_NAME];
