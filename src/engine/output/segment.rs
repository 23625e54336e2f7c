//! The stored form of a stretch of an attempt's output.
//!
//! A segment stands alone: whoever has it can tell the numbers of its lines and where its bytes stand in
//! their streams. All numbers are unsigned LEB128 (seven bits a byte, low first, high bit: more follow).
//!
//! ```text
//! "SHO"  magic
//! 0x01   version
//! started_ms   when the attempt started, milliseconds since 1970
//! first_ms     of the first record, milliseconds since the attempt's start
//! begun        lines begun before this segment
//! twice, stdout then stderr:
//!   before       masked bytes of the stream before this segment
//!   open_line    number of the line that the stream has begun and not ended; 0: none
//!   open_row     length of that line's last row so far
//! body_bytes   length of the body, uncompressed
//! frame_bytes  length of the body as stored; what follows it is the next segment
//! body         one zstd frame with a checksum; uncompressed, records one after another:
//!   ms           milliseconds since the record before (the first: since first_ms)
//!   flags        1 stderr · 2 begins a line · 4 ends it (its last byte is a newline) · 8 begins a further row
//!   length
//!   bytes        as they came from the host, masked
//! ```
//!
//! A record is part of one line. `tests/fixtures/output/segment-v1.bin` must load for ever.

use bytes::Bytes;

use super::lines::{LineState, Marks, OpenLine, Piece, slot};
use crate::redact::Redacted;
use crate::run::outcome::Stream;

const MAGIC: &[u8; 3] = b"SHO";
const VERSION: u8 = 1;

/// Fast enough that a live stream never waits for it (480 MB/s measured), at 0.22 of the size.
const ZSTD_LEVEL: i32 = 1;

/// A body that claims more is not ours: a writer cuts at 256 KiB and goes over it by one released chunk,
/// which masks of 76 bytes for secrets of one byte can blow up.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

const FLAG_STDERR: u8 = 1;
const FLAG_BEGINS: u8 = 2;
const FLAG_ENDS: u8 = 4;
const FLAG_SPLITS: u8 = 8;

/// Why stored bytes are not a segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    #[error("it does not begin as an output segment does")]
    NotASegment,
    #[error("it is of version {0}, which this program does not know")]
    UnknownVersion(u8),
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
}

/// What is true where a segment begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    pub started_ms: u64,
    pub first_ms: u64,
    /// Masked bytes of stdout and stderr before it.
    pub before: [u64; 2],
    pub lines: LineState,
}

/// A segment being filled.
pub struct SegmentBuilder {
    start: Start,
    /// What is true behind the last record.
    end: Start,
    body: Redacted<Vec<u8>>,
}

/// A segment read back; its records have been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    start: Start,
    body: Vec<u8>,
}

/// Part of one line, at the moment it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Milliseconds since the attempt's start.
    pub ms: u64,
    pub stream: Stream,
    /// Number of its line, from 1.
    pub line: u64,
    pub marks: Marks,
    pub bytes: &'a [u8],
}

impl SegmentBuilder {
    /// An empty segment that goes on from `start`.
    pub fn new(start: Start) -> Self {
        Self { end: start.clone(), start, body: Redacted::empty() }
    }

    /// Appends bytes of one stream, line by line. A clock that was set back does not turn time back.
    pub fn push(&mut self, ms: u64, stream: Stream, bytes: &Redacted<Bytes>) {
        if self.is_empty() {
            self.start.first_ms = ms.max(self.start.first_ms);
            self.end.first_ms = self.start.first_ms;
        }
        let Self { body, end, .. } = self;
        body.take_in(bytes, |body, bytes| put_lines(body, end, ms, stream, bytes));
    }

    pub fn is_empty(&self) -> bool {
        self.body.get().is_empty()
    }

    /// Length of the body so far, uncompressed.
    pub fn body_bytes(&self) -> usize {
        self.body.get().len()
    }

    pub fn start(&self) -> &Start {
        &self.start
    }

    /// What is true behind the last record: the start of the next segment.
    pub fn end(&self) -> &Start {
        &self.end
    }

    /// The stored form.
    pub fn encode(&self) -> Redacted<Bytes> {
        self.body.by_ref().map(|body| {
            let mut out = Vec::with_capacity(64 + body.len() / 4);
            out.extend_from_slice(MAGIC);
            out.push(VERSION);
            put_start(&mut out, &self.start);
            let frame = compressed(body);
            put_number(&mut out, body.len() as u64);
            put_number(&mut out, frame.len() as u64);
            out.extend_from_slice(&frame);
            out.into()
        })
    }
}

impl Segment {
    /// Reads one or more stored segments, one after another, and checks all of them.
    ///
    /// # Errors
    /// When the bytes are not whole segments of a known version.
    pub fn decode_all(mut stored: &[u8]) -> Result<Vec<Self>, SegmentError> {
        let mut segments = Vec::new();
        while !stored.is_empty() || segments.is_empty() {
            let (segment, rest) = Self::decode(stored)?;
            segments.push(segment);
            stored = rest;
        }
        Ok(segments)
    }

    /// Reads the first segment and checks all of it; gives what follows it.
    ///
    /// # Errors
    /// When the bytes do not begin with a whole segment of a known version.
    pub fn decode(stored: &[u8]) -> Result<(Self, &[u8]), SegmentError> {
        let Stored { start, frame, body_bytes, rest } = decode_start(stored)?;
        let body = zstd::bulk::decompress(frame, body_bytes)
            .map_err(|_| SegmentError::Damaged("its body does not decompress"))?;
        if body.len() != body_bytes {
            return Err(SegmentError::Damaged("its body has another length"));
        }
        let segment = Self { start, body };
        segment.walk().try_for_each(|record| record.map(drop))?;
        Ok((segment, rest))
    }

    pub fn start(&self) -> &Start {
        &self.start
    }

    /// What is true behind the last record.
    pub fn end(&self) -> Start {
        let mut walk = self.walk();
        walk.by_ref().for_each(drop);
        Start { first_ms: walk.ms, before: walk.before, lines: walk.lines, started_ms: self.start.started_ms }
    }

    /// Its records in order of arrival.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.walk().map_while(Result::ok)
    }

    fn walk(&self) -> Walk<'_> {
        let Start { first_ms, before, ref lines, .. } = self.start;
        Walk { rest: &self.body, ms: first_ms, before, lines: lines.clone() }
    }
}

/// A stored segment in its parts, not decompressed.
struct Stored<'a> {
    start: Start,
    frame: &'a [u8],
    body_bytes: usize,
    rest: &'a [u8],
}

fn decode_start(stored: &[u8]) -> Result<Stored<'_>, SegmentError> {
    let rest = stored.strip_prefix(MAGIC).ok_or(SegmentError::NotASegment)?;
    let (version, mut rest) = rest.split_first().ok_or(SegmentError::NotASegment)?;
    if *version != VERSION {
        return Err(SegmentError::UnknownVersion(*version));
    }
    let mut number = || take_number(&mut rest).ok_or(SegmentError::Damaged("its start is cut"));
    let (started_ms, first_ms, begun) = (number()?, number()?, number()?);
    let mut before = [0; 2];
    let mut open = [None; 2];
    for slot in 0..2 {
        before[slot] = number()?;
        let (line, row_bytes) = (number()?, number()?);
        let row_bytes = usize::try_from(row_bytes).map_err(|_| SegmentError::Damaged("a row is too long"))?;
        open[slot] = (line > 0).then_some(OpenLine { number: line, row_bytes });
    }
    let (body_bytes, frame_bytes) = (number()?, usize::try_from(number()?).unwrap_or(usize::MAX));
    let body_bytes = usize::try_from(body_bytes).ok().filter(|bytes| *bytes <= BODY_BYTES_MAX);
    let body_bytes = body_bytes.ok_or(SegmentError::Damaged("its body is too long"))?;
    let (frame, rest) = rest.split_at_checked(frame_bytes).ok_or(SegmentError::Damaged("its body is cut"))?;
    let lines = LineState::new(begun, open[0], open[1]);
    Ok(Stored { start: Start { started_ms, first_ms, before, lines }, frame, body_bytes, rest })
}

/// Where a stored segment begins, without reading its body.
///
/// # Errors
/// When the bytes do not begin as a segment of a known version.
pub fn start_of(stored: &[u8]) -> Result<Start, SegmentError> {
    decode_start(stored).map(|stored| stored.start)
}

fn put_start(out: &mut Vec<u8>, start: &Start) {
    for number in [start.started_ms, start.first_ms, start.lines.begun] {
        put_number(out, number);
    }
    for stream in [Stream::Stdout, Stream::Stderr] {
        let open = start.lines.open(stream);
        put_number(out, start.before[slot(stream)]);
        put_number(out, open.map_or(0, |open| open.number));
        put_number(out, open.map_or(0, |open| open.row_bytes as u64));
    }
}

/// Appends a record a line; `end` goes along.
fn put_lines(body: &mut Vec<u8>, end: &mut Start, ms: u64, stream: Stream, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let piece = end.lines.next_piece(stream, rest);
        let (taken, after) = rest.split_at(piece.bytes);
        put_number(body, ms.saturating_sub(end.first_ms));
        body.push(flags(stream, piece.marks));
        put_number(body, taken.len() as u64);
        body.extend_from_slice(taken);
        end.first_ms = end.first_ms.max(ms);
        rest = after;
    }
    end.before[slot(stream)] += bytes.len() as u64;
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL).expect("the level is valid");
    compressor.include_checksum(true).expect("the parameter exists");
    compressor.compress(body).expect("memory is the only thing that compressing needs")
}

fn flags(stream: Stream, marks: Marks) -> u8 {
    let set = |on: bool, flag: u8| if on { flag } else { 0 };
    set(stream == Stream::Stderr, FLAG_STDERR)
        | set(marks.begins, FLAG_BEGINS)
        | set(marks.ends, FLAG_ENDS)
        | set(marks.splits, FLAG_SPLITS)
}

/// Reads records, following the line numbers.
struct Walk<'a> {
    rest: &'a [u8],
    ms: u64,
    before: [u64; 2],
    lines: LineState,
}

impl<'a> Walk<'a> {
    fn read(&mut self) -> Option<Record<'a>> {
        let ms = self.ms.checked_add(take_number(&mut self.rest)?)?;
        let (flags, rest) = self.rest.split_first()?;
        self.rest = rest;
        let length = usize::try_from(take_number(&mut self.rest)?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        let stream = if flags & FLAG_STDERR == 0 { Stream::Stdout } else { Stream::Stderr };
        let on = |flag| flags & flag != 0;
        let marks = Marks { begins: on(FLAG_BEGINS), ends: on(FLAG_ENDS), splits: on(FLAG_SPLITS) };
        let line = self.lines.line_of(stream, marks.begins)?;
        self.lines.follow(stream, Piece { line, bytes: length, marks });
        (self.rest, self.ms) = (rest, ms);
        self.before[slot(stream)] += length as u64;
        Some(Record { ms, stream, line, marks, bytes })
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Record<'a>, SegmentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let record = self.read();
        if record.is_none() {
            self.rest = &[];
        }
        Some(record.ok_or(SegmentError::Damaged("a record is cut or belongs to no line")))
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIXTURE: &[u8] = include_bytes!("../../../tests/fixtures/output/segment-v1.bin");

    fn sample() -> SegmentBuilder {
        let open = OpenLine { number: 6, row_bytes: 3 };
        let lines = LineState::new(7, None, Some(open));
        let start = Start { started_ms: 1_764_000_000_000, first_ms: 40, before: [1000, 3], lines };
        let mut builder = SegmentBuilder::new(start);
        let mut push = |ms, stream, bytes| builder.push(ms, stream, &Redacted::read_back(Bytes::from_static(bytes)));
        push(50, Stream::Stdout, b"eight\nnine \xff\0\r");
        push(350, Stream::Stderr, b" end of six\nten");
        push(350, Stream::Stdout, b"!\n");
        builder
    }

    fn one(stored: &[u8]) -> Segment {
        let mut segments = Segment::decode_all(stored).expect("it is a segment");
        assert_eq!(segments.len(), 1);
        segments.remove(0)
    }

    fn plain(segment: &Segment) -> Vec<(u64, u64, Stream, &[u8])> {
        segment.records().map(|record| (record.line, record.ms, record.stream, record.bytes)).collect()
    }

    #[test]
    fn the_stored_format_of_version_1_loads_for_ever() {
        let segment = one(FIXTURE);
        assert_eq!(
            plain(&segment),
            [
                (8, 50, Stream::Stdout, &b"eight\n"[..]),
                (9, 50, Stream::Stdout, b"nine \xff\0\r"),
                (6, 350, Stream::Stderr, b" end of six\n"),
                (10, 350, Stream::Stderr, b"ten"),
                (9, 350, Stream::Stdout, b"!\n"),
            ]
        );
        assert_eq!(segment.start().started_ms, 1_764_000_000_000);
        assert_eq!(&segment.end(), sample().end());
    }

    #[test]
    fn a_segment_survives_its_stored_form() {
        let stored = sample().encode();
        let segment = one(stored.get());
        assert_eq!(&segment, &one(FIXTURE));
        assert_eq!(&start_of(stored.get()).expect("just encoded"), segment.start());
    }

    #[test]
    fn segments_may_stand_one_after_another() {
        let stored = sample().encode().into_inner();
        let both = Segment::decode_all(&[&stored[..], &stored[..]].concat()).expect("two segments");
        assert_eq!(both, [one(&stored), one(&stored)]);
    }

    #[test]
    fn damage_anywhere_is_an_error_and_never_a_wrong_record() {
        let stored = sample().encode().into_inner().to_vec();
        let body_from = stored.len() - compressed(sample().body.get()).len();
        for index in (0..4).chain(body_from..stored.len()) {
            let mut damaged = stored.clone();
            damaged[index] ^= 0x55;
            let read = Segment::decode(&damaged);
            assert!(read.is_err() || read == Segment::decode(&stored), "byte {index} was taken");
            assert!(Segment::decode(&stored[..index]).is_err(), "cut at {index} was taken");
        }
        assert_eq!(Segment::decode(b"SHO\x02"), Err(SegmentError::UnknownVersion(2)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn reading_any_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _read = Segment::decode(&bytes);
            let _read = Segment::decode(&[b"SHO\x01", &bytes[..]].concat());
        }
    }
}
