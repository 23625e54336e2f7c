//! One handoff: its page, the read-back one item at a time, its forms, and the difference to another.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::access::policy::Permission;
use crate::engine::handoffs::HandoffActError;
use crate::handoff::decide::Refusal;
use crate::handoff::form;
use crate::handoff::state::State as Handoff;
use crate::handoff::view::HandoffView;
use crate::id::ItemKey;
use crate::run::words::moment;
use crate::web::authority::{Asks, Authorised, ForceCustody, ReadHandoffs, Subject, TheHandoff, WriteHandoffs};
use crate::web::doing::handoffs as doing;
use crate::web::handoff_form::{self, Asked, ItemText};
use crate::web::page::{Frame, Page, Place, see_other};
use crate::web::problem::Problem;
use crate::web::query::{Fields, FormFields, QueryFields};
use crate::web::reading::handoffs;
use crate::web::state::Web;
use crate::web::view::handoff::{HandoffPage, Looker, Other};
use crate::web::view::handoffs::{CompareLine, ComparePage, ReadPage, TypedReading, is_read};
use crate::web::view::run::Message;

/// `GET /handoffs/{id}?read=ITEM|next|end`
pub async fn show(
    who: Authorised<ReadHandoffs, TheHandoff>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let picture = handoffs::picture(&who, &web).await?;
    let mut page = page(&who, &web, &picture, None).await?;
    match asked.filled("read").filter(|_| page.may.read) {
        Some(wanted) => reading(&who, page, &picture, wanted, None),
        None => {
            page.others = others(&who, &web, &picture).await?;
            Page::new("handoff", &frame(&who, &page), &page)
        }
    }
}

/// `POST /handoffs/{id}/actions`: every form of the page.
pub async fn act(
    who: Authorised<WriteHandoffs, TheHandoff>,
    State(web): State<Web>,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    let asked = match handoff_form::read(&form) {
        Ok(asked) => asked,
        Err(wrong) => return refused(&who, &web, StatusCode::UNPROCESSABLE_ENTITY, wrong, &form).await,
    };
    let next = next(who.on.id.to_string(), &asked);
    answered(&who, &web, doing::act(&who, &web, asked).await, next, &form).await
}

/// `POST /handoffs/{id}/force`: a lead passes an item.
pub async fn force(
    who: Authorised<ForceCustody, TheHandoff>,
    State(web): State<Web>,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    let text = |name: &str| form.first(name).unwrap_or_default().to_owned();
    let Ok(item) = text("item").parse::<ItemKey>() else {
        return refused(&who, &web, StatusCode::UNPROCESSABLE_ENTITY, "say which item".to_owned(), &form).await;
    };
    let done = doing::force(&who, &web, item, &text("to"), text("reason")).await;
    let next = format!("/handoffs/{}", who.on.id);
    answered(&who, &web, done, next, &form).await
}

/// `GET /handoffs/{id}/markdown?form=`
pub async fn markdown(
    who: Authorised<ReadHandoffs, TheHandoff>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Response, Problem> {
    let text = handoffs::markdown(&who, &web, asked.filled("form")).await?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

/// `GET /handoffs/{id}/compare?with=ID`
pub async fn compare(
    who: Authorised<ReadHandoffs, TheHandoff>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let here = handoffs::picture(&who, &web).await?;
    let with = match asked.filled("with") {
        Some(id) => handoffs::other(&who, &web, id).await?,
        None => match handoffs::before(&who, &web, &here).await?.first() {
            Some(row) => handoffs::other(&who, &web, &row.id.to_string()).await?,
            None => here.clone(),
        },
    };
    let text = |handoff: &HandoffView| {
        let drawn = form::markdown(form::DEFAULT, form::OWN[0].1, handoff);
        drawn.map_err(|error| Problem::internal(error.to_string()))
    };
    let (old, new) = (text(&with)?, text(&here)?);
    let page = ComparePage {
        here: here.id.to_string(),
        title: title(&here),
        other: with.id.to_string(),
        other_title: title(&with),
        lines: lines(&old, &new),
    };
    let frame = who.frame(Place::Handoffs, format!("What changed: {}", page.title));
    Page::new("handoff-compare", &frame, &page)
}

fn title(handoff: &HandoffView) -> String {
    let shift = &handoff.shift;
    format!("{} → {}, {}", shift.outgoing, shift.incoming, moment(shift.ends_ms))
}

fn lines(old: &str, new: &str) -> Vec<CompareLine> {
    let diff = similar::TextDiff::from_lines(old, new);
    let changes = diff.iter_all_changes().map(|change| {
        let (kind, sign) = match change.tag() {
            similar::ChangeTag::Equal => ("same", " "),
            similar::ChangeTag::Delete => ("gone", "−"),
            similar::ChangeTag::Insert => ("new", "+"),
        };
        CompareLine { kind, sign, text: change.value().trim_end().to_owned() }
    });
    changes.collect()
}

/// Where a form leads when it was followed.
fn next(id: String, asked: &Asked) -> String {
    match asked {
        Asked::ReadItem { .. } => format!("/handoffs/{id}?read=next"),
        Asked::Recap { .. } => format!("/handoffs/{id}?read=end"),
        Asked::Item { item, .. } | Asked::HideFact { item, .. } => format!("/handoffs/{id}#item-{item}"),
        _ => format!("/handoffs/{id}"),
    }
}

async fn answered<P: Asks>(
    who: &Authorised<P, TheHandoff>,
    web: &Web,
    done: Result<Handoff, HandoffActError>,
    next: String,
    form: &Fields,
) -> Result<Response, Problem> {
    match done {
        Ok(_) => Ok(see_other(&next)),
        Err(HandoffActError::Refused(refusal)) => {
            let status = match refusal {
                Refusal::Stale => StatusCode::CONFLICT,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            refused(who, web, status, refusal.to_string(), form).await
        }
        Err(failed) => Err(failed.into()),
    }
}

/// The page as it is now, with the reason on top and what was typed still there.
async fn refused<P: Asks>(
    who: &Authorised<P, TheHandoff>,
    web: &Web,
    status: StatusCode,
    reason: String,
    typed: &Fields,
) -> Result<Response, Problem> {
    let picture = handoffs::picture(who, web).await?;
    let item = typed.filled("item").and_then(|item| item.parse::<ItemKey>().ok());
    let text = match handoff_form::read(typed) {
        Ok(Asked::Item { item, text, .. }) => Some((item, *text)),
        _ => None,
    };
    let mut page = page(who, web, &picture, text.as_ref()).await?;
    page.message = Some(Message::refused("Not done", Some(reason)));
    let is_reading = matches!(typed.first("action"), Some("read-item" | "accept" | "recap"));
    if page.may.read && is_reading {
        let wanted = match (typed.first("action"), &item) {
            (Some("read-item"), Some(item)) => item.to_string(),
            _ => "end".to_owned(),
        };
        let field = |name: &str| typed.first(name).unwrap_or_default().to_owned();
        let typed = TypedReading {
            text: field("text"),
            decision: field("decision"),
            words: field("words"),
            recap: field("recap"),
        };
        return Ok(reading(who, page, &picture, &wanted, Some(typed))?.status(status).into_response());
    }
    Ok(Page::new("handoff", &frame(who, &page), &page)?.status(status).into_response())
}

async fn page<P: Asks>(
    who: &Authorised<P, TheHandoff>,
    web: &Web,
    picture: &HandoffView,
    typed: Option<&(ItemKey, ItemText)>,
) -> Result<HandoffPage, Problem> {
    let runs = handoffs::runs_now(who, web, picture).await?;
    let may = |permission| who.on.about().is_some_and(|about| who.may(permission, about));
    let looker = Looker {
        actor: who.actor(),
        writes: may(Permission::WriteHandoffs),
        forces: may(Permission::ForceCustody),
        now_ms: web.now_ms(),
    };
    Ok(HandoffPage::new(picture, looker, &runs, typed))
}

fn reading<P>(
    who: &Authorised<P, TheHandoff>,
    page: HandoffPage,
    picture: &HandoffView,
    wanted: &str,
    typed: Option<TypedReading>,
) -> Result<Page, Problem> {
    let to_read: Vec<_> = picture.items.iter().filter(|line| line.to_read).collect();
    let at = match wanted {
        "next" => to_read.iter().position(|line| !is_read(line)),
        "end" => None,
        key => to_read.iter().position(|line| line.item.key.as_str() == key),
    };
    let frame = who.frame(Place::Handoffs, "Read back");
    let read = ReadPage::new(page, picture, at.unwrap_or(to_read.len()), typed);
    Page::new("handoff-read", &frame, &read)
}

async fn others<P: Asks>(
    who: &Authorised<P, TheHandoff>,
    web: &Web,
    picture: &HandoffView,
) -> Result<Vec<Other>, Problem> {
    let before = handoffs::before(who, web, picture).await?;
    let line = |row: &crate::store::handoffs::HandoffRow| Other {
        href: format!("/handoffs/{}/compare?with={}", picture.id, row.id),
        words: format!("{} → {}, {}", row.sender, row.receiver, moment(row.boundary_ms)),
    };
    Ok(before.iter().map(line).collect())
}

fn frame<P>(who: &Authorised<P, TheHandoff>, page: &HandoffPage) -> Frame {
    who.frame(Place::Handoffs, format!("{}: {} → {}", page.phase, page.from, page.to))
}
