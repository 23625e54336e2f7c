//! Randomness: secrets that nobody can guess, and ids that sort by time. Nothing else asks the system for it.

use uuid::Uuid;

use crate::id::{AttemptId, RunId};

/// 256 random bits, for everything that opens a door: share links, sessions, API tokens, the login link.
///
/// # Panics
/// When the operating system has no randomness to give: no server can run safely there.
#[expect(clippy::disallowed_methods, reason = "this file is the one place that asks the system for randomness")]
pub fn fresh_token() -> [u8; 32] {
    let mut token = [0; 32];
    getrandom::fill(&mut token).expect("the system gives random bytes");
    token
}

/// A UUIDv7 for `now_ms` (milliseconds since 1970, from a [`crate::clock::Clock`]): sorts by time, to the
/// millisecond. 74 bits of it are random: enough never to meet again, too few to be a secret.
pub fn fresh_uuid(now_ms: i64) -> Uuid {
    let random = fresh_token();
    let ten = random.first_chunk().expect("thirty-two bytes hold ten");
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now_ms).unwrap_or(0), ten).into_uuid()
}

/// The id of a run that is started at `now_ms`.
pub fn fresh_run_id(now_ms: i64) -> RunId {
    RunId(fresh_uuid(now_ms))
}

/// The id of an attempt that is planned at `now_ms`.
pub fn fresh_attempt_id(now_ms: i64) -> AttemptId {
    AttemptId(fresh_uuid(now_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_they_were_made_for() {
        assert!(fresh_run_id(1_700_000_000_000) < fresh_run_id(1_700_000_000_001));
        assert_eq!(fresh_uuid(1_700_000_000_000).get_version_num(), 7);
    }

    #[test]
    fn no_two_tokens_or_ids_of_one_millisecond_are_equal() {
        assert_ne!(fresh_token(), fresh_token());
        assert_ne!(fresh_attempt_id(5), fresh_attempt_id(5));
    }
}
