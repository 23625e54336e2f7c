//! What must hold at the moment at which something begins: who may still approve, what was shown, windows by name, and
//! the same for taking back.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::approvals::{ask_again_is_needed, asked, plan_with};
use super::world::{approver, closed, digest, disable, freeze};
use super::{Bench, anna, command, id, plan, target};
use crate::id::HostName;
use crate::run::action::{Action, Effect, Heads, Input, Report};
use crate::run::approval::{ClosedWindow, Credentials, Found};
use crate::run::event::{Actor, Event, Purpose, RunEnd};
use crate::run::outcome::Exit;
use crate::run::plan::{Pace, Plan, PlannedAction, PlannedRetry, PlannedStep, PlannedUndo, PlannedWindow, WindowRule};
use crate::run::state::LockAway;
use crate::run::view::Need;
use crate::runbook::model::{self, OnFailure};

fn host(name: &str) -> HostName {
    name.parse().unwrap()
}

fn may_override() -> Credentials {
    Credentials { may_override_windows: true, ..Credentials::default() }
}

fn goes_on_against(bench: &mut Bench, step: &str) -> Result<(), String> {
    bench.say("user:ben", may_override(), Action::OverrideWindow { step: id(step), reason: "the site is down".into() })
}

#[test]
fn the_word_of_one_who_may_not_approve_any_more_is_dropped_by_name_and_another_s_is_waited_for() {
    let mut bench = asked(plan_with(1, 2, |_| {}));
    bench.approves("ben").unwrap();
    bench.approves("cleo").unwrap();
    bench.look(|found| disable(found, "ben"));
    assert!(bench.live().is_empty(), "one word is left, two are asked for");
    let Some(Need::Approve(shown)) = bench.need() else { panic!("it waits again: {:?}", bench.need()) };
    let told: Vec<_> = shown.votes.iter().map(|vote| (vote.counts, vote.why_not.as_deref())).collect();
    assert_eq!(told, [(false, Some("the account is disabled")), (true, None)]);
    bench.approves("dora").unwrap();
    bench.look(|_| {});
    assert_eq!(bench.live().len(), 1, "two who may");
}

#[test]
fn a_word_beyond_the_quorum_may_lapse_and_one_that_lapsed_may_be_given_again() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    bench.approves("ben").unwrap();
    bench.approves("cleo").unwrap();
    bench.look(|found| disable(found, "ben"));
    assert_eq!(bench.live().len(), 1, "the other is enough");

    let mut bench = asked(plan_with(1, 1, |_| {}));
    bench.approves("ben").unwrap();
    bench.look(|found| disable(found, "ben"));
    assert!(bench.live().is_empty());
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    assert_eq!(bench.live().len(), 1, "the account is enabled again, and he said so again");
}

#[test]
fn a_voter_whom_nobody_asked_about_does_not_count() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    bench.approves("ben").unwrap();
    bench.look(|found| found.voters.clear());
    assert!(bench.live().is_empty());
    assert!(matches!(bench.need(), Some(Need::Approve(_))));
}

#[test]
fn who_is_shut_out_between_the_waves_of_one_word_voids_the_rest_of_it() {
    let mut bench = asked(plan_with(6, 1, |_| {}));
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    bench.exit_all(0);
    bench.look(|found| disable(found, "ben"));
    assert!(bench.live().is_empty());
    assert!(ask_again_is_needed(&bench).contains("who may still give their word"));
}

#[test]
fn waiting_until_something_is_true_asks_once_for_all_its_looks() {
    let until = |step: &mut PlannedStep| {
        step.action = PlannedAction::Until { check: "true".into(), expect: None, every_ms: 1000, limit_ms: 7_200_000 };
    };
    let mut bench = asked(plan_with(1, 1, until));
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    // Longer than the word itself lasts: it was used in time.
    for _ in 0..5 {
        assert_eq!(bench.live().len(), 1, "it looks: {:?}", bench.need());
        bench.exit_all(1);
        bench.now_ms += 600_000;
        bench.feed(&Input::Tick).unwrap();
    }
    assert_eq!(bench.kinds().iter().filter(|kind| *kind == "approval_requested").count(), 1);
    bench.exit_all(0);
    assert!(bench.state.steps[0].cells[0].is_fine());
}

#[test]
fn a_new_waiting_asks_anew() {
    let until = |step: &mut PlannedStep| {
        step.action = PlannedAction::Until { check: "true".into(), expect: None, every_ms: 1000, limit_ms: 500 };
    };
    let mut bench = asked(plan_with(1, 1, until));
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    bench.exit_all(1);
    bench.act(Action::Retry { step: id("a"), hosts: vec![] }).unwrap();
    bench.look(|_| {});
    assert!(bench.live().is_empty() && matches!(bench.need(), Some(Need::Approve(_))));
}

#[test]
fn a_request_about_a_host_that_will_not_run_is_void_at_once_and_says_so() {
    let drop_host = Action::DropHost { host: host("h2"), reason: "it is broken".into() };
    let skip = Action::Skip { step: id("a"), hosts: vec![host("h2")], reason: "known".into() };
    for (action, told) in [(drop_host, "h2 was left out"), (skip, "h2 was skipped")] {
        let mut bench = asked(plan_with(3, 1, |_| {}));
        bench.act(action).unwrap();
        assert!(ask_again_is_needed(&bench).contains(told), "{}", ask_again_is_needed(&bench));
        assert!(bench.approves("ben").unwrap_err().contains("void"), "nobody agrees to what will not run");
        bench.act(Action::AskAgain { step: None }).unwrap();
        bench.look(|_| {});
        assert!(matches!(bench.need(), Some(Need::Approve(asked)) if asked.hosts == [host("h1"), host("h3")]));
    }
}

#[test]
fn a_request_for_a_wave_that_is_not_the_next_any_more_is_void_at_once() {
    let wave = |step: &mut PlannedStep| {
        step.approval.as_mut().unwrap().every_wave = true;
        step.on_failure = OnFailure::Continue;
    };
    let mut bench = asked(plan_with(6, 1, wave));
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    bench.exit_all(1);
    bench.look(|_| {});
    assert!(matches!(bench.need(), Some(Need::Approve(asked)) if asked.hosts.len() == 5));
    bench.act(Action::Retry { step: id("a"), hosts: vec![host("h1")] }).unwrap();
    let why = ask_again_is_needed(&bench);
    assert!(why.contains("h2 is not among the next hosts any more"), "{why}");
}

#[test]
fn a_host_that_fails_its_own_guard_takes_the_word_from_no_other() {
    let retry = |step: &mut PlannedStep| {
        step.retry = Some(PlannedRetry { every_ms: 1000, times_max: 2, for_ms_max: None });
        step.on_failure = OnFailure::SkipHost;
    };
    let mut plan = plan_with(2, 1, retry);
    plan.steps[0].guards = vec![super::PlannedCheck { check: "true".into(), expect: None, otherwise: None }];
    let mut bench = asked(plan);
    bench.approves("ben").unwrap();
    let (first, second) = (bench.live()[0], bench.live()[1]);
    let ended = |code| Report::Ended(Exit::Code(code), Heads::default());
    bench.feed(&Input::Attempt { attempt: first, report: ended(1) }).unwrap();
    bench.feed(&Input::Attempt { attempt: second, report: ended(0) }).unwrap();
    bench.look(|_| {});
    assert_eq!(bench.live().len(), 1, "{:?}", bench.need());
}

/// A destructive step with a preview that shows `text` has asked for its approval.
fn previewed(text: &str) -> Bench {
    let preview = |step: &mut PlannedStep| {
        step.preview = Some("ls".to_owned());
        step.confirm = Some(super::Gesture::Press);
    };
    let mut bench = Bench::new(plan_with(1, 1, preview));
    bench.begin();
    preview_ends(&mut bench, text);
    bench.look(|_| {});
    bench.approves("ben").unwrap();
    assert!(matches!(bench.need(), Some(Need::Confirm { .. })), "{:?}", bench.need());
    bench
}

fn preview_ends(bench: &mut Bench, text: &str) {
    let attempt = bench.live()[0];
    let heads = Heads { stdout: text.to_owned(), stderr: String::new() };
    bench.feed(&Input::Attempt { attempt, report: Report::Ended(Exit::Code(0), heads) }).unwrap();
}

#[test]
fn a_preview_that_is_made_anew_and_shows_something_else_voids_the_word_that_was_given_on_the_old_one() {
    let confirm = || Action::Confirm { step: id("a"), typed: None };
    for (shows, stands) in [("one file\n", true), ("two files\n", false)] {
        let mut bench = previewed("one file\n");
        bench.now_ms += 6 * 60 * 1000;
        bench.act(confirm()).unwrap();
        preview_ends(&mut bench, shows);
        if stands {
            bench.act(confirm()).unwrap();
            bench.look(|_| {});
            assert_eq!(bench.live().len(), 1, "it shows the same: {:?}", bench.need());
        } else {
            let why = ask_again_is_needed(&bench);
            assert!(why.contains("what the preview on h1 shows"), "{why}");
        }
    }
}

#[test]
fn a_preview_that_is_too_long_to_compare_equals_no_other() {
    let long = "x".repeat(crate::run::action::HEAD_BYTES);
    let mut bench = previewed(&long);
    bench.now_ms += 6 * 60 * 1000;
    bench.act(Action::Confirm { step: id("a"), typed: None }).unwrap();
    preview_ends(&mut bench, &long);
    assert!(ask_again_is_needed(&bench).contains("preview"));
}

fn window(name: &str) -> PlannedWindow {
    PlannedWindow { name: name.to_owned(), rule: WindowRule::Not, overridden: false }
}

fn shut(name: &str, until_ms: Option<i64>) -> Vec<ClosedWindow> {
    vec![ClosedWindow { name: name.to_owned(), until_ms, why: format!("the window {name} is on") }]
}

#[test]
fn an_override_is_for_the_windows_it_was_given_for_while_they_last() {
    let steps = vec![command("a", model::Effect::Change)];
    let held = || {
        let mut plan = plan(vec![target("h1", false)], steps.clone(), Pace::Auto);
        plan.windows = vec![freeze(), window("night")];
        let mut bench = Bench::new(plan);
        bench.begin();
        bench.look(|found| found.closed = closed(Some(50_000)));
        goes_on_against(&mut bench, "a").unwrap();
        bench
    };
    let mut bench = held();
    bench.look(|found| found.closed = shut("night", None));
    assert!(matches!(bench.need(), Some(Need::Window { windows, .. }) if windows == shut("night", None)));
    goes_on_against(&mut bench, "a").unwrap();
    assert_eq!(bench.live().len(), 1, "each has its own word");

    let mut bench = held();
    bench.look(|found| found.closed = closed(Some(50_000)));
    assert_eq!(bench.live().len(), 1, "the one that it was given for");

    let mut bench = held();
    bench.now_ms = 50_000;
    bench.look(|found| found.closed = closed(Some(90_000)));
    assert!(bench.live().is_empty(), "it is on once more: that is another time");
    assert!(matches!(bench.need(), Some(Need::Window { .. })));
}

/// `a` was done on both hosts and `b` failed.
fn failed_after(change: impl FnOnce(&mut Plan)) -> Bench {
    let mut first = command("a", model::Effect::Change);
    first.undo = Some(PlannedUndo::Run("undo a".to_owned()));
    let steps = vec![first, command("b", model::Effect::Check)];
    let mut plan = plan(vec![target("h1", false), target("h2", false)], steps, Pace::Auto);
    plan.hosts_confirmed = Some(2);
    change(&mut plan);
    let mut bench = Bench::new(plan);
    bench.begin();
    if bench.live().is_empty() {
        bench.look(|_| {});
    }
    if matches!(bench.need(), Some(Need::Approve(_))) {
        bench.approves("ben").unwrap();
        bench.look(|_| {});
    }
    bench.exit_all(0);
    bench.exit_all(1);
    bench
}

fn undo() -> Action {
    Action::Undo { reason: "it was wrong".to_owned() }
}

fn undoes(bench: &Bench) -> usize {
    bench.state.live_attempts().filter(|(_, attempt)| attempt.plan.purpose == Purpose::Undo).count()
}

#[test]
fn an_undo_waits_for_its_window_and_goes_on_against_it_with_a_reason() {
    let mut bench = failed_after(|plan| plan.windows = vec![freeze()]);
    bench.act(undo()).unwrap();
    assert_eq!(undoes(&bench), 0, "nobody has looked yet");
    let effects = bench.look(|found| found.closed = closed(Some(99_000)));
    assert_eq!(undoes(&bench), 0);
    assert!(matches!(&effects[..], [Effect::LookAround { after, .. }] if !after.is_zero()), "it looks again");
    assert!(matches!(bench.need(), Some(Need::Window { step, .. }) if step == id("a")));
    let say = Action::OverrideWindow { step: id("a"), reason: "the site is down".into() };
    assert!(bench.say("user:ben", Credentials::default(), say).unwrap_err().contains("may not"));
    goes_on_against(&mut bench, "a").unwrap();
    assert_eq!(undoes(&bench), 1);
    bench.exit_all(0);
    bench.exit_all(0);
    assert!(matches!(&bench.state.ended, Some(ended) if ended.end == RunEnd::Aborted));
}

#[test]
fn what_needed_two_to_do_needs_two_to_take_back() {
    let guarded = |plan: &mut Plan| plan.steps[0].approval = Some(super::world::rule(1, false));
    let mut bench = failed_after(guarded);
    bench.act(undo()).unwrap();
    bench.look(|_| {});
    assert_eq!(undoes(&bench), 0, "the word for the step is not one for its undo");
    let Some(Need::Approve(shown)) = bench.need() else { panic!("{:?}", bench.need()) };
    assert_eq!((shown.prompt.as_str(), shown.hosts.len()), ("Take back: Do a", 2));
    assert_eq!(shown.commands[0].text, "host='h1'\nundo a\n", "they see what would run");
    assert!(bench.approves("anna").is_err());
    bench.approves("ben").unwrap();
    bench.look(|found| found.binding.policy = digest("another"));
    assert!(ask_again_is_needed(&bench).contains("policy"));
    bench.act(Action::AskAgain { step: None }).unwrap();
    bench.look(|_| {});
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    assert_eq!(undoes(&bench), 1);
    bench.exit_all(0);
    // The next host: by the same word, after another look.
    assert_eq!(undoes(&bench), 0);
    bench.look(|_| {});
    assert_eq!(undoes(&bench), 1);
    bench.exit_all(0);
    assert!(bench.state.ended.is_some());
}

#[test]
fn an_undo_that_the_author_asked_for_waits_like_one_that_a_person_asks_for() {
    let mut bench = failed_after(|plan| {
        plan.steps[0].approval = Some(super::world::rule(1, false));
        plan.steps[1].on_failure = OnFailure::Undo;
    });
    bench.look(|_| {});
    assert!(matches!(bench.need(), Some(Need::Approve(_))), "{:?}", bench.need());
    let reject = Action::Reject { step: None, reason: "leave it".into() };
    bench.say("user:ben", approver(), reject).unwrap();
    assert!(ask_again_is_needed(&bench).contains("leave it"));
    bench.act(Action::Abort { reason: "we leave it".into() }).unwrap();
    assert!(bench.state.ended.is_some());
}

#[test]
fn what_is_taken_back_by_hand_is_approved_before_it_is_said_to_be_done() {
    let mut bench = failed_after(|plan| {
        plan.steps[0].approval = Some(super::world::rule(1, false));
        plan.steps[0].undo = Some(PlannedUndo::Manual("Put it back.".into()));
        plan.windows = vec![];
    });
    bench.act(undo()).unwrap();
    bench.look(|_| {});
    let done = || Action::UndoDone { step: id("a"), note: None };
    assert!(bench.act(done()).unwrap_err().contains("waits for approval"));
    bench.approves("ben").unwrap();
    bench.look(|_| {});
    assert!(matches!(bench.need(), Some(Need::ManualUndo { .. })), "{:?}", bench.need());
    bench.act(done()).unwrap();
}

#[test]
fn nothing_begins_while_another_run_holds_its_lock() {
    let steps = vec![command("a", model::Effect::Check), command("b", model::Effect::Change)];
    let mut bench = Bench::new(plan(vec![target("h1", false)], steps, Pace::Auto));
    bench.begin();
    let holder = crate::id::RunId(uuid::Uuid::from_u128(9));
    let away = LockAway { lock: "deploy".to_owned(), host: host("h1"), holder, since_ms: 500 };
    bench.feed(&Input::LockAway(away.clone())).unwrap();
    bench.feed(&Input::Restarted).unwrap();
    bench.exit_all(0);
    assert!(bench.live().is_empty(), "what ran ends, and nothing follows");
    assert!(matches!(bench.need(), Some(Need::Lock { holder: Some(told), .. }) if told == holder));
    let before = bench.log.len();
    bench.feed(&Input::LockAway(away)).unwrap();
    assert_eq!(bench.log.len(), before, "it is told once");
    bench.feed(&Input::LocksTaken).unwrap();
    assert_eq!(bench.live().len(), 1, "it goes on by itself");
    let told = bench.log.iter().any(|(_, event)| matches!(event, Event::LockLost { lock, .. } if lock == "deploy"));
    assert!(told && bench.state.started_by == anna() && bench.state.driver == Actor("user:anna".into()));
}

/// What has become of the world in a random story.
#[derive(Default)]
struct Story {
    disabled: BTreeSet<usize>,
    frozen: bool,
}

const NAMES: [&str; 4] = ["ben", "cleo", "dora", "emil"];

impl Story {
    fn shape(&self, found: &mut Found) {
        self.disabled.iter().for_each(|name| disable(found, NAMES[*name]));
        if self.frozen {
            found.closed = closed(None);
        }
    }

    /// One thing that somebody does, or that a host or the engine brings.
    fn go_on(&mut self, bench: &mut Bench, (what, which): (u8, u8)) {
        let who = which as usize % NAMES.len();
        let name = format!("user:{}", NAMES[who]);
        let step = bench.state.worked().map(|index| bench.state.plan.steps[index].id.clone());
        match what % 12 {
            0 | 1 => drop(bench.approves(NAMES[who])),
            2 => drop(bench.say(&name, approver(), Action::Withdraw { step: None })),
            3 => {
                let _ = self.disabled.remove(&who) || self.disabled.insert(who);
            }
            4 => self.frozen = !self.frozen,
            5 => drop(bench.act(undo())),
            6 => drop(bench.act(Action::AskAgain { step: None })),
            7 | 8 if bench.looking.is_some() => drop(bench.look(|found| self.shape(found))),
            9 if which % 4 == 0 => bench.exit_all(1),
            9 => bench.exit_all(0),
            10 => {
                let retry = step.clone().map(|step| Action::Retry { step, hosts: vec![] });
                let against = step.map(|step| Action::OverrideWindow { step, reason: "it burns".into() });
                if let (Some(retry), Some(against)) = (retry, against) {
                    let _ = bench.act(retry);
                    let _ = bench.say(&name, may_override(), against);
                }
            }
            _ => {
                bench.now_ms += i64::from(which) * 10_000;
                bench.feed(&Input::Tick).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// [`Bench::feed`] checks each beginning, forwards and back: against the persons who may approve at that moment, and
    /// against the windows.
    #[test]
    fn no_order_of_words_shut_outs_windows_and_undoes_begins_anything_without_its_quorum(
        persons in 1..3u32,
        hosts in 1..4usize,
        until in any::<bool>(),
        picks in proptest::collection::vec((any::<u8>(), any::<u8>()), 1..120),
    ) {
        let mut plan = plan_with(hosts, persons, |step| {
            step.undo = Some(PlannedUndo::Run("undo a".to_owned()));
            if until {
                step.action =
                    PlannedAction::Until { check: "true".into(), expect: None, every_ms: 1000, limit_ms: 60_000 };
            }
        });
        plan.windows = vec![freeze()];
        let mut bench = Bench::new(plan);
        bench.begin();
        let mut story = Story::default();
        for pick in picks {
            if bench.state.ended.is_none() {
                story.go_on(&mut bench, pick);
            }
        }
    }
}
