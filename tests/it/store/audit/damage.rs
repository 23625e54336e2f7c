//! What verifying says of logs that somebody with access to the database has changed.

use steadyhand::audit::anchor::{Witness, compare};
use steadyhand::audit::checkpoint::SigningKey;
use steadyhand::id::RunId;
use steadyhand::store::Store;
use steadyhand::store::run_log::StoredEvent;

use super::{TestStore, event, found, fresh_run, key, record, row};

/// Seven entries and a run of five events, all in a checkpoint; then three more entries.
async fn world() -> [(TestStore, RunId); 2] {
    TestStore::both().await.map(|test| (test, fresh_run()))
}

async fn fill(store: &Store, run: RunId) {
    record(store, 1..=7).await;
    let events: Vec<_> = (1..=5).map(|number| event(&number.to_string())).collect();
    store.append(run, 0, None, &events, &row(run)).await.unwrap();
    store.make_checkpoint(1, &key(), None).await.unwrap();
    record(store, 8..=10).await;
}

const INSERT_AT_3: &str = "update audit_entry set seq = seq + 100 where seq >= 3; \
     insert into audit_entry (seq, at_ms, kind, person, token, object, body, prev_hash, hash) \
     select 3, at_ms, kind, 'user:eve', token, object, body, prev_hash, hash from audit_entry where seq = 103; \
     update audit_entry set seq = seq - 99 where seq > 100";
const INSERT_BEFORE: &str = "insert into audit_entry (seq, at_ms, kind, person, token, object, body, prev_hash, hash) \
     select 0, at_ms, kind, 'user:eve', token, object, body, prev_hash, hash from audit_entry where seq = 1";
const SWAP_ROWS: &str = "update audit_entry set seq = 102 where seq = 2; update audit_entry set seq = 2 where seq = 4; \
     update audit_entry set seq = 4 where seq = 102";
const SWAP_CONTENTS: &str = "update audit_entry set object = case seq when 2 then 'secret:3' else 'secret:2' end, \
     at_ms = case seq when 2 then 3 else 2 end where seq in (2, 3)";
const CUT_AND_REWIND: &str = "delete from audit_entry where seq > 5; \
     update audit_head set last_seq = 5, head_hash = (select hash from audit_entry where seq = 5)";
const APPEND_BEHIND: &str = "insert into audit_entry (seq, at_ms, kind, person, token, object, body, prev_hash, hash) \
     select 11, at_ms, kind, person, token, object, body, hash, hash from audit_entry where seq = 10";

#[tokio::test]
async fn each_damage_of_the_servers_stream_has_its_own_verdict() {
    let damages = [
        ("update audit_entry set body = replace(body, 'restart', 'restarT') where seq = 3", "altered at 3"),
        ("update audit_entry set person = 'user:eve' where seq = 3", "altered at 3"),
        ("update audit_entry set token = null where seq = 3", "altered at 3"),
        ("update audit_entry set person = person || '/' || token, token = null where seq = 3", "altered at 3"),
        ("update audit_entry set at_ms = at_ms + 1 where seq = 10", "altered at 10"),
        ("update audit_entry set prev_hash = hash where seq = 4", "altered at 4"),
        ("update audit_head set head_hash = (select hash from audit_entry where seq = 1)", "altered at 10"),
        ("delete from audit_entry where seq in (2, 3)", "gap 2-3: these are missing"),
        ("delete from audit_entry where seq = 1", "gap 1-1: these are missing"),
        (INSERT_AT_3, "altered at 3"),
        (APPEND_BEHIND, "altered at 11"),
        (INSERT_BEFORE, "altered at 0"),
        (SWAP_ROWS, "reordered at 2: it has changed places with 4"),
        (SWAP_CONTENTS, "reordered at 2: it has changed places with 3"),
        ("delete from audit_entry where seq > 8", "truncated after 8: there were 10"),
        (CUT_AND_REWIND, "truncated after 5: there were 7"),
        ("delete from audit_entry; delete from audit_head", "truncated after 0: there were 7"),
    ];
    for (test, run) in world().await {
        fill(&test.store, run).await;
        assert_eq!(found(&test.store, &[key().public()]).await, [""; 0]);
    }
    for (damage, told) in damages {
        let test = TestStore::sqlite().await;
        fill(&test.store, fresh_run()).await;
        test.raw(damage).await;
        assert_eq!(found(&test.store, &[key().public()]).await, [format!("server: {told}")], "{damage}");
    }
    // One cluster for all of them: it takes as long to start as all damages together.
    let test = TestStore::postgres().await;
    fill(&test.store, fresh_run()).await;
    test.raw("create table kept as select * from audit_entry; create table kept_head as select * from audit_head")
        .await;
    for (damage, told) in damages {
        test.raw(damage).await;
        assert_eq!(found(&test.store, &[key().public()]).await, [format!("server: {told}")], "{damage}");
        test.raw(
            "delete from audit_entry; insert into audit_entry select * from kept; \
             delete from audit_head; insert into audit_head select * from kept_head",
        )
        .await;
        assert_eq!(found(&test.store, &[key().public()]).await, [""; 0]);
    }
}

#[tokio::test]
async fn each_damage_of_a_runs_stream_is_told_of_that_run() {
    const SWAP: &str = "update run_event set seq = 102 where seq = 2; update run_event set seq = 2 where seq = 4; \
         update run_event set seq = 4 where seq = 102";
    const REWIND: &str = "delete from run_event where seq > 2; \
         update run set last_seq = 2, head_hash = (select hash from run_event where seq = 2)";
    let damages = [
        ("update run_event set body = '6' where seq = 5", "altered at 5"),
        ("delete from run_event where seq = 3", "gap 3-3: these are missing"),
        (SWAP, "reordered at 2: it has changed places with 4"),
        ("delete from run_event where seq > 3", "truncated after 3: there were 5"),
        (REWIND, "truncated after 2: there were 5"),
        ("delete from run_event; delete from run", "truncated after 0: there were 5"),
    ];
    for (damage, told) in damages {
        for (test, run) in [(TestStore::sqlite().await, fresh_run())] {
            fill(&test.store, run).await;
            test.raw(damage).await;
            assert_eq!(found(&test.store, &[key().public()]).await, [format!("run:{run}: {told}")], "{damage}");
        }
    }
}

#[tokio::test]
async fn whoever_a_list_shows_as_the_starter_of_a_run_is_whom_its_first_event_names() {
    for (test, run) in world().await {
        let started = StoredEvent {
            kind: "run_started".into(),
            at_ms: 1,
            body: r#"{"v":1,"event":{"run_started":{"by":"ada","plan":{}}}}"#.into(),
        };
        test.store.append(run, 0, None, &[started], &row(run)).await.unwrap();
        assert_eq!(found(&test.store, &[]).await, [""; 0]);
        test.raw("update run set started_by = 'ben'").await;
        assert_eq!(found(&test.store, &[]).await, [format!("run:{run}: altered at 1")]);
    }
}

#[tokio::test]
async fn a_log_that_was_written_anew_is_not_what_the_checkpoint_saw() {
    for (test, run) in world().await {
        fill(&test.store, run).await;
        forget(&test).await;
        record(&test.store, 2..=11).await;
        let told = "server: rewritten: up to 7 it is not what checkpoint 1 saw";
        assert_eq!(found(&test.store, &[key().public()]).await, [told]);
    }
}

#[tokio::test]
async fn a_checkpoint_that_was_changed_or_taken_away_is_told() {
    let damages = [
        ("update audit_checkpoint set text = replace(text, 'server 7', 'server 6') where number = 1", "rewritten"),
        ("update audit_checkpoint set public_key = signature", "intact"),
        ("delete from audit_checkpoint where number = 1", "gap 1-1"),
        ("delete from audit_checkpoint where number = 3", "truncated after 2"),
    ];
    for (damage, told) in damages {
        let test = TestStore::sqlite().await;
        fill(&test.store, fresh_run()).await;
        for number in 11..=12 {
            record(&test.store, number..=number).await;
            test.store.make_checkpoint(number, &key(), None).await.unwrap();
        }
        test.raw(damage).await;
        let findings = found(&test.store, &[key().public()]).await;
        let told = if told == "intact" { String::new() } else { format!("checkpoints: {told}") };
        assert!(findings.join("\n").starts_with(&told) && findings.len() <= 1, "{damage}: {findings:?}");
    }
}

#[tokio::test]
async fn a_log_that_was_written_anew_and_signed_anew_is_told_by_the_key_and_by_the_anchor() {
    for (test, run) in world().await {
        fill(&test.store, run).await;
        let sent: Vec<Witness> = test.store.checkpoints(0).await.unwrap().iter().map(Witness::from).collect();
        forget(&test).await;
        test.raw("delete from audit_checkpoint; update run set checkpoint_seq = 0").await;
        let other = SigningKey::of(&[8; 32]);
        record(&test.store, 2..=11).await;
        test.store.make_checkpoint(1, &other, None).await.unwrap();

        let told = "checkpoints: key mismatch: checkpoint 1 was signed with another key";
        assert_eq!(found(&test.store, &[key().public()]).await, [told]);
        // Whoever has the server's key as well leaves a database in which nothing is wrong: this is what anchors are for.
        let report = test.store.verify_all(&[other.public()]).await.unwrap();
        assert_eq!(report.findings, []);
        let compared =
            compare(&sent, report.checkpoints.len() as u64, |number| report.checkpoints.get(&number).copied());
        assert_eq!(compared.to_string(), "anchor mismatch: checkpoint 1 is not the one that was sent outside");
        test.raw("delete from audit_checkpoint; update audit_head set checkpoint_seq = 0").await;
        let report = test.store.verify_all(&[other.public()]).await.unwrap();
        let compared =
            compare(&sent, report.checkpoints.len() as u64, |number| report.checkpoints.get(&number).copied());
        assert_eq!(compared.to_string(), "anchor mismatch: checkpoint 1 was sent outside and is missing here");
    }
}

/// Makes the server's stream empty, as if nothing had ever been in it.
async fn forget(test: &TestStore) {
    test.raw("delete from audit_entry").await;
    test.raw(match &test.url {
        steadyhand::store::DatabaseUrl::Sqlite(_) => "update audit_head set last_seq = 0, head_hash = zeroblob(32)",
        steadyhand::store::DatabaseUrl::Postgres(_) => {
            "update audit_head set last_seq = 0, head_hash = decode(repeat('00', 32), 'hex'), checkpoint_seq = 0"
        }
    })
    .await;
    test.raw("update audit_head set checkpoint_seq = 0").await;
}
