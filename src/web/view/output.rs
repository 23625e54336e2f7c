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
    pub step_name: String,
    pub host: String,
    pub outcome: String,
    pub tone: &'static str,
    pub started: Option<Moment>,
    pub lasted: Option<String>,
    /// `1,204 lines, 88 KiB`.
    pub words: String,
    pub command: String,
    pub attempts: Vec<AttemptTab>,
    pub attempt: Option<String>,
    pub here: String,
    pub query: String,
    pub raw: String,
    pub raw_stdout: String,
    pub raw_stderr: String,
    pub share: String,
    pub found: Option<Found>,
    pub dropped: Option<String>,
    pub earlier: Option<Link>,
    pub first: Option<Link>,
    /// Before the names of lines, where a page has several logs.
    pub prefix: String,
    pub chunks: Vec<Chunk>,
    pub empty: String,
    pub following: Option<Link>,
    pub last: Option<Link>,
}

#[derive(Debug, Clone, Serialize)]
pub struct AttemptTab {
    pub href: String,
    pub words: String,
    pub outcome: String,
    pub current: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct Link {
    pub href: String,
    pub words: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Chunk {
    pub lines: Vec<Line>,
}

/// What a search found.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    pub words: String,
    pub hits: Vec<FoundLine>,
}

#[derive(Debug, Clone, Serialize)]
pub struct FoundLine {
    pub href: String,
    pub number: u64,
    pub text: String,
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
