//! Stop that really stops: the whole tree, and told honestly.

use std::time::{Duration, Instant};

use steadyhand::run::outcome::{Exit, Offsets};
use steadyhand::transport::{AttemptStatus, StopReport, Transport};

use super::{World, local_target, order, until};
use crate::sshd::{Shell, Sshd};

/// Hosts with their own sessions for commands, and one where there is no `setsid`.
fn hosts() -> Vec<Sshd> {
    let mut hosts: Vec<Sshd> = Shell::ALL.iter().map(|shell| Sshd::named("web-1").shell(*shell).start()).collect();
    hosts.push(Sshd::named("web-1").without(&["setsid", "flock"]).start());
    hosts
}

fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_ignores_term_is_killed_to_its_last_process() {
    for sshd in hosts() {
        let world = World::new();
        let order = order(
            "trap '' TERM; (trap '' TERM; sleep 300 & echo $! >> ~/pids; sh -c 'echo $$ >> ~/pids; sleep 301; :' & wait) & \
             echo $$ >> ~/pids; sleep 302; sleep 303; sleep 304",
        );
        let running = world.start_running(&sshd.target(), &order).await;
        let pids = || std::fs::read_to_string(sshd.home().join("pids")).unwrap_or_default();
        until("three processes run", || pids().lines().count() == 3).await;
        let stopped = world.router.stop(world.run, &sshd.target(), &order.key, Duration::from_millis(300)).await;
        assert_eq!(stopped, Ok(StopReport::Stopped(AttemptStatus::Done(Exit::Signal(9)))));
        assert!(!pids().lines().any(is_alive), "a process is left");
        assert_eq!(running.end().await.0, Ok(AttemptStatus::Done(Exit::Signal(9))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_heeds_term_may_clean_up_and_is_not_waited_for_longer() {
    for sshd in hosts() {
        let world = World::new();
        let order = order("trap 'echo cleaned up; exit 5' TERM; echo ready; while :; do sleep 0.05; done");
        let running = world.start_running(&sshd.target(), &order).await;
        until("the trap is set", || {
            std::fs::read(super::kept_file(&sshd, &order.key, "out")).is_ok_and(|bytes| bytes == b"ready\n")
        })
        .await;
        let begun = Instant::now();
        let stopped = world.router.stop(world.run, &sshd.target(), &order.key, Duration::from_secs(60)).await;
        assert_eq!(stopped, Ok(StopReport::Stopped(AttemptStatus::Done(Exit::Code(5)))));
        assert!(begun.elapsed() < Duration::from_secs(30));
        assert_eq!(running.end().await.1.stdout, b"ready\ncleaned up\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_finished_command_has_left_behind_is_stopped_too() {
    let sshd = Sshd::named("web-1").start();
    let world = World::new();
    let order = order("sleep 300 >/dev/null 2>&1 & echo $!");
    let (status, heard) = world.start(&sshd.target(), &order).await;
    assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(0))));
    let pid = String::from_utf8(heard.stdout).expect("a number");
    assert!(is_alive(pid.trim()));
    let stopped = world.router.stop(world.run, &sshd.target(), &order.key, Duration::from_secs(1)).await;
    assert_eq!(stopped, Ok(StopReport::Stopped(AttemptStatus::Done(Exit::Code(0)))));
    assert!(!is_alive(pid.trim()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_signalled_when_there_is_nothing_to_stop() {
    let sshd = Sshd::named("web-1").start();
    let world = World::new();
    let order = order("true");
    let stop = || world.router.stop(world.run, &TARGET, &order.key, Duration::from_secs(1));
    static TARGET: std::sync::LazyLock<steadyhand::inventory::target::Target> =
        std::sync::LazyLock::new(|| local_target("here"));
    assert_eq!(stop().await, Ok(StopReport::Stopped(AttemptStatus::Absent)));
    world.start(&sshd.target(), &order).await.0.expect("it runs");
    // The number of its session now belongs to a stranger, as far as the file says.
    let mut stranger = std::process::Command::new("sleep").arg("60").spawn().expect("sleep starts");
    let group = super::kept_file(&sshd, &order.key, "group");
    std::fs::write(group, format!("{} 1 session\n", stranger.id())).expect("it is ours");
    let stopped = world.router.stop(world.run, &sshd.target(), &order.key, Duration::from_secs(1)).await;
    assert_eq!(stopped, Ok(StopReport::Stopped(AttemptStatus::Done(Exit::Code(0)))));
    assert!(stranger.try_wait().expect("it is our child").is_none(), "a stranger was killed");
    stranger.kill().expect("it is our child");
    stranger.wait().expect("it is our child");
    assert_eq!(
        world.follow(&sshd.target(), &order.key, Offsets::default()).await.0,
        Ok(AttemptStatus::Done(Exit::Code(0)))
    );
}
