//! The pages of lists: history, runbooks, a runbook, and what waits for whom.

use reqwest::{Method, StatusCode};
use serde_json::json;
use steadyhand::access::identity::{Identity, Reach, Road};
use steadyhand::run::event::Actor;
use steadyhand::web::{Web, WebOptions};

use super::server::Server;

fn person(name: &str) -> Identity {
    Identity {
        actor: Actor(format!("user:{name}")),
        road: Road::Session,
        groups: Vec::new(),
        reach: Reach::Granted,
        authenticated_at_ms: Some(i64::MAX),
    }
}

/// The text of a page as this person gets it.
async fn page_of(server: &Server, name: &str, path: &str) -> String {
    let answer = server.web.answer_to(person(name), Method::GET, path, None).await.expect("it answers");
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    String::from_utf8(answer.body.to_vec()).expect("pages are UTF-8")
}

fn expired(server: &Server) {
    let file = server.folder.path().join("repository/runbooks/web/old.yaml");
    let text = "steadyhand: 1\nname: An old one\nsummary: Looks. A minute.\nowner: team:web\nreview_by: 2020-01-01\n\
                expires: 2020-02-01\nsteps: [{id: look, name: Look around, check: 'true'}]\n";
    std::fs::write(file, text).expect("a file can be written");
}

#[tokio::test]
async fn the_history_lists_and_exports_only_what_its_reader_may_see_whatever_the_filter() {
    let server = Server::start().await;
    let (ours, hidden) = (server.tour(&["web-1"]).await, server.tour(&["db-1"]).await);
    server.grant("steadyhand: 1\ngrants:\n  - {who: user:vera, role: viewer, hosts: role=web}\n");
    server.engine.policy_now().await;
    let filters = [
        "",
        "?q=tour",
        "?state=waiting",
        "?host=db-1",
        "?runbook=web/tour",
        "?person=token:test",
        "?range=1h",
        "?since=2000-01-01",
        "?q=tour&host=db-1&state=waiting",
    ];
    for filter in filters {
        let page = page_of(&server, "vera", &format!("/runs{filter}")).await;
        assert!(!page.contains(&hidden), "{filter}");
        assert_eq!(page.contains(&ours), !filter.contains("db-1"), "{filter}");
        for format in ["csv", "json"] {
            let with = if filter.is_empty() { "?".to_owned() } else { format!("{filter}&") };
            let file = page_of(&server, "vera", &format!("/runs/export{with}format={format}")).await;
            assert!(!file.contains(&hidden), "{filter}");
            assert_eq!(file.contains(&ours), !filter.contains("db-1"), "{filter}");
        }
    }
}

#[tokio::test]
async fn a_list_ends_where_only_hidden_runs_follow_and_goes_on_where_a_visible_one_does() {
    let server = Server::start().await;
    let hidden = server.tour(&["db-1"]).await;
    let (older, newer) = (server.tour(&["web-1"]).await, server.tour(&["web-2"]).await);
    server.grant("steadyhand: 1\ngrants:\n  - {who: user:vera, role: viewer, hosts: role=web}\n");
    server.engine.policy_now().await;
    let page = |address: String| {
        let server = &server;
        async move {
            let text = page_of(server, "vera", &address).await;
            serde_json::from_str::<serde_json::Value>(&text).expect("the API answers in JSON")
        }
    };
    let first = page("/api/v1/runs?limit=1".to_owned()).await;
    assert_eq!(first["runs"][0]["id"], newer.as_str());
    let next = first["next"].as_str().expect("a visible run follows");
    let last = page(format!("/api/v1/runs?limit=1&cursor={next}")).await;
    assert_eq!(last["runs"][0]["id"], older.as_str());
    assert!(last["next"].is_null(), "nothing tells of {hidden}: {last}");
    let none = page("/api/v1/runs?limit=1&host=db-1".to_owned()).await;
    assert!(none["next"].is_null() && none["runs"] == serde_json::json!([]), "{none}");
}

#[tokio::test]
async fn filters_stand_in_the_address_and_one_that_can_fit_nothing_says_why() {
    let server = Server::start().await;
    let run = server.tour(&["web-1"]).await;
    let page = server.page("/runs?host=web-1&range=24h&person=token:test").await;
    assert!(page.contains(&run) && page.contains("href=\"/runs?person=token%3Atest&amp;range=24h\""), "{page}");
    let page = server.page("/runs?since=yesterday").await;
    assert!(page.contains("since=yesterday is no time") && !page.contains(&run));
    assert!(server.page("/runs?host=no%20host").await.contains("Nothing can fit this"));
    let none = server.page("/runs?state=aborted").await;
    assert!(none.contains("No run fits") && !none.contains("Older runs"), "{none}");
    assert_eq!(server.get("/api/v1/runs?range=2y").await.status(), StatusCode::BAD_REQUEST);
    let csv = server.page("/runs/export?format=csv&host=web-1").await;
    assert!(csv.starts_with("started,ended,state,") && csv.lines().count() == 2, "{csv}");
    assert_eq!(server.get("/runs/export?format=pdf").await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_run_waits_for_its_driver_and_for_others_it_is_somebody_elses() {
    let server = Server::start().await;
    server.grant(
        "steadyhand: 1\nteams: {web: [anna]}\non_call: {web: [anna]}\ngrants:\n  - {who: everyone, role: operator}\n",
    );
    server.engine.policy_now().await;
    let empty = page_of(&server, "anna", "/").await;
    assert!(empty.contains("Nothing waits.") && empty.contains("You are on call for web"), "{empty}");
    let body = json!({"runbook": "web/tour", "inputs": {"folder": server.written()}, "hosts": ["web-1"]});
    let answer = server.web.answer_to(person("anna"), Method::POST, "/api/v1/runs", Some(&body)).await;
    let answer = answer.expect("it answers");
    assert_eq!(answer.status, StatusCode::CREATED);
    let started: serde_json::Value = serde_json::from_slice(&answer.body).expect("it is JSON");
    let run = started["id"].as_str().expect("a run has an id");
    server.until(run, |view| view["waiting"]["for"] == "confirm").await;
    let anna = page_of(&server, "anna", "/").await;
    assert!(
        anna.contains("<title>(1) Now") && anna.contains("1 run waits for you") && anna.contains("Confirm"),
        "{anna}"
    );
    let ben = page_of(&server, "ben", "/").await;
    assert!(ben.contains("<title>Now") && ben.contains("driven by user:anna"), "{ben}");
    assert!(!ben.contains("You are on call") && ben.contains("anna"));
    assert!(!page_of(&server, "nobody", "/now/pulse").await.contains(run));
}

#[tokio::test]
async fn the_pulse_of_the_first_page_changes_with_every_event() {
    let server = Server::start().await;
    let before = server.json("/now/pulse").await;
    assert_eq!(server.json("/now/pulse").await, before);
    let run = server.tour(&["web-1"]).await;
    let waiting = server.json("/now/pulse").await;
    assert_ne!(waiting, before);
    let view = server.json(&format!("/api/v1/runs/{run}")).await;
    let stop = json!({"action": "abort", "reason": "enough", "seq": view["seq"]});
    server.post(&format!("/api/v1/runs/{run}/actions"), &stop).await;
    server.until(&run, |view| view["state"] == "aborted").await;
    assert_ne!(server.json("/now/pulse").await, waiting);
}

#[tokio::test]
async fn an_expired_runbook_starts_only_with_a_reason_which_its_run_keeps() {
    let server = Server::start().await;
    expired(&server);
    let page = server.page("/runbooks/web/old").await;
    assert!(page.contains("May be out of date") && page.contains("expired 2020-02-01"), "{page}");
    assert!(server.page("/runbooks?fresh=expired").await.contains("An old one"));
    assert!(server.page("/start/web/old").await.contains("needed, because expired 2020-02-01"));
    let (status, refused) = server.post("/api/v1/runs", &json!({"runbook": "web/old"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    assert!(refused["detail"].as_str().is_some_and(|why| why.contains("may be out of date")), "{refused}");
    let (status, _) = server.post("/api/v1/runs", &json!({"runbook": "web/old", "reason": "  "})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "blanks are no reason");
    let (status, started) =
        server.post("/api/v1/runs", &json!({"runbook": "web/old", "reason": "only this fits"})).await;
    assert_eq!(status, StatusCode::CREATED, "{started}");
    let run = started["id"].as_str().expect("a run has an id");
    let view = server.until(run, |view| view["state"] == "succeeded").await;
    assert_eq!(view["override_reason"], "only this fits");
    // What a fresh runbook is started with is not asked for, and not kept.
    let body =
        json!({"runbook": "web/tour", "inputs": {"folder": server.written()}, "hosts": ["web-1"], "reason": "x"});
    let (_, started) = server.post("/api/v1/runs", &body).await;
    let view = server.json(&format!("/api/v1/runs/{}", started["id"].as_str().expect("an id"))).await;
    assert_eq!(view["override_reason"], serde_json::Value::Null);
}

#[tokio::test]
async fn the_search_ranks_marks_and_names_what_was_meant() {
    let server = Server::start().await;
    let page = server.page("/runbooks?q=long").await;
    assert!(page.contains("<mark>long</mark>") && page.contains("1 of 4 runbooks"), "{page}");
    let by_command = server.page("/runbooks?q=sleep+300").await;
    assert!(
        by_command.contains("A long one") && by_command.contains("<mark>sleep</mark> <mark>300</mark>"),
        "{by_command}"
    );
    let meant = server.page("/runbooks?q=tuor").await;
    assert!(meant.contains("Did you mean <a href=\"/runbooks?q=tour\">tour</a>?"), "{meant}");
    assert!(server.page("/runbooks?tag=tour").await.contains("2 of 4 runbooks"));
    assert!(server.page("/runbooks?fresh=broken").await.contains("1 of 4 runbooks"));
}

#[tokio::test]
async fn the_start_form_checks_picks_and_links_without_starting_anything() {
    let server = Server::start().await;
    let start = |fields: &'static [(&'static str, &'static str)]| server.form("/start/web/long", fields);
    let checked = start(&[("do", "check"), ("input.lines", "many"), ("secret.secret", "hunter2")]).await.text().await;
    let checked = checked.expect("a page is text");
    assert!(checked.contains("&quot;many&quot; is not a whole number"), "{checked}");
    assert!(!checked.contains("hunter2"), "a secret is neither shown again nor in the link");
    let picked = start(&[("do", "pick"), ("pick", "role=web"), ("input.lines", "7")]).await;
    assert_eq!(picked.status(), StatusCode::OK);
    let picked = picked.text().await.expect("a page is text");
    assert_eq!(picked.matches("name=\"host\" value=\"web-1\" checked").count(), 1, "{picked}");
    assert!(picked.contains("/start/web/long?input.lines=7&amp;host=web-1&amp;host=web-2\""), "{picked}");
    let nobody = start(&[("do", "pick"), ("pick", "role=db")]).await.text().await.expect("a page is text");
    assert!(nobody.contains("no host here has role=db") && !nobody.contains(" checked> <strong"), "{nobody}");
    let address = "/start/web/long?input.lines=9&host=web-2&secret.secret=hunter2&input.secret=hunter2";
    let opened = server.page(address).await;
    assert!(opened.contains("value=\"9\"") && !opened.contains("hunter2"), "{opened}");
    assert_eq!(server.json("/api/v1/runs").await["runs"], json!([]), "nothing was started");
    let plan = start(&[("do", "plan"), ("host", "web-2"), ("input.lines", "7")]).await.text().await.expect("text");
    assert!(plan.contains("lines=&#39;7&#39;") && plan.contains("host=&#39;web-2&#39;"), "{plan}");
}

#[tokio::test]
async fn a_runbook_shows_the_texts_that_lead_to_what_is_served_and_no_others() {
    let server = Server::start().await;
    let repository = server.folder.path().join("repository");
    let git = |arguments: &[&str]| {
        let named = ["-c", "user.name=Ada", "-c", "user.email=ada@localhost"];
        let command = std::process::Command::new("git").args(named).args(arguments).current_dir(&repository).output();
        let output = command.expect("git starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("git prints UTF-8").trim().to_owned()
    };
    let commit = |message: &str| {
        git(&["add", "."]);
        git(&["commit", "-q", "-m", message]);
        git(&["rev-parse", "HEAD"])
    };
    server.grant("steadyhand: 1\ngrants:\n  - {who: everyone, role: viewer}\n");
    git(&["init", "-q", "-b", "main"]);
    let first = commit("as it was");
    expired(&server);
    let file = repository.join("runbooks/web/long.yaml");
    let text = std::fs::read_to_string(&file).expect("it is there").replace("A long one", "A longer one");
    std::fs::write(&file, &text).expect("a file can be written");
    let second = commit("a better name");
    git(&["checkout", "-q", "-b", "side"]);
    std::fs::write(&file, text.replace("A longer one", "Nobody has read this")).expect("a file can be written");
    let side = commit("not looked at");
    git(&["checkout", "-q", "main"]);
    let web = Web::new(server.restarted_engine().await, server.clock.clone(), WebOptions::default());
    let get = async |path: String| {
        let answer = web.answer_to(person("vera"), Method::GET, &path, None).await.expect("it answers");
        (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
    };
    let (_, page) = get("/runbooks/web/long".to_owned()).await;
    assert!(page.contains("a better name") && page.contains("as it was") && !page.contains("not looked at"), "{page}");
    let (status, old) = get(format!("/runbooks/web/long?at={first}")).await;
    assert!(status.is_success() && old.contains("name: A long one") && old.contains("an older text"), "{old}");
    assert!(get(format!("/runbooks/web/long?at={second}")).await.1.contains("the text that is served"));
    for other in [side.as_str(), "main", "side", "HEAD", &first[..12], "--help"] {
        let (status, page) = get(format!("/runbooks/web/long?at={other}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{other}");
        assert!(!page.contains("Nobody has read this"), "{other}");
    }
    let (_, list) = get("/runbooks?q=old+one".to_owned()).await;
    assert!(list.contains("changed <time"), "{list}");
}
