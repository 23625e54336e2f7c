//! Raises pages, lets them climb, takes answers. The rules are `oncall::escalation`'s; here they meet the clock, the
//! schedule and the store.

use std::sync::Arc;

use uuid::Uuid;

use super::text::Body;
use crate::access::account::AccountName;
use crate::audit::entry::{Kind, NewEntry};
use crate::clock::Clock;
use crate::config::Notify;
use crate::engine::Engine;
use crate::engine::ask::EngineError;
use crate::engine::on_call::OnCall;
use crate::entropy;
use crate::id::Digest;
use crate::oncall::escalation::{Event, Input, Over, Page, Refusal, Target, apply, decide};
use crate::oncall::model::{Chain, Reach};
use crate::store::StoreError;
use crate::store::pages::{Message, PageRow};

/// Letters of what a page says: a text message has fewer.
pub const TEXT_CHARACTERS_MAX: usize = 1_000;

/// Letters of the place that a page is about.
const ABOUT_CHARACTERS_MAX: usize = 500;

/// Pages that climb in one look; more wait for the next, a second later.
const DUE_MAX: u32 = 200;

/// Times that a change is decided again because another server changed the page meanwhile.
const TRIES_MAX: usize = 5;

/// Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Pager {
    engine: Engine,
    directory: Arc<Notify>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum PagerError {
    #[error("there is no chain {chain:?}{}", those_known(.known))]
    NoChain { chain: String, known: Vec<String> },
    #[error("a page says at most {TEXT_CHARACTERS_MAX} letters")]
    TooLong,
    #[error("a page is about a place of this server, which begins with `/`")]
    About,
    #[error("there is no such page")]
    NoPage,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the page was changed by others again and again; look at it and try once more")]
    Contended,
    #[error("the stored page {0} cannot be read")]
    Stored(Uuid),
}

fn those_known(chains: &[String]) -> String {
    match chains {
        [] => ": oncall.yaml has no chains".to_owned(),
        chains => format!(": there is {}", chains.join(", ")),
    }
}

/// A page with its number in the store.
#[derive(Debug, Clone)]
pub struct Found {
    pub id: Uuid,
    pub page: Page,
    version: u64,
}

impl Pager {
    /// `directory` says how people and channels are reached.
    pub fn new(engine: Engine, directory: Notify) -> Self {
        Self { engine, directory: Arc::new(directory) }
    }

    pub fn clock(&self) -> &dyn Clock {
        &**self.engine.clock()
    }

    /// Pages a chain: the first level is told as soon as this returns.
    ///
    /// # Errors
    /// There is no such chain, or it could not be stored: then nobody is told.
    pub async fn raise(&self, chain: &str, text: &str, about: Option<&str>, by: &str) -> Result<Found, PagerError> {
        let on_call = self.engine.on_call().await?;
        let Some(of) = on_call.oncall.chains.get(chain) else {
            let known = on_call.oncall.chains.keys().cloned().collect();
            return Err(PagerError::NoChain { chain: chain.chars().take(80).collect(), known });
        };
        let text = text.trim();
        if text.chars().count() > TEXT_CHARACTERS_MAX {
            return Err(PagerError::TooLong);
        }
        let about = about.map(str::trim).filter(|about| !about.is_empty());
        if about.is_some_and(|about| !is_place(about)) {
            return Err(PagerError::About);
        }
        let now_ms = self.clock().wall_ms();
        let text = if text.is_empty() { format!("{} needs help", person_of(by)) } else { text.to_owned() };
        let mut page = Page::raise(chain, of, text, about.map(str::to_owned), by.to_owned(), now_ms);
        let id = entropy::fresh_uuid(now_ms);
        let reached = self.reached(&page, Some(&on_call), now_ms);
        let messages = self.step(id, &mut page, Input::Tick, now_ms, &reached)?;
        let entry = NewEntry::new(now_ms, Kind::PageRaised, by, object(id)).with("chain", chain);
        self.engine.store().raise_page(&row(id, &page, 1), &messages, &entry).await?;
        tracing::info!(page = %id, chain, "a page was raised");
        Ok(Found { id, page, version: 1 })
    }

    /// Takes an answer.
    ///
    /// # Errors
    /// There is no such page, somebody has it already, or it could not be stored.
    pub async fn acknowledge(
        &self,
        id: Uuid,
        by: &str,
        over: Over,
        used_link: Option<Digest>,
    ) -> Result<Found, PagerError> {
        for _ in 0..TRIES_MAX {
            let mut found = self.page(id).await?.ok_or(PagerError::NoPage)?;
            let now_ms = self.clock().wall_ms();
            let input = Input::Acknowledge { by: by.to_owned(), over };
            let messages = self.step(id, &mut found.page, input, now_ms, &[])?;
            let entry = NewEntry::new(now_ms, Kind::PageAnswered, by, object(id));
            let row = row(id, &found.page, found.version);
            if self.engine.store().change_page(&row, &messages, Some(&entry), used_link, now_ms).await? {
                return Ok(found);
            }
        }
        Err(PagerError::Contended)
    }

    /// Lets every page climb whose time has come.
    ///
    /// # Errors
    /// The store cannot be read, or the schedule, and never could since the start: then those who are named by account
    /// or channel are paged all the same, and the rest is tried again.
    pub async fn tick(&self) -> Result<(), PagerError> {
        let now_ms = self.clock().wall_ms();
        let due = self.engine.store().pages_due(now_ms, DUE_MAX).await?;
        if due.is_empty() {
            return Ok(());
        }
        let on_call = self.engine.on_call().await;
        for due in due {
            let id = due.id;
            let mut found = match found(due) {
                Ok(found) => found,
                Err(error) => {
                    tracing::error!(page = %id, %error, "a page stands still");
                    continue;
                }
            };
            let reached = self.reached(&found.page, on_call.as_ref().ok(), now_ms);
            let messages = self.step(id, &mut found.page, Input::Tick, now_ms, &reached)?;
            if on_call.is_err() && messages.is_empty() {
                // Not over: who its rotations mean is not known yet.
                continue;
            }
            // False: another server let it climb, or somebody answered.
            self.engine
                .store()
                .change_page(&row(id, &found.page, found.version), &messages, None, None, now_ms)
                .await?;
        }
        on_call.map(|_| ()).map_err(PagerError::Engine)
    }

    /// # Errors
    /// The store cannot be read.
    pub async fn page(&self, id: Uuid) -> Result<Option<Found>, PagerError> {
        self.engine.store().page(id).await?.map(found).transpose()
    }

    /// Newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn pages(&self, limit: u32) -> Result<Vec<Found>, PagerError> {
        self.engine.store().pages(limit).await?.into_iter().map(found).collect()
    }

    /// The messages of a page, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn messages(&self, id: Uuid) -> Result<Vec<Message>, PagerError> {
        Ok(self.engine.store().messages_of_page(id).await?)
    }

    /// Decides, takes the events in, and gives the messages that follow.
    fn step(
        &self,
        id: Uuid,
        page: &mut Page,
        input: Input,
        now_ms: i64,
        reached: &[Vec<Target>],
    ) -> Result<Vec<Message>, Refusal> {
        let mut messages = Vec::new();
        for event in decide(page, input, now_ms, reached)? {
            if let Event::LevelPaged { level, round, reached } = &event {
                let body = Body::of_page(page, *level).to_stored();
                messages.extend(reached.iter().map(|target| message(id, *level, *round, target, body.clone(), now_ms)));
            }
            apply(page, event, now_ms);
        }
        Ok(messages)
    }

    /// Whom each level reaches at this moment; rotations nobody, where it is not known who is on call.
    fn reached(&self, page: &Page, on_call: Option<&OnCall>, now_ms: i64) -> Vec<Vec<Target>> {
        let reach = |who: &String| match Chain::reach(who) {
            None => Vec::new(),
            Some(Reach::Person(name)) => self.channels_of(&name),
            Some(Reach::Channel(name)) => {
                let known = self.directory.channels.contains_key(&name);
                known.then_some(Target { person: None, channel: name }).into_iter().collect()
            }
            Some(Reach::Rotation(name)) => {
                let holders = on_call.map(|on_call| on_call.schedule.at(&name, now_ms)).unwrap_or_default();
                holders
                    .iter()
                    .filter_map(|shift| shift.holder.account())
                    .flat_map(|who| self.channels_of(who))
                    .collect()
            }
        };
        let of_level = |who: &[String]| -> Vec<Target> {
            let mut targets: Vec<Target> = who.iter().flat_map(reach).collect();
            targets.sort();
            targets.dedup();
            targets
        };
        page.levels.iter().map(|level| of_level(&level.who)).collect()
    }

    fn channels_of(&self, who: &AccountName) -> Vec<Target> {
        let count = self.directory.people.get(who).map_or(0, Vec::len);
        (0..count).map(|number| Target { person: Some(who.to_string()), channel: number.to_string() }).collect()
    }
}

fn found(row: PageRow) -> Result<Found, PagerError> {
    let page = serde_json::from_str(&row.state).map_err(|_| PagerError::Stored(row.id))?;
    Ok(Found { id: row.id, page, version: row.version })
}

fn row(id: Uuid, page: &Page, version: u64) -> PageRow {
    PageRow {
        id,
        chain: page.chain.clone(),
        raised_by: page.raised_by.clone(),
        raised_at_ms: page.raised_at_ms,
        is_open: page.is_open(),
        next_at_ms: page.next_at_ms(),
        version,
        state: serde_json::to_string(page).expect("a page is plain data"),
    }
}

fn message(id: Uuid, level: usize, round: u32, target: &Target, body: String, now_ms: i64) -> Message {
    let person = target.person.as_deref().unwrap_or_default();
    Message {
        id: entropy::fresh_uuid(now_ms),
        key: format!("page:{id}:{round}:{level}:{person}:{}", target.channel),
        channel: target.channel.clone(),
        person: target.person.clone(),
        page: Some(id),
        run: None,
        body,
        made_at_ms: now_ms,
        next_at_ms: Some(now_ms),
        attempts: 0,
        sent_at_ms: None,
        last_error: None,
    }
}

/// As the audit log names a page.
fn object(id: Uuid) -> String {
    format!("page:{id}")
}

/// `anna` of `user:anna/ci`.
fn person_of(actor: &str) -> &str {
    let name = actor.split_once(':').map_or(actor, |(_, name)| name);
    name.split('/').next().unwrap_or(name)
}

/// A path of this server: a link in a message must not lead elsewhere.
fn is_place(about: &str) -> bool {
    about.starts_with('/')
        && !about.starts_with("//")
        && about.chars().count() <= ABOUT_CHARACTERS_MAX
        && about.chars().all(|letter| letter.is_ascii_graphic() && !"\\\"<>".contains(letter))
}
