//! What attacked the peers, tried on us: one test a class of `lessons`.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::server::Server;

#[tokio::test]
async fn every_answer_shuts_the_doors_of_the_browser() {
    let server = Server::start().await;
    for path in ["/", "/runs", "/login", "/none", "/api/v1/runs", "/s/none", "/assets/x/app.css", "/healthz"] {
        let answer = server.get(path).await;
        let headers = answer.headers();
        let policy = headers["content-security-policy"].to_str().expect("headers are ASCII");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"), ("x-frame-options", "DENY")]
        {
            assert_eq!(headers[name], value, "{path}");
        }
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
        if !path.starts_with("/assets") {
            assert_eq!(headers["cache-control"], "no-store", "{path}");
        }
    }
}

#[tokio::test]
async fn a_write_from_another_site_is_refused_although_the_browser_sends_the_cookie() {
    let server = Server::start().await;
    let session = server.session().await;
    let run = server.tour(&["web-1"]).await;
    let before = server.json(&format!("/api/v1/runs/{run}")).await["seq"].clone();
    let elsewhere =
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")];
    for path in [format!("/runs/{run}/actions"), format!("/runs/{run}/share"), "/logout".to_owned()] {
        for (name, value) in elsewhere {
            let request = server.bare(Method::POST, &path).header("cookie", &session).header(name, value);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let answer = request.body("action=abort&reason=x&seq=99").send().await.expect("the server answers");
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path} {name}: {value}");
        }
    }
    assert_eq!(server.json(&format!("/api/v1/runs/{run}")).await["seq"], before, "nothing happened");
}

#[tokio::test]
async fn paths_in_parameters_lead_nowhere() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    for evil in ["..%2F..%2Fetc%2Fpasswd", "%2e%2e%2f%2e%2e%2f", "..%5C..", "%00", "-V", "%0a", "*", "'%20or%201=1--"] {
        for path in [
            format!("/runs/{evil}"),
            format!("/api/v1/runs/{evil}"),
            format!("/api/v1/runs/{evil}/events"),
            format!("/api/v1/runs/{run}/steps/{evil}/hosts/web-1/output"),
            format!("/api/v1/runs/{run}/steps/look/hosts/{evil}/output"),
            format!("/api/v1/runs/{run}/steps/look/hosts/web-1/output?attempt={evil}"),
            format!("/runs/{run}/steps/{evil}/hosts/web-1"),
            format!("/runbooks/{evil}"),
            format!("/api/v1/runbooks/web/{evil}"),
            format!("/start/{evil}"),
            format!("/assets/x/{evil}"),
            format!("/s/{evil}"),
            format!("/shared/{evil}"),
        ] {
            let answer = server.get(&path).await;
            assert!(matches!(answer.status().as_u16(), 400 | 404), "{path}: {}", answer.status());
            let text = answer.text().await.expect("an answer is text");
            assert!(!text.contains("root:"), "{path}");
        }
    }
}

#[tokio::test]
async fn what_a_host_writes_is_text_and_colours_only() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    for path in [format!("/runs/{run}/steps/look/hosts/web-1"), format!("/runs/{run}")] {
        let page = server.page(&path).await;
        assert!(!page.contains("<script>alert"), "{path}");
        assert!(!page.contains('\u{1b}'), "{path}");
    }
    let page = server.page(&format!("/runs/{run}/steps/look/hosts/web-1")).await;
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("<span class=\"sgr-fg-1\">red</span>"));
    let raw = server.get(&format!("/api/v1/runs/{run}/steps/look/hosts/web-1/output")).await;
    assert_eq!(raw.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(raw.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn what_a_person_types_comes_back_as_text() {
    let server = Server::start().await;
    let evil = "\"><script>alert(1)</script>";
    let encoded: String = form_urlencoded::byte_serialize(evil.as_bytes()).collect();
    for path in [
        format!("/runs?q={encoded}&host={encoded}&runbook={encoded}&state={encoded}"),
        format!("/runbooks?q={encoded}"),
        format!("/start/web/tour?input.folder={encoded}&continues={encoded}&ref={encoded}"),
        format!("/login?token={encoded}&next={encoded}"),
    ] {
        let page = server.page(&path).await;
        assert!(!page.contains("<script>alert"), "{path}");
    }
}

#[tokio::test]
async fn an_oversized_body_is_refused_before_it_is_read_to_its_end() {
    let server = Server::start().await;
    let huge = "x".repeat(3 * 1024 * 1024);
    let json = json!({"runbook": "web/tour", "inputs": {"note": huge}});
    let answer = server.asked(Method::POST, "/api/v1/runs").json(&json).send().await;
    // The server may close the connection while the body is still on its way.
    if let Ok(answer) = answer {
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    let form =
        server.asked(Method::POST, "/start/web/tour").header("content-type", "application/x-www-form-urlencoded");
    if let Ok(answer) = form.body(format!("input.note={huge}")).send().await {
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    assert_eq!(server.get("/healthz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_malformed_body_is_a_problem_and_never_a_crash() {
    let server = Server::start().await;
    for body in ["", "{", "[]", "null", "{\"runbook\": 1}", "{\"runbook\": \"x\", \"unknown\": 1}", "\u{0}"] {
        let request = server.asked(Method::POST, "/api/v1/runs").header("content-type", "application/json");
        let answer = request.body(body).send().await.expect("the server answers");
        assert!(answer.status().is_client_error(), "{body:?}: {}", answer.status());
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{body:?}");
    }
    let no_type = server.asked(Method::POST, "/api/v1/runs").body("{}").send().await.expect("the server answers");
    assert_eq!(no_type.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn an_attempt_of_one_run_does_not_open_through_another() {
    let server = Server::start().await;
    let (one, other) = (server.tour(&["web-1"]).await, server.tour(&["web-1"]).await);
    let view = server.json(&format!("/api/v1/runs/{one}")).await;
    let attempt = view["steps"][0]["cells"][0]["attempts"][0]["id"].as_str().expect("it ran").to_owned();
    let path = |run: &str| format!("/api/v1/runs/{run}/steps/look/hosts/web-1/output?attempt={attempt}");
    assert_eq!(server.get(&path(&one)).await.status(), StatusCode::OK);
    assert_eq!(server.get(&path(&other)).await.status(), StatusCode::NOT_FOUND);
}
