//! Pages of the audit log, newest first, by keyset: the server's own entries and what people did in runs, merged.
//!
//! The events of runs are not copied: both lists are read by time from an index of their own and merged here, so a
//! page costs two walks of as many rows as it shows, whatever the number of entries. What leads in a filter
//! (person, kind, object) has its own index for entries. Of events only the kind is in the index; who did one stands
//! in its body, so looking for one person's events reads the bodies on the way, of people's events only.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use serde_json::json;
use uuid::Uuid;

use super::{actor, digest};
use crate::audit::checkpoint::Stream;
use crate::audit::entry::{Content, Kind, actor_in};
use crate::audit::export::Row;
use crate::id::{Digest, RunId};
use crate::store::Store;
use crate::store::db::{Sql, StoreError, read, sql};

/// Rows of one page.
pub const PAGE_MAX: u32 = 500;

const READ: &str = "read the audit log";

/// Which entries to list. All given conditions hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// `user:anna`, also by her tokens; `user:anna/ci` by this one alone.
    pub actor: Option<String>,
    /// The word of a kind, of an entry or of a run's event: `share-made`, `step-confirmed`.
    pub kind: Option<String>,
    /// As a whole: `share:0198…`. Of a run, `run:0198…`, what was done in it.
    pub object: Option<String>,
    /// At or after.
    pub since_ms: Option<i64>,
    /// Before.
    pub until_ms: Option<i64>,
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    at_ms: i64,
    stream: Stream,
    seq: u64,
}

/// Why a text is not a cursor.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of the audit log: take `next` of the page before as it is")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.at_ms, self.seq, self.stream)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(InvalidCursor);
        Ok(Self {
            at_ms: part()?.parse().map_err(|_| InvalidCursor)?,
            seq: part()?.parse::<i64>().map_err(|_| InvalidCursor)?.cast_unsigned(),
            stream: part()?.parse().map_err(|_| InvalidCursor)?,
        })
    }
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub rows: Vec<Row>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<Cursor>,
}

impl Store {
    /// A page of the audit log, newest first, at most `limit` (and [`PAGE_MAX`]).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_audit(&self, filter: &Filter, cursor: Option<Cursor>, limit: u32) -> Result<Page, StoreError> {
        let limit = limit.clamp(1, PAGE_MAX) as usize;
        let wanted = Wanted::new(filter, cursor, limit);
        let mut rows = if wanted.entries { self.listed_entries(&wanted).await? } else { Vec::new() };
        if wanted.events {
            rows.extend(self.listed_events(&wanted).await?);
        }
        // The order of the cursor: of one moment the server's own first, then runs by their ids.
        rows.sort_by_key(|row| Reverse(place(row)));
        let has_next = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_next);
        let next = next.map(|last| Cursor { at_ms: last.at_ms, stream: last.stream, seq: last.seq });
        Ok(Page { rows, next })
    }

    async fn listed_entries(&self, wanted: &Wanted<'_>) -> Result<Vec<Row>, StoreError> {
        let found = read!(
            self.db,
            fetch_all FoundEntry,
            wanted.entries_sql(),
            wanted.at_ms,
            wanted.entry_seq,
            wanted.since_ms,
            wanted.count,
            wanted.person,
            wanted.token,
            wanted.kind,
            wanted.object
        );
        let found = found.map_err(self.db.failed(READ))?;
        found
            .into_iter()
            .map(|found| found.row().ok_or_else(|| self.db.corrupt(READ, "a hash is not a SHA-256")))
            .collect()
    }

    async fn listed_events(&self, wanted: &Wanted<'_>) -> Result<Vec<Row>, StoreError> {
        let kind = wanted.kind.map(|kind| kind.replace('-', "_"));
        let (exact, by_token, in_body, in_body_by_token) = wanted.actor_patterns();
        let found = read!(
            self.db,
            fetch_all FoundEvent,
            wanted.events_sql(),
            wanted.at_ms,
            wanted.event_run,
            wanted.event_seq,
            wanted.since_ms,
            wanted.count,
            kind.as_deref(),
            exact,
            by_token.as_deref(),
            in_body.as_deref(),
            in_body_by_token.as_deref(),
            wanted.run.map(|run| run.0)
        );
        let found = found.map_err(self.db.failed(READ))?;
        found
            .into_iter()
            .map(|found| found.row().ok_or_else(|| self.db.corrupt(READ, "a hash is not a SHA-256")))
            .collect()
    }
}

fn place(row: &Row) -> (i64, Stream, u64) {
    (row.at_ms, row.stream, row.seq)
}

/// A filter and a cursor as the two lists take them.
struct Wanted<'a> {
    entries: bool,
    events: bool,
    at_ms: i64,
    entry_seq: i64,
    event_run: Uuid,
    event_seq: i64,
    since_ms: i64,
    /// One row more than asked for tells whether there is a next page.
    count: i64,
    actor: Option<&'a str>,
    person: Option<&'a str>,
    token: Option<&'a str>,
    kind: Option<&'a str>,
    object: Option<&'a str>,
    run: Option<RunId>,
}

impl<'a> Wanted<'a> {
    fn new(filter: &'a Filter, cursor: Option<Cursor>, limit: usize) -> Self {
        let until_ms = filter.until_ms.unwrap_or(i64::MAX);
        // `< (until, nothing)` is everything before that time.
        let start = (until_ms, 0, Uuid::nil(), 0);
        let (at_ms, entry_seq, event_run, event_seq) = match cursor {
            Some(cursor) if cursor.at_ms < until_ms => match cursor.stream {
                Stream::Server => (cursor.at_ms, cursor.seq.cast_signed(), Uuid::max(), i64::MAX),
                Stream::Run(run) => (cursor.at_ms, 0, run.0, cursor.seq.cast_signed()),
            },
            _ => start,
        };
        let actor = filter.actor.as_deref();
        let (person, token) = match actor.map(|actor| actor.split_once('/')) {
            Some(Some((person, token))) => (Some(person), Some(token)),
            Some(None) => (actor, None),
            None => (None, None),
        };
        let run = filter.object.as_deref().and_then(|object| object.strip_prefix("run:")?.parse().ok());
        let is_entry = filter.kind.as_ref().is_none_or(|kind| kind.parse::<Kind>().is_ok());
        let is_event = filter.kind.as_ref().is_none_or(|kind| kind.parse::<Kind>().is_err());
        Self {
            entries: is_entry,
            events: is_event && (filter.object.is_none() || run.is_some()),
            at_ms,
            entry_seq,
            event_run,
            event_seq,
            since_ms: filter.since_ms.unwrap_or(i64::MIN),
            count: i64::try_from(limit + 1).expect("a page has at most PAGE_MAX rows"),
            actor,
            person,
            token,
            kind: filter.kind.as_deref(),
            object: filter.object.as_deref(),
            run,
        }
    }

    fn entries_sql(&self) -> Sql {
        match self {
            Self { object: Some(_), .. } => ENTRIES_BY_OBJECT,
            Self { person: Some(_), .. } => ENTRIES_BY_PERSON,
            Self { kind: Some(_), .. } => ENTRIES_BY_KIND,
            Self { .. } => ENTRIES_BY_TIME,
        }
    }

    fn events_sql(&self) -> Sql {
        if self.run.is_some() { EVENTS_OF_RUN } else { EVENTS_BY_TIME }
    }

    /// The actor, and patterns: by any token of that person; the same two inside the JSON of a body.
    fn actor_patterns(&self) -> (Option<&str>, Option<String>, Option<String>, Option<String>) {
        let Some(actor) = self.actor else { return (None, None, None, None) };
        let quoted = json!(actor).to_string();
        let open = quoted.trim_end_matches('"');
        let [bare, open] = [actor, open].map(escaped);
        (Some(actor), Some(format!("{bare}/%")), Some(format!("%\"by\":{open}\"%")), Some(format!("%\"by\":{open}/%")))
    }
}

/// Text in which nothing is wild for `like … escape '\'`.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

#[derive(sqlx::FromRow)]
struct FoundEntry {
    seq: i64,
    at_ms: i64,
    kind: String,
    person: String,
    token: Option<String>,
    object: String,
    body: String,
    hash: Vec<u8>,
}

impl FoundEntry {
    fn row(self) -> Option<Row> {
        let content = Content {
            at_ms: self.at_ms,
            kind: self.kind,
            actor: actor(self.person, self.token),
            object: self.object,
            body: self.body,
        };
        Some(Row {
            stream: Stream::Server,
            seq: self.seq.cast_unsigned(),
            at_ms: content.at_ms,
            detail: content.detail(),
            kind: content.kind,
            actor: content.actor,
            object: content.object,
            hash: digest(&self.hash)?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct FoundEvent {
    run: Uuid,
    seq: i64,
    at_ms: i64,
    kind: String,
    started_by: String,
    /// None for the start, whose body is the whole plan.
    body: Option<String>,
    hash: Vec<u8>,
}

impl FoundEvent {
    fn row(self) -> Option<Row> {
        let hash: Digest = digest(&self.hash)?;
        let actor = match self.body {
            Some(body) => actor_in(&body).unwrap_or_default(),
            None => self.started_by,
        };
        Some(Row {
            stream: Stream::Run(RunId(self.run)),
            seq: self.seq.cast_unsigned(),
            at_ms: self.at_ms,
            kind: self.kind.replace('_', "-"),
            actor,
            object: format!("run:{}", self.run),
            detail: json!({}),
            hash,
        })
    }
}

// Unused parameters still need a type that PostgreSQL can infer, hence the casts; a `null` parameter drops nothing.
macro_rules! entries {
    ($($leading:literal)?) => {
        concat!(
            "select seq, at_ms, kind, person, token, object, body, hash from audit_entry \
             where (at_ms, seq) < ($1, $2) and at_ms >= $3 ", $("and ", $leading,)?
            " and (cast($5 as text) is null or person = $5) and (cast($6 as text) is null or token = $6) \
              and (cast($7 as text) is null or kind = $7) and (cast($8 as text) is null or object = $8) \
              order by at_ms desc, seq desc limit $4"
        )
    };
}

const ENTRIES_BY_TIME: Sql = sql!(entries!());
const ENTRIES_BY_PERSON: Sql = sql!(entries!("person = $5"));
const ENTRIES_BY_KIND: Sql = sql!(entries!("kind = $7"));
const ENTRIES_BY_OBJECT: Sql = sql!(entries!("object = $8"));

// The list of kinds is that of the index, to the letter: otherwise no database would use it. Of somebody's events the
// bodies are asked before the runs: few of them are left to look up.
macro_rules! events {
    ($of_run:literal) => {
        concat!(
            "select event.run, event.seq, event.at_ms, event.kind, run.started_by, \
             case when event.kind = 'run_started' then null else event.body end as body, event.hash \
             from run_event as event join run on run.id = event.run \
             where (event.at_ms, event.run, event.seq) < ($1, $2, $3) and event.at_ms >= $4 and ",
            $of_run,
            " and event.kind not in ('host_proven', 'step_entered', 'wait_started', 'attempt_planned', \
             'attempt_running', 'attempt_unreachable', 'attempt_overdue', 'attempt_stop_failed', 'attempt_ended', \
             'guard_held', 'step_worked', 'verify_postponed', 'values_captured', 'retry_scheduled', 'step_finished') \
             and (cast($6 as text) is null or event.kind = $6) \
             and (event.kind in ('run_started', 'run_ended') or event.body like '%\"by\":\"%') \
             and (cast($7 as text) is null or event.kind = 'run_started' \
              or event.body like $9 escape '\\' or event.body like $10 escape '\\') \
             and (cast($7 as text) is null or event.kind <> 'run_started' \
              or run.started_by = $7 or run.started_by like $8 escape '\\') \
             order by event.at_ms desc, event.run desc, event.seq desc limit $5"
        )
    };
}

const EVENTS_BY_TIME: Sql = sql!(
    pg: events!("cast($11 as uuid) is null"),
    lite: events!("$11 is null")
);
const EVENTS_OF_RUN: Sql = sql!(events!("event.run = $11"));

pub(super) const STATEMENTS: &[Sql] =
    &[ENTRIES_BY_TIME, ENTRIES_BY_PERSON, ENTRIES_BY_KIND, ENTRIES_BY_OBJECT, EVENTS_BY_TIME, EVENTS_OF_RUN];

/// Statements with the index that each must walk.
#[cfg(test)]
pub(in crate::store) fn plans() -> [(&'static str, &'static str); 6] {
    [
        (ENTRIES_BY_TIME.lite, "audit_entry_by_time"),
        (ENTRIES_BY_PERSON.lite, "audit_entry_by_person"),
        (ENTRIES_BY_KIND.lite, "audit_entry_by_kind"),
        (ENTRIES_BY_OBJECT.lite, "audit_entry_by_object"),
        (EVENTS_BY_TIME.lite, "run_event_by_time"),
        (EVENTS_OF_RUN.lite, "run_event"),
    ]
}
