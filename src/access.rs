//! Who may do what: identities, roles, the policy decision, and the secrets that prove an identity.
//!
//! Nothing here reads a database or a request: the web finds out who asks, the decision is made here.
//! There is no mode without authorisation.

pub mod identity;
pub mod policy;
pub mod secret;
pub mod session;
