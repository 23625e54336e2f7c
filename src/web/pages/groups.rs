//! What the hosts of a step said, equal outputs together.

use axum::extract::State;

use crate::web::authority::{Authorised, ReadOutput, Subject, TheStep};
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::output::groups;
use crate::web::reading::runs;
use crate::web::state::Web;

/// `GET /runs/{id}/steps/{step}/groups?noise=1`
pub async fn show(
    who: Authorised<ReadOutput, TheStep>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let view = runs::view_of_step(&who, &web).await?;
    let step = view.steps.iter().find(|step| step.id == who.on.step).ok_or_else(TheStep::absent)?;
    let page = groups::page(&web, &view, step, asked.filled("noise").is_some()).await?;
    let title = format!("{}: who said what", page.step_name);
    Page::new("groups", &who.frame(Place::Runs, title), &page)
}
