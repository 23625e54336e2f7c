//! Proving again who one is: an open browser alone is not enough for what cannot be taken back.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;

use super::own;
use crate::access::password::Password;
use crate::run::event::Actor;
use crate::store::people::{Person, Source};
use crate::web::authority::{Authorised, OwnAccount, TheServer};
use crate::web::client::Client;
use crate::web::page::{Frame, Page, Place, see_other};
use crate::web::pages::login::own_address;
use crate::web::problem::Problem;
use crate::web::proof;
use crate::web::query::{self, FormFields, QueryFields};
use crate::web::recording;
use crate::web::state::Web;
use crate::web::view::account::ConfirmPage;
use crate::web::view::run::Message;
use crate::web::visit;

/// Where somebody proves again who they are, and goes on to `next`.
pub fn address(next: &str) -> String {
    format!("/account/confirm?{}", query::encode([("next", next)]))
}

/// `GET /account/confirm?next=`
pub async fn form(
    who: Authorised<OwnAccount, TheServer>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let person = own(&web, who.actor()).await?;
    let page = picture(person.as_ref(), next(asked.first("next")), None);
    Page::new("account-confirm", &who.frame(Place::Account, "Is it you?"), &page)
}

/// `POST /account/confirm`: the password or a code again; the session goes on under a fresh token.
pub async fn post(
    who: Authorised<OwnAccount, TheServer>,
    State(web): State<Web>,
    client: Client,
    jar: CookieJar,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    web.rates().login(client.address)?;
    let next = next(form.first("next"));
    let person = own(&web, who.actor()).await?;
    let right = match (&person, form.filled("code"), form.first("password")) {
        (Some(person), Some(code), _) => proof::by_code(&web, person, code).await?,
        (Some(person), None, Some(password)) => {
            let password = Password::typed(password);
            proof::by_password(&web, &person.person.name, password).await?.is_some()
        }
        (Some(_), None, None) | (None, _, _) => false,
    };
    if !right {
        recording::proof_refused(&web, who.actor(), "confirm", client.address).await;
        return wrong(who.actor(), person.as_ref(), next);
    }
    let session = visit::current(&web, &jar, client).await?;
    tracing::info!(actor = %who.actor(), "proved again who they are");
    Ok((visit::renew(&web, jar, client, &session).await?, see_other(next)).into_response())
}

fn wrong(actor: &Actor, person: Option<&Person>, next: &str) -> Result<Response, Problem> {
    let message = Message::refused("That was not right", Some("Nothing was changed.".to_owned()));
    let page = picture(person, next, Some(message));
    let page = Page::new("account-confirm", &Frame::of(actor, Place::Account, "Is it you?"), &page)?;
    Ok(page.status(StatusCode::FORBIDDEN).into_response())
}

fn picture(person: Option<&Person>, next: &str, message: Option<Message>) -> ConfirmPage {
    let provided = person.is_some_and(|person| person.person.source != Source::Local);
    ConfirmPage {
        message,
        next: next.to_owned(),
        password: person.is_some_and(|person| person.person.password_hash.is_some()),
        code: person.is_some_and(|person| person.confirmed_totp().is_some()),
        provider: provided.then(|| format!("/login/provider?{}", query::encode([("confirm", "1"), ("next", next)]))),
    }
}

fn next(asked: Option<&str>) -> &str {
    asked.map(own_address).filter(|next| !next.is_empty()).unwrap_or("/account")
}
