//! The small segments of a slow stream, put together: a line a second for a day would be 86,400 rows.

use std::ops::RangeInclusive;

use crate::store::output::NewSegment;

/// So many small segments become one row.
pub const SEGMENTS_TO_MERGE: usize = 64;

/// Larger segments are left alone. That many of these together still lie in one row of the database, and
/// decompress to less than one segment of a fast stream (a full one of equal lines is small when stored).
const SMALL_STORED_BYTES_MAX: usize = 768;
const SMALL_BYTES_MAX: u64 = 1024;

/// Watches what is appended; gives what should be merged. Holds at most [`SEGMENTS_TO_MERGE`] small segments.
#[derive(Default)]
pub struct Merger {
    first_idx: u64,
    small: Vec<NewSegment>,
}

/// Rows, and the one to put in their place.
pub struct Merge {
    pub rows: RangeInclusive<u64>,
    pub merged: NewSegment,
}

impl Merger {
    /// Takes note of an appended segment.
    pub fn add(&mut self, idx: u64, segment: NewSegment) -> Option<Merge> {
        let is_small = segment.bytes.len() <= SMALL_STORED_BYTES_MAX && segment.bytes_raw <= SMALL_BYTES_MAX;
        if !is_small || self.first_idx + self.small.len() as u64 != idx {
            self.small.clear();
        }
        if !is_small {
            return None;
        }
        if self.small.is_empty() {
            self.first_idx = idx;
        }
        self.small.push(segment);
        if self.small.len() < SEGMENTS_TO_MERGE {
            return None;
        }
        let small = std::mem::take(&mut self.small);
        Some(Merge { rows: self.first_idx..=idx, merged: merged(&small) })
    }

    /// Rows were dropped: what was noted may be gone.
    pub fn forget(&mut self) {
        self.small.clear();
    }
}

/// Stored segments may stand one after another.
fn merged(small: &[NewSegment]) -> NewSegment {
    let over = |number: fn(&NewSegment) -> u64| small.iter().map(number);
    NewSegment {
        first_line: over(|segment| segment.first_line).min().unwrap_or_default(),
        last_line: over(|segment| segment.last_line).max().unwrap_or_default(),
        first_ms: over(|segment| segment.first_ms).min().unwrap_or_default(),
        last_ms: over(|segment| segment.last_ms).max().unwrap_or_default(),
        bytes_raw: over(|segment| segment.bytes_raw).sum(),
        bytes: small.iter().map(|segment| segment.bytes.as_ref()).collect::<Vec<_>>().concat().into(),
    }
}
