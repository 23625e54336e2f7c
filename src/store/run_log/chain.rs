//! The hash chain over a run's events; `audit::chain` recomputes it.
//!
//! The bytes that are hashed, version 1 (all numbers big-endian):
//!
//! | bytes | what |
//! |---|---|
//! | 24 | `steadyhand.run-event.v1\n` |
//! | 32 | hash of the event before; 32 zero bytes before the first |
//! | 16 | run id |
//! | 8 | sequence number, unsigned |
//! | 8 | time in milliseconds since 1970, signed |
//! | 4 + n | length of the kind, then the kind |
//! | 8 + n | length of the body, then the body |
//!
//! Lengths stand before the texts so that no text can be moved from one field to the other.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::StoredEvent;
use crate::audit::chain::Chained;
use crate::id::{Digest, RunId};

const DOMAIN: &[u8; 24] = b"steadyhand.run-event.v1\n";

/// The hash of an event at its place in the log.
pub fn event_hash(prev_hash: Digest, run: RunId, seq: u64, event: &StoredEvent) -> Digest {
    hash_of(DOMAIN, prev_hash, run.0, seq, event)
}

/// The same for any log of events that is called after a UUID; `domain` keeps the logs apart.
pub(in crate::store) fn hash_of(domain: &[u8], prev_hash: Digest, id: Uuid, seq: u64, event: &StoredEvent) -> Digest {
    let kind_len = u32::try_from(event.kind.len()).expect("event kinds are short names of our own");
    let hash = Sha256::new()
        .chain_update(domain)
        .chain_update(prev_hash.0)
        .chain_update(id.as_bytes())
        .chain_update(seq.to_be_bytes())
        .chain_update(event.at_ms.to_be_bytes())
        .chain_update(kind_len.to_be_bytes())
        .chain_update(&event.kind)
        .chain_update((event.body.len() as u64).to_be_bytes())
        .chain_update(&event.body);
    Digest(hash.finalize().into())
}

/// An event of a run, as its chain has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEvent {
    pub run: RunId,
    pub event: StoredEvent,
}

impl Chained for RunEvent {
    fn hash_at(&self, before: Digest, seq: u64) -> Digest {
        event_hash(before, self.run, seq, &self.event)
    }
}

pub(in crate::store) fn digest(bytes: &[u8]) -> Option<Digest> {
    bytes.try_into().ok().map(Digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::chain::BEFORE_FIRST;

    #[test]
    fn the_hashed_bytes_are_those_of_version_1() {
        let run = RunId(uuid::Uuid::from_u128(0x0198_c5a0_7d3e_7c11_9d5b_6c6f_0a4f_6c01));
        let event = StoredEvent { kind: "run_started".into(), at_ms: 1_700_000_000_000, body: "{\"v\":1}".into() };
        let mut bytes = b"steadyhand.run-event.v1\n".to_vec();
        bytes.extend([0; 32]);
        bytes.extend(run.0.as_bytes());
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend(1_700_000_000_000_i64.to_be_bytes());
        bytes.extend([0, 0, 0, 11]);
        bytes.extend(b"run_started");
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 7]);
        bytes.extend(b"{\"v\":1}");
        assert_eq!(event_hash(BEFORE_FIRST, run, 1, &event), Digest::of(&bytes));
    }

    #[test]
    fn text_moved_between_kind_and_body_changes_the_hash() {
        let run = RunId(uuid::Uuid::nil());
        let hash = |kind: &str, body: &str| {
            event_hash(BEFORE_FIRST, run, 1, &StoredEvent { kind: kind.into(), at_ms: 0, body: body.into() })
        };
        assert_ne!(hash("ab", "c"), hash("a", "bc"));
    }
}
