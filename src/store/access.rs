//! What proves who someone is: API tokens, sessions, one-time login links, half logins. All by hash, never the
//! secret itself. What belongs to a disabled account opens nothing.

mod links;
mod sessions;
mod steps;
mod tokens;

use super::db::Sql;

pub use links::{LoginLink, NewLoginLink};
pub use sessions::{Began, Session};
pub use steps::{LOGIN_STEPS_MAX, LoginStep, StepKind};
pub use tokens::{ApiToken, NewApiToken, TOKENS_OF_ONE_MAX, TokenInUse};

/// For the statement test.
pub(super) const STATEMENTS: &[&[Sql]] =
    &[tokens::STATEMENTS, sessions::STATEMENTS, links::STATEMENTS, steps::STATEMENTS];
