//! Any sequence of inputs keeps what the product promises; replaying the events gives the same state.

mod approvals;
mod approvers;
mod gates;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::decide;
use crate::id::{AttemptId, Digest, HostName, RunId, StepId};
use crate::inventory::target::{Expect, Target, Via};
use crate::run::action::{Action, Effect, Heads, Input, Report, Request};
use crate::run::event::{Actor, Event, Purpose, Resolution, StepResult};
use crate::run::need::need;
use crate::run::outcome::{Exit, GoneBecause, HostFacts};
use crate::run::plan::{
    Gesture, PLAN_VERSION, Pace, Part, Plan, PlannedAction, PlannedCheck, PlannedRetry, PlannedStep, PlannedUndo,
    PlannedVerify, Surroundings,
};
use crate::run::state::{CellState, Standing, State};
use crate::run::view::Need;
use crate::run::wake::wake_at;
use crate::run::wave;
use crate::runbook::model::{self, Attach, OnFailure, Placement};

pub(crate) fn target(name: &str, prod: bool) -> Target {
    let labels = if prod { BTreeMap::from([("env".to_owned(), "prod".to_owned())]) } else { BTreeMap::new() };
    Target { name: name.parse().unwrap(), labels, via: Via::Recorded, expect: Expect::default() }
}

pub(crate) fn command(id: &str, effect: model::Effect) -> PlannedStep {
    PlannedStep {
        id: id.parse().unwrap(),
        part: Part::Step,
        name: format!("Do {id}"),
        why: None,
        only_if: None,
        action: PlannedAction::Command { body: format!("echo {id}"), effect },
        placement: Placement::Each,
        delegate_to: None,
        guards: vec![],
        preview: None,
        confirm: None,
        surroundings: Surroundings {
            run_as: None,
            shell: "sh".to_owned(),
            env: BTreeMap::new(),
            dir: None,
            stdin: None,
            timeout_ms: 60_000,
            merge: false,
        },
        retry: None,
        idempotent: false,
        capture: BTreeMap::new(),
        expect: None,
        otherwise: None,
        verify: None,
        undo: None,
        on_failure: OnFailure::Pause,
        critical: false,
        expect_disconnect: false,
        wait_for_ssh_ms: None,
        attach: Attach::Tether,
        approval: None,
    }
}

pub(crate) fn plan(hosts: Vec<Target>, steps: Vec<PlannedStep>, pace: Pace) -> Plan {
    Plan {
        version: PLAN_VERSION,
        runbook: "web/test".parse().unwrap(),
        title: "Test".to_owned(),
        summary: "A test.".to_owned(),
        tags: Vec::new(),
        authority: None,
        windows: vec![],
        override_reason: None,
        commit: None,
        text_digest: Digest::of(b""),
        inputs: BTreeMap::new(),
        secrets: vec![],
        named_secrets: BTreeMap::new(),
        selection_size: hosts.len() as u32,
        hosts,
        delegates: vec![],
        pace,
        hosts_confirmed: None,
        locks: vec![],
        steps,
        parallel_max: 4,
        continues: None,
    }
}

fn anna() -> Actor {
    Actor("user:anna".to_owned())
}

/// A run that is worked by hand in a test: time, ids and the log are plain values.
struct Bench {
    state: State,
    log: Vec<(i64, Event)>,
    now_ms: i64,
    next_id: u128,
    started: BTreeSet<AttemptId>,
    /// A look that the engine was asked for and has not brought.
    looking: Option<(StepId, u64)>,
}

impl Bench {
    fn new(plan: Plan) -> Self {
        let digest = plan.digest();
        let run = RunId(uuid::Uuid::from_u128(7));
        let event = Event::RunStarted { run, plan: Box::new(plan), digest, by: anna() };
        let state = State::first(1000, &event).unwrap();
        Self { state, log: vec![(1000, event)], now_ms: 1000, next_id: 1, started: BTreeSet::new(), looking: None }
    }

    /// Feeds one input, keeps the log, and checks every invariant.
    fn feed(&mut self, input: &Input) -> Result<Vec<Effect>, String> {
        let before = self.state.clone();
        let mut next_id = self.next_id;
        let decided = decide(&self.state, input, self.now_ms, &mut || {
            next_id += 1;
            AttemptId(uuid::Uuid::from_u128(next_id))
        });
        self.next_id = next_id;
        let decision = match decided {
            Ok(decision) => decision,
            Err(refusal) => {
                assert_eq!(self.state, before, "a refusal changes nothing");
                return Err(refusal.to_string());
            }
        };
        self.check_plans_follow_the_rules(&before, &decision.events);
        world::check_words_follow_the_rules(&before, input, self.now_ms, &decision.events);
        if matches!(input, Input::Surroundings(_) | Input::Restarted) {
            self.looking = None;
        }
        self.state = decision.state;
        self.log.extend(decision.events.iter().cloned().map(|event| (self.now_ms, event)));
        for effect in &decision.effects {
            if let Effect::LookAround { step, seq, .. } = effect {
                self.looking = Some((step.clone(), *seq));
            }
            if let Effect::Start { attempt } = effect {
                assert!(self.started.insert(*attempt), "an attempt is started by one decision only");
                let planned = decision
                    .events
                    .iter()
                    .any(|event| matches!(event, Event::AttemptPlanned(plan) if plan.attempt == *attempt));
                assert!(planned, "an attempt's plan is stored before its start");
            }
        }
        self.check_state();
        world::check_each_main_has_its_word(&self.log);
        Ok(decision.effects)
    }

    /// Replays the decision event by event to see what each attempt was planned upon.
    fn check_plans_follow_the_rules(&self, before: &State, events: &[Event]) {
        let mut state = before.clone();
        for event in events {
            if let Event::AttemptPlanned(attempt) = event
                && attempt.purpose == Purpose::Main
            {
                let index = state.plan.step_index(&attempt.step).unwrap();
                let step = &state.plan.steps[index];
                let cell = state.cell(&attempt.step, &attempt.host).unwrap();
                let wave = wave::current_wave(&state, index).expect("a planned attempt is of the current wave");
                let position = state.steps[index].cells.iter().position(|other| other.host == attempt.host).unwrap();
                assert!(wave.cells.contains(&position), "an attempt is of the current wave");
                assert!(wave.gesture.is_none() || cell.released, "nothing runs before it is confirmed");
                if !step.guards.is_empty() {
                    assert_eq!(cell.state, CellState::Guarded(step.guards.len()), "every guard holds right before");
                }
                assert!(!state.is_dropped(&attempt.host), "a dropped host is left alone");
                assert!(state.pause.is_none() && state.stop.is_none(), "nothing starts while paused or stopping");
                let proven = |name: &HostName| matches!(state.host(name).unwrap().standing, Standing::Proven(_));
                assert!(proven(&attempt.runs_on), "a host is proven before anything runs on it");
            }
            state.apply(self.now_ms, event).expect("decided events can follow");
        }
    }

    fn check_state(&self) {
        let replayed = State::replay(self.log.iter().map(|(at_ms, event)| (*at_ms, event))).unwrap();
        assert_eq!(replayed, self.state, "replaying the events gives an equal state");
        assert!(self.state.live_attempts().count() <= self.state.plan.parallel_max as usize);
        let mut busy = BTreeSet::new();
        for (_, attempt) in self.state.live_attempts() {
            assert!(busy.insert((&attempt.plan.step, &attempt.plan.host)), "a cell has one attempt at a time");
        }
        let someone_works = self.state.live_attempts().next().is_some();
        let proving = self.state.hosts.iter().any(|host| matches!(host.standing, Standing::Unproven));
        assert!(
            self.state.ended.is_some()
                || someone_works
                || proving
                || self.looking.is_some()
                || wake_at(&self.state).is_some()
                || need(&self.state).is_some(),
            "the run neither goes on nor waits for anybody: {:#?}",
            self.state.steps
        );
        if self.state.ended.is_some() {
            assert!(!someone_works, "an ended run has nothing running");
        }
        for step in &self.state.steps {
            for cell in &step.cells {
                if let Some(attempt) = cell.live_attempt() {
                    assert!(
                        !self.state.attempts[&attempt].is_over(),
                        "a cell does not wait for an attempt that is over"
                    );
                }
            }
        }
    }

    fn begin(&mut self) {
        self.feed(&Input::Begin).unwrap();
        let hosts: Vec<HostName> = self.state.hosts.iter().map(|host| host.name.clone()).collect();
        for host in hosts {
            self.feed(&Input::HostProven { host, facts: facts() }).unwrap();
        }
    }

    fn act(&mut self, action: Action) -> Result<Vec<Effect>, String> {
        self.feed(&Input::Person(Request { by: anna(), who: Default::default(), seen_seq: self.state.seq, action }))
    }

    fn live(&self) -> Vec<AttemptId> {
        self.state.live_attempts().map(|(id, _)| *id).collect()
    }

    fn exit_all(&mut self, code: i32) {
        for attempt in self.live() {
            self.feed(&Input::Attempt { attempt, report: Report::Ended(Exit::Code(code), Heads::default()) }).unwrap();
        }
    }

    fn need(&self) -> Option<Need> {
        need(&self.state)
    }
}

fn facts() -> HostFacts {
    HostFacts { hostname: "h".into(), machine_id: None, boot_id: None, user: "ops".into(), host_key: None }
}

fn id(text: &str) -> StepId {
    text.parse().unwrap()
}

#[test]
fn reading_steps_run_by_themselves_to_the_end() {
    let steps = vec![command("a", model::Effect::Check), command("b", model::Effect::Check)];
    let mut bench = Bench::new(plan(vec![target("h1", false), target("h2", false)], steps, Pace::Step));
    bench.begin();
    bench.exit_all(0);
    bench.exit_all(0);
    assert!(matches!(&bench.state.ended, Some(ended) if ended.end == crate::run::event::RunEnd::Succeeded));
}

#[test]
fn a_change_waits_for_its_button_and_a_destructive_step_for_the_name_of_its_host() {
    let steps = vec![command("a", model::Effect::Change), command("b", model::Effect::Destructive)];
    let mut bench = Bench::new(plan(vec![target("h1", false)], steps, Pace::Auto));
    bench.begin();
    assert_eq!(bench.live().len(), 1, "pace auto presses the button of a change");
    bench.exit_all(0);
    assert!(matches!(bench.need(), Some(Need::Confirm { gesture: Gesture::Host, .. })));
    let wrong = bench.act(Action::Confirm { step: id("b"), typed: Some("h2".into()) });
    assert!(wrong.unwrap_err().contains("h1"));
    bench.act(Action::Confirm { step: id("b"), typed: Some("h1".into()) }).unwrap();
    assert_eq!(bench.live().len(), 1);
}

#[test]
fn a_stale_page_is_told_so() {
    let mut bench = Bench::new(plan(vec![target("h1", false)], vec![command("a", model::Effect::Change)], Pace::Step));
    bench.begin();
    let request = Request {
        by: anna(),
        who: Default::default(),
        seen_seq: 1,
        action: Action::Confirm { step: id("a"), typed: None },
    };
    let refusal = bench.feed(&Input::Person(request)).unwrap_err();
    assert!(refusal.contains("moved on"), "{refusal}");
}

#[test]
fn only_the_driver_confirms_and_anyone_may_stop() {
    let mut bench = Bench::new(plan(vec![target("h1", false)], vec![command("a", model::Effect::Change)], Pace::Step));
    bench.begin();
    let bert = Actor("user:bert".into());
    let confirm = Action::Confirm { step: id("a"), typed: None };
    let request = |action: Action, seq: u64| {
        Input::Person(Request { by: bert.clone(), who: Default::default(), seen_seq: seq, action })
    };
    let seq = bench.state.seq;
    assert!(bench.feed(&request(confirm.clone(), seq)).unwrap_err().contains("take the wheel"));
    bench.feed(&request(Action::TakeWheel, seq)).unwrap();
    let seq = bench.state.seq;
    bench.feed(&request(confirm, seq)).unwrap();
    let effects = bench.act(Action::Abort { reason: "enough".into() }).unwrap();
    assert!(matches!(effects[..], [Effect::Stop { .. }]));
    let attempt = bench.live()[0];
    bench.feed(&Input::Attempt { attempt, report: Report::Ended(Exit::Signal(15), Heads::default()) }).unwrap();
    assert!(matches!(&bench.state.ended, Some(ended) if ended.end == crate::run::event::RunEnd::Aborted));
}

#[test]
fn an_unknown_outcome_stops_the_run_until_a_person_has_looked() {
    let steps = vec![command("a", model::Effect::Change), command("b", model::Effect::Change)];
    let mut bench = Bench::new(plan(vec![target("h1", false)], steps, Pace::Auto));
    bench.begin();
    let attempt = bench.live()[0];
    bench.feed(&Input::Attempt { attempt, report: Report::Gone(GoneBecause::HostRebooted) }).unwrap();
    assert!(matches!(bench.need(), Some(Need::ResolveUnknown { .. })));
    bench.now_ms += 365 * 86_400_000;
    bench.feed(&Input::Tick).unwrap();
    assert!(matches!(bench.need(), Some(Need::ResolveUnknown { .. })), "time alone resolves nothing");
    let resolve =
        |resolution| Action::Resolve { step: id("a"), host: "h1".parse().unwrap(), resolution, note: String::new() };
    assert!(bench.act(resolve(Resolution::Partly)).is_err(), "partly needs a note");
    bench.act(resolve(Resolution::DidNotRun)).unwrap();
    assert_eq!(bench.live().len(), 1, "a new attempt, under a new id");
    assert_ne!(bench.live()[0], attempt);
}

#[test]
fn a_read_only_command_is_run_again_after_an_unknown_outcome() {
    let mut bench = Bench::new(plan(vec![target("h1", false)], vec![command("a", model::Effect::Check)], Pace::Step));
    bench.begin();
    for _ in 0..super::RERUNS_MAX {
        let attempt = bench.live()[0];
        bench.feed(&Input::Attempt { attempt, report: Report::Lost }).unwrap();
        bench.now_ms += 60_000;
        bench.feed(&Input::Tick).unwrap();
    }
    assert_eq!(bench.live().len(), 1);
}

#[test]
fn six_hosts_begin_with_one_and_then_need_their_count() {
    let hosts = (1..=6).map(|n| target(&format!("h{n}"), false)).collect();
    let mut bench = Bench::new(plan(hosts, vec![command("a", model::Effect::Change)], Pace::Step));
    bench.begin();
    bench.act(Action::Confirm { step: id("a"), typed: None }).unwrap();
    assert_eq!(bench.live().len(), 1, "first one host");
    bench.exit_all(0);
    assert!(matches!(bench.need(), Some(Need::Confirm { gesture: Gesture::Count, .. })));
    assert!(bench.act(Action::Confirm { step: id("a"), typed: Some("6".into()) }).is_err());
    bench.act(Action::Confirm { step: id("a"), typed: Some("5".into()) }).unwrap();
    assert_eq!(bench.live().len(), 4, "within the bound of commands at once");
}

#[test]
fn a_failed_host_holds_up_the_others_until_someone_decides() {
    let hosts = (1..=6).map(|n| target(&format!("h{n}"), false)).collect();
    let mut bench = Bench::new(plan(hosts, vec![command("a", model::Effect::Change)], Pace::Auto));
    bench.state = bench.state.clone();
    bench.begin();
    bench.exit_all(1);
    assert!(bench.live().is_empty(), "the canary failed: nothing else starts");
    assert!(matches!(bench.need(), Some(Need::Decide { .. })));
    assert!(bench.act(Action::Resume).is_err());
    bench.act(Action::Skip { step: id("a"), hosts: vec![], reason: String::new() }).unwrap_err();
    bench.act(Action::Retry { step: id("a"), hosts: vec![] }).unwrap();
    assert_eq!(bench.live().len(), 1);
}

#[test]
fn an_attempt_that_never_reached_its_host_is_started_again_under_its_own_id_after_a_restart() {
    let mut bench = Bench::new(plan(vec![target("h1", false)], vec![command("a", model::Effect::Change)], Pace::Auto));
    bench.begin();
    let attempt = bench.live()[0];
    let effects = bench.feed(&Input::Restarted).unwrap();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Attend { attempt: again, .. } if *again == attempt)));
    assert_eq!(bench.live(), vec![attempt]);
}

#[test]
fn a_step_over_its_time_has_timed_out_only_when_the_host_says_it_is_gone() {
    let mut bench = Bench::new(plan(vec![target("h1", false)], vec![command("a", model::Effect::Check)], Pace::Step));
    bench.begin();
    let attempt = bench.live()[0];
    bench.feed(&Input::Attempt { attempt, report: Report::Running }).unwrap();
    bench.now_ms += 61_000;
    let effects = bench.feed(&Input::Tick).unwrap();
    assert!(matches!(effects[..], [Effect::Stop { .. }]));
    assert_eq!(bench.live().len(), 1, "it still counts as running");
    bench.feed(&Input::Attempt { attempt, report: Report::Ended(Exit::Signal(15), Heads::default()) }).unwrap();
    let cell = bench.state.cell(&id("a"), &"h1".parse().unwrap()).unwrap();
    assert_eq!(cell.state, CellState::Finished(StepResult::TimedOut));
}

fn any_step(number: usize) -> impl Strategy<Value = PlannedStep> {
    let effect = prop_oneof![Just(model::Effect::Check), Just(model::Effect::Change), Just(model::Effect::Destructive)];
    let on_failure = prop_oneof![
        Just(OnFailure::Pause),
        Just(OnFailure::Stop),
        Just(OnFailure::Continue),
        Just(OnFailure::SkipHost),
        Just(OnFailure::Undo)
    ];
    let shape = (0..6u8, 0..3usize, any::<[bool; 8]>());
    (effect, on_failure, shape).prop_map(move |(effect, on_failure, (kind, guards, flags))| {
        let mut step = command(&format!("s{number}"), effect);
        step.on_failure = on_failure;
        step.idempotent = flags[0];
        step.guards = vec![PlannedCheck { check: "true".into(), expect: None, otherwise: None }; guards];
        step.preview = flags[1].then(|| "ls".to_owned());
        step.retry = flags[2].then_some(PlannedRetry { every_ms: 1000, times_max: 2, for_ms_max: None });
        step.verify = flags[3].then(|| PlannedVerify {
            check: "true".into(),
            capture: BTreeMap::new(),
            expect: None,
            every_ms: 500,
            limit_ms: 2000,
        });
        step.undo = flags[4]
            .then(|| if flags[5] { PlannedUndo::Run("undo".into()) } else { PlannedUndo::Manual("Undo.".into()) });
        step.approval = flags[6].then(|| world::rule(if flags[7] { 2 } else { 1 }, flags[5]));
        match kind {
            0 => step.action = PlannedAction::Manual { instruction: "Look.".into(), ask: vec![] },
            1 => step.action = PlannedAction::Pause { for_ms: 5000 },
            2 => step.placement = Placement::First,
            3 => {
                step.action =
                    PlannedAction::Until { check: "true".into(), expect: None, every_ms: 1000, limit_ms: 5000 }
            }
            _ => {}
        }
        step
    })
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let steps = (any_step(1), any_step(2), any_step(3), any::<bool>());
    (1..9usize, steps, any::<[bool; 4]>()).prop_map(|(hosts, (first, second, third, precondition), flags)| {
        let hosts = (1..=hosts).map(|n| target(&format!("h{n}"), flags[0] && n == 1)).collect();
        let mut steps = vec![first, second, third];
        if precondition {
            let mut check = command("precondition-1", model::Effect::Check);
            check.part = Part::Precondition;
            check.on_failure = OnFailure::Stop;
            steps.insert(0, check);
        }
        let mut plan = plan(hosts, steps, if flags[1] { Pace::Auto } else { Pace::Step });
        plan.hosts_confirmed = flags[2].then_some(plan.hosts.len() as u32);
        if flags[3] {
            plan.windows = vec![world::freeze()];
        }
        plan
    })
}

/// Random numbers that become inputs fitting the state at hand, mostly.
fn input_for(bench: &Bench, pick: (u8, u8, u8)) -> Input {
    let (what, which, detail) = pick;
    let live = bench.live();
    let hosts: Vec<HostName> = bench.state.hosts.iter().map(|host| host.name.clone()).collect();
    let host = hosts[which as usize % hosts.len()].clone();
    let steps = &bench.state.plan.steps;
    let step = match bench.state.current {
        Some(index) if detail % 8 != 0 => steps[index].id.clone(),
        _ => steps[which as usize % steps.len()].id.clone(),
    };
    let person = |action| {
        let by = if detail % 16 == 1 { Actor("user:bert".into()) } else { anna() };
        let seen_seq = if detail % 16 == 2 { bench.state.seq.saturating_sub(3) } else { bench.state.seq };
        Input::Person(Request { by, who: Default::default(), seen_seq, action })
    };
    if let Some(input) = world::input_for(bench, pick) {
        return input;
    }
    match what % 20 {
        0 => Input::Tick,
        1 => Input::Restarted,
        2 => Input::HostUnreachable { host, reason: "no route".into() },
        3 if detail % 8 == 0 => Input::HostRefused { host, reason: "other key".into(), next_step: "Look.".into() },
        3 | 4 => Input::HostProven { host, facts: facts() },
        5 => person(Action::Retry { step, hosts: if detail % 2 == 0 { vec![] } else { vec![host] } }),
        6 => person(Action::Skip { step, hosts: vec![], reason: "known".into() }),
        7 => {
            let resolution = [Resolution::Completed, Resolution::DidNotRun, Resolution::Partly, Resolution::Stop]
                [detail as usize % 4];
            person(Action::Resolve { step, host, resolution, note: "looked".into() })
        }
        8 => person(Action::Done { step, note: None }),
        9 => person(match detail % 6 {
            0 => Action::Pause,
            1 => Action::Resume,
            2 => Action::TakeWheel,
            3 => Action::DropHost { host, reason: "broken".into() },
            4 => Action::Undo { reason: "wrong".into() },
            _ => Action::UndoDone { step, note: None },
        }),
        10 if detail % 8 == 0 => person(Action::Abort { reason: "enough".into() }),
        10 => person(Action::Stop { step, hosts: vec![], reason: "slow".into() }),
        11 | 12 => person(match need(&bench.state) {
            Some(Need::Confirm { step, expected, .. }) => Action::Confirm { step, typed: expected },
            _ => Action::Resume,
        }),
        _ if live.is_empty() => Input::Tick,
        kind => {
            let attempt = live[which as usize % live.len()];
            let report = match (kind, detail % 12) {
                (13, _) => Report::Running,
                (14, 0) => Report::Gone(GoneBecause::RunnerDied),
                (14, 1) => Report::Lost,
                (14, 2) => Report::DidNotRun("disk full".into()),
                (14, 3) => Report::Stopped,
                (14, 4) => Report::StopFailed,
                (14, 5) => Report::DirectLost,
                (14, _) => Report::Unreachable("no route".into()),
                (_, 0) => Report::Ended(Exit::Signal(9), Heads::default()),
                (_, 1 | 2) => Report::Ended(Exit::Code(1), Heads::default()),
                _ => Report::Ended(Exit::Code(0), Heads::default()),
            };
            Input::Attempt { attempt, report }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_inputs_keeps_the_invariants(
        plan in any_plan(),
        picks in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), 0..20_000i64), 1..80),
    ) {
        let mut bench = Bench::new(plan);
        bench.feed(&Input::Begin).unwrap();
        for (what, which, detail, passed_ms) in picks {
            bench.now_ms += passed_ms;
            let input = input_for(&bench, (what, which, detail));
            let _ = bench.feed(&input);
        }
    }

    #[test]
    fn events_survive_their_stored_form(plan in any_plan(), picks in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), 0..20_000i64), 1..40)) {
        let mut bench = Bench::new(plan);
        bench.begin();
        for (what, which, detail, passed_ms) in picks {
            bench.now_ms += passed_ms;
            let input = input_for(&bench, (what, which, detail));
            let _ = bench.feed(&input);
        }
        for (_, event) in &bench.log {
            let text = serde_json::to_string(event).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Event>(&text).unwrap(), event);
        }
    }
}
