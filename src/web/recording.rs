//! What the web side itself has to put into the audit log: refusals, bounded, and readings that must not happen
//! unrecorded. What changes anything is recorded by the store, with the change.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use uuid::Uuid;

use crate::audit::entry::{ANONYMOUS, Kind, NewEntry};
use crate::id::AttemptId;
use crate::run::event::Actor;
use crate::store::shares;
use crate::web::problem::Problem;
use crate::web::state::Web;

/// How often windows of counting are looked at that may be over.
const COUNTS_EVERY: Duration = Duration::from_secs(10);

/// Somebody could not sign in; `by` what.
pub async fn sign_in_refused(web: &Web, by: &str, from: Option<IpAddr>) {
    let entry = NewEntry::new(web.now_ms(), Kind::SignInRefused, ANONYMOUS, format!("sign-in:{by}"));
    refused(web, entry.from(from)).await;
}

/// Whoever has somebody's session could not prove to be them; `by` what, where.
pub async fn proof_refused(web: &Web, actor: &Actor, by: &str, from: IpAddr) {
    let entry = NewEntry::new(web.now_ms(), Kind::SignInRefused, &*actor.0, format!("sign-in:{by}"));
    refused(web, entry.from(Some(from))).await;
}

/// Somebody who is known may not do this. The pattern of the address is told, never the address itself.
pub async fn access_denied(web: &Web, actor: &Actor, parts: &Parts, from: Option<IpAddr>) {
    let route = parts.extensions.get::<MatchedPath>().map_or("(none)", MatchedPath::as_str);
    let object = format!("{} {route}", parts.method);
    refused(web, NewEntry::new(web.now_ms(), Kind::AccessDenied, &*actor.0, object).from(from)).await;
}

/// It is refused whether or not it can be recorded: a full disk must not open a door, nor shut one.
async fn refused(web: &Web, entry: NewEntry) {
    if web.repeats().refused(&entry)
        && let Err(error) = web.store().record(&entry).await
    {
        tracing::error!(%error, kind = %entry.kind, "a refusal could not be recorded");
    }
}

/// A share link was opened, which the store has recorded: the page that follows is the same view.
pub fn share_was_viewed(web: &Web, share: Uuid, from: IpAddr) {
    web.repeats().stored(&view_of(web, share, Some(from)));
}

/// A page of a share link is about to be shown again.
///
/// # Errors
/// It cannot be recorded; then it must not be shown.
pub async fn share_viewed(web: &Web, share: Uuid, from: Option<IpAddr>) -> Result<(), Problem> {
    must_record(web, view_of(web, share, from)).await
}

fn view_of(web: &Web, share: Uuid, from: Option<IpAddr>) -> NewEntry {
    NewEntry::new(web.now_ms(), Kind::ShareViewed, ANONYMOUS, shares::object(share)).from(from)
}

/// The bytes of an attempt's output are about to be given away.
///
/// # Errors
/// It cannot be recorded; then they must not be.
pub async fn output_downloaded(web: &Web, actor: &Actor, attempt: AttemptId) -> Result<(), Problem> {
    let entry = NewEntry::new(web.now_ms(), Kind::OutputDownloaded, &*actor.0, format!("attempt:{attempt}"));
    must_record(web, entry).await
}

async fn must_record(web: &Web, entry: NewEntry) -> Result<(), Problem> {
    if web.repeats().must_record(&entry) {
        web.store().record(&entry).await?;
        web.repeats().stored(&entry);
    }
    Ok(())
}

/// Writes counts whose window is over, until the server ends; then all.
pub async fn write_counts(web: Web) {
    while !web.stopping().is_cancelled() {
        tokio::select! {
            () = web.stopping().cancelled() => {}
            () = tokio::time::sleep(COUNTS_EVERY) => {}
        }
        let counts = web.repeats().over(web.now_ms());
        write(&web, counts).await;
    }
    let counts = web.repeats().all(web.now_ms());
    write(&web, counts).await;
}

async fn write(web: &Web, counts: Vec<NewEntry>) {
    for entry in counts {
        if let Err(error) = web.store().record(&entry).await {
            tracing::error!(%error, kind = %entry.kind, "a count could not be recorded");
        }
    }
}
