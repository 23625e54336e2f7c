//! The server is killed at random moments while custody passes. Afterwards either all of it has passed, item and wheel,
//! or nothing has; and what had not passed can be taken.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use steadyhand::access::secret::{self, Door};
use steadyhand::audit::verdict::Verdict;
use steadyhand::entropy;
use steadyhand::store::access::NewApiToken;
use steadyhand::store::people::{NewPerson, Source};
use steadyhand::store::{DatabaseUrl, Store};
use tempfile::TempDir;

use super::crash::Dice;
use crate::sshd::free_loopback_address;

/// Deaths while somebody accepts.
const KILLS: usize = 12;

/// An acceptance takes some milliseconds: the moment of death is thrown over a little more.
const LIFE_MAX_MICROS: u64 = 12_000;

const LIMIT: Duration = Duration::from_secs(60);

const ACCESS: &str = "\
steadyhand: 1
grants:
  - {who: user:anna, role: operator}
  - {who: user:ben, role: operator}
";
const INVENTORY: &str = "steadyhand: 1\nhosts:\n  web-1: {transport: local, labels: {role: web}}\n";
const RUNBOOK: &str = "\
steadyhand: 1
name: Look
summary: Waits for a person. A minute.
owner: team:web
review_by: 2099-01-01
hosts: {names: [web-1]}
steps:
  - id: judge
    name: Say how it looks
    manual: Look at it.
";

struct World {
    folder: TempDir,
    base: String,
    address: String,
    child: Option<Child>,
    client: Client,
    anna: String,
    ben: String,
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill();
    }
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = folder.path().join("repository");
        std::fs::create_dir_all(repository.join("runbooks")).expect("a folder");
        for (name, text) in [("access.yaml", ACCESS), ("inventory.yaml", INVENTORY), ("runbooks/look.yaml", RUNBOOK)] {
            std::fs::write(repository.join(name), text).expect("a file");
        }
        let store = open(folder.path()).await;
        let (anna, ben) = (account(&store, "anna").await, account(&store, "ben").await);
        store.close().await;
        let address = free_loopback_address().to_string();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().expect("a client");
        let mut world = Self { folder, base: format!("http://{address}"), address, child: None, client, anna, ben };
        world.spawn().await;
        world
    }

    async fn spawn(&mut self) {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_steadyhand"));
        serve.arg("serve").arg("--repo").arg(self.folder.path().join("repository"));
        serve.arg("--data").arg(self.folder.path().join("data")).args(["--listen", &self.address]);
        let child = serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.child = Some(child.expect("the program starts"));
        let deadline = Instant::now() + LIMIT;
        while self.client.get(format!("{}/readyz", self.base)).send().await.is_err() {
            assert!(Instant::now() < deadline, "it does not come up");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("our child");
            child.wait().expect("our child");
        }
    }

    async fn ask(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.expect("it answers");
        let status = answer.status();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    async fn act(&self, token: &str, id: &str, body: Value) -> Value {
        let (status, said) =
            self.ask(token, Method::POST, &format!("/api/v1/handoffs/{id}/actions"), Some(body.clone())).await;
        assert_eq!(status, StatusCode::OK, "{body}: {said}");
        said
    }

    /// A run of anna that waits, and a handoff of it to ben that is read back. Gives both ids and the digest.
    async fn readied(&self) -> (String, String, Value) {
        let (status, run) = self.ask(&self.anna, Method::POST, "/api/v1/runs", Some(json!({"runbook": "look"}))).await;
        assert_eq!(status, StatusCode::CREATED, "{run}");
        let run = run["id"].as_str().expect("an id").to_owned();
        let path = format!("/api/v1/runs/{run}");
        let deadline = Instant::now() + LIMIT;
        while self.ask(&self.anna, Method::GET, &path, None).await.1["waiting"]["for"] != "answer" {
            assert!(Instant::now() < deadline, "the run does not come to its step");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let (status, begun) = self.ask(&self.anna, Method::POST, "/api/v1/handoffs", Some(json!({"to": "ben"}))).await;
        assert_eq!(status, StatusCode::CREATED, "{begun}");
        let id = begun["id"].as_str().expect("an id").to_owned();
        let overview = json!({"action": "overview", "revision": begun["revision"], "overview": "One look is due."});
        let said = self.act(&self.anna, &id, overview).await;
        let text = json!({"title": "Look", "severity": "stable", "statement": "Somebody has to look.", "severity_basis": "nothing"});
        let said = self
            .act(&self.anna, &id, json!({"action": "item", "revision": said["revision"], "item": "look", "text": text}))
            .await;
        let reasons = json!({"Q3:look": "it only waits for eyes"});
        self.act(&self.anna, &id, json!({"action": "send", "digest": said["digest"], "reasons": reasons})).await;
        self.act(&self.ben, &id, json!({"action": "read-item", "item": "look", "decision": "accept"})).await;
        let said = self.act(&self.ben, &id, json!({"action": "recap", "text": "I go and look."})).await;
        (id, run, said["digest"].clone())
    }

    /// Whether custody has passed, which is asked of item and wheel alike.
    async fn has_passed(&self, id: &str, run: &str) -> bool {
        let (status, view) = self.ask(&self.ben, Method::GET, &format!("/api/v1/handoffs/{id}"), None).await;
        assert_eq!(status, StatusCode::OK, "{view}");
        let (_, seen) = self.ask(&self.ben, Method::GET, &format!("/api/v1/runs/{run}"), None).await;
        let (holder, driver) = (view["items"][0]["holder"].as_str(), seen["driver"].as_str());
        // The driver before is anna by her token.
        let has = (holder == Some("user:ben"), driver == Some("user:ben"), view["phase"] == "acknowledged");
        assert!(has == (true, true, true) || has == (false, false, false), "half of it has passed: {view} {seen}");
        has.0
    }
}

async fn open(folder: &Path) -> Store {
    let data = folder.join("data");
    Store::open(&DatabaseUrl::in_data_dir(&data), &data).await.expect("the store opens")
}

/// An account with a token that may do all that tokens can.
async fn account(store: &Store, name: &str) -> String {
    let id = entropy::fresh_uuid(1);
    let person = NewPerson {
        id,
        name: name.to_owned(),
        display_name: name.to_owned(),
        email: None,
        password_hash: None,
        source: Source::Local,
        groups: Vec::new(),
        created_at_ms: 1,
    };
    assert!(store.create_person(&person, "command-line").await.expect("it is stored"));
    let text = secret::text(Door::Api, entropy::fresh_token());
    let token = NewApiToken {
        id: entropy::fresh_uuid(1),
        name: "tests".to_owned(),
        token_hash: secret::hash(Door::Api, &text).expect("it has the form of its door"),
        actor: format!("user:{name}/tests"),
        owner: Some(id),
        scopes: r#"{"v":1,"all":true}"#.to_owned(),
        created_at_ms: 1,
        expires_at_ms: None,
    };
    assert!(store.create_api_token(&token, "command-line").await.expect("it is stored"));
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_while_custody_passes_has_passed_all_of_it_or_nothing() {
    let mut dice = Dice::thrown();
    let mut world = World::start().await;
    let mut all = Vec::new();
    let mut passed_at_death = 0;
    for _ in 0..KILLS {
        let (id, run, digest) = world.readied().await;
        let accept = world.client.post(format!("{}/api/v1/handoffs/{id}/actions", world.base)).bearer_auth(&world.ben);
        let accept = accept.json(&json!({"action": "accept", "digest": digest})).send();
        let accepting = tokio::spawn(accept);
        tokio::time::sleep(Duration::from_micros(dice.below(LIFE_MAX_MICROS))).await;
        world.kill();
        // Whether it was answered does not matter: what is stored does.
        let _ = accepting.await;
        world.spawn().await;
        if world.has_passed(&id, &run).await {
            passed_at_death += 1;
        } else {
            world.act(&world.ben.clone(), &id, json!({"action": "accept", "digest": digest})).await;
            assert!(world.has_passed(&id, &run).await, "what had not passed can be taken");
        }
        // Whoever has the wheel finishes the run, so that the next handoff is about its own alone.
        let (_, seen) = world.ask(&world.ben, Method::GET, &format!("/api/v1/runs/{run}"), None).await;
        let done = json!({"action": "abort", "reason": "seen", "seq": seen["seq"]});
        world.ask(&world.ben, Method::POST, &format!("/api/v1/runs/{run}/actions"), Some(done)).await;
        all.push((id, run));
    }
    println!("{passed_at_death} of {KILLS} had passed when the server died");
    world.kill();
    let store = open(world.folder.path()).await;
    for (id, run) in all {
        let handoff = store.verify_handoff(id.parse().expect("an id")).await.expect("it is read");
        let log = store.verify(run.parse().expect("an id")).await.expect("it is read");
        assert!(matches!((handoff, log), (Verdict::Intact { .. }, Verdict::Intact { .. })));
    }
    store.close().await;
}
