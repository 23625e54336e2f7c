//! The audit log in both databases: recording, failing closed, listing; damage is in `damage`.

mod damage;
mod listing;

use bytes::Bytes;
use steadyhand::audit::checkpoint::{PublicKey, SigningKey};
use steadyhand::audit::entry::{Kind, NewEntry};
use steadyhand::audit::verdict::Finding;
use steadyhand::id::Digest;
use steadyhand::store::access::{NewApiToken, Session};
use steadyhand::store::audit::Filter;
use steadyhand::store::shares::NewShare;
use steadyhand::store::{Store, StoreError};

use super::{TestStore, access, event, fresh_run, fresh_uuid, row};

fn key() -> SigningKey {
    SigningKey::of(&[7; 32])
}

fn entry(number: i64) -> NewEntry {
    NewEntry::new(number, Kind::SecretUsed, "user:ada/ci", format!("secret:{number}")).with("step", "restart")
}

async fn record(store: &Store, numbers: std::ops::RangeInclusive<i64>) {
    for number in numbers {
        store.record(&entry(number)).await.unwrap();
    }
}

/// What verifying with these keys finds, as text.
async fn found(store: &Store, keys: &[PublicKey]) -> Vec<String> {
    let report = store.verify_all(keys).await.unwrap();
    report.findings.iter().map(|Finding { subject, verdict }| format!("{subject}: {verdict}")).collect()
}

fn share() -> NewShare {
    let id = fresh_uuid();
    NewShare {
        id,
        token_hash: Digest::of(id.as_bytes()),
        run: fresh_run(),
        scope: "{\"v\":1}".into(),
        label: "hunter2".into(),
        created_by: "user:ada".into(),
        created_at_ms: 1,
        expires_at_ms: 100,
        requires_login: false,
    }
}

fn token() -> NewApiToken {
    access::token(&fresh_uuid().to_string(), None, None)
}

fn session() -> Session {
    Session { expires_at_ms: 100, ..access::session(&fresh_uuid().to_string(), None) }
}

#[tokio::test]
async fn eight_tasks_that_record_at_once_leave_no_gap() {
    for test in TestStore::both().await {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let store = test.store.clone();
                tokio::spawn(async move { record(&store, 1..=25).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(test.store.record(&entry(1)).await.unwrap(), 201);
        let report = test.reopened().await.verify_all(&[]).await.unwrap();
        assert_eq!((report.entries, report.findings), (201, vec![]));
    }
}

#[tokio::test]
async fn what_opens_a_door_is_recorded_by_the_call_that_does_it_and_secrets_are_not_in_it() {
    for test in TestStore::both().await {
        let (store, share, token, session, link) =
            (&test.store, share(), token(), session(), access::link("link", None));
        store.create_share(&share, Bytes::from_static(b"small")).await.unwrap();
        assert!(store.count_share_view(share.id, "anonymous", "192.0.2.1".parse().ok(), 50).await.unwrap());
        assert!(store.revoke_share(share.id, "user:ben", 60).await.unwrap());
        assert!(!store.count_share_view(share.id, "anonymous", None, 61).await.unwrap());
        assert!(!store.revoke_share(share.id, "user:ben", 62).await.unwrap());
        store.create_api_token(&token, "command-line").await.unwrap();
        assert!(store.revoke_api_token(token.id, "command-line", 70).await.unwrap());
        store.create_login_link(&link).await.unwrap();
        assert!(store.use_login_link(link.token_hash, 81).await.unwrap().is_some());
        assert!(store.use_login_link(link.token_hash, 82).await.unwrap().is_none());
        store.create_session(&session).await.unwrap();
        let fresh = Digest::of(b"fresh");
        assert!(store.rotate_session(session.token_hash, fresh, 85).await.unwrap());
        assert!(store.end_session(fresh, 90).await.unwrap());
        assert!(!store.end_session(session.token_hash, 91).await.unwrap());

        let page = store.list_audit(&Filter::default(), None, 100).await.unwrap();
        let mut rows = page.rows;
        rows.sort_by_key(|row| row.seq);
        let told: Vec<_> = rows.iter().map(|row| format!("{} {}", row.kind, row.actor)).collect();
        let expected = [
            "share-made user:ada",
            "share-viewed anonymous",
            "share-revoked user:ben",
            "token-made command-line",
            "token-revoked command-line",
            "login-link-made command-line",
            "login-link-used user:ada",
            "signed-in user:ada",
            "proved-again user:ada",
            "signed-out user:ada",
        ];
        assert_eq!(told, expected);
        assert_eq!(rows[1].detail["from"], "192.0.2.1");
        let whole: String = rows.iter().map(|row| row.json().to_string()).collect();
        for secret in
            [share.label, share.token_hash.to_string(), token.token_hash.to_string(), link.token_hash.to_string()]
        {
            assert!(!whole.contains(&secret), "{secret} is in {whole}");
        }
    }
}

#[tokio::test]
async fn nothing_that_must_be_recorded_happens_while_it_cannot_be() {
    for test in TestStore::both().await {
        let (store, before, held, late, used) =
            (&test.store, share(), session(), access::link("late", None), access::link("used", None));
        let made = token();
        store.create_share(&before, Bytes::from_static(b"small")).await.unwrap();
        store.create_session(&held).await.unwrap();
        store.create_login_link(&used).await.unwrap();
        store.create_api_token(&made, "command-line").await.unwrap();
        test.refuse_audit().await;

        let (share, token, session) = (share(), token(), session());
        let refused: Vec<Option<StoreError>> = vec![
            store.create_share(&share, Bytes::from_static(b"small")).await.err(),
            store.count_share_view(before.id, "anonymous", None, 50).await.err(),
            store.revoke_share(before.id, "user:ada", 50).await.err(),
            store.create_api_token(&token, "command-line").await.err(),
            store.revoke_api_token(made.id, "command-line", 50).await.err(),
            store.create_login_link(&late).await.err(),
            store.use_login_link(used.token_hash, 50).await.err(),
            store.create_session(&session).await.err(),
            store.end_session(held.token_hash, 50).await.err(),
            store.record(&entry(1)).await.err(),
            store.make_checkpoint(1, &key(), Some(&entry(1))).await.err(),
        ];
        for (number, error) in refused.into_iter().enumerate() {
            let error = error.unwrap_or_else(|| panic!("call {number} was done"));
            assert!(matches!(error, StoreError::NotRecorded { .. }), "call {number}: {error}");
            assert!(error.to_string().contains("could not be recorded in the audit log"), "{error}");
        }
        assert_eq!(store.share(share.id).await.unwrap(), None);
        let before = store.share(before.id).await.unwrap().unwrap();
        assert_eq!((before.views, before.revoked_at_ms), (0, None));
        assert_eq!(store.session(session.token_hash, 51).await.unwrap(), None);
        assert!(store.session(held.token_hash, 51).await.unwrap().is_some());
        let tokens = store.api_tokens().await.unwrap();
        assert_eq!((tokens.len(), tokens[0].revoked_at_ms), (1, None));
    }
}

#[tokio::test]
async fn a_checkpoint_names_only_what_went_on_since_the_last_one() {
    for test in TestStore::both().await {
        let store = &test.store;
        assert_eq!(store.make_checkpoint(1, &key(), None).await.unwrap(), None, "nothing has happened");
        let (one, two) = (fresh_run(), fresh_run());
        store.append(one, 0, None, &[event("1")], &row(one)).await.unwrap();
        record(store, 1..=3).await;
        let first = store.make_checkpoint(2, &key(), None).await.unwrap().unwrap();
        assert!(first.text.contains(&format!("run:{one} 1 ")) && first.text.contains("server 3 "), "{}", first.text);
        store.append(two, 0, None, &[event("1"), event("2")], &row(two)).await.unwrap();
        let second = store.make_checkpoint(3, &key(), None).await.unwrap().unwrap();
        assert!(second.text.contains("streams 1\n") && second.text.contains(&format!("run:{two} 2 ")));
        assert_eq!(store.make_checkpoint(4, &key(), None).await.unwrap(), None);
        let asked = NewEntry::new(5, Kind::CheckpointMade, "command-line", "server");
        let third = store.make_checkpoint(5, &key(), Some(&asked)).await.unwrap().unwrap();
        assert!(third.text.contains("server 4 "), "who asked is part of it: {}", third.text);
        assert_eq!(store.checkpoints(1).await.unwrap(), [second, third.clone()]);
        assert_eq!(store.last_checkpoint().await.unwrap(), Some(third));
        assert_eq!(found(store, &[key().public()]).await, [""; 0]);
    }
}

#[tokio::test]
async fn checkpoints_made_at_the_same_moment_follow_each_other() {
    for test in TestStore::both().await {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let store = test.store.clone();
                tokio::spawn(async move {
                    for number in 0..5 {
                        store.make_checkpoint(number, &key(), Some(&entry(number))).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let report = test.store.verify_all(&[key().public()]).await.unwrap();
        assert_eq!((report.checkpoints.len(), report.findings), (40, vec![]));
    }
}

#[tokio::test]
async fn a_failing_anchor_keeps_its_queue_in_order_until_it_takes_it() {
    for test in TestStore::both().await {
        let store = &test.store;
        for number in 1..=3 {
            record(store, number..=number).await;
            store.make_checkpoint(number, &key(), None).await.unwrap();
        }
        store.queue_anchor("file:/a", 10).await.unwrap();
        let numbers = async |now_ms| -> Vec<u64> {
            store.unsent("file:/a", now_ms).await.unwrap().iter().map(|signed| signed.number).collect()
        };
        assert_eq!(numbers(10).await, [3], "the newest stands for those before it");
        record(store, 4..=4).await;
        store.make_checkpoint(4, &key(), None).await.unwrap();
        store.queue_anchor("file:/a", 11).await.unwrap();
        assert_eq!(numbers(11).await, [3, 4]);
        store.anchor_failed("file:/a", 3, 50, "the disk is away").await.unwrap();
        assert_eq!(numbers(49).await, [0; 0], "not past the one that failed");
        let state = store.anchor_states().await.unwrap().remove(0);
        assert_eq!((state.sent_last, state.waiting, state.last_error.as_deref()), (0, 2, Some("the disk is away")));
        assert_eq!(numbers(50).await, [3, 4]);
        for number in [3, 4] {
            store.anchor_sent("file:/a", number, 60).await.unwrap();
        }
        store.queue_anchor("file:/a", 61).await.unwrap();
        assert_eq!(numbers(61).await, [0; 0]);
        let state = store.anchor_states().await.unwrap().remove(0);
        assert_eq!((state.sent_last, state.sent_at_ms, state.waiting, state.last_error), (4, Some(60), 0, None));
    }
}

#[tokio::test]
async fn a_store_that_is_read_only_writes_nothing_beside_a_running_server() {
    for test in TestStore::both().await {
        record(&test.store, 1..=3).await;
        let reader = Store::open_read_only(&test.url).await.unwrap();
        assert_eq!(found(&reader, &[]).await, [""; 0]);
        assert!(reader.record(&entry(4)).await.is_err());
        record(&test.store, 4..=4).await;
        assert_eq!(reader.verify_all(&[]).await.unwrap().entries, 4);
    }
}
