//! What can only be seen from inside: the plans of the list's statements, and a full database.

use std::path::Path;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use super::audit::Filter as AuditFilter;
use super::db::{Pools, StoreError};
use super::run_log::{AppendError, StoredEvent};
use super::runs::{Filter, RunRow};
use super::{DatabaseUrl, Store};
use crate::audit::verdict::Verdict;
use crate::id::RunId;

async fn open(data: &Path) -> Store {
    Store::open(&DatabaseUrl::in_data_dir(data), data).await.unwrap()
}

fn row(id: RunId) -> RunRow {
    RunRow {
        id,
        runbook: "web/disk-full".parse().unwrap(),
        title: "Disk is filling up".into(),
        commit: None,
        state: "running".into(),
        waiting: None,
        started_by: "ada".into(),
        started_at_ms: 0,
        ended_at_ms: None,
        hosts: vec![],
        scope: String::new(),
        last_seq: 0,
        step_done: 0,
        step_total: 1,
    }
}

impl Store {
    async fn on_writer(&self, sql: String) -> Vec<sqlx_sqlite::SqliteRow> {
        let Pools::Sqlite { write, .. } = &self.db.pools else { panic!("a test of SQLite") };
        sqlx::query(AssertSqlSafe(sql)).fetch_all(write).await.unwrap()
    }
}

#[tokio::test]
async fn no_filter_of_the_list_scans_or_sorts_all_runs() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path()).await;
    let by = |change: fn(&mut Filter)| {
        let mut filter = Filter::default();
        change(&mut filter);
        filter
    };
    let filters = [
        (Filter::default(), "run_by_time"),
        (by(|filter| filter.since_ms = Some(1)), "run_by_time"),
        (by(|filter| filter.state = Some("waiting".into())), "run_by_state"),
        (by(|filter| filter.person = Some("ada".into())), "run_by_person"),
        (by(|filter| filter.runbook = "a/b".parse().ok()), "run_by_runbook"),
        (by(|filter| (filter.runbook, filter.state) = ("a/b".parse().ok(), Some("failed".into()))), "run_by_outcome"),
        (by(|filter| filter.host = "web-1".parse().ok()), "run_host USING PRIMARY KEY"),
    ];
    for (filter, index) in filters {
        let plan = store.explain_list(&filter).await.unwrap();
        assert!(plan.iter().all(|step| step.starts_with("SEARCH")), "{filter:?}: {plan:?}");
        assert!(plan[0].contains(index), "{filter:?}: {plan:?}");
    }
}

#[tokio::test]
async fn the_list_stays_instant_with_100_000_runs() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path()).await;
    let numbers = "with recursive number(n) as (select 1 union all select n + 1 from number where n < 100000)";
    store
        .on_writer(format!(
            "{numbers} insert into run (id, runbook, title, state, started_by, started_at_ms, ended_at_ms, step_done, \
             step_total, last_seq, head_hash, search, hosts) select randomblob(16), 'web/r' || (n % 50), 'Title ' || n, \
             'succeeded', 'p' || (n % 20), n, n, 1, 1, 1, zeroblob(32), 'title ' || n, 'h' || (n % 100) from number"
        ))
        .await;
    store.on_writer("insert into run_host select hosts, started_at_ms, id from run".into()).await;
    // Each run has a text of its own here: far more than the runbooks of any repository.
    store.on_writer("insert into run_text select distinct search from run".into()).await;
    let filters = [
        (Filter::default(), 50),
        (Filter { host: "h7".parse().ok(), ..Filter::default() }, 50),
        (Filter { state: Some("waiting".into()), ..Filter::default() }, 0),
        (Filter { runbook: "web/r3".parse().ok(), person: Some("p3".into()), ..Filter::default() }, 50),
        // An old run by its title.
        (Filter { q: Some("TITLE 12".into()), until_ms: Some(13), ..Filter::default() }, 1),
        (Filter { q: Some("nowhere".into()), ..Filter::default() }, 0),
        (Filter { q: Some("title".into()), state: Some("succeeded".into()), ..Filter::default() }, 50),
    ];
    for (filter, count) in filters {
        let listing = tokio::time::timeout(Duration::from_secs(2), store.list_runs(&filter, None, 50));
        let page = listing.await.unwrap_or_else(|_| panic!("{filter:?} took over two seconds")).unwrap();
        assert_eq!(page.runs.len(), count, "{filter:?}");
    }
}

#[tokio::test]
async fn no_list_of_the_audit_log_walks_all_of_it() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path()).await;
    for (sql, index) in super::audit::plans() {
        let rows = store.on_writer(format!("explain query plan {sql}")).await;
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        assert!(plan.iter().all(|step| step.starts_with("SEARCH") || step.starts_with("USE TEMP")), "{sql}: {plan:?}");
        assert!(plan.iter().any(|step| step.contains(index)), "{sql}: {plan:?}");
    }
}

#[tokio::test]
async fn the_audit_log_stays_instant_with_100_000_entries_and_as_many_events() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path()).await;
    let numbers = "with recursive number(n) as (select 1 union all select n + 1 from number where n < 100000)";
    store
        .on_writer(format!(
            "{numbers} insert into audit_entry (seq, at_ms, kind, person, object, body, prev_hash, hash) \
             select n, n, 'share-made', 'user:p' || (n % 20), 'share:' || n, '{{}}', zeroblob(32), zeroblob(32) from number"
        ))
        .await;
    store
        .on_writer(format!(
            "{numbers} insert into run (id, runbook, title, state, started_by, started_at_ms, step_done, step_total, \
             last_seq, head_hash, search, hosts) select cast(printf('%016d', n) as blob), 'web/r', 't', 'succeeded', \
             'user:p' || (n % 20), n, 1, 1, 10, zeroblob(32), 't', '' from number where n <= 10000"
        ))
        .await;
    store
        .on_writer(format!(
            "{numbers} insert into run_event (run, seq, at_ms, kind, body, prev_hash, hash) select \
             cast(printf('%016d', 1 + n % 10000) as blob), n, n, case n % 10 when 0 then 'run_started' else 'step_confirmed' end, \
             case n % 10 when 0 then zeroblob(20000) else '{{\"v\":1,\"event\":{{\"step_confirmed\":{{\"by\":\"user:p' || \
             (n % 20) || '\"}}}}}}' end, zeroblob(32), zeroblob(32) from number"
        ))
        .await;
    let nobody = AuditFilter { actor: Some("user:nobody".into()), ..AuditFilter::default() };
    let filters = [
        (AuditFilter::default(), 50),
        (AuditFilter { actor: Some("user:p7".into()), ..AuditFilter::default() }, 50),
        (AuditFilter { kind: Some("share-made".into()), until_ms: Some(500), ..AuditFilter::default() }, 50),
        (AuditFilter { kind: Some("approval-given".into()), ..AuditFilter::default() }, 0),
        (AuditFilter { kind: Some("wheel-taken".into()), ..AuditFilter::default() }, 0),
        (AuditFilter { object: Some("share:3".into()), ..AuditFilter::default() }, 1),
        // The worst case: somebody who never did anything, looked for among everybody's events.
        (nobody, 0),
    ];
    for (filter, count) in filters {
        // Reading every body takes a third of a second; much more on a machine that runs all tests at once.
        let limit = Duration::from_secs(if filter.actor.is_some() { 10 } else { 2 });
        let listing = tokio::time::timeout(limit, store.list_audit(&filter, None, 50));
        let page = listing.await.unwrap_or_else(|_| panic!("{filter:?} took over {limit:?}")).unwrap();
        assert_eq!(page.rows.len(), count, "{filter:?}");
    }
}

#[tokio::test]
async fn a_full_database_is_told_as_a_full_disk_and_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path()).await;
    let run = RunId(Uuid::from_u128(1));
    let event = |size: usize| StoredEvent { kind: "note_added".into(), at_ms: 0, body: "x".repeat(size) };
    store.append(run, 0, None, &[event(10)], &row(run)).await.unwrap();
    let pages: i64 = store.on_writer("pragma page_count".into()).await[0].get(0);
    store.on_writer(format!("pragma max_page_count = {}", pages + 4)).await;

    let refused = store.append(run, 1, None, &[event(10), event(1_000_000)], &row(run)).await;
    let Err(AppendError::Store(error)) = refused else { panic!("{refused:?}") };
    assert!(matches!(error, StoreError::DiskFull { .. }) && error.is_disk_full() && error.may_pass(), "{error:?}");
    let file = data.path().join("steadyhand.db");
    let text = error.to_string();
    assert!(text.contains("append") && text.contains(&file.display().to_string()) && text.contains("full"), "{text}");

    assert!(matches!(store.verify(run).await.unwrap(), Verdict::Intact { last_seq: 1, .. }));
    // The connection that met the limit was given up, and the limit with it: there is space again.
    assert_eq!(store.append(run, 1, None, &[event(1_000_000)], &row(run)).await.unwrap(), 2);
}
