//! Approving over pages and the API: another right than working a run, by persons only, and shown what they approve.

use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use steadyhand::access::identity::{Identity, Reach, Road, Scopes};
use steadyhand::run::event::Actor;
use steadyhand::store::access::Began;
use steadyhand::web::WebOptions;

use super::server::Server;

const GUARDED: &str = r#"
steadyhand: 1
name: A guarded one
summary: Writes a file once others agree. About a minute.
owner: team:web
review_by: 2099-01-01
inputs:
  folder: {description: Where to write, type: string}
hosts: {select: role=web}
steps:
  - id: write
    name: Write the note
    run: echo "it's <b>written</b>" >> "$folder/$host"
    approval: {prompt: "Write it on {{host.name}}?", from: [team:web], min: 2}
"#;

const ACCESS: &str = "\
steadyhand: 1
teams: {web: [anna, ben, cleo], db: [dora]}
grants:
  - {who: team:web, role: approver, runbooks: web/**}
  - {who: team:db, role: approver, runbooks: web/**}
  - {who: user:oda, role: operator, runbooks: web/**}
";

fn person(server: &Server, name: &str, age_ms: i64) -> Identity {
    Identity {
        actor: Actor(format!("user:{name}")),
        road: Road::Session,
        groups: Vec::new(),
        reach: Reach::Granted,
        authenticated_at_ms: Some(server.clock.wall_ms() - age_ms),
    }
}

async fn say(server: &Server, who: Identity, run: &str, door: &str, body: Value) -> (StatusCode, String) {
    let seq = server.json(&format!("/api/v1/runs/{run}")).await["seq"].clone();
    let mut body = body;
    body["seq"] = seq;
    let address = format!("/api/v1/runs/{run}/{door}");
    let answer = server.web.answer_to(who, Method::POST, &address, Some(&body)).await.expect("it answers");
    (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
}

/// A server with a run that waits to be approved.
async fn waiting() -> (Server, String) {
    let server = Server::start().await;
    server.grant(ACCESS);
    with_accounts(&server).await;
    let file = server.folder.path().join("repository/runbooks/web/guarded.yaml");
    std::fs::write(file, GUARDED).expect("a file can be written");
    let (status, started) = server.post("/api/v1/runs", &body(&server)).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{started}");
    assert!(started["detail"].as_str().is_some_and(|why| why.contains("belongs to nobody")), "{started}");
    let run = started_by_oda(&server).await;
    (server, run)
}

async fn with_accounts(server: &Server) {
    for name in ["anna", "ben", "cleo", "dora"] {
        server.person(name, None).await;
    }
}

fn body(server: &Server) -> Value {
    json!({"runbook": "web/guarded", "inputs": {"folder": server.written()}, "hosts": ["web-1"], "pace": "auto"})
}

async fn started_by_oda(server: &Server) -> String {
    let oda = Identity {
        actor: Actor("user:oda/ci".to_owned()),
        road: Road::Token,
        reach: Reach::Owned(Scopes::everything()),
        ..person(server, "oda", 0)
    };
    let started = server.web.answer_to(oda, Method::POST, "/api/v1/runs", Some(&body(server))).await;
    let started = started.expect("it answers");
    assert_eq!(started.status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&started.body));
    let started: Value = serde_json::from_slice(&started.body).expect("JSON");
    let run = started["id"].as_str().expect("a run has an id").to_owned();
    server.until(&run, |view| view["waiting"]["for"] == "approve").await;
    run
}

#[tokio::test]
async fn two_persons_of_the_team_approve_and_it_runs_once() {
    let (server, run) = waiting().await;
    let approve = || json!({"action": "approve", "note": "looks right"});
    for name in ["ben", "cleo"] {
        let (status, said) = say(&server, person(&server, name, 0), &run, "approvals", approve()).await;
        assert_eq!(status, StatusCode::OK, "{name}: {said}");
    }
    server.until(&run, |view| view["state"] == "succeeded").await;
    let written = std::fs::read_to_string(format!("{}/web-1", server.written())).expect("it was written");
    assert_eq!(written, "it's <b>written</b>\n");
    let (status, said) = say(&server, person(&server, "anna", 0), &run, "approvals", approve()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
}

#[tokio::test]
async fn who_may_not_approve_is_refused_whatever_they_may_else() {
    let (server, run) = waiting().await;
    let approve = || json!({"action": "approve"});
    let cases = [
        (person(&server, "oda", 0), "approvals", 403, "may not approve"),
        (person(&server, "dora", 0), "approvals", 422, "asked of team:web"),
        (person(&server, "ben", 15 * 60 * 1000 + 60_000), "approvals", 422, "confirm who you are again"),
        (Identity { authenticated_at_ms: None, ..person(&server, "ben", 0) }, "approvals", 422, "/account/confirm"),
        // Whoever lets people in starts from the command line; a name does not make a person of a token.
        (Identity { actor: Actor("user:ben/ci".to_owned()), ..person(&server, "ben", 0) }, "approvals", 422, "a token"),
        (person(&server, "oda", 0), "actions", 422, "to the run's approvals"),
        (person(&server, "ben", 0), "actions", 403, "may not act on the run"),
    ];
    for (who, door, expected, told) in cases {
        let name = who.actor.to_string();
        let (status, said) = say(&server, who, &run, door, approve()).await;
        assert_eq!(status.as_u16(), expected, "{name} at {door}: {said}");
        assert!(said.contains(told), "{name} at {door}: {said}");
    }
    let token = server.post(&format!("/api/v1/runs/{run}/approvals"), &json!({"action": "approve", "seq": 99})).await;
    assert_eq!(token.0, StatusCode::FORBIDDEN, "{}", token.1);
    let (status, said) =
        say(&server, person(&server, "ben", 0), &run, "approvals", json!({"action": "abort", "reason": "no"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
    let view = server.json(&format!("/api/v1/runs/{run}")).await;
    assert_eq!(view["waiting"]["votes"], json!([]), "nobody's word counts");
}

#[tokio::test]
async fn the_page_shows_what_exactly_is_approved_and_takes_the_answer() {
    let (server, run) = waiting().await;
    let address = format!("/runs/{run}");
    let account = server.store.person_named("ben").await.expect("it answers").expect("he is there").person.id;
    let link = server.login_link_of("ben", Some(account), Began::Link).await;
    let cookie = server.session_of_link(&link).await;
    let page = server.bare(Method::GET, &address).header("cookie", &cookie).send().await.expect("the server answers");
    let page = page.text().await.expect("a page is text");
    for part in [
        "Write it on web-1?",
        "0 of 2 persons agree",
        "Changes web-1.",
        "host=&#39;web-1&#39;",
        "echo &quot;it&#39;s &lt;b&gt;written&lt;/b&gt;&quot;",
        "Asked by <strong>user:oda/ci</strong>",
        "of team:web",
        "This runbook has not succeeded here before.",
        &format!("/account/confirm?next=/runs/{run}"),
        &format!("action=\"/runs/{run}/approvals\""),
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let by_token = server.page(&address).await;
    assert!(!by_token.contains("/approvals\""), "who may not approve is offered no form: {by_token}");
    let admin = server.session().await;
    let by_admin = server.bare(Method::GET, &address).header("cookie", &admin).send().await.expect("it answers");
    let by_admin = by_admin.text().await.expect("a page is text");
    assert!(!by_admin.contains("value=\"approve\""), "nor is whoever came by a break-glass link: {by_admin}");
    // The form of a page, by a person with a session.
    let seq = server.json(&format!("/api/v1/runs/{run}")).await["seq"].to_string();
    let form = |fields: Vec<(&'static str, String)>| {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = "application/x-www-form-urlencoded";
        let request = server.bare(Method::POST, &format!("{address}/approvals")).header("content-type", kind);
        request.header("cookie", &cookie).header("origin", server.url("")).body(body).send()
    };
    let fields = |action: &str, seq: &str| {
        vec![("action", action.to_owned()), ("seq", seq.to_owned()), ("reason", "wrong host".to_owned())]
    };
    let stale = form(fields("approve", "1")).await.expect("it answers");
    assert_eq!(stale.status(), StatusCode::CONFLICT, "nobody approves what they have not seen");
    let approved = form(fields("approve", &seq)).await.expect("it answers");
    assert_eq!(approved.status(), StatusCode::SEE_OTHER);
    assert!(server.page(&address).await.contains("1 of 2 persons agree"));
    let (status, said) = say(
        &server,
        person(&server, "cleo", 0),
        &run,
        "approvals",
        json!({"action": "reject", "reason": "wrong host"}),
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let page = server.page(&address).await;
    assert!(page.contains("It was not approved: user:cleo rejected it: wrong host."), "{page}");
    assert!(page.contains("value=\"ask-again\""));
}

#[tokio::test]
async fn both_are_told_when_the_wheel_changes_hands() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let seq = server.json(&format!("/api/v1/runs/{run}")).await["seq"].clone();
    let take = json!({"action": "take-wheel", "seq": seq});
    let ben = Identity { reach: Reach::BreakGlass, ..person(&server, "ben", 0) };
    let address = format!("/api/v1/runs/{run}/actions");
    let taken = server.web.answer_to(ben.clone(), Method::POST, &address, Some(&take)).await.expect("it answers");
    assert_eq!(taken.status, StatusCode::OK);
    assert!(server.page(&format!("/runs/{run}")).await.contains("user:ben took the wheel from you"));
    let page = server.web.answer_to(ben, Method::GET, &format!("/runs/{run}"), None).await.expect("it answers");
    assert!(String::from_utf8_lossy(&page.body).contains("You took the wheel from token:test, who is told."));
    let view = server.json(&format!("/api/v1/runs/{run}")).await;
    assert_eq!((view["taken"]["by"].as_str(), view["taken"]["from"].as_str()), (Some("user:ben"), Some("token:test")));
}

#[tokio::test]
async fn approvers_see_word_by_word_what_changed_since_the_runbook_last_succeeded() {
    let commit = |folder: &Path| {
        git(folder, &["add", "--all"]);
        git(folder, &["commit", "-q", "-m", "a commit"]);
    };
    let server = Server::start_over(WebOptions::default(), |folder| {
        std::fs::write(folder.join("runbooks/web/guarded.yaml"), GUARDED).expect("a file can be written");
        std::fs::write(folder.join("access.yaml"), ACCESS).expect("a file can be written");
        git(folder, &["init", "-q", "-b", "main"]);
        commit(folder);
    })
    .await;
    with_accounts(&server).await;
    let first = started_by_oda(&server).await;
    for name in ["ben", "cleo"] {
        let (status, said) =
            say(&server, person(&server, name, 0), &first, "approvals", json!({"action": "approve"})).await;
        assert_eq!(status, StatusCode::OK, "{name}: {said}");
    }
    server.until(&first, |view| view["state"] == "succeeded").await;
    let folder = server.folder.path().join("repository");
    let changed = GUARDED.replace("echo \"it's <b>written</b>\"", "echo \"<img src=x onerror=alert(1)>\u{202e}\"");
    assert_ne!(changed, GUARDED);
    std::fs::write(folder.join("runbooks/web/guarded.yaml"), changed).expect("a file can be written");
    commit(&folder);
    let run = started_by_oda(&server).await;
    let page = server.web.answer_to(person(&server, "ben", 0), Method::GET, &format!("/runs/{run}"), None).await;
    let page = String::from_utf8_lossy(&page.expect("it answers").body).into_owned();
    for part in [
        &format!("It last succeeded in <a href=\"/runs/{first}\">this run</a> at <code>"),
        "its text <strong>has changed since</strong>",
        "<code>web/guarded.yaml</code> since then: 1 line added, 1 line removed",
        "<span class=\"removed\">-    run: echo <mark>&quot;it&#39;s</mark>",
        "<mark>",
        "onerror=alert(1)&gt;⟨U+202E⟩&quot;</mark>",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(!page.contains("<img src=x") && !page.contains('\u{202e}'), "what an author wrote is text");
    let view = server.json(&format!("/api/v1/runs/{run}")).await;
    let since = &view["waiting"]["since_success"];
    assert_eq!((since["run"].as_str(), since["text_differs"].as_bool()), (Some(first.as_str()), Some(true)), "{since}");
    assert_eq!(since["files"][0]["difference"]["added"], 1, "{since}");
}

fn git(folder: &Path, arguments: &[&str]) {
    let named = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
    let output = std::process::Command::new("git").args(named).args(arguments).current_dir(folder).output();
    let output = output.expect("git starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
