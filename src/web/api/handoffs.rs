//! Handoffs: begin, list, read, and everything that sender, receiver and lead do.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::handoff_wire::{ForceBody, HandoffActionBody, HandoffBeginBody, HandoffItem, HandoffList};
use super::wire::Body;
use crate::handoff::view::{HandoffView, view};
use crate::store::handoffs::{Filter, HandoffRow};
use crate::web::authority::{Authorised, Each, ForceCustody, Named, ReadHandoffs, TheHandoff, WriteHandoffs};
use crate::web::doing::handoffs as doing;
use crate::web::handoff_form::{Asked, BeginText};
use crate::web::pages::handoffs::PAGE_HANDOFFS;
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::handoffs;
use crate::web::state::Web;

/// Lists handoffs, newest first.
#[utoipa::path(
    get, path = "/api/v1/handoffs", tag = "handoffs",
    params(
        ("person" = Option<String>, Query, description = "user:anna, as sender or receiver"),
        ("q" = Option<String>, Query, description = "A part of what is written in it"),
        ("open" = Option<bool>, Query, description = "Only those in which somebody is still to do something"),
        ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query),
    ),
    responses((status = 200, description = "A page of handoffs", body = HandoffList))
)]
pub async fn list(
    who: Authorised<ReadHandoffs, Each>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Json<HandoffList>, Problem> {
    let cursor = asked.filled("cursor").map(str::parse).transpose();
    let cursor = cursor.map_err(|_| Problem::bad_request("the cursor is not one of ours"))?;
    let limit = asked.filled("limit").map(str::parse).transpose();
    let limit = limit.map_err(|_| Problem::bad_request("limit is a whole number"))?;
    let filter = Filter {
        person: asked.filled("person").map(str::to_owned),
        q: asked.filled("q").map(str::to_owned),
        since_ms: None,
        open: asked.filled("open") == Some("true"),
    };
    let page = handoffs::list(&who, &web, &filter, cursor, limit.unwrap_or(PAGE_HANDOFFS)).await?;
    let next = page.next.map(|next| next.to_string());
    Ok(Json(HandoffList { handoffs: page.handoffs.into_iter().map(HandoffItem::from).collect(), next }))
}

/// Begins a handoff: its facts are drafted. With `emergency`, it is offered at once.
#[utoipa::path(
    post, path = "/api/v1/handoffs", tag = "handoffs", request_body = HandoffBeginBody,
    responses(
        (status = 201, description = "The draft", body = Object),
        (status = 422, description = "Refused: no such account, or both are the same person"),
    )
)]
pub async fn begin(
    who: Authorised<WriteHandoffs, Named>,
    State(web): State<Web>,
    Body(body): Body<BeginText>,
) -> Result<Response, Problem> {
    let state = doing::begin(&who, &web, &body).await?;
    let url = format!("/handoffs/{}", state.handoff);
    Ok((StatusCode::CREATED, [(header::LOCATION, url)], Json(view(&state, &[]))).into_response())
}

/// A handoff: record, who holds what, what the receiver said, and what is missing.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}", tag = "handoffs", params(("id" = String, Path)),
    responses((status = 200, description = "The handoff", body = Object), (status = 404, description = "No such handoff"))
)]
pub async fn show(
    who: Authorised<ReadHandoffs, TheHandoff>,
    State(web): State<Web>,
) -> Result<Json<HandoffView>, Problem> {
    Ok(Json(handoffs::picture(&who, &web).await?))
}

/// Does something to a handoff. When it answers 200, it is stored; `accept` passes items and wheels in one transaction.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/actions", tag = "handoffs", params(("id" = String, Path)),
    request_body = HandoffActionBody,
    responses(
        (status = 200, description = "The handoff afterwards", body = Object),
        (status = 409, description = "It has moved on since you looked"),
        (status = 422, description = "Refused; `errors` names each check that does not hold, or what is missing"),
    )
)]
pub async fn act(
    who: Authorised<WriteHandoffs, TheHandoff>,
    State(web): State<Web>,
    Body(body): Body<Value>,
) -> Result<Json<HandoffView>, Problem> {
    let asked: Asked =
        serde_json::from_value(body).map_err(|error| Problem::refused(format!("the action does not fit: {error}")))?;
    doing::act(&who, &web, asked).await?;
    Ok(Json(handoffs::picture(&who, &web).await?))
}

/// Passes an item to somebody, over their heads, with a reason. Never by a token.
#[utoipa::path(
    post, path = "/api/v1/handoffs/{id}/force", tag = "handoffs", params(("id" = String, Path)),
    request_body = ForceBody,
    responses(
        (status = 200, description = "The handoff afterwards", body = Object),
        (status = 403, description = "Only a lead may"),
        (status = 422, description = "Refused, with the reason"),
    )
)]
pub async fn force(
    who: Authorised<ForceCustody, TheHandoff>,
    State(web): State<Web>,
    Body(body): Body<Value>,
) -> Result<Json<HandoffView>, Problem> {
    let body: ForceBody = serde_json::from_value(body).map_err(|error| Problem::refused(error.to_string()))?;
    doing::force(&who, &web, body.item.parse()?, &body.to, body.reason).await?;
    Ok(Json(handoffs::picture(&who, &web).await?))
}

/// The handoff as Markdown.
#[utoipa::path(
    get, path = "/api/v1/handoffs/{id}/markdown", tag = "handoffs",
    params(("id" = String, Path), ("form" = Option<String>, Query, description = "default, short, or handoffs/NAME.hbs of the repository")),
    responses((status = 200, description = "Markdown", content_type = "text/markdown", body = String))
)]
pub async fn markdown(
    who: Authorised<ReadHandoffs, TheHandoff>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Response, Problem> {
    let text = handoffs::markdown(&who, &web, asked.filled("form")).await?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

impl From<HandoffRow> for HandoffItem {
    fn from(row: HandoffRow) -> Self {
        Self {
            id: row.id.to_string(),
            url: format!("/handoffs/{}", row.id),
            rotation: row.rotation,
            from: row.sender,
            to: row.receiver,
            phase: row.phase,
            overdue: row.overdue,
            overview: row.overview,
            items: row.items,
            unstable: row.unstable,
            watcher: row.watcher,
            begun_ms: row.begun_ms,
            boundary_ms: row.boundary_ms,
            acknowledged_ms: row.acknowledged_ms,
        }
    }
}
