//! The runbook format, version 1: YAML text in, a `Runbook` or all its diagnostics out.

pub mod available;
pub mod capture;
pub mod condition;
pub mod freshness;
pub mod model;
pub mod parse;
pub mod schema;
pub mod scope;
pub mod search;
pub mod shell;
pub mod template;
pub mod value;

pub use parse::{Parsed, parse};
pub use schema::runbook_schema as schema;
