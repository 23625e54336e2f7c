//! What the tether does without on poor hosts, and what it leaves behind.

use std::fs;
use std::process::Command;
use std::time::Duration;

use steadyhand::run::outcome::{Exit, GoneBecause, Offsets};
use steadyhand::transport::{AttemptStatus, StopReport, Transport};

use super::{World, kept_file, order, until};
use crate::sshd::{Shell, Sshd, kill};

/// Hosts on which something is missing. `TH_PROC` is where the tether looks for `/proc`.
fn poor_hosts() -> Vec<Sshd> {
    let without_proc = || Sshd::named("poor-1").env("TH_PROC", "/nowhere");
    let mut hosts = vec![
        Sshd::named("poor-1").without(&["sync"]).start(),
        without_proc().without(&["flock"]).start(),
        without_proc().without(&["flock", "setsid", "sync"]).start(),
    ];
    hosts.extend(Shell::ALL.iter().map(|shell| without_proc().shell(*shell).start()));
    hosts
}

#[tokio::test(flavor = "multi_thread")]
async fn without_proc_flock_setsid_or_sync_an_attempt_still_runs_once_and_its_end_is_told() {
    for sshd in poor_hosts() {
        let (world, other) = (World::new(), World::new());
        let target = sshd.target();
        let order = order("echo ran >> ~/ledger; echo output; sleep 0.3; exit 5");
        let starts = (0..6).map(|index| [&world, &other][index % 2].start(&target, &order));
        for (status, heard) in futures_util::future::join_all(starts).await {
            assert_eq!((status, heard.stdout.as_slice()), (Ok(AttemptStatus::Done(Exit::Code(5))), &b"output\n"[..]));
        }
        assert_eq!(fs::read(sshd.home().join("ledger")).expect("it ran"), b"ran\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_proc_a_dead_runner_is_noticed_and_a_command_can_be_stopped() {
    for sshd in poor_hosts() {
        let world = World::new();
        let (stopped, killed) = (order("sleep 300"), order("sleep 301"));
        let running = world.start_running(&sshd.target(), &stopped).await;
        let report = world.router.stop(world.run, &sshd.target(), &stopped.key, Duration::from_secs(5)).await;
        assert_eq!(report, Ok(StopReport::Stopped(AttemptStatus::Done(Exit::Signal(15)))));
        assert_eq!(running.end().await.0, Ok(AttemptStatus::Done(Exit::Signal(15))));
        let running = world.start_running(&sshd.target(), &killed).await;
        let group = kept_file(&sshd, &killed.key, "group");
        until("the command runs", || fs::read_to_string(&group).is_ok_and(|text| text.ends_with('\n'))).await;
        let started = fs::read_to_string(kept_file(&sshd, &killed.key, "started")).expect("it was started");
        let runner = started.split_whitespace().nth(4).and_then(|pid| pid.parse().ok()).expect("a pid");
        kill(runner, "KILL");
        let gone = Ok(AttemptStatus::Gone(GoneBecause::RunnerDied));
        assert_eq!(running.end().await.0, gone);
        assert_eq!(World::new().follow(&sshd.target(), &killed.key, Offsets::default()).await.0, gone);
        let report = world.router.stop(world.run, &sshd.target(), &killed.key, Duration::from_secs(5)).await;
        assert!(matches!(report, Ok(StopReport::Stopped(_))), "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_ends_when_its_connection_dies_and_no_shell_stays_behind() {
    let sshd = Sshd::named("web-1").start();
    let world = World::new();
    let order = order("while ! [ -e ~/go ]; do sleep 0.05; done");
    let running = world.start_running(&sshd.target(), &order).await;
    let out = format!("{}.out", order.key.attempt);
    let is_follower = |process: fs::DirEntry| {
        let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments).into_owned();
        arguments.starts_with("tail") && arguments.contains(&out)
    };
    let followers =
        || fs::read_dir("/proc").expect("this test needs /proc").flatten().map(is_follower).filter(|is| *is).count();
    until("it is followed", || followers() == 1).await;
    sshd.kill_connections();
    until("the follower is gone", || followers() == 0).await;
    assert!(running.end().await.0.is_err());
    fs::write(sshd.home().join("go"), "").expect("the home is ours");
    let (status, _) = World::new().follow(&sshd.target(), &order.key, Offsets::default()).await;
    assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(0))));
}

#[tokio::test(flavor = "multi_thread")]
async fn old_output_is_swept_and_older_tombstones_too() {
    for shell in Shell::ALL {
        let sshd = Sshd::named("web-1").shell(shell).start();
        let world = World::new();
        let (kept, old, ancient) = (order("echo kept"), order("echo old"), order("echo ancient"));
        for order in [&kept, &old, &ancient] {
            world.start(&sshd.target(), order).await.0.expect("it runs");
        }
        world.router.release(world.run, &sshd.target(), std::slice::from_ref(&ancient.key)).await.expect("released");
        world.router.close(world.run).await;
        let age = |file, days: u32| {
            let touched = Command::new("touch").args(["-d", &format!("{days} days ago")]).arg(file).status();
            assert!(touched.expect("touch starts").success());
        };
        age(kept_file(&sshd, &old.key, "out"), 9);
        age(kept_file(&sshd, &old.key, "started"), 9);
        age(kept_file(&sshd, &ancient.key, "started"), 32);
        World::new().router.prove(world.run, &sshd.target(), &[]).await.expect("the host is there");
        until("old output is swept", || !kept_file(&sshd, &old.key, "out").exists()).await;
        until("the ancient tombstone is swept", || !kept_file(&sshd, &ancient.key, "started").exists()).await;
        assert!(kept_file(&sshd, &old.key, "started").exists() && kept_file(&sshd, &kept.key, "out").exists());
        let (status, _) = World::new().start(&sshd.target(), &old).await;
        assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(0))), "it is not run again");
    }
}

#[test]
fn the_tether_is_clean_for_shellcheck() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/transport/tether.sh");
    let Ok(output) = Command::new("shellcheck").args(["-s", "sh", script]).output() else {
        // Where ShellCheck is not installed, the shells themselves are asked.
        assert!(Command::new("sh").args(["-n", script]).status().expect("sh starts").success());
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
