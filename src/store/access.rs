//! What proves who someone is: API tokens, sessions, one-time login links. All by hash, never the secret itself.

mod sessions;
mod tokens;

use super::db::Sql;

pub use sessions::Session;
pub use tokens::{ApiToken, NewApiToken};

/// For the statement test.
pub(super) const STATEMENTS: &[&[Sql]] = &[tokens::STATEMENTS, sessions::STATEMENTS];
