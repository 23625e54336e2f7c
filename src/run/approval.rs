//! What a second person's word is bound to, who may give it, and when it counts.
//!
//! An approval lets one wave of one step begin once. It is bound to everything that was true of the world when it was
//! asked for ([`Binding`]); the engine looks again right before it is used, and any difference voids it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{Digest, HostName, StepId, ValueName};
use crate::run::action::Refusal;
use crate::run::asking::Shown;
use crate::run::event::Actor;
use crate::run::plan::{Approvers, PlannedApproval};
use crate::run::state::State;

/// An approval that was not used by then is void, unless the runbook says another time: long enough to fetch somebody,
/// short enough that what they saw still is so.
pub const WITHIN_DEFAULT_MS: u64 = 30 * 60 * 1000;

/// Who approves has proven in person who they are within this time: an unlocked screen is not a second person.
pub const STEP_UP_MS: i64 = 15 * 60 * 1000;

/// A look at the world that was over longer ago than this when it is judged is made again.
pub const LOOK_AGE_MAX_MS: i64 = 10 * 1000;

/// What a request proves about the person behind it, as whoever let it in says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    pub teams: Vec<String>,
    /// It came by a token: nobody is there.
    pub is_token: bool,
    /// It came by a token that belongs to nobody: it does not say whose hand it is, so nobody could be barred by it.
    pub is_of_nobody: bool,
    /// When the person last proved in person who they are, milliseconds since 1970.
    pub authenticated_at_ms: Option<i64>,
    /// The policy lets them approve this run.
    pub may_approve: bool,
    /// The policy lets them go on against a window, with a reason.
    pub may_override_windows: bool,
}

/// What was true when an approval was asked for, as digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    pub plan: Digest,
    pub step: StepId,
    /// Of the runbook as it is served now, which may be another than the run's.
    pub text: Digest,
    /// Of the files that its script steps name, as they are served now.
    pub scripts: BTreeMap<String, Digest>,
    /// Whether the run's commit is the served one or before it.
    pub commit_is_served: bool,
    /// The secrets that are at hand.
    pub secrets: Vec<ValueName>,
    /// The hosts and delegates of the plan that the inventory still has.
    pub hosts: BTreeMap<HostName, HostBinding>,
    /// Of the names of all hosts that the served runbook selects.
    pub selection: Digest,
    /// Of `access.yaml`.
    pub policy: Digest,
}

/// One host as the inventory has it, by what people call it when it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostBinding {
    /// Address and port, those of the hosts on the way included.
    pub address: Digest,
    /// The account and its key file.
    pub account: Digest,
    /// Keys that are accepted, with what known_hosts files say of the host.
    pub keys: Digest,
    pub labels: Digest,
    /// What the host must say of itself.
    pub expect: Digest,
}

/// What the engine found when it looked around.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    pub step: StepId,
    /// The run's last event when the look was asked for: what happened later may ask for another.
    pub asked_seq: u64,
    /// When the look was over.
    pub at_ms: i64,
    /// Or why nothing can be said.
    pub found: Result<Found, String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub binding: Binding,
    /// The windows of the plan that forbid changes now.
    pub closed: Vec<ClosedWindow>,
    /// Each person who has given their word: whether they may still give it, or why not. Whoever is not named here was
    /// not asked about, and does not count.
    pub voters: BTreeMap<String, Result<(), String>>,
}

/// A window that forbids changes now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedWindow {
    pub name: String,
    /// When that ends, milliseconds since 1970; none if nobody can say.
    pub until_ms: Option<i64>,
    /// `the window freeze is on` or `outside of the window night`.
    pub why: String,
}

/// An approval from its request to its use or its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    pub step: StepId,
    /// The hosts that it lets begin.
    pub hosts: Vec<HostName>,
    pub asked_by: Actor,
    pub binding: Binding,
    pub asked_at_ms: i64,
    /// The request's event: whoever votes must have seen it.
    pub asked_seq: u64,
    pub expires_at_ms: i64,
    /// What those who were asked saw, one a host.
    pub shown: Vec<Shown>,
    pub votes: Vec<Vote>,
    pub standing: Standing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    pub by: Actor,
    pub at_ms: i64,
    pub note: Option<String>,
    /// Why whoever gave it may not give it any more, if the last look found that.
    pub lapsed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It may be given, and used once enough persons gave it.
    Asked,
    Rejected {
        by: Actor,
        reason: String,
    },
    Withdrawn {
        by: Actor,
    },
    Expired,
    /// What changed.
    Voided(Vec<String>),
    Used,
}

impl Binding {
    /// What is other than it was, in words; empty if nothing is.
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let mut differs = |same: bool, what: String| {
            if !same {
                changes.push(what);
            }
        };
        differs(self.plan == now.plan, "the plan".to_owned());
        differs(self.step == now.step, "the step".to_owned());
        differs(self.text == now.text, "the runbook's text".to_owned());
        differs(
            self.commit_is_served == now.commit_is_served,
            "whether the run's commit is among the served ones".to_owned(),
        );
        differs(self.secrets == now.secrets, "which secrets are at hand".to_owned());
        differs(self.selection == now.selection, "which hosts the runbook selects".to_owned());
        differs(self.policy == now.policy, "the access policy".to_owned());
        for file in self.scripts.keys().chain(now.scripts.keys().filter(|file| !self.scripts.contains_key(*file))) {
            differs(self.scripts.get(file) == now.scripts.get(file), format!("the file {file}"));
        }
        for (name, was) in &self.hosts {
            match now.hosts.get(name) {
                None => differs(false, format!("{name} is no longer in the inventory")),
                Some(is) => {
                    differs(was.address == is.address, format!("the address of {name}"));
                    differs(was.account == is.account, format!("the account on {name}"));
                    differs(was.keys == is.keys, format!("the host key of {name}"));
                    differs(was.labels == is.labels, format!("the labels of {name}"));
                    differs(was.expect == is.expect, format!("what {name} must say of itself"));
                }
            }
        }
        for name in now.hosts.keys().filter(|name| !self.hosts.contains_key(*name)) {
            differs(false, format!("{name} is new in the inventory"));
        }
        changes
    }
}

impl PlannedApproval {
    /// Whether it is asked of this person, who is in these teams.
    pub fn asks(&self, person: &str, teams: &[String]) -> bool {
        self.from.is_empty() || self.from.iter().any(|from| from.holds(person, teams))
    }
}

impl Approvers {
    fn holds(&self, person: &str, teams: &[String]) -> bool {
        match self {
            Self::Team(team) => teams.contains(team),
            Self::User(name) => person.strip_prefix("user:") == Some(name),
        }
    }
}

impl std::fmt::Display for Approvers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Team(team) => write!(formatter, "team:{team}"),
            Self::User(name) => write!(formatter, "user:{name}"),
        }
    }
}

/// Why this person's word cannot count for the step, if it cannot: four eyes are two persons.
pub fn barred(state: &State, step: usize, by: &Actor) -> Option<&'static str> {
    let person = by.person();
    let is = |other: &Actor| other.person() == person;
    if is(&state.started_by) {
        return Some("started this run");
    }
    if state.drivers.iter().any(is) {
        return Some("drives or drove this run");
    }
    if state.approval.as_ref().is_some_and(|approval| is(&approval.asked_by)) {
        return Some("asked for this approval");
    }
    state.steps[step].hands.iter().any(is).then_some("has a hand in this step")
}

/// Why a word that was given does not count now: whoever gave it has come to work the run, or may not give it any more.
pub fn why_not_counted(state: &State, step: usize, vote: &Vote) -> Option<String> {
    let barred = || barred(state, step, &vote.by).map(str::to_owned);
    vote.lapsed.clone().or_else(barred)
}

/// The persons whose word counts now, each once. Somebody who took the wheel after approving counts no more.
pub fn counted(state: &State, step: usize, approval: &Approval) -> usize {
    let mut persons: Vec<&str> = approval
        .votes
        .iter()
        .filter(|vote| why_not_counted(state, step, vote).is_none())
        .map(|vote| vote.by.person())
        .collect();
    persons.sort_unstable();
    persons.dedup();
    persons.len()
}

/// The approval of this step that may be used, if enough persons gave it and it is neither used nor over.
pub fn granted<'a>(state: &'a State, step: usize, rule: &PlannedApproval) -> Option<&'a Approval> {
    let approval = of_step(state, step)?;
    let enough = counted(state, step, approval) >= rule.persons_min as usize;
    (approval.standing == Standing::Asked && enough).then_some(approval)
}

/// The approval that was last asked for at this step.
pub fn of_step(state: &State, step: usize) -> Option<&Approval> {
    state.approval.as_ref().filter(|approval| approval.step == state.plan.steps[step].id)
}

/// Whether this person may answer the request at all.
///
/// # Errors
/// Why not.
pub fn may_answer(
    state: &State,
    step: usize,
    rule: &PlannedApproval,
    by: &Actor,
    who: &Credentials,
) -> Result<(), Refusal> {
    if who.is_token || is_token(by) {
        return Err(Refusal::NotNow("a token cannot approve or reject: a person must, in person".to_owned()));
    }
    if !who.may_approve {
        return Err(Refusal::NotNow(format!("{by} may not approve this run")));
    }
    if let Some(why) = barred(state, step, by) {
        return Err(Refusal::NotNow(format!("{} {why}: somebody else must look", by.person())));
    }
    if !rule.asks(by.person(), &who.teams) {
        let from: Vec<String> = rule.from.iter().map(ToString::to_string).collect();
        return Err(Refusal::NotNow(format!("this approval is asked of {}; {by} is not among them", from.join(", "))));
    }
    Ok(())
}

/// Whether the person proved lately who they are.
///
/// # Errors
/// They did not.
pub fn stepped_up(who: &Credentials, now_ms: i64) -> Result<(), Refusal> {
    match who.authenticated_at_ms {
        Some(at_ms) if (at_ms..=at_ms.saturating_add(STEP_UP_MS)).contains(&now_ms) => Ok(()),
        Some(_) | None => Err(Refusal::ConfirmWhoYouAre),
    }
}

/// Whether the name is that of a token, whatever its credentials say.
pub fn is_token(by: &Actor) -> bool {
    by.person() != by.0 || by.0.starts_with("token:")
}
