//! Facts about who holds a rotation: over changes of the clocks, with overrides, from calendars; and what is found wrong.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::booking::Booking;
use super::finding::Problem;
use super::model::{Rotation, Source};
use super::schedule::Schedule;
use super::shift::{Holder, Origin, Shift};
use super::turns::Turns;
use super::{Oncall, parse};

const WHOLE: &str = include_str!("../../tests/fixtures/oncall/whole.yaml");
const HOUR_MS: i64 = 3_600_000;

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().expect("a time").as_millisecond()
}

fn oncall(text: &str) -> Oncall {
    let oncall = parse("oncall.yaml", text.as_bytes());
    assert_eq!(oncall.diagnostics, []);
    oncall
}

fn schedule(text: &str) -> Schedule {
    Schedule::new(&oncall(text), BTreeMap::new())
}

fn holders(shifts: &[Shift]) -> Vec<String> {
    shifts.iter().map(|shift| shift.holder.to_string()).collect()
}

#[test]
fn members_take_turns_from_the_first_hand_over_on() {
    let schedule = schedule(WHOLE);
    assert!(schedule.at("web", at("2026-11-02T07:59:59Z")).is_empty(), "it begins on Monday at nine in Berlin");
    for (time, holder) in [
        ("2026-11-02T08:00:00Z", "anna"),
        ("2026-11-09T07:59:59Z", "anna"),
        ("2026-11-09T08:00:00Z", "ben"),
        ("2026-11-16T08:00:00Z", "carla"),
        ("2026-11-23T08:00:00Z", "anna"),
        ("2027-11-01T08:00:00Z", "ben"),
    ] {
        assert_eq!(holders(&schedule.at("web", at(time))), [holder], "{time}");
    }
    assert_eq!(schedule.next_boundary("web", at("2026-11-23T08:00:00Z")), Some(at("2026-11-25T17:00:00Z")));
    assert_eq!(holders(&schedule.at("sun", at("2026-11-24T19:00:00Z"))), ["dai"]);
    assert_eq!(holders(&schedule.at("sun", at("2026-11-24T20:00:00Z"))), ["emma"]);
}

#[test]
fn whoever_stands_in_holds_the_rotation_and_gives_it_back() {
    let schedule = schedule(WHOLE);
    let week = schedule.shifts("web", at("2026-11-24T00:00:00Z"), at("2026-11-27T00:00:00Z"));
    assert_eq!(holders(&week), ["anna", "carla", "anna"]);
    assert_eq!(week[0].from_ms, at("2026-11-23T08:00:00Z"), "shifts are whole");
    assert_eq!((week[1].from_ms, week[1].to_ms), (at("2026-11-25T17:00:00Z"), at("2026-11-26T08:00:00Z")));
    assert_eq!(week[1].origin, Origin::Override { why: Some("Anna is at the dentist".to_owned()) });
    assert_eq!(week[2].to_ms, at("2026-11-30T08:00:00Z"));
    // Asked about a time beside the override, the shift still ends where it begins.
    let monday = schedule.at("web", at("2026-11-23T12:00:00Z"));
    assert_eq!(monday[0].to_ms, at("2026-11-25T17:00:00Z"));
}

#[test]
fn a_shift_over_a_change_of_the_clocks_ends_at_the_same_time_of_day() {
    let text = "steadyhand: 1\nrotations: {r: {zone: Europe/Berlin, members: [a, b], start: 2026-03-23, \
                handover: {days: [mon], at: \"09:00\"}}}\n";
    let weeks = schedule(text).shifts("r", at("2026-03-23T08:00:00Z"), at("2026-04-06T07:00:00Z"));
    let hours: Vec<i64> = weeks.iter().map(|shift| (shift.to_ms - shift.from_ms) / HOUR_MS).collect();
    assert_eq!(hours, [167, 168], "the clocks are put forward on 29 March");
}

#[test]
fn hand_overs_in_an_hour_that_is_left_out_happen_when_it_would_begin() {
    let text = "steadyhand: 1\nrotations: {r: {zone: Europe/Berlin, members: [a, b, c], start: 2026-03-28, \
                handover: {at: [\"02:15\", \"02:45\", \"12:00\"]}}}\n";
    let schedule = schedule(text);
    let shifts = schedule.shifts("r", at("2026-03-28T11:00:00Z"), at("2026-03-29T10:00:00Z"));
    let change = at("2026-03-29T01:00:00Z");
    assert_eq!(shifts[0].to_ms, change);
    assert_eq!((shifts.len(), shifts[1].from_ms, holders(&shifts)), (2, change, vec!["c".to_owned(), "b".to_owned()]));
}

#[test]
fn overrides_at_once_are_several_holders_and_nobody_is_a_gap_and_both_are_found() {
    let text = "steadyhand: 1\nzone: UTC\nrotations:
  one: {members: [a], start: 2026-11-01, handover: {at: \"00:00\"}}
  two: {members: [a, b], start: 2026-11-01, handover: {at: \"00:00\"}}
overrides:
  - {rotation: one, person: c, from: 2026-11-02T10:00, to: 2026-11-02T14:00}
  - {rotation: one, person: d, from: 2026-11-02T12:00, to: 2026-11-02T16:00}
  - {rotation: one, person: nobody, from: 2026-11-02T20:00, to: 2026-11-02T21:00}
chains: {all: {levels: [{who: rotation:one}, {who: rotation:two}]}}
";
    let (oncall, schedule) = (oncall(text), schedule(text));
    assert_eq!(holders(&schedule.at("one", at("2026-11-02T13:00:00Z"))), ["c", "d"]);
    assert!(schedule.at("one", at("2026-11-02T20:30:00Z")).is_empty());
    let found = oncall.findings(&schedule, at("2026-11-02T00:00:00Z"), at("2026-11-04T00:00:00Z"));
    let told: Vec<String> = found
        .iter()
        .map(|found| {
            let time = |ms| Timestamp::from_millisecond(ms).expect("a time").strftime("%dT%H:%M").to_string();
            let words = found.problem.words(&found.rotation);
            format!("{}-{} {} {words}", time(found.from_ms), time(found.to_ms), found.problem.rule())
        })
        .collect();
    assert_eq!(
        told,
        [
            "02T12:00-02T14:00 oncall[double-booking] c and d are on call for one at once",
            "02T20:00-02T21:00 oncall[gap] nobody is on call for one",
            "03T00:00-04T00:00 oncall[two-levels] a is on call for both one and two, two levels of the chain all",
        ]
    );
}

fn booking(title: &str, from: &str, to: &str) -> Booking {
    Booking { from_ms: at(from), to_ms: at(to), title: title.into(), emails: [].into(), ids: Vec::new() }
}

#[test]
fn a_calendar_is_believed_as_it_is_and_whom_nobody_knows_is_found() {
    let oncall = oncall(WHOLE);
    let mut bookings = vec![
        booking("On Call - Fritz Maier - Database Primary", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"),
        booking("On Call - Hans Stein - Database Primary", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"),
        booking("On Call - Gina O'Neil - Network", "2026-11-24T00:00:00Z", "2026-11-26T00:00:00Z"),
    ];
    bookings[0].emails = ["FRITZ@example.org".to_owned()].into();
    let schedule = Schedule::new(&oncall, BTreeMap::from([("pagerduty".to_owned(), bookings)]));
    let first = schedule.at("db", at("2026-11-24T12:00:00Z"));
    assert_eq!(first[0].holder, Holder::Account("fritz".parse().expect("a name")));
    let second = schedule.at("db", at("2026-11-25T12:00:00Z"));
    assert_eq!(second[0].holder, Holder::Unknown("Hans Stein".to_owned()));
    let found = oncall.findings(&schedule, at("2026-11-24T00:00:00Z"), at("2026-11-27T00:00:00Z"));
    let db: Vec<&Problem> = found.iter().filter(|found| found.rotation == "db").map(|found| &found.problem).collect();
    assert_eq!(db, [&Problem::Unknown("Hans Stein".to_owned()), &Problem::Gap]);
}

#[test]
fn people_are_matched_by_address_then_id_then_name_as_each_system_writes_it() {
    let people = oncall(WHOLE).people;
    let of = |title: &str, emails: &[&str], ids: &[&str]| {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
        let booking =
            Booking { from_ms: 0, to_ms: 1, title: title.into(), emails: texts(emails).into(), ids: texts(ids) };
        booking.holder(&people).to_string()
    };
    assert_eq!(of("On Call - Gina O'Neil - A - B", &["fritz@example.org"], &[]), "fritz", "the address wins");
    assert_eq!(of("whatever", &["x@example.org"], &["pabc123"]), "fritz");
    assert_eq!(of("web primary shift: Gina O'Neil", &[], &[]), "gina");
    assert_eq!(of("[L0] Fritz Maier", &[], &[]), "fritz");
    assert_eq!(of("G. O'Neil", &[], &[]), "gina");
    assert_eq!(of("hanna", &[], &[]), "hanna", "an account needs no table");
    assert_eq!(of("Somebody Else", &[], &[]), "Somebody Else");
}

/// Zones that do what zones do: an hour, half an hour, a whole day left out, nothing.
const ZONES: [&str; 5] = ["Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/New_York", "UTC"];

fn turns() -> impl Strategy<Value = Turns> {
    let days = prop::sample::subsequence(
        vec![
            Weekday::Monday,
            Weekday::Tuesday,
            Weekday::Wednesday,
            Weekday::Thursday,
            Weekday::Friday,
            Weekday::Saturday,
            Weekday::Sunday,
        ],
        1..=7,
    );
    let times = prop::collection::btree_set(0_i8..96, 1..6);
    (1_usize..6, days, times, 1_u32..5, 0_usize..ZONES.len(), 0_i64..6_000).prop_map(
        |(members, days, times, every, zone, start)| Turns {
            members: (0..members).map(|number| format!("p{number}").parse().expect("a name")).collect(),
            days,
            at: times.into_iter().map(|quarter| Time::constant(quarter / 4, quarter % 4 * 15, 0, 0)).collect(),
            every,
            zone: TimeZone::get(ZONES[zone]).expect("a zone"),
            start: DateTime::constant(2011, 1, 1, 0, 0, 0, 0) + jiff::Span::new().days(start),
        },
    )
}

proptest! {
    /// The day on which Samoa had no 30 December lies in this time, as do all changes of summer time.
    #[test]
    fn turns_tile_time_and_each_moment_has_exactly_one_holder(turns in turns(), weeks in 0_i64..800) {
        let begins = turns.begins_ms().expect("it begins");
        let from = begins + weeks * 7 * 24 * HOUR_MS;
        let to = from + 40 * 24 * HOUR_MS;
        let found = turns.between(from, to, usize::MAX);
        prop_assert!(found.first().is_some_and(|turn| turn.from_ms <= from), "it begins too late");
        prop_assert!(found.last().is_some_and(|turn| turn.to_ms >= to), "it ends too early");
        for pair in found.windows(2) {
            prop_assert_eq!(pair[0].to_ms, pair[1].from_ms);
        }
        for turn in &found {
            let alone = turns.between(turn.from_ms, turn.from_ms + 1, usize::MAX);
            prop_assert_eq!(alone.as_slice(), &[*turn], "asked at its first moment, it is the same turn");
            let alone = turns.between(turn.to_ms - 1, turn.to_ms, usize::MAX);
            prop_assert_eq!(alone.as_slice(), &[*turn], "and at its last");
        }
    }

    #[test]
    fn the_schedule_has_one_holder_unless_an_override_says_otherwise(
        turns in turns(),
        overs in prop::collection::vec((0_i64..600, 1_i64..100, any::<bool>()), 0..5),
        probes in prop::collection::vec(0_i64..40 * 24 * 60, 30),
    ) {
        let begins = turns.begins_ms().expect("it begins");
        let mut oncall = Oncall::default();
        oncall.rotations.insert("r".to_owned(), Rotation {
            title: None, zone: turns.zone.clone(), source: Source::Turns(turns.clone()),
        });
        for (from, hours, nobody) in &overs {
            let person = (!nobody).then(|| "standin".parse().expect("a name"));
            let from_ms = begins + from * HOUR_MS;
            let over = super::model::Override { rotation: "r".to_owned(), person, from_ms, to_ms: from_ms + hours * HOUR_MS, why: None };
            oncall.overrides.push(over);
        }
        let schedule = Schedule::new(&oncall, BTreeMap::new());
        let gaps = schedule.gaps("r", begins, begins + 40 * 24 * HOUR_MS);
        for minute in probes {
            let now = begins + minute * 60_000;
            let over: Vec<_> = oncall.overrides.iter().filter(|over| over.from_ms <= now && now < over.to_ms).collect();
            let stand_ins = over.iter().filter(|over| over.person.is_some()).count();
            let expected = if over.is_empty() { 1 } else { stand_ins };
            let holders = schedule.at("r", now);
            prop_assert_eq!(holders.len(), expected);
            if over.is_empty() {
                prop_assert_eq!(&holders[0].holder.to_string(), turns.between(now, now + 1, 1)[0].member.as_str());
            }
            let in_gap = gaps.iter().any(|gap| gap.from_ms <= now && now < gap.to_ms);
            prop_assert_eq!(in_gap, holders.is_empty());
            let next = schedule.next_boundary("r", now);
            prop_assert!(next.is_some_and(|next| next > now));
            prop_assert_eq!(schedule.at("r", next.unwrap_or(now) - 1), holders, "nothing changes before the next boundary");
        }
    }
}
