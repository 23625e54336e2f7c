//! Accounts: one name is one person for ever, a disabled one is out at once, a code works once.

use steadyhand::id::Digest;
use steadyhand::store::access::{LOGIN_STEPS_MAX, LoginStep, StepKind};
use steadyhand::store::audit::Filter;
use steadyhand::store::people::{NewPerson, Source};

use super::access::{link, session, token};
use super::{TestStore, fresh_uuid};

pub(super) fn person(name: &str) -> NewPerson {
    NewPerson {
        id: fresh_uuid(),
        name: name.into(),
        display_name: "Ada L.".into(),
        email: None,
        password_hash: Some("hash".into()),
        source: Source::Local,
        groups: vec!["ops".into()],
        created_at_ms: 1,
    }
}

#[tokio::test]
async fn a_name_is_given_once_and_so_is_a_subject_of_a_provider() {
    for test in TestStore::both().await {
        let ada = person("ada");
        assert!(test.store.create_person(&ada, "command-line").await.unwrap());
        assert!(test.store.disable_person(ada.id, "command-line", 5).await.unwrap());
        assert!(!test.store.create_person(&person("ada"), "command-line").await.unwrap(), "also after it was disabled");
        let source = Source::Provider { issuer: "https://id.example".into(), subject: "1".into() };
        let bob = NewPerson { source: source.clone(), ..person("bob") };
        assert!(test.store.create_person(&bob, "command-line").await.unwrap());
        assert!(!test.store.create_person(&NewPerson { source, ..person("bob-2") }, "command-line").await.unwrap());
        let found = test.store.person_of_provider("https://id.example", "1").await.unwrap().unwrap();
        assert_eq!(found.person, bob);
        assert_eq!(test.store.person_of_provider("https://other.example", "1").await.unwrap(), None);
        let names: Vec<_> = test.store.people().await.unwrap().into_iter().map(|found| found.person.name).collect();
        assert_eq!(names, ["ada", "bob"]);
    }
}

#[tokio::test]
async fn a_disabled_person_is_out_at_once_and_nothing_comes_back() {
    for test in TestStore::both().await {
        let (ada, bob) = (person("ada"), person("bob"));
        let store = &test.store;
        for each in [&ada, &bob] {
            store.create_person(each, "command-line").await.unwrap();
            store.create_session(&session(&each.name, Some(each.id))).await.unwrap();
            assert!(
                store
                    .create_api_token(&token(&format!("{}-t", each.name), Some(each.id), None), "command-line")
                    .await
                    .unwrap()
            );
            store.create_login_link(&link(&format!("{}-l", each.name), Some(each.id))).await.unwrap();
        }
        let hash = |name: &str| Digest::of(name.as_bytes());
        let used = store.use_api_token(hash("ada-t"), 2).await.unwrap().unwrap();
        assert_eq!(used.groups, ["ops"]);
        assert!(store.disable_person(ada.id, "command-line", 3).await.unwrap());
        assert!(!store.disable_person(ada.id, "command-line", 4).await.unwrap());
        for enabled in [false, true] {
            if enabled {
                assert!(store.enable_person(ada.id, "command-line", 9).await.unwrap());
            }
            assert_eq!(store.session(hash("ada"), 5).await.unwrap(), None, "{enabled}");
            assert_eq!(store.use_api_token(hash("ada-t"), 5).await.unwrap(), None, "{enabled}");
            assert_eq!(store.use_login_link(hash("ada-l"), 5).await.unwrap(), None, "{enabled}");
        }
        assert!(!store.enable_person(ada.id, "command-line", 9).await.unwrap());
        assert!(store.session(hash("bob"), 5).await.unwrap().is_some());
        assert!(store.use_api_token(hash("bob-t"), 5).await.unwrap().is_some());
        assert!(store.use_login_link(hash("bob-l"), 5).await.unwrap().is_some());
    }
}

/// A login that was under way when the account was disabled ends after it.
#[tokio::test]
async fn what_is_made_for_a_disabled_person_opens_nothing() {
    for test in TestStore::both().await {
        let (ada, store) = (person("ada"), &test.store);
        store.create_person(&ada, "command-line").await.unwrap();
        store.disable_person(ada.id, "command-line", 3).await.unwrap();
        store.create_session(&session("s", Some(ada.id))).await.unwrap();
        store.create_login_link(&link("l", Some(ada.id))).await.unwrap();
        assert!(!store.create_api_token(&token("t", Some(ada.id), None), "command-line").await.unwrap());
        assert_eq!(store.session(Digest::of(b"s"), 5).await.unwrap(), None);
        assert_eq!(store.use_login_link(Digest::of(b"l"), 5).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    for test in TestStore::both().await {
        let (ada, store) = (person("ada"), &test.store);
        store.create_person(&ada, "command-line").await.unwrap();
        let (here, there) = (session("here", Some(ada.id)), session("there", Some(ada.id)));
        store.create_session(&here).await.unwrap();
        store.create_session(&there).await.unwrap();
        store.set_password(ada.id, "other", Some(here.id), "command-line", 9).await.unwrap();
        assert_eq!(store.sessions_of("user:ada", 1).await.unwrap(), [here]);
        assert_eq!(store.person(ada.id).await.unwrap().unwrap().person.password_hash.as_deref(), Some("other"));
        store.set_password(ada.id, "third", None, "command-line", 9).await.unwrap();
        assert_eq!(store.sessions_of("user:ada", 1).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_new_password_ends_the_login_links_that_were_made_before() {
    for test in TestStore::both().await {
        let (ada, store) = (person("ada"), &test.store);
        store.create_person(&ada, "command-line").await.unwrap();
        let link = link("early", Some(ada.id));
        store.create_login_link(&link).await.unwrap();
        store.set_password(ada.id, "other", None, "command-line", 9).await.unwrap();
        assert!(store.use_login_link(link.token_hash, 10).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_time_step_is_taken_once_and_an_earlier_one_not_any_more() {
    for test in TestStore::both().await {
        let (ada, store) = (person("ada"), &test.store);
        store.create_person(&ada, "command-line").await.unwrap();
        assert!(!store.confirm_totp(ada.id, 10, &[], "command-line", 1).await.unwrap(), "there is nothing to confirm");
        assert!(store.propose_totp(ada.id, &[1; 20]).await.unwrap());
        assert!(!store.take_totp_step(ada.id, 10).await.unwrap(), "not confirmed yet");
        assert!(store.confirm_totp(ada.id, 10, &[Digest::of(b"r")], "command-line", 1).await.unwrap());
        assert!(!store.propose_totp(ada.id, &[2; 20]).await.unwrap(), "a confirmed secret stays");
        assert!(!store.take_totp_step(ada.id, 10).await.unwrap(), "the code that confirmed is used up");
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let (store, id) = (store.clone(), ada.id);
                tokio::spawn(async move { store.take_totp_step(id, 12).await.unwrap() })
            })
            .collect();
        let mut taken = 0;
        for each in tries {
            taken += u32::from(each.await.unwrap());
        }
        assert_eq!(taken, 1);
        assert!(!store.take_totp_step(ada.id, 11).await.unwrap());
        assert!(store.take_totp_step(ada.id, 13).await.unwrap());
        assert_eq!(store.take_recovery_code(ada.id, Digest::of(b"x"), 5).await.unwrap(), None);
        assert_eq!(store.take_recovery_code(ada.id, Digest::of(b"r"), 5).await.unwrap(), Some(0));
        assert_eq!(store.take_recovery_code(ada.id, Digest::of(b"r"), 5).await.unwrap(), None);
        store.forget_totp(ada.id, "command-line", 9).await.unwrap();
        assert_eq!(store.person(ada.id).await.unwrap().unwrap().totp, None);
    }
}

#[tokio::test]
async fn a_half_login_has_few_tries_ends_with_its_use_and_their_number_is_bounded() {
    let step = |name: &str, person, kind| LoginStep {
        token_hash: Digest::of(name.as_bytes()),
        kind,
        person,
        body: "{}".into(),
        created_at_ms: 0,
        expires_at_ms: 100,
    };
    for test in TestStore::both().await {
        let (ada, store) = (person("ada"), &test.store);
        store.create_person(&ada, "command-line").await.unwrap();
        assert!(store.begin_login_step(&step("code", Some(ada.id), StepKind::Code)).await.unwrap());
        let hash = Digest::of(b"code");
        assert!(store.login_step_waits(hash, StepKind::Code, 99).await.unwrap());
        assert!(!store.login_step_waits(hash, StepKind::Code, 100).await.unwrap());
        assert!(!store.login_step_waits(hash, StepKind::Provider, 99).await.unwrap());
        assert_eq!(store.try_login_step(hash, 100, 2).await.unwrap(), None);
        for _ in 0..2 {
            assert_eq!(store.try_login_step(hash, 50, 2).await.unwrap(), Some((ada.id, "{}".into())));
        }
        assert_eq!(store.try_login_step(hash, 50, 2).await.unwrap(), None);
        assert_eq!(store.take_login_step(hash, StepKind::Provider, 50).await.unwrap(), None);
        assert!(store.take_login_step(hash, StepKind::Code, 50).await.unwrap().is_some());
        assert_eq!(store.take_login_step(hash, StepKind::Code, 50).await.unwrap(), None);
    }
    let test = TestStore::sqlite().await;
    test.raw(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000) \
         insert into login_step (token_hash, kind, body, tries, created_at_ms, expires_at_ms) \
         select cast(i as blob), 'provider', '{}', 0, 0, 100 from n",
    )
    .await;
    assert_eq!(LOGIN_STEPS_MAX, 10_000);
    assert!(!test.store.begin_login_step(&step("more", None, StepKind::Provider)).await.unwrap());
    let later = LoginStep { created_at_ms: 100, expires_at_ms: 200, ..step("more", None, StepKind::Provider) };
    assert!(test.store.begin_login_step(&later).await.unwrap(), "the expired ones are gone");
}

#[tokio::test]
async fn what_changes_an_account_is_recorded_with_who_did_it_or_is_not_done() {
    for test in TestStore::both().await {
        let (ada, store) = (person("ada"), &test.store);
        store.create_person(&ada, "command-line").await.unwrap();
        store.set_password(ada.id, "other", None, "user:ada", 2).await.unwrap();
        store.propose_totp(ada.id, &[1; 20]).await.unwrap();
        assert!(store.confirm_totp(ada.id, 1, &[], "user:ada", 3).await.unwrap());
        store.forget_totp(ada.id, "command-line", 4).await.unwrap();
        assert!(store.disable_person(ada.id, "command-line", 5).await.unwrap());
        assert!(!store.disable_person(ada.id, "command-line", 6).await.unwrap());
        let mut rows = store.list_audit(&Filter::default(), None, 100).await.unwrap().rows;
        rows.sort_by_key(|row| row.seq);
        let told: Vec<_> =
            rows.iter().map(|row| format!("{} {} {}", row.kind, row.actor, row.detail["what"])).collect();
        let expected = [
            "person-made command-line null",
            "person-changed user:ada \"password\"",
            "person-changed user:ada \"one-time codes set up\"",
            "person-changed command-line \"one-time codes forgotten\"",
            "person-changed command-line \"disabled\"",
        ];
        assert_eq!(told, expected);
        test.refuse_audit().await;
        assert!(store.enable_person(ada.id, "command-line", 7).await.is_err());
        assert!(store.set_password(ada.id, "third", None, "user:ada", 8).await.is_err());
        assert!(store.create_person(&person("bob"), "command-line").await.is_err());
        let ada = store.person(ada.id).await.unwrap().unwrap();
        assert!(ada.is_disabled() && ada.person.password_hash.as_deref() == Some("other"));
        assert_eq!(store.person_named("bob").await.unwrap(), None);
    }
}
