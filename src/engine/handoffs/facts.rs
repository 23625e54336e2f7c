//! What the server knows of a shift and of the world right now: facts for the draft, and what the checks ask.

use std::collections::{BTreeMap, BTreeSet};

use super::{Engine, May};
use crate::access::identity::Identity;
use crate::access::policy::{Permission, decide};
use crate::access::scope::About;
use crate::engine::ask::EngineError;
use crate::engine::policy::scope_of_row;
use crate::engine::questions::reading;
use crate::handoff::checks::{self, Standing, World};
use crate::handoff::draft::{Drafted, draft};
use crate::handoff::record::RunbookRef;
use crate::handoff::state::State;
use crate::id::{RunId, RunbookPath};
use crate::library::{GitRef, Revision};
use crate::runbook::model::Runbook;
use crate::runbook::parse::parse;
use crate::store::runs::RunRow;

/// Runs of one shift that are looked at: the newest. A shift with more is told by its list of runs.
const RUNS_MAX: u32 = 200;

impl Engine {
    /// Drafts what happened since, as far as whoever asks may see it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn drafted(&self, since_ms: i64, before: Option<&State>, may: May<'_>) -> Result<Drafted, EngineError> {
        let ids = self.shared.store.runs_of_shift(since_ms, RUNS_MAX).await.map_err(|error| reading(&error))?;
        let mut runs = Vec::new();
        for id in ids {
            let Some(row) = self.shared.store.run(id).await.map_err(|error| reading(&error))? else { continue };
            if may(Permission::ReadRuns, About::Run(&scope_of_row(&row))) {
                runs.extend(self.view(id).await?);
            }
        }
        let carried = match before {
            Some(before) if self.may_read(before, may).await? => Some(before),
            Some(_) | None => None,
        };
        Ok(draft(&runs, carried))
    }

    /// Nobody reads by a draft what they may not read where it was written.
    async fn may_read(&self, state: &State, may: May<'_>) -> Result<bool, EngineError> {
        let scopes = self.scopes_of(state).await.map_err(|error| reading(&error))?;
        let sides = [state.shift.outgoing.person(), state.shift.incoming.person()];
        Ok(may(Permission::ReadHandoffs, About::Handoff { scopes: &scopes, sides }))
    }

    /// The same for a handoff that is there.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn drafted_for(&self, state: &State, may: May<'_>) -> Result<Drafted, EngineError> {
        let before = self.received_by(&state.shift.outgoing, state.shift.rotation.as_deref()).await?;
        self.drafted(state.since_ms, before.as_ref(), may).await
    }

    /// What the checks of a handoff ask of the world.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn handoff_world(&self, state: &State, may: May<'_>) -> Result<World, EngineError> {
        let drafted = self.drafted_for(state, may).await?;
        let sender_is_there = self.account(state.shift.outgoing.person()).await?.is_some();
        let receiver = self.account(state.shift.incoming.person()).await?;
        let mut world = World {
            now_ms: self.shared.clock.wall_ms(),
            items: drafted.items,
            facts: drafted.facts,
            sender_is_there,
            receiver_is_there: receiver.is_some(),
            ..World::default()
        };
        if let Some(receiver) = &receiver {
            world.unreadable = self.closed_to(receiver, state, Permission::ReadRuns).await?;
            world.untouchable = self.closed_to(receiver, state, Permission::ActOnRuns).await?;
        }
        world.runbooks = self.standings(state, receiver.as_ref()).await;
        Ok(world)
    }

    /// The runbook as it is served now, as a handoff names it; none if there is no such one.
    pub async fn runbook_ref(&self, path: &RunbookPath, inputs: Vec<(String, String)>) -> Option<RunbookRef> {
        let served = self.shared.library.resolve(None).await.ok()?;
        self.shared.library.read(&served, path).await.ok()?;
        let commit = served.commit().map(|commit| commit.id.as_str().to_owned());
        Some(RunbookRef { path: path.clone(), commit, inputs })
    }

    /// The runs of a handoff that somebody may not reach.
    async fn closed_to(&self, who: &Identity, state: &State, may: Permission) -> Result<BTreeSet<RunId>, EngineError> {
        let mut closed = BTreeSet::new();
        for run in state.record.runs() {
            if !self.may_on_run(who, run, may).await? {
                closed.insert(run);
            }
        }
        Ok(closed)
    }

    /// Whether somebody may do this to a run. One that is not there is closed to everybody.
    pub(super) async fn may_on_run(&self, who: &Identity, run: RunId, may: Permission) -> Result<bool, EngineError> {
        let row: Option<RunRow> = self.shared.store.run(run).await.map_err(|error| reading(&error))?;
        let policy = self.policy().await.policy;
        Ok(row.is_some_and(|row| decide(&policy, who, may, About::Run(&scope_of_row(&row))).is_ok()))
    }

    async fn standings(&self, state: &State, receiver: Option<&Identity>) -> BTreeMap<String, Standing> {
        let mut standings = BTreeMap::new();
        for runbook in state.record.runbooks() {
            standings
                .insert(checks::runbook_name(&runbook), self.standing(&runbook, receiver).await.unwrap_or_default());
        }
        standings
    }

    /// How a runbook stands; none where it is not there, or cannot be read.
    async fn standing(&self, named: &RunbookRef, receiver: Option<&Identity>) -> Option<Standing> {
        let library = &self.shared.library;
        let served = library.resolve(None).await.ok()?;
        let revision = match &named.commit {
            None => Revision::Folder,
            Some(commit) => library.resolve(Some(&commit.parse::<GitRef>().ok()?)).await.ok()?,
        };
        let file = library.read(&revision, &named.path).await.ok()?;
        let parsed = parse(&named.path, &file.path, &file.bytes);
        let is_clean = parsed.runbook.is_some()
            && !parsed.diagnostics.iter().any(|found| found.severity == crate::diagnostic::Severity::Error);
        let now = library.read(&served, &named.path).await.ok();
        let has_changed = now.as_ref().is_none_or(|now| now.blob != file.blob);
        let newer = served.commit().filter(|_| has_changed).map(|commit| commit.id.short().to_owned());
        let policy = self.policy().await.policy;
        let tags = parsed.runbook.as_ref().map(|runbook| runbook.tags.clone()).unwrap_or_default();
        let about = About::Runbook { path: &named.path, tags: &tags };
        let may = receiver.is_some_and(|who| decide(&policy, who, Permission::StartRuns, about).is_ok());
        Some(Standing {
            exists: true,
            is_clean,
            receiver_may_start: may,
            wrong_inputs: parsed.runbook.as_ref().map(|runbook| wrong_inputs(runbook, named)).unwrap_or_default(),
            newer_commit: newer,
        })
    }
}

/// Inputs that are given and that the runbook does not have.
fn wrong_inputs(runbook: &Runbook, named: &RunbookRef) -> Vec<String> {
    let known = |name: &str| runbook.inputs.iter().any(|input| input.name.as_str() == name);
    named.inputs.iter().map(|(name, _)| name.clone()).filter(|name| !known(name)).collect()
}
