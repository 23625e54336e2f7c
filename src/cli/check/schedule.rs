//! `oncall.yaml`: what is wrong with the text, and then with the coming weeks that it makes.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::files::FoundFile;
use crate::diagnostic::{Diagnostic, Severity};
use crate::oncall::model::Source;
use crate::oncall::schedule::Schedule;
use crate::oncall::{self, Oncall};

/// How far ahead gaps are told: long enough to find somebody, short enough that the plan is meant.
const AHEAD_DAYS: i64 = 28;

/// All that can be said without the calendars of other systems.
pub(super) fn check(file: &FoundFile, bytes: &[u8], today: Date) -> Vec<Diagnostic> {
    let oncall = oncall::parse(&file.shown, bytes);
    let mut diagnostics = oncall.diagnostics.clone();
    if diagnostics.is_empty() {
        diagnostics.append(&mut coming_weeks(&file.shown, &oncall, today));
    }
    diagnostics
}

fn coming_weeks(file: &str, oncall: &Oncall, today: Date) -> Vec<Diagnostic> {
    let zone = oncall.zone.clone().unwrap_or(TimeZone::UTC);
    let begin = |date: Date| zone.to_zoned(date.to_datetime(jiff::civil::Time::midnight())).map(|at| at.timestamp());
    let (Ok(from), Ok(to)) = (begin(today), begin(today.saturating_add(AHEAD_DAYS.days()))) else { return Vec::new() };
    let schedule = Schedule::new(oncall, BTreeMap::new());
    let findings = oncall.findings(&schedule, from.as_millisecond(), to.as_millisecond());
    let of_file = findings.into_iter().filter(|finding| {
        let rotation = oncall.rotations.get(&finding.rotation);
        // What a calendar says is not known here: `steadyhand oncall check` on the server reads it.
        rotation.is_some_and(|rotation| matches!(rotation.source, Source::Turns(_)))
    });
    of_file
        .map(|finding| {
            let place = oncall.places.get(&finding.rotation).copied().unwrap_or_default();
            let zone = oncall.rotations.get(&finding.rotation).map_or(&zone, |rotation| &rotation.zone);
            let words = finding.problem.words(&finding.rotation);
            let message = format!("{words} from {} to {}", time(finding.from_ms, zone), time(finding.to_ms, zone));
            Diagnostic::new(finding.problem.rule(), Severity::Warning, file, place, message)
                .help(finding.problem.next_step(&finding.rotation))
        })
        .collect()
}

fn time(at_ms: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}
