//! The store on real databases. What holds for both runs on SQLite and on PostgreSQL.

mod access;
mod audit;
mod handoffs;
mod lists;
mod locks;
mod log;
mod nudges;
mod opening;
mod output;
mod people;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{ConnectOptions, Connection};
use sqlx_postgres::PgConnectOptions;
use sqlx_sqlite::SqliteConnectOptions;
use steadyhand::id::RunId;
use steadyhand::store::run_log::StoredEvent;
use steadyhand::store::runs::RunRow;
use steadyhand::store::{DatabaseUrl, Store};
use tempfile::TempDir;
use uuid::Uuid;

use crate::postgres::Postgres;

/// A store in its own folder; what it stands on lives as long as it.
struct TestStore {
    store: Store,
    url: DatabaseUrl,
    data: TempDir,
    _postgres: Option<Postgres>,
}

impl TestStore {
    async fn sqlite() -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        Self::open(DatabaseUrl::in_data_dir(data.path()), data, None).await
    }

    async fn postgres() -> Self {
        let postgres = Postgres::start();
        let url = postgres.url().parse().expect("the fixture gives a URL");
        Self::open(url, tempfile::tempdir().expect("a temporary folder"), Some(postgres)).await
    }

    async fn both() -> [Self; 2] {
        [Self::sqlite().await, Self::postgres().await]
    }

    async fn open(url: DatabaseUrl, data: TempDir, postgres: Option<Postgres>) -> Self {
        let store = Store::open(&url, data.path()).await.unwrap();
        Self { store, url, data, _postgres: postgres }
    }

    /// As after a restart: another store on the same database and folder.
    async fn reopened(&self) -> Store {
        Store::open(&self.url, self.data.path()).await.unwrap()
    }

    /// What someone with access to the database could do to it.
    async fn raw(&self, sql: &'static str) {
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                let options = SqliteConnectOptions::new().filename(path);
                let options = options.busy_timeout(std::time::Duration::from_secs(5));
                let mut connection = options.connect().await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            DatabaseUrl::Postgres(url) => {
                let mut connection = url.parse::<PgConnectOptions>().unwrap().connect().await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// From now on the audit log takes no entry.
    async fn refuse_audit(&self) {
        self.raw(match &self.url {
            DatabaseUrl::Sqlite(_) => {
                "create trigger refuse before insert on audit_entry begin select raise(abort, 'refused'); end"
            }
            DatabaseUrl::Postgres(_) => {
                "create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$; \
                 create trigger refuse before insert on audit_entry for each row execute function refuse()"
            }
        })
        .await;
    }
}

/// Makes the SQLite file in `data` from the text of its `.dump`.
async fn restore(data: &Path, dump: String) {
    let options = SqliteConnectOptions::new().filename(data.join("steadyhand.db")).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(dump)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

static IDS: AtomicU64 = AtomicU64::new(1);

fn fresh_uuid() -> Uuid {
    Uuid::from_u128(u128::from(IDS.fetch_add(1, Ordering::Relaxed)))
}

fn fresh_run() -> RunId {
    RunId(fresh_uuid())
}

fn row(id: RunId) -> RunRow {
    RunRow {
        id,
        runbook: "web/disk-full".parse().unwrap(),
        title: "Disk is filling up".into(),
        commit: Some("0123abcd".into()),
        state: "running".into(),
        waiting: None,
        started_by: "ada".into(),
        started_at_ms: 1_700_000_000_000,
        ended_at_ms: None,
        hosts: vec!["web-2".parse().unwrap(), "web-1".parse().unwrap()],
        scope: String::new(),
        last_seq: 0,
        step_done: 0,
        step_total: 3,
    }
}

fn event(body: &str) -> StoredEvent {
    StoredEvent { kind: "note_added".into(), at_ms: 1_700_000_000_001, body: body.into() }
}

#[tokio::test]
async fn every_statement_fits_both_migrated_databases() {
    for test in TestStore::both().await {
        let count =
            test.store.describe_statements().await.unwrap_or_else(|error| panic!("{error}: {:?}", error.source));
        assert!(count > 40, "only {count} statements are registered");
    }
}
