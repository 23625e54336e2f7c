//! Output from a transport's bytes to what viewers read, over a real store: nothing lost, nothing doubled,
//! any part of it at once.

mod bench;
mod crash;
mod limits;
mod reading;
