//! Turns of a rotation at any time, whatever the clocks do there.
//!
//! Hand-overs are civil times (`mon 09:00`), numbered without end in both directions. Their moments never go back from
//! one number to the next: a time that there is twice is the first, and one that is left out is the moment at which
//! the clocks are put forward. So the turns tile time: each moment after the start lies in exactly one of them.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

use crate::access::account::AccountName;

/// A Monday, from which weeks are counted.
const MONDAY: Date = jiff::civil::date(1970, 1, 5);

/// Hand-overs that lie between a moment's civil time and its true place: two days are more than any zone ever jumped.
const MARGIN_DAYS: i64 = 2;

/// People who take turns.
#[derive(Debug, Clone, PartialEq)]
pub struct Turns {
    /// In the order of their turns; at least one, and one may stand here twice.
    pub members: Vec<AccountName>,
    /// Days of hand-overs, each once, from Monday on; at least one.
    pub days: Vec<Weekday>,
    /// Times of hand-overs on each of these days, rising; at least one.
    pub at: Vec<Time>,
    /// Hand-over times that one turn takes: with `2` and Mondays, two weeks.
    pub every: u32,
    pub zone: TimeZone,
    /// The first member's turn begins with the first hand-over time that is not before this.
    pub start: DateTime,
}

/// One turn: `from_ms` is part of it, `to_ms` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<'t> {
    pub member: &'t AccountName,
    pub from_ms: i64,
    pub to_ms: i64,
}

impl Turns {
    /// The turns that touch the span, whole, in order; empty ones (two hand-overs in a time that is left out) are not
    /// there. At most `turns_max`.
    pub fn between(&self, from_ms: i64, to_ms: i64, turns_max: usize) -> Vec<Turn<'_>> {
        let first = self.number_at(from_ms).unwrap_or(0).max(0);
        let numbered = (first..).map_while(|number| self.turn(number));
        numbered
            .take_while(|turn| turn.from_ms < to_ms)
            .filter(|turn| turn.from_ms < turn.to_ms && turn.to_ms > from_ms)
            .take(turns_max)
            .collect()
    }

    /// When the first turn begins.
    pub fn begins_ms(&self) -> Option<i64> {
        self.moment(self.first())
    }

    /// The number of the turn at a moment; below zero before the first. None where there is no calendar any more.
    fn number_at(&self, at_ms: i64) -> Option<i64> {
        let civil = self.zone.to_datetime(Timestamp::from_millisecond(at_ms).ok()?);
        let ahead = civil.checked_add(MARGIN_DAYS.days()).ok()?;
        let mut number = (self.at_or_before(ahead) - self.first()).div_euclid(i64::from(self.every));
        while self.begin(number)? > at_ms {
            number -= 1;
        }
        Some(number)
    }

    fn turn(&self, number: i64) -> Option<Turn<'_>> {
        let members = i64::try_from(self.members.len()).ok()?;
        let member = self.members.get(usize::try_from(number.rem_euclid(members)).ok()?)?;
        Some(Turn { member, from_ms: self.begin(number)?, to_ms: self.begin(number + 1)? })
    }

    fn begin(&self, number: i64) -> Option<i64> {
        self.moment(self.first().checked_add(number.checked_mul(i64::from(self.every))?)?)
    }

    /// The number of the hand-over with which the first turn begins.
    fn first(&self) -> i64 {
        let before = self.at_or_before(self.start);
        if self.civil(before) == Some(self.start) { before } else { before + 1 }
    }

    /// The number of the last hand-over whose civil time is not after this one.
    fn at_or_before(&self, civil: DateTime) -> i64 {
        let days = civil.date().duration_since(MONDAY).as_hours() / 24;
        let (week, times) = (days.div_euclid(7), count(self.at.len()));
        let today = civil.date().weekday().to_monday_zero_offset();
        let earlier_days = self.days.iter().filter(|day| day.to_monday_zero_offset() < today).count();
        let mut passed = week * self.per_week() + count(earlier_days) * times;
        if self.days.contains(&civil.date().weekday()) {
            passed += count(self.at.iter().filter(|time| **time <= civil.time()).count());
        }
        passed - 1
    }

    fn civil(&self, hand_over: i64) -> Option<DateTime> {
        let (week, within) = (hand_over.div_euclid(self.per_week()), hand_over.rem_euclid(self.per_week()));
        let times = count(self.at.len());
        let day = self.days.get(usize::try_from(within / times).ok()?)?;
        let time = self.at.get(usize::try_from(within % times).ok()?)?;
        let days = week.checked_mul(7)?.checked_add(i64::from(day.to_monday_zero_offset()))?;
        let date = MONDAY.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        Some(date.to_datetime(*time))
    }

    fn moment(&self, hand_over: i64) -> Option<i64> {
        let ambiguous = self.zone.to_ambiguous_timestamp(self.civil(hand_over)?);
        let is_left_out = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        let earlier = ambiguous.earlier().ok()?;
        let moment = match is_left_out {
            true => self.zone.following(earlier).next().map_or(earlier, |change| change.timestamp()),
            false => earlier,
        };
        Some(moment.as_millisecond())
    }

    fn per_week(&self) -> i64 {
        count(self.days.len()) * count(self.at.len())
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).expect("a week has few hand-overs: the parser bounds them")
}
