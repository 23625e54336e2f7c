//! Roles, what each may do, and by which road an identity came.

use serde::Serialize;

use crate::run::event::Actor;

/// What a request asks to do. Each route names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    ReadRunbooks,
    ReadRuns,
    StartRuns,
    ActOnRuns,
    ReadOutput,
    ShareOutput,
    /// Signing out: anyone who is signed in.
    OwnSession,
}

/// What a person or program is trusted with. More roles join later; until then whoever has a door has all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Admin,
}

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
    pub actor: Actor,
    pub role: Role,
    pub road: Road,
}

/// The policy decision: may `identity` do this?
pub fn allows(identity: &Identity, permission: Permission) -> bool {
    match (identity.role, permission) {
        (
            Role::Admin,
            Permission::ReadRunbooks
            | Permission::ReadRuns
            | Permission::StartRuns
            | Permission::ActOnRuns
            | Permission::ReadOutput
            | Permission::ShareOutput,
        ) => true,
        // A token has no session to end.
        (Role::Admin, Permission::OwnSession) => identity.road == Road::Session,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_cannot_end_a_session() {
        let by = |road| Identity { actor: Actor("token:ci".to_owned()), role: Role::Admin, road };
        assert!(!allows(&by(Road::Token), Permission::OwnSession));
        assert!(allows(&by(Road::Session), Permission::OwnSession));
    }
}
