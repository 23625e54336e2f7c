//! The guards of whole runs on a real engine: windows, who is on call, locks; and a second person by the friction table.

use sqlx::{ConnectOptions as _, Connection as _};
use steadyhand::access::identity::{Identity, Reach};
use steadyhand::engine::ask::HostsAsked;
use steadyhand::id::RunId;
use steadyhand::run::action::Action;
use steadyhand::run::approval::Credentials;
use steadyhand::run::event::{Actor, Event};
use steadyhand::run::plan::Pace;
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
    // A reason may have been given for something else, before it closed.
    let with_reason = || Start { reason: Some("the site is down".to_owned()), ..Start::of(&world, &name) };
    let refused = world.try_start(with_reason()).expect_err("it is not named").to_string();
    assert!(refused.contains("go on against it by its name (freeze)"), "{refused}");
    // She holds the process, so she may go on against it, with a reason that is kept.
    let run = world.start(Start { override_windows: vec!["freeze".to_owned()], ..with_reason() });
    let view = world.succeeds(run);
    assert_eq!(view.overridden_windows, ["freeze"]);
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

const GUARDED_BY_LOCK: &str = "guards: [{lock: deploy}]\nhosts: {select: test=yes, max: 1}\n";

fn on(host: &str) -> HostsAsked {
    HostsAsked::Names(vec![host.parse().expect("a host")])
}

#[test]
fn a_host_that_a_step_is_delegated_to_is_locked_with_the_run_s_own() {
    let world = World::with_hosts(&["web-1", "web-2", "lb-1"]);
    let steps = "  - {id: drain, name: Drain it, delegate_to: lb-1, run: 'while [ ! -e go ]; do sleep 0.02; done'}\n";
    let name = world.runbook_with("draining", GUARDED_BY_LOCK, steps);
    let start = |host: &str| Start { hosts: on(host), confirm_hosts: Some(1), ..Start::of(&world, &name) };
    let first = world.start(start("web-1"));
    world.until(first, "it drains", |view| !cell(view, "drain", "web-1").attempts.is_empty());
    let refused = world.try_start(start("web-2")).expect_err("the load balancer is taken").to_string();
    assert!(refused.contains("the lock \"deploy\" on lb-1 is held"), "{refused}");
    std::fs::write(world.host("lb-1").home().join("go"), "").expect("the host is ours");
    world.succeeds(first);
    world.succeeds(world.start(start("web-2")));
}

#[test]
fn a_refused_lock_names_its_holder_only_to_who_may_see_it() {
    let world = World::with_hosts(&["web-1"]);
    let top = |tag: &str| format!("tags: [{tag}]\n{GUARDED_BY_LOCK}");
    let steps = "  - {id: hold, name: Hold it, run: 'while [ ! -e go ]; do sleep 0.02; done'}\n";
    let holding = world.runbook_with("holding", &top("hidden"), steps);
    let wanting = world.runbook_with("wanting", &top("open"), "  - {id: look, name: Look, check: 'true'}\n");
    write(&world, "access.yaml", "steadyhand: 1\ngrants: [{who: user:oda, role: operator, runbooks: tag:open}]\n");
    let holder = world.start(Start::of(&world, &holding));
    world.until(holder, "it holds", |view| !cell(view, "hold", "web-1").attempts.is_empty());
    let oda = Identity { reach: Reach::Granted, ..Identity::within(Actor("user:oda".to_owned())) };
    let to_oda = world.try_start_as(Start::of(&world, &wanting), oda).expect_err("it is held").to_string();
    assert!(to_oda.contains("by a run that you may not see"), "{to_oda}");
    assert!(!to_oda.contains(&holder.to_string()) && !to_oda.contains("holding"), "{to_oda}");
    let to_anna = world.try_start(Start::of(&world, &wanting)).expect_err("it is held").to_string();
    assert!(to_anna.contains(&holder.to_string()), "{to_anna}");
    std::fs::write(world.host("web-1").home().join("go"), "").expect("the host is ours");
    world.succeeds(holder);
}

#[test]
fn a_refused_start_names_no_host_that_its_starter_may_not_see() {
    let world = World::with_hosts(&["web-1", "db-1"]);
    let name = world.runbook("looking", "  - {id: look, name: Look, check: 'true'}\n");
    let labelled = |text: String| text.replacen("{test: \"yes\"}", "{test: \"yes\", mine: \"yes\"}", 1);
    world.write_inventory(labelled);
    write(&world, "access.yaml", "steadyhand: 1\ngrants: [{who: user:oda, role: operator, hosts: mine=yes}]\n");
    let oda = || Identity { reach: Reach::Granted, ..Identity::within(Actor("user:oda".to_owned())) };
    let start = |hosts, confirm_hosts| Start { hosts, confirm_hosts, ..Start::of(&world, &name) };
    let select = HostsAsked::Select("test=no".to_owned());
    let cases = [
        (start(HostsAsked::AsSelected, None), "web-1 and 1 that you may not see"),
        (start(HostsAsked::AsSelected, Some(2)), "on a host that it is for and that you may not see"),
        (start(select, None), "web-1 and 1 that you may not see"),
    ];
    for (start, told) in cases {
        let refused = world.try_start_as(start, oda()).expect_err("she may not").to_string();
        assert!(refused.contains(told) && !refused.contains("db-1"), "{refused}");
    }
    // One that is hidden, and one that is not there: she cannot tell which is which.
    let [hidden, absent] = ["db-1", "db-2"].map(|host| {
        world.try_start_as(start(on(host), None), oda()).expect_err("she may not").to_string().replace(host, "it")
    });
    assert_eq!(hidden, absent);
    world.succeeds(world.try_start_as(start(on("web-1"), None), oda()).expect("she may"));
}

#[test]
fn a_run_that_finds_its_lock_taken_after_a_restart_waits_says_whose_it_is_and_goes_on_by_itself() {
    let mut world = World::with_hosts(&["web-1"]);
    let steps = "  - {id: one, name: Do one, run: 'echo one >>ledger', confirm: press}\n";
    let name = world.runbook_with("locked", GUARDED_BY_LOCK, steps);
    let run = world.start(Start::of(&world, &name).pace(Pace::Step));
    world.until(run, "it waits for its driver", |view| matches!(view.waiting, Some(Need::Confirm { .. })));
    let other = world.start(Start::of(
        &world,
        &world.runbook("other", "  - {id: one, name: Do it, check: 'while [ ! -e go ]; do sleep 0.02; done'}\n"),
    ));
    world.die();
    give_lock_to(&world, run, other);
    world.restart();
    let view = world.until(run, "it waits for its lock", |view| matches!(view.waiting, Some(Need::Lock { .. })));
    assert!(
        matches!(&view.waiting, Some(Need::Lock { holder: Some(holder), lock, .. }) if *holder == other && lock == "deploy")
    );
    world
        .try_act(run, ANNA, Action::Confirm { step: "one".parse().expect("a step"), typed: None }, &[])
        .expect_err("nothing is asked for");
    assert_eq!(world.file_on("web-1", "ledger"), "");
    std::fs::write(world.host("web-1").home().join("go"), "").expect("the host is ours");
    world.succeeds(other);
    world.until(run, "it has its lock again", |view| matches!(view.waiting, Some(Need::Confirm { .. })));
    world.act(run, Action::Confirm { step: "one".parse().expect("a step"), typed: None });
    world.succeeds(run);
    assert_eq!(world.file_on("web-1", "ledger"), "one\n");
    world.assert_chain(run);
}

/// As a database of before locks were taken with the start, or one that was put back, may have it.
fn give_lock_to(world: &World, from: RunId, to: RunId) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(async {
        let options = sqlx_sqlite::SqliteConnectOptions::new().filename(world.data().join("steadyhand.db"));
        let mut connection = options.connect().await.expect("the database opens");
        let changed = sqlx::query("update run_lock set run = $2 where run = $1").bind(from.0).bind(to.0);
        let changed = changed.execute(&mut connection).await.expect("it can be changed").rows_affected();
        assert_eq!(changed, 1);
        connection.close().await.expect("it closes");
    });
}
