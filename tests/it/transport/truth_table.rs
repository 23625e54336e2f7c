//! Each row of the design's truth table, on each shell.

use std::time::Duration;

use steadyhand::run::outcome::{Exit, GoneBecause, Offsets};
use steadyhand::transport::{AttemptKey, AttemptOrder, AttemptStatus, StopReport, Transport, TransportError};

use super::{World, kept_file, local_target, order, until};
use crate::sshd::{Shell, Sshd, kill};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gives_its_bytes_and_its_end() {
    for shell in Shell::ALL {
        let sshd = Sshd::named("web-1").shell(shell).start();
        let world = World::new();
        let facts = world.router.prove(world.run, &sshd.target(), &[]).await.expect("the host is there");
        assert_eq!(facts.hostname, "web-1");
        for (script, exit, stdout, stderr) in [
            ("true", Exit::Code(0), "", ""),
            ("echo out; echo err >&2; exit 3", Exit::Code(3), "out\n", "err\n"),
            ("printf 'no newline'; sleep 0.3; printf x >&2", Exit::Code(0), "no newline", "x"),
            ("exit 127", Exit::Code(127), "", ""),
            ("exit 126", Exit::Code(126), "", ""),
            ("exit 255", Exit::Code(255), "", ""),
            ("exit 143", Exit::Code(143), "", ""),
            ("kill -TERM $$", Exit::Signal(15), "", ""),
            ("kill -KILL $$", Exit::Signal(9), "", ""),
            ("sleep 0.2; kill -SEGV $$", Exit::Signal(11), "", ""),
        ] {
            let (status, heard) = world.start(&sshd.target(), &order(script)).await;
            assert_eq!(status, Ok(AttemptStatus::Done(exit)), "{shell:?}: {script}");
            assert_eq!(String::from_utf8_lossy(&heard.stdout), stdout, "{shell:?}: {script}");
            assert_eq!(String::from_utf8_lossy(&heard.stderr), stderr, "{shell:?}: {script}");
            assert_eq!(heard.running, 1);
        }
        world.router.close(world.run).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_itself_is_a_host() {
    let world = World::new();
    let (status, heard) = world.start(&local_target("here"), &order("echo hello $HOME; sleep 0.2; exit 4")).await;
    assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(4))));
    assert_eq!(heard.stdout, format!("hello {}\n", world.directory.path().display()).as_bytes());
}

/// A host of each shell, and one on which neither `flock` nor `setsid` is installed.
fn hosts() -> Vec<Sshd> {
    let mut hosts: Vec<Sshd> = Shell::ALL.iter().map(|shell| Sshd::named("web-1").shell(*shell).start()).collect();
    hosts.push(Sshd::named("web-1").without(&["flock", "setsid"]).start());
    hosts
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_was_never_started_is_absent_and_may_be_started() {
    for sshd in hosts() {
        let world = World::new();
        let order = order("echo once");
        let (status, _) = world.follow(&sshd.target(), &order.key, Offsets::default()).await;
        assert_eq!(status, Ok(AttemptStatus::Absent));
        let (status, heard) = world.start(&sshd.target(), &order).await;
        assert_eq!((status, heard.stdout.as_slice()), (Ok(AttemptStatus::Done(Exit::Code(0))), &b"once\n"[..]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_attempt_is_followed_from_any_offset_by_another_server() {
    for sshd in hosts() {
        let world = World::new();
        let order = order("printf 12345; printf abc >&2; while ! [ -e ~/go ]; do sleep 0.05; done; echo 67; exit 9");
        let running = world.start_running(&sshd.target(), &order).await;
        until("the first bytes", || std::fs::read(kept_file(&sshd, &order.key, "err")).is_ok_and(|b| b == b"abc"))
            .await;
        sshd.kill_connections();
        assert!(matches!(running.end().await.0, Err(TransportError::Unreachable { .. })));
        let other = World::new();
        let following = other.follow_running(&sshd.target(), &order.key, Offsets { stdout: 2, stderr: 3 }).await;
        std::fs::write(sshd.home().join("go"), "").expect("the home is ours");
        let (status, heard) = following.end().await;
        assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(9))));
        assert_eq!((heard.stdout.as_slice(), heard.stderr.as_slice()), (&b"34567\n"[..], &b""[..]));
        let (status, heard) = other.follow(&sshd.target(), &order.key, Offsets { stdout: 8, stderr: 3 }).await;
        assert_eq!((status, heard.stdout.len()), (Ok(AttemptStatus::Done(Exit::Code(9))), 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_runner_is_gone_and_its_attempt_is_not_run_again() {
    for sshd in hosts() {
        let world = World::new();
        let order = order("echo ran >> ~/ledger; sleep 60");
        let running = world.start_running(&sshd.target(), &order).await;
        until("the command runs", || sshd.home().join("ledger").exists()).await;
        kill(started_pid(&sshd, &order.key), "KILL");
        let gone = Ok(AttemptStatus::Gone(GoneBecause::RunnerDied));
        assert_eq!(running.end().await.0, gone);
        assert_eq!(world.start(&sshd.target(), &order).await.0, gone);
        assert_eq!(world.follow(&sshd.target(), &order.key, Offsets::default()).await.0, gone);
        assert_eq!(std::fs::read(sshd.home().join("ledger")).expect("it ran"), b"ran\n");
        // The command itself is still there, and can be stopped.
        let stopped = world.router.stop(world.run, &sshd.target(), &order.key, Duration::from_secs(2)).await;
        assert_eq!(stopped, Ok(StopReport::Stopped(AttemptStatus::Gone(GoneBecause::RunnerDied))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_from_before_a_reboot_is_gone_for_that_reason() {
    for sshd in hosts() {
        let world = World::new();
        let order = order("sleep 60");
        let running = world.start_running(&sshd.target(), &order).await;
        let started = kept_file(&sshd, &order.key, "started");
        let text = std::fs::read_to_string(&started).expect("it was started");
        let words: Vec<&str> = text.split_whitespace().collect();
        let other_boot = text.replace(words[3], "00000000-0000-4000-8000-000000000000");
        std::fs::write(&started, other_boot).expect("it is ours");
        let (status, _) = World::new().follow(&sshd.target(), &order.key, Offsets::default()).await;
        assert_eq!(status, Ok(AttemptStatus::Gone(GoneBecause::HostRebooted)));
        std::fs::write(&started, text).expect("it is ours");
        let stopped = world.router.stop(world.run, &sshd.target(), &order.key, Duration::from_secs(2)).await;
        assert!(matches!(stopped, Ok(StopReport::Stopped(AttemptStatus::Done(_)))), "{stopped:?}");
        running.end().await.0.expect("it was stopped, not lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_missing_after_a_start_is_lost() {
    let sshd = Sshd::named("web-1").start();
    let world = World::new();
    let order = order("echo x");
    world.start(&sshd.target(), &order).await.0.expect("it runs");
    std::fs::remove_dir_all(sshd.attempts()).expect("it is ours");
    let (status, _) = world.follow(&sshd.target(), &order.key, Offsets { stdout: 2, stderr: 0 }).await;
    assert_eq!(status, Ok(AttemptStatus::Lost));
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_did_not_survive_is_lost_and_not_called_done() {
    let sshd = Sshd::named("web-1").start();
    let world = World::new();
    let order = order("echo x");
    world.start(&sshd.target(), &order).await.0.expect("it runs");
    std::fs::write(kept_file(&sshd, &order.key, "out"), "").expect("it is ours");
    let (status, _) = world.follow(&sshd.target(), &order.key, Offsets::default()).await;
    assert_eq!(status, Ok(AttemptStatus::Lost));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_racing_starters_execute_an_attempt_once() {
    for sshd in hosts() {
        let worlds: Vec<World> = (0..3).map(|_| World::new()).collect();
        for _ in 0..3 {
            let order = order("echo ran >> ~/ledger; echo output; exit 5");
            let target = sshd.target();
            let starts = (0..9).map(|index| worlds[index % worlds.len()].start(&target, &order));
            for (status, heard) in futures_util::future::join_all(starts).await {
                assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(5))));
                assert_eq!(heard.stdout, b"output\n");
            }
        }
        let ledger = std::fs::read_to_string(sshd.home().join("ledger")).expect("it ran");
        assert_eq!(ledger.lines().count(), 3, "three attempts, three executions");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn void_and_start_race_and_exactly_one_wins() {
    let sshd = Sshd::named("web-1").start();
    let (world, other) = (World::new(), World::new());
    let (mut ran, mut voided) = (0, 0);
    for round in 0..30 {
        let order = order("echo ran >> ~/ledger");
        let target = sshd.target();
        let voiding = async {
            tokio::time::sleep(Duration::from_micros(round * 200)).await;
            other.router.void(other.run, &target, &order.key).await
        };
        let ((started, _), answer) = tokio::join!(world.start(&target, &order), voiding);
        match (started, answer) {
            (Ok(AttemptStatus::Void), Ok(AttemptStatus::Void)) => voided += 1,
            (Ok(AttemptStatus::Done(_)), Ok(AttemptStatus::Done(_) | AttemptStatus::Running)) => ran += 1,
            other => panic!("both, or neither: {other:?}"),
        }
    }
    let ledger = std::fs::read_to_string(sshd.home().join("ledger")).unwrap_or_default();
    assert_eq!((ledger.lines().count(), ran + voided), (ran, 30));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voided_attempt_never_starts_and_a_released_one_never_again() {
    for sshd in hosts() {
        let world = World::new();
        let target = sshd.target();
        let (voided, done) = (order("echo ran >> ~/ledger"), order("echo ran >> ~/ledger; echo output"));
        assert_eq!(world.router.void(world.run, &target, &voided.key).await, Ok(AttemptStatus::Void));
        assert_eq!(world.start(&target, &voided).await.0, Ok(AttemptStatus::Void));
        world.start(&target, &done).await.0.expect("it runs");
        let keys = [done.key.clone(), voided.key.clone()];
        world.router.release(world.run, &target, &keys).await.expect("it is released");
        assert!(!kept_file(&sshd, &done.key, "out").exists());
        let (status, heard) = world.start(&target, &done).await;
        assert_eq!((status, heard.stdout.len()), (Ok(AttemptStatus::Done(Exit::Code(0))), 0));
        assert_eq!(world.router.void(world.run, &target, &done.key).await, Ok(AttemptStatus::Done(Exit::Code(0))));
        assert_eq!(std::fs::read(sshd.home().join("ledger")).expect("it ran"), b"ran\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_epoch_or_another_script_is_refused() {
    let sshd = Sshd::named("web-1").start();
    let world = World::new();
    let first = AttemptOrder { epoch: 7, ..order("echo first") };
    world.start(&sshd.target(), &first).await.0.expect("it runs");
    for second in
        [AttemptOrder { epoch: 6, ..first.clone() }, AttemptOrder { script: "echo second".to_owned(), ..first.clone() }]
    {
        let (status, _) = world.start(&sshd.target(), &second).await;
        assert!(matches!(status, Err(TransportError::Refused { .. })), "{status:?}");
    }
    let again = AttemptOrder { epoch: 8, ..first };
    assert_eq!(world.start(&sshd.target(), &again).await.1.stdout, b"first\n");
}

fn started_pid(sshd: &Sshd, key: &AttemptKey) -> u32 {
    let started = std::fs::read_to_string(kept_file(sshd, key, "started")).expect("it was started");
    started.split_whitespace().nth(4).and_then(|pid| pid.parse().ok()).expect("a pid")
}
