//! Signing in at the provider: there, and back. What ties the way back to the way there is kept by the server and
//! opened by a cookie of this browser alone, once.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::login::{entrance, own_address};
use crate::access::account::AccountName;
use crate::audit::entry::SERVER;
use crate::entropy;
use crate::sign_on::{Attempt, Claims, Configuration, Meeting, Provider, SignOnError};
use crate::store::access::{Began, StepKind};
use crate::store::people::{NewPerson, Person, Source};
use crate::web::client::Client;
use crate::web::page::{Frame, Page, see_other};
use crate::web::problem::Problem;
use crate::web::query::{Fields, QueryFields};
use crate::web::recording;
use crate::web::state::Web;
use crate::web::view::login::LoginPage;
use crate::web::view::run::Message;
use crate::web::visit::{self, Entrance, Visitor};

/// Names that are tried for a new account: `anna`, `anna-2`, …
const NAMES_TRIED_MAX: u32 = 1_000;

/// How far the provider's clock may be behind when it says when somebody proved who they are.
const CLOCKS_APART_MS: i64 = 60_000;

/// What a login remembers while the browser is at the provider. Version 1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderStep {
    v: u32,
    attempt: Attempt,
    next: String,
    began_at_ms: i64,
    /// The session whose person proves again who they are; none for a login.
    confirms: Option<Uuid>,
}

/// `GET /login/provider?next=`, and with `confirm=1` to prove again who one is. A link, not a form: the policy of our
/// pages lets no form lead elsewhere.
pub async fn leave(
    State(web): State<Web>,
    visitor: Visitor,
    jar: CookieJar,
    headers: HeaderMap,
    QueryFields(asked): QueryFields,
) -> Result<Response, Problem> {
    let provider = provider(&web)?;
    web.rates().login(visitor.client.address)?;
    let confirms = match asked.filled("confirm") {
        Some(_) => Some(visit::current(&web, &jar, visitor.client).await?.id),
        None => None,
    };
    let meeting = if confirms.is_some() { Meeting::FreshLogin } else { Meeting::AnyLogin };
    let random = [entropy::fresh_token(), entropy::fresh_token(), entropy::fresh_token()];
    let attempt = Attempt::new(random, back(&web, visitor.client, &headers));
    let now_ms = web.now_ms();
    let address = match provider.begin(&attempt, meeting, now_ms).await {
        Ok(address) => address,
        Err(failed) => return refused(&web, &failed),
    };
    let next = asked.first("next").map(own_address).filter(|next| !next.is_empty()).unwrap_or("/").to_owned();
    let step = ProviderStep { v: 1, attempt, next, began_at_ms: now_ms, confirms };
    let body = serde_json::to_string(&step).expect("texts become JSON");
    let jar = visit::begin_step(&web, jar, visitor.client, StepKind::Provider, None, body).await?;
    Ok((jar, see_other(&address)).into_response())
}

/// `GET /login/provider/callback?code=&state=`
pub async fn come_back(
    State(web): State<Web>,
    visitor: Visitor,
    jar: CookieJar,
    QueryFields(asked): QueryFields,
) -> Result<Response, Problem> {
    let provider = provider(&web)?;
    web.rates().login(visitor.client.address)?;
    let now_ms = web.now_ms();
    let body = match visit::step_hash(&jar, visitor.client) {
        // Taken out before anything is believed: the same way back does not work twice.
        Some(hash) => web.store().take_login_step(hash, StepKind::Provider, now_ms).await?,
        None => None,
    };
    let step = body.and_then(|body| serde_json::from_str::<ProviderStep>(&body).ok());
    let Some(step) = step.filter(|step| answers(provider, step, &asked)) else {
        recording::sign_in_refused(&web, "provider", Some(visitor.client.address)).await;
        return not_in(&web, "It was not begun in this browser, took too long, or was used before.");
    };
    let Some(code) = asked.filled("code") else {
        return not_in(&web, "The provider did not let you in, or you turned back there.");
    };
    let claims = match provider.finish(&step.attempt, code, now_ms).await {
        Ok(claims) => claims,
        Err(failed) => {
            recording::sign_in_refused(&web, "provider", Some(visitor.client.address)).await;
            return refused(&web, &failed);
        }
    };
    match step.confirms {
        Some(session) => confirmed(&web, (visitor.client, jar), &step, session, &claims).await,
        None => signed_in(&web, visitor, jar, &step, &claims).await,
    }
}

/// Whether the query is the answer to this very step.
fn answers(provider: &Provider, step: &ProviderStep, asked: &Fields) -> bool {
    let state = asked.first("state").unwrap_or_default();
    let same_state: bool = state.as_bytes().ct_eq(step.attempt.state.as_bytes()).into();
    // RFC 9207: a provider that names itself here must be the one that was asked.
    let same_issuer = asked.first("iss").is_none_or(|issuer| issuer == provider.configuration().issuer());
    same_state && same_issuer
}

async fn signed_in(
    web: &Web,
    visitor: Visitor,
    jar: CookieJar,
    step: &ProviderStep,
    claims: &Claims,
) -> Result<Response, Problem> {
    let configuration = provider(web)?.configuration();
    if !configuration.lets_in(&claims.groups) {
        recording::sign_in_refused(web, "provider", Some(visitor.client.address)).await;
        tracing::warn!(subject = claims.subject, "the provider vouches for somebody who is in none of the groups");
        return not_in(web, "None of your groups may come in here. Ask whoever runs the server.");
    }
    let person = account(web, configuration, claims).await?;
    if person.is_disabled() {
        recording::sign_in_refused(web, "provider", Some(visitor.client.address)).await;
        return not_in(web, "Your account here is disabled. Ask whoever runs the server.");
    }
    // The provider's own session may be a week old, and whoever sits there another: only what it says of the moment
    // counts as a proof, and nothing where it says nothing.
    let proved_at_ms = Some(claims.authenticated_at_ms.unwrap_or(0));
    let entrance = Entrance { proved_at_ms, ..entrance(&person, Began::Provider)? };
    let jar = visit::begin(web, jar, visitor, entrance).await?;
    Ok((jar, see_other(&step.next)).into_response())
}

/// The same person, and met just now: their session goes on under a fresh token.
async fn confirmed(
    web: &Web,
    (client, jar): (Client, CookieJar),
    step: &ProviderStep,
    session: Uuid,
    claims: &Claims,
) -> Result<Response, Problem> {
    let here = visit::current(web, &jar, client).await?;
    let configuration = provider(web)?.configuration();
    let person = web.store().person_of_provider(configuration.issuer(), &claims.subject).await?;
    let same = here.id == session && person.is_some_and(|person| here.person == Some(person.person.id));
    if same && let Some(id) = here.person {
        // What the provider says of them now holds at once, also for the sessions that are open.
        web.store().refresh_person(id, display_name(claims), claims.email.as_deref(), &claims.groups).await?;
        if !configuration.lets_in(&claims.groups) {
            return not_in(web, "None of your groups may come in here any more. Ask whoever runs the server.");
        }
    }
    let fresh = claims.authenticated_at_ms.is_some_and(|at_ms| at_ms >= step.began_at_ms - CLOCKS_APART_MS);
    if !same || !fresh {
        return not_in(web, "The provider did not ask you again, or let somebody else in.");
    }
    tracing::info!(actor = here.actor, "proved again who they are");
    Ok((visit::renew(web, jar, client, &here).await?, see_other(&step.next)).into_response())
}

fn display_name(claims: &Claims) -> &str {
    claims.name.as_deref().unwrap_or_else(|| claims.suggested_name())
}

/// The account of issuer and subject, made at the first login, with what the provider says now. Its name stays,
/// whatever the person is called there: the record of runs knows them by it.
///
/// A name that `access.yaml` means is somebody's already, although they have not come yet: where people choose what the
/// provider calls them, whoever comes first with it must not become them.
async fn account(web: &Web, configuration: &Configuration, claims: &Claims) -> Result<Person, Problem> {
    let (issuer, display_name) = (configuration.issuer(), display_name(claims));
    let now_ms = web.now_ms();
    let policy = web.engine().policy().await.policy;
    for attempt in 0..NAMES_TRIED_MAX {
        if let Some(found) = web.store().person_of_provider(issuer, &claims.subject).await? {
            let id = found.person.id;
            web.store().refresh_person(id, display_name, claims.email.as_deref(), &claims.groups).await?;
            let person = web.store().person(id).await?;
            return person.ok_or_else(|| Problem::internal("an account that was there is gone"));
        }
        let name = AccountName::derived(claims.suggested_name(), attempt).to_string();
        if !configuration.trusted_names && policy.names_user(&name) {
            tracing::warn!(
                name,
                "a first login does not get a name that access.yaml means: see login.oidc.trusted_names"
            );
            continue;
        }
        let person = NewPerson {
            id: entropy::fresh_uuid(now_ms),
            name,
            display_name: display_name.to_owned(),
            email: claims.email.clone(),
            password_hash: None,
            source: Source::Provider { issuer: issuer.to_owned(), subject: claims.subject.clone() },
            groups: claims.groups.clone(),
            created_at_ms: now_ms,
        };
        // False: the name is somebody else's, or another request made the account meanwhile; the next turn tells.
        if web.store().create_person(&person, SERVER).await? {
            tracing::info!(actor = person.name, "an account was made at the first login");
        }
    }
    Err(Problem::internal(format!("no free name was found for {}", claims.suggested_name())))
}

fn provider(web: &Web) -> Result<&Provider, Problem> {
    web.provider().ok_or_else(|| Problem::not_found("this server has no single sign-on provider"))
}

/// Where the provider sends the browser back to: below the address that people use, or else the one that this request
/// came to. The provider sends nobody to an address that it does not know of this server.
fn back(web: &Web, client: Client, headers: &HeaderMap) -> String {
    let base = web.options().public_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
    let host = || headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let scheme = if client.is_https { "https" } else { "http" };
    format!("{}/login/provider/callback", base.unwrap_or_else(|| format!("{scheme}://{}", host())))
}

fn refused(web: &Web, failed: &SignOnError) -> Result<Response, Problem> {
    tracing::warn!(error = %failed, "nobody was signed in by the provider");
    not_in(web, "The provider could not be asked, or what it said is not believed. The server's log says more.")
}

fn not_in(web: &Web, why: &str) -> Result<Response, Problem> {
    let message = Message::refused("You are not signed in", Some(why.to_owned()));
    let page = LoginPage { message: Some(message), ..LoginPage::new(web.provider_label(), "/") };
    Ok(Page::new("login", &Frame::public("Sign in"), &page)?.status(StatusCode::FORBIDDEN).into_response())
}
