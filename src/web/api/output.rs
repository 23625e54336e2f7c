//! Output as bytes and as lines.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::wire::{LineBody, LinesBody};
use crate::engine::output::{PageLimits, Row, Source};
use crate::run::outcome::Stream;
use crate::run::view::AttemptView;
use crate::web::authority::{Authorised, ReadOutput, TheCell};
use crate::web::limits::{OUTPUT_LINES_PAGE, RAW_BYTES_MAX};
use crate::web::problem::Problem;
use crate::web::query::{Fields, QueryFields};
use crate::web::reading::{output, runs};
use crate::web::recording;
use crate::web::state::Web;

/// Where the bytes of an answer begin: later than asked for when bytes before them were not kept.
const OFFSET: HeaderName = HeaderName::from_static("x-output-offset");
/// Where to go on.
const NEXT_OFFSET: HeaderName = HeaderName::from_static("x-output-next-offset");
/// Whether nothing more will come behind what is stored now.
const FINISHED: HeaderName = HeaderName::from_static("x-output-finished");

/// Output as the host wrote it, secrets masked.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/steps/{step}/hosts/{host}/output", tag = "output",
    params(
        ("id" = String, Path), ("step" = String, Path), ("host" = String, Path),
        ("attempt" = Option<String>, Query, description = "An attempt's id or number; the newest unless said"),
        ("stream" = Option<String>, Query, description = "stdout or stderr; both unless said"),
        ("offset" = Option<u64>, Query), ("limit" = Option<u64>, Query, description = "At most 8 MiB"),
    ),
    responses((status = 200, description = "Bytes; `X-Output-Next-Offset` says where to go on", content_type = "text/plain", body = String))
)]
pub async fn raw(
    who: Authorised<ReadOutput, TheCell>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Response, Problem> {
    let attempt = attempt(&who, &web, &asked).await?;
    recording::output_downloaded(&web, who.actor(), attempt.id).await?;
    let source = match asked.filled("stream") {
        None => Source::Both,
        Some("stdout") => Source::One(Stream::Stdout),
        Some("stderr") => Source::One(Stream::Stderr),
        Some(_) => return Err(Problem::bad_request("stream is stdout or stderr")),
    };
    let offset = number(&asked, "offset")?.unwrap_or(0);
    let limit = number(&asked, "limit")?.unwrap_or(RAW_BYTES_MAX).min(RAW_BYTES_MAX);
    let reader = output::reader(&web, attempt.id);
    let finished = reader.summary().await?.map_or(attempt.over, |summary| summary.finished);
    let part = reader.raw(source, offset, usize::try_from(limit).unwrap_or(usize::MAX)).await?;
    let text = std::str::from_utf8(&part.bytes).is_ok();
    let kind = if text { "text/plain; charset=utf-8" } else { "application/octet-stream" };
    let next = part.offset + part.bytes.len() as u64;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (OFFSET, HeaderValue::from(part.offset)),
        (NEXT_OFFSET, HeaderValue::from(next)),
        (FINISHED, HeaderValue::from_static(if finished { "true" } else { "false" })),
    ];
    Ok((headers, part.bytes).into_response())
}

/// Lines by number.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/steps/{step}/hosts/{host}/output/lines", tag = "output",
    params(
        ("id" = String, Path), ("step" = String, Path), ("host" = String, Path), ("attempt" = Option<String>, Query),
        ("from" = Option<u64>, Query, description = "The last lines unless said"), ("to" = Option<u64>, Query),
    ),
    responses((status = 200, description = "Lines", body = LinesBody))
)]
pub async fn lines(
    who: Authorised<ReadOutput, TheCell>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Json<LinesBody>, Problem> {
    let attempt = attempt(&who, &web, &asked).await?;
    let reader = output::reader(&web, attempt.id);
    let rows_max = usize::try_from(OUTPUT_LINES_PAGE).unwrap_or(usize::MAX);
    let limits = PageLimits { rows_max, ..PageLimits::default() };
    let page = match (number(&asked, "from")?, number(&asked, "to")?) {
        (None, None) => reader.tail(OUTPUT_LINES_PAGE, limits).await?,
        (from, to) => reader.lines(from.unwrap_or(1).max(1), to.unwrap_or(u64::MAX), limits).await?,
    };
    let summary = reader.summary().await?;
    Ok(Json(LinesBody {
        attempt: attempt.id.to_string(),
        total: summary.as_ref().map_or(0, |summary| summary.lines),
        finished: summary.map_or(attempt.over, |summary| summary.finished),
        lines: page.rows.iter().map(LineBody::from).collect(),
        next: page.next,
    }))
}

impl From<&Row> for LineBody {
    fn from(row: &Row) -> Self {
        Self {
            line: row.line,
            ms: row.ms,
            stream: row.stream,
            text: String::from_utf8_lossy(&row.bytes).trim_end_matches('\n').to_owned(),
        }
    }
}

async fn attempt(who: &Authorised<ReadOutput, TheCell>, web: &Web, asked: &Fields) -> Result<AttemptView, Problem> {
    let view = runs::view_of_cell(who, web).await?;
    let (_, cell) = output::cell(&view, &who.on.step, &who.on.host)?;
    let found = output::attempt(cell, asked.first("attempt"))?.cloned();
    found.ok_or_else(|| Problem::not_found("the step has not run on this host"))
}

fn number(asked: &Fields, name: &str) -> Result<Option<u64>, Problem> {
    let number = asked.filled(name).map(str::parse).transpose();
    number.map_err(|_| Problem::bad_request(format!("{name} is a whole number")))
}
