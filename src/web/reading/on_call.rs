//! Who is on call, as pages and API show it. Everybody who is signed in may see it: it is whom to call.

use crate::access::account::AccountName;
use crate::access::policy::Permission;
use crate::access::scope::About;
use crate::engine::on_call::OnCall;
use crate::oncall::shift::{Holder, Shift};
use crate::web::authority::{Authorised, PageAnyone, ReadOnCall, TheServer};
use crate::web::format::Moment;
use crate::web::problem::Problem;
use crate::web::state::Web;
use crate::web::view::components::Blank;
use crate::web::view::on_call::{
    FeedLine, FindingLine, HolderLine, MyShift, NextLine, OnCallPage, RotationCard, RotationWeeks, ShiftRow, by_week,
    headline, local, row, why,
};

/// How far ahead the page looks.
pub const AHEAD_DAYS: i64 = 28;

/// Rows of one rotation on the page; one that is handed over every hour has more, and the API tells them.
const ROWS_MAX: usize = 120;

/// Own shifts that are listed.
const MINE_MAX: usize = 8;

pub const DAY_MS: i64 = 24 * 3_600_000;

/// The schedule as it is in force.
///
/// # Errors
/// Neither the repository nor the store can be read.
pub async fn schedule(_who: &Authorised<ReadOnCall, TheServer>, web: &Web) -> Result<OnCall, Problem> {
    on_call(web).await
}

/// Who holds each rotation now, for whoever may see it: for other pages.
///
/// # Errors
/// Neither the repository nor the store can be read.
pub async fn now<P, S>(who: &Authorised<P, S>, web: &Web) -> Result<Vec<RotationCard>, Problem> {
    if !who.may(Permission::ReadOnCall, About::Server) {
        return Ok(Vec::new());
    }
    let now_ms = web.now_ms();
    Ok(cards(&on_call(web).await?, me(who).as_ref(), now_ms, now_ms))
}

/// The page as of `at_ms`.
///
/// # Errors
/// As [`schedule`].
pub async fn page(
    who: &Authorised<ReadOnCall, TheServer>,
    web: &Web,
    at_ms: Option<i64>,
    typed: &str,
) -> Result<OnCallPage, Problem> {
    let now_ms = web.now_ms();
    let on_call = schedule(who, web).await?;
    let me = me(who);
    let from_ms = at_ms.unwrap_or(now_ms);
    let to_ms = from_ms.saturating_add(AHEAD_DAYS * DAY_MS);
    let rotations = match at_ms {
        None => now(who, web).await?,
        Some(at_ms) => cards(&on_call, me.as_ref(), at_ms, now_ms),
    };
    let mine = mine(&on_call, me.as_ref(), from_ms, to_ms, now_ms);
    let findings = on_call.oncall.findings(&on_call.schedule, from_ms, to_ms);
    let findings = findings.iter().filter_map(|finding| {
        let zone = &on_call.schedule.rotations().get(&finding.rotation)?.zone;
        Some(FindingLine::new(finding, zone, now_ms))
    });
    Ok(OnCallPage {
        headline: headline(&mine, &rotations),
        looked_at: at_ms.map(|at_ms| Moment::new(at_ms, now_ms)),
        at: typed.to_owned(),
        trouble: on_call.trouble.clone(),
        findings: findings.collect(),
        feeds: feeds(&on_call, now_ms),
        weeks: weeks(&on_call, me.as_ref(), from_ms, to_ms, now_ms),
        blank: rotations.is_empty().then(no_rotation),
        mine,
        rotations,
    })
}

/// The schedule and the chains, for whoever pages.
///
/// # Errors
/// As [`schedule`].
pub async fn for_paging<S>(_who: &Authorised<PageAnyone, S>, web: &Web) -> Result<OnCall, Problem> {
    on_call(web).await
}

async fn on_call(web: &Web) -> Result<OnCall, Problem> {
    web.engine().on_call().await.map_err(|error| {
        tracing::error!(%error, "who is on call cannot be read");
        Problem::internal(error.to_string())
    })
}

fn me<P, S>(who: &Authorised<P, S>) -> Option<AccountName> {
    who.actor().person().strip_prefix("user:")?.parse().ok()
}

fn is_me(holder: &Holder, me: Option<&AccountName>) -> bool {
    holder.account().is_some_and(|account| Some(account) == me)
}

fn cards(on_call: &OnCall, me: Option<&AccountName>, at_ms: i64, now_ms: i64) -> Vec<RotationCard> {
    let rotations = on_call.schedule.rotations().iter();
    rotations
        .map(|(name, rotation)| {
            let zone = &rotation.zone;
            let holds = on_call.schedule.at(name, at_ms);
            let holder = |shift: &Shift| HolderLine {
                name: shift.holder.to_string(),
                is_me: is_me(&shift.holder, me),
                is_unknown: shift.holder.account().is_none(),
                until: local(shift.to_ms, zone, now_ms),
                why: why(&shift.origin),
            };
            RotationCard {
                name: name.clone(),
                title: rotation.title.clone().unwrap_or_else(|| name.clone()),
                zone: zone.iana_name().unwrap_or("UTC").to_owned(),
                holders: holds.iter().map(holder).collect(),
                next: next(on_call, name, &holds, at_ms)
                    .map(|shift| NextLine { name: shift.holder.to_string(), from: local(shift.from_ms, zone, now_ms) }),
            }
        })
        .collect()
}

/// The next shift of somebody else.
fn next(on_call: &OnCall, rotation: &str, holds: &[Shift], at_ms: i64) -> Option<Shift> {
    let ahead = on_call.schedule.shifts(rotation, at_ms, at_ms.saturating_add(2 * AHEAD_DAYS * DAY_MS));
    ahead.into_iter().find(|shift| shift.from_ms > at_ms && !holds.iter().any(|holds| holds.holder == shift.holder))
}

fn mine(on_call: &OnCall, me: Option<&AccountName>, from_ms: i64, to_ms: i64, now_ms: i64) -> Vec<MyShift> {
    let mut mine: Vec<(i64, MyShift)> = Vec::new();
    for (name, rotation) in on_call.schedule.rotations() {
        let shifts = on_call.schedule.shifts(name, from_ms, to_ms);
        mine.extend(shifts.iter().filter(|shift| is_me(&shift.holder, me)).map(|shift| {
            let shown = MyShift {
                rotation: rotation.title.clone().unwrap_or_else(|| name.clone()),
                is_now: shift.is_at(from_ms),
                from: local(shift.from_ms, &rotation.zone, now_ms),
                to: local(shift.to_ms, &rotation.zone, now_ms),
            };
            (shift.from_ms, shown)
        }));
    }
    mine.sort_by_key(|(from_ms, _)| *from_ms);
    mine.into_iter().map(|(_, shift)| shift).take(MINE_MAX).collect()
}

fn weeks(on_call: &OnCall, me: Option<&AccountName>, from_ms: i64, to_ms: i64, now_ms: i64) -> Vec<RotationWeeks> {
    let rotations = on_call.schedule.rotations().iter();
    rotations
        .map(|(name, rotation)| {
            let zone = &rotation.zone;
            let shifts = on_call.schedule.shifts(name, from_ms, to_ms);
            let mut rows: Vec<(i64, ShiftRow)> = shifts
                .iter()
                .map(|shift| (shift.from_ms, row(shift, is_me(&shift.holder, me), zone, now_ms)))
                .collect();
            rows.extend(on_call.schedule.gaps(name, from_ms, to_ms).into_iter().map(|gap| {
                let (from, to) = (local(gap.from_ms, zone, now_ms), local(gap.to_ms, zone, now_ms));
                let nobody = "nobody".to_owned();
                (gap.from_ms, ShiftRow { name: nobody, is_me: false, is_gap: true, from, to, why: None })
            }));
            rows.sort_by_key(|(begin_ms, _)| *begin_ms);
            rows.truncate(ROWS_MAX);
            RotationWeeks {
                name: name.clone(),
                title: rotation.title.clone().unwrap_or_else(|| name.clone()),
                zone: zone.iana_name().unwrap_or("UTC").to_owned(),
                weeks: by_week(rows, zone, from_ms),
            }
        })
        .collect()
}

fn feeds(on_call: &OnCall, now_ms: i64) -> Vec<FeedLine> {
    let feeds = on_call.feeds.iter().map(|feed| FeedLine {
        name: feed.name.clone(),
        rotations: feed.rotations.join(", "),
        read: feed.read_at_ms.map(|at_ms| Moment::new(at_ms, now_ms)),
        trouble: feed.trouble.clone(),
        is_stale: feed.is_stale,
    });
    feeds.collect()
}

fn no_rotation() -> Blank {
    Blank {
        kind: "empty",
        icon: "oncall",
        title: "No rotation is written down".to_owned(),
        detail: "Write who takes turns into oncall.yaml, or name the calendar of the system that knows. \
                 `steadyhand schema oncall` says how."
            .to_owned(),
        href: None,
        action: String::new(),
        request_id: None,
    }
}
