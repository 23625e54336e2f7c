//! Who is on call.

use axum::extract::State;

use crate::audit::when;
use crate::web::authority::{Authorised, ReadOnCall, TheServer};
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::on_call;
use crate::web::state::Web;

/// `GET /on-call?at=`
pub async fn show(
    who: Authorised<ReadOnCall, TheServer>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let typed = asked.filled("at").unwrap_or_default();
    let at_ms = match typed {
        "" => None,
        text => Some(when::milliseconds(text).ok_or_else(|| wrong_time(text))?),
    };
    let page = on_call::page(&who, &web, at_ms, typed).await?;
    Page::new("on-call", &who.frame(Place::OnCall, "On call"), &page)
}

fn wrong_time(text: &str) -> Problem {
    let shown: String = text.chars().take(80).collect();
    Problem::bad_request(format!("at={shown} is no time: write 2026-11-23 or 2026-11-23T03:12:09Z"))
}
