//! Secrets that open doors, over a whole session with the log at its finest: they stand in the one answer that makes
//! them and nowhere else, neither in a log, an answer, an address, nor in a stored file.

use std::fs;
use std::path::Path;

use reqwest::{Client, Method, redirect};
use serde_json::{Value, json};

use super::program::Program;

/// One answer, whole.
struct Told {
    what: String,
    status: u16,
    /// Without `Set-Cookie`.
    headers: String,
    set_cookie: String,
    body: String,
}

struct Session {
    client: Client,
    base: String,
    told: Vec<Told>,
}

impl Session {
    async fn ask(&mut self, method: Method, path: &str, headers: &[(&str, String)], body: Option<&str>) -> &Told {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.base));
        request = request.header("origin", &self.base);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
            request = request.header("content-type", kind).body(body.to_owned());
        }
        let answer = request.send().await.expect("it answers");
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let (cookies, others): (Vec<_>, Vec<_>) = answer.headers().iter().partition(|(name, _)| *name == "set-cookie");
        self.told.push(Told {
            what: format!("{method} {}", path.split('?').next().unwrap_or_default()),
            status: answer.status().as_u16(),
            headers: others.iter().map(|(name, value)| format!("{name}: {}\n", text(value))).collect(),
            set_cookie: cookies.iter().map(|(_, value)| text(value)).collect(),
            body: answer.text().await.unwrap_or_default(),
        });
        self.told.last().expect("one was just told")
    }
}

fn secret_of(cookie: &str) -> String {
    let pair = cookie.split(';').next().expect("a split has a first part");
    pair.split_once('=').expect("a cookie has a value").1.to_owned()
}

/// Every file below `folder` whose bytes hold `secret`.
fn stored(folder: &Path, secret: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("it is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(stored(&path, secret));
        } else if let Ok(bytes) = fs::read(&path)
            && bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn secrets_stand_where_they_are_made_and_nowhere_else() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let program = Program::start(&[], &["--log-format", "json"], "trace");
    let token = program.token("ci");
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().expect("a client");
    let mut session = Session { client, base: program.base.clone(), told: Vec::new() };
    let (login, bearer) = (program.login.clone(), vec![("authorization", format!("Bearer {token}"))]);

    session.ask(Method::GET, &format!("/login?token={login}&next=/runs"), &[], None).await;
    let signed_in = session.ask(Method::POST, "/login", &[], Some(&format!("token={login}&next=/runs"))).await;
    let cookie = secret_of(&signed_in.set_cookie);
    let own = vec![("cookie", format!("steadyhand_session={cookie}"))];
    session.ask(Method::POST, "/login", &own, Some(&format!("token={login}"))).await;
    let started = session.ask(Method::POST, "/api/v1/runs", &bearer, Some("{\"runbook\": \"web/look\"}")).await;
    let run: Value = serde_json::from_str(&started.body).expect("it is JSON");
    let run = run["id"].as_str().expect("it starts").to_owned();
    let made = session.ask(Method::POST, "/api/v1/shares", &bearer, Some(&json!({"run": run}).to_string())).await;
    let made: Value = serde_json::from_str(&made.body).expect("it is JSON");
    let share = made["url"].as_str().expect("a link").rsplit('/').next().expect("a last part").to_owned();
    let swapped = session.ask(Method::GET, &format!("/s/{share}"), &[], None).await;
    let visit = secret_of(&swapped.set_cookie);
    let id = made["id"].as_str().expect("an id").to_owned();
    let visiting = vec![("cookie", format!("steadyhand_share={visit}"))];
    for path in [format!("/shared/{id}"), format!("/shared/{id}/raw")] {
        let told = session.ask(Method::GET, &path, &visiting, None).await;
        assert_eq!(told.status, 200, "{path}");
    }
    for credentials in [&own, &bearer] {
        for path in ["/", "/runs", &format!("/runs/{run}"), &format!("/runs/{run}/share"), "/none", "/api/v1/runs"] {
            session.ask(Method::GET, path, credentials, None).await;
        }
        let listed = format!("/api/v1/shares?run={run}");
        session.ask(Method::GET, &listed, credentials, None).await;
    }
    // Mistakes that people make: the right secret at the wrong door.
    for secret in [&login, &cookie, &token, &share] {
        for path in
            [format!("/s/{secret}"), format!("/login/{secret}"), format!("/runs/{secret}"), format!("/{secret}x")]
        {
            session.ask(Method::GET, &path, &[("authorization", format!("Bearer {secret}x"))], None).await;
        }
    }
    session.ask(Method::POST, "/logout", &own, Some("")).await;

    let log = program.log();
    assert!(log.contains("answered"), "the server logs");
    // What draws pages would log each page's contents, what speaks HTTP each header.
    for line in log.lines().filter(|line| !line.contains("\"target\":\"steadyhand")) {
        assert!(!line.contains("\"level\":\"TRACE\"") && !line.contains("\"level\":\"DEBUG\""), "{line}");
    }
    let makers = [
        ("the login link", &login, "GET /login", "nowhere"),
        ("the session", &cookie, "nowhere", "POST /login"),
        ("the token", &token, "nowhere", "nowhere"),
        ("the share link", &share, "POST /api/v1/shares", "GET /s/"),
        ("the visit", &visit, "POST /api/v1/shares", "GET /s/"),
    ];
    for (name, secret, in_body_of, in_cookie_of) in makers {
        assert!(secret.len() > 60, "{name}");
        assert!(!log.contains(secret.as_str()), "{name} is in the log: {}", line_with(&log, secret));
        assert_eq!(stored(&program.folder.path().join("data"), secret), [""; 0], "{name} is stored");
        for told in &session.told {
            assert!(!told.headers.contains(secret.as_str()), "{name}: {} {}", told.what, told.headers);
            assert!(
                told.what.starts_with(in_cookie_of) || !told.set_cookie.contains(secret.as_str()),
                "{name}: {}",
                told.what
            );
            assert!(
                told.what == in_body_of || !told.body.contains(secret.as_str()),
                "{name}: {}\n{}",
                told.what,
                told.body
            );
        }
    }
}

fn line_with<'a>(log: &'a str, secret: &str) -> &'a str {
    log.lines().find(|line| line.contains(secret)).unwrap_or_default()
}
