//! Output: the last lines for the run page, ranges for its own page, rows drawn as safe HTML.

pub mod compare;
pub mod download;
pub mod folded;
pub mod groups;
pub mod search;
pub mod text;
pub mod window;

use crate::engine::output::{OutputReader, PageLimits, Query, Row};
use crate::id::{AttemptId, HostName, StepId};
use crate::run::event::Purpose;
use crate::run::outcome::Stream;
use crate::run::view::{AttemptView, CellView, Need, RunView, StepView};
use crate::web::ansi::Painter;
use crate::web::limits::{TAIL_LINES, TAILS_MAX};
use crate::web::problem::Problem;
use crate::web::state::Web;
use crate::web::view::step::{failed_step, output_page, purpose_words};
use crate::web::view::tail::{Line, Tail};

/// Bytes of the last lines of one attempt: 200 lines of a terminal's width and some long ones.
const TAIL_BYTES_MAX: usize = 64 * 1024;

/// A reader of an attempt's output.
pub fn reader(web: &Web, attempt: AttemptId) -> OutputReader {
    OutputReader::new(web.store().clone(), attempt)
}

/// The last lines of what the current step runs, previews first.
///
/// # Errors
/// The store cannot be read.
pub async fn tails(web: &Web, view: &RunView) -> Result<Vec<Tail>, Problem> {
    let current = view.current.as_ref().and_then(|id| view.steps.iter().find(|step| step.id == *id));
    let Some(step) = (if view.ended_at_ms.is_some() { failed_step(view) } else { current }) else {
        return Ok(Vec::new());
    };
    let mut tails = Vec::new();
    for (cell, attempt) in shown_attempts(view, step) {
        tails.push(tail(web, view, step, cell, attempt).await?);
    }
    Ok(tails)
}

/// What was asked for above the button, then the newest attempt of each host.
fn shown_attempts<'a>(view: &RunView, step: &'a StepView) -> Vec<(&'a CellView, &'a AttemptView)> {
    let previews = previews(view);
    let all = || step.cells.iter().flat_map(|cell| cell.attempts.iter().map(move |attempt| (cell, attempt)));
    let mut shown: Vec<_> = all().filter(|(_, attempt)| previews.contains(&attempt.id)).collect();
    let newest = step.cells.iter().filter_map(|cell| cell.attempts.last().map(|attempt| (cell, attempt)));
    shown.extend(newest.filter(|(_, attempt)| !previews.contains(&attempt.id)));
    shown.truncate(TAILS_MAX);
    shown
}

/// The attempts whose output stands above a button.
fn previews(view: &RunView) -> &[AttemptId] {
    match &view.waiting {
        Some(Need::Confirm { previews, .. }) => previews,
        Some(Need::Approve(asked)) => &asked.previews,
        _ => &[],
    }
}

async fn tail(
    web: &Web,
    view: &RunView,
    step: &StepView,
    cell: &CellView,
    attempt: &AttemptView,
) -> Result<Tail, Problem> {
    let reader = reader(web, attempt.id);
    let rows_max = usize::try_from(TAIL_LINES).unwrap_or(usize::MAX);
    let page = reader.tail(TAIL_LINES, PageLimits { rows_max, bytes_max: TAIL_BYTES_MAX }).await?;
    let aside = previews(view).contains(&attempt.id);
    let title = match attempt.purpose {
        Purpose::Main => cell.host.to_string(),
        Purpose::Preview | Purpose::Guard(_) | Purpose::Verify | Purpose::Undo => {
            format!("{} · {}", cell.host, purpose_words(attempt.purpose))
        }
    };
    Ok(Tail {
        attempt: attempt.id,
        key: attempt.id.to_string(),
        title,
        outcome: attempt.outcome.clone(),
        tone: outcome_tone(attempt),
        href: format!("{}?attempt={}", output_page(view, step, cell), attempt.id),
        earlier: page.rows.first().map_or(0, |row| row.line.saturating_sub(1)),
        empty: page.rows.is_empty(),
        lines: lines(&page.rows, None, None),
        aside,
    })
}

/// The class of an attempt's outcome.
pub fn outcome_tone(attempt: &AttemptView) -> &'static str {
    match attempt.outcome.as_str() {
        _ if !attempt.over => "run",
        "exit 0" => "good",
        _ => "bad",
    }
}

/// Rows as lines of HTML: one painter a stream, so that a colour goes on where the stream goes on. Lines of the range
/// are marked, and those that hold what is searched for.
pub fn lines(rows: &[Row], marked: Option<(u64, u64)>, searched: Option<&Query>) -> Vec<Line> {
    let (mut stdout, mut stderr) = (Painter::new(), Painter::new());
    rows.iter()
        .map(|row| {
            let painter = if row.stream == Stream::Stdout { &mut stdout } else { &mut stderr };
            let (html, overwritten) = painter.html_and_states(&row.bytes);
            Line {
                number: row.line,
                html,
                overwritten,
                states: None,
                hit: searched.is_some_and(|query| query.is_in(row.stream, &row.bytes)),
                stderr: row.stream == Stream::Stderr,
                at: since_start(row.ms),
                marked: marked.is_some_and(|(from, to)| (from..=to).contains(&row.line)),
                continues: row.continues,
            }
        })
        .collect()
}

/// `4.120`, `61.003`: seconds since the attempt's start.
pub fn since_start(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// The step and cell that an address names.
///
/// # Errors
/// The run has no such step, or the step no such host.
pub fn cell<'a>(view: &'a RunView, step: &StepId, host: &HostName) -> Result<(&'a StepView, &'a CellView), Problem> {
    let none = || Problem::not_found("the run has no such step on such a host");
    let step = view.steps.iter().find(|candidate| candidate.id == *step).ok_or_else(none)?;
    let cell = step.cells.iter().find(|candidate| candidate.host == *host).ok_or_else(none)?;
    Ok((step, cell))
}

/// The attempt that is asked for by its id or number; the newest one of the step's own command unless said. The
/// attempt must be one of this cell: an id of another run's attempt opens nothing.
///
/// # Errors
/// The cell has no such attempt.
pub fn attempt<'a>(cell: &'a CellView, asked: Option<&str>) -> Result<Option<&'a AttemptView>, Problem> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
        let main = cell.attempts.iter().rev().find(|attempt| attempt.purpose == Purpose::Main);
        return Ok(main.or(cell.attempts.last()));
    };
    let by_number = asked.parse::<u32>().ok();
    let found = cell.attempts.iter().find(|attempt| match by_number {
        Some(number) => attempt.number == number,
        None => attempt.id.to_string() == asked,
    });
    found.map(Some).ok_or_else(|| Problem::not_found("this step has no such attempt on this host"))
}

/// `120-135`, `L120-L135`, `120`.
pub fn range(text: &str) -> Option<(u64, u64)> {
    let number = |part: &str| part.trim().trim_start_matches('L').parse::<u64>().ok().filter(|line| *line > 0);
    match text.split_once('-') {
        Some((from, to)) => {
            let (from, to) = (number(from)?, number(to)?);
            Some((from.min(to), from.max(to)))
        }
        None => number(text).map(|line| (line, line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_lines_are_read_as_people_and_links_write_them() {
        assert_eq!(range("120-135"), Some((120, 135)));
        assert_eq!(range("L135-L120"), Some((120, 135)));
        assert_eq!(range("7"), Some((7, 7)));
        for wrong in ["", "0", "-", "1-", "a-b", "1-99999999999999999999"] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }
}
