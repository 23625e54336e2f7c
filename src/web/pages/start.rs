//! Starting a run: the form, what would happen, and the start. Opening an address never starts anything.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::engine::ask::StartError;
use crate::entropy;
use crate::id::Digest;
use crate::library::Page as BookPage;
use crate::runbook::parse::Parsed;
use crate::web::authority::{Authorised, StartRuns, Subject, TheRunbook};
use crate::web::doing;
use crate::web::page::{Page, Place, see_other};
use crate::web::pages::start_form::{self, Startable};
use crate::web::pages::start_plan;
use crate::web::problem::Problem;
use crate::web::query::{Fields, FormFields, QueryFields};
use crate::web::reading::{book, runbooks};
use crate::web::state::Web;
use crate::web::view::run::Message;
use crate::web::view::start::StartPage;

/// `GET /start/{path}?input.mount=/var&host=web-3`
pub async fn form(
    who: Authorised<StartRuns, TheRunbook>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let (served, revision) = runbooks::one(&who, &web).await?;
    let startable = startable(&who, &web, &served, &revision).await?;
    // The key is made with the form, so that pressing a button of it twice starts one run.
    let key = Digest(entropy::fresh_token()).short();
    let page = start_form::page(&startable, &asked, key);
    Page::new("start", &who.frame(Place::Runbooks, format!("Start: {}", page.name)), &page)
}

/// `POST /start/{path}`: checks what was typed, picks hosts, shows what would happen, or starts what was shown. It starts
/// for `do=start` alone.
pub async fn post(
    who: Authorised<StartRuns, TheRunbook>,
    State(web): State<Web>,
    FormFields(typed): FormFields,
) -> Result<Response, Problem> {
    let (served, revision) = runbooks::one(&who, &web).await?;
    let startable = match typed.first("do") {
        // Asked while somebody types: no inventory program is started for it.
        Some("check") => start_form::of_values(&served).ok_or_else(TheRunbook::absent)?,
        _ => startable(&who, &web, &served, &revision).await?,
    };
    let mut page = start_form::page(&startable, &typed, typed.first("key").unwrap_or_default().to_owned());
    let status = match decide(&who, &web, &startable, &typed, &mut page).await? {
        Decided::Started(address) => return Ok(see_other(&address)),
        Decided::Shown(status) => status,
    };
    let frame = who.frame(Place::Runbooks, format!("Start: {}", page.name));
    Ok(Page::new("start", &frame, &page)?.status(status).into_response())
}

enum Decided {
    Started(String),
    Shown(StatusCode),
}

async fn decide(
    who: &Authorised<StartRuns, TheRunbook>,
    web: &Web,
    startable: &Startable<'_>,
    typed: &Fields,
    page: &mut StartPage,
) -> Result<Decided, Problem> {
    if start_form::picks_hosts(typed) {
        return Ok(Decided::Shown(StatusCode::OK));
    }
    page.hosts_error = hosts_error(startable, page);
    if typed.first("do") == Some("check") {
        start_form::check(startable.runbook, typed, page);
        return Ok(Decided::Shown(StatusCode::OK));
    }
    if page.hosts_error.is_some() {
        return Ok(Decided::Shown(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let request = match start_form::request(startable.path, typed, startable.hosts.is_none(), who.identity.clone()) {
        Ok(request) => request,
        Err(reason) => {
            page.message = Some(Message::refused("Not started", Some(reason)));
            return Ok(Decided::Shown(StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    let plan = match doing::plan(who, web, request.clone()).await {
        Ok(plan) => plan,
        Err(error) => return refused(error, page),
    };
    let card = start_plan::plan_card(&plan);
    // Only what was shown is started: another commit, host address or value in between is shown first.
    let shown = typed.first("digest") == Some(card.digest.as_str());
    if typed.first("do") == Some("start") && shown {
        return match doing::start(who, web, request).await {
            Ok((started, _)) => Ok(Decided::Started(format!("/runs/{}", started.run))),
            Err(error) => refused(error, page),
        };
    }
    if typed.first("do") == Some("start") {
        page.message = Some(Message::refused(
            "Not started: what would happen has changed",
            Some("Read below what it would do now, then start it.".to_owned()),
        ));
    }
    page.plan = Some(card);
    Ok(Decided::Shown(StatusCode::OK))
}

/// Why these hosts cannot be those of a run, with how many they are.
fn hosts_error(startable: &Startable<'_>, page: &StartPage) -> Option<String> {
    startable.hosts.as_ref()?;
    let chosen = page.hosts.iter().filter(|pick| pick.chosen).count();
    match startable.hosts_max() {
        _ if chosen == 0 => Some(match page.labels.as_slice() {
            [] => "Choose at least one host.".to_owned(),
            labels => format!("Choose at least one host. They have the labels {}.", labels.join(", ")),
        }),
        Some(max) if chosen > max as usize => {
            Some(format!("{chosen} hosts are chosen, and this runbook allows at most {max} at once."))
        }
        _ => None,
    }
}

/// The reason stands at its field; what was typed stays.
fn refused(error: StartError, page: &mut StartPage) -> Result<Decided, Problem> {
    let detail = error.to_string();
    match error {
        StartError::Inputs(wrong) => {
            for (name, reason) in wrong {
                match page.inputs.iter_mut().find(|field| field.name == name) {
                    Some(field) => field.error = Some(reason),
                    None => page.message = Some(Message::refused("Not started", Some(format!("{name}: {reason}")))),
                }
            }
        }
        StartError::Hosts(reason) => page.hosts_error = Some(reason),
        StartError::Windows { why, to_override } => {
            page.offer_windows(to_override);
            page.message = Some(Message::refused("Not started", Some(why)));
        }
        StartError::Engine(failed) => return Err(failed.into()),
        StartError::NoSuchRunbook { .. }
        | StartError::Broken { .. }
        | StartError::NotYetAvailable { .. }
        | StartError::Guard(_)
        | StartError::NotAllowed(_)
        | StartError::Draining
        | StartError::InvalidId(_) => page.message = Some(Message::refused("Not started", Some(detail))),
    }
    Ok(Decided::Shown(StatusCode::UNPROCESSABLE_ENTITY))
}

async fn startable<'a>(
    who: &Authorised<StartRuns, TheRunbook>,
    web: &Web,
    served: &'a Arc<BookPage<Parsed>>,
    revision: &crate::library::Revision,
) -> Result<Startable<'a>, Problem> {
    let Some(runbook) = &served.made.runbook else {
        let detail = format!("{} does not parse, so it cannot run; its page says what is wrong", served.path);
        return Err(Problem::refused(detail));
    };
    let hosts = runbooks::hosts(who, web, runbook, revision).await?;
    let freshness = book::freshness(web, runbook, revision).await?;
    let needs_reason = freshness.needs_reason().then(|| freshness.against());
    Ok(Startable { path: &served.path, runbook, hosts, needs_reason })
}
