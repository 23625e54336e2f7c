//! Who is on call: now and next, what is wrong with the plan, the coming weeks.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::oncall::finding::Finding;
use crate::oncall::shift::{Origin, Shift};
use crate::web::format::{Moment, ago, iso};
use crate::web::view::components::Blank;

/// The page.
#[derive(Debug, Clone, Serialize)]
pub struct OnCallPage {
    /// What brings most people here, in one sentence.
    pub headline: String,
    /// The moment that is looked at, if it is not now.
    pub looked_at: Option<Moment>,
    /// What was asked for, as it was typed.
    pub at: String,
    pub trouble: Option<String>,
    pub mine: Vec<MyShift>,
    pub rotations: Vec<RotationCard>,
    pub findings: Vec<FindingLine>,
    pub feeds: Vec<FeedLine>,
    pub weeks: Vec<RotationWeeks>,
    /// There is no rotation.
    pub blank: Option<Blank>,
}

/// One's own shift, now or to come.
#[derive(Debug, Clone, Serialize)]
pub struct MyShift {
    pub rotation: String,
    pub is_now: bool,
    pub from: Moment,
    pub to: Moment,
}

/// A rotation: who holds it, and who is next.
#[derive(Debug, Clone, Serialize)]
pub struct RotationCard {
    pub name: String,
    pub title: String,
    pub zone: String,
    pub holders: Vec<HolderLine>,
    pub next: Option<NextLine>,
}

#[derive(Debug, Clone, Serialize)]
pub struct HolderLine {
    pub name: String,
    pub is_me: bool,
    /// Nobody here is known by this name.
    pub is_unknown: bool,
    pub until: Moment,
    pub why: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct NextLine {
    pub name: String,
    pub from: Moment,
}

#[derive(Debug, Clone, Serialize)]
pub struct FindingLine {
    pub words: String,
    pub from: Moment,
    pub to: Moment,
    pub next_step: String,
}

/// A calendar that could not be read lately.
#[derive(Debug, Clone, Serialize)]
pub struct FeedLine {
    pub name: String,
    pub rotations: String,
    pub read: Option<Moment>,
    pub trouble: Option<String>,
    pub is_stale: bool,
}

/// The coming weeks of a rotation.
#[derive(Debug, Clone, Serialize)]
pub struct RotationWeeks {
    pub name: String,
    pub title: String,
    pub zone: String,
    pub weeks: Vec<Week>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Week {
    /// `Week of 23 November`.
    pub label: String,
    pub shifts: Vec<ShiftRow>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ShiftRow {
    pub name: String,
    pub is_me: bool,
    pub is_gap: bool,
    pub from: Moment,
    pub to: Moment,
    pub why: Option<String>,
}

/// A moment as the zone of a rotation has it: `Mon 23 Nov 09:00 CET`.
pub fn local(at_ms: i64, zone: &TimeZone, now_ms: i64) -> Moment {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::MIN);
    let text = at.to_zoned(zone.clone()).strftime("%a %-d %b %H:%M %Z").to_string();
    Moment { iso: iso(at_ms), text, ago: ago(now_ms - at_ms) }
}

/// Why somebody holds a shift, where it is not simply their turn.
pub fn why(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Turn | Origin::Feed => None,
        Origin::Override { why: Some(why) } => Some(format!("stands in: {why}")),
        Origin::Override { why: None } => Some("stands in".to_owned()),
    }
}

impl FindingLine {
    pub fn new(finding: &Finding, zone: &TimeZone, now_ms: i64) -> Self {
        Self {
            words: finding.problem.words(&finding.rotation),
            from: local(finding.from_ms, zone, now_ms),
            to: local(finding.to_ms, zone, now_ms),
            next_step: finding.problem.next_step(&finding.rotation),
        }
    }
}

/// Rows by the week in which they begin; what began before belongs to the first.
pub fn by_week(rows: Vec<(i64, ShiftRow)>, zone: &TimeZone, from_ms: i64) -> Vec<Week> {
    let mut weeks: Vec<Week> = Vec::new();
    for (begin_ms, row) in rows {
        let at = Timestamp::from_millisecond(begin_ms.max(from_ms)).unwrap_or(Timestamp::MIN).to_zoned(zone.clone());
        let monday = at.date().saturating_sub(jiff::Span::new().days(at.weekday().to_monday_zero_offset()));
        let label = format!("Week of {}", monday.strftime("%-d %B %Y"));
        match weeks.last_mut() {
            Some(week) if week.label == label => week.shifts.push(row),
            _ => weeks.push(Week { label, shifts: vec![row] }),
        }
    }
    weeks
}

/// `You are on call for Web until Mon 30 Nov 09:00 CET`, or who is.
pub fn headline(mine: &[MyShift], rotations: &[RotationCard]) -> String {
    if let Some(shift) = mine.iter().find(|shift| shift.is_now) {
        return format!("You are on call for {} until {}", shift.rotation, shift.to.text);
    }
    match rotations {
        [] => "Who is on call".to_owned(),
        [one] => match one.holders.as_slice() {
            [] => format!("Nobody is on call for {}", one.title),
            [holder] => format!("{} is on call until {}", holder.name, holder.until.text),
            several => format!("{} people are on call for {}", several.len(), one.title),
        },
        many => match many.iter().filter(|rotation| rotation.holders.is_empty()).count() {
            0 => "Who is on call".to_owned(),
            1 => "One rotation has nobody on call".to_owned(),
            empty => format!("{empty} rotations have nobody on call"),
        },
    }
}

/// A shift as a row of the coming weeks.
pub fn row(shift: &Shift, is_me: bool, zone: &TimeZone, now_ms: i64) -> ShiftRow {
    ShiftRow {
        name: shift.holder.to_string(),
        is_me,
        is_gap: false,
        from: local(shift.from_ms, zone, now_ms),
        to: local(shift.to_ms, zone, now_ms),
        why: why(&shift.origin),
    }
}
