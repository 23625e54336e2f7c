//! The transports against real sshd hosts and the machine itself.

mod hosts;
mod housekeeping;
mod latency;
mod output;
mod recording;
mod stopping;
mod truth_table;
mod values;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use steadyhand::id::{AttemptId, RunId, UserName};
use steadyhand::inventory::target::{Target, Via};
use steadyhand::run::outcome::{Offsets, Stream};
use steadyhand::transport::recorded::Recorded;
use steadyhand::transport::router::Router;
use steadyhand::transport::{
    ARRIVALS_MAX, Arrival, AttemptKey, AttemptOrder, AttemptStatus, Transport, TransportError,
};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::sshd::Sshd;

/// One server's transports, and one run.
struct World {
    router: Arc<Router>,
    run: RunId,
    directory: TempDir,
}

/// What an attempt gave.
#[derive(Debug, Default)]
struct Heard {
    running: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("sh").tempdir().expect("a temporary directory");
        let router = Router::new(directory.path(), Recorded::new()).expect("the directory is ours");
        let router = router.with_local_home(directory.path().to_owned());
        Self { router: Arc::new(router), run: RunId(Uuid::new_v4()), directory }
    }

    /// Starts and follows to the end.
    async fn start(&self, target: &Target, order: &AttemptOrder) -> (Result<AttemptStatus, TransportError>, Heard) {
        let (sender, receiver) = mpsc::channel(ARRIVALS_MAX);
        let hearing = tokio::spawn(hear(receiver, Offsets::default()));
        let status = self.router.start(self.run, target, order, sender).await;
        (status, hearing.await.expect("hearing does not panic"))
    }

    async fn follow(
        &self,
        target: &Target,
        key: &AttemptKey,
        offsets: Offsets,
    ) -> (Result<AttemptStatus, TransportError>, Heard) {
        let (sender, receiver) = mpsc::channel(ARRIVALS_MAX);
        let hearing = tokio::spawn(hear(receiver, offsets));
        let status = self.router.follow(self.run, target, key, offsets, sender).await;
        (status, hearing.await.expect("hearing does not panic"))
    }

    /// Starts in the background, and returns once the host has said that it runs.
    async fn start_running(&self, target: &Target, order: &AttemptOrder) -> Running {
        let (sender, receiver) = mpsc::channel(ARRIVALS_MAX);
        let (router, run, target, order) = (Arc::clone(&self.router), self.run, target.clone(), order.clone());
        let ended = tokio::spawn(async move { router.start(run, &target, &order, sender).await });
        Running::heard(ended, receiver, Offsets::default()).await
    }

    /// Follows in the background, and returns once the host has said that it runs.
    async fn follow_running(&self, target: &Target, key: &AttemptKey, offsets: Offsets) -> Running {
        let (sender, receiver) = mpsc::channel(ARRIVALS_MAX);
        let (router, run, target, key) = (Arc::clone(&self.router), self.run, target.clone(), key.clone());
        let ended = tokio::spawn(async move { router.follow(run, &target, &key, offsets, sender).await });
        Running::heard(ended, receiver, offsets).await
    }
}

struct Running {
    ended: JoinHandle<Result<AttemptStatus, TransportError>>,
    hearing: JoinHandle<Heard>,
}

impl Running {
    async fn heard(
        ended: JoinHandle<Result<AttemptStatus, TransportError>>,
        mut receiver: mpsc::Receiver<Arrival>,
        offsets: Offsets,
    ) -> Self {
        let first = receiver.recv().await;
        if !matches!(first, Some(Arrival::Running)) {
            panic!("it does not run: {first:?}, {:?}", ended.await);
        }
        Self { ended, hearing: tokio::spawn(hear(receiver, offsets)) }
    }

    async fn end(self) -> (Result<AttemptStatus, TransportError>, Heard) {
        (self.ended.await.expect("no panic"), self.hearing.await.expect("no panic"))
    }
}

/// Takes everything, and checks that offsets are contiguous.
async fn hear(mut receiver: mpsc::Receiver<Arrival>, mut at: Offsets) -> Heard {
    let mut heard = Heard::default();
    while let Some(arrival) = receiver.recv().await {
        match arrival {
            Arrival::Running => heard.running += 1,
            Arrival::Bytes { stream, offset, bytes } => {
                let (expected, kept) = match stream {
                    Stream::Stdout => (&mut at.stdout, &mut heard.stdout),
                    Stream::Stderr => (&mut at.stderr, &mut heard.stderr),
                };
                assert_eq!(offset, *expected, "a gap in {stream:?}");
                *expected += bytes.len() as u64;
                kept.extend_from_slice(&bytes);
            }
        }
    }
    heard
}

fn fresh_key() -> AttemptKey {
    AttemptKey { attempt: AttemptId(Uuid::now_v7()), run_as: None::<UserName> }
}

fn order(script: &str) -> AttemptOrder {
    AttemptOrder {
        key: fresh_key(),
        epoch: 1,
        script: script.to_owned(),
        shell: Some("sh".to_owned()),
        args: vec![],
        stdin: Bytes::new(),
        secrets: vec![],
        merge: false,
        direct: false,
    }
}

fn local_target(name: &str) -> Target {
    Target {
        name: name.parse().expect("a host name"),
        labels: Default::default(),
        via: Via::Local,
        expect: Default::default(),
    }
}

/// Waits until `condition` holds; the limit is only for a test that fails.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "did not happen: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A file that the tether keeps of an attempt: `started`, `result`, `out`, …
fn kept_file(sshd: &Sshd, key: &AttemptKey, what: &str) -> std::path::PathBuf {
    sshd.attempts().join(format!("{}.{what}", key.attempt))
}
