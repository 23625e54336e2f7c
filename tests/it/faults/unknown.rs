//! When nobody can know what became of a command, the run says so and waits for a person, for ever if need be.

use std::process::Command;

use steadyhand::run::event::Resolution;
use steadyhand::run::view::{CellStateName, Need, RunStateName};

use super::world::{Start, World, cell, resolve};

const STEPS: &str = "
  - {id: one, name: Do it, run: 'echo begun >>ledger; sleep 300'}
  - {id: two, name: Go on, run: echo two >>ledger}
";

/// The runner and its command die as in a power cut of one process tree; nothing is recorded.
fn kill_what_runs(world: &World) {
    // The runner first: it would record how its command was killed.
    for (kind, number) in [(".started", 4), (".group", 0)] {
        for entry in std::fs::read_dir(world.hosts[0].attempts()).expect("it was begun").flatten() {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            if entry.file_name().to_string_lossy().ends_with(kind) {
                let pid = text.split_whitespace().nth(number).expect("the tether writes it").to_owned();
                let group = if kind == ".group" { format!("-{pid}") } else { pid };
                Command::new("kill").args(["-s", "KILL", "--", &group]).output().expect("kill starts");
            }
        }
    }
}

fn unknown(world: &World) -> steadyhand::id::RunId {
    let run = world.start(Start::of(world, &world.runbook("unknown", STEPS)));
    world.until(run, "it runs", |view| {
        cell(view, "one", "web-1").state == CellStateName::Running && world.file_on("web-1", "ledger") == "begun\n"
    });
    kill_what_runs(world);
    let (view, need) = world.waits(run);
    assert!(matches!(need, Need::ResolveUnknown { .. }), "{need:?}");
    assert_eq!(cell(&view, "one", "web-1").state, CellStateName::Unknown);
    run
}

#[test]
fn a_command_whose_runner_was_killed_is_unknown_until_a_person_says_it_completed() {
    let mut world = World::with_hosts(&["web-1"]);
    let run = unknown(&world);
    // No restart resolves it.
    world.restart();
    let (_, need) = world.waits(run);
    assert!(matches!(need, Need::ResolveUnknown { .. }), "{need:?}");
    world.act(run, resolve("one", "web-1", Resolution::Completed));
    world.succeeds(run);
    assert_eq!(world.file_on("web-1", "ledger"), "begun\ntwo\n");
}

#[test]
fn a_person_who_says_that_it_did_not_run_gets_a_new_attempt() {
    let world = World::with_hosts(&["web-1"]);
    let run = unknown(&world);
    world.act(run, resolve("one", "web-1", Resolution::DidNotRun));
    world.until(run, "it runs again", |_| world.file_on("web-1", "ledger") == "begun\nbegun\n");
    kill_what_runs(&world);
    world.until(run, "it is unknown again", |view| cell(view, "one", "web-1").state == CellStateName::Unknown);
    world.act(run, resolve("one", "web-1", Resolution::Stop));
    assert_eq!(world.end(run).state, RunStateName::Failed);
    assert_eq!(world.file_on("web-1", "ledger"), "begun\nbegun\n");
}

#[test]
fn a_host_that_has_forgotten_the_command_is_unknown() {
    let mut world = World::with_hosts(&["web-1"]);
    let run = world.start(Start::of(&world, &world.runbook("unknown", STEPS)));
    world.until(run, "it runs", |view| cell(view, "one", "web-1").state == CellStateName::Running);
    world.die();
    kill_what_runs(&world);
    std::fs::remove_dir_all(world.hosts[0].attempts()).expect("the host is ours");
    world.restart();
    let (_, need) = world.waits(run);
    let Need::ResolveUnknown { because, .. } = need else { panic!("{need:?}") };
    assert!(because.contains("record on the host is gone"), "{because}");
}
