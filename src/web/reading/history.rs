//! The history of runs: what a query asks for, and everything that fits as a file.

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, stream};

use crate::audit::export::cell;
use crate::audit::when;
use crate::store::runs::{Cursor, Filter, PAGE_MAX, RunRow};
use crate::web::api::wire::RunItem;
use crate::web::authority::{Authorised, Each, ReadRuns};
use crate::web::format;
use crate::web::problem::Problem;
use crate::web::query::Fields;
use crate::web::reading::runs;
use crate::web::state::Web;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Spans of time up to now: the word in an address, as people choose it, and how long it is.
pub const RANGES: [(&str, &str, i64); 4] = [
    ("1h", "Last hour", HOUR_MS),
    ("24h", "24 hours", DAY_MS),
    ("7d", "7 days", 7 * DAY_MS),
    ("30d", "30 days", 30 * DAY_MS),
];

/// The filter that a query asks for, at this moment. A bare name is a person's; `until` a day is until its end.
///
/// # Errors
/// A name or a time in it is none.
pub fn filter(asked: &Fields, now_ms: i64) -> Result<Filter, Problem> {
    let moment = |name: &str| {
        let text = asked.filled(name);
        let wrong = |text: &str| Problem::bad_request(format!("{name}={text} is no time: write a day as 2026-11-23"));
        text.map(|text| when::milliseconds(text).map(|at_ms| (text, at_ms)).ok_or_else(|| wrong(text))).transpose()
    };
    let range = asked.filled("range").map(|word| {
        let known = RANGES.iter().find(|(known, _, _)| *known == word);
        known.ok_or_else(|| Problem::bad_request(format!("range={word} is none of 1h, 24h, 7d and 30d")))
    });
    let range = range.transpose()?.map(|(_, _, lasts_ms)| now_ms - lasts_ms);
    let since = moment("since")?.map(|(_, at_ms)| at_ms);
    let until = moment("until")?.map(|(text, at_ms)| if text.contains('T') { at_ms } else { at_ms + DAY_MS });
    Ok(Filter {
        state: asked.filled("state").map(str::to_owned),
        runbook: asked.filled("runbook").map(str::parse).transpose()?,
        host: asked.filled("host").map(str::parse).transpose()?,
        person: asked.filled("person").map(actor),
        q: asked.filled("q").map(str::to_owned),
        since_ms: since.max(range),
        until_ms: until,
    })
}

fn actor(text: &str) -> String {
    if text.contains(':') { text.to_owned() } else { format!("user:{text}") }
}

/// In which form the list is taken along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    JsonLines,
    Csv,
}

/// Every run that fits and that whoever asks may see, newest first, a page of it in memory at a time.
///
/// # Errors
/// The query asks for nothing that could be.
pub fn export(who: Authorised<ReadRuns, Each>, web: &Web, asked: &Fields) -> Result<Response, Problem> {
    let filter = filter(asked, web.now_ms())?;
    let (form, kind, name) = match asked.filled("format") {
        None | Some("json") => (Form::JsonLines, "application/x-ndjson", "runs.jsonl"),
        Some("csv") => (Form::Csv, "text/csv; charset=utf-8", "runs.csv"),
        Some(_) => return Err(Problem::bad_request("format is json or csv")),
    };
    let begin = Export { who, web: web.clone(), filter, form, next: Next::First };
    let body = stream::unfold(begin, |export| async {
        match export.next {
            Next::Done => None,
            Next::First | Next::After(_) => Some(export.page().await),
        }
    });
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::from_stream(body.fuse())).into_response())
}

struct Export {
    who: Authorised<ReadRuns, Each>,
    web: Web,
    filter: Filter,
    form: Form,
    next: Next,
}

enum Next {
    First,
    After(Cursor),
    Done,
}

impl Export {
    /// The text of the next page. A failure cuts the answer off, so that nobody takes a part for the whole.
    async fn page(mut self) -> (Result<Bytes, std::io::Error>, Self) {
        let (cursor, mut text) = match self.next {
            Next::First if self.form == Form::Csv => (None, CSV_HEADER.to_owned()),
            Next::After(cursor) => (Some(cursor), String::new()),
            Next::First | Next::Done => (None, String::new()),
        };
        let page = match runs::list(&self.who, &self.web, &self.filter, cursor, PAGE_MAX).await {
            Ok(page) => page,
            Err(problem) => {
                self.next = Next::Done;
                return (Err(std::io::Error::other(problem.detail)), self);
            }
        };
        self.next = page.next.map_or(Next::Done, Next::After);
        for row in page.runs {
            text.push_str(&match self.form {
                Form::Csv => csv(&row),
                Form::JsonLines => json_line(row),
            });
        }
        (Ok(Bytes::from(text)), self)
    }
}

const CSV_HEADER: &str = "started,ended,state,runbook,title,hosts,started_by,commit,steps_done,steps,id\r\n";

/// One line of RFC 4180, its end included.
fn csv(row: &RunRow) -> String {
    let hosts: Vec<&str> = row.hosts.iter().map(crate::id::HostName::as_str).collect();
    let fields = [
        format::iso(row.started_at_ms),
        row.ended_at_ms.map(format::iso).unwrap_or_default(),
        row.state.clone(),
        row.runbook.to_string(),
        row.title.clone(),
        hosts.join(" "),
        row.started_by.clone(),
        row.commit.clone().unwrap_or_default(),
        row.step_done.to_string(),
        row.step_total.to_string(),
        row.id.to_string(),
    ];
    format!("{}\r\n", fields.map(|field| cell(&field)).join(","))
}

fn json_line(row: RunRow) -> String {
    let item = serde_json::to_string(&RunItem::from(row)).expect("an item of the list is JSON");
    format!("{item}\n")
}
