//! Who is on call: page, API, guard; calendars that go away, answer nonsense or never end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use steadyhand::access::identity::{Identity, Reach, Road};
use steadyhand::access::secret::{self, Door};
use steadyhand::clock::Clock;
use steadyhand::config::{Allowed, SecretRef};
use steadyhand::entropy;
use steadyhand::feeds::Fetcher;
use steadyhand::outgoing::Outgoing;
use steadyhand::run::event::Actor;
use steadyhand::secrets::NamedSecrets;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::server::Server;

const PAGERDUTY: &str = include_str!("../../fixtures/calendars/pagerduty.ics");

const ONCALL: &str = "steadyhand: 1
zone: Europe/Berlin
rotations:
  web: {title: Web shop, members: [anna, ben], start: 2026-01-05, handover: {days: [mon], at: \"09:00\"}}
  db: {feed: pagerduty, only: Database Primary}
overrides:
  - {rotation: web, person: nobody, from: 2027-01-05T10:00, to: 2027-01-05T12:00}
feeds: {pagerduty: {server: pd}}
people: {fritz: {emails: [fritz@example.org]}, gina: {emails: [gina@example.org]}}
";

fn write(server: &Server, file: &str, text: &str) {
    let path = server.folder.path().join("repository").join(file);
    std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder can be made");
    std::fs::write(path, text).expect("a file can be written");
}

async fn at(server: &Server, time: &str) -> Value {
    // Looks are shared for a second.
    let (clock, until) = (server.clock.clone(), server.clock.monotonic_ms() + 1_000);
    clock.sleep_until(until).await;
    server.json(&format!("/api/v1/oncall?at={time}&days=7")).await
}

fn holders(body: &Value, rotation: &str) -> Vec<String> {
    let rotations = body["rotations"].as_array().expect("a list");
    let found = rotations.iter().find(|found| found["name"] == rotation).expect("it is there");
    let now = found["now"].as_array().expect("a list").iter();
    now.map(|shift| shift["holder"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn the_api_and_the_page_say_who_is_on_call_at_a_time_and_what_is_to_settle() {
    let server = Server::start().await;
    write(&server, "oncall.yaml", ONCALL);
    let body = at(&server, "2027-01-05T08:00:00Z").await;
    let holder = holders(&body, "web");
    assert!(["anna", "ben"].contains(&holder[0].as_str()), "{body:#}");
    assert_eq!(body["rotations"][1]["next_boundary_ms"], 1_799_139_600_000_i64, "the override ends the shift");
    let rules: Vec<&str> =
        body["findings"].as_array().expect("a list").iter().filter_map(|found| found["rule"].as_str()).collect();
    assert!(rules.contains(&"oncall[gap]"), "{body:#}");
    assert_eq!(holders(&at(&server, "2027-01-05T10:00:00Z").await, "web"), Vec::<String>::new());
    let page = server.page("/on-call?at=2027-01-05T10:00:00Z").await;
    for text in ["Web shop", "nobody", "To settle", "Tue 5 Jan 11:00 CET", "overrides"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let refused = server.get("/api/v1/oncall?at=tomorrow").await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn own_shifts_come_first_and_a_file_with_a_mistake_leaves_the_last_good_one() {
    let server = Server::start().await;
    write(&server, "oncall.yaml", &ONCALL.replace("[anna, ben]", "[anna]"));
    let who = Identity {
        actor: Actor("user:anna".to_owned()),
        road: Road::Session,
        groups: Vec::new(),
        reach: Reach::Granted,
        authenticated_at_ms: None,
    };
    let page = async |who: Identity| {
        let answer = server.web.answer_to(who, Method::GET, "/on-call", None).await.expect("it answers");
        String::from_utf8_lossy(&answer.body).into_owned()
    };
    let mine = page(who.clone()).await;
    assert!(mine.contains("<h1>You are on call for Web shop until"), "{mine}");
    write(&server, "oncall.yaml", "steadyhand: 1\nrotation: {}\n");
    let body = at(&server, "2027-01-05T08:00:00Z").await;
    assert_eq!(holders(&body, "web"), ["anna"], "she stays on call");
    assert!(body["trouble"].as_str().is_some_and(|trouble| trouble.contains("line 2")), "{body:#}");
    assert!(page(who).await.contains("stays in force"));
}

#[tokio::test]
async fn the_rotation_decides_who_is_on_call_once_there_is_one() {
    let server = Server::start().await;
    let guarded = "steadyhand: 1\nname: Guarded\nsummary: For who is on call. One minute.\nowner: team:web\n\
                   review_by: 2099-01-01\nguards: [{on_call: true}]\nhosts: {select: role=web}\n\
                   steps:\n  - {id: look, name: Look, check: 'true'}\n";
    write(&server, "runbooks/web/guarded.yaml", guarded);
    server.grant(
        "steadyhand: 1\nteams: {web: [anna, ben]}\non_call: {web: [anna]}\ngrants: [{who: everyone, role: operator}]\n",
    );
    let start = async |name: &str| {
        let who = Identity {
            actor: Actor(format!("user:{name}")),
            road: Road::Session,
            groups: Vec::new(),
            reach: Reach::Granted,
            authenticated_at_ms: None,
        };
        let body = json!({"runbook": "web/guarded", "hosts": ["web-1"]});
        server.web.answer_to(who, Method::POST, "/api/v1/runs", Some(&body)).await.expect("it answers").status
    };
    assert_eq!(start("anna").await, StatusCode::CREATED, "the list of access.yaml holds while there is no rotation");
    write(&server, "oncall.yaml", &ONCALL.replace("[anna, ben]", "[ben]"));
    at(&server, "2027-01-05").await;
    assert_ne!(start("anna").await, StatusCode::CREATED, "the list holds no more");
    assert_eq!(start("ben").await, StatusCode::CREATED);
}

/// A web server that serves what it is told to: a calendar, nonsense, something without an end, nothing.
struct Calendars {
    address: std::net::SocketAddr,
    mode: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

const GOOD: usize = 0;
const NONSENSE: usize = 1;
const ENDLESS: usize = 2;
const REFUSING: usize = 3;

impl Calendars {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let mode = Arc::new(AtomicUsize::new(GOOD));
        let told = mode.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mode = told.load(Ordering::SeqCst);
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 4096]).await;
                    let answer = |status: &str, body: &str| {
                        format!(
                            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                            body.len()
                        )
                    };
                    match mode {
                        GOOD => drop(stream.write_all(answer("200 OK", PAGERDUTY).as_bytes()).await),
                        NONSENSE => drop(stream.write_all(answer("200 OK", "<html>Sign in</html>").as_bytes()).await),
                        ENDLESS => {
                            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nBEGIN:VCALENDAR\r\n").await;
                            while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
                        }
                        _ => drop(stream.write_all(answer("503 Busy", "").as_bytes()).await),
                    }
                });
            }
        });
        Self { address, mode, task }
    }
}

fn fetcher(server: &Server, address: &str, allow: &[&str]) -> (Fetcher, PathBuf) {
    // An address is a secret: it lies in a file, and the configuration says where.
    let file = server.folder.path().join("address");
    std::fs::write(&file, address).expect("a file can be written");
    let allow = allow.iter().map(|text| Allowed::Network(text.parse().expect("an address"))).collect();
    let feeds = BTreeMap::from([("pd".to_owned(), SecretRef::File(file.clone()))]);
    let (store, clock): (_, Arc<dyn Clock>) = (server.store.clone(), server.clock.clone());
    let secrets = Arc::new(NamedSecrets::none());
    (Fetcher::new(store, clock, secrets, &Outgoing::new(allow), feeds).expect("TLS is there"), file)
}

#[tokio::test]
async fn the_last_good_calendar_stays_whatever_its_server_does() {
    let server = Server::start().await;
    write(&server, "oncall.yaml", ONCALL);
    let calendars = Calendars::start().await;
    let address = format!("http://{}/private/SECRETWORD.ics", calendars.address);
    let (fetcher, _file) = fetcher(&server, &address, &["127.0.0.1"]);
    let time = "2026-11-24T12:00:00Z";
    let before = at(&server, time).await;
    assert_eq!(before["feeds"][0]["is_stale"], true, "it was never read: {before:#}");
    fetcher.fetch_all().await;
    let body = at(&server, time).await;
    assert_eq!((holders(&body, "db"), &body["feeds"][0]["trouble"]), (vec!["fritz".to_owned()], &Value::Null));
    let read_at = body["feeds"][0]["read_at_ms"].clone();
    for (mode, says) in [(NONSENSE, "no iCalendar"), (ENDLESS, "longer than"), (REFUSING, "503")] {
        calendars.mode.store(mode, Ordering::SeqCst);
        fetcher.fetch_all().await;
        let body = at(&server, time).await;
        assert_eq!(holders(&body, "db"), ["fritz"], "the last good copy stays");
        assert_eq!(body["feeds"][0]["read_at_ms"], read_at, "and its age is known");
        let trouble = body["feeds"][0]["trouble"].as_str().expect("it says why").to_owned();
        assert!(trouble.contains(says), "{trouble}");
    }
    calendars.task.abort();
    let _ = calendars.task.await;
    fetcher.fetch_all().await;
    let body = at(&server, time).await;
    assert_eq!(holders(&body, "db"), ["fritz"]);
    let page = server.page("/on-call").await;
    assert!(page.contains("cannot reach 127.0.0.1") && page.contains("last copy"), "{page}");
    assert!(!page.contains("SECRETWORD") && !body.to_string().contains("SECRETWORD"), "the address is a secret");
}

#[tokio::test]
async fn a_calendar_on_an_address_that_is_not_public_is_not_asked_unless_listed() {
    let server = Server::start().await;
    write(&server, "oncall.yaml", ONCALL);
    let calendars = Calendars::start().await;
    let (fetcher, _file) = fetcher(&server, &format!("http://{}/x.ics", calendars.address), &[]);
    fetcher.fetch_all().await;
    let body = at(&server, "2026-11-24T12:00:00Z").await;
    assert!(holders(&body, "db").is_empty());
    let trouble = body["feeds"][0]["trouble"].as_str().expect("it says why");
    assert!(trouble.contains("not public"), "{trouble}");
}

#[tokio::test]
async fn a_calendar_of_the_repository_that_breaks_leaves_its_last_good_copy() {
    let server = Server::start().await;
    let oncall = ONCALL.replace("{server: pd}", "{file: calendars/db.ics}");
    write(&server, "oncall.yaml", &oncall);
    write(&server, "calendars/db.ics", PAGERDUTY);
    let time = "2026-11-24T12:00:00Z";
    assert_eq!(holders(&at(&server, time).await, "db"), ["fritz"]);
    write(&server, "calendars/db.ics", &PAGERDUTY[..PAGERDUTY.len() - 60]);
    let body = at(&server, time).await;
    assert_eq!(holders(&body, "db"), ["fritz"], "{body:#}");
    assert!(body["feeds"][0]["trouble"].as_str().is_some_and(|trouble| trouble.contains("calendars/db.ics")));
}

const CHAINS: &str = "chains: {web: {levels: [{who: rotation:web}]}}\n";

async fn paged(server: &Server) -> String {
    write(server, "oncall.yaml", &format!("{ONCALL}{CHAINS}"));
    let (status, page) = server.post("/api/v1/pages", &json!({"chain": "web", "text": "help", "about": "/runs"})).await;
    assert_eq!(status, StatusCode::CREATED, "{page}");
    page["id"].as_str().expect("it has an id").to_owned()
}

#[tokio::test]
async fn opening_the_link_of_a_message_answers_nothing_and_its_button_answers_once() {
    let server = Server::start().await;
    let id = paged(&server).await;
    let token = secret::text(Door::Page, entropy::fresh_token());
    let hash = secret::hash(Door::Page, &token).expect("it is one");
    let page = id.parse().expect("an id");
    server.store.make_page_link(hash, page, "anna", server.clock.wall_ms()).await.expect("it is kept");
    let address = format!("/answer/{token}");
    let opened = server.bare(Method::GET, &address).send().await.expect("it answers");
    assert_eq!(opened.status(), StatusCode::OK);
    assert!(opened.text().await.expect("a page").contains("I have it"));
    let body = server.json(&format!("/api/v1/pages/{id}")).await;
    assert_eq!(body["acknowledged_by"], Value::Null, "a program that looks at links in mails answers nothing");
    let answered = server.send(Method::POST, &address, "", &[]).await;
    assert_eq!(answered.status(), StatusCode::OK);
    let body = server.json(&format!("/api/v1/pages/{id}")).await;
    assert_eq!((&body["acknowledged_by"], &body["standing"]), (&json!("user:anna"), &json!("acknowledged")));
    assert_eq!(server.send(Method::POST, &address, "", &[]).await.status(), StatusCode::NOT_FOUND, "once");
    let (status, told) = server.post(&format!("/api/v1/pages/{id}/acknowledge"), &json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(told["detail"].as_str().is_some_and(|detail| detail.contains("user:anna has it")), "{told}");
    let other = address.replace(&token[7..9], if &token[7..9] == "00" { "11" } else { "00" });
    assert_eq!(server.bare(Method::GET, &other).send().await.expect("it answers").status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_link_of_yesterday_and_one_of_somebody_whose_account_was_ended_open_nothing() {
    let server = Server::start().await;
    let id = paged(&server).await.parse().expect("an id");
    let gone = server.person("gone", None).await;
    server.store.disable_person(gone, "user:chief", server.clock.wall_ms()).await.expect("it is ended");
    let now_ms = server.clock.wall_ms();
    for (person, made_at_ms) in [("anna", now_ms - 25 * 3_600_000), ("gone", now_ms)] {
        let token = secret::text(Door::Page, entropy::fresh_token());
        let hash = secret::hash(Door::Page, &token).expect("it is one");
        server.store.make_page_link(hash, id, person, made_at_ms).await.expect("it is kept");
        for method in [Method::GET, Method::POST] {
            let answer = server.send(method, &format!("/answer/{token}"), "", &[]).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{person}");
        }
    }
}

#[tokio::test]
async fn whoever_pages_without_end_is_told_so_and_whom_to_call() {
    let server = Server::start().await;
    paged(&server).await;
    let (status, told) = server.post("/api/v1/pages", &json!({"chain": "wbe"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(told["detail"].as_str().is_some_and(|detail| detail.contains("there is web")), "{told}");
    let mut refused = None;
    for _ in 0..40 {
        let (status, told) = server.post("/api/v1/pages", &json!({"chain": "web"})).await;
        if status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(told);
            break;
        }
    }
    let told = refused.expect("it ends somewhere");
    assert!(told["detail"].as_str().is_some_and(|detail| detail.contains("call by telephone")), "{told}");
}
