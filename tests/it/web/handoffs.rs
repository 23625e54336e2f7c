//! Handoffs over the API and the pages, with a real store and runs that really wait.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection};
use sqlx_sqlite::SqliteConnectOptions;
use steadyhand::access::identity::{Identity, Reach, Road};
use steadyhand::audit::verdict::Verdict;
use steadyhand::id::HandoffId;
use steadyhand::run::event::Actor;

use super::server::Server;

const ACCESS: &str = "\
steadyhand: 1
grants:
  - {who: user:anna, role: operator}
  - {who: user:ben, role: operator}
  - {who: user:cleo, role: operator, runbooks: db/**}
  - {who: user:lead, role: admin}
";

const RECAP: &str = "One tour in the middle, which I go on with";
const OWN_WORDS: &str = "The walk around stands halfway; I let it write, and past 5 errors I stop it";

fn person(name: &str) -> Identity {
    Identity {
        actor: Actor(format!("user:{name}")),
        road: Road::Session,
        groups: Vec::new(),
        reach: Reach::Granted,
        authenticated_at_ms: Some(i64::MAX),
    }
}

struct World {
    server: Server,
    run: String,
}

impl World {
    /// Anna drives a run that waits for a confirmation.
    async fn start() -> Self {
        let server = Server::start().await;
        server.grant(ACCESS);
        for name in ["anna", "ben", "cleo", "lead"] {
            server.person(name, None).await;
        }
        let body = json!({"runbook": "web/tour", "inputs": {"folder": server.written()}, "hosts": ["web-1"]});
        let started = server.web.answer_to(person("anna"), Method::POST, "/api/v1/runs", Some(&body)).await;
        let started = started.expect("it answers");
        assert_eq!(started.status, StatusCode::CREATED);
        let started: Value = serde_json::from_slice(&started.body).expect("JSON");
        let run = started["id"].as_str().expect("a run has an id").to_owned();
        server.until(&run, |view| view["waiting"]["for"] == "confirm").await;
        Self { server, run }
    }

    async fn ask(&self, who: &str, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let answer = self.server.web.answer_to(person(who), method, path, body.as_ref()).await.expect("it answers");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::String(text)))
    }

    async fn act(&self, who: &str, handoff: &str, body: Value) -> (StatusCode, Value) {
        self.ask(who, Method::POST, &format!("/api/v1/handoffs/{handoff}/actions"), Some(body)).await
    }

    async fn follows(&self, who: &str, handoff: &str, body: Value) -> Value {
        let (status, said) = self.act(who, handoff, body.clone()).await;
        assert_eq!(status, StatusCode::OK, "{body}: {said}");
        said
    }

    async fn page(&self, who: &str, path: &str) -> String {
        let (status, text) = self.ask(who, Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text.as_str().expect("a page is text").to_owned()
    }

    /// The draft from anna to ben.
    async fn drafted(&self) -> (String, Value) {
        let (status, begun) = self.ask("anna", Method::POST, "/api/v1/handoffs", Some(json!({"to": "ben"}))).await;
        assert_eq!(status, StatusCode::CREATED, "{begun}");
        (begun["id"].as_str().expect("it has an id").to_owned(), begun)
    }

    /// Written, signed and offered.
    async fn offered(&self) -> String {
        let (id, begun) = self.drafted().await;
        let revision = begun["revision"].clone();
        let overview = json!({"action": "overview", "revision": revision, "overview": "One tour stands halfway."});
        let said = self.follows("anna", &id, overview).await;
        let item = json!({"action": "item", "revision": said["revision"], "item": "web.tour", "text": written()});
        let said = self.follows("anna", &id, item).await;
        self.follows("anna", &id, json!({"action": "send", "digest": said["digest"]})).await;
        id
    }

    /// Read back and decided; only "I have these" is left.
    async fn read(&self) -> (String, Value) {
        let id = self.offered().await;
        let read = json!({"action": "read-item", "item": "web.tour", "text": OWN_WORDS, "decision": "accept"});
        let said = self.follows("ben", &id, read).await;
        (id, said["digest"].clone())
    }

    async fn view(&self, id: &str) -> Value {
        let (status, view) = self.ask("lead", Method::GET, &format!("/api/v1/handoffs/{id}"), None).await;
        assert_eq!(status, StatusCode::OK, "{view}");
        view
    }

    async fn driver(&self) -> Value {
        self.server.json(&format!("/api/v1/runs/{}", self.run)).await["driver"].clone()
    }

    async fn sql(&self, sql: &'static str) {
        let file = self.server.folder.path().join("data/steadyhand.db");
        let options = SqliteConnectOptions::new().filename(file).busy_timeout(std::time::Duration::from_secs(5));
        let mut connection = options.connect().await.expect("it is there");
        sqlx::raw_sql(sql).execute(&mut connection).await.expect("it is followed");
        connection.close().await.expect("it closes");
    }
}

fn written() -> Value {
    json!({
        "title": "The tour", "severity": "watcher", "severity_basis": "It stands halfway",
        "statement": "The tour on web-1 waits before it writes.", "assessment": "Harmless so far",
        "plan": "Write before 2099, unless somebody objects",
        "actions": [{"text": "Let it write", "owner": "ben", "due": due()}],
        "contingencies": [{"if": "more than 5 errors", "then": "stop the tour", "runbook": "web/tour folder=/tmp"}],
    })
}

fn due() -> String {
    let in_an_hour = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    in_an_hour.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

#[tokio::test]
async fn the_draft_has_the_waiting_run_with_links_and_no_judgement() {
    let world = World::start().await;
    let (id, begun) = world.drafted().await;
    let item = &begun["items"][0]["item"];
    assert_eq!((item["key"].as_str(), item["severity"].is_null()), (Some("web.tour"), true));
    let facts = item["summary"]["history"].to_string();
    assert!(facts.contains("waits for confirmation of write on web-1") && facts.contains(&world.run), "{facts}");
    assert!(facts.contains("user:anna drives it"), "{facts}");
    let page = world.page("anna", &format!("/handoffs/{id}")).await;
    assert!(page.contains(&format!("/runs/{}#step-write", world.run)), "the fact leads to its step");
    let (status, said) = world.act("anna", &id, json!({"action": "send", "digest": begun["digest"]})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let checks: Vec<&str> = said["errors"]
        .as_array()
        .expect("each by itself")
        .iter()
        .filter_map(|found| found["pointer"].as_str())
        .collect();
    assert!(checks.contains(&"Q1:web.tour") && checks.contains(&"Q6:web.tour"), "{checks:?}");
    let run = world.page("ben", &format!("/runs/{}", world.run)).await;
    assert!(run.contains("Held by <strong>user:anna</strong>"), "the run's page says who holds it");
}

#[tokio::test]
async fn from_offer_to_acceptance_the_wheel_passes_and_the_new_person_finishes_the_run() {
    let world = World::start().await;
    let id = world.offered().await;
    // The receiver asks, the sender answers.
    let question = json!({"action": "read-item", "item": "web.tour", "text": OWN_WORDS, "decision": "question", "words": "Which folder?"});
    assert_eq!(world.follows("ben", &id, question).await["phase"], "questioned");
    let early = world.act("ben", &id, json!({"action": "accept", "digest": world.view(&id).await["digest"]})).await;
    assert_eq!(early.0, StatusCode::UNPROCESSABLE_ENTITY, "{}", early.1);
    world.follows("anna", &id, json!({"action": "answer", "question": 1, "text": "The one of the test"})).await;
    // Refused while something is missing, with what it is.
    let digest = world.view(&id).await["digest"].clone();
    let (status, said) = world.act("ben", &id, json!({"action": "accept", "digest": digest})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(said["detail"].as_str().expect("it says what").contains("decide on web.tour"), "{said}");
    let copy = json!({"action": "read-item", "item": "web.tour", "text": "The tour on web-1 waits before it writes.", "decision": "accept"});
    let (status, said) = world.act("ben", &id, copy).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(said["detail"].as_str().expect("it says why").contains("own words"), "{said}");
    world.follows("ben", &id, json!({"action": "read-item", "item": "web.tour", "decision": "accept"})).await;
    assert_eq!(world.driver().await, "user:anna", "nothing passes before the end");
    let said = world.follows("ben", &id, json!({"action": "accept", "digest": digest, "recap": RECAP})).await;
    assert_eq!((said["phase"].as_str(), said["items"][0]["holder"].as_str()), (Some("acknowledged"), Some("user:ben")));
    assert_eq!(world.driver().await, "user:ben");
    // Anna drives it no more; ben does.
    let run = format!("/api/v1/runs/{}", world.run);
    let seq = world.server.json(&run).await["seq"].clone();
    let confirm = json!({"action": "confirm", "step": "write", "typed": "1", "seq": seq});
    let (status, said) = world.ask("anna", Method::POST, &format!("{run}/actions"), Some(confirm.clone())).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
    let (status, said) = world.ask("ben", Method::POST, &format!("{run}/actions"), Some(confirm)).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    world.server.until(&world.run, |view| view["waiting"]["for"] == "answer").await;
    let handoff: HandoffId = id.parse().expect("an id");
    assert!(matches!(world.server.store.verify_handoff(handoff).await.expect("it is read"), Verdict::Intact { .. }));
    let text = world.page("ben", &format!("/handoffs/{id}/markdown")).await;
    for part in
        ["**Illness severity:** watcher", "Let it write", "more than 5 errors", "walk around", RECAP, "Which folder?"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let held = world.page("anna", &format!("/runs/{}", world.run)).await;
    assert!(held.contains("Held by <strong>user:ben</strong>"), "the run's page says who holds it");
}

#[tokio::test]
async fn what_cannot_be_stored_passes_neither_custody_nor_wheel_and_the_run_goes_on() {
    let world = World::start().await;
    let (id, digest) = world.read().await;
    world
        .sql(
            "create trigger refuse before insert on handoff_event when new.kind = 'handoff_acknowledged' \
             begin select raise(abort, 'refused'); end",
        )
        .await;
    let accept = json!({"action": "accept", "digest": digest, "recap": RECAP});
    let (status, said) = world.act("ben", &id, accept.clone()).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{said}");
    // The run's part was written before that in the same transaction: it is gone as well, and its task knows.
    assert_eq!(world.driver().await, "user:anna");
    let stored =
        world.server.store.run(world.run.parse().expect("an id")).await.expect("it is read").expect("it is there");
    let seq = world.server.json(&format!("/api/v1/runs/{}", world.run)).await["seq"].clone();
    assert_eq!(seq, stored.last_seq);
    assert_eq!(world.view(&id).await["items"][0]["holder"], "user:anna");
    let pause = json!({"action": "pause", "seq": seq});
    let (status, said) =
        world.ask("anna", Method::POST, &format!("/api/v1/runs/{}/actions", world.run), Some(pause)).await;
    assert_eq!(status, StatusCode::OK, "the run goes on from where it was: {said}");
    world.sql("drop trigger refuse").await;
    world.follows("ben", &id, accept).await;
    assert_eq!(world.driver().await, "user:ben");
}

#[tokio::test]
async fn a_run_whose_log_takes_no_wheel_keeps_the_whole_handoff_where_it_was() {
    let world = World::start().await;
    let (id, digest) = world.read().await;
    world
        .sql(
            "create trigger refuse before insert on run_event when new.kind = 'wheel_taken' \
             begin select raise(abort, 'refused'); end",
        )
        .await;
    let (status, said) = world.act("ben", &id, json!({"action": "accept", "digest": digest, "recap": RECAP})).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{said}");
    let view = world.view(&id).await;
    assert_eq!((view["phase"].as_str(), view["items"][0]["holder"].as_str()), (Some("offered"), Some("user:anna")));
    assert_eq!(world.driver().await, "user:anna");
}

#[tokio::test]
async fn of_two_who_accept_at_once_one_wins_and_the_other_is_told() {
    let world = World::start().await;
    let (id, digest) = world.read().await;
    let accept = || world.act("ben", &id, json!({"action": "accept", "digest": digest, "recap": RECAP}));
    let (one, other) = tokio::join!(accept(), accept());
    let mut statuses = [one.0, other.0];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY], "{} {}", one.1, other.1);
    let told = if one.0 == StatusCode::OK { other.1 } else { one.1 };
    assert!(told["detail"].as_str().expect("it says why").contains("acknowledged"), "{told}");
    let events = world.server.store.handoff_events(id.parse().expect("an id")).await.expect("they are read");
    assert_eq!(events.iter().filter(|event| event.kind == "handoff_acknowledged").count(), 1);
    let log = world.server.store.events(world.run.parse().expect("an id"), 0, 100).await.expect("it is read");
    assert_eq!(log.iter().filter(|event| event.event.kind == "wheel_taken").count(), 1, "the wheel passed once");
}

#[tokio::test]
async fn a_receiver_who_is_not_in_the_system_is_refused_with_what_to_do() {
    let world = World::start().await;
    let (status, said) = world.ask("anna", Method::POST, "/api/v1/handoffs", Some(json!({"to": "zoe"}))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(said["detail"].as_str().expect("it says why").contains("steadyhand user add zoe"), "{said}");
    let (status, said) = world.ask("anna", Method::POST, "/api/v1/handoffs", Some(json!({"to": "anna"}))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
    let when = json!({"to": "ben", "boundary": "tomorrow"});
    let (status, said) = world.ask("anna", Method::POST, "/api/v1/handoffs", Some(when)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(said["detail"].as_str().expect("it says why").contains("Europe/Berlin"), "{said}");
}

#[tokio::test]
async fn whoever_begins_a_handoff_for_somebody_reads_nothing_of_theirs_by_it() {
    let world = World::start().await;
    let (id, digest) = world.read().await;
    world.follows("ben", &id, json!({"action": "accept", "digest": digest, "recap": RECAP})).await;
    // Cleo writes handoffs, of db/** alone; what ben took is about web/tour.
    let body = json!({"from": "ben", "to": "anna"});
    let (status, begun) = world.ask("cleo", Method::POST, "/api/v1/handoffs", Some(body.clone())).await;
    assert_eq!((status, begun["items"].as_array().map(Vec::len)), (StatusCode::CREATED, Some(0)), "{begun}");
    // Whoever may read it gets it, with the run that keeps the new one from cleo.
    let (status, begun) = world.ask("anna", Method::POST, "/api/v1/handoffs", Some(body)).await;
    assert_eq!((status, begun["items"][0]["item"]["runs"][0].as_str()), (StatusCode::CREATED, Some(&*world.run)));
    assert_eq!(begun["items"][0]["item"]["carried"]["times"], 1, "{begun}");
    let path = format!("/api/v1/handoffs/{}", begun["id"].as_str().expect("an id"));
    assert_eq!(world.ask("cleo", Method::GET, &path, None).await.0, StatusCode::NOT_FOUND);
    // Anna began it, and she is its receiver: without ben she takes nothing by it.
    let begun = begun["id"].as_str().expect("an id");
    let (status, said) = world.act("anna", begun, json!({"action": "take-unbriefed"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
    assert!(said["detail"].as_str().expect("it says why").contains("you began it yourself"), "{said}");
    assert_eq!(world.driver().await, "user:ben");
}

#[tokio::test]
async fn one_handoff_that_cannot_be_read_holds_up_no_other() {
    let world = World::start().await;
    let past = (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(61)).to_string();
    for from in ["anna", "lead"] {
        let body = json!({"from": from, "to": "ben", "boundary": past});
        let (status, said) = world.ask("lead", Method::POST, "/api/v1/handoffs", Some(body)).await;
        assert_eq!(status, StatusCode::CREATED, "{said}");
    }
    world
        .sql(
            "update handoff_event set body = '{}' where seq = 1 and handoff in \
             (select id from handoff where sender = 'user:anna')",
        )
        .await;
    assert_eq!(world.server.engine.pass_handoff_time().await.expect("time passes"), 1);
}

#[tokio::test]
async fn nobody_gets_the_wheel_of_a_run_that_they_may_not_work() {
    let world = World::start().await;
    // Cleo may not see the run: the check says so before anybody signs.
    let (status, begun) = world.ask("anna", Method::POST, "/api/v1/handoffs", Some(json!({"to": "cleo"}))).await;
    assert_eq!(status, StatusCode::CREATED, "{begun}");
    let id = begun["id"].as_str().expect("an id").to_owned();
    let (_, said) = world.act("anna", &id, json!({"action": "send", "digest": begun["digest"]})).await;
    assert!(said["errors"].to_string().contains("may not see a run of it"), "{said}");
    let (status, _) = world.ask("cleo", Method::GET, &format!("/api/v1/handoffs/{id}"), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "what tells of a run is hidden with it");
    // A lead who passes it to her all the same is refused as well.
    let force = json!({"item": "web.tour", "to": "cleo", "reason": "she is awake"});
    let path = format!("/api/v1/handoffs/{id}/force");
    let (status, said) = world.ask("lead", Method::POST, &path, Some(force)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(said["detail"].as_str().expect("it says why").contains("may not work the run"), "{said}");
    assert_eq!(world.driver().await, "user:anna");
}

#[tokio::test]
async fn a_lead_passes_an_item_with_its_wheel_and_the_reason_is_read_by_all() {
    let world = World::start().await;
    let (id, _) = world.drafted().await;
    let path = format!("/api/v1/handoffs/{id}/force");
    let force = json!({"item": "web.tour", "to": "ben", "reason": "Anna does not answer"});
    let (status, _) = world.ask("anna", Method::POST, &path, Some(force.clone())).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "only a lead may");
    let (status, said) = world.ask("lead", Method::POST, &path, Some(force)).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    assert_eq!(world.driver().await, "user:ben");
    let page = world.page("anna", &format!("/handoffs/{id}")).await;
    assert!(page.contains("Anna does not answer") && page.contains("held by <strong>user:ben</strong>"), "{page}");
}

#[tokio::test]
async fn a_quiet_shift_is_one_tap_and_an_emergency_one_sentence() {
    let world = World::start().await;
    let (status, begun) = world
        .ask("ben", Method::POST, "/api/v1/handoffs", Some(json!({"to": "anna", "emergency": "I am off to hospital"})))
        .await;
    assert_eq!((status, begun["phase"].as_str()), (StatusCode::CREATED, Some("offered")), "{begun}");
    let id = begun["id"].as_str().expect("an id").to_owned();
    assert!(world.page("anna", &format!("/handoffs/{id}")).await.contains("I am off to hospital"));
    // Lead has nothing of their own; the run is told, so they dismiss it with a reason.
    let (id, begun) = world.drafted().await;
    let dismiss = json!({"action": "dismiss", "revision": begun["revision"], "item": "web.tour", "reason": "a drill"});
    let said = world.follows("anna", &id, dismiss).await;
    let quiet = json!({"action": "quiet", "revision": said["revision"], "overview": "Nothing happened."});
    assert_eq!(world.follows("anna", &id, quiet).await["phase"], "offered");
    let digest = world.view(&id).await["digest"].clone();
    let taken = world.follows("ben", &id, json!({"action": "accept", "digest": digest})).await;
    assert_eq!(taken["phase"], "acknowledged");
    let figures = world.page("lead", "/handoffs/measures").await;
    assert!(figures.contains("All five elements in writing") && figures.contains("1 of 1"), "{figures}");
}

#[tokio::test]
async fn the_form_of_a_page_keeps_what_was_typed_when_it_is_refused() {
    let world = World::start().await;
    let id = world.offered().await;
    let link = world
        .server
        .login_link_of(
            "ben",
            Some(world.server.store.person_named("ben").await.expect("read").expect("there").person.id),
            steadyhand::store::access::Began::Link,
        )
        .await;
    let cookie = world.server.session_of_link(&link).await;
    let page = world.server.send(Method::GET, &format!("/handoffs/{id}?read=next"), &cookie, &[]).await;
    let page = page.text().await.expect("text");
    assert!(page.contains("1 of 1") && page.contains("The tour on web-1 waits"), "{page}");
    let fields = [("action", "read-item"), ("item", "web.tour"), ("text", "not <enough>"), ("decision", "accept")];
    let refused = world.server.send(Method::POST, &format!("/handoffs/{id}/actions"), &cookie, &fields).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let text = refused.text().await.expect("text");
    assert!(text.contains("not &lt;enough&gt;") && text.contains("say it in a sentence of your own"), "{text}");
    let fields = [("action", "read-item"), ("item", "web.tour"), ("text", OWN_WORDS), ("decision", "accept")];
    let next = world.server.send(Method::POST, &format!("/handoffs/{id}/actions"), &cookie, &fields).await;
    assert_eq!(next.headers()["location"], format!("/handoffs/{id}?read=next"));
    let end = world.server.send(Method::GET, &format!("/handoffs/{id}?read=next"), &cookie, &[]).await;
    assert!(end.text().await.expect("text").contains("I have these"), "the button is only on the last page");
}

#[tokio::test]
async fn an_overdue_handoff_goes_out_unsigned_and_is_marked_level_by_level() {
    let world = World::start().await;
    let past = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(61);
    let boundary = past.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let body = json!({"to": "ben", "boundary": boundary});
    let (status, begun) = world.ask("anna", Method::POST, "/api/v1/handoffs", Some(body)).await;
    assert_eq!(status, StatusCode::CREATED, "{begun}");
    let id = begun["id"].as_str().expect("an id").to_owned();
    assert_eq!(world.server.engine.pass_handoff_time().await.expect("time passes"), 1);
    let view = world.view(&id).await;
    assert_eq!(view["phase"], "offered");
    assert!(
        view["signed"].is_null() && view["overdue"].as_str().expect("it is").contains("the lead is paged"),
        "{view}"
    );
    assert_eq!(world.server.engine.pass_handoff_time().await.expect("time passes"), 0, "each mark passes once");
    let taken = world.follows("ben", &id, json!({"action": "take-unbriefed"})).await;
    assert_eq!((taken["phase"].as_str(), world.driver().await.as_str()), (Some("taken-unbriefed"), Some("user:ben")));
}

#[tokio::test]
async fn a_template_of_the_repository_is_used_and_a_bad_one_is_named() {
    let world = World::start().await;
    let (id, _) = world.drafted().await;
    let folder = world.server.folder.path().join("repository/handoffs");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(
        folder.join("ours.hbs"),
        "From {{handoff.shift.outgoing}}: {{#each items}}{{of.item.title}}{{/each}}\n",
    )
    .expect("a file");
    std::fs::write(folder.join("evil.hbs"), "{{> evil}}").expect("a file");
    let path = format!("/handoffs/{id}/markdown?form=");
    assert_eq!(world.page("anna", &format!("{path}ours")).await, "From user:anna: A tour\n");
    let (status, said) = world.ask("anna", Method::GET, &format!("/api/v1{path}evil"), None).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
    for name in ["none", "..%2F..%2Finventory"] {
        let (status, _) = world.ask("anna", Method::GET, &format!("/api/v1{path}{name}"), None).await;
        assert!(status.is_client_error(), "{name}");
    }
}
