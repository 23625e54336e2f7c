//! What handlers ask the engine to do. Each takes the proof that whoever asks may.

pub mod handoffs;

use crate::access::identity::{Reach, Road};
use crate::access::policy::Permission;
use crate::access::scope::About;
use crate::engine::ask::{ActError, StartError, StartRequest, Started};
use crate::id::ValueName;
use crate::notify::pager::{Found, PagerError};
use crate::oncall::escalation::Over;
use crate::redact::SecretText;
use crate::run::action::{Action, Refusal, Request};
use crate::run::approval::Credentials;
use crate::run::plan::Plan;
use crate::run::view::RunView;
use crate::web::authority::{
    ActOnRuns, Approve, Authorised, PageAnyone, ReadRuns, StartRuns, Subject, ThePage, TheRun, TheRunbook, TheServer,
};
use crate::web::problem::Problem;
use crate::web::reading::paging;
use crate::web::state::Web;

/// Does something to the run that was authorised, in the name of whoever asks. Answers to requests for approval take
/// another right: [`speak`].
///
/// # Errors
/// As of the engine: refused, stale, or it could not be stored.
pub async fn act(
    who: &Authorised<ActOnRuns, TheRun>,
    web: &Web,
    seen_seq: u64,
    action: Action,
    secrets: Vec<(ValueName, SecretText)>,
) -> Result<RunView, ActError> {
    if action.is_answer_to_approval() {
        let elsewhere = "approving and rejecting is not working the run: send it to the run's approvals".to_owned();
        return Err(Refusal::Wrong(elsewhere).into());
    }
    web.engine().act(who.on.id, request(who, seen_seq, action), secrets).await
}

/// Says yes or no to what the run asks of others, or takes that back.
///
/// # Errors
/// As of the engine: refused, stale, or it could not be stored.
pub async fn speak(
    who: &Authorised<Approve, TheRun>,
    web: &Web,
    seen_seq: u64,
    action: Action,
) -> Result<RunView, ActError> {
    if !action.is_about_approval() {
        let elsewhere = "only approve, reject and withdraw are said here: send it to the run's actions".to_owned();
        return Err(Refusal::Wrong(elsewhere).into());
    }
    web.engine().act(who.on.id, request(who, seen_seq, action), Vec::new()).await
}

/// Reminds whoever the run that was authorised waits for, in the name of whoever asks. False if somebody did so a
/// moment ago.
///
/// # Errors
/// It cannot be stored; nobody was reminded.
pub async fn nudge(who: &Authorised<ReadRuns, TheRun>, web: &Web, whom: &str) -> Result<bool, Problem> {
    Ok(web.store().nudge(who.on.id, &who.actor().0, whom, web.now_ms()).await?)
}

fn request<P>(who: &Authorised<P, TheRun>, seen_seq: u64, action: Action) -> Request {
    Request { by: who.actor().clone(), who: credentials(who, who.on.about()), seen_seq, action }
}

/// What whoever asks is known to be and to be allowed about this, at this moment.
pub fn credentials<P, S>(who: &Authorised<P, S>, about: Option<About<'_>>) -> Credentials {
    let may = |permission| about.is_some_and(|about| who.may(permission, about));
    Credentials {
        teams: who.policy().teams_of(&who.identity),
        is_token: who.identity.road == Road::Token,
        is_of_nobody: matches!(who.identity.reach, Reach::Scoped(_)),
        authenticated_at_ms: who.identity.authenticated_at_ms,
        may_approve: may(Permission::Approve),
        may_override_windows: may(Permission::OverrideWindows),
    }
}

/// Starts the runbook that was authorised, in the name of whoever asks, and gives its first picture. The engine asks
/// the policy once more, about the hosts that were chosen.
///
/// # Errors
/// As of the engine; nothing has happened.
pub async fn start(
    who: &Authorised<StartRuns, TheRunbook>,
    web: &Web,
    request: StartRequest,
) -> Result<(Started, Option<RunView>), StartError> {
    let started = web.engine().start(in_name_of(who, request)).await?;
    let view = web.engine().view(started.run).await?;
    Ok((started, view))
}

/// What exactly [`start`] would do. Nothing happens.
///
/// # Errors
/// As of the engine.
pub async fn plan(
    who: &Authorised<StartRuns, TheRunbook>,
    web: &Web,
    request: StartRequest,
) -> Result<Plan, StartError> {
    web.engine().dry_run(&in_name_of(who, request)).await
}

/// Whatever a handler wrote into the request: this runbook, this person.
fn in_name_of(who: &Authorised<StartRuns, TheRunbook>, request: StartRequest) -> StartRequest {
    StartRequest { runbook: who.on.path.clone(), who: who.identity.clone(), ..request }
}

/// Pages a chain in the name of whoever asks.
///
/// # Errors
/// There is no such chain, they paged too often, or it could not be stored; then nobody is told.
pub async fn page(
    who: &Authorised<PageAnyone, TheServer>,
    web: &Web,
    chain: &str,
    text: &str,
    about: Option<&str>,
) -> Result<Found, Problem> {
    web.rates().page(who.actor().person())?;
    Ok(web.pager().raise(chain, text, about, &who.actor().0).await?)
}

/// Takes a page on, in the name of whoever asks.
///
/// # Errors
/// Somebody has it already, or it could not be stored.
pub async fn acknowledge(who: &Authorised<PageAnyone, ThePage>, web: &Web) -> Result<Found, PagerError> {
    web.pager().acknowledge(who.on.id, &who.actor().0, Over::SignedIn, None).await
}

/// Takes a page on with the link of a message, which says who it was made for. A link answers once.
///
/// # Errors
/// The link is none of ours, somebody has the page already, or it could not be stored.
pub async fn acknowledge_by_link(web: &Web, token: &str) -> Result<Found, PagerError> {
    let (hash, link) = paging::link(web, token).await?.ok_or(PagerError::NoPage)?;
    if link.is_used {
        return Err(PagerError::NoPage);
    }
    web.pager().acknowledge(link.page, &format!("user:{}", link.person), Over::Link, Some(hash)).await
}
