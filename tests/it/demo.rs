//! `steadyhand demo`, through the real program: it starts, its hosts can be worked on, and nothing is left of it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sshd::kill;

/// How long anything that a test waits for may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A demo whose temporary folder is the test's own, so that tests do not sweep each other's.
struct Demo {
    child: Child,
    said: String,
}

impl Demo {
    /// Starts it and waits for its welcome.
    fn start(above: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_steadyhand"))
            .args(["demo", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("TMPDIR", above)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().expect("it was asked for"));
        while !said.contains("Ctrl-C ends it") {
            let read = lines.read_line(&mut said).expect("it speaks UTF-8");
            assert_ne!(read, 0, "it ended before its welcome:\n{said}");
        }
        Self { child, said }
    }

    fn link(&self) -> &str {
        self.said.split_whitespace().find(|word| word.contains("/login?token=")).expect("it prints a login link")
    }

    fn base(&self) -> &str {
        self.link().split("/login").next().expect("a split has a first part")
    }

    fn signal(&self, name: &str) {
        kill(self.child.id(), name);
    }

    fn end(&mut self) -> Option<i32> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }
}

impl Drop for Demo {
    /// A test that failed leaves no server behind either: only an ended demo cleans up.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal("TERM");
            let _ = self.child.wait();
        }
    }
}

fn temporary() -> TempDir {
    // Short: sockets of ssh connections lie below it.
    tempfile::Builder::new().prefix("d-").tempdir().expect("a temporary directory")
}

/// The folders of demos there.
fn left_in(above: &Path) -> Vec<PathBuf> {
    fs::read_dir(above).expect("it can be listed").map(|entry| entry.expect("it can be read").path()).collect()
}

/// Living processes that name the folder in their arguments or live below it.
fn processes_of(folder: &Path) -> Vec<String> {
    let folder = format!("{}/", folder.display());
    let entries = fs::read_dir("/proc").expect("this is Linux").flatten();
    entries
        .filter_map(|entry| {
            let read = |file: &str| {
                String::from_utf8_lossy(&fs::read(entry.path().join(file)).unwrap_or_default()).replace('\0', " ")
            };
            let arguments = read("cmdline");
            let lives_there = read("environ").contains(&format!("HOME={folder}"));
            (lives_there || arguments.contains(&folder)).then_some(arguments)
        })
        .collect()
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn client() -> Client {
    // Another test of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(redirect::Policy::none()).no_proxy().build().expect("a client can be made")
}

/// Logs in by the demo's link and returns the cookie.
async fn log_in(demo: &Demo, client: &Client) -> String {
    assert_eq!(client.get(demo.link()).send().await.expect("it answers").status(), StatusCode::OK);
    let (login, token) = demo.link().split_once('?').expect("the link has a token");
    let kind = "application/x-www-form-urlencoded";
    let answer = client.post(login).header("content-type", kind).body(token.to_owned()).send().await;
    let answer = answer.expect("it answers");
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let cookie = answer.headers()["set-cookie"].to_str().expect("cookies are ASCII");
    cookie.split(';').next().expect("a split has a first part").to_owned()
}

async fn run_view(demo: &Demo, client: &Client, cookie: &str, run: &str) -> Value {
    let url = format!("{}/api/v1/runs/{run}", demo.base());
    client.get(url).header("cookie", cookie).send().await.expect("it answers").json().await.expect("it is JSON")
}

/// Starts a triage on the three hosts, and returns the run once it asks a person.
async fn triage(demo: &Demo) -> Value {
    let client = client();
    let cookie = log_in(demo, &client).await;
    let hosts = ["web-1", "web-2", "db-1"];
    let request =
        client.post(format!("{}/api/v1/runs", demo.base())).header("cookie", &cookie).header("origin", demo.base());
    let answer = request.json(&json!({"runbook": "host/slow", "hosts": hosts})).send().await.expect("it answers");
    let started: Value = answer.json().await.expect("it is JSON");
    let run = started["id"].as_str().unwrap_or_else(|| panic!("a run has an id: {started}")).to_owned();
    let begin = Instant::now();
    loop {
        let view = run_view(demo, &client, &cookie, &run).await;
        if !view["waiting"]["for"].is_null() {
            return view;
        }
        assert!(begin.elapsed() < PATIENCE, "the run does not come to its question: {view:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_demo_runs_an_example_on_three_ssh_hosts_and_leaves_nothing_when_it_is_ended() {
    let above = temporary();
    let mut demo = Demo::start(above.path(), &[]);
    assert!(demo.said.contains("three SSH servers"), "{}", demo.said);
    let folder = left_in(above.path()).pop().expect("it has a folder");
    assert_eq!(fs::metadata(&folder).expect("it is there").permissions().mode() & 0o777, 0o700);
    let view = triage(&demo).await;
    assert_eq!(view["waiting"]["for"], "answer", "{view:#}");
    // Three servers, and two services a host.
    assert!(processes_of(&folder).len() >= 9, "{:?}", processes_of(&folder));
    demo.signal("TERM");
    assert_eq!(demo.end(), Some(0));
    assert_eq!(processes_of(&folder), Vec::<String>::new());
    assert_eq!(left_in(above.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn local_hosts_have_homes_of_their_own_and_are_run_on_as_well() {
    let above = temporary();
    let mut demo = Demo::start(above.path(), &["--local"]);
    assert!(demo.said.contains("this machine itself, without SSH (--local asks for it)"), "{}", demo.said);
    let folder = left_in(above.path()).pop().expect("it has a folder");
    triage(&demo).await;
    for host in ["web-1", "web-2", "db-1"] {
        assert!(folder.join("homes").join(host).join(".local/state/steadyhand").is_dir(), "{host} has its own state");
    }
    demo.signal("INT");
    assert_eq!(demo.end(), Some(0));
    assert_eq!((processes_of(&folder), left_in(above.path())), (vec![], vec![]));
}

#[test]
fn what_a_killed_demo_left_is_removed_by_the_next_one_and_a_living_one_is_not() {
    let above = temporary();
    let mut killed = Demo::start(above.path(), &[]);
    let folder = left_in(above.path()).pop().expect("it has a folder");
    killed.signal("KILL");
    killed.end();
    assert!(folder.is_dir() && !processes_of(&folder).is_empty(), "what was killed could not clean up");
    let first = Demo::start(above.path(), &["--local"]);
    assert!(first.said.contains("Removed what a killed demo had left"), "{}", first.said);
    assert_eq!((folder.exists(), processes_of(&folder)), (false, vec![]));
    let mut second = Demo::start(above.path(), &["--local"]);
    assert!(!second.said.contains("Removed"), "{}", second.said);
    assert_eq!(left_in(above.path()).len(), 2);
    second.signal("TERM");
    assert_eq!((second.end(), left_in(above.path()).len()), (Some(0), 1));
    let mut first = first;
    first.signal("HUP");
    assert_eq!((first.end(), left_in(above.path()).len()), (Some(0), 0));
}

#[test]
fn a_demo_that_is_ended_while_it_starts_leaves_nothing() {
    let above = temporary();
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadyhand"));
    command.args(["demo", "--listen", "127.0.0.1:0"]).env("TMPDIR", above.path()).stdout(Stdio::null());
    let mut demo = Demo { child: command.spawn().expect("the program starts"), said: String::new() };
    wait_until("it makes its folder", || !left_in(above.path()).is_empty());
    demo.signal("INT");
    assert_eq!(demo.end(), Some(0));
    assert_eq!(left_in(above.path()), Vec::<PathBuf>::new());
}
