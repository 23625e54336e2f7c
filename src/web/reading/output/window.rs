//! Which lines of a log a page shows, and the ways from there to the others: whatever the log's size, a page reads
//! only the segments that hold its lines.

use crate::engine::output::{LinesPage, OutputReader, OutputSummary, PageLimits, Query, Row};
use crate::web::limits::{OUTPUT_LINES_PAGE, TROUBLE_BYTES_MAX};
use crate::web::problem::Problem;
use crate::web::query;
use crate::web::view::output::{Link, Ways};

/// Lines before a range that was asked for, so that it does not stand alone.
const BEFORE_RANGE: u64 = 200;

/// A line that is still open further up than this is not drawn again for whoever follows: a prompt may stay open for a
/// gigabyte.
const REDRAWN_LINES_MAX: u64 = 200;

/// What of a log is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The first line.
    pub from: Option<u64>,
    /// The last line.
    pub to: Option<u64>,
    /// Lines that should stand out, with some before them.
    pub marked: Option<(u64, u64)>,
}

/// The address of a page of output with what stays the same from link to link.
#[derive(Debug, Clone)]
pub struct Address {
    pub here: String,
    pub kept: Vec<(&'static str, String)>,
}

impl Address {
    /// The page with these fields as well.
    pub fn with(&self, more: &[(&str, String)]) -> String {
        let kept = self.kept.iter().map(|(name, value)| (*name, value.as_str()));
        let more = more.iter().map(|(name, value)| (*name, value.as_str()));
        format!("{}?{}", self.here, query::encode(kept.chain(more)))
    }
}

/// As many lines as a page shows.
pub fn limits() -> PageLimits {
    PageLimits { rows_max: usize::try_from(OUTPUT_LINES_PAGE).unwrap_or(usize::MAX), ..PageLimits::default() }
}

/// The lines that are wanted; the last ones unless something is.
///
/// # Errors
/// The store cannot be read.
pub async fn read(reader: &OutputReader, summary: &OutputSummary, wanted: Wanted) -> Result<LinesPage, Problem> {
    let from = wanted.from.or(wanted.marked.map(|(first, _)| first.saturating_sub(BEFORE_RANGE)));
    let Some(from) = from else { return Ok(reader.tail(OUTPUT_LINES_PAGE, limits()).await?) };
    let from = from.clamp(1, summary.lines.max(1));
    let page_end = from.saturating_add(OUTPUT_LINES_PAGE - 1);
    Ok(reader.lines(from, wanted.to.map_or(page_end, |to| to.min(page_end)), limits()).await?)
}

/// What came behind line `seen`; only the last page of it where it is more, and how many lines are left out then.
///
/// # Errors
/// The store cannot be read.
pub async fn read_new(reader: &OutputReader, summary: &OutputSummary, next: u64) -> Result<(LinesPage, u64), Problem> {
    let newest = summary.lines.saturating_sub(OUTPUT_LINES_PAGE - 1).max(1);
    let from = next.max(newest);
    if from > summary.lines {
        return Ok((LinesPage::default(), 0));
    }
    Ok((reader.lines(from, summary.lines, limits()).await?, from - next))
}

/// The line from which whoever has these rows asks on: a line that has not ended is drawn again.
pub fn next_line(rows: &[Row], finished: bool) -> Option<u64> {
    let last = rows.last()?.line;
    let open = rows.iter().filter(|row| row.continued && !finished).map(|row| row.line);
    let open = open.filter(|line| line + REDRAWN_LINES_MAX > last).min();
    Some(open.unwrap_or(last + 1))
}

/// The last line that may say what went wrong.
///
/// # Errors
/// The store cannot be read.
pub async fn trouble(reader: &OutputReader) -> Result<Option<u64>, Problem> {
    let hit = reader.last_hit(&Query::trouble(), u64::MAX, TROUBLE_BYTES_MAX).await?;
    Ok(hit.map(|hit| hit.line))
}

/// Ways to what is before and behind.
pub fn ways(address: &Address, summary: &OutputSummary, rows: &[Row]) -> Ways {
    let at = |from: u64| address.with(&[("from", from.to_string())]);
    let (first, last) = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) => (first.line, last.line),
        _ => return Ways::default(),
    };
    let earlier = first.saturating_sub(OUTPUT_LINES_PAGE).max(1);
    let later = last + 1;
    let until = later.saturating_add(OUTPUT_LINES_PAGE - 1).min(summary.lines);
    Ways {
        earlier: (first > 1).then(|| Link { href: at(earlier), words: format!("Lines {earlier}–{}", first - 1) }),
        first: (first > 1).then(|| Link { href: at(1), words: "First".to_owned() }),
        later: (last < summary.lines).then(|| Link { href: at(later), words: format!("Lines {later}–{until}") }),
        last: (last < summary.lines).then(|| Link { href: address.with(&[]), words: "Last".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::outcome::Stream;

    fn row(line: u64, continued: bool) -> Row {
        Row { line, ms: 0, stream: Stream::Stdout, bytes: Vec::new(), continues: false, continued }
    }

    #[test]
    fn whoever_follows_asks_again_for_a_line_that_has_not_ended() {
        assert_eq!(next_line(&[], false), None);
        assert_eq!(next_line(&[row(7, false), row(8, false)], false), Some(9));
        assert_eq!(next_line(&[row(7, true), row(8, false)], false), Some(7));
        assert_eq!(next_line(&[row(7, true), row(8, false)], true), Some(9), "nothing more will come");
        assert_eq!(next_line(&[row(7, true), row(1_000, false)], false), Some(1_001), "a prompt far up is left alone");
    }

    #[test]
    fn ways_lead_to_both_sides_and_end_at_the_ends() {
        let address = Address { here: "/x".to_owned(), kept: vec![("attempt", "1".to_owned())] };
        let summary = OutputSummary { lines: 5_000_000, bytes: 1 << 30, gap: None, finished: true, position: None };
        let middle = ways(&address, &summary, &[row(2_001, false), row(3_500, false)]);
        let href = |link: &Option<Link>| link.as_ref().map(|link| link.href.clone());
        assert_eq!(href(&middle.earlier).as_deref(), Some("/x?attempt=1&from=501"));
        assert_eq!(href(&middle.later).as_deref(), Some("/x?attempt=1&from=3501"));
        assert_eq!(middle.later.map(|link| link.words).as_deref(), Some("Lines 3501–5000"));
        assert_eq!(href(&middle.last).as_deref(), Some("/x?attempt=1"));
        let end = ways(&address, &summary, &[row(4_999_000, false), row(5_000_000, false)]);
        assert!(end.later.is_none() && end.last.is_none());
        let start = ways(&address, &summary, &[row(1, false), row(1_500, false)]);
        assert!(start.earlier.is_none() && start.first.is_none());
    }
}
