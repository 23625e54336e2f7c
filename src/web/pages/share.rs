//! Making a share link, and the links of a run.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::run::view::RunView;
use crate::store::shares::Share;
use crate::web::authority::{Authorised, ShareOutput, TheRun, TheShare};
use crate::web::client::Client;
use crate::web::format::{self, Moment};
use crate::web::page::{Page, Place, see_other};
use crate::web::problem::Problem;
use crate::web::query::{Fields, FormFields, QueryFields};
use crate::web::reading::runs;
use crate::web::sharing::{self, NotShared, ShareRequest};
use crate::web::state::Web;
use crate::web::view::run::Message;
use crate::web::view::share::{FindingLine, ShareLine, ShareMadePage, ShareNewPage, expiries};

/// `GET /runs/{id}/share?step=&host=&attempt=&lines=`
pub async fn form(
    who: Authorised<ShareOutput, TheRun>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let view = runs::view(&who, &web).await?;
    let page = dialog(&who, &web, &view, &asked).await?;
    Page::new("share-new", &who.frame(Place::Runs, "Share"), &page)
}

/// `POST /runs/{id}/share`
pub async fn create(
    who: Authorised<ShareOutput, TheRun>,
    State(web): State<Web>,
    client: Client,
    headers: HeaderMap,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    let view = runs::view(&who, &web).await?;
    let made = match asked(&view, &form) {
        Ok(asked) => sharing::share(&who, &web, &view, asked).await,
        Err(problem) => Err(problem.into()),
    };
    match made {
        Ok(made) => {
            let page = ShareMadePage {
                run: view.id.to_string(),
                title: view.title.clone(),
                link: link(&web, client, &headers, &made.token),
                expires: Moment::new(made.expires_at_ms, web.now_ms()),
                requires_login: made.requires_login,
            };
            Ok(Page::new("share-made", &who.frame(Place::Runs, "The link is ready"), &page)?.into_response())
        }
        Err(refused) => {
            let mut page = dialog(&who, &web, &view, &form).await?;
            explain(refused, &mut page)?;
            let frame = who.frame(Place::Runs, "Not shared");
            Ok(Page::new("share-new", &frame, &page)?.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

/// `POST /shares/{id}/revoke`
pub async fn revoke(who: Authorised<ShareOutput, TheShare>, State(web): State<Web>) -> Result<Response, Problem> {
    sharing::revoke(&who, &web).await?;
    Ok(see_other(&format!("/runs/{}/share", who.on.share.share.run)))
}

fn asked(view: &RunView, form: &Fields) -> Result<ShareRequest, Problem> {
    let expires = form.filled("expires").unwrap_or("24h");
    let lasts_ms = sharing::lasting(expires).ok_or_else(|| Problem::refused("say how long as 1h, 24h or 7d"))?;
    Ok(ShareRequest {
        scope: sharing::scope(
            view,
            form.filled("step"),
            form.filled("host"),
            form.filled("attempt"),
            form.filled("lines"),
        )?,
        label: form.first("label").unwrap_or_default().to_owned(),
        lasts_ms: Some(lasts_ms),
        requires_login: form.filled("requires_login").is_some(),
    })
}

fn explain(refused: NotShared, page: &mut ShareNewPage) -> Result<(), Problem> {
    match refused {
        NotShared::LooksSecret(findings) => {
            page.message = Some(Message::refused(
                "Not shared: something in it looks like a secret",
                Some("Share a range of lines without it, or mend what prints it.".to_owned()),
            ));
            page.findings =
                findings.into_iter().map(|(place, kind)| FindingLine { place, kind: kind.to_owned() }).collect();
        }
        NotShared::Problem(problem) if problem.code().is_client_error() => {
            page.message = Some(Message::refused("Not shared", Some(problem.detail)));
        }
        NotShared::Problem(problem) => return Err(problem),
    }
    Ok(())
}

async fn dialog(
    who: &Authorised<ShareOutput, TheRun>,
    web: &Web,
    view: &RunView,
    typed: &Fields,
) -> Result<ShareNewPage, Problem> {
    let text = |name: &str| typed.filled(name).map(str::to_owned);
    let (step, host, attempt) = (text("step"), text("host"), text("attempt"));
    let scope = sharing::scope(view, step.as_deref(), host.as_deref(), attempt.as_deref(), None)?;
    let shares = sharing::of_run(who, web).await?;
    Ok(ShareNewPage {
        run: view.id.to_string(),
        title: view.title.clone(),
        what: sharing::words(view, &scope),
        message: None,
        findings: Vec::new(),
        // A range of lines is one of an attempt, so the form keeps which one was meant.
        attempt: match &scope {
            sharing::Scope::Output { attempt, .. } => Some(attempt.to_string()),
            sharing::Scope::Run | sharing::Scope::Step { .. } => None,
        },
        step,
        host,
        lines: text("lines").unwrap_or_default(),
        label: text("label").unwrap_or_default(),
        expiries: expiries(typed.filled("expires").unwrap_or("24h")),
        requires_login: typed.filled("requires_login").is_some() || web.options().shares_require_login,
        login_forced: web.options().shares_require_login,
        shares: shares.iter().rev().map(|share| line(view, share, web.now_ms())).collect(),
    })
}

fn line(view: &RunView, share: &Share, now_ms: i64) -> ShareLine {
    let (standing, tone) = match share.revoked_at_ms {
        Some(_) => ("revoked", "still"),
        None if share.is_open(now_ms) => ("works", "good"),
        None => ("expired", "still"),
    };
    ShareLine {
        id: share.share.id.to_string(),
        run: view.id.to_string(),
        label: share.share.label.clone(),
        what: sharing::stored_words(view, &share.share.scope),
        standing,
        tone,
        by: share.share.created_by.clone(),
        views: format!("opened {}", format::count(usize::try_from(share.views).unwrap_or(usize::MAX), "time", "times")),
        expires: Moment::new(share.share.expires_at_ms, now_ms),
        revocable: share.is_open(now_ms),
    }
}

/// The address to pass on: below the address that people use, or else the one that this request came to.
pub fn link(web: &Web, client: Client, headers: &HeaderMap, token: &str) -> String {
    let base = match &web.options().public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
            format!("{}://{host}", if client.is_https { "https" } else { "http" })
        }
    };
    format!("{base}/s/{token}")
}
