//! Setting up an authenticator app, and giving it up. Recovery codes are shown once.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;

use super::{again, own_account, unless_recent};
use crate::access::totp::{RECOVERY_CODES, SECRET_BYTES, Shared, picture, recovery_code, recovery_hash};
use crate::entropy;
use crate::run::event::Actor;
use crate::store::people::{Person, Source};
use crate::web::authority::{Authorised, OwnAccount, TheServer};
use crate::web::client::Client;
use crate::web::page::{Frame, Page, Place, see_other};
use crate::web::problem::Problem;
use crate::web::proof;
use crate::web::query::{Fields, FormFields};
use crate::web::recording;
use crate::web::state::Web;
use crate::web::view::account::{RecoveryPage, TotpPage};
use crate::web::view::run::Message;

const HERE: &str = "/account/totp";

/// `POST /account/totp`: a fresh secret, which counts for nothing until its first code.
pub async fn begin(who: Authorised<OwnAccount, TheServer>, State(web): State<Web>) -> Result<Response, Problem> {
    if let Some(elsewhere) = unless_recent(&web, &who.identity, "/account") {
        return Ok(elsewhere);
    }
    let person = own_account(&web, who.actor()).await?;
    if let Source::Provider { issuer, .. } = &person.person.source {
        return Err(Problem::refused(format!("you sign in at {issuer}: set up codes there")));
    }
    let random = entropy::fresh_token();
    if !web.store().propose_totp(person.person.id, &random[..SECRET_BYTES]).await? {
        return Err(Problem::refused("an app is set up already: remove it first"));
    }
    Ok(see_other(HERE))
}

/// `GET /account/totp`: the secret, as long as it is not confirmed.
pub async fn show(who: Authorised<OwnAccount, TheServer>, State(web): State<Web>) -> Result<Response, Problem> {
    if let Some(elsewhere) = unless_recent(&web, &who.identity, HERE) {
        return Ok(elsewhere);
    }
    match proposed(&own_account(&web, who.actor()).await?) {
        Some(shared) => Ok(page(who.actor(), &shared, None)?.into_response()),
        None => Ok(see_other("/account")),
    }
}

/// `POST /account/totp/confirm`: the first code. From now on signing in asks for one.
pub async fn confirm(
    who: Authorised<OwnAccount, TheServer>,
    State(web): State<Web>,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    if let Some(elsewhere) = unless_recent(&web, &who.identity, HERE) {
        return Ok(elsewhere);
    }
    let person = own_account(&web, who.actor()).await?;
    let Some(shared) = proposed(&person) else { return Ok(see_other("/account")) };
    let now_ms = web.now_ms();
    let Some(step) = shared.step_of(form.first("code").unwrap_or_default(), now_ms) else {
        let why = "Is the clock of your phone right? Type the code that it shows now.";
        let message = Message::refused("The code is wrong", Some(why.to_owned()));
        let page = page(who.actor(), &shared, Some(message))?;
        return Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response());
    };
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code(entropy::fresh_token())).collect();
    let hashes: Vec<_> = codes.iter().filter_map(|code| recovery_hash(code)).collect();
    if !web.store().confirm_totp(person.person.id, step, &hashes, &who.actor().0, now_ms).await? {
        return Ok(see_other("/account"));
    }
    tracing::info!(actor = %who.actor(), "set up one-time codes");
    let frame = who.frame(Place::Account, "Your recovery codes");
    Ok(Page::new("account-recovery", &frame, &RecoveryPage { codes })?.into_response())
}

/// `POST /account/totp/remove`: asks for a code, so that a password alone does not undo what was to guard it.
pub async fn remove(
    who: Authorised<OwnAccount, TheServer>,
    State(web): State<Web>,
    client: Client,
    jar: CookieJar,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    let person = own_account(&web, who.actor()).await?;
    if !proof::by_code(&web, &person, form.first("code").unwrap_or_default()).await? {
        recording::proof_refused(&web, who.actor(), "code", client.address).await;
        let message = Message::refused("The code is wrong", Some("The app is still asked for.".to_owned()));
        return again(&web, &who.identity, &(client, jar), message, &Fields::default()).await;
    }
    web.store().forget_totp(person.person.id, &who.actor().0, web.now_ms()).await?;
    tracing::info!(actor = %who.actor(), "gave up one-time codes");
    Ok(see_other("/account?done=totp"))
}

fn proposed(person: &Person) -> Option<Shared> {
    let totp = person.totp.as_ref().filter(|totp| totp.confirmed_at_ms.is_none())?;
    Shared::stored(&totp.secret, &person.person.name)
}

fn page(actor: &Actor, shared: &Shared, message: Option<Message>) -> Result<Page, Problem> {
    let drawn = picture(&shared.url()).ok_or_else(|| Problem::internal("the picture could not be drawn"))?;
    let page = TotpPage { message, secret: shared.text(), width: drawn.width, path: drawn.path };
    Page::new("account-totp", &Frame::of(actor, Place::Account, "Set up codes"), &page)
}
