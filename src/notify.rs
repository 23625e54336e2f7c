//! Tells people: pages that climb until somebody answers, and the channels that messages go over.
//!
//! Two duties that never wait for each other. The [`pager`] decides, on the clock alone, who is told next and stores
//! that together with the messages that follow. The [`delivery`] takes messages from the store and sends each at least
//! once: it is marked as sent only after its channel took it, a failure is tried again later, and each carries its id,
//! so that whoever receives one twice can tell. A channel that is down delays its own messages and no level.

mod channel;
pub mod delivery;
mod mail;
pub mod pager;
mod text;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
pub use crate::config::Notify as Directory;
use delivery::Delivery;
use pager::Pager;

/// How often is looked for pages and messages whose time has come: a person waits.
const LOOK_EVERY_MS: u64 = 1_000;

/// After the store failed.
const STORE_AGAIN: Duration = Duration::from_secs(5);

/// Pages and sends until told to stop. What is not sent then is sent after the next start.
pub async fn keep(pager: Pager, delivery: Delivery, stop: CancellationToken) {
    let climbing = async {
        loop {
            if let Err(error) = pager.tick().await {
                tracing::error!(%error, "pages cannot climb");
                tokio::time::sleep(STORE_AGAIN).await;
            }
            nap(pager.clock()).await;
        }
    };
    let sending = async {
        loop {
            let Err(error) = delivery.keep_sending(|| nap(pager.clock())).await;
            tracing::error!(%error, "messages cannot be sent");
            tokio::time::sleep(STORE_AGAIN).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = climbing => {}
        () = sending => {}
    }
}

async fn nap(clock: &dyn Clock) {
    clock.sleep_until(clock.monotonic_ms().saturating_add(LOOK_EVERY_MS)).await;
}
