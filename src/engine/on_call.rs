//! Who is on call, as the served `oncall.yaml` and the calendars say it now. A file with a mistake in it leaves the last
//! good one in force, as does a calendar that cannot be read: whoever is on call at night stays it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use super::ask::{EngineError, with_causes};
use crate::access::account::AccountName;
use crate::access::identity::Identity;
use crate::library::{LibraryError, Revision};
use crate::oncall::booking::Booking;
use crate::oncall::model::{Feed, Source};
use crate::oncall::schedule::Schedule;
use crate::oncall::{self, Oncall, calendar};
use crate::store::StoreError;

/// A change of the file or of a calendar is in force after this. Requests in between share one look.
const AGE_MAX_MS: u64 = 1_000;

/// A calendar that was not read for so long is called out of date: twelve looks failed.
pub const STALE_MS: i64 = 3_600_000;

/// Under this name the text of the last good file is kept.
const LAST_GOOD: &str = "oncall/last-good";

/// Who is on call, and what is wrong with knowing it.
#[derive(Debug, Clone)]
pub struct OnCall {
    pub oncall: Arc<Oncall>,
    pub schedule: Arc<Schedule>,
    pub feeds: Vec<FeedState>,
    /// Why an earlier file is in force, or none.
    pub trouble: Option<String>,
}

/// How reading a calendar stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedState {
    pub name: String,
    /// The rotations that come from it.
    pub rotations: Vec<String>,
    /// When the copy that is in force was read; none: there never was one.
    pub read_at_ms: Option<i64>,
    pub trouble: Option<String>,
    /// Nothing was read for longer than [`STALE_MS`], or never.
    pub is_stale: bool,
}

/// The last look.
#[derive(Debug, Clone)]
pub(super) struct Looked {
    at_ms: u64,
    on_call: OnCall,
}

impl Engine {
    /// Who is on call, at most a second old; where that cannot be read now, as it was known before, with why.
    ///
    /// # Errors
    /// The repository or the store cannot be read, and never could since the start.
    pub async fn on_call(&self) -> Result<OnCall, EngineError> {
        let mut looked = self.shared.on_call.lock().await;
        let now_ms = self.shared.clock.monotonic_ms();
        if let Some(looked) = looked.as_ref().filter(|looked| now_ms.saturating_sub(looked.at_ms) < AGE_MAX_MS) {
            return Ok(looked.on_call.clone());
        }
        let found = self.look_at_on_call().await;
        let on_call = match (found, looked.as_ref()) {
            (Ok(on_call), _) => on_call,
            (Err(error), Some(last)) => {
                tracing::warn!(%error, "who is on call stays as it was known before");
                let trouble = Some(format!("{error}; what was known before stays in force"));
                OnCall { trouble, ..last.on_call.clone() }
            }
            (Err(error), None) => return Err(error),
        };
        // Behind the look: a slow one must not be out of date when it is done.
        *looked = Some(Looked { at_ms: self.shared.clock.monotonic_ms(), on_call: on_call.clone() });
        Ok(on_call)
    }

    /// Whether somebody is on call now: by the rotations, or, where there is none, by the list in `access.yaml`.
    pub(super) async fn is_on_call(&self, who: &Identity) -> Result<bool, EngineError> {
        let on_call = self.on_call().await?;
        if on_call.schedule.rotations().is_empty() {
            return Ok(self.policy_now().await.policy.is_on_call(who));
        }
        let account = who.actor.person().strip_prefix("user:").and_then(|name| name.parse::<AccountName>().ok());
        Ok(account.is_some_and(|account| on_call.schedule.is_on_call(&account, self.shared.clock.wall_ms())))
    }

    async fn look_at_on_call(&self) -> Result<OnCall, EngineError> {
        let library = &self.shared.library;
        let revision = library.resolve(None).await.map_err(|error| EngineError::Library(with_causes(&error)))?;
        let (oncall, trouble) = match library.file(&revision, oncall::FILE).await {
            Ok(file) => self.good_or_last(&file.bytes).await.map_err(storage)?,
            Err(LibraryError::NoFile { .. }) => (Oncall::default(), None),
            Err(error) => return Err(EngineError::Library(with_causes(&error))),
        };
        let mut bookings = BTreeMap::new();
        let mut feeds = Vec::new();
        for (name, feed) in &oncall.feeds {
            let (read, state) = self.read_feed(&oncall, &revision, name, feed).await?;
            bookings.insert(name.clone(), read);
            feeds.push(state);
        }
        let schedule = Arc::new(Schedule::new(&oncall, bookings));
        Ok(OnCall { oncall: Arc::new(oncall), schedule, feeds, trouble })
    }

    /// The file, or the last good one if something is wrong with it.
    async fn good_or_last(&self, bytes: &[u8]) -> Result<(Oncall, Option<String>), StoreError> {
        let parsed = oncall::parse(oncall::FILE, bytes);
        let kept = self.shared.store.setting(LAST_GOOD).await?;
        let Some(first) = parsed.diagnostics.first() else {
            let text = String::from_utf8_lossy(bytes);
            if kept.as_ref().is_none_or(|kept| kept.value != text) {
                // None: another server has kept the same one meanwhile.
                self.shared.store.set_setting(LAST_GOOD, kept.map_or(0, |kept| kept.version), &text).await?;
            }
            return Ok((parsed, None));
        };
        let (count, line) = (parsed.diagnostics.len(), first.span.line);
        let what = format!("oncall.yaml has {count} problems, the first in line {line}: {}", first.message);
        Ok(match kept {
            Some(kept) => {
                let trouble = format!("{what}; the one before it stays in force. `steadyhand check` names them all");
                (oncall::parse(oncall::FILE, kept.value.as_bytes()), Some(trouble))
            }
            None => {
                let trouble =
                    format!("{what}; what could be read of it is in force. `steadyhand check` names them all");
                (parsed, Some(trouble))
            }
        })
    }

    async fn read_feed(
        &self,
        oncall: &Oncall,
        revision: &Revision,
        name: &str,
        feed: &Feed,
    ) -> Result<(Vec<Booking>, FeedState), EngineError> {
        let key = match feed {
            Feed::Server(name) => format!("server:{name}"),
            Feed::File(path) => {
                let key = format!("file:{path}");
                self.look_at_file(revision, path, &key).await.map_err(storage)?;
                key
            }
        };
        let now_ms = self.shared.clock.wall_ms();
        let rotations: Vec<String> = rotations_from(oncall, name);
        let zone = rotations.first().and_then(|rotation| oncall.rotations.get(rotation)).map(|rotation| &rotation.zone);
        let zone = zone.and_then(|zone| zone.iana_name()).unwrap_or("UTC");
        let state = |read_at_ms, trouble: Option<String>, is_stale| FeedState {
            name: name.to_owned(),
            rotations: rotations.clone(),
            read_at_ms,
            trouble,
            is_stale,
        };
        let Some(copy) = self.shared.store.feed(&key).await.map_err(storage)? else {
            let trouble = match feed {
                Feed::Server(name) => format!(
                    "it was not read yet; if that stays so, add {name} below `feeds` in the server's configuration file"
                ),
                Feed::File(path) => format!("there is no file {path}"),
            };
            return Ok((Vec::new(), state(None, Some(trouble), true)));
        };
        let is_old = |at_ms: i64| matches!(feed, Feed::Server(_)) && now_ms - at_ms > STALE_MS;
        match (copy.fetched_at_ms, calendar::read(&copy.text, zone, now_ms)) {
            (Some(at_ms), Ok(bookings)) => Ok((bookings, state(Some(at_ms), copy.trouble, is_old(at_ms)))),
            (Some(at_ms), Err(error)) => Ok((Vec::new(), state(Some(at_ms), Some(error.to_string()), true))),
            (None, _) => Ok((Vec::new(), state(None, copy.trouble, true))),
        }
    }

    /// Keeps a copy of a calendar in the repository while it is good.
    async fn look_at_file(&self, revision: &Revision, path: &str, key: &str) -> Result<(), StoreError> {
        let now_ms = self.shared.clock.wall_ms();
        let store = &self.shared.store;
        let kept = store.feed(key).await?;
        let trouble = match self.shared.library.file(revision, path).await {
            Ok(file) if kept.as_ref().is_some_and(|kept| kept.text == file.bytes && kept.trouble.is_none()) => {
                return Ok(());
            }
            Ok(file) => match calendar::read(&file.bytes, "UTC", now_ms) {
                Ok(_) => return store.keep_feed(key, &file.bytes, now_ms).await,
                Err(error) => format!("{path} cannot be used: {error}"),
            },
            Err(error) => error.to_string(),
        };
        match kept.and_then(|kept| kept.trouble) {
            Some(known) if known == trouble => Ok(()),
            Some(_) | None => store.keep_feed_trouble(key, &trouble, now_ms).await,
        }
    }
}

fn rotations_from(oncall: &Oncall, name: &str) -> Vec<String> {
    let comes = |source: &Source| matches!(source, Source::Feed { feed, .. } if feed == name);
    let rotations = oncall.rotations.iter().filter(|(_, rotation)| comes(&rotation.source));
    rotations.map(|(name, _)| name.clone()).collect()
}

fn storage(error: StoreError) -> EngineError {
    EngineError::Storage { attempted: "read who is on call".to_owned(), reason: with_causes(&error) }
}
