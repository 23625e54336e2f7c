//! The HTTP API, version 1: one file a resource. Bodies are JSON, errors are problem details.

pub mod actions;
pub mod audit;
pub mod events;
mod handoff_wire;
pub mod handoffs;
pub mod on_call;
pub mod openapi;
pub mod output;
pub mod pages;
pub mod runbooks;
pub mod runs;
pub mod shares;
pub mod wire;
