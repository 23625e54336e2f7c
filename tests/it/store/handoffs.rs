//! Logs of handoffs on both databases: the order, the chain, and all or nothing with the logs of runs.

use steadyhand::audit::verdict::Verdict;
use steadyhand::id::{HandoffId, RunId};
use steadyhand::store::Store;
use steadyhand::store::handoffs::{Cursor, Filter, HandoffError, HandoffRow, HandoffWrite, ItemRow};
use steadyhand::store::run_log::{RunPart, StoredEvent};

use super::{TestStore, event, fresh_run, fresh_uuid, row};

fn handoff_row(id: HandoffId, receiver: &str, begun_ms: i64) -> HandoffRow {
    HandoffRow {
        id,
        rotation: None,
        sender: "user:anna".into(),
        receiver: receiver.into(),
        phase: "offered".into(),
        overdue: None,
        overview: "One disk".into(),
        items: 1,
        unstable: 0,
        watcher: 1,
        begun_ms,
        boundary_ms: begun_ms + 10,
        acknowledged_ms: None,
        next_ms: Some(begun_ms + 20),
        scopes: "[]".into(),
        search: "one disk 100%".into(),
    }
}

fn item(holder: &str, runs: &[RunId]) -> ItemRow {
    ItemRow {
        item: "web.disk".parse().expect("a key"),
        title: "Disk".into(),
        severity: Some("watcher".into()),
        holder: holder.into(),
        since_ms: 5,
        runs: runs.to_vec(),
    }
}

async fn append(
    store: &Store,
    row: &HandoffRow,
    expected: u64,
    items: &[ItemRow],
    runs: &[RunPart],
) -> Result<u64, HandoffError> {
    let events = [StoredEvent { kind: "comment_made".into(), at_ms: 7, body: "{}".into() }];
    let write = HandoffWrite { id: row.id, expected, events: &events, row, items, runs, by: "user:anna" };
    store.append_handoff(&write).await
}

#[tokio::test]
async fn a_handoff_is_appended_in_order_listed_searched_and_verified() {
    for test in TestStore::both().await {
        let store = &test.store;
        let run = fresh_run();
        store.append(run, 0, None, &[event("{}")], &row(run)).await.unwrap();
        let ids: Vec<HandoffId> = (0..3).map(|_| HandoffId(fresh_uuid())).collect();
        for (at, id) in ids.iter().enumerate() {
            let row = handoff_row(*id, "user:ben", 100 + i64::try_from(at).unwrap());
            assert_eq!(append(store, &row, 0, &[item("user:anna", &[run])], &[]).await.unwrap(), 1);
        }
        let newest = handoff_row(ids[2], "user:ben", 102);
        let stale = append(store, &newest, 0, &[], &[]).await;
        assert!(matches!(stale, Err(HandoffError::Stale { expected: 0, last: 1, .. })), "{stale:?}");
        assert_eq!(append(store, &newest, 1, &[item("user:ben", &[run])], &[]).await.unwrap(), 2);
        assert!(matches!(store.verify_handoff(ids[2]).await.unwrap(), Verdict::Intact { last_seq: 2, .. }));

        let page = store.list_handoffs(&Filter::default(), None, 2).await.unwrap();
        assert_eq!(page.handoffs.iter().map(|row| row.id).collect::<Vec<_>>(), [ids[2], ids[1]]);
        let cursor: Cursor = page.next.expect("there is one more").to_string().parse().unwrap();
        let rest = store.list_handoffs(&Filter::default(), Some(cursor), 2).await.unwrap();
        assert_eq!((rest.handoffs.len(), rest.next), (1, None));
        let found = |q: &str| Filter { q: Some(q.to_owned()), open: true, ..Filter::default() };
        assert_eq!(store.list_handoffs(&found("100%"), None, 9).await.unwrap().handoffs.len(), 3);
        assert_eq!(
            store.list_handoffs(&found("1_0"), None, 9).await.unwrap().handoffs.len(),
            0,
            "nothing in it is wild"
        );
        let held = store.holder_of_run(run).await.unwrap().expect("it is held");
        assert_eq!((held.handoff, held.holder.as_str()), (ids[2], "user:ben"), "by the newest that has it");
        assert_eq!(store.due_handoffs(121).await.unwrap(), [ids[0], ids[1]]);
        assert_eq!(store.taken_by("user:ben", None).await.unwrap(), None, "nothing is acknowledged");
        assert_eq!(store.runs_of_shift(0, 9).await.unwrap(), [run]);
    }
}

#[tokio::test]
async fn a_handoff_and_the_logs_of_its_runs_are_stored_together_or_not_at_all() {
    for test in TestStore::both().await {
        let store = &test.store;
        let (one, two) = (fresh_run(), fresh_run());
        for run in [one, two] {
            store.append(run, 0, None, &[event("{}")], &row(run)).await.unwrap();
        }
        let id = HandoffId(fresh_uuid());
        let handoff = handoff_row(id, "user:ben", 1);
        let part = |run, expected| RunPart { run, expected, epoch: None, events: vec![event("{}")], row: row(run) };
        // The second run has moved on: neither the first nor the handoff is written.
        let refused = append(store, &handoff, 0, &[item("user:ben", &[one, two])], &[part(one, 1), part(two, 0)]).await;
        assert!(matches!(refused, Err(HandoffError::Run(_))), "{refused:?}");
        assert!(store.handoff(id).await.unwrap().is_none());
        assert_eq!(store.run(one).await.unwrap().unwrap().last_seq, 1);
        // The audit log takes nothing: nothing is done.
        append(store, &handoff, 0, &[item("user:ben", &[one, two])], &[part(one, 1), part(two, 1)]).await.unwrap();
        assert_eq!(store.run(two).await.unwrap().unwrap().last_seq, 2);
        test.refuse_audit().await;
        let refused = append(store, &handoff, 1, &[], &[part(one, 2)]).await;
        assert!(matches!(refused, Err(HandoffError::Store(_))), "{refused:?}");
        assert_eq!(store.run(one).await.unwrap().unwrap().last_seq, 2);
        for run in [one, two] {
            assert!(matches!(store.verify(run).await.unwrap(), Verdict::Intact { .. }));
        }
    }
}

#[tokio::test]
async fn whoever_changes_the_log_of_a_handoff_is_found() {
    for test in TestStore::both().await {
        let id = HandoffId(fresh_uuid());
        let handoff = handoff_row(id, "user:ben", 1);
        append(&test.store, &handoff, 0, &[], &[]).await.unwrap();
        append(&test.store, &handoff, 1, &[], &[]).await.unwrap();
        test.raw("update handoff_event set body = '{\"x\":1}' where seq = 1").await;
        assert_eq!(test.store.verify_handoff(id).await.unwrap(), Verdict::Altered { seq: 1 });
        test.raw("delete from handoff_event where seq = 2").await;
        test.raw("update handoff_event set body = '{}' where seq = 1").await;
        assert!(matches!(test.store.verify_handoff(id).await.unwrap(), Verdict::Truncated { last: 1, expected: 2 }));
    }
}
