//! The page of one attempt's output.

use serde::Serialize;

use crate::web::format::Moment;
use crate::web::view::tail::Line;

/// Lines of one `<pre>`: browsers skip drawing those out of sight, and find still finds.
pub const CHUNK_LINES: usize = 500;

#[derive(Debug, Clone, Serialize)]
pub struct OutputPage {
    pub run: String,
    pub title: String,
    pub step: String,
    pub step_name: String,
    pub host: String,
    pub outcome: String,
    pub tone: &'static str,
    pub started: Option<Moment>,
    /// Milliseconds since 1970: the times of lines count from it.
    pub started_ms: Option<i64>,
    pub lasted: Option<String>,
    /// `1,204 lines, 88 KiB`.
    pub words: String,
    pub command: String,
    pub attempts: Vec<AttemptTab>,
    pub hosts: Vec<HostTab>,
    /// Hosts that are not among them.
    pub hosts_more: usize,
    pub many_hosts: bool,
    pub attempt: Option<String>,
    pub here: String,
    pub search: SearchForm,
    pub downloads: Option<Downloads>,
    pub share: String,
    pub may_share: bool,
    pub found: Option<Found>,
    /// What is said instead of what was asked for: nothing was found further down, there is no such line.
    pub note: Option<String>,
    pub dropped: Option<String>,
    /// All states of one line.
    pub states: Option<States>,
    pub ways: Ways,
    /// The last line that may say what went wrong.
    pub trouble: Option<Link>,
    pub trouble_line: Option<u64>,
    /// Before the names of lines, where a page has several logs.
    pub prefix: String,
    /// The line that the page is opened for, and where lines are asked for next.
    pub marked: Option<u64>,
    pub part: OutputPart,
    pub empty: String,
    /// Whether more may come, and where the stream of what happens goes on.
    pub live: bool,
    pub seq: u64,
}

/// Some lines, for the page and for its script that asks for more.
#[derive(Debug, Clone, Default, Serialize)]
pub struct OutputPart {
    /// The first and the last line of it; 0 when there is none.
    pub first: u64,
    pub last: u64,
    /// The line to ask from next.
    pub next: u64,
    /// Lines that there are by now.
    pub total: u64,
    /// Nothing more will come.
    pub finished: bool,
    /// Lines that were left out before the first.
    pub skipped: u64,
    pub outcome: String,
    pub tone: &'static str,
    pub words: String,
    pub prefix: String,
    pub chunks: Vec<Chunk>,
}

/// Ways to other lines.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Ways {
    pub first: Option<Link>,
    pub earlier: Option<Link>,
    pub later: Option<Link>,
    pub last: Option<Link>,
}

#[derive(Debug, Clone, Serialize)]
pub struct AttemptTab {
    pub href: String,
    pub words: String,
    pub outcome: String,
    pub current: bool,
}

/// The same step on another host.
#[derive(Debug, Clone, Serialize)]
pub struct HostTab {
    pub href: String,
    pub host: String,
    pub mark: &'static str,
    pub tone: &'static str,
    pub state: &'static str,
    pub current: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    pub href: String,
    pub words: String,
}

/// Output as files.
#[derive(Debug, Clone, Serialize)]
pub struct Downloads {
    pub text: String,
    pub log: String,
    pub json: String,
    pub raw: String,
    pub raw_stdout: String,
    pub raw_stderr: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Chunk {
    pub lines: Vec<Line>,
}

/// What was asked to look for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SearchForm {
    pub text: String,
    pub pattern: bool,
    pub exact: bool,
}

/// What a search found.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    pub words: String,
    /// It cannot be looked for.
    pub wrong: bool,
    pub hits: Vec<FoundLine>,
    /// There are more than are listed.
    pub listed: bool,
    /// The numbers of all lines that were found, for the script.
    pub numbers: String,
    pub next: Option<Link>,
    pub previous: Option<Link>,
    pub go_on: Option<Link>,
}

impl Found {
    /// Says why nothing was looked for.
    pub fn wrong(words: String) -> Self {
        Self {
            words,
            wrong: true,
            hits: Vec::new(),
            listed: false,
            numbers: String::new(),
            next: None,
            previous: None,
            go_on: None,
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct FoundLine {
    pub href: String,
    pub number: u64,
    pub text: String,
}

/// Every state that a line of progress had.
#[derive(Debug, Clone, Serialize)]
pub struct States {
    pub line: u64,
    pub words: String,
    pub states: Vec<State>,
}

#[derive(Debug, Clone, Serialize)]
pub struct State {
    pub html: String,
}

/// Cuts lines into the chunks of a page.
pub fn chunks(lines: Vec<Line>) -> Vec<Chunk> {
    let mut chunks = Vec::with_capacity(lines.len().div_ceil(CHUNK_LINES));
    let mut lines = lines.into_iter().peekable();
    while lines.peek().is_some() {
        chunks.push(Chunk { lines: lines.by_ref().take(CHUNK_LINES).collect() });
    }
    chunks
}

/// `812 bytes`, `88 KiB`, `1.0 GiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 3] = ["KiB", "MiB", "GiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let (mut tenths, mut unit) = (bytes.saturating_mul(10) / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        (tenths, unit) = (tenths / 1024, unit + 1);
    }
    if tenths >= 100 {
        format!("{} {}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// `5,000,000`: people compare numbers by their length.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_digits_or_more_and_a_unit() {
        let sizes = [0, 1_023, 1_024, 90_112, 5 << 20, 1 << 30, 3 << 40].map(size);
        assert_eq!(sizes, ["0 bytes", "1023 bytes", "1.0 KiB", "88 KiB", "5.0 MiB", "1.0 GiB", "3072 GiB"]);
    }

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!([7, 999, 1_000, 5_000_000].map(grouped), ["7", "999", "1,000", "5,000,000"]);
    }
}
