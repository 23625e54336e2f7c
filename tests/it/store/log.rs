//! The event log: appending, conflicts, fencing, verification.

use std::time::Duration;

use steadyhand::audit::verdict::Verdict;
use steadyhand::store::EngineLock;
use steadyhand::store::run_log::AppendError;

use super::{TestStore, event, fresh_run, row};

const LEASE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn events_are_there_after_a_restart() {
    for test in TestStore::both().await {
        let run = fresh_run();
        let last = test.store.append(run, 0, None, &[event("1"), event("2")], &row(run)).await.unwrap();
        assert_eq!(last, 2);
        test.store.append(run, 2, None, &[event("3")], &row(run)).await.unwrap();
        test.store.close().await;

        let store = test.reopened().await;
        let events = store.events(run, 0, 100).await.unwrap();
        let bodies: Vec<_> = events.iter().map(|logged| (logged.seq, logged.event.body.as_str())).collect();
        assert_eq!(bodies, [(1, "1"), (2, "2"), (3, "3")]);
        assert_eq!(store.events(run, 2, 100).await.unwrap(), events[2..]);
        assert_eq!(store.verify(run).await.unwrap(), Verdict::Intact { last_seq: 3, head: events[2].hash });
        let mut stored = row(run);
        stored.last_seq = 3;
        assert_eq!(store.run(run).await.unwrap(), Some(stored.clone()));
        assert_eq!(store.unfinished_runs().await.unwrap(), [stored]);
    }
}

#[tokio::test]
async fn of_two_appends_with_the_same_number_one_is_stale() {
    for test in TestStore::both().await {
        let run = fresh_run();
        test.store.append(run, 0, None, &[event("1")], &row(run)).await.unwrap();
        for expected in [0, 2] {
            let refused = test.store.append(run, expected, None, &[event("x")], &row(run)).await;
            assert!(matches!(refused, Err(AppendError::Stale { last: 1, .. })), "{refused:?}");
        }
        let unknown = fresh_run();
        let refused = test.store.append(unknown, 5, None, &[event("x")], &row(unknown)).await;
        assert!(matches!(refused, Err(AppendError::Stale { last: 0, .. })), "{refused:?}");
        assert_eq!(test.store.events(run, 0, 100).await.unwrap().len(), 1);
        assert_eq!(test.store.run(unknown).await.unwrap(), None);
    }
}

#[tokio::test]
async fn eight_tasks_appending_at_once_leave_no_gap_and_no_double() {
    const TASKS: u64 = 8;
    const EACH: u64 = 25;
    for test in TestStore::both().await {
        let run = fresh_run();
        let mut tasks = Vec::new();
        for _ in 0..TASKS {
            let store = test.store.clone();
            tasks.push(tokio::spawn(async move {
                let (mut last, mut done) = (0, 0);
                while done < EACH {
                    match store.append(run, last, None, &[event("{}")], &row(run)).await {
                        Ok(seq) => (last, done) = (seq, done + 1),
                        Err(AppendError::Stale { last: newer, .. }) => last = newer,
                        Err(error) => panic!("{error}"),
                    }
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let seqs: Vec<u64> = test.store.events(run, 0, 1000).await.unwrap().iter().map(|logged| logged.seq).collect();
        assert_eq!(seqs, (1..=TASKS * EACH).collect::<Vec<_>>());
        assert!(matches!(test.store.verify(run).await.unwrap(), Verdict::Intact { .. }));
    }
}

#[tokio::test]
async fn an_engine_that_lost_its_lease_cannot_append() {
    for test in TestStore::both().await {
        let run = fresh_run();
        let first = test.store.acquire_lease(run, "engine-1", LEASE).await.unwrap().unwrap();
        test.store.append(run, 0, Some(first), &[event("1")], &row(run)).await.unwrap();
        assert_eq!(test.store.acquire_lease(run, "engine-2", LEASE).await.unwrap(), None);
        assert_eq!(test.store.renew_leases("engine-1", LEASE).await.unwrap(), [run]);

        test.store.release_lease(run, "engine-1", first).await.unwrap();
        assert_eq!(test.store.renew_leases("engine-1", LEASE).await.unwrap(), []);
        let second = test.store.acquire_lease(run, "engine-2", LEASE).await.unwrap().unwrap();
        assert!(second > first);
        let refused = test.store.append(run, 1, Some(first), &[event("x")], &row(run)).await;
        assert!(matches!(refused, Err(AppendError::Fenced { epoch, .. }) if epoch == second), "{refused:?}");
        test.store.append(run, 1, Some(second), &[event("2")], &row(run)).await.unwrap();
        assert_eq!(test.store.events(run, 0, 10).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn the_only_engine_takes_a_run_over_at_once_after_a_restart() {
    let test = TestStore::sqlite().await;
    let run = fresh_run();
    let before = test.store.acquire_lease(run, "before", LEASE).await.unwrap().unwrap();
    let lock = EngineLock::acquire(test.data.path()).unwrap();
    assert_eq!(test.store.seize_lease(&lock, run, "after", LEASE).await.unwrap(), before + 1);
}

#[tokio::test]
async fn verify_tells_how_a_log_was_damaged() {
    let damages = [
        ("update run_event set body = '{}' where seq = 2", Verdict::Altered { seq: 2 }),
        ("update run_event set prev_hash = hash where seq = 3", Verdict::Altered { seq: 3 }),
        ("update run_event set at_ms = at_ms + 1 where seq = 5", Verdict::Altered { seq: 5 }),
        ("delete from run_event where seq in (2, 3)", Verdict::Gap { first: 2, last: 3 }),
        ("delete from run_event where seq = 1", Verdict::Gap { first: 1, last: 1 }),
        ("delete from run_event where seq > 3", Verdict::Truncated { last: 3, expected: 5 }),
        ("update run set head_hash = zeroblob(32)", Verdict::Altered { seq: 5 }),
    ];
    for (damage, told) in damages {
        let test = TestStore::sqlite().await;
        let run = fresh_run();
        let events: Vec<_> = (1..=5).map(|number| event(&number.to_string())).collect();
        test.store.append(run, 0, None, &events, &row(run)).await.unwrap();
        test.raw(damage).await;
        assert_eq!(test.store.verify(run).await.unwrap(), told, "{damage}");
    }
}
