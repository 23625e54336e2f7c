//! Any sequence of requests keeps what the handoff promises, and the life of one from draft to close.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::checks::{self, sample};
use super::decide::{Ask, Decision, Refusal, Request, Written, WrittenItem, begin, close, decide, missing, pass_time};
use super::draft::draft;
use super::event::{ActionChange, Event};
use super::record::{Action, Contingency, DraftedItem, FactKind, Record, Severity};
use super::state::{self, Phase, State};
use super::timing;
use crate::id::{HandoffId, ItemKey};
use crate::run::decide::tests as run;
use crate::run::event::{Actor, Event as RunEvent};
use crate::run::picture::picture;
use crate::run::plan::{Pace, PlannedWindow, WindowRule};
use crate::run::state::State as RunState;

const MINUTE_MS: i64 = 60_000;
const OWN_WORDS: &str = "I clean out old releases; past 95 % of the disk I halt its worker";

fn actor(name: &str) -> Actor {
    Actor(format!("user:{name}"))
}

fn key(text: &str) -> ItemKey {
    text.parse().unwrap()
}

/// A handoff with its log, and the invariants looked at after every step.
struct Bench {
    state: State,
    log: Vec<(i64, Event)>,
    now_ms: i64,
}

impl Bench {
    fn new() -> Self {
        let shift = sample::shift();
        let now_ms = shift.ends_ms - 60 * MINUTE_MS;
        let begun = begin(HandoffId(uuid::Uuid::from_u128(1)), &shift, 0, None, None, now_ms).unwrap();
        let log = begun.events.into_iter().map(|event| (now_ms, event)).collect();
        Self { state: begun.state, log, now_ms }
    }

    /// With the good item of the samples, drafted and written.
    fn written() -> Self {
        let mut bench = Self::new();
        let item = sample::item();
        let drafted = DraftedItem {
            key: item.key.clone(),
            title: item.title.clone(),
            history: item.summary.history.clone(),
            runs: item.runs.clone(),
            carried: None,
        };
        bench.say("anna", Ask::RefreshFacts { items: vec![drafted], facts: vec![] }).unwrap();
        let overview = Written::Overview { overview: "One disk fills.".into(), upcoming: String::new() };
        bench.write(overview).unwrap();
        bench.write(Written::Item { key: item.key.clone(), item: Box::new(judged(Severity::Watcher)) }).unwrap();
        bench
    }

    fn offered() -> Self {
        let mut bench = Self::written();
        bench.sign().unwrap();
        bench.say("anna", Ask::Offer).unwrap();
        bench
    }

    fn write(&mut self, what: Written) -> Result<(), Refusal> {
        let revision = self.state.revision;
        self.say("anna", Ask::Write { revision, what })
    }

    fn sign(&mut self) -> Result<(), Refusal> {
        let (_, mut world) = sample::world_of(self.state.record.clone());
        world.now_ms = self.now_ms;
        let findings = checks::check(&self.state, &world);
        self.say("anna", Ask::Sign { digest: self.state.digest(), findings, reasons: BTreeMap::new() })
    }

    fn take(&mut self) -> Result<(), Refusal> {
        let digest = self.state.digest();
        self.say("ben", Ask::Acknowledge { digest, wheels: [(sample::run(), 13)].into() })
    }

    fn say(&mut self, who: &str, ask: Ask) -> Result<(), Refusal> {
        let request = Request { by: actor(who), may_force: who == "lead", ask };
        let decision = decide(&self.state, &request, self.now_ms)?;
        self.follow(decision, Some(who));
        Ok(())
    }

    fn follow(&mut self, decision: Decision, who: Option<&str>) {
        let before = std::mem::replace(&mut self.state, decision.state);
        for event in &decision.events {
            self.log.push((self.now_ms, event.clone()));
            self.look_at(event, who, &before);
        }
        let replayed = State::replay(self.log.iter().map(|(at_ms, event)| (*at_ms, event))).unwrap();
        assert_eq!(replayed, self.state, "what is replayed is what was decided");
        let keys: Vec<&ItemKey> = self.state.record.items.iter().map(|item| &item.key).collect();
        assert!(keys.len() == self.state.custody.len(), "each item has one holder");
        assert!(keys.iter().all(|key| self.state.custody.contains_key(*key)), "each item has one holder");
        let schedule = sample::shift();
        for at_ms in [0, self.state.shift.ends_ms - 1, self.state.shift.ends_ms, i64::MAX] {
            let paged = timing::paged(&schedule, at_ms);
            assert_eq!(timing::paged(&self.state.shift, at_ms), paged, "who is paged follows the schedule alone");
        }
    }

    /// What each event may do, whoever asked for it.
    fn look_at(&self, event: &Event, who: Option<&str>, before: &State) {
        match event {
            Event::HandoffAcknowledged { .. } => {
                for item in before.to_read() {
                    let receipt = before.receipt(&item.key).expect("each item was looked at");
                    assert!(receipt.decision.is_some(), "no acknowledgement without a decision on each item");
                    let said = receipt.read_back.is_some() || !item.needs_read_back();
                    assert!(said, "no acknowledgement without a read-back of what is not stable");
                }
                assert!(before.is_signed() && before.open_questions().next().is_none());
                assert_eq!(who, Some("ben"));
            }
            Event::ItemReadBack { .. }
            | Event::ItemAccepted { .. }
            | Event::RecapWritten { .. }
            | Event::QuestionAsked { .. }
            | Event::TakenUnbriefed { .. }
            | Event::HandoffReturned { .. } => assert_eq!(who, Some("ben"), "nobody but the receiver writes synthesis"),
            Event::RecordRevised { .. } | Event::RecordSigned { .. } | Event::ReadBackSettled { .. } => {
                assert_eq!(who, Some("anna"), "nobody but the sender writes the judgement");
            }
            Event::FactsDrafted { .. } | Event::TimePassed { .. } | Event::HandoffClosed { .. } => {
                for item in &self.state.record.items {
                    let was = before.record.item(&item.key).and_then(|item| item.severity);
                    assert_eq!(item.severity, was, "severity is never set by the system");
                }
            }
            Event::CustodyForced { reason, .. } => assert!(who == Some("lead") && !reason.is_empty()),
            Event::HandoffBegun { .. }
            | Event::HandoffOffered { .. }
            | Event::OfferWithdrawn { .. }
            | Event::QuestionAnswered { .. }
            | Event::ReadBackObjected { .. }
            | Event::CommentMade { .. }
            | Event::ActionChanged { .. }
            | Event::HandoffVoided { .. } => {}
        }
    }

    fn pass_minutes(&mut self, minutes: i64) {
        self.now_ms += minutes * MINUTE_MS;
        let decision = pass_time(&self.state, self.now_ms);
        self.follow(decision, None);
    }
}

fn judged(severity: Severity) -> WrittenItem {
    let item = sample::item();
    WrittenItem {
        title: item.title,
        severity: Some(severity),
        severity_basis: item.severity_basis,
        statement: item.summary.statement,
        tried: item.summary.tried,
        assessment: item.summary.assessment,
        plan: item.summary.plan,
        decision: item.summary.decision,
        actions: item.actions,
        contingencies: item.contingencies,
    }
}

#[test]
fn from_draft_to_close_each_word_has_its_place() {
    let mut bench = Bench::written();
    assert!(matches!(bench.say("anna", Ask::Offer), Err(Refusal::NotNow(_))), "unsigned");
    bench.sign().unwrap();
    bench.say("anna", Ask::Offer).unwrap();
    let disk = key("web.disk-full");
    let Err(Refusal::Incomplete(missing)) = bench.take() else { panic!("nothing was read back") };
    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(
        missing,
        [
            "say web.disk-full in your own words",
            "decide on web.disk-full: accept it or decline it",
            "write the recap: the whole in your own words",
        ]
    );
    let copy = "The disk of web-1 fills with core dumps of the worker.".to_owned();
    let refused = bench.say("ben", Ask::ReadBack { item: disk.clone(), text: copy }).unwrap_err();
    assert!(refused.to_string().contains("own words"), "{refused}");
    bench.say("ben", Ask::ReadBack { item: disk.clone(), text: OWN_WORDS.into() }).unwrap();
    bench.say("ben", Ask::Question { item: Some(disk.clone()), text: "Who owns the worker?".into() }).unwrap();
    assert_eq!(bench.state.phase, Phase::Questioned);
    assert!(bench.say("ben", Ask::Accept { item: disk.clone() }).is_err(), "the question is open");
    bench.say("anna", Ask::Answer { question: 1, text: "team:web".into() }).unwrap();
    bench.say("ben", Ask::Accept { item: disk.clone() }).unwrap();
    bench.say("ben", Ask::Recap { text: "One disk, mine until noon.".into() }).unwrap();
    bench.take().unwrap();
    assert_eq!(bench.state.custody[&disk].holder, actor("ben"));
    let Some(Event::HandoffAcknowledged { passed, .. }) = bench.log.last().map(|(_, event)| event) else { panic!() };
    assert_eq!((passed[0].wheels[0].run, passed[0].wheels[0].seq), (sample::run(), 13));
    let closed = close(&bench.state, HandoffId(uuid::Uuid::from_u128(2)), bench.now_ms);
    bench.follow(closed, None);
    assert_eq!(bench.state.phase.word(), "closed");
}

#[test]
fn a_new_revision_undoes_the_signature_and_the_words_on_what_changed() {
    let mut bench = Bench::offered();
    let disk = key("web.disk-full");
    bench.say("ben", Ask::ReadBack { item: disk.clone(), text: OWN_WORDS.into() }).unwrap();
    let signed = bench.state.digest();
    let mut worse = judged(Severity::Unstable);
    worse.decision = "Wake me at once".into();
    bench.write(Written::Item { key: disk.clone(), item: Box::new(worse) }).unwrap();
    assert_eq!(bench.state.phase, Phase::Draft);
    assert!(bench.state.receipt(&disk).is_none() && !bench.state.is_signed());
    assert_eq!(
        bench.say("ben", Ask::Acknowledge { digest: signed, wheels: BTreeMap::new() }).unwrap_err(),
        Refusal::NotNow("it is not offered yet; its sender still writes".into())
    );
}

#[test]
fn after_the_acknowledgement_only_what_changed_is_read_again() {
    let mut bench = Bench::offered();
    let disk = key("web.disk-full");
    bench.say("ben", Ask::ReadBack { item: disk.clone(), text: OWN_WORDS.into() }).unwrap();
    bench.say("ben", Ask::Accept { item: disk.clone() }).unwrap();
    bench.say("ben", Ask::Recap { text: "One disk, mine.".into() }).unwrap();
    bench.take().unwrap();
    let new = key("item-2");
    bench.write(Written::NewItem { key: new.clone(), title: "The certificate".into() }).unwrap();
    assert_eq!(bench.state.phase, Phase::Amended([new.clone()].into()));
    assert_eq!(bench.state.custody[&new].holder, actor("anna"));
    assert_eq!(bench.state.custody[&disk].holder, actor("ben"), "what was taken stays taken");
    assert_eq!(bench.state.to_read().len(), 1);
    // The sender heard something wrong: that item comes back as well.
    bench.say("anna", Ask::Object { item: disk.clone(), reason: "the other disk".into() }).unwrap();
    assert_eq!(bench.state.to_read().len(), 2);
    bench.now_ms += timing::OBJECT_WITHIN_MS + 1;
    assert!(bench.say("anna", Ask::Object { item: disk, reason: "again".into() }).is_err());
}

#[test]
fn a_declined_item_goes_back_and_stays_with_its_sender() {
    let mut bench = Bench::offered();
    let disk = key("web.disk-full");
    bench.say("ben", Ask::ReadBack { item: disk.clone(), text: OWN_WORDS.into() }).unwrap();
    bench.say("ben", Ask::Decline { item: disk.clone(), reason: "I am on a train".into() }).unwrap();
    assert_eq!(bench.state.phase, Phase::Questioned);
    bench.say("anna", Ask::Answer { question: 1, text: "I keep it until ten".into() }).unwrap();
    bench.say("ben", Ask::Recap { text: "Nothing is mine yet.".into() }).unwrap();
    bench.take().unwrap();
    assert_eq!(bench.state.custody[&disk].holder, actor("anna"));
}

#[test]
fn a_number_that_differs_is_settled_by_both() {
    let mut bench = Bench::offered();
    let disk = key("web.disk-full");
    let other = "I clean out old releases; past 59 % of the disk I halt its worker".to_owned();
    bench.say("ben", Ask::ReadBack { item: disk.clone(), text: other }).unwrap();
    assert!(missing(&bench.state).iter().any(|lack| lack.to_string().contains("59%")));
    bench.say("anna", Ask::Settle { item: disk.clone() }).unwrap();
    assert!(!missing(&bench.state).iter().any(|lack| lack.to_string().contains("59%")));
}

#[test]
fn what_nobody_signed_goes_out_at_the_boundary_and_can_be_taken_without_briefing() {
    let mut bench = Bench::written();
    bench.pass_minutes(45);
    assert_eq!(bench.state.passed.len(), 1, "what is missing is told");
    bench.pass_minutes(15);
    assert_eq!((&bench.state.phase, bench.state.signature.is_some()), (&Phase::Offered, false));
    bench.say("ben", Ask::TakeUnbriefed { wheels: BTreeMap::new() }).unwrap();
    assert_eq!(bench.state.custody[&key("web.disk-full")].holder, actor("ben"));
    bench.pass_minutes(500);
    assert!(bench.state.overdue().is_none(), "whoever has it is not reminded of it");
}

#[test]
fn past_the_boundary_a_receiver_is_never_locked_out_by_an_absent_sender() {
    let unbriefed = || Ask::TakeUnbriefed { wheels: BTreeMap::new() };
    let disk = key("web.disk-full");
    // It went out by itself, and then somebody wrote on it.
    let mut edited = Bench::written();
    edited.pass_minutes(60);
    edited.write(Written::NewItem { key: key("item-2"), title: "The certificate".into() }).unwrap();
    assert_eq!(edited.state.phase, Phase::Draft);
    edited.say("ben", unbriefed()).unwrap();
    // It was signed, corrected, and not signed again.
    let mut corrected = Bench::offered();
    corrected.write(Written::Item { key: disk.clone(), item: Box::new(judged(Severity::Unstable)) }).unwrap();
    assert!(corrected.say("ben", unbriefed()).is_err(), "the boundary has not passed");
    corrected.pass_minutes(60);
    corrected.say("ben", unbriefed()).unwrap();
    // A question that nobody answers.
    let mut asked = Bench::offered();
    asked.pass_minutes(60);
    assert!(asked.say("ben", unbriefed()).is_err(), "it was signed, and ben has read nothing");
    asked.say("ben", Ask::ReadBack { item: disk.clone(), text: OWN_WORDS.into() }).unwrap();
    asked.say("ben", Ask::Question { item: Some(disk.clone()), text: "Which worker?".into() }).unwrap();
    assert!(asked.say("ben", unbriefed()).is_err(), "the recap is still ben's to write");
    asked.say("ben", Ask::Recap { text: "One disk, and one question.".into() }).unwrap();
    asked.say("ben", unbriefed()).unwrap();
    for bench in [edited, corrected, asked] {
        assert_eq!((bench.state.phase.word(), &bench.state.custody[&disk].holder), ("taken-unbriefed", &actor("ben")));
    }
}

#[test]
fn custody_is_taken_neither_from_a_third_nor_by_a_handoff_that_its_receiver_began() {
    let (shift, ben) = (sample::shift(), actor("ben"));
    let now_ms = shift.ends_ms + MINUTE_MS;
    let begun = begin(HandoffId(uuid::Uuid::nil()), &shift, 0, None, Some(&ben), now_ms).unwrap();
    let take = Request { by: ben.clone(), may_force: false, ask: Ask::TakeUnbriefed { wheels: BTreeMap::new() } };
    assert!(matches!(decide(&begun.state, &take, now_ms), Err(Refusal::NotYours(_))));
    let mut bench = Bench::written();
    let disk = key("web.disk-full");
    let (to, reason) = (actor("zoe"), "Anna sleeps".to_owned());
    bench.say("lead", Ask::Force { item: disk.clone(), to, reason, wheels: BTreeMap::new() }).unwrap();
    bench.pass_minutes(60);
    bench.say("ben", take.ask).unwrap();
    assert_eq!(bench.state.custody[&disk].holder, actor("zoe"), "a lead gave it to her");
}

#[test]
fn work_on_an_action_outdates_the_sender_s_page_and_leaves_their_word() {
    let mut bench = Bench::offered();
    let disk = key("web.disk-full");
    bench.say("ben", Ask::ReadBack { item: disk.clone(), text: OWN_WORDS.into() }).unwrap();
    bench.say("ben", Ask::Accept { item: disk.clone() }).unwrap();
    bench.say("ben", Ask::Recap { text: "One disk, mine.".into() }).unwrap();
    bench.take().unwrap();
    let seen = bench.state.revision;
    bench.say("ben", Ask::ChangeAction { item: disk.clone(), action: 0, change: ActionChange::Done }).unwrap();
    assert!(bench.state.is_signed(), "what was signed was not touched");
    let what = Written::Item { key: disk.clone(), item: Box::new(judged(Severity::Watcher)) };
    assert_eq!(bench.say("anna", Ask::Write { revision: seen, what }), Err(Refusal::Stale));
    assert!(bench.state.record.items[0].actions[0].done);
    bench.write(Written::Overview { overview: "Two disks fill.".into(), upcoming: String::new() }).unwrap();
    assert!(!bench.state.is_signed(), "but what is written is");
}

#[test]
fn what_is_carried_keeps_the_runs_that_decide_who_may_read_it() {
    let mut bench = Bench::written();
    bench.pass_minutes(60);
    bench.say("ben", Ask::TakeUnbriefed { wheels: BTreeMap::new() }).unwrap();
    let drafted = draft(&[], Some(&bench.state));
    assert_eq!(drafted.items[0].runs, [sample::run()]);
    let mut record = Record::default();
    record.take_facts(&drafted.items, &[]);
    assert_eq!(record.runs(), [sample::run()]);
}

#[test]
fn a_reason_for_a_start_is_told_as_a_window_only_where_one_was_gone_against() {
    let told = |overridden: bool| {
        let mut plan = run::plan(vec![run::target("web-1", false)], vec![], Pace::Step);
        plan.windows = vec![PlannedWindow { name: "freeze".into(), rule: WindowRule::Not, overridden }];
        plan.override_reason = Some("the site is down".into());
        let (digest, by) = (plan.digest(), Actor("user:anna".into()));
        let begun = RunEvent::RunStarted { run: sample::run(), plan: Box::new(plan), digest, by };
        let state = RunState::first(0, &begun).unwrap();
        let drafted = draft(&[picture(&state)], None);
        let facts = drafted.items[0].history.iter();
        let told = facts.filter(|fact| fact.kind == FactKind::OverriddenGuard).map(|fact| fact.text.clone());
        told.collect::<Vec<_>>()
    };
    assert_eq!(told(true), ["Test on web-1 went on against the window freeze: the site is down"]);
    assert_eq!(told(false), ["Test on web-1 was started against its guard: the site is down"]);
}

#[test]
fn the_marks_pass_one_by_one_and_sooner_when_something_is_unstable() {
    let passed_after = |severity: Severity| {
        let mut bench = Bench::written();
        bench.write(Written::Item { key: key("web.disk-full"), item: Box::new(judged(severity)) }).unwrap();
        bench.sign().unwrap();
        bench.say("anna", Ask::Offer).unwrap();
        let mut marks = Vec::new();
        for _ in 0..190 {
            let before = bench.state.passed.len();
            bench.pass_minutes(1);
            let minute = (bench.now_ms - bench.state.shift.ends_ms) / MINUTE_MS;
            marks.extend(bench.state.passed[before..].iter().map(|(step, _)| format!("{minute} {step:?}")));
        }
        assert_eq!(timing::next_ms(&bench.state), None);
        marks
    };
    assert_eq!(
        passed_after(Severity::Watcher),
        [
            "-15 TellWhatIsMissing",
            "0 Offer",
            "15 RemindReceiver",
            "30 PageSecondary",
            "60 PageLead",
            "120 LeaveUnattended",
        ]
    );
    assert_eq!(
        passed_after(Severity::Unstable),
        [
            "-15 TellWhatIsMissing",
            "0 Offer",
            "0 AskToTalk",
            "5 RemindReceiver",
            "10 PageReceiver",
            "15 PageSecondary",
            "20 PageLead",
            "40 LeaveUnattended",
        ]
    );
}

#[test]
fn a_lead_passes_custody_with_a_reason_and_nobody_else_does() {
    let mut bench = Bench::offered();
    let disk = key("web.disk-full");
    let force = |reason: &str| Ask::Force {
        item: disk.clone(),
        to: actor("zoe"),
        reason: reason.into(),
        wheels: BTreeMap::new(),
    };
    assert!(matches!(bench.say("ben", force("I want to")), Err(Refusal::NotYours(_))));
    assert!(matches!(bench.say("lead", force(" ")), Err(Refusal::Wrong(_))));
    bench.say("lead", force("Anna sleeps")).unwrap();
    assert_eq!(bench.state.custody[&disk].holder, actor("zoe"));
}

#[test]
fn an_emergency_is_one_sentence_and_the_rest_is_owed() {
    let shift = sample::shift();
    let now_ms = shift.starts_ms + MINUTE_MS;
    assert!(begin(HandoffId(uuid::Uuid::nil()), &shift, 0, Some("  "), None, now_ms).is_err());
    let begun = begin(HandoffId(uuid::Uuid::nil()), &shift, 0, Some("I am off to hospital"), None, now_ms).unwrap();
    let log = begun.events.into_iter().map(|event| (now_ms, event)).collect();
    let mut bench = Bench { state: begun.state, log, now_ms };
    bench.write(Written::NewItem { key: key("db"), title: "The replica".into() }).unwrap();
    bench.sign().unwrap();
    bench.say("anna", Ask::Offer).unwrap();
    bench
        .say("ben", Ask::ReadBack { item: key("db"), text: "A replica that needs eyes, all mine now".into() })
        .unwrap();
    bench.say("ben", Ask::Accept { item: key("db") }).unwrap();
    bench.say("ben", Ask::Recap { text: "Anna is away; the replica is mine".into() }).unwrap();
    bench.take().unwrap();
    bench.write(Written::Item { key: key("db"), item: Box::new(judged(Severity::Watcher)) }).unwrap();
    assert!(matches!(bench.state.phase, Phase::Amended(_)), "the rest comes afterwards, and is read");
}

#[test]
fn nobody_hands_over_to_themselves() {
    let mut shift = sample::shift();
    shift.incoming = Actor("user:anna/ci".into());
    let refused = begin(HandoffId(uuid::Uuid::nil()), &shift, 0, None, None, 0).unwrap_err();
    assert!(refused.to_string().contains("name who comes next"), "{refused}");
}

fn any_ask(bench: &Bench, pick: (u8, u8, u8)) -> (&'static str, Ask) {
    let (what, which, detail) = pick;
    let who = ["anna", "ben", "lead", "zoe"][usize::from(which) % 4];
    let keys: Vec<ItemKey> = bench.state.record.items.iter().map(|item| item.key.clone()).collect();
    let item = keys.get(usize::from(detail) % keys.len().max(1)).cloned().unwrap_or_else(|| key("none"));
    let revision = bench.state.revision;
    let digest = bench.state.digest();
    let severity = Severity::ALL[usize::from(detail) % 3];
    let wheels = BTreeMap::new();
    let ask = match what % 22 {
        0 => Ask::Write {
            revision,
            what: Written::NewItem { key: key(&format!("item-{}", detail % 5)), title: "New".into() },
        },
        1 | 2 => Ask::Write { revision, what: Written::Item { key: item, item: Box::new(judged(severity)) } },
        3 => Ask::Write { revision, what: Written::Dismiss { key: item, reason: "noise".into() } },
        4 | 5 => Ask::Sign { digest, findings: vec![], reasons: BTreeMap::new() },
        6 | 7 => Ask::Offer,
        8 => Ask::Withdraw { reason: "not yet".into() },
        9 | 10 => Ask::ReadBack { item, text: OWN_WORDS.into() },
        11 | 12 => Ask::Accept { item },
        13 => Ask::Decline { item, reason: "no".into() },
        14 => Ask::Question { item: Some(item), text: "why?".into() },
        15 => Ask::Answer { question: u32::from(detail % 4), text: "because".into() },
        16 => Ask::Recap { text: "mine".into() },
        17 | 18 => Ask::Acknowledge { digest, wheels },
        19 => Ask::TakeUnbriefed { wheels },
        20 => Ask::Force { item, to: actor("zoe"), reason: "asleep".into(), wheels },
        _ => Ask::Object { item, reason: "wrong".into() },
    };
    (who, ask)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_requests_keeps_the_promises(
        picks in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), 0..20_i64), 1..80),
        drafted in any::<bool>(),
    ) {
        let mut bench = if drafted { Bench::offered() } else { Bench::new() };
        for (what, which, detail, minutes) in picks {
            let (who, ask) = any_ask(&bench, (what, which, detail));
            let _ = bench.say(who, ask);
            if what % 5 == 0 {
                bench.pass_minutes(minutes);
            }
        }
        for (_, event) in &bench.log {
            let text = serde_json::to_string(event).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Event>(&text).unwrap(), event);
        }
    }

    #[test]
    fn facts_that_come_and_go_never_judge(texts in proptest::collection::vec("[a-c]{1,2}", 1..12)) {
        let mut record = Record::default();
        for text in &texts {
            let history = vec![sample::fact(FactKind::FailedRun, text)];
            let item = DraftedItem { key: key("web"), title: "Web".into(), history, runs: vec![sample::run()], carried: None };
            record.take_facts(&[item], &[]);
            let item = record.item(&key("web")).unwrap();
            prop_assert_eq!((item.severity, item.severity_basis.as_str()), (None, ""));
            prop_assert_eq!(item.summary.history.len(), 1);
            prop_assert_eq!(&item.summary.history[0].text, text);
        }
    }
}

#[test]
fn what_a_person_writes_is_bounded() {
    let mut bench = Bench::written();
    let mut long = judged(Severity::Watcher);
    long.tried = "x".repeat(super::record::TEXT_BYTES_MAX + 1);
    let disk = key("web.disk-full");
    assert!(
        bench
            .write(Written::Item { key: disk.clone(), item: Box::new(long) })
            .unwrap_err()
            .to_string()
            .contains("4000")
    );
    let mut wordy = judged(Severity::Watcher);
    wordy.statement = "x".repeat(281);
    assert!(bench.write(Written::Item { key: disk.clone(), item: Box::new(wordy) }).is_err());
    let mut many = judged(Severity::Watcher);
    let action = Action { text: "do".into(), owner: "ben".into(), due: None, runbook: None, done: false };
    many.actions = vec![action; super::record::LINES_MAX + 1];
    assert!(bench.write(Written::Item { key: disk.clone(), item: Box::new(many) }).is_err());
    let mut blank = judged(Severity::Watcher);
    blank.contingencies =
        vec![Contingency { condition: " ".into(), then: "x".into(), runbook: None, page: String::new() }];
    assert!(bench.write(Written::Item { key: disk, item: Box::new(blank) }).is_err());
    for at in 0..super::record::ITEMS_MAX + 3 {
        let _ = bench.write(Written::NewItem { key: key(&format!("item-{at}")), title: "x".into() });
    }
    assert_eq!(bench.state.record.items.len(), super::record::ITEMS_MAX);
    assert_eq!(state::number(0), 1);
}
