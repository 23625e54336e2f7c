//! Rows and statements of output logs.

use bytes::Bytes;
use uuid::Uuid;

use super::{AttemptOutput, OutputOwner, OutputTotals, RawOffsets, Segment, SegmentPlace};
use crate::id::{AttemptId, InvalidId, RunId};
use crate::store::db::{Sql, sql};

#[derive(sqlx::FromRow)]
pub(super) struct FoundOutput {
    attempt: Uuid,
    run: Uuid,
    step: String,
    host: String,
    number: i64,
    purpose: String,
    stdout_raw: i64,
    stderr_raw: i64,
    lines: i64,
    bytes: i64,
    lines_dropped: i64,
    bytes_dropped: i64,
    finished: bool,
}

impl FoundOutput {
    pub fn into_output(self) -> Result<AttemptOutput, InvalidId> {
        Ok(AttemptOutput {
            owner: OutputOwner {
                attempt: AttemptId(self.attempt),
                run: RunId(self.run),
                step: self.step.try_into()?,
                host: self.host.try_into()?,
                number: u32::try_from(self.number).unwrap_or(u32::MAX),
                purpose: self.purpose,
            },
            offsets: RawOffsets { stdout: self.stdout_raw.cast_unsigned(), stderr: self.stderr_raw.cast_unsigned() },
            totals: OutputTotals {
                lines: self.lines.cast_unsigned(),
                bytes: self.bytes.cast_unsigned(),
                lines_dropped: self.lines_dropped.cast_unsigned(),
                bytes_dropped: self.bytes_dropped.cast_unsigned(),
                finished: self.finished,
            },
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct FoundSegment {
    idx: i64,
    idx_last: i64,
    first_line: i64,
    last_line: i64,
    first_ms: i64,
    last_ms: i64,
    bytes_raw: i64,
    inline: Option<Vec<u8>>,
    blob_key: Option<String>,
}

impl FoundSegment {
    pub fn into_segment(self) -> Result<Segment, &'static str> {
        let place = match (self.inline, self.blob_key) {
            (Some(bytes), None) => SegmentPlace::Inline(Bytes::from(bytes)),
            (None, Some(key)) => SegmentPlace::Blob(key),
            (Some(_), Some(_)) | (None, None) => return Err("a segment has not exactly one place for its bytes"),
        };
        Ok(Segment {
            index: self.idx.cast_unsigned(),
            index_last: self.idx_last.cast_unsigned(),
            first_line: self.first_line.cast_unsigned(),
            last_line: self.last_line.cast_unsigned(),
            first_ms: self.first_ms.cast_unsigned(),
            last_ms: self.last_ms.cast_unsigned(),
            bytes_raw: self.bytes_raw.cast_unsigned(),
            place,
        })
    }
}

macro_rules! output_columns {
    () => {
        "select attempt, run, step, host, number, purpose, stdout_raw, stderr_raw, lines, bytes, lines_dropped, \
         bytes_dropped, finished from attempt_output "
    };
}
macro_rules! segment_columns {
    () => {
        "select idx, idx_last, first_line, last_line, first_ms, last_ms, bytes_raw, inline, blob_key \
         from output_segment where attempt = $1 "
    };
}

pub(super) const OPEN: Sql = sql!(
    "insert into attempt_output (attempt, run, step, host, number, purpose, stdout_raw, stderr_raw, lines, bytes, \
     lines_dropped, bytes_dropped, finished) values ($1, $2, $3, $4, $5, $6, 0, 0, 0, 0, 0, 0, false) \
     on conflict (attempt) do nothing"
);
pub(super) const GET: Sql = sql!(concat!(output_columns!(), "where attempt = $1"));
pub(super) const LIST: Sql = sql!(concat!(output_columns!(), "where run = $1 order by attempt"));
pub(super) const LOCK: Sql = sql!(
    pg: "select stdout_raw, stderr_raw from attempt_output where attempt = $1 for update",
    lite: "select stdout_raw, stderr_raw from attempt_output where attempt = $1"
);
pub(super) const UPDATE: Sql = sql!(
    "update attempt_output set stdout_raw = $2, stderr_raw = $3, lines = $4, bytes = $5, lines_dropped = $6, \
     bytes_dropped = $7, finished = $8 where attempt = $1"
);
pub(super) const LAST_INDEX: Sql = sql!("select coalesce(max(idx_last), -1) from output_segment where attempt = $1");
pub(super) const INSERT_SEGMENT: Sql = sql!(
    "insert into output_segment (attempt, idx, idx_last, first_line, last_line, first_ms, last_ms, bytes_raw, inline, \
     blob_key) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
);
pub(super) const DELETE_SEGMENTS: Sql =
    sql!("delete from output_segment where attempt = $1 and idx >= $2 and idx <= $3");
pub(super) const SEGMENT_AT: Sql = sql!(concat!(segment_columns!(), "and idx <= $2 order by idx desc limit 1"));
pub(super) const SEGMENTS_AFTER: Sql = sql!(concat!(segment_columns!(), "and idx > $2 order by idx limit $3"));
pub(super) const SEGMENTS_IN: Sql = sql!(concat!(segment_columns!(), "and idx >= $2 and idx <= $3 order by idx"));
/// In the order of the index over lines, so that a line in the middle of four thousand segments is one step down a
/// tree: the last line of a segment never decreases from one segment to the next.
pub(super) const SEGMENTS_OF_LINES: Sql =
    sql!(concat!(segment_columns!(), "and last_line >= $2 and first_line <= $3 order by last_line, idx limit $4"));
/// Where rows are missing, told by numbers alone: bytes that lie in rows are not read.
pub(super) const HOLE: Sql = sql!(
    "select found.before, found.idx from (select idx, lag(idx_last) over (order by idx) as before \
     from output_segment where attempt = $1) as found where found.before + 1 < found.idx order by found.idx limit 1"
);

/// For the statement test.
pub(in crate::store) const STATEMENTS: &[Sql] = &[
    OPEN,
    GET,
    LIST,
    LOCK,
    UPDATE,
    LAST_INDEX,
    INSERT_SEGMENT,
    DELETE_SEGMENTS,
    SEGMENT_AT,
    SEGMENTS_AFTER,
    SEGMENTS_IN,
    SEGMENTS_OF_LINES,
    HOLE,
];
