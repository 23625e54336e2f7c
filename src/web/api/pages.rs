//! Paging people by program.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::Body;
use crate::notify::pager::Found;
use crate::oncall::escalation::Standing;
use crate::web::authority::{Authorised, PageAnyone, ThePage, TheServer};
use crate::web::doing;
use crate::web::problem::Problem;
use crate::web::reading::paging;
use crate::web::state::Web;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PageBody {
    /// One of the chains of `oncall.yaml`.
    pub chain: String,
    /// What to say; who asks is said anyway.
    #[serde(default)]
    pub text: String,
    /// The place of this server that it is about: `/runs/…`.
    #[serde(default)]
    pub about: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PageItem {
    pub id: String,
    pub url: String,
    pub chain: String,
    pub text: String,
    pub about: Option<String>,
    pub raised_by: String,
    pub raised_at_ms: i64,
    /// `raised`, `climbing`, `acknowledged` or `exhausted`.
    pub standing: &'static str,
    /// The level that is paged now, from 1.
    pub level: Option<usize>,
    pub acknowledged_by: Option<String>,
    /// When the next level is paged.
    pub next_at_ms: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PageList {
    pub pages: Vec<PageItem>,
}

/// Pages a chain: its first level is told at once.
#[utoipa::path(
    post, path = "/api/v1/pages", tag = "oncall", request_body = PageBody,
    responses(
        (status = 201, description = "It is on its way", body = PageItem),
        (status = 422, description = "There is no such chain"),
        (status = 429, description = "Too many pages by this person; nobody was told"),
    )
)]
pub async fn create(
    who: Authorised<PageAnyone, TheServer>,
    State(web): State<Web>,
    Body(body): Body<PageBody>,
) -> Result<(StatusCode, Json<PageItem>), Problem> {
    let found = doing::page(&who, &web, &body.chain, &body.text, body.about.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(PageItem::from(&found))))
}

/// The last pages, newest first.
#[utoipa::path(
    get, path = "/api/v1/pages", tag = "oncall",
    responses((status = 200, description = "Pages", body = PageList))
)]
pub async fn list(who: Authorised<PageAnyone, TheServer>, State(web): State<Web>) -> Result<Json<PageList>, Problem> {
    let pages = paging::list(&who, &web).await?;
    Ok(Json(PageList { pages: pages.iter().map(PageItem::from).collect() }))
}

/// How a page stands.
#[utoipa::path(
    get, path = "/api/v1/pages/{id}", tag = "oncall", params(("id" = String, Path)),
    responses((status = 200, description = "The page", body = PageItem))
)]
pub async fn show(who: Authorised<PageAnyone, ThePage>, State(web): State<Web>) -> Result<Json<PageItem>, Problem> {
    Ok(Json(PageItem::from(&paging::found(&who, &web).await?)))
}

/// Takes a page on: nobody further is told.
#[utoipa::path(
    post, path = "/api/v1/pages/{id}/acknowledge", tag = "oncall", params(("id" = String, Path)),
    responses(
        (status = 200, description = "It is yours", body = PageItem),
        (status = 409, description = "Somebody has it already"),
    )
)]
pub async fn acknowledge(
    who: Authorised<PageAnyone, ThePage>,
    State(web): State<Web>,
) -> Result<Json<PageItem>, Problem> {
    Ok(Json(PageItem::from(&doing::acknowledge(&who, &web).await?)))
}

impl From<&Found> for PageItem {
    fn from(found: &Found) -> Self {
        let page = &found.page;
        let (standing, level, acknowledged_by) = match &page.standing {
            Standing::Raised => ("raised", None, None),
            Standing::Climbing { level, .. } => ("climbing", Some(level + 1), None),
            Standing::Acknowledged { by, .. } => ("acknowledged", None, Some(by.clone())),
            Standing::Exhausted { .. } => ("exhausted", None, None),
        };
        Self {
            id: found.id.to_string(),
            url: format!("/pages/{}", found.id),
            chain: page.chain.clone(),
            text: page.text.clone(),
            about: page.about.clone(),
            raised_by: page.raised_by.clone(),
            raised_at_ms: page.raised_at_ms,
            standing,
            level,
            acknowledged_by,
            next_at_ms: page.next_at_ms(),
        }
    }
}
