//! The hosts that runbooks may touch: names, labels, and how each is reached. Pure: reading files and
//! running commands is `library`'s.

pub mod selector;
pub mod target;
