//! The hash chain of a stream, and what recomputing it finds.
//!
//! The bytes that are hashed for an entry of the server's stream, version 1 (all numbers big-endian; those of a
//! run's event stand in `store::run_log`):
//!
//! | bytes | what |
//! |---|---|
//! | 26 | `steadyhand.audit-entry.v1\n` |
//! | 32 | hash of the entry before; 32 zero bytes before the first |
//! | 8 | sequence number, unsigned |
//! | 8 | time in milliseconds since 1970, signed |
//! | 4 + n, four times | length and text of kind, actor, object and body |
//!
//! Lengths stand before the texts so that no text can be moved from one field to the other.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::audit::entry::Content;
use crate::audit::verdict::Verdict;
use crate::id::Digest;

const DOMAIN: &[u8; 26] = b"steadyhand.audit-entry.v1\n";

/// Stands where the first entry's predecessor would.
pub const BEFORE_FIRST: Digest = Digest([0; 32]);

/// What a chain is made of: its hash depends on its content, its place, and what stands before it.
pub trait Chained {
    fn hash_at(&self, before: Digest, seq: u64) -> Digest;
}

impl Chained for Content {
    fn hash_at(&self, before: Digest, seq: u64) -> Digest {
        let head = Sha256::new()
            .chain_update(DOMAIN)
            .chain_update(before.0)
            .chain_update(seq.to_be_bytes())
            .chain_update(self.at_ms.to_be_bytes());
        let hash = [&self.kind, &self.actor, &self.object, &self.body].iter().fold(head, |hash, text| {
            let bytes = u32::try_from(text.len()).expect("texts of an entry are bounded, and rows are below 4 GiB");
            hash.chain_update(bytes.to_be_bytes()).chain_update(text)
        });
        Digest(hash.finalize().into())
    }
}

/// One stored row of a stream.
#[derive(Debug, Clone)]
pub struct Link<C> {
    pub seq: u64,
    pub content: C,
    /// As stored. A stored hash that is no SHA-256 equals no computed one: it comes here as [`BEFORE_FIRST`].
    pub prev_hash: Digest,
    pub hash: Digest,
}

/// What a checkpoint says of one place of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub checkpoint: u64,
    pub hash: Digest,
}

/// Walks a stream in order.
pub struct Walk<'a> {
    /// Last number and hash as the head's row has them.
    head: Option<(u64, Digest)>,
    /// What checkpoints say, by sequence number.
    seen: &'a BTreeMap<u64, Seen>,
    last_seq: u64,
    last_hash: Digest,
}

/// A row that is not what belongs there. Rows behind it may tell whether the right one is elsewhere.
#[derive(Debug, Clone)]
pub struct Suspect<C> {
    at: u64,
    before: Digest,
    found: Link<C>,
}

/// What a row of a walk is.
pub enum Stepped<C> {
    Fine,
    Damaged(Verdict),
    /// Altered, unless a row behind turns out to have changed places with it.
    Suspect(Suspect<C>),
}

impl<'a> Walk<'a> {
    pub fn new(head: Option<(u64, Digest)>, seen: &'a BTreeMap<u64, Seen>) -> Self {
        Self { head, seen, last_seq: 0, last_hash: BEFORE_FIRST }
    }

    /// Where to go on reading.
    pub fn after(&self) -> u64 {
        self.last_seq
    }

    /// Takes the next row.
    pub fn next<C: Chained + Clone>(&mut self, link: &Link<C>) -> Stepped<C> {
        let expected = self.last_seq + 1;
        if link.seq != expected {
            return Stepped::Damaged(Verdict::Gap { first: expected, last: link.seq - 1 });
        }
        let hash = link.content.hash_at(self.last_hash, link.seq);
        if link.prev_hash != self.last_hash || link.hash != hash {
            return Stepped::Suspect(Suspect { at: expected, before: self.last_hash, found: link.clone() });
        }
        (self.last_seq, self.last_hash) = (link.seq, hash);
        if let Some(seen) = self.seen.get(&link.seq).filter(|seen| seen.hash != hash) {
            return Stepped::Damaged(Verdict::Rewritten { up_to: link.seq, checkpoint: seen.checkpoint });
        }
        match self.head {
            // The whole chain may have been rewritten up to here, but not the head.
            Some((head_seq, head_hash)) if head_seq == link.seq && head_hash != hash => {
                Stepped::Damaged(Verdict::Altered { seq: link.seq })
            }
            _ => Stepped::Fine,
        }
    }

    /// After the last row. `later_head` is the number in the head's row read after it: rows and head are written
    /// together, so a row beyond that was put there by something else.
    pub fn finish(self, later_head: u64) -> Verdict {
        let by_head = self.head.map_or(0, |(expected, _)| expected);
        let expected = self.seen.keys().last().copied().unwrap_or(0).max(by_head);
        if expected > self.last_seq {
            return Verdict::Truncated { last: self.last_seq, expected };
        }
        if self.last_seq > later_head {
            return Verdict::Altered { seq: later_head + 1 };
        }
        Verdict::Intact { last_seq: self.last_seq, head: self.last_hash }
    }
}

impl<C: Chained> Suspect<C> {
    /// What it is unless it changed places.
    pub fn altered(&self) -> Verdict {
        Verdict::Altered { seq: self.at }
    }

    /// The verdict if it and `other`, a row behind it, have changed places: as whole rows, or their contents alone
    /// under the hashes that stayed. An inserted row fits neither place.
    pub fn swapped_with(&self, other: &Link<C>) -> Option<Verdict> {
        let belongs_here = other.content.hash_at(self.before, self.at);
        let rows = belongs_here == other.hash
            && self.found.content.hash_at(self.found.prev_hash, other.seq) == self.found.hash;
        let contents =
            belongs_here == self.found.hash && self.found.content.hash_at(other.prev_hash, other.seq) == other.hash;
        (rows || contents).then_some(Verdict::Reordered { seq: self.at, with: other.seq })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(object: &str) -> Content {
        Content {
            at_ms: 1_700_000_000_000,
            kind: "share-made".into(),
            actor: "user:anna".into(),
            object: object.into(),
            body: "{\"v\":1}".into(),
        }
    }

    fn chain(length: u64) -> Vec<Link<Content>> {
        let mut before = BEFORE_FIRST;
        (1..=length)
            .map(|seq| {
                let content = content(&format!("share:{seq}"));
                let hash = content.hash_at(before, seq);
                Link { seq, content, prev_hash: std::mem::replace(&mut before, hash), hash }
            })
            .collect()
    }

    fn verdict(links: &[Link<Content>], head: (u64, Digest), seen: &BTreeMap<u64, Seen>) -> Verdict {
        let mut walk = Walk::new(Some(head), seen);
        for (index, link) in links.iter().enumerate() {
            match walk.next(link) {
                Stepped::Fine => {}
                Stepped::Damaged(verdict) => return verdict,
                Stepped::Suspect(suspect) => {
                    let swapped = links[index + 1..].iter().find_map(|other| suspect.swapped_with(other));
                    return swapped.unwrap_or(suspect.altered());
                }
            }
        }
        walk.finish(head.0)
    }

    #[test]
    fn the_hashed_bytes_are_those_of_version_1() {
        let mut bytes = b"steadyhand.audit-entry.v1\n".to_vec();
        bytes.extend([0; 32]);
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend(1_700_000_000_000_i64.to_be_bytes());
        bytes.extend(b"\0\0\0\x0ashare-made\0\0\0\x09user:anna\0\0\0\x07share:1\0\0\0\x07{\"v\":1}");
        assert_eq!(content("share:1").hash_at(BEFORE_FIRST, 1), Digest::of(&bytes));
    }

    #[test]
    fn a_whole_chain_is_intact_and_rows_behind_its_head_are_not_its_own() {
        let links = chain(5);
        let none = BTreeMap::new();
        assert_eq!(verdict(&links, (5, links[4].hash), &none), Verdict::Intact { last_seq: 5, head: links[4].hash });
        assert_eq!(verdict(&links, (4, links[3].hash), &none), Verdict::Altered { seq: 5 });
        assert_eq!(verdict(&links[..3], (5, links[4].hash), &none), Verdict::Truncated { last: 3, expected: 5 });
    }

    #[test]
    fn rows_and_contents_that_changed_places_are_told_from_altered_ones() {
        let whole = chain(5);
        let head = (5, whole[4].hash);
        let none = BTreeMap::new();
        for (one, other) in [(1, 2), (1, 4), (0, 3)] {
            let told = Verdict::Reordered { seq: one as u64 + 1, with: other as u64 + 1 };
            let mut rows = whole.clone();
            rows.swap(one, other);
            (rows[one].seq, rows[other].seq) = (one as u64 + 1, other as u64 + 1);
            assert_eq!(verdict(&rows, head, &none), told);
            let mut contents = whole.clone();
            contents[one].content = whole[other].content.clone();
            contents[other].content = whole[one].content.clone();
            assert_eq!(verdict(&contents, head, &none), told);
        }
        let mut inserted = whole.clone();
        inserted.insert(2, Link { content: content("share:9"), ..whole[2].clone() });
        for (index, link) in inserted.iter_mut().enumerate() {
            link.seq = index as u64 + 1;
        }
        assert_eq!(verdict(&inserted, head, &none), Verdict::Altered { seq: 3 });
    }

    #[test]
    fn a_chain_that_was_computed_anew_differs_from_what_a_checkpoint_saw() {
        let links = chain(5);
        let head = (5, links[4].hash);
        let seen = |hash| BTreeMap::from([(3, Seen { checkpoint: 7, hash })]);
        assert!(matches!(verdict(&links, head, &seen(links[2].hash)), Verdict::Intact { .. }));
        assert_eq!(verdict(&links, head, &seen(Digest::of(b"other"))), Verdict::Rewritten { up_to: 3, checkpoint: 7 });
        // Also when the head was rewound to hide that the tail is gone.
        let rewound = verdict(&links[..2], (2, links[1].hash), &seen(links[2].hash));
        assert_eq!(rewound, Verdict::Truncated { last: 2, expected: 3 });
    }
}
