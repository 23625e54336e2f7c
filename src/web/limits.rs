//! Bounds of the web server. How often somebody may ask is in `rates`.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Largest body of a request. An input may have 64 KiB and a form escapes up to threefold; a few such fit.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Open event streams. Each costs a task and some kilobytes; beyond it pages ask every few seconds instead.
pub const VIEWERS_MAX: usize = 1_200;

/// A viewer that takes nothing for this long is dropped: its connection is dead or its machine asleep.
pub const VIEWER_PATIENCE_SECONDS: u64 = 20;

/// A comment is sent when nothing else was for this long, so that proxies keep the stream open.
pub const KEEP_ALIVE_SECONDS: u64 = 15;

/// Open connections, where the system gives enough open files for them: see [`Bounds::within`].
pub const CONNECTIONS_MAX: usize = 2_560;

/// Open connections of one address (an IPv6 /64): more than all viewers together, for an office behind one address, and
/// not more than half of all.
pub const CONNECTIONS_PER_PEER_MAX: usize = 1_280;

/// Open files that are not connections: the database, logs, ssh.
pub const FILES_KEPT: u64 = 384;

/// For the other end to take anything of what waits for it: a connection that takes nothing holds memory and a seat. A
/// download may be paused for as long; a stream is opened again.
pub const WRITE_STALLED_MAX: Duration = Duration::from_secs(60);

/// Headers of one request; browsers and proxies send about thirty.
pub const HEADERS_MAX: usize = 64;

/// Bytes of all headers of one request, its address among them.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Bytes of an address with its query: a start form that is linked to with its inputs fits.
pub const URL_BYTES_MAX: usize = 8 * 1024;

/// Streams of one HTTP/2 connection at a time.
pub const STREAMS_MAX: u32 = 100;

/// From the first byte of a request's headers to their last, and between two requests of one connection.
pub const HEADER_READ_MAX: Duration = Duration::from_secs(30);

/// For a TLS handshake: a slow phone needs two seconds.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// From the headers of a request to the last byte of its body, however it drips: 1 MiB at 50 KB/s.
pub const BODY_READ_MAX: Duration = Duration::from_secs(20);

/// For an answer to begin. A start may fetch a commit and ask an inventory program first.
pub const REQUEST_MAX: Duration = Duration::from_secs(120);

/// Lines of one output page.
pub const OUTPUT_LINES_PAGE: u64 = 1_500;

/// Hits of one search that are counted; the rest is a further search away.
pub const HITS_MAX: usize = 1_000;

/// Hits of one search that are listed with their text.
pub const HITS_LISTED_MAX: usize = 50;

/// Letters of a line in the list of hits.
pub const HIT_LETTERS_MAX: usize = 200;

/// Output that one search reads: a quarter of a second on one core.
pub const SEARCH_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Searches, comparisons and groupings at a time; others wait. Each takes a core while it lasts.
pub const SEARCHES_MAX: usize = 4;

/// Output in which the last sign of trouble is looked for, from the end.
pub const TROUBLE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// States of one line of progress that are shown.
pub const STATES_MAX: usize = 500;

/// Lines of each side of a comparison: what takes a person longer than reading both is better compared elsewhere.
pub const COMPARE_LINES_MAX: usize = 2_000;

/// Bytes of each side of a comparison.
pub const COMPARE_BYTES_MAX: usize = 512 * 1024;

/// Rows of a comparison that a page holds.
pub const COMPARE_ROWS_MAX: usize = 3_000;

/// Runs in which the last good one is looked for.
pub const GOOD_RUNS_MAX: u32 = 20;

/// Lines and bytes of each host that are looked at to tell whether hosts said the same.
pub const GROUP_LINES_MAX: usize = 1_000;
pub const GROUP_BYTES_MAX: usize = 64 * 1024;

/// Hosts of a step that are looked at.
pub const GROUP_HOSTS_MAX: usize = 1_000;

/// Groups whose text is shown, and lines of it, and rows of their difference.
pub const GROUPS_MAX: usize = 20;
pub const GROUP_SHOWN_LINES: usize = 8;
pub const GROUP_ROWS_MAX: usize = 60;

/// Hosts of a step that its output page leads to; the others are on the grid.
pub const HOST_TABS_MAX: usize = 30;

/// Last lines of an attempt on the run page.
pub const TAIL_LINES: u64 = 200;

/// Attempts whose last lines the run page shows; the rest is a click away.
pub const TAILS_MAX: usize = 8;

/// Most bytes of raw output in one answer of the API; the next page is one request away.
pub const RAW_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Lines of one attempt that a share link holds; the newest are kept.
pub const SHARE_LINES_MAX: u64 = 5_000;

/// Bytes of output in the snapshot of one share link.
pub const SHARE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Events in one read of a stream.
pub const EVENTS_PAGE: u32 = 200;

/// The bounds of connections and requests. What is not said is as the constants above; tests use small ones.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub connections: usize,
    pub connections_per_peer: usize,
    pub viewers: usize,
    pub write_stalled: Duration,
    pub header_read: Duration,
    pub body_read: Duration,
    pub request: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS_MAX,
            connections_per_peer: CONNECTIONS_PER_PEER_MAX,
            viewers: VIEWERS_MAX,
            write_stalled: WRITE_STALLED_MAX,
            header_read: HEADER_READ_MAX,
            body_read: BODY_READ_MAX,
            request: REQUEST_MAX,
        }
    }
}

impl Bounds {
    /// These bounds, or lower ones that `files_max` open files are enough for.
    #[must_use]
    pub fn within(self, files_max: u64) -> Self {
        let room = usize::try_from(files_max.saturating_sub(FILES_KEPT)).unwrap_or(usize::MAX).max(64);
        let connections = self.connections.min(room);
        Self {
            connections,
            connections_per_peer: self.connections_per_peer.min(connections.div_ceil(2)),
            viewers: self.viewers.min(connections * 2 / 5),
            ..self
        }
    }
}

/// How many watch, and how many search.
pub struct Limits {
    viewers: Arc<Semaphore>,
    searches: Semaphore,
}

impl Limits {
    pub fn new(bounds: Bounds) -> Self {
        Self { viewers: Arc::new(Semaphore::new(bounds.viewers)), searches: Semaphore::new(SEARCHES_MAX) }
    }

    /// A place among the viewers, for as long as it is held.
    pub fn viewer(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.viewers).try_acquire_owned().ok()
    }

    /// A turn at reading a lot of output. Whoever waits is not refused: the answer is bounded in time by itself.
    pub async fn search(&self) -> SemaphorePermit<'_> {
        self.searches.acquire().await.expect("nobody closes it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_are_bounded_and_a_place_is_given_back() {
        let limits = Limits::new(Bounds { viewers: 7, ..Bounds::default() });
        let mut places: Vec<_> = (0..7).map(|_| limits.viewer().expect("there is room")).collect();
        assert!(limits.viewer().is_none());
        places.pop();
        assert!(limits.viewer().is_some());
    }

    #[test]
    fn a_system_that_gives_few_open_files_gets_few_connections() {
        let bounds = Bounds::default().within(1_024);
        assert_eq!((bounds.connections, bounds.connections_per_peer, bounds.viewers), (640, 320, 256));
        let all = Bounds::default().within(524_288);
        assert_eq!((all.connections, all.viewers), (CONNECTIONS_MAX, 1_024));
        assert_eq!(Bounds::default().within(0).connections, 64, "never none");
    }
}
