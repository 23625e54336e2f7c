//! All tests that need more than one module or a real program, as one binary: it links once.
#![expect(
    clippy::disallowed_methods,
    reason = "tests stand outside: they start programs, read clocks and the environment to see what users see"
)]

mod accounts;
mod auditor;
mod cli;
mod client;
mod demo;
mod docs;
mod events;
mod examples;
mod faults;
mod format;
mod handoff_events;
mod init;
mod library;
mod notify;
mod output;
mod postgres;
mod scripts;
mod sshd;
mod store;
mod tidy;
mod transport;
mod web;
