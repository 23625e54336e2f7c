//! The recorded transport keeps the promises of the real ones.

use std::time::Duration;

use bytes::Bytes;
use steadyhand::inventory::target::{Target, Via};
use steadyhand::run::outcome::{Exit, Offsets, Stream};
use steadyhand::transport::recorded::{Answer, Reachable, Recorded};
use steadyhand::transport::{ARRIVALS_MAX, AttemptStatus, StopReport, Transport, TransportError};
use tokio::sync::mpsc;

use super::{hear, local_target, order};

fn recorded_target() -> Target {
    Target { via: Via::Recorded, ..local_target("drill-1") }
}

#[tokio::test]
async fn a_recorded_attempt_is_executed_once_and_followed_from_any_offset() {
    let target = recorded_target();
    let df = Answer {
        output: vec![(Stream::Stdout, Bytes::from_static(b"90%\n")), (Stream::Stderr, Bytes::from_static(b"slow\n"))],
        takes: Duration::from_millis(20),
        end: AttemptStatus::Done(Exit::Code(2)),
    };
    let recorded = Recorded::new().answering(target.name.clone(), "df -h", df);
    let run = steadyhand::id::RunId(uuid::Uuid::new_v4());
    let order = order("df -h /var");
    for offsets in [Offsets::default(), Offsets { stdout: 2, stderr: 5 }] {
        let (sender, receiver) = mpsc::channel(ARRIVALS_MAX);
        let hearing = tokio::spawn(hear(receiver, offsets));
        let status = if offsets == Offsets::default() {
            recorded.start(run, &target, &order, sender).await
        } else {
            recorded.follow(run, &target, &order.key, offsets, sender).await
        };
        assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(2))));
        let heard = hearing.await.expect("no panic");
        let skip = usize::try_from(offsets.stdout).expect("small");
        assert_eq!(
            (heard.stdout.as_slice(), heard.stderr.len()),
            (&b"90%\n"[skip..], 5 - usize::try_from(offsets.stderr).expect("small"))
        );
    }
    assert_eq!(recorded.executions(), [(target.name.clone(), order.key.attempt)]);
}

#[tokio::test]
async fn a_recorded_host_can_be_away_and_its_attempts_stopped_or_voided() {
    let target = recorded_target();
    let recorded = std::sync::Arc::new(Recorded::new().answering(
        target.name.clone(),
        "sleep",
        Answer::code(0, "").after(Duration::from_secs(600)),
    ));
    let run = steadyhand::id::RunId(uuid::Uuid::new_v4());
    let (sleeping, never) = (order("sleep"), order("sleep"));
    recorded.set_reachable(&target.name, Reachable::No);
    assert!(matches!(recorded.void(run, &target, &never.key).await, Err(TransportError::Unreachable { .. })));
    recorded.set_reachable(&target.name, Reachable::Yes);
    assert_eq!(recorded.void(run, &target, &never.key).await, Ok(AttemptStatus::Void));
    let (sender, mut receiver) = mpsc::channel(ARRIVALS_MAX);
    let (starting, at, order) = (recorded.clone(), target.clone(), sleeping.clone());
    let ended = tokio::spawn(async move { starting.start(run, &at, &order, sender).await });
    receiver.recv().await.expect("it runs");
    let stopped = recorded.stop(run, &target, &sleeping.key, Duration::ZERO).await;
    assert_eq!(stopped, Ok(StopReport::Stopped(AttemptStatus::Done(Exit::Signal(15)))));
    assert_eq!(ended.await.expect("no panic"), Ok(AttemptStatus::Done(Exit::Signal(15))));
}
