//! The server's own configuration file (`serve --config FILE`): where it listens, how people sign in, where its
//! secrets come from, what it may reach, where the audit log is anchored.
//!
//! Read like every other file here: all problems at once, each with its place. The file belongs to the machine, not to
//! the runbooks: it is read once at start, it must not be writable by others, and it never holds a secret, only where
//! one is.

mod file;
mod model;
mod parse;
pub mod schema;

#[cfg(test)]
mod tests;

pub use file::{ConfigError, load};
pub use model::{
    Allowed, Approle, Channel, Config, Kubernetes, Mail, MailTls, NamedSecret, Notify, Oidc, SecretRef, SecretSource,
    Tls, Vault, VaultLogin,
};
pub use parse::{ParsedConfig, parse};
