//! Handoffs: loads them, decides, stores; drafts their facts; and lets time pass over them.
//!
//! A handoff has no task of its own: it does nothing on hosts, and a person writes to it a few times an hour. Each
//! request loads its log, decides, and appends with the number that it saw; whoever comes second decides once more.

mod facts;
mod keep;
mod pass;
mod scheduled;

use serde::{Deserialize, Serialize};

use super::Engine;
use super::ask::{EngineError, with_causes};
use super::policy::scope_of_row;
use super::questions::reading;
use crate::access::identity::{Identity, Reach, Road};
use crate::access::policy::Permission;
use crate::access::scope::{About, Scope};
use crate::audit::entry::SERVER;
use crate::handoff::decide::{self, Ask, Decision, Refusal, Request};
use crate::handoff::event::{EVENT_VERSION, Event, Shift};
use crate::handoff::record::Severity;
use crate::handoff::state::{Phase, State};
use crate::handoff::timing;
use crate::id::{HandoffId, RunId};
use crate::run::event::Actor;
use crate::store::StoreError;
use crate::store::handoffs::{HandoffError, HandoffRow, HandoffWrite, ItemRow};
use crate::store::run_log::{RunPart, StoredEvent};

/// How often a request is decided anew because somebody else's came first.
const TRIES_MAX: usize = 4;

/// How often the marks of time are looked at: they are minutes apart.
pub const LOOK_EVERY_MS: u64 = 15_000;

/// How often the schedule is looked at: it is a file in the repository, and a draft has an hour.
const SCHEDULE_EVERY_MS: u64 = 60_000;

/// Whether whoever drafts may do something: see a run, read the handoff before.
pub type May<'a> = &'a (dyn Fn(Permission, About<'_>) -> bool + Send + Sync);

/// A wish to begin a handoff.
pub struct Begin {
    pub id: HandoffId,
    pub shift: Shift,
    /// One sentence, in an emergency.
    pub emergency: Option<String>,
    /// None: the server, by the schedule.
    pub by: Option<Actor>,
}

/// Why a request about a handoff was not followed. Nothing has happened.
#[derive(Debug, thiserror::Error)]
pub enum HandoffActError {
    #[error("there is no handoff {0}")]
    NoSuchHandoff(HandoffId),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Engine {
    /// A handoff as it stands; none if there is no such one.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn handoff(&self, id: HandoffId) -> Result<Option<State>, EngineError> {
        let stored = self.shared.store.handoff_events(id).await.map_err(|error| reading(&error))?;
        if stored.is_empty() {
            return Ok(None);
        }
        let unreadable = |reason: String| EngineError::Storage { attempted: format!("read handoff {id}"), reason };
        let events: Result<Vec<(i64, Event)>, String> = stored.iter().map(decoded).collect();
        let events = events.map_err(unreadable)?;
        let state = State::replay(events.iter().map(|(at_ms, event)| (*at_ms, event)));
        state.map(Some).map_err(|error| unreadable(error.to_string()))
    }

    /// The same where many are gone through: one that cannot be read is told of, and holds up no other.
    async fn readable(&self, id: HandoffId) -> Option<State> {
        let read = self.handoff(id).await;
        read.inspect_err(|error| tracing::error!(handoff.id = %id, %error, "a handoff is passed over")).ok().flatten()
    }

    /// Begins a handoff with what happened in the shift, as far as whoever asks may see it.
    ///
    /// # Errors
    /// The two are the same person, or the receiver has no account here.
    pub async fn begin_handoff(&self, wish: Begin, may: May<'_>) -> Result<State, HandoffActError> {
        let receiver = wish.shift.incoming.person();
        if self.account(receiver).await?.is_none() {
            let name = receiver.strip_prefix("user:").unwrap_or(receiver);
            let why = format!(
                "{name} has no account here, and could not read it: make one (steadyhand user add {name}), or name somebody else"
            );
            return Err(Refusal::Wrong(why).into());
        }
        let before = self.received_by(&wish.shift.outgoing, wish.shift.rotation.as_deref()).await?;
        let signed_ms = before.as_ref().and_then(|state| state.signature.as_ref()).map(|signature| signature.at_ms);
        let since_ms = signed_ms.unwrap_or(wish.shift.starts_ms);
        let drafted = self.drafted(since_ms, before.as_ref(), may).await?;
        let now_ms = self.shared.clock.wall_ms();
        let begun = decide::begin(wish.id, &wish.shift, since_ms, wish.emergency.as_deref(), wish.by.as_ref(), now_ms)?;
        let ask = Ask::RefreshFacts { items: drafted.items, facts: drafted.facts };
        let request = Request { by: wish.shift.outgoing.clone(), may_force: false, ask };
        let filled = decide::decide(&begun.state, &request, now_ms)?;
        let events = begun.events.into_iter().chain(filled.events).collect();
        let by = wish.by.as_ref().map_or(SERVER, |by| by.0.as_str());
        let decision = Decision { events, state: filled.state };
        self.store_handoff(0, &decision, &[], by, now_ms).await.map_err(|error| stored(&error))?;
        tracing::info!(handoff.id = %wish.id, "a handoff was begun");
        Ok(decision.state)
    }

    /// Follows a person's request. When it returns, what was decided is stored.
    ///
    /// # Errors
    /// Refused, no such handoff, or the server could not store it.
    pub async fn handoff_act(&self, id: HandoffId, request: &Request) -> Result<State, HandoffActError> {
        for _ in 0..TRIES_MAX {
            let state = self.handoff(id).await?.ok_or(HandoffActError::NoSuchHandoff(id))?;
            let now_ms = self.shared.clock.wall_ms();
            let decision = decide::decide(&state, request, now_ms)?;
            if decision.events.is_empty() {
                return Ok(decision.state);
            }
            match self.store_handoff(state.seq, &decision, &[], &request.by.0, now_ms).await {
                Ok(()) => {
                    self.after(&decision).await;
                    return Ok(decision.state);
                }
                Err(HandoffError::Stale { .. }) => {}
                Err(error) => return Err(stored(&error)),
            }
        }
        Err(Refusal::Stale.into())
    }

    /// Records every mark of time that has passed; gives the number of handoffs that changed.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn pass_handoff_time(&self) -> Result<usize, EngineError> {
        let now_ms = self.shared.clock.wall_ms();
        let due = self.shared.store.due_handoffs(now_ms).await.map_err(|error| reading(&error))?;
        let mut changed = 0;
        for id in due {
            let Some(state) = self.readable(id).await else { continue };
            let decision = decide::pass_time(&state, now_ms);
            match self.store_handoff(state.seq, &decision, &[], SERVER, now_ms).await {
                Ok(()) => changed += 1,
                // Somebody wrote to it meanwhile: it is looked at again in a moment.
                Err(HandoffError::Stale { .. }) => {}
                Err(error) => tracing::error!(handoff.id = %id, %error, "time cannot pass over a handoff"),
            }
        }
        Ok(changed)
    }

    /// Lets time pass until the drain.
    pub(super) async fn watch_handoffs(self) {
        let clock = self.shared.clock.clone();
        let mut schedule_at_ms = 0;
        loop {
            if clock.monotonic_ms() >= schedule_at_ms {
                schedule_at_ms = clock.monotonic_ms() + SCHEDULE_EVERY_MS;
                if let Err(error) = self.begin_scheduled_handoffs().await {
                    tracing::warn!(%error, "the handoffs that the schedule asks for cannot be begun");
                }
            }
            if let Err(error) = self.keep_handoffs().await {
                tracing::warn!(%error, "the handoffs that were taken cannot be read to be kept");
            }
            if let Err(error) = self.pass_handoff_time().await {
                tracing::warn!(%error, "the handoffs that are due cannot be read");
            }
            tokio::select! {
                () = self.shared.draining.cancelled() => return,
                () = clock.sleep_until(clock.monotonic_ms() + LOOK_EVERY_MS) => {}
            }
        }
    }

    /// The handoff that somebody received last and has not passed on.
    pub(super) async fn received_by(&self, who: &Actor, rotation: Option<&str>) -> Result<Option<State>, EngineError> {
        let found = self.shared.store.taken_by(who.person(), rotation).await.map_err(|error| reading(&error))?;
        match found {
            Some(id) => self.handoff(id).await,
            None => Ok(None),
        }
    }

    /// Somebody's account as an identity that is signed in; none if there is none, or it is disabled.
    pub(super) async fn account(&self, person: &str) -> Result<Option<Identity>, EngineError> {
        let Some(name) = person.strip_prefix("user:") else { return Ok(None) };
        let found = self.shared.store.person_named(name).await.map_err(|error| reading(&error))?;
        Ok(found.filter(|found| found.disabled_at_ms.is_none()).map(|found| Identity {
            actor: Actor(person.to_owned()),
            road: Road::Session,
            groups: found.person.groups,
            reach: Reach::Granted,
            authenticated_at_ms: None,
        }))
    }

    /// Signing the next handoff closes the one that its sender had received.
    async fn after(&self, decision: &Decision) {
        let is_signed = decision.events.iter().any(|event| matches!(event, Event::RecordSigned { .. }));
        let state = &decision.state;
        if !is_signed || state.phase != Phase::Ready {
            return;
        }
        let closing = async {
            let rotation = state.shift.rotation.as_deref();
            let Some(before) = self.received_by(&state.shift.outgoing, rotation).await? else { return Ok(()) };
            let now_ms = self.shared.clock.wall_ms();
            let closed = decide::close(&before, state.handoff, now_ms);
            let stored = self.store_handoff(before.seq, &closed, &[], SERVER, now_ms).await;
            stored.map_err(|error| storing(&error))
        };
        if let Err(error) = closing.await {
            // Nothing depends on it: the newer one counts wherever both have an item.
            tracing::warn!(handoff.id = %state.handoff, %error, "the handoff before was not closed");
        }
    }

    async fn store_handoff(
        &self,
        expected: u64,
        decision: &Decision,
        runs: &[RunPart],
        by: &str,
        now_ms: i64,
    ) -> Result<(), HandoffError> {
        let state = &decision.state;
        let events: Vec<StoredEvent> = decision.events.iter().map(|event| encoded(event, now_ms)).collect();
        if events.is_empty() {
            return Ok(());
        }
        let scopes = self.scopes_of(state).await?;
        let (row, items) = (row(state, &scopes), item_rows(state));
        let id = state.handoff;
        let write = HandoffWrite { id, expected, events: &events, row: &row, items: &items, runs, by };
        self.shared.store.append_handoff(&write).await.map(drop)
    }

    /// What decides who may read it: the scopes of all runs that it tells of.
    async fn scopes_of(&self, state: &State) -> Result<Vec<Scope>, StoreError> {
        let mut scopes = Vec::new();
        for run in runs_of(state) {
            if let Some(row) = self.shared.store.run(run).await? {
                let scope = scope_of_row(&row);
                if !scopes.contains(&scope) {
                    scopes.push(scope);
                }
            }
        }
        Ok(scopes)
    }
}

/// The runs that items and dismissals tell of, each once.
fn runs_of(state: &State) -> Vec<RunId> {
    let items = state.record.items.iter().flat_map(|item| &item.runs);
    let dismissed = state.record.dismissed.iter().flat_map(|gone| &gone.runs);
    let mut runs: Vec<RunId> = items.chain(dismissed).copied().collect();
    runs.sort_unstable();
    runs.dedup();
    runs
}

/// The scopes of a row; a row that cannot be read is for whoever may read everything.
pub fn scopes_of_row(row: &HandoffRow) -> Option<Vec<Scope>> {
    serde_json::from_str(&row.scopes).ok()
}

/// What a decision about it is about.
pub fn about_row<'a>(row: &'a HandoffRow, scopes: &'a [Scope]) -> About<'a> {
    About::Handoff { scopes, sides: [&row.sender, &row.receiver] }
}

fn row(state: &State, scopes: &[Scope]) -> HandoffRow {
    let record = &state.record;
    let count = |severity| {
        let counted = record.items.iter().filter(|item| item.severity == Some(severity)).count();
        u32::try_from(counted).unwrap_or(u32::MAX)
    };
    let overview = match (&state.emergency, record.overview.as_str()) {
        (Some(sentence), "") => sentence.clone(),
        (_, overview) => overview.to_owned(),
    };
    HandoffRow {
        id: state.handoff,
        rotation: state.shift.rotation.clone(),
        sender: state.shift.outgoing.person().to_owned(),
        receiver: state.shift.incoming.person().to_owned(),
        phase: state.phase.word().to_owned(),
        overdue: state.overdue().filter(|_| state.phase.is_open()).map(|(step, _)| step.words().to_owned()),
        search: search_text(state, &overview),
        overview,
        items: u32::try_from(record.items.len()).unwrap_or(u32::MAX),
        unstable: count(Severity::Unstable),
        watcher: count(Severity::Watcher),
        begun_ms: state.begun_ms,
        boundary_ms: state.shift.ends_ms,
        acknowledged_ms: state.acknowledged.as_ref().map(|acknowledged| acknowledged.at_ms),
        next_ms: timing::next_ms(state),
        scopes: serde_json::to_string(scopes).expect("scopes are plain data"),
    }
}

fn search_text(state: &State, overview: &str) -> String {
    let shift = &state.shift;
    let mut texts = vec![shift.outgoing.0.as_str(), shift.incoming.0.as_str(), overview];
    texts.extend(shift.rotation.as_deref());
    texts.extend(state.record.items.iter().flat_map(crate::handoff::record::Item::written));
    texts.join("\n").to_lowercase()
}

fn item_rows(state: &State) -> Vec<ItemRow> {
    let held = state.record.items.iter().filter_map(|item| Some((item, state.custody.get(&item.key)?)));
    held.map(|(item, custody)| ItemRow {
        item: item.key.clone(),
        title: item.title.clone(),
        severity: item.severity.map(|severity| severity.word().to_owned()),
        holder: custody.holder.person().to_owned(),
        since_ms: custody.since_ms,
        runs: item.runs.clone(),
    })
    .collect()
}

#[derive(Serialize, Deserialize)]
struct Envelope<E> {
    v: u32,
    event: E,
}

/// An event for the store.
fn encoded(event: &Event, at_ms: i64) -> StoredEvent {
    let body = serde_json::to_value(Envelope { v: EVENT_VERSION, event })
        .expect("events are made of types that JSON can hold");
    let kind = body["event"].as_object().and_then(|fields| fields.keys().next().cloned());
    StoredEvent { kind: kind.unwrap_or_default(), at_ms, body: body.to_string() }
}

/// An event from the store, or why it cannot be read.
fn decoded(stored: &StoredEvent) -> Result<(i64, Event), String> {
    let envelope: Envelope<Event> =
        serde_json::from_str(&stored.body).map_err(|error| format!("{}: {error}", stored.kind))?;
    if envelope.v > EVENT_VERSION {
        return Err(format!("{} has version {}, and this program knows {EVENT_VERSION}", stored.kind, envelope.v));
    }
    Ok((stored.at_ms, envelope.event))
}

fn stored(error: &HandoffError) -> HandoffActError {
    match error {
        HandoffError::Stale { .. } => Refusal::Stale.into(),
        HandoffError::Full { .. } => Refusal::NotNow(error.to_string()).into(),
        HandoffError::Run(_) | HandoffError::Store(_) => storing(error).into(),
    }
}

fn storing(error: &HandoffError) -> EngineError {
    EngineError::Storage { attempted: "store the handoff".to_owned(), reason: with_causes(error) }
}
