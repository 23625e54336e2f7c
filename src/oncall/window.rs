//! When a window is open: spans between two moments, or the same hours on days of the week.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// How far ahead the end of a window is looked for: a week shows every day of it once, and a day for the zones.
const AHEAD_DAYS: i64 = 9;

/// A name for times.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    pub spans: Vec<Span>,
    /// What people are told when it stops them.
    pub why: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Span {
    /// Milliseconds since 1970; the end is no part of it.
    Once { from_ms: i64, to_ms: i64 },
    /// Each of these days from a time to a time; one that is not later is that of the next day.
    Weekly { days: Vec<Weekday>, from: Time, to: Time, zone: TimeZone },
}

/// A window that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// None if it is open for the whole time that is looked at.
    pub until_ms: Option<i64>,
}

impl Window {
    /// Whether it is open at this time.
    pub fn open_at(&self, at_ms: i64) -> Option<Open> {
        let spans = self.near(at_ms);
        let mut end_ms = spans.iter().filter(|(from, to)| *from <= at_ms && at_ms < *to).map(|(_, to)| *to).max()?;
        // A span that begins before another has ended carries on with it.
        while let Some(next) =
            spans.iter().filter(|(from, to)| *from <= end_ms && *to > end_ms).map(|(_, to)| *to).max()
        {
            end_ms = next;
        }
        let horizon_ms = at_ms + (AHEAD_DAYS - 2) * 24 * 3_600_000;
        let is_weekly = self.spans.iter().any(|span| matches!(span, Span::Weekly { .. }));
        Some(Open { until_ms: (!is_weekly || end_ms < horizon_ms).then_some(end_ms) })
    }

    /// When it opens next.
    pub fn next_after(&self, at_ms: i64) -> Option<i64> {
        self.near(at_ms).into_iter().map(|(from, _)| from).filter(|from| *from > at_ms).min()
    }

    /// The spans about this time, as milliseconds.
    fn near(&self, at_ms: i64) -> Vec<(i64, i64)> {
        let mut near = Vec::new();
        for span in &self.spans {
            match span {
                Span::Once { from_ms, to_ms } => near.push((*from_ms, *to_ms)),
                Span::Weekly { days, from, to, zone } => near.extend(weekly(days, *from, *to, zone, at_ms)),
            }
        }
        near
    }
}

/// Where the clocks are changed, a span is never shorter than its times say: a time that there is twice begins it at
/// the first and ends it at the second.
fn weekly(days: &[Weekday], from: Time, to: Time, zone: &TimeZone, at_ms: i64) -> Vec<(i64, i64)> {
    let Ok(at) = Timestamp::from_millisecond(at_ms) else { return Vec::new() };
    let today = zone.to_datetime(at).date();
    let mut spans = Vec::new();
    for ahead in -2..AHEAD_DAYS {
        let Ok(date) = today.checked_add(ahead.days()) else { continue };
        let last = if to <= from { date.checked_add(1.day()) } else { Ok(date) };
        let (true, Ok(last)) = (days.contains(&date.weekday()), last) else { continue };
        let begins = zone.to_ambiguous_timestamp(date.to_datetime(from)).earlier();
        let ends = zone.to_ambiguous_timestamp(last.to_datetime(to)).later();
        if let (Ok(begins), Ok(ends)) = (begins, ends) {
            spans.push((begins.as_millisecond(), ends.as_millisecond()));
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn weekly_window(days: &[Weekday], from: &str, to: &str, zone: &str) -> Window {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        let zone = TimeZone::get(zone).unwrap();
        Window { spans: vec![Span::Weekly { days: days.to_vec(), from, to, zone }], why: None }
    }

    #[test]
    fn a_span_holds_its_beginning_and_not_its_end() {
        let window = Window { spans: vec![Span::Once { from_ms: 1000, to_ms: 2000 }], why: None };
        assert_eq!(window.open_at(999), None);
        assert_eq!(window.open_at(1000), Some(Open { until_ms: Some(2000) }));
        assert_eq!(window.open_at(1999), Some(Open { until_ms: Some(2000) }));
        assert_eq!(window.open_at(2000), None);
        assert_eq!(window.next_after(0), Some(1000));
        assert_eq!(window.next_after(1000), None);
    }

    #[test]
    fn spans_that_touch_are_one() {
        let spans = vec![Span::Once { from_ms: 10, to_ms: 20 }, Span::Once { from_ms: 20, to_ms: 30 }];
        assert_eq!(Window { spans, why: None }.open_at(15), Some(Open { until_ms: Some(30) }));
    }

    #[test]
    fn a_night_reaches_into_the_next_day() {
        let friday = weekly_window(&[Weekday::Friday], "22:00", "06:00", "Europe/Berlin");
        // 2026-11-27 is a Friday; Berlin is an hour ahead of UTC.
        assert_eq!(friday.open_at(at("2026-11-27T20:59:00Z")), None);
        let open = friday.open_at(at("2026-11-28T04:59:00Z")).expect("it is Saturday, 05:59");
        assert_eq!(open.until_ms, Some(at("2026-11-28T05:00:00Z")));
        assert_eq!(friday.next_after(at("2026-11-28T05:00:00Z")), Some(at("2026-12-04T21:00:00Z")));
    }

    #[test]
    fn hours_are_those_of_the_zone_in_summer_and_in_winter() {
        let noon = weekly_window(&[Weekday::Wednesday], "12:00", "13:00", "Europe/Berlin");
        assert!(noon.open_at(at("2026-07-01T10:30:00Z")).is_some(), "two hours ahead in summer");
        assert!(noon.open_at(at("2026-12-02T10:30:00Z")).is_none());
        assert!(noon.open_at(at("2026-12-02T11:30:00Z")).is_some(), "one in winter");
    }

    #[test]
    fn an_hour_that_comes_twice_is_in_the_window_twice() {
        // On 2026-10-25 the hour from 02:00 to 03:00 comes twice in Berlin: at 00:00 and at 01:00 UTC.
        let sunday = weekly_window(&[Weekday::Sunday], "02:00", "02:30", "Europe/Berlin");
        for time in ["2026-10-25T00:00:00Z", "2026-10-25T00:45:00Z", "2026-10-25T01:29:00Z"] {
            assert!(sunday.open_at(at(time)).is_some(), "{time}");
        }
        assert!(sunday.open_at(at("2026-10-25T01:30:00Z")).is_none());
        assert!(sunday.open_at(at("2026-10-24T23:59:00Z")).is_none());
    }

    #[test]
    fn a_time_that_is_left_out_still_makes_a_window() {
        // On 2026-03-29 there is no 02:00 to 03:00 in Berlin; 01:00 UTC is 03:00.
        let sunday = weekly_window(&[Weekday::Sunday], "02:15", "02:45", "Europe/Berlin");
        assert!(sunday.open_at(at("2026-03-29T01:00:00Z")).is_some());
        let day = weekly_window(&[Weekday::Sunday], "00:00", "00:00", "Europe/Berlin");
        let (begins, ends) = (at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z"));
        assert_eq!(ends - begins, 23 * 3_600_000, "that Sunday has 23 hours");
        assert!(day.open_at(begins).is_some() && day.open_at(begins - 1).is_none());
        assert_eq!(day.open_at(ends - 1), Some(Open { until_ms: Some(ends) }));
        assert!(day.open_at(ends).is_none());
    }

    #[test]
    fn always_has_no_end() {
        let all = [
            Weekday::Monday,
            Weekday::Tuesday,
            Weekday::Wednesday,
            Weekday::Thursday,
            Weekday::Friday,
            Weekday::Saturday,
            Weekday::Sunday,
        ];
        assert_eq!(weekly_window(&all, "00:00", "00:00", "UTC").open_at(0), Some(Open { until_ms: None }));
    }
}
