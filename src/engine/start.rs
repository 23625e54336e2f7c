//! Starts runs: reads the runbook at a commit, freezes the plan, stores the first event, sets the task going.

use std::collections::BTreeMap;

use super::ask::{EngineError, StartError, StartRequest, Started, with_causes};
use super::choosing::{self, Sight};
use super::codec::encoded;
use super::live::row;
use super::locks::locks_of;
use super::policy::scope_of;
use super::questions::reading;
use super::worker::Worker;
use super::{Engine, PARALLEL_MAX};
use crate::access::policy::{Permission, decide};
use crate::access::scope::About;
use crate::diagnostic::Severity;
use crate::entropy;
use crate::id::{RunId, RunbookPath, SecretName, ValueName};
use crate::inventory::target::Target;
use crate::library::{GitRef, LibraryError, Revision};
use crate::run::action::Input;
use crate::run::event::Event;
use crate::run::freeze::{Circumstances, freeze};
use crate::run::plan::{Continues, Part, Plan};
use crate::run::state::State;
use crate::runbook::available::not_yet_available;
use crate::runbook::model::{Action, InputKind, Runbook, Value};
use crate::runbook::parse::parse;
use crate::runbook::value::{parse_input, value_when_not_given};
use crate::store::run_log::AppendError;

impl Engine {
    /// Starts a run. When it returns, the plan is stored; the first effects are under way.
    ///
    /// # Errors
    /// See [`StartError`]; nothing has happened.
    pub async fn start(&self, request: StartRequest) -> Result<Started, StartError> {
        if self.is_draining() {
            return Err(StartError::Draining);
        }
        let (plan, refusal) = self.prepared(&request).await?;
        let _one_at_a_time = self.shared.starting.lock().await;
        let reserved = self.reserved(&request).await?;
        if let Some(run) = reserved
            && self.shared.store.run(run).await.map_err(|error| reading(&error))?.is_some()
        {
            return Ok(Started { run, seq: 1, fresh: false });
        }
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let now_ms = self.shared.clock.wall_ms();
        let run = match reserved {
            Some(run) => run,
            None => self.reserve(&request, entropy::fresh_run_id(now_ms)).await?,
        };
        // Led before it is stored: once it is stored, nothing that can fail stands before its task.
        let Some(epoch) = self.shared.lead(run).await.map_err(|error| storing("lead the run", &error))? else {
            return Err(StartError::Guard("another server is starting this run".to_owned()));
        };
        let (digest, locks) = (plan.digest(), locks_of(&plan));
        let event = Event::RunStarted { run, plan: Box::new(plan), digest, by: request.who.actor.clone() };
        let state = State::first(now_ms, &event).expect("a start is a run's first event");
        let events = [encoded(&event, now_ms)];
        match self.shared.store.append_start(run, epoch, &events, &row(run, &state), &locks).await {
            Ok(_) => {}
            Err(AppendError::LockHeld { lock, holder, since_ms, .. }) => {
                return Err(StartError::Guard(self.held(&request.who, &lock, holder, since_ms).await.to_string()));
            }
            Err(error) => return Err(storing("store the start of the run", &error).into()),
        }
        Worker::spawn(&self.shared, state, epoch, request.secrets, vec![Input::Begin]);
        tracing::info!(run.id = %run, "the run started");
        Ok(Started { run, seq: 1, fresh: true })
    }

    /// What exactly a start would do: the frozen plan. Nothing happens.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn dry_run(&self, request: &StartRequest) -> Result<Plan, StartError> {
        Ok(self.prepared(request).await?.0)
    }

    /// The plan, and why the guards would refuse it now.
    async fn prepared(&self, request: &StartRequest) -> Result<(Plan, Option<StartError>), StartError> {
        let library = &self.shared.library;
        let git_ref = request.git_ref.as_deref().map(str::parse::<GitRef>).transpose();
        let git_ref = git_ref.map_err(|error| StartError::Guard(error.to_string()))?;
        let served = library.resolve(None).await.map_err(unreadable)?;
        let revision = match &git_ref {
            None => served.clone(),
            Some(_) => library.resolve(git_ref.as_ref()).await.map_err(unreadable)?,
        };
        // Before anything of another commit is read: it is whoever pushed it who wrote it.
        let tags = self.authorise_revision(request, &served, &revision).await?;
        let file = library
            .read(&revision, &request.runbook)
            .await
            .map_err(|error| missing(&request.runbook, &revision, error))?;
        let runbook = parsed(&request.runbook, &file.path, &file.bytes)?;
        let fields = not_yet_available(&runbook);
        if !fields.is_empty() {
            return Err(StartError::NotYetAvailable { runbook: request.runbook.clone(), fields });
        }
        let inputs = inputs(&runbook, request)?;
        // Hosts and their labels are those that are served, whichever commit the runbook is from: grants are about them,
        // and an inventory may start programs here.
        let inventory = library.inventory(&served).await.map_err(unreadable)?;
        let policy = self.policy_now().await.policy;
        let tags_served = tags.as_ref().unwrap_or(&runbook.tags);
        let sight = Sight { policy: &policy, who: &request.who, runbook: &runbook.path, tags: tags_served };
        let hosts = choosing::hosts(&runbook, request, &inventory.inventory, &sight)?;
        let delegates = choosing::delegates(&runbook, &inventory.inventory, &hosts.chosen)?;
        let touched: Vec<Target> = hosts.chosen.iter().chain(&delegates).cloned().collect();
        let guards = self.guards_at_start(&runbook, request, &touched).await?;
        let guards = self.believed_at_start(&runbook, &revision, request, guards).await?;
        let given = Circumstances {
            commit: revision.commit().map(|commit| commit.id.as_str().to_owned()),
            text_digest: file.digest(),
            inputs,
            secrets: secret_names(&runbook, request)?,
            named_secrets: named_secrets(&runbook),
            delegates,
            hosts: hosts.chosen,
            selection_size: hosts.selection_size,
            pace: request.pace,
            hosts_confirmed: request.confirm_hosts,
            scripts: self.scripts(&runbook, &revision).await?,
            parallel_max: PARALLEL_MAX,
            continues: self.continues(request).await?,
            windows_overridden: guards.overridden,
            override_reason: guards.reason,
        };
        let mut plan = freeze(&runbook, given).map_err(|error| StartError::Guard(error.to_string()))?;
        plan.tags = tags.unwrap_or(plan.tags);
        plan.authority = Some(self.authorise_start(request, &plan).await?);
        self.may_use_secrets(&plan)?;
        Ok((plan, guards.refusal))
    }

    async fn scripts(&self, runbook: &Runbook, revision: &Revision) -> Result<BTreeMap<String, String>, StartError> {
        let mut scripts = BTreeMap::new();
        for step in &runbook.steps {
            if let Action::Script { file, .. } = &step.action {
                let read = self.shared.library.script(revision, &runbook.path, file).await.map_err(unreadable)?;
                let text = String::from_utf8(read.bytes)
                    .map_err(|_| StartError::Guard(format!("the file {file} of step {} is not UTF-8 text", step.id)))?;
                scripts.insert(file.clone(), text);
            }
        }
        Ok(scripts)
    }

    async fn continues(&self, request: &StartRequest) -> Result<Option<Continues>, StartError> {
        let Some((run, from)) = &request.continues else {
            return Ok(None);
        };
        let Some(earlier) = self.seen(*run).await? else {
            return Err(StartError::Guard(format!("there is no run {run} to go on from")));
        };
        let earlier = &earlier.state;
        // Its values come into this run: whoever may not see that run must not get them by this road.
        let policy = self.policy_now().await.policy;
        if decide(&policy, &request.who, Permission::ReadRuns, About::Run(&scope_of(&earlier.plan))).is_err() {
            return Err(StartError::Guard(format!("there is no run {run} to go on from")));
        }
        if earlier.ended.is_none() {
            return Err(StartError::Guard(format!("run {run} has not ended; retry or skip its step instead")));
        }
        if earlier.plan.runbook != request.runbook {
            return Err(StartError::Guard(format!("run {run} was of runbook {}", earlier.plan.runbook)));
        }
        let Some(at) = earlier.plan.step_index(from) else {
            return Err(StartError::Guard(format!("run {run} has no step {from} to go on from")));
        };
        let before = earlier.plan.steps.iter().zip(&earlier.steps).take(at);
        let undone = before
            .filter(|(step, _)| step.part == Part::Step)
            .find(|(_, state)| state.cells.iter().any(|cell| !cell.is_fine() && !earlier.is_dropped(&cell.host)));
        if let Some((step, _)) = undone {
            let id = &step.id;
            return Err(StartError::Guard(format!(
                "step {id} of run {run} was not done: go on from there at the latest"
            )));
        }
        let values = earlier.hosts.iter().map(|host| (host.name.clone(), host.values.clone())).collect();
        Ok(Some(Continues { run: *run, from: from.clone(), values }))
    }

    /// The run that an earlier request with the same idempotency key started, or died before it could.
    async fn reserved(&self, request: &StartRequest) -> Result<Option<RunId>, StartError> {
        let Some(key) = setting_key(request) else {
            return Ok(None);
        };
        let found = self.shared.store.setting(&key).await.map_err(|error| reading(&error))?;
        Ok(found.and_then(|setting| setting.value.parse().ok()))
    }

    /// Stores which run the idempotency key stands for, before that run is. A crash between the two starts nothing,
    /// and the repeated request starts this very run. (The other way round it started a second one.)
    async fn reserve(&self, request: &StartRequest, run: RunId) -> Result<RunId, StartError> {
        let Some(key) = setting_key(request) else {
            return Ok(run);
        };
        let stored = self.shared.store.set_setting(&key, 0, &run.to_string()).await;
        match stored.map_err(|error| storing("remember the idempotency key", &error))? {
            Some(_) => Ok(run),
            // Another server was quicker.
            None => Ok(self.reserved(request).await?.unwrap_or(run)),
        }
    }
}

/// Keys are each starter's own.
fn setting_key(request: &StartRequest) -> Option<String> {
    let key = request.idempotency_key.as_ref()?;
    Some(format!("start/{}", crate::id::Digest::of(format!("{}\n{key}", request.who.actor).as_bytes())))
}

fn storing(attempted: &str, error: &dyn std::error::Error) -> EngineError {
    EngineError::Storage { attempted: attempted.to_owned(), reason: with_causes(error) }
}

/// A ref that whoever asked chose is theirs to mend; everything else is the server's.
pub(super) fn unreadable(error: LibraryError) -> StartError {
    match error {
        LibraryError::UnknownRef { git_ref, suggestion, .. } => {
            let hint = suggestion.map(|text| format!("; {text}")).unwrap_or_default();
            StartError::Guard(format!("there is no branch, tag or commit {git_ref}{hint}"))
        }
        LibraryError::RefWithoutGit { git_ref, .. } => {
            StartError::Guard(format!("the runbooks are a folder without git: there is no ref {git_ref}"))
        }
        other => StartError::Engine(EngineError::Library(other.to_string())),
    }
}

fn missing(runbook: &RunbookPath, revision: &Revision, error: LibraryError) -> StartError {
    match error {
        LibraryError::NoFile { .. } => StartError::NoSuchRunbook { runbook: runbook.clone(), at: revision.to_string() },
        other => unreadable(other),
    }
}

/// The runbook, or the start's refusal with all its problems.
fn parsed(path: &RunbookPath, file: &str, bytes: &[u8]) -> Result<Runbook, StartError> {
    let parsed = parse(path, file, bytes);
    let errors = parsed.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    match parsed.runbook.filter(|_| !errors) {
        Some(runbook) => Ok(runbook),
        None => Err(StartError::Broken { runbook: path.clone(), diagnostics: parsed.diagnostics }),
    }
}

fn inputs(runbook: &Runbook, request: &StartRequest) -> Result<BTreeMap<ValueName, Value>, StartError> {
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    for name in request.inputs.keys() {
        match runbook.inputs.iter().find(|input| input.name == *name) {
            Some(input) if input.from_secret.is_some() => {
                problems.push((name.to_string(), "comes from the server's secrets: it is never given".to_owned()));
            }
            Some(input) if input.kind == InputKind::Secret => {
                problems.push((name.to_string(), "is a secret: give it as one".to_owned()));
            }
            Some(_) => {}
            None => problems.push((name.to_string(), "this runbook has no such input".to_owned())),
        }
    }
    for input in runbook.inputs.iter().filter(|input| input.kind != InputKind::Secret) {
        let value = match request.inputs.get(&input.name) {
            Some(text) => parse_input(input, text),
            None => value_when_not_given(input),
        };
        match value {
            Ok(value) => {
                values.insert(input.name.clone(), value);
            }
            Err(reason) => problems.push((input.name.to_string(), reason.to_string())),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(StartError::Inputs(problems)) }
}

fn secret_names(runbook: &Runbook, request: &StartRequest) -> Result<Vec<ValueName>, StartError> {
    let asked_for =
        || runbook.inputs.iter().filter(|input| input.kind == InputKind::Secret && input.from_secret.is_none());
    let declared: Vec<ValueName> = asked_for().map(|input| input.name.clone()).collect();
    let mut problems = Vec::new();
    for input in asked_for() {
        let given = request.secrets.iter().find(|(name, _)| *name == input.name);
        match given.map(|(_, secret)| secret.expose()) {
            None | Some("") if !input.required => {}
            None | Some("") => problems.push((input.name.to_string(), "a secret value is needed".to_owned())),
            Some(text) if text.contains('\0') => problems.push((input.name.to_string(), "holds a NUL".to_owned())),
            Some(_) => {}
        }
    }
    for (name, _) in request.secrets.iter().filter(|(name, _)| !declared.contains(name)) {
        problems.push((name.to_string(), "this runbook asks for no such secret".to_owned()));
    }
    let is_given =
        |name: &ValueName| request.secrets.iter().any(|(given, secret)| given == name && !secret.expose().is_empty());
    if problems.is_empty() {
        Ok(declared.into_iter().filter(is_given).collect())
    } else {
        Err(StartError::Inputs(problems))
    }
}

fn named_secrets(runbook: &Runbook) -> BTreeMap<ValueName, SecretName> {
    let named = runbook.inputs.iter().filter_map(|input| Some((input.name.clone(), input.from_secret.clone()?)));
    named.collect()
}
