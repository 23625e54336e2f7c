//! Home: what waits for a person, what runs, what was.

use axum::extract::State;

use crate::store::runs::Filter;
use crate::web::authority::{Authorised, Each, ReadRuns};
use crate::web::format;
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::reading::runs;
use crate::web::state::Web;
use crate::web::view::lists::{HomePage, RunLine};

/// Runs that are over, on the first page.
const RECENT: u32 = 10;

/// Runs in each list above them; the rest is in the list of runs.
const LIVE_MAX: u32 = 50;

/// `GET /`
pub async fn show(who: Authorised<ReadRuns, Each>, State(web): State<Web>) -> Result<Page, Problem> {
    let mut waiting = of_state(&who, &web, "waiting").await?;
    waiting.extend(of_state(&who, &web, "paused").await?);
    let running = of_state(&who, &web, "running").await?;
    let page = runs::list(&who, &web, &Filter::default(), None, RECENT * 2).await?;
    let now_ms = web.now_ms();
    let over = page.runs.iter().filter(|row| row.ended_at_ms.is_some()).take(RECENT as usize);
    let recent = over.map(|row| runs::line(row, now_ms)).collect();
    let headline = match (waiting.len(), running.len()) {
        (0, 0) => "Nothing waits, nothing runs".to_owned(),
        (0, running) => format!("Nothing waits; {} on", format::count(running, "run goes", "runs go")),
        (waiting, _) => format!("{} for a person", format::count(waiting, "run waits", "runs wait")),
    };
    let home = HomePage { headline, waiting, running, recent };
    let frame = who.frame(Place::Home, "Home");
    Page::new("home", &frame, &home)
}

async fn of_state(who: &Authorised<ReadRuns, Each>, web: &Web, state: &str) -> Result<Vec<RunLine>, Problem> {
    let filter = Filter { state: Some(state.to_owned()), ..Filter::default() };
    let page = runs::list(who, web, &filter, None, LIVE_MAX).await?;
    Ok(page.runs.iter().map(|row| runs::line(row, web.now_ms())).collect())
}
