//! Which line each byte belongs to: numbers over the merged log, rows of bounded length.

use crate::run::outcome::Stream;

/// A line longer than this is cut into rows of this length, so that no reader needs the whole of a
/// one-gigabyte line; it keeps its one number.
pub const ROW_BYTES_MAX: usize = 64 * 1024;

/// The lines begun so far, and the one that each stream has not ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineState {
    /// How many lines have begun; the next one gets this number plus one.
    pub begun: u64,
    open: [Option<OpenLine>; 2],
}

/// A line without its end yet. A line belongs to one stream; the other may write lines in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenLine {
    pub number: u64,
    /// Length of its last row so far.
    pub row_bytes: usize,
}

/// Part of one line, as long as one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub line: u64,
    pub bytes: usize,
    pub marks: Marks,
}

/// How a piece stands in its line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// The first of its line.
    pub begins: bool,
    /// The last of its line, which ends in a newline.
    pub ends: bool,
    /// Begins a further row of a line longer than [`ROW_BYTES_MAX`].
    pub splits: bool,
}

impl LineState {
    pub fn new(begun: u64, stdout: Option<OpenLine>, stderr: Option<OpenLine>) -> Self {
        Self { begun, open: [stdout, stderr] }
    }

    /// The line that this stream has begun and not ended.
    pub fn open(&self, stream: Stream) -> Option<OpenLine> {
        self.open[slot(stream)]
    }

    /// Cuts the next piece off `bytes` (not empty).
    pub fn next_piece(&mut self, stream: Stream, bytes: &[u8]) -> Piece {
        let mut marks = Marks::default();
        let mut open = match self.open(stream) {
            None => {
                marks.begins = true;
                OpenLine { number: self.begun + 1, row_bytes: 0 }
            }
            Some(open) if open.row_bytes >= ROW_BYTES_MAX && bytes.first() != Some(&b'\n') => {
                marks.splits = true;
                OpenLine { number: open.number, row_bytes: 0 }
            }
            Some(open) => open,
        };
        let room = ROW_BYTES_MAX.saturating_sub(open.row_bytes);
        // The newline itself may stand past the end of a full row.
        let newline = memchr::memchr(b'\n', &bytes[..bytes.len().min(room + 1)]);
        let taken = newline.map_or(bytes.len().min(room), |at| at + 1);
        marks.ends = newline.is_some();
        open.row_bytes += taken;
        let piece = Piece { line: open.number, bytes: taken, marks };
        self.follow(stream, piece);
        piece
    }

    /// Goes past a piece that is already stored.
    pub fn follow(&mut self, stream: Stream, piece: Piece) {
        self.begun += u64::from(piece.marks.begins);
        let row_before = match self.open(stream) {
            Some(open) if !piece.marks.splits => open.row_bytes,
            _ => 0,
        };
        let open = OpenLine { number: piece.line, row_bytes: row_before + piece.bytes };
        self.open[slot(stream)] = (!piece.marks.ends).then_some(open);
    }

    /// The line that the next record of `stream` belongs to.
    pub fn line_of(&self, stream: Stream, begins: bool) -> Option<u64> {
        if begins { Some(self.begun + 1) } else { self.open(stream).map(|open| open.number) }
    }
}

/// Place of a stream in a pair.
pub fn slot(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(state: &mut LineState, stream: Stream, mut bytes: &[u8]) -> Vec<(u64, usize, Marks)> {
        let mut out = Vec::new();
        while !bytes.is_empty() {
            let piece = state.next_piece(stream, bytes);
            bytes = &bytes[piece.bytes..];
            out.push((piece.line, piece.bytes, piece.marks));
        }
        out
    }

    const WHOLE: Marks = Marks { begins: true, ends: true, splits: false };
    const FIRST: Marks = Marks { begins: true, ends: false, splits: false };
    const LAST: Marks = Marks { begins: false, ends: true, splits: false };

    #[test]
    fn a_line_keeps_its_number_when_the_other_stream_writes_in_between() {
        let mut state = LineState::default();
        assert_eq!(pieces(&mut state, Stream::Stdout, b"a\nbc"), [(1, 2, WHOLE), (2, 2, FIRST)]);
        assert_eq!(pieces(&mut state, Stream::Stderr, b"x\n\n"), [(3, 2, WHOLE), (4, 1, WHOLE)]);
        assert_eq!(pieces(&mut state, Stream::Stdout, b"d\ne"), [(2, 2, LAST), (5, 1, FIRST)]);
    }

    #[test]
    fn a_line_over_the_limit_is_cut_into_rows_and_keeps_its_number() {
        let mut state = LineState::default();
        let bytes = [vec![b'x'; ROW_BYTES_MAX * 2 + 10], b"\ny\n".to_vec()].concat();
        let split = Marks { splits: true, ..Marks::default() };
        assert_eq!(
            pieces(&mut state, Stream::Stdout, &bytes),
            [
                (1, ROW_BYTES_MAX, FIRST),
                (1, ROW_BYTES_MAX, split),
                (1, 11, Marks { ends: true, ..split }),
                (2, 2, WHOLE)
            ]
        );
    }

    #[test]
    fn the_newline_of_a_line_of_exactly_the_limit_makes_no_row_of_its_own() {
        let mut state = LineState::default();
        let bytes = [vec![b'x'; ROW_BYTES_MAX], b"\n".to_vec()].concat();
        assert_eq!(pieces(&mut state, Stream::Stdout, &bytes), [(1, ROW_BYTES_MAX + 1, WHOLE)]);
        assert_eq!(pieces(&mut state, Stream::Stdout, &bytes[1..bytes.len() - 1]).len(), 1);
        assert_eq!(pieces(&mut state, Stream::Stdout, b"x"), [(2, 1, Marks::default())]);
        assert_eq!(pieces(&mut state, Stream::Stdout, b"\n"), [(2, 1, LAST)]);
    }
}
