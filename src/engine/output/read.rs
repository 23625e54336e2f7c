//! Reading an attempt's output: any range of lines or bytes of any size of log at once, its end, its
//! matches, and what is new. Every answer is bounded, and reads only the segments it needs.

use super::log::OutputError;
use super::rows::{PageLimits, Row, RowCollector};
use super::search::{Hit, Query, SearchLimits, Searcher};
use super::segment::{Record, Segment, Start};
use super::shelf::{LineGap, Shelf, StoredSegments};
use crate::id::AttemptId;
use crate::run::outcome::Stream;
use crate::store::Store;

/// After the last line asked for has begun, its end and those of the lines before it are looked for in at
/// most this many further segments: a prompt on stderr may stay open for a gigabyte of stdout.
const SEGMENTS_FOR_ENDS_MAX: usize = 4;

/// Reads the output of one attempt, finished or not.
pub struct OutputReader {
    shelf: Shelf,
}

/// What there is to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputSummary {
    /// Lines begun and masked bytes of both streams, including dropped ones.
    pub lines: u64,
    pub bytes: u64,
    /// What the caps have dropped.
    pub gap: Option<LineGap>,
    /// Nothing more will come.
    pub finished: bool,
    /// Follow position of what is there; `None` before the first segment.
    pub position: Option<u64>,
}

/// Some lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinesPage {
    /// In order of lines; a line of over 64 KiB has several rows.
    pub rows: Vec<Row>,
    /// The first line asked for that did not fit.
    pub next: Option<u64>,
}

/// Some bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawPart {
    /// Where they begin; later than asked for when bytes before them were dropped.
    pub offset: u64,
    pub bytes: Vec<u8>,
}

/// Which bytes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    One(Stream),
    /// Both streams in order of arrival.
    Both,
}

/// Where a search begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchFrom {
    Line(u64),
    /// What an earlier answer gave as `next`.
    Segment(u64),
}

/// Lines that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPage {
    /// In order of lines, one a line. All that a segment holds, so it may be a few more than the limit.
    pub hits: Vec<Hit>,
    /// Where to go on; `None` when all was searched.
    pub next: Option<SearchFrom>,
}

/// What is new behind a position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRows {
    /// In order of arrival; a row with `continues` belongs to a line begun earlier.
    pub rows: Vec<Row>,
    /// Position behind these rows.
    pub position: Option<u64>,
    /// More is there already.
    pub more: bool,
}

impl OutputReader {
    pub fn new(store: Store, attempt: AttemptId) -> Self {
        Self { shelf: Shelf::new(store, attempt) }
    }

    /// How much there is; `None` when the attempt has no output yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn summary(&self) -> Result<Option<OutputSummary>, OutputError> {
        let Some(stored) = self.shelf.state().await? else {
            return Ok(None);
        };
        let gap = if stored.totals.bytes_dropped > 0 { self.shelf.gap().await? } else { None };
        Ok(Some(OutputSummary {
            lines: stored.totals.lines,
            bytes: stored.totals.bytes,
            gap,
            finished: stored.totals.finished,
            position: self.shelf.last_idx().await?,
        }))
    }

    /// Lines `from` to `to`, from 1, both included. Lines that were dropped are left out.
    ///
    /// # Errors
    /// When the store fails, or a segment is damaged.
    pub async fn lines(&self, from: u64, to: u64, limits: PageLimits) -> Result<LinesPage, OutputError> {
        let mut collector = RowCollector::new(from, to, limits);
        let mut stored = self.shelf.beginning(from).await?;
        let mut segments_for_ends = 0;
        while let Some(part) = stored {
            records(&part.segments).for_each(|record| collector.add(&record));
            if collector.is_past() {
                segments_for_ends += 1;
            }
            if collector.is_done() || segments_for_ends > SEGMENTS_FOR_ENDS_MAX {
                break;
            }
            stored = self.shelf.at(part.idx_last + 1).await?;
        }
        let (rows, next) = collector.finish();
        Ok(LinesPage { rows, next })
    }

    /// The last `count` lines.
    ///
    /// # Errors
    /// As [`OutputReader::lines`].
    pub async fn tail(&self, count: u64, limits: PageLimits) -> Result<LinesPage, OutputError> {
        let lines = self.shelf.state().await?.map_or(0, |stored| stored.totals.lines);
        self.lines(lines.saturating_sub(count) + 1, lines, limits).await
    }

    /// Up to `limit` bytes from `offset` on, counted in masked bytes of the source, dropped ones included.
    /// Empty at the end.
    ///
    /// # Errors
    /// When the store fails, or a segment is damaged.
    pub async fn raw(&self, source: Source, offset: u64, limit: usize) -> Result<RawPart, OutputError> {
        let mut part = RawPart { offset, bytes: Vec::new() };
        let mut stored = self.segments_with(source, offset).await?;
        while let Some(found) = stored {
            for segment in &found.segments {
                if !part.add(source, segment, limit) {
                    return Ok(part);
                }
            }
            stored = self.shelf.at(found.idx_last + 1).await?;
        }
        Ok(part)
    }

    /// Lines in which the query is found.
    ///
    /// # Errors
    /// When the store fails, or a segment is damaged.
    pub async fn search(
        &self,
        query: &Query,
        from: SearchFrom,
        limits: SearchLimits,
    ) -> Result<SearchPage, OutputError> {
        let (mut stored, line) = match from {
            SearchFrom::Line(line) => (self.shelf.beginning(line).await?, line),
            SearchFrom::Segment(idx) => (self.shelf.at(idx).await?, 0),
        };
        let mut searcher = Searcher::new(query.clone(), line);
        let mut bytes = 0;
        let mut next = None;
        while let Some(found) = stored {
            let idx_last = found.idx_last;
            let (continued, more) = searched(searcher, found.segments).await;
            searcher = continued;
            bytes += more;
            stored = self.shelf.at(idx_last + 1).await?;
            if searcher.hits() >= limits.hits_max || bytes >= limits.bytes_max {
                next = stored.map(|stored| SearchFrom::Segment(stored.idx));
                break;
            }
        }
        Ok(SearchPage { hits: searcher.finish(), next })
    }

    /// The last line before line `before` in which the query is found, among at most `bytes_max` of output. Reads
    /// backwards, so that the end of a gigabyte is found as soon as that of a kilobyte.
    ///
    /// # Errors
    /// When the store fails, or a segment is damaged.
    pub async fn last_hit(&self, query: &Query, before: u64, bytes_max: u64) -> Result<Option<Hit>, OutputError> {
        let at_end = self.shelf.last().await?;
        let beginning = self.shelf.beginning(before).await?;
        let mut stored = beginning.or(at_end);
        let mut bytes = 0;
        while let Some(found) = stored.filter(|_| bytes < bytes_max) {
            let idx = found.idx;
            let (searcher, more) = searched(Searcher::new(query.clone(), 0), found.segments).await;
            bytes += more;
            if let Some(hit) = searcher.finish().into_iter().rfind(|hit| hit.line < before) {
                return Ok(Some(hit));
            }
            stored = self.shelf.before(idx).await?;
        }
        Ok(None)
    }

    /// What has been stored behind `position` (`None`: from the beginning), whole segments at a time until
    /// a limit is reached.
    ///
    /// # Errors
    /// When the store fails, or a segment is damaged.
    pub async fn follow(&self, position: Option<u64>, limits: PageLimits) -> Result<NewRows, OutputError> {
        let mut new = NewRows { position, ..NewRows::default() };
        let mut bytes = 0;
        while let Some(found) = self.shelf.at(new.position.map_or(0, |position| position + 1)).await? {
            if new.rows.len() >= limits.rows_max || bytes >= limits.bytes_max {
                new.more = true;
                break;
            }
            let known = new.position.map_or(0, |position| (position + 1).saturating_sub(found.idx));
            for record in records(found.segments.get(known as usize..).unwrap_or_default()) {
                bytes += record.bytes.len();
                new.rows.push(Row::of(&record));
            }
            new.position = Some(found.idx_last);
        }
        Ok(new)
    }

    /// The last segments that begin at or before an offset.
    async fn segments_with(&self, source: Source, offset: u64) -> Result<Option<StoredSegments>, OutputError> {
        let (mut low, mut high) = (0, self.shelf.last_idx().await?.unwrap_or(0));
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let begins = self.shelf.start_at(middle).await?.map(|start| source.before(&start));
            if begins.is_some_and(|begins| begins <= offset) { low = middle } else { high = middle - 1 }
        }
        self.shelf.at(low).await
    }
}

impl Source {
    fn includes(self, stream: Stream) -> bool {
        match self {
            Self::One(one) => one == stream,
            Self::Both => true,
        }
    }

    /// Bytes of this source before a segment.
    fn before(self, start: &Start) -> u64 {
        match self {
            Self::One(stream) => start.before[super::lines::slot(stream)],
            Self::Both => start.before.iter().sum(),
        }
    }
}

impl RawPart {
    /// Adds what this segment has of the bytes wanted; whether more are wanted.
    fn add(&mut self, source: Source, segment: &Segment, limit: usize) -> bool {
        let mut begins = source.before(segment.start());
        for record in segment.records().filter(|record| source.includes(record.stream)) {
            let wanted = self.offset + self.bytes.len() as u64;
            let ends = begins + record.bytes.len() as u64;
            if begins > wanted {
                if !self.bytes.is_empty() {
                    return false;
                }
                self.offset = begins;
            }
            let skipped = wanted.saturating_sub(begins).min(record.bytes.len() as u64) as usize;
            let room = limit - self.bytes.len();
            let bytes = &record.bytes[skipped..];
            self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
            if self.bytes.len() >= limit {
                return false;
            }
            begins = ends;
        }
        true
    }
}

fn records(segments: &[Segment]) -> impl Iterator<Item = Record<'_>> {
    segments.iter().flat_map(Segment::records)
}

/// Searches what was read, where it keeps nobody waiting: a large pattern takes its time. Also how many bytes it was.
async fn searched(mut searcher: Searcher, segments: Vec<Segment>) -> (Searcher, u64) {
    let searching = tokio::task::spawn_blocking(move || {
        let mut bytes = 0;
        records(&segments).for_each(|record| {
            bytes += record.bytes.len() as u64;
            searcher.add(&record);
        });
        (searcher, bytes)
    });
    searching.await.expect("searching does not panic")
}
