//! Records put together into what a viewer shows: rows of lines, in the order of their numbers.

use super::lines::{ROW_BYTES_MAX, slot};
use super::segment::Record;
use crate::run::outcome::Stream;

/// A line, or a bounded part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Number of its line in the attempt's log, from 1.
    pub line: u64,
    /// When its first byte arrived, milliseconds since the attempt's start.
    pub ms: u64,
    pub stream: Stream,
    /// As the host wrote it, secrets masked, with the newline if that is in it.
    pub bytes: Vec<u8>,
    /// Not the beginning of its line.
    pub continues: bool,
    /// Not the end of its line: more is in a further row, has not arrived, or was never written.
    pub continued: bool,
}

/// How much one answer may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    pub rows_max: usize,
    pub bytes_max: usize,
}

impl Default for PageLimits {
    /// The rows that a page shows of a step at first; and bytes for the longest of them to be seen.
    fn default() -> Self {
        Self { rows_max: 1500, bytes_max: 4 * 1024 * 1024 }
    }
}

/// Collects the rows of a range of lines from records in order of arrival.
pub struct RowCollector {
    from: u64,
    to: u64,
    limits: PageLimits,
    rows: Vec<Row>,
    bytes: usize,
    open: [OpenRow; 2],
    /// The first line that did not fit.
    overflow: Option<u64>,
    /// A line after the range has begun.
    passed: bool,
}

/// Where the next piece of a stream's unfinished line goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenRow {
    None,
    At(usize),
    /// The line goes on, but the page is full.
    Dropped,
}

impl RowCollector {
    /// For lines `from` to `to`, both included.
    pub fn new(from: u64, to: u64, limits: PageLimits) -> Self {
        Self { from, to, limits, rows: Vec::new(), bytes: 0, open: [OpenRow::None; 2], overflow: None, passed: false }
    }

    pub fn add(&mut self, record: &Record<'_>) {
        if record.line > self.to {
            self.passed |= record.marks.begins;
            return;
        }
        if record.line < self.from || self.overflow.is_some_and(|overflow| record.line >= overflow) {
            return;
        }
        let slot = slot(record.stream);
        let open = if record.marks.begins { OpenRow::None } else { self.open[slot] };
        let next = match open {
            OpenRow::At(index) if !record.marks.splits => self.extend(index, record),
            OpenRow::At(_) | OpenRow::None if self.has_room(record) => self.begin(record),
            OpenRow::None => {
                self.overflow = Some(record.line);
                OpenRow::Dropped
            }
            OpenRow::At(_) | OpenRow::Dropped => OpenRow::Dropped,
        };
        self.open[slot] = if record.marks.ends { OpenRow::None } else { next };
    }

    /// Nothing more can come into this page: the range has been passed and its lines have ended.
    pub fn is_done(&self) -> bool {
        self.is_past() && !self.open.iter().any(|open| matches!(open, OpenRow::At(_)))
    }

    /// The range has been passed or the page is full; only ends of its lines may still come.
    pub fn is_past(&self) -> bool {
        self.passed || self.overflow.is_some()
    }

    /// The rows in order of lines, and the first line that did not fit.
    pub fn finish(mut self) -> (Vec<Row>, Option<u64>) {
        self.rows.sort_by_key(|row| row.line);
        (self.rows, self.overflow)
    }

    fn has_room(&self, record: &Record<'_>) -> bool {
        self.rows.is_empty()
            || (self.rows.len() < self.limits.rows_max && self.bytes + record.bytes.len() <= self.limits.bytes_max)
    }

    fn begin(&mut self, record: &Record<'_>) -> OpenRow {
        self.bytes += record.bytes.len();
        self.rows.push(Row::of(record));
        OpenRow::At(self.rows.len() - 1)
    }

    /// A row is bounded by the writer, so rows in the page may grow to their end.
    fn extend(&mut self, index: usize, record: &Record<'_>) -> OpenRow {
        let row = &mut self.rows[index];
        debug_assert!(row.bytes.len() + record.bytes.len() <= ROW_BYTES_MAX + 1);
        self.bytes += record.bytes.len();
        row.bytes.extend_from_slice(record.bytes);
        row.continued = !record.marks.ends;
        OpenRow::At(index)
    }
}

impl Row {
    /// A record as a row of its own.
    pub fn of(record: &Record<'_>) -> Self {
        Self {
            line: record.line,
            ms: record.ms,
            stream: record.stream,
            bytes: record.bytes.to_vec(),
            continues: !record.marks.begins,
            continued: !record.marks.ends,
        }
    }
}
