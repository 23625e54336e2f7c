//! Starting, planning, listing and reading runs.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::wire::{Body, PaceBody, PlanBody, RunItem, RunList, StartBody, StartedBody};
use crate::access::identity::Identity;
use crate::engine::ask::{HostsAsked, StartRequest};
use crate::id::{HostName, InvalidId};
use crate::redact::SecretText;
use crate::run::plan::Pace;
use crate::run::view::RunView;
use crate::store::runs::RunRow;
use crate::web::authority::{Authorised, Each, Named, ReadRuns, StartRuns, TheRun};
use crate::web::doing;
use crate::web::pages;
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::{history, runs, since};
use crate::web::state::Web;

/// Letters of an `Idempotency-Key`.
const KEY_MAX: usize = 200;

/// Starts a run.
#[utoipa::path(
    post, path = "/api/v1/runs", tag = "runs", request_body = StartBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key starts one run, for a day")),
    responses(
        (status = 201, description = "It was started", body = StartedBody),
        (status = 200, description = "The same key had started it before", body = StartedBody),
        (status = 422, description = "Refused; `errors` names each input"),
    )
)]
pub async fn start(
    who: Authorised<StartRuns, Named>,
    State(web): State<Web>,
    headers: HeaderMap,
    Body(body): Body<StartBody>,
) -> Result<Response, Problem> {
    let who = who.on_runbook(&web, &body.runbook).await?;
    let request = request(body, who.identity.clone(), key(&headers)?)?;
    let (started, view) = doing::start(&who, &web, request).await?;
    let url = format!("/runs/{}", started.run);
    let body = StartedBody {
        id: started.run.to_string(),
        url: url.clone(),
        state: view.as_ref().map_or("running".into(), |view| serde_json::to_value(view.state).unwrap_or_default()),
        seq: view.map_or(started.seq, |view| view.seq),
    };
    let status = if started.fresh { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, [(header::LOCATION, url)], Json(body)).into_response())
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= KEY_MAX => Ok(Some(key.to_owned())),
        _ => Err(Problem::bad_request(format!("an Idempotency-Key is 1 to {KEY_MAX} visible ASCII letters"))),
    }
}

/// Says what exactly a start would do. Nothing happens.
#[utoipa::path(
    post, path = "/api/v1/plans", tag = "runs", request_body = StartBody,
    responses((status = 200, description = "The plan", body = PlanBody), (status = 422, description = "Refused"))
)]
pub async fn plan(
    who: Authorised<StartRuns, Named>,
    State(web): State<Web>,
    Body(body): Body<StartBody>,
) -> Result<Json<PlanBody>, Problem> {
    let who = who.on_runbook(&web, &body.runbook).await?;
    let request = request(body, who.identity.clone(), None)?;
    let plan = doing::plan(&who, &web, request).await?;
    let digest = plan.digest().to_string();
    let plan = serde_json::to_value(&plan).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(Json(PlanBody { digest, plan }))
}

fn request(body: StartBody, who: Identity, idempotency_key: Option<String>) -> Result<StartRequest, Problem> {
    let hosts = match (body.hosts, body.select) {
        (Some(_), Some(_)) => return Err(Problem::bad_request("give hosts or select, not both")),
        (Some(names), None) => {
            let names: Result<Vec<HostName>, InvalidId> = names.into_iter().map(HostName::try_from).collect();
            HostsAsked::Names(names?)
        }
        (None, Some(selector)) => HostsAsked::Select(selector),
        (None, None) => HostsAsked::AsSelected,
    };
    let inputs = body.inputs.into_iter().map(|(name, value)| Ok((name.try_into()?, text(value)?)));
    let secrets = body.secrets.into_iter().map(|(name, value)| Ok((name.try_into()?, SecretText::new(value))));
    let continues = body.continues.map(|from| Ok::<_, InvalidId>((from.run.parse()?, from.step.parse()?)));
    Ok(StartRequest {
        runbook: body.runbook.try_into()?,
        git_ref: body.git_ref,
        inputs: inputs.collect::<Result<_, Problem>>()?,
        secrets: secrets.collect::<Result<_, InvalidId>>()?,
        hosts,
        pace: match body.pace {
            Some(PaceBody::Auto) => Pace::Auto,
            Some(PaceBody::Step) | None => Pace::Step,
        },
        confirm_hosts: body.confirm.map(|confirm| confirm.hosts),
        who,
        reason: body.reason,
        override_windows: body.override_windows,
        continues: continues.transpose()?,
        idempotency_key,
    })
}

fn text(value: serde_json::Value) -> Result<String, Problem> {
    match value {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        serde_json::Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err(Problem::bad_request("the value of an input is a text, a number or a truth value")),
    }
}

/// Lists runs, newest first.
#[utoipa::path(
    get, path = "/api/v1/runs", tag = "runs",
    params(
        ("state" = Option<String>, Query), ("runbook" = Option<String>, Query), ("host" = Option<String>, Query),
        ("person" = Option<String>, Query), ("q" = Option<String>, Query, description = "Part of the title or path"),
        ("since" = Option<String>, Query, description = "Started on this day (UTC) or at this moment, or later"),
        ("until" = Option<String>, Query, description = "Started until the end of this day (UTC), or before this moment"),
        ("range" = Option<String>, Query, description = "1h, 24h, 7d or 30d up to now"),
        ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query),
    ),
    responses((status = 200, description = "A page of runs", body = RunList))
)]
pub async fn list(
    who: Authorised<ReadRuns, Each>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Json<RunList>, Problem> {
    let cursor = asked.filled("cursor").map(str::parse).transpose();
    let cursor = cursor.map_err(|_| Problem::bad_request("the cursor is not one of ours"))?;
    let limit = asked.filled("limit").map(str::parse).transpose();
    let limit = limit.map_err(|_| Problem::bad_request("limit is a whole number"))?;
    let filter = history::filter(&asked, web.now_ms())?;
    let page = runs::list(&who, &web, &filter, cursor, limit.unwrap_or(pages::runs::PAGE_RUNS)).await?;
    let next = page.next.map(|next| next.to_string());
    Ok(Json(RunList { runs: page.runs.into_iter().map(RunItem::from).collect(), next }))
}

impl From<RunRow> for RunItem {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.id.to_string(),
            url: format!("/runs/{}", row.id),
            runbook: row.runbook.to_string(),
            title: row.title,
            commit: row.commit,
            state: row.state,
            waiting: row.waiting,
            started_by: row.started_by,
            started_at_ms: row.started_at_ms,
            ended_at_ms: row.ended_at_ms,
            hosts: row.hosts.iter().map(ToString::to_string).collect(),
            step_done: row.step_done,
            step_total: row.step_total,
            seq: row.last_seq,
        }
    }
}

/// The picture of a run: its steps, hosts, and what it waits for.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}", tag = "runs", params(("id" = String, Path)),
    responses((status = 200, description = "The run", body = Object), (status = 404, description = "No such run"))
)]
pub async fn show(who: Authorised<ReadRuns, TheRun>, State(web): State<Web>) -> Result<Json<RunView>, Problem> {
    let mut view = runs::view(&who, &web).await?;
    since::told_to(&who, &web, &mut view).await?;
    Ok(Json(view))
}
