//! Locks of runs on hosts: one holder, whoever asks at once, whatever dies.

use std::time::Duration;

use steadyhand::id::RunId;
use steadyhand::store::Store;
use steadyhand::store::locks::Lock;
use steadyhand::store::run_log::AppendError;

use super::{TestStore, event, fresh_run, row};

const LEASE: Duration = Duration::from_secs(30);

fn locks(hosts: &[&str]) -> Vec<Lock> {
    hosts.iter().map(|host| Lock { name: "disk".to_owned(), host: host.parse().expect("a host") }).collect()
}

async fn start(store: &Store, run: RunId, hosts: &[&str]) -> Result<u64, AppendError> {
    let epoch = store.acquire_lease(run, "an engine", LEASE).await.expect("the store is there").expect("it is free");
    store.append_start(run, epoch, &[event("started")], &row(run), &locks(hosts)).await
}

async fn end(store: &Store, run: RunId) {
    let mut ended = row(run);
    ended.ended_at_ms = Some(9);
    store.append(run, 1, None, &[event("ended")], &ended).await.expect("it ends");
}

#[tokio::test]
async fn of_many_starts_at_once_one_gets_the_lock_and_of_the_others_nothing_is_stored() {
    const AT_ONCE: usize = 50;
    for test in TestStore::both().await {
        let mut tasks = Vec::new();
        for number in 0..AT_ONCE {
            let store = test.store.clone();
            tasks.push(tokio::spawn(async move {
                let run = fresh_run();
                // Each asks for the same two, in its own order.
                let hosts = if number.is_multiple_of(2) { ["web-1", "web-2"] } else { ["web-2", "web-1"] };
                (run, start(&store, run, &hosts).await)
            }));
        }
        let mut holders = Vec::new();
        let mut refused = Vec::new();
        for task in tasks {
            match task.await.expect("no task panics") {
                (run, Ok(_)) => holders.push(run),
                (run, Err(AppendError::LockHeld { holder, .. })) => refused.push((run, holder)),
                (run, Err(other)) => panic!("{run}: {other}"),
            }
        }
        assert_eq!(holders.len(), 1, "one holds it");
        for (run, holder) in refused {
            assert_eq!(holder, holders[0]);
            assert_eq!(test.store.run(run).await.unwrap(), None, "nothing of it is stored");
        }
    }
}

#[tokio::test]
async fn a_lock_is_held_through_a_restart_and_free_when_its_run_has_ended() {
    for test in TestStore::both().await {
        let (first, second, third) = (fresh_run(), fresh_run(), fresh_run());
        start(&test.store, first, &["web-1", "web-2"]).await.unwrap();
        let store = test.reopened().await;
        let refused = start(&store, second, &["web-2"]).await.expect_err("it is held");
        assert!(
            matches!(refused, AppendError::LockHeld { holder, ref lock, .. } if holder == first && lock.host.as_str() == "web-2")
        );
        start(&store, third, &["web-3"]).await.expect("nobody holds it there");
        end(&store, first).await;
        start(&store, second, &["web-2"]).await.expect("it is free");
    }
}

#[tokio::test]
async fn a_lock_of_a_run_that_has_ended_is_in_nobodys_way() {
    for test in TestStore::both().await {
        let (first, second) = (fresh_run(), fresh_run());
        start(&test.store, first, &["web-1"]).await.unwrap();
        end(&test.store, first).await;
        // As if an older program had ended it without giving back: the row is there again.
        test.store.hold_locks(first, 1, &locks(&["web-1"]), 5).await.expect("it is free");
        start(&test.store, second, &["web-1"]).await.expect("its holder has ended");
        let refused = test.store.hold_locks(first, 2, &locks(&["web-1"]), 5).await;
        assert!(matches!(refused, Err(AppendError::LockHeld { holder, .. }) if holder == second), "{refused:?}");
    }
}

/// A run that changes hands keeps its locks and their since.
#[tokio::test]
async fn whoever_takes_a_run_over_holds_its_locks() {
    for test in TestStore::both().await {
        let (first, second) = (fresh_run(), fresh_run());
        start(&test.store, first, &["web-1"]).await.unwrap();
        test.store.hold_locks(first, 2, &locks(&["web-1"]), 77).await.expect("they are its own");
        let refused = start(&test.store, second, &["web-1"]).await.expect_err("it is held");
        assert!(matches!(refused, AppendError::LockHeld { since_ms, .. } if since_ms == row(first).started_at_ms));
    }
}

/// What uses an approval is one append behind a known event: of a thousand, one is stored.
#[tokio::test]
async fn of_a_thousand_appends_that_follow_the_same_event_one_is_stored() {
    const AT_ONCE: usize = 1000;
    for test in TestStore::both().await {
        let run = fresh_run();
        test.store.append(run, 0, None, &[event("approval_given")], &row(run)).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE {
            let store = test.store.clone();
            tasks.spawn(async move {
                let events = [event("approval_used"), event("attempt_planned")];
                match store.append(run, 1, None, &events, &row(run)).await {
                    Ok(_) => true,
                    Err(AppendError::Stale { .. }) => false,
                    Err(other) => panic!("{other}"),
                }
            });
        }
        let stored = tasks.join_all().await.into_iter().filter(|stored| *stored).count();
        assert_eq!(stored, 1);
        assert_eq!(test.store.events(run, 0, 100).await.unwrap().len(), 3);
    }
}
