//! What durability costs: a warm tethered step beside one process of raw ssh over a ControlMaster.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use steadyhand::run::outcome::Exit;
use steadyhand::transport::{AttemptStatus, Transport};

use super::{World, order};
use crate::sshd::Sshd;

const ROUNDS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_tethered_step_costs_no_more_than_twice_a_raw_ssh_process() {
    let sshd = Sshd::named("web-1").start();
    let raw = raw_ssh_times(&sshd);
    let world = World::new();
    world.router.prove(world.run, &sshd.target(), &[]).await.expect("the host is there");
    let mut tethered = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let (status, _) = world.start(&sshd.target(), &order("true")).await;
        tethered.push(begun.elapsed());
        assert_eq!(status, Ok(AttemptStatus::Done(Exit::Code(0))));
    }
    let (raw, tethered) = (median(raw), median(tethered));
    println!("raw ssh process {raw:?}, tethered step {tethered:?}");
    // Twice, because the machine that tests is often busy; the benchmark says the real figure.
    assert!(tethered < raw * 2, "raw ssh process {raw:?}, tethered step {tethered:?}");
}

fn raw_ssh_times(sshd: &Sshd) -> Vec<Duration> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let ssh = |options: &[&str]| {
        let mut command = Command::new("ssh");
        command.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"]);
        command.args(["-o", "UserKnownHostsFile=/dev/null", "-p", &sshd.address().port().to_string()]);
        command.arg("-i").arg(sshd.identity()).arg("-S").arg(directory.path().join("m")).args(options);
        command.arg(format!("{}@{}", sshd.user(), sshd.address().ip())).stdin(Stdio::null());
        command
    };
    assert!(ssh(&["-M", "-f", "-N", "-o", "ControlPersist=60"]).status().expect("ssh starts").success());
    let times = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        assert!(ssh(&[]).arg("true").status().expect("ssh starts").success());
        begun.elapsed()
    });
    let times = times.collect();
    let _ = ssh(&["-O", "exit"]).stderr(Stdio::null()).status();
    times
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
