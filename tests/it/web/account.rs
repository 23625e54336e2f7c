//! One's own account: nothing of it opens for a token or for somebody else, and what matters asks again.

use reqwest::{Method, StatusCode};
use steadyhand::access::session::STEP_UP_MS;
use steadyhand::access::totp::Shared;
use steadyhand::store::access::{Began, Session};
use uuid::Uuid;

use super::login::{ANNA_OPERATES, PASSWORD, owned_token, signed_in};
use super::server::{Server, cookie};

const TOKEN_FORM: &[(&str, &str)] =
    &[("token_name", "ci"), ("verb", "read-runs"), ("runbooks", "web/**"), ("hosts", ""), ("expires", "30d")];

/// A session whose login was longer ago than step-up allows.
async fn old_session(server: &Server, name: &str, person: Uuid) -> String {
    use steadyhand::access::secret::{Door, hash, text};
    let token = text(Door::Session, steadyhand::entropy::fresh_token());
    let now_ms = server.clock.wall_ms();
    let session = Session {
        id: steadyhand::entropy::fresh_uuid(now_ms),
        token_hash: hash(Door::Session, &token).expect("it has the form of its door"),
        actor: format!("user:{name}"),
        person: Some(person),
        began: Began::Password,
        groups: Vec::new(),
        created_at_ms: now_ms - STEP_UP_MS,
        authenticated_at_ms: now_ms - STEP_UP_MS,
        last_seen_ms: now_ms,
        expires_at_ms: now_ms + STEP_UP_MS,
        user_agent: String::new(),
        peer: "192.0.2.7".to_owned(),
    };
    server.store.create_session(&session).await.expect("it is stored");
    format!("steadyhand_session={token}")
}

async fn page(server: &Server, path: &str, session: &str) -> String {
    let answer = server.send(Method::GET, path, session, &[]).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.text().await.expect("a page is text")
}

#[tokio::test]
async fn a_new_password_asks_for_the_old_one_and_ends_the_other_sessions() {
    let server = Server::start().await;
    server.person("anna", Some(PASSWORD)).await;
    let (here, there) = (signed_in(&server, "anna", PASSWORD).await, signed_in(&server, "anna", PASSWORD).await);
    let new = "three words and more";
    for (old, first, second) in
        [("wrong", new, new), ("", new, new), (PASSWORD, new, "other"), (PASSWORD, "short", "short")]
    {
        let fields = [("old", old), ("new", first), ("again", second)];
        let refused = server.send(Method::POST, "/account/password", &here, &fields).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{old} {first} {second}");
    }
    let fields = [("old", PASSWORD), ("new", new), ("again", new)];
    let changed = server.send(Method::POST, "/account/password", &here, &fields).await;
    assert_eq!(changed.headers()["location"], "/account?done=password");
    assert!(page(&server, "/account?done=password", &here).await.contains("The password is changed"));
    assert_eq!(server.send(Method::GET, "/", &there, &[]).await.status(), StatusCode::UNAUTHORIZED);
    signed_in(&server, "anna", new).await;
}

#[tokio::test]
async fn who_came_by_a_link_sets_a_first_password_but_not_from_an_old_session() {
    let server = Server::start().await;
    let id = server.person("anna", None).await;
    let fields = [("new", PASSWORD), ("again", PASSWORD)];
    let old = old_session(&server, "anna", id).await;
    let refused = server.send(Method::POST, "/account/password", &old, &fields).await;
    assert!(refused.headers()["location"].to_str().is_ok_and(|to| to.starts_with("/account/confirm")));
    assert!(server.store.person(id).await.expect("it reads").expect("it is there").person.password_hash.is_none());
    let link = server.login_link_of("anna", Some(id), Began::Link).await;
    let session = server.session_of_link(&link).await;
    assert!(page(&server, "/account", &session).await.contains("Set the password"));
    server.send(Method::POST, "/account/password", &session, &fields).await;
    signed_in(&server, "anna", PASSWORD).await;
}

#[tokio::test]
async fn an_app_is_set_up_with_its_first_code_and_given_up_with_another() {
    let server = Server::start().await;
    let id = server.person("anna", Some(PASSWORD)).await;
    let session = signed_in(&server, "anna", PASSWORD).await;
    let post = |path: &'static str, code: String| {
        let (server, session) = (&server, &session);
        async move { server.send(Method::POST, path, session, &[("code", &code)]).await }
    };
    assert_eq!(post("/account/totp", String::new()).await.headers()["location"], "/account/totp");
    let person = server.store.person(id).await.expect("it reads").expect("it is there");
    let secret = person.totp.expect("a secret is proposed").secret;
    let app = Shared::stored(&secret, "anna").expect("it is one");
    let shown = page(&server, "/account/totp", &session).await;
    assert!(shown.contains(&app.text()) && shown.contains("<svg class=\"qr\""), "{shown}");
    signed_in(&server, "anna", PASSWORD).await;
    let wrong = post("/account/totp/confirm", "000".to_owned()).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let confirmed = post("/account/totp/confirm", app.code(server.clock.wall_ms())).await;
    let codes = confirmed.text().await.expect("a page is text");
    let codes: Vec<&str> = codes.split("<li><code>").skip(1).filter_map(|part| part.split("</code>").next()).collect();
    assert_eq!(codes.len(), 10);
    let answer = server.send(Method::POST, "/login", "", &[("name", "anna"), ("password", PASSWORD)]).await;
    assert_eq!(answer.headers()["location"], "/login/code");
    assert_eq!(post("/account/totp/remove", "000".to_owned()).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(post("/account/totp/remove", codes[3].to_owned()).await.headers()["location"], "/account?done=totp");
    signed_in(&server, "anna", PASSWORD).await;
}

#[tokio::test]
async fn a_token_is_made_after_a_recent_login_alone_and_shown_once() {
    let server = Server::start().await;
    server.grant(ANNA_OPERATES);
    let id = server.person("anna", Some(PASSWORD)).await;
    let old = old_session(&server, "anna", id).await;
    for path in ["/account/tokens", "/account/totp"] {
        let refused = server.send(Method::POST, path, &old, TOKEN_FORM).await;
        assert_eq!(refused.headers()["location"], "/account/confirm?next=%2Faccount", "{path}");
    }
    assert!(server.store.api_tokens_of(id).await.expect("it reads").is_empty());
    assert!(!page(&server, "/account", &old).await.contains("Make the token"));

    let wrong = server.send(Method::POST, "/account/confirm", &old, &[("password", "wrong horse battery")]).await;
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    let fields = [("password", PASSWORD), ("next", "//evil.example")];
    let confirmed = server.send(Method::POST, "/account/confirm", &old, &fields).await;
    assert_eq!(confirmed.headers()["location"], "/account");
    let session = cookie(&confirmed).expect("a fresh token is given");
    assert_eq!(server.send(Method::GET, "/", &old, &[]).await.status(), StatusCode::UNAUTHORIZED, "rotated");

    let made = server.send(Method::POST, "/account/tokens", &session, TOKEN_FORM).await;
    assert_eq!(made.status(), StatusCode::OK);
    let made = made.text().await.expect("a page is text");
    let token = made.split("value=\"").find(|part| part.starts_with("shtoken_")).expect("the token is shown");
    let token = &token[..token.find('"').expect("values are closed")];
    let runs = server.bare(Method::GET, "/api/v1/runs").bearer_auth(token).send().await.expect("it answers");
    assert_eq!(runs.status(), StatusCode::OK);
    let account = page(&server, "/account", &session).await;
    assert!(account.contains("read runs · web/** · all hosts") && !account.contains(token));
    let token = &server.store.api_tokens_of(id).await.expect("it reads")[0];
    assert_eq!(token.token.actor, "user:anna/ci");
}

#[tokio::test]
async fn what_no_token_can_be_is_refused_with_what_was_typed() {
    let server = Server::start().await;
    let id = server.person("anna", Some(PASSWORD)).await;
    let session = signed_in(&server, "anna", PASSWORD).await;
    for (name, value) in [
        ("token_name", "a/b"),
        ("verb", "approve"),
        ("verb", "own-account"),
        ("runbooks", "../<x>"),
        ("hosts", "("),
        ("expires", "9999d"),
    ] {
        let fields: Vec<_> =
            TOKEN_FORM.iter().map(|field| if field.0 == name { (name, value) } else { *field }).collect();
        let refused = server.send(Method::POST, "/account/tokens", &session, &fields).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{name}={value}");
        assert!(refused.text().await.expect("a page is text").contains("No token was made"));
    }
    assert!(server.store.api_tokens_of(id).await.expect("it reads").is_empty());
}

#[tokio::test]
async fn sessions_and_tokens_are_listed_and_ended_by_their_owner_alone() {
    let server = Server::start().await;
    let anna = server.person("anna", Some(PASSWORD)).await;
    server.person("ben", Some(PASSWORD)).await;
    let (hers, his) = (signed_in(&server, "anna", PASSWORD).await, signed_in(&server, "ben", PASSWORD).await);
    let other = old_session(&server, "anna", anna).await;
    let token = owned_token(&server, "anna", anna, r#"{"v":1,"all":true}"#).await;
    let account = page(&server, "/account", &hers).await;
    assert_eq!(account.matches("this one").count(), 1);
    assert!(account.contains("192.0.2.7") && account.contains("everything that a token can do"));
    assert!(!page(&server, "/account", &his).await.contains("192.0.2.7"));
    let session_id = server.store.sessions_of("user:anna", 0).await.expect("it reads");
    let session_id = session_id.iter().find(|session| session.peer == "192.0.2.7").expect("it is listed").id;
    let token_id = server.store.api_tokens_of(anna).await.expect("it reads")[0].token.id;
    let paths = [format!("/account/sessions/{session_id}/revoke"), format!("/account/tokens/{token_id}/revoke")];
    for path in &paths {
        let foreign = server.send(Method::POST, path, &his, &[]).await;
        assert_eq!(foreign.status(), StatusCode::NOT_FOUND, "{path}");
        let nowhere = path.replace(&session_id.to_string(), "x").replace(&token_id.to_string(), "x");
        assert_eq!(server.send(Method::POST, &nowhere, &his, &[]).await.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(server.send(Method::GET, "/", &other, &[]).await.status(), StatusCode::OK);
    for path in &paths {
        assert_eq!(server.send(Method::POST, path, &hers, &[]).await.status(), StatusCode::SEE_OTHER, "{path}");
    }
    assert_eq!(server.send(Method::GET, "/", &other, &[]).await.status(), StatusCode::UNAUTHORIZED);
    let used = server.bare(Method::GET, "/api/v1/runs").bearer_auth(&token).send().await.expect("it answers");
    assert_eq!(used.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(server.send(Method::GET, "/", &hers, &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_break_glass_administrator_has_sessions_and_no_account() {
    let server = Server::start().await;
    let link = server.login_link_of("admin", None, Began::BreakGlass).await;
    let session = server.session_of_link(&link).await;
    let account = page(&server, "/account", &session).await;
    assert!(account.contains("belongs to no account") && account.contains("break-glass link"));
    for path in ["/account/password", "/account/tokens", "/account/totp"] {
        let refused = server.send(Method::POST, path, &session, TOKEN_FORM).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
    page(&server, "/account/confirm", &session).await;
    let confirm = server.send(Method::POST, "/account/confirm", &session, &[("password", "")]).await;
    assert_eq!(confirm.status(), StatusCode::FORBIDDEN);
}
