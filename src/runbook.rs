//! The runbook format, version 1: YAML text in, a `Runbook` or all its diagnostics out.

pub mod model;
