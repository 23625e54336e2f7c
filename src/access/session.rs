//! How long what proves an identity lasts.

use crate::access::identity::{Identity, Road};

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

/// After the password, the code may take this long to type; at the provider, the whole login.
pub const LOGIN_STEP_MS: i64 = 10 * 60 * 1000;

/// Wrong codes after one right password; then it begins again with the password.
pub const LOGIN_STEP_TRIES: i64 = 5;

/// What asks for more than an open browser (approving, one's own account) asks for a login as recent as this.
pub const STEP_UP_MS: i64 = 15 * 60 * 1000;

/// Whether somebody has proved in person who they are within [`STEP_UP_MS`]. Never a token: nobody is there. Whoever
/// holds the process itself is there now.
pub fn is_recent(identity: &Identity, now_ms: i64) -> bool {
    match (identity.road, identity.authenticated_at_ms) {
        (Road::Within, _) => true,
        (Road::Session, Some(at_ms)) => (0..STEP_UP_MS).contains(&now_ms.saturating_sub(at_ms)),
        (Road::Session, None) | (Road::Token, _) => false,
    }
}

/// Whether a session of these times still counts at `now_ms` (milliseconds since 1970).
pub fn is_alive(last_seen_ms: i64, expires_at_ms: i64, now_ms: i64) -> bool {
    now_ms < expires_at_ms && now_ms - last_seen_ms < SESSION_IDLE_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::identity::Reach;
    use crate::run::event::Actor;

    #[test]
    fn a_login_is_recent_for_a_quarter_of_an_hour_and_a_token_never() {
        let by = |road, authenticated_at_ms| Identity {
            actor: Actor("user:anna".to_owned()),
            road,
            groups: Vec::new(),
            reach: Reach::Granted,
            authenticated_at_ms,
        };
        assert!(is_recent(&by(Road::Session, Some(1_000)), 1_000 + STEP_UP_MS - 1));
        assert!(!is_recent(&by(Road::Session, Some(1_000)), 1_000 + STEP_UP_MS));
        assert!(!is_recent(&by(Road::Session, Some(1_000)), 999), "a login of the future is none");
        assert!(!is_recent(&by(Road::Session, None), 1_000));
        assert!(!is_recent(&by(Road::Token, Some(1_000)), 1_000));
    }

    #[test]
    fn a_session_ends_when_it_idles_and_at_its_last_day() {
        assert!(is_alive(0, SESSION_MAX_MS, SESSION_IDLE_MS - 1));
        assert!(!is_alive(0, SESSION_MAX_MS, SESSION_IDLE_MS));
        assert!(!is_alive(SESSION_MAX_MS - 1, SESSION_MAX_MS, SESSION_MAX_MS));
    }
}
