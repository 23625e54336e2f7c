//! Reads what pages and API show: from the engine, the store and the library, into views.

pub mod audit;
pub mod book;
pub mod books;
pub mod handoffs;
pub mod history;
pub mod now;
pub mod on_call;
pub mod output;
pub mod paging;
pub mod runbooks;
pub mod runs;
pub mod since;
mod streamed;
mod visible;
