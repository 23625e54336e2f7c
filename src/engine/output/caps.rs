//! How much of one attempt's output is kept: all of it up to a limit, then its beginning and its end.

use super::log::OutputError;
use super::shelf::Shelf;
use crate::run::outcome::Offsets;
use crate::store::output::OutputTotals;

/// Beyond `stored_bytes_max` bytes the oldest output after the first `head` bytes is dropped, whole segments at a
/// time, so what is kept may go over the limit by one segment. Line numbers and offsets go on as if
/// nothing was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    pub stored_bytes_max: u64,
    /// Always kept from the beginning.
    pub head_bytes: u64,
    /// Always kept at the end.
    pub tail_bytes: u64,
}

/// At most this much is dropped at once: often enough to stay near the limit, rarely enough that a
/// stream beyond it does not pay a second transaction for each segment.
const DROP_BYTES: u64 = 8 * 1024 * 1024;

impl Default for Caps {
    /// A gigabyte is more than anyone reads; 16 MiB hold the beginning and the end of any story.
    fn default() -> Self {
        Self { stored_bytes_max: 1 << 30, head_bytes: 16 << 20, tail_bytes: 16 << 20 }
    }
}

impl Caps {
    /// The most that is kept; head and tail are kept even where the limit is below their sum.
    pub fn kept_bytes_max(&self) -> u64 {
        self.stored_bytes_max.max(self.head_bytes + self.tail_bytes)
    }

    /// How many bytes to drop when `kept_bytes` are stored.
    pub fn excess(&self, kept_bytes: u64) -> u64 {
        let (max, tail_bytes) = (self.kept_bytes_max(), self.tail_bytes.max(1));
        if kept_bytes <= max {
            return 0;
        }
        let slack = (max - self.head_bytes).saturating_sub(tail_bytes).min(DROP_BYTES);
        kept_bytes - (max - slack)
    }
}

/// Keeps one attempt's rows within the caps.
pub struct Keeper {
    caps: Caps,
    /// The last row of the head, once known; the head never changes.
    head_idx_last: Option<u64>,
    /// Dropping failed in between: the counts must be taken from what is there.
    must_recount: bool,
}

/// Rows to drop: from index to index.
struct Excess {
    first: u64,
    last: u64,
    bytes: u64,
    lines: u64,
}

impl Keeper {
    pub fn new(caps: Caps) -> Self {
        Self { caps, head_idx_last: None, must_recount: false }
    }

    /// Drops the oldest rows behind the head when too much is kept, and counts them. The counts are stored
    /// first: after a crash in between, [`recount_dropped`] corrects them. Says whether rows were dropped.
    pub async fn keep(&mut self, shelf: &Shelf, at: Offsets, totals: &mut OutputTotals) -> Result<bool, OutputError> {
        if self.must_recount {
            recount_dropped(shelf, totals).await?;
            self.must_recount = false;
        }
        let excess_bytes = self.caps.excess(totals.bytes - totals.bytes_dropped);
        if excess_bytes == 0 {
            return Ok(false);
        }
        let head_idx_last = self.head_idx_last(shelf).await?;
        let Some(excess) = excess(shelf, head_idx_last, excess_bytes).await? else {
            return Ok(false);
        };
        let counted = OutputTotals {
            bytes_dropped: totals.bytes_dropped + excess.bytes,
            lines_dropped: totals.lines_dropped + excess.lines,
            ..*totals
        };
        self.must_recount = true;
        shelf.count(None, at, counted).await?;
        shelf.drop_rows(excess.first, excess.last).await?;
        self.must_recount = false;
        *totals = counted;
        Ok(true)
    }

    async fn head_idx_last(&mut self, shelf: &Shelf) -> Result<Option<u64>, OutputError> {
        let (mut bytes, mut last) = (0, self.head_idx_last);
        while self.head_idx_last.is_none() && bytes < self.caps.head_bytes {
            let rows = shelf.rows_after(last).await?;
            let next = rows.first().filter(|row| row.index == last.map_or(0, |last| last + 1));
            let Some(row) = next else { break };
            bytes += row.bytes_raw;
            last = Some(row.index_last);
        }
        self.head_idx_last = last;
        Ok(last)
    }
}

/// The oldest rows behind the head that are no more than `bytes_max` together.
async fn excess(shelf: &Shelf, head_idx_last: Option<u64>, bytes_max: u64) -> Result<Option<Excess>, OutputError> {
    let (mut dropped, mut bytes): (Vec<(u64, u64)>, u64) = (Vec::new(), 0);
    let mut begun = 0;
    'pages: loop {
        let rows = shelf.rows_after(dropped.last().map_or(head_idx_last, |(_, last)| Some(*last))).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if bytes + row.bytes_raw > bytes_max {
                break 'pages;
            }
            bytes += row.bytes_raw;
            begun = row.last_line;
            dropped.push((row.index, row.index_last));
        }
    }
    let (Some((first, _)), Some((_, last))) = (dropped.first(), dropped.last()) else {
        return Ok(None);
    };
    let begun_before = shelf.start_at(*first).await?.map_or(begun, |start| start.lines.begun);
    Ok(Some(Excess { first: *first, last: *last, bytes, lines: begun - begun_before }))
}

/// Counts what is missing by what stands before and behind the hole.
pub async fn recount_dropped(shelf: &Shelf, totals: &mut OutputTotals) -> Result<(), OutputError> {
    let gap = shelf.gap().await?;
    totals.bytes_dropped = gap.map_or(0, |gap| gap.bytes);
    totals.lines_dropped = gap.map_or(0, |gap| gap.lines);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_dropped_up_to_the_limit_and_head_and_tail_never() {
        let caps = Caps { stored_bytes_max: 100, head_bytes: 20, tail_bytes: 30 };
        assert_eq!([caps.excess(0), caps.excess(100)], [0, 0]);
        assert_eq!(caps.excess(101), 51, "what stays is head and tail");
        assert_eq!(Caps { stored_bytes_max: 10, ..caps }.excess(60), 10);
    }

    #[test]
    fn beyond_a_large_limit_little_is_dropped_at_once() {
        assert_eq!(Caps::default().excess((1 << 30) + 1), DROP_BYTES + 1);
    }
}
