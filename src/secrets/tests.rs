//! Facts about providers. The vault here is a small process of the test that speaks the documented HTTP API: token check,
//! namespaces, both versions of KV, signing in, and the ways in which it fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{NamedSecrets, Recorder, SecretError, SecretUse, Variables, Why, log_recorder, variable_names};
use crate::config::{Allowed, Config, parse};
use crate::inventory::Base;
use crate::inventory::target::{Expect, Target, Via};
use crate::outgoing::Outgoing;
use crate::redact::SecretText;
use crate::run::event::Actor;

const SECRET: &str = "hunter2-of-the-vault";
const TOKEN: &str = "s.root-of-the-test";

/// One request, as it came.
#[derive(Debug, Clone)]
struct Came {
    line: String,
    headers: BTreeMap<String, String>,
    body: String,
}

struct TestVault {
    address: String,
    came: Arc<Mutex<Vec<Came>>>,
}

impl TestVault {
    /// `sealed` answers as a sealed vault does.
    async fn start(sealed: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback is there");
        let address = format!("http://{}", listener.local_addr().expect("it is bound"));
        let came = Arc::new(Mutex::new(Vec::new()));
        let noted = came.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, noted.clone(), sealed));
            }
        });
        Self { address, came }
    }

    fn lines(&self) -> Vec<String> {
        self.came.lock().expect("no panic").iter().map(|came| came.line.clone()).collect()
    }
}

async fn serve(stream: TcpStream, noted: Arc<Mutex<Vec<Came>>>, sealed: bool) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|count| *count > 0)?;
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).await.ok()?;
            let Some((name, value)) = header.trim_end().split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
        let came = Came { line, headers, body: String::from_utf8(body).ok()? };
        noted.lock().expect("no panic").push(came.clone());
        let (status, answer) = if sealed { (503, json!({"errors": ["Vault is sealed"]})) } else { answer(&came) };
        let text = answer.to_string();
        let head =
            format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", text.len());
        stream.write_all(format!("{head}{text}").as_bytes()).await.ok()?;
    }
}

fn answer(came: &Came) -> (u16, Value) {
    let denied = (403, json!({"errors": [format!("permission denied: {SECRET}")]}));
    let signed_in = json!({"auth": {"client_token": "s.of-a-role", "lease_duration": 60}});
    match came.line.as_str() {
        "POST /v1/auth/approle/login" | "POST /v1/auth/k8s/login" => {
            let body: Value = serde_json::from_str(&came.body).unwrap_or_default();
            let good = body["secret_id"] == "the-secret-id" || body["jwt"] == "the-jwt";
            return if good { (200, signed_in) } else { (400, json!({"errors": ["invalid role or secret ID"]})) };
        }
        "POST /v1/auth/token/revoke-self" => return (204, Value::Null),
        _ => {}
    }
    if !came.headers.get("x-vault-token").is_some_and(|token| [TOKEN, "s.of-a-role"].contains(&token.as_str())) {
        return denied;
    }
    if came.headers.get("x-vault-namespace").is_some_and(|namespace| namespace != "ops/web") {
        return (404, json!({"errors": []}));
    }
    let mount =
        |path: &str, version: Option<&str>| (200, json!({"data": {"path": path, "options": {"version": version}}}));
    let fields = json!({"password": SECRET, "port": 5432, "many": [1], "empty": "", "lines": "a\nb\n"});
    match came.line.as_str() {
        line if line.starts_with("GET /v1/sys/internal/ui/mounts/kv/") => mount("kv/", Some("2")),
        line if line.starts_with("GET /v1/sys/internal/ui/mounts/team/kv/") => mount("team/kv/", Some("2")),
        line if line.starts_with("GET /v1/sys/internal/ui/mounts/old/") => mount("old/", None),
        line if line.starts_with("GET /v1/sys/internal/ui/mounts/denied/") => denied,
        "GET /v1/kv/data/web/db" | "GET /v1/team/kv/data/db" => {
            (200, json!({"data": {"data": fields, "metadata": {}}}))
        }
        "GET /v1/kv/data/gone" => (200, json!({"data": {"data": null, "metadata": {"deletion_time": "x"}}})),
        "GET /v1/old/web/db" | "GET /v1/ancient/db" => (200, json!({"data": fields, "lease_duration": 2_764_800})),
        "GET /v1/kv/data/moved" => (307, Value::Null),
        "GET /v1/kv/data/busy" => (500, json!({"errors": [SECRET]})),
        _ => (404, json!({"errors": []})),
    }
}

fn config(text: &str, folder: &std::path::Path) -> Config {
    let parsed = parse("server.yaml", text.as_bytes(), &Base { folder: folder.to_owned(), home: None });
    assert_eq!(parsed.diagnostics, []);
    parsed.config.expect("nothing is wrong")
}

fn variables(pairs: &[(&str, &str)]) -> Variables {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), SecretText::new((*value).to_owned()))).collect()
}

fn named(text: &str, variables: Variables, recorder: Recorder) -> NamedSecrets {
    let config = config(text, &PathBuf::from("/"));
    let outgoing = Outgoing::new(vec![Allowed::Network("127.0.0.1".parse().expect("an address"))]);
    NamedSecrets::new(&config, variables, &outgoing, recorder).expect("there is nothing to read")
}

fn target(role: &str) -> Target {
    Target {
        name: "db-1".parse().expect("a name"),
        labels: [("role".to_owned(), role.to_owned())].into_iter().collect(),
        via: Via::Local,
        expect: Expect::default(),
    }
}

fn a_use(secret: &str) -> SecretUse {
    SecretUse {
        secret: secret.parse().expect("a name"),
        input: "password".parse().expect("a name"),
        run: crate::id::RunId(uuid::Uuid::nil()),
        runbook: "web/restart".parse().expect("a path"),
        step: "restart".parse().expect("an id"),
        host: "db-1".parse().expect("a name"),
        attempt: crate::id::AttemptId(uuid::Uuid::nil()),
        why: Why::Command,
        by: Actor("user:anna".to_owned()),
    }
}

async fn fetched(secrets: &NamedSecrets, name: &str) -> Result<String, SecretError> {
    secrets.fetch(a_use(name), &target("db")).await.map(|value| value.expose().to_owned())
}

async fn of_vault(vault: &TestVault, login: &str, path: &str, field: &str) -> Result<String, String> {
    let text = format!(
        "steadyhand: 1\nvault: {{address: '{}', namespace: ops/web, {login}}}\n\
         secrets: {{x: {{vault: {{path: {path}, field: {field}}}}}}}\n",
        vault.address
    );
    let variables = variables(&[("T", TOKEN), ("S", "the-secret-id"), ("W", "wrong")]);
    let secrets = named(&text, variables, log_recorder());
    let told = fetched(&secrets, "x").await.map_err(|error| format!("{error} {error:?}"));
    if let Err(told) = &told {
        for secret in [SECRET, TOKEN, "the-secret-id", "s.of-a-role"] {
            assert!(!told.contains(secret), "{told}");
        }
    }
    told
}

#[tokio::test]
async fn a_vault_gives_fields_of_both_versions_of_kv_wherever_they_are_mounted() {
    let vault = TestVault::start(false).await;
    for path in ["kv/web/db", "team/kv/db", "old/web/db", "ancient/db"] {
        assert_eq!(of_vault(&vault, "token: {env: T}", path, "password").await.as_deref(), Ok(SECRET), "{path}");
    }
    assert_eq!(of_vault(&vault, "token: {env: T}", "kv/web/db", "port").await.as_deref(), Ok("5432"));
    assert_eq!(of_vault(&vault, "token: {env: T}", "kv/web/db", "lines").await.as_deref(), Ok("a\nb"));
    let came = vault.came.lock().expect("no panic");
    assert!(came.iter().all(|came| came.headers.get("x-vault-namespace").map(String::as_str) == Some("ops/web")));
    assert!(came.iter().all(|came| came.headers.get("x-vault-request").map(String::as_str) == Some("true")));
    assert!(came.iter().all(|came| !came.line.contains(TOKEN)), "a token stands in no address");
}

#[tokio::test]
async fn what_goes_wrong_at_a_vault_is_told_with_a_next_step_and_without_a_value() {
    let vault = TestVault::start(false).await;
    for (login, path, field, said) in [
        ("token: {env: W}", "kv/web/db", "password", "403"),
        ("token: {env: T}", "denied/db", "password", "403"),
        ("token: {env: T}", "kv/nowhere", "password", "404"),
        ("token: {env: T}", "kv/gone", "password", "deleted"),
        ("token: {env: T}", "kv/web/db", "pasword", "no field pasword"),
        ("token: {env: T}", "kv/web/db", "many", "not a text"),
        ("token: {env: T}", "kv/web/db", "empty", "empty"),
        ("token: {env: T}", "kv/moved", "password", "leads elsewhere"),
        ("token: {env: T}", "kv/busy", "password", "500"),
        ("token: {env: MISSING}", "kv/web/db", "password", "MISSING is not set"),
        ("approle: {role_id: r, secret_id: {env: W}}", "kv/web/db", "password", "400"),
    ] {
        let told = of_vault(&vault, login, path, field).await.expect_err(path);
        assert!(told.contains(said), "{login} {path} {field}: {told}");
    }
    let sealed = TestVault::start(true).await;
    let told = of_vault(&sealed, "token: {env: T}", "kv/web/db", "password").await.expect_err("sealed");
    assert!(told.contains("unseal"), "{told}");
}

#[tokio::test]
async fn signing_in_as_a_role_leaves_no_token_behind() {
    let vault = TestVault::start(false).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("jwt"), "the-jwt\n").expect("it is new");
    let kubernetes = format!("kubernetes: {{mount: k8s, role: r, token: '{}'}}", folder.path().join("jwt").display());
    for login in ["approle: {role_id: r, secret_id: {env: S}}", kubernetes.as_str()] {
        vault.came.lock().expect("no panic").clear();
        assert_eq!(of_vault(&vault, login, "kv/web/db", "password").await.as_deref(), Ok(SECRET), "{login}");
        let lines = vault.lines();
        assert!(lines[0].ends_with("/login") && lines[3] == "POST /v1/auth/token/revoke-self", "{lines:?}");
        // Also when there is nothing to read.
        assert!(of_vault(&vault, login, "kv/nowhere", "password").await.is_err());
        assert_eq!(vault.lines().last().map(String::as_str), Some("POST /v1/auth/token/revoke-self"));
    }
}

#[tokio::test]
async fn a_vault_at_a_private_address_must_be_listed() {
    let vault = TestVault::start(false).await;
    let text = format!(
        "steadyhand: 1\nvault: {{address: '{}', token: {{env: T}}}}\nsecrets: {{x: {{vault: {{path: kv/web/db, field: password}}}}}}\n",
        vault.address
    );
    let config = config(&text, &PathBuf::from("/"));
    let outgoing = Outgoing::new(Vec::new());
    let secrets =
        NamedSecrets::new(&config, variables(&[("T", TOKEN)]), &outgoing, log_recorder()).expect("it is made");
    let told = fetched(&secrets, "x").await.expect_err("it is not listed").to_string();
    assert!(told.contains("outgoing.allow") && vault.lines().is_empty(), "{told}");
}

#[tokio::test]
async fn files_and_programs_give_texts_and_say_why_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("it is new");
    write("good", b"hunter2\r\n");
    write("empty", b" \n");
    write("binary", b"hunter2\xff");
    write("nul", b"hunter2\0");
    write("long", &[b'x'; 65_537]);
    let text = "steadyhand: 1\nsecrets:\n  good: {file: good}\n  empty: {file: empty}\n  binary: {file: binary}\n\
                \x20 nul: {file: nul}\n  long: {file: long}\n  missing: {file: missing}\n  folder: {file: .}\n\
                \x20 said: {command: [sh, -c, 'cat good']}\n  fails: {command: [sh, -c, 'echo hunter2; echo hunter2 >&2; exit 3']}\n\
                \x20 none: {command: [./no-such-program]}\n  endless: {command: [sh, -c, 'yes hunter2']}\n\
                \x20 env: {env: GIVEN}\n  unset: {env: NOT_GIVEN}\n";
    let config = config(text, folder.path());
    assert_eq!(variable_names(&config), ["GIVEN", "NOT_GIVEN"]);
    let outgoing = Outgoing::new(Vec::new());
    let secrets =
        NamedSecrets::new(&config, variables(&[("GIVEN", "hunter2")]), &outgoing, log_recorder()).expect("made");
    for name in ["good", "said", "env"] {
        assert_eq!(fetched(&secrets, name).await.expect(name), "hunter2", "{name}");
    }
    for (name, said) in [
        ("empty", "empty"),
        ("binary", "UTF-8"),
        ("nul", "NUL"),
        ("long", "64 KiB"),
        ("missing", "No such file"),
        ("folder", "not a file"),
        ("fails", "exit status: 3"),
        ("none", "No such file"),
        ("endless", "64 KiB"),
        ("unset", "NOT_GIVEN"),
    ] {
        let error = fetched(&secrets, name).await.expect_err(name);
        let told = format!("{error} {error:?}");
        assert!(told.contains(said) && !told.contains("hunter2"), "{name}: {told}");
    }
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_ended_with_what_it_started() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text =
        "steadyhand: 1\nsecrets: {slow: {command: [sh, -c, 'sleep 600 & echo $! >pid; wait'], timeout: 500ms}}\n";
    let config = config(text, folder.path());
    let secrets =
        NamedSecrets::new(&config, Variables::new(), &Outgoing::new(Vec::new()), log_recorder()).expect("it is made");
    let begun = tokio::time::Instant::now();
    assert!(fetched(&secrets, "slow").await.expect_err("it is slow").to_string().contains("longer than"));
    assert!(begun.elapsed() < Duration::from_secs(60));
    let pid = fs::read_to_string(folder.path().join("pid")).expect("it began");
    let ended = || match fs::read_to_string(format!("/proc/{}/stat", pid.trim())) {
        Ok(stat) => stat.contains(") Z "),
        Err(_) => true,
    };
    for _ in 0..1000 {
        if ended() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("what it started goes on");
}

#[tokio::test]
async fn a_secret_is_only_for_the_runbooks_and_hosts_that_it_is_limited_to() {
    let text = "steadyhand: 1\nsecrets:\n  web: {env: V, runbooks: [web/**]}\n  db: {env: V, runbooks: [db/*]}\n\
                \x20 hosts: {env: V, hosts: role=db}\n  other: {env: V, hosts: role=web}\n";
    let secrets = named(text, variables(&[("V", "hunter2")]), log_recorder());
    assert!(fetched(&secrets, "web").await.is_ok() && fetched(&secrets, "hosts").await.is_ok());
    for name in ["db", "other", "unknown"] {
        let error = fetched(&secrets, name).await.expect_err(name);
        assert!(matches!(error, SecretError::NotAllowed(_)), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_use_that_cannot_be_recorded_does_not_happen() {
    let noted = Arc::new(Mutex::new(Vec::new()));
    let (kept, text) = (noted.clone(), "steadyhand: 1\nsecrets: {a: {env: V}}\n");
    let recorder: Recorder = Arc::new(move |used| {
        let mut kept = kept.lock().expect("no panic");
        kept.push(used);
        let full = kept.len() > 1;
        Box::pin(async move { if full { Err("the disk is full".to_owned()) } else { Ok(()) } })
    });
    let secrets = named(text, variables(&[("V", "hunter2")]), recorder);
    assert!(fetched(&secrets, "a").await.is_ok());
    let told = fetched(&secrets, "a").await.expect_err("it is not recorded").to_string();
    assert!(told.contains("the disk is full") && !told.contains("hunter2"), "{told}");
    assert_eq!(noted.lock().expect("no panic")[0], a_use("a"));
}
