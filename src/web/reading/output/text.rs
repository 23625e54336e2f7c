//! The beginning of an attempt's output as plain lines, for comparing.

use crate::engine::output::PageLimits;
use crate::id::Digest;
use crate::run::event::Purpose;
use crate::run::outcome::Stream;
use crate::run::view::{AttemptView, CellView};
use crate::web::ansi::{Keep, Painter};
use crate::web::problem::Problem;
use crate::web::reading::output;
use crate::web::state::Web;

/// Lines without colours, as far as they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    pub lines: Vec<String>,
    /// Lines that there are.
    pub total: u64,
    /// It goes on behind what was read.
    pub is_cut: bool,
    /// Of the bytes that were read, each stream by itself: two commands that say the same write their two streams in
    /// another order each time.
    pub digest: Option<Digest>,
    /// Bytes that there are.
    pub bytes: u64,
}

/// The attempt that stands for a step on a host: the newest of its own command.
pub fn newest(cell: &CellView) -> Option<&AttemptView> {
    cell.attempts.iter().rev().find(|attempt| attempt.purpose == Purpose::Main).or(cell.attempts.last())
}

/// The first lines of an attempt.
///
/// # Errors
/// The store cannot be read.
pub async fn read(web: &Web, attempt: &AttemptView, lines_max: usize, bytes_max: usize) -> Result<Text, Problem> {
    let reader = output::reader(web, attempt.id);
    let Some(summary) = reader.summary().await? else { return Ok(Text::default()) };
    let limits = PageLimits { rows_max: lines_max, bytes_max };
    let page = reader.lines(1, lines_max as u64, limits).await?;
    let mut painters = [Painter::new(), Painter::new()];
    let mut streams = [Vec::new(), Vec::new()];
    let mut lines: Vec<String> = Vec::with_capacity(page.rows.len());
    for row in &page.rows {
        let slot = usize::from(row.stream == Stream::Stderr);
        streams[slot].extend_from_slice(&row.bytes);
        let text = painters[slot].plain(&row.bytes, Keep::Nothing);
        match lines.last_mut().filter(|_| row.continues) {
            Some(line) => line.push_str(&text),
            None => lines.push(text),
        }
    }
    let both = streams.map(|bytes| Digest::of(&bytes).to_string()).join("\n");
    Ok(Text {
        is_cut: page.next.is_some() || summary.lines > page.rows.last().map_or(0, |row| row.line),
        lines,
        total: summary.lines,
        digest: Some(Digest::of(both.as_bytes())),
        bytes: summary.bytes,
    })
}
