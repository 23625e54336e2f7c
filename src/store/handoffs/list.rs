//! Pages of the list of handoffs, newest first, by keyset.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::{HandoffRow, READ};
use crate::id::HandoffId;
use crate::store::Store;
use crate::store::db::{Sql, StoreError, read, sql};

/// Rows of one page.
pub const PAGE_MAX: u32 = 200;

/// Which handoffs to list. All given conditions hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Sender or receiver: `user:anna`.
    pub person: Option<String>,
    /// Part of what is in them, in any case.
    pub q: Option<String>,
    /// Begun at or after.
    pub since_ms: Option<i64>,
    /// Only those in which somebody is still to do something.
    pub open: bool,
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    begun_ms: i64,
    id: Uuid,
}

/// Why a text is not a cursor.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of a list of handoffs: take `next` of the page before as it is")]
pub struct InvalidCursor;

impl Cursor {
    /// The place behind a row.
    pub fn after(row: &HandoffRow) -> Self {
        Self { begun_ms: row.begun_ms, id: row.id.0 }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.begun_ms, self.id.simple())
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (begun_ms, id) = text.split_once('.').ok_or(InvalidCursor)?;
        Ok(Self {
            begun_ms: begun_ms.parse().map_err(|_| InvalidCursor)?,
            id: Uuid::try_parse(id).map_err(|_| InvalidCursor)?,
        })
    }
}

/// A page of handoffs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub handoffs: Vec<HandoffRow>,
    pub next: Option<Cursor>,
}

impl Store {
    /// One handoff, or none of that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn handoff(&self, id: HandoffId) -> Result<Option<HandoffRow>, StoreError> {
        let found = read!(self.db, fetch_optional Found, GET, id.0).map_err(self.db.failed(READ))?;
        Ok(found.map(Found::into_row))
    }

    /// A page of handoffs, newest first, at most `limit` (and [`PAGE_MAX`]).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_handoffs(&self, filter: &Filter, cursor: Option<Cursor>, limit: u32) -> Result<Page, StoreError> {
        let limit = limit.clamp(1, PAGE_MAX) as usize;
        let before = cursor.unwrap_or(Cursor { begun_ms: i64::MAX, id: Uuid::max() });
        // One row more than asked for tells whether there is a next page.
        let row_count = i64::try_from(limit + 1).expect("a page has at most PAGE_MAX rows");
        let like = filter.q.as_deref().map(like_pattern);
        let mut found = read!(
            self.db,
            fetch_all Found,
            LIST,
            before.begun_ms,
            before.id,
            filter.since_ms.unwrap_or(i64::MIN),
            row_count,
            filter.person.as_deref(),
            like.as_deref(),
            filter.open.then_some("open")
        )
        .map_err(self.db.failed(READ))?;
        let has_next = found.len() > limit;
        found.truncate(limit);
        let handoffs: Vec<HandoffRow> = found.into_iter().map(Found::into_row).collect();
        let next = handoffs.last().filter(|_| has_next).map(Cursor::after);
        Ok(Page { handoffs, next })
    }
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

#[derive(sqlx::FromRow)]
struct Found {
    id: Uuid,
    rotation: Option<String>,
    sender: String,
    receiver: String,
    phase: String,
    overdue: Option<String>,
    overview: String,
    items: i64,
    unstable: i64,
    watcher: i64,
    begun_ms: i64,
    boundary_ms: i64,
    acknowledged_ms: Option<i64>,
    next_ms: Option<i64>,
    scopes: String,
    search: String,
}

impl Found {
    fn into_row(self) -> HandoffRow {
        let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        HandoffRow {
            id: HandoffId(self.id),
            rotation: self.rotation,
            sender: self.sender,
            receiver: self.receiver,
            phase: self.phase,
            overdue: self.overdue,
            overview: self.overview,
            items: count(self.items),
            unstable: count(self.unstable),
            watcher: count(self.watcher),
            begun_ms: self.begun_ms,
            boundary_ms: self.boundary_ms,
            acknowledged_ms: self.acknowledged_ms,
            next_ms: self.next_ms,
            scopes: self.scopes,
            search: self.search,
        }
    }
}

macro_rules! columns {
    () => {
        "select id, rotation, sender, receiver, phase, overdue, overview, items, unstable, watcher, begun_ms, \
         boundary_ms, acknowledged_ms, next_ms, scopes, search from handoff "
    };
}

const GET: Sql = sql!(concat!(columns!(), "where id = $1"));
// Unused parameters still need a type that PostgreSQL can infer, hence the casts; a `null` parameter drops nothing.
const LIST: Sql = sql!(concat!(
    columns!(),
    "where (begun_ms, id) < ($1, $2) and begun_ms >= $3 \
     and (cast($5 as text) is null or sender = $5 or receiver = $5) \
     and (cast($6 as text) is null or search like $6 escape '\\') \
     and (cast($7 as text) is null or phase in ('draft', 'ready', 'offered', 'questioned', 'amended')) \
     order by begun_ms desc, id desc limit $4"
));

pub(super) const STATEMENTS: &[Sql] = &[GET, LIST];
