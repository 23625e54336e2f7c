//! The second answer of signing in: a code of the app, or a recovery code.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;

use super::login::{CodeStep, entrance};
use crate::access::session::LOGIN_STEP_TRIES;
use crate::store::access::{Began, StepKind};
use crate::web::client::Client;
use crate::web::page::{Frame, Page, see_other};
use crate::web::problem::Problem;
use crate::web::proof;
use crate::web::query::FormFields;
use crate::web::recording;
use crate::web::state::Web;
use crate::web::view::login::LoginCodePage;
use crate::web::view::run::Message;
use crate::web::visit::{self, Visitor};

/// `GET /login/code`
pub async fn form(State(web): State<Web>, client: Client, jar: CookieJar) -> Result<Response, Problem> {
    let waits = match visit::step_hash(&jar, client) {
        Some(hash) => web.store().login_step_waits(hash, StepKind::Code, web.now_ms()).await?,
        None => false,
    };
    if !waits {
        return Ok(see_other("/login"));
    }
    Ok(Page::new("login-code", &Frame::public("Your code"), &LoginCodePage { message: None })?.into_response())
}

/// `POST /login/code`
pub async fn post(
    State(web): State<Web>,
    visitor: Visitor,
    jar: CookieJar,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    if let Err(too_many) = web.rates().login(visitor.client.address) {
        recording::sign_in_refused(&web, "rate", Some(visitor.client.address)).await;
        return Err(too_many);
    }
    let now_ms = web.now_ms();
    let Some(hash) = visit::step_hash(&jar, visitor.client) else { return Ok(see_other("/login")) };
    let Some((id, body)) = web.store().try_login_step(hash, now_ms, LOGIN_STEP_TRIES).await? else {
        return Ok(see_other("/login"));
    };
    let person = web.store().person(id).await?.filter(|person| !person.is_disabled());
    let code = form.filled("code").unwrap_or_default();
    let right = match &person {
        Some(person) => proof::by_code(&web, person, code).await?,
        None => false,
    };
    let Some(person) = person.filter(|_| right) else {
        recording::sign_in_refused(&web, "code", Some(visitor.client.address)).await;
        return wrong();
    };
    web.store().take_login_step(hash, StepKind::Code, now_ms).await?;
    let step: CodeStep = serde_json::from_str(&body).map_err(|_| Problem::internal("a half login is damaged"))?;
    let jar = visit::begin(&web, jar, visitor, entrance(&person, Began::Password)?).await?;
    Ok((jar, see_other(&step.next)).into_response())
}

fn wrong() -> Result<Response, Problem> {
    let why = "Type the code that the app shows now; each works once. After a few tries you begin again.";
    let page = LoginCodePage { message: Some(Message::refused("The code is wrong", Some(why.to_owned()))) };
    Ok(Page::new("login-code", &Frame::public("Your code"), &page)?.status(StatusCode::FORBIDDEN).into_response())
}
