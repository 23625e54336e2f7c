//! Who holds each rotation at any time: turns or a calendar, and over them the overrides.
//!
//! Several at once are several holders, and all of them are on call; nobody at all is a gap. Neither is repaired here:
//! both are findings for people.

use std::collections::BTreeMap;

use super::Oncall;
use super::booking::Booking;
use super::model::{Override, People, Rotation, Source};
use super::shift::{Gap, Holder, Origin, Shift};
use crate::access::account::AccountName;

/// Shifts of one question: a year of them by the hour. What lies beyond is not told.
pub const SHIFTS_MAX: usize = 10_000;

const DAY_MS: i64 = 24 * 3_600_000;

/// How far ahead the next change is looked for, step by step: most rotations answer within the first.
const AHEAD_DAYS: [i64; 3] = [8, 60, 400];

/// The final schedule.
#[derive(Debug, Clone, Default)]
pub struct Schedule {
    rotations: BTreeMap<String, Rotation>,
    overrides: Vec<Override>,
    /// By feed.
    bookings: BTreeMap<String, Vec<Booking>>,
    people: People,
}

impl Schedule {
    /// From the file and from what its calendars say. A calendar that is not among `bookings` says nothing.
    pub fn new(oncall: &Oncall, bookings: BTreeMap<String, Vec<Booking>>) -> Self {
        Self {
            rotations: oncall.rotations.clone(),
            overrides: oncall.overrides.clone(),
            bookings,
            people: oncall.people.clone(),
        }
    }

    pub fn rotations(&self) -> &BTreeMap<String, Rotation> {
        &self.rotations
    }

    /// Whoever holds the rotation at a moment; nobody in a gap, or if there is no such rotation.
    pub fn at(&self, rotation: &str, at_ms: i64) -> Vec<Shift> {
        self.shifts(rotation, at_ms, at_ms.saturating_add(1))
    }

    /// The next moment after `after_ms` at which a shift of the rotation begins or ends, within a year or so. The same
    /// person may hold it before and after.
    pub fn next_boundary(&self, rotation: &str, after_ms: i64) -> Option<i64> {
        AHEAD_DAYS.iter().find_map(|days| {
            let shifts = self.shifts(rotation, after_ms, after_ms.saturating_add(days * DAY_MS));
            shifts.iter().flat_map(|shift| [shift.from_ms, shift.to_ms]).filter(|at_ms| *at_ms > after_ms).min()
        })
    }

    /// The shifts that touch the span, whole, by their beginning.
    pub fn shifts(&self, rotation: &str, from_ms: i64, to_ms: i64) -> Vec<Shift> {
        let mut shifts = self.planned(rotation, from_ms, to_ms);
        // An override outside of the span still ends a shift that reaches into it.
        let first = shifts.first().map_or(from_ms, |shift| shift.from_ms.min(from_ms));
        let last = shifts.iter().map(|shift| shift.to_ms).max().map_or(to_ms, |end| end.max(to_ms));
        let of_rotation = self.overrides.iter().filter(|over| over.rotation == rotation);
        let touching: Vec<&Override> = of_rotation.filter(|over| over.from_ms < last && over.to_ms > first).collect();
        for over in &touching {
            shifts = shifts.into_iter().flat_map(|shift| without(shift, over.from_ms, over.to_ms)).collect();
        }
        shifts.extend(touching.into_iter().filter_map(stand_in));
        shifts.retain(|shift| shift.touches(from_ms, to_ms));
        shifts.sort_by(|one, other| (one.from_ms, &one.holder).cmp(&(other.from_ms, &other.holder)));
        shifts.truncate(SHIFTS_MAX);
        shifts
    }

    /// When nobody holds the rotation. A rotation that has not begun yet has no gaps before.
    pub fn gaps(&self, rotation: &str, from_ms: i64, to_ms: i64) -> Vec<Gap> {
        let begins_ms = match self.rotations.get(rotation).map(|rotation| &rotation.source) {
            Some(Source::Turns(turns)) => turns.begins_ms().unwrap_or(to_ms),
            Some(Source::Feed { .. }) => from_ms,
            None => return Vec::new(),
        };
        let mut gaps = Vec::new();
        let mut held_until_ms = from_ms.max(begins_ms);
        for shift in self.shifts(rotation, from_ms, to_ms) {
            if shift.from_ms > held_until_ms {
                gaps.push(Gap { from_ms: held_until_ms, to_ms: shift.from_ms });
            }
            held_until_ms = held_until_ms.max(shift.to_ms);
        }
        if held_until_ms < to_ms {
            gaps.push(Gap { from_ms: held_until_ms, to_ms });
        }
        gaps
    }

    /// Whether somebody holds any rotation at a moment.
    pub fn is_on_call(&self, person: &AccountName, at_ms: i64) -> bool {
        let holds = |shift: Shift| shift.holder.account() == Some(person);
        self.rotations.keys().any(|rotation| self.at(rotation, at_ms).into_iter().any(holds))
    }

    /// By turns or by the calendar, before overrides.
    fn planned(&self, rotation: &str, from_ms: i64, to_ms: i64) -> Vec<Shift> {
        let shift =
            |from_ms, to_ms, holder, origin| Shift { rotation: rotation.to_owned(), from_ms, to_ms, holder, origin };
        match self.rotations.get(rotation).map(|rotation| &rotation.source) {
            None => Vec::new(),
            Some(Source::Turns(turns)) => {
                let turns = turns.between(from_ms, to_ms, SHIFTS_MAX).into_iter();
                turns
                    .map(|turn| shift(turn.from_ms, turn.to_ms, Holder::Account(turn.member.clone()), Origin::Turn))
                    .collect()
            }
            Some(Source::Feed { feed, only }) => {
                let all = self.bookings.get(feed).map(Vec::as_slice).unwrap_or_default();
                let of_rotation = all.iter().filter(|booking| booking.is_of(only.as_deref()));
                let mut shifts: Vec<Shift> = of_rotation
                    .filter(|booking| booking.from_ms < to_ms && booking.to_ms > from_ms)
                    .map(|booking| shift(booking.from_ms, booking.to_ms, booking.holder(&self.people), Origin::Feed))
                    .collect();
                shifts.sort_by_key(|shift| shift.from_ms);
                shifts.truncate(SHIFTS_MAX);
                shifts
            }
        }
    }
}

/// What is left of a shift beside a span.
fn without(shift: Shift, from_ms: i64, to_ms: i64) -> Vec<Shift> {
    if !shift.touches(from_ms, to_ms) {
        return vec![shift];
    }
    let before = Shift { to_ms: from_ms, ..shift.clone() };
    let after = Shift { from_ms: to_ms, ..shift };
    [before, after].into_iter().filter(|part| part.from_ms < part.to_ms).collect()
}

fn stand_in(over: &Override) -> Option<Shift> {
    Some(Shift {
        rotation: over.rotation.clone(),
        from_ms: over.from_ms,
        to_ms: over.to_ms,
        holder: Holder::Account(over.person.clone()?),
        origin: Origin::Override { why: over.why.clone() },
    })
}
