//! Tokens, sessions, login links, shares and settings.

use bytes::Bytes;
use steadyhand::id::Digest;
use steadyhand::store::access::{NewApiToken, Session};
use steadyhand::store::shares::NewShare;

use super::{TestStore, fresh_run, fresh_uuid};

#[tokio::test]
async fn a_login_link_works_once_even_when_used_at_the_same_moment() {
    for test in TestStore::both().await {
        let (hash, late) = (Digest::of(b"link"), Digest::of(b"late"));
        test.store.create_login_link(hash, "ada", 0, 100).await.unwrap();
        test.store.create_login_link(late, "ada", 0, 100).await.unwrap();
        let uses: Vec<_> = (0..8)
            .map(|_| {
                let store = test.store.clone();
                tokio::spawn(async move { store.use_login_link(hash, 50).await.unwrap() })
            })
            .collect();
        let mut actors = Vec::new();
        for each in uses {
            actors.extend(each.await.unwrap());
        }
        assert_eq!(actors, ["ada"]);
        assert_eq!(test.store.use_login_link(late, 100).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_session_is_known_until_it_expires_or_ends() {
    for test in TestStore::both().await {
        let session = |name: &str| Session {
            token_hash: Digest::of(name.as_bytes()),
            actor: "ada".into(),
            created_at_ms: 0,
            last_seen_ms: 0,
            expires_at_ms: 1_000_000,
        };
        let (one, two) = (session("one"), session("two"));
        test.store.create_session(&one, None).await.unwrap();
        test.store.create_session(&two, None).await.unwrap();
        assert_eq!(test.store.session(one.token_hash, 90_000).await.unwrap(), Some(one.clone()));
        let seen = test.store.session(one.token_hash, 90_001).await.unwrap().unwrap();
        assert_eq!(seen.last_seen_ms, 90_000);
        assert!(test.store.end_session(two.token_hash, 2).await.unwrap());
        assert_eq!(test.store.session(two.token_hash, 1).await.unwrap(), None);
        assert_eq!(test.store.session(one.token_hash, 1_000_000).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_api_token_is_valid_until_it_expires_or_is_revoked() {
    for test in TestStore::both().await {
        let token = |name: &str, expires_at_ms| NewApiToken {
            id: fresh_uuid(),
            name: name.into(),
            token_hash: Digest::of(name.as_bytes()),
            actor: "ada".into(),
            scopes: "{\"v\":1}".into(),
            created_at_ms: 1,
            expires_at_ms,
        };
        let (lasting, brief) = (token("lasting", None), token("brief", Some(10)));
        test.store.create_api_token(&lasting, "command-line").await.unwrap();
        test.store.create_api_token(&brief, "command-line").await.unwrap();
        assert_eq!(
            test.store.use_api_token(lasting.token_hash, 99).await.unwrap().map(|used| used.token),
            Some(lasting.clone())
        );
        assert!(test.store.use_api_token(brief.token_hash, 9).await.unwrap().is_some());
        assert_eq!(test.store.use_api_token(brief.token_hash, 10).await.unwrap(), None);
        assert!(test.store.revoke_api_token(lasting.id, "ada", 100).await.unwrap());
        assert!(!test.store.revoke_api_token(lasting.id, "ada", 101).await.unwrap());
        assert_eq!(test.store.use_api_token(lasting.token_hash, 102).await.unwrap(), None);
        let listed = test.store.api_tokens().await.unwrap();
        let listed: Vec<_> =
            listed.iter().map(|token| (token.token.name.as_str(), token.last_used_ms, token.revoked_at_ms)).collect();
        assert_eq!(listed, [("lasting", Some(99), Some(100)), ("brief", Some(9), None)]);
    }
}

#[tokio::test]
async fn a_share_is_seen_and_counted_until_it_is_revoked_or_expires() {
    for test in TestStore::both().await {
        for snapshot in [Bytes::from_static(b"small"), Bytes::from(vec![1; 100_000])] {
            let id = fresh_uuid();
            let share = NewShare {
                id,
                token_hash: Digest::of(id.as_bytes()),
                run: fresh_run(),
                scope: "{\"v\":1}".into(),
                label: "for the vendor".into(),
                created_by: "ada".into(),
                created_at_ms: 1,
                expires_at_ms: 100,
                requires_login: true,
            };
            test.store.create_share(&share, snapshot.clone()).await.unwrap();
            assert_eq!(test.store.share_snapshot(id).await.unwrap(), Some(snapshot));
            assert!(test.store.count_share_view(id, "anonymous", None, 99).await.unwrap());
            assert!(!test.store.count_share_view(id, "anonymous", None, 100).await.unwrap());
            let found = test.store.share_by_token(share.token_hash).await.unwrap().unwrap();
            assert_eq!((&found.share, found.views, found.last_view_ms), (&share, 1, Some(99)));
            assert!(found.is_open(99) && !found.is_open(100));
            assert!(test.store.revoke_share(id, "ada", 50).await.unwrap());
            assert!(!test.store.revoke_share(id, "ada", 60).await.unwrap());
            assert!(!test.store.count_share_view(id, "anonymous", None, 51).await.unwrap());
            let listed = test.store.shares_of_run(share.run).await.unwrap();
            assert_eq!(listed[0].revoked_at_ms, Some(50));
            assert!(!listed[0].is_open(51));
        }
        assert_eq!(test.store.share_by_token(Digest::of(b"other")).await.unwrap(), None);
        assert_eq!(test.store.share_snapshot(fresh_uuid()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_setting_that_someone_else_has_changed_is_not_overwritten() {
    for test in TestStore::both().await {
        assert_eq!(test.store.setting("url").await.unwrap(), None);
        assert_eq!(test.store.set_setting("url", 0, "a").await.unwrap(), Some(1));
        assert_eq!(test.store.set_setting("url", 0, "b").await.unwrap(), None);
        assert_eq!(test.store.set_setting("url", 1, "c").await.unwrap(), Some(2));
        assert_eq!(test.store.set_setting("url", 1, "d").await.unwrap(), None);
        let setting = test.store.setting("url").await.unwrap().unwrap();
        assert_eq!((setting.value.as_str(), setting.version), ("c", 2));
    }
}
