//! it
mod cli;
