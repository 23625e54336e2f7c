//! Facts about this server under a name, each with a version so that two writers cannot undo each other unseen.

use super::Store;
use super::db::{Sql, StoreError, fetch, read, sql};

/// A stored fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub value: String,
    /// 1 when first set, one more with each change.
    pub version: u64,
}

const SETTING: &str = "use a setting";

impl Store {
    /// The value under a name, if it was ever set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setting(&self, name: &str) -> Result<Option<Setting>, StoreError> {
        let found = read!(self.db, fetch_optional(String, i64), GET, name).map_err(self.db.failed(SETTING))?;
        Ok(found.map(|(value, version)| Setting { value, version: version.cast_unsigned() }))
    }

    /// Sets a value if its version is still `expected` (0: never set). Gives the new version; none when someone
    /// else has set it since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_setting(&self, name: &str, expected: u64, value: &str) -> Result<Option<u64>, StoreError> {
        let mut tx = self.db.begin(SETTING).await?;
        let version = match expected {
            0 => fetch!(tx, fetch_optional(i64,), INSERT, name, value),
            _ => fetch!(tx, fetch_optional(i64,), UPDATE, name, value, expected.cast_signed()),
        }
        .map_err(self.db.failed(SETTING))?;
        self.db.commit(tx, SETTING).await?;
        Ok(version.map(|(version,)| version.cast_unsigned()))
    }
}

const GET: Sql = sql!("select value, version from setting where name = $1");
const INSERT: Sql = sql!(
    "insert into setting (name, value, version) values ($1, $2, 1) on conflict (name) do nothing returning version"
);
const UPDATE: Sql =
    sql!("update setting set value = $2, version = version + 1 where name = $1 and version = $3 returning version");

/// For the statement test.
pub(super) const STATEMENTS: &[Sql] = &[GET, INSERT, UPDATE];
