//! The event stream: complete, resumable, bounded, and over when the server is.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Method, StatusCode};
use serde_json::json;
use steadyhand::web::{Bounds, WebOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::server::{PATIENCE, Server};

/// Reads a stream until its text holds `wanted`.
async fn read_until(server: &Server, path: &str, after: Option<&str>, wanted: &str) -> String {
    let mut request = server.asked(Method::GET, path);
    if let Some(after) = after {
        request = request.header("last-event-id", after);
    }
    let answer = request.send().await.expect("the server answers");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert!(!answer.headers().contains_key("content-encoding"), "a stream is not held back to be compressed");
    let mut text = String::new();
    let mut chunks = answer.bytes_stream();
    let reading = async {
        while let Some(chunk) = chunks.next().await {
            text.push_str(std::str::from_utf8(&chunk.expect("the stream goes on")).expect("events are text"));
            if text.contains(wanted) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("it comes in time");
    text
}

#[tokio::test]
async fn a_stream_tells_every_event_once_and_resumes_behind_the_last_seen() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let seq = server.json(&format!("/api/v1/runs/{run}")).await["seq"].as_u64().expect("a number");
    let path = format!("/api/v1/runs/{run}/events");
    let all = read_until(&server, &path, None, &format!("id: {seq}\n")).await;
    for number in 1..=seq {
        assert_eq!(all.matches(&format!("id: {number}\n")).count(), 1, "event {number}");
    }
    let rest = read_until(&server, &path, Some("2"), &format!("id: {seq}\n")).await;
    assert!(!rest.contains("id: 2\n") && rest.contains("id: 3\n"));
    let rest = read_until(&server, &format!("{path}?after=3"), None, &format!("id: {seq}\n")).await;
    assert!(!rest.contains("id: 3\n") && rest.contains("id: 4\n"));
}

#[tokio::test]
async fn whoever_watches_sees_what_happens_next_and_the_end() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let seq = server.json(&format!("/api/v1/runs/{run}")).await["seq"].clone();
    let path = format!("/api/v1/runs/{run}/events?after={seq}");
    let watching = read_until(&server, &path, None, "event: end");
    let acting = async {
        let abort = json!({"action": "abort", "reason": "enough", "seq": seq});
        server.post(&format!("/api/v1/runs/{run}/actions"), &abort).await
    };
    let (seen, (status, _)) = tokio::join!(watching, acting);
    assert_eq!(status, StatusCode::OK);
    assert!(seen.contains("run_ended"), "{seen}");
}

#[tokio::test]
async fn the_stream_of_a_run_that_is_over_ends() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let seq = server.json(&format!("/api/v1/runs/{run}")).await["seq"].clone();
    server.post(&format!("/api/v1/runs/{run}/actions"), &json!({"action": "abort", "reason": "x", "seq": seq})).await;
    server.until(&run, |view| view["state"] == "aborted").await;
    let answer = server.get(&format!("/api/v1/runs/{run}/events")).await;
    let text = tokio::time::timeout(PATIENCE, answer.text()).await.expect("it ends").expect("it is text");
    assert!(text.ends_with("event: end\ndata: {}\n\n"), "{text}");
}

#[tokio::test]
async fn viewers_are_bounded_and_those_who_left_make_room() {
    let bounds = Bounds { viewers: 12, ..Bounds::default() };
    let server = Server::start_with(WebOptions { bounds, ..WebOptions::default() }).await;
    let run = server.tour(&["web-1"]).await;
    let path = format!("/api/v1/runs/{run}/events");
    let mut viewers = Vec::new();
    let refused = loop {
        let answer = server.get(&path).await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
        viewers.push(answer);
        assert!(viewers.len() <= 12, "viewers are bounded");
    };
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    drop(viewers);
    let began = tokio::time::Instant::now();
    while server.get(&path).await.status() != StatusCode::OK {
        assert!(began.elapsed() < PATIENCE, "places are given back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const BIG: &str = r#"
steadyhand: 1
name: Big
summary: Prints more than the system holds for a connection. A minute.
owner: team:web
review_by: 2099-01-01
hosts: {select: role=web}
steps:
  - {id: print, name: Print, check: "head -c 12000000 /dev/zero | tr '\\0' x | fold -w 1000"}
"#;

#[tokio::test]
async fn whoever_takes_nothing_is_dropped_and_the_others_are_not_held_up() {
    // One seat for whoever stalls, one for the test's other requests.
    let write_stalled = Duration::from_millis(400);
    let bounds = Bounds { write_stalled, connections_per_peer: 2, ..Bounds::default() };
    let server = Server::start_with(WebOptions { bounds, ..WebOptions::default() }).await;
    let path = server.folder.path().join("repository/runbooks/web/big.yaml");
    std::fs::write(path, BIG).expect("a file can be written");
    let (status, started) = server.post("/api/v1/runs", &json!({"runbook": "web/big", "hosts": ["web-1"]})).await;
    assert_eq!(status, StatusCode::CREATED, "{started}");
    let run = started["id"].as_str().expect("a run has an id").to_owned();
    server.until(&run, |view| view["state"] == "succeeded").await;
    let path = format!("/runs/{run}/steps/print/hosts/web-1/file");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n", server.address, server.token);
    let socket = TcpSocket::new_v4().expect("a socket");
    // The smallest that the system gives: little is on its way, and the server waits.
    socket.set_recv_buffer_size(1).expect("it can be set");
    let mut stalled = socket.connect(server.address).await.expect("it listens");
    stalled.write_all(request.as_bytes()).await.expect("it is sent");
    let whole = server.page(&path).await;
    assert!(whole.len() > 12_000_000, "whoever reads is not held up: {} bytes", whole.len());
    // Nothing is read until the server has had enough, which shows when somebody else gets the seat.
    let began = tokio::time::Instant::now();
    while !is_let_in(&server).await {
        assert!(began.elapsed() < PATIENCE, "the seat is given back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut taken = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stalled.read_to_end(&mut taken)).await.expect("the server has closed it");
    assert!(taken.len() < whole.len(), "it was dropped before its end: {} bytes", taken.len());
}

/// Whether a further connection gets a seat.
async fn is_let_in(server: &Server) -> bool {
    let mut stream = TcpSocket::new_v4().expect("a socket").connect(server.address).await.expect("it listens");
    let request = format!("GET /livez HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address);
    let _ = stream.write_all(request.as_bytes()).await;
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    said.starts_with(b"HTTP/1.1 200")
}
