//! Who asks, by which road, and how far that road reaches.

use serde::Serialize;

use crate::access::policy::Permission;
use crate::inventory::selector::Selector;
use crate::run::event::Actor;

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Road {
    /// A browser's session cookie.
    Session,
    /// A bearer token of the API.
    Token,
    /// The process that holds the engine itself: the command line without a server.
    Within,
}

/// Somebody who proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `user:anna`; `user:anna/ci` for her token `ci`; `token:ci` for one that belongs to nobody.
    pub actor: Actor,
    pub road: Road,
    /// The groups that a single sign-on provider claims, as it spells them. Only `access.yaml` gives them meaning.
    pub groups: Vec<String>,
    pub reach: Reach,
    /// When the person last proved in person who they are (password, code, provider), milliseconds since 1970.
    /// None for tokens: nobody is there.
    pub authenticated_at_ms: Option<i64>,
}

/// Where somebody's authority comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// What `access.yaml` grants them.
    Granted,
    /// Everything: whoever holds the server's own command line let them in. Recorded, and never enough to approve
    /// what they themselves asked for.
    BreakGlass,
    /// A token of a person: what `access.yaml` grants that person, and of it only the scopes.
    Owned(Scopes),
    /// A token that the server's command line made for nobody: the scopes alone.
    Scoped(Scopes),
}

/// What a token may be used for: verbs × runbooks × hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes {
    /// The permissions; none of those that tokens never have (approving, making tokens).
    pub verbs: Vec<Permission>,
    /// Patterns of runbook paths, `web/**`; empty: all.
    pub runbooks: Vec<String>,
    /// Labels that each host must have; none: all hosts.
    pub hosts: Option<Selector>,
}

impl Identity {
    /// Whoever holds the process itself, and with it the data and the keys.
    pub fn within(actor: Actor) -> Self {
        Self { actor, road: Road::Within, groups: Vec::new(), reach: Reach::BreakGlass, authenticated_at_ms: None }
    }
}

impl Scopes {
    /// Everything that a token can ever do.
    pub fn everything() -> Self {
        Self { verbs: Permission::OF_TOKENS.to_vec(), runbooks: Vec::new(), hosts: None }
    }
}
