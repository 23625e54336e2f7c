//! Approvals and windows: what voids a word, and what is used once. Who may give one stands in `approvers`.

use super::world::{approver, binding, closed, digest, freeze, rule, voters};
use super::{Bench, anna, command, id, plan, target};
use crate::run::action::{Action, Effect, Heads, Input, Report};
use crate::run::approval::{Credentials, Found, LOOK_AGE_MAX_MS, Look};
use crate::run::event::{Event, Resolution};
use crate::run::need::need;
use crate::run::outcome::{Exit, GoneBecause};
use crate::run::plan::{Pace, Part, Plan, PlannedAction, PlannedCheck, PlannedRetry, PlannedStep};
use crate::run::view::Need;
use crate::runbook::model;

/// One changing step on these hosts that needs `persons` others.
pub fn plan_with(hosts: usize, persons: u32, change: impl FnOnce(&mut PlannedStep)) -> Plan {
    let targets: Vec<_> = (1..=hosts).map(|number| target(&format!("h{number}"), false)).collect();
    let mut step = command("a", model::Effect::Change);
    step.approval = Some(rule(persons, false));
    change(&mut step);
    let mut plan = plan(targets, vec![step, command("b", model::Effect::Check)], Pace::Auto);
    plan.hosts_confirmed = Some(hosts as u32);
    plan
}

/// A run that has asked for its approval.
pub fn asked(plan: Plan) -> Bench {
    let mut bench = Bench::new(plan);
    bench.begin();
    bench.look(|_| {});
    assert!(matches!(bench.need(), Some(Need::Approve(_))), "{:?}", bench.need());
    bench
}

pub fn ask_again_is_needed(bench: &Bench) -> String {
    match need(&bench.state) {
        Some(Need::AskAgain { why, .. }) => why,
        other => panic!("it waits for {other:?}"),
    }
}

#[test]
fn a_step_begins_when_others_agree_and_nothing_has_changed() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    assert!(bench.live().is_empty(), "nothing begins before");
    bench.approves("ben").unwrap();
    assert!(bench.live().is_empty(), "nor before the engine has looked again");
    let effects = bench.look(|_| {});
    assert!(matches!(effects[..], [Effect::Start { .. }]));
    let kinds = bench.kinds();
    assert_eq!(kinds[kinds.len() - 2..], ["approval_used", "attempt_planned"], "one decision, one transaction");
}

/// A way in which the world may differ, by what the driver is told.
type Mutation = (&'static str, fn(&mut Found));

fn mutations() -> Vec<Mutation> {
    fn host(found: &mut Found) -> &mut crate::run::approval::HostBinding {
        found.binding.hosts.values_mut().next().unwrap()
    }
    vec![
        ("plan", |found| found.binding.plan = digest("another input")),
        ("step", |found| found.binding.step = "b".parse().unwrap()),
        ("commit", |found| found.binding.commit_is_served = false),
        ("runbook's text", |found| found.binding.text = digest("another text")),
        ("a.sh", |found| found.binding.scripts.extend([("a.sh".to_owned(), digest("another"))])),
        ("a.sh", |found| found.binding.scripts.clear()),
        ("b.sh", |found| found.binding.scripts.extend([("b.sh".to_owned(), digest("new"))])),
        ("secrets", |found| found.binding.secrets.clear()),
        ("selects", |found| found.binding.selection = digest("a host more")),
        ("no longer", |found| drop(found.binding.hosts.pop_first())),
        ("is new", |found| {
            let one = found.binding.hosts.values().next().unwrap().clone();
            found.binding.hosts.insert("h9".parse().unwrap(), one);
        }),
        ("address", |found| host(found).address = digest("another")),
        ("account", |found| host(found).account = digest("another")),
        ("host key", |found| host(found).keys = digest("another")),
        ("labels", |found| host(found).labels = digest("another")),
        ("say of itself", |found| host(found).expect = digest("another")),
        ("policy", |found| found.binding.policy = digest("another")),
    ]
}

#[test]
fn whatever_changes_between_the_word_and_its_use_voids_it_by_name() {
    for (name, change) in mutations() {
        let mut bench = asked(plan_with(2, 1, |_| {}));
        bench.approves("ben").unwrap();
        bench.look(change);
        assert!(bench.live().is_empty(), "{name}: nothing began");
        let why = ask_again_is_needed(&bench);
        assert!(why.contains(name), "{name}: {why}");
        assert!(bench.approves("cleo").unwrap_err().contains("void"), "{name}: it is over");
    }
}

#[test]
fn a_new_request_is_bound_to_the_world_as_it_is_then() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    bench.approves("ben").unwrap();
    bench.look(|found| found.binding.policy = digest("another"));
    bench.act(Action::AskAgain { step: None }).unwrap();
    bench.look(|found| found.binding.policy = digest("another"));
    assert!(matches!(bench.need(), Some(Need::Approve(asked)) if asked.votes.is_empty()), "no word is left over");
    bench.approves("ben").unwrap();
    bench.look(|found| found.binding.policy = digest("another"));
    assert_eq!(bench.live().len(), 1);
}

#[test]
fn a_look_of_before_the_last_word_or_long_ago_proves_nothing() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    let before_seq = bench.state.seq;
    bench.approves("ben").unwrap();
    let look = |bench: &Bench, asked_seq: u64, at_ms: i64| {
        let found = Found { binding: binding(&bench.state, &id("a")), closed: vec![], voters: voters(&bench.state) };
        Input::Surroundings(Box::new(Look { step: id("a"), asked_seq, at_ms, found: Ok(found) }))
    };
    let stale = look(&bench, before_seq, bench.now_ms);
    let effects = bench.feed(&stale).unwrap();
    assert!(matches!(effects[..], [Effect::LookAround { .. }]), "it looks again: {effects:?}");
    bench.now_ms += LOOK_AGE_MAX_MS + 1;
    let old = look(&bench, bench.state.seq, bench.now_ms - LOOK_AGE_MAX_MS - 1);
    let effects = bench.feed(&old).unwrap();
    assert!(matches!(effects[..], [Effect::LookAround { .. }]), "it looks again: {effects:?}");
    let fresh = look(&bench, bench.state.seq, bench.now_ms);
    bench.feed(&fresh).unwrap();
    assert_eq!(bench.live().len(), 1);
}

#[test]
fn a_restart_between_the_word_and_its_use_looks_again() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    bench.approves("ben").unwrap();
    let effects = bench.feed(&Input::Restarted).unwrap();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::LookAround { .. })), "{effects:?}");
    bench.look(|_| {});
    assert_eq!(bench.live().len(), 1);
    let effects = bench.feed(&Input::Restarted).unwrap();
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::LookAround { .. } | Effect::Start { .. })));
    assert_eq!(bench.live().len(), 1, "it is the same attempt");
}

#[test]
fn an_approval_is_void_after_its_time_given_or_not() {
    for given in [false, true] {
        let mut bench = asked(plan_with(1, 1, |_| {}));
        if given {
            bench.approves("ben").unwrap();
        }
        let wake = crate::run::wake::wake_at(&bench.state);
        bench.now_ms += 1_800_000;
        assert_eq!(wake, Some(bench.now_ms));
        if given {
            // The look comes first: it must not slip through before the tick.
            bench.look(|_| {});
        } else {
            assert!(bench.approves("ben").unwrap_err().contains("time is over"));
            bench.feed(&Input::Tick).unwrap();
        }
        assert!(bench.live().is_empty());
        assert!(ask_again_is_needed(&bench).contains("in time"));
        assert!(bench.approves("ben").is_err());
        bench.act(Action::AskAgain { step: None }).unwrap();
        bench.look(|_| {});
        bench.approves("ben").unwrap();
        bench.look(|_| {});
        assert_eq!(bench.live().len(), 1);
    }
}

#[test]
fn a_no_pauses_the_run_until_its_driver_asks_again() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    let reject = |reason: &str| Action::Reject { step: None, reason: reason.to_owned() };
    assert!(bench.say("user:ben", approver(), reject(" ")).unwrap_err().contains("why"));
    assert!(bench.say("user:anna", approver(), reject("no")).is_err(), "the requester withdraws instead");
    bench.say("user:ben", approver(), reject("wrong host")).unwrap();
    assert!(ask_again_is_needed(&bench).contains("wrong host"));
    assert!(bench.state.pause.is_some());
    assert!(bench.approves("cleo").is_err(), "a no is not voted down");
    assert!(bench.act(Action::Resume).unwrap_err().contains("ask again"));
    bench.act(Action::AskAgain { step: Some(id("a")) }).unwrap();
    assert!(bench.state.pause.is_none());
    bench.look(|_| {});
    bench.approves("cleo").unwrap();
}

#[test]
fn a_word_can_be_taken_back_before_its_use_and_not_after() {
    let withdraw = || Action::Withdraw { step: None };
    for by in ["user:ben", "user:anna"] {
        let mut bench = asked(plan_with(1, 1, |_| {}));
        bench.approves("ben").unwrap();
        assert!(bench.say("user:cleo", approver(), withdraw()).is_err(), "it is not hers");
        bench.say(by, approver(), withdraw()).unwrap();
        bench.look(|_| {});
        assert!(bench.live().is_empty());
        assert!(ask_again_is_needed(&bench).contains("withdrew"));
    }
    let mut bench = asked(plan_with(1, 1, |_| {}));
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    for by in ["user:ben", "user:anna"] {
        assert!(bench.say(by, approver(), withdraw()).unwrap_err().contains("used"), "{by}");
    }
    assert!(bench.approves("cleo").unwrap_err().contains("used"));
}

#[test]
fn nobody_approves_what_they_have_not_seen() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    let action = Action::Approve { step: None, note: None };
    let who = Credentials { authenticated_at_ms: Some(bench.now_ms), ..approver() };
    let by = crate::run::event::Actor("user:ben".to_owned());
    let seen_seq = bench.state.approval.as_ref().unwrap().asked_seq - 1;
    let request = crate::run::action::Request { by, who, seen_seq, action };
    assert!(bench.feed(&Input::Person(request)).unwrap_err().contains("moved on"));
}

#[test]
fn a_retry_needs_a_new_word_by_hand_or_by_itself() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    bench.exit_all(1);
    bench.act(Action::Retry { step: id("a"), hosts: vec![] }).unwrap();
    bench.look(|_| {});
    assert!(bench.live().is_empty() && matches!(bench.need(), Some(Need::Approve(_))));

    let retry = |step: &mut PlannedStep| {
        step.retry = Some(PlannedRetry { every_ms: 1000, times_max: 2, for_ms_max: None });
    };
    let mut bench = asked(plan_with(1, 1, retry));
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    bench.exit_all(1);
    bench.now_ms += 1000;
    bench.feed(&Input::Tick).unwrap();
    bench.look(|_| {});
    assert!(bench.live().is_empty() && matches!(bench.need(), Some(Need::Approve(_))));
}

#[test]
fn after_an_unknown_outcome_another_person_looks_and_a_new_word_is_needed() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    let attempt = bench.live()[0];
    bench.feed(&Input::Attempt { attempt, report: Report::Gone(GoneBecause::HostRebooted) }).unwrap();
    let resolve =
        |resolution| Action::Resolve { step: id("a"), host: "h1".parse().unwrap(), resolution, note: "looked".into() };
    let refused = bench.act(resolve(Resolution::Completed)).unwrap_err();
    assert!(refused.contains("second person"), "{refused}");
    let token = bench.say("user:cleo/ci", Credentials::default(), resolve(Resolution::Completed)).unwrap_err();
    assert!(token.contains("token"), "{token}");
    bench.say("user:cleo", Credentials::default(), resolve(Resolution::DidNotRun)).unwrap();
    bench.look(|_| {});
    assert!(bench.live().is_empty(), "nothing runs by the old word");
    assert!(matches!(bench.need(), Some(Need::Approve(_))));
    assert!(bench.approves("cleo").is_err(), "who resolved it has a hand in it");
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    assert_eq!(bench.live().len(), 1);
}

/// Its locks are given back when a run ends: never while something still runs under them.
#[test]
fn a_run_whose_outcome_is_unknown_on_one_host_ends_after_the_others_have_stopped() {
    let mut bench = asked(plan_with(2, 1, |_| {}));
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    let live = bench.live();
    assert_eq!(live.len(), 2);
    bench.feed(&Input::Attempt { attempt: live[0], report: Report::Lost }).unwrap();
    let host = bench.state.attempts[&live[0]].plan.host.clone();
    let stop = Action::Resolve { step: id("a"), host, resolution: Resolution::Stop, note: "enough".into() };
    bench.say("user:anna", Credentials::default(), stop).unwrap();
    assert!(bench.state.ended.is_none() && bench.state.stop.is_some(), "the other host is stopped first");
}

#[test]
fn ending_a_run_with_an_unknown_outcome_is_open_to_its_driver() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    let attempt = bench.live()[0];
    bench.feed(&Input::Attempt { attempt, report: Report::Lost }).unwrap();
    let stop = Action::Resolve {
        step: id("a"),
        host: "h1".parse().unwrap(),
        resolution: Resolution::Stop,
        note: String::new(),
    };
    bench.act(stop).unwrap();
    assert!(bench.state.ended.is_some());
}

#[test]
fn where_the_table_asks_each_wave_asks_again_and_else_one_word_is_for_all() {
    for every_wave in [false, true] {
        let wave = |step: &mut PlannedStep| step.approval.as_mut().unwrap().every_wave = every_wave;
        let mut bench = asked(plan_with(6, 1, wave));
        bench.approves("ben").unwrap();
        bench.look(|_| {});
        assert_eq!(bench.live().len(), 1, "first one host");
        bench.exit_all(0);
        bench.look(|_| {});
        assert_eq!(bench.live().is_empty(), every_wave);
        assert_eq!(matches!(bench.need(), Some(Need::Approve(asked)) if asked.hosts.len() == 5), every_wave);
    }
}

#[test]
fn what_changes_between_the_waves_of_one_word_voids_the_rest_of_it() {
    let mut bench = asked(plan_with(6, 1, |_| {}));
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    bench.exit_all(0);
    bench.look(|found| found.binding.policy = digest("another"));
    assert!(bench.live().is_empty());
    assert!(ask_again_is_needed(&bench).contains("policy"));
}

#[test]
fn guards_run_after_the_word_and_again_when_they_are_old() {
    let check = PlannedCheck { check: "true".into(), expect: None, otherwise: None };
    let mut plan = plan_with(1, 1, |step| step.guards = vec![check.clone()]);
    plan.windows = vec![freeze()];
    let mut bench = asked(plan);
    assert!(bench.live().is_empty(), "guards are read right before the step, not before the word");
    bench.approves("ben").unwrap();
    assert_eq!(bench.live().len(), 1);
    bench.exit_all(0);
    bench.look(|found| found.closed = closed(None));
    assert!(matches!(bench.need(), Some(Need::Window { .. })));
    bench.now_ms += super::super::GUARD_AGE_MAX_MS + 1;
    bench.look(|_| {});
    let guards = bench.kinds().iter().filter(|kind| *kind == "guard_held").count();
    assert_eq!((bench.live().len(), guards), (1, 1), "the guard runs again, not the command");
    bench.exit_all(0);
    bench.look(|_| {});
    assert_eq!(bench.kinds().last().unwrap(), "attempt_planned");
    assert_eq!(bench.kinds().iter().filter(|kind| *kind == "guard_held").count(), 2);
}

#[test]
fn a_window_stops_a_run_at_its_next_changing_step_until_it_opens_or_somebody_says_why_not() {
    let steps = vec![command("a", model::Effect::Change), command("b", model::Effect::Change)];
    let with_window = || {
        let mut plan = plan(vec![target("h1", false)], steps.clone(), Pace::Auto);
        plan.windows = vec![freeze()];
        let mut bench = Bench::new(plan);
        bench.begin();
        bench.look(|_| {});
        assert_eq!(bench.live().len(), 1, "it is open");
        bench.exit_all(0);
        // A freeze is declared while the run is going.
        let effects = bench.look(|found| found.closed = closed(Some(99_000)));
        assert!(bench.live().is_empty());
        assert!(matches!(&effects[..], [Effect::LookAround { after, .. }] if !after.is_zero()), "{effects:?}");
        assert!(matches!(bench.need(), Some(Need::Window { windows, .. }) if windows[0].until_ms == Some(99_000)));
        bench
    };
    let mut bench = with_window();
    let before = bench.log.len();
    bench.look(|found| found.closed = closed(Some(99_000)));
    assert_eq!(bench.log.len(), before, "looking again writes nothing");
    bench.look(|_| {});
    assert_eq!(bench.live().len(), 1);

    let mut bench = with_window();
    let say = |reason: &str| Action::OverrideWindow { step: id("b"), reason: reason.to_owned() };
    let may = || Credentials { may_override_windows: true, ..Credentials::default() };
    assert!(bench.say("user:ben", Credentials::default(), say("the site is down")).unwrap_err().contains("may not"));
    assert!(bench.say("user:ben", may(), say("  ")).unwrap_err().contains("why"));
    bench.say("user:ben", may(), say("the site is down")).unwrap();
    assert_eq!(bench.live().len(), 1);
    let overridden = bench
        .log
        .iter()
        .any(|(_, event)| matches!(event, Event::WindowOverridden { reason, .. } if reason == "the site is down"));
    assert!(overridden, "the reason is recorded");
}

#[test]
fn what_cannot_be_looked_at_stops_the_run_and_uses_nothing() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    bench.approves("ben").unwrap();
    let (step, asked_seq) = bench.looking.clone().unwrap();
    let look = Look { step, asked_seq, at_ms: bench.now_ms, found: Err("the disk is away".to_owned()) };
    bench.feed(&Input::Surroundings(Box::new(look))).unwrap();
    assert!(matches!(bench.need(), Some(Need::Resume { .. })));
    bench.act(Action::Resume).unwrap();
    bench.look(|_| {});
    assert_eq!(bench.live().len(), 1, "the word was not lost");
}

#[test]
fn a_restart_that_lost_the_secrets_voids_what_was_approved_with_them() {
    let mut plan = plan_with(1, 1, |_| {});
    plan.secrets = vec!["token".parse().unwrap()];
    let mut bench = asked(plan);
    bench.approves("ben").unwrap();
    bench.feed(&Input::Restarted).unwrap();
    bench.act(Action::SupplySecrets).unwrap();
    assert!(ask_again_is_needed(&bench).contains("secrets"));
    assert!(bench.live().is_empty());
}

#[test]
fn a_whole_run_waits_for_its_approval_after_its_preconditions_and_cannot_skip_it() {
    let mut check = command("precondition-1", model::Effect::Check);
    check.part = Part::Precondition;
    let mut approval = command("approval", model::Effect::Check);
    approval.part = Part::Precondition;
    approval.action = PlannedAction::Pause { for_ms: 0 };
    approval.approval = Some(rule(1, false));
    let steps = vec![check, approval, command("a", model::Effect::Check)];
    let begun = |code: i32| {
        let mut bench = Bench::new(plan(vec![target("h1", false)], steps.clone(), Pace::Auto));
        bench.begin();
        let attempt = bench.live()[0];
        bench.feed(&Input::Attempt { attempt, report: Report::Ended(Exit::Code(code), Heads::default()) }).unwrap();
        bench
    };
    assert!(begun(1).state.ended.is_some(), "nobody is asked about what its preconditions refuse");
    let mut bench = begun(0);
    bench.look(|_| {});
    let skip = Action::Skip { step: id("approval"), hosts: vec![], reason: "in a hurry".into() };
    assert!(bench.act(skip).unwrap_err().contains("cannot be skipped"));
    assert!(bench.live().is_empty());
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    assert_eq!(bench.live().len(), 1);
    assert!(bench.kinds().ends_with(
        &["approval_used", "wait_started", "step_finished", "step_entered", "attempt_planned"].map(str::to_owned)
    ));
}

#[test]
fn a_manual_step_is_answered_after_its_approval() {
    let manual = |step: &mut PlannedStep| {
        step.action = PlannedAction::Manual { instruction: "Pull the plug.".into(), ask: vec![] };
    };
    let mut bench = asked(plan_with(1, 1, manual));
    let done = || Action::Done { step: id("a"), note: None };
    assert!(bench.act(done()).unwrap_err().contains("waits for approval"));
    bench.approves("ben").unwrap();
    assert!(bench.act(done()).is_err(), "the look is still to come");
    bench.look(|_| {});
    assert!(matches!(bench.need(), Some(Need::Answer { .. })));
    bench.act(done()).unwrap();
}

#[test]
fn the_request_shows_the_exact_command_and_who_agrees() {
    let mut bench = asked(plan_with(2, 2, |step| step.approval.as_mut().unwrap().prompt = Some("Empty it".into())));
    bench.say("user:ben", approver(), Action::Approve { step: None, note: Some("fine".into()) }).unwrap();
    let Some(Need::Approve(shown)) = bench.need() else { panic!("it is asked for") };
    assert_eq!(shown.prompt, "Empty it");
    assert_eq!(shown.asked_by, anna());
    assert_eq!(shown.hosts.len(), 2);
    assert_eq!(shown.commands[0].text, "host='h1'\necho a\n");
    assert_eq!(shown.votes[0].note.as_deref(), Some("fine"));
    assert!(shown.served_text_differs, "the test's plan froze another text");
}

#[test]
fn a_step_that_is_worked_once_outlives_the_host_that_it_stood_on() {
    let manual = |step: &mut PlannedStep| {
        step.action = PlannedAction::Manual { instruction: "Pull the plug.".into(), ask: vec![] };
    };
    let mut bench = asked(plan_with(2, 1, manual));
    let host = |name: &str| name.parse::<crate::id::HostName>().unwrap();
    bench.act(Action::DropHost { host: host("h1"), reason: "it is broken".into() }).unwrap();
    assert!(bench.live().is_empty(), "the step behind it does not begin");
    bench.look(|_| {});
    assert!(matches!(bench.need(), Some(Need::Approve(_))), "others are asked again: {:?}", bench.need());
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    bench.act(Action::Done { step: id("a"), note: None }).unwrap();
    assert_eq!(bench.state.steps[0].cells[0].host, host("h2"));
}

#[test]
fn the_first_step_s_request_behind_that_of_the_whole_run_is_about_the_first_step() {
    let mut approval = command("approval", model::Effect::Check);
    approval.part = Part::Precondition;
    approval.action = PlannedAction::Pause { for_ms: 0 };
    approval.approval = Some(rule(1, false));
    let mut step = command("a", model::Effect::Change);
    step.approval = Some(rule(1, false));
    let mut bench = Bench::new(plan(vec![target("h1", false)], vec![approval, step], Pace::Auto));
    bench.begin();
    bench.look(|_| {});
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    bench.look(|_| {});
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    assert_eq!(bench.live().len(), 1, "its word counts: {:?}", bench.need());
}
