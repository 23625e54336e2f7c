//! The history of runs, with filters.

use axum::extract::State;
use axum::response::Response;

use crate::web::authority::{Authorised, Each, ReadRuns};
use crate::web::page::{Page, Place};
use crate::web::problem::Problem;
use crate::web::query::{self, Fields, QueryFields};
use crate::web::reading::{history, runbooks, runs};
use crate::web::state::Web;
use crate::web::view::history::{Chip, RangeLink, RunsPage, state_options};

/// Runs on one page.
pub const PAGE_RUNS: u32 = 50;

/// Runbooks that are offered while typing the name of one.
const OFFERED_MAX: usize = 200;

/// Every filter: its name in addresses, and for people.
const FILTERS: [(&str, &str); 8] = [
    ("q", "text"),
    ("state", "state"),
    ("runbook", "runbook"),
    ("host", "host"),
    ("person", "person"),
    ("range", "last"),
    ("since", "from"),
    ("until", "to"),
];

/// `GET /runs?q=&state=&runbook=&host=&person=&range=&since=&until=&cursor=`
pub async fn list(
    who: Authorised<ReadRuns, Each>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Page, Problem> {
    let cursor = asked.filled("cursor").and_then(|cursor| cursor.parse().ok());
    // What cannot fit anything (a host that is no host's name) finds nothing, and is shown as typed with the reason.
    let (found, problem) = match history::filter(&asked, web.now_ms()) {
        Ok(filter) => (Some(runs::list(&who, &web, &filter, cursor, PAGE_RUNS).await?), None),
        Err(problem) => (None, Some(problem.detail)),
    };
    let text = |name: &str| asked.first(name).unwrap_or_default().to_owned();
    let next = found.as_ref().and_then(|page| page.next);
    let name = who.actor().to_string();
    let page = RunsPage {
        query: text("q"),
        runbook: text("runbook"),
        host: text("host"),
        person: text("person"),
        since: text("since"),
        until: text("until"),
        more: ["runbook", "host", "person", "since", "until"].iter().any(|name| asked.filled(name).is_some()),
        range: history::RANGES.iter().map(|(word, _, _)| *word).find(|word| asked.filled("range") == Some(*word)),
        states: state_options(&text("state")),
        ranges: ranges(&asked),
        runbooks: runbooks::names_for_runs(&who, &web, OFFERED_MAX).await?,
        chips: chips(&asked),
        mine: (asked.filled("person") != Some(name.as_str())).then(|| address("/runs", &asked, ("person", &name))),
        problem,
        runs: found.iter().flat_map(|page| &page.runs).map(|row| runs::line(row, web.now_ms())).collect(),
        older: next.map(|next| address("/runs", &asked, ("cursor", &next.to_string()))),
        newest: cursor.map(|_| address("/runs", &asked, ("", ""))),
        as_csv: address("/runs/export", &asked, ("format", "csv")),
        as_json: address("/runs/export", &asked, ("format", "json")),
    };
    Page::new("runs", &who.frame(Place::Runs, "Runs"), &page)
}

/// `GET /runs/export?format=json|csv` and the filters of the list.
pub async fn export(
    who: Authorised<ReadRuns, Each>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Response, Problem> {
    history::export(who, &web, &asked)
}

fn ranges(asked: &Fields) -> Vec<RangeLink> {
    let now = asked.filled("range");
    let any = RangeLink { words: "Any time", href: address("/runs", asked, ("range", "")), current: now.is_none() };
    let spans = history::RANGES.iter().map(|(word, words, _)| RangeLink {
        words,
        href: address("/runs", asked, ("range", word)),
        current: now == Some(*word),
    });
    std::iter::once(any).chain(spans).collect()
}

fn chips(asked: &Fields) -> Vec<Chip> {
    let given = FILTERS.iter().filter_map(|(field, name)| Some((*field, *name, asked.filled(field)?)));
    given
        .map(|(field, name, value)| Chip {
            name,
            value: value.to_owned(),
            without: address("/runs", asked, (field, "")),
        })
        .collect()
}

/// The same filters at `path`, one of them or the cursor given anew. Whatever else is asked begins at the newest run.
fn address(path: &str, asked: &Fields, changed: (&str, &str)) -> String {
    query::address(path, asked, &FILTERS.map(|(field, _)| field), changed)
}
