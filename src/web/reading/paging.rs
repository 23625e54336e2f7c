//! Pages (calls for somebody), as pages of the browser and the API show them.

use uuid::Uuid;

use crate::access::secret::{self, Door};
use crate::id::Digest;
use crate::notify::pager::{Found, PagerError};
use crate::oncall::escalation::{Event, Over, Page, Standing, Target};
use crate::oncall::model::Reach;
use crate::store::StoreError;
use crate::store::pages::{Message, PageLink};
use crate::web::authority::{Authorised, PageAnyone, ThePage, TheServer};
use crate::web::format::Moment;
use crate::web::problem::Problem;
use crate::web::reading::on_call;
use crate::web::state::Web;
use crate::web::view::components::TimelineEntry;
use crate::web::view::paging::{ChainLine, MessageLine, PageLine, PageView, PagingForm};

/// Pages in the list.
pub const LISTED: u32 = 30;

/// A page that nobody has answered for a day is answered by talking.
const LINK_LASTS_MS: i64 = 24 * 3_600_000;

/// The chains that can be paged, and whom each reaches.
///
/// # Errors
/// The schedule cannot be read.
pub async fn form(who: &Authorised<PageAnyone, TheServer>, web: &Web, about: &str) -> Result<PagingForm, Problem> {
    let on_call = on_call::for_paging(who, web).await?;
    let now = on_call::now(who, web).await?;
    let reached = |who: &[Reach]| -> Vec<String> {
        let one = |reach: &Reach| match reach {
            Reach::Rotation(name) => {
                let card = now.iter().find(|card| &card.name == name);
                let names: Vec<String> = card.iter().flat_map(|card| &card.holders).map(|h| h.name.clone()).collect();
                if names.is_empty() { format!("nobody ({name})") } else { names.join(" and ") }
            }
            Reach::Person(name) => name.to_string(),
            Reach::Channel(name) => format!("the channel {name}"),
        };
        who.iter().map(one).collect()
    };
    let chains = on_call.oncall.chains.iter().map(|(name, chain)| ChainLine {
        name: name.clone(),
        title: chain.title.clone().unwrap_or_else(|| name.clone()),
        first: chain.levels.first().map(|level| reached(&level.who).join(", ")).unwrap_or_default(),
        levels: chain.levels.len(),
    });
    let chains: Vec<ChainLine> = chains.collect();
    Ok(PagingForm { about: about.to_owned(), is_empty: chains.is_empty(), chains, recent: recent(who, web).await? })
}

async fn recent(_who: &Authorised<PageAnyone, TheServer>, web: &Web) -> Result<Vec<PageLine>, Problem> {
    let now_ms = web.now_ms();
    let found = web.pager().pages(LISTED).await?;
    Ok(found.iter().map(|found| line(found, now_ms)).collect())
}

/// Newest first.
///
/// # Errors
/// The store cannot be read.
pub async fn list(_who: &Authorised<PageAnyone, TheServer>, web: &Web) -> Result<Vec<Found>, Problem> {
    Ok(web.pager().pages(LISTED).await?)
}

/// One page, with its story and messages.
///
/// # Errors
/// The store cannot be read.
pub async fn view(
    who: &Authorised<PageAnyone, ThePage>,
    web: &Web,
    refused: Option<String>,
) -> Result<PageView, Problem> {
    let found = found(who, web).await?;
    let messages = web.pager().messages(found.id).await?;
    Ok(picture(&found, &messages, web.now_ms(), refused))
}

/// One page.
///
/// # Errors
/// The store cannot be read.
pub async fn found(who: &Authorised<PageAnyone, ThePage>, web: &Web) -> Result<Found, Problem> {
    Ok(web.pager().page(who.on.id).await?.ok_or(PagerError::NoPage)?)
}

/// What a link of a message leads to, if it is one of ours: the page, and for whom the link was made.
///
/// # Errors
/// The store cannot be read.
pub async fn by_link(web: &Web, token: &str) -> Result<Option<(Found, String)>, Problem> {
    let Some((_, link)) = link(web, token).await? else { return Ok(None) };
    Ok(web.pager().page(link.page).await?.map(|found| (found, link.person)))
}

/// The link of a text, while it is alive: it is young, and its person was not shut out.
///
/// # Errors
/// The store cannot be read.
pub async fn link(web: &Web, token: &str) -> Result<Option<(Digest, PageLink)>, StoreError> {
    let Some(hash) = secret::hash(Door::Page, token) else { return Ok(None) };
    let Some(link) = web.store().page_link(hash).await? else { return Ok(None) };
    let is_old = web.now_ms().saturating_sub(link.made_at_ms) > LINK_LASTS_MS;
    // Somebody without an account here can be paged; somebody whose account was ended opens nothing any more.
    let is_shut_out = web.store().person_named(&link.person).await?.is_some_and(|person| person.is_disabled());
    Ok((!is_old && !is_shut_out).then_some((hash, link)))
}

fn line(found: &Found, now_ms: i64) -> PageLine {
    let (tone, words) = standing(&found.page);
    PageLine {
        href: format!("/pages/{}", found.id),
        title: found.page.title.clone(),
        text: found.page.text.clone(),
        by: found.page.raised_by.clone(),
        raised: Moment::new(found.page.raised_at_ms, now_ms),
        tone,
        standing: words,
    }
}

/// The page of a page.
pub fn picture(found: &Found, messages: &[Message], now_ms: i64, refused: Option<String>) -> PageView {
    let page = &found.page;
    let (tone, words) = standing(page);
    let mut story = vec![TimelineEntry {
        at: Moment::new(page.raised_at_ms, now_ms),
        tone: "run",
        title: format!("{} paged {}", page.raised_by, page.title),
        detail: None,
    }];
    story.extend(page.story.iter().map(|told| entry(page, &told.event, Moment::new(told.at_ms, now_ms))));
    PageView {
        action: format!("/pages/{}/acknowledge", id_text(found.id)),
        title: page.title.clone(),
        text: page.text.clone(),
        about: page.about.clone(),
        by: page.raised_by.clone(),
        tone,
        standing: words,
        is_open: page.is_open(),
        next: page.next_at_ms().map(|at_ms| Moment::new(at_ms, now_ms)),
        story,
        messages: messages.iter().map(|message| message_line(message, now_ms)).collect(),
        refused,
    }
}

fn id_text(id: Uuid) -> String {
    id.to_string()
}

fn standing(page: &Page) -> (&'static str, String) {
    match &page.standing {
        Standing::Raised => ("run", "raised".to_owned()),
        Standing::Climbing { level, .. } => ("wait", format!("level {} of {} is paged", level + 1, page.levels.len())),
        Standing::Acknowledged { by, .. } => ("good", format!("{by} has it")),
        Standing::Exhausted { .. } => ("bad", "nobody has answered".to_owned()),
    }
}

fn entry(page: &Page, event: &Event, at: Moment) -> TimelineEntry {
    let (tone, title, detail) = match event {
        Event::LevelPaged { level, reached, .. } => {
            let who = page.levels.get(*level).map(|level| level.who.join(", ")).unwrap_or_default();
            let (tone, words) = match people(reached) {
                names if names.is_empty() => {
                    ("bad", "nobody could be reached; the next level was paged at once".to_owned())
                }
                names => ("wait", names.join(", ")),
            };
            (tone, format!("Level {}: {words}", level + 1), Some(who))
        }
        Event::Acknowledged { by, over } => {
            let over = match over {
                Over::SignedIn => "signed in",
                Over::Link => "with the link of a message",
            };
            ("good", format!("{by} has it"), Some(over.to_owned()))
        }
        Event::Exhausted => ("bad", "Everybody was paged, nobody has answered".to_owned(), None),
    };
    TimelineEntry { at, tone, title, detail }
}

fn people(reached: &[Target]) -> Vec<String> {
    let mut names: Vec<String> = reached
        .iter()
        .map(|target| target.person.clone().unwrap_or_else(|| format!("channel {}", target.channel)))
        .collect();
    names.dedup();
    names
}

fn message_line(message: &Message, now_ms: i64) -> MessageLine {
    let to = match &message.person {
        Some(person) => format!("{person}, channel {}", message.channel.parse::<u32>().map_or(0, |n| n + 1)),
        None => format!("channel {}", message.channel),
    };
    let (tone, words) = match (message.sent_at_ms, message.next_at_ms) {
        (Some(_), _) => ("good", "sent"),
        (None, Some(_)) if message.attempts == 0 => ("run", "on its way"),
        (None, Some(_)) => ("wait", "tried again"),
        (None, None) if message.last_error.is_some() => ("bad", "not sent"),
        (None, None) => ("still", "taken back"),
    };
    let at_ms = message.sent_at_ms.or(message.next_at_ms).unwrap_or(message.made_at_ms);
    MessageLine {
        to,
        tone,
        words,
        at: Moment::new(at_ms, now_ms),
        attempts: message.attempts,
        error: message.last_error.clone().filter(|_| message.sent_at_ms.is_none()),
    }
}
