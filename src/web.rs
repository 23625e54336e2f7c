//! The web server: pages, the HTTP API and live streams.

pub mod ansi;
