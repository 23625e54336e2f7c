//! A server of this process for one test: its own folder, port, runbooks and clock.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, Response, StatusCode, redirect};
use serde_json::{Value, json};
use steadyhand::access::password::Password;
use steadyhand::access::secret::{self, Door};
use steadyhand::clock::{Clock, System};
use steadyhand::engine::{Engine, Parts};
use steadyhand::entropy;
use steadyhand::library::Library;
use steadyhand::store::access::{Began, NewApiToken, NewLoginLink};
use steadyhand::store::people::{NewPerson, Source};
use steadyhand::store::{DatabaseUrl, Store};
use steadyhand::transport::recorded::Recorded;
use steadyhand::transport::router::Router;
use steadyhand::web::{Web, WebOptions, serve};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long anything that a test waits for may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

const INVENTORY: &str = "\
steadyhand: 1
hosts:
  web-1: {transport: local, labels: {role: web}}
  web-2: {transport: local, labels: {role: web}}
  db-1: {transport: local, labels: {role: db, env: prod}}
";

/// A runbook with one of most things.
const TOUR: &str = r#"
steadyhand: 1
name: A tour
summary: Reads, asks, and writes a file in a folder of the test. About a minute.
owner: team:web
review_by: 2099-01-01
tags: [tour]
inputs:
  folder: {description: Where to write, type: string}
  note: {description: What to write, type: string, default: nothing}
hosts: {select: "role in (web, db)"}
steps:
  - id: look
    name: Look around
    check: printf 'first line\n\033[31mred\033[0m <script>alert(1)</script>\n' && echo oops >&2
    capture: {seen: {line: last}}
  - id: write
    name: Write the note
    run: printf '%s' "$note" > "$folder/$host"
    verify: {check: 'test -e "$folder/$host"', every: 1s, for: 5s}
  - id: judge
    name: Say how it looks
    manual: Look at it.
    ask: {looks: {description: How it looks, type: choice, options: [well, badly]}}
    expect: looks == "well"
"#;

/// A runbook of one step that takes its time.
const LONG: &str = r#"
steadyhand: 1
name: A long one
summary: Prints lines for minutes. About five minutes.
owner: team:web
review_by: 2099-01-01
inputs:
  lines: {description: How many lines, type: integer, default: 5}
  secret: {description: Something to hide, type: secret, required: false}
hosts: {select: role=web}
steps:
  - id: talk
    name: Print lines
    check: 'i=0; while [ "$i" -lt "$lines" ]; do i=$((i+1)); echo "line $i"; done; echo "hidden $secret"; sleep "$hold"'
    env: {hold: "0"}
  - id: hold
    name: Wait for long
    run: echo held && sleep 300
    undo: none
"#;

const BROKEN: &str = "steadyhand: 1\nname: Broken\nsumary: A misspelt field\nsteps: []\n";

pub struct Server {
    pub address: SocketAddr,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    /// `shtoken_…` of a token that may do everything.
    pub token: String,
    pub folder: TempDir,
    pub web: Web,
    pub engine: Engine,
    stopping: CancellationToken,
    client: reqwest::Client,
    silent: reqwest::Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(WebOptions::default()).await
    }

    pub async fn start_with(options: WebOptions) -> Self {
        Self::start_over(options, |_| {}).await
    }

    /// The same over a repository that `prepare` has been at.
    pub async fn start_over(options: WebOptions, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let runbooks = folder.path().join("repository/runbooks");
        std::fs::create_dir_all(runbooks.join("db")).expect("a folder can be made");
        std::fs::create_dir_all(runbooks.join("web")).expect("a folder can be made");
        std::fs::create_dir_all(folder.path().join("written")).expect("a folder can be made");
        std::fs::write(folder.path().join("repository/inventory.yaml"), INVENTORY).expect("a file can be written");
        for (name, text) in [("web/tour", TOUR), ("db/tour", TOUR), ("web/long", LONG), ("broken", BROKEN)] {
            std::fs::write(runbooks.join(format!("{name}.yaml")), text).expect("a file can be written");
        }
        prepare(&folder.path().join("repository"));
        let data = folder.path().join("data");
        let store = Store::open(&DatabaseUrl::in_data_dir(&data), &data).await.expect("the store opens");
        let clock: Arc<dyn Clock> = Arc::new(System::start());
        let library = Library::open(&folder.path().join("repository")).await.expect("the library opens");
        // ssh's control sockets need a short path.
        let transport = Router::new(&folder.path().join("ssh"), Recorded::new()).expect("the folder can be made");
        let parts = Parts {
            store: store.clone(),
            library,
            transport: Arc::new(transport),
            clock: clock.clone(),
            secrets: Arc::new(steadyhand::secrets::NamedSecrets::none()),
            lock: None,
        };
        let engine = Engine::new(parts);
        let stopping = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("the listener has an address");
        let web = Web::new(engine.clone(), clock.clone(), options);
        tokio::spawn(serve(listener, web.clone(), None, stopping.clone()));
        let token = make_token(&store, clock.wall_ms(), None).await;
        Self {
            address,
            store,
            clock,
            token,
            folder,
            web,
            engine,
            stopping,
            client: client(),
            silent: builder().build().expect("a client can be made"),
        }
    }

    /// Another engine over the same data and runbooks, as after a restart. It takes up no runs.
    pub async fn restarted_engine(&self) -> Engine {
        let library = Library::open(&self.folder.path().join("repository")).await.expect("the library opens");
        let (store, clock) = (self.store.clone(), self.clock.clone());
        Engine::new(Parts {
            store,
            library,
            transport: Arc::new(Recorded::new()),
            clock,
            secrets: Arc::new(steadyhand::secrets::NamedSecrets::none()),
            lock: None,
        })
    }

    /// Puts an `access.yaml` into the repository. Requests heed it within a second, starts at once.
    pub fn grant(&self, text: &str) {
        std::fs::write(self.folder.path().join("repository/access.yaml"), text).expect("a file can be written");
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where the tour writes.
    pub fn written(&self) -> String {
        self.folder.path().join("written").to_str().expect("temporary paths are UTF-8").to_owned()
    }

    /// A client that does not say where its requests come from.
    pub fn silent(&self) -> &reqwest::Client {
        &self.silent
    }

    /// A request without any credentials.
    pub fn bare(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// A request with the token.
    pub fn asked(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.bare(method, path).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.asked(Method::GET, path).send().await.expect("the server answers")
    }

    pub async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.expect("a page is text")
    }

    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("the answer is JSON")
    }

    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let answer = self.asked(Method::POST, path).json(body).send().await.expect("the server answers");
        let status = answer.status();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = "application/x-www-form-urlencoded";
        let request = self.asked(Method::POST, path).header("content-type", kind).body(body);
        request.send().await.expect("the server answers")
    }

    /// Starts the tour on `hosts` and waits until it asks for the second step.
    pub async fn tour(&self, hosts: &[&str]) -> String {
        let body =
            json!({"runbook": "web/tour", "inputs": {"folder": self.written(), "note": "hello"}, "hosts": hosts});
        let (status, started) = self.post("/api/v1/runs", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{started}");
        let run = started["id"].as_str().expect("a run has an id").to_owned();
        self.until(&run, |view| view["waiting"]["for"] == "confirm").await;
        run
    }

    /// The run as soon as `ready` holds.
    pub async fn until(&self, run: &str, ready: impl Fn(&Value) -> bool) -> Value {
        let began = tokio::time::Instant::now();
        loop {
            let view = self.json(&format!("/api/v1/runs/{run}")).await;
            if ready(&view) {
                return view;
            }
            assert!(began.elapsed() < PATIENCE, "it did not come to this in time: {view:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The cookie of a fresh session that may do everything.
    pub async fn session(&self) -> String {
        self.session_of_link(&self.login_link().await).await
    }

    /// The cookie of the session that a login link begins.
    pub async fn session_of_link(&self, link: &str) -> String {
        let answer = self.send(Method::POST, "/login", "", &[("token", link)]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        cookie(&answer).expect("a session is given")
    }

    /// A break-glass link of somebody who has no account.
    pub async fn login_link(&self) -> String {
        self.login_link_of("anna", None, Began::BreakGlass).await
    }

    pub async fn login_link_of(&self, name: &str, person: Option<Uuid>, began: Began) -> String {
        let text = secret::text(Door::Login, entropy::fresh_token());
        let now_ms = self.clock.wall_ms();
        let link = NewLoginLink {
            token_hash: secret::hash(Door::Login, &text).expect("it has the form of its door"),
            actor: format!("user:{name}"),
            person,
            began,
            created_at_ms: now_ms,
            expires_at_ms: now_ms + 60_000,
        };
        self.store.create_login_link(&link).await.expect("it is stored");
        text
    }

    /// Makes an account of this server.
    pub async fn person(&self, name: &str, password: Option<&str>) -> Uuid {
        let now_ms = self.clock.wall_ms();
        let person = NewPerson {
            id: entropy::fresh_uuid(now_ms),
            name: name.to_owned(),
            display_name: name.to_uppercase(),
            email: None,
            password_hash: password.map(|password| Password::typed(password).hash(entropy::fresh_token())),
            source: Source::Local,
            groups: Vec::new(),
            created_at_ms: now_ms,
        };
        assert!(self.store.create_person(&person, "command-line").await.expect("it is stored"), "the name is free");
        person.id
    }

    /// A request of a browser with these cookies; a form is posted as one.
    pub async fn send(&self, method: Method, path: &str, cookies: &str, fields: &[(&str, &str)]) -> Response {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = self.bare(method, path).header("content-type", "application/x-www-form-urlencoded");
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        request.body(body).send().await.expect("the server answers")
    }
}

/// A token that may do everything until `expires_at_ms`.
pub async fn make_token(store: &Store, now_ms: i64, expires_at_ms: Option<i64>) -> String {
    let text = secret::text(Door::Api, entropy::fresh_token());
    let token = NewApiToken {
        id: entropy::fresh_uuid(now_ms),
        name: "test".to_owned(),
        token_hash: secret::hash(Door::Api, &text).expect("it has the form of its door"),
        actor: "token:test".to_owned(),
        owner: None,
        scopes: r#"{"v":1,"all":true}"#.to_owned(),
        created_at_ms: now_ms,
        expires_at_ms,
    };
    assert!(store.create_api_token(&token, "command-line").await.expect("it is stored"));
    text
}

/// It says what a browser says for the server's own pages, where a test does not say something else.
fn client() -> reqwest::Client {
    let own = [("sec-fetch-site".parse().expect("a name"), "same-origin".parse().expect("a value"))];
    builder().default_headers(own.into_iter().collect()).build().expect("a client can be made")
}

/// Follows no redirect, so that tests see each answer.
fn builder() -> reqwest::ClientBuilder {
    // Another test of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy()
}

/// `name=value` of the cookie that an answer sets.
pub fn cookie(answer: &Response) -> Option<String> {
    let set = answer.headers().get("set-cookie")?.to_str().expect("cookies are ASCII");
    Some(set.split(';').next().expect("a split has a first part").to_owned())
}
