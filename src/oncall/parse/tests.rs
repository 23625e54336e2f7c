//! Facts about `oncall.yaml`: what it means, and that every problem is told at its place.

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

const WHOLE: &str = include_str!("../../../tests/fixtures/oncall/whole.yaml");

fn schema_takes(text: &str) -> bool {
    let root = yaml::read("f.yaml", text.as_bytes()).root.expect("it is YAML");
    jsonschema::draft7::new(&crate::oncall::schema()).expect("a draft-07 schema").is_valid(&root.to_json())
}

#[test]
fn a_whole_file_means_what_it_says() {
    let oncall = parse("oncall.yaml", WHOLE.as_bytes());
    assert_eq!(oncall.diagnostics, []);
    assert!(schema_takes(WHOLE));
    assert_eq!(oncall.rotations.keys().collect::<Vec<_>>(), ["db", "net", "sun", "web", "web-second"]);
    let chain = &oncall.chains["web"];
    assert_eq!((chain.levels.len(), chain.repeat, chain.levels[0].timeout.as_secs()), (3, 1, 300));
    assert_eq!(chain.levels[1].who[1].to_string(), "channel:ops-chat");
    assert_eq!(oncall.feeds["pagerduty"], crate::oncall::model::Feed::Server("pagerduty-db".to_owned()));
    assert_eq!((oncall.overrides.len(), oncall.people.len(), oncall.windows.len()), (2, 2, 2));
    assert_eq!(oncall.overrides[0].from_ms, at("2026-11-25T17:00:00Z"), "in the zone of the rotation");
}

#[test]
fn everything_wrong_with_rotations_and_chains_is_told_at_once_with_what_was_meant() {
    let text = "steadyhand: 1
zone: Europe/Berlin
rotations:
  web: {members: [anna, Ben], start: 2026-11-02, handover: {days: [mon], at: \"09:00\"}}
  none: {members: [], start: 2026-11-02, handover: {at: \"24:00\", every: 0}}
  db: {feed: pagerdty, members: [a]}
  typo: {member: [anna], start: tomorrow, handover: {on: mon, at: \"9\"}}
overrides:
  - {rotation: wbe, person: anna, from: 2026-11-25, to: 2026-11-26}
  - {rotation: web, person: anna, from: 2026-11-26, to: 2026-11-25}
  - {rotation: web, persn: anna, from: 2026-11-25, to: 2026-11-26}
channels: [ops, 'https://hooks.example.org/T0']
chains:
  web: {levels: [{who: web}, {who: [rotation:wbe, channel:opps, team:x], timeout: 5}], repeat: 99}
  empty: {levels: []}
feeds:
  pagerduty: {url: 'https://x.example.org/private/abc'}
  both: {file: a.ics, server: b}
  out: {file: ../../etc/passwd}
people:
  anna: {names: [Anna], email: [a@b]}
  ben: {names: [anna]}
";
    let oncall = parse("oncall.yaml", text.as_bytes());
    let told: Vec<String> = oncall
        .diagnostics
        .iter()
        .map(|found| {
            let help = found.help.as_deref().unwrap_or_default();
            format!("{}:{} {} {} ({help})", found.span.line, found.span.column, found.rule, found.message)
        })
        .collect();
    let told = told.join("\n");
    insta::assert_snapshot!(told);
    assert!(!told.contains("private/abc"), "the address of a calendar is a secret");
    assert!(!schema_takes(text));
}
