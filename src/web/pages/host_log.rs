//! Everything that one host said in a run, folded by step.

use axum::extract::State;

use crate::id::HostName;
use crate::web::authority::{Authorised, ReadOutput, Subject, TheRun};
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::output::folded;
use crate::web::reading::runs;
use crate::web::state::Web;

/// `GET /runs/{id}/log?host=web-1`; the first host unless said.
pub async fn show(
    who: Authorised<ReadOutput, TheRun>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let view = runs::view(&who, &web).await?;
    let host = match asked.filled("host") {
        Some(host) => host.parse::<HostName>().ok(),
        None => view.hosts.first().map(|host| host.name.clone()),
    };
    let host = host.ok_or_else(TheRun::absent)?;
    let page = folded::page(&web, &view, &host).await?;
    let title = format!("{} in {}", page.host, page.title);
    Page::new("host-log", &who.frame(Place::Runs, title), &page)
}
