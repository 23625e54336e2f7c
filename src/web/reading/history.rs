//! The history of runs: what a query asks for, and everything that fits as a file.

use std::sync::Arc;

use axum::response::Response;

use crate::audit::export::cell;
use crate::audit::when;
use crate::store::runs::{Filter, PAGE_MAX, RunRow};
use crate::web::api::wire::RunItem;
use crate::web::authority::{Authorised, Each, ReadRuns};
use crate::web::format;
use crate::web::problem::Problem;
use crate::web::query::Fields;
use crate::web::reading::runs;
use crate::web::reading::streamed::{self, Form};
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

/// Every run that fits and that whoever asks may see, newest first, a page of it in memory at a time.
///
/// # Errors
/// The query asks for nothing that could be.
pub fn export(who: Authorised<ReadRuns, Each>, web: &Web, asked: &Fields) -> Result<Response, Problem> {
    let form = Form::asked(asked)?;
    let given = Arc::new((who, web.clone(), filter(asked, web.now_ms())?));
    Ok(streamed::file(form, "runs", CSV_HEADER, move |place| {
        let given = Arc::clone(&given);
        async move {
            let (who, web, filter) = &*given;
            let page = runs::list(who, web, filter, place, PAGE_MAX).await;
            let page = page.map_err(|problem| std::io::Error::other(problem.detail))?;
            let lines = page.runs.into_iter().map(|row| match form {
                Form::Csv => csv(&row),
                Form::JsonLines => json_line(row),
            });
            Ok::<_, std::io::Error>((lines.collect::<String>(), page.next))
        }
    }))
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
