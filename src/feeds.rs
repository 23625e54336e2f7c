//! Fetches the calendars whose addresses the configuration file knows, every few minutes, and keeps the last good copy.
//!
//! An address opens its calendar to whoever knows it, so it is fetched like a secret for each look and stands in no error
//! and no log. Everything goes through [`Outgoing`], with its guard and its bounds. What is no calendar is not kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::SecretRef;
use crate::oncall::calendar;
use crate::outgoing::{Ask, Client, HeaderMap, HeaderValue, Method, Outgoing, OutgoingError, StatusCode, Url, header};
use crate::redact::SecretText;
use crate::secrets::NamedSecrets;
use crate::store::{Store, StoreError};

/// How often each calendar is looked at: a swap is seen in time for the next shift, and nobody's server is harassed.
pub const EVERY_MS: u64 = 5 * 60 * 1000;

/// Fetches calendars.
pub struct Fetcher {
    store: Store,
    clock: Arc<dyn Clock>,
    secrets: Arc<NamedSecrets>,
    client: Client,
    addresses: BTreeMap<String, SecretRef>,
}

/// Why a calendar was not read. Never holds the address.
#[derive(Debug, thiserror::Error)]
enum FeedError {
    #[error("its address cannot be had: {0}")]
    Secret(String),
    #[error("its address is none that can be asked")]
    Address,
    #[error("{}", .0)]
    Outgoing(String),
    #[error("its server answers with the status {}", .0.as_u16())]
    Status(StatusCode),
    #[error("what its server answers cannot be used: {0}")]
    Malformed(#[from] calendar::Malformed),
}

impl Fetcher {
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        secrets: Arc<NamedSecrets>,
        outgoing: &Outgoing,
        addresses: BTreeMap<String, SecretRef>,
    ) -> Result<Self, OutgoingError> {
        Ok(Self { store, clock, secrets, client: outgoing.client(None)?, addresses })
    }

    /// Fetches all now and then every five minutes, until told to stop.
    pub async fn keep(&self, stop: CancellationToken) {
        if self.addresses.is_empty() {
            return;
        }
        loop {
            let next_ms = self.clock.monotonic_ms().saturating_add(EVERY_MS);
            tokio::select! {
                () = self.fetch_all() => {}
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = self.clock.sleep_until(next_ms) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Fetches all, side by side: a slow one delays no other.
    pub async fn fetch_all(&self) {
        join_all(self.addresses.iter().map(|(name, address)| self.fetch(name, address))).await;
    }

    async fn fetch(&self, name: &str, address: &SecretRef) {
        let key = key_of(name);
        let kept = match self.read(address).await {
            Ok(text) => self.store.keep_feed(&key, &text, self.clock.wall_ms()).await,
            Err(error) => {
                tracing::warn!(feed = name, %error, "a calendar cannot be read; its last good copy stays");
                self.store.keep_feed_trouble(&key, &error.to_string(), self.clock.wall_ms()).await
            }
        };
        if let Err(error) = kept {
            failed_to_keep(name, &error);
        }
    }

    async fn read(&self, address: &SecretRef) -> Result<Vec<u8>, FeedError> {
        let address = self.secrets.resolve(address).await.map_err(|error| FeedError::Secret(error.to_string()))?;
        let url = url_of(&address).ok_or(FeedError::Address)?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/calendar, application/json;q=0.5"));
        let asked = self.client.ask(Ask { method: Method::GET, url, headers, body: Vec::new() }).await;
        let answer = asked.map_err(|error| FeedError::Outgoing(error.to_string()))?;
        if answer.status != StatusCode::OK {
            return Err(FeedError::Status(answer.status));
        }
        // Only whether it can be read: what it means depends on the zone that `oncall.yaml` gives it.
        calendar::read(&answer.body, "UTC", self.clock.wall_ms())?;
        Ok(answer.body.to_vec())
    }
}

/// The name under which the store keeps the calendar of the server's feed.
pub fn key_of(name: &str) -> String {
    format!("server:{name}")
}

/// `webcal://` is what calendars call https.
fn url_of(address: &SecretText) -> Option<Url> {
    let text = address.expose().trim();
    let text = match text.strip_prefix("webcal://").or_else(|| text.strip_prefix("webcals://")) {
        Some(rest) => format!("https://{rest}"),
        None => text.to_owned(),
    };
    text.parse().ok()
}

fn failed_to_keep(name: &str, error: &StoreError) {
    tracing::error!(feed = name, %error, "a calendar cannot be kept");
}
