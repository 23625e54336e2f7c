//! What can be asked for, the roles that bundle it, and the decision.

use serde::{Deserialize, Serialize};

use crate::access::identity::{Identity, Reach, Road};

/// What a request asks to do. Each route names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    ReadRunbooks,
    ReadRuns,
    ReadOutput,
    /// Starting one, and seeing beforehand what it would do.
    StartRuns,
    /// Confirming, answering, stopping and the like.
    ActOnRuns,
    ShareOutput,
    /// Approving and rejecting what others ask for. Never by a token.
    Approve,
    /// Starting a runbook as another commit than the served one has it.
    UseOtherRefs,
    /// Starting against a window, with a reason.
    OverrideWindows,
    ReadAudit,
    /// Other people's accounts, sessions and tokens.
    ManagePeople,
    /// One's own session: signing out.
    OwnSession,
    /// One's own password, sessions and tokens. Never by a token.
    OwnAccount,
}

impl Permission {
    /// What a token may be made for. Approving and making tokens are not among it, so that a stolen token can
    /// neither agree to anything nor outlive itself.
    pub const OF_TOKENS: [Self; 7] = [
        Self::ReadRunbooks,
        Self::ReadRuns,
        Self::ReadOutput,
        Self::StartRuns,
        Self::ActOnRuns,
        Self::ShareOutput,
        Self::UseOtherRefs,
    ];
}

/// The policy decision: may `identity` do this?
pub fn allows(identity: &Identity, permission: Permission) -> bool {
    let by_road = match permission {
        Permission::OwnSession | Permission::OwnAccount => return identity.road == Road::Session,
        Permission::Approve | Permission::ManagePeople => identity.road != Road::Token,
        _ => true,
    };
    by_road
        && match &identity.reach {
            Reach::Granted | Reach::BreakGlass => true,
            Reach::Owned(scopes) | Reach::Scoped(scopes) => scopes.verbs.contains(&permission),
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::identity::Scopes;
    use crate::run::event::Actor;

    #[test]
    fn a_token_cannot_end_a_session() {
        let by = |road| Identity {
            actor: Actor("token:ci".to_owned()),
            road,
            groups: Vec::new(),
            reach: Reach::Scoped(Scopes::everything()),
            authenticated_at_ms: None,
        };
        assert!(!allows(&by(Road::Token), Permission::OwnSession));
        assert!(allows(&by(Road::Session), Permission::OwnSession));
    }
}
