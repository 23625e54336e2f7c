//! All steps of a run on one host, each folded under its name, with the last lines of those that ran.

use crate::engine::output::PageLimits;
use crate::id::HostName;
use crate::run::event::Purpose;
use crate::run::view::{CellStateName, CellView, RunView, StepView};
use crate::web::format;
use crate::web::problem::Problem;
use crate::web::reading::output;
use crate::web::state::Web;
use crate::web::view::grid::{cell_state, number};
use crate::web::view::host_log::{HostLink, HostLogPage, HostStep};
use crate::web::view::output::{chunks, grouped};
use crate::web::view::run::state_words;
use crate::web::view::step::output_page;

/// Last lines of a step that is open: where something goes on or went wrong.
const OPEN_LINES: u64 = 300;

/// Last lines of a step that is folded.
const FOLDED_LINES: u64 = 60;

/// Bytes of one step.
const STEP_BYTES_MAX: usize = 64 * 1024;

/// Lines of the page: what is over it is a click away.
const PAGE_LINES_MAX: u64 = 1_500;

/// Hosts that the page leads to; the others are on the grid.
const HOSTS_MAX: usize = 30;

/// The page of a host.
///
/// # Errors
/// The run has no such host, or the store cannot be read.
pub async fn page(web: &Web, view: &RunView, host: &HostName) -> Result<HostLogPage, Problem> {
    let mut steps = Vec::new();
    let mut lines_left = PAGE_LINES_MAX;
    for (position, step) in view.steps.iter().enumerate() {
        let Some(cell) = step.cells.iter().find(|cell| cell.host == *host) else { continue };
        let is_open = is_open(view, step, cell);
        let lines = if is_open { OPEN_LINES } else { FOLDED_LINES }.min(lines_left);
        let shown = self::step(web, view, (position, step, cell), (is_open, lines)).await?;
        lines_left = lines_left.saturating_sub(shown.chunks.iter().map(|chunk| chunk.lines.len() as u64).sum());
        steps.push(shown);
    }
    let known = view.hosts.iter().find(|known| known.name == *host);
    if steps.is_empty() && known.is_none() {
        return Err(Problem::not_found("the run has no such host").next_step("All of its hosts are on its grid."));
    }
    let (state, tone) = state_words(view);
    let link = |other: &crate::run::view::HostView| HostLink {
        href: crate::web::view::grid::host_page(view, &other.name),
        host: other.name.to_string(),
        current: other.name == *host,
    };
    Ok(HostLogPage {
        run: view.id.to_string(),
        title: view.title.clone(),
        state,
        tone,
        host: host.to_string(),
        address: known.map(|known| known.address.clone()).unwrap_or_default(),
        note: known.and_then(|known| known.note.clone()),
        hosts: view.hosts.iter().take(HOSTS_MAX).map(link).collect(),
        many_hosts: view.hosts.len() > 1,
        hosts_more: view.hosts.len().saturating_sub(HOSTS_MAX),
        steps,
        live: view.ended_at_ms.is_none(),
        seq: view.seq,
    })
}

/// What somebody came to look at: what went wrong, what goes on.
fn is_open(view: &RunView, step: &StepView, cell: &CellView) -> bool {
    let is_current = view.ended_at_ms.is_none() && view.current.as_ref() == Some(&step.id);
    let is_bad = match cell.state {
        CellStateName::Failed
        | CellStateName::Killed
        | CellStateName::TimedOut
        | CellStateName::Unknown
        | CellStateName::Unreachable
        | CellStateName::Starting
        | CellStateName::Running => true,
        CellStateName::Pending
        | CellStateName::Skipped
        | CellStateName::Waiting
        | CellStateName::Succeeded
        | CellStateName::Cancelled => false,
    };
    is_current || is_bad
}

async fn step(
    web: &Web,
    view: &RunView,
    (position, step, cell): (usize, &StepView, &CellView),
    (open, lines_max): (bool, u64),
) -> Result<HostStep, Problem> {
    let (mark, tone, state) = cell_state(cell.state);
    let newest = cell.attempts.iter().rev().find(|attempt| attempt.purpose == Purpose::Main).or(cell.attempts.last());
    let lasted = cell.ended_at_ms.zip(cell.started_at_ms).map(|(ended, started)| format::duration(ended - started));
    let mut shown = HostStep {
        id: step.id.to_string(),
        number: number(step),
        name: step.name.clone(),
        mark,
        tone,
        state,
        lasted,
        detail: cell.detail.clone(),
        body: step.body.clone(),
        open,
        href: newest.map(|attempt| format!("{}?attempt={}", output_page(view, step, cell), attempt.id)),
        outcome: newest.map(|attempt| attempt.outcome.clone()).unwrap_or_default(),
        words: String::new(),
        earlier: None,
        prefix: format!("s{}-", position + 1),
        chunks: Vec::new(),
    };
    let Some(attempt) = newest else { return Ok(shown) };
    let reader = output::reader(web, attempt.id);
    let Some(summary) = reader.summary().await?.filter(|summary| summary.lines > 0) else { return Ok(shown) };
    shown.words = format!("{} {}", grouped(summary.lines), if summary.lines == 1 { "line" } else { "lines" });
    let limits = PageLimits { rows_max: usize::try_from(lines_max).unwrap_or(usize::MAX), bytes_max: STEP_BYTES_MAX };
    let page = if lines_max == 0 { Default::default() } else { reader.tail(lines_max, limits).await? };
    let before = page.rows.first().map_or(summary.lines, |row| row.line - 1);
    shown.earlier =
        (before > 0).then(|| format!("{} earlier {}", grouped(before), if before == 1 { "line" } else { "lines" }));
    shown.chunks = chunks(output::lines(&page.rows, None, None));
    Ok(shown)
}
