//! Time, as an argument: the engine and the web are handed a [`Clock`], so that tests decide what time it is.
//!
//! Two readings with different duties. *Wall time* is for people and for what is stored; it may jump when an
//! administrator or NTP sets it. *Monotonic time* never goes back and is for deadlines and durations; it means
//! nothing after a restart.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

/// What time it is, and waiting for a time.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn wall_ms(&self) -> i64;

    /// Milliseconds since some moment before this process asked first; never goes back.
    fn monotonic_ms(&self) -> u64;

    /// Returns once [`Clock::monotonic_ms`] is at least `monotonic_ms`; at once if it is already.
    async fn sleep_until(&self, monotonic_ms: u64);

    /// [`Clock::wall_ms`] with jiff's calendar.
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.wall_ms()).expect("wall_ms is within jiff's years -9999 to 9999")
    }
}

/// The computer's own clocks.
#[derive(Debug, Clone, Copy)]
pub struct System {
    /// Where monotonic time is counted from. tokio's, so that sleeping and reading agree.
    origin: tokio::time::Instant,
}

impl System {
    /// Begins to count monotonic time at zero.
    pub fn start() -> Self {
        Self { origin: tokio::time::Instant::now() }
    }
}

#[async_trait]
impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "this file is the one place that asks the computer for the time")]
    fn wall_ms(&self) -> i64 {
        Timestamp::now().as_millisecond()
    }

    fn monotonic_ms(&self) -> u64 {
        whole_ms(self.origin.elapsed())
    }

    async fn sleep_until(&self, monotonic_ms: u64) {
        tokio::time::sleep_until(self.origin + Duration::from_millis(monotonic_ms)).await;
    }
}

/// A clock that stands still until it is moved. Sleepers wake when [`Manual::advance`] passes their time.
#[derive(Debug)]
pub struct Manual {
    monotonic_ms: watch::Sender<u64>,
    /// Wall time less monotonic time; changed by [`Manual::set_wall_ms`] alone.
    wall_offset_ms: Mutex<i64>,
}

impl Manual {
    /// Stands at `wall_ms`, with monotonic time zero.
    pub fn at(wall_ms: i64) -> Self {
        Self { monotonic_ms: watch::Sender::new(0), wall_offset_ms: Mutex::new(wall_ms) }
    }

    /// Both times pass by `duration` (whole milliseconds), and sleepers whose time has come wake.
    pub fn advance(&self, duration: Duration) {
        self.monotonic_ms.send_modify(|monotonic_ms| *monotonic_ms = monotonic_ms.saturating_add(whole_ms(duration)));
    }

    /// Sets the wall clock, as an administrator would: monotonic time and sleepers are not moved.
    pub fn set_wall_ms(&self, wall_ms: i64) {
        *self.wall_offset_ms.lock().expect("no holder of this lock can panic") = wall_ms - self.passed_ms();
    }

    fn passed_ms(&self) -> i64 {
        i64::try_from(*self.monotonic_ms.borrow()).unwrap_or(i64::MAX)
    }
}

#[async_trait]
impl Clock for Manual {
    fn wall_ms(&self) -> i64 {
        let wall_offset_ms = *self.wall_offset_ms.lock().expect("no holder of this lock can panic");
        wall_offset_ms.saturating_add(self.passed_ms())
    }

    fn monotonic_ms(&self) -> u64 {
        *self.monotonic_ms.borrow()
    }

    async fn sleep_until(&self, monotonic_ms: u64) {
        let mut passing = self.monotonic_ms.subscribe();
        passing.wait_for(|now_ms| *now_ms >= monotonic_ms).await.expect("the sender lives in self");
    }
}

/// `duration` in milliseconds; five hundred million years and more are cut.
fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_manual_clock_passes_its_time_and_not_before() {
        let clock = Arc::new(Manual::at(1_000));
        let sleeping = tokio::spawn({
            let clock = Arc::clone(&clock);
            async move { clock.sleep_until(50).await }
        });
        clock.advance(Duration::from_millis(49));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!sleeping.is_finished());
        clock.advance(Duration::from_millis(1));
        sleeping.await.expect("the sleeper does not panic");
        assert_eq!((clock.wall_ms(), clock.monotonic_ms()), (1_050, 50));
    }

    #[test]
    fn setting_the_wall_clock_back_leaves_monotonic_time_alone() {
        let clock = Manual::at(10_000);
        clock.advance(Duration::from_secs(1));
        clock.set_wall_ms(2_000);
        assert_eq!((clock.wall_ms(), clock.monotonic_ms()), (2_000, 1_000));
        clock.advance(Duration::from_secs(1));
        assert_eq!((clock.wall_ms(), clock.monotonic_ms()), (3_000, 2_000));
    }

    #[tokio::test]
    async fn the_system_clock_sleeps_until_the_monotonic_time_it_reads() {
        let clock = System::start();
        clock.sleep_until(20).await;
        assert!(clock.monotonic_ms() >= 20);
        assert!(clock.wall_ms() > 1_700_000_000_000, "wall time is in milliseconds since 1970");
    }
}
