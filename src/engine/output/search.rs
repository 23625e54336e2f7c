//! Finding text in a log of any size: bounded, row by row, in linear time whatever the pattern.

use std::borrow::Cow;

use regex::bytes::{Regex, RegexBuilder};

use super::lines::{ROW_BYTES_MAX, slot};
use super::segment::Record;
use crate::run::outcome::Stream;

/// Longer ones are not typed by people, and each byte costs memory.
pub const PATTERN_BYTES_MAX: usize = 1024;

/// A pattern that is larger when compiled (`\w{50}` is) is refused: at worst each byte of the log costs as much time as
/// the pattern is large.
const REGEX_BYTES_MAX: usize = 256 * 1024;

/// What is remembered while searching. Less would make it slower: without room for its states the automaton gives way to
/// one that is a hundred times slower.
const STATES_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Words that a line has which says what went wrong, in the tools that people run.
const TROUBLE: &str =
    r"(?i)\b(error|fatal|fail(ed|ure)?|panic(ked)?|exception|denied|refused|cannot|no such|not found|unable)\b";

/// What to look for in each row. Lines over 64 KiB are searched row by row, so a match across two rows
/// of one line is not found.
#[derive(Debug, Clone)]
pub struct Query {
    regex: Regex,
    /// Every row of stderr that is not blank is found, whatever it says.
    all_of_stderr: bool,
}

/// Why a text cannot be looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("there is nothing to look for")]
    Empty,
    #[error("it is longer than {PATTERN_BYTES_MAX} bytes")]
    TooLong,
    #[error("its repetitions make it larger than {} KiB: write smaller numbers in {{…}}, or fewer of them", REGEX_BYTES_MAX / 1024)]
    TooLarge,
    #[error("it is not a pattern: {0}")]
    NotAPattern(String),
}

/// Whether `A` finds `a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Exact,
    Ignored,
}

impl Query {
    /// Looks for the text as it is.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub fn plain(text: &str, case: Case) -> Result<Self, QueryError> {
        Self::build(text, &regex::escape(text), case)
    }

    /// Looks for a pattern in the syntax of the regex crate.
    ///
    /// # Errors
    /// When it is empty, too long, no pattern, or one that takes too much memory.
    pub fn pattern(pattern: &str, case: Case) -> Result<Self, QueryError> {
        Self::build(pattern, pattern, case)
    }

    /// Looks for lines that may say what went wrong: what is on stderr, or has a word of trouble.
    ///
    /// # Panics
    /// Never: the pattern is a constant.
    pub fn trouble() -> Self {
        let query = Self::build(TROUBLE, TROUBLE, Case::Exact).expect("the constant is a small pattern");
        Self { all_of_stderr: true, ..query }
    }

    fn build(typed: &str, pattern: &str, case: Case) -> Result<Self, QueryError> {
        if typed.is_empty() {
            return Err(QueryError::Empty);
        }
        if typed.len() > PATTERN_BYTES_MAX {
            return Err(QueryError::TooLong);
        }
        RegexBuilder::new(pattern)
            .case_insensitive(case == Case::Ignored)
            .size_limit(REGEX_BYTES_MAX)
            .dfa_size_limit(STATES_BYTES_MAX)
            .build()
            .map(|regex| Self { regex, all_of_stderr: false })
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => QueryError::TooLarge,
                error => QueryError::NotAPattern(error.to_string()),
            })
    }

    /// Whether it is in this row of a stream, as people see it: the end of the line and the sequences that colour it
    /// are no part of it.
    pub fn is_in(&self, stream: Stream, row: &[u8]) -> bool {
        let text = row.strip_suffix(b"\n").unwrap_or(row);
        let text = without_sequences(text.strip_suffix(b"\r").unwrap_or(text));
        let said = || text.iter().any(|byte| !byte.is_ascii_whitespace());
        (self.all_of_stderr && stream == Stream::Stderr && said()) || self.regex.is_match(&text)
    }
}

/// The row without its escape sequences; what has none is not copied.
fn without_sequences(row: &[u8]) -> Cow<'_, [u8]> {
    const ESCAPE: u8 = 0x1b;
    let Some(first) = memchr::memchr(ESCAPE, row) else { return Cow::Borrowed(row) };
    let mut text = row[..first].to_vec();
    let mut rest = &row[first..];
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != ESCAPE {
            text.push(*byte);
            continue;
        }
        rest = match rest.split_first() {
            // A control sequence ends with a letter or one of a few signs.
            Some((b'[', after)) => behind(after, |byte| (0x40..=0x7e).contains(&byte)),
            // A command of the operating system (titles, links) ends with a bell, or with an escape and a backslash.
            Some((b']', after)) => behind(after, |byte| byte == 0x07 || byte == b'\\'),
            Some((_, after)) => after,
            None => &[],
        };
    }
    Cow::Owned(text)
}

fn behind(rest: &[u8], ends: impl Fn(u8) -> bool) -> &[u8] {
    rest.iter().position(|byte| ends(*byte)).map_or(&[], |end| &rest[end + 1..])
}

/// How much one answer may hold and cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchLimits {
    pub hits_max: usize,
    /// Output read for one answer.
    pub bytes_max: u64,
}

impl Default for SearchLimits {
    /// A page of hits; about half a second of reading.
    fn default() -> Self {
        Self { hits_max: 1000, bytes_max: 256 * 1024 * 1024 }
    }
}

/// A line in which something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    pub line: u64,
    /// When the row arrived in which it was found, milliseconds since the attempt's start.
    pub ms: u64,
    pub stream: Stream,
}

/// Searches records in order of arrival. Holds one row a stream.
pub struct Searcher {
    query: Query,
    from: u64,
    rows: [Option<OpenRow>; 2],
    hits: Vec<Hit>,
}

struct OpenRow {
    hit: Hit,
    bytes: Vec<u8>,
}

impl Searcher {
    /// Searches from line `from` on.
    pub fn new(query: Query, from: u64) -> Self {
        Self { query, from, rows: [None, None], hits: Vec::new() }
    }

    pub fn add(&mut self, record: &Record<'_>) {
        if record.line < self.from {
            return;
        }
        let slot = slot(record.stream);
        if record.marks.begins || record.marks.splits {
            self.end_row(slot);
        }
        let hit = Hit { line: record.line, ms: record.ms, stream: record.stream };
        if self.rows[slot].is_none() && record.marks.ends {
            self.look(hit, record.bytes);
            return;
        }
        let row = self.rows[slot].get_or_insert_with(|| OpenRow { hit, bytes: Vec::new() });
        let room = (ROW_BYTES_MAX + 1).saturating_sub(row.bytes.len());
        row.bytes.extend_from_slice(&record.bytes[..record.bytes.len().min(room)]);
        if record.marks.ends {
            self.end_row(slot);
        }
    }

    /// How many lines were found by now.
    pub fn hits(&self) -> usize {
        self.hits.len()
    }

    /// The hits in order of lines, with what is in rows that have not ended.
    pub fn finish(mut self) -> Vec<Hit> {
        self.end_row(0);
        self.end_row(1);
        self.hits.sort_by_key(|hit| hit.line);
        self.hits.dedup_by_key(|hit| hit.line);
        self.hits
    }

    fn end_row(&mut self, slot: usize) {
        if let Some(row) = self.rows[slot].take() {
            self.look(row.hit, &row.bytes);
        }
    }

    fn look(&mut self, hit: Hit, row: &[u8]) {
        let known = self.hits.last().is_some_and(|last| last.line == hit.line);
        if !known && self.query.is_in(hit.stream, row) {
            self.hits.push(hit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_bounded_and_says_what_is_wrong() {
        assert_eq!(Query::plain("", Case::Exact).err(), Some(QueryError::Empty));
        assert_eq!(Query::plain(&"x".repeat(2000), Case::Exact).err(), Some(QueryError::TooLong));
        assert!(matches!(Query::pattern("a(", Case::Exact), Err(QueryError::NotAPattern(_))));
        for large in [r"(\w{1000}){1000}", r"(\w{100}x){3}", r"(a{100}){1000}"] {
            assert_eq!(Query::pattern(large, Case::Exact).err(), Some(QueryError::TooLarge), "{large}");
        }
        let usual = r"^(\d{4}-\d{2}-\d{2}T[\d:]+Z?)\s+(error|warn\w*)\s.*\b(timed? ?out|refused)\b.{0,40}\w+@\w+$";
        assert!(Query::pattern(usual, Case::Ignored).is_ok(), "{:?}", Query::pattern(usual, Case::Ignored).err());
    }

    #[test]
    fn plain_text_means_itself_and_anchors_mean_the_line() {
        let found = |query: Result<Query, QueryError>, row: &[u8]| query.expect("valid").is_in(Stream::Stdout, row);
        assert!(found(Query::plain("a.c[", Case::Exact), b"x a.c[ y\n"));
        assert!(!found(Query::plain("a.c", Case::Exact), b"abc\n"));
        assert!(found(Query::plain("ERROR", Case::Ignored), b"an error\n"));
        assert!(found(Query::pattern("done$", Case::Exact), b"all done\r\n"));
    }

    #[test]
    fn colours_are_no_part_of_what_is_searched() {
        let found =
            |pattern: &str, row: &[u8]| Query::pattern(pattern, Case::Exact).expect("valid").is_in(Stream::Stdout, row);
        assert!(found("^ERROR: disk$", b"\x1b[1;31mERR\x1b[0mOR: \x1b[4mdisk\x1b[m\n"));
        assert!(found("^a link$", b"\x1b]8;;https://a\x07a link\x1b]8;;\x1b\\\n"));
        assert!(!found("31m", b"\x1b[31mred\n"));
        assert!(found("^$", b"\x1b[31"), "a sequence that is cut hides nothing else");
    }

    #[test]
    fn trouble_is_what_is_on_stderr_or_says_so() {
        let query = Query::trouble();
        assert!(query.is_in(Stream::Stderr, b"anything at all\n"));
        assert!(!query.is_in(Stream::Stderr, b" \n"));
        assert!(query.is_in(Stream::Stdout, b"nginx: [emerg] open() failed (2: No such file)\n"));
        assert!(!query.is_in(Stream::Stdout, b"all is well\n"));
    }
}
