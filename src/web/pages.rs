//! The handlers of pages, one file a page. Each is plain HTML first: forms post and redirect.

pub mod account;
pub mod audit;
pub mod components;
pub mod home;
pub mod login;
pub mod login_code;
pub mod login_provider;
pub mod output;
pub mod run;
pub mod runbook;
pub mod runbooks;
pub mod runs;
pub mod share;
pub mod shared;
pub mod start;
mod start_form;
mod start_plan;
