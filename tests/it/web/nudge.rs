//! A nudge: whoever sees a run may remind whom it waits for, once in five minutes; it is recorded and shown.

use reqwest::{Method, StatusCode};
use serde_json::json;
use steadyhand::access::identity::{Identity, Reach, Road};
use steadyhand::run::event::Actor;

use super::server::Server;

const ACCESS: &str = "\
steadyhand: 1
grants:
  - {who: user:viewer, role: viewer, runbooks: web/**}
  - {who: user:stranger, role: viewer, runbooks: db/**}
";

fn person(name: &str) -> Identity {
    Identity {
        actor: Actor(format!("user:{name}")),
        road: Road::Session,
        groups: Vec::new(),
        reach: Reach::Granted,
        authenticated_at_ms: None,
    }
}

async fn nudge(server: &Server, who: &str, run: &str) -> (StatusCode, String) {
    let (address, body) = (format!("/runs/{run}/nudge"), json!({}));
    let answer = server.web.answer_to(person(who), Method::POST, &address, Some(&body)).await.expect("it answers");
    (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
}

#[tokio::test]
async fn who_sees_a_run_nudges_once_and_whom_it_waits_for_is_shown_it() {
    let server = Server::start().await;
    server.grant(ACCESS);
    let run = server.tour(&["web-1"]).await;
    server.until(&run, |view| view["waiting"]["for"] == "confirm").await;
    assert_eq!(nudge(&server, "stranger", &run).await.0, StatusCode::NOT_FOUND);
    assert!(!server.page(&format!("/runs/{run}")).await.contains("nudged"));

    assert_eq!(nudge(&server, "viewer", &run).await.0, StatusCode::SEE_OTHER);
    assert!(server.page(&format!("/runs/{run}")).await.contains("user:viewer nudged"));
    let (status, page) = nudge(&server, "viewer", &run).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("less than five minutes ago"), "{page}");
    let auditor = Identity { reach: Reach::BreakGlass, ..person("chief") };
    let answer = server.web.answer_to(auditor, Method::GET, "/api/v1/audit?kind=nudged", None).await;
    let recorded = String::from_utf8_lossy(&answer.expect("it answers").body).into_owned();
    assert_eq!(recorded.matches("user:viewer").count(), 1, "{recorded}");
}

#[tokio::test]
async fn a_run_that_waits_for_nobody_else_is_not_nudged() {
    let server = Server::start().await;
    server.grant(ACCESS);
    let run = server.tour(&["web-1"]).await;
    let view = server.until(&run, |view| view["waiting"]["for"] == "confirm").await;
    let abort = json!({"action": "abort", "reason": "seen enough", "seq": view["seq"]});
    let (status, said) = server.post(&format!("/api/v1/runs/{run}/actions"), &abort).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    server.until(&run, |view| view["state"] == "aborted").await;
    let (status, page) = nudge(&server, "viewer", &run).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("waits for nobody else"), "{page}");
}
