//! The hash chain over a run's events, and what recomputing it finds.
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

use super::StoredEvent;
use crate::id::{Digest, RunId};

const DOMAIN: &[u8; 24] = b"steadyhand.run-event.v1\n";

/// Stands where the first event's predecessor would.
pub(super) const BEFORE_FIRST: Digest = Digest([0; 32]);

/// The hash of an event at its place in the log.
pub fn event_hash(prev_hash: Digest, run: RunId, seq: u64, event: &StoredEvent) -> Digest {
    let kind_len = u32::try_from(event.kind.len()).expect("event kinds are short names of our own");
    let hash = Sha256::new()
        .chain_update(DOMAIN)
        .chain_update(prev_hash.0)
        .chain_update(run.0.as_bytes())
        .chain_update(seq.to_be_bytes())
        .chain_update(event.at_ms.to_be_bytes())
        .chain_update(kind_len.to_be_bytes())
        .chain_update(&event.kind)
        .chain_update((event.body.len() as u64).to_be_bytes())
        .chain_update(&event.body);
    Digest(hash.finalize().into())
}

/// What recomputing a log found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// Every event is there and as it was written. The head can be compared with an anchor kept elsewhere.
    Intact { last_seq: u64, head: Digest },
    /// The first damage.
    Damaged(Damage),
}

/// How a log differs from what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// This event, or the link to the one before it, was changed.
    #[error("altered at {seq}")]
    Altered { seq: u64 },
    /// Events are missing in the middle.
    #[error("gap: {first} to {last} are missing")]
    Gap { first: u64, last: u64 },
    /// Events are missing at the end.
    #[error("truncated after {last}: {expected} events were recorded")]
    Truncated { last: u64, expected: u64 },
}

pub(super) struct Entry {
    pub seq: u64,
    pub event: StoredEvent,
    pub prev_hash: Digest,
    pub hash: Digest,
}

/// Walks a log in order.
pub(super) struct Check {
    run: RunId,
    /// Last number and hash as the run's row has them; the hash is `None` when it is not a SHA-256.
    head: Option<(u64, Option<Digest>)>,
    last_seq: u64,
    last_hash: Digest,
}

impl Check {
    pub fn new(run: RunId, head: Option<(u64, Option<Digest>)>) -> Self {
        Self { run, head, last_seq: 0, last_hash: BEFORE_FIRST }
    }

    /// Where to go on reading.
    pub fn after(&self) -> u64 {
        self.last_seq
    }

    pub fn next(&mut self, entry: &Entry) -> Option<Damage> {
        let expected_seq = self.last_seq + 1;
        if entry.seq != expected_seq {
            return Some(Damage::Gap { first: expected_seq, last: entry.seq - 1 });
        }
        let hash = event_hash(self.last_hash, self.run, entry.seq, &entry.event);
        if entry.prev_hash != self.last_hash || entry.hash != hash {
            return Some(Damage::Altered { seq: entry.seq });
        }
        (self.last_seq, self.last_hash) = (entry.seq, hash);
        match self.head {
            // The whole chain may have been rewritten up to here, but not the head.
            Some((head_seq, head_hash)) if head_seq == entry.seq && head_hash != Some(hash) => {
                Some(Damage::Altered { seq: entry.seq })
            }
            _ => None,
        }
    }

    pub fn finish(self) -> Verified {
        match self.head {
            Some((expected, _)) if expected > self.last_seq => {
                Verified::Damaged(Damage::Truncated { last: self.last_seq, expected })
            }
            _ => Verified::Intact { last_seq: self.last_seq, head: self.last_hash },
        }
    }
}

pub(super) fn digest(bytes: &[u8]) -> Option<Digest> {
    bytes.try_into().ok().map(Digest)
}

#[cfg(test)]
mod tests {
    use super::*;

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
