//! Nudges of runs: one in five minutes, whoever asks at once, and none that is not in the audit log.

use steadyhand::store::Store;
use steadyhand::store::audit::Filter;
use steadyhand::store::nudges::{NUDGE_EVERY_MS, Nudge};

use super::{TestStore, event, fresh_run, row};
use steadyhand::id::RunId;

const START_MS: i64 = 1_000_000_000;

async fn started(store: &Store) -> RunId {
    let run = fresh_run();
    store.append(run, 0, None, &[event("started")], &row(run)).await.expect("it starts");
    run
}

async fn recorded(store: &Store) -> usize {
    let filter = Filter { kind: Some("nudged".to_owned()), ..Filter::default() };
    store.list_audit(&filter, None, 100).await.expect("the log is there").rows.len()
}

#[tokio::test]
async fn of_many_who_nudge_at_once_one_does_and_the_next_may_after_five_minutes() {
    for test in TestStore::both().await {
        let run = started(&test.store).await;
        let mut tasks = Vec::new();
        for number in 0..10 {
            let store = test.store.clone();
            let by = format!("user:{number}");
            tasks.push(tokio::spawn(async move { store.nudge(run, &by, "user:anna", START_MS).await.unwrap() }));
        }
        let mut sent = 0;
        for task in tasks {
            sent += usize::from(task.await.expect("no task panics"));
        }
        assert_eq!((sent, recorded(&test.store).await), (1, 1));
        assert!(!test.store.nudge(run, "user:ben", "user:anna", START_MS + NUDGE_EVERY_MS - 1).await.unwrap());
        assert!(test.store.nudge(run, "user:ben", "user:anna", START_MS + NUDGE_EVERY_MS).await.unwrap());
        let newest = test.reopened().await.newest_nudge(run).await.unwrap();
        assert_eq!(newest, Some(Nudge { by: "user:ben".to_owned(), at_ms: START_MS + NUDGE_EVERY_MS }));
    }
}

#[tokio::test]
async fn a_nudge_that_cannot_be_recorded_is_not_sent() {
    for test in TestStore::both().await {
        let run = started(&test.store).await;
        test.refuse_audit().await;
        assert!(test.store.nudge(run, "user:ben", "user:anna", START_MS).await.is_err());
        assert_eq!(test.store.newest_nudge(run).await.unwrap(), None);
    }
}
