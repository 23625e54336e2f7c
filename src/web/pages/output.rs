//! The output of a step on a host: any range of lines of any size of log, search, and the way to plain text.

use axum::extract::State;

use crate::engine::output::{
    Case, LinesPage, OutputReader, OutputSummary, PageLimits, Query, ROW_BYTES_MAX, SearchFrom, SearchLimits,
};
use crate::run::view::{AttemptView, CellView, RunView, StepView};
use crate::web::ansi::{Keep, Painter};
use crate::web::authority::{Authorised, ReadOutput, TheCell};
use crate::web::format::{self, Moment};
use crate::web::limits::OUTPUT_LINES_PAGE;
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::query::{self, Fields, QueryFields};
use crate::web::reading::{output, runs};
use crate::web::state::Web;
use crate::web::view::output::{AttemptTab, Found, FoundLine, Link, OutputPage, chunks};
use crate::web::view::step::{attempt_words, output_page};

/// Lines before a range that was asked for, so that it does not stand alone.
const BEFORE_RANGE: u64 = 200;

/// Hits of one search that are listed.
const HITS_MAX: usize = 50;

/// Bytes that one search reads.
const SEARCH_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Letters of a line in the list of hits.
const HIT_LETTERS: usize = 200;

/// `GET /runs/{id}/steps/{step}/hosts/{host}?attempt=&lines=120-135&from=&q=`
pub async fn show(
    who: Authorised<ReadOutput, TheCell>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let view = runs::view_of_cell(&who, &web).await?;
    let (step, cell) = output::cell(&view, &who.on.step, &who.on.host)?;
    let attempt = output::attempt(cell, asked.first("attempt"))?;
    let mut page = empty(&view, step, cell, attempt, web.now_ms());
    if let Some(attempt) = attempt {
        fill(&web, &mut page, attempt, &asked).await?;
    }
    let title = format!("{} on {}", page.step_name, page.host);
    Page::new("output", &who.frame(Place::Runs, title), &page)
}

/// The page before any output is read.
fn empty(view: &RunView, step: &StepView, cell: &CellView, attempt: Option<&AttemptView>, now_ms: i64) -> OutputPage {
    let here = output_page(view, step, cell);
    let id = attempt.map(|attempt| attempt.id.to_string());
    let raw = |stream: &str| {
        let attempt = id.clone().unwrap_or_default();
        let steps = format!("/api/v1/runs/{}/steps/{}/hosts/{}/output", view.id, step.id, cell.host);
        let stream = (!stream.is_empty()).then_some(("stream", stream));
        format!("{steps}?{}", query::encode([("attempt", attempt.as_str())].into_iter().chain(stream)))
    };
    let lasted = attempt.and_then(|attempt| Some(attempt.ended_at_ms? - attempt.started_at_ms));
    OutputPage {
        run: view.id.to_string(),
        title: view.title.clone(),
        step_name: step.name.clone(),
        host: cell.host.to_string(),
        outcome: attempt.map_or("not run".to_owned(), |attempt| attempt.outcome.clone()),
        tone: attempt.map_or("still", output::outcome_tone),
        started: attempt.map(|attempt| Moment::new(attempt.started_at_ms, now_ms)),
        lasted: lasted.map(format::duration),
        words: String::new(),
        command: step.body.clone(),
        attempts: if cell.attempts.len() > 1 { tabs(cell, attempt, &here) } else { Vec::new() },
        query: String::new(),
        raw: raw(""),
        raw_stdout: raw("stdout"),
        raw_stderr: raw("stderr"),
        share: format!(
            "/runs/{}/share?{}",
            view.id,
            query::encode([
                ("step", step.id.as_str()),
                ("host", cell.host.as_str()),
                ("attempt", id.as_deref().unwrap_or_default()),
            ])
        ),
        attempt: id,
        here,
        found: None,
        dropped: None,
        earlier: None,
        first: None,
        prefix: String::new(),
        chunks: Vec::new(),
        empty: if attempt.is_some_and(|attempt| attempt.over) { "It wrote nothing." } else { "No output yet." }
            .to_owned(),
        following: None,
        last: None,
    }
}

fn tabs(cell: &CellView, shown: Option<&AttemptView>, here: &str) -> Vec<AttemptTab> {
    cell.attempts
        .iter()
        .enumerate()
        .map(|(position, attempt)| AttemptTab {
            href: format!("{here}?attempt={}", attempt.id),
            words: attempt_words(cell, position),
            outcome: attempt.outcome.clone(),
            current: shown.is_some_and(|shown| shown.id == attempt.id),
        })
        .collect()
}

async fn fill(web: &Web, page: &mut OutputPage, attempt: &AttemptView, asked: &Fields) -> Result<(), Problem> {
    let reader = output::reader(web, attempt.id);
    let Some(summary) = reader.summary().await? else { return Ok(()) };
    let marked = asked.filled("lines").and_then(output::range);
    let lines = read(&reader, &summary, asked, marked).await?;
    page.words = format!(
        "{}, {} bytes",
        format::count(usize::try_from(summary.lines).unwrap_or(usize::MAX), "line", "lines"),
        summary.bytes
    );
    page.dropped = summary.gap.as_ref().map(|gap| {
        format!(
            "{} lines ({} bytes) behind line {} were not kept: the output is larger than the server keeps.",
            gap.lines, gap.bytes, gap.after_line
        )
    });
    links(page, &summary, &lines);
    page.chunks = chunks(output::lines(&lines.rows, marked));
    if let Some(text) = asked.filled("q") {
        text.clone_into(&mut page.query);
        page.found = Some(search(&reader, page, text).await?);
    }
    Ok(())
}

async fn read(
    reader: &OutputReader,
    summary: &OutputSummary,
    asked: &Fields,
    marked: Option<(u64, u64)>,
) -> Result<LinesPage, Problem> {
    let limits =
        PageLimits { rows_max: usize::try_from(OUTPUT_LINES_PAGE).unwrap_or(usize::MAX), ..PageLimits::default() };
    let from = asked.filled("from").and_then(|from| from.parse::<u64>().ok());
    let from = from.or(marked.map(|(first, _)| first.saturating_sub(BEFORE_RANGE)));
    Ok(match from {
        Some(from) => {
            let from = from.clamp(1, summary.lines.max(1));
            reader.lines(from, from.saturating_add(OUTPUT_LINES_PAGE - 1), limits).await?
        }
        None => reader.tail(OUTPUT_LINES_PAGE, limits).await?,
    })
}

/// Ways to what is before and behind.
fn links(page: &mut OutputPage, summary: &OutputSummary, lines: &LinesPage) {
    let (Some(first), Some(last)) = (lines.rows.first(), lines.rows.last()) else { return };
    let attempt = page.attempt.clone().unwrap_or_default();
    let at = |from: u64| format!("{}?attempt={attempt}&from={from}", page.here);
    if first.line > 1 {
        let from = first.line.saturating_sub(OUTPUT_LINES_PAGE).max(1);
        page.earlier = Some(Link { href: at(from), words: format!("Lines {from}–{}", first.line - 1) });
        page.first = (from > 1).then(|| Link { href: at(1), words: "From line 1".to_owned() });
    }
    if last.line < summary.lines {
        let from = last.line + 1;
        let to = (from + OUTPUT_LINES_PAGE - 1).min(summary.lines);
        page.following = Some(Link { href: at(from), words: format!("Lines {from}–{to}") });
        page.last = Some(Link { href: format!("{}?attempt={attempt}", page.here), words: "Last lines".to_owned() });
    }
}

async fn search(reader: &OutputReader, page: &OutputPage, text: &str) -> Result<Found, Problem> {
    let query = match Query::plain(text, Case::Ignored) {
        Ok(query) => query,
        Err(wrong) => return Ok(Found { words: format!("Cannot look for this: {wrong}"), hits: Vec::new() }),
    };
    let limits = SearchLimits { hits_max: HITS_MAX, bytes_max: SEARCH_BYTES_MAX };
    let found = reader.search(&query, SearchFrom::Line(1), limits).await?;
    let count = format::count(found.hits.len(), "line holds", "lines hold");
    let attempt = page.attempt.as_deref().unwrap_or_default();
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let mut hits = Vec::new();
    for hit in found.hits.iter().take(HITS_MAX) {
        let line = reader.lines(hit.line, hit.line, PageLimits { rows_max: 1, bytes_max: ROW_BYTES_MAX }).await?;
        let text = line.rows.first().map(|row| Painter::new().plain(&row.bytes, Keep::Nothing)).unwrap_or_default();
        hits.push(FoundLine {
            href: format!("{}?attempt={attempt}&lines={line}&q={}#L{line}", page.here, encoded, line = hit.line),
            number: hit.line,
            text: text.chars().take(HIT_LETTERS).collect(),
        });
    }
    Ok(Found {
        words: match found.next {
            Some(_) => format!("The first {count} “{text}”"),
            None => format!("{count} “{text}”"),
        },
        hits,
    })
}
