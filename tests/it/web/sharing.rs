//! Share links: what they show, to whom, for how long, and what they never show.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use steadyhand::web::WebOptions;

use super::server::{Server, cookie};

async fn share(server: &Server, body: &Value) -> Value {
    let (status, made) = server.post("/api/v1/shares", body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made
}

/// The path of a link.
fn path(made: &Value) -> String {
    let url = made["url"].as_str().expect("a link has an address");
    url[url.find("/s/").expect("it is a share link")..].to_owned()
}

async fn open(server: &Server, path: &str, cookie: Option<&str>) -> Response {
    let request = server.bare(Method::GET, path);
    let request = match cookie {
        Some(cookie) => request.header("cookie", cookie),
        None => request,
    };
    request.send().await.expect("the server answers")
}

#[tokio::test]
async fn a_link_opens_without_login_and_its_token_leaves_the_address_at_once() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let made = share(&server, &json!({"run": run, "step": "look", "host": "web-1", "label": "Look at this"})).await;
    let swapped = open(&server, &path(&made), None).await;
    assert_eq!(swapped.status(), StatusCode::SEE_OTHER);
    let clean = swapped.headers()["location"].to_str().expect("headers are ASCII").to_owned();
    assert_eq!(clean, format!("/shared/{}", made["id"].as_str().expect("an id")));
    let set = swapped.headers()["set-cookie"].to_str().expect("cookies are ASCII");
    assert!(set.contains("HttpOnly") && set.contains(&format!("Path={clean}")), "{set}");
    assert!(swapped.headers()["x-robots-tag"].to_str().is_ok_and(|robots| robots.contains("noindex")));
    let cookie = cookie(&swapped).expect("a cookie is given");
    let page = open(&server, &clean, Some(&cookie)).await;
    assert_eq!(page.status(), StatusCode::OK);
    let text = page.text().await.expect("a page is text");
    assert!(text.contains("Look at this") && text.contains("first line") && text.contains("id=\"L1\""));
    assert!(!text.contains("Write the note"), "other steps are not in it");
    assert!(!text.contains("Sign out"), "nothing of the signed-in pages");
    let raw = open(&server, &format!("{clean}/raw"), Some(&cookie)).await;
    assert_eq!(raw.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(raw.text().await.expect("it is text").contains("first line\n"));
    let other = open(&server, &format!("/runs/{run}"), Some(&cookie)).await;
    assert_eq!(other.status(), StatusCode::UNAUTHORIZED, "the cookie opens nothing else");
    let listed = server.json(&format!("/api/v1/shares?run={run}")).await;
    assert_eq!(listed["shares"][0]["views"], 1);
}

#[tokio::test]
async fn unknown_expired_and_revoked_links_look_alike() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let (live, revoked) = (share(&server, &json!({"run": run})).await, share(&server, &json!({"run": run})).await);
    let swapped = open(&server, &path(&revoked), None).await;
    let visitor = cookie(&swapped).expect("a cookie is given");
    let id = revoked["id"].as_str().expect("an id");
    let answer = server.asked(Method::DELETE, &format!("/api/v1/shares/{id}")).send().await.expect("it answers");
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);

    let expired = steadyhand::access::secret::text(steadyhand::access::secret::Door::Share, [3; 32]);
    let now_ms = server.clock.wall_ms();
    let gone = steadyhand::store::shares::NewShare {
        id: steadyhand::entropy::fresh_uuid(now_ms),
        token_hash: steadyhand::access::secret::hash(steadyhand::access::secret::Door::Share, &expired)
            .expect("its form"),
        run: run.parse().expect("a run id"),
        scope: "{\"version\":1,\"scope\":\"run\"}".to_owned(),
        label: "old".to_owned(),
        created_by: "user:anna".to_owned(),
        created_at_ms: now_ms - 10_000,
        expires_at_ms: now_ms - 1,
        requires_login: false,
    };
    server.store.create_share(&gone, b"{}".to_vec().into()).await.expect("it is stored");

    let mut answers = Vec::new();
    for (path, cookie) in [
        (path(&revoked), None),
        (format!("/s/{expired}"), None),
        (format!("/s/{}", "0".repeat(64)), None),
        ("/s/x".to_owned(), None),
        (format!("/shared/{id}"), Some(visitor.as_str())),
        (format!("/shared/{id}"), None),
        (format!("/shared/{id}/raw"), Some(visitor.as_str())),
        (format!("/shared/{}", live["id"].as_str().expect("an id")), None),
        (format!("/shared/{}", live["id"].as_str().expect("an id")), Some(visitor.as_str())),
        ("/shared/x".to_owned(), None),
    ] {
        let answer = open(&server, &path, cookie).await;
        let mut headers: Vec<_> = answer.headers().keys().map(ToString::to_string).collect();
        headers.sort();
        answers.push((answer.status(), headers, answer.text().await.expect("a page is text")));
    }
    assert_eq!(answers[0].0, StatusCode::NOT_FOUND);
    assert!(answers[0].2.contains("Ask the person who sent it"));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "they differ");
}

#[tokio::test]
async fn what_looks_like_a_secret_is_not_shared_and_the_message_does_not_show_it() {
    let server = Server::start().await;
    let runbook = "steadyhand: 1\nname: Leaks\nsummary: Prints a key. One second.\nowner: team:web\nreview_by: 2099-01-01\n\
         hosts: {names: [web-1]}\nsteps:\n  - id: leak\n    name: Print a key\n    check: 'echo fine; echo AKIA\"\"IOSFODNN7EXAMPLE; echo fine'\n  \
         - id: wait\n    name: Wait\n    manual: Wait.\n";
    std::fs::write(server.folder.path().join("repository/runbooks/leaks.yaml"), runbook).expect("it is written");
    let (status, started) = server.post("/api/v1/runs", &json!({"runbook": "leaks"})).await;
    assert_eq!(status, StatusCode::CREATED, "{started}");
    let run = started["id"].as_str().expect("a run has an id").to_owned();
    server.until(&run, |view| view["waiting"]["for"] == "answer").await;
    for body in
        [json!({"run": run}), json!({"run": run, "step": "leak"}), json!({"run": run, "step": "leak", "host": "web-1"})]
    {
        let (status, problem) = server.post("/api/v1/shares", &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], "web-1, line 2", "{problem}");
        assert!(!problem.to_string().contains("AKIA"), "{problem}");
    }
    let page = server.form(&format!("/runs/{run}/share"), &[("step", "leak"), ("host", "web-1")]).await;
    assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let text = page.text().await.expect("a page is text");
    assert!(text.contains("web-1, line 2") && !text.contains("AKIA"));
    share(&server, &json!({"run": run, "step": "leak", "host": "web-1", "lines": "1-1"})).await;
}

#[tokio::test]
async fn a_link_shows_what_was_there_when_it_was_made() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let made = share(&server, &json!({"run": run})).await;
    let view = server.json(&format!("/api/v1/runs/{run}")).await;
    let confirm = json!({"action": "confirm", "step": "write", "seq": view["seq"]});
    server.post(&format!("/api/v1/runs/{run}/actions"), &confirm).await;
    server.until(&run, |view| view["waiting"]["for"] == "answer").await;
    let swapped = open(&server, &path(&made), None).await;
    let page = open(&server, swapped.headers()["location"].to_str().expect("ASCII"), cookie(&swapped).as_deref()).await;
    assert!(page.text().await.expect("a page is text").contains("Waits for you"), "the state of then");
}

#[tokio::test]
async fn a_link_that_asks_for_login_opens_for_those_who_signed_in() {
    let server = Server::start_with(WebOptions { shares_require_login: true, ..WebOptions::default() }).await;
    let run = server.tour(&["web-1"]).await;
    let made = share(&server, &json!({"run": run})).await;
    assert_eq!(made["requires_login"], true);
    let swapped = open(&server, &path(&made), None).await;
    let (clean, visitor) =
        (swapped.headers()["location"].to_str().expect("ASCII").to_owned(), cookie(&swapped).expect("one"));
    assert_eq!(open(&server, &clean, Some(&visitor)).await.status(), StatusCode::UNAUTHORIZED);
    let session = server.session().await;
    let both = format!("{visitor}; {session}");
    assert_eq!(open(&server, &clean, Some(&both)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn links_last_at_most_a_week_and_name_what_exists() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    for wrong in [
        json!({"run": run, "expires": "8d"}),
        json!({"run": run, "expires": "soon"}),
        json!({"run": run, "step": "none"}),
        json!({"run": run, "step": "look", "host": "web-2"}),
        json!({"run": run, "step": "look", "host": "web-1", "lines": "x"}),
        json!({"run": "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01"}),
    ] {
        let (status, problem) = server.post("/api/v1/shares", &wrong).await;
        assert!(status.is_client_error(), "{wrong}: {problem}");
    }
}

#[tokio::test]
async fn behind_https_cookies_are_secure_and_links_begin_with_the_address_that_people_use() {
    let public_url = Some("https://ops.example.org".to_owned());
    let server = Server::start_with(WebOptions { public_url, ..WebOptions::default() }).await;
    let run = server.tour(&["web-1"]).await;
    let made = share(&server, &json!({"run": run})).await;
    assert!(made["url"].as_str().is_some_and(|url| url.starts_with("https://ops.example.org/s/")));
    let swapped = open(&server, &path(&made), None).await;
    assert!(swapped.headers()["set-cookie"].to_str().is_ok_and(|set| set.contains("Secure")));
}
