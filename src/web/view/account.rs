//! One's own account.

use serde::Serialize;

use crate::access::identity::Scopes;
use crate::access::policy::Permission;
use crate::access::scopes;
use crate::store::access::{ApiToken, Began, Session};
use crate::web::format::Moment;
use crate::web::query::Fields;
use crate::web::view::run::Message;

/// How long a token may work, as the form offers it.
pub const TOKEN_DAYS: [&str; 4] = ["1d", "30d", "90d", "365d"];

/// Everything about an account.
#[derive(Debug, Clone, Serialize)]
pub struct AccountPage {
    pub message: Option<Message>,
    pub actor: String,
    pub display_name: Option<String>,
    pub email: Option<String>,
    /// Where the account signs in, if not here.
    pub provider: Option<String>,
    pub groups: String,
    pub has_account: bool,
    /// Password and codes are kept here.
    pub local: bool,
    pub has_password: bool,
    pub has_totp: bool,
    /// The login is recent enough to change what matters.
    pub recent: bool,
    pub sessions: Vec<SessionLine>,
    pub tokens: Vec<TokenLine>,
    pub form: TokenForm,
}

#[derive(Debug, Clone, Serialize)]
pub struct SessionLine {
    pub id: String,
    pub began: &'static str,
    pub user_agent: String,
    pub peer: String,
    pub created: Moment,
    pub seen: Moment,
    /// The one that looks at the page.
    pub here: bool,
}

impl SessionLine {
    pub fn new(session: &Session, here: bool, now_ms: i64) -> Self {
        let unnamed = || "a browser that says no name".to_owned();
        Self {
            id: session.id.to_string(),
            began: match session.began {
                Began::Password => "with the password",
                Began::Provider => "at the provider",
                Began::Link => "with a link",
                Began::BreakGlass => "with a break-glass link",
            },
            user_agent: Some(session.user_agent.clone()).filter(|text| !text.is_empty()).unwrap_or_else(unnamed),
            peer: session.peer.clone(),
            created: Moment::new(session.created_at_ms, now_ms),
            seen: Moment::new(session.last_seen_ms, now_ms),
            here,
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct TokenLine {
    pub id: String,
    pub name: String,
    pub may: String,
    pub standing: &'static str,
    pub tone: &'static str,
    pub expires: Option<Moment>,
    pub used: Option<Moment>,
    pub revocable: bool,
}

impl TokenLine {
    pub fn new(token: &ApiToken, now_ms: i64) -> Self {
        let of = &token.token;
        let works = token.revoked_at_ms.is_none() && of.expires_at_ms.is_none_or(|at_ms| now_ms < at_ms);
        Self {
            id: of.id.to_string(),
            name: of.name.clone(),
            may: Scopes::from_stored(&of.scopes).map_or_else(|_| "nothing".to_owned(), |scopes| scopes.words()),
            standing: match token.revoked_at_ms {
                Some(_) => "revoked",
                None if works => "works",
                None => "expired",
            },
            tone: if works { "good" } else { "still" },
            expires: of.expires_at_ms.map(|at_ms| Moment::new(at_ms, now_ms)),
            used: token.last_used_ms.map(|at_ms| Moment::new(at_ms, now_ms)),
            revocable: works,
        }
    }
}

/// The form of a new token, with what was typed.
#[derive(Debug, Clone, Serialize)]
pub struct TokenForm {
    pub name: String,
    pub runbooks: String,
    pub hosts: String,
    pub verbs: Vec<TokenChoice>,
    pub lasts: Vec<TokenChoice>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TokenChoice {
    pub value: &'static str,
    pub words: &'static str,
    pub chosen: bool,
}

impl TokenForm {
    pub fn typed(typed: &Fields) -> Self {
        let text = |name: &str| typed.filled(name).unwrap_or_default().chars().take(500).collect();
        let reads = ["read-runbooks", "read-runs"];
        let verb = |verb: Permission| {
            let value = scopes::word(verb);
            // An empty form begins with what does no harm.
            let chosen =
                if typed.0.is_empty() { reads.contains(&value) } else { typed.all("verb").any(|is| is == value) };
            TokenChoice { value, words: scopes::sentence(verb), chosen }
        };
        let lasts = typed.filled("expires").unwrap_or("90d");
        let words = ["1 day", "30 days", "90 days", "a year"];
        let last = |(value, words): (&'static str, &'static str)| TokenChoice { value, words, chosen: value == lasts };
        Self {
            name: text("token_name"),
            runbooks: text("runbooks"),
            hosts: text("hosts"),
            verbs: Permission::OF_TOKENS.map(verb).to_vec(),
            lasts: TOKEN_DAYS.into_iter().zip(words).map(last).collect(),
        }
    }
}

/// A token, shown once.
#[derive(Debug, Clone, Serialize)]
pub struct TokenMadePage {
    pub name: String,
    pub token: String,
    pub may: String,
    pub expires: Moment,
}

/// The secret for an authenticator app, until it is confirmed.
#[derive(Debug, Clone, Serialize)]
pub struct TotpPage {
    pub message: Option<Message>,
    pub secret: String,
    /// Squares in a row of the picture.
    pub width: usize,
    pub path: String,
}

/// The recovery codes, shown once.
#[derive(Debug, Clone, Serialize)]
pub struct RecoveryPage {
    pub codes: Vec<String>,
}

/// Proving again who one is.
#[derive(Debug, Clone, Serialize)]
pub struct ConfirmPage {
    pub message: Option<Message>,
    pub next: String,
    /// What can be asked for; with nothing of it, only a fresh link helps.
    pub password: bool,
    pub code: bool,
    pub provider: Option<String>,
}

/// What was done, for the page that follows.
pub fn done(what: &str) -> Option<Message> {
    let title = match what {
        "password" => "The password is changed; your other sessions are ended",
        "session" => "The session is ended",
        "token" => "The token is revoked",
        "totp" => "The app is not asked for any more",
        _ => return None,
    };
    Some(Message { tone: "good", title: title.to_owned(), detail: None })
}
