//! The run core: what was decided and what happened, as pure functions.

pub mod outcome;
