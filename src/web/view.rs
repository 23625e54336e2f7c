//! What the templates see. Each view is built from plain pictures by a pure function, and `samples` holds one of
//! each for the test that renders every template.

pub mod account;
pub mod approval;
pub mod around;
pub mod audit;
pub mod band;
pub mod books;
pub mod compare;
pub mod components;
pub mod difference;
pub mod facts;
pub mod grid;
pub mod groups;
pub mod handoff;
pub mod handoffs;
pub mod history;
pub mod host;
pub mod host_log;
pub mod lists;
pub mod login;
pub mod need;
pub mod now;
pub mod on_call;
pub mod output;
pub mod paging;
pub mod rights;
pub mod run;
pub mod runbook;
#[cfg(test)]
mod samples;
pub mod share;
pub mod start;
pub mod step;
pub mod tail;
#[cfg(test)]
mod tests;
