//! What happens again and again is recorded once and then counted, so that nobody fills the disk by failing to sign
//! in, and reading a page twice is not two entries.
//!
//! The first of its kind in a window is an entry at once; the others are one more entry with their number when the
//! window is over. What must not happen unrecorded ([`Repeats::must_record`]) is counted only once its first entry
//! is known to be stored.

use std::collections::HashMap;

use crate::audit::entry::{ANONYMOUS, Kind, NewEntry};

/// A minute of refusals of one address is one entry and one count.
const REFUSED_WINDOW_MS: i64 = 60_000;

/// Reading the same again within this time is the same reading.
const SEEN_WINDOW_MS: i64 = 10 * 60_000;

/// Addresses (or people) that have entries of their own in a minute, for each kind of refusal. Those of all others
/// are counted in one: an attack from a thousand addresses makes 41 entries a minute, 25 MB a day.
pub const REFUSED_KEYS_MAX: usize = 20;

/// Readings that are remembered. Beyond that each is an entry: whoever reads has proven who they are, or has a link.
pub const SEEN_KEYS_MAX: usize = 2_000;

/// Kind, actor, object, and the address that it came from (empty: from nowhere).
type Key = (Kind, String, String, String);

/// What happened lately.
#[derive(Debug, Default)]
pub struct Repeats {
    buckets: HashMap<Key, Bucket>,
    /// Refusals of whoever had no room, by kind.
    others: HashMap<Kind, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    since_ms: i64,
    last_ms: i64,
    /// After the first.
    more: u64,
}

impl Repeats {
    /// Of a refusal: whether it is to be recorded now. It is counted otherwise.
    pub fn refused(&mut self, entry: &NewEntry) -> bool {
        let key = key(entry);
        if let Some(bucket) = self.buckets.get_mut(&key) {
            bucket.count(entry.at_ms);
            return false;
        }
        if self.buckets.keys().filter(|(kind, ..)| *kind == entry.kind).count() < REFUSED_KEYS_MAX {
            self.buckets.insert(key, Bucket::new(entry.at_ms));
            return true;
        }
        self.others.entry(entry.kind).or_insert_with(|| Bucket::new(entry.at_ms)).count(entry.at_ms);
        false
    }

    /// Of something that must not happen unrecorded: whether it is to be recorded before it happens. Say
    /// [`Repeats::stored`] afterwards; until then it is to be recorded by everybody who asks.
    pub fn must_record(&mut self, entry: &NewEntry) -> bool {
        match self.buckets.get_mut(&key(entry)) {
            Some(bucket) if entry.at_ms - bucket.since_ms < SEEN_WINDOW_MS => {
                bucket.count(entry.at_ms);
                false
            }
            Some(_) | None => true,
        }
    }

    /// The entry is stored: the same is only counted for a while.
    pub fn stored(&mut self, entry: &NewEntry) {
        if self.buckets.len() < SEEN_KEYS_MAX {
            self.buckets.entry(key(entry)).or_insert_with(|| Bucket::new(entry.at_ms));
        }
    }

    /// Entries with the counts of windows that are over.
    pub fn over(&mut self, now_ms: i64) -> Vec<NewEntry> {
        self.take(now_ms, |kind, bucket| now_ms - bucket.since_ms >= window_ms(kind))
    }

    /// The same of all windows: the server ends.
    pub fn all(&mut self, now_ms: i64) -> Vec<NewEntry> {
        self.take(now_ms, |_, _| true)
    }

    fn take(&mut self, now_ms: i64, is_over: impl Fn(Kind, &Bucket) -> bool) -> Vec<NewEntry> {
        let own = self.buckets.extract_if(|(kind, ..), bucket| is_over(*kind, bucket));
        let mut entries: Vec<_> = own
            .filter_map(|((kind, actor, object, from), bucket)| bucket.counted(now_ms, kind, &actor, &object, &from))
            .collect();
        let others = self.others.extract_if(|kind, bucket| is_over(*kind, bucket));
        entries.extend(others.filter_map(|(kind, bucket)| bucket.counted(now_ms, kind, ANONYMOUS, "others", "")));
        entries
    }
}

impl Bucket {
    fn new(at_ms: i64) -> Self {
        Self { since_ms: at_ms, last_ms: at_ms, more: 0 }
    }

    fn count(&mut self, at_ms: i64) {
        self.more += 1;
        self.last_ms = self.last_ms.max(at_ms);
    }

    fn counted(self, now_ms: i64, kind: Kind, actor: &str, object: &str, from: &str) -> Option<NewEntry> {
        let entry = NewEntry::new(now_ms, kind, actor, object);
        let entry = if from.is_empty() { entry } else { entry.with("from", from) };
        let entry = entry.with("times_more", self.more).with("since_ms", self.since_ms).with("until_ms", self.last_ms);
        (self.more > 0).then_some(entry)
    }
}

fn key(entry: &NewEntry) -> Key {
    let from = entry.detail["from"].as_str().unwrap_or_default().to_owned();
    (entry.kind, entry.actor.clone(), entry.object.clone(), from)
}

fn window_ms(kind: Kind) -> i64 {
    match kind {
        Kind::SignInRefused | Kind::AccessDenied => REFUSED_WINDOW_MS,
        _ => SEEN_WINDOW_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(at_ms: i64, from: &str) -> NewEntry {
        NewEntry::new(at_ms, Kind::SignInRefused, ANONYMOUS, "sign-in").with("from", from)
    }

    #[test]
    fn a_minute_of_refusals_of_one_address_is_one_entry_and_one_count() {
        let mut repeats = Repeats::default();
        let recorded = (0..1_000).filter(|second| repeats.refused(&refusal(second * 50, "192.0.2.1"))).count();
        assert_eq!((recorded, repeats.over(49_999).len()), (1, 0));
        let counted = repeats.over(60_000);
        assert_eq!((counted.len(), &counted[0].detail["times_more"]), (1, &999.into()));
        assert_eq!(counted[0].detail["from"], "192.0.2.1");
        assert!(repeats.refused(&refusal(60_001, "192.0.2.1")));
    }

    #[test]
    fn refusals_of_a_thousand_addresses_make_a_bounded_number_of_entries() {
        let mut repeats = Repeats::default();
        let all = (0..2_000).map(|number| refusal(number, &format!("10.0.{}.{}", number / 250 % 4, number % 250)));
        let recorded = all.filter(|entry| repeats.refused(entry)).count();
        assert_eq!(recorded, REFUSED_KEYS_MAX);
        let counted = repeats.all(60_000);
        assert_eq!(counted.len(), REFUSED_KEYS_MAX + 1);
        let times: u64 = counted.iter().filter_map(|entry| entry.detail["times_more"].as_u64()).sum();
        assert_eq!(times + recorded as u64, 2_000, "none is lost");
        // Who is refused access is not pushed out by who cannot sign in.
        assert!(repeats.refused(&NewEntry::new(0, Kind::AccessDenied, "user:anna", "GET /audit")));
    }

    #[test]
    fn what_must_be_recorded_is_counted_only_once_its_first_entry_is_stored() {
        let mut repeats = Repeats::default();
        let view = |at_ms| NewEntry::new(at_ms, Kind::ShareViewed, ANONYMOUS, "share:1");
        assert!(repeats.must_record(&view(0)));
        assert!(repeats.must_record(&view(1)), "the first is not stored yet");
        repeats.stored(&view(1));
        assert!(!repeats.must_record(&view(2)));
        assert!(repeats.must_record(&view(1 + SEEN_WINDOW_MS)), "a later reading is another one");
        for number in 0..2 * SEEN_KEYS_MAX {
            repeats.stored(&NewEntry::new(3, Kind::OutputDownloaded, "user:anna", format!("{number}")));
        }
        assert_eq!(repeats.buckets.len(), SEEN_KEYS_MAX);
    }
}
