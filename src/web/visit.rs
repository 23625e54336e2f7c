//! Sessions of browsers as the web sees them: who the browser says it is, beginning, going on, ending.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use axum_extra::extract::CookieJar;
use uuid::Uuid;

use crate::access::secret::{self, Door};
use crate::access::session::{LOGIN_STEP_MS, SESSION_MAX_MS};
use crate::entropy;
use crate::id::Digest;
use crate::run::event::Actor;
use crate::store::access::{Began, LoginStep, Session, StepKind};
use crate::web::client::Client;
use crate::web::cookies;
use crate::web::problem::Problem;
use crate::web::state::Web;

/// How long whoever signs in waits while too many are between two answers.
const STEPS_WAIT: Duration = Duration::from_secs(60);

/// What a browser calls itself, in characters; the rest says nothing that helps to recognise it.
const USER_AGENT_MAX: usize = 200;

/// Who is at the door, before anything is proved.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub client: Client,
    pub user_agent: String,
}

impl FromRequestParts<Web> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Infallible> {
        let Ok(client) = Client::from_request_parts(parts, web).await;
        let user_agent = parts.headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let plain = user_agent.iter().flat_map(|text| text.chars()).filter(|letter| !letter.is_control());
        Ok(Self { client, user_agent: plain.take(USER_AGENT_MAX).collect() })
    }
}

/// Who comes in, and how that was proved.
pub struct Entrance {
    pub actor: Actor,
    /// The account; none for the break-glass administrator.
    pub person: Option<Uuid>,
    pub began: Began,
    pub groups: Vec<String>,
    /// When they proved in person who they are; none: just now.
    pub proved_at_ms: Option<i64>,
}

/// Begins a session under a fresh token. The session that this browser had ends: whoever knew its token stays out.
///
/// # Errors
/// When the store fails.
pub async fn begin(web: &Web, jar: CookieJar, visitor: Visitor, who: Entrance) -> Result<CookieJar, Problem> {
    if let Some(old) = token_hash(&jar, visitor.client) {
        web.store().end_session(old, web.now_ms()).await?;
    }
    let now_ms = web.now_ms();
    let (text, hash) = fresh(Door::Session);
    let session = Session {
        id: entropy::fresh_uuid(now_ms),
        token_hash: hash,
        actor: who.actor.to_string(),
        person: who.person,
        began: who.began,
        groups: who.groups,
        created_at_ms: now_ms,
        authenticated_at_ms: who.proved_at_ms.map_or(now_ms, |at_ms| at_ms.min(now_ms)),
        last_seen_ms: now_ms,
        expires_at_ms: now_ms + SESSION_MAX_MS,
        user_agent: visitor.user_agent,
        peer: visitor.client.address.to_string(),
    };
    web.store().create_session(&session).await?;
    if let Some(person) = who.person {
        web.store().note_login(person, now_ms).await?;
    }
    tracing::info!(actor = session.actor, by = session.began.word(), "signed in");
    Ok(jar.remove(cookies::step_gone(visitor.client)).add(cookies::session(visitor.client, text)))
}

/// The session that a request's cookie opens now.
///
/// # Errors
/// There is none, or the store fails.
pub async fn current(web: &Web, jar: &CookieJar, client: Client) -> Result<Session, Problem> {
    let hash = token_hash(jar, client).ok_or_else(Problem::unauthenticated)?;
    web.store().session(hash, web.now_ms()).await?.ok_or_else(Problem::unauthenticated)
}

/// The person proved again who they are: the session goes on under a fresh token.
///
/// # Errors
/// It ended meanwhile, or the store fails.
pub async fn renew(web: &Web, jar: CookieJar, client: Client, session: &Session) -> Result<CookieJar, Problem> {
    let (text, hash) = fresh(Door::Session);
    if !web.store().rotate_session(session.token_hash, hash, web.now_ms()).await? {
        return Err(Problem::unauthenticated());
    }
    Ok(jar.remove(cookies::step_gone(client)).add(cookies::session(client, text)))
}

/// Ends the session of the request's cookie, and forgets the cookie.
///
/// # Errors
/// When the store fails.
pub async fn end(web: &Web, jar: CookieJar, client: Client) -> Result<CookieJar, Problem> {
    if let Some(hash) = token_hash(&jar, client) {
        web.store().end_session(hash, web.now_ms()).await?;
    }
    Ok(jar.remove(cookies::session_gone(client)))
}

/// The hash of the session's token, if the cookie has the form of one.
pub fn token_hash(jar: &CookieJar, client: Client) -> Option<Digest> {
    cookies::session_text(jar, client).and_then(|text| secret::hash(Door::Session, text))
}

/// Remembers what was answered so far, for this browser alone.
///
/// # Errors
/// Too many people are between two answers, or the store fails.
pub async fn begin_step(
    web: &Web,
    jar: CookieJar,
    client: Client,
    kind: StepKind,
    person: Option<Uuid>,
    body: String,
) -> Result<CookieJar, Problem> {
    let (text, token_hash) = fresh(Door::Step);
    let created_at_ms = web.now_ms();
    let step =
        LoginStep { token_hash, kind, person, body, created_at_ms, expires_at_ms: created_at_ms + LOGIN_STEP_MS };
    if !web.store().begin_login_step(&step).await? {
        return Err(Problem::too_many("people who sign in at this moment", STEPS_WAIT));
    }
    Ok(jar.add(cookies::step(client, text)))
}

/// The hash of the half login's token, if the cookie has the form of one.
pub fn step_hash(jar: &CookieJar, client: Client) -> Option<Digest> {
    cookies::step_text(jar, client).and_then(|text| secret::hash(Door::Step, text))
}

fn fresh(door: Door) -> (String, Digest) {
    let text = secret::text(door, entropy::fresh_token());
    let hash = secret::hash(door, &text).expect("a fresh secret has the form of its door");
    (text, hash)
}
