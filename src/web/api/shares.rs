//! Share links: make, list, revoke.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use super::wire::{Body, ShareBody, ShareItem, ShareList, ShareMade};
use crate::run::view::RunView;
use crate::store::shares::Share;
use crate::web::authority::{Authorised, Named, ShareOutput, Subject, TheShare};
use crate::web::client::Client;
use crate::web::pages::share::link;
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::runs;
use crate::web::sharing::{self, ShareRequest};
use crate::web::state::Web;

/// Makes a link. Refused while something in what it shows looks like a secret.
#[utoipa::path(
    post, path = "/api/v1/shares", tag = "shares", request_body = ShareBody,
    responses(
        (status = 201, description = "The link, shown this once", body = ShareMade),
        (status = 422, description = "Refused; `errors` names places that look like secrets"),
    )
)]
pub async fn create(
    who: Authorised<ShareOutput, Named>,
    State(web): State<Web>,
    client: Client,
    headers: HeaderMap,
    Body(body): Body<ShareBody>,
) -> Result<(StatusCode, Json<ShareMade>), Problem> {
    let who = who.on_run(&web, &body.run).await?;
    let view = runs::view(&who, &web).await?;
    let lasts_ms = match body.expires.as_deref() {
        None => None,
        Some(text) => Some(sharing::lasting(text).ok_or_else(|| Problem::refused("expires is 1h, 24h or 7d"))?),
    };
    let asked = ShareRequest {
        scope: sharing::scope(
            &view,
            body.step.as_deref(),
            body.host.as_deref(),
            body.attempt.as_deref(),
            body.lines.as_deref(),
        )?,
        label: body.label.unwrap_or_default(),
        lasts_ms,
        requires_login: body.requires_login,
    };
    let made = sharing::share(&who, &web, &view, asked).await?;
    let body = ShareMade {
        id: made.id.to_string(),
        url: link(&web, client, &headers, &made.token),
        label: made.label,
        expires_at_ms: made.expires_at_ms,
        requires_login: made.requires_login,
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// The links of a run.
#[utoipa::path(
    get, path = "/api/v1/shares", tag = "shares", params(("run" = String, Query)),
    responses((status = 200, description = "The links", body = ShareList))
)]
pub async fn list(
    who: Authorised<ShareOutput, Named>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Json<ShareList>, Problem> {
    let run = asked.filled("run").ok_or_else(|| Problem::bad_request("say of which run: ?run=ID"))?;
    let who = who.on_run(&web, run).await?;
    let view = runs::view(&who, &web).await?;
    let shares = sharing::of_run(&who, &web).await?;
    Ok(Json(ShareList { shares: shares.iter().map(|share| item(&view, share, web.now_ms())).collect() }))
}

fn item(view: &RunView, share: &Share, now_ms: i64) -> ShareItem {
    let made = &share.share;
    ShareItem {
        id: made.id.to_string(),
        run: made.run.to_string(),
        label: made.label.clone(),
        shows: sharing::stored_words(view, &made.scope),
        created_by: made.created_by.clone(),
        created_at_ms: made.created_at_ms,
        expires_at_ms: made.expires_at_ms,
        revoked_at_ms: share.revoked_at_ms,
        views: share.views,
        requires_login: made.requires_login,
        open: share.is_open(now_ms),
    }
}

/// Ends a link. Whoever has it sees nothing any more.
#[utoipa::path(
    delete, path = "/api/v1/shares/{id}", tag = "shares", params(("id" = String, Path)),
    responses((status = 204, description = "It is revoked"), (status = 404, description = "No such link, or revoked before"))
)]
pub async fn revoke(who: Authorised<ShareOutput, TheShare>, State(web): State<Web>) -> Result<StatusCode, Problem> {
    if sharing::revoke(&who, &web).await? { Ok(StatusCode::NO_CONTENT) } else { Err(TheShare::absent()) }
}
