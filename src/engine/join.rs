//! A run's task takes part in a transaction that is more than its own: the wheel passes with a handoff.

use tokio::sync::oneshot;

use super::codec::encoded;
use super::live::{Joined, Joining, row};
use super::worker::{Next, STORE_AGAIN, Worker};
use crate::run::action::{Action, Input, Request};
use crate::run::approval::Credentials;
use crate::store::run_log::RunPart;

impl Worker {
    /// Decides on this run's part, hands it over, and goes on from it if it was stored, else from where it was.
    /// Nothing else is decided meanwhile: what comes waits in the inbox for some milliseconds.
    pub(super) async fn join(&mut self, joining: Joining) -> Next {
        let Joining { from, to, reply } = joining;
        let driver = &self.state.driver;
        if self.state.ended.is_some() || driver.person() != from.person() || driver.person() == to.person() {
            // Nobody may wait for the answer any more; nothing has happened.
            let _ = reply.send(None);
            return Next::GoOn;
        }
        let (seen_seq, action) = (self.state.seq, Action::TakeWheel);
        let request = Request { by: to, who: Credentials::default(), seen_seq, action };
        let Ok((decision, now_ms)) = self.decide(&Input::Person(request)) else {
            let _ = reply.send(None);
            return Next::GoOn;
        };
        let part = RunPart {
            run: self.run,
            expected: self.state.seq,
            epoch: Some(self.epoch),
            events: decision.events.iter().map(|event| encoded(event, now_ms)).collect(),
            row: row(self.run, &decision.state),
        };
        let (settle, settled) = oneshot::channel();
        if reply.send(Some(Joined { part, settle })).is_err() {
            return Next::GoOn;
        }
        let is_stored = match settled.await {
            Ok(is_stored) => is_stored,
            Err(_) => match self.is_in_the_store(decision.state.seq).await {
                Some(is_stored) => is_stored,
                None => return Next::End,
            },
        };
        if is_stored {
            self.state = decision.state;
            self.publish();
            for effect in decision.effects {
                self.perform(effect);
            }
        }
        Next::GoOn
    }

    /// Whether the log has come to this event; none when the engine drains before the store says.
    async fn is_in_the_store(&self, seq: u64) -> Option<bool> {
        loop {
            match self.shared.store.run(self.run).await {
                Ok(row) => return Some(row.is_some_and(|row| row.last_seq >= seq)),
                Err(error) => {
                    tracing::error!(run.id = %self.run, %error, "the run waits: nobody can say whether its wheel has passed");
                    tokio::select! {
                        () = self.shared.draining.cancelled() => return None,
                        () = tokio::time::sleep(STORE_AGAIN) => {}
                    }
                }
            }
        }
    }
}
