//! Looks around right before a step: what an approval is bound to, and which windows are closed. Read anew each time,
//! from what is served now and not from what the run froze.

use std::collections::BTreeMap;

use super::Shared;
use super::ask::with_causes;
use crate::access;
use crate::id::{Digest, HostName, StepId, ValueName};
use crate::inventory::Inventory;
use crate::inventory::known_hosts::lines_about;
use crate::inventory::target::{HostKey, SshTarget, Target, Via};
use crate::library::{Library, LibraryError, Revision};
use crate::oncall::{self, Oncall};
use crate::run::approval::{Binding, Found, HostBinding, Look};
use crate::run::freeze::server;
use crate::run::plan::{Plan, PlannedAction};
use crate::runbook::parse::parse;

/// What is to be looked at.
pub struct Question {
    pub step: StepId,
    /// The run's last event.
    pub seq: u64,
    pub plan: std::sync::Arc<Plan>,
    /// The secrets that are at hand.
    pub secrets: Vec<ValueName>,
}

/// Looks around.
pub async fn look_around(shared: &Shared, question: Question) -> Look {
    let found = found(shared, &question).await.map_err(|error| with_causes(&error));
    Look { step: question.step, asked_seq: question.seq, at_ms: shared.clock.wall_ms(), found }
}

async fn found(shared: &Shared, question: &Question) -> Result<Found, LibraryError> {
    let (library, plan) = (&shared.library, &question.plan);
    let served = library.resolve(None).await?;
    // An inventory that a program prints may take a while: windows are judged by the time after it.
    let binding = binding(library, &served, question).await?;
    let closed = if plan.windows.is_empty() {
        Vec::new()
    } else {
        windows(library, &served).await?.closed(&plan.windows, shared.clock.wall_ms())
    };
    Ok(Found { binding, closed })
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
