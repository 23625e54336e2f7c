//! What people do while a run goes on: pause, retry, skip, take back, go on later; and locks between runs.

use steadyhand::run::action::Action;
use steadyhand::run::event::PauseReason;
use steadyhand::run::plan::Pace;
use steadyhand::run::view::{CellStateName, Need, RunStateName, StepStateName};

use super::world::{ANNA, Start, World, cell, retry, skip};

/// A step that writes its line, and goes on once the file `go` is there.
const SLOW: &str = "
  - id: slow
    name: Wait for a sign
    run: echo slow >>ledger; while [ ! -e go ]; do sleep 0.02; done
";
const NEXT: &str = "  - {id: next, name: Go on, run: echo next >>ledger}\n";

#[test]
fn a_paused_run_lets_its_command_end_and_begins_nothing_until_it_is_resumed() {
    let world = World::with_hosts(&["web-1"]);
    let run = world.start(Start::of(&world, &world.runbook("pausing", &format!("{SLOW}{NEXT}"))));
    world.until(run, "it runs", |view| cell(view, "slow", "web-1").state == CellStateName::Running);
    world.act(run, Action::Pause);
    std::fs::write(world.host("web-1").home().join("go"), "").expect("the host is ours");
    let view = world.until(run, "the step ends", |view| cell(view, "slow", "web-1").state == CellStateName::Succeeded);
    assert_eq!(view.state, RunStateName::Paused);
    assert_eq!(view.waiting, Some(Need::Resume { why: PauseReason::Person }));
    assert!(cell(&view, "next", "web-1").attempts.is_empty());
    world.act(run, Action::Resume);
    world.succeeds(run);
    assert_eq!(world.file_on("web-1", "ledger"), "slow\nnext\n");
}

#[test]
fn a_retry_touches_the_failed_host_alone() {
    let world = World::with_hosts(&["web-1", "web-2", "web-3"]);
    std::fs::write(world.host("web-2").home().join("broken"), "").expect("the host is ours");
    let steps = "  - {id: one, name: Do it, run: 'echo one >>ledger; test ! -e broken'}\n";
    let run = world.start(Start::of(&world, &world.runbook("retrying", steps)));
    let (view, need) = world.waits(run);
    assert_eq!(
        need,
        Need::Decide { step: "one".parse().expect("a step"), failed: vec!["web-2".parse().expect("a host")] }
    );
    assert_eq!(cell(&view, "one", "web-1").state, CellStateName::Succeeded);
    std::fs::remove_file(world.host("web-2").home().join("broken")).expect("the host is ours");
    world.act(run, retry("one"));
    world.succeeds(run);
    for (host, ledger) in [("web-1", "one\n"), ("web-2", "one\none\n"), ("web-3", "one\n")] {
        assert_eq!(world.file_on(host, "ledger"), ledger, "{host}");
    }
}

#[test]
fn a_failed_step_is_skipped_only_with_a_reason_which_is_kept() {
    let world = World::with_hosts(&["web-1"]);
    let steps = format!("  - {{id: one, name: Do it, run: 'exit 3'}}\n{NEXT}");
    let run = world.start(Start::of(&world, &world.runbook("skipping", &steps)));
    world.waits(run);
    let refused = world.try_act(run, ANNA, skip("one", "  "), &[]).expect_err("a reason is needed");
    assert!(refused.to_string().contains("why"), "{refused}");
    world.act(run, skip("one", "the disk was replaced"));
    let view = world.succeeds(run);
    let detail = cell(&view, "one", "web-1").detail.clone().unwrap_or_default();
    assert!(detail.contains(ANNA) && detail.contains("the disk was replaced"), "{detail}");
    assert_eq!(world.file_on("web-1", "ledger"), "next\n");
}

#[test]
fn a_change_that_shows_late_is_waited_for() {
    let world = World::with_hosts(&["web-1"]);
    let steps = "
  - id: one
    name: Do it
    run: (sleep 0.4; echo ready >ready) >/dev/null 2>&1 & echo begun >>ledger
    verify: {check: test -e ready, every: 100ms, for: 20s}
";
    let run = world.start(Start::of(&world, &world.runbook("verifying", steps)));
    let view = world.succeeds(run);
    assert_eq!(world.file_on("web-1", "ledger"), "begun\n");
    let verifies = cell(&view, "one", "web-1").attempts.len() - 1;
    assert!(verifies >= 2, "it was looked at {verifies} times");
}

#[test]
fn a_change_that_never_shows_fails_with_what_was_expected() {
    let world = World::with_hosts(&["web-1"]);
    let steps = "
  - id: one
    name: Do it
    run: echo begun >>ledger
    verify: {check: echo 1, expect: stdout == '0', every: 100ms, for: 1s}
    else: Call the storage team.
";
    let run = world.start(Start::of(&world, &world.runbook("never", steps)));
    let (view, need) = world.waits(run);
    assert!(matches!(need, Need::Decide { .. }), "{need:?}");
    let cell = cell(&view, "one", "web-1");
    let detail = cell.detail.clone().unwrap_or_default();
    assert!(detail.contains("could not be verified") && detail.contains("stdout == '0'"), "{detail}");
    assert_eq!(cell.advice.as_deref(), Some("Call the storage team."));
    assert_eq!(world.file_on("web-1", "ledger"), "begun\n", "the change was made once");
}

const UNDOABLE: &str = "
  - {id: one, name: Do one, run: echo one >>ledger, undo: {run: echo undo one >>ledger}}
  - {id: two, name: Do two, run: echo two >>ledger, undo: {run: echo undo two >>ledger}}
";

#[test]
fn what_was_done_is_taken_back_newest_first() {
    let world = World::with_hosts(&["web-1"]);
    let steps = format!("{UNDOABLE}  - {{id: three, name: Do three, run: 'exit 1'}}\n");
    let run = world.start(Start::of(&world, &world.runbook("undoing", &steps)));
    world.waits(run);
    world.act(run, Action::Undo { reason: "the third does not work".to_owned() });
    let view = world.end(run);
    assert_eq!(view.state, RunStateName::Aborted);
    assert_eq!(world.file_on("web-1", "ledger"), "one\ntwo\nundo two\nundo one\n");
}

#[test]
fn a_step_may_say_that_its_failure_takes_everything_back() {
    let world = World::with_hosts(&["web-1"]);
    let steps = format!("{UNDOABLE}  - {{id: three, name: Do three, run: 'exit 1', on_failure: undo}}\n");
    let run = world.start(Start::of(&world, &world.runbook("undoing", &steps)));
    assert_eq!(world.end(run).state, RunStateName::Failed);
    assert_eq!(world.file_on("web-1", "ledger"), "one\ntwo\nundo two\nundo one\n");
}

#[test]
fn a_lock_that_another_run_holds_is_refused_by_its_holders_name_also_after_a_restart() {
    let mut world = World::with_hosts(&["web-1", "web-2"]);
    let top = "hosts: {select: test=yes}\nguards: [{lock: disk}]\n";
    let holder = world.runbook_with("holder", top, SLOW);
    let other = world.runbook_with("other", top, NEXT);
    let run = world.start(Start::of(&world, &holder));
    world.until(run, "it runs", |view| cell(view, "slow", "web-1").state == CellStateName::Running);
    for _ in 0..2 {
        let refused = world.try_start(Start::of(&world, &other)).expect_err("the lock is held").to_string();
        for part in ["\"disk\"", "web-1", &run.to_string(), "holder", ANNA, "step slow"] {
            assert!(refused.contains(part), "{part} is not in {refused:?}");
        }
        world.restart();
    }
    for host in &world.hosts {
        std::fs::write(host.home().join("go"), "").expect("the host is ours");
    }
    world.succeeds(run);
    let other = world.start(Start::of(&world, &other));
    world.succeeds(other);
}

#[test]
fn an_ended_run_is_gone_on_with_from_a_step_with_what_it_had_read() {
    let world = World::with_hosts(&["web-1"]);
    let steps = "
  - {id: read, name: Read it, check: 'echo value; echo read >>ledger', capture: {word: {}}}
  - {id: use, name: Use it, run: 'echo \"used $word\" >>ledger; test -e ready', on_failure: stop}
";
    let name = world.runbook("continuing", steps);
    let first = world.start(Start::of(&world, &name));
    assert_eq!(world.end(first).state, RunStateName::Failed);
    std::fs::write(world.host("web-1").home().join("ready"), "").expect("the host is ours");
    let second = world.start(Start::of(&world, &name).continues(first, "use"));
    let view = world.succeeds(second);
    assert_eq!(view.steps[0].state, StepStateName::Skipped);
    let detail = cell(&view, "read", "web-1").detail.clone().unwrap_or_default();
    assert!(detail.contains(&first.to_string()), "{detail}");
    assert_eq!(world.file_on("web-1", "ledger"), "read\nused value\nused value\n");
}

#[test]
fn nobody_goes_on_past_a_step_that_was_not_done() {
    let world = World::with_hosts(&["web-1"]);
    let steps = "
  - {id: first, name: Fail, run: 'echo first >>ledger; exit 3', on_failure: stop}
  - {id: second, name: Go on, run: 'echo second >>ledger'}
";
    let name = world.runbook("undone", steps);
    let first = world.start(Start::of(&world, &name));
    assert_eq!(world.end(first).state, RunStateName::Failed);
    let refused = world.try_start(Start::of(&world, &name).continues(first, "second")).expect_err("it was not done");
    assert!(refused.to_string().contains("step first of run"), "{refused}");
    assert_eq!(world.file_on("web-1", "ledger"), "first\n");
}

#[test]
fn at_pace_step_nothing_changes_before_it_is_confirmed() {
    let world = World::with_hosts(&["web-1"]);
    let steps = format!("  - {{id: look, name: Look, check: echo look >>ledger}}\n{NEXT}");
    let run = world.start(Start::of(&world, &world.runbook("stepping", &steps)).pace(Pace::Step));
    let (view, need) = world.waits(run);
    assert!(matches!(need, Need::Confirm { .. }), "{need:?}");
    assert!(cell(&view, "next", "web-1").attempts.is_empty());
    assert_eq!(world.file_on("web-1", "ledger"), "look\n");
    world.act(run, Action::Confirm { step: "next".parse().expect("a step"), typed: None });
    world.succeeds(run);
    assert_eq!(world.file_on("web-1", "ledger"), "look\nnext\n");
}

#[test]
fn the_same_idempotency_key_starts_one_run() {
    let mut world = World::with_hosts(&["web-1"]);
    let name = world.runbook("once", NEXT);
    let keyed = |world: &World| Start { key: Some("post-1".to_owned()), ..Start::of(world, &name) };
    let first = world.start(keyed(&world));
    world.succeeds(first);
    world.restart();
    assert_eq!(world.start(keyed(&world)), first);
    assert_eq!(world.run_count(), 1);
    assert_eq!(world.file_on("web-1", "ledger"), "next\n");
}
