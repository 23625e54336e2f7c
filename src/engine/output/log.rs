//! One attempt's output while it arrives: masks, cuts, stores, keeps the limits, and goes on after a crash.

use std::sync::Arc;

use super::caps::{Caps, Keeper, recount_dropped};
use super::lines::slot;
use super::merge::Merger;
use super::read::{OutputReader, Source};
use super::segment::{Segment, SegmentError, Start};
use super::shelf::Shelf;
use super::writer::{Gap, HEAD_BYTES_MAX, Head, SEGMENT_BYTES, Writer, chunks};
use crate::id::AttemptId;
use crate::redact::{Needles, Redacted};
use crate::run::outcome::{Offsets, Stream};
use crate::store::output::{INLINE_BYTES_MAX, OutputError as AppendError, OutputOwner, OutputTotals, WholeOutput};
use crate::store::{BlobError, Store, StoreError};
use crate::transport::Arrival;

/// A log up to this is stored with the events of its end. Half of what lies in a row: what the redactors still hold
/// back comes on top, and many attempts may end in one transaction.
const WHOLE_BYTES_MAX: usize = INLINE_BYTES_MAX / 2;

/// What a log must know of its attempt.
#[derive(Clone)]
pub struct LogMeta {
    /// Whose output it is.
    pub owner: OutputOwner,
    /// When the attempt was begun, milliseconds since 1970. After a crash the stored time counts.
    pub started_ms: u64,
    /// The run's secrets.
    pub needles: Arc<Needles>,
    pub caps: Caps,
}

/// Why output could not be taken. Nothing that was taken before is lost; the same call may be made again.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error("could not store output of attempt {attempt}")]
    Store { attempt: AttemptId, source: AppendError },
    #[error("output of attempt {attempt} is missing")]
    Missing { attempt: AttemptId, source: Gap },
    #[error("stored output of attempt {attempt} cannot be read (segment {segment})")]
    Damaged { attempt: AttemptId, segment: u64, source: SegmentError },
}

impl OutputError {
    /// Whether space is missing: the run pauses and says so, and the call may be made again later.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Store { source: AppendError::Store(source), .. } if source.is_disk_full())
    }

    /// Whether a row was dropped or merged between finding and reading it.
    pub(super) fn is_missing_blob(&self) -> bool {
        let Self::Store { source: AppendError::Store(StoreError::Blob { source, .. }), .. } = self else {
            return false;
        };
        matches!(**source, BlobError::Missing { .. })
    }

    /// Whether the same call may succeed later: the disk has no room, the database is busy or away.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Store { source: AppendError::Store(source), .. } if source.may_pass())
    }
}

/// What is known of an attempt's output when it has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSummary {
    /// The first 64 KiB of each stream, masked, what is not UTF-8 replaced.
    pub stdout_head: Redacted<String>,
    pub stderr_head: Redacted<String>,
    /// Masked bytes of both streams, and lines, including what the caps dropped.
    pub bytes: u64,
    pub lines: u64,
    pub bytes_dropped: u64,
    pub lines_dropped: u64,
}

/// The log of one attempt, held by whoever performs it. Time is an argument: milliseconds since 1970.
///
/// A crash at any moment loses only bytes that [`AttemptLog::offsets`] does not count: following the
/// attempt from there brings them again.
pub struct AttemptLog {
    shelf: Shelf,
    writer: Writer,
    keeper: Keeper,
    merger: Merger,
    totals: OutputTotals,
    /// Raw bytes that are stored.
    stored: Offsets,
    /// Set until the first transaction of a new log.
    opening: Option<OutputOwner>,
}

impl AttemptLog {
    /// The log of an attempt that was just planned: nothing of it is stored, and nothing is until it says something
    /// or ends. After a crash in between, [`AttemptLog::open`] begins anew.
    pub fn create(store: &Store, meta: LogMeta) -> Self {
        let start = Start { started_ms: meta.started_ms, ..Start::default() };
        Self {
            shelf: Shelf::new(store.clone(), meta.owner.attempt),
            writer: Writer::new(&meta.needles, start, Offsets::default(), Default::default()),
            keeper: Keeper::new(meta.caps),
            merger: Merger::default(),
            totals: OutputTotals::default(),
            stored: Offsets::default(),
            opening: Some(meta.owner),
        }
    }

    /// Begins the log of an attempt, or takes up the one that a crash left.
    ///
    /// # Errors
    /// When the store fails, or what it holds cannot be read.
    pub async fn open(store: &Store, meta: LogMeta) -> Result<Self, OutputError> {
        let shelf = Shelf::new(store.clone(), meta.owner.attempt);
        shelf.begin(&meta.owner).await?;
        let (offsets, mut totals) = shelf.state().await?.map(|state| (state.offsets, state.totals)).unwrap_or_default();
        let last = shelf.last().await?.and_then(|last| last.segments.last().map(Segment::end));
        let start = last.unwrap_or_else(|| Start { started_ms: meta.started_ms, ..Start::default() });
        let stored = Offsets { stdout: offsets.stdout, stderr: offsets.stderr };
        let heads = stored_heads(store, meta.owner.attempt, &start).await?;
        let writer = Writer::new(&meta.needles, start, stored, heads);
        if totals.bytes_dropped > 0 {
            recount_dropped(&shelf, &mut totals).await?;
        }
        Ok(Self {
            shelf,
            writer,
            keeper: Keeper::new(meta.caps),
            merger: Merger::default(),
            totals,
            stored,
            opening: None,
        })
    }

    /// Raw bytes of each stream that are stored: where the transport must go on after a crash.
    pub fn offsets(&self) -> Offsets {
        self.stored
    }

    /// Takes what has arrived. `Running` changes nothing here.
    ///
    /// # Errors
    /// When it cannot be stored (the same arrival may be pushed again), or when bytes are missing before it.
    pub async fn push(&mut self, arrival: &Arrival, now_ms: u64) -> Result<(), OutputError> {
        let Arrival::Bytes { stream, offset, bytes } = arrival else {
            return Ok(());
        };
        let mut offset = *offset;
        for chunk in chunks(bytes.clone()) {
            // Only after a failure: the store must take this before more is taken into memory.
            if self.writer.segment_bytes() >= SEGMENT_BYTES {
                self.flush().await?;
            }
            let length = chunk.len() as u64;
            let attempt = self.shelf.attempt();
            let missing = |source| OutputError::Missing { attempt, source };
            self.writer.push(*stream, offset, chunk, now_ms).map_err(missing)?;
            offset += length;
            self.tick(now_ms).await?;
        }
        Ok(())
    }

    /// Stores what has waited long enough. To be called at [`AttemptLog::due_ms`].
    ///
    /// # Errors
    /// When the store fails; what is at hand stays.
    pub async fn tick(&mut self, now_ms: u64) -> Result<(), OutputError> {
        if self.writer.is_due(now_ms) {
            self.flush().await?;
        }
        Ok(())
    }

    /// When [`AttemptLog::tick`] has something to do, milliseconds since 1970.
    pub fn due_ms(&self) -> Option<u64> {
        self.writer.due_ms()
    }

    /// The attempt has ended and all its bytes were pushed: stores the rest. May be repeated.
    ///
    /// # Errors
    /// When the store fails; what is at hand stays.
    pub async fn finish(&mut self, now_ms: u64) -> Result<LogSummary, OutputError> {
        self.end(now_ms);
        if !self.flush().await? {
            self.shelf.count(self.opening.as_ref(), self.stored, self.totals).await?;
            self.opening = None;
        }
        Ok(self.summary())
    }

    /// The attempt has ended, and nothing of it is stored because it said little: all of it, to be stored with the
    /// events of its end. None for any other log: [`AttemptLog::finish`] it.
    pub fn finish_whole(&mut self, now_ms: u64) -> Option<(LogSummary, WholeOutput)> {
        if self.opening.is_none() || self.writer.segment_bytes() >= WHOLE_BYTES_MAX {
            return None;
        }
        self.end(now_ms);
        let owner = self.opening.take()?;
        let whole = self.shelf.whole(owner, self.writer.cut().as_ref(), self.totals);
        Some((self.summary(), whole))
    }

    fn end(&mut self, now_ms: u64) {
        self.writer.finish(now_ms);
        self.totals.finished = true;
    }

    fn summary(&self) -> LogSummary {
        let end = self.writer.end();
        let [stdout, stderr] = self.writer.heads();
        LogSummary {
            stdout_head: stdout.text(),
            stderr_head: stderr.text(),
            bytes: end.before.iter().sum(),
            lines: end.lines.begun,
            bytes_dropped: self.totals.bytes_dropped,
            lines_dropped: self.totals.lines_dropped,
        }
    }

    /// The first 64 KiB of a stream so far, masked.
    pub fn head(&self, stream: Stream) -> Redacted<String> {
        self.writer.heads()[slot(stream)].text()
    }

    /// Bytes kept in memory: at most a segment, a chunk and what the redactors hold back.
    pub fn buffered_bytes(&self) -> usize {
        self.writer.buffered_bytes()
    }

    /// False if there was nothing to store.
    async fn flush(&mut self) -> Result<bool, OutputError> {
        let Some(cut) = self.writer.cut() else {
            return Ok(false);
        };
        let totals = OutputTotals { lines: cut.end.lines.begun, bytes: cut.end.before.iter().sum(), ..self.totals };
        let appended = self.shelf.append(self.opening.as_ref(), &cut, self.stored, totals).await?;
        self.opening = None;
        (self.stored, self.totals) = (cut.raw, totals);
        self.writer.cut_done();
        if let Some(merge) = appended.and_then(|(idx, segment)| self.merger.add(idx, segment)) {
            self.shelf.merge(merge).await?;
        }
        if self.keeper.keep(&self.shelf, self.stored, &mut self.totals).await? {
            self.merger.forget();
        }
        Ok(true)
    }
}

/// The first bytes of each stream, as far as they are stored.
async fn stored_heads(store: &Store, attempt: AttemptId, end: &Start) -> Result<[Head; 2], OutputError> {
    let reader = OutputReader::new(store.clone(), attempt);
    let mut heads = [Head::default(), Head::default()];
    for stream in [Stream::Stdout, Stream::Stderr].into_iter().filter(|stream| end.before[slot(*stream)] > 0) {
        let part = reader.raw(Source::One(stream), 0, HEAD_BYTES_MAX).await?;
        if part.offset == 0 {
            heads[slot(stream)].add(&Redacted::read_back(part.bytes));
        }
    }
    Ok(heads)
}
