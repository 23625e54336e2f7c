//! `access.yaml` while the server runs: changes, mistakes, and streams that were open before.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Method, StatusCode};
use steadyhand::access::identity::{Identity, Reach, Road};
use steadyhand::engine::policy::POLICY_AGE_MAX_MS;
use steadyhand::run::event::Actor;

use super::server::{PATIENCE, Server};

const GOOD: &str = "\
steadyhand: 1
grants:
  - {who: user:anna, role: operator}
";

fn anna() -> Identity {
    Identity {
        actor: Actor("user:anna".to_owned()),
        road: Road::Session,
        groups: Vec::new(),
        reach: Reach::Granted,
        authenticated_at_ms: Some(0),
    }
}

async fn sees_the_tour(server: &Server) -> bool {
    let answer = server.web.answer_to(anna(), Method::GET, "/api/v1/runbooks/web/tour", None).await;
    answer.expect("it answers").status == StatusCode::OK
}

/// Waits until she does or does not.
async fn until_she_sees_it(server: &Server, sees: bool) {
    let changed = async {
        while sees_the_tour(server).await != sees {
            tokio::time::sleep(Duration::from_millis(POLICY_AGE_MAX_MS / 10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, changed).await.expect("the change is in force in time");
}

#[tokio::test]
async fn a_change_is_in_force_at_once_and_a_file_that_is_taken_away_leaves_nobody_in() {
    let server = Server::start().await;
    assert!(!sees_the_tour(&server).await, "without a file nobody sees anything");
    server.grant(GOOD);
    until_she_sees_it(&server, true).await;
    std::fs::remove_file(server.folder.path().join("repository/access.yaml")).expect("it is there");
    until_she_sees_it(&server, false).await;
}

#[tokio::test]
async fn a_mistake_in_the_file_locks_nobody_out_and_lets_nobody_in() {
    let server = Server::start().await;
    server.grant(GOOD);
    until_she_sees_it(&server, true).await;
    server.grant("steadyhand: 1\ngrants: [{who: user:zoe, role: opertor}]\n");
    let engine = server.engine.policy_now().await;
    let trouble = engine.trouble.expect("it is told");
    assert!(trouble.contains("line 2") && trouble.contains("opertor"), "{trouble}");
    assert!(sees_the_tour(&server).await, "the last good file goes on");
    let restarted = server.restarted_engine().await;
    let after = restarted.policy_now().await;
    assert_eq!(after.policy.grants.len(), 1, "also after a restart");
    assert!(after.trouble.is_some());
}

#[tokio::test]
async fn a_stream_ends_when_its_viewer_may_look_no_longer() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let stream = server.get(&format!("/api/v1/runs/{run}/events")).await;
    assert_eq!(stream.status(), StatusCode::OK);
    let token = server.store.api_tokens().await.expect("they can be read").remove(0);
    assert!(
        server
            .store
            .revoke_api_token(token.token.id, "command-line", server.clock.wall_ms())
            .await
            .expect("it is stored")
    );
    let mut bytes = stream.bytes_stream();
    let ends = async { while bytes.next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, ends).await.expect("the stream ends");
}
