//! A start against a closed window: by the window's name and with a reason, at the form and over the API.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use steadyhand::access::identity::{Identity, Reach, Road};
use steadyhand::run::event::Actor;
use steadyhand::store::access::Began;

use super::server::Server;

/// A runbook past its time, so that a start asks for a reason that has nothing to do with the window.
const RUNBOOK: &str = "steadyhand: 1\nname: A frozen one\nsummary: Looks. A minute.\nowner: team:web\n\
    review_by: 2020-01-01\nexpires: 2020-02-01\nguards: [{not_during: freeze}]\n\
    steps: [{id: look, name: Look around, check: 'true'}]\n";
const FROZEN: &str =
    "steadyhand: 1\nwindows:\n  freeze: {from: 2020-01-01, to: 2199-01-01, zone: UTC, why: Year-end}\n";

/// Dora may go on against windows, Oda may not.
const ACCESS: &str = "steadyhand: 1\ngrants:\n  - {who: user:dora, role: operator, override: windows}\n  \
    - {who: user:oda, role: operator}\n";

async fn frozen() -> Server {
    let server = Server::start().await;
    let repository = server.folder.path().join("repository");
    std::fs::write(repository.join("runbooks/web/frozen.yaml"), RUNBOOK).expect("a file can be written");
    std::fs::write(repository.join("oncall.yaml"), FROZEN).expect("a file can be written");
    server.grant(ACCESS);
    server.engine.policy_now().await;
    server
}

async fn start(server: &Server, name: &str, body: &Value) -> (StatusCode, Value) {
    let who = Identity {
        actor: Actor(format!("user:{name}")),
        road: Road::Session,
        groups: Vec::new(),
        reach: Reach::Granted,
        authenticated_at_ms: Some(0),
    };
    let answer = server.web.answer_to(who, Method::POST, "/api/v1/runs", Some(body)).await.expect("it answers");
    (answer.status, serde_json::from_slice(&answer.body).expect("the API answers in JSON"))
}

#[tokio::test]
async fn a_reason_that_was_given_for_an_old_runbook_opens_no_window() {
    let server = frozen().await;
    let (status, refused) = start(&server, "dora", &json!({"runbook": "web/frozen", "reason": "only this fits"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    let why = refused["detail"].as_str().expect("a refusal says why");
    assert!(why.contains("the window freeze is on (Year-end)") && why.contains("by its name"), "{why}");
    let named =
        |reason: &str, window: &str| json!({"runbook": "web/frozen", "reason": reason, "override_windows": [window]});
    for body in [named("only this fits", "another"), named(" ", "freeze")] {
        let (status, refused) = start(&server, "dora", &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {refused}");
    }
    let (status, refused) = start(&server, "oda", &named("the site is down", "freeze")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    assert!(refused["detail"].as_str().is_some_and(|why| why.contains("user:oda may not go on against a window")));
    let (status, started) = start(&server, "dora", &named("the site is down", "freeze")).await;
    assert_eq!(status, StatusCode::CREATED, "{started}");
    let view = server.until(started["id"].as_str().expect("an id"), |view| view["state"] == "succeeded").await;
    assert_eq!(view["overridden_windows"], json!(["freeze"]));
    assert_eq!(view["override_reason"], "the site is down");
}

#[tokio::test]
async fn the_form_offers_the_windows_that_stand_against_it_and_keeps_what_was_typed() {
    let server = frozen().await;
    let dora = server.person("dora", None).await;
    let session = server.session_of_link(&server.login_link_of("dora", Some(dora), Began::Link).await).await;
    let post = |fields: Vec<(&'static str, String)>| {
        let (server, session) = (&server, &session);
        async move {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let answer = server.send(Method::POST, "/start/web/frozen", session, &fields).await;
            (answer.status(), answer.text().await.expect("a page is text"))
        }
    };
    let digest = |page: &str| page.split("name=\"digest\" value=\"").nth(1).expect("a digest")[..64].to_owned();
    let typed =
        |what: &str| vec![("key", "k1".to_owned()), ("reason", "the site is down".to_owned()), ("do", what.to_owned())];
    let (_, shown) = post(typed("plan")).await;
    assert!(!shown.contains("override_window"), "nothing is offered before it is needed");
    let mut start = typed("start");
    start.push(("digest", digest(&shown)));
    let (status, refused) = post(start).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.contains("name=\"override_window\" value=\"freeze\">"), "it is offered, and not ticked: {refused}");
    assert!(refused.contains("value=\"the site is down\""), "what was typed stays");

    let mut ticked = typed("plan");
    ticked.push(("override_window", "freeze".to_owned()));
    let (_, shown) = post(ticked).await;
    assert!(shown.contains("value=\"freeze\" checked>"), "it stays ticked");
    let mut start = typed("start");
    start.extend([("override_window", "freeze".to_owned()), ("digest", digest(&shown))]);
    assert_eq!(post(start).await.0, StatusCode::SEE_OTHER);
    let run = server.json("/api/v1/runs").await["runs"][0]["id"].as_str().expect("it was started").to_owned();
    let page = server.page(&format!("/runs/{run}")).await;
    assert!(page.contains("the site is down (against the window freeze)"), "{page}");
}
