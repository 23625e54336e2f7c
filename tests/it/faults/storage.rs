//! The server's disk is full: the run says so, waits, and goes on by itself when there is room again.
//!
//! Where one may mount, a small tmpfs is filled. Where not, the test starts itself once more as a process
//! whose files may not grow, which an ordinary user can take back and give again.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use steadyhand::run::view::{CellStateName, Need, RunStateName};

use super::world::{Start, World, cell};
use crate::sshd::Sshd;

/// Tells the child that its files may be kept from growing.
const LIMITED: &str = "STEADYHAND_TEST_LIMITED";

const STEPS: &str = "
  - id: one
    name: Print much
    run: |
      echo one >>ledger; echo small
      while [ ! -e full ]; do sleep 0.02; done
      head -c 2000000 /dev/zero | openssl enc -aes-128-ctr -K 00112233445566778899aabbccddeeff -iv 00112233445566778899aabbccddeeff | tee made
  - {id: two, name: Go on, run: echo two >>ledger; echo done}
";

/// How a disk is filled and emptied.
trait Disk {
    fn folder(&self) -> PathBuf;
    fn fill(&mut self);
    fn free(&mut self);
}

struct Tmpfs {
    folder: tempfile::TempDir,
}

impl Tmpfs {
    /// None where one may not mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(folder.path());
        mount.output().is_ok_and(|output| output.status.success()).then(|| Self { folder })
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

impl Disk for Tmpfs {
    fn folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn fill(&mut self) {
        let filler = self.folder.path().join("filler");
        let mut file = fs::File::create(filler).expect("there is room");
        let block = [1_u8; 4096];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
    }

    fn free(&mut self) {
        fs::remove_file(self.folder.path().join("filler")).expect("it is ours");
    }
}

struct Limit {
    folder: tempfile::TempDir,
}

impl Limit {
    fn set(bytes: Option<u64>) {
        let maximum = getrlimit(Resource::Fsize).maximum;
        setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).expect("lowering is always allowed");
    }
}

impl Disk for Limit {
    fn folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn fill(&mut self) {
        Self::set(Some(0));
    }

    fn free(&mut self) {
        Self::set(None);
    }
}

fn a_full_disk_pauses_and_an_emptied_one_goes_on(disk: &mut dyn Disk) {
    let world = World::in_data(vec![Sshd::named("web-1")], Some(disk.folder()));
    let name = world.runbook("storing", STEPS);
    let run = world.start(Start::of(&world, &name));
    world.until(run, "it runs", |view| {
        cell(view, "one", "web-1").state == CellStateName::Running && !world.stdout(run, "one", "web-1").is_empty()
    });
    disk.fill();
    let full = Command::new("touch").arg(world.hosts[0].home().join("full")).status();
    let told = world.until(run, "it says so", |view| matches!(view.waiting, Some(Need::Storage { .. })));
    assert!(full.is_ok_and(|status| status.success()));
    assert_eq!(told.state, RunStateName::Paused);
    let Some(Need::Storage { reason }) = told.waiting else { panic!("{:?}", told.waiting) };
    assert!(["full", "space", "File too large"].iter().any(|word| reason.contains(word)), "{reason}");
    let refused = world.try_start(Start::of(&world, &name)).expect_err("no run can be stored").to_string();
    assert!(refused.contains("the server could not"), "{refused}");
    disk.free();
    let view = world.succeeds(run);
    assert_eq!(cell(&view, "one", "web-1").attempts.len(), 1);
    assert_eq!(world.file_on("web-1", "ledger"), "one\ntwo\n", "nothing ran twice");
    let made = fs::read(world.hosts[0].home().join("made")).expect("it was made");
    let stored = world.stored(run, "one", "web-1", steadyhand::run::outcome::Stream::Stdout);
    assert!(made.len() == 2_000_000 && stored == [b"small\n", &made[..]].concat(), "{} bytes stored", stored.len());
    assert_eq!(world.run_count(), 1, "what could not be stored did not start");
    world.assert_chain(run);
}

/// This one test again, in a process that only sees SIGXFSZ as an error of writing.
fn in_a_process_of_its_own(test: &str) {
    let program = std::env::current_exe().expect("this program is a file");
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(program)
        .args(["--exact", test, "--nocapture"])
        .env(LIMITED, "1")
        .output()
        .expect("sh starts");
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", told(&output.stdout), told(&output.stderr));
    assert!(told(&output.stdout).contains("1 passed"), "it ran nothing: {}", told(&output.stdout));
}

#[test]
fn a_full_server_disk_pauses_the_run_which_goes_on_by_itself_when_there_is_room() {
    match Tmpfs::mount() {
        Some(mut disk) => a_full_disk_pauses_and_an_emptied_one_goes_on(&mut disk),
        None => files_that_may_not_grow("a_full_server_disk_pauses_the_run_which_goes_on_by_itself_when_there_is_room"),
    }
}

#[test]
fn a_server_whose_files_may_not_grow_pauses_the_run_and_loses_nothing() {
    files_that_may_not_grow("a_server_whose_files_may_not_grow_pauses_the_run_and_loses_nothing");
}

fn files_that_may_not_grow(test: &str) {
    if std::env::var_os(LIMITED).is_none() {
        return in_a_process_of_its_own(&format!("faults::storage::{test}"));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    a_full_disk_pauses_and_an_emptied_one_goes_on(&mut Limit { folder });
}
