//! `rotations` and `overrides`: who holds what, and when.

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::time::{DAYS, civil, moment, time, zone_or};
use super::{NAMED_MAX, TITLE_CHARACTERS_MAX, WHY_CHARACTERS_MAX, named, person, unknown};
use crate::oncall::Oncall;
use crate::oncall::model::{Override, Rotation, Source};
use crate::oncall::turns::Turns;
use crate::yaml::{Fields, Item, Kind};

/// Members of one rotation; somebody may stand in it more than once.
const MEMBERS_MAX: usize = 100;

/// Hand-overs of one day: every hour.
const TIMES_MAX: usize = 24;

/// Hand-overs that one turn takes: more is a rotation that nobody sees come round.
const EVERY_MAX: u32 = 100;

/// Overrides of one file: those of past years can go.
const OVERRIDES_MAX: usize = 1_000;

/// What stands in the place of a person where nobody is meant.
const NOBODY: &str = "nobody";

pub(super) fn read(fields: &mut Fields<'_>, oncall: &mut Oncall) {
    for (item, name) in named(fields, "rotations", "rotation", NAMED_MAX) {
        oncall.places.insert(name.to_owned(), item.key_span);
        if let Some(rotation) = rotation(item, oncall) {
            oncall.rotations.insert(name.to_owned(), rotation);
        }
    }
    let Some(items) = fields.get("overrides").and_then(|item| {
        let items = item.list()?;
        if items.len() > OVERRIDES_MAX {
            item.error("schema[type]", format!("more than {OVERRIDES_MAX} overrides"), "remove those that are over");
            return None;
        }
        Some(items)
    }) else {
        return;
    };
    for item in items {
        if let Some(over) = stand_in(item, oncall) {
            oncall.overrides.push(over);
        }
    }
}

fn rotation(item: Item<'_>, oncall: &Oncall) -> Option<Rotation> {
    let mut fields = item.fields()?;
    let title = fields.get("title").and_then(|title| title.line(TITLE_CHARACTERS_MAX)).map(str::to_owned);
    let zone = zone_or(&mut fields, oncall.zone.as_ref());
    let source = match fields.get("feed") {
        Some(feed) => from_feed(feed, &mut fields, oncall),
        None => turns(&mut fields, zone.as_ref()).map(Source::Turns),
    };
    fields.finish();
    Some(Rotation { title, zone: zone?, source: source? })
}

fn from_feed(item: Item<'_>, fields: &mut Fields<'_>, oncall: &Oncall) -> Option<Source> {
    for name in ["members", "start", "handover"] {
        if fields.names().any(|given| given == name) {
            let message = format!("\"{name}\" and \"feed\" are both given");
            fields.key_error(name, "oncall[feed]", message, "keep one: people take turns here, or a calendar says who");
        }
    }
    fields.know(&["members", "start", "handover"]);
    let only = fields.get("only").map(|only| only.line(TITLE_CHARACTERS_MAX).map(str::to_owned));
    let feed = item.filled_text()?;
    if !oncall.feeds.contains_key(feed) {
        let add = format!("add it: `feeds: {{{feed}: {{file: calendars/{feed}.ics}}}}`");
        unknown(item, "oncall[unknown-feed]", "feed", feed, oncall.feeds.keys(), &add);
        return None;
    }
    let only = match only {
        None => None,
        Some(only) => Some(only?),
    };
    Some(Source::Feed { feed: feed.to_owned(), only })
}

fn turns(fields: &mut Fields<'_>, zone: Option<&TimeZone>) -> Option<Turns> {
    let members = fields.required("members").and_then(|item| bounded(item, MEMBERS_MAX, person));
    let start = fields.required("start").and_then(civil);
    let handover = fields.required("handover").and_then(handover);
    let (members, start, (days, at, every)) = (members?, start?, handover?);
    Some(Turns { members, days, at, every, zone: zone?.clone(), start })
}

type Handover = (Vec<jiff::civil::Weekday>, Vec<Time>, u32);

/// `{days: [mon], at: "09:00", every: 1}`.
fn handover(item: Item<'_>) -> Option<Handover> {
    let mut fields = item.fields()?;
    let days = fields.get("days").map(|days| bounded(days, DAYS.len(), |day| day.choice(&DAYS)));
    let at = fields.required("at").and_then(|at| match &at.node.kind {
        Kind::Sequence(_) => bounded(at, TIMES_MAX, hand_over_time),
        Kind::Scalar(_) | Kind::Mapping(_) | Kind::Refused => hand_over_time(at).map(|time| vec![time]),
    });
    let every = fields.get("every").map(|every| {
        let number = every.whole_number::<u32>()?;
        if !(1..=EVERY_MAX).contains(&number) {
            every.error("schema[type]", format!("{number} is out of range"), format!("write 1 to {EVERY_MAX}"));
            return None;
        }
        Some(number)
    });
    fields.finish();
    let mut days = days.unwrap_or_else(|| Some(DAYS.map(|(_, day)| day).to_vec()))?;
    let mut at = at?;
    days.sort_by_key(|day| day.to_monday_zero_offset());
    days.dedup();
    at.sort_unstable();
    at.dedup();
    Some((days, at, every.unwrap_or(Some(1))?))
}

/// The end of one day is the midnight of the next, and must be written as such: it belongs to that day.
fn hand_over_time(item: Item<'_>) -> Option<Time> {
    if item.text() == Some("24:00") {
        item.error("schema[type]", "a hand-over is not at 24:00", "write \"00:00\", with the next day among `days`");
        return None;
    }
    time(item)
}

fn stand_in(item: Item<'_>, oncall: &Oncall) -> Option<Override> {
    let mut fields = item.fields()?;
    let rotation = fields.required("rotation").and_then(|item| known_rotation(item, item.filled_text()?, oncall));
    let person = fields.required("person").and_then(|item| match item.text()? {
        NOBODY => Some(None),
        _ => person(item).map(Some),
    });
    let (from, to) = (fields.required("from"), fields.required("to"));
    // The times are those of the rotation, unless said.
    let of_rotation = rotation.as_ref().and_then(|name| oncall.rotations.get(name)).map(|rotation| &rotation.zone);
    let zone = zone_or(&mut fields, of_rotation.or(oncall.zone.as_ref()));
    let why = fields.get("why").and_then(|why| why.line(WHY_CHARACTERS_MAX)).map(str::to_owned);
    fields.finish();
    let zone = zone?;
    let (from_ms, to_ms) = (moment(from?, &zone), moment(to?, &zone));
    let (from_ms, to_ms) = (from_ms?, to_ms?);
    if to_ms <= from_ms {
        to?.error("schema[type]", "it ends before it begins", "exchange `from` and `to`");
        return None;
    }
    Some(Override { rotation: rotation?, person: person?, from_ms, to_ms, why })
}

/// The name of a rotation of this file. One whose own text is wrong is known all the same.
pub(super) fn known_rotation(item: Item<'_>, name: &str, oncall: &Oncall) -> Option<String> {
    if !oncall.places.contains_key(name) {
        let add = format!("add it below `rotations:`, or correct the name {name:?}");
        unknown(item, "oncall[unknown-rotation]", "rotation", name, oncall.places.keys(), &add);
        return None;
    }
    Some(name.to_owned())
}

/// A list of at least one and at most `items_max`.
pub(super) fn bounded<'r, T>(item: Item<'r>, items_max: usize, one: impl Fn(Item<'r>) -> Option<T>) -> Option<Vec<T>> {
    let count = item.list()?.len();
    if count == 0 || count > items_max {
        item.error("schema[type]", format!("has {count} entries"), format!("write 1 to {items_max}"));
        return None;
    }
    item.list_of(one)
}
