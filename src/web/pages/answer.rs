//! What the link of a message opens: the page that somebody was paged with, and a button that answers it. The link
//! carries its own secret; no grant is about it.

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::notify::pager::PagerError;
use crate::web::client::Client;
use crate::web::doing;
use crate::web::page::{Frame, Page};
use crate::web::problem::Problem;
use crate::web::reading::paging;
use crate::web::state::Web;
use crate::web::view::paging::AnswerPage;

/// `GET /answer/{token}`: what a message leads to. Programs that look at links in mails answer nothing by that.
pub async fn show(State(web): State<Web>, client: Client, Path(token): Path<String>) -> Result<Response, Problem> {
    answer(&web, client, &token, None, StatusCode::OK).await
}

/// `POST /answer/{token}`
pub async fn post(State(web): State<Web>, client: Client, Path(token): Path<String>) -> Result<Response, Problem> {
    web.rates().share(client.address)?;
    match doing::acknowledge_by_link(&web, &token).await {
        Ok(_) => answer(&web, client, &token, None, StatusCode::OK).await,
        Err(PagerError::Refused(refused)) => {
            answer(&web, client, &token, Some(refused.to_string()), StatusCode::CONFLICT).await
        }
        Err(PagerError::NoPage) => answer(&web, client, &token, None, StatusCode::NOT_FOUND).await,
        Err(other) => Err(other.into()),
    }
}

async fn answer(
    web: &Web,
    client: Client,
    token: &str,
    refused: Option<String>,
    status: StatusCode,
) -> Result<Response, Problem> {
    web.rates().share(client.address)?;
    let page = match paging::by_link(web, token).await? {
        Some((found, person)) => {
            // The story and the messages are for people who are signed in.
            let mut view = paging::picture(&found, &[], web.now_ms(), refused);
            view.story.clear();
            let title = view.title.clone();
            let answer = AnswerPage { action: format!("/answer/{token}"), person, page: view };
            Page::new("paging-answer", &Frame::public(title), &answer)?.status(status)
        }
        None => Page::new("share-gone", &Frame::public("This link does not work"), &())?.status(StatusCode::NOT_FOUND),
    };
    let mut response = page.into_response();
    let robots = HeaderValue::from_static("noindex, nofollow, noarchive");
    response.headers_mut().insert(HeaderName::from_static("x-robots-tag"), robots);
    Ok(response)
}
