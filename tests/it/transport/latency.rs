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
    let master = RawMaster::start(&sshd);
    let world = World::new();
    world.router.prove(world.run, &sshd.target(), &[]).await.expect("the host is there");
    let (mut raw, mut tethered) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        raw.push(master.time_of_true());
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

/// `ssh -M`, as people use it.
struct RawMaster<'a> {
    sshd: &'a Sshd,
    directory: tempfile::TempDir,
}

impl<'a> RawMaster<'a> {
    fn start(sshd: &'a Sshd) -> Self {
        let master = Self { sshd, directory: tempfile::tempdir().expect("a temporary directory") };
        let mut command = master.ssh(&["-M", "-f", "-N", "-o", "ControlPersist=60"]);
        assert!(command.status().expect("ssh starts").success());
        master
    }

    fn ssh(&self, options: &[&str]) -> Command {
        let mut command = Command::new("ssh");
        command.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"]);
        command.args(["-o", "UserKnownHostsFile=/dev/null", "-p", &self.sshd.address().port().to_string()]);
        command.arg("-i").arg(self.sshd.identity()).arg("-S").arg(self.directory.path().join("m")).args(options);
        command.arg(format!("{}@{}", self.sshd.user(), self.sshd.address().ip())).stdin(Stdio::null());
        command
    }

    fn time_of_true(&self) -> Duration {
        let begun = Instant::now();
        assert!(self.ssh(&[]).arg("true").status().expect("ssh starts").success());
        begun.elapsed()
    }
}

impl Drop for RawMaster<'_> {
    fn drop(&mut self) {
        let _ = self.ssh(&["-O", "exit"]).stderr(Stdio::null()).status();
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
