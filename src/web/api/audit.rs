//! The audit log.

use axum::Json;
use axum::extract::State;
use axum::response::Response;

use super::wire::{AuditItem, AuditList};
use crate::audit::export::Row;
use crate::web::authority::{Authorised, ReadAudit, TheServer};
use crate::web::pages::audit::PAGE_ENTRIES;
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::audit;
use crate::web::state::Web;

/// Entries and what people did in runs, newest first.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "audit",
    params(
        ("person" = Option<String>, Query, description = "user:anna also by her tokens, user:anna/ci by this one"),
        ("kind" = Option<String>, Query), ("object" = Option<String>, Query, description = "share:ID, run:ID"),
        ("since" = Option<String>, Query, description = "2026-11-23 or 2026-11-23T03:12:09Z"),
        ("until" = Option<String>, Query), ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query),
    ),
    responses((status = 200, description = "A page of the log", body = AuditList))
)]
pub async fn list(
    who: Authorised<ReadAudit, TheServer>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Json<AuditList>, Problem> {
    let cursor = asked.filled("cursor").map(str::parse).transpose();
    let cursor = cursor.map_err(|_| Problem::bad_request("the cursor is not one of ours"))?;
    let limit = asked.filled("limit").map(str::parse).transpose();
    let limit = limit.map_err(|_| Problem::bad_request("limit is a whole number"))?;
    let page = audit::list(&who, &web, &audit::filter(&asked)?, cursor, limit.unwrap_or(PAGE_ENTRIES)).await?;
    let next = page.next.map(|next| next.to_string());
    Ok(Json(AuditList { entries: page.rows.into_iter().map(AuditItem::from).collect(), next }))
}

/// Everything that fits, newest first, as lines of JSON or as CSV. That it was asked for is recorded.
#[utoipa::path(
    get, path = "/api/v1/audit/export", tag = "audit",
    params(
        ("format" = Option<String>, Query, description = "json (unless said) or csv"),
        ("person" = Option<String>, Query), ("kind" = Option<String>, Query), ("object" = Option<String>, Query),
        ("since" = Option<String>, Query), ("until" = Option<String>, Query),
    ),
    responses((status = 200, description = "One entry a line", content_type = "application/x-ndjson", body = String))
)]
pub async fn export(
    who: Authorised<ReadAudit, TheServer>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Response, Problem> {
    audit::export(&who, &web, &asked).await
}

impl From<Row> for AuditItem {
    fn from(row: Row) -> Self {
        Self {
            stream: row.stream.to_string(),
            seq: row.seq,
            at_ms: row.at_ms,
            kind: row.kind,
            actor: row.actor,
            object: row.object,
            detail: row.detail,
            hash: row.hash.to_string(),
        }
    }
}
