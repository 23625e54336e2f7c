//! Every way in which a command can end is told from every other.

use steadyhand::run::view::{CellStateName, Need};

use super::world::{Start, World, cell};

#[test]
fn each_way_to_end_is_told_apart() {
    let world = World::with_hosts(&["web-1"]);
    let cases = [
        ("none", "no-such-command-anywhere", CellStateName::Failed, "exit 127"),
        ("denied", "echo > \"$HOME/plain\"; \"$HOME/plain\"", CellStateName::Failed, "exit 126"),
        ("own", "exit 255", CellStateName::Failed, "exit 255"),
        ("kill", "kill -s KILL $$", CellStateName::Killed, "killed by signal 9 (KILL)"),
        ("term", "kill -s TERM $$", CellStateName::Killed, "killed by signal 15 (TERM)"),
        ("high", "exit 143", CellStateName::Failed, "exit 143"),
        ("plain", "exit 1", CellStateName::Failed, "exit 1"),
        ("good", "exit 0", CellStateName::Succeeded, "exit 0"),
    ];
    let steps: String = cases
        .iter()
        .map(|(id, command, ..)| format!("  - {{id: {id}, name: Do it, run: '{command}', on_failure: continue}}\n"))
        .collect();
    let run = world.start(Start::of(&world, &world.runbook("endings", &steps)));
    let view = world.end(run);
    for (id, command, state, outcome) in cases {
        let cell = cell(&view, id, "web-1");
        assert_eq!(cell.state, state, "{command}");
        assert_eq!(cell.attempts.last().expect("it ran").outcome, outcome, "{command}");
    }
    world.assert_chain(run);
}

#[test]
fn a_missing_command_says_what_the_host_said() {
    let world = World::with_hosts(&["web-1"]);
    let steps = "  - {id: one, name: Do it, run: no-such-command-anywhere, else: Install the tool first.}\n";
    let run = world.start(Start::of(&world, &world.runbook("missing", steps)));
    let (view, need) = world.waits(run);
    assert!(matches!(need, Need::Decide { .. }), "{need:?}");
    let cell = cell(&view, "one", "web-1");
    let detail = cell.detail.as_deref().unwrap_or_default();
    assert!(detail.contains("exit 127") && detail.contains("no-such-command-anywhere"), "{detail}");
    assert_eq!(cell.advice.as_deref(), Some("Install the tool first."));
}
