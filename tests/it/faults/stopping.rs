//! Time-outs and stops end what runs on the hosts, and are told only when the hosts have confirmed it.

use std::time::{Duration, Instant};

use steadyhand::run::action::Action;
use steadyhand::run::decide::STOP_GRACE;
use steadyhand::run::view::{CellStateName, Need, RunStateName};

use super::world::{Start, World, cell};

/// Three processes, none of which heeds TERM; their numbers go into `pids`.
const STUBBORN: &str = "trap '' TERM; (trap '' TERM; sh -c 'echo $$ >>pids; sleep 300; :' & sleep 301; :) & \
                        echo $$ >>pids; sleep 302; sleep 303";

fn living(world: &World, host: &str) -> usize {
    let alive = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    };
    world.file_on(host, "pids").lines().filter(|pid| alive(pid)).count()
}

fn wait_for_pids(world: &World) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while world.hosts.iter().any(|host| world.file_on(host.target().name.as_str(), "pids").lines().count() < 2) {
        assert!(Instant::now() < deadline, "the processes do not start");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_stubborn_process_tree_is_stopped_on_three_hosts_at_once() {
    let world = World::with_hosts(&["web-1", "web-2", "web-3"]);
    let steps = format!("  - id: one\n    name: Do it\n    run: |\n      {STUBBORN}\n");
    let run = world.start(Start::of(&world, &world.runbook("stubborn", &steps)));
    wait_for_pids(&world);
    world.act(run, Action::Abort { reason: "wrong runbook".to_owned() });
    let view = world.end(run);
    assert_eq!(view.state, RunStateName::Aborted);
    assert!(view.ended_because.as_deref().is_some_and(|why| why.contains("wrong runbook")), "{view:?}");
    // Each takes its whole grace before KILL. One after the other, their ends would be that far apart.
    let hosts = ["web-1", "web-2", "web-3"];
    let ended_ms: Vec<i64> = hosts.iter().filter_map(|host| cell(&view, "one", host).ended_at_ms).collect();
    let apart_ms = ended_ms.iter().max().expect("they ended") - ended_ms.iter().min().expect("they ended");
    assert_eq!(ended_ms.len(), 3);
    assert!(apart_ms < STOP_GRACE.as_millis() as i64, "one grace for all of them: {apart_ms} ms apart");
    for host in hosts {
        assert_eq!(cell(&view, "one", host).state, CellStateName::Cancelled, "{host}");
        let outcome = &cell(&view, "one", host).attempts[0].outcome;
        assert_eq!(outcome, "cancelled; the host confirmed that it is gone", "{host}");
        assert_eq!(living(&world, host), 0, "{host}");
    }
}

#[test]
fn a_step_over_its_time_is_ended_with_term_and_then_with_kill() {
    let world = World::with_hosts(&["web-1", "web-2"]);
    // The second host's command ends at TERM.
    let steps = format!(
        "  - id: one\n    name: Do it\n    timeout: 1s\n    run: |\n      if [ \"$host\" = web-2 ]; then\n        \
         echo $$ >>pids; echo $$ >>pids; trap 'echo cleaned up; exit 9' TERM; while :; do sleep 0.05; done\n      fi\n      \
         {STUBBORN}\n"
    );
    let run = world.start(Start::of(&world, &world.runbook("overdue", &steps)));
    let (view, need) = world.waits(run);
    assert!(matches!(need, Need::Decide { ref failed, .. } if failed.len() == 2), "{need:?}");
    for host in ["web-1", "web-2"] {
        let cell = cell(&view, "one", host);
        assert_eq!(cell.state, CellStateName::TimedOut, "{host}");
        assert_eq!(cell.attempts[0].outcome, "timed out; the host confirmed that it is gone");
        assert_eq!(living(&world, host), 0, "{host}");
    }
    let took = |host: &str| {
        let attempt = &cell(&view, "one", host).attempts[0];
        attempt.ended_at_ms.expect("it ended") - attempt.started_at_ms
    };
    assert!(took("web-2") < 8_000, "it was waited for longer than it needed: {} ms", took("web-2"));
    assert!(took("web-1") > 10_000, "it had no grace: {} ms", took("web-1"));
    assert_eq!(world.stdout(run, "one", "web-2"), "cleaned up\n");
}

#[test]
fn a_stop_that_the_server_did_not_live_to_see_is_carried_out_after_its_restart() {
    let mut world = World::with_hosts(&["web-1"]);
    let steps = format!("  - id: one\n    name: Do it\n    run: |\n      {STUBBORN}\n");
    let run = world.start(Start::of(&world, &world.runbook("stubborn", &steps)));
    wait_for_pids(&world);
    world.act(run, Action::Abort { reason: "wrong runbook".to_owned() });
    world.restart();
    let view = world.end(run);
    assert_eq!(view.state, RunStateName::Aborted);
    assert_eq!(cell(&view, "one", "web-1").state, CellStateName::Cancelled);
    assert_eq!(living(&world, "web-1"), 0);
}

#[test]
fn a_stopped_step_pauses_the_run_and_can_be_tried_again() {
    let world = World::with_hosts(&["web-1"]);
    let steps = "  - {id: one, name: Do it, run: 'echo one >>ledger; test -e ready || sleep 300'}\n";
    let run = world.start(Start::of(&world, &world.runbook("stopping", steps)));
    world.until(run, "it runs", |view| cell(view, "one", "web-1").state == CellStateName::Running);
    let step = "one".parse().expect("a step");
    world.act(run, Action::Stop { step, hosts: vec![], reason: "too slow".to_owned() });
    let (view, need) = world.waits(run);
    assert!(matches!(need, Need::Decide { .. }), "{need:?}");
    assert_eq!(cell(&view, "one", "web-1").state, CellStateName::Cancelled);
    std::fs::write(world.host("web-1").home().join("ready"), "").expect("the host is ours");
    world.act(run, super::world::retry("one"));
    world.succeeds(run);
    assert_eq!(world.file_on("web-1", "ledger"), "one\none\n");
}
