//! What every handler is handed: the engine, the clock, the limits.

use std::error::Error as _;
use std::sync::{Arc, Mutex};

use axum::http::uri::Authority;
use ipnet::IpNet;
use tokio_util::sync::CancellationToken;

use crate::audit::repeats::Repeats;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::engine::output::OutputError;
use crate::library::{Catalogue, Changes, LibraryError};
use crate::notify::Directory;
use crate::notify::pager::{Pager, PagerError};
use crate::runbook::parse::Parsed;
use crate::sign_on::{self, Provider};
use crate::store::{Store, StoreError};
use crate::web::limits::{Bounds, Limits};
use crate::web::passwords::Passwords;
use crate::web::problem::Problem;
use crate::web::rates::Rates;
use crate::web::watchers::Watchers;

/// What whoever starts the server may say about its web side.
#[derive(Debug, Clone, Default)]
pub struct WebOptions {
    /// Where people reach the server, e.g. `https://ops.example.org`, without a slash at the end. Cookies are
    /// `Secure` when it begins with `https`, and links that are passed on begin with it.
    pub public_url: Option<String>,
    /// Share links ask for login, whatever their maker chose.
    pub shares_require_login: bool,
    /// Where people may sign in besides here.
    pub provider: Option<sign_on::Configuration>,
    /// Proxies that may say who asks. None unless named: anybody can send their headers.
    pub trusted_proxies: Vec<IpNet>,
    pub bounds: Bounds,
    /// How people and channels are reached.
    pub directory: Directory,
}

impl WebOptions {
    /// Whether people reach the server over https at its public address.
    pub fn is_https(&self) -> bool {
        self.public_origin().is_some_and(|origin| origin.starts_with("https://"))
    }

    /// The public address as browsers write it in `Origin`: `https://ops.example.org`. None if it has another form.
    pub fn public_origin(&self) -> Option<String> {
        let (scheme, authority) = self.public_url.as_deref()?.trim_end_matches('/').split_once("://")?;
        let scheme = ["https", "http"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme))?;
        let authority = authority.parse::<Authority>().ok().filter(|parsed| !parsed.as_str().contains('@'))?;
        let default_port = if scheme == "https" { ":443" } else { ":80" };
        let lower = authority.as_str().to_ascii_lowercase();
        Some(format!("{scheme}://{}", lower.strip_suffix(default_port).unwrap_or(&lower)))
    }
}

/// Cheap to clone; all clones are one server.
#[derive(Clone)]
pub struct Web {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    clock: Arc<dyn Clock>,
    options: WebOptions,
    limits: Limits,
    watchers: Watchers,
    rates: Rates,
    passwords: Passwords,
    provider: Option<Provider>,
    pager: Pager,
    catalogue: Catalogue<Parsed>,
    changes: Changes,
    /// What was recorded lately, so that the same again is only counted.
    repeats: Mutex<Repeats>,
    stopping: CancellationToken,
}

impl Web {
    pub fn new(engine: Engine, clock: Arc<dyn Clock>, options: WebOptions) -> Self {
        let shared = Shared {
            pager: Pager::new(engine.clone(), options.directory.clone()),
            engine,
            clock,
            provider: options.provider.clone().map(Provider::new),
            limits: Limits::new(options.bounds),
            options,
            watchers: Watchers::default(),
            rates: Rates::new(),
            passwords: Passwords::default(),
            catalogue: Catalogue::default(),
            changes: Changes::default(),
            repeats: Mutex::default(),
            stopping: CancellationToken::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    pub(super) fn store(&self) -> &Store {
        self.shared.engine.store()
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Who has the page of which run open.
    pub(super) fn watchers(&self) -> &Watchers {
        &self.shared.watchers
    }

    /// The label of the provider's button, if there is a provider.
    pub(super) fn provider_label(&self) -> Option<&str> {
        self.provider().map(|provider| provider.configuration().label.as_str())
    }

    /// The single sign-on provider, if there is one.
    pub(super) fn provider(&self) -> Option<&Provider> {
        self.shared.provider.as_ref()
    }

    /// How many password hashes were computed so far.
    pub fn passwords_computed(&self) -> u64 {
        self.shared.passwords.computed()
    }

    pub(super) fn pager(&self) -> &Pager {
        &self.shared.pager
    }

    pub(super) fn passwords(&self) -> &Passwords {
        &self.shared.passwords
    }

    pub(super) fn options(&self) -> &WebOptions {
        &self.shared.options
    }

    pub(super) fn rates(&self) -> &Rates {
        &self.shared.rates
    }

    pub(super) fn catalogue(&self) -> &Catalogue<Parsed> {
        &self.shared.catalogue
    }

    pub(super) fn changes(&self) -> &Changes {
        &self.shared.changes
    }

    pub(super) fn repeats(&self) -> std::sync::MutexGuard<'_, Repeats> {
        self.shared.repeats.lock().expect("nothing that holds this lock can panic")
    }

    /// Milliseconds since 1970.
    pub(super) fn now_ms(&self) -> i64 {
        self.shared.clock.wall_ms()
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Cancelled when the server ends: streams end with it.
    pub(super) fn stopping(&self) -> &CancellationToken {
        &self.shared.stopping
    }
}

impl From<StoreError> for Problem {
    fn from(failed: StoreError) -> Self {
        tracing::error!(error = %failed, cause = failed.source().map(tracing::field::display), "the store failed a request");
        if matches!(failed, StoreError::NotRecorded { .. }) {
            return Self::not_recorded(failed.to_string());
        }
        Self::internal(format!("the server {failed}"))
    }
}

impl From<LibraryError> for Problem {
    fn from(failed: LibraryError) -> Self {
        match &failed {
            LibraryError::NoFile { .. } => Self::not_found(failed.to_string()),
            LibraryError::UnknownRef { .. } | LibraryError::RefWithoutGit { .. } => Self::refused(failed.to_string()),
            _ => {
                tracing::error!(error = %failed, "the runbooks could not be read");
                Self::internal(format!("the server could not read the runbooks: {failed}"))
            }
        }
    }
}

impl From<OutputError> for Problem {
    fn from(failed: OutputError) -> Self {
        tracing::error!(error = %failed, "output could not be read");
        Self::internal(failed.to_string())
    }
}

impl From<PagerError> for Problem {
    fn from(failed: PagerError) -> Self {
        match failed {
            PagerError::NoChain { .. } | PagerError::TooLong | PagerError::About => Self::refused(failed.to_string()),
            PagerError::NoPage => Self::not_found(failed.to_string()),
            PagerError::Refused(_) | PagerError::Contended => Self::stale(failed.to_string()),
            PagerError::Store(failed) => failed.into(),
            PagerError::Engine(_) | PagerError::Stored(_) => {
                tracing::error!(error = %failed, "paging failed");
                Self::internal(format!("{failed}; nobody may have been told: call by telephone"))
            }
        }
    }
}
