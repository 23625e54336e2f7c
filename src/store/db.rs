//! The one place that knows that there are two databases: connecting, transactions, and what a failure means.
//!
//! Statements are constants (`Sql`), with one text wherever the dialects agree. The macros below run such a
//! constant on whichever database is open; each arm is compiled against its own driver, so a value that one of
//! them cannot bind or read does not compile.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use sqlx_postgres::{PgConnectOptions, PgPool, Postgres};
use sqlx_sqlite::{Sqlite, SqlitePool};

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file, made when it is missing.
    Sqlite(PathBuf),
    /// A `postgres://` URL. May hold a password, so it is shown only through `Display`, which leaves it out.
    Postgres(String),
}

/// Why a text names no database.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a database: write `sqlite:/path/to/file.db` or `postgres://user@host/name`")]
pub struct InvalidDatabaseUrl {
    /// What was given, up to the first `:`; the rest may hold a password.
    pub text: String,
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;
    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let invalid = || InvalidDatabaseUrl { text: text.split(':').next().unwrap_or_default().to_owned() };
        match text.split_once(':') {
            Some(("postgres" | "postgresql", _)) => PgConnectOptions::from_str(text)
                .map(|_| Self::Postgres(text.to_owned()))
                .map_err(|_invalid_url| invalid()),
            Some(("sqlite", path)) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                if path.is_empty() { Err(invalid()) } else { Ok(Self::Sqlite(PathBuf::from(path))) }
            }
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(formatter, "sqlite:{}", path.display()),
            Self::Postgres(url) => match PgConnectOptions::from_str(url) {
                Ok(options) => write!(
                    formatter,
                    "postgres://{}@{}:{}/{}",
                    options.get_username(),
                    options.get_host(),
                    options.get_port(),
                    options.get_database().unwrap_or_default()
                ),
                Err(_invalid_url) => formatter.write_str("postgres://(not a valid URL)"),
            },
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A database operation that failed. The engine pauses its runs on `DiskFull`, `Busy` and `Unreachable`, and may
/// try again: nothing of the failed transaction was stored, except that a commit whose answer was lost
/// (`Unreachable`) may have been.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk of the database is full, or refuses to be written.
    #[error("could not {attempted} in {place}: the disk is full or refuses writing")]
    DiskFull { attempted: &'static str, place: Arc<str>, source: sqlx::Error },
    /// Another connection held the database for too long.
    #[error("could not {attempted} in {place}: the database is busy")]
    Busy { attempted: &'static str, place: Arc<str>, source: sqlx::Error },
    /// The connection to the database was lost, or none could be made.
    #[error("could not {attempted} in {place}: no connection to the database")]
    Unreachable { attempted: &'static str, place: Arc<str>, source: sqlx::Error },
    /// Any other failure of the database.
    #[error("could not {attempted} in {place}")]
    Query { attempted: &'static str, place: Arc<str>, source: sqlx::Error },
    /// A stored row does not hold what we write: the database was changed by something else, or is damaged.
    #[error("could not {attempted} in {place}: {what}")]
    Corrupt { attempted: &'static str, place: Arc<str>, what: String },
    /// What must be recorded in the audit log could not be; so it was not done.
    #[error("this was not done, because it could not be recorded in the audit log")]
    NotRecorded { source: Box<StoreError> },
    /// The file that belongs to a row could not be written or read.
    #[error("could not {attempted}")]
    Blob { attempted: &'static str, source: Box<super::blobs::BlobError> },
}

impl StoreError {
    /// Whether space is missing, in the database or beside it.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::DiskFull { .. } => true,
            Self::Blob { source, .. } => matches!(**source, super::blobs::BlobError::DiskFull { .. }),
            Self::NotRecorded { source } => source.is_disk_full(),
            Self::Busy { .. } | Self::Unreachable { .. } | Self::Query { .. } | Self::Corrupt { .. } => false,
        }
    }

    /// Whether the same call may succeed later without a change of its arguments: the run pauses and says so.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NotRecorded { source } => source.may_pass(),
            _ => self.is_disk_full() || matches!(self, Self::Busy { .. } | Self::Unreachable { .. }),
        }
    }
}

/// SQL that differs between the dialects; made by `sql!`.
#[derive(Clone, Copy)]
pub(crate) struct Sql {
    pub pg: &'static str,
    pub lite: &'static str,
}

macro_rules! sql {
    (pg: $pg:expr, lite: $lite:expr $(,)?) => {
        $crate::store::db::Sql { pg: $pg, lite: $lite }
    };
    ($both:expr) => {
        $crate::store::db::Sql { pg: $both, lite: $both }
    };
}

/// Runs a statement in a transaction; gives the number of rows it changed.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match &mut $tx {
            $crate::store::db::Tx::Pg(tx) =>
                sqlx::query($sql.pg)$(.bind($bind))*.execute(&mut **tx).await.map(|done| done.rows_affected()),
            $crate::store::db::Tx::Sqlite(tx) =>
                sqlx::query($sql.lite)$(.bind($bind))*.execute(&mut **tx).await.map(|done| done.rows_affected()),
        }
    };
}

/// Runs a statement that gives rows in a transaction: `fetch!(tx, fetch_optional Row, SQL, binds…)`.
macro_rules! fetch {
    ($tx:expr, $how:ident $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match &mut $tx {
            $crate::store::db::Tx::Pg(tx) =>
                sqlx::query_as::<_, $row>($sql.pg)$(.bind($bind))*.$how(&mut **tx).await,
            $crate::store::db::Tx::Sqlite(tx) =>
                sqlx::query_as::<_, $row>($sql.lite)$(.bind($bind))*.$how(&mut **tx).await,
        }
    };
}

/// Reads committed rows outside a transaction: `read!(db, fetch_all Row, SQL, binds…)`.
macro_rules! read {
    ($db:expr, $how:ident $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match &$db.pools {
            $crate::store::db::Pools::Pg(pool) =>
                sqlx::query_as::<_, $row>($sql.pg)$(.bind($bind))*.$how(pool).await,
            $crate::store::db::Pools::Sqlite { read, .. } =>
                sqlx::query_as::<_, $row>($sql.lite)$(.bind($bind))*.$how(read).await,
        }
    };
}

pub(crate) use {execute, fetch, read, sql};

/// The open database.
#[derive(Clone)]
pub(crate) struct Db {
    pub pools: Pools,
    /// For error texts: the file or URL, without a password.
    pub place: Arc<str>,
}

#[derive(Clone)]
pub(crate) enum Pools {
    Pg(PgPool),
    /// SQLite takes one writer at a time: `write` holds one connection, so writers wait in our queue, in order,
    /// instead of failing with "busy".
    Sqlite {
        read: SqlitePool,
        write: SqlitePool,
    },
}

/// A write transaction. Dropped without `Db::commit`, it leaves nothing behind.
pub(crate) enum Tx {
    Pg(sqlx::Transaction<'static, Postgres>),
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

impl Db {
    /// Begins a write transaction. SQLite takes its write lock at once (`begin immediate`): a deferred
    /// transaction that reads first fails with "busy" when it comes to write after another one did.
    pub async fn begin(&self, attempted: &'static str) -> Result<Tx, StoreError> {
        match &self.pools {
            Pools::Pg(pool) => pool.begin().await.map(Tx::Pg),
            Pools::Sqlite { write, .. } => begin_sqlite(write).await.map(Tx::Sqlite),
        }
        .map_err(self.failed(attempted))
    }

    /// Commits. When this returns, a crash no longer loses the transaction.
    pub async fn commit(&self, tx: Tx, attempted: &'static str) -> Result<(), StoreError> {
        match tx {
            Tx::Pg(tx) => tx.commit().await,
            Tx::Sqlite(tx) => tx.commit().await,
        }
        .map_err(self.failed(attempted))
    }

    /// Turns a driver's error into ours: for `map_err`.
    pub fn failed(&self, attempted: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
        let place = self.place.clone();
        move |source| match Meaning::of(&source) {
            Meaning::DiskFull => StoreError::DiskFull { attempted, place, source },
            Meaning::Busy => StoreError::Busy { attempted, place, source },
            Meaning::Unreachable => StoreError::Unreachable { attempted, place, source },
            Meaning::Other => StoreError::Query { attempted, place, source },
        }
    }

    /// A row that cannot be what we wrote.
    pub fn corrupt(&self, attempted: &'static str, what: impl fmt::Display) -> StoreError {
        StoreError::Corrupt { attempted, place: self.place.clone(), what: what.to_string() }
    }
}

/// On a full disk SQLite ends the transaction by itself (<https://sqlite.org/lang_transaction.html>, 2.4); sqlx
/// does not notice and takes the connection to be inside it for ever. Such a connection is given up.
async fn begin_sqlite(write: &SqlitePool) -> Result<sqlx::Transaction<'static, Sqlite>, sqlx::Error> {
    match write.begin_with("begin immediate").await {
        Err(sqlx::Error::InvalidSavePointStatement) => {
            write.acquire().await?.close().await?;
            write.begin_with("begin immediate").await
        }
        begun_or_failed => begun_or_failed,
    }
}

enum Meaning {
    DiskFull,
    Busy,
    Unreachable,
    Other,
}

impl Meaning {
    /// SQLite: <https://sqlite.org/rescode.html> (the low byte is the primary code: BUSY 5, LOCKED 6, IOERR 10,
    /// FULL 13). PostgreSQL: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Unreachable,
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                if database.try_downcast_ref::<sqlx_sqlite::SqliteError>().is_some() {
                    match code.parse::<u32>().map(|code| code & 0xff) {
                        Ok(10 | 13) => Self::DiskFull,
                        Ok(5 | 6) => Self::Busy,
                        _ => Self::Other,
                    }
                } else {
                    match code.as_ref() {
                        "53100" | "58030" => Self::DiskFull,
                        "40001" | "40P01" | "55P03" | "53300" => Self::Busy,
                        "57P01" | "57P02" | "57P03" => Self::Unreachable,
                        _ => Self::Other,
                    }
                }
            }
            _ => Self::Other,
        }
    }
}
