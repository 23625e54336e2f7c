//! A secret input leaves no trace: not in the server's data, not on the host, not in lists of processes, logs or
//! output; and a server that has lost it asks for it again.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use steadyhand::run::action::Action;
use steadyhand::run::outcome::Stream;
use steadyhand::run::view::{CellStateName, Need, RunStateName};

use super::world::{ANNA, Start, World, cell};

const TOP: &str = "hosts: {select: test=yes}\ninputs: {token: {description: A token, type: secret}}\n";

/// Prints the secret in the forms that tools print, and waits in between.
const STEPS: &str = "
  - id: print
    name: Print it
    run: |
      echo plain $token; printf %s \"$token\" | base64; printf %s \"x$token\" | base64
      printf %s \"$token\" | od -An -v -tx1 | tr -d ' \\n'; echo; echo error $token >&2
      touch begun; while [ ! -e go ]; do sleep 0.02; done
      printf %s \"$token\" | sha256sum | cut -c1-64 >sum
";

pub fn fresh_secret() -> String {
    format!("hunter2-{}", uuid::Uuid::new_v4())
}

/// What `program` makes of a text.
pub fn filtered(program: &str, text: &str) -> String {
    let mut child = Command::new("sh")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh starts");
    child.stdin.take().expect("it was asked for").write_all(text.as_bytes()).expect("it reads");
    String::from_utf8(child.wait_with_output().expect("it ends").stdout).expect("text").trim().to_owned()
}

pub fn forms(secret: &str) -> Vec<String> {
    let base64 = filtered("base64 -w 0", secret);
    let hex = filtered("od -An -v -tx1 | tr -d ' \\n'", secret);
    vec![secret.to_owned(), base64.trim_end_matches('=').to_owned(), hex]
}

/// Files below a folder that hold one of the texts.
pub fn files_with(folder: &Path, texts: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, texts));
        } else if let Ok(bytes) = fs::read(&path) {
            found.extend(texts.iter().filter(|text| holds(&bytes, text)).map(|text| format!("{text} in {path:?}")));
        }
    }
    found
}

pub fn holds(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

/// Processes whose arguments hold the text.
pub fn processes_with(text: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("Linux").flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| holds(line, text)).map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
}

/// Keeps everything that is logged while the test runs.
#[derive(Clone, Default)]
pub struct Kept(pub Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub fn wait_for(path: &Path) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !path.exists() {
        assert!(Instant::now() < deadline, "{path:?} does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_secret_input_is_nowhere_while_it_is_used_and_afterwards() {
    let log = Kept::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    // Another test of this process may have been first; then its log is looked at elsewhere.
    let is_logging = tracing::subscriber::set_global_default(subscriber).is_ok();
    let secret = fresh_secret();
    let forms = forms(&secret);
    let world = World::with_hosts(&["web-1"]);
    let start = Start::of(&world, &world.runbook_with("secrets", TOP, STEPS)).secret("token", &secret);
    let run = world.start(start);
    let home = world.hosts[0].home();
    wait_for(&home.join("begun"));
    world.until(run, "its output is stored", |_| {
        let stored = world.stored(run, "print", "web-1", Stream::Stdout);
        stored.iter().filter(|byte| **byte == b'\n').count() >= 3
    });
    let sum = filtered("sha256sum | cut -c1-64", &secret);
    for pass in ["while it runs", "afterwards"] {
        let mut found = files_with(world.data(), &forms);
        found.extend(files_with(&world.repo(), &forms));
        let kept_output = |line: &String| line.contains(".out") || line.contains(".err");
        let on_host = files_with(&home.join(".local"), &forms);
        // What the command itself prints lies on its host until it is stored.
        found.extend(on_host.into_iter().filter(|line| pass == "afterwards" || !kept_output(line)));
        found.extend(forms.iter().flat_map(|form| processes_with(form)));
        assert!(found.is_empty(), "{pass}: {found:#?}");
        if pass == "while it runs" {
            fs::write(home.join("go"), "").expect("the host is ours");
            world.succeeds(run);
            let deadline = Instant::now() + Duration::from_secs(30);
            while !files_with(&home.join(".local"), &forms).is_empty() {
                assert!(Instant::now() < deadline, "the host keeps the output for ever");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    assert_eq!(world.file_on("web-1", "sum").trim(), sum, "the command had the secret itself");
    for stream in [Stream::Stdout, Stream::Stderr] {
        let stored = world.stored(run, "print", "web-1", stream);
        assert!(!forms.iter().any(|form| holds(&stored, form)), "{}", String::from_utf8_lossy(&stored));
    }
    let stdout = world.stdout(run, "print", "web-1");
    assert!(stdout.starts_with("plain ") && stdout.lines().count() == 4, "{stdout}");
    let events = format!("{:?} {:?}", world.events(run), world.view(run));
    assert!(!forms.iter().any(|form| holds(events.as_bytes(), form)));
    let log = log.0.lock().expect("no panic");
    assert!(!is_logging || !log.is_empty(), "nothing was logged");
    assert!(!forms.iter().any(|form| holds(&log, form)), "it was logged");
}

#[test]
fn after_a_restart_a_run_with_secrets_asks_for_them_and_goes_on() {
    let mut world = World::with_hosts(&["web-1"]);
    let secret = fresh_secret();
    let steps = format!(
        "{STEPS}  - {{id: again, name: Use it, run: 'printf %s \"$token\" | sha256sum >again; echo $token'}}\n"
    );
    let start = Start::of(&world, &world.runbook_with("secrets", TOP, &steps)).secret("token", &secret);
    let run = world.start(start);
    let home = world.hosts[0].home();
    wait_for(&home.join("begun"));
    world.restart();
    fs::write(home.join("go"), "").expect("the host is ours");
    let (view, need) = world.waits(run);
    assert_eq!(need, Need::Secrets { names: vec!["token".to_owned()] });
    assert!(cell(&view, "again", "web-1").attempts.is_empty());
    let refused = world.try_act(run, ANNA, Action::SupplySecrets, &[]).expect_err("it is missing");
    assert!(refused.to_string().contains("token"), "{refused}");
    world.try_act(run, ANNA, Action::SupplySecrets, &[("token", &secret)]).expect("it is supplied");
    let view = world.succeeds(run);
    assert_eq!(cell(&view, "print", "web-1").state, CellStateName::Succeeded);
    assert_eq!(cell(&view, "print", "web-1").attempts.len(), 1, "it was not run again");
    assert!(world.file_on("web-1", "again").starts_with(&filtered("sha256sum | cut -c1-64", &secret)));
    for step in ["print", "again"] {
        let stored = world.stored(run, step, "web-1", Stream::Stdout);
        assert!(
            !forms(&secret).iter().any(|form| holds(&stored, form)),
            "{step}: {}",
            String::from_utf8_lossy(&stored)
        );
    }
}

#[test]
fn a_run_whose_secrets_are_gone_can_still_be_stopped() {
    let mut world = World::with_hosts(&["web-1"]);
    let secret = fresh_secret();
    let start = Start::of(&world, &world.runbook_with("secrets", TOP, STEPS)).secret("token", &secret);
    let run = world.start(start);
    wait_for(&world.hosts[0].home().join("begun"));
    world.restart();
    world.waits(run);
    world.act(run, Action::Abort { reason: "nobody has the token".to_owned() });
    let view = world.end(run);
    assert_eq!(view.state, RunStateName::Aborted);
    assert_eq!(cell(&view, "print", "web-1").state, CellStateName::Cancelled);
    assert!(!world.hosts[0].home().join("sum").exists());
}

#[test]
fn a_start_without_its_secret_is_refused() {
    let world = World::with_hosts(&["web-1"]);
    let name = world.runbook_with("secrets", TOP, STEPS);
    let refused = world.try_start(Start::of(&world, &name)).expect_err("it is missing");
    assert!(refused.to_string().contains("token"), "{refused}");
    let as_input = Start::of(&world, &name).input("token", "visible");
    assert!(world.try_start(as_input).is_err(), "a secret is not a plain input");
}
