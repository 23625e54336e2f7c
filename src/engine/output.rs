//! Everything between the bytes of a transport and a viewer: one log an attempt, masked before it is
//! stored, in segments that open anywhere.
//!
//! ```text
//! transport → AttemptLog → (redactor a stream → lines → segment) → shelf → store
//!                                                                    store → shelf → OutputReader → viewers
//! ```
//!
//! - `writer`: arrivals to segments, without a store; `lines` numbers, `segment` is the stored form.
//! - `log`: the writer with a store under it; `caps` drops what is too much, `merge` joins what is too small; `shelf` knows the store's rows.
//! - `read`: answers for viewers; `rows` puts records together into lines, `search` finds text in them.

mod caps;
mod lines;
mod log;
mod merge;
mod read;
mod rows;
mod search;
mod segment;
mod shelf;
mod writer;

pub use caps::Caps;
pub use lines::ROW_BYTES_MAX;
pub use log::{AttemptLog, LogMeta, LogSummary, OutputError};
pub use read::{LinesPage, NewRows, OutputReader, OutputSummary, RawPart, SearchFrom, SearchPage, Source};
pub use rows::{PageLimits, Row};
pub use search::{Case, Hit, PATTERN_BYTES_MAX, Query, QueryError, SearchLimits};
pub use segment::SegmentError;
pub use shelf::LineGap;
pub use writer::{FLUSH_AFTER_MS, Gap, HEAD_BYTES_MAX, SEGMENT_BYTES};
