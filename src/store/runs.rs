//! The list of runs: one row a run, written with its log, read by pages and by recovery.

mod list;
mod proof;

use uuid::Uuid;

use crate::id::{Digest, HostName, RunId, RunbookPath};

pub use list::{Cursor, Filter, InvalidCursor, PAGE_MAX, Page};
pub use proof::Proof;

use super::Store;
use super::db::{Db, Sql, StoreError, Tx, execute, read, sql};
use super::run_log::AppendError;

/// A run as lists show it: a projection of its log, never a second truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    pub id: RunId,
    pub runbook: RunbookPath,
    pub title: String,
    /// The git commit of the runbook; none when it was not taken from git.
    pub commit: Option<String>,
    /// `running`, `waiting`, … as the run core writes it.
    pub state: String,
    /// What it waits for, in a few words for people.
    pub waiting: Option<String>,
    pub started_by: String,
    pub started_at_ms: i64,
    /// Set when nothing can follow; a row without it is recovered at start.
    pub ended_at_ms: Option<i64>,
    /// In the order of the plan. Only the first append of a run stores them: a plan never changes.
    pub hosts: Vec<HostName>,
    /// What decides who may see and touch it, as JSON text; empty for runs of before there were roles. Stored once, as
    /// the hosts.
    pub scope: String,
    /// The last event. Set by `append`; what the caller gives is not used.
    pub last_seq: u64,
    pub step_done: u32,
    pub step_total: u32,
}

const STORE: &str = "store the row of a run";
const READ: &str = "read the list of runs";

/// Why a new run's row was not inserted.
pub(super) enum InsertError {
    /// Someone else inserted it after we looked (PostgreSQL only; SQLite has one writer).
    Exists,
    Store(StoreError),
}

impl InsertError {
    /// As an append tells it.
    pub fn or_stale(self, run: RunId, expected: u64) -> AppendError {
        match self {
            // At least one event is there; the caller reads the log again in any case.
            Self::Exists => AppendError::Stale { run, expected, last: 1 },
            Self::Store(error) => AppendError::Store(error),
        }
    }
}

/// Inserts the row of a new run with an empty log; gives the number of its last event, 0.
pub(super) async fn insert(db: &Db, tx: &mut Tx, run: RunId, row: &RunRow) -> Result<u64, InsertError> {
    let no_hash = [0_u8; 32];
    let search = list::search_text(&row.title, row.runbook.as_str());
    let inserted = execute!(
        *tx,
        INSERT,
        run.0,
        row.runbook.as_str(),
        &row.title,
        row.commit.as_deref(),
        &row.state,
        row.waiting.as_deref(),
        &row.started_by,
        row.started_at_ms,
        row.ended_at_ms,
        i64::from(row.step_done),
        i64::from(row.step_total),
        &no_hash[..],
        &search,
        &join_hosts(&row.hosts),
        &row.scope
    )
    .map_err(|error| InsertError::Store(db.failed(STORE)(error)))?;
    if inserted == 0 {
        return Err(InsertError::Exists);
    }
    execute!(*tx, INSERT_TEXT, &search).map_err(|error| InsertError::Store(db.failed(STORE)(error)))?;
    for host in &row.hosts {
        execute!(*tx, INSERT_HOST, host.as_str(), row.started_at_ms, run.0)
            .map_err(|error| InsertError::Store(db.failed(STORE)(error)))?;
    }
    Ok(0)
}

/// Stores what can change in a row.
pub(super) async fn update(
    db: &Db,
    tx: &mut Tx,
    run: RunId,
    row: &RunRow,
    last_seq: u64,
    head_hash: Digest,
) -> Result<(), StoreError> {
    execute!(
        *tx,
        UPDATE,
        run.0,
        &row.state,
        row.waiting.as_deref(),
        row.ended_at_ms,
        i64::from(row.step_done),
        i64::from(row.step_total),
        last_seq.cast_signed(),
        &head_hash.0[..]
    )
    .map(drop)
    .map_err(db.failed(STORE))
}

impl Store {
    /// One run, or none of that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run(&self, run: RunId) -> Result<Option<RunRow>, StoreError> {
        let found = read!(self.db, fetch_optional FoundRun, GET, run.0).map_err(self.db.failed(READ))?;
        found.map(|found| self.run_row(found)).transpose()
    }

    /// Every run that has not ended, oldest first: what an engine takes up at its start.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unfinished_runs(&self) -> Result<Vec<RunRow>, StoreError> {
        let found = read!(self.db, fetch_all FoundRun, UNFINISHED).map_err(self.db.failed(READ))?;
        found.into_iter().map(|found| self.run_row(found)).collect()
    }

    /// A short text that changes with every event of a run that has not ended, and when one begins or ends.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pulse(&self) -> Result<String, StoreError> {
        let (live, events) = read!(self.db, fetch_one(i64, i64), PULSE).map_err(self.db.failed(READ))?;
        Ok(format!("{live}.{events}"))
    }

    fn run_row(&self, found: FoundRun) -> Result<RunRow, StoreError> {
        found.into_row().map_err(|what| self.db.corrupt(READ, what))
    }
}

/// Host names hold no white space, so one text holds them all and a page of the list is one query.
fn join_hosts(hosts: &[HostName]) -> String {
    hosts.iter().map(HostName::as_str).collect::<Vec<_>>().join(" ")
}

#[derive(sqlx::FromRow)]
struct FoundRun {
    id: Uuid,
    runbook: String,
    title: String,
    commit_id: Option<String>,
    state: String,
    waiting: Option<String>,
    started_by: String,
    started_at_ms: i64,
    ended_at_ms: Option<i64>,
    step_done: i64,
    step_total: i64,
    last_seq: i64,
    hosts: String,
    scope: String,
}

impl FoundRun {
    fn into_row(self) -> Result<RunRow, crate::id::InvalidId> {
        Ok(RunRow {
            id: RunId(self.id),
            runbook: self.runbook.try_into()?,
            title: self.title,
            commit: self.commit_id,
            state: self.state,
            waiting: self.waiting,
            started_by: self.started_by,
            started_at_ms: self.started_at_ms,
            ended_at_ms: self.ended_at_ms,
            hosts: self.hosts.split_whitespace().map(str::parse).collect::<Result<_, _>>()?,
            scope: self.scope,
            last_seq: self.last_seq.cast_unsigned(),
            step_done: u32::try_from(self.step_done).unwrap_or(u32::MAX),
            step_total: u32::try_from(self.step_total).unwrap_or(u32::MAX),
        })
    }
}

macro_rules! columns {
    () => {
        "run.id, run.runbook, run.title, run.commit_id, run.state, run.waiting, run.started_by, run.started_at_ms, \
         run.ended_at_ms, run.step_done, run.step_total, run.last_seq, run.hosts, run.scope"
    };
}
use columns;

const INSERT: Sql = sql!(
    "insert into run (id, runbook, title, commit_id, state, waiting, started_by, started_at_ms, ended_at_ms, \
     step_done, step_total, last_seq, head_hash, search, hosts, scope) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, $13, $14, $15) on conflict (id) do nothing"
);
const INSERT_HOST: Sql = sql!(
    "insert into run_host (host, started_at_ms, run) values ($1, $2, $3) \
     on conflict (host, started_at_ms, run) do nothing"
);
const INSERT_TEXT: Sql = sql!("insert into run_text (search) values ($1) on conflict (search) do nothing");
const UPDATE: Sql = sql!(
    "update run set state = $2, waiting = $3, ended_at_ms = $4, step_done = $5, step_total = $6, last_seq = $7, \
     head_hash = $8 where id = $1"
);
const GET: Sql = sql!(concat!("select ", columns!(), " from run where id = $1"));
const UNFINISHED: Sql =
    sql!(concat!("select ", columns!(), " from run where ended_at_ms is null order by started_at_ms, id"));
const PULSE: Sql =
    sql!("select count(*), cast(coalesce(sum(last_seq), 0) as bigint) from run where ended_at_ms is null");

/// For the statement test.
pub(super) const STATEMENTS: &[&[Sql]] =
    &[&[INSERT, INSERT_TEXT, INSERT_HOST, UPDATE, GET, UNFINISHED, PULSE], list::STATEMENTS, proof::STATEMENTS];
