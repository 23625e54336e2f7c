//! Opening: folders and their permissions, connections and their settings, migrations.

use std::cmp::Ordering;
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx_postgres::{PgConnectOptions, PgPoolOptions};
use sqlx_sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::Store;
use super::blobs::{BlobError, Blobs};
use super::db::{DatabaseUrl, Db, Pools, Sql, read, sql};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Name of the SQLite file in the data folder.
pub const SQLITE_FILE: &str = "steadyhand.db";

/// How long a connection waits for another process (`token`, `backup`) that is writing. Longer than their
/// transactions can take, shorter than a person at the page will wait.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Readers of SQLite: page views beside the engine; each is a thread, and more than the cores gains nothing.
const SQLITE_READERS_MAX: u32 = 4;

/// Connections to PostgreSQL of one replica; its default limit for all clients is 100.
const POSTGRES_CONNECTIONS_MAX: u32 = 16;

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder or the database file could not be made or protected.
    #[error("could not prepare {}", path.display())]
    Files { path: PathBuf, source: io::Error },
    /// No connection.
    #[error("could not open the database {place}")]
    Connect { place: String, source: sqlx::Error },
    /// A newer steadyhand has migrated this database.
    #[error(
        "the database {place} is at version {found}, this steadyhand knows versions up to {known}: \
         it was used by a newer steadyhand; install that one, or restore a backup from before"
    )]
    TooNew { place: String, found: i64, known: i64 },
    /// Read only, so it cannot be brought up to date.
    #[error("the database {place} is at version {found}, and reading it needs {known}: start the server on it once")]
    TooOld { place: String, found: i64, known: i64 },
    /// A migration failed; the database is as it was before it.
    #[error("could not migrate the database {place}")]
    Migrate { place: String, source: MigrateError },
    /// The folder for large output could not be made.
    #[error("could not open the blob store")]
    Blobs { source: Box<BlobError> },
}

impl DatabaseUrl {
    /// The default: a SQLite file in the data folder.
    pub fn in_data_dir(data_dir: &Path) -> Self {
        Self::Sqlite(data_dir.join(SQLITE_FILE))
    }
}

impl Store {
    /// Opens the database, brings its schema up to date, and opens the blobs under `<data_dir>/blobs`.
    ///
    /// Safe to repeat after a crash at any moment: each migration is one transaction.
    ///
    /// # Errors
    /// When a folder cannot be made, the database cannot be reached, or a newer steadyhand has used it.
    pub async fn open(url: &DatabaseUrl, data_dir: &Path) -> Result<Self, OpenError> {
        make_private_dir(data_dir)?;
        let place = url.to_string();
        let pools = match url {
            DatabaseUrl::Sqlite(path) => open_sqlite(path, &place).await?,
            DatabaseUrl::Postgres(text) => open_postgres(text, &place).await?,
        };
        let blobs =
            Blobs::local(&data_dir.join("blobs")).map_err(|source| OpenError::Blobs { source: Box::new(source) })?;
        Ok(Self { db: Db { pools, place: place.into() }, blobs })
    }

    /// Opens the database to read from it alone: nothing is made, migrated or written, whatever is called. Works
    /// beside a running server. There are no blobs.
    ///
    /// # Errors
    /// When the database is not there, or of another version than this program.
    pub async fn open_read_only(url: &DatabaseUrl) -> Result<Self, OpenError> {
        let place = url.to_string();
        let connect = |source| OpenError::Connect { place: place.clone(), source };
        let (pools, known) = match url {
            DatabaseUrl::Sqlite(path) => {
                let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY_TIMEOUT);
                let read = SqlitePoolOptions::new().max_connections(SQLITE_READERS_MAX).connect_with(options);
                let read = read.await.map_err(connect)?;
                (Pools::Sqlite { write: read.clone(), read }, &SQLITE_MIGRATIONS)
            }
            DatabaseUrl::Postgres(text) => {
                let options = PgConnectOptions::from_str(text).map_err(connect)?;
                let options = options.options([("default_transaction_read_only", "on")]);
                let pool = PgPoolOptions::new().max_connections(SQLITE_READERS_MAX).connect_with(options);
                (Pools::Pg(pool.await.map_err(connect)?), &POSTGRES_MIGRATIONS)
            }
        };
        let known = newest(known);
        let db = Db { pools, place: place.clone().into() };
        let (found,) = read!(db, fetch_one(i64,), VERSION).map_err(connect)?;
        match found.cmp(&known) {
            Ordering::Equal => Ok(Self { db, blobs: Blobs::none() }),
            Ordering::Less => Err(OpenError::TooOld { place, found, known }),
            Ordering::Greater => Err(OpenError::TooNew { place, found, known }),
        }
    }

    /// Closes all connections; SQLite folds its write-ahead log into the file.
    pub async fn close(&self) {
        match &self.db.pools {
            Pools::Pg(pool) => pool.close().await,
            Pools::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
        }
    }
}

async fn open_sqlite(path: &Path, place: &str) -> Result<Pools, OpenError> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_private_dir(parent)?;
    }
    make_private_file(path)?;
    let connect = |source| OpenError::Connect { place: place.to_owned(), source };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);
    let write = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await.map_err(connect)?;
    migrate(SQLITE_MIGRATIONS.run(&write).await, &SQLITE_MIGRATIONS, place)?;
    let read = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS_MAX)
        .connect_with(options.pragma("query_only", "on"))
        .await
        .map_err(connect)?;
    Ok(Pools::Sqlite { read, write })
}

async fn open_postgres(url: &str, place: &str) -> Result<Pools, OpenError> {
    let connect = |source| OpenError::Connect { place: place.to_owned(), source };
    let options = PgConnectOptions::from_str(url).map_err(connect)?;
    let pool =
        PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS_MAX).connect_with(options).await.map_err(connect)?;
    migrate(POSTGRES_MIGRATIONS.run(&pool).await, &POSTGRES_MIGRATIONS, place)?;
    Ok(Pools::Pg(pool))
}

fn migrate(result: Result<(), MigrateError>, known: &Migrator, place: &str) -> Result<(), OpenError> {
    let known = newest(known);
    result.map_err(|error| match error {
        MigrateError::VersionMissing(found) if found > known => {
            OpenError::TooNew { place: place.to_owned(), found, known }
        }
        source => OpenError::Migrate { place: place.to_owned(), source },
    })
}

fn newest(known: &Migrator) -> i64 {
    known.iter().map(|migration| migration.version).max().unwrap_or_default()
}

const VERSION: Sql = sql!("select max(version) from _sqlx_migrations");

/// For the statement test.
pub(super) const STATEMENTS: &[Sql] = &[VERSION];

/// Makes a folder that only its owner may enter. An existing one is left as it is (it may be a person's own
/// folder); what we put into it is private by itself.
pub(crate) fn make_private_dir(path: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Files { path: path.to_owned(), source };
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)
}

/// Makes the database file before SQLite does, which would leave it readable to all. Its companions
/// (`-wal`, `-shm`) take over these permissions.
fn make_private_file(path: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Files { path: path.to_owned(), source };
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(failed)?;
    let permissions = file.metadata().map_err(failed)?.permissions();
    if permissions.mode() & 0o077 != 0 {
        file.set_permissions(PermissionsExt::from_mode(0o600)).map_err(failed)?;
    }
    Ok(())
}
