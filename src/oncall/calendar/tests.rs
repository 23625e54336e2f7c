//! Facts about calendars: each shape that other systems write, rules with their exceptions, and what is no calendar.

use super::*;
use crate::oncall::parse;

const PAGERDUTY: &[u8] = include_bytes!("../../../tests/fixtures/calendars/pagerduty.ics");
const GRAFANA: &[u8] = include_bytes!("../../../tests/fixtures/calendars/grafana.ics");
const GOALERT: &[u8] = include_bytes!("../../../tests/fixtures/calendars/goalert.ics");
const GOALERT_JSON: &[u8] = include_bytes!("../../../tests/fixtures/calendars/goalert.json");
const LINKEDIN: &[u8] = include_bytes!("../../../tests/fixtures/calendars/linkedin.ics");
const RECURRING: &[u8] = include_bytes!("../../../tests/fixtures/calendars/recurring.ics");

fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().expect("a time").as_millisecond()
}

fn read_now(bytes: &[u8]) -> Vec<Booking> {
    read(bytes, "Europe/Berlin", at("2026-06-01T00:00:00Z")).expect("it is a calendar")
}

fn holders(bytes: &[u8]) -> Vec<String> {
    let people = parse(
        "oncall.yaml",
        b"steadyhand: 1\npeople:\n  fritz: {emails: [fritz@example.org], names: [Fritz Maier], \
          ids: [b1c2d3e4-0000-4000-8000-000000000001]}\n  gina: {emails: [gina@example.org], names: [\"Gina O'Neil\"]}\n",
    );
    assert_eq!(people.diagnostics, []);
    read_now(bytes).iter().map(|booking| booking.holder(&people.people).to_string()).collect()
}

#[test]
fn each_system_is_read_as_it_writes() {
    assert_eq!(holders(PAGERDUTY), ["fritz", "gina"]);
    assert_eq!(holders(GRAFANA), ["fritz", "gina"]);
    assert_eq!(holders(GOALERT), ["fritz"]);
    assert_eq!(holders(GOALERT_JSON), ["fritz"], "the name is another there, the id is known");
    assert_eq!(holders(LINKEDIN), ["gina"]);
    let pagerduty = &read_now(PAGERDUTY)[0];
    assert_eq!((pagerduty.from_ms, pagerduty.to_ms), (at("2026-11-23T08:00:00Z"), at("2026-11-30T08:00:00Z")));
    assert_eq!(pagerduty.emails[..], ["fritz@example.org"]);
}

#[test]
fn rules_exceptions_moved_instances_and_windows_zones_are_heeded() {
    let bookings = read_now(RECURRING);
    let of = |name: &str| -> Vec<&Booking> { bookings.iter().filter(|booking| *booking.title == *name).collect() };
    let begins = |name: &str| -> Vec<i64> { of(name).iter().map(|booking| booking.from_ms).collect() };
    let anna = begins("anna");
    assert!(anna.contains(&at("2026-01-05T08:00:00Z")) && anna.contains(&at("2026-01-19T08:00:00Z")));
    assert!(!anna.contains(&at("2026-02-02T08:00:00Z")), "that week was moved");
    assert!(anna.contains(&at("2026-02-03T11:00:00Z")), "to here");
    assert!(!anna.contains(&at("2026-02-16T08:00:00Z")), "that week was taken out");
    assert!(anna.contains(&at("2026-07-06T07:00:00Z")), "in summer nine o'clock is seven in UTC");
    let over_the_change = of("anna").into_iter().find(|booking| booking.from_ms == at("2026-03-16T08:00:00Z"));
    assert_eq!(over_the_change.map(|booking| booking.to_ms), Some(at("2026-03-23T08:00:00Z")));
    let spring = of("ben").into_iter().find(|booking| booking.from_ms == at("2026-03-23T08:00:00Z"));
    assert_eq!(spring.map(|booking| booking.to_ms), Some(at("2026-03-30T07:00:00Z")), "that week has 167 hours");
    assert!(begins("carla").is_empty(), "it was cancelled");
    assert_eq!(begins("dai"), [at("2026-07-01T07:00:00Z")], "a time without a zone is one of the rotation's");
    let last = bookings.last().expect("there are some").from_ms;
    assert!(last > at("2028-05-01T00:00:00Z"), "both endless rules reach as far as is kept");
}

#[test]
fn what_is_no_calendar_is_refused_whole() {
    let now_ms = at("2026-06-01T00:00:00Z");
    let cut = &PAGERDUTY[..PAGERDUTY.len() - 40];
    for (what, bytes) in [
        ("a login page", b"<!doctype html><title>Sign in</title>".as_slice()),
        ("nothing", b""),
        ("half of it", cut),
        ("other JSON", br#"{"Type": "x", "Shifts": []}"#),
        ("broken JSON", br#"{"Type": "calendar-subscription/v1", "Shi"#),
        ("other bytes", b"BEGIN:VCALENDAR\r\n\xff\xfe"),
        (
            "a rule that is none",
            b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        ),
    ] {
        let refused = read(bytes, "UTC", now_ms);
        assert!(refused.is_err(), "{what} was taken: {refused:?}");
    }
    let empty = read(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n", "UTC", now_ms);
    assert_eq!(empty, Ok(Vec::new()), "nobody is planned: gaps will say so");
}

#[test]
fn endless_rules_end_somewhere() {
    let mut text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n".to_owned();
    for number in 0..60 {
        text.push_str(&format!(
            "BEGIN:VEVENT\r\nUID:{number}\r\nDTSTART:20260101T000000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=HOURLY\r\nSUMMARY:a\r\nEND:VEVENT\r\n"
        ));
    }
    text.push_str("END:VCALENDAR\r\n");
    assert_eq!(read(text.as_bytes(), "UTC", at("2026-06-01T00:00:00Z")), Err(Malformed::TooMany));
}

#[test]
fn what_one_entry_says_is_kept_once_however_often_it_comes() {
    let title = "a".repeat(900_000);
    let guests: String = (0..20_000).map(|number| format!("ATTENDEE:mailto:{number}@example.org\r\n")).collect();
    let long = format!("ATTENDEE:mailto:{}@example.org\r\n", "b".repeat(EMAIL_CHARACTERS_MAX));
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20200101T000000Z\r\nDURATION:PT1H\r\n\
         RRULE:FREQ=DAILY\r\nSUMMARY:{title}\r\n{long}{guests}END:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let bookings = read_now(text.as_bytes());
    assert_eq!(bookings.len(), 2 * 2 * 366, "four years of days");
    let (first, last) = (&bookings[0], &bookings[bookings.len() - 1]);
    assert_eq!((first.title.len(), first.emails.len()), (TITLE_CHARACTERS_MAX, EMAILS_MAX));
    assert_eq!(first.emails[0], "0@example.org", "an address that is too long is nobody's");
    assert!(Arc::ptr_eq(&first.title, &last.title) && Arc::ptr_eq(&first.emails, &last.emails));
}
