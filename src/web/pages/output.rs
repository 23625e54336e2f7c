//! The output of a step on a host: any range of lines of any size of log, search, what is new, and files.

use axum::extract::State;
use axum::response::{Html, Response};

use crate::access::policy::Permission;
use crate::engine::output::{LinesPage, OutputReader, OutputSummary, Query};
use crate::run::view::{AttemptView, CellView, RunView, StepView};
use crate::web::ansi::Painter;
use crate::web::authority::{Authorised, ReadOutput, Subject, TheCell};
use crate::web::format::{self, Moment};
use crate::web::limits::{HOST_TABS_MAX, STATES_MAX};
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::query::{self, Fields, QueryFields};
use crate::web::reading::output::download::{self, Form};
use crate::web::reading::output::search::{Search, Way};
use crate::web::reading::output::window::{self, Address, Wanted};
use crate::web::reading::{output, runs};
use crate::web::recording;
use crate::web::state::Web;
use crate::web::templates;
use crate::web::view::grid::{cell_state, worst_first};
use crate::web::view::output::{
    AttemptTab, Downloads, Found, HostTab, Link, OutputPage, OutputPart, State as LineState, States, Ways, chunks,
    grouped, size,
};
use crate::web::view::step::{attempt_words, output_page};

/// A step on a host, with the attempt that is looked at.
#[derive(Clone, Copy)]
struct Seen<'a> {
    view: &'a RunView,
    step: &'a StepView,
    cell: &'a CellView,
    attempt: Option<&'a AttemptView>,
}

impl<'a> Seen<'a> {
    fn of(view: &'a RunView, on: &TheCell, asked: &Fields) -> Result<Self, Problem> {
        let (step, cell) = output::cell(view, &on.step, &on.host)?;
        Ok(Self { view, step, cell, attempt: output::attempt(cell, asked.first("attempt"))? })
    }
}

/// `GET /runs/{id}/steps/{step}/hosts/{host}?attempt=&lines=120-135&from=&q=&re=&case=&find=next&line=&at=trouble`
pub async fn show(
    who: Authorised<ReadOutput, TheCell>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let view = runs::view_of_cell(&who, &web).await?;
    let seen = Seen::of(&view, &who.on, &asked)?;
    let may_share = who.on.about().is_some_and(|about| who.may(Permission::ShareOutput, about));
    let mut page = OutputPage { may_share, ..empty(seen, web.now_ms()) };
    if let Some(attempt) = seen.attempt {
        fill(&web, &mut page, attempt, &asked).await?;
    }
    let title = format!("{} on {}", page.step_name, page.host);
    Page::new("output", &who.frame(Place::Runs, title), &page)
}

/// `GET /runs/{id}/steps/{step}/hosts/{host}/lines?attempt=&from=&to=`, or `&next=` for what is new: lines alone, for
/// the script of the page.
pub async fn lines(
    who: Authorised<ReadOutput, TheCell>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Html<String>, Problem> {
    let view = runs::view_of_cell(&who, &web).await?;
    let seen = Seen::of(&view, &who.on, &asked)?;
    let attempt = seen.attempt.ok_or_else(not_run)?;
    let reader = output::reader(&web, attempt.id);
    let Some(summary) = reader.summary().await? else {
        let part = nothing(attempt);
        return Ok(Html(templates::render("output-part", &part)?));
    };
    let (page, skipped) = match number(&asked, "next")? {
        Some(_) if asked.filled("count").is_some() => (LinesPage::default(), 0),
        Some(next) => window::read_new(&reader, &summary, next.max(1)).await?,
        None => {
            let wanted = Wanted { from: number(&asked, "from")?, to: number(&asked, "to")?, marked: None };
            (window::read(&reader, &summary, wanted).await?, 0)
        }
    };
    let search = Search::asked(&asked);
    let address =
        Address { here: output_page(&view, seen.step, seen.cell), kept: vec![("attempt", attempt.id.to_string())] };
    let part = part_in_turn(&web, attempt, &summary, &page, (&address, None, &search)).await;
    let part = OutputPart { skipped, ..part };
    Ok(Html(templates::render("output-part", &part)?))
}

/// `GET /runs/{id}/steps/{step}/hosts/{host}/file?attempt=&as=txt|log|json&lines=120-135`: all of it, or a range.
pub async fn file(
    who: Authorised<ReadOutput, TheCell>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Response, Problem> {
    let view = runs::view_of_cell(&who, &web).await?;
    let seen = Seen::of(&view, &who.on, &asked)?;
    let attempt = seen.attempt.ok_or_else(not_run)?;
    let form = Form::named(asked.filled("as").unwrap_or("txt"));
    let form = form.ok_or_else(|| Problem::bad_request("as is txt, log or json"))?;
    let range = asked.filled("lines").map(|text| output::range(text).ok_or_else(|| wrong_range(text))).transpose()?;
    recording::output_downloaded(&web, who.actor(), attempt.id).await?;
    Ok(download::file(output::reader(&web, attempt.id), (seen.step, seen.cell), attempt, form, range))
}

fn not_run() -> Problem {
    Problem::not_found("the step has not run on this host")
}

fn wrong_range(text: &str) -> Problem {
    let shown: String = text.chars().take(40).collect();
    Problem::bad_request(format!("lines={shown} is no range of lines: write 120-135"))
}

fn number(asked: &Fields, name: &str) -> Result<Option<u64>, Problem> {
    let number = asked.filled(name).map(str::parse).transpose();
    number.map_err(|_| Problem::bad_request(format!("{name} is a whole number")))
}

/// The page before any output is read.
fn empty(seen: Seen<'_>, now_ms: i64) -> OutputPage {
    let Seen { view, step, cell, attempt } = seen;
    let here = output_page(view, step, cell);
    let id = attempt.map(|attempt| attempt.id.to_string());
    let lasted = attempt.and_then(|attempt| Some(attempt.ended_at_ms? - attempt.started_at_ms));
    let hosts = worst_first(&step.cells);
    let share =
        [("step", step.id.as_str()), ("host", cell.host.as_str()), ("attempt", id.as_deref().unwrap_or_default())];
    OutputPage {
        run: view.id.to_string(),
        title: view.title.clone(),
        step: step.id.to_string(),
        step_name: step.name.clone(),
        host: cell.host.to_string(),
        outcome: attempt.map_or("not run".to_owned(), |attempt| attempt.outcome.clone()),
        tone: attempt.map_or("still", output::outcome_tone),
        started: attempt.map(|attempt| Moment::new(attempt.started_at_ms, now_ms)),
        started_ms: attempt.map(|attempt| attempt.started_at_ms),
        lasted: lasted.map(format::duration),
        words: String::new(),
        command: step.body.clone(),
        attempts: if cell.attempts.len() > 1 { tabs(cell, attempt, &here) } else { Vec::new() },
        hosts_more: hosts.len().saturating_sub(HOST_TABS_MAX),
        many_hosts: hosts.len() > 1,
        hosts: hosts.iter().take(HOST_TABS_MAX).map(|other| host_tab(seen, other)).collect(),
        search: Default::default(),
        downloads: id.as_deref().map(|id| downloads(seen, &here, id)),
        share: format!("/runs/{}/share?{}", view.id, query::encode(share)),
        may_share: false,
        attempt: id,
        here,
        found: None,
        note: None,
        dropped: None,
        states: None,
        ways: Ways::default(),
        trouble: None,
        trouble_line: None,
        prefix: String::new(),
        marked: None,
        part: OutputPart { next: 1, ..OutputPart::default() },
        empty: if attempt.is_some_and(|attempt| attempt.over) { "It wrote nothing." } else { "No output yet." }
            .to_owned(),
        live: view.ended_at_ms.is_none() && attempt.is_none_or(|attempt| !attempt.over),
        seq: view.seq,
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

fn host_tab(seen: Seen<'_>, other: &CellView) -> HostTab {
    let (mark, tone, state) = cell_state(other.state);
    HostTab {
        href: output_page(seen.view, seen.step, other),
        host: other.host.to_string(),
        mark,
        tone,
        state,
        current: other.host == seen.cell.host,
    }
}

fn downloads(seen: Seen<'_>, here: &str, attempt: &str) -> Downloads {
    let file = |form: &str| format!("{here}/file?{}", query::encode([("attempt", attempt), ("as", form)]));
    let bytes = format!(
        "/api/v1/runs/{}/steps/{}/hosts/{}/output?attempt={attempt}",
        seen.view.id, seen.step.id, seen.cell.host
    );
    Downloads {
        text: file("txt"),
        log: file("log"),
        json: file("json"),
        raw_stdout: format!("{bytes}&stream=stdout"),
        raw_stderr: format!("{bytes}&stream=stderr"),
        raw: bytes,
    }
}

async fn fill(web: &Web, page: &mut OutputPage, attempt: &AttemptView, asked: &Fields) -> Result<(), Problem> {
    let reader = output::reader(web, attempt.id);
    let search = Search::asked(asked);
    page.search = search.form.clone();
    let Some(summary) = reader.summary().await? else {
        page.part = nothing(attempt);
        return Ok(());
    };
    let mut kept = vec![("attempt", attempt.id.to_string())];
    kept.extend(search.fields());
    let address = Address { here: page.here.clone(), kept };
    page.words = words(&summary);
    page.dropped = summary.gap.as_ref().map(|gap| {
        format!(
            "{} lines ({}) behind line {} were not kept: the output is larger than the server keeps.",
            grouped(gap.lines),
            size(gap.bytes),
            gap.after_line
        )
    });
    if page.tone == "bad" || asked.filled("at").is_some() {
        page.trouble_line = window::trouble(&reader).await?;
        let href = |line: u64| address.with(&[("lines", line.to_string())]) + &format!("#L{line}");
        page.trouble = page
            .trouble_line
            .map(|line| Link { href: href(line), words: format!("Last sign of trouble: line {line}") });
    }
    let wanted = wanted(web, page, &reader, &search, asked).await?;
    let lines = window::read(&reader, &summary, wanted).await?;
    page.ways = window::ways(&address, &summary, &lines.rows);
    page.marked = wanted.marked.map(|(first, _)| first);
    page.part = part_in_turn(web, attempt, &summary, &lines, (&address, wanted.marked, &search)).await;
    page.states = states(page, asked, &lines);
    if search.query.is_some() {
        page.found = Some(found(web, page, (&reader, &summary), &search, &address, asked).await?);
    }
    Ok(())
}

/// The lines that the query asks for: a range, a place, or where a search leads.
async fn wanted(
    web: &Web,
    page: &mut OutputPage,
    reader: &OutputReader,
    search: &Search,
    asked: &Fields,
) -> Result<Wanted, Problem> {
    let way = match asked.filled("find") {
        Some("next") => Some(Way::Next),
        Some("previous") => Some(Way::Previous),
        _ => None,
    };
    let line = asked.filled("line").and_then(|line| line.parse::<u64>().ok());
    if let (Some(way), Some(line)) = (way, line) {
        let _turn = web.limits().search().await;
        let hit = search.step(reader, line, way).await?;
        if hit.is_none() {
            page.note = Some(match way {
                Way::Next => format!("Nothing more behind line {line} within what one search reads."),
                Way::Previous => format!("Nothing more before line {line} within what one search reads."),
            });
        }
        let hit = hit.or((line < i64::MAX as u64 && line > 0).then_some(line));
        return Ok(Wanted { marked: hit.map(|line| (line, line)), ..Wanted::default() });
    }
    let trouble = page.trouble_line.filter(|_| asked.filled("at") == Some("trouble"));
    let range = asked.filled("lines").and_then(output::range);
    Ok(Wanted {
        from: asked.filled("from").and_then(|from| from.parse().ok()),
        to: None,
        marked: range.or(trouble.map(|line| (line, line))),
    })
}

async fn found(
    web: &Web,
    page: &OutputPage,
    (reader, summary): (&OutputReader, &OutputSummary),
    search: &Search,
    address: &Address,
    asked: &Fields,
) -> Result<Found, Problem> {
    let _turn = web.limits().search().await;
    let after = asked.filled("after").and_then(|after| after.parse().ok());
    let found = search.found(reader, summary, address, after, page.marked).await?;
    Ok(found.unwrap_or_else(|| Found::wrong("There is nothing to look for.".to_owned())))
}

/// All states of the one line that is asked for with `states=1`.
fn states(page: &OutputPage, asked: &Fields, lines: &LinesPage) -> Option<States> {
    asked.filled("states")?;
    let line = page.marked?;
    let mut painter = Painter::new();
    let rows = lines.rows.iter().filter(|row| row.line == line);
    let mut all: Vec<String> = rows.flat_map(|row| painter.states(&row.bytes)).collect();
    let count = all.len();
    let shown = all.split_off(count.saturating_sub(STATES_MAX));
    let words = match count - shown.len() {
        0 => format!("All {count} states of line {line}"),
        _ => format!("The last {} of {count} states of line {line}", shown.len()),
    };
    Some(States { line, words, states: shown.into_iter().map(|html| LineState { html }).collect() })
}

fn words(summary: &OutputSummary) -> String {
    let lines = if summary.lines == 1 { "line" } else { "lines" };
    format!("{} {lines}, {}", grouped(summary.lines), size(summary.bytes))
}

/// What there is of an attempt that has not said anything.
fn nothing(attempt: &AttemptView) -> OutputPart {
    OutputPart {
        next: 1,
        finished: attempt.over,
        outcome: attempt.outcome.clone(),
        tone: output::outcome_tone(attempt),
        ..OutputPart::default()
    }
}

/// Lines as they are shown. Marking what is found in them is a search, and waits for its turn like one.
async fn part_in_turn(
    web: &Web,
    attempt: &AttemptView,
    summary: &OutputSummary,
    lines: &LinesPage,
    (address, marked, search): (&Address, Option<(u64, u64)>, &Search),
) -> OutputPart {
    let _turn = match search.usable() {
        Some(_) => Some(web.limits().search().await),
        None => None,
    };
    part(attempt, summary, lines, (address, marked, search.usable()))
}

/// Lines as they are shown: at which address, which of them stand out, and what is searched for.
fn part(
    attempt: &AttemptView,
    summary: &OutputSummary,
    lines: &LinesPage,
    (address, marked, searched): (&Address, Option<(u64, u64)>, Option<&Query>),
) -> OutputPart {
    let finished = summary.finished || attempt.over;
    let mut drawn = output::lines(&lines.rows, marked, searched);
    for line in drawn.iter_mut().filter(|line| line.overwritten > 0) {
        line.states = Some(address.with(&[("lines", line.number.to_string()), ("states", "1".to_owned())]));
    }
    OutputPart {
        first: lines.rows.first().map_or(0, |row| row.line),
        last: lines.rows.last().map_or(0, |row| row.line),
        next: window::next_line(&lines.rows, finished).unwrap_or(summary.lines + 1),
        total: summary.lines,
        finished,
        words: words(summary),
        chunks: chunks(drawn),
        ..nothing(attempt)
    }
}
