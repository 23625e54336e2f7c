//! Runs from their start form to their end, over pages and over the API.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::server::Server;

#[tokio::test]
async fn a_run_goes_from_its_start_to_its_end_over_the_api() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let view = server.json(&format!("/api/v1/runs/{run}")).await;
    assert_eq!(view["state"], "waiting");
    let act = format!("/api/v1/runs/{run}/actions");
    let (status, view) = server.post(&act, &json!({"action": "confirm", "step": "write", "seq": view["seq"]})).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let view = server.until(&run, |view| view["waiting"]["for"] == "answer").await;
    assert_eq!(std::fs::read_to_string(format!("{}/web-1", server.written())).expect("it was written"), "hello");
    let answer = json!({"action": "answer", "step": "judge", "values": {"looks": "well"}, "seq": view["seq"]});
    let (status, view) = server.post(&act, &answer).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let view = server.until(&run, |view| view["state"] == "succeeded").await;
    assert_eq!(view["end"], "succeeded", "{view:#}");
    assert!(server.page(&format!("/runs/{run}")).await.contains("Succeeded"));
    let listed = server.json("/api/v1/runs?state=succeeded&host=web-1&runbook=web/tour&q=tour").await;
    assert_eq!(listed["runs"][0]["id"], run.as_str());
}

#[tokio::test]
async fn a_stale_request_gets_the_run_as_it_is_now_and_does_nothing() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let act = format!("/api/v1/runs/{run}/actions");
    let (status, problem) = server.post(&act, &json!({"action": "confirm", "step": "write", "seq": 1})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert_eq!(problem["type"], "urn:steadyhand:problem:stale");
    assert_eq!(problem["run"]["id"], run.as_str());
    assert_eq!(problem["run"]["waiting"]["for"], "confirm");
    let page =
        server.form(&format!("/runs/{run}/actions"), &[("action", "confirm"), ("step", "write"), ("seq", "1")]).await;
    assert_eq!(page.status(), StatusCode::CONFLICT);
    assert!(page.text().await.expect("a page is text").contains("the run has moved on"));
}

#[tokio::test]
async fn a_wrong_word_is_refused_and_what_was_typed_is_kept() {
    let server = Server::start().await;
    let run = server.tour(&["db-1"]).await;
    let page = server.page(&format!("/runs/{run}")).await;
    assert!(
        page.contains("Write the note on <span class=\"one\"><span class=\"host\">db-<b>1</b></span></span>"),
        "the host is on the button"
    );
    assert!(page.contains("PROD") || page.contains("production"), "production is marked");
    let seq = server.json(&format!("/api/v1/runs/{run}")).await["seq"].to_string();
    let fields = [("action", "confirm"), ("step", "write"), ("seq", seq.as_str()), ("typed", "db-2")];
    let refused = server.form(&format!("/runs/{run}/actions"), &fields).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let text = refused.text().await.expect("a page is text");
    assert!(text.contains("value=\"db-2\""), "what was typed is kept");
    let right = [("action", "confirm"), ("step", "write"), ("seq", seq.as_str()), ("typed", "db-1")];
    let taken = server.form(&format!("/runs/{run}/actions"), &right).await;
    assert_eq!(taken.status(), StatusCode::SEE_OTHER);
    assert_eq!(taken.headers()["location"], format!("/runs/{run}"));
    server.until(&run, |view| view["waiting"]["for"] == "answer").await;
}

#[tokio::test]
async fn the_form_shows_what_would_happen_and_starts_only_that() {
    let server = Server::start().await;
    let folder = server.written();
    let empty = server.page("/start/web/tour").await;
    assert!(!empty.contains("checked> <strong class=\"host\">"), "no host is chosen beforehand");
    let none = server.form("/start/web/tour", &[("do", "start"), ("input.folder", &folder)]).await;
    assert_eq!(none.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.text().await.expect("a page is text").contains("Choose at least one host"));

    let fields = [("key", "k1"), ("input.folder", folder.as_str()), ("input.note", "a\r\nb"), ("host", "web-2")];
    let mut plan = fields.to_vec();
    plan.push(("do", "plan"));
    let shown = server.form("/start/web/tour", &plan).await;
    assert_eq!(shown.status(), StatusCode::OK);
    let shown = shown.text().await.expect("a page is text");
    assert!(shown.contains("Start on web-2"));
    assert!(server.json("/api/v1/runs").await["runs"].as_array().is_some_and(Vec::is_empty), "nothing has started");
    let digest = shown.split("name=\"digest\" value=\"").nth(1).expect("the plan has a digest")[..64].to_owned();

    let mut other = fields.to_vec();
    other.extend([("do", "start"), ("digest", &digest), ("host", "web-1")]);
    let changed = server.form("/start/web/tour", &other).await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert!(changed.text().await.expect("a page is text").contains("what would happen has changed"));

    let mut start = fields.to_vec();
    start.extend([("do", "start"), ("digest", &digest)]);
    let started = server.form("/start/web/tour", &start).await;
    assert_eq!(started.status(), StatusCode::SEE_OTHER);
    let twice = server.form("/start/web/tour", &start).await;
    assert_eq!(twice.headers()["location"], started.headers()["location"], "a second press starts nothing");
    assert_eq!(server.json("/api/v1/runs").await["runs"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_wrong_value_is_told_at_its_field_and_nothing_typed_is_lost() {
    let server = Server::start().await;
    let fields = [("do", "plan"), ("host", "web-1"), ("input.lines", "many")];
    let answer = server.form("/start/web/long", &fields).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text().await.expect("a page is text");
    assert!(page.contains("id=\"error-lines\""), "{page}");
    assert!(page.contains("value=\"many\""));
    assert!(page.contains("value=\"web-1\" checked"));
    let body = json!({"runbook": "web/long", "inputs": {"lines": "many"}, "hosts": ["web-1"]});
    let (status, problem) = server.post("/api/v1/runs", &body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], "inputs.lines");
}

#[tokio::test]
async fn an_address_with_values_fills_the_form_and_starts_nothing() {
    let server = Server::start().await;
    let page = server.page("/start/web/tour?input.note=from%20the%20link&host=web-2").await;
    assert!(page.contains("value=\"from the link\""));
    assert!(page.contains("value=\"web-2\" checked"));
    assert!(server.json("/api/v1/runs").await["runs"].as_array().is_some_and(Vec::is_empty));
}

#[tokio::test]
async fn an_idempotency_key_starts_one_run() {
    let server = Server::start().await;
    let body = json!({"runbook": "web/tour", "inputs": {"folder": server.written()}, "hosts": ["web-1"]});
    let mut ids = Vec::new();
    for expected in [StatusCode::CREATED, StatusCode::OK] {
        let request = server.asked(Method::POST, "/api/v1/runs").header("idempotency-key", "once").json(&body);
        let answer = request.send().await.expect("the server answers");
        assert_eq!(answer.status(), expected);
        let started: serde_json::Value = answer.json().await.expect("the answer is JSON");
        ids.push(started["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_plan_says_what_would_happen_and_does_nothing() {
    let server = Server::start().await;
    let body = json!({"runbook": "web/tour", "inputs": {"folder": server.written()}, "hosts": ["web-1", "web-2"]});
    let (status, plan) = server.post("/api/v1/plans", &body).await;
    assert_eq!(status, StatusCode::OK, "{plan}");
    assert_eq!(plan["digest"].as_str().map(str::len), Some(64));
    assert_eq!(plan["plan"]["hosts"].as_array().map(Vec::len), Some(2));
    assert!(server.json("/api/v1/runs").await["runs"].as_array().is_some_and(Vec::is_empty));
}

#[tokio::test]
async fn an_aborted_run_ends_and_its_command_is_gone() {
    let server = Server::start().await;
    let body = json!({
        "runbook": "web/long", "hosts": ["web-1"], "pace": "auto", "confirm": {"hosts": 1}, "secrets": {"secret": "hunter22"},
    });
    let (status, started) = server.post("/api/v1/runs", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{started}");
    let run = started["id"].as_str().expect("a run has an id").to_owned();
    let view = server
        .until(&run, |view| view["steps"][1]["cells"][0]["state"] == "running" || view["waiting"]["for"] == "confirm")
        .await;
    if view["waiting"]["for"] == "confirm" {
        let fields = json!({"action": "confirm", "step": "hold", "seq": view["seq"]});
        assert_eq!(server.post(&format!("/api/v1/runs/{run}/actions"), &fields).await.0, StatusCode::OK);
        server.until(&run, |view| view["steps"][1]["cells"][0]["state"] == "running").await;
    }
    let view = server.json(&format!("/api/v1/runs/{run}")).await;
    let seq = view["seq"].to_string();
    let fields = [("action", "abort"), ("seq", seq.as_str()), ("reason", "seen enough")];
    assert_eq!(server.form(&format!("/runs/{run}/actions"), &fields).await.status(), StatusCode::SEE_OTHER);
    let view = server.until(&run, |view| view["state"] == "aborted").await;
    assert!(view["ended_because"].as_str().is_some_and(|because| because.contains("seen enough")), "{view:#}");
}

#[tokio::test]
async fn a_runbook_that_does_not_parse_is_listed_with_its_place_and_cannot_start() {
    let server = Server::start().await;
    let list = server.page("/runbooks").await;
    assert!(list.contains("does not parse"));
    assert!(list.contains("runbooks/broken.yaml:3:1"), "{list}");
    assert!(server.page("/runbooks/broken").await.contains("sumary"));
    assert_eq!(server.get("/start/broken").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = server.post("/api/v1/runs", &json!({"runbook": "broken"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn runbooks_are_found_by_words_of_their_commands() {
    let server = Server::start().await;
    let found = server.json("/api/v1/runbooks?q=sleep%20300").await;
    assert_eq!(found["runbooks"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["runbooks"][0]["path"], "web/long");
    assert!(server.page("/runbooks?q=nothing-of-the-kind").await.contains("No runbook speaks of"));
    let one = server.json("/api/v1/runbooks/web/tour").await;
    assert_eq!(one["steps"][1]["effect"], "change");
}

#[tokio::test]
async fn a_ref_that_is_not_there_is_the_asker_s_mistake_and_tells_no_path_of_the_server() {
    let server = Server::start().await;
    let (status, problem) = server.post("/api/v1/plans", &json!({"runbook": "web/tour", "ref": "none"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert!(!problem.to_string().contains(server.folder.path().to_str().expect("it is UTF-8")), "{problem}");
}
