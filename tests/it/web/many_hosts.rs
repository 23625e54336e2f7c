//! Many hosts and two runs: equal outputs stand together, and differences side by side.

use reqwest::StatusCode;
use serde_json::json;

use super::server::Server;

/// What web-2 says differs by a word, and everything by the host's name.
const SPEAK: &str = r#"
steadyhand: 1
name: Say something
summary: Prints what differs from host to host. A minute.
owner: team:web
review_by: 2099-01-01
inputs:
  word: {description: What to say, type: string, default: fine}
hosts: {select: "role in (web, db)"}
steps:
  - id: say
    name: Say it
    check: 'echo checked; if [ "$host" = web-2 ]; then echo "nginx is broken"; else echo "nginx is $word"; fi; echo end'
  - id: greet
    name: Greet by name
    check: echo "hello from $host at 12:0$(echo $host | wc -c)"
"#;

async fn spoken(server: &Server, word: &str, hosts: &[&str]) -> String {
    let folder = server.folder.path().join("repository/runbooks/web/speak.yaml");
    std::fs::write(folder, SPEAK).expect("a file can be written");
    let body = json!({"runbook": "web/speak", "inputs": {"word": word}, "hosts": hosts});
    let (status, started) = server.post("/api/v1/runs", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{started}");
    let run = started["id"].as_str().expect("a run has an id").to_owned();
    server.until(&run, |view| view["state"] == "succeeded").await;
    run
}

#[tokio::test]
async fn hosts_that_said_the_same_stand_together_and_the_others_say_how_they_differ() {
    let server = Server::start().await;
    let run = spoken(&server, "fine", &["web-1", "web-2", "db-1"]).await;
    let page = server.page(&format!("/runs/{run}/steps/say/groups")).await;
    assert!(page.contains("2 hosts said this, 1 differs."), "{page}");
    assert!(page.contains("1 line differs from the largest group."));
    assert!(page.contains("nginx is <mark>fine</mark>") && page.contains("nginx is <mark>broken</mark>"), "{page}");
    assert!(page.contains("/hosts/web-2/compare?with=host%3A"));
    let named = server.page(&format!("/runs/{run}/steps/greet/groups")).await;
    assert!(named.contains("Each of the 3 hosts said something else."), "{named}");
    let without = server.page(&format!("/runs/{run}/steps/greet/groups?noise=1")).await;
    assert!(without.contains("All 3 hosts said the same."), "{without}");
    assert_eq!(server.get(&format!("/runs/{run}/steps/none/groups")).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_step_is_compared_with_the_last_good_run_and_with_another_host() {
    let server = Server::start().await;
    let first = spoken(&server, "fine", &["web-1", "web-2"]).await;
    let path = |run: &str| format!("/runs/{run}/steps/say/hosts/web-1/compare");
    let none = server.page(&path(&first)).await;
    assert!(none.contains("No earlier run of this runbook succeeded"), "{none}");
    let second = spoken(&server, "slow", &["web-1", "web-2"]).await;
    let page = server.page(&path(&second)).await;
    assert!(page.contains("1 line differs.") && page.contains("last good run"), "{page}");
    assert!(page.contains("<mark>fine</mark>") && page.contains("<mark>slow</mark>"), "{page}");
    assert!(page.contains(&format!("/runs/{first}/steps/say/hosts/web-1?attempt=")), "it leads to the other output");
    let host = server.page(&format!("{}?with=host:web-2", path(&second))).await;
    assert!(host.contains("nginx is <mark>broken</mark>"), "{host}");
    let absent = server.page(&format!("{}?with=host:db-1", path(&second))).await;
    assert!(absent.contains("This step has not run on db-1."), "{absent}");
    assert_eq!(server.get(&format!("{}?with=nonsense", path(&second))).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_too_long_is_compared_as_far_as_it_says() {
    let server = Server::start().await;
    let body = json!({"runbook": "web/long", "hosts": ["web-1", "web-2"], "inputs": {"lines": 3_000}});
    let (_, started) = server.post("/api/v1/runs", &body).await;
    let run = started["id"].as_str().expect("a run has an id").to_owned();
    server.until(&run, |view| view["waiting"]["for"] == "confirm").await;
    let page = server.page(&format!("/runs/{run}/steps/talk/hosts/web-1/compare?with=host:web-2")).await;
    assert!(page.contains("Too long to compare whole: these are the first 2,000 of 3,001 lines"), "{page}");
    assert!(page.contains("What was compared is the same."), "it does not say that all is the same");
}
