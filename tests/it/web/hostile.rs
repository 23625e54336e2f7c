//! 10,000 hostile ids, names and refs against the real program, watched by strace: no answer is a failure of the
//! server's, no file outside its roots is opened or even tried, and git's arguments stay arguments.

mod corpus;
mod watched;

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::program::{Program, until};
use super::server::PATIENCE;
use corpus::{CANARY, Corpus, encoded};
use watched::Watched;

const REQUESTS: usize = 10_000;

/// As many at a time as a small machine likes.
const AT_ONCE: usize = 8;

/// Tokens, so that none of them is over its rate.
const TOKENS: usize = 12;

struct Target {
    address: SocketAddr,
    tokens: Vec<String>,
    run: String,
}

/// A request by hand: a library would tidy its address up.
struct Asked {
    method: &'static str,
    path: String,
    body: Option<Value>,
    cookie: Option<String>,
}

fn get(path: String) -> Asked {
    Asked { method: "GET", path, body: None, cookie: None }
}

/// What request number `number` asks, somewhere that takes a name from outside.
fn asked(number: usize, evil: &str, run: &str) -> Asked {
    let url = encoded(number, evil);
    let post = |path: &str, body: Value| Asked { body: Some(body), method: "POST", ..get(path.to_owned()) };
    match number % 20 {
        0 => get(format!("/runs/{url}")),
        1 => get(format!("/api/v1/runs/{url}")),
        2 => get(format!("/api/v1/runs/{run}/steps/{url}/hosts/web-1/output")),
        3 => get(format!("/api/v1/runs/{run}/steps/look/hosts/{url}/output/lines")),
        4 => get(format!("/api/v1/runs/{run}/steps/look/hosts/web-1/output?attempt={url}&offset={url}&stream={url}")),
        5 => get(format!("/runbooks/{url}")),
        6 => get(format!("/api/v1/runbooks/{url}")),
        7 => get(format!("/start/{url}")),
        8 => get(format!("/start/web/look?ref={url}&continues={url}&input.x={url}")),
        9 => post("/api/v1/plans", json!({"runbook": "web/look", "ref": evil})),
        10 => post("/api/v1/plans", json!({"runbook": evil})),
        11 => get(format!("/s/{url}")),
        12 => Asked { cookie: Some(format!("steadyhand_share={url}")), ..get(format!("/shared/{url}")) },
        13 => get(format!("/api/v1/runs?cursor={url}&runbook={url}&host={url}&state={url}")),
        14 => get(format!("/assets/{url}/{url}")),
        15 => Asked { method: "DELETE", ..get(format!("/api/v1/shares/{url}")) },
        16 => post(&format!("/api/v1/runs/{url}/actions"), json!({"action": evil, "step": evil, "seq": 1})),
        17 => get(format!("/login?next={url}&token={url}")),
        18 => post("/api/v1/runs", json!({"runbook": "web/look", "hosts": [evil], "inputs": {evil: evil}})),
        _ => get(format!("/api/v1/runbooks/web/look?ref={url}")),
    }
}

async fn status(target: &Target, number: usize, asked: &Asked) -> Option<u16> {
    let body = asked.body.as_ref().map(Value::to_string).unwrap_or_default();
    let mut head = format!("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", asked.method, asked.path);
    // The proxy that this test is speaks for many addresses, so that none of them is over its rate.
    head += &format!("X-Forwarded-For: 10.9.{}.{}\r\n", number / 200 % 250, number % 200);
    head += &format!("Authorization: Bearer {}\r\n", target.tokens[number % target.tokens.len()]);
    if let Some(cookie) = &asked.cookie {
        head += &format!("Cookie: {cookie}\r\n");
    }
    if asked.body.is_some() {
        head += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    }
    let mut stream = TcpStream::connect(target.address).await.expect("it listens");
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.ok()?;
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("it answers in time");
    String::from_utf8_lossy(&said).split(' ').nth(1)?.parse().ok()
}

/// Asks everything, several at a time; answers that are failures of the server's.
async fn ask_all(target: Arc<Target>, evil: Arc<Vec<String>>) -> Vec<String> {
    let next = Arc::new(AtomicUsize::new(0));
    let workers = (0..AT_ONCE).map(|_| {
        let (target, evil, next) = (Arc::clone(&target), Arc::clone(&evil), Arc::clone(&next));
        tokio::spawn(async move {
            let mut failures = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(evil) = evil.get(number) else { return failures };
                let asked = asked(number, evil, &target.run);
                match status(&target, number, &asked).await {
                    Some(200..=428 | 430..=499) => {}
                    other => failures.push(format!("{other:?}: {} {} {evil:?}", asked.method, asked.path)),
                }
            }
        })
    });
    let ended = futures_util::future::join_all(workers).await;
    ended.into_iter().flat_map(|worker| worker.expect("it does not panic")).collect()
}

/// A run that ran its first step and waits for a person.
async fn waiting_run(program: &Program, token: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
    let base = &program.base;
    let start = client.post(format!("{base}/api/v1/runs")).bearer_auth(token).json(&json!({"runbook": "web/look"}));
    let started: Value = start.send().await.expect("it answers").json().await.expect("it is JSON");
    let run = started["id"].as_str().unwrap_or_else(|| panic!("it starts: {started}")).to_owned();
    let began = tokio::time::Instant::now();
    loop {
        let show = client.get(format!("{base}/api/v1/runs/{run}")).bearer_auth(token).send().await;
        let view: Value = show.expect("it answers").json().await.expect("it is JSON");
        if view["waiting"]["for"] == "answer" {
            return run;
        }
        assert!(began.elapsed() < PATIENCE, "{view:#}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// What a person would ask, so that what is opened for it is known.
async fn warm_up(target: &Target) {
    for number in 0..40 {
        for good in ["web/look", "main", "HEAD", "web-1", "0198c5a0-7d3e-7c11-9d5b-6c6f0a4f6c01", "none"] {
            status(target, number, &asked(number, good, &target.run)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_hostile_names_open_nothing_outside_and_break_nothing() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join(CANARY), "nobody may read this").expect("a file can be written");
    let trace = folder.path().join("trace");
    let before = watched::command(&trace);
    let before: Vec<&str> = before.iter().map(String::as_str).collect();
    let mut program = Program::start_in(folder, &before, &["--trusted-proxy", "127.0.0.1"], "error");
    let tokens: Vec<String> = (0..TOKENS).map(|number| program.token(&format!("hostile-{number}"))).collect();
    let run = waiting_run(&program, &tokens[0]).await;
    let address = program.base.trim_start_matches("http://").parse().expect("an address");
    let target = Arc::new(Target { address, tokens, run });
    warm_up(&target).await;
    let known = Watched::read(&trace);

    let evil = Arc::new(Corpus::new(20_261_124).take(REQUESTS).collect::<Vec<_>>());
    let failures = ask_all(Arc::clone(&target), evil).await;
    assert!(failures.is_empty(), "{} of them: {:#?}", failures.len(), &failures[..failures.len().min(10)]);

    assert_eq!(program.end(), Some(0));
    let server = program.pid().to_string();
    until("strace has written all of it", || {
        let text = fs::read_to_string(&trace).ok()?;
        let ended = |line: &str| line.split_whitespace().next() == Some(&server) && line.contains("+++ exited with 0");
        text.lines().rev().take(200).any(ended).then_some(())
    });
    let all = Watched::read(&trace);
    assert!(all.lines > known.lines + 1_000, "strace saw the server work: {} lines", all.lines - known.lines);
    let found = all.outside(&known, program.folder.path());
    assert!(found.is_empty(), "{:#?}", &found[..found.len().min(10)]);
    let log = program.log();
    assert!(!log.contains("panicked"), "{log}");
    let mut left: Vec<_> =
        fs::read_dir(program.folder.path()).expect("it is there").flatten().map(|it| it.file_name()).collect();
    left.sort();
    assert_eq!(left, ["canary-outside", "data", "log", "repository", "trace"], "nothing was made beside them");
}
