//! Hosts that are not the ones meant, and hosts that cannot take a command: refused or told, never run.

use std::process::Command;

use steadyhand::run::view::{HostStanding, Need, RunStateName};

use super::world::{Start, World, brief, cell};
use crate::sshd::{Sshd, write_program};

const STEP: &str = "  - {id: one, name: Do it, run: echo one >>ledger}\n";

fn fingerprint(host: &Sshd) -> String {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), host.host_key()).expect("it is written");
    let output = Command::new("ssh-keygen").arg("-lf").arg(file.path()).output().expect("ssh-keygen starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(1).expect("a fingerprint").to_owned()
}

fn assert_untouched(world: &World) {
    for host in &world.hosts {
        assert!(!host.attempts().exists(), "something was begun on {}", host.target().name);
        assert!(!host.home().join("ledger").exists(), "something ran on {}", host.target().name);
    }
}

#[test]
fn an_unknown_host_key_is_refused_with_its_fingerprint_and_what_accepts_it() {
    let world = World::with_hosts(&["web-1"]);
    let known_hosts = world.repo().join("known_hosts");
    std::fs::write(&known_hosts, "").expect("it is written");
    let key = world.hosts[0].host_key();
    world.write_inventory(|text| text.replace(&format!("host_key: {key}"), "known_hosts: known_hosts"));
    let name = world.runbook("unknown", STEP);
    let view = world.end(world.start(Start::of(&world, &name)));
    assert_eq!(view.state, RunStateName::Failed);
    let why = view.ended_because.clone().unwrap_or_default();
    assert!(why.contains(&fingerprint(&world.hosts[0])) && why.contains("ssh-keygen -lf"), "{why}");
    assert_untouched(&world);
    // Doing as it says is enough.
    let line = why.split_once("add the line `").and_then(|(_, rest)| rest.split_once('`')).expect("a line to add").0;
    std::fs::write(&known_hosts, format!("{line}\n")).expect("it is written");
    world.succeeds(world.start(Start::of(&world, &name)));
}

#[test]
fn a_changed_host_key_stops_everything_and_names_both() {
    let mut world = World::with_hosts(&["web-1", "web-2"]);
    let known = fingerprint(&world.hosts[1]);
    world.hosts[1].stop();
    world.hosts[1].change_host_key();
    world.hosts[1].start_again();
    let view = world.end(world.start(Start::of(&world, &world.runbook("changed", STEP))));
    assert_eq!(view.state, RunStateName::Failed);
    assert_eq!(view.hosts[1].standing, HostStanding::Refused);
    let why = view.ended_because.unwrap_or_default();
    for part in [&known, &fingerprint(&world.hosts[1]), "web-2", &format!("host_key: {}", world.hosts[1].host_key())] {
        assert!(why.contains(part), "{part} is not in {why:?}");
    }
    assert_untouched(&world);
}

#[test]
fn a_host_with_another_name_is_refused_before_anything_runs_anywhere() {
    let world = World::with_hosts(&["web-1", "web-2"]);
    world.write_inventory(|text| text.replace("expect: {hostname: web-2}", "expect: {hostname: db-7}"));
    let view = world.end(world.start(Start::of(&world, &world.runbook("wrong", STEP))));
    assert_eq!(view.state, RunStateName::Failed);
    let why = view.ended_because.clone().unwrap_or_default();
    assert!(why.contains("web-2") && why.contains("db-7"), "{why}");
    assert!(view.steps[0].cells.iter().all(|cell| cell.attempts.is_empty()), "{}", brief(&view));
    assert_untouched(&world);
}

/// What the step says of a host that cannot begin it.
fn told_of_first_step(world: &World) -> String {
    let run = world.start(Start::of(world, &world.runbook("cannot", STEP)));
    let (view, need) = world.waits(run);
    assert!(matches!(need, Need::Decide { .. }), "{need:?}");
    let cell = cell(&view, "one", "web-1");
    let outcome = cell.attempts[0].outcome.clone();
    assert!(outcome.starts_with("did not run: "), "{outcome}");
    assert!(cell.detail.as_deref().is_some_and(|detail| detail.contains("did not run")), "{cell:?}");
    assert!(!world.hosts[0].home().join("ledger").exists());
    outcome
}

#[test]
fn a_host_whose_directory_cannot_be_made_did_not_run_the_step() {
    let world = World::with_hosts(&["web-1"]);
    // Stops root too, whom no permission stops.
    std::fs::write(world.hosts[0].home().join(".local"), "").expect("the host is ours");
    let outcome = told_of_first_step(&world);
    assert!(outcome.contains(".local"), "{outcome}");
}

#[test]
fn a_host_whose_disk_is_full_did_not_run_the_step_and_can_be_tried_again() {
    let world = World::with_hosts(&["web-1"]);
    // A file cannot grow there: what a full disk does to a file, and what one can do without being root.
    let shell = world.hosts[0].bin().join("sh");
    let real = std::fs::read_link(&shell).expect("it is a link");
    let limited = format!("#!{0}\ntrap '' XFSZ\nulimit -f 0\nexec {0} \"$@\"\n", real.display());
    write_program(&shell, &limited);
    let outcome = told_of_first_step(&world);
    assert!(outcome.contains("is the disk full?"), "{outcome}");
    std::fs::remove_file(&shell).expect("the host is ours");
    std::os::unix::fs::symlink(real, &shell).expect("the host is ours");
    let run = world.start(Start::of(&world, "cannot"));
    world.succeeds(run);
    assert_eq!(world.file_on("web-1", "ledger"), "one\n");
}
