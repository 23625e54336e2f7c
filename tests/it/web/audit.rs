//! The audit log through pages and API: what is in it, who may see it, and what does not happen without it.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _};
use sqlx_sqlite::SqliteConnectOptions;
use steadyhand::access::identity::{Identity, Reach, Road};
use steadyhand::audit::entry::{Kind, NewEntry};
use steadyhand::run::event::Actor;
use steadyhand::store::audit::Filter;

use super::server::{Server, cookie};

/// An answer to somebody with this cookie.
async fn get(server: &Server, session: &str, path: &str) -> Response {
    server.bare(Method::GET, path).header("cookie", session).send().await.expect("the server answers")
}

async fn text(server: &Server, session: &str, path: &str) -> String {
    let answer = get(server, session, path).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.text().await.expect("it is text")
}

async fn kinds(server: &Server, filter: &Filter) -> Vec<String> {
    let page = server.store.list_audit(filter, None, 500).await.expect("it can be read");
    page.rows.into_iter().map(|row| row.kind).collect()
}

fn of(kind: Kind) -> Filter {
    Filter { kind: Some(kind.to_string()), ..Filter::default() }
}

async fn share(server: &Server, run: &str) -> String {
    let (status, made) = server.post("/api/v1/shares", &json!({"run": run})).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let url = made["url"].as_str().expect("a link is told");
    url.split_once("/s/").expect("it leads to a share").1.to_owned()
}

async fn sign_in(server: &Server) -> Response {
    let body = format!("token={}", server.login_link().await);
    let request = server.bare(Method::POST, "/login").header("content-type", "application/x-www-form-urlencoded");
    request.body(body).send().await.expect("the server answers")
}

/// From now on the audit log takes no entry.
async fn refuse(server: &Server) {
    let options = SqliteConnectOptions::new().filename(server.folder.path().join("data/steadyhand.db"));
    let mut connection = options.connect().await.expect("the database is there");
    let trigger = "create trigger refuse before insert on audit_entry begin select raise(abort, 'refused'); end";
    sqlx::raw_sql(trigger).execute(&mut connection).await.expect("it can be made");
    connection.close().await.expect("it is closed");
}

#[tokio::test]
async fn the_page_and_the_api_show_entries_and_what_people_did_in_runs() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    share(&server, &run).await;
    let session = server.session().await;
    let page = text(&server, &session, "/audit").await;
    for told in ["signed-in", "share-made", "run-started", "token-made", &format!("/runs/{run}"), "by token:test"] {
        assert!(page.contains(told), "{told} is not on the page");
    }
    assert!(page.contains("--anchor"), "that nothing is sent outside is said");
    assert!(text(&server, &session, "/").await.contains("href=\"/audit\""), "home leads there");

    let first: Value = get(&server, &session, "/api/v1/audit?limit=2").await.json().await.expect("it is JSON");
    assert_eq!(first["entries"].as_array().map(Vec::len), Some(2));
    let next = first["next"].as_str().expect("there is more");
    let second: Value =
        get(&server, &session, &format!("/api/v1/audit?limit=2&cursor={next}")).await.json().await.expect("it is JSON");
    assert_ne!(first["entries"][1], second["entries"][0]);
    let by_anna: Value = get(&server, &session, "/api/v1/audit?person=anna").await.json().await.expect("it is JSON");
    let kinds: Vec<_> = by_anna["entries"].as_array().expect("a list").iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(kinds, ["signed-in", "login-link-used"]);
    let of_run = text(&server, &session, &format!("/audit?object={run}")).await;
    assert!(of_run.contains("run-started") && !of_run.contains("<strong>signed-in"));
    let wrong = text(&server, &session, "/audit?since=yesterday").await;
    assert!(wrong.contains("is no time"));
}

#[tokio::test]
async fn an_export_is_recorded_and_holds_no_formula_and_no_secret() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let link = share(&server, &run).await;
    let session = server.session().await;
    let hostile = NewEntry::new(1, Kind::PersonMade, "=HYPERLINK(\"http://evil.example\")", "@SUM(A1)");
    server.store.record(&hostile).await.expect("it is recorded");
    let csv = text(&server, &session, "/audit/export?format=csv").await;
    assert!(csv.contains("'=HYPERLINK") && csv.contains(",'@SUM(A1),"), "{csv}");
    let lines = text(&server, &session, "/api/v1/audit/export?kind=audit-exported").await;
    let exports: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert_eq!(exports.len(), 2, "the one before and this one");
    assert_eq!((&exports[0]["actor"], &exports[0]["kind"]), (&json!("user:anna"), &json!("audit-exported")));
    let whole = text(&server, &session, "/audit/export").await;
    let session = session.split_once('=').expect("a cookie has a value").1;
    for secret in [link.as_str(), session, server.token.as_str(), "hello", &server.written()] {
        assert!(!whole.contains(secret), "{secret} is in the audit log");
    }
}

#[tokio::test]
async fn a_link_opened_and_looked_at_again_is_one_view() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let link = share(&server, &run).await;
    let swapped = server.bare(Method::GET, &format!("/s/{link}")).send().await.expect("the server answers");
    let opened = cookie(&swapped).expect("a cookie is given");
    let place = swapped.headers()["location"].to_str().expect("it is ASCII").to_owned();
    for path in [place.clone(), format!("{place}/raw"), place] {
        text(&server, &opened, &path).await;
    }
    assert_eq!(kinds(&server, &of(Kind::ShareViewed)).await.len(), 1);
    let output = format!("/api/v1/runs/{run}/steps/look/hosts/web-1/output");
    for _ in 0..3 {
        assert!(server.get(&output).await.status().is_success());
    }
    assert_eq!(kinds(&server, &of(Kind::OutputDownloaded)).await.len(), 1);
}

#[tokio::test]
async fn without_the_audit_log_nobody_signs_in_and_nothing_is_shown_or_given_away() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let link = share(&server, &run).await;
    let session = server.session().await;
    let swapped = server.bare(Method::GET, &format!("/s/{}", share(&server, &run).await)).send().await;
    let swapped = swapped.expect("the server answers");
    let links = [server.login_link().await];
    refuse(&server).await;

    let opened = server.bare(Method::GET, &format!("/s/{link}")).send().await.expect("the server answers");
    let request = server.bare(Method::POST, "/login").header("content-type", "application/x-www-form-urlencoded");
    let signed_in = request.body(format!("token={}", links[0])).send().await.expect("the server answers");
    let output = server.get(&format!("/api/v1/runs/{run}/steps/look/hosts/web-1/output")).await;
    let exported = get(&server, &session, "/audit/export").await;
    let shared = server.asked(Method::POST, "/api/v1/shares").json(&json!({"run": run})).send().await;
    for answer in [opened, signed_in, output, exported, shared.expect("the server answers")] {
        let what = answer.url().path().to_owned();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{what}");
        assert!(cookie(&answer).is_none(), "{what} let somebody in");
        let text = answer.text().await.expect("it is text");
        assert!(text.contains("could not be recorded in the audit log"), "{what}: {text}");
        assert!(!text.contains("first line"), "{what} shows output");
    }
    // Whoever was let in before goes on, and is counted.
    let place = swapped.headers()["location"].to_str().expect("it is ASCII").to_owned();
    text(&server, &cookie(&swapped).expect("a cookie is given"), &place).await;
    assert!(get(&server, &session, "/audit").await.status().is_success(), "reading is no change");

    let data = server.folder.path().join("data");
    let made = std::process::Command::new(env!("CARGO_BIN_EXE_steadyhand"))
        .args(["token", "create", "late", "--data", data.to_str().expect("temporary paths are UTF-8")])
        .output()
        .expect("the program starts");
    assert_eq!(made.status.code(), Some(2));
    assert!(made.stdout.is_empty(), "no token is told");
    let says = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(says.contains("could not be recorded in the audit log"), "{says}");
}

#[tokio::test]
async fn a_thousand_refusals_are_a_few_entries() {
    let server = Server::start().await;
    for guess in 0..100 {
        let request = server.bare(Method::POST, "/login").header("content-type", "application/x-www-form-urlencoded");
        let request = request.body(format!("token=shlogin_{guess:064x}"));
        assert!(request.send().await.expect("the server answers").status().is_client_error());
        let wrong = server.bare(Method::GET, "/api/v1/runs").bearer_auth("shtoken_x").send().await;
        assert_eq!(wrong.expect("the server answers").status(), StatusCode::UNAUTHORIZED);
    }
    server.grant("steadyhand: 1\ngrants: [{who: user:ben, role: viewer}]\n");
    let ben = Identity {
        actor: Actor("user:ben".to_owned()),
        road: Road::Session,
        groups: Vec::new(),
        reach: Reach::Granted,
        authenticated_at_ms: Some(0),
    };
    for _ in 0..10 {
        let answer = server.web.answer_to(ben.clone(), Method::GET, "/audit", None).await.expect("it answers");
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let refused = server.store.list_audit(&of(Kind::SignInRefused), None, 100).await.expect("it can be read").rows;
    assert!(refused.len() <= 4, "{} entries", refused.len());
    assert!(refused.iter().all(|row| row.detail["from"] == "127.0.0.1"), "{refused:?}");
    let denied = server.store.list_audit(&of(Kind::AccessDenied), None, 100).await.expect("it can be read").rows;
    let denied: Vec<_> = denied.iter().map(|row| (row.actor.as_str(), row.object.as_str())).collect();
    assert_eq!(denied, [("user:ben", "GET /audit")]);
    assert_eq!(sign_in(&server).await.status(), StatusCode::TOO_MANY_REQUESTS, "the limit is not lifted by it");
}
