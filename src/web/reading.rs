//! Reads what pages and API show: from the engine, the store and the library, into views.

pub mod audit;
pub mod handoffs;
pub mod output;
pub mod runbooks;
pub mod runs;
pub mod since;
