//! Signing in with name and password, or with a link that works once, and out. The link leads to a page with a
//! button, so that a program that looks at links (a chat's preview, a mail filter) does not use it up.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use serde::{Deserialize, Serialize};

use crate::access::account::AccountName;
use crate::access::password::Password;
use crate::access::secret::{self, Door};
use crate::run::event::Actor;
use crate::store::access::{Began, StepKind};
use crate::store::people::Person;
use crate::web::authority::{Authorised, OwnSession, TheServer};
use crate::web::client::Client;
use crate::web::page::{Frame, Page, see_other};
use crate::web::problem::Problem;
use crate::web::proof;
use crate::web::query::{Fields, FormFields, QueryFields};
use crate::web::recording;
use crate::web::state::Web;
use crate::web::view::login::LoginPage;
use crate::web::view::run::Message;
use crate::web::visit::{self, Entrance, Visitor};

/// What a half login remembers until its code comes. Version 1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeStep {
    pub v: u32,
    pub next: String,
}

/// `GET /login?token=…`
pub async fn form(State(web): State<Web>, QueryFields(asked): QueryFields) -> Result<Page, Problem> {
    let page = LoginPage {
        token: asked.filled("token").map(str::to_owned),
        ..LoginPage::new(web.provider_label(), own_address(asked.first("next").unwrap_or_default()))
    };
    Page::new("login", &Frame::public("Sign in"), &page)
}

/// `POST /login`: with a link, which it uses up, or with name and password.
pub async fn sign_in(
    State(web): State<Web>,
    visitor: Visitor,
    jar: CookieJar,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    if let Err(too_many) = web.rates().login(visitor.client.address) {
        recording::sign_in_refused(&web, "rate", Some(visitor.client.address)).await;
        return Err(too_many);
    }
    match form.first("token") {
        Some(token) => by_link(&web, visitor, jar, token, &form).await,
        None => by_password(&web, visitor, jar, &form).await,
    }
}

async fn by_link(web: &Web, visitor: Visitor, jar: CookieJar, token: &str, form: &Fields) -> Result<Response, Problem> {
    let used = match secret::hash(Door::Login, token) {
        Some(hash) => web.store().use_login_link(hash, web.now_ms()).await?,
        None => None,
    };
    let Some(link) = used else {
        recording::sign_in_refused(web, "link", Some(visitor.client.address)).await;
        let why = "It was used before, has expired, or was copied in part.";
        return refused(web, form, "This link does not sign in", why);
    };
    let who = Entrance {
        actor: Actor(link.actor),
        person: link.person,
        began: link.began,
        groups: Vec::new(),
        proved_at_ms: None,
    };
    let jar = visit::begin(web, jar, visitor, who).await?;
    Ok((jar, see_other(next(form))).into_response())
}

async fn by_password(web: &Web, visitor: Visitor, jar: CookieJar, form: &Fields) -> Result<Response, Problem> {
    let name = form.filled("name").unwrap_or_default().to_lowercase();
    let password = Password::typed(form.first("password").unwrap_or_default());
    let Some(person) = proof::by_password(web, &name, password).await? else {
        recording::sign_in_refused(web, "password", Some(visitor.client.address)).await;
        let why = "Check both. After many tries you are asked to wait.";
        return refused(web, form, "The name or the password is wrong", why);
    };
    if person.confirmed_totp().is_none() {
        let jar = visit::begin(web, jar, visitor, entrance(&person, Began::Password)?).await?;
        return Ok((jar, see_other(next(form))).into_response());
    }
    let body = serde_json::to_string(&CodeStep { v: 1, next: next(form).to_owned() }).expect("texts become JSON");
    let jar = visit::begin_step(web, jar, visitor.client, StepKind::Code, Some(person.person.id), body).await?;
    Ok((jar, see_other("/login/code")).into_response())
}

/// How a person with an account comes in.
pub(super) fn entrance(person: &Person, began: Began) -> Result<Entrance, Problem> {
    let of = &person.person;
    let name: AccountName = of.name.parse()?;
    Ok(Entrance { actor: name.actor(), person: Some(of.id), began, groups: of.groups.clone(), proved_at_ms: None })
}

/// `POST /logout`
pub async fn sign_out(
    _who: Authorised<OwnSession, TheServer>,
    State(web): State<Web>,
    client: Client,
    jar: CookieJar,
) -> Result<Response, Problem> {
    Ok((visit::end(&web, jar, client).await?, see_other("/login")).into_response())
}

/// The page again, with what was wrong. What was typed as a name stays; a password never comes back.
fn refused(web: &Web, form: &Fields, title: &str, why: &str) -> Result<Response, Problem> {
    let page = LoginPage {
        message: Some(Message::refused(title, Some(why.to_owned()))),
        name: form.first("name").unwrap_or_default().chars().take(100).collect(),
        ..LoginPage::new(web.provider_label(), next(form))
    };
    Ok(Page::new("login", &Frame::public("Sign in"), &page)?.status(StatusCode::FORBIDDEN).into_response())
}

fn next(form: &Fields) -> &str {
    form.first("next").map(own_address).filter(|next| !next.is_empty()).unwrap_or("/")
}

/// `next` if it leads to a page of this server, else nothing: signing in must not send people elsewhere.
pub(super) fn own_address(next: &str) -> &str {
    let inside = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= NEXT_MAX
        && !next.contains(|letter: char| letter == '\\' || letter.is_control())
        && !next.starts_with("/login")
        && !secret::may_hold_one(next);
    if inside { next } else { "" }
}

/// Longest address to go on to, in bytes: it is kept while somebody signs in.
const NEXT_MAX: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_never_leads_to_another_site() {
        for elsewhere in
            ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil", "javascript:x", "", "evil"]
        {
            assert_eq!(own_address(elsewhere), "", "{elsewhere:?}");
        }
        assert_eq!(own_address("/runs/1?x=2"), "/runs/1?x=2");
    }
}
