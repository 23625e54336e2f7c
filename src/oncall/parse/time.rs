//! Times, days and zones in `oncall.yaml`.

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;

use crate::yaml::{Fields, Item};

pub(super) const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// The field `zone`, or the zone of the whole file; one of the two must be there.
pub(super) fn zone_or(fields: &mut Fields<'_>, of_file: Option<&TimeZone>) -> Option<TimeZone> {
    match (fields.get("zone"), of_file) {
        (Some(item), _) => zone(item),
        (None, Some(of_file)) => Some(of_file.clone()),
        (None, None) => {
            fields.missing(
                "field \"zone\" is missing",
                "add `zone: Europe/Berlin` here, or at the top for the whole file",
            );
            None
        }
    }
}

pub(super) fn zone(item: Item<'_>) -> Option<TimeZone> {
    let name = item.filled_text()?;
    let zone = TimeZone::get(name).ok();
    if zone.is_none() {
        let help = "write UTC or a name such as Europe/Berlin; on a bare system, install tzdata";
        item.error("schema[type]", format!("{name:?} is not a time zone that is known here"), help);
    }
    zone
}

/// `22:00`; `24:00` is the end of the day.
pub(super) fn time(item: Item<'_>) -> Option<Time> {
    let text = item.filled_text()?;
    let shaped = text.len() == 5 && text.as_bytes()[2] == b':';
    let time = if text == "24:00" { Some(Time::midnight()) } else { text.parse().ok().filter(|_| shaped) };
    if time.is_none() {
        item.error("schema[type]", format!("{text:?} is not a time of day"), "write it in quotes: \"22:00\"");
    }
    time
}

/// `2026-12-20T18:00`, or a day, which stands for its first moment.
pub(super) fn moment(item: Item<'_>, zone: &TimeZone) -> Option<i64> {
    let moment = zone.to_ambiguous_timestamp(civil(item)?).compatible().ok();
    if moment.is_none() {
        item.error("schema[type]", "there is no such moment in this zone", "write it as 2026-12-20T18:00");
    }
    moment.map(|moment| moment.as_millisecond())
}

/// `2026-12-20T18:00`, or a day, which stands for its midnight.
pub(super) fn civil(item: Item<'_>) -> Option<DateTime> {
    let text = item.filled_text()?;
    let shaped = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'T' | b' '));
    let civil = text.parse::<DateTime>().ok().filter(|_| shaped);
    if civil.is_none() {
        item.error("schema[type]", format!("{text:?} is not a moment"), "write it as 2026-12-20T18:00");
    }
    civil
}
