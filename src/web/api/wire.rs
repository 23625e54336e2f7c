//! Bodies of the API. They are its contract, so they are their own types; the pictures of `run::view`, which every
//! client shows alike, go out as they are.

use std::collections::BTreeMap;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Json, Request};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::web::problem::Problem;

/// A wish to start a run, or to see what it would do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartBody {
    /// Path below `runbooks/` without `.yaml`: `web/disk-full`.
    pub runbook: String,
    /// A branch, tag or commit; what the server serves unless said.
    #[serde(default, rename = "ref")]
    pub git_ref: Option<String>,
    /// Values as texts, numbers or truth values; the runbook gives them types.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    pub inputs: BTreeMap<String, serde_json::Value>,
    /// Values of secret inputs: never stored or shown.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Names of hosts; or `select`. Neither: all that the runbook selects.
    #[serde(default)]
    pub hosts: Option<Vec<String>>,
    /// A label selector within the runbook's own.
    #[serde(default)]
    pub select: Option<String>,
    #[serde(default)]
    pub pace: Option<PaceBody>,
    #[serde(default)]
    pub confirm: Option<ConfirmBody>,
    /// Why it is started although a guard asks for a reason.
    #[serde(default)]
    pub reason: Option<String>,
    /// Names of closed windows to go on against, for who may; needs the reason.
    #[serde(default)]
    pub override_windows: Vec<String>,
    /// Goes on from a step of an earlier run of the same runbook.
    #[serde(default)]
    pub continues: Option<ContinuesBody>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PaceBody {
    Step,
    Auto,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {
    /// How many hosts the changing steps may touch; a wrong number is refused.
    pub hosts: u32,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContinuesBody {
    pub run: String,
    pub step: String,
}

/// A run that was started, or was there under the same `Idempotency-Key`.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartedBody {
    pub id: String,
    /// Its page.
    pub url: String,
    /// `running`, `waiting`, `paused`, `succeeded`, `failed` or `aborted`.
    #[schema(value_type = String)]
    pub state: serde_json::Value,
    pub seq: u64,
}

/// What exactly a start would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanBody {
    /// SHA-256 of the plan.
    pub digest: String,
    /// Commit, inputs, hosts and exact commands.
    #[schema(value_type = Object)]
    pub plan: serde_json::Value,
}

/// A run in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunItem {
    pub id: String,
    pub url: String,
    pub runbook: String,
    pub title: String,
    pub commit: Option<String>,
    pub state: String,
    /// What it waits for, in words.
    pub waiting: Option<String>,
    pub started_by: String,
    pub started_at_ms: i64,
    pub ended_at_ms: Option<i64>,
    pub hosts: Vec<String>,
    pub step_done: u32,
    pub step_total: u32,
    pub seq: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RunList {
    pub runs: Vec<RunItem>,
    /// Give it as `cursor` to go on; none on the last page.
    pub next: Option<String>,
}

/// Something a person does to a run: `{"action": "confirm", "step": "restart", "typed": "web-1", "seq": 12}`.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only its schema is used: the fields that each action takes are read by its own type")]
pub struct ActionBody {
    /// confirm, answer, done, retry, skip, resolve, stop, pause, resume, abort, take-wheel, drop-host,
    /// supply-secrets, undo, undo-done, withdraw, ask-again or override-window; approve, reject and withdraw to the
    /// run's approvals.
    pub action: String,
    /// The last event that you saw; a step that changed since then answers 409.
    pub seq: u64,
    pub step: Option<String>,
    pub host: Option<String>,
    pub hosts: Option<Vec<String>>,
    /// What a confirmation asks to be typed.
    pub typed: Option<String>,
    /// Answers of a manual step.
    pub values: Option<BTreeMap<String, String>>,
    pub note: Option<String>,
    pub reason: Option<String>,
    /// completed, did_not_run, partly or stop.
    pub resolution: Option<String>,
    /// With `supply-secrets`.
    pub secrets: Option<BTreeMap<String, String>>,
}

/// A runbook in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunbookItem {
    pub path: String,
    pub url: String,
    pub name: Option<String>,
    pub summary: Option<String>,
    pub owner: Option<String>,
    pub tags: Vec<String>,
    /// It does not parse and cannot run.
    pub broken: bool,
    pub problems: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RunbookList {
    pub commit: Option<String>,
    pub runbooks: Vec<RunbookItem>,
}

/// A runbook and everything wrong with it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunbookBody {
    pub runbook: RunbookItem,
    pub commit: Option<String>,
    pub inputs: Vec<InputBody>,
    pub steps: Vec<StepBody>,
    #[schema(value_type = Vec<Object>)]
    pub diagnostics: Vec<crate::diagnostic::Diagnostic>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct InputBody {
    pub name: String,
    pub description: String,
    pub required: bool,
    pub default: Option<String>,
    /// What fits, in words.
    pub hint: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct StepBody {
    pub id: String,
    pub name: String,
    /// `check`, `change` or `destructive`.
    #[schema(value_type = String)]
    pub effect: crate::runbook::model::Effect,
    pub body: Option<String>,
}

/// Some lines of output.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinesBody {
    pub attempt: String,
    /// Lines begun so far.
    pub total: u64,
    /// Nothing more will come.
    pub finished: bool,
    pub lines: Vec<LineBody>,
    /// The first line that did not fit.
    pub next: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LineBody {
    /// From 1.
    pub line: u64,
    /// Milliseconds since the attempt began.
    pub ms: u64,
    /// `stdout` or `stderr`.
    #[schema(value_type = String)]
    pub stream: crate::run::outcome::Stream,
    /// Secrets masked; bytes that are not UTF-8 replaced.
    pub text: String,
}

/// A wish to share something.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareBody {
    pub run: String,
    #[serde(default)]
    pub step: Option<String>,
    #[serde(default)]
    pub host: Option<String>,
    /// An attempt's id or number; the newest unless said.
    #[serde(default)]
    pub attempt: Option<String>,
    /// `120-135`
    #[serde(default)]
    pub lines: Option<String>,
    /// `1h`, `24h` (unless said), at most `7d`.
    #[serde(default)]
    pub expires: Option<String>,
    #[serde(default)]
    pub label: Option<String>,
    #[serde(default)]
    pub requires_login: bool,
}

/// A share link that was made. The address is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareMade {
    pub id: String,
    pub url: String,
    pub label: String,
    pub expires_at_ms: i64,
    pub requires_login: bool,
}

/// A share link as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareItem {
    pub id: String,
    pub run: String,
    pub label: String,
    /// What of the run it shows, in words.
    pub shows: String,
    pub created_by: String,
    pub created_at_ms: i64,
    pub expires_at_ms: i64,
    pub revoked_at_ms: Option<i64>,
    pub views: u64,
    pub requires_login: bool,
    /// Whether it opens now.
    pub open: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ShareList {
    pub shares: Vec<ShareItem>,
}

/// An entry of the audit log, or an event of a run.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditItem {
    /// `server`, or `run:ID`.
    pub stream: String,
    /// Its number in the stream, from 1.
    pub seq: u64,
    pub at_ms: i64,
    pub kind: String,
    /// Empty where nobody did it.
    pub actor: String,
    pub object: String,
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
    /// The hash that the next entry of the stream carries.
    pub hash: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AuditList {
    pub entries: Vec<AuditItem>,
    pub next: Option<String>,
}

/// A JSON body; what is wrong with it comes back as a problem.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(refused @ JsonRejection::BytesRejection(_)) => Err(Problem::of_status(refused.status())),
            Err(refused) => Err(Problem::bad_request(refused.body_text()).status(refused.status())),
        }
    }
}
