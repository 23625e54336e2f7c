//! A handoff that holds every check, for the examples of each.

use super::{Check, World};
use crate::handoff::due::Due;
use crate::handoff::event::Shift;
use crate::handoff::record::{
    Action, Contingency, DraftedItem, Evidence, Fact, FactKind, Item, Record, RunbookRef, Severity, Summary,
};
use crate::handoff::state::State;
use crate::handoff::{checks, decide};
use crate::id::{HandoffId, RunId};
use crate::run::event::Actor;

/// 2026-11-25 06:00 UTC.
pub const BOUNDARY_MS: i64 = 1_795_586_400_000;
const HOUR_MS: i64 = 3_600_000;

pub fn run() -> RunId {
    RunId(uuid::Uuid::from_u128(7))
}

pub fn fact(kind: FactKind, text: &str) -> Fact {
    let evidence = Evidence { run: run(), step: None, host: "web-1".parse().ok(), seq: 12 };
    Fact { kind, text: text.to_owned(), evidence, was: None, hidden: None }
}

pub fn shift() -> Shift {
    let actor = |name: &str| Actor(format!("user:{name}"));
    Shift {
        rotation: None,
        starts_ms: BOUNDARY_MS - 12 * HOUR_MS,
        ends_ms: BOUNDARY_MS,
        outgoing: actor("anna"),
        incoming: actor("ben"),
    }
}

fn runbook() -> RunbookRef {
    RunbookRef {
        path: "web/disk-full".parse().expect("a path"),
        commit: Some("0123abc".to_owned()),
        inputs: Vec::new(),
    }
}

pub fn item() -> Item {
    Item {
        key: "web.disk-full".parse().expect("a key"),
        title: "Disk of web-1".to_owned(),
        severity: Some(Severity::Watcher),
        severity_basis: "It grows by 1 GB an hour and has 9 GB left".to_owned(),
        summary: Summary {
            statement: "The disk of web-1 fills with core dumps of the worker.".to_owned(),
            history: vec![fact(FactKind::UnfinishedRun, "Disk full on web-1 waits for confirmation of releases")],
            tried: "Rotating the logs freed nothing".to_owned(),
            assessment: "The worker crashes at each large upload".to_owned(),
            plan: "Hold until 07:30, then delete old releases".to_owned(),
            decision: "Wake me if it passes 95 %".to_owned(),
        },
        actions: vec![Action {
            text: "Delete releases older than three".to_owned(),
            owner: "ben".to_owned(),
            due: Due::parse("2026-11-25 08:00 UTC").ok(),
            runbook: None,
            done: false,
        }],
        contingencies: vec![Contingency {
            condition: "disk above 95 %".to_owned(),
            then: "stop the worker".to_owned(),
            runbook: Some(runbook()),
            page: "team:web".to_owned(),
        }],
        runs: vec![run()],
        carried: None,
    }
}

/// The state with this record, in its draft, and a world in which all is well.
pub fn world_of(record: Record) -> (State, World) {
    let begun = decide::begin(
        HandoffId(uuid::Uuid::from_u128(1)),
        &shift(),
        BOUNDARY_MS - 24 * HOUR_MS,
        None,
        None,
        BOUNDARY_MS - HOUR_MS,
    );
    let mut state = begun.expect("two people").state;
    let items = record.items.iter();
    let items: Vec<DraftedItem> = items
        .map(|item| DraftedItem {
            key: item.key.clone(),
            title: item.title.clone(),
            history: item.summary.history.clone(),
            runs: item.runs.clone(),
            carried: None,
        })
        .collect();
    state.record = record;
    let standing = checks::Standing { exists: true, is_clean: true, receiver_may_start: true, ..Default::default() };
    let world = World {
        now_ms: BOUNDARY_MS - HOUR_MS / 4,
        items,
        sender_is_there: true,
        receiver_is_there: true,
        runbooks: [(checks::runbook_name(&runbook()), standing)].into(),
        ..World::default()
    };
    (state, world)
}

pub fn record() -> Record {
    Record { overview: "Quiet but for one disk that fills.".to_owned(), items: vec![item()], ..Record::default() }
}

/// What a check says after this change to the good handoff.
pub fn finds_in(check: &Check, change: impl FnOnce(&mut State, &mut World)) -> String {
    let (mut state, mut world) = world_of(record());
    change(&mut state, &mut world);
    let findings = (check.run)(&state, &world);
    findings.iter().map(|finding| format!("{:?} {finding}", finding.level)).collect::<Vec<_>>().join("; ")
}

/// The same after a change to its one item.
pub fn finds(check: &Check, change: impl FnOnce(&mut Item)) -> String {
    finds_in(check, |state, _| change(&mut state.record.items[0]))
}

#[test]
fn the_good_handoff_holds_every_check() {
    let (state, world) = world_of(record());
    assert_eq!(checks::check(&state, &world), []);
}

#[test]
fn a_quiet_shift_with_one_line_is_complete() {
    let (state, world) =
        world_of(Record { quiet: true, overview: "Nothing happened.".to_owned(), ..Record::default() });
    assert_eq!(checks::check(&state, &world), []);
}
