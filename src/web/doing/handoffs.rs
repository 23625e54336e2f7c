//! What handlers ask about handoffs. Whose turn it is, the handoff itself decides; that whoever asks may write
//! handoffs at all, the proof says.

use crate::access::policy::Permission;
use crate::access::scope::About;
use crate::engine::handoffs::{Begin, HandoffActError};
use crate::entropy;
use crate::handoff::checks;
use crate::handoff::decide::{Ask, Refusal, Request, Written, WrittenItem};
use crate::handoff::due::Due;
use crate::handoff::event::{ActionChange, Shift};
use crate::handoff::record::{Action, Contingency, RunbookRef, Severity};
use crate::handoff::state::State;
use crate::id::{Digest, HandoffId, ItemKey, RunbookPath};
use crate::run::event::Actor;
use crate::web::authority::{Authorised, ForceCustody, Named, TheHandoff, WriteHandoffs};
use crate::web::handoff_form::{ActionText, Asked, BeginText, ContingencyText, ItemText, Word};
use crate::web::state::Web;

type Done = Result<State, HandoffActError>;

/// A shift whose length nobody says began this long before its end, and ends in an hour.
const SHIFT_MS: i64 = 12 * 3_600_000;
const BOUNDARY_IN_MS: i64 = 3_600_000;

/// Begins a handoff from whoever asks, or by them for somebody else; in an emergency it is offered at once.
///
/// # Errors
/// As of the engine; nothing has happened.
pub async fn begin(who: &Authorised<WriteHandoffs, Named>, web: &Web, asked: &BeginText) -> Done {
    let now_ms = web.now_ms();
    let own = Actor(who.actor().person().to_owned());
    let named = |name: &str| Actor(format!("user:{}", name.trim().trim_start_matches("user:")));
    if asked.to.trim().is_empty() {
        return Err(wrong("say who receives it: the name of an account"));
    }
    let outgoing = if asked.from.trim().is_empty() { own } else { named(&asked.from) };
    let is_emergency = !asked.emergency.trim().is_empty();
    let ends_ms = match asked.boundary.trim() {
        "" => now_ms + if is_emergency { 1 } else { BOUNDARY_IN_MS },
        text => Due::parse(text).map_err(|error| wrong(&error.to_string()))?.at_ms,
    };
    let shift = Shift {
        rotation: Some(asked.rotation.trim().to_owned()).filter(|rotation| !rotation.is_empty()),
        starts_ms: ends_ms - SHIFT_MS,
        ends_ms,
        outgoing,
        incoming: named(&asked.to),
    };
    let id = HandoffId(entropy::fresh_uuid(now_ms));
    let emergency = is_emergency.then(|| asked.emergency.clone());
    let wish = Begin { id, shift, emergency, by: Some(who.actor().clone()) };
    let may = |permission: Permission, about: About<'_>| who.may(permission, about);
    let state = web.engine().begin_handoff(wish, &may).await?;
    if !is_emergency || !state.is_sender(who.actor()) {
        return Ok(state);
    }
    let sign = Ask::Sign { digest: state.digest(), findings: Vec::new(), reasons: Default::default() };
    for ask in [sign, Ask::Offer] {
        web.engine().handoff_act(id, &request(who.actor(), ask)).await?;
    }
    web.engine().handoff(id).await?.ok_or(HandoffActError::NoSuchHandoff(id))
}

/// Follows what somebody asks of the handoff that was authorised.
///
/// # Errors
/// As of the engine: refused, stale, or it could not be stored.
pub async fn act(who: &Authorised<WriteHandoffs, TheHandoff>, web: &Web, asked: Asked) -> Done {
    match asked {
        Asked::Send { digest, reasons } => send(who, web, &digest, reasons).await,
        Asked::Quiet { revision, overview } => {
            let state = say(who, web, Ask::Write { revision, what: Written::Quiet { overview } }).await?;
            send(who, web, &state.digest().to_string(), Default::default()).await
        }
        Asked::Refresh => refresh(who, web).await,
        Asked::ReadItem { item, text, decision, words } => read_item(who, web, item, text, (decision, words)).await,
        Asked::Accept { digest, recap } => {
            if !recap.trim().is_empty() {
                say(who, web, Ask::Recap { text: recap }).await?;
            }
            let digest = parsed(&digest)?;
            pass(who, web, Ask::Acknowledge { digest, wheels: Default::default() }).await
        }
        Asked::TakeUnbriefed => pass(who, web, Ask::TakeUnbriefed { wheels: Default::default() }).await,
        other => {
            let ask = plain(web, other).await?;
            say(who, web, ask).await
        }
    }
}

/// A lead passes an item to somebody, with a reason.
///
/// # Errors
/// As of the engine.
pub async fn force(
    who: &Authorised<ForceCustody, TheHandoff>,
    web: &Web,
    item: ItemKey,
    to: &str,
    reason: String,
) -> Done {
    let to = to.trim().trim_start_matches("user:");
    if web.store().person_named(to).await.map_err(unreadable)?.is_none_or(|person| person.disabled_at_ms.is_some()) {
        return Err(wrong(&format!("there is no account {to} that could hold it: name somebody who can sign in")));
    }
    let ask = Ask::Force { item, to: Actor(format!("user:{to}")), reason, wheels: Default::default() };
    let request = Request { by: who.actor().clone(), may_force: true, ask };
    web.engine().handoff_pass(who.on.id, request, who.identity.clone()).await
}

async fn say(who: &Authorised<WriteHandoffs, TheHandoff>, web: &Web, ask: Ask) -> Done {
    web.engine().handoff_act(who.on.id, &request(who.actor(), ask)).await
}

async fn pass(who: &Authorised<WriteHandoffs, TheHandoff>, web: &Web, ask: Ask) -> Done {
    web.engine().handoff_pass(who.on.id, request(who.actor(), ask), who.identity.clone()).await
}

fn request(by: &Actor, ask: Ask) -> Request {
    Request { by: by.clone(), may_force: false, ask }
}

async fn current(who: &Authorised<WriteHandoffs, TheHandoff>, web: &Web) -> Done {
    web.engine().handoff(who.on.id).await?.ok_or(HandoffActError::NoSuchHandoff(who.on.id))
}

/// Signs what was seen, with how the world is right now, and offers it.
async fn send(
    who: &Authorised<WriteHandoffs, TheHandoff>,
    web: &Web,
    digest: &str,
    reasons: std::collections::BTreeMap<String, String>,
) -> Done {
    let state = current(who, web).await?;
    let may = |permission: Permission, about: About<'_>| who.may(permission, about);
    let world = web.engine().handoff_world(&state, &may).await?;
    let findings = checks::check(&state, &world);
    let signed = say(who, web, Ask::Sign { digest: parsed(digest)?, findings, reasons }).await?;
    // An amendment is signed where it is: it was offered, and taken, before.
    if signed.phase == crate::handoff::state::Phase::Ready { say(who, web, Ask::Offer).await } else { Ok(signed) }
}

async fn refresh(who: &Authorised<WriteHandoffs, TheHandoff>, web: &Web) -> Done {
    let state = current(who, web).await?;
    let may = |permission: Permission, about: About<'_>| who.may(permission, about);
    let drafted = web.engine().drafted_for(&state, &may).await?;
    say(who, web, Ask::RefreshFacts { items: drafted.items, facts: drafted.facts }).await
}

/// What was heard, then what is done about it. When the words are not taken, nothing is decided either.
async fn read_item(
    who: &Authorised<WriteHandoffs, TheHandoff>,
    web: &Web,
    item: ItemKey,
    text: String,
    (decision, words): (Option<Word>, String),
) -> Done {
    let mut state = current(who, web).await?;
    let said = state.receipt(&item).and_then(|receipt| receipt.read_back.as_ref()).map(|said| said.text.clone());
    if !text.trim().is_empty() && said.as_deref() != Some(text.trim()) {
        state = say(who, web, Ask::ReadBack { item: item.clone(), text }).await?;
    }
    match decision {
        None => Ok(state),
        Some(Word::Accept) => say(who, web, Ask::Accept { item }).await,
        Some(Word::Decline) => say(who, web, Ask::Decline { item, reason: words }).await,
        Some(Word::Question) => say(who, web, Ask::Question { item: Some(item), text: words }).await,
    }
}

/// A request that is one step.
async fn plain(web: &Web, asked: Asked) -> Result<Ask, HandoffActError> {
    let write = |revision, what| Ask::Write { revision, what };
    Ok(match asked {
        Asked::Overview { revision, overview, upcoming } => write(revision, Written::Overview { overview, upcoming }),
        Asked::AddItem { revision, title } => {
            let key = format!("item-{}", &entropy::fresh_uuid(web.now_ms()).simple().to_string()[20..]);
            let key = key.parse().expect("hexadecimal digits are part of a key");
            write(revision, Written::NewItem { key, title })
        }
        Asked::Item { revision, item, text } => {
            let written = Box::new(written(web, *text).await?);
            write(revision, Written::Item { key: item, item: written })
        }
        Asked::Dismiss { revision, item, reason } => write(revision, Written::Dismiss { key: item, reason }),
        Asked::HideFact { revision, item, fact, reason } => {
            write(revision, Written::HideFact { key: item, fact, reason })
        }
        Asked::Withdraw { reason } => Ask::Withdraw { reason },
        Asked::Answer { question, text } => Ask::Answer { question, text },
        Asked::Settle { item } => Ask::Settle { item },
        Asked::Object { item, reason } => Ask::Object { item, reason },
        Asked::Question { item, text } => Ask::Question { item, text },
        Asked::Recap { text } => Ask::Recap { text },
        Asked::Return { reason } => Ask::Return { reason },
        Asked::ActionDone { item, number } => Ask::ChangeAction { item, action: number, change: ActionChange::Done },
        Asked::ActionDue { item, number, due } => {
            let due = Due::parse(&due).map_err(|error| wrong(&error.to_string()))?;
            Ask::ChangeAction { item, action: number, change: ActionChange::DueAt(due) }
        }
        Asked::ActionOwner { item, number, owner } => {
            Ask::ChangeAction { item, action: number, change: ActionChange::OwnedBy(owner) }
        }
        Asked::Comment { text } => Ask::Comment { text },
        Asked::Void { reason } => Ask::Void { reason, successor: None },
        Asked::Send { .. }
        | Asked::Quiet { .. }
        | Asked::Refresh
        | Asked::ReadItem { .. }
        | Asked::Accept { .. }
        | Asked::TakeUnbriefed => return Err(wrong("this takes more than one step")),
    })
}

async fn written(web: &Web, text: ItemText) -> Result<WrittenItem, HandoffActError> {
    let severity = match text.severity.trim() {
        "" => None,
        word => Some(Severity::of_word(word).ok_or_else(|| wrong("a severity is unstable, watcher or stable"))?),
    };
    let mut actions = Vec::new();
    for line in text.actions {
        actions.push(action(web, line).await?);
    }
    let mut contingencies = Vec::new();
    for line in text.contingencies {
        contingencies.push(contingency(web, line).await?);
    }
    Ok(WrittenItem {
        title: text.title,
        severity,
        severity_basis: text.severity_basis,
        statement: text.statement,
        tried: text.tried,
        assessment: text.assessment,
        plan: text.plan,
        decision: text.decision,
        actions,
        contingencies,
    })
}

async fn action(web: &Web, line: ActionText) -> Result<Action, HandoffActError> {
    let due = match line.due.trim() {
        "" => None,
        text => Some(Due::parse(text).map_err(|error| wrong(&error.to_string()))?),
    };
    let owner = line.owner.trim().trim_start_matches("user:").to_owned();
    let runbook = runbook(web, &line.runbook).await?;
    Ok(Action { text: line.text, owner, due, runbook, done: line.done })
}

async fn contingency(web: &Web, line: ContingencyText) -> Result<Contingency, HandoffActError> {
    let runbook = runbook(web, &line.runbook).await?;
    Ok(Contingency { condition: line.condition, then: line.then, runbook, page: line.page })
}

/// `web/disk-full mount=/var`, at the commit that is served now.
async fn runbook(web: &Web, text: &str) -> Result<Option<RunbookRef>, HandoffActError> {
    let mut words = text.split_whitespace();
    let Some(path) = words.next() else { return Ok(None) };
    let path: RunbookPath = path.parse().map_err(|error: crate::id::InvalidId| wrong(&error.to_string()))?;
    let inputs: Option<Vec<(String, String)>> =
        words.map(|word| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))).collect();
    let inputs = inputs.ok_or_else(|| wrong("a runbook is named with its inputs as `web/disk-full mount=/var`"))?;
    match web.engine().runbook_ref(&path, inputs).await {
        Some(named) => Ok(Some(named)),
        None => Err(wrong(&format!("there is no runbook {path}: take a name from the list of runbooks"))),
    }
}

fn parsed(digest: &str) -> Result<Digest, HandoffActError> {
    Digest::try_from(digest.trim().to_owned()).map_err(|error| wrong(&error.to_string()))
}

fn wrong(why: &str) -> HandoffActError {
    Refusal::Wrong(why.to_owned()).into()
}

fn unreadable(error: crate::store::StoreError) -> HandoffActError {
    let attempted = "read the accounts".to_owned();
    crate::engine::ask::EngineError::Storage { attempted, reason: error.to_string() }.into()
}
