//! The task that makes checkpoints while something changes, and sends them until every anchor has them.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{send, whole_text};
use crate::audit::anchor::Anchor;
use crate::audit::checkpoint::SigningKey;
use crate::audit::entry::NewEntry;
use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// What happened in this time can be rewritten by somebody who has the database, and not the key. Shorter would
/// make more tags than people keep.
pub const CHECKPOINT_EVERY_MS: u64 = 5 * 60 * 1000;

/// How often the queues of the anchors are looked at: a checkpoint that the command line made is sent then.
const LOOK_EVERY_MS: u64 = 15_000;

/// An anchor that failed is left alone for this long.
const RETRY_AFTER_MS: i64 = 60_000;

/// The last checkpoint must not hold up the end of the server longer than this.
const FINISH_MAX: Duration = Duration::from_secs(5);

/// Checkpoints in one go: two million streams at the first start with an old database.
const CHECKPOINTS_MAX: usize = 200;

/// Makes and sends.
pub struct Keeper {
    store: Store,
    clock: Arc<dyn Clock>,
    key: SigningKey,
    anchors: Vec<Anchor>,
}

impl Keeper {
    pub fn new(store: Store, clock: Arc<dyn Clock>, key: SigningKey, anchors: Vec<Anchor>) -> Self {
        Self { store, clock, key, anchors }
    }

    /// Works until `stop`. The first checkpoint is made at once: it covers what a crash left without one.
    pub async fn keep(&self, stop: CancellationToken) {
        let mut due_ms = self.clock.monotonic_ms();
        while !stop.is_cancelled() {
            let now_ms = self.clock.monotonic_ms();
            if now_ms >= due_ms {
                due_ms = now_ms + CHECKPOINT_EVERY_MS;
                if let Err(error) = self.checkpoint(None).await {
                    tracing::error!(%error, "no checkpoint of the audit log was made; it is tried again");
                    due_ms = now_ms + LOOK_EVERY_MS;
                }
            }
            self.send().await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.clock.sleep_until(now_ms + LOOK_EVERY_MS) => {}
            }
        }
    }

    /// Makes checkpoints until all that changed is in one; gives the number of the last, if any was made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint(&self, asked: Option<&NewEntry>) -> Result<Option<u64>, StoreError> {
        let mut last = None;
        for turn in 0..CHECKPOINTS_MAX {
            let asked = asked.filter(|_| turn == 0);
            let Some(made) = self.store.make_checkpoint(self.clock.wall_ms(), &self.key, asked).await? else { break };
            tracing::debug!(checkpoint = made.number, "a checkpoint of the audit log was made");
            last = Some(made.number);
        }
        Ok(last)
    }

    /// Sends what each anchor lacks. One that fails keeps its queue, is named in the log and on the audit page, and
    /// holds up none of the others. Gives the number of those that failed.
    pub async fn send(&self) -> usize {
        let mut failed = 0;
        for anchor in &self.anchors {
            match self.send_to(anchor).await {
                Ok(true) => {}
                Ok(false) => failed += 1,
                Err(error) => {
                    failed += 1;
                    tracing::error!(%anchor, %error, "what an anchor lacks cannot be read");
                }
            }
        }
        failed
    }

    /// The last checkpoint of a server that ends, and one try to send it.
    pub async fn finish(&self) {
        let last = async {
            if let Err(error) = self.checkpoint(None).await {
                tracing::error!(%error, "the last checkpoint of the audit log was not made");
            }
            self.send().await;
        };
        if tokio::time::timeout(FINISH_MAX, last).await.is_err() {
            tracing::warn!("the last checkpoint was not sent in time; the next start sends it");
        }
    }

    async fn send_to(&self, anchor: &Anchor) -> Result<bool, StoreError> {
        let name = anchor.to_string();
        self.store.queue_anchor(&name, self.clock.wall_ms()).await?;
        for signed in self.store.unsent(&name, self.clock.wall_ms()).await? {
            let now_ms = self.clock.wall_ms();
            if let Err(error) = send(anchor, &signed, now_ms).await {
                let error = whole_text(&error);
                tracing::warn!(%anchor, checkpoint = signed.number, error, "an anchor did not take a checkpoint");
                self.store.anchor_failed(&name, signed.number, now_ms + RETRY_AFTER_MS, &error).await?;
                return Ok(false);
            }
            self.store.anchor_sent(&name, signed.number, now_ms).await?;
        }
        Ok(true)
    }
}
