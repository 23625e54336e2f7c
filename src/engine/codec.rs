//! Events as the store keeps them: JSON text with the version of its format.

use serde::{Deserialize, Serialize};

use crate::run::apply::CorruptLog;
use crate::run::event::{EVENT_VERSION, Event};
use crate::run::state::State;
use crate::store::run_log::{LoggedEvent, StoredEvent};

/// An event with its place in the run's log.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedEvent {
    /// From 1.
    pub seq: u64,
    pub at_ms: i64,
    /// Its name: `run_started`.
    pub kind: String,
    pub event: Event,
}

/// A stored event that this version cannot read.
#[derive(Debug, thiserror::Error)]
#[error("event {seq} ({kind}) of the run cannot be read: {reason}")]
pub struct UnreadableEvent {
    pub seq: u64,
    pub kind: String,
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
struct Envelope<E> {
    v: u32,
    event: E,
}

/// An event for the store.
pub fn encoded(event: &Event, at_ms: i64) -> StoredEvent {
    let body = serde_json::to_value(Envelope { v: EVENT_VERSION, event })
        .expect("events are made of types that JSON can hold");
    let inner = &body["event"];
    let kind = inner.as_str().map(str::to_owned).or_else(|| inner.as_object()?.keys().next().cloned());
    StoredEvent { kind: kind.unwrap_or_default(), at_ms, body: body.to_string() }
}

/// An event from the store.
///
/// # Errors
/// A newer version, or text that no version wrote.
pub fn decoded(logged: &LoggedEvent) -> Result<NumberedEvent, UnreadableEvent> {
    let unreadable = |reason: String| UnreadableEvent { seq: logged.seq, kind: logged.event.kind.clone(), reason };
    let envelope: Envelope<Event> =
        serde_json::from_str(&logged.event.body).map_err(|error| unreadable(error.to_string()))?;
    if envelope.v > EVENT_VERSION {
        return Err(unreadable(format!("it has version {}, and this program knows {EVENT_VERSION}", envelope.v)));
    }
    Ok(NumberedEvent {
        seq: logged.seq,
        at_ms: logged.event.at_ms,
        kind: logged.event.kind.clone(),
        event: envelope.event,
    })
}

/// The state that a run's events give.
///
/// # Errors
/// A log that this program did not write.
pub fn replayed(events: &[NumberedEvent]) -> Result<State, CorruptLog> {
    State::replay(events.iter().map(|numbered| (numbered.at_ms, &numbered.event)))
}
