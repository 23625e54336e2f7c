//! The runbook format, version 1: YAML text in, a `Runbook` or all its diagnostics out.

pub mod capture;
pub mod condition;
pub mod model;
pub mod scope;
pub mod template;
pub mod value;
