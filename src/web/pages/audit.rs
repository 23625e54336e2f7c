//! The audit log: search, and everything that fits as a file.

use axum::extract::State;
use axum::response::Response;

use crate::web::authority::{Authorised, ReadAudit, TheServer};
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::query::{self, Fields, QueryFields};
use crate::web::reading::audit;
use crate::web::state::Web;
use crate::web::view::audit::{AuditPage, EntryLine, kind_options};

/// Entries on one page.
pub const PAGE_ENTRIES: u32 = 100;

/// `GET /audit?person=&kind=&object=&since=&until=&cursor=`
pub async fn show(
    who: Authorised<ReadAudit, TheServer>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let cursor = asked.filled("cursor").and_then(|cursor| cursor.parse().ok());
    let (found, problem) = match audit::filter(&asked) {
        Ok(filter) => (Some(audit::list(&who, &web, &filter, cursor, PAGE_ENTRIES).await?), None),
        Err(problem) => (None, Some(problem.detail)),
    };
    let text = |name: &str| asked.first(name).unwrap_or_default().to_owned();
    let next = found.as_ref().and_then(|page| page.next);
    let page = AuditPage {
        standing: audit::standing(&who, &web).await?,
        person: text("person"),
        object: text("object"),
        since: text("since"),
        until: text("until"),
        kinds: kind_options(&text("kind")),
        problem,
        entries: found.iter().flat_map(|page| &page.rows).map(|row| EntryLine::new(row, web.now_ms())).collect(),
        older: next.map(|next| address("/audit", &asked, ("cursor", &next.to_string()))),
        as_json: address("/audit/export", &asked, ("format", "json")),
        as_csv: address("/audit/export", &asked, ("format", "csv")),
    };
    Page::new("audit", &who.frame(Place::Audit, "Audit"), &page)
}

/// `GET /audit/export?format=json|csv` and the fields of the search.
pub async fn export(
    who: Authorised<ReadAudit, TheServer>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Response, Problem> {
    audit::export(&who, &web, &asked).await
}

/// The same search elsewhere, with one more field.
fn address(path: &str, asked: &Fields, more: (&str, &str)) -> String {
    let kept = asked.0.iter().filter(|(name, _)| name != "cursor" && name != "format");
    let kept = kept.map(|(name, value)| (name.as_str(), value.as_str())).filter(|(_, value)| !value.is_empty());
    format!("{path}?{}", query::encode(kept.chain([more])))
}
