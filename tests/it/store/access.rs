//! Tokens, sessions, login links, shares and settings.

use bytes::Bytes;
use steadyhand::id::Digest;
use steadyhand::store::access::{Began, LoginLink, NewApiToken, NewLoginLink, Session, TOKENS_OF_ONE_MAX};
use steadyhand::store::shares::NewShare;
use uuid::Uuid;

use super::people::person;
use super::{TestStore, fresh_run, fresh_uuid};

pub(super) fn link(name: &str, person: Option<Uuid>) -> NewLoginLink {
    NewLoginLink {
        token_hash: Digest::of(name.as_bytes()),
        actor: "user:ada".into(),
        person,
        began: Began::Link,
        created_at_ms: 0,
        expires_at_ms: 100,
    }
}

pub(super) fn session(name: &str, person: Option<Uuid>) -> Session {
    Session {
        id: fresh_uuid(),
        token_hash: Digest::of(name.as_bytes()),
        actor: "user:ada".into(),
        person,
        began: Began::Password,
        groups: vec!["ops".into()],
        created_at_ms: 0,
        authenticated_at_ms: 0,
        last_seen_ms: 0,
        expires_at_ms: 1_000_000,
        user_agent: "a browser".into(),
        peer: "192.0.2.1".into(),
    }
}

pub(super) fn token(name: &str, owner: Option<Uuid>, expires_at_ms: Option<i64>) -> NewApiToken {
    NewApiToken {
        id: fresh_uuid(),
        name: name.into(),
        token_hash: Digest::of(name.as_bytes()),
        actor: "user:ada/ci".into(),
        owner,
        scopes: "{\"v\":1}".into(),
        created_at_ms: 1,
        expires_at_ms,
    }
}

#[tokio::test]
async fn a_login_link_works_once_even_when_used_at_the_same_moment() {
    for test in TestStore::both().await {
        test.store.create_login_link(&link("link", None)).await.unwrap();
        test.store.create_login_link(&link("late", None)).await.unwrap();
        let uses: Vec<_> = (0..8)
            .map(|_| {
                let store = test.store.clone();
                tokio::spawn(async move { store.use_login_link(Digest::of(b"link"), 50).await.unwrap() })
            })
            .collect();
        let mut used = Vec::new();
        for each in uses {
            used.extend(each.await.unwrap());
        }
        assert_eq!(used, [LoginLink { actor: "user:ada".into(), person: None, began: Began::Link }]);
        assert_eq!(test.store.use_login_link(Digest::of(b"late"), 100).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_session_is_known_until_it_expires_or_ends() {
    for test in TestStore::both().await {
        let (one, two) = (session("one", None), session("two", None));
        test.store.create_session(&one).await.unwrap();
        test.store.create_session(&two).await.unwrap();
        assert_eq!(test.store.session(one.token_hash, 90_000).await.unwrap(), Some(one.clone()));
        let seen = test.store.session(one.token_hash, 90_001).await.unwrap().unwrap();
        assert_eq!(seen.last_seen_ms, 90_000);
        assert!(test.store.end_session(two.token_hash, 2).await.unwrap());
        assert_eq!(test.store.session(two.token_hash, 1).await.unwrap(), None);
        assert_eq!(test.store.session(one.token_hash, 1_000_000).await.unwrap(), None);
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_ids_and_by_nobody_else() {
    for test in TestStore::both().await {
        let (one, two) = (session("one", None), session("two", None));
        test.store.create_session(&one).await.unwrap();
        test.store.create_session(&two).await.unwrap();
        assert_eq!(test.store.sessions_of("user:ada", 1).await.unwrap().len(), 2);
        assert_eq!(test.store.sessions_of("user:bob", 1).await.unwrap(), []);
        assert!(!test.store.end_session_of("user:bob", one.id, 9).await.unwrap());
        assert!(test.store.end_session_of("user:ada", one.id, 9).await.unwrap());
        assert!(!test.store.end_session_of("user:ada", one.id, 9).await.unwrap());
        assert_eq!(test.store.sessions_of("user:ada", 1).await.unwrap(), [two]);
    }
}

#[tokio::test]
async fn a_renewed_session_goes_on_under_another_token_and_the_old_one_is_void() {
    for test in TestStore::both().await {
        let before = session("before", None);
        test.store.create_session(&before).await.unwrap();
        let fresh = Digest::of(b"after");
        assert!(test.store.rotate_session(before.token_hash, fresh, 50).await.unwrap());
        assert!(!test.store.rotate_session(before.token_hash, Digest::of(b"other"), 50).await.unwrap());
        assert_eq!(test.store.session(before.token_hash, 50).await.unwrap(), None);
        let after = test.store.session(fresh, 50).await.unwrap().unwrap();
        assert_eq!((after.id, after.authenticated_at_ms, after.expires_at_ms), (before.id, 50, 1_000_000));
    }
}

#[tokio::test]
async fn an_api_token_is_valid_until_it_expires_or_is_revoked() {
    for test in TestStore::both().await {
        let (lasting, brief) = (token("lasting", None, None), token("brief", None, Some(10)));
        assert!(test.store.create_api_token(&lasting, "command-line").await.unwrap());
        assert!(test.store.create_api_token(&brief, "command-line").await.unwrap());
        assert_eq!(
            test.store.use_api_token(lasting.token_hash, 99).await.unwrap().map(|used| used.token.token),
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
async fn a_token_of_an_account_is_revoked_by_its_owner_alone_and_their_number_is_bounded() {
    for test in TestStore::both().await {
        let (ada, bob) = (person("ada"), person("bob"));
        test.store.create_person(&ada, "command-line").await.unwrap();
        test.store.create_person(&bob, "command-line").await.unwrap();
        let one = token("one", Some(ada.id), None);
        assert!(test.store.create_api_token(&one, "command-line").await.unwrap());
        assert!(!test.store.revoke_api_token_of(bob.id, one.id, "command-line", 5).await.unwrap());
        assert!(test.store.revoke_api_token_of(ada.id, one.id, "command-line", 5).await.unwrap());
        for number in 0..TOKENS_OF_ONE_MAX {
            let made = test
                .store
                .create_api_token(&token(&format!("t{number}"), Some(ada.id), None), "command-line")
                .await
                .unwrap();
            assert!(made, "{number}");
        }
        assert!(!test.store.create_api_token(&token("more", Some(ada.id), None), "command-line").await.unwrap());
        assert!(test.store.create_api_token(&token("other", Some(bob.id), None), "command-line").await.unwrap());
        assert_eq!(test.store.api_tokens_of(bob.id).await.unwrap().len(), 1);
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
