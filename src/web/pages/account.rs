//! One's own account: how one signs in, where one is signed in, and one's tokens. What could lock the owner out or
//! let somebody else stay in asks for a recent login first.

pub mod confirm;
pub mod password;
pub mod tokens;
pub mod totp;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;

use crate::access::identity::Identity;
use crate::access::session;
use crate::run::event::Actor;
use crate::store::access::Session;
use crate::store::people::{Person, Source};
use crate::web::authority::{Authorised, OneOfMine, OwnAccount, Subject, TheServer};
use crate::web::client::Client;
use crate::web::page::{Frame, Page, Place, see_other};
use crate::web::problem::Problem;
use crate::web::query::{Fields, QueryFields};
use crate::web::state::Web;
use crate::web::view::account::{AccountPage, SessionLine, TokenForm, TokenLine, done};
use crate::web::view::run::Message;
use crate::web::visit;

/// What tells one's own session from the others.
type Browser = (Client, CookieJar);

/// `GET /account`
pub async fn show(
    who: Authorised<OwnAccount, TheServer>,
    State(web): State<Web>,
    client: Client,
    jar: CookieJar,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let page =
        picture(&web, &who.identity, &(client, jar), asked.filled("done").and_then(done), &Fields::default()).await?;
    Page::new("account", &who.frame(Place::Account, "Your account"), &page)
}

/// `POST /account/sessions/{id}/revoke`
pub async fn revoke_session(
    who: Authorised<OwnAccount, OneOfMine>,
    State(web): State<Web>,
) -> Result<Response, Problem> {
    if !web.store().end_session_of(&who.actor().0, who.on.id, web.now_ms()).await? {
        return Err(OneOfMine::absent());
    }
    tracing::info!(actor = %who.actor(), session.id = %who.on.id, "ended a session");
    Ok(see_other("/account?done=session"))
}

/// The page again, with what was wrong and what was typed.
async fn again(
    web: &Web,
    identity: &Identity,
    browser: &Browser,
    message: Message,
    typed: &Fields,
) -> Result<Response, Problem> {
    let page = picture(web, identity, browser, Some(message), typed).await?;
    let frame = Frame::of(&identity.actor, Place::Account, "Your account");
    Ok(Page::new("account", &frame, &page)?.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

/// The account of whoever asks; none for the break-glass administrator, who has none.
async fn own(web: &Web, actor: &Actor) -> Result<Option<Person>, Problem> {
    let Some(name) = actor.person().strip_prefix("user:") else { return Ok(None) };
    Ok(web.store().person_named(name).await?)
}

/// The account of whoever asks.
async fn own_account(web: &Web, actor: &Actor) -> Result<Person, Problem> {
    let none = || Problem::refused(format!("{actor} has no account: this is a link of the server's command line"));
    own(web, actor).await?.ok_or_else(none)
}

/// Leads to the page that asks again who it is, unless that was proved a short time ago.
fn unless_recent(web: &Web, identity: &Identity, next: &str) -> Option<Response> {
    (!session::is_recent(identity, web.now_ms())).then(|| see_other(&confirm::address(next)))
}

async fn picture(
    web: &Web,
    identity: &Identity,
    browser: &Browser,
    message: Option<Message>,
    typed: &Fields,
) -> Result<AccountPage, Problem> {
    let now_ms = web.now_ms();
    let here = visit::current(web, &browser.1, browser.0).await?;
    let person = own(web, &identity.actor).await?;
    let sessions = web.store().sessions_of(&here.actor, now_ms).await?;
    let tokens = match &person {
        Some(person) => web.store().api_tokens_of(person.person.id).await?,
        None => Vec::new(),
    };
    let local = person.as_ref().filter(|person| person.person.source == Source::Local);
    Ok(AccountPage {
        message,
        actor: identity.actor.to_string(),
        display_name: person.as_ref().map(|person| person.person.display_name.clone()),
        email: person.as_ref().and_then(|person| person.person.email.clone()),
        provider: person.as_ref().and_then(|person| match &person.person.source {
            Source::Local => None,
            Source::Provider { issuer, .. } => Some(issuer.clone()),
        }),
        groups: identity.groups.join(", "),
        has_account: person.is_some(),
        local: local.is_some(),
        has_password: local.is_some_and(|person| person.person.password_hash.is_some()),
        has_totp: local.is_some_and(|person| person.confirmed_totp().is_some()),
        recent: session::is_recent(identity, now_ms),
        sessions: lines(&sessions, &here, now_ms),
        tokens: tokens.iter().map(|token| TokenLine::new(token, now_ms)).collect(),
        form: TokenForm::typed(typed),
    })
}

fn lines(sessions: &[Session], here: &Session, now_ms: i64) -> Vec<SessionLine> {
    let alive = sessions.iter().filter(|each| session::is_alive(each.last_seen_ms, each.expires_at_ms, now_ms));
    alive.map(|each| SessionLine::new(each, each.id == here.id, now_ms)).collect()
}
