//! The history of runs, with filters.

use axum::extract::State;

use crate::store::runs::Filter;
use crate::web::authority::{Authorised, Each, ReadRuns};
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::query::{self, Fields, QueryFields};
use crate::web::reading::runs;
use crate::web::state::Web;
use crate::web::view::lists::{RunsPage, state_options};

/// Runs on one page.
pub const PAGE_RUNS: u32 = 50;

/// `GET /runs?state=&runbook=&host=&q=&cursor=`
pub async fn list(
    who: Authorised<ReadRuns, Each>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let cursor = asked.filled("cursor").and_then(|cursor| cursor.parse().ok());
    // A filter that cannot fit anything (a host that is no host's name) finds nothing, and is shown as typed.
    let found = match filter(&asked) {
        Ok(filter) => Some(runs::list(&who, &web, &filter, cursor, PAGE_RUNS).await?),
        Err(_) => None,
    };
    let text = |name: &str| asked.first(name).unwrap_or_default().to_owned();
    let next = found.as_ref().and_then(|page| page.next);
    let page = RunsPage {
        query: text("q"),
        runbook: text("runbook"),
        host: text("host"),
        states: state_options(&text("state")),
        runs: found.iter().flat_map(|page| &page.runs).map(|row| runs::line(row, web.now_ms())).collect(),
        older: next.map(|next| older(&asked, &next.to_string())),
    };
    Page::new("runs", &who.frame(Place::Runs, "Runs"), &page)
}

/// The filter that a query asks for.
///
/// # Errors
/// A name in it is none.
pub fn filter(asked: &Fields) -> Result<Filter, Problem> {
    Ok(Filter {
        state: asked.filled("state").map(str::to_owned),
        runbook: asked.filled("runbook").map(str::parse).transpose()?,
        host: asked.filled("host").map(str::parse).transpose()?,
        person: asked.filled("person").map(str::to_owned),
        q: asked.filled("q").map(str::to_owned),
        since_ms: None,
        until_ms: None,
    })
}

fn older(asked: &Fields, cursor: &str) -> String {
    let kept = asked.0.iter().filter(|(name, _)| name != "cursor").map(|(name, value)| (name.as_str(), value.as_str()));
    format!("/runs?{}", query::encode(kept.chain([("cursor", cursor)])))
}
