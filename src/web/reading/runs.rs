//! Runs: one picture, or lists.

use tokio::sync::watch;

use crate::access::policy::Permission;
use crate::access::scope::About;
use crate::engine::NumberedEvent;
use crate::engine::policy::scope_of_row;
use crate::run::view::{Need, RunView};
use crate::store::runs::{Cursor, Filter, PAGE_MAX, Page, RunRow};
use crate::web::authority::{Asks, Authorised, Each, Subject, TheCell, TheRun, TheRunbook, TheStep};
use crate::web::format::{self, Moment};
use crate::web::limits::GOOD_RUNS_MAX;
use crate::web::problem::Problem;
use crate::web::reading::visible;
use crate::web::state::Web;
use crate::web::view::around::{Around, Nudged, median_ms};
use crate::web::view::lists::{RunLine, stored_state};

/// Successful runs that say how long a runbook usually takes.
const USUAL_RUNS: u32 = 20;

/// The picture of a run that was authorised.
///
/// # Errors
/// It cannot be read.
pub async fn view<P>(who: &Authorised<P, TheRun>, web: &Web) -> Result<RunView, Problem> {
    let view = of_run(&who.on, web).await?;
    as_seen_by(who, web, view).await
}

/// The picture of the run of a cell that was authorised.
///
/// # Errors
/// It cannot be read.
pub async fn view_of_cell<P>(who: &Authorised<P, TheCell>, web: &Web) -> Result<RunView, Problem> {
    let view = of_run(&who.on.run, web).await?;
    as_seen_by(who, web, view).await
}

/// The picture without the name of another run that its reader may not see.
///
/// # Errors
/// That run cannot be read.
pub async fn as_seen_by<P, S: Subject>(
    who: &Authorised<P, S>,
    web: &Web,
    mut view: RunView,
) -> Result<RunView, Problem> {
    if let Some(Need::Lock { holder, .. }) = &mut view.waiting
        && let Some(run) = *holder
    {
        let row = web.store().run(run).await?;
        let may_see = row.is_some_and(|row| who.may(Permission::ReadRuns, About::Run(&scope_of_row(&row))));
        *holder = may_see.then_some(run);
    }
    Ok(view)
}

/// The picture of the run of a step that was authorised.
///
/// # Errors
/// It cannot be read.
pub async fn view_of_step<P>(who: &Authorised<P, TheStep>, web: &Web) -> Result<RunView, Problem> {
    of_run(&who.on.run, web).await
}

/// The newest run of the same runbook before this one that succeeded on the same host, among those whose output whoever
/// asks may read.
///
/// # Errors
/// It cannot be read.
pub async fn last_good<P>(who: &Authorised<P, TheCell>, web: &Web, view: &RunView) -> Result<Option<RunView>, Problem> {
    let filter = Filter {
        state: Some("succeeded".to_owned()),
        runbook: view.runbook.parse().ok(),
        host: Some(who.on.host.clone()),
        until_ms: Some(view.started_at_ms),
        ..Filter::default()
    };
    let page = web.store().list_runs(&filter, None, GOOD_RUNS_MAX).await?;
    let may_read = |row: &&RunRow| who.may(Permission::ReadOutput, About::Run(&scope_of_row(row)));
    for row in page.runs.iter().filter(|row| row.id != view.id).filter(may_read) {
        let Some(good) = web.engine().view(row.id).await? else { continue };
        let has_step = good.steps.iter().any(|step| {
            step.id == who.on.step
                && step.cells.iter().any(|cell| cell.host == who.on.host && !cell.attempts.is_empty())
        });
        if has_step {
            return Ok(Some(good));
        }
    }
    Ok(None)
}

async fn of_run(run: &TheRun, web: &Web) -> Result<RunView, Problem> {
    web.engine().view(run.id).await?.ok_or_else(TheRun::absent)
}

/// Counts up when something of the run that was authorised was stored.
pub fn watch<P>(who: &Authorised<P, TheRun>, web: &Web) -> watch::Receiver<u64> {
    web.engine().watch(who.on.id)
}

/// Whether nothing happened in the run that was authorised after event `seq`, told without reading the store: a thousand
/// viewers ask at each burst of output.
pub fn is_up_to_date<P>(who: &Authorised<P, TheRun>, web: &Web, seq: u64) -> bool {
    web.engine().last_seq(who.on.id) == Some(seq)
}

/// Events of the run that was authorised, after number `after`, at most `limit`.
///
/// # Errors
/// They cannot be read.
pub async fn events<P>(
    who: &Authorised<P, TheRun>,
    web: &Web,
    after: u64,
    limit: u32,
) -> Result<Vec<NumberedEvent>, Problem> {
    Ok(web.engine().events(who.on.id, after, limit).await?)
}

/// What stands around the run that was authorised and is not of its log.
///
/// # Errors
/// The store cannot be read.
pub async fn around<P>(who: &Authorised<P, TheRun>, web: &Web, view: &RunView) -> Result<Around, Problem> {
    let usual_ms = usual_ms(who, web, view).await?;
    let around = Around { now_ms: web.now_ms(), usual_ms, ..Around::default() };
    if view.ended_at_ms.is_some() {
        return Ok(around);
    }
    let last = web.engine().events(view.id, view.seq.saturating_sub(1), 1).await?;
    let nudge = web.store().newest_nudge(view.id).await?;
    Ok(Around {
        last_event_ms: last.first().map(|event| event.at_ms),
        watchers: web.watchers().of(view.id),
        nudge: nudge.map(|nudge| Nudged { by: nudge.by, at_ms: nudge.at_ms }),
        ..around
    })
}

/// What the last runs of the same runbook took that succeeded, in the middle, among those that whoever asks may see.
async fn usual_ms<P>(who: &Authorised<P, TheRun>, web: &Web, view: &RunView) -> Result<Option<i64>, Problem> {
    let runbook = view.runbook.parse().ok();
    let filter = Filter { state: Some("succeeded".to_owned()), runbook, ..Filter::default() };
    let page = web.store().list_runs(&filter, None, USUAL_RUNS).await?;
    let seen = page
        .runs
        .iter()
        .filter(|row| row.id != view.id && who.may(Permission::ReadRuns, About::Run(&scope_of_row(row))));
    Ok(median_ms(seen.filter_map(|row| Some(row.ended_at_ms? - row.started_at_ms)).collect()))
}

/// A page of the runs that whoever asks may see, newest first.
///
/// # Errors
/// The store cannot be read.
pub async fn list<P: Asks>(
    who: &Authorised<P, Each>,
    web: &Web,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: u32,
) -> Result<Page, Problem> {
    let read = |place, count| async move {
        let page = web.store().list_runs(filter, place, count).await?;
        Ok::<_, Problem>((page.runs, page.next))
    };
    let sees = |row: &RunRow| who.sees(About::Run(&scope_of_row(row)));
    let (runs, next) = visible::page(limit.clamp(1, PAGE_MAX), cursor, read, sees, Cursor::after).await?;
    Ok(Page { runs, next })
}

/// The newest runs of the runbook that was authorised, among those that whoever asks may see.
///
/// # Errors
/// The store cannot be read.
pub async fn of_runbook<P>(
    who: &Authorised<P, TheRunbook>,
    web: &Web,
    count_max: usize,
) -> Result<Vec<RunRow>, Problem> {
    let filter = Filter { runbook: Some(who.on.path.clone()), ..Filter::default() };
    let page = web.store().list_runs(&filter, None, PAGE_MAX).await?;
    let sees = |row: &RunRow| who.may(Permission::ReadRuns, About::Run(&scope_of_row(row)));
    Ok(page.runs.into_iter().filter(sees).take(count_max).collect())
}

/// A row of the store as a line of a list.
pub fn line(row: &RunRow, now_ms: i64) -> RunLine {
    let (state, tone) = stored_state(&row.state);
    RunLine {
        href: format!("/runs/{}", row.id),
        title: row.title.clone(),
        runbook: row.runbook.to_string(),
        place: format::names(row.hosts.iter().map(crate::id::HostName::as_str)),
        state,
        tone,
        waiting: row.waiting.clone().filter(|_| row.ended_at_ms.is_none()),
        progress: format!("{} of {} steps", row.step_done, row.step_total),
        started: Moment::new(row.started_at_ms, now_ms),
        lasted: row.ended_at_ms.map(|ended_ms| format!("took {}", format::duration(ended_ms - row.started_at_ms))),
        by: row.started_by.clone(),
        commit: row.commit.as_ref().map(|commit| commit.chars().take(12).collect()),
    }
}
