//! Steadyhand: a runbook-as-code executor with on-call handoff.

pub mod cli;
pub mod diagnostic;
pub mod engine;
pub mod id;
pub mod inventory;
pub mod redact;
pub mod run;
pub mod runbook;
pub mod transport;
