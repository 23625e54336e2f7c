//! Pages of the audit log: what people did in runs stands among the server's own entries.

use steadyhand::audit::entry::{Kind, NewEntry};
use steadyhand::id::RunId;
use steadyhand::store::Store;
use steadyhand::store::audit::{Cursor, Filter};
use steadyhand::store::run_log::StoredEvent;

use super::{TestStore, fresh_run, row};

fn told(kind: &str, at_ms: i64, by: &str) -> StoredEvent {
    let body = format!("{{\"v\":1,\"event\":{{\"{kind}\":{{\"by\":\"{by}\",\"step\":\"a\"}}}}}}");
    StoredEvent { kind: kind.into(), at_ms, body }
}

/// Ada starts and confirms by a token, Ben takes the wheel, and the engine tells of its own work in between.
async fn fill(store: &Store) -> RunId {
    let run = fresh_run();
    let events = [
        StoredEvent { kind: "run_started".into(), at_ms: 10, body: "{\"plan\":\"large\"}".into() },
        told("attempt_planned", 11, "nobody"),
        StoredEvent { kind: "step_skipped".into(), at_ms: 12, body: "{\"why\":{\"condition\":\"x\"}}".into() },
        told("step_confirmed", 20, "user:ada/ci"),
        told("wheel_taken", 30, "user:ben"),
        StoredEvent { kind: "run_ended".into(), at_ms: 40, body: "{\"v\":1}".into() },
    ];
    let mut row = row(run);
    row.started_by = "user:ada".into();
    store.append(run, 0, None, &events, &row).await.unwrap();
    for (at_ms, kind, actor) in [
        (5, Kind::SignedIn, "user:ada"),
        (20, Kind::ShareMade, "user:ada"),
        (25, Kind::SecretUsed, "user:ada/ci"),
        (35, Kind::SignedIn, "user:ben"),
    ] {
        store.record(&NewEntry::new(at_ms, kind, actor, format!("thing:{at_ms}"))).await.unwrap();
    }
    run
}

async fn kinds(store: &Store, filter: &Filter) -> Vec<String> {
    let page = store.list_audit(filter, None, 100).await.unwrap();
    page.rows.iter().map(|row| format!("{} {}", row.at_ms, row.kind)).collect()
}

#[tokio::test]
async fn entries_and_what_people_did_in_runs_are_one_list_newest_first() {
    for test in TestStore::both().await {
        let run = fill(&test.store).await;
        let all = [
            "40 run-ended",
            "35 signed-in",
            "30 wheel-taken",
            "25 secret-used",
            "20 share-made",
            "20 step-confirmed",
            "10 run-started",
            "5 signed-in",
        ];
        assert_eq!(kinds(&test.store, &Filter::default()).await, all);
        for size in 1..=8 {
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let page = test.store.list_audit(&Filter::default(), cursor, size).await.unwrap();
                seen.extend(page.rows.iter().map(|row| format!("{} {}", row.at_ms, row.kind)));
                let Some(next) = page.next else { break };
                cursor = Some(next.to_string().parse::<Cursor>().unwrap());
            }
            assert_eq!(seen, all, "in pages of {size}");
        }
        let page = test.store.list_audit(&Filter::default(), None, 100).await.unwrap();
        let confirmed = page.rows.iter().find(|row| row.kind == "step-confirmed").unwrap();
        assert_eq!((confirmed.actor.as_str(), &*confirmed.object), ("user:ada/ci", &*format!("run:{run}")));
        assert_eq!(page.rows[6].actor, "user:ada", "who started it, without reading the plan");
    }
}

#[tokio::test]
async fn each_filter_finds_in_both_lists_what_fits() {
    for test in TestStore::both().await {
        let run = fill(&test.store).await;
        let by = |change: &dyn Fn(&mut Filter)| {
            let mut filter = Filter::default();
            change(&mut filter);
            filter
        };
        let of_run = format!("run:{run}");
        let cases: [(Filter, &[&str]); 8] = [
            (
                by(&|filter| filter.actor = Some("user:ada".into())),
                &["25 secret-used", "20 share-made", "20 step-confirmed", "10 run-started", "5 signed-in"],
            ),
            (by(&|filter| filter.actor = Some("user:ada/ci".into())), &["25 secret-used", "20 step-confirmed"]),
            (by(&|filter| filter.actor = Some("user:ad".into())), &[]),
            (by(&|filter| filter.actor = Some("user:%".into())), &[]),
            (by(&|filter| filter.kind = Some("signed-in".into())), &["35 signed-in", "5 signed-in"]),
            (by(&|filter| filter.kind = Some("wheel-taken".into())), &["30 wheel-taken"]),
            (by(&|filter| filter.object = Some("thing:25".into())), &["25 secret-used"]),
            (
                by(&|filter| (filter.since_ms, filter.until_ms) = (Some(10), Some(25))),
                &["20 share-made", "20 step-confirmed", "10 run-started"],
            ),
        ];
        for (filter, expected) in cases {
            assert_eq!(kinds(&test.store, &filter).await, expected, "{filter:?}");
        }
        let of_run = kinds(&test.store, &by(&|filter| filter.object = Some(of_run.clone()))).await;
        assert_eq!(of_run, ["40 run-ended", "30 wheel-taken", "20 step-confirmed", "10 run-started"]);
    }
}
