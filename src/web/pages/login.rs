//! Signing in with a link that works once, and out. The link leads to a page with a button, so that a program that
//! looks at links (a chat's preview, a mail filter) does not use it up.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;

use crate::access::secret::{self, Door};
use crate::access::session::SESSION_MAX_MS;
use crate::entropy;
use crate::store::access::Session;
use crate::web::authority::{Authorised, OwnSession, TheServer};
use crate::web::client::Client;
use crate::web::cookies;
use crate::web::page::{Frame, Page, see_other};
use crate::web::problem::Problem;
use crate::web::query::{FormFields, QueryFields};
use crate::web::recording;
use crate::web::state::Web;
use crate::web::view::run::Message;
use crate::web::view::share::LoginPage;

/// `GET /login?token=…`
pub async fn form(QueryFields(asked): QueryFields) -> Result<Page, Problem> {
    let page = LoginPage {
        message: None,
        token: asked.filled("token").map(str::to_owned),
        next: own_address(asked.first("next").unwrap_or_default()).to_owned(),
    };
    Page::new("login", &Frame::public("Sign in"), &page)
}

/// `POST /login`: uses the link up, and gives a session.
pub async fn sign_in(
    State(web): State<Web>,
    client: Client,
    jar: CookieJar,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    if let Err(too_many) = web.rates().login(client.address) {
        recording::sign_in_refused(&web, "link", Some(client.address)).await;
        return Err(too_many);
    }
    let now_ms = web.now_ms();
    let link = form.first("token").and_then(|token| secret::hash(Door::Login, token));
    let actor = match link {
        Some(hash) => web.store().use_login_link(hash, now_ms).await?,
        None => None,
    };
    let Some(actor) = actor else {
        recording::sign_in_refused(&web, "link", Some(client.address)).await;
        return link_is_void();
    };
    let text = secret::text(Door::Session, entropy::fresh_token());
    let token_hash = secret::hash(Door::Session, &text).expect("a fresh secret has the form of its door");
    let expires_at_ms = now_ms + SESSION_MAX_MS;
    let session = Session { token_hash, actor, created_at_ms: now_ms, last_seen_ms: now_ms, expires_at_ms };
    web.store().create_session(&session, Some(client.address)).await?;
    tracing::info!(actor = session.actor, "signed in");
    let next = form.first("next").map(own_address).filter(|next| !next.is_empty()).unwrap_or("/");
    Ok((jar.add(cookies::session(client, text)), see_other(next)).into_response())
}

/// `POST /logout`
pub async fn sign_out(
    _who: Authorised<OwnSession, TheServer>,
    State(web): State<Web>,
    client: Client,
    jar: CookieJar,
) -> Result<Response, Problem> {
    let hash = cookies::session_text(&jar, client).and_then(|text| secret::hash(Door::Session, text));
    if let Some(hash) = hash {
        web.store().end_session(hash, web.now_ms()).await?;
    }
    Ok((jar.remove(cookies::session_gone(client)), see_other("/login")).into_response())
}

fn link_is_void() -> Result<Response, Problem> {
    let message = Message::refused(
        "This link does not sign in",
        Some("It was used before, has expired, or was copied in part.".to_owned()),
    );
    let page = LoginPage { message: Some(message), ..LoginPage::default() };
    Ok(Page::new("login", &Frame::public("Sign in"), &page)?.status(StatusCode::FORBIDDEN).into_response())
}

/// `next` if it leads to a page of this server, else nothing: a login link must not send people elsewhere.
fn own_address(next: &str) -> &str {
    let inside = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(|letter: char| letter == '\\' || letter.is_control())
        && !next.starts_with("/login");
    if inside { next } else { "" }
}

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
