//! Every address is behind its door, and the doors open for whom they should.

use reqwest::{Method, StatusCode};
use steadyhand::access::session::SESSION_IDLE_MS;
use steadyhand::web::routes::{Door, table};

use super::server::{Server, cookie, make_token};

/// An address of the route: parameters are filled with what exists nowhere.
pub fn address(path: &str) -> String {
    path.replace("{id}", "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01")
        .replace("{*path}", "web/none")
        .replace("{step}", "none")
        .replace("{host}", "none")
        .replace("{token}", "none")
        .replace("{digest}", "none")
        .replace("{name}", "none")
}

async fn status(server: &Server, method: &Method, path: &str, bearer: Option<&str>) -> StatusCode {
    let mut request = server.bare(method.clone(), &address(path));
    if let Some(token) = bearer {
        request = request.bearer_auth(token);
    }
    request.send().await.expect("the server answers").status()
}

#[tokio::test]
async fn no_guarded_route_answers_without_good_credentials_and_every_one_does_with_them() {
    let server = Server::start().await;
    let now_ms = server.clock.wall_ms();
    let expired = make_token(&server.store, now_ms - 10_000, Some(now_ms - 1)).await;
    let never_made = format!("shtoken_{}", "0".repeat(64));
    let guarded: Vec<_> = table().into_iter().filter(|route| matches!(route.door, Door::Needs(_))).collect();
    assert!(guarded.len() > 20, "the table holds the routes");
    for route in &guarded {
        for bad in [None, Some("x"), Some(never_made.as_str()), Some(expired.as_str())] {
            let got = status(&server, &route.method, route.path, bad).await;
            assert_eq!(got, StatusCode::UNAUTHORIZED, "{} {} with {bad:?}", route.method, route.path);
        }
        let got = status(&server, &route.method, route.path, Some(&server.token)).await;
        assert_ne!(got, StatusCode::UNAUTHORIZED, "{} {}", route.method, route.path);
        assert_ne!(got, StatusCode::INTERNAL_SERVER_ERROR, "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn only_these_routes_are_open_to_everybody() {
    let open: Vec<String> = table()
        .into_iter()
        .filter(|route| !matches!(route.door, Door::Needs(_)))
        .map(|route| format!("{} {} {:?}", route.method, route.path, route.door))
        .collect();
    let expected = [
        "GET /healthz Public",
        "GET /livez Public",
        "GET /readyz Public",
        "GET /assets/{digest}/{name} Public",
        "GET /login Public",
        "POST /login Secret",
        "GET /login/code Secret",
        "POST /login/code Secret",
        "GET /login/provider Public",
        "GET /login/provider/callback Secret",
        "GET /s/{token} Secret",
        "GET /answer/{token} Secret",
        "POST /answer/{token} Secret",
        "GET /shared/{id} ShareCookie",
        "GET /shared/{id}/raw ShareCookie",
    ];
    assert_eq!(open, expected);
}

#[tokio::test]
async fn an_address_that_is_not_in_the_table_tells_nothing() {
    let server = Server::start().await;
    for path in ["/api/v1/none", "/api/v2/runs", "/runs/x/y/z", "/.git/config", "/metrics", "/api/v1/runs/"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let wrong_method = server.asked(Method::PUT, "/api/v1/runs").send().await.expect("the server answers");
    assert_eq!(wrong_method.status(), StatusCode::METHOD_NOT_ALLOWED);
    let kind = wrong_method.headers()["content-type"].to_str().expect("headers are ASCII");
    assert_eq!(kind, "application/problem+json");
}

#[tokio::test]
async fn a_login_link_works_once_and_gives_a_session_that_scripts_cannot_read() {
    let server = Server::start().await;
    let link = server.login_link().await;
    let look = server.bare(Method::GET, &format!("/login?token={link}")).send().await.expect("the server answers");
    assert!(cookie(&look).is_none(), "looking at the link uses nothing up");
    let post = |body: String| {
        let request = server.bare(Method::POST, "/login").header("content-type", "application/x-www-form-urlencoded");
        request.body(body).send()
    };
    let first = post(format!("token={link}&next=//evil.example")).await.expect("the server answers");
    assert_eq!(first.status(), StatusCode::SEE_OTHER);
    assert_eq!(first.headers()["location"], "/", "never to another site");
    let set = first.headers()["set-cookie"].to_str().expect("cookies are ASCII").to_owned();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    assert_eq!(post(format!("token={link}")).await.expect("the server answers").status(), StatusCode::FORBIDDEN);

    let session = set.split(';').next().expect("a split has a first part");
    let home = || server.bare(Method::GET, "/").header("cookie", session).send();
    assert_eq!(home().await.expect("the server answers").status(), StatusCode::OK);
    let out = server.bare(Method::POST, "/logout").header("cookie", session).send().await.expect("it answers");
    assert_eq!(out.status(), StatusCode::SEE_OTHER);
    assert_eq!(home().await.expect("the server answers").status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_that_idled_is_over_and_does_not_come_back_by_asking_twice() {
    let server = Server::start().await;
    let text = steadyhand::access::secret::text(steadyhand::access::secret::Door::Session, [9; 32]);
    let door = steadyhand::access::secret::Door::Session;
    let token_hash = steadyhand::access::secret::hash(door, &text).expect("it has the form of its door");
    let now_ms = server.clock.wall_ms();
    let seen_ms = now_ms - SESSION_IDLE_MS - 1_000;
    let session = steadyhand::store::access::Session {
        id: steadyhand::entropy::fresh_uuid(now_ms),
        token_hash,
        actor: "user:anna".to_owned(),
        person: None,
        began: steadyhand::store::access::Began::BreakGlass,
        groups: Vec::new(),
        created_at_ms: seen_ms,
        authenticated_at_ms: seen_ms,
        last_seen_ms: seen_ms,
        expires_at_ms: now_ms + SESSION_IDLE_MS,
        user_agent: String::new(),
        peer: "127.0.0.1".to_owned(),
    };
    server.store.create_session(&session).await.expect("it is stored");
    for _ in 0..2 {
        let request = server.bare(Method::GET, "/").header("cookie", format!("steadyhand_session={text}"));
        assert_eq!(request.send().await.expect("the server answers").status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_page_without_a_session_says_how_to_sign_in_and_the_api_answers_with_a_problem() {
    let server = Server::start().await;
    let page = server.bare(Method::GET, "/runs").send().await.expect("the server answers");
    assert_eq!(page.status(), StatusCode::UNAUTHORIZED);
    assert!(page.text().await.expect("a page is text").contains("link that works once"));
    let api = server.bare(Method::GET, "/api/v1/runs").send().await.expect("the server answers");
    assert_eq!(api.headers()["content-type"], "application/problem+json");
    assert_eq!(api.headers()["www-authenticate"], "Bearer");
    let problem: serde_json::Value = api.json().await.expect("the answer is JSON");
    assert_eq!(problem["status"], 401);
    assert_eq!(problem["type"], "urn:steadyhand:problem:sign-in");
    assert!(problem["instance"].as_str().is_some_and(|instance| instance.starts_with("urn:uuid:")));
}

#[tokio::test]
async fn a_wrong_token_is_not_made_good_by_a_cookie() {
    let server = Server::start().await;
    let session = server.session().await;
    let request = server.bare(Method::GET, "/api/v1/runs").header("cookie", session).bearer_auth("shtoken_x");
    assert_eq!(request.send().await.expect("the server answers").status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn whoever_guesses_login_links_is_made_to_wait() {
    let server = Server::start().await;
    let mut statuses = Vec::new();
    for guess in 0..40 {
        let request = server.bare(Method::POST, "/login").header("content-type", "application/x-www-form-urlencoded");
        let request = request.body(format!("token=shlogin_{guess:064x}"));
        statuses.push(request.send().await.expect("the server answers").status());
    }
    assert!(statuses.contains(&StatusCode::TOO_MANY_REQUESTS));
    assert!(statuses.iter().all(|status| status.is_client_error()));
}

#[tokio::test]
async fn every_api_route_is_in_the_description_and_nothing_else() {
    let server = Server::start().await;
    let description = server.json("/api/openapi.json").await;
    assert!(description["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let mut described: Vec<String> = Vec::new();
    for (path, methods) in description["paths"].as_object().expect("paths are an object") {
        for method in methods.as_object().expect("methods are an object").keys() {
            described.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    let mut routes: Vec<String> = table()
        .iter()
        .filter(|route| route.path.starts_with("/api/"))
        .map(|route| format!("{} {}", route.method, route.path.replace("{*path}", "{path}")))
        .collect();
    described.sort();
    routes.sort();
    assert_eq!(described, routes);
}
