//! Times that people type to search: a day, or a moment.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// `2026-11-23` (its beginning, in UTC) or `2026-11-23T03:12:09Z`, in milliseconds since 1970.
pub fn milliseconds(text: &str) -> Option<i64> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    // Only the plain form: jiff would also take a date with a time that has no zone, and drop the time.
    let day: Date = text.parse().ok().filter(|_| text.len() == 10)?;
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_utc_and_a_moment_has_a_zone() {
        assert_eq!(milliseconds("1970-01-02"), Some(86_400_000));
        assert_eq!(milliseconds("1970-01-01T01:00:00+01:00"), Some(0));
        for wrong in ["", "yesterday", "2026-11-23T03:12", "2026-13-01", "23.11.2026"] {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }
}
