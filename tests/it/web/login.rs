//! Signing in with a password and a code: what opens, what does not, and that the one looks like the other.

use reqwest::{Method, Response, StatusCode, redirect};
use steadyhand::access::secret::{self, Door};
use steadyhand::access::session::LOGIN_STEP_TRIES;
use steadyhand::access::totp::{Shared, recovery_hash};
use steadyhand::entropy;
use steadyhand::store::access::{Began, NewApiToken};
use steadyhand::store::people::{NewPerson, Source};
use uuid::Uuid;

use super::server::{Server, cookie};

pub const PASSWORD: &str = "correct horse battery";

pub const ANNA_OPERATES: &str = "steadyhand: 1\ngrants:\n  - {who: user:anna, role: operator}\n";

const SECRET: [u8; 20] = [9; 20];

async fn try_in(server: &Server, name: &str, password: &str) -> Response {
    server.send(Method::POST, "/login", "", &[("name", name), ("password", password)]).await
}

/// The session that a password begins.
pub async fn signed_in(server: &Server, name: &str, password: &str) -> String {
    let answer = try_in(server, name, password).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    cookie(&answer).expect("a session is given")
}

async fn home(server: &Server, session: &str) -> StatusCode {
    server.send(Method::GET, "/", session, &[]).await.status()
}

/// A confirmed secret and one recovery code.
async fn with_app(server: &Server, id: Uuid) -> Shared {
    assert!(server.store.propose_totp(id, &SECRET).await.expect("it is stored"));
    let recovery = recovery_hash("abcd-efgh-jkmn-pqrs").expect("it has the form of one");
    assert!(server.store.confirm_totp(id, 0, &[recovery], "command-line", 1).await.expect("it is stored"));
    Shared::new(SECRET, "anna")
}

/// A token of an account that may do what `scopes` say.
pub async fn owned_token(server: &Server, name: &str, owner: Uuid, scopes: &str) -> String {
    let text = secret::text(Door::Api, entropy::fresh_token());
    let token = NewApiToken {
        id: entropy::fresh_uuid(server.clock.wall_ms()),
        name: "ci".to_owned(),
        token_hash: secret::hash(Door::Api, &text).expect("it has the form of its door"),
        actor: format!("user:{name}/ci"),
        owner: Some(owner),
        scopes: scopes.to_owned(),
        created_at_ms: server.clock.wall_ms(),
        expires_at_ms: None,
    };
    assert!(server.store.create_api_token(&token, "command-line").await.expect("it is stored"));
    text
}

#[tokio::test]
async fn a_password_begins_a_session_that_scripts_cannot_read_and_leads_back() {
    let server = Server::start().await;
    let id = server.person("anna", Some(PASSWORD)).await;
    let fields = [("name", " Anna "), ("password", PASSWORD), ("next", "/runs?x=1")];
    let answer = server.send(Method::POST, "/login", "", &fields).await;
    assert_eq!(answer.headers()["location"], "/runs?x=1");
    let set = answer.headers()["set-cookie"].to_str().expect("cookies are ASCII");
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
    let session = &server.store.sessions_of("user:anna", 0).await.expect("it reads")[0];
    assert_eq!((session.began, session.person, session.peer.as_str()), (Began::Password, Some(id), "127.0.0.1"));
    assert!(server.store.person(id).await.expect("it reads").expect("it is there").last_login_ms.is_some());
    assert_eq!(home(&server, &cookie(&answer).expect("a session is given")).await, StatusCode::OK);
}

#[tokio::test]
async fn nobody_a_wrong_password_and_a_disabled_account_get_the_same_answer() {
    let server = Server::start().await;
    server.person("anna", Some(PASSWORD)).await;
    let gone = server.person("gone", Some(PASSWORD)).await;
    server.store.disable_person(gone, "command-line", 1).await.expect("it is stored");
    server.person("link", None).await;
    let source = Source::Provider { issuer: "https://id.example".to_owned(), subject: "1".to_owned() };
    let provided = NewPerson {
        id: entropy::fresh_uuid(1),
        name: "prov".to_owned(),
        display_name: String::new(),
        email: None,
        password_hash: Some(steadyhand::access::password::Password::typed(PASSWORD).hash([1; 32])),
        source,
        groups: Vec::new(),
        created_at_ms: 1,
    };
    assert!(server.store.create_person(&provided, "command-line").await.expect("it is stored"));
    let mut answers = Vec::new();
    for (name, password) in
        [("anna", "wrong horse battery"), ("nosuch", PASSWORD), ("gone", PASSWORD), ("link", ""), ("prov", PASSWORD)]
    {
        let answer = try_in(&server, name, password).await;
        assert!(cookie(&answer).is_none(), "{name}");
        let (status, typed) = (answer.status(), format!("value=\"{name}\""));
        answers.push((status, answer.text().await.expect("a page is text").replace(&typed, "value=\"NAME\"")));
    }
    assert_eq!(answers[0].0, StatusCode::FORBIDDEN);
    for answer in &answers[1..] {
        assert_eq!(answer, &answers[0]);
    }
}

/// Without the hash of nobody an unknown name answers in a millisecond, and names could be tried out.
#[tokio::test]
async fn nobody_costs_as_many_hashes_as_a_wrong_password() {
    let server = Server::start().await;
    server.person("anna", Some(PASSWORD)).await;
    for name in ["anna", "nobody"] {
        let before = server.web.passwords_computed();
        assert_eq!(try_in(&server, name, "wrong horse battery").await.status(), StatusCode::FORBIDDEN);
        assert_eq!(server.web.passwords_computed() - before, 1, "{name}");
    }
}

#[tokio::test]
async fn an_account_that_is_tried_from_many_addresses_waits_whether_or_not_it_is_there() {
    let server = Server::start().await;
    server.person("anna", Some(PASSWORD)).await;
    for name in ["anna", "nobody"] {
        let mut statuses = Vec::new();
        for address in 2..6 {
            let client = reqwest::Client::builder()
                .local_address(Some([127, 0, if name == "anna" { 1 } else { 2 }, address].into()))
                .redirect(redirect::Policy::none())
                .no_proxy()
                .build()
                .expect("a client can be made");
            for _ in 0..10 {
                let request =
                    client.post(server.url("/login")).header("content-type", "application/x-www-form-urlencoded");
                let answer = request.body(format!("name={name}&password=wrong")).send().await;
                statuses.push(answer.expect("the server answers").status());
            }
        }
        assert!(statuses[..30].iter().all(|status| *status == StatusCode::FORBIDDEN), "{statuses:?}");
        assert!(statuses[30..].contains(&StatusCode::TOO_MANY_REQUESTS), "{name}: {statuses:?}");
    }
    let mut elsewhere = server.send(Method::POST, "/login", "", &[("name", "other"), ("password", "x")]).await;
    assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN, "others are not kept waiting: {:?}", elsewhere.chunk().await);
}

#[tokio::test]
async fn signing_in_ends_the_session_that_the_browser_had() {
    let server = Server::start().await;
    server.person("anna", Some(PASSWORD)).await;
    let before = signed_in(&server, "anna", PASSWORD).await;
    let answer = server.send(Method::POST, "/login", &before, &[("name", "anna"), ("password", PASSWORD)]).await;
    let after = cookie(&answer).expect("a session is given");
    assert_ne!(before, after);
    assert_eq!(home(&server, &before).await, StatusCode::UNAUTHORIZED);
    assert_eq!(home(&server, &after).await, StatusCode::OK);
}

#[tokio::test]
async fn with_an_app_the_password_alone_opens_nothing_and_a_code_works_once() {
    let server = Server::start().await;
    let id = server.person("anna", Some(PASSWORD)).await;
    let app = with_app(&server, id).await;
    let half = |answer: &Response| {
        assert_eq!(answer.headers()["location"], "/login/code");
        cookie(answer).expect("a half login is given")
    };
    let step = half(&try_in(&server, "anna", PASSWORD).await);
    assert!(step.starts_with("steadyhand_login="), "{step}");
    assert_eq!(home(&server, &step).await, StatusCode::UNAUTHORIZED);
    let as_session = step.replace("steadyhand_login=shstep_", "steadyhand_session=shsession_");
    assert_eq!(home(&server, &as_session).await, StatusCode::UNAUTHORIZED);
    let page = server.send(Method::GET, "/login/code", &step, &[]).await;
    assert!(page.text().await.expect("a page is text").contains("one-time-code"));

    let code = app.code(server.clock.wall_ms());
    let wrong = server.send(Method::POST, "/login/code", &step, &[("code", "12345")]).await;
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    let right = server.send(Method::POST, "/login/code", &step, &[("code", &code)]).await;
    assert_eq!(right.status(), StatusCode::SEE_OTHER);
    assert!(
        right
            .headers()
            .get_all("set-cookie")
            .iter()
            .any(|set| set.to_str().is_ok_and(|set| set.starts_with("steadyhand_session=shs")))
    );

    let step = half(&try_in(&server, "anna", PASSWORD).await);
    let again = server.send(Method::POST, "/login/code", &step, &[("code", &code)]).await;
    assert_eq!(again.status(), StatusCode::FORBIDDEN, "the code was used");
    let recovery = [("code", "ABCD efgh jkmn pqrs")];
    let step = half(&try_in(&server, "anna", PASSWORD).await);
    assert_eq!(server.send(Method::POST, "/login/code", &step, &recovery).await.status(), StatusCode::SEE_OTHER);
    let step = half(&try_in(&server, "anna", PASSWORD).await);
    assert_eq!(server.send(Method::POST, "/login/code", &step, &recovery).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn after_a_few_wrong_codes_it_begins_again_with_the_password() {
    let server = Server::start().await;
    let id = server.person("anna", Some(PASSWORD)).await;
    let app = with_app(&server, id).await;
    let step = cookie(&try_in(&server, "anna", PASSWORD).await).expect("a half login is given");
    for _ in 0..LOGIN_STEP_TRIES {
        let wrong = server.send(Method::POST, "/login/code", &step, &[("code", "000")]).await;
        assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    }
    let code = app.code(server.clock.wall_ms());
    let late = server.send(Method::POST, "/login/code", &step, &[("code", &code)]).await;
    assert_eq!(late.headers()["location"], "/login", "the right code comes too late");
    assert!(server.store.sessions_of("user:anna", 0).await.expect("it reads").is_empty());
}

#[tokio::test]
async fn a_disabled_person_is_out_on_every_road_at_once() {
    let server = Server::start().await;
    server.grant(ANNA_OPERATES);
    let id = server.person("anna", Some(PASSWORD)).await;
    let session = signed_in(&server, "anna", PASSWORD).await;
    let token = owned_token(&server, "anna", id, r#"{"v":1,"all":true}"#).await;
    let link = server.login_link_of("anna", Some(id), Began::BreakGlass).await;
    let with_token = || server.bare(Method::GET, "/api/v1/runs").bearer_auth(&token).send();
    assert_eq!(with_token().await.expect("it answers").status(), StatusCode::OK);
    server.store.disable_person(id, "command-line", server.clock.wall_ms()).await.expect("it is stored");
    assert_eq!(home(&server, &session).await, StatusCode::UNAUTHORIZED);
    assert_eq!(with_token().await.expect("it answers").status(), StatusCode::UNAUTHORIZED);
    let by_link = server.send(Method::POST, "/login", "", &[("token", &link)]).await;
    assert_eq!(by_link.status(), StatusCode::FORBIDDEN);
    assert_eq!(try_in(&server, "anna", PASSWORD).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_token_acts_in_its_owner_s_name_and_within_its_scopes() {
    let server = Server::start().await;
    server.grant(ANNA_OPERATES);
    let id = server.person("anna", None).await;
    let reads = owned_token(&server, "anna", id, r#"{"v":2,"verbs":["read-runs"],"runbooks":[],"hosts":null}"#).await;
    let ask = |method: Method, path: &'static str, token: &str| server.bare(method, path).bearer_auth(token).send();
    let body = serde_json::json!({"runbook": "web/tour", "inputs": {"folder": server.written()}, "hosts": ["web-1"]});
    assert_eq!(ask(Method::GET, "/api/v1/runs", &reads).await.expect("it answers").status(), StatusCode::OK);
    let start = server.bare(Method::POST, "/api/v1/runs").bearer_auth(&reads).json(&body).send().await;
    assert_eq!(start.expect("it answers").status(), StatusCode::FORBIDDEN);
    let damaged = owned_token(&server, "anna", id, "{}").await;
    assert_eq!(ask(Method::GET, "/api/v1/runs", &damaged).await.expect("it answers").status(), StatusCode::FORBIDDEN);
    let all = owned_token(&server, "anna", id, r#"{"v":1,"all":true}"#).await;
    for path in ["/account", "/account/confirm", "/account/totp"] {
        assert_eq!(ask(Method::GET, path, &all).await.expect("it answers").status(), StatusCode::FORBIDDEN, "{path}");
    }
    let mint = server.bare(Method::POST, "/account/tokens").bearer_auth(&all).body("token_name=more").send().await;
    assert_eq!(mint.expect("it answers").status(), StatusCode::FORBIDDEN, "a token makes no tokens");
}

#[tokio::test]
async fn only_a_break_glass_link_reaches_more_than_is_granted() {
    let server = Server::start().await;
    let id = server.person("anna", Some(PASSWORD)).await;
    let password = signed_in(&server, "anna", PASSWORD).await;
    let mut sessions = Vec::new();
    for began in [Began::Link, Began::BreakGlass] {
        let link = server.login_link_of("anna", Some(id), began).await;
        sessions.push(server.session_of_link(&link).await);
    }
    let tour = async |session: &str| server.send(Method::GET, "/runbooks/web/tour", session, &[]).await.status();
    assert_eq!(tour(&password).await, StatusCode::NOT_FOUND);
    assert_eq!(tour(&sessions[0]).await, StatusCode::NOT_FOUND);
    assert_eq!(tour(&sessions[1]).await, StatusCode::OK);
}

#[tokio::test]
async fn what_a_browser_calls_itself_is_cut_and_plain() {
    let server = Server::start().await;
    server.person("anna", Some(PASSWORD)).await;
    let request = server.bare(Method::POST, "/login").header("content-type", "application/x-www-form-urlencoded");
    let request = request.header("user-agent", format!("Evil\u{9}{}", "x".repeat(5_000)));
    let answer = request.body(format!("name=anna&password={}", PASSWORD.replace(' ', "+"))).send().await;
    assert_eq!(answer.expect("it answers").status(), StatusCode::SEE_OTHER);
    let session = &server.store.sessions_of("user:anna", 0).await.expect("it reads")[0];
    assert_eq!(session.user_agent.len(), 200);
    assert!(session.user_agent.starts_with("Evilxx"), "{}", session.user_agent);
}
