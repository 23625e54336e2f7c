//! The audit log without its storage: what an entry is, how entries and runs' events are chained, what a checkpoint
//! says and who signed it, and what comparing all that finds.
//!
//! There are many *streams*: the server's own (signing in, tokens, shares, exports, secrets) and one a run. In each,
//! every entry carries the hash of the one before it, so a change, a gap or a swap is found by recomputing. Whoever
//! can write the database can recompute too. So a *checkpoint*, signed with a key outside the database, says from
//! time to time how far each stream was; and whoever can read that key as well is caught by *anchors*: the hash of
//! each checkpoint, sent to where the server cannot take it back.

pub mod anchor;
pub mod chain;
pub mod checkpoint;
pub mod entry;
pub mod export;
pub mod repeats;
pub mod verdict;
pub mod when;
