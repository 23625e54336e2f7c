//! All hosts of a run and all its steps.

use axum::extract::State;

use crate::web::authority::{Authorised, ReadRuns, TheRun};
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::runs;
use crate::web::state::Web;
use crate::web::view::grid::{GridPage, GridQuery, Standing};

/// `GET /runs/{id}/grid?state=failed&q=web&from=50`
pub async fn show(
    who: Authorised<ReadRuns, TheRun>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let view = runs::view(&who, &web).await?;
    let asked = GridQuery {
        standing: asked.filled("state").and_then(Standing::named),
        q: asked.filled("q").unwrap_or_default().to_owned(),
        from: asked.filled("from").and_then(|from| from.parse().ok()).unwrap_or(0),
    };
    let page = GridPage::new(&view, &asked);
    Page::new("grid", &who.frame(Place::Runs, format!("Hosts of {}", page.title)), &page)
}
