//! Pages of the list of runs, newest first, by keyset: page 1,000 costs what page 1 costs.
//!
//! Each filter that can lead has its own statement, so that the database walks the index of that filter in the
//! order of the page and stops when the page is full; the other filters only drop rows on the way. Words are looked for
//! in `run_text`, which holds each distinct text once: few, however many runs there are.

use std::fmt;
use std::str::FromStr;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{FoundRun, READ, RunRow, columns};
use crate::id::{HostName, RunbookPath};
use crate::store::Store;
use crate::store::db::{Pools, Sql, StoreError, sql};

/// Rows of one page.
pub const PAGE_MAX: u32 = 200;

/// Which runs to list. All given conditions hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub state: Option<String>,
    pub runbook: Option<RunbookPath>,
    pub host: Option<HostName>,
    /// Who started it.
    pub person: Option<String>,
    /// Part of the title or the runbook's path, in any case.
    pub q: Option<String>,
    /// Started at or after.
    pub since_ms: Option<i64>,
    /// Started before.
    pub until_ms: Option<i64>,
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    started_at_ms: i64,
    id: Uuid,
}

impl Cursor {
    /// The place behind a row of a list.
    pub fn after(row: &RunRow) -> Self {
        Self { started_at_ms: row.started_at_ms, id: row.id.0 }
    }
}

/// Why a text is not a cursor.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of a list of runs: take `next` of the page before as it is")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.started_at_ms, self.id.simple())
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (started_at_ms, id) = text.split_once('.').ok_or(InvalidCursor)?;
        Ok(Self {
            started_at_ms: started_at_ms.parse().map_err(|_| InvalidCursor)?,
            id: Uuid::try_parse(id).map_err(|_| InvalidCursor)?,
        })
    }
}

/// A page of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub runs: Vec<RunRow>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<Cursor>,
}

/// What the statements of the list are given, in the order of their parameters.
struct Given<'f> {
    before_ms: i64,
    before_id: Uuid,
    since_ms: i64,
    row_count: i64,
    state: Option<&'f str>,
    runbook: Option<&'f str>,
    person: Option<&'f str>,
    host: Option<&'f str>,
    like: Option<String>,
}

impl<'f> Given<'f> {
    fn new(filter: &'f Filter, cursor: Option<Cursor>, row_count: usize) -> Self {
        let until_ms = filter.until_ms.unwrap_or(i64::MAX);
        let before = cursor.unwrap_or(Cursor { started_at_ms: until_ms, id: Uuid::nil() });
        Self {
            before_ms: before.started_at_ms.min(until_ms),
            before_id: before.id,
            since_ms: filter.since_ms.unwrap_or(i64::MIN),
            row_count: i64::try_from(row_count).expect("a page has at most PAGE_MAX rows"),
            state: filter.state.as_deref(),
            runbook: filter.runbook.as_ref().map(RunbookPath::as_str),
            person: filter.person.as_deref(),
            host: filter.host.as_ref().map(HostName::as_str),
            like: filter.q.as_deref().map(like_pattern),
        }
    }
}

/// The same values for whichever driver.
macro_rules! with {
    ($query:expr, $given:expr) => {
        $query
            .bind($given.before_ms)
            .bind($given.before_id)
            .bind($given.since_ms)
            .bind($given.row_count)
            .bind($given.state)
            .bind($given.runbook)
            .bind($given.person)
            .bind($given.host)
            .bind($given.like.as_deref())
    };
}

impl Store {
    /// A page of runs, newest first, at most `limit` (and [`PAGE_MAX`]).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_runs(&self, filter: &Filter, cursor: Option<Cursor>, limit: u32) -> Result<Page, StoreError> {
        let limit = limit.clamp(1, PAGE_MAX) as usize;
        // One row more than asked for tells whether there is a next page.
        let (sql, given) = (list_sql(filter), Given::new(filter, cursor, limit + 1));
        let found: Result<Vec<FoundRun>, _> = match &self.db.pools {
            Pools::Pg(pool) => with!(sqlx::query_as(sql.pg), given).fetch_all(pool).await,
            Pools::Sqlite { read, .. } => with!(sqlx::query_as(sql.lite), given).fetch_all(read).await,
        };
        let mut found = found.map_err(self.db.failed(READ))?;
        let has_next = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| has_next);
        let next = next.map(|last| Cursor { started_at_ms: last.started_at_ms, id: last.id });
        let runs = found.into_iter().map(|found| self.run_row(found)).collect::<Result<_, _>>()?;
        Ok(Page { runs, next })
    }

    /// How the database finds a page, in its own words, a step each: for the tests that hold it to its indexes, and for
    /// whoever wonders why a list is slow.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn explain_list(&self, filter: &Filter) -> Result<Vec<String>, StoreError> {
        let (sql, given) = (list_sql(filter), Given::new(filter, None, PAGE_MAX as usize));
        let explained = match &self.db.pools {
            Pools::Pg(pool) => {
                let sql = AssertSqlSafe(format!("explain {}", sql.pg));
                with!(sqlx::query_as::<_, (String,)>(sql), given).fetch_all(pool).await.map(|steps| {
                    let steps = steps.into_iter().map(|(step,)| step);
                    steps.collect()
                })
            }
            Pools::Sqlite { read, .. } => {
                let sql = AssertSqlSafe(format!("explain query plan {}", sql.lite));
                with!(sqlx::query_as::<_, (i64, i64, i64, String)>(sql), given).fetch_all(read).await.map(|steps| {
                    let steps = steps.into_iter().map(|(_, _, _, step)| step);
                    steps.collect()
                })
            }
        };
        explained.map_err(self.db.failed(READ))
    }
}

/// The statement whose leading filter leaves the fewest rows.
fn list_sql(filter: &Filter) -> Sql {
    match filter {
        Filter { host: Some(_), .. } => BY_HOST,
        Filter { runbook: Some(_), state: Some(_), .. } => BY_OUTCOME,
        Filter { runbook: Some(_), .. } => BY_RUNBOOK,
        // Few runs are live at a time.
        Filter { state: Some(state), .. } if matches!(state.as_str(), "running" | "waiting" | "paused") => BY_STATE,
        Filter { person: Some(_), .. } => BY_PERSON,
        Filter { q: Some(_), .. } => BY_TEXT,
        Filter { state: Some(_), .. } => BY_STATE,
        Filter { .. } => BY_TIME,
    }
}

/// What `q` is looked for in.
pub(super) fn search_text(title: &str, runbook: &str) -> String {
    format!("{title}\n{runbook}").to_lowercase()
}

/// `q` as a pattern in which nothing but the ends is wild.
fn like_pattern(q: &str) -> String {
    let mut pattern = String::from("%");
    for letter in q.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

// Unused parameters still need a type that PostgreSQL can infer, hence the casts; a `null` parameter drops nothing.
macro_rules! rest {
    () => {
        " and (cast($5 as text) is null or run.state = $5) \
          and (cast($6 as text) is null or run.runbook = $6) \
          and (cast($7 as text) is null or run.started_by = $7) \
          and (cast($9 as text) is null or run.search like $9 escape '\\') "
    };
}
macro_rules! by_run {
    () => { by_run!(from "run",) };
    ($leading:literal) => { by_run!(from "run", $leading) };
    (from $from:literal, $($leading:literal)?) => {
        concat!(
            "select ", columns!(), " from ", $from, " where (run.started_at_ms, run.id) < ($1, $2) \
             and run.started_at_ms >= $3 ", $("and ", $leading,)? rest!(),
            "and cast($8 as text) is null order by run.started_at_ms desc, run.id desc limit $4"
        )
    };
}

const BY_TIME: Sql = sql!(by_run!());
const BY_STATE: Sql = sql!(by_run!("run.state = $5"));
const BY_RUNBOOK: Sql = sql!(by_run!("run.runbook = $6"));
// SQLite has no statistics of a young database, and would walk all runs of the runbook.
const BY_OUTCOME: Sql = sql!(
    pg: by_run!("run.runbook = $6 and run.state = $5"),
    lite: by_run!(from "run indexed by run_by_outcome", "run.runbook = $6 and run.state = $5"),
);
const BY_PERSON: Sql = sql!(by_run!("run.started_by = $7"));
macro_rules! by_host {
    ($join:expr, $rest:expr) => {
        concat!(
            "select ",
            columns!(),
            " from run_host ",
            $join,
            " where run_host.host = $8 and (run_host.started_at_ms, run_host.run) < ($1, $2) \
             and run_host.started_at_ms >= $3 ",
            $rest,
            "order by run_host.started_at_ms desc, run_host.run desc limit $4"
        )
    };
}
const BY_HOST: Sql = sql!(
    // PostgreSQL likes to read all runs into a hash instead; `offset 0` keeps it to one look for each run of the host.
    pg: by_host!(
        concat!(
            "cross join lateral (select ", columns!(), " from run where run.id = run_host.run", rest!(), "offset 0) as run"
        ),
        ""
    ),
    lite: by_host!("join run on run.id = run_host.run", rest!()),
);

/// The newest runs of one text; of all texts that fit, the newest are the page.
macro_rules! of_text {
    ($columns:expr) => {
        concat!(
            "select ",
            $columns,
            " from run where run.search = run_text.search \
             and (run.started_at_ms, run.id) < ($1, $2) and run.started_at_ms >= $3",
            rest!(),
            "and cast($8 as text) is null order by run.started_at_ms desc, run.id desc limit $4"
        )
    };
}
const BY_TEXT: Sql = sql!(
    pg: concat!(
        "select ", columns!(), " from run_text cross join lateral (", of_text!(columns!()), ") as run \
         where run_text.search like $9 escape '\\' order by run.started_at_ms desc, run.id desc limit $4"
    ),
    // It knows no `lateral`. `cross join` keeps the order of the two tables.
    lite: concat!(
        "select ", columns!(), " from run_text cross join run where run_text.search like $9 escape '\\' \
         and run.id in (", of_text!("run.id"), ") order by run.started_at_ms desc, run.id desc limit $4"
    ),
);

pub(super) const STATEMENTS: &[Sql] = &[BY_TIME, BY_STATE, BY_RUNBOOK, BY_OUTCOME, BY_PERSON, BY_HOST, BY_TEXT];
