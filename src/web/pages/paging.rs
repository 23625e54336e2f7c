//! Paging somebody, in two taps and without a reason; the page of a page; answering it signed in.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::notify::pager::PagerError;
use crate::web::authority::{Authorised, PageAnyone, ThePage, TheServer};
use crate::web::doing;
use crate::web::page::{Page, Place, see_other};
use crate::web::problem::Problem;
use crate::web::query::{FormFields, QueryFields};
use crate::web::reading::paging;
use crate::web::state::Web;

/// `GET /page?about=/runs/…`
pub async fn form(
    who: Authorised<PageAnyone, TheServer>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let form = paging::form(&who, &web, asked.filled("about").unwrap_or_default()).await?;
    Page::new("paging", &who.frame(Place::OnCall, "Page somebody"), &form)
}

/// `POST /page`: the button says which chain.
pub async fn raise(
    who: Authorised<PageAnyone, TheServer>,
    State(web): State<Web>,
    FormFields(fields): FormFields,
) -> Result<Response, Problem> {
    let chain = fields.filled("chain").ok_or_else(|| Problem::bad_request("which chain is paged, is not said"))?;
    let text = fields.first("text").unwrap_or_default();
    let found = doing::page(&who, &web, chain, text, fields.filled("about")).await?;
    Ok(see_other(&format!("/pages/{}", found.id)))
}

/// `GET /pages/{id}`
pub async fn show(who: Authorised<PageAnyone, ThePage>, State(web): State<Web>) -> Result<Page, Problem> {
    let view = paging::view(&who, &web, None).await?;
    Page::new("paging-page", &who.frame(Place::OnCall, view.title.clone()), &view)
}

/// `POST /pages/{id}/acknowledge`
pub async fn acknowledge(who: Authorised<PageAnyone, ThePage>, State(web): State<Web>) -> Result<Response, Problem> {
    match doing::acknowledge(&who, &web).await {
        Ok(found) => Ok(see_other(&format!("/pages/{}", found.id))),
        Err(PagerError::Refused(refused)) => {
            let view = paging::view(&who, &web, Some(refused.to_string())).await?;
            let page = Page::new("paging-page", &who.frame(Place::OnCall, view.title.clone()), &view)?;
            Ok(page.status(StatusCode::CONFLICT).into_response())
        }
        Err(other) => Err(other.into()),
    }
}
