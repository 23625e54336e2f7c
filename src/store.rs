//! What survives: the event logs of runs, their lists, output, shares, accounts, tokens and
//! sessions.
//!
//! A [`Store`] is SQLite or PostgreSQL, and a folder of blobs for what is large. Each aggregate has its file, with
//! its statements as constants at the end; `statements` lists them all, and a test prepares each on both migrated
//! databases. Rules that hold everywhere:
//!
//! - One decision is one transaction: when a call returns `Ok`, a crash no longer loses it; when it returns an
//!   error or the process dies before, nothing of it is there (a lost connection to PostgreSQL during the commit
//!   is the one case where the caller cannot know; appending again then gives `Stale`, and the log says).
//! - Bytes beside the database are synced to disk before the row that names them is committed.
//! - Time, ids and tokens are arguments. Only leases use the clock of the database, because several servers share it.
//! - What the audit log must tell of is recorded in the transaction that does it; it is not done otherwise.
//! - Secrets (tokens of sessions, links and shares) come in as SHA-256 digests; the store never sees them.

pub mod access;
pub mod audit;
pub mod blobs;
mod db;
pub mod engine_lock;
pub mod feeds;
pub mod handoffs;
pub mod lease;
pub mod locks;
pub mod nudges;
pub mod open;
pub mod output;
pub mod pages;
pub mod people;
pub mod run_log;
pub mod runs;
pub mod setting;
pub mod shares;
mod statements;
#[cfg(test)]
mod tests;

pub use blobs::{BlobError, Blobs};
pub use db::{DatabaseUrl, InvalidDatabaseUrl, StoreError};
pub use engine_lock::{EngineLock, EngineLockError};
pub use open::OpenError;
pub use statements::StatementFailed;

/// The open store. Cheap to clone: clones share their connections.
#[derive(Clone)]
pub struct Store {
    db: db::Db,
    blobs: Blobs,
}

impl Store {
    /// The large bytes beside the database.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Where the database is, without a password: for messages.
    pub fn place(&self) -> &str {
        &self.db.place
    }
}
