//! The list of handoffs, beginning one, and the figures about them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::access::policy::Permission;
use crate::engine::handoffs::HandoffActError;
use crate::store::handoffs::{Cursor, Filter};
use crate::web::authority::{Authorised, Each, Named, ReadHandoffs, WriteHandoffs};
use crate::web::doing::handoffs as doing;
use crate::web::format;
use crate::web::handoff_form;
use crate::web::page::{Page, Place, see_other};
use crate::web::problem::Problem;
use crate::web::query::{self, FormFields, QueryFields};
use crate::web::reading::handoffs;
use crate::web::state::Web;
use crate::web::view::components::Blank;
use crate::web::view::handoffs::{BeginForm, FigureCard, HandoffLine, HandoffsPage, MeasuresPage, is_turn_of};
use crate::web::view::run::Message;

/// Handoffs on one page.
pub const PAGE_HANDOFFS: u32 = 30;

/// `GET /handoffs?q=&cursor=`
pub async fn list(
    who: Authorised<ReadHandoffs, Each>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let cursor: Option<Cursor> = asked.filled("cursor").and_then(|cursor| cursor.parse().ok());
    let query = asked.first("q").unwrap_or_default().to_owned();
    let filter = Filter { q: asked.filled("q").map(str::to_owned), ..Filter::default() };
    let found = handoffs::list(&who, &web, &filter, cursor, PAGE_HANDOFFS).await?;
    let now_ms = web.now_ms();
    let person = who.actor().person();
    let (mine, others): (Vec<_>, Vec<_>) = found.handoffs.iter().partition(|row| is_turn_of(row, person));
    let may_begin = who.policy().gives_anywhere(&who.identity, Permission::WriteHandoffs);
    let blank = found.handoffs.is_empty().then(|| blank(&query, may_begin));
    let page = HandoffsPage {
        message: None,
        headline: match mine.len() {
            0 => "No handoff waits for you".to_owned(),
            count => format!("{} for you", format::count(count, "handoff waits", "handoffs wait")),
        },
        mine: mine.into_iter().map(|row| HandoffLine::new(row, now_ms)).collect(),
        handoffs: others.into_iter().map(|row| HandoffLine::new(row, now_ms)).collect(),
        blank,
        older: found.next.map(|next| {
            let next = next.to_string();
            format!("/handoffs?{}", query::encode([("q", query.as_str()), ("cursor", next.as_str())]))
        }),
        query,
        begin: may_begin.then(BeginForm::default),
    };
    Page::new("handoffs", &who.frame(Place::Handoffs, "Handoffs"), &page)
}

fn blank(query: &str, may_begin: bool) -> Blank {
    let (title, detail) = match (query, may_begin) {
        ("", true) => ("There was no handoff yet", "Begin one above: the facts of your shift are filled in."),
        ("", false) => ("There was no handoff yet", "Whoever is on call begins one before the shift ends."),
        (_, _) => ("No handoff fits", "Search for a person, a service, or a word of what was written."),
    };
    Blank {
        kind: "empty",
        icon: "handoff",
        title: title.to_owned(),
        detail: detail.to_owned(),
        href: (!query.is_empty()).then(|| "/handoffs".to_owned()),
        action: "Show all".to_owned(),
        request_id: None,
    }
}

/// `POST /handoffs`: begins one.
pub async fn begin(
    who: Authorised<WriteHandoffs, Named>,
    State(web): State<Web>,
    FormFields(form): FormFields,
) -> Result<Response, Problem> {
    let asked = handoff_form::begin(&form);
    match doing::begin(&who, &web, &asked).await {
        Ok(state) => Ok(see_other(&format!("/handoffs/{}", state.handoff))),
        Err(HandoffActError::Refused(refusal)) => {
            let page = HandoffsPage {
                message: Some(Message::refused("No handoff was begun", Some(refusal.to_string()))),
                headline: "Begin a handoff".to_owned(),
                query: String::new(),
                mine: Vec::new(),
                handoffs: Vec::new(),
                blank: None,
                older: None,
                begin: Some(BeginForm {
                    to: asked.to,
                    rotation: asked.rotation,
                    boundary: asked.boundary,
                    emergency: asked.emergency,
                    open: true,
                }),
            };
            let page = Page::new("handoffs", &who.frame(Place::Handoffs, "Handoffs"), &page)?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
        Err(failed) => Err(failed.into()),
    }
}

/// `GET /handoffs/measures`
pub async fn measures(who: Authorised<ReadHandoffs, Each>, State(web): State<Web>) -> Result<Page, Problem> {
    let (figures, counted) = handoffs::measures(&who, &web).await?;
    let page = MeasuresPage {
        handoffs: counted,
        days: handoffs::MEASURED_DAYS,
        figures: figures.iter().map(FigureCard::new).collect(),
    };
    Page::new("handoff-measures", &who.frame(Place::Handoffs, "How handoffs go"), &page)
}
