//! Whose word counts: who is barred, who is asked, and how recently they proved who they are.

use super::Bench;
use super::approvals::{asked, plan_with};
use super::world::approver;
use crate::run::action::Action;
use crate::run::approval::{Credentials, STEP_UP_MS};
use crate::run::plan::{Approvers, PlannedStep};
use crate::run::view::Need;

#[test]
fn the_requester_is_barred_in_every_guise() {
    let starter = ["user:anna", "user:anna/ci", "user:anna/other"];
    for name in starter {
        let mut bench = asked(plan_with(1, 1, |_| {}));
        bench.say(name, approver(), Action::Approve { step: None, note: None }).unwrap_err();
    }
    // Who drove it once, and who drives it now.
    let mut bench = asked(plan_with(1, 1, |_| {}));
    bench.say("user:ben", Credentials::default(), Action::TakeWheel).unwrap();
    bench.say("user:cleo", Credentials::default(), Action::TakeWheel).unwrap();
    for name in ["anna", "ben", "cleo"] {
        assert!(bench.approves(name).unwrap_err().contains("run"), "{name} has driven it");
    }
    bench.approves("dora").unwrap();
    // Whoever has a hand in the step: here by the confirmation that let it go on, before it failed.
    let mut bench = asked(plan_with(1, 1, |_| {}));
    bench.state.steps[0].hands.push(crate::run::event::Actor("user:ben".to_owned()));
    let refused = crate::run::approval::barred(&bench.state, 0, &crate::run::event::Actor("user:ben/ci".to_owned()));
    assert_eq!(refused, Some("has a hand in this step"));
}

#[test]
fn a_token_never_approves_whosever_it_is() {
    for (name, who) in [
        ("user:ben/ci", approver()),
        ("token:ci", approver()),
        ("user:ben", Credentials { is_token: true, ..approver() }),
    ] {
        let mut bench = asked(plan_with(1, 1, |_| {}));
        let refused = bench.say(name, who, Action::Approve { step: None, note: None }).unwrap_err();
        assert!(refused.contains("token"), "{name}: {refused}");
    }
}

/// Whoever holds such a token could agree, as themselves, to what they asked for with it.
#[test]
fn a_token_of_nobody_brings_no_run_on_that_asks_others_but_may_stop_it() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    let of_nobody = || Credentials { is_token: true, is_of_nobody: true, ..Credentials::default() };
    let reason = || "it is wrong".to_owned();
    for action in [Action::TakeWheel, Action::AskAgain { step: None }, Action::SupplySecrets] {
        let by = bench.state.driver.0.clone();
        let refused = bench.say(&by, of_nobody(), action).unwrap_err();
        assert!(refused.contains("belongs to nobody"), "{refused}");
    }
    bench.say("token:ci", of_nobody(), Action::Pause).unwrap();
    bench.say("token:ci", of_nobody(), Action::Abort { reason: reason() }).unwrap();
    let mut bench = Bench::new(plan_with(1, 1, |step| step.approval = None));
    bench.begin();
    bench.say("token:ci", of_nobody(), Action::TakeWheel).unwrap();
}

#[test]
fn who_may_approve_is_asked_and_so_is_whose_word_the_author_wants() {
    let from = vec![Approvers::Team("web".to_owned()), Approvers::User("dora".to_owned())];
    let asked_of = |step: &mut PlannedStep| step.approval.as_mut().unwrap().from = from.clone();
    let mut bench = asked(plan_with(1, 1, asked_of));
    let approve = || Action::Approve { step: None, note: None };
    let may_not = Credentials { may_approve: false, ..approver() };
    assert!(bench.say("user:ben", may_not, approve()).unwrap_err().contains("may not"));
    assert!(bench.say("user:ben", approver(), approve()).unwrap_err().contains("team:web, user:dora"));
    let of_team = Credentials { teams: vec!["web".to_owned()], ..approver() };
    bench.say("user:ben", of_team, approve()).unwrap();
    let mut bench = asked(plan_with(1, 1, asked_of));
    bench.approves("dora").unwrap();
}

#[test]
fn approving_takes_a_recent_login() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    let approve = || Action::Approve { step: None, note: None };
    let at = |at_ms| Credentials { authenticated_at_ms: at_ms, ..approver() };
    bench.now_ms = 10_000_000;
    for old in [None, Some(bench.now_ms - STEP_UP_MS - 1), Some(bench.now_ms + 1)] {
        // (The approval itself expires at 1000 + 30 minutes; that is told first where it is over.)
        bench.now_ms = 1_700_000;
        let old = old.map(|at_ms| at_ms - 10_000_000 + bench.now_ms);
        let refused = bench.say_as("user:ben", at(old), approve()).unwrap_err();
        assert!(refused.contains("confirm who you are again"), "{refused}");
    }
    bench.say_as("user:ben", at(Some(bench.now_ms - STEP_UP_MS)), approve()).unwrap();
}

#[test]
fn one_person_twice_is_one_person() {
    let mut bench = asked(plan_with(1, 2, |_| {}));
    bench.approves("ben").unwrap();
    assert!(bench.approves("ben").unwrap_err().contains("counts once"));
    assert!(matches!(bench.need(), Some(Need::Approve(asked)) if asked.votes.len() == 1));
    assert!(bench.looking.is_none() && bench.live().is_empty());
    bench.approves("cleo").unwrap();
    bench.look(|_| {});
    assert_eq!(bench.live().len(), 1);
}

#[test]
fn who_takes_the_wheel_after_approving_counts_no_more() {
    let mut bench = asked(plan_with(1, 1, |_| {}));
    bench.approves("ben").unwrap();
    bench.say("user:ben", Credentials::default(), Action::TakeWheel).unwrap();
    bench.look(|_| {});
    assert!(bench.live().is_empty());
    assert!(matches!(bench.need(), Some(Need::Approve(asked)) if !asked.votes[0].counts));
    bench.approves("cleo").unwrap();
    bench.look(|_| {});
    assert_eq!(bench.live().len(), 1);
}
