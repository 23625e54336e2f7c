//! Opening a store: permissions, old and newer databases, one engine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use steadyhand::audit::verdict::Verdict;
use steadyhand::store::{DatabaseUrl, EngineLock, EngineLockError, OpenError, Store};

use super::{TestStore, event, fresh_run, row};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn only_the_owner_may_read_the_database() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let store = Store::open(&DatabaseUrl::in_data_dir(&data), &data).await.unwrap();
    let run = fresh_run();
    store.append(run, 0, None, &[event("{}")], &row(run)).await.unwrap();
    assert_eq!((mode(&data), mode(&data.join("blobs"))), (0o700, 0o700));
    for file in ["steadyhand.db", "steadyhand.db-wal", "steadyhand.db-shm"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    store.close().await;
    fs::set_permissions(data.join("steadyhand.db"), fs::Permissions::from_mode(0o644)).unwrap();
    Store::open(&DatabaseUrl::in_data_dir(&data), &data).await.unwrap();
    assert_eq!(mode(&data.join("steadyhand.db")), 0o600);
}

#[tokio::test]
async fn a_database_of_a_newer_steadyhand_is_refused_with_both_versions() {
    let test = TestStore::sqlite().await;
    test.raw(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
              values (9999, 'from the future', true, x'00', 0)",
    )
    .await;
    let refused = Store::open(&test.url, test.data.path()).await.err();
    let Some(OpenError::TooNew { found: 9999, .. }) = &refused else { panic!("{refused:?}") };
    let text = refused.unwrap().to_string();
    assert!(text.contains("9999") && text.contains("newer steadyhand"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_opened_is_named() {
    let data = tempfile::tempdir().unwrap();
    fs::create_dir(data.path().join("steadyhand.db")).unwrap();
    let refused = Store::open(&DatabaseUrl::in_data_dir(data.path()), data.path()).await.err().unwrap();
    assert!(refused.to_string().contains("steadyhand.db"), "{refused}");

    fs::write(data.path().join("text.db"), "this is not a database, but long enough to be taken for one".repeat(20))
        .unwrap();
    let url = DatabaseUrl::Sqlite(data.path().join("text.db"));
    let refused = Store::open(&url, data.path()).await.err().unwrap();
    assert!(refused.to_string().contains("text.db"), "{refused}");
}

#[test]
fn a_url_shows_no_password() {
    let url: DatabaseUrl = "postgres://ada:hunter2@db.example.org:5433/steadyhand".parse().unwrap();
    assert_eq!(url.to_string(), "postgres://ada@db.example.org:5433/steadyhand");
    assert!(!format!("{url:?}").contains("hunter2"));
    let refused = "mysql://ada:hunter2@db/x".parse::<DatabaseUrl>().unwrap_err().to_string();
    assert!(refused.contains("mysql") && !refused.contains("hunter2"), "{refused}");
}

#[test]
fn a_second_engine_is_refused_and_told_who_the_first_is() {
    let data = tempfile::tempdir().unwrap();
    let first = EngineLock::acquire(data.path()).unwrap();
    let refused = EngineLock::acquire(data.path());
    let Err(EngineLockError::Held { holder, .. }) = &refused else { panic!("{refused:?}") };
    assert_eq!(holder, &format!("process {}", std::process::id()));
    drop(first);
    EngineLock::acquire(data.path()).unwrap();
}

#[tokio::test]
async fn another_program_writes_beside_a_running_engine() {
    let test = TestStore::sqlite().await;
    let _engine = EngineLock::acquire(test.data.path()).unwrap();
    let beside = test.reopened().await;
    for number in 0..20 {
        let (one, two) = (fresh_run(), fresh_run());
        let (events, others) = ([event("1")], [event("2")]);
        let (row_one, row_two) = (row(one), row(two));
        let (here, there) = tokio::join!(
            test.store.append(one, 0, None, &events, &row_one),
            beside.append(two, 0, None, &others, &row_two)
        );
        assert_eq!((here.unwrap(), there.unwrap()), (1, 1), "round {number}");
    }
}

/// A database that each released schema left behind must open, migrate and verify for ever.
/// A fixture is the text of `.dump`, so that its differences can be read; it holds one run with three events.
#[tokio::test]
async fn a_database_of_each_released_schema_still_opens() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store");
    let mut count = 0;
    for fixture in fs::read_dir(folder).unwrap() {
        let fixture = fixture.unwrap().path();
        let data = tempfile::tempdir().unwrap();
        let dump = fs::read_to_string(&fixture).unwrap();
        super::restore(data.path(), dump).await;
        let store = Store::open(&DatabaseUrl::in_data_dir(data.path()), data.path()).await.unwrap();
        let runs = store.unfinished_runs().await.unwrap();
        assert_eq!(runs.len(), 1, "{}", fixture.display());
        let verified = store.verify(runs[0].id).await.unwrap();
        assert!(matches!(verified, Verdict::Intact { last_seq: 3, .. }), "{verified:?}");
        count += 1;
    }
    assert!(count > 0, "there is a fixture of each schema");
}

#[tokio::test]
async fn a_killed_writer_leaves_all_that_it_was_told_is_stored() {
    // The writer is this very test, started again as a process of its own, that prints each number it has stored.
    const FOLDER: &str = "STEADYHAND_TEST_WRITER";
    const NAME: &str = "store::opening::a_killed_writer_leaves_all_that_it_was_told_is_stored";
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_for_ever(Path::new(&folder)).await;
    }
    let data = tempfile::tempdir().unwrap();
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(FOLDER, data.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(writer.stdout.take().unwrap()));
    let told = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("stored ")?.parse::<u64>().ok());
    let told = told.take(50).last().unwrap();
    writer.kill().unwrap();
    writer.wait().unwrap();
    let store = Store::open(&DatabaseUrl::in_data_dir(data.path()), data.path()).await.unwrap();
    let run = store.unfinished_runs().await.unwrap()[0].id;
    let verified = store.verify(run).await.unwrap();
    assert!(matches!(verified, Verdict::Intact { last_seq, .. } if last_seq >= told), "{told}: {verified:?}");
}

async fn write_for_ever(folder: &Path) {
    let store = Store::open(&DatabaseUrl::in_data_dir(folder), folder).await.unwrap();
    let run = fresh_run();
    let mut last = 0;
    loop {
        last = store.append(run, last, None, &[event("{}")], &row(run)).await.unwrap();
        println!("stored {last}");
    }
}
