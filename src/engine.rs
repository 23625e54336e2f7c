//! The engine: carries runs on. One task a live run takes inputs, decides, stores the events, then performs
//! the effects. After a restart the same task replays and goes on.

pub mod ask;
pub mod output;
