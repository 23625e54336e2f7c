//! One output log an attempt: how far the host's streams are stored, and the segments that hold their bytes.
//!
//! The bytes of a segment are opaque here (the output pipeline encodes, redacts and compresses them). A small
//! segment lies in its row; a large one is a blob that is synced before the row that names it is committed.
//! A blob's key ends in the hash of its bytes, so two writers never change each other's blob, and a crash between
//! blob and row leaves at most a file that no row names.

mod rows;

use std::ops::RangeInclusive;

use bytes::Bytes;

use super::Store;
use super::blobs::BlobError;
use super::db::{StoreError, Tx, execute, fetch, read};
use crate::id::{AttemptId, Digest, HostName, RunId, StepId};
pub(super) use rows::STATEMENTS;
use rows::{
    DELETE_SEGMENTS, HOLE, INSERT_SEGMENT, LAST_INDEX, LIST, LOCK, OPEN, SEGMENT_AT, SEGMENTS_AFTER, SEGMENTS_IN,
    SEGMENTS_OF_LINES, UPDATE,
};
use rows::{FoundOutput, FoundSegment};

/// Segments below this many stored bytes lie in their row; a row of this size still commits about as fast as an
/// empty one, and a file each would cost a sync of its own.
pub const INLINE_BYTES_MAX: usize = 64 * 1024;

/// Segments of one read: with inline bytes, at most 4 MiB.
pub const SEGMENTS_PAGE_MAX: u32 = 64;

/// What an output log belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputOwner {
    pub attempt: AttemptId,
    pub run: RunId,
    pub step: StepId,
    pub host: HostName,
    /// Which attempt of the step on the host, from 1.
    pub number: u32,
    /// `run`, `verify`, `undo`, …
    pub purpose: String,
}

/// How many raw bytes of the host's two streams are stored. Raw means as the host wrote them, before redaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RawOffsets {
    pub stdout: u64,
    pub stderr: u64,
}

/// True counts of the whole log so far, also of what the caps dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutputTotals {
    pub lines: u64,
    pub bytes: u64,
    /// Of these, not kept because of the caps.
    pub lines_dropped: u64,
    pub bytes_dropped: u64,
    /// The attempt has ended and nothing will follow.
    pub finished: bool,
}

/// An output log as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptOutput {
    pub owner: OutputOwner,
    pub offsets: RawOffsets,
    pub totals: OutputTotals,
}

/// A segment to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSegment {
    pub first_line: u64,
    pub last_line: u64,
    /// Milliseconds since the attempt's start.
    pub first_ms: u64,
    pub last_ms: u64,
    /// Length of the decoded bytes.
    pub bytes_raw: u64,
    /// The encoded bytes.
    pub bytes: Bytes,
}

/// A stored segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its place in the log, from 0. A merged segment keeps the first index of those it replaced.
    pub index: u64,
    /// The last index it stands for; `index` unless merged.
    pub index_last: u64,
    pub first_line: u64,
    pub last_line: u64,
    pub first_ms: u64,
    pub last_ms: u64,
    pub bytes_raw: u64,
    pub place: SegmentPlace,
}

/// Where a segment's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegmentPlace {
    Inline(Bytes),
    /// Key of a blob.
    Blob(String),
}

/// Which segments to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentSelection {
    /// From the beginning.
    All,
    /// Those that hold any of these lines.
    Lines { first: u64, last: u64 },
    /// Those after this index: what a follower has not seen.
    After(u64),
    /// The last one that begins at or before this index, merged or not; for `i64::MAX` the last of all.
    At(u64),
}

/// All that an attempt has said, where that is little: stored with the events of its end, in their transaction
/// ([`Store::append_with_outputs`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeOutput {
    pub owner: OutputOwner,
    /// Below [`INLINE_BYTES_MAX`]; none if it said nothing.
    pub segment: Option<NewSegment>,
    pub to: RawOffsets,
    pub totals: OutputTotals,
}

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentStored {
    /// Stored under this index, or only offsets and totals when none was given.
    New { index: Option<u64> },
    /// These raw bytes were stored before: a replay after a crash. Nothing was changed.
    Already,
}

/// Why output was not stored.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// `open_attempt_output` was not called.
    #[error("attempt {attempt} has no output log")]
    NotOpen { attempt: AttemptId },
    /// Bytes would be lost or doubled: read again from `stored`.
    #[error("output of attempt {attempt} begins at {given:?}, but {stored:?} is stored")]
    NotContinuous { attempt: AttemptId, given: RawOffsets, stored: RawOffsets },
    /// The segments to merge are not there as described; nothing was changed.
    #[error("segments {first} to {last} of attempt {attempt} have changed since they were read")]
    Changed { attempt: AttemptId, first: u64, last: u64 },
    /// The database or the blob store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const STORE: &str = "store output";
const READ: &str = "read output";

impl Store {
    /// Makes the empty output log of an attempt. Safe to repeat.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_attempt_output(&self, owner: &OutputOwner) -> Result<(), StoreError> {
        let mut tx = self.db.begin(STORE).await?;
        self.insert_output(&mut tx, owner).await?;
        self.db.commit(tx, STORE).await
    }

    async fn insert_output(&self, tx: &mut Tx, owner: &OutputOwner) -> Result<(), StoreError> {
        execute!(
            *tx,
            OPEN,
            owner.attempt.0,
            owner.run.0,
            owner.step.as_str(),
            owner.host.as_str(),
            i64::from(owner.number),
            &owner.purpose
        )
        .map_err(self.db.failed(STORE))?;
        Ok(())
    }

    /// [`Store::open_attempt_output`] and [`Store::append_segment`] in one transaction: most attempts say little,
    /// and for them this is all that is stored.
    ///
    /// # Errors
    /// As of `append_segment`.
    pub async fn open_with_segment(
        &self,
        owner: &OutputOwner,
        segment: Option<&NewSegment>,
        to: RawOffsets,
        totals: OutputTotals,
    ) -> Result<SegmentStored, OutputError> {
        self.append_in_one(Some(owner), owner.run, owner.attempt, segment, (RawOffsets::default(), to), totals).await
    }

    /// Stores a segment (or none, when the caps dropped it) and moves the raw offsets from `from` to `to`, in one
    /// transaction: after a crash the bytes are stored and counted, or neither.
    ///
    /// # Errors
    /// `NotContinuous` unless `from` is what is stored or all of `to` is stored already.
    pub async fn append_segment(
        &self,
        attempt: AttemptId,
        segment: Option<&NewSegment>,
        from: RawOffsets,
        to: RawOffsets,
        totals: OutputTotals,
    ) -> Result<SegmentStored, OutputError> {
        // Looked at before the blob is written, which a replay need not do; and again under the lock.
        let run = match self.attempt_output(attempt).await? {
            None => return Err(OutputError::NotOpen { attempt }),
            Some(stored) => stored.owner.run,
        };
        self.append_in_one(None, run, attempt, segment, (from, to), totals).await
    }

    async fn append_in_one(
        &self,
        opening: Option<&OutputOwner>,
        run: RunId,
        attempt: AttemptId,
        segment: Option<&NewSegment>,
        (from, to): (RawOffsets, RawOffsets),
        totals: OutputTotals,
    ) -> Result<SegmentStored, OutputError> {
        let place = match segment {
            Some(segment) => Some(self.place_bytes(run, attempt, &segment.bytes).await?),
            None => None,
        };
        let mut tx = self.db.begin(STORE).await?;
        if let Some(owner) = opening {
            self.insert_output(&mut tx, owner).await?;
        }
        let stored = self.lock_offsets(&mut tx, attempt).await?;
        if stored != from {
            let is_replay = from != to && to.stdout <= stored.stdout && to.stderr <= stored.stderr;
            return match is_replay {
                true => Ok(SegmentStored::Already),
                false => Err(OutputError::NotContinuous { attempt, given: from, stored }),
            };
        }
        let mut index = None;
        if let (Some(segment), Some(place)) = (segment, place) {
            let next = self.next_index(&mut tx, attempt).await?;
            self.insert_segment(&mut tx, attempt, (next, next), segment, &place).await?;
            index = Some(next);
        }
        self.update_output(&mut tx, attempt, to, totals).await?;
        self.db.commit(tx, STORE).await?;
        Ok(SegmentStored::New { index })
    }

    /// Replaces all segments whose index lies in `range` by one that holds the same lines, or by none where a cap
    /// drops them; gives what it replaced. Their blobs are deleted after the commit.
    ///
    /// # Errors
    /// `Changed` when the range is not exactly covered by stored segments, so a merge that was overtaken by
    /// another does nothing.
    pub async fn replace_segments(
        &self,
        attempt: AttemptId,
        range: RangeInclusive<u64>,
        merged: Option<&NewSegment>,
    ) -> Result<(), OutputError> {
        let (first, last) = (*range.start(), *range.end());
        let run = match self.attempt_output(attempt).await? {
            None => return Err(OutputError::NotOpen { attempt }),
            Some(stored) => stored.owner.run,
        };
        let place = match merged {
            Some(segment) => Some(self.place_bytes(run, attempt, &segment.bytes).await?),
            None => None,
        };
        let mut tx = self.db.begin(STORE).await?;
        self.lock_offsets(&mut tx, attempt).await?;
        let replaced =
            fetch!(tx, fetch_all FoundSegment, SEGMENTS_IN, attempt.0, first.cast_signed(), last.cast_signed())
                .map_err(self.db.failed(STORE))?;
        let replaced: Vec<Segment> = replaced.into_iter().map(|found| self.segment(found)).collect::<Result<_, _>>()?;
        if !covers(&replaced, first, last) {
            return Err(OutputError::Changed { attempt, first, last });
        }
        execute!(tx, DELETE_SEGMENTS, attempt.0, first.cast_signed(), last.cast_signed())
            .map_err(self.db.failed(STORE))?;
        if let (Some(segment), Some(place)) = (merged, &place) {
            self.insert_segment(&mut tx, attempt, (first, last), segment, place).await?;
        }
        self.db.commit(tx, STORE).await?;
        self.delete_blobs_of(&replaced, place.as_ref()).await?;
        Ok(())
    }

    /// How far an attempt's streams are stored; none when its log was never opened.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn offsets(&self, attempt: AttemptId) -> Result<Option<RawOffsets>, StoreError> {
        Ok(self.attempt_output(attempt).await?.map(|output| output.offsets))
    }

    /// The output log of an attempt as it stands.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempt_output(&self, attempt: AttemptId) -> Result<Option<AttemptOutput>, StoreError> {
        let found = read!(self.db, fetch_optional FoundOutput, rows::GET, attempt.0).map_err(self.db.failed(READ))?;
        found.map(|found| found.into_output().map_err(|what| self.db.corrupt(READ, what))).transpose()
    }

    /// All output logs of a run, in the order in which their attempts were planned.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_outputs(&self, run: RunId) -> Result<Vec<AttemptOutput>, StoreError> {
        let found = read!(self.db, fetch_all FoundOutput, LIST, run.0).map_err(self.db.failed(READ))?;
        found.into_iter().map(|found| found.into_output().map_err(|what| self.db.corrupt(READ, what))).collect()
    }

    /// Segments in order, at most `limit` (and [`SEGMENTS_PAGE_MAX`]); go on with `After` the last `index_last`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn segments(
        &self,
        attempt: AttemptId,
        selection: SegmentSelection,
        limit: u32,
    ) -> Result<Vec<Segment>, StoreError> {
        let limit = i64::from(limit.min(SEGMENTS_PAGE_MAX));
        let found = match selection {
            SegmentSelection::All => read!(self.db, fetch_all FoundSegment, SEGMENTS_AFTER, attempt.0, -1_i64, limit),
            SegmentSelection::After(index) => {
                read!(self.db, fetch_all FoundSegment, SEGMENTS_AFTER, attempt.0, index.cast_signed(), limit)
            }
            SegmentSelection::At(index) => {
                read!(self.db, fetch_all FoundSegment, SEGMENT_AT, attempt.0, index.cast_signed())
            }
            SegmentSelection::Lines { first, last } => {
                let (first, last) = (first.cast_signed(), last.cast_signed());
                read!(self.db, fetch_all FoundSegment, SEGMENTS_OF_LINES, attempt.0, first, last, limit)
            }
        };
        found.map_err(self.db.failed(READ))?.into_iter().map(|found| self.segment(found)).collect()
    }

    /// The last index before, and the first behind, the place where segments are missing; none when none are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn segment_hole(&self, attempt: AttemptId) -> Result<Option<(u64, u64)>, StoreError> {
        let found = read!(self.db, fetch_optional(i64, i64), HOLE, attempt.0).map_err(self.db.failed(READ))?;
        Ok(found.map(|(before, behind)| (before.cast_unsigned(), behind.cast_unsigned())))
    }

    /// The encoded bytes of a segment.
    ///
    /// # Errors
    /// `Blob` with `Missing` when a merge has replaced the segment since it was read: read the segments again.
    pub async fn segment_bytes(&self, segment: &Segment) -> Result<Bytes, StoreError> {
        match &segment.place {
            SegmentPlace::Inline(bytes) => Ok(bytes.clone()),
            SegmentPlace::Blob(key) => self.blobs.get(key).await.map_err(blob_failed(READ)),
        }
    }

    /// Small bytes stay with the row; large ones are durable in a blob before the row is written.
    /// Stores a log of one segment, unless something of it is stored already.
    pub(super) async fn insert_whole(&self, tx: &mut Tx, whole: &WholeOutput) -> Result<(), StoreError> {
        let attempt = whole.owner.attempt;
        self.insert_output(tx, &whole.owner).await?;
        if self.next_index(tx, attempt).await? > 0 {
            return Ok(());
        }
        if let Some(segment) = &whole.segment {
            let place = SegmentPlace::Inline(segment.bytes.clone());
            self.insert_segment(tx, attempt, (0, 0), segment, &place).await?;
        }
        self.update_output(tx, attempt, whole.to, whole.totals).await
    }

    async fn place_bytes(&self, run: RunId, attempt: AttemptId, bytes: &Bytes) -> Result<SegmentPlace, StoreError> {
        if bytes.len() < INLINE_BYTES_MAX {
            return Ok(SegmentPlace::Inline(bytes.clone()));
        }
        let key = format!("output/{run}/{attempt}/{}", Digest::of(bytes));
        self.blobs.put(&key, bytes.clone()).await.map_err(blob_failed(STORE))?;
        Ok(SegmentPlace::Blob(key))
    }

    async fn lock_offsets(&self, tx: &mut Tx, attempt: AttemptId) -> Result<RawOffsets, OutputError> {
        let found = fetch!(*tx, fetch_optional(i64, i64), LOCK, attempt.0).map_err(self.db.failed(STORE))?;
        let (stdout, stderr) = found.ok_or(OutputError::NotOpen { attempt })?;
        Ok(RawOffsets { stdout: stdout.cast_unsigned(), stderr: stderr.cast_unsigned() })
    }

    async fn next_index(&self, tx: &mut Tx, attempt: AttemptId) -> Result<u64, StoreError> {
        let (last,) = fetch!(*tx, fetch_one(i64,), LAST_INDEX, attempt.0).map_err(self.db.failed(STORE))?;
        Ok((last + 1).cast_unsigned())
    }

    async fn insert_segment(
        &self,
        tx: &mut Tx,
        attempt: AttemptId,
        (index, index_last): (u64, u64),
        segment: &NewSegment,
        place: &SegmentPlace,
    ) -> Result<(), StoreError> {
        let (inline, key) = match place {
            SegmentPlace::Inline(bytes) => (Some(bytes.as_ref()), None),
            SegmentPlace::Blob(key) => (None, Some(key.as_str())),
        };
        execute!(
            *tx,
            INSERT_SEGMENT,
            attempt.0,
            index.cast_signed(),
            index_last.cast_signed(),
            segment.first_line.cast_signed(),
            segment.last_line.cast_signed(),
            segment.first_ms.cast_signed(),
            segment.last_ms.cast_signed(),
            segment.bytes_raw.cast_signed(),
            inline,
            key
        )
        .map(drop)
        .map_err(self.db.failed(STORE))
    }

    async fn update_output(
        &self,
        tx: &mut Tx,
        attempt: AttemptId,
        offsets: RawOffsets,
        totals: OutputTotals,
    ) -> Result<(), StoreError> {
        execute!(
            *tx,
            UPDATE,
            attempt.0,
            offsets.stdout.cast_signed(),
            offsets.stderr.cast_signed(),
            totals.lines.cast_signed(),
            totals.bytes.cast_signed(),
            totals.lines_dropped.cast_signed(),
            totals.bytes_dropped.cast_signed(),
            totals.finished
        )
        .map(drop)
        .map_err(self.db.failed(STORE))
    }

    /// A segment's bytes may equal those of the merged one, which then shares its key.
    async fn delete_blobs_of(&self, replaced: &[Segment], kept: Option<&SegmentPlace>) -> Result<(), StoreError> {
        for segment in replaced {
            match &segment.place {
                SegmentPlace::Blob(key) if kept != Some(&segment.place) => {
                    self.blobs.delete(key).await.map_err(blob_failed("delete replaced output"))?;
                }
                SegmentPlace::Blob(_) | SegmentPlace::Inline(_) => {}
            }
        }
        Ok(())
    }

    fn segment(&self, found: FoundSegment) -> Result<Segment, StoreError> {
        found.into_segment().map_err(|what| self.db.corrupt(READ, what))
    }
}

pub(super) fn blob_failed(attempted: &'static str) -> impl FnOnce(BlobError) -> StoreError {
    move |source| StoreError::Blob { attempted, source: Box::new(source) }
}

fn covers(segments: &[Segment], first: u64, last: u64) -> bool {
    let begins_and_ends = segments.first().is_some_and(|segment| segment.index == first)
        && segments.last().is_some_and(|segment| segment.index_last == last);
    begins_and_ends && segments.windows(2).all(|pair| pair[0].index_last + 1 == pair[1].index)
}
