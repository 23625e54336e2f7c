//! Output arrives whole, in flat memory, whatever happens to the connection.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use steadyhand::run::outcome::{Exit, Offsets, Stream};
use steadyhand::transport::{ARRIVALS_MAX, Arrival, AttemptStatus, Transport, TransportError};
use tokio::sync::mpsc;

use super::{World, order};
use crate::sshd::{Shell, Sshd};

const BIG_BYTES: u64 = 200_000_000;

/// What we may grow by while 200 MB pass through.
const GROWTH_BYTES_MAX: u64 = 64 * 1024 * 1024;

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this test needs /proc");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the peak is told");
    1024 * line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("a number of kB")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_pass_in_flat_memory() {
    let sshd = Sshd::named("web-1").start();
    let world = World::new();
    world.router.prove(world.run, &sshd.target(), &[]).await.expect("the host is there");
    let before = resident_bytes();
    let (sender, mut receiver) = mpsc::channel(ARRIVALS_MAX);
    let counting = tokio::spawn(async move {
        let mut count = 0;
        while let Some(arrival) = receiver.recv().await {
            if let Arrival::Bytes { bytes, .. } = arrival {
                count += bytes.len() as u64;
            }
        }
        count
    });
    let order = order(&format!("head -c {BIG_BYTES} /dev/zero"));
    let status = world.router.start(world.run, &sshd.target(), &order, sender).await;
    assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(0))));
    assert_eq!(counting.await.expect("no panic"), BIG_BYTES);
    let growth = resident_bytes() - before;
    assert!(growth < GROWTH_BYTES_MAX, "grew by {growth} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn output_is_the_same_to_the_last_byte_however_often_the_connection_is_cut() {
    for shell in Shell::ALL {
        let sshd = Sshd::named("web-1").shell(shell).start();
        let target = sshd.target();
        let mut world = World::new();
        let order = order(
            "i=0; while [ $i -lt 60 ]; do head -c 40000 /dev/urandom | tee -a ~/out; \
             head -c 300 /dev/urandom | tee -a ~/err >&2; sleep 0.02; i=$((i+1)); done; exit 3",
        );
        let (mut stdout, mut stderr, mut cuts) = (Sha256::new(), Sha256::new(), 0);
        let mut at = Offsets::default();
        loop {
            let (sender, mut receiver) = mpsc::channel(ARRIVALS_MAX);
            let (router, run, target, order) = (world.router.clone(), world.run, target.clone(), order.clone());
            let first = at == Offsets::default();
            let ended = tokio::spawn(async move {
                if first {
                    router.start(run, &target, &order, sender).await
                } else {
                    router.follow(run, &target, &order.key, at, sender).await
                }
            });
            let mut heard_bytes = 0;
            while let Some(arrival) = receiver.recv().await {
                let Arrival::Bytes { stream, offset, bytes } = arrival else { continue };
                let (position, hash) = match stream {
                    Stream::Stdout => (&mut at.stdout, &mut stdout),
                    Stream::Stderr => (&mut at.stderr, &mut stderr),
                };
                assert_eq!(offset, *position);
                *position += bytes.len() as u64;
                hash.update(&bytes);
                heard_bytes += bytes.len();
                if heard_bytes > 300_000 && cuts < 4 {
                    cuts += 1;
                    heard_bytes = 0;
                    sshd.kill_connections();
                }
            }
            match ended.await.expect("no panic") {
                Ok(status) => break assert_eq!(status, AttemptStatus::Done(Exit::Code(3))),
                Err(TransportError::Unreachable { .. }) => world = World::new(),
                Err(other) => panic!("{other}"),
            }
        }
        assert!(cuts > 0);
        for (name, hash) in [("out", stdout), ("err", stderr)] {
            let produced = std::fs::read(sshd.home().join(name)).expect("the script keeps a copy");
            assert!(hash.finalize() == Sha256::digest(&produced), "{shell:?} {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn live_output_of_both_streams_arrives_while_the_command_runs() {
    for shell in Shell::ALL {
        let sshd = Sshd::named("web-1").shell(shell).start();
        let world = World::new();
        let (sender, mut receiver) = mpsc::channel(ARRIVALS_MAX);
        let (router, run, target) = (world.router.clone(), world.run, sshd.target());
        let order = order("echo to stdout; echo to stderr >&2; while ! [ -e ~/go ]; do sleep 0.05; done");
        let ended = tokio::spawn(async move { router.start(run, &target, &order, sender).await });
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while stdout != b"to stdout\n" || stderr != b"to stderr\n" {
            let arrival = tokio::time::timeout(Duration::from_secs(30), receiver.recv()).await;
            match arrival.expect("it arrives before the end").expect("the command still runs") {
                Arrival::Running => {}
                Arrival::Bytes { stream: Stream::Stdout, bytes, .. } => stdout.extend_from_slice(&bytes),
                Arrival::Bytes { stream: Stream::Stderr, bytes, .. } => stderr.extend_from_slice(&bytes),
            }
        }
        std::fs::write(sshd.home().join("go"), "").expect("the home is ours");
        assert_eq!(ended.await.expect("no panic"), Ok(AttemptStatus::Done(Exit::Code(0))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_does_not_take_holds_the_host_back_and_loses_nothing() {
    let sshd = Sshd::named("web-1").start();
    let world = World::new();
    let (sender, mut receiver) = mpsc::channel(1);
    let (router, run, target) = (world.router.clone(), world.run, sshd.target());
    let order = order("head -c 20000000 /dev/zero; sleep 0.2; echo end >&2");
    let ended = tokio::spawn(async move { router.start(run, &target, &order, sender).await });
    let mut count = 0;
    let mut taken = 0;
    while let Some(arrival) = receiver.recv().await {
        if let Arrival::Bytes { bytes, .. } = arrival {
            count += bytes.len();
        }
        taken += 1;
        if taken % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert_eq!(count, 20_000_004);
    assert_eq!(ended.await.expect("no panic"), Ok(AttemptStatus::Done(Exit::Code(0))));
}
