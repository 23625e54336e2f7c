//! Hosts that are not there: answers from a table, for drills and for tests of everything above the transport.
//!
//! It keeps the promises of the real ones: an attempt is started once, can be followed from any offset, stopped and
//! voided.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use super::{Arrival, AttemptKey, AttemptOrder, AttemptStatus, CHUNK_BYTES_MAX, StopReport, Transport, TransportError};
use crate::id::{AttemptId, HostName, RunId, UserName};
use crate::inventory::target::Target;
use crate::run::outcome::{Exit, HostFacts, Offsets, Stream};

/// What a recorded host does when a script is started.
#[derive(Debug, Clone)]
pub struct Answer {
    /// In the order of arrival.
    pub output: Vec<(Stream, Bytes)>,
    /// How long it runs before it ends.
    pub takes: Duration,
    pub end: AttemptStatus,
}

impl Answer {
    /// Prints `stdout` and ends at once with `code`.
    pub fn code(code: i32, stdout: &str) -> Self {
        let output = vec![(Stream::Stdout, Bytes::copy_from_slice(stdout.as_bytes()))];
        Self { output, takes: Duration::ZERO, end: AttemptStatus::Done(Exit::Code(code)) }
    }

    /// The same, after `takes`.
    pub fn after(mut self, takes: Duration) -> Self {
        self.takes = takes;
        self
    }
}

/// The table: for each host, pairs of a text that the script must contain and the answer; the first that fits is taken,
/// and a script that fits nothing ends with 0 and no output.
#[derive(Default)]
pub struct Recorded {
    answers: Vec<(HostName, String, Answer)>,
    unreachable: Mutex<Vec<HostName>>,
    attempts: Mutex<HashMap<AttemptId, Arc<Attempt>>>,
    starts: Mutex<Vec<(HostName, AttemptId)>>,
}

struct Attempt {
    answer: Answer,
    status: watch::Sender<AttemptStatus>,
}

impl Recorded {
    /// No answers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row to the table.
    pub fn answering(mut self, host: HostName, script_contains: &str, answer: Answer) -> Self {
        self.answers.push((host, script_contains.to_owned(), answer));
        self
    }

    /// From now on `host` cannot be reached, or can again.
    pub fn set_reachable(&self, host: &HostName, reachable: Reachable) {
        let mut unreachable = self.unreachable.lock().expect("no holder of this lock can panic");
        unreachable.retain(|other| other != host);
        if reachable == Reachable::No {
            unreachable.push(host.clone());
        }
    }

    /// Every execution so far, in order: the ledger that a test compares.
    pub fn executions(&self) -> Vec<(HostName, AttemptId)> {
        self.starts.lock().expect("no holder of this lock can panic").clone()
    }

    fn reach(&self, host: &HostName) -> Result<(), TransportError> {
        let unreachable = self.unreachable.lock().expect("no holder of this lock can panic");
        if unreachable.contains(host) {
            let reason = "the recording says that it is away".to_owned();
            return Err(TransportError::Unreachable { host: host.clone(), reason });
        }
        Ok(())
    }

    fn answer(&self, host: &HostName, script: &str) -> Answer {
        let fits = |row: &&(HostName, String, Answer)| row.0 == *host && script.contains(&row.1);
        self.answers.iter().find(fits).map_or_else(|| Answer::code(0, ""), |row| row.2.clone())
    }

    fn attempt(&self, id: AttemptId) -> Option<Arc<Attempt>> {
        self.attempts.lock().expect("no holder of this lock can panic").get(&id).cloned()
    }

    /// The attempt, and whether this call made it.
    fn begin(&self, target: &Target, order: &AttemptOrder) -> Arc<Attempt> {
        let mut attempts = self.attempts.lock().expect("no holder of this lock can panic");
        if let Some(attempt) = attempts.get(&order.key.attempt) {
            return Arc::clone(attempt);
        }
        let answer = self.answer(&target.name, &order.script);
        let attempt = Arc::new(Attempt { answer, status: watch::Sender::new(AttemptStatus::Running) });
        attempts.insert(order.key.attempt, Arc::clone(&attempt));
        let mut starts = self.starts.lock().expect("no holder of this lock can panic");
        starts.push((target.name.clone(), order.key.attempt));
        let running = Arc::clone(&attempt);
        tokio::spawn(async move {
            tokio::time::sleep(running.answer.takes).await;
            running.end(running.answer.end);
        });
        attempt
    }
}

/// For [`Recorded::set_reachable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reachable {
    Yes,
    No,
}

impl Attempt {
    /// Sends what lies behind `offsets`, waits for the end.
    async fn play(&self, offsets: Offsets, arrivals: &mpsc::Sender<Arrival>) -> AttemptStatus {
        let mut status = self.status.subscribe();
        let first = *status.borrow();
        if first == AttemptStatus::Void {
            return first;
        }
        // A receiver that is gone does not change how the command ends.
        let _ = arrivals.send(Arrival::Running).await;
        let mut at = Offsets::default();
        for (stream, bytes) in &self.answer.output {
            let (from, position) = match stream {
                Stream::Stdout => (offsets.stdout, &mut at.stdout),
                Stream::Stderr => (offsets.stderr, &mut at.stderr),
            };
            for chunk in bytes.chunks(CHUNK_BYTES_MAX) {
                let skip = usize::try_from(from.saturating_sub(*position)).unwrap_or(usize::MAX).min(chunk.len());
                let fresh = Bytes::copy_from_slice(&chunk[skip..]);
                if !fresh.is_empty() {
                    let offset = *position + skip as u64;
                    let _ = arrivals.send(Arrival::Bytes { stream: *stream, offset, bytes: fresh }).await;
                }
                *position += chunk.len() as u64;
            }
        }
        *status.wait_for(|status| *status != AttemptStatus::Running).await.expect("the sender lives in self")
    }

    fn end(&self, end: AttemptStatus) {
        self.status.send_if_modified(|status| {
            let running = *status == AttemptStatus::Running;
            if running {
                *status = end;
            }
            running
        });
    }
}

#[async_trait]
impl Transport for Recorded {
    async fn prove(&self, _run: RunId, target: &Target, _run_as: &[UserName]) -> Result<HostFacts, TransportError> {
        self.reach(&target.name)?;
        Ok(HostFacts {
            hostname: target.expect.hostname.clone().unwrap_or_else(|| target.name.to_string()),
            machine_id: target.expect.machine_id.clone(),
            boot_id: None,
            user: "recorded".to_owned(),
            host_key: None,
        })
    }

    async fn start(
        &self,
        _run: RunId,
        target: &Target,
        order: &AttemptOrder,
        arrivals: mpsc::Sender<Arrival>,
    ) -> Result<AttemptStatus, TransportError> {
        self.reach(&target.name)?;
        Ok(self.begin(target, order).play(Offsets::default(), &arrivals).await)
    }

    async fn follow(
        &self,
        _run: RunId,
        target: &Target,
        attempt: &AttemptKey,
        offsets: Offsets,
        arrivals: mpsc::Sender<Arrival>,
    ) -> Result<AttemptStatus, TransportError> {
        self.reach(&target.name)?;
        match self.attempt(attempt.attempt) {
            Some(attempt) => Ok(attempt.play(offsets, &arrivals).await),
            None if offsets == Offsets::default() => Ok(AttemptStatus::Absent),
            None => Ok(AttemptStatus::Lost),
        }
    }

    async fn stop(
        &self,
        _run: RunId,
        target: &Target,
        attempt: &AttemptKey,
        _grace: Duration,
    ) -> Result<StopReport, TransportError> {
        self.reach(&target.name)?;
        let Some(attempt) = self.attempt(attempt.attempt) else {
            return Ok(StopReport::Stopped(AttemptStatus::Absent));
        };
        const TERM: i32 = 15;
        attempt.end(AttemptStatus::Done(Exit::Signal(TERM)));
        let status = *attempt.status.borrow();
        Ok(StopReport::Stopped(status))
    }

    async fn void(&self, _run: RunId, target: &Target, attempt: &AttemptKey) -> Result<AttemptStatus, TransportError> {
        self.reach(&target.name)?;
        let mut attempts = self.attempts.lock().expect("no holder of this lock can panic");
        let attempt = attempts.entry(attempt.attempt).or_insert_with(|| {
            let status = watch::Sender::new(AttemptStatus::Void);
            Arc::new(Attempt { answer: Answer::code(0, ""), status })
        });
        let status = *attempt.status.borrow();
        Ok(status)
    }

    async fn release(&self, _run: RunId, target: &Target, _keys: &[AttemptKey]) -> Result<(), TransportError> {
        self.reach(&target.name)
    }

    async fn close(&self, _run: RunId) {}
}
