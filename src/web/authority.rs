//! Finds out who asks and what about, and asks the policy. A handler of a guarded route begins with [`Authorised`]; without it the
//! route table does not compile (`web::routes`).

use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use axum_extra::extract::CookieJar;

use crate::access::grant::Policy;
use crate::access::identity::{Identity, Reach, Road, Scopes};
use crate::access::policy::{Denied, Permission, decide};
use crate::access::scope::About;
use crate::access::secret::{self, Door};
use crate::access::session;
use crate::run::event::Actor;
use crate::store::access::Began;
use crate::web::client::Client;
use crate::web::page::{Frame, Place};
use crate::web::problem::Problem;
use crate::web::recording;
use crate::web::state::Web;
use crate::web::visit;
use crate::web::within::Insider;

mod subject;

pub use subject::{
    Each, Named, OneOfMine, Subject, TheCell, TheHandoff, ThePage, TheRun, TheRunbook, TheServer, TheShare, TheStep,
};

/// A permission as a type, so that a handler's signature says what it needs.
pub trait Asks: Send + Sync + 'static {
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($($Name:ident,)*) => {
        $(
            #[doc = concat!("The permission of the same name: [`Permission::", stringify!($Name), "`].")]
            pub struct $Name;
            impl Asks for $Name {
                const PERMISSION: Permission = Permission::$Name;
            }
        )*
    };
}

permissions! {
    ReadRunbooks,
    ReadRuns,
    ReadOutput,
    StartRuns,
    ActOnRuns,
    Approve,
    ShareOutput,
    ReadHandoffs,
    WriteHandoffs,
    ForceCustody,
    ReadAudit,
    ReadOnCall,
    PageAnyone,
    OwnSession,
    OwnAccount,
}

/// Proof that whoever asks may do what `P` says to what `S` says. Only this module makes one, and a handler reaches
/// runs, runbooks and output only through the functions that take one (`web::reading`, `web::doing`).
pub struct Authorised<P, S> {
    pub identity: Identity,
    /// What it is about.
    pub on: S,
    policy: Arc<Policy>,
    permission: PhantomData<P>,
}

impl<P, S> Authorised<P, S> {
    /// Who it is.
    pub fn actor(&self) -> &Actor {
        &self.identity.actor
    }

    /// The policy that decided.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The frame of a page for them, with the links that lead somewhere for them.
    pub fn frame(&self, place: Place, title: impl Into<String>) -> Frame {
        Frame::of_reader(self.actor(), place, title, |permission| self.may(permission, About::Server))
    }

    /// Whether they may do something else as well: for links and buttons.
    pub fn may(&self, permission: Permission, about: About<'_>) -> bool {
        decide(&self.policy, &self.identity, permission, about).is_ok()
    }
}

impl<P: Asks, S: Subject> Authorised<P, S> {
    /// Asks the policy about `on`. Whoever may not even know of it is told that there is nothing.
    fn decided(
        identity: Identity,
        policy: Arc<Policy>,
        on: S,
        absent: impl FnOnce() -> Problem,
    ) -> Result<Self, Problem> {
        if let Some(about) = on.about()
            && let Err(denied) = decide(&policy, &identity, P::PERMISSION, about)
        {
            return Err(refusal(&policy, &identity, about, denied, absent));
        }
        let may_be_empty = S::IS_A_LIST && identity.road == Road::Session;
        if !may_be_empty && P::PERMISSION.is_of_roles() && !policy.gives_anywhere(&identity, P::PERMISSION) {
            let denied = Denied::NoGrant { actor: identity.actor.to_string(), permission: P::PERMISSION, host: None };
            return Err(Problem::forbidden(denied.to_string()));
        }
        Ok(Self { identity, on, policy, permission: PhantomData })
    }
}

impl<P: Asks> Authorised<P, Each> {
    /// Whether this one belongs into the list of whoever asks.
    pub fn sees(&self, about: About<'_>) -> bool {
        self.may(P::PERMISSION, about)
    }
}

impl<P: Asks> Authorised<P, Named> {
    /// The same about the run that a body or query names.
    ///
    /// # Errors
    /// There is none, or they may not.
    pub async fn on_run(self, web: &Web, id: &str) -> Result<Authorised<P, TheRun>, Problem> {
        let none = || none_called("run", id);
        let run = TheRun::named(id, web).await?.ok_or_else(none)?;
        Authorised::decided(self.identity, self.policy, run, none)
    }

    /// The same about the runbook that a body names.
    ///
    /// # Errors
    /// There is none, or they may not.
    pub async fn on_runbook(self, web: &Web, path: &str) -> Result<Authorised<P, TheRunbook>, Problem> {
        let none = || none_called("runbook", path);
        let runbook = TheRunbook::named(path, web).await?.ok_or_else(none)?;
        Authorised::decided(self.identity, self.policy, runbook, none)
    }
}

/// The answer about what a body or query names, whether it is not there or hidden.
fn none_called(kind: &str, name: &str) -> Problem {
    let shown: String = name.chars().take(80).collect();
    Problem::not_found(format!("there is no {kind} {shown}"))
}

/// What somebody may read they may know of, and are told why not. Everything else is absent for them, as what is
/// not there is for everybody.
fn refusal(
    policy: &Policy,
    identity: &Identity,
    about: About<'_>,
    denied: Denied,
    absent: impl FnOnce() -> Problem,
) -> Problem {
    let reading = match about {
        About::Server => return Problem::forbidden(denied.to_string()),
        About::Runbook { .. } => Permission::ReadRunbooks,
        About::Run(_) => Permission::ReadRuns,
        About::Handoff { .. } => Permission::ReadHandoffs,
    };
    match decide(policy, identity, reading, about) {
        Ok(_) => Problem::forbidden(denied.to_string()),
        Err(_) => absent(),
    }
}

impl<P: Asks, S: Subject> FromRequestParts<Web> for Authorised<P, S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let Some(identity) = identify(parts, web).await? else {
            if parts.headers.contains_key(header::AUTHORIZATION) {
                recording::sign_in_refused(web, "token", peer(parts)).await;
            }
            return Err(Problem::unauthenticated());
        };
        let policy = web.engine().policy().await.policy;
        let on = S::find(parts, web).await?.ok_or_else(S::absent)?;
        let actor = identity.actor.clone();
        let decided = Self::decided(identity, policy, on, S::absent);
        if decided.is_err() {
            recording::access_denied(web, &actor, parts, peer(parts)).await;
        }
        decided
    }
}

/// Where a request comes from; none for one of this process itself.
pub fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<Client>().map(|client| client.address)
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
    let Some(found) = web.store().use_api_token(hash, web.now_ms()).await? else { return Ok(None) };
    web.rates().credential(hash)?;
    let token = found.token.token;
    let scopes = Scopes::from_stored(&token.scopes).map_err(|error| {
        tracing::error!(token.id = %token.id, %error, "a token opens nothing");
        Problem::forbidden(format!("the token {} opens nothing: {error}", token.name))
    })?;
    Ok(Some(Identity {
        actor: Actor(token.actor),
        road: Road::Token,
        groups: found.groups,
        reach: if token.owner.is_some() { Reach::Owned(scopes) } else { Reach::Scoped(scopes) },
        authenticated_at_ms: None,
    }))
}

async fn by_session(jar: &CookieJar, client: Client, web: &Web) -> Result<Option<Identity>, Problem> {
    let Some(hash) = visit::token_hash(jar, client) else { return Ok(None) };
    let now_ms = web.now_ms();
    let found = web.store().session(hash, now_ms).await?;
    let Some(found) = found else { return Ok(None) };
    if !session::is_alive(found.last_seen_ms, found.expires_at_ms, now_ms) {
        // The store has just noted that it was seen: unless it ends here, the next request would find it fresh.
        web.store().end_session(hash, now_ms).await?;
        return Ok(None);
    }
    web.rates().credential(hash)?;
    Ok(Some(Identity {
        actor: Actor(found.actor),
        road: Road::Session,
        groups: found.groups,
        reach: match found.began {
            Began::Password | Began::Provider | Began::Link => Reach::Granted,
            Began::BreakGlass => Reach::BreakGlass,
        },
        authenticated_at_ms: Some(found.authenticated_at_ms),
    }))
}
