//! The replacer itself: bytes of one stream in, masked bytes out, whatever the chunks.
//!
//! Why a resume loses and leaks nothing. Take every occurrence of every needle and format in the whole stream, and
//! join those that overlap into *stretches*; each stretch is replaced by one mask. Bytes leave only up to
//! a place that no occurrence, past or still possible, spans: behind the longest ending that could become
//! a needle, and never inside a stretch. So at each released offset the occurrences fall into those that
//! end before it and those that begin after it, and a new redactor that reads on from there finds exactly
//! the stretches that the old one would have found.

use std::sync::Arc;

use aho_corasick::PatternID;
use aho_corasick::automaton::StateID;
use bytes::{Bytes, BytesMut};

use super::formats::{Scanner, Seen};
use super::{Needles, Redacted};

/// Replaces secrets in one stream. Holds back fewer bytes than the longest needle has, and what may yet turn out to be a
/// credential ([`super::formats`]): a private key up to its END line.
///
/// A secret that overlaps itself (`aaaa`) may repeat into a stretch of any length; it costs no memory,
/// but nothing is released before it ends.
pub struct Redactor {
    needles: Arc<Needles>,
    state: StateID,
    /// Raw bytes read and released so far.
    read: u64,
    released: u64,
    /// Read, not released, and not inside a stretch that began before them.
    held: Bytes,
    /// Offset of the first held byte.
    held_from: u64,
    /// Found and not yet replaced, in order, none overlapping another.
    stretches: Vec<Stretch>,
    formats: Scanner,
}

/// What a redactor lets go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    pub bytes: Redacted<Bytes>,
    /// How many raw bytes these stand for: reading may be resumed after them.
    pub raw_bytes: u64,
}

struct Stretch {
    start: u64,
    end: u64,
    mask: Mask,
}

/// What replaces a stretch: the mask of what begins first in it; of several that begin there, that of the longest
/// needle, and of a format only if there is no needle.
#[derive(Clone, Copy)]
enum Mask {
    Needle(PatternID),
    Format(&'static str),
}

impl Redactor {
    pub fn new(needles: Arc<Needles>) -> Self {
        let state = needles.start();
        Self {
            needles,
            state,
            read: 0,
            released: 0,
            held: Bytes::new(),
            held_from: 0,
            stretches: Vec::new(),
            formats: Scanner::default(),
        }
    }

    /// Takes the next bytes; gives what is safe by now. Copies nothing where nothing is masked or held.
    pub fn push(&mut self, chunk: Bytes) -> Released {
        if self.needles.is_empty() {
            self.read += chunk.len() as u64;
        } else {
            for byte in &chunk {
                self.read_byte(*byte);
            }
        }
        let mut seen = Vec::new();
        self.formats.read(&chunk, &mut seen);
        seen.into_iter().for_each(|seen| self.add_format(seen));
        let safe_end = (self.read - self.needles.depth(self.state) as u64).min(self.formats.decided());
        self.hold(chunk);
        self.release(safe_end)
    }

    /// The stream has ended: gives what was held back, which can no longer become a secret.
    pub fn finish(&mut self) -> Released {
        self.state = self.needles.start();
        let mut seen = Vec::new();
        self.formats.finish(&mut seen);
        seen.into_iter().for_each(|seen| self.add_format(seen));
        self.release(self.read)
    }

    /// Bytes kept in memory.
    pub fn held_bytes(&self) -> usize {
        self.held.len()
    }

    fn read_byte(&mut self, byte: u8) {
        self.state = self.needles.next(self.state, byte);
        self.read += 1;
        if let Some((length, needle)) = self.needles.longest_match(self.state) {
            self.add_match(self.read - length as u64, needle);
        }
    }

    /// A match that ends here reaches further than all before it, so only its start decides what it joins.
    fn add_match(&mut self, start: u64, needle: PatternID) {
        let mut stretch = Stretch { start, end: self.read, mask: Mask::Needle(needle) };
        while let Some(last) = self.stretches.pop_if(|last| last.end > start) {
            // A format was found for itself and may reach further than what the needles have come to.
            stretch.end = stretch.end.max(last.end);
            if last.start < stretch.start {
                (stretch.start, stretch.mask) = (last.start, last.mask);
            }
        }
        self.stretches.push(stretch);
    }

    /// A format is found late, so needles may lie before, in and behind it.
    fn add_format(&mut self, seen: Seen) {
        let first = self.stretches.partition_point(|stretch| stretch.end <= seen.start);
        let last = self.stretches.partition_point(|stretch| stretch.start < seen.end);
        let mut stretch = Stretch { start: seen.start, end: seen.end, mask: Mask::Format(seen.mask) };
        for joined in self.stretches.drain(first..last) {
            stretch.end = stretch.end.max(joined.end);
            if joined.start <= stretch.start {
                (stretch.start, stretch.mask) = (joined.start, joined.mask);
            }
        }
        self.stretches.insert(first, stretch);
    }

    fn hold(&mut self, chunk: Bytes) {
        self.held = if self.held.is_empty() {
            self.held_from = self.read - chunk.len() as u64;
            chunk
        } else {
            let mut joined = BytesMut::with_capacity(self.held.len() + chunk.len());
            joined.extend_from_slice(&self.held);
            joined.extend_from_slice(&chunk);
            joined.freeze()
        };
    }

    /// Releases up to `safe_end`, or up to the stretch that spans it.
    fn release(&mut self, safe_end: u64) -> Released {
        let final_stretches = self.stretches.partition_point(|stretch| stretch.end <= safe_end);
        let open_start = self.stretches.get(final_stretches).map_or(safe_end, |stretch| stretch.start.min(safe_end));
        let before = self.released;
        let bytes = self.replace(final_stretches, open_start);
        self.released = open_start;
        self.drop_masked();
        Released { bytes: Redacted(bytes), raw_bytes: self.released - before }
    }

    /// The bytes up to `end` with the first `count` stretches replaced.
    fn replace(&mut self, count: usize, end: u64) -> Bytes {
        if count == 0 {
            return self.take_held(end);
        }
        let mut out = BytesMut::new();
        for stretch in self.stretches.drain(..count).collect::<Vec<_>>() {
            out.extend_from_slice(&self.take_held(stretch.start));
            out.extend_from_slice(match stretch.mask {
                Mask::Needle(needle) => self.needles.mask(needle).as_bytes(),
                Mask::Format(mask) => mask.as_bytes(),
            });
            let _masked = self.take_held(stretch.end);
        }
        out.extend_from_slice(&self.take_held(end));
        out.freeze()
    }

    /// The held bytes before `end`; none when a stretch has swallowed them already.
    fn take_held(&mut self, end: u64) -> Bytes {
        let count = usize::try_from(end.saturating_sub(self.held_from)).unwrap_or(usize::MAX).min(self.held.len());
        self.held_from += count as u64;
        self.held.split_to(count)
    }

    /// Bytes inside an open stretch never come out, whatever it grows to.
    fn drop_masked(&mut self) {
        if let Some(open) = self.stretches.first().filter(|open| open.start <= self.held_from) {
            let _masked = self.take_held(open.end);
        }
        // A view into a large chunk would keep all of it in memory.
        self.held = Bytes::copy_from_slice(&self.held);
    }
}

/// A whole text at once.
pub fn redact_bytes(needles: &Arc<Needles>, bytes: Bytes) -> Redacted<Bytes> {
    let mut redactor = Redactor::new(Arc::clone(needles));
    let first = redactor.push(bytes).bytes.0;
    let last = redactor.finish().bytes.0;
    if last.is_empty() {
        return Redacted(first);
    }
    Redacted(Bytes::from([first, last].concat()))
}

impl Needles {
    /// A whole text at once, e.g. a message or a captured value.
    pub fn redact_text(self: &Arc<Self>, text: &str) -> Redacted<String> {
        redact_bytes(self, Bytes::copy_from_slice(text.as_bytes())).map(|bytes| {
            // A mask can end inside a letter only if a needle did, and needles are whole letters.
            String::from_utf8_lossy(&bytes).into_owned()
        })
    }
}
