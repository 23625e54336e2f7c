//! Bounds of the web server, and who is over them.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Largest body of a request. An input may have 64 KiB and a form escapes up to threefold; a few such fit.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Open event streams. Each costs a task and some kilobytes; beyond it pages ask every few seconds instead.
pub const VIEWERS_MAX: usize = 256;

/// A viewer that takes nothing for this long is dropped: its connection is dead or its machine asleep.
pub const VIEWER_PATIENCE_SECONDS: u64 = 20;

/// A comment is sent when nothing else was for this long, so that proxies keep the stream open.
pub const KEEP_ALIVE_SECONDS: u64 = 15;

/// Tries a minute and address at doors where something secret is looked up.
const TRIES_A_MINUTE: NonZeroU32 = NonZeroU32::new(20).expect("twenty is not zero");

/// Addresses that are remembered before those that have been quiet are forgotten.
const ADDRESSES_MAX: usize = 10_000;

/// Lines of one output page.
pub const OUTPUT_LINES_PAGE: u64 = 1_500;

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

/// Who asks too often, and how many watch.
pub struct Limits {
    doors: DefaultKeyedRateLimiter<IpAddr>,
    viewers: Arc<Semaphore>,
}

impl Limits {
    pub fn new() -> Self {
        Self {
            doors: RateLimiter::keyed(Quota::per_minute(TRIES_A_MINUTE)),
            viewers: Arc::new(Semaphore::new(VIEWERS_MAX)),
        }
    }

    /// Whether `peer` may try another secret now.
    pub fn may_try(&self, peer: IpAddr) -> bool {
        if self.doors.len() >= ADDRESSES_MAX {
            self.doors.retain_recent();
        }
        // Everybody who is new waits while that many addresses try at once: memory stays bounded.
        self.doors.len() < ADDRESSES_MAX && self.doors.check_key(&network(peer)).is_ok()
    }

    /// A place among the viewers, for as long as it is held.
    pub fn viewer(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.viewers).try_acquire_owned().ok()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

/// One customer has a whole IPv6 /64: single addresses of it are no limit.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_tries_too_often_waits_and_others_do_not() {
        let limits = Limits::new();
        let peer: IpAddr = "192.0.2.1".parse().expect("an address");
        let let_in = (0..100).filter(|_| limits.may_try(peer)).count();
        assert!((20..30).contains(&let_in), "{let_in}");
        assert!(limits.may_try("192.0.2.2".parse().expect("an address")));
    }

    #[test]
    fn one_customer_s_ipv6_network_counts_as_one() {
        let limits = Limits::new();
        let let_in = (0..100_u32)
            .filter(|host| limits.may_try(format!("2001:db8::{host:x}").parse().expect("an address")))
            .count();
        assert!((20..30).contains(&let_in), "{let_in}");
    }

    #[test]
    fn viewers_are_bounded_and_a_place_is_given_back() {
        let limits = Limits::new();
        let mut places: Vec<_> = (0..VIEWERS_MAX).map(|_| limits.viewer().expect("there is room")).collect();
        assert!(limits.viewer().is_none());
        places.pop();
        assert!(limits.viewer().is_some());
    }
}
