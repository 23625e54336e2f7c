//! Everything between the bytes of a transport and a viewer: one log an attempt, masked before it is
//! stored, in segments that open anywhere.

pub mod lines;
pub mod rows;
pub mod search;
pub mod segment;
pub mod writer;
