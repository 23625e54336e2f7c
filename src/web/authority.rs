//! Finds out who asks, and asks the policy. A handler of a guarded route begins with [`Authorised`]; without it the
//! route table does not compile (`web::routes`).

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use axum_extra::extract::CookieJar;

use crate::access::identity::{Identity, Reach, Road, Scopes};
use crate::access::policy::{Permission, allows};
use crate::access::secret::{self, Door};
use crate::access::session;
use crate::run::event::Actor;
use crate::web::client::Client;
use crate::web::cookies;
use crate::web::problem::Problem;
use crate::web::state::Web;
use crate::web::within::Insider;

/// A permission as a type, so that a handler's signature says what it needs.
pub trait Asks: Send + Sync + 'static {
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $Name:ident,)*) => {
        $(
            $(#[$doc])*
            pub struct $Name;
            impl Asks for $Name {
                const PERMISSION: Permission = Permission::$Name;
            }
        )*
    };
}

permissions! {
    /// Runbooks as text.
    ReadRunbooks,
    /// What runs do and did.
    ReadRuns,
    /// Starting one, and seeing beforehand what it would do.
    StartRuns,
    /// Confirming, answering, stopping and the like.
    ActOnRuns,
    /// What hosts wrote.
    ReadOutput,
    /// Making and revoking share links.
    ShareOutput,
    /// Signing out.
    OwnSession,
}

/// Proof that whoever asks may do what `P` says.
pub struct Authorised<P> {
    pub identity: Identity,
    permission: PhantomData<P>,
}

impl<P> Authorised<P> {
    /// Who it is.
    pub fn actor(&self) -> &Actor {
        &self.identity.actor
    }
}

impl<P: Asks> FromRequestParts<Web> for Authorised<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let identity = identify(parts, web).await?.ok_or_else(Problem::unauthenticated)?;
        if !allows(&identity, P::PERMISSION) {
            return Err(Problem::forbidden(format!("{} may not do this", identity.actor)));
        }
        Ok(Self { identity, permission: PhantomData })
    }
}

/// Who asks, or none. A bearer token that is given decides alone: a wrong one is not made good by a cookie.
///
/// # Errors
/// When the store cannot be asked.
pub async fn identify(parts: &Parts, web: &Web) -> Result<Option<Identity>, Problem> {
    if let Some(Insider(identity)) = parts.extensions.get::<Insider>() {
        return Ok(Some(identity.clone()));
    }
    match parts.headers.get(header::AUTHORIZATION) {
        Some(value) => match value.to_str().ok().and_then(|value| value.strip_prefix("Bearer ")) {
            Some(token) => by_token(token.trim(), web).await,
            None => Ok(None),
        },
        None => {
            let client = parts.extensions.get::<Client>().copied();
            match client {
                Some(client) => by_session(&CookieJar::from_headers(&parts.headers), client, web).await,
                None => Ok(None),
            }
        }
    }
}

async fn by_token(token: &str, web: &Web) -> Result<Option<Identity>, Problem> {
    let Some(hash) = secret::hash(Door::Api, token) else { return Ok(None) };
    let found = web.store().use_api_token(hash, web.now_ms()).await?;
    if found.is_some() {
        web.rates().credential(hash)?;
    }
    Ok(found.map(|found| Identity {
        actor: Actor(found.token.actor),
        road: Road::Token,
        groups: Vec::new(),
        reach: Reach::Scoped(Scopes::everything()),
        authenticated_at_ms: None,
    }))
}

async fn by_session(jar: &CookieJar, client: Client, web: &Web) -> Result<Option<Identity>, Problem> {
    let hash = cookies::session_text(jar, client).and_then(|text| secret::hash(Door::Session, text));
    let Some(hash) = hash else { return Ok(None) };
    let now_ms = web.now_ms();
    let found = web.store().session(hash, now_ms).await?;
    let Some(found) = found else { return Ok(None) };
    if !session::is_alive(found.last_seen_ms, found.expires_at_ms, now_ms) {
        // The store has just noted that it was seen: unless it ends here, the next request would find it fresh.
        web.store().end_session(hash).await?;
        return Ok(None);
    }
    web.rates().credential(hash)?;
    Ok(Some(Identity {
        actor: Actor(found.actor),
        road: Road::Session,
        groups: Vec::new(),
        reach: Reach::BreakGlass,
        authenticated_at_ms: Some(found.created_at_ms),
    }))
}
