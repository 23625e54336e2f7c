//! Who is on call.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::audit::when;
use crate::engine::on_call::OnCall;
use crate::oncall::finding::Finding;
use crate::oncall::shift::{Gap, Origin, Shift};
use crate::web::authority::{Authorised, ReadOnCall, TheServer};
use crate::web::problem::Problem;
use crate::web::query::QueryFields;
use crate::web::reading::on_call::{self, DAY_MS};
use crate::web::state::Web;

/// Days ahead unless said.
const DAYS: i64 = 14;

/// More is a year, which nobody has planned.
const DAYS_MAX: i64 = 370;

/// Who is on call at a moment, and what is planned from then on.
#[derive(Debug, Serialize, ToSchema)]
pub struct OnCallBody {
    pub at_ms: i64,
    /// Until when shifts and findings are told.
    pub until_ms: i64,
    pub rotations: Vec<RotationItem>,
    pub findings: Vec<FindingItem>,
    pub feeds: Vec<FeedItem>,
    /// Why an earlier `oncall.yaml` is in force.
    pub trouble: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RotationItem {
    pub name: String,
    pub title: Option<String>,
    pub zone: String,
    /// Whoever holds it at that moment; nobody in a gap.
    pub now: Vec<ShiftItem>,
    /// When the next shift begins or ends.
    pub next_boundary_ms: Option<i64>,
    /// What touches the time from `at_ms` to `until_ms`, whole, by its beginning.
    pub shifts: Vec<ShiftItem>,
    pub gaps: Vec<GapItem>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ShiftItem {
    /// The account, or what the calendar calls them.
    pub holder: String,
    /// Whether an account of this name is meant.
    pub is_account: bool,
    pub from_ms: i64,
    pub to_ms: i64,
    /// `turn`, `feed` or `override`.
    pub origin: &'static str,
    /// Why they stand in.
    pub why: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct GapItem {
    pub from_ms: i64,
    pub to_ms: i64,
}

/// Something to settle before it comes.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingItem {
    /// `oncall[gap]`, `oncall[double-booking]`, `oncall[two-levels]` or `oncall[unknown-person]`.
    pub rule: &'static str,
    pub rotation: String,
    pub from_ms: i64,
    pub to_ms: i64,
    pub message: String,
    pub help: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FeedItem {
    pub name: String,
    pub rotations: Vec<String>,
    /// When the copy that is in force was read.
    pub read_at_ms: Option<i64>,
    pub is_stale: bool,
    pub trouble: Option<String>,
}

/// Who is on call, from the rotations, calendars and overrides as they are now.
#[utoipa::path(
    get, path = "/api/v1/oncall", tag = "oncall",
    params(
        ("at" = Option<String>, Query, description = "2026-11-23 or 2026-11-23T03:12:09Z; now unless said"),
        ("days" = Option<i64>, Query, description = "How far ahead shifts and findings are told; 14 unless said, at most 370"),
    ),
    responses((status = 200, description = "Who is on call", body = OnCallBody))
)]
pub async fn show(
    who: Authorised<ReadOnCall, TheServer>,
    State(web): State<Web>,
    QueryFields(asked): QueryFields,
) -> Result<Json<OnCallBody>, Problem> {
    let at_ms = match asked.filled("at") {
        None => web.now_ms(),
        Some(text) => {
            let wrong = || Problem::bad_request("at is no time: write 2026-11-23 or 2026-11-23T03:12:09Z");
            when::milliseconds(text).ok_or_else(wrong)?
        }
    };
    let days = asked.filled("days").map(str::parse).transpose().ok().map(|days| days.unwrap_or(DAYS));
    let days = days.filter(|days| (0..=DAYS_MAX).contains(days));
    let days = days.ok_or_else(|| Problem::bad_request(format!("days is a whole number from 0 to {DAYS_MAX}")))?;
    let on_call = on_call::schedule(&who, &web).await?;
    Ok(Json(body(&on_call, at_ms, at_ms.saturating_add(days * DAY_MS))))
}

fn body(on_call: &OnCall, at_ms: i64, until_ms: i64) -> OnCallBody {
    let schedule = &on_call.schedule;
    let rotations = schedule.rotations().iter().map(|(name, rotation)| RotationItem {
        name: name.clone(),
        title: rotation.title.clone(),
        zone: rotation.zone.iana_name().unwrap_or("UTC").to_owned(),
        now: schedule.at(name, at_ms).into_iter().map(ShiftItem::from).collect(),
        next_boundary_ms: schedule.next_boundary(name, at_ms),
        shifts: schedule.shifts(name, at_ms, until_ms).into_iter().map(ShiftItem::from).collect(),
        gaps: schedule.gaps(name, at_ms, until_ms).into_iter().map(GapItem::from).collect(),
    });
    let feeds = on_call.feeds.iter().map(|feed| FeedItem {
        name: feed.name.clone(),
        rotations: feed.rotations.clone(),
        read_at_ms: feed.read_at_ms,
        is_stale: feed.is_stale,
        trouble: feed.trouble.clone(),
    });
    OnCallBody {
        at_ms,
        until_ms,
        rotations: rotations.collect(),
        findings: on_call.oncall.findings(schedule, at_ms, until_ms).iter().map(FindingItem::from).collect(),
        feeds: feeds.collect(),
        trouble: on_call.trouble.clone(),
    }
}

impl From<Shift> for ShiftItem {
    fn from(shift: Shift) -> Self {
        let (origin, why) = match &shift.origin {
            Origin::Turn => ("turn", None),
            Origin::Feed => ("feed", None),
            Origin::Override { why } => ("override", why.clone()),
        };
        Self {
            holder: shift.holder.to_string(),
            is_account: shift.holder.account().is_some(),
            from_ms: shift.from_ms,
            to_ms: shift.to_ms,
            origin,
            why,
        }
    }
}

impl From<Gap> for GapItem {
    fn from(gap: Gap) -> Self {
        Self { from_ms: gap.from_ms, to_ms: gap.to_ms }
    }
}

impl From<&Finding> for FindingItem {
    fn from(finding: &Finding) -> Self {
        Self {
            rule: finding.problem.rule(),
            rotation: finding.rotation.clone(),
            from_ms: finding.from_ms,
            to_ms: finding.to_ms,
            message: finding.problem.words(&finding.rotation),
            help: finding.problem.next_step(&finding.rotation),
        }
    }
}
