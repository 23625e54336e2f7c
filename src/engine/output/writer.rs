//! From arrivals to segments, without a store and without a clock: masks, numbers lines, cuts.

use std::sync::Arc;

use bytes::Bytes;

use super::lines::slot;
use super::segment::{SegmentBuilder, Start};
use crate::redact::{Needles, Redacted, Redactor, Released};
use crate::run::outcome::{Offsets, Stream};
use crate::transport::CHUNK_BYTES_MAX;

/// A segment is cut when its body reaches this: small enough to open one line in a millisecond, large
/// enough that a gigabyte is four thousand of them. The last chunk may go over it.
pub const SEGMENT_BYTES: usize = 256 * 1024;

/// Bytes wait at most this long before they are stored and shown.
pub const FLUSH_AFTER_MS: u64 = 150;

/// How much of each stream is kept at hand for captures and conditions.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// An arrival that does not follow what has arrived before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{stream:?} goes on at byte {found}, but only {expected} bytes came before")]
pub struct Gap {
    pub stream: Stream,
    pub expected: u64,
    pub found: u64,
}

/// A finished segment, and what is true once it is stored.
#[derive(Debug, Clone)]
pub struct Cut {
    /// The stored form.
    pub stored: Redacted<Bytes>,
    pub start: Start,
    pub end: Start,
    /// Raw bytes of each stream that this and all segments before it stand for.
    pub raw: Offsets,
    /// The lowest line that may have bytes in it.
    pub first_line: u64,
    /// Masked bytes in it; 0 when only offsets moved.
    pub bytes: u64,
}

/// The first bytes of a stream, masked.
#[derive(Debug, Clone)]
pub struct Head(Redacted<Vec<u8>>);

/// One attempt's output on its way to the store. Holds at most one segment, one chunk and what the
/// redactors hold back, however long the lines are.
pub struct Writer {
    redactors: [Redactor; 2],
    /// Raw bytes taken, including those that a redactor holds back.
    taken: [u64; 2],
    /// Raw bytes that are in segments.
    released: [u64; 2],
    segment: SegmentBuilder,
    /// Arrival of the oldest byte not cut yet, milliseconds since 1970.
    oldest_ms: Option<u64>,
    heads: [Head; 2],
}

impl Writer {
    /// Goes on where `start` ends; `raw` bytes of each stream are in segments by now.
    pub fn new(needles: &Arc<Needles>, start: Start, raw: Offsets, heads: [Head; 2]) -> Self {
        let raw = [raw.stdout, raw.stderr];
        Self {
            redactors: [Redactor::new(Arc::clone(needles)), Redactor::new(Arc::clone(needles))],
            taken: raw,
            released: raw,
            segment: SegmentBuilder::new(start),
            oldest_ms: None,
            heads,
        }
    }

    /// Takes bytes of a stream. What has been taken before (a follower that began early) is passed over.
    ///
    /// # Errors
    /// When bytes are missing before these; nothing is taken then.
    pub fn push(&mut self, stream: Stream, offset: u64, mut bytes: Bytes, now_ms: u64) -> Result<(), Gap> {
        let expected = self.taken[slot(stream)];
        if offset > expected {
            return Err(Gap { stream, expected, found: offset });
        }
        let known = usize::try_from(expected - offset).unwrap_or(usize::MAX).min(bytes.len());
        let _known = bytes.split_to(known);
        if !bytes.is_empty() {
            self.taken[slot(stream)] += bytes.len() as u64;
            let released = self.redactors[slot(stream)].push(bytes);
            self.add(stream, &released, now_ms);
        }
        Ok(())
    }

    /// No more bytes will come: what was held back goes into the last segment.
    pub fn finish(&mut self, now_ms: u64) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let released = self.redactors[slot(stream)].finish();
            self.add(stream, &released, now_ms);
        }
    }

    fn add(&mut self, stream: Stream, released: &Released, now_ms: u64) {
        if released.raw_bytes > 0 {
            self.oldest_ms.get_or_insert(now_ms);
        }
        self.released[slot(stream)] += released.raw_bytes;
        self.heads[slot(stream)].add(&released.bytes);
        self.segment.push(now_ms.saturating_sub(self.segment.start().started_ms), stream, &released.bytes);
    }

    /// Whether a segment should be cut now, for its size or its age.
    pub fn is_due(&self, now_ms: u64) -> bool {
        self.segment.body_bytes() >= SEGMENT_BYTES || self.due_ms().is_some_and(|due_ms| due_ms <= now_ms)
    }

    /// When the bytes at hand should be stored, if there are any.
    pub fn due_ms(&self) -> Option<u64> {
        self.oldest_ms.map(|oldest_ms| oldest_ms + FLUSH_AFTER_MS)
    }

    /// The segment as it is, if anything is in it. It stays until [`Writer::cut_done`].
    pub fn cut(&self) -> Option<Cut> {
        self.oldest_ms?;
        let (start, end) = (self.segment.start().clone(), self.segment.end().clone());
        let open = [Stream::Stdout, Stream::Stderr].map(|stream| start.lines.open(stream));
        let first_line = open.iter().flatten().map(|open| open.number).fold(start.lines.begun + 1, u64::min);
        let bytes = end.before.iter().sum::<u64>() - start.before.iter().sum::<u64>();
        Some(Cut { stored: self.segment.encode(), start, end, raw: self.released(), first_line, bytes })
    }

    /// The segment is stored; begins the next.
    pub fn cut_done(&mut self) {
        self.segment = SegmentBuilder::new(self.segment.end().clone());
        self.oldest_ms = None;
    }

    /// Raw bytes of each stream that are in segments (stored, or at hand).
    pub fn released(&self) -> Offsets {
        Offsets { stdout: self.released[0], stderr: self.released[1] }
    }

    /// What is true behind the last byte at hand.
    pub fn end(&self) -> &Start {
        self.segment.end()
    }

    pub fn heads(&self) -> &[Head; 2] {
        &self.heads
    }

    /// Length of the segment at hand.
    pub fn segment_bytes(&self) -> usize {
        self.segment.body_bytes()
    }

    /// Bytes kept in memory.
    pub fn buffered_bytes(&self) -> usize {
        let held: usize = self.redactors.iter().map(Redactor::held_bytes).sum();
        held + self.segment.body_bytes()
    }
}

/// The longest piece to push at once, so that a segment stays near its size.
pub fn chunks(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || (!bytes.is_empty()).then(|| bytes.split_to(bytes.len().min(CHUNK_BYTES_MAX))))
}

impl Default for Head {
    fn default() -> Self {
        Self(Redacted::empty())
    }
}

impl Head {
    /// Adds what still fits.
    pub fn add<B: AsRef<[u8]>>(&mut self, bytes: &Redacted<B>) {
        self.0.take_in(bytes, |head, bytes| {
            let bytes = bytes.as_ref();
            head.extend_from_slice(&bytes[..bytes.len().min(HEAD_BYTES_MAX - head.len())]);
        });
    }

    fn is_full(&self) -> bool {
        self.0.get().len() == HEAD_BYTES_MAX
    }

    /// As text: what is not UTF-8 replaced, a letter cut by the limit left out.
    pub fn text(&self) -> Redacted<String> {
        self.0.by_ref().map(|bytes| {
            let whole = match std::str::from_utf8(bytes) {
                Err(error) if error.error_len().is_none() && self.is_full() => error.valid_up_to(),
                Err(_) | Ok(_) => bytes.len(),
            };
            String::from_utf8_lossy(&bytes[..whole]).into_owned()
        })
    }
}
