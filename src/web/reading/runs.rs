//! Runs: one picture, or lists.

use crate::id::RunId;
use crate::run::view::RunView;
use crate::store::runs::RunRow;
use crate::web::format::{self, Moment};
use crate::web::problem::Problem;
use crate::web::state::Web;
use crate::web::view::lists::{RunLine, stored_state};

/// The picture of the run that an address names.
///
/// # Errors
/// There is none, or it cannot be read.
pub async fn view(web: &Web, id: &str) -> Result<RunView, Problem> {
    let run = run_id(id)?;
    web.engine().view(run).await?.ok_or_else(|| no_run(id))
}

/// The id in an address. Anything that is no id names no run: there is nothing more to say about it.
///
/// # Errors
/// It is no run's id.
pub fn run_id(id: &str) -> Result<RunId, Problem> {
    id.parse().map_err(|_| no_run(id))
}

fn no_run(id: &str) -> Problem {
    let shown: String = id.chars().take(80).collect();
    Problem::not_found(format!("there is no run {shown}")).next_step("The list of runs has a search.")
}

/// A row of the store as a line of a list.
pub fn line(row: &RunRow, now_ms: i64) -> RunLine {
    let (state, tone) = stored_state(&row.state);
    RunLine {
        href: format!("/runs/{}", row.id),
        title: row.title.clone(),
        place: format::names(row.hosts.iter().map(crate::id::HostName::as_str)),
        state,
        tone,
        waiting: row.waiting.clone().filter(|_| row.ended_at_ms.is_none()),
        progress: format!("{} of {} steps", row.step_done, row.step_total),
        started: Moment::new(row.started_at_ms, now_ms),
        by: row.started_by.clone(),
    }
}
