//! Looks around right before a step: what an approval is bound to, and which windows are closed. Read anew each time,
//! from what is served now and not from what the run froze.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ask::with_causes;
use super::policy::scope_of;
use super::{Engine, Shared};
use crate::access;
use crate::access::grant::Policy;
use crate::access::identity::{Identity, Reach, Road};
use crate::access::policy::{Permission, decide};
use crate::access::scope::{About, Scope};
use crate::id::{Digest, HostName, StepId, ValueName};
use crate::inventory::Inventory;
use crate::inventory::known_hosts::lines_about;
use crate::inventory::target::{HostKey, SshTarget, Target, Via};
use crate::library::{Library, LibraryError, Revision};
use crate::oncall::{self, Oncall};
use crate::run::approval::{Binding, Found, HostBinding, Look};
use crate::run::event::Actor;
use crate::run::freeze::server;
use crate::run::plan::{Plan, PlannedAction, PlannedApproval};
use crate::run::state::State;
use crate::runbook::parse::parse;
use crate::store::StoreError;

/// What is to be looked at.
pub struct Question {
    pub step: StepId,
    /// The run's last event.
    pub seq: u64,
    pub plan: std::sync::Arc<Plan>,
    /// The secrets that are at hand.
    pub secrets: Vec<ValueName>,
    /// Who has given their word for the step.
    pub voters: Vec<Actor>,
}

/// Why nothing can be said of the world.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Library(#[from] LibraryError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Question {
    /// What is to be looked at for a step of this run.
    pub fn new(state: &State, step: StepId, seq: u64, secrets: Vec<ValueName>) -> Self {
        let votes = state.approval.iter().flat_map(|approval| &approval.votes);
        let voters = votes.map(|vote| vote.by.clone()).collect();
        Self { step, seq, plan: state.plan.clone(), secrets, voters }
    }
}

/// Looks around.
pub async fn look_around(shared: &Arc<Shared>, question: Question) -> Look {
    let found = found(shared, &question).await.map_err(|error| with_causes(&error));
    Look { step: question.step, asked_seq: question.seq, at_ms: shared.clock.wall_ms(), found }
}

async fn found(shared: &Arc<Shared>, question: &Question) -> Result<Found, LookError> {
    let (library, plan) = (&shared.library, &question.plan);
    let served = library.resolve(None).await?;
    // An inventory that a program prints may take a while: windows are judged by the time after it.
    let binding = binding(library, &served, question).await?;
    let closed = if plan.windows.is_empty() {
        Vec::new()
    } else {
        windows(library, &served).await?.closed(&plan.windows, shared.clock.wall_ms())
    };
    // Last, so that nobody who is shut out while the rest is read still counts.
    let voters = voters(shared, question).await?;
    Ok(Found { binding, closed, voters })
}

/// Whether each voter may give their word at this moment, as if they gave it now: the account, and what the policy grants
/// it for this run. (Whether the team is one of those asked is theirs as long as the policy is the same, which the
/// binding holds; groups are looked at here, because a provider changes them without the file.)
async fn voters(shared: &Arc<Shared>, question: &Question) -> Result<BTreeMap<String, Result<(), String>>, StoreError> {
    let mut voters = BTreeMap::new();
    if question.voters.is_empty() {
        return Ok(voters);
    }
    let policy = Engine { shared: shared.clone() }.policy_now().await.policy;
    let scope = scope_of(&question.plan);
    let rule = question.plan.step_index(&question.step).and_then(|at| question.plan.steps[at].approval.as_ref());
    for voter in &question.voters {
        let person = voter.person();
        let name = person.strip_prefix("user:").unwrap_or_default();
        let may = match shared.store.person_named(name).await? {
            None => Err("there is no such account".to_owned()),
            Some(account) if account.is_disabled() => Err("the account is disabled".to_owned()),
            Some(account) => may_approve(&policy, person, account.person.groups, &scope, rule),
        };
        voters.insert(person.to_owned(), may);
    }
    Ok(voters)
}

fn may_approve(
    policy: &Policy,
    person: &str,
    groups: Vec<String>,
    scope: &Scope,
    rule: Option<&PlannedApproval>,
) -> Result<(), String> {
    let who = Identity {
        actor: Actor(person.to_owned()),
        road: Road::Session,
        groups,
        reach: Reach::Granted,
        authenticated_at_ms: None,
    };
    decide(policy, &who, Permission::Approve, About::Run(scope)).map_err(|denied| denied.to_string())?;
    match rule.filter(|rule| !rule.asks(person, &policy.teams_of(&who))) {
        Some(_) => Err("it is not asked of them any more".to_owned()),
        None => Ok(()),
    }
}

/// The windows at a revision. Without the file there are none.
///
/// # Errors
/// The repository cannot be read.
pub async fn windows(library: &Library, served: &Revision) -> Result<Oncall, LibraryError> {
    match library.file(served, oncall::FILE).await {
        Ok(file) => Ok(oncall::parse(oncall::FILE, &file.bytes)),
        Err(LibraryError::NoFile { .. }) => Ok(Oncall::default()),
        Err(other) => Err(other),
    }
}

async fn binding(library: &Library, served: &Revision, question: &Question) -> Result<Binding, LibraryError> {
    let plan = &question.plan;
    let inventory = library.inventory(served).await?.inventory;
    let text = match library.read(served, &plan.runbook).await {
        Ok(file) => file.bytes,
        Err(LibraryError::NoFile { .. }) => Vec::new(),
        Err(other) => return Err(other),
    };
    let mut hosts = BTreeMap::new();
    for target in plan.hosts.iter().chain(&plan.delegates) {
        if let Some(is) = now(&inventory, target) {
            hosts.insert(target.name.clone(), host(library, &is)?);
        }
    }
    Ok(Binding {
        plan: plan.digest(),
        step: question.step.clone(),
        selection: selection(plan, &text, &inventory),
        text: Digest::of(&text),
        scripts: scripts(library, served, plan).await?,
        commit_is_served: library.serves(plan.commit.as_deref(), served).await?,
        secrets: question.secrets.clone(),
        hosts,
        policy: library.digest_of(served, access::FILE).await?,
    })
}

/// The target of that name as the inventory has it. The server itself needs no line there.
fn now(inventory: &Inventory, target: &Target) -> Option<Target> {
    inventory.get(&target.name).cloned().or_else(|| Some(server()).filter(|server| server == target))
}

async fn scripts(library: &Library, served: &Revision, plan: &Plan) -> Result<BTreeMap<String, Digest>, LibraryError> {
    let mut scripts = BTreeMap::new();
    for step in &plan.steps {
        if let PlannedAction::Script { file, .. } = &step.action {
            match library.script(served, &plan.runbook, file).await {
                Ok(read) => drop(scripts.insert(file.clone(), read.digest())),
                Err(LibraryError::NoFile { .. }) => {}
                Err(other) => return Err(other),
            }
        }
    }
    Ok(scripts)
}

/// Of the names of all hosts that the served runbook is for, whichever of them this run is on.
fn selection(plan: &Plan, text: &[u8], inventory: &Inventory) -> Digest {
    let runbook = parse(&plan.runbook, "", text).runbook;
    let hosts = runbook.and_then(|runbook| runbook.hosts);
    let chosen = hosts.and_then(|hosts| inventory.choose(&hosts.chosen, &hosts.exclude).ok());
    let names: Vec<HostName> = chosen.unwrap_or_default().into_iter().map(|target| target.name).collect();
    digest(&names)
}

fn host(library: &Library, target: &Target) -> Result<HostBinding, LibraryError> {
    let hops: Vec<&SshTarget> = match &target.via {
        Via::Ssh(ssh) => ssh.jump.iter().chain([ssh]).collect(),
        Via::Local | Via::Recorded => Vec::new(),
    };
    let kind = match &target.via {
        Via::Ssh(_) => "ssh",
        Via::Local => "local",
        Via::Recorded => "recorded",
    };
    let addresses: Vec<_> = hops.iter().map(|hop| (&hop.address, hop.port)).collect();
    let accounts: Vec<_> = hops.iter().map(|hop| (&hop.user, &hop.identity)).collect();
    let mut keys: Vec<(&HostKey, String)> = Vec::new();
    for hop in &hops {
        let known = library.known_hosts(&hop.host_key)?;
        keys.push((&hop.host_key, lines_about(&known, hop.address.as_str(), hop.port)));
    }
    Ok(HostBinding {
        address: digest(&(kind, addresses)),
        account: digest(&accounts),
        keys: digest(&keys),
        labels: digest(&target.labels),
        expect: digest(&target.expect),
    })
}

fn digest<T: serde::Serialize>(value: &T) -> Digest {
    let json = serde_json::to_string(value).expect("a binding is made of types that JSON can hold");
    Digest::of(json.as_bytes())
}
