//! What whoever was given a share link sees. Unknown, expired and revoked links look alike.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use uuid::Uuid;

use crate::audit::entry::ANONYMOUS;
use crate::store::shares::Share;
use crate::web::authority::{identify, peer};
use crate::web::client::Client;
use crate::web::cookies;
use crate::web::format::Moment;
use crate::web::page::{Frame, Page, see_other};
use crate::web::problem::Problem;
use crate::web::reading::output;
use crate::web::recording;
use crate::web::sharing::{self, SNAPSHOT_VERSION, SharedOutput, Snapshot, SnapshotStep};
use crate::web::state::Web;
use crate::web::view::output::chunks;
use crate::web::view::share::{SharedCell, SharedLog, SharedPage, SharedStep};

const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

/// `GET /s/{token}`: the token leaves the address at once.
pub async fn swap(
    State(web): State<Web>,
    client: Client,
    Path(token): Path<String>,
    jar: CookieJar,
) -> Result<Response, Problem> {
    web.rates().share(client.address)?;
    let Some(share) = sharing::open(&web, &token).await? else { return gone() };
    let id = share.share.id;
    if !web.store().count_share_view(id, ANONYMOUS, Some(client.address), web.now_ms()).await? {
        return gone();
    }
    recording::share_was_viewed(&web, id, client.address);
    let cookie = cookies::share(client, id, token);
    Ok(hidden((jar.add(cookie), see_other(&format!("/shared/{id}"))).into_response()))
}

/// `GET /shared/{id}`
pub async fn show(
    State(web): State<Web>,
    client: Client,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (share, snapshot) = match visit(&web, &id, client, request).await? {
        Visit::Open(share, snapshot) => (share, snapshot),
        Visit::Gone => return gone(),
    };
    let page = picture(&share, &snapshot, web.now_ms());
    Ok(hidden(Page::new("shared", &Frame::public(page.label.clone()), &page)?.into_response()))
}

/// `GET /shared/{id}/raw`
pub async fn raw(
    State(web): State<Web>,
    client: Client,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    match visit(&web, &id, client, request).await? {
        Visit::Open(_, snapshot) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            Ok(hidden((kind, snapshot.plain()).into_response()))
        }
        Visit::Gone => gone(),
    }
}

enum Visit {
    Open(Box<Share>, Box<Snapshot>),
    Gone,
}

/// The share of the address, if the request's cookie opens it now.
async fn visit(web: &Web, id: &str, client: Client, request: Request) -> Result<Visit, Problem> {
    let (parts, _) = request.into_parts();
    let jar = CookieJar::from_headers(&parts.headers);
    let (Ok(id), Some(text)) = (id.parse::<Uuid>(), cookies::share_text(&jar, client)) else { return Ok(Visit::Gone) };
    let Some(share) = sharing::open(web, text).await?.filter(|share| share.share.id == id) else {
        return Ok(Visit::Gone);
    };
    if share.share.requires_login && identify(&parts, web).await?.is_none() {
        return Err(Problem::unauthenticated());
    }
    recording::share_viewed(web, id, peer(&parts)).await?;
    let Some(bytes) = web.store().share_snapshot(id).await? else { return Ok(Visit::Gone) };
    let snapshot: Snapshot = serde_json::from_slice(&bytes).map_err(|error| {
        tracing::error!(share.id = %id, %error, "a stored snapshot cannot be read");
        Problem::internal("what was shared cannot be read")
    })?;
    if snapshot.version != SNAPSHOT_VERSION {
        return Err(Problem::internal("what was shared is of a later version of the server"));
    }
    Ok(Visit::Open(Box::new(share), Box::new(snapshot)))
}

/// One answer for every link that does not open.
fn gone() -> Result<Response, Problem> {
    let page = Page::new("share-gone", &Frame::public("This link does not work"), &())?;
    Ok(hidden(page.status(StatusCode::NOT_FOUND).into_response()))
}

fn hidden(mut response: Response) -> Response {
    response.headers_mut().insert(ROBOTS, HeaderValue::from_static("noindex, nofollow, noarchive"));
    response
}

fn picture(share: &Share, snapshot: &Snapshot, now_ms: i64) -> SharedPage {
    SharedPage {
        label: share.share.label.clone(),
        by: share.share.created_by.clone(),
        expires: Moment::new(share.share.expires_at_ms, now_ms),
        taken: Moment::new(snapshot.taken_at_ms, now_ms),
        title: snapshot.title.clone(),
        runbook: snapshot.runbook.clone(),
        run: snapshot.run.clone(),
        commit: snapshot.commit.as_ref().map(|commit| commit.chars().take(12).collect()),
        state: snapshot.state.clone(),
        tone: snapshot.tone.clone(),
        hosts: crate::web::format::names(snapshot.hosts.iter().map(String::as_str)),
        started: Moment::new(snapshot.started_at_ms, now_ms),
        steps: steps(snapshot),
        raw: format!("/shared/{}/raw", share.share.id),
    }
}

/// Lines are named `L12` where there is one log, as on the page of output, and `3-L12` where there are several.
fn steps(snapshot: &Snapshot) -> Vec<SharedStep> {
    let single = snapshot.steps.iter().map(|step| step.outputs.len()).sum::<usize>() == 1;
    let mut number = 0;
    let mut prefix = || {
        number += 1;
        if single { String::new() } else { format!("{number}-") }
    };
    snapshot.steps.iter().map(|shared| step(shared, &mut prefix)).collect()
}

fn step(step: &SnapshotStep, prefix: &mut impl FnMut() -> String) -> SharedStep {
    SharedStep {
        name: step.name.clone(),
        mark: step.mark.clone(),
        tone: step.tone.clone(),
        state: step.state.clone(),
        command: Some(step.command.clone()).filter(|command| !command.is_empty()),
        cells: step
            .cells
            .iter()
            .map(|cell| SharedCell { host: cell.host.clone(), outcome: cell.outcome.clone() })
            .collect(),
        logs: step.outputs.iter().map(|output| log(output, prefix())).collect(),
    }
}

fn log(output: &SharedOutput, prefix: String) -> SharedLog {
    let rows: Vec<_> = output.rows.iter().map(sharing::SnapshotRow::row).collect();
    SharedLog {
        title: output.title.clone(),
        outcome: output.outcome.clone(),
        note: output.note.clone(),
        prefix,
        chunks: chunks(output::lines(&rows, None, None)),
    }
}
