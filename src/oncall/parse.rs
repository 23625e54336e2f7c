//! `oncall.yaml`: text in, windows and all that is wrong out.

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;

use super::Oncall;
use super::window::{Span, Window};
use crate::yaml::{self, Item, Reader};

/// The version of the format.
pub const VERSION: i64 = 1;

/// More windows than anyone tells apart.
const WINDOWS_MAX: usize = 200;

/// Spans of one window: years of holidays.
const SPANS_MAX: usize = 500;

const WHY_CHARACTERS_MAX: usize = 200;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Reads the file. `file` is its name in diagnostics.
pub fn parse(file: &str, bytes: &[u8]) -> Oncall {
    let document = yaml::read(file, bytes);
    let mut oncall = Oncall { diagnostics: document.diagnostics, ..Oncall::default() };
    let Some(root) = document.root else { return oncall };
    let reader = Reader::new(file);
    read(reader.item(&root), &mut oncall);
    oncall.diagnostics.append(&mut reader.finish());
    oncall.diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    oncall
}

fn read(root: Item<'_>, oncall: &mut Oncall) {
    let Some(mut fields) = root.fields() else { return };
    if let Some(version) = fields.required("steadyhand")
        && let Some(number) = version.integer()
        && number != VERSION
    {
        let message = format!("version {number} of the on-call format is not known here");
        version.error("schema[version]", message, format!("write `steadyhand: {VERSION}`"));
    }
    let windows = fields.get("windows").and_then(|item| item.entries_up_to(WINDOWS_MAX)).unwrap_or_default();
    for (item, name) in windows {
        if !is_name(name) {
            item.key_error("schema[type]", format!("{name:?} is no name for a window"), "use letters, digits, - and _");
        }
        if let Some(window) = window(item) {
            oncall.windows.insert(name.to_owned(), window);
        }
    }
    fields.finish();
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// One span, or a list of them.
fn window(item: Item<'_>) -> Option<Window> {
    let items = match &item.node.kind {
        yaml::Kind::Sequence(_) => item.list()?,
        yaml::Kind::Scalar(_) | yaml::Kind::Mapping(_) | yaml::Kind::Refused => vec![item],
    };
    if items.len() > SPANS_MAX {
        item.error("schema[type]", format!("more than {SPANS_MAX} spans"), "remove those that are over");
        return None;
    }
    let mut window = Window { spans: Vec::new(), why: None };
    for item in items {
        let (span, why) = span(item)?;
        window.spans.push(span);
        window.why = window.why.or(why);
    }
    Some(window)
}

fn span(item: Item<'_>) -> Option<(Span, Option<String>)> {
    let mut fields = item.fields()?;
    let days = fields.get("days").map(|days| days.list_of(|day| day.choice(&DAYS)));
    let zone = fields.required("zone").and_then(zone);
    let (from, to) = (fields.required("from"), fields.required("to"));
    let why = fields.get("why").and_then(|why| why.line(WHY_CHARACTERS_MAX)).map(str::to_owned);
    fields.finish();
    let (from, to, zone) = (from?, to?, zone?);
    let span = match days {
        Some(days) => Span::Weekly { days: days?, from: time(from)?, to: time(to)?, zone },
        None => {
            let (from_ms, to_ms) = (moment(from, &zone)?, moment(to, &zone)?);
            if to_ms <= from_ms {
                to.error("schema[type]", "it ends before it begins", "exchange `from` and `to`");
                return None;
            }
            Span::Once { from_ms, to_ms }
        }
    };
    Some((span, why))
}

fn zone(item: Item<'_>) -> Option<TimeZone> {
    let name = item.filled_text()?;
    let zone = TimeZone::get(name).ok();
    if zone.is_none() {
        let help = "write UTC or a name such as Europe/Berlin; on a bare system, install tzdata";
        item.error("schema[type]", format!("{name:?} is not a time zone that is known here"), help);
    }
    zone
}

/// `22:00`; `24:00` is the end of the day.
fn time(item: Item<'_>) -> Option<Time> {
    let text = item.filled_text()?;
    let shaped = text.len() == 5 && text.as_bytes()[2] == b':';
    let time = if text == "24:00" { Some(Time::midnight()) } else { text.parse().ok().filter(|_| shaped) };
    if time.is_none() {
        item.error("schema[type]", format!("{text:?} is not a time of day"), "write it in quotes: \"22:00\"");
    }
    time
}

/// `2026-12-20T18:00`, or a day, which stands for its first moment.
fn moment(item: Item<'_>, zone: &TimeZone) -> Option<i64> {
    let text = item.filled_text()?;
    let shaped = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'T' | b' '));
    let moment = text.parse::<DateTime>().ok().filter(|_| shaped);
    let moment = moment.and_then(|moment| zone.to_ambiguous_timestamp(moment).compatible().ok());
    if moment.is_none() {
        item.error("schema[type]", format!("{text:?} is not a moment"), "write it as 2026-12-20T18:00");
    }
    moment.map(|moment| moment.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::plan::{PlannedWindow, WindowRule};

    const GOOD: &str = "steadyhand: 1
windows:
  freeze: {from: 2026-12-20T18:00, to: 2027-01-03, zone: Europe/Berlin, why: Year-end freeze}
  night:
    - {days: [mon, tue, wed, thu], from: \"22:00\", to: \"06:00\", zone: Europe/Berlin}
    - {days: [sat, sun], from: \"00:00\", to: \"24:00\", zone: Europe/Berlin}
";

    fn at(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    fn planned(name: &str, rule: WindowRule) -> Vec<PlannedWindow> {
        vec![PlannedWindow { name: name.to_owned(), rule, overridden: false }]
    }

    #[test]
    fn a_freeze_is_closed_until_its_end_and_a_night_until_its_beginning() {
        let oncall = parse("oncall.yaml", GOOD.as_bytes());
        assert!(oncall.diagnostics.is_empty(), "{:?}", oncall.diagnostics);
        let noon = at("2026-12-24T11:00:00Z");
        let closed = oncall.closed(&planned("freeze", WindowRule::Not), noon);
        assert_eq!(closed[0].until_ms, Some(at("2027-01-02T23:00:00Z")));
        assert_eq!(closed[0].why, "the window freeze is on (Year-end freeze)");
        let closed = oncall.closed(&planned("night", WindowRule::Only), noon);
        assert_eq!(closed[0].until_ms, Some(at("2026-12-24T21:00:00Z")));
        assert!(oncall.closed(&planned("night", WindowRule::Not), noon).is_empty());
        assert!(oncall.closed(&planned("night", WindowRule::Only), at("2026-12-26T11:00:00Z")).is_empty());
    }

    #[test]
    fn a_window_that_the_starter_went_on_against_holds_up_nothing_more() {
        let oncall = parse("oncall.yaml", GOOD.as_bytes());
        let mut windows = planned("freeze", WindowRule::Not);
        windows.extend(planned("night", WindowRule::Only));
        windows[0].overridden = true;
        let closed = oncall.closed(&windows, at("2026-12-24T11:00:00Z"));
        assert_eq!(closed.iter().map(|closed| closed.name.as_str()).collect::<Vec<_>>(), ["night"]);
    }

    #[test]
    fn a_window_that_nobody_wrote_down_forbids_changes() {
        let closed = Oncall::default().closed(&planned("freeze", WindowRule::Not), 0);
        assert_eq!(closed[0].why, "oncall.yaml has no window freeze");
    }

    #[test]
    fn every_problem_is_told_at_its_place() {
        let bad = "steadyhand: 2
windows:
  a b: {from: 2026-01-01, to: 2026-01-02, zone: UTC}
  back: {from: 2026-01-02, to: 2026-01-01, zone: UTC}
  no-zone: {from: 2026-01-01, to: 2026-01-02}
  nowhere: {days: [mon], from: \"1:00\", to: \"02:00\", zone: Europe/Berlln}
  day: {days: [mo], from: \"1:00\", to: \"25:00\", zone: UTC}
shifts: 1
";
        let oncall = parse("oncall.yaml", bad.as_bytes());
        let lines: Vec<usize> = oncall.diagnostics.iter().map(|found| found.span.line).collect();
        for line in [1, 3, 4, 5, 6, 7, 8] {
            assert!(lines.contains(&line), "line {line}: {:#?}", oncall.diagnostics);
        }
    }
}
