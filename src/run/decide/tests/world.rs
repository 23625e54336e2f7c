//! The world that approvals are bound to, for the tests, and what must hold of every use of one.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bench, anna};
use crate::id::{Digest, HostName, StepId};
use crate::run::action::{Action, Input, Request};
use crate::run::approval::{Binding, ClosedWindow, Credentials, Found, HostBinding, Look};
use crate::run::event::{Actor, Event, Purpose};
use crate::run::plan::{PlannedApproval, PlannedWindow, WindowRule};
use crate::run::state::State;
use crate::runbook::model::Effect;

pub fn rule(persons_min: u32, every_wave: bool) -> PlannedApproval {
    PlannedApproval { prompt: None, from: vec![], persons_min, within_ms: 1_800_000, every_wave }
}

pub fn freeze() -> PlannedWindow {
    PlannedWindow { name: "freeze".to_owned(), rule: WindowRule::Not, overridden: false }
}

pub fn closed(until_ms: Option<i64>) -> Vec<ClosedWindow> {
    vec![ClosedWindow { name: "freeze".to_owned(), until_ms, why: "the window freeze is on".to_owned() }]
}

pub fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

pub fn binding(state: &State, step: &StepId) -> Binding {
    let host = HostBinding {
        address: digest("address"),
        account: digest("account"),
        keys: digest("keys"),
        labels: digest("labels"),
        expect: digest("expect"),
    };
    Binding {
        plan: state.digest,
        step: step.clone(),
        text: digest("text"),
        scripts: BTreeMap::from([("a.sh".to_owned(), digest("script"))]),
        commit_is_served: true,
        secrets: vec!["token".parse().unwrap()],
        hosts: state.plan.hosts.iter().map(|target| (target.name.clone(), host.clone())).collect(),
        selection: digest("selection"),
        policy: digest("policy"),
    }
}

/// Ben and Cleo may approve and have just logged in.
pub fn approver() -> Credentials {
    Credentials { may_approve: true, authenticated_at_ms: Some(0), ..Credentials::default() }
}

/// Everyone who has given their word may still.
pub fn voters(state: &State) -> BTreeMap<String, Result<(), String>> {
    let votes = state.approval.iter().flat_map(|approval| &approval.votes);
    votes.map(|vote| (vote.by.person().to_owned(), Ok(()))).collect()
}

pub fn disable(found: &mut Found, name: &str) {
    found.voters.insert(format!("user:{name}"), Err("the account is disabled".to_owned()));
}

impl Bench {
    /// Brings the look that was asked for, after `change` has been at the world.
    pub fn look(&mut self, change: impl FnOnce(&mut Found)) -> Vec<crate::run::action::Effect> {
        let (step, asked_seq) = self.looking.clone().expect("a look was asked for");
        let mut found = Found { binding: binding(&self.state, &step), closed: vec![], voters: voters(&self.state) };
        change(&mut found);
        let look = Look { step, asked_seq, at_ms: self.now_ms, found: Ok(found) };
        self.feed(&Input::Surroundings(Box::new(look))).unwrap()
    }

    pub fn say(&mut self, by: &str, who: Credentials, action: Action) -> Result<(), String> {
        let who = Credentials { authenticated_at_ms: who.authenticated_at_ms.map(|_| self.now_ms), ..who };
        self.say_as(by, who, action)
    }

    pub fn say_as(&mut self, by: &str, who: Credentials, action: Action) -> Result<(), String> {
        let request = Request { by: Actor(by.to_owned()), who, seen_seq: self.state.seq, action };
        self.feed(&Input::Person(request)).map(drop)
    }

    pub fn approves(&mut self, name: &str) -> Result<(), String> {
        self.say(&format!("user:{name}"), approver(), Action::Approve { step: None, note: None })
    }

    pub fn kinds(&self) -> Vec<String> {
        let name = |event: &Event| serde_json::to_value(event).unwrap().as_object().unwrap().keys().next().cloned();
        self.log.iter().map(|(_, event)| name(event).unwrap()).collect()
    }
}

/// What one input may lead to: a use needs a look of that very moment that equals what was asked about, and enough
/// different persons who have no hand in the run and who may give their word at that moment.
pub fn check_words_follow_the_rules(before: &State, input: &Input, now_ms: i64, events: &[Event]) {
    let found = match input {
        Input::Surroundings(look) => look.found.as_ref().ok(),
        _ => None,
    };
    let mut state = before.clone();
    for event in events {
        match event {
            Event::ApprovalUsed { step, .. } => {
                let found = found.expect("an approval is used right after a look only");
                let asked = state.approval.as_ref().filter(|asked| asked.step == *step).expect("it was asked for");
                assert_eq!(asked.binding, found.binding, "nothing has changed since it was asked for");
                assert!(enough_may(&state, step, Some(found)), "as many other persons as the rule asks for");
                assert!(asked.votes.iter().all(|vote| !vote.by.0.contains('/')), "no token ever counts");
            }
            Event::AttemptPlanned(plan) if matches!(plan.purpose, Purpose::Main | Purpose::Undo) => {
                let index = state.plan.step_index(&plan.step).unwrap();
                let step = &state.plan.steps[index];
                let cell = state.cell(&plan.step, &plan.host).unwrap();
                let polls = cell.let_poll && plan.purpose == Purpose::Main;
                if step.approval.is_some() && !polls {
                    assert!(
                        enough_may(&state, &plan.step, found),
                        "nothing begins without a quorum that may approve now"
                    );
                }
                let changes = plan.purpose == Purpose::Undo || step.effect() != Effect::Check;
                let given = &state.steps[index].windows_overridden;
                let is_open = |name: &str| {
                    given.iter().any(|one| one.name == name && one.until_ms.is_none_or(|until_ms| now_ms < until_ms))
                };
                if changes && state.plan.windows.iter().any(|window| !is_open(&window.name)) {
                    let found = found.expect("what changes begins right after a look only");
                    let shut = found.closed.iter().any(|window| !is_open(&window.name));
                    assert!(!shut, "nothing changes while a window forbids it");
                }
            }
            _ => {}
        }
        state.apply(now_ms, event).expect("decided events can follow");
    }
}

/// Whether enough different persons gave their word who are not the run's own and may give it now. Counted here by other
/// means than the code's own.
fn enough_may(state: &State, step: &StepId, found: Option<&Found>) -> bool {
    let rule = state.plan.steps[state.plan.step_index(step).unwrap()].approval.clone().unwrap();
    let asked = state.approval.as_ref().filter(|asked| asked.step == *step).expect("it was asked for");
    let found = found.expect("a guarded step begins right after a look only");
    let mut persons: BTreeSet<&str> =
        asked.votes.iter().filter(|vote| vote.lapsed.is_none()).map(|vote| vote.by.person()).collect();
    persons.retain(|person| state.drivers.iter().all(|driver| driver.person() != *person));
    persons.retain(|person| found.voters.get(*person) == Some(&Ok(())));
    persons.len() >= rule.persons_min as usize
}

/// Over the whole log: each attempt of a step that needs the word of others, and each undo of one, takes one that was
/// given for its host; the looks of one waiting take one together.
pub fn check_each_main_has_its_word(log: &[(i64, Event)]) {
    let Event::RunStarted { plan, .. } = &log[0].1 else { panic!("a log begins with its start") };
    let mut given: BTreeSet<(&StepId, &HostName)> = BTreeSet::new();
    let mut polling: BTreeSet<(&StepId, &HostName)> = BTreeSet::new();
    let mut open = false;
    for (_, event) in log {
        match event {
            Event::ApprovalRequested { .. } => {
                given.clear();
                open = true;
            }
            Event::ApprovalUsed { step, hosts } => {
                assert!(open, "a request is used once");
                open = false;
                given = hosts.iter().map(|host| (step, host)).collect();
            }
            Event::ApprovalVoided { .. } | Event::ApprovalExpired { .. } | Event::UndoStarted { .. } => given.clear(),
            Event::RetryRequested { step, hosts, .. } => {
                polling.retain(|(polled, host)| *polled != step || !hosts.contains(host));
            }
            Event::UnknownResolved { step, host, .. } => {
                polling.remove(&(step, host));
            }
            Event::AttemptPlanned(attempt) if matches!(attempt.purpose, Purpose::Main | Purpose::Undo) => {
                let step = &plan.steps[plan.step_index(&attempt.step).unwrap()];
                let place = (&attempt.step, &attempt.host);
                if step.approval.is_none() || (attempt.purpose == Purpose::Main && polling.contains(&place)) {
                    continue;
                }
                assert!(given.remove(&place), "each attempt takes one word, once");
                if step.is_until() && attempt.purpose == Purpose::Main {
                    polling.insert(place);
                }
            }
            _ => {}
        }
    }
}

/// Inputs that have to do with approvals and windows, for the properties; none for the others.
pub fn input_for(bench: &Bench, (what, which, detail): (u8, u8, u8)) -> Option<Input> {
    if what < 150 {
        return None;
    }
    let person = |by: &str, action| {
        let fresh = Some(bench.now_ms - if detail.is_multiple_of(13) { 3_600_000 } else { 0 });
        let who = Credentials {
            may_approve: !detail.is_multiple_of(11),
            authenticated_at_ms: fresh,
            may_override_windows: true,
            ..Credentials::default()
        };
        let seen_seq = if detail.is_multiple_of(17) { bench.state.seq.saturating_sub(2) } else { bench.state.seq };
        Some(Input::Person(Request { by: Actor(by.to_owned()), who, seen_seq, action }))
    };
    let names = ["user:ben", "user:cleo", "user:dora", "user:anna", "user:ben/ci", "user:bert"];
    match which % 8 {
        0..4 => {
            let (step, asked_seq) = bench.looking.clone()?;
            let mut found =
                Found { binding: binding(&bench.state, &step), closed: vec![], voters: voters(&bench.state) };
            if detail % 16 == 3 {
                disable(&mut found, "ben");
            }
            if detail.is_multiple_of(5) {
                found.binding.policy = digest("another policy");
            }
            if detail.is_multiple_of(7) && !bench.state.plan.windows.is_empty() {
                found.closed = closed(Some(bench.now_ms + 60_000));
            }
            let asked_seq = if detail.is_multiple_of(19) { asked_seq.saturating_sub(5) } else { asked_seq };
            let found = if detail.is_multiple_of(23) { Err("the disk is away".to_owned()) } else { Ok(found) };
            Some(Input::Surroundings(Box::new(Look { step, asked_seq, at_ms: bench.now_ms, found })))
        }
        4 | 5 => person(names[detail as usize % names.len()], Action::Approve { step: None, note: None }),
        6 => person(&anna().0, Action::AskAgain { step: None }),
        _ => match detail % 4 {
            0 => person("user:ben", Action::Reject { step: None, reason: "no".into() }),
            1 => person(names[detail as usize % names.len()], Action::Withdraw { step: None }),
            _ => {
                let step = bench.state.plan.steps.get(bench.state.current?)?.id.clone();
                person("user:cleo", Action::OverrideWindow { step, reason: "the site is down".into() })
            }
        },
    }
}
