//! The one place that reads calendars: iCalendar through `calcard`, and GoAlert's JSON.
//!
//! Traps that are dealt with here: `calcard` keeps moved instances of all events in one table, so each event is
//! expanded alone; its limit is one for a whole calendar, so an endless rule would leave nothing for the next; an
//! instance that is given with its end lasts as long by the clock on the wall, also where the clocks change.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use calcard::common::timezone::Tz;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarProperty, ICalendarStatus, ICalendarValue, Uri,
};
use calcard::{Entry, Parser};
use serde::Deserialize;

use super::booking::Booking;

/// Instances of one event: sixteen years of days.
const INSTANCES_MAX: usize = 6_000;

/// Instances of all events of one calendar.
const ALL_INSTANCES_MAX: usize = 300_000;

/// Bookings that are kept of one calendar.
pub const BOOKINGS_MAX: usize = 20_000;

/// Letters of a title: a name and a schedule.
const TITLE_CHARACTERS_MAX: usize = 200;

/// Addresses that one entry names: a shift is few people's.
const EMAILS_MAX: usize = 20;

/// Letters of an address that a mail server takes; a longer one is nobody's.
const EMAIL_CHARACTERS_MAX: usize = 254;

/// Bookings further away than this are not kept: two years.
const AROUND_MS: i64 = 2 * 366 * 24 * 3_600_000;

/// Why a text is no calendar that can be used. Nothing of it is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("it is not UTF-8")]
    Bytes,
    #[error("it is no iCalendar: it has no BEGIN:VCALENDAR")]
    NoCalendar,
    #[error("it ends in the middle of {0}")]
    CutOff(String),
    #[error("it is broken at {0}")]
    Broken(String),
    #[error("it has more than {ALL_INSTANCES_MAX} instances: too many endless rules")]
    TooMany,
    #[error("it is JSON, but not GoAlert's calendar-subscription/v1: {0}")]
    Json(String),
}

/// Reads a calendar. What lies within two years of `now_ms` is kept, by its beginning. A time without a zone is one of
/// `zone`.
///
/// # Errors
/// See [`Malformed`].
pub fn read(bytes: &[u8], zone: &str, now_ms: i64) -> Result<Vec<Booking>, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed::Bytes)?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let mut bookings = match text.starts_with('{') {
        true => goalert(text, now_ms)?,
        false => icalendar(text, zone, now_ms)?,
    };
    keep_first(&mut bookings);
    Ok(bookings)
}

/// Whether it is kept: near now, and of some length.
fn is_kept(from_ms: i64, to_ms: i64, now_ms: i64) -> bool {
    to_ms > now_ms - AROUND_MS && from_ms < now_ms + AROUND_MS && from_ms < to_ms
}

fn keep_first(bookings: &mut Vec<Booking>) {
    bookings.sort_by_key(|booking| (booking.from_ms, booking.to_ms));
    bookings.truncate(BOOKINGS_MAX);
}

fn icalendar(text: &str, zone: &str, now_ms: i64) -> Result<Vec<Booking>, Malformed> {
    if !text.get(..15).is_some_and(|begin| begin.eq_ignore_ascii_case("BEGIN:VCALENDAR")) {
        return Err(Malformed::NoCalendar);
    }
    // The parser takes what is cut off for whole; half a calendar would put nobody on call.
    let end = text.trim_end();
    let is_whole = end.len() >= 13 && end.is_char_boundary(end.len() - 13);
    if !is_whole || !end[end.len() - 13..].eq_ignore_ascii_case("END:VCALENDAR") {
        return Err(Malformed::CutOff("VCALENDAR".to_owned()));
    }
    let floating = zone.parse::<Tz>().or_else(|()| "UTC".parse()).unwrap_or_default();
    let mut parser = Parser::new(text);
    let (mut bookings, mut left) = (Vec::new(), ALL_INSTANCES_MAX);
    loop {
        match parser.entry() {
            Entry::ICalendar(calendar) => {
                for event in events(&calendar) {
                    bookings.append(&mut expanded(&event, floating, now_ms, &mut left)?);
                    if bookings.len() > 2 * BOOKINGS_MAX {
                        keep_first(&mut bookings);
                    }
                }
            }
            Entry::Eof => return Ok(bookings),
            Entry::UnterminatedComponent(name) => return Err(Malformed::CutOff(name.into_owned())),
            Entry::UnexpectedComponentEnd { expected, .. } => {
                return Err(Malformed::CutOff(expected.as_str().to_owned()));
            }
            Entry::TooManyComponents => return Err(Malformed::TooMany),
            // A stray line after the calendar harms nobody; the reader has seen BEGIN and END of it.
            Entry::InvalidLine(_) | Entry::VCard(_) => {}
            _ => return Err(Malformed::Broken("something that is no calendar".to_owned())),
        }
    }
}

/// Each event alone with its moved instances and the zones of the calendar.
fn events(calendar: &ICalendar) -> Vec<ICalendar> {
    let mut by_uid: BTreeMap<String, Vec<&ICalendarComponent>> = BTreeMap::new();
    for (number, component) in calendar.components.iter().enumerate() {
        if component.component_type == ICalendarComponentType::VEvent && !is_cancelled(component) {
            // Without an identity it is nobody's moved instance.
            let uid = text_of(component, &ICalendarProperty::Uid).map_or_else(|| format!("\n{number}"), str::to_owned);
            by_uid.entry(uid).or_default().push(component);
        }
    }
    by_uid
        .into_values()
        .map(|components| {
            let mut alone = ICalendar::default();
            let mut root = ICalendarComponent::new(ICalendarComponentType::VCalendar);
            root.component_ids = vec![0];
            alone.components.push(root);
            alone.copy_timezones(calendar);
            alone.components.extend(components.into_iter().cloned());
            alone
        })
        .collect()
}

fn is_cancelled(component: &ICalendarComponent) -> bool {
    component.entries.iter().any(|entry| {
        entry.name == ICalendarProperty::Status
            && matches!(entry.values.first(), Some(ICalendarValue::Status(ICalendarStatus::Cancelled)))
    })
}

fn expanded(event: &ICalendar, floating: Tz, now_ms: i64, left: &mut usize) -> Result<Vec<Booking>, Malformed> {
    let found = event.expand_dates(floating, INSTANCES_MAX);
    if let Some(error) = found.errors.first() {
        return Err(Malformed::Broken(error.error.to_string()));
    }
    *left = left.checked_sub(found.events.len()).ok_or(Malformed::TooMany)?;
    let mut bookings = Vec::new();
    // What an entry says, once for all its instances.
    let mut said: HashMap<usize, (Arc<str>, Arc<[String]>)> = HashMap::new();
    for instance in found.events {
        let Ok(id) = usize::try_from(instance.comp_id) else { continue };
        let Some(component) = event.components.get(id) else { continue };
        let exact = instance.timestamps();
        let (from_s, to_s) = match instance.try_into_date_time() {
            Some(times) => (times.start.timestamp(), times.end.timestamp()),
            // The end falls into an hour that is left out or comes twice.
            None => exact,
        };
        let (from_ms, to_ms) = (from_s.saturating_mul(1_000), to_s.saturating_mul(1_000));
        if !is_kept(from_ms, to_ms, now_ms) {
            continue;
        }
        let says =
            || (title(text_of(component, &ICalendarProperty::Summary).unwrap_or("")), attendees(component).into());
        let (title, emails) = said.entry(id).or_insert_with(says).clone();
        bookings.push(Booking { from_ms, to_ms, title, emails, ids: Vec::new() });
    }
    Ok(bookings)
}

fn title(text: &str) -> Arc<str> {
    text.chars().take(TITLE_CHARACTERS_MAX).collect::<String>().into()
}

fn text_of<'a>(component: &'a ICalendarComponent, name: &ICalendarProperty) -> Option<&'a str> {
    let entry = component.entries.iter().find(|entry| entry.name == *name)?;
    match entry.values.first()? {
        ICalendarValue::Text(text) => Some(text),
        _ => None,
    }
}

/// With or without `mailto:`, as PagerDuty leaves it out.
fn attendees(component: &ICalendarComponent) -> Vec<String> {
    let entries = component.entries.iter().filter(|entry| entry.name == ICalendarProperty::Attendee);
    entries
        .flat_map(|entry| &entry.values)
        .filter_map(|value| match value {
            ICalendarValue::Text(text) | ICalendarValue::Uri(Uri::Location(text)) => Some(text.as_str()),
            _ => None,
        })
        .map(|text| text.get(..7).filter(|begin| begin.eq_ignore_ascii_case("mailto:")).map_or(text, |_| &text[7..]))
        .filter(|address| address.chars().count() <= EMAIL_CHARACTERS_MAX)
        .take(EMAILS_MAX)
        .map(str::to_owned)
        .collect()
}

/// `calsub.JSONResponseV1` of GoAlert.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Subscription {
    r#type: String,
    shifts: Vec<SubscribedShift>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SubscribedShift {
    start: jiff::Timestamp,
    end: jiff::Timestamp,
    #[serde(rename = "UserID")]
    user_id: String,
    user_name: String,
}

fn goalert(text: &str, now_ms: i64) -> Result<Vec<Booking>, Malformed> {
    let read: Subscription = serde_json::from_str(text).map_err(|error| Malformed::Json(error.to_string()))?;
    if read.r#type != "calendar-subscription/v1" {
        return Err(Malformed::Json("its Type is another".to_owned()));
    }
    let shifts = read.shifts.into_iter().map(|shift| Booking {
        from_ms: shift.start.as_millisecond(),
        to_ms: shift.end.as_millisecond(),
        title: title(&shift.user_name),
        emails: [].into(),
        ids: vec![shift.user_id],
    });
    Ok(shifts.filter(|booking| is_kept(booking.from_ms, booking.to_ms, now_ms)).collect())
}

#[cfg(test)]
mod tests;
