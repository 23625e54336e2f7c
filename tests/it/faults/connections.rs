//! Connections break, at either end and at any moment: commands go on, and nothing of them is lost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use steadyhand::id::RunId;
use steadyhand::run::view::{CellStateName, HostStanding};

use super::crash::{Dice, masters};
use super::ledger;
use super::world::{Start, World, cell};
use crate::sshd::kill;

/// Prints a line each few milliseconds until it is told to end.
const TICKING: &str = "
  - id: one
    name: Do it
    run: |
      echo begun >>ledger
      n=0; while [ ! -e go ]; do n=$((n + 1)); echo \"line $n\"; sleep 0.01; done
      echo $n >count
";

fn assert_every_line(world: &World, run: RunId) {
    let count: usize = world.file_on("web-1", "count").trim().parse().expect("a number");
    let expected: String = (1..=count).map(|line| format!("line {line}\n")).collect();
    assert_eq!(world.stdout(run, "one", "web-1"), expected);
    assert_eq!(world.file_on("web-1", "ledger"), "begun\n");
}

fn ticking(world: &World) -> RunId {
    let run = world.start(Start::of(world, &world.runbook("ticking", TICKING)));
    world.until(run, "it prints", |view| {
        let cell = cell(view, "one", "web-1");
        cell.state == CellStateName::Running && !world.stdout(run, "one", "web-1").is_empty()
    });
    run
}

fn let_it_end(world: &World) {
    std::fs::write(world.hosts[0].home().join("go"), "").expect("the host is ours");
}

#[test]
fn a_cut_connection_is_told_and_taken_up_again() {
    let world = World::with_hosts(&["web-1"]);
    let run = ticking(&world);
    world.hosts[0].kill_connections();
    world.until(run, "it is told", |view| cell(view, "one", "web-1").state == CellStateName::Unreachable);
    world.until(run, "it runs again", |view| cell(view, "one", "web-1").state == CellStateName::Running);
    let_it_end(&world);
    world.succeeds(run);
    assert_every_line(&world, run);
}

#[test]
fn a_command_that_ends_while_its_host_is_away_is_recorded_when_it_is_back() {
    let mut world = World::with_hosts(&["web-1"]);
    let run = ticking(&world);
    world.hosts[0].stop();
    let_it_end(&world);
    let count = world.hosts[0].home().join("count");
    let deadline = Instant::now() + Duration::from_secs(30);
    while !count.exists() {
        assert!(Instant::now() < deadline, "the command ended with its connection");
        std::thread::sleep(Duration::from_millis(10));
    }
    world.until(run, "it is told", |view| cell(view, "one", "web-1").state == CellStateName::Unreachable);
    world.hosts[0].start_again();
    world.succeeds(run);
    assert_every_line(&world, run);
}

#[test]
fn a_host_that_is_away_at_the_start_is_asked_again() {
    let mut world = World::with_hosts(&["web-1"]);
    world.hosts[0].stop();
    let steps = "  - {id: one, name: Do it, run: echo one >>ledger}\n";
    let run = world.start(Start::of(&world, &world.runbook("away", steps)));
    world.until(run, "it is told", |view| view.hosts[0].standing == HostStanding::Unreachable);
    world.hosts[0].start_again();
    world.succeeds(run);
    assert_eq!(world.file_on("web-1", "ledger"), "one\n");
}

#[test]
fn a_drained_server_leaves_the_command_running_and_the_next_one_finishes_it() {
    let mut world = World::with_hosts(&["web-1"]);
    let run = ticking(&world);
    world.drain();
    let before = world.hosts[0].home().join("ledger");
    assert!(before.exists());
    let_it_end(&world);
    world.restart();
    world.succeeds(run);
    assert_every_line(&world, run);
    assert!(!world.kinds(run).iter().any(|kind| kind == "attempt_unreachable"), "a drain is no loss");
}

#[test]
fn a_host_keeps_no_output_of_a_run_that_ended_after_a_restart() {
    let mut world = World::with_hosts(&["web-1"]);
    let steps = format!("  - {{id: before, name: Print, run: echo before}}\n{TICKING}");
    let run = world.start(Start::of(&world, &world.runbook("leaving", &steps)));
    world.until(run, "it runs", |view| cell(view, "one", "web-1").state == CellStateName::Running);
    world.restart();
    let_it_end(&world);
    world.succeeds(run);
    let outputs = || {
        let files = std::fs::read_dir(world.hosts[0].attempts()).expect("it was begun").flatten();
        files.filter(|file| file.path().extension().is_some_and(|kind| kind == "out")).count()
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while outputs() > 0 {
        assert!(Instant::now() < deadline, "output of {} attempts is left on the host", outputs());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// On a slow machine a connection may take longer to make than the time between two cuts: at some point the runs must
/// be let go on.
const CUTTING_MAX: Duration = Duration::from_secs(20);

#[test]
fn connections_cut_at_random_lose_nothing_and_start_nothing_twice() {
    let mut dice = Dice::thrown();
    let world = World::with_hosts(&["web-1", "web-2", "web-3"]);
    let name = ledger::prepare(&world);
    let ended = AtomicBool::new(false);
    let mut runs: BTreeMap<String, RunId> = BTreeMap::new();
    let cuts = std::thread::scope(|scope| {
        let cutting = scope.spawn(|| {
            let mut cuts = 0;
            let enough = Instant::now() + CUTTING_MAX;
            while !ended.load(Ordering::Relaxed) && Instant::now() < enough {
                std::thread::sleep(Duration::from_millis(50 + dice.below(700)));
                let host = &world.hosts[dice.below(3) as usize];
                let of_server = masters(world.data());
                if dice.below(2) == 0 {
                    cuts += host.connections().len();
                    host.kill_connections();
                } else if !of_server.is_empty() {
                    cuts += 1;
                    kill(of_server[dice.below(of_server.len() as u64) as usize], "KILL");
                }
            }
            cuts
        });
        for ticket in ["a", "b", "c", "d"] {
            let run = world.start(Start::of(&world, &name).input("ticket", ticket));
            runs.insert(ticket.to_owned(), run);
        }
        for run in runs.values() {
            world.end(*run);
        }
        ended.store(true, Ordering::Relaxed);
        cutting.join().expect("no panic")
    });
    let tally = ledger::compare(&world, &runs);
    println!("{cuts} connections cut, {} steps, {} bytes", tally.steps, tally.bytes);
    assert!(tally.is_clean(), "{tally:#?}");
    assert!(cuts > 10, "only {cuts} connections were cut");
}
