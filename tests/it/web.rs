//! The pages and the API over a real socket, with a real store, real runbooks and commands that really run.

mod account;
mod approvals;
mod attacks;
mod audit;
mod doors;
mod events;
mod headers;
mod hostile;
mod lists;
mod login;
mod matrix;
mod network;
mod nudge;
mod oidc;
mod output;
mod own_pages;
mod policy;
mod program;
mod provider;
mod refs;
mod runs;
mod secrets;
mod server;
mod sharing;
mod tls;
mod uniform;
