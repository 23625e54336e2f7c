//! Steadyhand: a runbook-as-code executor with on-call handoff.

pub mod access;
pub mod audit;
pub mod auditor;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod diagnostic;
pub mod engine;
pub mod entropy;
pub mod environment;
pub mod id;
pub mod inventory;
pub mod library;
pub mod network;
pub mod oncall;
pub mod outgoing;
pub mod process;
pub mod redact;
pub mod run;
pub mod runbook;
pub mod secrets;
pub mod store;
pub mod transport;
pub mod web;
pub mod yaml;
