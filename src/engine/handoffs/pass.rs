//! Custody passes: an item, its actions and the wheel of its runs go to somebody else in one transaction.
//!
//! The log of a run that is live is written by its own task alone, which holds the state that the next event follows.
//! So each task is asked to **join**: it decides on its part, hands it over, and waits. All parts and the handoff's
//! own events are stored in one transaction; then each task is told whether its part is in its log. A task that is not
//! told (this one ended, or the database did not say) looks into the store. So a crash at any moment leaves all of it
//! or nothing, and no task goes on from a state that is not stored.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Engine, HandoffActError, TRIES_MAX, stored};
use crate::access::identity::{Identity, Reach, Road};
use crate::access::policy::Permission;
use crate::engine::ask::EngineError;
use crate::engine::live::{Joined, Joining, Message};
use crate::handoff::decide::{self, Ask, Refusal, Request, to_pass};
use crate::handoff::state::State;
use crate::id::{HandoffId, RunId};
use crate::run::event::Actor;
use crate::store::handoffs::HandoffError;
use crate::store::run_log::RunPart;

/// A run that cannot store (a full disk) does not hold up a handoff for longer.
const JOIN_MAX: Duration = Duration::from_secs(15);

/// A run whose wheel is to go from one to another.
struct Wheel {
    run: RunId,
    from: Actor,
    to: Actor,
}

impl Engine {
    /// Follows a request that passes custody. It is carried to its end even if nobody waits for the answer any more.
    ///
    /// # Errors
    /// Refused, or the server could not store it: then nothing has passed.
    pub async fn handoff_pass(&self, id: HandoffId, request: Request, who: Identity) -> Result<State, HandoffActError> {
        let engine = self.clone();
        let passing = self.shared.tasks.spawn(async move { engine.pass(id, request, &who).await });
        passing.await.unwrap_or_else(|failed| {
            let attempted = "pass the handoff".to_owned();
            Err(EngineError::Storage { attempted, reason: failed.to_string() }.into())
        })
    }

    /// Whoever writes to it between our look and our append only makes us look once more.
    async fn pass(&self, id: HandoffId, request: Request, who: &Identity) -> Result<State, HandoffActError> {
        let mut passed = self.pass_once(id, request.clone(), who).await;
        for _ in 1..TRIES_MAX {
            let Err(HandoffActError::Refused(Refusal::Stale)) = &passed else { break };
            passed = self.pass_once(id, request.clone(), who).await;
        }
        passed
    }

    async fn pass_once(&self, id: HandoffId, request: Request, who: &Identity) -> Result<State, HandoffActError> {
        // One at a time: two that want the same runs would each hold what the other waits for.
        let _one_at_a_time = self.shared.handing_over.lock().await;
        let state = self.handoff(id).await?.ok_or(HandoffActError::NoSuchHandoff(id))?;
        let now_ms = self.shared.clock.wall_ms();
        // Whoever may not, or has not done their part, is told before any run is held up.
        decide::decide(&state, &request, now_ms)?;
        let wheels = wheels(&state, &request.ask);
        self.may_take(&wheels, who).await?;
        let joined = self.join_all(wheels).await?;
        let numbers = joined.iter().map(|joined| (joined.part.run, joined.part.expected + 1)).collect();
        let request = Request { ask: with_wheels(request.ask, &numbers), ..request };
        let decision = decide::decide(&state, &request, now_ms)?;
        let parts: Vec<RunPart> = joined.iter().map(|joined| joined.part.clone()).collect();
        match self.store_handoff(state.seq, &decision, &parts, &request.by.0, now_ms).await {
            Ok(()) => {
                settle(joined, true);
                tracing::info!(handoff.id = %id, wheels = parts.len(), "custody passed");
                Ok(decision.state)
            }
            Err(error @ (HandoffError::Stale { .. } | HandoffError::Full { .. } | HandoffError::Run(_))) => {
                settle(joined, false);
                Err(stored(&error))
            }
            // Whether it is stored may not be known: each task looks for itself.
            Err(error @ HandoffError::Store(_)) => Err(stored(&error)),
        }
    }

    /// Nobody gets the wheel of a run that they may not work.
    async fn may_take(&self, wheels: &[Wheel], who: &Identity) -> Result<(), HandoffActError> {
        for wheel in wheels {
            let account = self.account(wheel.to.person()).await?;
            let is_granted = match &account {
                Some(account) => self.may_on_run(account, wheel.run, Permission::ActOnRuns).await?,
                None => false,
            };
            // A token reaches no further than it was made for, whatever its owner may.
            if who.road == Road::Token && !self.may_on_run(who, wheel.run, Permission::ActOnRuns).await? {
                let why = format!("this token may not work the run {}, whose wheel would pass with it", wheel.run);
                return Err(Refusal::NotNow(why).into());
            }
            if !is_granted && who.reach != Reach::BreakGlass {
                let (to, run) = (&wheel.to, wheel.run);
                let why =
                    format!("{to} may not work the run {run}: decline its item, or have it granted in access.yaml");
                return Err(Refusal::NotNow(why).into());
            }
        }
        Ok(())
    }

    /// Every task's part. On a refusal those that have joined go on as if nothing was.
    async fn join_all(&self, wheels: Vec<Wheel>) -> Result<Vec<Joined>, HandoffActError> {
        let mut joined = Vec::new();
        for wheel in wheels {
            match self.join(wheel).await {
                Ok(part) => joined.extend(part),
                Err(error) => {
                    settle(joined, false);
                    return Err(error);
                }
            }
        }
        Ok(joined)
    }

    /// The part of one run; none where its wheel stays: it is over, or somebody else drives it.
    async fn join(&self, wheel: Wheel) -> Result<Option<Joined>, HandoffActError> {
        let run = wheel.run;
        let away = || {
            let why = format!(
                "this server does not carry the run {run} on now; nothing has passed, try again after its restart"
            );
            HandoffActError::from(Refusal::NotNow(why))
        };
        let Some(live) = self.shared.live_run(run) else {
            let state = self.load(run).await?;
            return if state.is_none_or(|state| state.ended.is_some()) { Ok(None) } else { Err(away()) };
        };
        let (reply, answer) = oneshot::channel();
        let joining = Joining { from: wheel.from, to: wheel.to, reply };
        if live.inbox.send(Message::Join(joining)).await.is_err() {
            return Err(away());
        }
        match tokio::time::timeout(JOIN_MAX, answer).await {
            Ok(Ok(part)) => Ok(part),
            Ok(Err(_)) | Err(_) => Err(away()),
        }
    }
}

fn settle(joined: Vec<Joined>, is_stored: bool) {
    for joined in joined {
        // A task that has ended is read from the store when it is taken up again.
        let _ = joined.settle.send(is_stored);
    }
}

/// The wheels that would pass, each run once, in one order everywhere.
fn wheels(state: &State, ask: &Ask) -> Vec<Wheel> {
    let of_items = |unbriefed| {
        let passed = to_pass(state, unbriefed).into_iter();
        let to = &state.shift.incoming;
        passed
            .flat_map(|(_, from, runs)| {
                runs.into_iter().map(move |run| Wheel { run, from: from.clone(), to: to.clone() })
            })
            .collect()
    };
    let mut wheels: Vec<Wheel> = match ask {
        Ask::Acknowledge { .. } => of_items(false),
        Ask::TakeUnbriefed { .. } => of_items(true),
        Ask::Force { item, to, .. } => {
            let runs = state.record.item(item).map(|item| item.runs.clone()).unwrap_or_default();
            let from = state.custody.get(item).map(|custody| custody.holder.clone());
            let wheel = |run| Some(Wheel { run, from: from.clone()?, to: to.clone() });
            runs.into_iter().filter_map(wheel).collect()
        }
        _ => Vec::new(),
    };
    wheels.sort_by_key(|wheel| wheel.run);
    wheels.dedup_by_key(|wheel| wheel.run);
    wheels
}

fn with_wheels(ask: Ask, numbers: &BTreeMap<RunId, u64>) -> Ask {
    let wheels = numbers.clone();
    match ask {
        Ask::Acknowledge { digest, .. } => Ask::Acknowledge { digest, wheels },
        Ask::TakeUnbriefed { .. } => Ask::TakeUnbriefed { wheels },
        Ask::Force { item, to, reason, .. } => Ask::Force { item, to, reason, wheels },
        other => other,
    }
}
