//! Times and counts as people read them on a page. The zone is always said; the browser may turn it into its own.

use jiff::Timestamp;
use serde::Serialize;

/// A moment for `<time datetime="…">`: the script on the page may show it in the reader's own zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// RFC 3339, for machines.
    pub iso: String,
    /// `2026-11-23 03:12:09 UTC`.
    pub text: String,
    /// `4 min ago`.
    pub ago: String,
}

impl Moment {
    /// `at_ms` as seen from `now_ms`, both milliseconds since 1970.
    pub fn new(at_ms: i64, now_ms: i64) -> Self {
        Self { iso: iso(at_ms), text: date_time(at_ms), ago: ago(now_ms - at_ms) }
    }
}

/// `2026-11-23T03:12:09.120Z`; the far past for what no calendar holds.
pub fn iso(at_ms: i64) -> String {
    timestamp(at_ms).to_string()
}

/// `2026-11-23 03:12:09 UTC`.
pub fn date_time(at_ms: i64) -> String {
    timestamp(at_ms).strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn timestamp(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::MIN)
}

/// `0.4 s`, `12 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`.
pub fn duration(duration_ms: i64) -> String {
    let seconds = duration_ms.max(0) / 1000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, duration_ms.max(0) % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// `just now`, `4 min ago`, `3 d ago`; `in 2 h` for what is to come.
pub fn ago(passed_ms: i64) -> String {
    let seconds = passed_ms.abs() / 1000;
    let words = match seconds {
        0..10 => return "just now".to_owned(),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    };
    if passed_ms < 0 { format!("in {words}") } else { format!("{words} ago") }
}

/// `1 host`, `3 hosts`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// `web-1`, `web-1 and web-2`, `web-1, web-2 and 4 more`.
pub fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => "no host".to_owned(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_two_units_at_most() {
        let shown: Vec<String> = [450, 12_000, 200_000, 7_500_000, 360_000_000].into_iter().map(duration).collect();
        assert_eq!(shown, ["0.4 s", "12 s", "3 min 20 s", "2 h 05 min", "4 d 4 h"]);
    }

    #[test]
    fn what_is_to_come_is_not_called_past() {
        assert_eq!(ago(-7_200_000), "in 2 h");
        assert_eq!(ago(240_000), "4 min ago");
        assert_eq!(ago(-3), "just now");
    }

    #[test]
    fn a_time_that_no_calendar_holds_is_shown_all_the_same() {
        assert!(!date_time(i64::MAX).is_empty());
    }

    #[test]
    fn many_hosts_are_counted_not_listed() {
        assert_eq!(names(["a", "b", "c", "d"]), "a, b and 2 more");
        assert_eq!(names(["a", "b"]), "a and b");
    }
}
