//! The handlers of pages, one file a page. Each is plain HTML first: forms post and redirect.

pub mod account;
pub mod answer;
pub mod audit;
pub mod compare;
pub mod components;
pub mod grid;
pub mod groups;
pub mod handoff;
pub mod handoffs;
pub mod home;
pub mod host_log;
pub mod login;
pub mod login_code;
pub mod login_provider;
pub mod on_call;
pub mod output;
pub mod paging;
pub mod run;
pub mod runbook;
pub mod runbooks;
pub mod runs;
pub mod share;
pub mod shared;
pub mod start;
mod start_form;
mod start_plan;
