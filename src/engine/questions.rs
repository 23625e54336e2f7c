//! What clients ask about runs, and actions of people.

use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::Engine;
use super::ask::{ActError, EngineError, with_causes};
use super::codec::{NumberedEvent, decoded, replayed};
use super::live::{Message, Seen};
use crate::id::{RunId, ValueName};
use crate::redact::SecretText;
use crate::run::action::{Refusal, Request};
use crate::run::state::State;
use crate::run::view::RunView;
use crate::store::StoreError;
use crate::store::run_log::EVENTS_PAGE_MAX;

/// A request that cannot be stored within this time is given up, and says so.
const ANSWER_MAX: Duration = Duration::from_secs(15);

impl Engine {
    /// Follows a person's request. When it returns, what was decided is stored.
    ///
    /// # Errors
    /// Refused, stale, no such run, or the server could not store it.
    pub async fn act(
        &self,
        run: RunId,
        request: Request,
        secrets: Vec<(ValueName, SecretText)>,
    ) -> Result<RunView, ActError> {
        let Some(live) = self.shared.live_run(run) else {
            return Err(self.not_live(run).await?);
        };
        let (reply, answer) = oneshot::channel();
        if live.inbox.send(Message::Ask { request, secrets, reply }).await.is_err() {
            return Err(self.not_live(run).await?);
        }
        let told = match tokio::time::timeout(ANSWER_MAX, answer).await {
            Ok(Ok(told)) => told?,
            Ok(Err(_)) => return Err(self.not_live(run).await?),
            Err(_) => {
                let reason = live.seen.borrow().stalled.clone();
                return Err(ActError::Engine(EngineError::Storage {
                    attempted: "store the request".to_owned(),
                    reason: reason
                        .unwrap_or_else(|| "it took too long; look at the run before you try again".to_owned()),
                }));
            }
        };
        match told.notice {
            Some(notice) => Err(ActError::Refused(Refusal::NotNow(notice))),
            None => Ok(told.view),
        }
    }

    /// Why nobody takes a request for this run.
    async fn not_live(&self, run: RunId) -> Result<ActError, EngineError> {
        Ok(match self.load(run).await? {
            None => ActError::NoSuchRun(run),
            Some(state) if state.ended.is_some() => Refusal::NotNow("the run has ended".to_owned()).into(),
            Some(_) => ActError::Engine(EngineError::Storage {
                attempted: "take the request".to_owned(),
                reason: "this server does not carry the run on now; nothing was done, try again after its restart"
                    .to_owned(),
            }),
        })
    }

    /// The picture of a run, live or ended; none if there is no such run.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn view(&self, run: RunId) -> Result<Option<RunView>, EngineError> {
        Ok(self.seen(run).await?.map(|seen| seen.view()))
    }

    /// The state of a run, live or ended; none if there is no such run.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn seen(&self, run: RunId) -> Result<Option<Seen>, EngineError> {
        if let Some(live) = self.shared.live_run(run) {
            let seen = live.seen.borrow().clone();
            return Ok(Some(seen));
        }
        Ok(self.load(run).await?.map(|state| Seen { state: state.into(), stalled: None }))
    }

    /// The number of the last event of a run that is live here: whoever has it need not read the store. It is set
    /// before anybody is told that something was stored.
    pub fn last_seq(&self, run: RunId) -> Option<u64> {
        self.shared.live_run(run).map(|live| live.seen.borrow().state.seq)
    }

    /// Counts up when something of the run was stored. Closed when the run is not live.
    pub fn watch(&self, run: RunId) -> watch::Receiver<u64> {
        match self.shared.live_run(run) {
            Some(live) => live.hint.subscribe(),
            None => watch::Sender::new(0).subscribe(),
        }
    }

    /// Events after number `after`, in order, at most `limit`.
    ///
    /// # Errors
    /// The store cannot be read, or holds what this version does not know.
    pub async fn events(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<NumberedEvent>, EngineError> {
        let logged = self.shared.store.events(run, after, limit).await.map_err(|error| reading(&error))?;
        logged.iter().map(decoded).collect::<Result<_, _>>().map_err(|error| EngineError::Storage {
            attempted: format!("read the log of run {run}"),
            reason: error.to_string(),
        })
    }

    /// All events of a run.
    pub(super) async fn all_events(&self, run: RunId) -> Result<Vec<NumberedEvent>, EngineError> {
        let mut events = Vec::new();
        loop {
            let page = self.events(run, events.len() as u64, EVENTS_PAGE_MAX).await?;
            if page.is_empty() {
                return Ok(events);
            }
            events.extend(page);
        }
    }

    pub(super) async fn load(&self, run: RunId) -> Result<Option<State>, EngineError> {
        let events = self.all_events(run).await?;
        if events.is_empty() {
            return Ok(None);
        }
        let state = replayed(&events).map_err(|error| EngineError::Storage {
            attempted: format!("replay run {run}"),
            reason: error.to_string(),
        })?;
        Ok(Some(state))
    }
}

pub(super) fn reading(error: &StoreError) -> EngineError {
    EngineError::Storage { attempted: "read what is stored".to_owned(), reason: with_causes(error) }
}
