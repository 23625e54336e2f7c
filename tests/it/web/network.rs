//! Over real sockets: which hosts the server answers to, who may speak for whom, and what a connection may cost.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use steadyhand::web::{Bounds, WebOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::server::{PATIENCE, Server};

fn behind_proxy() -> WebOptions {
    let trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
    WebOptions { trusted_proxies, ..WebOptions::default() }
}

fn bounded(bounds: Bounds) -> WebOptions {
    WebOptions { bounds, ..WebOptions::default() }
}

/// All that the server says to `request`, until it closes.
async fn raw(server: &Server, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.expect("it listens");
    let _ = stream.write_all(request).await;
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("it closes in time");
    String::from_utf8_lossy(&said).into_owned()
}

fn status_of(said: &str) -> &str {
    said.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_refused_on_every_route_with_what_to_do() {
    let public_url = Some("https://ops.example.org".to_owned());
    let server = Server::start_with(WebOptions { public_url, ..WebOptions::default() }).await;
    for route in steadyhand::web::routes::table() {
        let request = server.asked(route.method.clone(), route.path).header("host", "evil.example");
        let answer = request.send().await.expect("the server answers");
        assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST, "{} {}", route.method, route.path);
    }
    let answer = server.bare(Method::GET, "/login").header("host", "evil.example:80").send().await.expect("it answers");
    let text = answer.text().await.expect("a page is text");
    assert!(text.contains("--public-url") && !text.contains("ops.example.org"), "{text}");
    for own in ["ops.example.org", "localhost:1", "127.0.0.1"] {
        let answer = server.bare(Method::GET, "/login").header("host", own).send().await.expect("it answers");
        assert_eq!(answer.status(), StatusCode::OK, "{own}");
    }
    for (request, expected) in [
        ("GET /login HTTP/1.0\r\n\r\n", "400"),
        ("GET /login HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "400"),
        ("GET http://evil.example/login HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "421"),
        ("GET http://evil.example/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "400"),
    ] {
        let said = raw(&server, request.as_bytes()).await;
        assert_eq!(status_of(&said), expected, "{request}: {said}");
    }
}

#[tokio::test]
async fn a_spoofed_address_gives_no_more_tries_and_a_trusted_proxy_s_clients_have_their_own() {
    let tries = |server: &Server, number: u32| {
        let request = server.bare(Method::POST, "/login").header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("x-forwarded-for", format!("198.51.100.{number}"));
        request.header("forwarded", format!("for=198.51.100.{number}")).body("token=x").send()
    };
    let (stranger, proxied) = (Server::start().await, Server::start_with(behind_proxy()).await);
    let (mut by_stranger, mut by_proxy) = (0, 0);
    for number in 1..=60 {
        by_stranger += u32::from(tries(&stranger, number).await.expect("it answers").status() == 429);
        by_proxy += u32::from(tries(&proxied, number).await.expect("it answers").status() == 429);
    }
    assert!(by_stranger >= 30, "{by_stranger}");
    assert_eq!(by_proxy, 0);
    let refused = loop {
        let answer = tries(&proxied, 7).await.expect("it answers");
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            break answer;
        }
    };
    let seconds: u64 = refused.headers()["retry-after"].to_str().expect("ASCII").parse().expect("a number");
    assert!((1..=60).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn only_a_trusted_proxy_says_that_it_was_https() {
    for (options, expected) in [(WebOptions::default(), false), (behind_proxy(), true)] {
        let server = Server::start_with(options).await;
        let link = server.login_link().await;
        let form = server.bare(Method::POST, "/login").header("content-type", "application/x-www-form-urlencoded");
        let answer = form.header("x-forwarded-proto", "https").body(format!("token={link}")).send().await;
        let answer = answer.expect("it answers");
        let cookie = answer.headers()["set-cookie"].to_str().expect("cookies are ASCII");
        assert_eq!(cookie.contains("Secure") && cookie.starts_with("__Host-"), expected, "{cookie}");
        assert_eq!(answer.headers().contains_key("strict-transport-security"), expected);
    }
}

#[tokio::test]
async fn share_links_and_one_credential_are_rated_and_the_answer_says_when_to_come_back() {
    let server = Server::start().await;
    let mut last = server.bare(Method::GET, "/s/x").send().await.expect("it answers");
    for _ in 0..40 {
        last = server.bare(Method::GET, "/s/x").send().await.expect("it answers");
    }
    assert_eq!(last.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(last.headers().contains_key("retry-after"));
    let asking = async {
        loop {
            let answers = (0..50).map(|_| server.get("/api/v1/shares?run=x"));
            let answers = futures_util::future::join_all(answers).await;
            if let Some(refused) = answers.into_iter().find(|answer| answer.status() == 429) {
                break refused;
            }
        }
    };
    let refused = timeout(PATIENCE, asking).await.expect("it is over its rate at last");
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn an_address_that_asks_without_end_is_made_to_wait() {
    let server = Server::start().await;
    let asking = async {
        loop {
            let answers = (0..100).map(|_| server.bare(Method::GET, "/livez").send());
            let answers = futures_util::future::join_all(answers).await;
            if answers.into_iter().flatten().any(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS) {
                break;
            }
        }
    };
    timeout(PATIENCE, asking).await.expect("it is over its rate at last");
}

#[tokio::test]
async fn an_address_or_headers_that_are_too_long_or_too_many_are_refused() {
    let server = Server::start().await;
    let long = server.get(&format!("/runs?q={}", "x".repeat(9 * 1024))).await;
    assert_eq!(long.status(), StatusCode::URI_TOO_LONG);
    assert!(long.headers().contains_key("content-security-policy"));
    let head = "GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let many: String = (0..70).map(|number| format!("x-{number}: y\r\n")).collect();
    let large = format!("x-large: {}\r\n", "y".repeat(20 * 1024));
    for more in [many, large] {
        let said = raw(&server, format!("{head}{more}\r\n").as_bytes()).await;
        assert_eq!(status_of(&said), "431", "{said}");
    }
    assert_eq!(status_of(&raw(&server, format!("{head}\r\n").as_bytes()).await), "200");
}

#[tokio::test]
async fn whoever_sends_headers_or_a_body_drop_by_drop_is_cut_off() {
    let short = Duration::from_millis(300);
    let server =
        Server::start_with(bounded(Bounds { header_read: short, body_read: short, ..Bounds::default() })).await;
    let mut stream = TcpStream::connect(server.address).await.expect("it listens");
    let dripping = async {
        for byte in b"GET /login HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'x')) {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, dripping).await.expect("headers that drip do not hold a connection");

    let link = server.login_link().await;
    let head = format!(
        "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n",
        link.len() + 1000
    );
    // What came so far would sign in by itself: a body that is cut off must not count as a whole one.
    let said = raw(&server, format!("{head}token={link}&next=").as_bytes()).await;
    assert_eq!(status_of(&said), "408", "{said}");
    assert!(!said.contains("set-cookie"), "{said}");
    assert_eq!(server.get("/healthz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_is_not_answered_in_time_is_told_so() {
    let server = Server::start_with(bounded(Bounds { request: Duration::from_millis(300), ..Bounds::default() })).await;
    let head = "POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n";
    let said = raw(&server, format!("{head}token").as_bytes()).await;
    assert_eq!(status_of(&said), "503", "{said}");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let short = Duration::from_millis(300);
    let server = Server::start_with(bounded(Bounds { header_read: short, ..Bounds::default() })).await;
    assert_eq!(raw(&server, b"").await, "", "one that says nothing");
    let said = raw(&server, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(status_of(&said), "200", "one that was used once");
}

#[tokio::test]
async fn connections_are_bounded_for_an_address_and_together_and_seats_are_given_back() {
    let bounds = Bounds { connections: 12, connections_per_peer: 5, ..Bounds::default() };
    let server = Server::start_with(bounded(bounds)).await;
    let connect = async |from: &str| {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(format!("{from}:0").parse().expect("an address")).expect("loopback has many addresses");
        let mut stream = socket.connect(server.address).await.expect("the kernel takes it");
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.ok()?;
        let mut first = [0; 12];
        match timeout(PATIENCE, stream.read_exact(&mut first)).await.expect("it answers or closes") {
            Ok(_) => Some(stream),
            Err(_) => None,
        }
    };
    let mut held = Vec::new();
    for (from, expected) in [("127.0.0.2", 5), ("127.0.0.3", 5), ("127.0.0.4", 2)] {
        let before = held.len();
        while let Some(stream) = connect(from).await {
            held.push(stream);
        }
        assert_eq!(held.len() - before, expected, "{from}");
    }
    drop(held);
    let came_back = async {
        while connect("127.0.0.2").await.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, came_back).await.expect("seats are given back");
}
