//! The run page: the checklist, what it waits for, and the forms that answer.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::access::policy::Permission;
use crate::engine::ask::ActError;
use crate::run::action::Refusal;
use crate::run::view::RunView;
use crate::web::action_form;
use crate::web::authority::{ActOnRuns, Approve, Asks, Authorised, ReadRuns, Subject, TheRun};
use crate::web::doing;
use crate::web::format::Moment;
use crate::web::page::{Frame, Page, Place, see_other};
use crate::web::problem::Problem;
use crate::web::query::{Fields, FormFields};
use crate::web::reading::{handoffs, output, runs, since};
use crate::web::state::Web;
use crate::web::templates;
use crate::web::view::around::People;
use crate::web::view::rights::Rights;
use crate::web::view::run::{HeldLine, Message, RunPage};

/// `GET /runs/{id}`
pub async fn show(who: Authorised<ReadRuns, TheRun>, State(web): State<Web>) -> Result<Page, Problem> {
    let view = runs::view(&who, &web).await?;
    let page = picture(&who, &web, &view, None).await?;
    Page::new("run", &frame(&who, &page), &page)
}

/// `GET /runs/{id}/parts`: the same without its frame, for the script that keeps a page fresh.
pub async fn parts(who: Authorised<ReadRuns, TheRun>, State(web): State<Web>) -> Result<Html<String>, Problem> {
    let view = runs::view(&who, &web).await?;
    let page = picture(&who, &web, &view, None).await?;
    Ok(Html(templates::render("run-parts", &page)?))
}

/// `POST /runs/{id}/actions`: every form of the page.
pub async fn act(
    who: Authorised<ActOnRuns, TheRun>,
    State(web): State<Web>,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    let asked = match action_form::read(&form) {
        Ok(asked) => asked,
        Err(wrong) => return refused(&who, &web, StatusCode::UNPROCESSABLE_ENTITY, wrong, &form).await,
    };
    let done = doing::act(&who, &web, asked.seq, asked.action, asked.secrets).await;
    answered(&who, &web, done, &form).await
}

/// `POST /runs/{id}/approvals`: what others say to a request.
pub async fn approve(
    who: Authorised<Approve, TheRun>,
    State(web): State<Web>,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    let asked = match action_form::read(&form) {
        Ok(asked) => asked,
        Err(wrong) => return refused(&who, &web, StatusCode::UNPROCESSABLE_ENTITY, wrong, &form).await,
    };
    let done = doing::speak(&who, &web, asked.seq, asked.action).await;
    answered(&who, &web, done, &form).await
}

/// `POST /runs/{id}/nudge`: a reminder for whoever the run waits for. It is recorded, and shown to them.
pub async fn nudge(who: Authorised<ReadRuns, TheRun>, State(web): State<Web>) -> Result<Response, Problem> {
    let view = runs::view(&who, &web).await?;
    let around = runs::around(&who, &web, &view).await?;
    let none = Fields::default();
    let refuse = |reason: &str| refused(&who, &web, StatusCode::UNPROCESSABLE_ENTITY, reason.to_owned(), &none);
    let Some(waits) = People::new(&view, who.actor(), &around).waits.filter(|waits| waits.may_nudge) else {
        return refuse("the run waits for nobody else").await;
    };
    if !doing::nudge(&who, &web, &waits.whom).await? {
        return refuse("somebody nudged them less than five minutes ago; they see it").await;
    }
    Ok(see_other(&format!("/runs/{}", who.on.id)))
}

async fn answered<P: Asks>(
    who: &Authorised<P, TheRun>,
    web: &Web,
    done: Result<RunView, ActError>,
    form: &Fields,
) -> Result<Response, Problem> {
    match done {
        Ok(_) => Ok(see_other(&format!("/runs/{}", who.on.id))),
        Err(ActError::Refused(refusal)) => {
            let status = match refusal {
                Refusal::Stale { .. } => StatusCode::CONFLICT,
                Refusal::ConfirmWhoYouAre | Refusal::NotNow(_) | Refusal::Wrong(_) => StatusCode::UNPROCESSABLE_ENTITY,
            };
            refused(who, web, status, refusal.to_string(), form).await
        }
        Err(failed) => Err(failed.into()),
    }
}

/// The page as it is now, with the reason on top and what was typed still there.
async fn refused<P: Asks>(
    who: &Authorised<P, TheRun>,
    web: &Web,
    status: StatusCode,
    reason: String,
    typed: &Fields,
) -> Result<Response, Problem> {
    let view = runs::view(who, web).await?;
    let title = if status == StatusCode::CONFLICT { "Not done: the run has moved on" } else { "Refused" };
    let mut page = picture(who, web, &view, Some(Message::refused(title, Some(reason)))).await?;
    let step_need = page.current.as_mut().and_then(|step| step.need.as_mut());
    if let Some(need) = step_need.or(page.need.as_mut()) {
        need.keep(typed);
    }
    Ok(Page::new("run", &frame(who, &page), &page)?.status(status).into_response())
}

async fn picture<P: Asks>(
    who: &Authorised<P, TheRun>,
    web: &Web,
    view: &RunView,
    message: Option<Message>,
) -> Result<RunPage, Problem> {
    let may = |permission| who.on.about().is_some_and(|about| who.may(permission, about));
    let tails = if may(Permission::ReadOutput) { output::tails(web, view).await? } else { Vec::new() };
    let rights = Rights {
        act: may(Permission::ActOnRuns),
        approve: may(Permission::Approve),
        share: may(Permission::ShareOutput),
    };
    let around = runs::around(who, web, view).await?;
    let mut view = view.clone();
    since::told_to(who, web, &mut view).await?;
    let page = RunPage::new(&view, who.actor(), &around, tails, message);
    let mut page = page.limited_to(rights, &view, who.actor());
    page.held = handoffs::holder(who, web).await?.map(|held| HeldLine {
        href: format!("/handoffs/{}#item-{}", held.handoff, held.item),
        title: held.title,
        holder: held.holder,
        since: Moment::new(held.since_ms, web.now_ms()),
    });
    Ok(page)
}

fn frame<P>(who: &Authorised<P, TheRun>, page: &RunPage) -> Frame {
    who.frame(Place::Runs, format!("{}: {}", page.band.state, page.band.title))
}
