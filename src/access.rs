//! Who may do what: identities, roles, the policy decision, and the secrets that prove an identity.
//!
//! Nothing here reads a database or a request: the web finds out who asks, the engine reads `access.yaml`, the
//! decision is made here. There is no mode without authorisation. One part speaks to somebody else: `oidc`, to the
//! single sign-on provider.

pub mod account;
pub mod grant;
pub mod identity;
mod parse;
pub mod password;
pub mod pattern;
pub mod policy;
mod schema;
pub mod scope;
pub mod scopes;
pub mod secret;
pub mod session;
pub mod totp;

#[cfg(test)]
mod tests;

pub use parse::{GRANTS_MAX, MEMBERS_MAX, ParsedPolicy, VERSION, parse};
pub use schema::schema;

/// The file in a runbook repository.
pub const FILE: &str = "access.yaml";
