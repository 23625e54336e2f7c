//! The hash chain over a handoff's events: the bytes are those of a run's event (`store::run_log::chain`), with the
//! handoff's id in the place of the run's and `steadyhand.handoff-event.v1\n` before them.

use crate::audit::chain::Chained;
use crate::id::{Digest, HandoffId};
use crate::store::run_log::{StoredEvent, hash_of};

const DOMAIN: &[u8; 28] = b"steadyhand.handoff-event.v1\n";

/// The hash of an event at its place in the log.
pub fn handoff_event_hash(prev_hash: Digest, handoff: HandoffId, seq: u64, event: &StoredEvent) -> Digest {
    hash_of(DOMAIN, prev_hash, handoff.0, seq, event)
}

/// An event of a handoff, as its chain has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoffEvent {
    pub handoff: HandoffId,
    pub event: StoredEvent,
}

impl Chained for HandoffEvent {
    fn hash_at(&self, before: Digest, seq: u64) -> Digest {
        handoff_event_hash(before, self.handoff, seq, &self.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::chain::BEFORE_FIRST;
    use crate::id::RunId;
    use crate::store::run_log::event_hash;

    #[test]
    fn the_same_event_has_another_hash_in_the_log_of_a_run() {
        let id = uuid::Uuid::from_u128(1);
        let event = StoredEvent { kind: "x".into(), at_ms: 0, body: "{}".into() };
        let (of_run, of_handoff) = (RunId(id), HandoffId(id));
        assert_ne!(
            event_hash(BEFORE_FIRST, of_run, 1, &event),
            handoff_event_hash(BEFORE_FIRST, of_handoff, 1, &event)
        );
    }
}
