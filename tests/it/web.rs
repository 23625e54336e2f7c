//! The pages and the API over a real socket, with a real store, real runbooks and commands that really run.

mod attacks;
mod doors;
mod events;
mod matrix;
mod output;
mod policy;
mod runs;
mod server;
mod sharing;
