//! The guards of whole runs on a real engine: windows, who is on call, locks; and a second person by the friction table.

use steadyhand::run::action::Action;
use steadyhand::run::approval::Credentials;
use steadyhand::run::event::Event;
use steadyhand::run::view::Need;

use super::world::{ANNA, Start, World, cell};

const FREEZE: &str = "guards: [{not_during: freeze}]\nhosts: {select: test=yes}\n";
const OVER: &str = "steadyhand: 1\nwindows:\n  freeze: {from: 2020-01-01, to: 2020-01-02, zone: UTC}\n";
const ON: &str = "steadyhand: 1\nwindows:\n  freeze: {from: 2020-01-01, to: 2199-01-01, zone: UTC, why: Year-end}\n";
const STEPS: &str = "
  - {id: one, name: Do one, run: 'echo one >>ledger; while [ ! -e go ]; do sleep 0.02; done'}
  - {id: look, name: Look, check: 'echo looked >>ledger'}
  - {id: two, name: Do two, run: 'echo two >>ledger'}
";

fn write(world: &World, file: &str, text: &str) {
    std::fs::write(world.repo().join(file), text).expect("it is written");
}

#[test]
fn a_freeze_that_is_declared_while_a_run_goes_on_stops_it_at_its_next_changing_step() {
    let world = World::with_hosts(&["web-1"]);
    write(&world, "oncall.yaml", OVER);
    let run = world.start(Start::of(&world, &world.runbook_with("frozen", FREEZE, STEPS)));
    world.until(run, "it runs", |view| !cell(view, "one", "web-1").attempts.is_empty());
    write(&world, "oncall.yaml", ON);
    std::fs::write(world.host("web-1").home().join("go"), "").expect("the host is ours");
    let view = world.until(run, "it waits for its time", |view| matches!(view.waiting, Some(Need::Window { .. })));
    let Some(Need::Window { windows, .. }) = &view.waiting else { unreachable!() };
    assert_eq!(windows[0].why, "the window freeze is on (Year-end)");
    assert!(windows[0].until_ms.is_some_and(|until_ms| until_ms > 7_000_000_000_000), "it says until when");
    assert_eq!(world.file_on("web-1", "ledger"), "one\nlooked\n", "what only reads goes on");

    let over =
        || Action::OverrideWindow { step: "two".parse().expect("a step"), reason: "the site is down".to_owned() };
    let refused = world.try_act(run, ANNA, over(), &[]).expect_err("she may not").to_string();
    assert!(refused.contains("may not"), "{refused}");
    let may = Credentials { may_override_windows: true, ..Credentials::default() };
    world.try_act_as(run, "user:ben", may, over()).expect("he may");
    world.succeeds(run);
    assert_eq!(world.file_on("web-1", "ledger"), "one\nlooked\ntwo\n");
    let recorded = world.events(run).iter().any(|numbered| {
        matches!(&numbered.event, Event::WindowOverridden { by, reason, .. } if by.0 == "user:ben" && reason == "the site is down")
    });
    assert!(recorded);
}

#[test]
fn a_run_does_not_start_in_a_freeze_nor_with_a_window_that_nobody_wrote_down() {
    let world = World::with_hosts(&["web-1"]);
    let name = world.runbook_with("frozen", FREEZE, "  - {id: two, name: Do two, run: 'echo two >>ledger'}\n");
    let refused = world.try_start(Start::of(&world, &name)).expect_err("there is no such window").to_string();
    assert!(refused.contains("names the window freeze"), "{refused}");
    write(&world, "oncall.yaml", ON);
    let refused = world.try_start(Start::of(&world, &name)).expect_err("it is on").to_string();
    assert!(refused.contains("the window freeze is on (Year-end) until 2199-01-01 00:00 UTC"), "{refused}");
    // She holds the process, so she may go on against it, with a reason that is kept.
    let run = world.start(Start { reason: Some("the site is down".to_owned()), ..Start::of(&world, &name) });
    let view = world.succeeds(run);
    assert_eq!(view.override_reason.as_deref(), Some("the site is down"));
}

#[test]
fn who_is_not_on_call_states_a_reason() {
    let world = World::with_hosts(&["web-1"]);
    let top = "guards: [{on_call: true}]\nhosts: {select: test=yes}\n";
    let name = world.runbook_with("calling", top, "  - {id: one, name: Do one, check: 'true'}\n");
    let refused = world.try_start(Start::of(&world, &name)).expect_err("she is not on call").to_string();
    assert!(refused.contains("on call"), "{refused}");
    let run = world.start(Start { reason: Some("ben is ill".to_owned()), ..Start::of(&world, &name) });
    assert_eq!(world.succeeds(run).override_reason.as_deref(), Some("ben is ill"));
    write(&world, "access.yaml", "steadyhand: 1\nteams: {web: [anna]}\non_call: {web: [anna]}\ngrants: []\n");
    let run = world.start(Start::of(&world, &name));
    assert_eq!(world.succeeds(run).override_reason, None);
}

#[test]
fn destruction_on_many_hosts_asks_a_second_person_wave_by_wave() {
    let world = World::with_hosts(&["web-1", "web-2", "web-3", "web-4", "web-5", "web-6"]);
    let steps = "  - {id: wipe, name: Wipe it, effect: destructive, run: 'echo wiped >>ledger'}\n";
    let run = world.start(Start::of(&world, &world.runbook("wiping", steps)));
    for (hosts, typed) in [(1, "web-1"), (5, "5")] {
        let view = world.until(
            run,
            "it asks",
            |view| matches!(&view.waiting, Some(Need::Approve(asked)) if asked.hosts.len() == hosts),
        );
        assert!(matches!(&view.waiting, Some(Need::Approve(asked)) if asked.commands.len() == hosts));
        let now_ms = world.server().engine.clock().wall_ms();
        let who = Credentials { may_approve: true, authenticated_at_ms: Some(now_ms), ..Credentials::default() };
        let approve = || Action::Approve { step: None, note: None };
        world.try_act_as(run, ANNA, who.clone(), approve()).expect_err("she started it");
        world.try_act_as(run, "user:ben", who, approve()).expect("he may");
        world.until(run, "it waits for its driver", |view| matches!(view.waiting, Some(Need::Confirm { .. })));
        world.act(run, Action::Confirm { step: "wipe".parse().expect("a step"), typed: Some(typed.to_owned()) });
    }
    world.succeeds(run);
    assert!(world.hosts.iter().all(|host| world.file_on(host.target().name.as_str(), "ledger") == "wiped\n"));
}
