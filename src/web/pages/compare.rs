//! The output of a step beside another one.

use axum::extract::State;

use crate::web::authority::{Authorised, ReadOutput, TheCell};
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::output::compare;
use crate::web::reading::runs;
use crate::web::state::Web;

/// `GET /runs/{id}/steps/{step}/hosts/{host}/compare?attempt=&with=last|attempt:1|host:web-2&noise=1`
pub async fn show(
    who: Authorised<ReadOutput, TheCell>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let view = runs::view_of_cell(&who, &web).await?;
    let page = compare::page(&who, &web, &view, &asked).await?;
    let title = format!("{} on {}, compared", page.step_name, page.host);
    Page::new("compare", &who.frame(Place::Runs, title), &page)
}
