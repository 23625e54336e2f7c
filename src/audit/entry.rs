//! An entry of the server's own stream: who did what to what, and when.

use core::net::IpAddr;
use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

/// The version of the stored form, inside the body.
pub const ENTRY_VERSION: u32 = 1;

/// Letters of an object or an actor: names and ids are far shorter; what somebody made up is cut.
pub const NAME_LETTERS_MAX: usize = 300;

/// Bytes of a detail. Larger ones are a mistake of ours, and are left out rather than in the way of what happens.
pub const DETAIL_BYTES_MAX: usize = 4 * 1024;

/// Who somebody is that did not say: the holder of a share link, or of a wrong password.
pub const ANONYMOUS: &str = "anonymous";

/// Who holds the server's own command line, and with it the data and the keys.
pub const COMMAND_LINE: &str = "command-line";

/// The server by itself.
pub const SERVER: &str = "server";

macro_rules! kinds {
    ($($(#[$doc:meta])* $Name:ident = $word:literal,)*) => {
        /// What happened. The words are a stored format: they never change their meaning and are never used again.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $Name,)*
        }

        impl Kind {
            /// All of them, for lists to choose from.
            pub const ALL: &[Self] = &[$(Self::$Name,)*];

            /// As it is stored and shown.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$Name => $word,)*
                }
            }
        }
    };
}

kinds! {
    SignedIn = "signed-in",
    SignInRefused = "sign-in-refused",
    SignedOut = "signed-out",
    LoginLinkMade = "login-link-made",
    LoginLinkUsed = "login-link-used",
    TokenMade = "token-made",
    TokenRevoked = "token-revoked",
    ShareMade = "share-made",
    ShareViewed = "share-viewed",
    ShareRevoked = "share-revoked",
    OutputDownloaded = "output-downloaded",
    /// Which secret, by which run and step; never its value.
    SecretUsed = "secret-used",
    PageRaised = "page-raised",
    PageAnswered = "page-answered",
    AccessDenied = "access-denied",
    PolicyChanged = "policy-changed",
    GuardOverridden = "guard-overridden",
    ApprovalAsked = "approval-asked",
    ApprovalGiven = "approval-given",
    ApprovalRejected = "approval-rejected",
    ApprovalWithdrawn = "approval-withdrawn",
    /// Somebody said that a run waits.
    Nudged = "nudged",
    /// By a person, on the command line. Those that the server makes by itself are their own record.
    CheckpointMade = "checkpoint-made",
    AuditExported = "audit-exported",
    /// Something was appended to the log of a handoff; the entry has the hash of its end.
    HandoffWritten = "handoff-written",
    /// Items, and the wheel of their runs, went to their receiver.
    CustodyPassed = "custody-passed",
    /// A lead passed them, with a reason.
    CustodyForced = "custody-forced",
    PersonMade = "person-made",
    PersonChanged = "person-changed",
    /// In an open session, before something that cannot be taken back.
    ProvedAgain = "proved-again",
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.word())
    }
}

/// Why a text is no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of audit entry")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;
    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let found = Self::ALL.iter().find(|kind| kind.word() == text);
        found.copied().ok_or_else(|| UnknownKind(text.chars().take(80).collect()))
    }
}

/// An entry to record. It names things, never shows them: no secret, token, input or output is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    pub kind: Kind,
    /// `user:anna`, `user:anna/ci`, `token:ci`, or one of [`ANONYMOUS`], [`COMMAND_LINE`] and [`SERVER`].
    pub actor: String,
    /// What it was done to: `share:0198…`, `token:0198…`, `user:ben`, `run:0198…`.
    pub object: String,
    /// An object of a few plain facts.
    pub detail: Value,
}

impl NewEntry {
    pub fn new(at_ms: i64, kind: Kind, actor: impl Into<String>, object: impl Into<String>) -> Self {
        Self { at_ms, kind, actor: actor.into(), object: object.into(), detail: json!({}) }
    }

    /// One more fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail[name] = value.into();
        self
    }

    /// Where the request came from, if it came from anywhere.
    #[must_use]
    pub fn from(self, address: Option<IpAddr>) -> Self {
        match address {
            Some(address) => self.with("from", address.to_canonical().to_string()),
            None => self,
        }
    }

    /// What is stored and hashed.
    pub fn content(&self) -> Content {
        let detail = match self.detail.to_string().len() {
            0..=DETAIL_BYTES_MAX => self.detail.clone(),
            bytes => json!({ "left_out_bytes": bytes }),
        };
        Content {
            at_ms: self.at_ms,
            kind: self.kind.word().to_owned(),
            actor: cut(&self.actor),
            object: cut(&self.object),
            body: json!({ "v": ENTRY_VERSION, "detail": detail }).to_string(),
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(NAME_LETTERS_MAX).collect()
}

/// An entry as it is stored: all that its hash covers but its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub at_ms: i64,
    pub kind: String,
    pub actor: String,
    pub object: String,
    /// JSON text: [`ENTRY_VERSION`] and the detail. Hashed as it is.
    pub body: String,
}

impl Content {
    /// The detail, or nothing where the body is not ours.
    pub fn detail(&self) -> Value {
        let body: Option<Value> = serde_json::from_str(&self.body).ok();
        body.and_then(|mut body| body.get_mut("detail").map(Value::take)).unwrap_or_else(|| json!({}))
    }
}

/// Who did what an event of a run tells: the first `by` in its body, however deep.
pub fn actor_in(body: &str) -> Option<String> {
    fn search(value: &Value) -> Option<&str> {
        let fields = value.as_object()?;
        match fields.get("by") {
            Some(Value::String(by)) => Some(by),
            _ => fields.values().find_map(search),
        }
    }
    search(&serde_json::from_str(body).ok()?).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_by_its_word_and_no_two_share_one() {
        let mut words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
        for kind in Kind::ALL {
            assert_eq!(kind.word().parse(), Ok(*kind));
        }
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Kind::ALL.len());
        assert!("signed_in".parse::<Kind>().is_err());
    }

    #[test]
    fn an_entry_has_a_bounded_size_whatever_somebody_makes_up() {
        let long = "x".repeat(100_000);
        let content = NewEntry::new(0, Kind::SignInRefused, &*long, &*long).with("name", long.clone()).content();
        assert!(content.actor.len() + content.object.len() + content.body.len() < DETAIL_BYTES_MAX);
        assert_eq!(content.detail(), json!({ "left_out_bytes": 100_011 }));
    }

    #[test]
    fn the_actor_of_an_event_is_found_where_each_kind_has_it() {
        let bodies = [
            r#"{"v":1,"event":{"step_confirmed":{"step":"a","by":"user:anna"}}}"#,
            r#"{"v":1,"event":{"step_skipped":{"step":"a","why":{"person":{"by":"user:anna","why":"x"}}}}}"#,
        ];
        for body in bodies {
            assert_eq!(actor_in(body).as_deref(), Some("user:anna"));
        }
        for body in ["", "{}", r#"{"v":1,"event":"secrets_lost"}"#, r#"{"event":{"run_paused":{"by":null}}}"#] {
            assert_eq!(actor_in(body), None);
        }
    }
}
