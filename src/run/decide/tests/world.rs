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

impl Bench {
    /// Brings the look that was asked for, after `change` has been at the world.
    pub fn look(&mut self, change: impl FnOnce(&mut Found)) -> Vec<crate::run::action::Effect> {
        let (step, asked_seq) = self.looking.clone().expect("a look was asked for");
        let mut found = Found { binding: binding(&self.state, &step), closed: vec![] };
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
/// different persons who have no hand in the run.
pub fn check_words_follow_the_rules(before: &State, input: &Input, events: &[Event]) {
    let found = match input {
        Input::Surroundings(look) => look.found.as_ref().ok(),
        _ => None,
    };
    let overridden = events.iter().any(|event| matches!(event, Event::WindowOverridden { .. }));
    for event in events {
        match event {
            Event::ApprovalUsed { step, .. } => {
                let found = found.expect("an approval is used right after a look only");
                let asked = before.approval.as_ref().filter(|asked| asked.step == *step).expect("it was asked for");
                assert_eq!(asked.binding, found.binding, "nothing has changed since it was asked for");
                let rule = before.plan.steps[before.plan.step_index(step).unwrap()].approval.clone().unwrap();
                let mut persons: BTreeSet<&str> = asked.votes.iter().map(|vote| vote.by.person()).collect();
                persons.retain(|person| before.drivers.iter().all(|driver| driver.person() != *person));
                assert!(persons.len() >= rule.persons_min as usize, "as many other persons as the rule asks for");
                assert!(asked.votes.iter().all(|vote| !vote.by.0.contains('/')), "no token ever counts");
            }
            Event::AttemptPlanned(plan) if plan.purpose == Purpose::Main => {
                let index = before.plan.step_index(&plan.step).unwrap();
                let heeds = before.plan.steps[index].effect() != Effect::Check && !before.plan.windows.is_empty();
                if heeds && !before.steps[index].windows_overridden && !overridden {
                    let found = found.expect("a changing step begins right after a look only");
                    assert!(found.closed.is_empty(), "nothing changes while a window forbids it");
                }
            }
            _ => {}
        }
    }
}

/// Over the whole log: each attempt of a step that needs the word of others takes one that was given for its host.
pub fn check_each_main_has_its_word(log: &[(i64, Event)]) {
    let Event::RunStarted { plan, .. } = &log[0].1 else { panic!("a log begins with its start") };
    let mut given: BTreeSet<(&StepId, &HostName)> = BTreeSet::new();
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
            Event::ApprovalVoided { .. } | Event::ApprovalExpired { .. } => given.clear(),
            Event::AttemptPlanned(attempt) if attempt.purpose == Purpose::Main => {
                let needs_word = plan.steps[plan.step_index(&attempt.step).unwrap()].approval.is_some();
                assert!(
                    !needs_word || given.remove(&(&attempt.step, &attempt.host)),
                    "each attempt takes one word, once"
                );
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
            let mut found = Found { binding: binding(&bench.state, &step), closed: vec![] };
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
