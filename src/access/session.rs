//! How long what proves an identity lasts.

/// A session that nobody used for this long is over: an unlocked phone on a table.
pub const SESSION_IDLE_MS: i64 = 12 * 60 * 60 * 1000;

/// A session ends after this however much it is used.
pub const SESSION_MAX_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// A login link that was not used by then is void: it may stand in a terminal's history.
pub const LOGIN_LINK_MS: i64 = 24 * 60 * 60 * 1000;

/// A share link works for this long unless said.
pub const SHARE_MS: i64 = 24 * 60 * 60 * 1000;

/// No share link works longer than this.
pub const SHARE_MAX_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Whether a session of these times still counts at `now_ms` (milliseconds since 1970).
pub fn is_alive(last_seen_ms: i64, expires_at_ms: i64, now_ms: i64) -> bool {
    now_ms < expires_at_ms && now_ms - last_seen_ms < SESSION_IDLE_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_it_idles_and_at_its_last_day() {
        assert!(is_alive(0, SESSION_MAX_MS, SESSION_IDLE_MS - 1));
        assert!(!is_alive(0, SESSION_MAX_MS, SESSION_IDLE_MS));
        assert!(!is_alive(SESSION_MAX_MS - 1, SESSION_MAX_MS, SESSION_MAX_MS));
    }
}
