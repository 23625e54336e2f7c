//! One attempt's segments in the store: decoded, by index or by line.

use bytes::Bytes;

use super::log::OutputError;
use super::merge::Merge;
use super::segment::{Segment, SegmentError, Start, start_of};
use super::writer::Cut;
use crate::id::AttemptId;
use crate::run::outcome::Offsets;
use crate::store::output::{
    AttemptOutput, NewSegment, OutputError as AppendError, OutputOwner, OutputTotals, RawOffsets, SegmentSelection,
    SegmentStored, WholeOutput,
};
use crate::store::{Store, StoreError, output};

/// Above every index and line; the store's numbers are signed.
const LAST: u64 = i64::MAX as u64;

/// A page of rows while looking for what to drop.
const ROWS_PAGE: u32 = 64;

/// A row may be dropped to keep the caps while it is being read; then the next one is read.
const DROPPED_TRIES_MAX: usize = 3;

/// The segments of one attempt.
pub struct Shelf {
    store: Store,
    attempt: AttemptId,
}

/// One row of the store: a segment, or several that were merged.
pub struct StoredSegments {
    pub idx: u64,
    pub idx_last: u64,
    pub segments: Vec<Segment>,
}

/// Output that was dropped to keep the caps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineGap {
    /// The last line that begins before it, and the first that begins behind it.
    pub after_line: u64,
    pub before_line: u64,
    /// What is missing.
    pub bytes: u64,
    pub lines: u64,
}

impl Shelf {
    pub fn new(store: Store, attempt: AttemptId) -> Self {
        Self { store, attempt }
    }

    pub fn attempt(&self) -> AttemptId {
        self.attempt
    }

    /// Makes the log unless it is there.
    pub async fn begin(&self, owner: &OutputOwner) -> Result<(), OutputError> {
        self.store.open_attempt_output(owner).await.map_err(|source| self.failed(source))
    }

    /// The log as it stands, if it was begun.
    pub async fn state(&self) -> Result<Option<AttemptOutput>, OutputError> {
        self.store.attempt_output(self.attempt).await.map_err(|source| self.failed(source))
    }

    /// Stores a segment and moves the offsets, or neither. Gives what was stored and where; nothing when
    /// only offsets moved, or when it was stored before.
    ///
    /// With an owner the log is made in the same transaction.
    pub async fn append(
        &self,
        opening: Option<&OutputOwner>,
        cut: &Cut,
        from: Offsets,
        totals: OutputTotals,
    ) -> Result<Option<(u64, NewSegment)>, OutputError> {
        let segment = new_segment(cut);
        let stored = match opening {
            Some(owner) => self.store.open_with_segment(owner, segment.as_ref(), raw(cut.raw), totals).await,
            None => self.store.append_segment(self.attempt, segment.as_ref(), raw(from), raw(cut.raw), totals).await,
        };
        match stored.map_err(|source| self.append_failed(source))? {
            SegmentStored::New { index } => Ok(index.zip(segment)),
            SegmentStored::Already => Ok(None),
        }
    }

    /// A log of one segment or none, not stored yet.
    pub fn whole(&self, owner: OutputOwner, cut: Option<&Cut>, totals: OutputTotals) -> WholeOutput {
        let counted =
            |cut: &Cut| OutputTotals { lines: cut.end.lines.begun, bytes: cut.end.before.iter().sum(), ..totals };
        WholeOutput {
            owner,
            segment: cut.and_then(new_segment),
            to: cut.map(|cut| raw(cut.raw)).unwrap_or_default(),
            totals: cut.map_or(totals, counted),
        }
    }

    /// Puts one row in the place of several.
    pub async fn merge(&self, merge: Merge) -> Result<(), OutputError> {
        let replaced = self.store.replace_segments(self.attempt, merge.rows, Some(&merge.merged)).await;
        replaced.map_err(|source| self.append_failed(source))
    }

    /// Changes the counts only. With an owner the log is made in the same transaction.
    pub async fn count(
        &self,
        opening: Option<&OutputOwner>,
        at: Offsets,
        totals: OutputTotals,
    ) -> Result<(), OutputError> {
        let stored = match opening {
            Some(owner) => self.store.open_with_segment(owner, None, raw(at), totals).await,
            None => self.store.append_segment(self.attempt, None, raw(at), raw(at), totals).await,
        };
        stored.map(|_stored: SegmentStored| ()).map_err(|source| self.append_failed(source))
    }

    /// Drops the rows from `first` to `last`.
    pub async fn drop_rows(&self, first: u64, last: u64) -> Result<(), OutputError> {
        let dropped = self.store.replace_segments(self.attempt, first..=last, None).await;
        dropped.map_err(|source| self.append_failed(source))
    }

    /// The row that holds this index, or else the next one.
    pub async fn at(&self, idx: u64) -> Result<Option<StoredSegments>, OutputError> {
        let Some((row, bytes)) = self.bytes_at(idx).await? else {
            return Ok(None);
        };
        let segments = Segment::decode_all(&bytes).map_err(|source| self.damaged(row.index, source))?;
        Ok(Some(StoredSegments { idx: row.index, idx_last: row.index_last, segments }))
    }

    /// The last row.
    pub async fn last(&self) -> Result<Option<StoredSegments>, OutputError> {
        match self.last_idx().await? {
            Some(idx) => self.at(idx).await,
            None => Ok(None),
        }
    }

    /// The last index of the last row.
    pub async fn last_idx(&self) -> Result<Option<u64>, OutputError> {
        Ok(self.rows(SegmentSelection::At(LAST), 1).await?.pop().map(|row| row.index_last))
    }

    /// The row before the one that begins at this index.
    pub async fn before(&self, idx: u64) -> Result<Option<StoredSegments>, OutputError> {
        match idx.checked_sub(1) {
            Some(before) => match self.rows(SegmentSelection::At(before), 1).await?.pop() {
                Some(row) => self.at(row.index).await,
                None => Ok(None),
            },
            None => Ok(None),
        }
    }

    /// The row in which a line begins, or else the next one.
    pub async fn beginning(&self, line: u64) -> Result<Option<StoredSegments>, OutputError> {
        match self.rows(SegmentSelection::Lines { first: line.min(LAST), last: LAST }, 1).await?.pop() {
            Some(row) => self.at(row.index).await,
            None => Ok(None),
        }
    }

    /// Where the row begins that holds this index, or else the next one.
    pub async fn start_at(&self, idx: u64) -> Result<Option<Start>, OutputError> {
        let Some((row, bytes)) = self.bytes_at(idx).await? else {
            return Ok(None);
        };
        start_of(&bytes).map(Some).map_err(|source| self.damaged(row.index, source))
    }

    /// Some rows behind an index (`None`: from the first), without their large bytes.
    pub async fn rows_after(&self, idx: Option<u64>) -> Result<Vec<output::Segment>, OutputError> {
        self.rows(idx.map_or(SegmentSelection::All, SegmentSelection::After), ROWS_PAGE).await
    }

    /// What is missing where rows are missing, told by what stands before and behind.
    pub async fn gap(&self) -> Result<Option<LineGap>, OutputError> {
        let hole = self.store.segment_hole(self.attempt).await.map_err(|source| self.failed(source))?;
        let Some((before, behind)) = hole else {
            return Ok(None);
        };
        let before = self.at(before).await?.and_then(|stored| stored.segments.last().map(Segment::end));
        let behind = self.start_at(behind).await?;
        let (before, behind) = (before.unwrap_or_default(), behind.unwrap_or_default());
        let bytes = |start: &Start| start.before.iter().sum::<u64>();
        Ok(Some(LineGap {
            after_line: before.lines.begun,
            before_line: behind.lines.begun + 1,
            bytes: bytes(&behind).saturating_sub(bytes(&before)),
            lines: behind.lines.begun.saturating_sub(before.lines.begun),
        }))
    }

    async fn bytes_at(&self, idx: u64) -> Result<Option<(output::Segment, Bytes)>, OutputError> {
        let mut tries = 0;
        loop {
            let Some(row) = self.row_at(idx).await? else {
                return Ok(None);
            };
            match self.store.segment_bytes(&row).await.map_err(|source| self.failed(source)) {
                Ok(bytes) => return Ok(Some((row, bytes))),
                Err(error) if error.is_missing_blob() && tries < DROPPED_TRIES_MAX => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    async fn row_at(&self, idx: u64) -> Result<Option<output::Segment>, OutputError> {
        let holding = self.rows(SegmentSelection::At(idx), 1).await?.pop();
        if let Some(row) = holding.filter(|row| row.index_last >= idx) {
            return Ok(Some(row));
        }
        Ok(self.rows(SegmentSelection::After(idx), 1).await?.pop())
    }

    async fn rows(&self, selection: SegmentSelection, limit: u32) -> Result<Vec<output::Segment>, OutputError> {
        self.store.segments(self.attempt, selection, limit).await.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: StoreError) -> OutputError {
        OutputError::Store { attempt: self.attempt, source: source.into() }
    }

    fn append_failed(&self, source: AppendError) -> OutputError {
        OutputError::Store { attempt: self.attempt, source }
    }

    fn damaged(&self, segment: u64, source: SegmentError) -> OutputError {
        OutputError::Damaged { attempt: self.attempt, segment, source }
    }
}

fn raw(offsets: Offsets) -> RawOffsets {
    RawOffsets { stdout: offsets.stdout, stderr: offsets.stderr }
}

/// What the store keeps of a cut; nothing when only offsets moved.
fn new_segment(cut: &Cut) -> Option<NewSegment> {
    (cut.bytes > 0).then(|| NewSegment {
        first_line: cut.first_line,
        last_line: cut.end.lines.begun,
        first_ms: cut.start.first_ms,
        last_ms: cut.end.first_ms,
        bytes_raw: cut.bytes,
        bytes: cut.stored.get().clone(),
    })
}
